//! An SSP document: a step of the set-up, or transactions of a session.

use super::{field::Fault, primitive::Primitive, setup::SetupStep};
use crate::{
    codec::{
        WriterOptions, XmlDeclaration,
        date_time::DateTime,
        sink::Sink,
        tree::Element,
        xml::{self, read_any_namespace},
    },
    error::{CodecError, WriteError},
    limit::Limits,
    primitive::{
        TransactionMode,
        identifier::{SessionId, TransactionId},
    },
    schema::ElementName,
    version::{Encoding, Version},
};
use thiserror::Error;

/// The media type of SSP over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentType;

impl ContentType {
    /// As it is written: without parameters.
    pub const TEXT: &'static str = "application/vnd.wv.ssp+xml";

    /// Whether a Content-Type header names it. A missing or general one is taken.
    #[must_use]
    pub fn is_acceptable(field: Option<&str>) -> bool {
        let Some(field) = field else { return true };
        let essence = field.split(';').next().unwrap_or_default().trim();
        [Self::TEXT, "application/vnd.wv.ssp", "application/xml", "text/xml"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(essence))
    }
}

/// One document: the body of one POST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its version, by the namespace.
    pub version: Version,
    /// What it holds.
    pub body: Body,
}

/// What a document holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A step of the set-up.
    Setup(SetupMessage),
    /// Transactions of a session.
    Session(SessionMessage),
}

/// A step of the set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetupMessage {
    /// Whether it comes from the one who opens the session.
    pub mode: TransactionMode,
    /// The id of the set-up.
    pub transaction_id: TransactionId,
    /// The step.
    pub step: SetupStep,
}

/// Transactions of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionMessage {
    /// The id that the sender issued.
    pub session_id: SessionId,
    /// In order; at least one.
    pub transactions: Vec<Transaction>,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Whether it asks or answers.
    pub mode: TransactionMode,
    /// Chosen by the one who asks, repeated by the one who answers.
    pub transaction_id: TransactionId,
    /// The primitive, or why there is none.
    pub content: Result<Primitive, Unreadable>,
}

/// A primitive that cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The name of its element; empty when there is none.
    pub name: Box<str>,
    /// What is wrong with it; none when the name is not known.
    pub fault: Option<Fault>,
}

/// Why octets are no SSP document.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DocumentError {
    /// They are no XML, or outside the limits.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The root is another element.
    #[error("the root is no WV-SSP-Message")]
    WrongRoot,
    /// It holds neither a step of the set-up nor transactions.
    #[error("the message is empty")]
    Empty,
    /// Something that makes it unusable as a whole.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Document {
    /// A step of the set-up, in this version.
    #[must_use]
    pub const fn setup(
        version: Version,
        mode: TransactionMode,
        transaction_id: TransactionId,
        step: SetupStep,
    ) -> Self {
        Self { version, body: Body::Setup(SetupMessage { mode, transaction_id, step }) }
    }

    /// One transaction of a session, in this version.
    #[must_use]
    pub fn transaction(version: Version, session_id: SessionId, transaction: Transaction) -> Self {
        Self::transactions(version, session_id, vec![transaction])
    }

    /// Transactions of a session, in order and at least one, in this version.
    #[must_use]
    pub const fn transactions(version: Version, session_id: SessionId, transactions: Vec<Transaction>) -> Self {
        Self { version, body: Body::Session(SessionMessage { session_id, transactions }) }
    }

    /// Reads a document. Its namespace tells the version, and nothing else.
    ///
    /// # Errors
    /// See [`DocumentError`].
    // WV-SSP-01
    pub fn read(octets: &[u8], limits: &Limits) -> Result<Self, DocumentError> {
        let tree = read_any_namespace(octets, limits)?;
        let root = tree.root();
        if root.local_name() != ROOT {
            return Err(DocumentError::WrongRoot);
        }
        let version = root.namespace_in_force().and_then(version_of).unwrap_or(Version::V1_3);
        if let Some(setup) = root.inner("SetupTransaction") {
            return Ok(Self { version, body: Body::Setup(read_setup(setup)?) });
        }
        let session = root.inner("Session").ok_or(DocumentError::Empty)?;
        let session_id = SessionId::new(session.needed_value("sessionID")?);
        let transactions: Vec<Transaction> =
            session.inners("Transaction").map(Transaction::read).collect::<Result<_, _>>()?;
        if transactions.is_empty() {
            return Err(DocumentError::Empty);
        }
        Ok(Self { version, body: Body::Session(SessionMessage { session_id, transactions }) })
    }

    /// The octets of the document.
    ///
    /// # Errors
    /// When a text in it cannot be written in XML.
    pub fn write(&self) -> Result<Vec<u8>, WriteError> {
        let options = WriterOptions { xml_declaration: XmlDeclaration::Present, ..WriterOptions::default() };
        let mut sink = SspSink(xml::Writer::with_options(self.version, options));
        sink.0.open_vendor(ROOT, Some(namespace_of(self.version)));
        {
            let sink: &mut dyn Sink = &mut sink;
            match &self.body {
                Body::Setup(setup) => {
                    sink.start("SetupTransaction");
                    write_head(setup.mode, &setup.transaction_id, sink);
                    setup.step.write(sink);
                }
                Body::Session(message) => {
                    sink.start("Session");
                    sink.attribute("sessionID", message.session_id.as_str());
                    for transaction in &message.transactions {
                        sink.start("Transaction");
                        write_head(transaction.mode, &transaction.transaction_id, sink);
                        if let Ok(primitive) = &transaction.content {
                            primitive.write(sink);
                        }
                        sink.close();
                    }
                }
            }
            sink.close();
            sink.close();
        }
        sink.0.finish()
    }

    /// A hash of the transactions of a session as they came, whatever session they came in: by it a repetition is told
    /// from another transaction of the same id.
    #[must_use]
    pub fn hash_of_transactions(octets: &[u8]) -> u64 {
        let is_mark = |at: &usize| octets.get(*at..).is_some_and(|rest| rest.starts_with(b"<Transaction"));
        let brackets = octets.iter().enumerate().filter(|(_, octet)| **octet == b'<').map(|(at, _)| at);
        let rest = octets.get({ brackets }.find(is_mark).unwrap_or(0)..).unwrap_or_default();
        let (words, tail) = rest.as_chunks::<8>();
        let add = |hash: u64, word: u64| (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        let hash = words.iter().fold(0, |hash, word| add(hash, u64::from_le_bytes(*word)));
        tail.iter().fold(hash, |hash, octet| add(hash, u64::from(*octet)))
    }

    /// What is in it, in one word for each transaction.
    #[must_use]
    pub fn title(&self) -> String {
        match &self.body {
            Body::Setup(setup) => format!("{} {}", setup.step.name(), word_of(setup.mode)),
            Body::Session(message) => {
                let titles = message.transactions.iter().map(|transaction| {
                    let name = match &transaction.content {
                        Ok(primitive) => primitive.name(),
                        Err(unreadable) => &unreadable.name,
                    };
                    format!("{name} {}", word_of(transaction.mode))
                });
                titles.collect::<Vec<_>>().join(", ")
            }
        }
    }
}

