//! What a message has to look like.

use super::{
    seen::{Exchange, Seen, Way},
    template::Template,
};

/// Which messages are meant, and what must be in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The names that the message may have.
    pub titles: Vec<String>,
    /// The name of the request that it has to answer.
    pub answers: Option<String>,
    /// The name of the exchange in which it has to be.
    pub inside: Option<String>,
    /// What has to hold for its content.
    pub conditions: Vec<Condition>,
}

/// Something that has to hold at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Where; see [`super::seen::Node::find`].
    pub path: Template,
    /// What.
    pub test: Test,
}

/// What has to hold for the texts that a path leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// One of them is this.
    Is(Template),
    /// None of them is this.
    IsNot(Template),
    /// One of them looks like this; `*` stands for anything.
    Like(Template),
    /// None of them looks like this.
    Unlike(Template),
    /// All of them, in order, are these.
    Are(Vec<Template>),
    /// There is at least one.
    Present,
    /// There is none.
    Absent,
    /// So many.
    Count(usize),
    /// One of them begins with a number that compares so with this one.
    Compare(Comparison, i64),
    /// There is one, and its text is kept under this name.
    Capture(String),
}

/// How numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Why a message is not the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// It is another message altogether.
    Other,
    /// It is of the kind, but this does not hold.
    Condition(String),
    /// A variable has no value.
    Unset(String),
}

impl Pattern {
    /// Whether a message is the one, and what is captured of it.
    ///
    /// # Errors
    /// Why not.
    pub fn check(
        &self,
        seen: &Seen,
        exchange: Option<Exchange>,
        value: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<(String, String)>, Mismatch> {
        let is_title = self.titles.contains(&seen.message.name);
        let is_answer = self.answers.as_ref().is_none_or(|request| seen.answers.as_ref() == Some(request));
        let is_inside = exchange.is_none_or(|exchange| exchange == seen.exchange);
        if seen.way == Way::Sent || !is_title || !is_answer || !is_inside {
            return Err(Mismatch::Other);
        }
        let mut captured = Vec::new();
        for condition in &self.conditions {
            let path = condition.path.fill(value).map_err(Mismatch::Unset)?;
            let nodes = seen.message.find(&path);
            let texts: Vec<&str> = nodes.iter().map(|node| node.text.as_str()).collect();
            if condition.test.holds(&texts, value).map_err(Mismatch::Unset)? {
                if let (Test::Capture(name), Some(text)) = (&condition.test, texts.first()) {
                    captured.push((name.clone(), (*text).to_owned()));
                }
                continue;
            }
            let wanted = condition.test.describe(value);
            let found = if texts.is_empty() { "nothing is there".to_owned() } else { format!("there is {texts:?}") };
            return Err(Mismatch::Condition(format!("{path} {wanted}, but {found}")));
        }
        Ok(captured)
    }

    /// In words.
    #[must_use]
    pub fn describe(&self, value: &dyn Fn(&str) -> Option<String>) -> String {
        let mut words = self.titles.join(" or ");
        if let Some(request) = &self.answers {
            words.push_str(&format!(" to {request}"));
        }
        if let Some(name) = &self.inside {
            words.push_str(&format!(" in {name}"));
        }
        for condition in &self.conditions {
            let path = condition.path.fill(value).unwrap_or_else(|name| format!("${name}"));
            words.push_str(&format!(", {path} {}", condition.test.describe(value)));
        }
        words
    }
}

impl Test {
    fn holds(&self, texts: &[&str], value: &dyn Fn(&str) -> Option<String>) -> Result<bool, String> {
        Ok(match self {
            Self::Is(wanted) => texts.contains(&wanted.fill(value)?.as_str()),
            Self::IsNot(unwanted) => !texts.contains(&unwanted.fill(value)?.as_str()),
            Self::Like(wanted) => {
                let wanted = wanted.fill(value)?;
                texts.iter().any(|text| is_like(text, &wanted))
            }
            Self::Unlike(unwanted) => {
                let unwanted = unwanted.fill(value)?;
                !texts.iter().any(|text| is_like(text, &unwanted))
            }
            Self::Are(all) => {
                let all: Vec<String> = all.iter().map(|one| one.fill(value)).collect::<Result<_, _>>()?;
                *texts == all
            }
            Self::Present | Self::Capture(_) => !texts.is_empty(),
            Self::Absent => texts.is_empty(),
            Self::Count(count) => texts.len() == *count,
            Self::Compare(comparison, number) => {
                texts.iter().filter_map(|text| leading_number(text)).any(|found| comparison.holds(found, *number))
            }
        })
    }

