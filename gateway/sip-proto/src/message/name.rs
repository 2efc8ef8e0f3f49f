//! Names of header fields.

use super::{scan, text::Text};
use crate::error::ValueError;
use crate::octets;
use bytes::Bytes;
use std::fmt;

macro_rules! names {
    ($($variant:ident $text:literal $compact:literal;)*) => {
        /// The name of a header field; compared without regard to case, the compact form is the same name.
        // RFC 3261 §7.3.3
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum HeaderName {
            $(#[doc = concat!("`", $text, "`.")] $variant,)*
            /// Any other name.
            Other(OtherName),
        }

        impl HeaderName {
            /// The names known here.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            /// The name in its long form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(name) => &name.0,
                }
            }

            /// The place among the names known here.
            #[inline(always)]
            pub(super) const fn place(&self) -> Option<usize> {
                match self {
                    $(Self::$variant => Some(Known::$variant as usize),)*
                    Self::Other(_) => None,
                }
            }

            const LONG: &'static [&'static str] = &[$($text),*];
            const COMPACT: &'static [&'static str] = &[$($compact),*];
        }

        #[derive(Clone, Copy)]
        enum Known {
            $($variant,)*
        }
    };
}

names! {
    Via "Via" "v";
    MaxForwards "Max-Forwards" "";
    From "From" "f";
    To "To" "t";
    CallId "Call-ID" "i";
    CSeq "CSeq" "";
    Contact "Contact" "m";
    Route "Route" "";
    RecordRoute "Record-Route" "";
    Event "Event" "o";
    SubscriptionState "Subscription-State" "";
    Expires "Expires" "";
    MinExpires "Min-Expires" "";
    RetryAfter "Retry-After" "";
    SipETag "SIP-ETag" "";
    SipIfMatch "SIP-If-Match" "";
    SuppressIfMatch "Suppress-If-Match" "";
    Accept "Accept" "";
    AcceptEncoding "Accept-Encoding" "";
    AcceptLanguage "Accept-Language" "";
    Allow "Allow" "";
    AllowEvents "Allow-Events" "u";
    Require "Require" "";
    ProxyRequire "Proxy-Require" "";
    Supported "Supported" "k";
    Unsupported "Unsupported" "";
    ContentType "Content-Type" "c";
    ContentLength "Content-Length" "l";
    ContentEncoding "Content-Encoding" "e";
    ContentDisposition "Content-Disposition" "";
    ContentId "Content-ID" "";
    ContentLanguage "Content-Language" "";
    MimeVersion "MIME-Version" "";
    Date "Date" "";
    Timestamp "Timestamp" "";
    Authorization "Authorization" "";
    WwwAuthenticate "WWW-Authenticate" "";
    ProxyAuthorization "Proxy-Authorization" "";
    ProxyAuthenticate "Proxy-Authenticate" "";
    AuthenticationInfo "Authentication-Info" "";
    PAssertedIdentity "P-Asserted-Identity" "";
    PPreferredIdentity "P-Preferred-Identity" "";
    Privacy "Privacy" "";
    Identity "Identity" "y";
    Path "Path" "";
    ServiceRoute "Service-Route" "";
    ReferTo "Refer-To" "r";
    ReferSub "Refer-Sub" "";
    ReferredBy "Referred-By" "b";
    Replaces "Replaces" "";
    RSeq "RSeq" "";
    RAck "RAck" "";
    SessionExpires "Session-Expires" "x";
    MinSe "Min-SE" "";
    Subject "Subject" "s";
    ReplyTo "Reply-To" "";
    InReplyTo "In-Reply-To" "";
    Organization "Organization" "";
    Priority "Priority" "";
    AlertInfo "Alert-Info" "";
    CallInfo "Call-Info" "";
    ErrorInfo "Error-Info" "";
    Reason "Reason" "";
    Warning "Warning" "";
    Server "Server" "";
    UserAgent "User-Agent" "";
    AcceptContact "Accept-Contact" "a";
    RejectContact "Reject-Contact" "j";
    RequestDisposition "Request-Disposition" "d";
    MaxBreadth "Max-Breadth" "";
    FlowTimer "Flow-Timer" "";
}

/// The name of a header field that is not known here, as it was written.
#[derive(Clone, Debug)]
pub struct OtherName(Text);

