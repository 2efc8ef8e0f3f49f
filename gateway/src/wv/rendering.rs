//! Messages of CSP and SSP for the trace: WBXML as readable XML, and what proves a user and what users write to each
//! other masked.

use crate::observe::wire::Rendering;
use bytes::Bytes;
use wv_proto::{
    codec::{self, WriterOptions},
    limit::Limits,
    version::{ContentType, Encoding},
};

/// A body, as anybody may see it who may see the trace, and as it truly was.
#[derive(Clone, Debug)]
pub struct Renderings {
    /// With everything secret masked.
    pub masked: Rendering,
    /// As it was.
    pub original: Rendering,
}

impl Renderings {
    /// Those of a body of CSP over HTTP. A body that cannot be read is not shown: nobody knows what is secret in it.
    #[must_use]
    pub fn of_csp(octets: &Bytes, content_type: Option<ContentType>) -> Self {
        if octets.is_empty() {
            return Self { masked: Rendering::open(octets), original: Rendering::open(octets) };
        }
        let Ok(decoded) = codec::decode(octets, content_type, &Limits::default()) else {
            return Self {
                masked: Rendering { is_masked: true, ..Rendering::default() },
                original: Rendering::open(octets),
            };
        };
        if decoded.encoding == Encoding::Xml {
            return Self::of_xml(octets);
        }
        let options = WriterOptions::default();
        let version = decoded.version;
        let text = codec::encode(&decoded.tree, version, Encoding::Xml, options).ok();
        let text = text.and_then(|octets| String::from_utf8(octets).ok());
        let masked = text.as_deref().map(mask_xml);
        let rewritten = masked.as_deref().and_then(|text| {
            let decoded = codec::decode_in_session(text.as_bytes(), None, version, &Limits::default()).ok()?;
            codec::encode(&decoded.tree, version, Encoding::Wbxml, options).ok().map(Bytes::from)
        });
        let is_masked = masked != text;
        let shown = if is_masked { rewritten } else { Some(octets.clone()) };
        Self {
            masked: Rendering { octets: shown, text: masked.as_deref().map(indent), is_masked },
            original: Rendering { octets: Some(octets.clone()), text: text.as_deref().map(indent), is_masked: false },
        }
    }

    /// Those of a body that is XML.
    #[must_use]
    pub fn of_xml(octets: &Bytes) -> Self {
        let original = Rendering::open(octets);
        let Ok(text) = core::str::from_utf8(octets) else {
            return Self { masked: Rendering { is_masked: true, ..Rendering::default() }, original };
        };
        let masked = mask_xml(text);
        let is_masked = masked != text;
        Self {
            masked: Rendering { text: Some(indent(&masked)), octets: Some(Bytes::from(masked)), is_masked },
            original: Rendering { text: Some(indent(text)), ..original },
        }
    }
}

/// The same document with the values of secret elements masked.
fn mask_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut keep = None;
    while !rest.is_empty() {
        if let Some(section) = rest.strip_prefix(CDATA) {
            let (content, after) = section.split_once("]]>").unwrap_or((section, ""));
            out.push_str(CDATA);
            push_value(&mut out, content, keep);
            out.push_str("]]>");
            rest = after;
        } else if rest.starts_with('<') {
            let end = rest.find('>').map_or(rest.len(), |at| at.saturating_add(1));
            let (tag, after) = rest.split_at(end);
            keep = visible_characters(tag);
            out.push_str(tag);
            rest = after;
        } else {
            let (content, after) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
            push_value(&mut out, content, keep);
            rest = after;
        }
    }
    out
}

/// How much of the value behind a start tag may be seen; none where all of it may.
fn visible_characters(tag: &str) -> Option<usize> {
    let name = tag.trim_start_matches('<').split(|c: char| c.is_whitespace() || c == '>' || c == '/').next()?;
    let name = name.rsplit(':').next()?;
    let found = SECRETS.iter().find(|(secret, _)| *secret == name);
    found.map(|(_, visible)| *visible)
}

fn push_value(out: &mut String, value: &str, visible: Option<usize>) {
    let Some(visible) = visible else { return out.push_str(value) };
    let masked = |(index, c): (usize, char)| if index < visible || c.is_whitespace() { c } else { 'x' };
    out.extend(value.chars().enumerate().map(masked));
}

