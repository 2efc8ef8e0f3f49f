//! The layers of a configuration laid over each other: file, then environment, then command line.

use super::{
    option::{ConfigOption, Fallback},
    shape::split_list,
};
use config::{Config, ConfigError, Environment, File, FileFormat, Value, ValueKind};
use std::collections::HashMap;

/// A value that is laid over the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Override {
    pub(super) path: String,
    pub(super) text: String,
}

/// The merged values.
#[derive(Debug)]
pub(super) struct Values {
    root: Value,
}

/// The prefix of environment variables; parts of a path are joined by two underscores.
pub(super) const ENVIRONMENT_PREFIX: &str = "WVSG";

impl Values {
    /// Lays the environment over the file and the flags over both. Everything handed in has been checked for shape.
    pub(super) fn merge(text: &str, environment: &[Override], flags: &[Override]) -> Result<Self, ConfigError> {
        let variables: HashMap<String, String> = environment
            .iter()
            .map(|entry| (format!("{ENVIRONMENT_PREFIX}__{}", entry.path.replace('.', "__")), entry.text.clone()))
            .collect();
        let environment = Environment::with_prefix(ENVIRONMENT_PREFIX)
            .prefix_separator("__")
            .separator("__")
            .source(Some(variables.into_iter().collect()));
        let mut builder = Config::builder().add_source(File::from_str(text, FileFormat::Toml)).add_source(environment);
        for flag in flags {
            builder = builder.set_override(&flag.path, flag.text.as_str())?;
        }
        Ok(Self { root: builder.build()?.cache })
    }

    /// Whether the table is written, with or without options in it.
    pub(super) fn has(&self, path: &str) -> bool {
        self.find(path).is_some()
    }

    /// How many rows a list of tables has.
    pub(super) fn row_count(&self, path: &str) -> usize {
        match self.find(path).map(|value| &value.kind) {
            Some(ValueKind::Array(rows)) => rows.len(),
            _ => 0,
        }
    }

    /// The text of an option, or its default.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        match self.find(path).map(|value| &value.kind) {
            Some(ValueKind::String(text)) => Some(text.clone()),
            Some(_) => None,
            None => match fallback(path) {
                Fallback::Text(text) => Some(text.to_owned()),
                _ => None,
            },
        }
    }

    /// The number of an option, or its default.
    pub(super) fn number(&self, path: &str) -> Option<u64> {
        match self.find(path).map(|value| &value.kind) {
            Some(ValueKind::I64(number)) => u64::try_from(*number).ok(),
            Some(ValueKind::U64(number)) => Some(*number),
            Some(ValueKind::String(text)) => text.trim().parse().ok(),
            Some(_) => None,
            None => match fallback(path) {
                Fallback::Integer(number) => Some(number),
                _ => None,
            },
        }
    }

    /// The flag of an option, or its default.
    pub(super) fn flag(&self, path: &str) -> bool {
        match self.find(path).map(|value| &value.kind) {
            Some(ValueKind::Boolean(flag)) => *flag,
            Some(ValueKind::String(text)) => text == "true",
            Some(_) => false,
            None => fallback(path) == Fallback::Flag(true),
        }
    }

    /// The list of an option, or its default.
    pub(super) fn texts(&self, path: &str) -> Vec<String> {
        match self.find(path).map(|value| &value.kind) {
            Some(ValueKind::Array(elements)) => {
                elements.iter().filter_map(|element| element.clone().into_string().ok()).collect()
            }
            Some(ValueKind::String(text)) => split_list(text).map(str::to_owned).collect(),
            Some(_) => Vec::new(),
            None => match fallback(path) {
                Fallback::Texts(texts) => texts.iter().map(|text| (*text).to_owned()).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// The value at a path such as `domain[1].name`.
    fn find(&self, path: &str) -> Option<&Value> {
        path.split('.').try_fold(&self.root, |value, part| {
            let (name, index) = match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
                Some((name, index)) => (name, Some(index.parse::<usize>().ok()?)),
                None => (part, None),
            };
            let ValueKind::Table(table) = &value.kind else { return None };
            let found = table.get(name)?;
            match (index, &found.kind) {
                (None, _) => Some(found),
                (Some(index), ValueKind::Array(rows)) => rows.get(index),
                (Some(_), _) => None,
            }
        })
    }
}

fn fallback(path: &str) -> Fallback {
    let mut pattern = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        inside = (inside || c == '[') && c != ']';
        if !inside || c == '[' {
            pattern.push(c);
        }
    }
    ConfigOption::find(&pattern).map_or(Fallback::None("no such option"), |option| option.default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn over(path: &str, text: &str) -> Override {
        Override { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn flags_win_over_environment_and_environment_over_the_file() {
        let file = "[node]\nname = \"file\"\ndata_dir = \"file\"\n[limits]\nlinger_s = 1\n[[peer]]\nname = \"p\"";
        let environment = [over("node.name", "env"), over("limits.linger_s", "2"), over("admin.listen", "x")];
        let values = Values::merge(file, &environment, &[over("limits.linger_s", "3")]).unwrap();
        assert_eq!(values.text("node.data_dir").unwrap(), "file");
        assert_eq!(values.text("node.name").unwrap(), "env");
        assert_eq!(values.number("limits.linger_s"), Some(3));
        assert_eq!(values.text("admin.listen").unwrap(), "x");
        assert_eq!(values.text("peer[0].name").unwrap(), "p");
        assert_eq!(values.text("peer[0].encoding").unwrap(), "wbxml");
        assert_eq!(values.row_count("peer"), 1);
        assert!(!values.has("wv.access") && values.has("node"));
    }

    #[test]
    fn lists_come_from_the_file_or_from_commas() {
        let values = Values::merge("[simple]\nlisten = [\"udp:a\"]", &[], &[]).unwrap();
        assert_eq!(values.texts("simple.listen"), ["udp:a"]);
        let values = Values::merge("", &[over("simple.listen", "udp:a, tcp:b")], &[]).unwrap();
        assert_eq!(values.texts("simple.listen"), ["udp:a", "tcp:b"]);
        assert_eq!(Values::merge("", &[], &[]).unwrap().texts("wv.access.trusted_proxies"), Vec::<String>::new());
    }
}
