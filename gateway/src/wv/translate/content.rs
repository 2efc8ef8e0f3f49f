//! The content of messages: read in the character set it names, and given to a client in what it takes.

use bytes::Bytes;
use mapping::{markup, message::Content};
use std::sync::Arc;
use wv_proto::{
    codec::charset::{decode_text, encode_text},
    primitive::{
        capability::CapabilityList,
        message::{Content as WvContent, MessageInfo},
    },
    session::negotiation::Negotiated,
    version::Encoding,
};

/// Content as one client takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitting {
    /// ContentType.
    pub content_type: Box<str>,
    /// ContentEncoding, where the codec is not to choose it.
    pub content_encoding: Option<Box<str>>,
    /// ContentData.
    pub content: WvContent,
}

/// The content of a message of a client; none when it names a character set that is unknown, or is not in it.
#[must_use]
pub fn from_client(info: &MessageInfo, content: Option<&WvContent>) -> Option<Content> {
    let named = info.content_type_or_default();
    let media_type = essence(named);
    let octets = content.map(|content| content.octets().clone()).unwrap_or_default();
    let charset = parameter(named, "charset").filter(|_| is_text(&media_type));
    let body = match charset {
        // Text that came as text was read with the document; only octets are still in their own character set.
        Some(charset) if info.is_base64() || std::str::from_utf8(&octets).is_err() => {
            Bytes::from(decode_text(charset, &octets)?.into_owned().into_bytes())
        }
        Some(_) | None => octets,
    };
    Some(Content { media_type: Arc::from(media_type), body })
}

/// QUIRK padded_content: a text with white space around what ContentSize counts, without that; none where the text is as
/// large as it says, or not made so by white space alone.
#[must_use]
pub fn without_padding(info: &MessageInfo, content: &Content) -> Option<Content> {
    let size = usize::try_from(info.content_size?).ok()?;
    let bare = content.body.trim_ascii();
    let is_padded = is_text(&content.media_type) && size < content.body.len() && bare.len() == size;
    is_padded.then(|| Content { media_type: Arc::clone(&content.media_type), body: Bytes::copy_from_slice(bare) })
}

/// The content as this client takes it; none when it takes nothing that could be made of it.
// WV-MSG-09
#[must_use]
pub fn to_client(content: &Content, negotiated: &Negotiated) -> Option<Fitting> {
    let accepts = |kind: &str| negotiated.accepts(kind);
    if accepts(&content.media_type) {
        return Some(written(&content.media_type, &content.body, negotiated.capabilities()));
    }
    let text = std::str::from_utf8(&content.body).ok()?;
    if is_markup(&content.media_type) && accepts(PLAIN) {
        return Some(written(PLAIN, markup::to_plain_text(text).as_bytes(), negotiated.capabilities()));
    }
    None
}

/// The content as a server takes it of whose wishes nothing is known.
#[must_use]
pub fn to_server(content: &Content) -> Fitting {
    written(&content.media_type, &content.body, None)
}

/// The media types that reach the client, in its own form or in another; none means any.
#[must_use]
pub fn reachable_types(negotiated: &Negotiated, encoding: Encoding) -> Vec<Arc<str>> {
    let list = negotiated.capabilities();
    let is_any = list.is_some_and(|list| list.any_content == Some(true));
    let listed = list.map(|list| list.accepted_content_types.as_slice()).unwrap_or_default();
    let mut types: Vec<Arc<str>> = match (is_any, listed.is_empty()) {
        (true, _) if may_carry_octets(list, encoding) => return Vec::new(),
        (true, _) => TEXTS.iter().map(|kind| Arc::from(*kind)).collect(),
        // WV-NEG-09
        (false, true) => vec![Arc::from(PLAIN)],
        (false, false) => listed.iter().map(|accepted| Arc::from(essence(&accepted.content_type))).collect(),
    };
    if !may_carry_octets(list, encoding) {
        types.retain(|kind| is_text(kind));
    }
    if types.iter().any(|kind| kind.as_ref() == PLAIN) {
        types.extend(MARKUP.iter().map(|kind| Arc::from(*kind)));
    }
    types
}

