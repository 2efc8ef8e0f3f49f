//! Every limit of this crate's decoders, with its default and the reason for it.

/// What a decoder accepts before it gives up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Octets of one document. Clients announce a ParserSize of 32767 and content of some ten thousand octets; an avatar
    /// or a picture in BASE64 is the largest thing that is seen.
    pub document_bytes_max: usize,
    /// Nested elements. A presence notification is 10 deep.
    pub depth_max: usize,
    /// Elements of one document. A notification for a list of some hundred contacts has some ten thousand.
    pub elements_max: usize,
    /// Attributes of one element. CSP needs one; real clients declare two more namespaces.
    pub attributes_max: usize,
    /// Octets of the text or binary content of one element.
    pub text_bytes_max: usize,
    /// Octets of all texts and contents of one document together, after decoding. A string table lets a small document
    /// repeat a long string; nothing else can make the decoded document larger than some times the sent one.
    pub decoded_bytes_max: usize,
    /// Octets of one element or attribute name, and of one namespace.
    pub name_bytes_max: usize,
    /// Octets of a WBXML string table.
    pub string_table_bytes_max: usize,
}

impl Limits {
    /// The limits for a client that has not logged in: a tenth of all sizes; depth and grammar stay.
    #[must_use]
    pub fn before_login(&self) -> Self {
        Self {
            document_bytes_max: self.document_bytes_max / BEFORE_LOGIN_DIVISOR,
            elements_max: self.elements_max / BEFORE_LOGIN_DIVISOR,
            text_bytes_max: self.text_bytes_max / BEFORE_LOGIN_DIVISOR,
            decoded_bytes_max: self.decoded_bytes_max / BEFORE_LOGIN_DIVISOR,
            string_table_bytes_max: self.string_table_bytes_max / BEFORE_LOGIN_DIVISOR,
            ..self.clone()
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            document_bytes_max: 1 << 20,
            depth_max: 64,
            elements_max: 50_000,
            attributes_max: 16,
            text_bytes_max: 768 << 10,
            decoded_bytes_max: 2 << 20,
            name_bytes_max: 256,
            string_table_bytes_max: 64 << 10,
        }
    }
}

/// Before login everything that costs memory is a tenth.
const BEFORE_LOGIN_DIVISOR: usize = 10;
