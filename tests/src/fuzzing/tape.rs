//! The octets of a fuzzer, read as a row of decisions.

/// Decisions not yet taken. At its end a machine has nothing more to decide, so every run ends.
#[derive(Clone, Copy, Debug)]
pub struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    /// All octets are ahead.
    #[must_use]
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The next octet; none at the end.
    pub fn next_octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// The next octet; zero at the end, for arguments of a decision that was taken.
    pub fn octet(&mut self) -> u8 {
        self.next_octet().unwrap_or(0)
    }

    /// Sixteen bits.
    pub fn number(&mut self) -> u16 {
        u16::from_be_bytes([self.octet(), self.octet()])
    }

    /// One of these, which must not be empty.
    ///
    /// # Panics
    /// When there is nothing to choose from.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.octet()) % choices.len()].clone()
    }

    /// Yes or no.
    pub fn flag(&mut self) -> bool {
        self.octet() & 1 == 1
    }

    /// Octets as long as the next octet says.
    pub fn octets(&mut self) -> &'a [u8] {
        let length = usize::from(self.octet()).min(self.0.len());
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    /// A text as long as the next octet says; what is not UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        String::from_utf8_lossy(self.octets()).into_owned()
    }

    /// How much time passes, in milliseconds: mostly little, now and then hours.
    pub fn wait_millis(&mut self) -> u64 {
        const UNITS: [u64; 6] = [1, 50, 500, 4_000, 60_000, 1_200_000];
        let unit = self.pick(&UNITS);
        u64::from(self.octet()) * unit
    }

    /// What is left.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.0
    }
}
