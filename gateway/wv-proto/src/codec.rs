//! Octets to documents and back, in both encodings.
#![cfg_attr(not(test), warn(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

pub mod charset;
pub mod date_time;
pub mod pts;
pub mod sink;
pub mod tree;
pub mod wbxml;
pub mod xml;

use bytes::Bytes;

use crate::error::{CodecError, WriteError};
use crate::limit::Limits;
use crate::schema::ElementName;
use crate::version::{ContentType, Encoding, Version};

use date_time::DateTime;
use sink::Sink;
use tree::Tree;

/// What came out of the octets.
#[derive(Debug, Clone)]
pub struct Decoded<'a> {
    /// The version of the message.
    pub version: Version,
    /// The encoding in which it came, and in which its answer goes.
    pub encoding: Encoding,
    /// The message.
    pub tree: Tree<'a>,
}

/// Decodes a CSP message. Without a content type, or with a generic one, the first octets tell the encoding.
///
/// # Errors
/// When the octets are no message within the limits.
pub fn decode<'a>(
    octets: &'a [u8],
    content_type: Option<ContentType>,
    limits: &Limits,
) -> Result<Decoded<'a>, CodecError> {
    let fallback = match content_type {
        Some(ContentType::CspPlusXml | ContentType::CspPlusWbxml) => Version::V1_3,
        // UNCLEAR WV-ENC-01: nothing names a version, and 1.2 reads everything that 1.1 has.
        Some(_) | None => Version::V1_2,
    };
    decode_in_session(octets, content_type, fallback, limits)
}

/// Decodes a CSP message of a session whose version is known. The message's own namespace and public identifier come
/// first; the session decides when they say nothing.
///
/// # Errors
/// When the octets are no message within the limits.
pub fn decode_in_session<'a>(
    octets: &'a [u8],
    content_type: Option<ContentType>,
    session_version: Version,
    limits: &Limits,
) -> Result<Decoded<'a>, CodecError> {
    let encoding = match content_type {
        Some(named) if !named.is_generic() => named.encoding().ok_or(CodecError::UnsupportedEncoding)?,
        Some(_) | None => Encoding::sniff(octets).ok_or(CodecError::UnknownEncoding)?,
    };
    let (version, tree) = match encoding {
        Encoding::Xml => xml::read_message(octets, session_version, limits)?,
        Encoding::Wbxml => wbxml::read_message(octets, session_version, limits)?,
    };
    Ok(Decoded { version, encoding, tree })
}

/// How a message is written, beside its version and encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterOptions {
    /// Whether XML begins with a declaration. No client needs it.
    pub xml_declaration: XmlDeclaration,
    /// How points in time go into WBXML.
    pub date_time_form: DateTimeForm,
    /// How texts go into XML.
    pub text_form: TextForm,
}

/// Whether XML begins with a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum XmlDeclaration {
    /// It does not.
    #[default]
    Absent,
    /// It does.
    Present,
}

/// How points in time go into WBXML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateTimeForm {
    /// As 48 bits.
    #[default]
    Octets,
    /// As a string, for clients that lose the octets.
    Text,
}

/// How texts go into XML.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TextForm {
    /// With escapes where they are needed.
    #[default]
    Escaped,
    /// In one section of character data where escapes would be needed, for clients whose parser hands over a text in
    /// pieces at each of them.
    Whole,
}

/// A writer of either encoding.
#[derive(Debug)]
pub enum Writer {
    /// Writes XML.
    Xml(xml::Writer),
    /// Writes WBXML.
    Wbxml(wbxml::Writer),
}

impl Writer {
    /// A writer for one document.
    #[must_use]
    pub fn new(version: Version, encoding: Encoding, options: WriterOptions) -> Self {
        match encoding {
            Encoding::Xml => Self::Xml(xml::Writer::with_options(version, options)),
            Encoding::Wbxml => Self::Wbxml(wbxml::Writer::with_options(version, options)),
        }
    }

    /// The octets of the document.
    ///
    /// # Errors
    /// The first thing that could not be written.
    pub fn finish(self) -> Result<Vec<u8>, WriteError> {
        match self {
            Self::Xml(writer) => writer.finish(),
            Self::Wbxml(writer) => writer.finish(),
        }
    }