/// XML has no octets: they need BASE64, and a client may have said that it does not know it.
fn may_carry_octets(list: Option<&CapabilityList>, encoding: Encoding) -> bool {
    let named = list.map(|list| list.accepted_transfer_encodings.as_slice()).unwrap_or_default();
    encoding == Encoding::Wbxml
        || named.is_empty()
        || named.iter().any(|encoding| encoding.trim().eq_ignore_ascii_case("base64"))
}

fn written(media_type: &str, body: &[u8], list: Option<&CapabilityList>) -> Fitting {
    let plain = |content| Fitting { content_type: media_type.into(), content_encoding: None, content };
    let Some(text) = std::str::from_utf8(body).ok().filter(|_| is_text(media_type)) else {
        return plain(WvContent::from_octets(Bytes::copy_from_slice(body)));
    };
    let text = writable(text);
    let charsets = list.map(|list| [list.accepted_charsets.as_slice(), &list.plain_text_charsets].concat());
    match encode_text(&charsets.unwrap_or_default(), &text) {
        None => plain(WvContent::from_text(&text)),
        // Octets in another character set than that of the document have to go as octets.
        Some(encoded) => Fitting {
            content_type: format!("{media_type}; charset={}", encoded.charset).into(),
            content_encoding: Some("BASE64".into()),
            content: WvContent::from_octets(Bytes::from(encoded.octets)),
        },
    }
}

/// Characters that XML 1.0 has no place for are replaced (messaging.md §4).
fn writable(text: &str) -> String {
    let allowed =
        |c: char| !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect()
}

/// The media type without parameters, lower case.
#[must_use]
pub fn essence(media_type: &str) -> String {
    media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn parameter<'a>(media_type: &'a str, wanted: &str) -> Option<&'a str> {
    let parameters = media_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut named = parameters.filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted));
    named.next().map(|(_, value)| value.trim())
}

fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type.ends_with("+xml")
}

fn is_markup(media_type: &str) -> bool {
    MARKUP.contains(&media_type)
}

const PLAIN: &str = "text/plain";
/// Types of which plain text can be made.
const MARKUP: &[&str] = &["text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"];
/// Types for a client that takes anything but has no way to take octets.
const TEXTS: &[&str] =
    &["text/plain", "text/html", "application/xhtml+xml", "text/vcard", "text/x-vcard", "text/calendar"];

#[cfg(test)]
mod tests {
    use super::*;
    use wv_proto::{
        primitive::{capability::AcceptedContentType, service::ClientCapabilityRequest},
        session::{limit::SessionLimits, negotiation::Offer},
        version::Version,
    };

    fn negotiated(capabilities: CapabilityList) -> Negotiated {
        let mut negotiated = Negotiated::default();
        let request = ClientCapabilityRequest { client_id: None, capabilities };
        negotiated.describe(request, &Offer::default(), Version::V1_2, &SessionLimits::default());
        negotiated
    }

    fn html(text: &str) -> Content {
        Content { media_type: Arc::from("text/html"), body: Bytes::copy_from_slice(text.as_bytes()) }
    }

    #[test]
    fn what_a_server_pads_texts_with_is_taken_off() {
        let info = |size| MessageInfo { content_size: size, ..MessageInfo::default() };
        let text = |text: &str| Content::from_text(text);
        assert_eq!(without_padding(&info(Some(3)), &text("\none\n")), Some(text("one")));
        for (size, said) in
            [(Some(5), "\none\n"), (Some(2), "\none\n"), (None, "\none\n"), (Some(3), "one"), (Some(9), "one")]
        {
            assert_eq!(without_padding(&info(size), &text(said)), None, "{size:?} {said:?}");
        }
        let picture = Content { media_type: Arc::from("image/png"), body: Bytes::from_static(b"\n\x89\n") };
        assert_eq!(without_padding(&info(Some(1)), &picture), None);
    }