    fn describe(&self, value: &dyn Fn(&str) -> Option<String>) -> String {
        let text = |template: &Template| match template.fill(value) {
            Ok(text) => format!("{text:?}"),
            Err(name) => format!("${name}"),
        };
        match self {
            Self::Is(wanted) => format!("is {}", text(wanted)),
            Self::IsNot(unwanted) => format!("is not {}", text(unwanted)),
            Self::Like(wanted) => format!("is like {}", text(wanted)),
            Self::Unlike(unwanted) => format!("is not like {}", text(unwanted)),
            Self::Are(all) => format!("are {}", all.iter().map(text).collect::<Vec<_>>().join(" ")),
            Self::Present | Self::Capture(_) => "is there".to_owned(),
            Self::Absent => "is absent".to_owned(),
            Self::Count(count) => format!("is there {count} times"),
            Self::Compare(comparison, number) => format!("{} {number}", comparison.as_str()),
        }
    }
}

impl Comparison {
    const fn holds(self, found: i64, number: i64) -> bool {
        match self {
            Self::Less => found < number,
            Self::LessOrEqual => found <= number,
            Self::Greater => found > number,
            Self::GreaterOrEqual => found >= number,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

fn leading_number(text: &str) -> Option<i64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// Whether a text is like a pattern in which `*` stands for anything. Takes no longer than the product of both lengths.
fn is_like(text: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::scenario::seen::Node;
    use proptest::prelude::*;

    fn seen() -> Seen {
        let children = vec![Node::leaf("Expires", "600"), Node::leaf("basic", "open"), Node::leaf("basic", "closed")];
        Seen {
            way: Way::Received,
            exchange: Exchange(1),
            answers: Some("SUBSCRIBE".to_owned()),
            message: Node { name: "200".into(), children, ..Node::default() },
        }
    }

    fn check(path: &str, test: Test) -> Result<Vec<(String, String)>, Mismatch> {
        let pattern = Pattern {
            titles: vec!["200".to_owned(), "202".to_owned()],
            answers: Some("SUBSCRIBE".to_owned()),
            inside: None,
            conditions: vec![Condition { path: Template::plain(path), test }],
        };
        pattern.check(&seen(), None, &|_| None)
    }

    #[test]
    fn a_failed_condition_says_what_was_there() {
        assert_eq!(check("Expires", Test::Capture("e".into())).unwrap(), [("e".to_owned(), "600".to_owned())]);
        assert!(check("Expires", Test::Compare(Comparison::GreaterOrEqual, 600)).is_ok());
        let mismatch = check("Expires", Test::Compare(Comparison::Less, 600)).unwrap_err();
        assert_eq!(mismatch, Mismatch::Condition("Expires < 600, but there is [\"600\"]".to_owned()));
        let mismatch = check("Retry-After", Test::Present).unwrap_err();
        assert_eq!(mismatch, Mismatch::Condition("Retry-After is there, but nothing is there".to_owned()));
        assert!(check("basic", Test::Count(2)).is_ok());
    }

    #[test]
    fn stars_stand_for_anything() {
        assert!(is_like("active;expires=599", "active*"));
        assert!(is_like("active;expires=599", "*;expires=*9"));
        assert!(is_like("", "*") && is_like("ab", "ab"));
        assert!(!is_like("aba", "ab*ba") && !is_like("abc", "ab"));
    }

    proptest! {
        #[test]
        fn a_text_is_like_itself_cut_open_anywhere(text in "[a-c]{0,12}", from in 0_usize..12, to in 0_usize..12) {
            let (from, to) = (from.min(to).min(text.len()), from.max(to).min(text.len()));
            let pattern = format!("{}*{}", &text[..from], &text[to..]);
            prop_assert!(is_like(&text, &pattern));
        }
    }
}
