//! Who watches a resource: `application/watcherinfo+xml` (RFC 3858), and the table that a subscriber keeps of it.

use super::{
    namespace::WATCHER_INFO,
    xml::{XmlBinding, XmlElement, XmlError, XmlLimits, XmlReader, XmlWriter},
};
use std::collections::BTreeMap;

/// The media type of the document.
pub const MEDIA_TYPE: &str = "application/watcherinfo+xml";

/// One document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherInfo {
    /// Counts the documents of one subscription.
    pub version: u64,
    /// Whether it says everything, or only what changed.
    pub extent: Extent,
    /// The resources and their watchers.
    pub lists: Vec<WatcherList>,
}

// RFC 3858 §4
/// How much a document says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Everything: what is not there is gone.
    Full,
    /// What changed.
    Partial,
}

/// The watchers of one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherList {
    /// Whom they watch.
    pub resource: String,
    /// In which event package.
    pub package: String,
    /// They.
    pub watchers: Vec<WatcherRow>,
}

/// One subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatcherRow {
    /// Names the subscription.
    pub id: String,
    /// Who watches.
    pub uri: String,
    /// How it stands with it.
    pub status: WatcherStatus,
    /// What led there.
    pub event: WatcherEvent,
    /// The watcher's name for people.
    pub display_name: Option<String>,
    /// How many seconds it has left.
    pub expiration_s: Option<u64>,
    /// For how many seconds there has been such a subscription.
    pub subscribed_s: Option<u64>,
}

// RFC 3857 §4.7.1
/// The states of a subscription as its resource sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatcherStatus {
    /// Nobody has decided.
    Pending,
    /// The watcher is told the state.
    Active,
    /// It ran out before anybody decided.
    Waiting,
    /// It is over.
    Terminated,
}

// RFC 3857 §4.7.1
/// What led to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WatcherEvent {
    /// A SUBSCRIBE came.
    Subscribe,
    /// It was permitted.
    Approved,
    /// The server let it go; the watcher may come again at once.
    Deactivated,
    /// The server let it go; the watcher may come again later.
    Probation,
    /// It was refused.
    Rejected,
    /// It ran out, or its watcher ended it.
    Timeout,
    /// The server did not want to wait for a decision any longer.
    Giveup,
    /// The resource is no more.
    NoResource,
}

impl WatcherInfo {
    // RFC 3858 §3
    /// Reads a document. Elements of other namespaces are extensions, and left aside.
    ///
    /// # Errors
    /// [`XmlError`]; what is missing or no word of the schema is [`XmlError::NotWellFormed`] too.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let mut reader = XmlReader::new(document, &XmlLimits::PRESENCE)?;
        let root = reader.root()?;
        if root.namespace() != WATCHER_INFO || root.name() != "watcherinfo" {
            return Err(XmlError::NotWellFormed);
        }
        let version = number(&root, "version")?.ok_or(XmlError::NotWellFormed)?;
        let extent = match root.attribute("state").map(str::trim) {
            Some("full") => Extent::Full,
            Some("partial") => Extent::Partial,
            Some(_) | None => return Err(XmlError::NotWellFormed),
        };
        let mut lists = Vec::new();
        while let Some(child) = reader.next_child()? {
            if child.namespace() == WATCHER_INFO && child.name() == "watcher-list" {
                lists.push(WatcherList::read(&mut reader, &child)?);
            } else {
                reader.skip()?;
            }
        }
        reader.finish()?;
        Ok(Self { version, extent, lists })
    }

    // RFC 3858 §6
    /// Writes the document.
    ///
    /// # Errors
    /// [`XmlError`] when something in it cannot be written.
    pub fn write(&self) -> Result<String, XmlError> {
        let mut writer = XmlWriter::new(BINDINGS);
        writer.open("watcherinfo");
        writer.attribute("version", &self.version.to_string());
        writer.attribute("state", if self.extent == Extent::Full { "full" } else { "partial" });
        for list in &self.lists {
            writer.open("watcher-list");
            writer.attribute("resource", &list.resource);
            writer.attribute("package", &list.package);
            for row in &list.watchers {
                row.write(&mut writer);
            }
            writer.close();
        }
        writer.close();
        writer.finish()
    }
}

