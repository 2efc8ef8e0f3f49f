//! The named limits of the message layer.

/// Limits for decoding messages; the configuration overrides the defaults, under the hard ceilings of the types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Whole message, start line to last octet of the body. What a UDP datagram can carry at most; a PIDF of a large
    /// resource list fits. More is answered 513.
    pub message_octets_max: usize,
    /// Header field lines. The longest lists of real networks (Via and Record-Route of every hop) stay below 40.
    pub header_count_max: usize,
    /// One header field, folded lines together. Room for the longest Authorization and Identity values.
    pub header_octets_max: usize,
    /// Start line and header lines together. Bounds what a peer can make a stream hold before it names a length.
    pub head_octets_max: usize,
    /// Request-URI. More is answered 414.
    pub uri_octets_max: usize,
    /// Elements of one comma list over all its header fields (Via, Route, Contact). Bounds work per typed access.
    pub list_items_max: usize,
    /// Parameters of one value or URI. Bounds the quadratic search for duplicates.
    pub parameter_count_max: usize,
}

/// Body that the writer puts behind a head: nothing that the gateway makes comes near, a mistake in the caller does.
pub const BODY_OCTETS_CEILING: usize = 16 * 1024 * 1024;

impl Limits {
    /// The defaults as a constant, for the typed accessors that take no limits of their own.
    pub const DEFAULT: Self = Self {
        message_octets_max: 64 * 1024,
        header_count_max: 128,
        header_octets_max: 8 * 1024,
        head_octets_max: 32 * 1024,
        uri_octets_max: 4 * 1024,
        list_items_max: 128,
        parameter_count_max: 64,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
