//! Requests that no good user agent sends, with the answers that the standards have for them.

use sip_proto::message::{Method, Request};

/// A request under way that is to be answered so.
pub(crate) struct Oddity {
    /// What it is, for people.
    pub(crate) what: &'static str,
    /// The answers that are right.
    pub(crate) answers: &'static [u16],
    /// The request.
    pub(crate) request: Request,
    /// Whether it carries credentials.
    pub(crate) is_authorized: bool,
}

/// One kind of them: method, where to, header fields, body, the right answers.
pub(crate) struct Kind {
    /// What it is.
    pub(crate) what: &'static str,
    /// The method.
    pub(crate) method: Method,
    /// Header fields; `CONTACT` stands for the own contact.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The body and its type.
    pub(crate) body: Option<(&'static str, &'static str)>,
    /// Whether it is about a domain of nobody.
    pub(crate) is_foreign: bool,
    /// Whether it goes on from the own registration, with a sequence number that was used.
    pub(crate) is_late: bool,
    /// The answers that are right.
    pub(crate) answers: &'static [u16],
}

/// The kinds.
pub(crate) fn kind(number: usize) -> Kind {
    const CONTACT: (&str, &str) = ("Contact", "CONTACT");
    let plain = |what, method, headers, body, answers| Kind {
        what,
        method,
        headers,
        body,
        is_foreign: false,
        is_late: false,
        answers,
    };
    let pidf = Some(("application/pidf+xml", DOCUMENT));
    match number {
        // RFC 3261 §10.2.3
        0 => plain("a question for the registered contacts", Method::Register, &[], None, &[200]),
        // RFC 3261 §10.3
        1 => plain("a lifetime of five seconds", Method::Register, &[CONTACT, ("Expires", "5")], None, &[423]),
        2 => plain("* with a lifetime", Method::Register, &[("Contact", "*"), ("Expires", "600")], None, &[400]),
        3 => Kind {
            is_late: true,
            ..plain("a registration of yesterday", Method::Register, &[CONTACT, ("Expires", "600")], None, &[200, 500])
        },
        4 => Kind {
            is_foreign: true,
            ..plain("a registration elsewhere", Method::Register, &[CONTACT], None, &[403, 404])
        },
        5 => {
            // RFC 3261 §10.3: one that was kept before a kill and comes again after it has no later number.
            let codes = &[200, 500];
            plain("the same contact by another client", Method::Register, &[CONTACT, ("Expires", "600")], None, codes)
        }
        // RFC 3903 §6
        6 => plain("a publication of nothing", Method::Publish, &[], pidf, &[489]),
        7 => plain("a publication of dialogs", Method::Publish, &[("Event", "dialog")], pidf, &[489]),
        8 => plain("an unknown tag", Method::Publish, &[PRESENCE, ("SIP-If-Match", "unknown")], pidf, &[412]),
        9 => plain("a short publication", Method::Publish, &[PRESENCE, ("Expires", "5")], pidf, &[423]),
        10 => plain("a publication of plain text", Method::Publish, &[PRESENCE], Some(("text/plain", "here")), &[415]),
        11 => plain("an empty publication", Method::Publish, &[PRESENCE], None, &[400]),
        12 => plain("a publication for no time", Method::Publish, &[PRESENCE, ("Expires", "0")], pidf, &[200]),
        // RFC 6665 §4.2.1
        13 => plain("a subscription to weather", Method::Subscribe, &[CONTACT, ("Event", "weather")], None, &[489]),
        14 => plain(
            "a subscription for five seconds",
            Method::Subscribe,
            &[CONTACT, PRESENCE, ("Expires", "5")],
            None,
            &[423],
        ),
        // RFC 3261 §11
        _ => plain("a question for abilities", Method::Options, &[], None, &[200]),
    }
}

/// How many kinds there are.
pub(crate) const KINDS: usize = 16;

const PRESENCE: (&str, &str) = ("Event", "presence");

const DOCUMENT: &str = "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"sip:nobody@sip.example\"/>";