impl Transaction {
    fn read(element: Element<'_, '_>) -> Result<Self, Fault> {
        let (mode, transaction_id) = read_head(element)?;
        let inner = element.children().next();
        let name = inner.map_or("", Element::local_name);
        let content = match inner.and_then(Primitive::read) {
            Some(read) => read.map_err(|fault| Unreadable { name: name.into(), fault: Some(fault) }),
            None => Err(Unreadable { name: name.into(), fault: None }),
        };
        Ok(Self { mode, transaction_id, content })
    }
}

fn read_setup(element: Element<'_, '_>) -> Result<SetupMessage, DocumentError> {
    let (mode, transaction_id) = read_head(element)?;
    let step = element.children().find_map(SetupStep::read).ok_or(DocumentError::Empty)??;
    Ok(SetupMessage { mode, transaction_id, step })
}

fn read_head(element: Element<'_, '_>) -> Result<(TransactionMode, TransactionId), Fault> {
    let mode = element.needed_value("mode")?;
    let mode = [TransactionMode::Request, TransactionMode::Response]
        .into_iter()
        .find(|known| word_of(*known).eq_ignore_ascii_case(mode))
        .ok_or(Fault::BadValue("mode"))?;
    Ok((mode, TransactionId::new(element.needed_value("transactionID")?)))
}

fn write_head(mode: TransactionMode, id: &TransactionId, sink: &mut dyn Sink) {
    sink.attribute("mode", word_of(mode));
    sink.attribute("transactionID", id.as_str());
}

const fn word_of(mode: TransactionMode) -> &'static str {
    match mode {
        TransactionMode::Request => "Request",
        TransactionMode::Response => "Response",
    }
}

const ROOT: &str = "WV-SSP-Message";

/// The namespace of a version.
// UNCLEAR WV-SSP-01: only that of 1.3 was seen; the others are made by analogy with CSP.
const fn namespace_of(version: Version) -> &'static str {
    match version {
        Version::V1_1 => "http://www.wireless-village.org/SSP1.1",
        Version::V1_2 => "http://www.openmobilealliance.org/DTD/WV-SSP1.2",
        Version::V1_3 => "http://www.openmobilealliance.org/DTD/WV-SSP1.3",
    }
}

fn version_of(namespace: &str) -> Option<Version> {
    [Version::V1_1, Version::V1_2, Version::V1_3].into_iter().find(|version| namespace.ends_with(version.as_str()))
}

/// Writes XML in which the root alone names a namespace.
struct SspSink(xml::Writer);

impl Sink for SspSink {
    fn version(&self) -> Version {
        self.0.version()
    }

    fn encoding(&self) -> Encoding {
        Encoding::Xml
    }

    fn open(&mut self, name: ElementName) {
        self.0.open(name);
    }

    fn open_with_namespace(&mut self, name: ElementName, _: &str) {
        self.0.open(name);
    }

    fn open_vendor(&mut self, name: &str, _: Option<&str>) {
        self.0.open_vendor(name, None);
    }