impl WatcherList {
    fn read(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Self, XmlError> {
        let resource = required(element, "resource")?;
        let package = required(element, "package")?;
        let mut watchers = Vec::new();
        while let Some(child) = reader.next_child()? {
            if child.namespace() == WATCHER_INFO && child.name() == "watcher" {
                watchers.push(WatcherRow::read(reader, &child)?);
            } else {
                reader.skip()?;
            }
        }
        Ok(Self { resource, package, watchers })
    }
}

impl WatcherRow {
    fn read(reader: &mut XmlReader<'_>, element: &XmlElement<'_>) -> Result<Self, XmlError> {
        let word = |name| required(element, name);
        Ok(Self {
            id: word("id")?,
            status: WatcherStatus::read(word("status")?.trim()).ok_or(XmlError::NotWellFormed)?,
            event: WatcherEvent::read(word("event")?.trim()).ok_or(XmlError::NotWellFormed)?,
            display_name: element.attribute("display-name").map(str::to_owned),
            expiration_s: number(element, "expiration")?,
            subscribed_s: number(element, "duration-subscribed")?,
            uri: reader.text()?.trim().to_owned(),
        })
    }

    fn write(&self, writer: &mut XmlWriter) {
        writer.open("watcher");
        writer.attribute("id", &self.id);
        writer.attribute("status", self.status.word());
        writer.attribute("event", self.event.word());
        writer.attribute_if("display-name", self.display_name.as_deref());
        writer.attribute_if("expiration", self.expiration_s.map(|seconds| seconds.to_string()).as_deref());
        writer.attribute_if("duration-subscribed", self.subscribed_s.map(|seconds| seconds.to_string()).as_deref());
        writer.text(&self.uri);
        writer.close();
    }
}

impl WatcherStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Active, Self::Waiting, Self::Terminated];

    /// The word of the document.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Terminated => "terminated",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.word() == word)
    }
}

impl WatcherEvent {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Subscribe,
        Self::Approved,
        Self::Deactivated,
        Self::Probation,
        Self::Rejected,
        Self::Timeout,
        Self::Giveup,
        Self::NoResource,
    ];

    /// The word of the document.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Approved => "approved",
            Self::Deactivated => "deactivated",
            Self::Probation => "probation",
            Self::Rejected => "rejected",
            Self::Timeout => "timeout",
            Self::Giveup => "giveup",
            Self::NoResource => "noresource",
        }
    }

    fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.word() == word)
    }
}

// RFC 3858 §4
/// What a subscriber knows of the watchers, from all documents of one dialog.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatcherTable {
    version: Option<u64>,
    /// By resource and id. What has ended is not there.
    rows: BTreeMap<(String, String), WatcherRow>,
}

/// What a document did to the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It was the next one.
    Next,
    /// At least one before it was lost: the subscriber asks for everything.
    Gap,
    /// It is older than what is known, and was left aside.
    Old,
}

impl WatcherTable {
    // RFC 3858 §4
    /// Takes one document. Only lists of this package count.
    pub fn take(&mut self, document: &WatcherInfo, package: &str) -> Taken {
        let taken = match self.version {
            None => Taken::Next,
            // UNCLEAR §4: a document of the same version as the last one is not provided for; it is a repetition.
            Some(known) if document.version <= known => return Taken::Old,
            Some(known) if document.version.checked_sub(known) == Some(1) => Taken::Next,
            // A partial document cannot be completed, a full one needs nothing.
            Some(_) if document.extent == Extent::Full => Taken::Next,
            Some(_) => Taken::Gap,
        };
        self.version = Some(document.version);
        if document.extent == Extent::Full {
            self.rows.clear();
        }
        for list in document.lists.iter().filter(|list| list.package == package) {
            for row in &list.watchers {
                let key = (list.resource.clone(), row.id.clone());
                if row.status == WatcherStatus::Terminated {
                    self.rows.remove(&key);
                } else if self.rows.len() < ROWS_MAX || self.rows.contains_key(&key) {
                    self.rows.insert(key, row.clone());
                }
            }
        }
        taken
    }

    /// The watchers that are known.
    pub fn rows(&self) -> impl Iterator<Item = &WatcherRow> {
        self.rows.values()
    }
}

fn required(element: &XmlElement<'_>, name: &str) -> Result<String, XmlError> {
    element.attribute(name).map(str::to_owned).ok_or(XmlError::NotWellFormed)
}

fn number(element: &XmlElement<'_>, name: &str) -> Result<Option<u64>, XmlError> {
    let text = element.attribute(name).map(str::trim);
    text.map(|text| text.parse().map_err(|_| XmlError::NotWellFormed)).transpose()
}

const BINDINGS: &[XmlBinding] = &[XmlBinding { prefix: "", namespace: WATCHER_INFO }];

/// Rows of one table; a notifier that tells more is believed so far only.
const ROWS_MAX: usize = 10_000;

#[cfg(test)]
mod tests;
