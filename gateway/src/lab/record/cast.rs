//! Who plays: users of both sides by their addresses.

use super::super::scenario::seen::Node;

/// The actors, in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Cast(Vec<Member>);

#[derive(Debug)]
struct Member {
    name: String,
    kind: Kind,
    /// User and domain, without scheme.
    address: String,
}

/// What an actor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Phone,
    Agent,
    Server,
}

impl Cast {
    /// Somebody who plays; who does already is not met again. A SIP user of whom no registration is known belongs to a
    /// server, and one is enough for its domain.
    pub(super) fn meet(&mut self, kind: Kind, address: &str) {
        if self.find(address).is_some() {
            return;
        }
        let letter = match kind {
            Kind::Phone => 'W',
            Kind::Agent => 'S',
            Kind::Server => 'C',
        };
        let number = self.0.iter().filter(|member| member.kind == kind).count().saturating_add(1);
        self.0.push(Member { name: format!("{letter}{number}"), kind, address: address.to_owned() });
    }

    /// The name of whoever has an address: a server has all of its domain.
    pub(super) fn find(&self, address: &str) -> Option<&str> {
        let domain = |text: &str| text.split_once('@').map(|(_, domain)| domain.to_owned());
        let exact = self.0.iter().find(|member| member.address == address);
        let of_domain = || {
            let mut servers = self.0.iter().filter(|member| member.kind == Kind::Server);
            servers.find(|server| domain(&server.address) == domain(address))
        };
        exact.or_else(of_domain).map(|member| member.name.as_str())
    }

    /// What an actor is.
    pub(super) fn kind(&self, name: &str) -> Option<Kind> {
        self.0.iter().find(|member| member.name == name).map(|member| member.kind)
    }

    /// Their lines in the head.
    pub(super) fn heads(&self) -> Vec<String> {
        let words = |kind| match kind {
            Kind::Phone => "wv client",
            Kind::Agent => "sip agent",
            Kind::Server => "simple server",
        };
        self.0.iter().map(|member| format!("{} is a {}", member.name, words(member.kind))).collect()
    }

    /// A line with variables instead of their addresses.
    pub(super) fn in_words(&self, line: &str) -> String {
        let mut line = line.to_owned();
        for Member { name, address, .. } in &self.0 {
            for scheme in ["wv", "sip", "pres"] {
                line = line.replace(&format!("{scheme}:{address}"), &format!("${{{name}.{scheme}}}"));
            }
            line = line.replace(address, &format!("${{{name}.bare}}"));
        }
        line
    }
}

/// The user and domain of an address of either side, without scheme, parameters and what stands around it.
pub(super) fn bare(text: &str) -> Option<String> {
    let text = text.rsplit_once('<').map_or(text, |(_, rest)| rest);
    let text = text.split(['>', ';', '?']).next()?.trim();
    let text =
        ["wv:", "sip:", "sips:", "pres:", "im:"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let (user, domain) = text.split_once('@')?;
    // Of an address with a resource, the user; of a host with a port, the host.
    let (user, domain) = (user.split('/').next()?, domain.split(':').next()?);
    let is_plain =
        |text: &str| !text.is_empty() && !text.contains(char::is_whitespace) && !text.contains(['"', '$', '<']);
    (is_plain(user) && is_plain(domain)).then(|| format!("{user}@{domain}"))
}

/// The text at a path of a message.
pub(super) fn text_at(node: &Node, path: &str) -> Option<String> {
    node.find(path).first().map(|found| found.text.clone()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_actors() {
        let mut cast = Cast::default();
        cast.meet(Kind::Phone, "alice@wv.example");
        cast.meet(Kind::Server, "bob@sip.example");
        cast.meet(Kind::Server, "dave@sip.example");
        assert_eq!(cast.heads(), ["W1 is a wv client", "C1 is a simple server"]);
        assert_eq!(cast.find("eve@sip.example"), Some("C1"));
        let line = cast.in_words("<UserID>wv:alice@wv.example</UserID> bob@sip.example");
        assert_eq!(line, "<UserID>${W1.wv}</UserID> ${C1.bare}");
    }

    #[test]
    fn an_address_is_bare_whatever_stands_around_it() {
        for text in ["\"A\" <sip:a@d:5060;x=y>;tag=1", "wv:a/friends@d", "sip:a@d;transport=tcp", "a@d"] {
            assert_eq!(bare(text).as_deref(), Some("a@d"), "{text}");
        }
        assert_eq!(bare("sip:d"), None);
        assert_eq!(bare("a b@d"), None);
    }
}