    /// A writer for a fragment: elements that stand beside each other inside another one, and that many messages share.
    #[must_use]
    pub fn for_fragment(version: Version, encoding: Encoding, options: WriterOptions) -> Self {
        match encoding {
            Encoding::Xml => Self::Xml(xml::Writer::for_fragment(version, options)),
            Encoding::Wbxml => Self::Wbxml(wbxml::Writer::for_fragment(version, options)),
        }
    }

    /// The fragment that was written.
    ///
    /// # Errors
    /// The first thing that could not be written, or a name that would need the string table of a whole document.
    pub fn finish_fragment(self) -> Result<Fragment, WriteError> {
        let (version, encoding) = (self.version(), self.encoding());
        let octets = match self {
            Self::Xml(writer) => writer.finish_fragment()?,
            Self::Wbxml(writer) => writer.finish_fragment()?,
        };
        Ok(Fragment { version, encoding, octets: octets.into() })
    }

    /// Copies a fragment into the open element.
    pub fn splice(&mut self, fragment: &Fragment) {
        let is_same = fragment.version == self.version() && fragment.encoding == self.encoding();
        match self {
            Self::Xml(writer) => writer.splice(is_same.then_some(&fragment.octets)),
            Self::Wbxml(writer) => writer.splice(is_same.then_some(&fragment.octets)),
        }
    }

    fn sink(&mut self) -> &mut dyn Sink {
        match self {
            Self::Xml(writer) => writer,
            Self::Wbxml(writer) => writer,
        }
    }
}

/// Elements that are written once and copied into many messages. It has no string table, and in WBXML begins and ends on
/// code page 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    version: Version,
    encoding: Encoding,
    octets: Bytes,
}

impl Fragment {
    /// How many octets it adds to a message, but for a change of the code page before it.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.octets.len()
    }
}

impl Sink for Writer {
    fn version(&self) -> Version {
        match self {
            Self::Xml(writer) => writer.version(),
            Self::Wbxml(writer) => writer.version(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Self::Xml(_) => Encoding::Xml,
            Self::Wbxml(_) => Encoding::Wbxml,
        }
    }

    fn open(&mut self, name: ElementName) {
        self.sink().open(name);
    }

    fn open_with_namespace(&mut self, name: ElementName, namespace: &str) {
        self.sink().open_with_namespace(name, namespace);
    }

    fn open_vendor(&mut self, name: &str, namespace: Option<&str>) {
        self.sink().open_vendor(name, namespace);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.sink().attribute(name, value);
    }

    fn text(&mut self, text: &str) {
        self.sink().text(text);
    }

    fn integer(&mut self, number: u32) {
        self.sink().integer(number);
    }

    fn boolean(&mut self, value: bool) {
        self.sink().boolean(value);
    }

    fn date_time(&mut self, moment: &DateTime) {
        self.sink().date_time(moment);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.sink().octets(octets);
    }

    fn close(&mut self) {
        self.sink().close();
    }
}

/// Writes a whole tree.
///
/// # Errors
/// When it holds something that the encoding cannot carry.
pub fn encode(
    tree: &Tree<'_>,
    version: Version,
    encoding: Encoding,
    options: WriterOptions,
) -> Result<Vec<u8>, WriteError> {
    let mut writer = Writer::new(version, encoding, options);
    tree.write_into(&mut writer);
    writer.finish()
}

/// Whether octets can go into XML as text. If not, they go in BASE64 and the ContentEncoding has to say so.
#[must_use]
pub fn is_xml_text(octets: &[u8]) -> bool {
    core::str::from_utf8(octets).is_ok_and(|text| text.chars().all(xml::is_allowed))
}

/// Whether a namespace is one of the protocol family, of whatever version.
pub(crate) fn is_protocol_namespace(namespace: &str) -> bool {
    PROTOCOL_NAMESPACES.iter().any(|prefix| namespace.starts_with(prefix))
}

const PROTOCOL_NAMESPACES: [&str; 2] = ["http://www.wireless-village.org/", "http://www.openmobilealliance.org/DTD/"];

#[cfg(test)]
mod tests;
