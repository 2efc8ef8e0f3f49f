//! What became of an instant message: `message/imdn+xml` (RFC 5438 §11).

use super::{
    datetime,
    xml::{XmlBinding, XmlError, XmlLimits, XmlReader, XmlWriter},
};
use crate::time::Timestamp;

/// A notification about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imdn {
    /// The Message-ID of the message.
    pub message_id: String,
    /// When the message was sent, as its sender wrote it.
    pub sent: String,
    /// Who was to get it.
    pub recipient: Option<String>,
    /// Who was to get it before an intermediary changed that.
    pub original_recipient: Option<String>,
    /// What is told.
    pub disposition: Disposition,
}

// RFC 5438 §11.1.6, §11.1.7
/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// It was delivered, or not.
    Delivery(Status),
    /// It was shown to the user, or not.
    Display(Status),
    /// An intermediary did something with it.
    Processing(Status),
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// `delivered`, `displayed` or `processed`.
    Done,
    /// `failed`: deliveries only.
    Failed,
    /// `stored`: by an intermediary.
    Stored,
    /// `forbidden`: nothing is told.
    Forbidden,
    /// `error`.
    Error,
    /// A word of an extension.
    Other,
}

impl Imdn {
    /// A notification of a delivery.
    #[must_use]
    pub fn of_delivery(message_id: &str, sent: Timestamp, recipient: &str, status: Status) -> Self {
        Self {
            message_id: message_id.to_owned(),
            sent: datetime::write(sent),
            recipient: Some(recipient.to_owned()),
            original_recipient: None,
            disposition: Disposition::Delivery(status),
        }
    }

    // RFC 5438 §11.1
    /// Reads a document. Elements of other namespaces are extensions, and left aside.
    ///
    /// # Errors
    /// [`XmlError`]; what is missing is [`XmlError::NotWellFormed`] too.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let limits = XmlLimits { document_bytes_max: 64 << 10, elements_max: 256, ..XmlLimits::PRESENCE };
        let mut reader = XmlReader::new(document, &limits)?;
        let root = reader.root()?;
        if root.namespace() != NAMESPACE || root.name() != "imdn" {
            return Err(XmlError::NotWellFormed);
        }
        let (mut message_id, mut sent, mut recipient, mut original_recipient) = (None, None, None, None);
        let mut disposition = None;
        while let Some(child) = reader.next_child()? {
            let name = if child.namespace() == NAMESPACE { child.name() } else { "" };
            let slot = match name {
                "message-id" => &mut message_id,
                "datetime" => &mut sent,
                "recipient-uri" => &mut recipient,
                "original-recipient-uri" => &mut original_recipient,
                _ => {
                    match Kind::of(name) {
                        Some(kind) => disposition = disposition.or(Some(kind.told(read_status(&mut reader)?))),
                        None => reader.skip()?,
                    }
                    continue;
                }
            };
            let text = reader.text()?.trim().to_owned();
            *slot = slot.take().or(Some(text));
        }
        reader.finish()?;
        Ok(Self {
            message_id: message_id.filter(|id| !id.is_empty()).ok_or(XmlError::NotWellFormed)?,
            sent: sent.unwrap_or_default(),
            recipient,
            original_recipient,
            disposition: disposition.ok_or(XmlError::NotWellFormed)?,
        })
    }

    // RFC 5438 §11.1
    /// Writes the document.
    ///
    /// # Errors
    /// [`XmlError`] when something in it cannot be written.
    pub fn write(&self) -> Result<String, XmlError> {
        let mut writer = XmlWriter::new(BINDINGS);
        writer.open("imdn");
        writer.leaf("message-id", &self.message_id);
        writer.leaf("datetime", &self.sent);
        writer.leaf_if("recipient-uri", self.recipient.as_deref());
        writer.leaf_if("original-recipient-uri", self.original_recipient.as_deref());
        let (kind, status) = match self.disposition {
            Disposition::Delivery(status) => (Kind::Delivery, status),
            Disposition::Display(status) => (Kind::Display, status),
            Disposition::Processing(status) => (Kind::Processing, status),
        };
        writer.open(kind.element());
        writer.open("status");
        writer.open(kind.word(status));
        writer.close();
        writer.close();
        writer.close();
        writer.close();
        writer.finish()
    }
}