    #[test]
    fn wv_msg_09_html_becomes_text_for_a_client_that_takes_text_only() {
        let plain = negotiated(CapabilityList::default());
        let fitting = to_client(&html("<b>a &lt; b</b>"), &plain).unwrap();
        assert_eq!((&*fitting.content_type, fitting.content), ("text/plain", WvContent::from_text("a < b")));
        let both = negotiated(CapabilityList {
            accepted_content_types: vec![AcceptedContentType::from("Text/HTML")],
            ..CapabilityList::default()
        });
        let fitting = to_client(&html("<b>x</b>"), &both).unwrap();
        assert_eq!((&*fitting.content_type, fitting.content), ("text/html", WvContent::from_text("<b>x</b>")));
        let image = Content { media_type: Arc::from("image/png"), body: Bytes::from_static(&[0, 255]) };
        assert_eq!(to_client(&image, &plain), None);
    }

    #[test]
    fn text_goes_in_a_character_set_that_the_client_knows() {
        let latin = negotiated(CapabilityList {
            any_content: Some(true),
            accepted_charsets: vec![4],
            ..CapabilityList::default()
        });
        let fitting = to_client(&Content::from_text("gr\u{fc}n"), &latin).unwrap();
        assert_eq!(&*fitting.content_type, "text/plain; charset=iso-8859-1");
        assert_eq!(fitting.content_encoding.as_deref(), Some("BASE64"));
        assert_eq!(fitting.content, WvContent::from_octets(Bytes::from_static(b"gr\xfcn")));
        let fitting = to_client(&Content::from_text("green"), &latin).unwrap();
        assert_eq!((&*fitting.content_type, fitting.content_encoding), ("text/plain", None));
    }

    #[test]
    fn content_is_read_in_the_character_set_it_names() {
        let info = |content_type: &str, encoding: Option<&str>| MessageInfo {
            content_type: Some(content_type.into()),
            content_encoding: encoding.map(Into::into),
            ..MessageInfo::default()
        };
        let octets = WvContent::from_octets(Bytes::from_static(b"gr\xfcn"));
        let latin = from_client(&info("Text/Plain; charset=ISO-8859-1", Some("BASE64")), Some(&octets)).unwrap();
        assert_eq!(latin, Content::from_text("gr\u{fc}n"));
        assert_eq!(from_client(&info("text/plain; charset=klingon", Some("BASE64")), Some(&octets)), None);
        let text = WvContent::from_text("gr\u{fc}n");
        let read = from_client(&info("text/plain; charset=iso-8859-1", None), Some(&text)).unwrap();
        assert_eq!(read, Content::from_text("gr\u{fc}n"), "it came as text of the document");
    }

    #[test]
    fn what_reaches_a_client_depends_on_how_octets_can_travel() {
        let any = |encodings: Vec<Box<str>>| {
            negotiated(CapabilityList {
                any_content: Some(true),
                accepted_transfer_encodings: encodings,
                ..CapabilityList::default()
            })
        };
        assert!(reachable_types(&any(vec!["BASE64".into()]), Encoding::Xml).is_empty());
        assert!(reachable_types(&any(vec!["None".into()]), Encoding::Wbxml).is_empty());
        let texts = reachable_types(&any(vec!["None".into()]), Encoding::Xml);
        assert!(texts.contains(&Arc::from("text/plain")) && !texts.contains(&Arc::from("image/png")));
        for said in [negotiated(CapabilityList::default()), Negotiated::default()] {
            let unsaid = reachable_types(&said, Encoding::Wbxml);
            assert!(unsaid.contains(&Arc::from("text/html")) && !unsaid.contains(&Arc::from("image/png")));
        }
    }
}