impl PartialEq for OtherName {
    fn eq(&self, other: &Self) -> bool {
        self.0.is_like(&other.0)
    }
}

impl Eq for OtherName {}

impl std::hash::Hash for OtherName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for octet in self.0.as_bytes() {
            octet.to_ascii_lowercase().hash(state);
        }
    }
}

impl HeaderName {
    /// Reads a name.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        Self::from_octets(text.as_bytes())
    }

    /// Reads a name where it stands.
    ///
    /// # Errors
    /// [`ValueError::Token`] when it is not a token.
    pub fn from_octets(octets: &[u8]) -> Result<Self, ValueError> {
        if let Some(known) = Self::from_known(octets) {
            return Ok(known);
        }
        if octets.is_empty() || !octets.iter().all(|&octet| scan::is_token(octet)) {
            return Err(ValueError::Token);
        }
        Ok(Self::Other(OtherName(Text::parse(Bytes::copy_from_slice(octets))?)))
    }
}

/// The longest name known here fits into as many octets.
const LONGEST: usize = 24;

/// A name as words of eight octets, zeros behind it; its length tells those from zeros in it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Words {
    words: [u64; LONGEST / 8],
    length: usize,
}

/// Slots of the table of long names; several times their number, so that few share one.
const SLOTS: usize = 512;

/// Place in the list of names plus one by hash of the long name, then the next free slot; zero is empty.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler, which checks it")]
static LONG_SLOTS: [u8; SLOTS] = {
    let mut slots = [0; SLOTS];
    let mut place = 0;
    while place < LONG_WORDS.len() {
        let mut slot = slot_of(LONG_WORDS[place]);
        while slots[slot] != 0 {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = place as u8 + 1;
        place += 1;
    }
    slots
};

/// The long names, written as they are here.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler, which checks it")]
static LONG_WORDS: [Words; HeaderName::KNOWN.len()] = {
    let mut all = [Words { words: [0; LONGEST / 8], length: 0 }; HeaderName::KNOWN.len()];
    let mut place = 0;
    while place < all.len() {
        let mut octets = [0; LONGEST];
        let name = HeaderName::LONG[place].as_bytes();
        let mut at = 0;
        while at < name.len() {
            octets[at] = name[at];
            at += 1;
        }
        all[place] = Words { words: words_of(&octets), length: name.len() };
        place += 1;
    }
    all
};

/// Place in the list of names plus one by letter of the compact form.
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "runs in the compiler, which checks it")]
const COMPACT_SLOTS: [u8; 256] = {
    let mut slots = [0; 256];
    let mut place = 0;
    while place < HeaderName::COMPACT.len() {
        if let [letter] = HeaderName::COMPACT[place].as_bytes() {
            slots[*letter as usize] = place as u8 + 1;
            slots[letter.to_ascii_uppercase() as usize] = place as u8 + 1;
        }
        place += 1;
    }
    slots
};

/// The words of so many octets.
const fn words_of(octets: &[u8; LONGEST]) -> [u64; LONGEST / 8] {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7, c0, c1, c2, c3, c4, c5, c6, c7] = *octets;
    [
        u64::from_le_bytes([a0, a1, a2, a3, a4, a5, a6, a7]),
        u64::from_le_bytes([b0, b1, b2, b3, b4, b5, b6, b7]),
        u64::from_le_bytes([c0, c1, c2, c3, c4, c5, c6, c7]),
    ]
}

/// Hash of a name, without the case of its letters.
const fn slot_of(name: Words) -> usize {
    const LOWER: u64 = 0x2020_2020_2020_2020;
    let [one, two, three] = name.words;
    let mix = (one | LOWER).wrapping_add((two | LOWER).rotate_left(21)).wrapping_add((three | LOWER).rotate_left(42));
    (mix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 55) as usize
}

/// The name in front of the first colon; none when it is longer than all known names.
#[inline]
fn words_before_colon(line: &[u8; LONGEST]) -> Option<Words> {
    let [one, two, three] = words_of(line);
    let colons = |word: u64| octets::marks_of(word, b':');
    let before = |word: u64, marks: u64| word & ((marks & marks.wrapping_neg()) >> 7).wrapping_sub(1);
    let length = |passed: usize, marks: u64| passed.wrapping_add(octets::first_mark(marks));
    let marks = colons(one);
    if marks != 0 {
        return Some(Words { words: [before(one, marks), 0, 0], length: length(0, marks) });
    }
    let marks = colons(two);
    if marks != 0 {
        return Some(Words { words: [one, before(two, marks), 0], length: length(8, marks) });
    }
    let marks = colons(three);
    (marks != 0).then(|| Words { words: [one, two, before(three, marks)], length: length(16, marks) })
}