/// The three kinds of notifications.
#[derive(Clone, Copy)]
enum Kind {
    Delivery,
    Display,
    Processing,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        match name {
            "delivery-notification" => Some(Self::Delivery),
            "display-notification" => Some(Self::Display),
            "processing-notification" => Some(Self::Processing),
            _ => None,
        }
    }

    const fn element(self) -> &'static str {
        match self {
            Self::Delivery => "delivery-notification",
            Self::Display => "display-notification",
            Self::Processing => "processing-notification",
        }
    }

    const fn told(self, status: Status) -> Disposition {
        match self {
            Self::Delivery => Disposition::Delivery(status),
            Self::Display => Disposition::Display(status),
            Self::Processing => Disposition::Processing(status),
        }
    }

    /// A word of another kind, or of an extension, is written as the error that it is here.
    const fn word(self, status: Status) -> &'static str {
        match (self, status) {
            (Self::Delivery, Status::Done) => "delivered",
            (Self::Display, Status::Done) => "displayed",
            (Self::Processing, Status::Done) => "processed",
            (Self::Delivery, Status::Failed) => "failed",
            (Self::Processing, Status::Stored) => "stored",
            (_, Status::Forbidden) => "forbidden",
            (_, Status::Failed | Status::Stored | Status::Error | Status::Other) => "error",
        }
    }
}

fn read_status(reader: &mut XmlReader<'_>) -> Result<Status, XmlError> {
    let mut status = None;
    while let Some(child) = reader.next_child()? {
        if child.namespace() != NAMESPACE || child.name() != "status" {
            reader.skip()?;
            continue;
        }
        while let Some(word) = reader.next_child()? {
            let is_own = word.namespace() == NAMESPACE;
            status = status.or(Some(match word.name() {
                "delivered" | "displayed" | "processed" if is_own => Status::Done,
                "failed" if is_own => Status::Failed,
                "stored" if is_own => Status::Stored,
                "forbidden" if is_own => Status::Forbidden,
                "error" if is_own => Status::Error,
                _ => Status::Other,
            }));
            reader.skip()?;
        }
    }
    status.ok_or(XmlError::NotWellFormed)
}

/// The namespace of the document.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:imdn";
const BINDINGS: &[XmlBinding] = &[XmlBinding { prefix: "", namespace: NAMESPACE }];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rfc5438_7_2_1_1_the_example_is_read() {
        let document = br#"<?xml version="1.0" encoding="UTF-8"?>
            <imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>34jk324j</message-id>
            <datetime>2008-04-04T12:16:49-05:00</datetime><recipient-uri>im:bob@example.com</recipient-uri>
            <original-recipient-uri
             >im:bob@example.com</original-recipient-uri>
            <delivery-notification><status><delivered/></status></delivery-notification></imdn>"#;
        let imdn = Imdn::parse(document).unwrap();
        assert_eq!((imdn.message_id.as_str(), imdn.recipient.as_deref()), ("34jk324j", Some("im:bob@example.com")));
        assert_eq!(
            (imdn.sent.as_str(), imdn.disposition),
            ("2008-04-04T12:16:49-05:00", Disposition::Delivery(Status::Done))
        );
    }

    #[test]
    fn rfc5438_11_1_what_is_mandatory_is_missed_and_extensions_are_not() {
        let document = |inner: &str| format!("<imdn xmlns=\"{NAMESPACE}\" xmlns:x=\"urn:x\">{inner}</imdn>");
        let told = "<display-notification><status><x:later/></status></display-notification>";
        let imdn = Imdn::parse(document(&format!("<x:a/><message-id>1</message-id>{told}")).as_bytes()).unwrap();
        assert_eq!(imdn.disposition, Disposition::Display(Status::Other));
        assert!(Imdn::parse(document(told).as_bytes()).is_err());
        assert!(Imdn::parse(document("<message-id>1</message-id>").as_bytes()).is_err());
        assert!(Imdn::parse(b"<imdn><message-id>1</message-id></imdn>").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            id in "[a-z0-9<&]{1,12}", recipient in prop::option::of("sip:[a-z]{1,8}"), kind in 0..3_usize, status in 0..5_usize,
        ) {
            let status = [Status::Done, Status::Failed, Status::Stored, Status::Forbidden, Status::Error][status];
            let disposition = match (kind, status) {
                (0, Status::Stored) => Disposition::Delivery(Status::Failed),
                (0, status) => Disposition::Delivery(status),
                (1, Status::Failed | Status::Stored) => Disposition::Display(Status::Error),
                (1, status) => Disposition::Display(status),
                (_, Status::Failed) => Disposition::Processing(Status::Stored),
                (_, status) => Disposition::Processing(status),
            };
            let sent = datetime::write(Timestamp::from_secs(1_700_000_000));
            let imdn = Imdn { message_id: id, sent, recipient, original_recipient: None, disposition };
            prop_assert_eq!(Imdn::parse(imdn.write().unwrap().as_bytes()).unwrap(), imdn);
        }
    }
}
