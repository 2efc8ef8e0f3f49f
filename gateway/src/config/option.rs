//! Every option of the configuration: one name, one kind, one default, one sentence. Checks, defaults, the manual and
//! the commented configurations all read this table. A list of tables is written `name[]`.

mod table;

pub use table::OPTIONS;

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct ConfigOption {
    /// Its path, such as `wv.access.listen` or `domain[].name`.
    pub path: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What holds when it is not written.
    pub default: Fallback,
    /// What it is for, in one sentence.
    pub about: &'static str,
}

/// What an option may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text that is not empty.
    Text,
    /// Any text; empty means none.
    OptionalText,
    /// A text that is never printed.
    Secret,
    /// `true` or `false`.
    Flag,
    /// A whole number between two bounds, both allowed.
    Integer(u64, u64),
    /// One of a few words.
    Choice(&'static [&'static str]),
    /// `ADDRESS:PORT` to listen on.
    Socket,
    /// `udp:ADDRESS:PORT` or `tcp:ADDRESS:PORT`.
    Transport,
    /// A network such as `10.0.0.0/8`.
    Network,
    /// The path of an HTTP address, beginning with `/`.
    Path,
    /// `http://…` or `https://…`.
    HttpUri,
    /// `HOST` or `HOST:PORT`.
    HostPort,
    /// A domain name.
    Domain,
    /// How a domain is reached.
    Route,
    /// The address of a neighbour server.
    PeerUri,
    /// `wv:USER@DOMAIN` or `sip:USER@DOMAIN`.
    User,
    /// A list of such.
    List(&'static Kind),
}

/// What holds when an option is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This text.
    Text(&'static str),
    /// These texts.
    Texts(&'static [&'static str]),
    /// This number.
    Integer(u64),
    /// This flag.
    Flag(bool),
    /// Nothing; the sentence says what that means.
    None(&'static str),
    /// It has to be written.
    Required,
}

impl ConfigOption {
    /// The option with this path, if there is one.
    #[must_use]
    pub fn find(path: &str) -> Option<&'static Self> {
        OPTIONS.iter().find(|option| option.path == path)
    }

    /// Its name within its table.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.path.rsplit_once('.').map_or(self.path, |(_, name)| name)
    }

    /// The table it stands in, such as `wv.access` or `domain[]`.
    #[must_use]
    pub fn table(&self) -> &'static str {
        self.path.rsplit_once('.').map_or("", |(table, _)| table)
    }
}

const fn option(path: &'static str, kind: Kind, default: Fallback, about: &'static str) -> ConfigOption {
    ConfigOption { path, kind, default, about }
}