/// The same document with a line for each element, to be read by people.
fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (value, from_tag) = rest.split_at(at);
        out.push_str(value);
        let end = from_tag.find('>').map_or(from_tag.len(), |end| end.saturating_add(1));
        let (tag, after) = from_tag.split_at(end);
        let is_end = tag.starts_with("</");
        depth = if is_end { depth.saturating_sub(1) } else { depth };
        // An end tag behind a value stays in its line.
        if !is_end || out.ends_with('>') && value.is_empty() {
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            out.extend(std::iter::repeat_n("  ", depth.min(DEPTH_MAX)));
        }
        out.push_str(tag);
        let is_alone = tag.ends_with("/>") || tag.starts_with("<?") || tag.starts_with("<!");
        depth = if is_end || is_alone { depth } else { depth.saturating_add(1) };
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The elements whose values are secret, and how many characters of them tell one from another. Who knows a session can
/// speak for its user.
const SECRETS: [(&str, usize); 10] = [
    ("Password", 0),
    ("DigestBytes", 0),
    ("ContentData", 0),
    ("InviteNote", 0),
    ("ResponseNote", 0),
    ("SystemMessageText", 0),
    ("VerificationKey", 0),
    ("AnswerString", 0),
    ("SessionID", 4),
    ("SessionCookie", 4),
];
const CDATA: &str = "<![CDATA[";
const DEPTH_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{prop_assert_eq, proptest};
    use wv_proto::{
        primitive::{Envelope, Primitive, SessionDescriptor, Transaction, identifier::SessionId},
        version::Version,
    };

    #[test]
    fn secrets_are_masked_and_the_rest_stays() {
        let text = "<?xml version=\"1.0\"?><A><SessionID>abcdef</SessionID><wv:Password xmlns:wv=\"u\">pw &lt;</wv:Password>\
                    <ContentData><![CDATA[a < b]]></ContentData><User>alice</User></A>";
        let masked = mask_xml(text);
        assert_eq!(
            masked,
            "<?xml version=\"1.0\"?><A><SessionID>abcdxx</SessionID><wv:Password xmlns:wv=\"u\">xx xxxx</wv:Password>\
             <ContentData><![CDATA[x x x]]></ContentData><User>alice</User></A>"
        );
        assert_eq!(indent("<A><B>x</B><C/></A>"), "<A>\n  <B>x</B>\n  <C/>\n</A>");
    }

    #[test]
    fn wbxml_is_masked_in_wbxml_and_read_as_xml() {
        let session = SessionDescriptor::Inband(SessionId::new("abcd-secret"));
        let envelope = Envelope::new(session, Transaction::request(None, Primitive::PollingRequest));
        for version in [Version::V1_1, Version::V1_2, Version::V1_3] {
            let octets = envelope.encode(version, Encoding::Wbxml, WriterOptions::default()).unwrap();
            let Renderings { masked, original } = Renderings::of_csp(&octets, None);
            assert!(masked.is_masked && !original.is_masked);
            assert!(original.text.unwrap().contains("<SessionID>abcd-secret</SessionID>"));
            assert!(masked.text.unwrap().contains("<SessionID>abcdxxxxxxx</SessionID>"));
            let shown = masked.octets.unwrap();
            let decoded = codec::decode(&shown, None, &Limits::default()).unwrap();
            assert_eq!((decoded.encoding, decoded.version), (Encoding::Wbxml, version));
            assert_eq!(original.octets, Some(octets));
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_shown() {
        let Renderings { masked, original } = Renderings::of_csp(&Bytes::from_static(b"password=secret"), None);
        assert_eq!((masked.octets, masked.text), (None, None));
        assert!(original.octets.is_some());
    }

    proptest! {
        #[test]
        fn masking_twice_is_masking_once(text in "[<>/a&;\\[\\]! ]{0,40}(<Password>[a-z<! \\[]{0,9}</Password>)?") {
            let once = mask_xml(&text);
            prop_assert_eq!(mask_xml(&once), once);
        }
    }
}