    fn attribute(&mut self, name: &str, value: &str) {
        self.0.attribute(name, value);
    }

    fn text(&mut self, text: &str) {
        self.0.text(text);
    }

    fn integer(&mut self, number: u32) {
        self.0.integer(number);
    }

    fn boolean(&mut self, value: bool) {
        self.0.boolean(value);
    }

    fn date_time(&mut self, moment: &DateTime) {
        self.0.date_time(moment);
    }

    fn octets(&mut self, octets: &[u8]) {
        self.0.octets(octets);
    }

    fn close(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        primitive::identifier::UserId,
        ssp::{part::ServiceId, primitive::PresenceNotification, setup::SecretToken},
        status::StatusResult,
    };

    fn read(text: &str) -> Result<Document, DocumentError> {
        Document::read(text.as_bytes(), &Limits::default())
    }

    #[test]
    fn wv_ssp_01_the_namespace_tells_the_version_and_nothing_else() {
        let text = |namespace: &str| {
            format!(
                "<WV-SSP-Message{namespace}><Session sessionID='1@a'><Transaction mode='Response' \
                 transactionID='1'><Status code='200'/></Transaction></Session></WV-SSP-Message>"
            )
        };
        for (namespace, version) in [
            ("", Version::V1_3),
            (" xmlns='urn:other'", Version::V1_3),
            (" xmlns='http://www.openmobilealliance.org/DTD/WV-SSP1.2'", Version::V1_2),
            (" xmlns='http://www.wireless-village.org/SSP1.1'", Version::V1_1),
        ] {
            let document = read(&text(namespace)).unwrap();
            assert_eq!(document.version, version, "{namespace}");
            let Body::Session(message) = document.body else { panic!("a session") };
            let status = message.transactions[0].content.as_ref().unwrap().status().unwrap();
            assert_eq!(*status, StatusResult::success());
        }
        assert_eq!(read("<WV-CSP-Message/>"), Err(DocumentError::WrongRoot));
        assert_eq!(read("<WV-SSP-Message/>"), Err(DocumentError::Empty));
    }

    #[test]
    fn presence_is_read_in_whatever_namespace_it_stands() {
        let text = "<WV-SSP-Message xmlns='urn:x'><Session sessionID='1@a'><Transaction mode='Request' \
                    transactionID='1'><PresenceNotification><User userID='alice@b'/><PresenceValue userID='bob@a'>\
                    <PresenceSubList><OnlineStatus><Qualifier>\nT\n</Qualifier><PresenceValue>\nT\n</PresenceValue>\
                    </OnlineStatus></PresenceSubList></PresenceValue></PresenceNotification></Transaction></Session>\
                    </WV-SSP-Message>";
        let Body::Session(message) = read(text).unwrap().body else { panic!("a session") };
        let Ok(Primitive::PresenceNotification(PresenceNotification { watchers, values })) =
            &message.transactions[0].content
        else {
            panic!("a notification")
        };
        assert_eq!(watchers[0].user_id, UserId::new("wv:alice@b"));
        assert_eq!(values[0].attributes.as_ref().unwrap().attributes.len(), 1);
    }

    #[test]
    fn an_unknown_primitive_keeps_its_name_and_a_broken_one_its_fault() {
        let text = |inner: &str| {
            format!(
                "<WV-SSP-Message><Session sessionID='1@a'><Transaction mode='Request' transactionID='1'>{inner}\
                 </Transaction></Session></WV-SSP-Message>"
            )
        };
        let content = |inner: &str| {
            let Body::Session(message) = read(&text(inner)).unwrap().body else { panic!("a session") };
            message.transactions[0].content.clone().unwrap_err()
        };
        assert_eq!(content("<KeepAliveRequest/>"), Unreadable { name: "KeepAliveRequest".into(), fault: None });
        assert_eq!(content("<SubscribeRequest/>").fault, Some(Fault::Missing("UserID")));
        assert_eq!(content("").name.as_ref(), "");
    }

    #[test]
    fn the_attribute_is_written_as_it_should_be_and_read_as_it_is() {
        let step = SetupStep::SendSecretToken {
            service: ServiceId::of_domain("wv1.test"),
            secret: SecretToken::new("242968d4"),
            version: Some("1.3".into()),
        };
        let document = Document::setup(Version::V1_3, TransactionMode::Request, TransactionId::new("8"), step);
        let written = String::from_utf8(document.write().unwrap()).unwrap();
        assert!(written.contains(" protocolVersion=\"1.3\""), "{written}");
        assert!(written.starts_with("<?xml version=\"1.0\""), "{written}");
        assert_eq!(read(&written).as_ref(), Ok(&document));
        assert_eq!(read(&written.replace("protocolVersion", "procotolVersion")), Ok(document));
    }

    #[test]
    fn the_content_type_may_be_missing_but_not_another_protocols() {
        assert!(ContentType::is_acceptable(None));
        assert!(ContentType::is_acceptable(Some("application/vnd.wv.ssp+xml; charset=utf-8")));
        assert!(!ContentType::is_acceptable(Some("application/vnd.wv.csp+xml")));
    }
}
