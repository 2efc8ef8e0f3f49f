//! Texts with variables: `$W1.wv`, `$note`, `${note}`; `$$` is a dollar sign.

use super::problem::{Place, Problem};
use std::collections::BTreeMap;

/// A text in which variables are replaced when it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
}

/// What other words names stand for: the parameters of a scene.
pub(super) type Aliases = BTreeMap<String, String>;

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    /// When a variable has no name.
    pub(super) fn parse(text: &str, aliases: &Aliases, place: &Place) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            push_text(&mut parts, before);
            if let Some(more) = after.strip_prefix('$') {
                push_text(&mut parts, "$");
                rest = more;
                continue;
            }
            let (name, more) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}').ok_or_else(|| Problem::at(place, "${ without }"))?,
                None => after.split_at(name_length(after)),
            };
            if name.is_empty() || name_length(name) != name.len() {
                let reason = format!("\"${name}\" names no variable; write $$ for a dollar sign");
                return Err(Problem::at(place, reason));
            }
            parts.push(Part::Variable(resolve(name, aliases)));
            rest = more;
        }
        push_text(&mut parts, rest);
        Ok(Self(parts))
    }

    /// A text without variables.
    #[cfg(test)]
    pub(super) fn plain(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// The text with the values of its variables.
    ///
    /// # Errors
    /// The name of a variable that has no value.
    pub(super) fn fill(&self, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Variable(name) => text.push_str(&value(name).ok_or_else(|| name.clone())?),
            }
        }
        Ok(text)
    }

    /// The names of its variables.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ if text.is_empty() => {}
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

/// `WATCHER.sip` is `S1.sip` when WATCHER is S1.
fn resolve(name: &str, aliases: &Aliases) -> String {
    let (head, tail) = name.split_once('.').map_or((name, None), |(head, tail)| (head, Some(tail)));
    let head = aliases.get(head).map_or(head, String::as_str);
    tail.map_or_else(|| head.to_owned(), |tail| format!("{head}.{tail}"))
}

/// A name is made of letters, digits and underscores, and may have one property behind a dot.
fn name_length(text: &str) -> usize {
    let word = |text: &str| text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    let head = word(text);
    let Some(tail) = text.get(head..).and_then(|rest| rest.strip_prefix('.')) else { return head };
    let starts = tail.starts_with(|c: char| c.is_ascii_alphabetic());
    if head > 0 && starts { head.saturating_add(1).saturating_add(word(tail)) } else { head }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn fill(text: &str) -> Result<String, String> {
        let place = Place { file: Path::new("x.scn").into(), line: 1 };
        let aliases = Aliases::from([("WATCHER".to_owned(), "S1".to_owned())]);
        let template = Template::parse(text, &aliases, &place).map_err(|problem| problem.to_string())?;
        template.fill(&|name| match name {
            "S1.sip" => Some("sip:s1@x".to_owned()),
            "id" => Some("7".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn variables_are_replaced() {
        assert_eq!(fill("<$S1.sip>;tag=$id.").unwrap(), "<sip:s1@x>;tag=7.");
        assert_eq!(fill("$WATCHER.sip${id}0 $$5").unwrap(), "sip:s1@x70 $5");
        assert_eq!(fill("$none"), Err("none".to_owned()));
        assert!(fill("a $ b").unwrap_err().contains("names no variable"));
        assert!(fill("${id").unwrap_err().contains("without }"));
    }
}
