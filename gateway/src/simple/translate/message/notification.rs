//! Notifications of what became of a message (RFC 5438): who wishes them, and how they are written.

use super::wrapping::to_sip;
use crate::simple::translate::address;
use bytes::Bytes;
use mapping::{message::Report, outcome::Outcome};
use sip_proto::{
    body::{
        cpim::{self, Cpim},
        imdn::{Imdn, Status},
        mime::MimePart,
    },
    message::header::media_type::MediaType,
};

/// What the sender of a message wishes to be told, and what he calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wishes {
    message_id: String,
    positive: bool,
    negative: bool,
}

impl Wishes {
    // RFC 5438 §7.1.1, §7.2.1
    /// The wishes that a wrapping names; none without a name and a time by which the sender knows the message again.
    pub(super) fn of(message: &Cpim) -> Option<Self> {
        let message_id = message.header_in(cpim::IMDN, "Message-ID").filter(|id| is_name(id))?;
        message.header("DateTime")?;
        // RFC 5438 §7.2.1: the way back that intermediaries ask for is not gone, and no other is allowed.
        if message.header_in(cpim::IMDN, "IMDN-Record-Route").is_some() {
            return None;
        }
        let wished = message.header_in(cpim::IMDN, "Disposition-Notification")?;
        let names =
            |word: &str| wished.split(',').any(|wish| wish.split(';').next().is_some_and(|wish| wish.trim() == word));
        let wishes = Self { message_id, positive: names("positive-delivery"), negative: names("negative-delivery") };
        (wishes.positive || wishes.negative).then_some(wishes)
    }

    /// As the origin of the message, which comes back with its report. Equal for repetitions only, as the name is.
    pub(super) fn to_origin(&self) -> String {
        let (positive, negative) = (if self.positive { "+" } else { "" }, if self.negative { "-" } else { "" });
        format!("{MARK}{positive}{negative} {}", self.message_id)
    }

    /// The wishes in an origin.
    #[must_use]
    pub fn from_origin(origin: &str) -> Option<Self> {
        let (signs, message_id) = origin.strip_prefix(MARK)?.split_once(' ')?;
        Some(Self { message_id: message_id.to_owned(), positive: signs.contains('+'), negative: signs.contains('-') })
    }
}

/// The body of a notification that is to be called `own_id`, and its type; none when nobody wishes it.
// RFC 5438 §7.2.1
#[must_use]
pub fn to_notification(report: &Report, own_id: &str) -> Option<(MediaType, Bytes)> {
    let wishes = Wishes::from_origin(&report.origin)?;
    let status = match report.outcome {
        Outcome::Success if wishes.positive => Status::Done,
        // The sender is not told that he is blocked (messaging.md §5); what is stored is not there yet.
        Outcome::Success | Outcome::Blocked | Outcome::Stored => return None,
        _ if wishes.negative => Status::Failed,
        _ => return None,
    };
    let from = address::from_neutral(&report.recipient).ok()?;
    let to = address::from_neutral(&report.sender).ok()?;
    let imdn = Imdn::of_delivery(&wishes.message_id, to_sip(report.sent), &from.to_string(), status);
    let document = Bytes::from(imdn.write().ok()?);
    let length = document.len().to_string();
    let content = MimePart::new(&MediaType::parse("message/imdn+xml").ok()?, document)
        .with("Content-Disposition", "notification")
        .with("Content-Length", &length);
    let wrapped = Cpim::new(content).with("From", &format!("<{from}>")).with("To", &format!("<{to}>")).with_in(
        cpim::IMDN,
        "imdn",
        "Message-ID",
        own_id,
    );
    Some((MediaType::parse("message/cpim").ok()?, wrapped.write().ok()?))
}

fn is_name(id: &str) -> bool {
    !id.is_empty() && id.len() <= NAME_OCTETS_MAX && !id.chars().any(char::is_control)
}

/// What an origin begins with that holds wishes.
const MARK: &str = "imdn:";

/// The longest name that a sender may give a message: it is kept as long as the message may come again.
const NAME_OCTETS_MAX: usize = 256;