impl HeaderName {
    /// The place of the known name with which the line begins, and its length; a colon follows. None where that takes a
    /// closer look.
    #[inline]
    pub(super) fn begin_of(line: &[u8]) -> Option<(usize, usize)> {
        let words = words_before_colon(line.first_chunk()?)?;
        let place = if words.length == 1 { place_of_letter(*line.first()?)? } else { place_of(words)? };
        Some((place, words.length))
    }

    fn from_known(octets: &[u8]) -> Option<Self> {
        let mut line = [0; LONGEST];
        line.get_mut(..octets.len())?.copy_from_slice(octets);
        let place = match octets {
            [letter] => place_of_letter(*letter)?,
            _ => place_of(Words { words: words_of(&line), length: octets.len() })?,
        };
        Self::KNOWN.get(place).cloned()
    }
}

fn place_of_letter(letter: u8) -> Option<usize> {
    usize::from(*COMPACT_SLOTS.get(usize::from(letter))?).checked_sub(1)
}

#[inline]
fn place_of(name: Words) -> Option<usize> {
    let mut slot = slot_of(name);
    loop {
        // An empty slot ends the search.
        let place = usize::from(*LONG_SLOTS.get(slot)?).checked_sub(1)?;
        let known = LONG_WORDS.get(place)?;
        // Nearly always written like this.
        if *known == name || has_same_letters(*known, name) {
            return Some(place);
        }
        slot = slot.wrapping_add(1) % SLOTS;
    }
}

#[cold]
fn has_same_letters(known: Words, words: Words) -> bool {
    let mut pairs = known.words.iter().zip(&words.words);
    known.length == words.length && pairs.all(|(one, two)| one.to_le_bytes().eq_ignore_ascii_case(&two.to_le_bytes()))
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_found_in_any_case_and_in_its_compact_form() {
        for (name, compact) in HeaderName::KNOWN.iter().zip(HeaderName::COMPACT) {
            for text in [name.as_str(), &name.as_str().to_uppercase(), &name.as_str().to_lowercase()] {
                assert_eq!(&HeaderName::parse(text).unwrap(), name);
            }
            if !compact.is_empty() {
                assert_eq!(&HeaderName::parse(compact).unwrap(), name);
                assert_eq!(&HeaderName::parse(&compact.to_uppercase()).unwrap(), name);
            }
        }
    }

    #[test]
    fn compact_and_odd_case_are_the_same_name() {
        for (text, name) in [
            ("v", HeaderName::Via),
            ("VIA", HeaderName::Via),
            ("o", HeaderName::Event),
            ("u", HeaderName::AllowEvents),
            ("cseq", HeaderName::CSeq),
            ("L", HeaderName::ContentLength),
        ] {
            assert_eq!(HeaderName::parse(text), Ok(name), "{text}");
        }
        assert_eq!(HeaderName::parse("X-One"), HeaderName::parse("x-oNE"));
        assert_eq!(HeaderName::parse("X One"), Err(ValueError::Token));
        assert_eq!(HeaderName::parse("Via\0"), Err(ValueError::Token));
    }

    #[test]
    fn a_line_begins_with_what_stands_in_front_of_its_colon() {
        let begin = |line: &str| {
            let (place, length) = HeaderName::begin_of(line.as_bytes())?;
            Some((HeaderName::KNOWN[place].clone(), length))
        };
        for (name, compact) in HeaderName::KNOWN.iter().zip(HeaderName::COMPACT) {
            for text in
                [name.as_str(), &name.as_str().to_uppercase(), compact].into_iter().filter(|text| !text.is_empty())
            {
                assert_eq!(begin(&format!("{text}: a long enough value: it is")), Some((name.clone(), text.len())));
            }
        }
        for line in [
            "Via : a long enough value it is",
            "Via\0: a long enough value it is",
            "Via: short",
            ": nothing in front of it, is there",
        ] {
            assert_eq!(begin(line), None, "{line}");
        }
    }
}
