//! Parameters and their values: simple ones, and lists that nest.

use super::{DEPTH_MAX, PtsError, VALUES_MAX};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PtsValue {
    /// A text.
    Simple(String),
    /// A list.
    List(Vec<PtsValue>),
}

/// A parameter: a name of two letters, in upper case, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The name.
    pub name: [u8; 2],
    /// The value; none when there is only the name.
    pub value: Option<PtsValue>,
}

impl PtsValue {
    /// A text.
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Simple(text.into())
    }

    /// `T` or `F`.
    pub(super) fn flag(flag: bool) -> Self {
        Self::text(if flag { "T" } else { "F" })
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Simple(text) => Some(text),
            Self::List(_) => None,
        }
    }

    /// The elements of a list; a text is a list of itself.
    pub(super) fn elements(&self) -> &[Self] {
        match self {
            Self::List(elements) => elements,
            Self::Simple(_) => std::slice::from_ref(self),
        }
    }

    /// The elements of a list of texts; what is no text is left out.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.elements().iter().filter_map(Self::as_text).filter(|text| !text.is_empty())
    }

    fn write(&self, out: &mut String) -> Result<(), PtsError> {
        match self {
            Self::Simple(text) => write_text(text, out),
            Self::List(elements) => {
                out.push('(');
                for (at, element) in elements.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    element.write(out)?;
                }
                out.push(')');
                Ok(())
            }
        }
    }
}

// WV-PTS-02
fn write_text(text: &str, out: &mut String) -> Result<(), PtsError> {
    if text.chars().any(|character| character.is_control()) {
        return Err(PtsError::ForbiddenCharacter);
    }
    if text.chars().any(|character| " \"(),=&".contains(character)) {
        out.push('"');
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
    Ok(())
}

impl Param {
    /// Writes ` NAME=value`.
    pub(super) fn write(&self, out: &mut String) -> Result<(), PtsError> {
        out.push(' ');
        out.extend(self.name.iter().map(|octet| char::from(*octet)));
        match &self.value {
            Some(value) => {
                out.push('=');
                value.write(out)
            }
            None => Ok(()),
        }
    }
}

/// Reads parameters off a text.
pub(super) struct Params<'a> {
    rest: &'a str,
    values: usize,
}

impl<'a> Params<'a> {
    pub(super) const fn of(text: &'a str) -> Self {
        Self { rest: text, values: 0 }
    }

    /// All parameters.
    pub(super) fn read(mut self) -> Result<Vec<Param>, PtsError> {
        let mut params = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches(' ').trim_end_matches(['\r', '\n']);
            if self.rest.is_empty() {
                return Ok(params);
            }
            params.push(self.param()?);
        }
    }

    fn param(&mut self) -> Result<Param, PtsError> {
        let name = self.name()?;
        let value = if self.take('=') { Some(self.value(0)?) } else { None };
        if !self.rest.is_empty() && !self.rest.starts_with([' ', '\r', '\n']) {
            return Err(PtsError::BadParameter);
        }
        Ok(Param { name, value })
    }

    fn name(&mut self) -> Result<[u8; 2], PtsError> {
        let (name, rest) = self.rest.split_at_checked(2).ok_or(PtsError::BadParameter)?;
        self.rest = rest;
        match *name.as_bytes() {
            [first, second] if first.is_ascii_alphabetic() && second.is_ascii_alphabetic() => {
                Ok([first.to_ascii_uppercase(), second.to_ascii_uppercase()])
            }
            _ => Err(PtsError::BadParameter),
        }
    }

    fn value(&mut self, depth: usize) -> Result<PtsValue, PtsError> {
        self.values = self.values.saturating_add(1);
        if self.values > VALUES_MAX {
            return Err(PtsError::LimitExceeded("the number of values"));
        }
        if !self.take('(') {
            return self.simple().map(PtsValue::Simple);
        }
        if depth >= DEPTH_MAX {
            return Err(PtsError::LimitExceeded("the depth of lists"));
        }
        let mut elements = Vec::new();
        loop {
            elements.push(self.value(depth.saturating_add(1))?);
            if self.take(')') {
                return Ok(PtsValue::List(elements));
            }
            if !self.take(',') {
                return Err(PtsError::BadParameter);
            }
        }
    }

    // WV-PTS-02
    fn simple(&mut self) -> Result<String, PtsError> {
        if self.take('"') {
            return self.quoted();
        }
        let end = self.rest.find([' ', ',', ')', '\r', '\n']).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at_checked(end).ok_or(PtsError::BadParameter)?;
        self.rest = rest;
        if text.contains(['"', '(', '=', '&']) { Err(PtsError::BadParameter) } else { Ok(text.to_owned()) }
    }

    /// What stands between quotation marks, of which two stand for one.
    fn quoted(&mut self) -> Result<String, PtsError> {
        let mut text = String::new();
        loop {
            let end = self.rest.find('"').ok_or(PtsError::BadParameter)?;
            let (before, behind) = self.rest.split_at_checked(end).ok_or(PtsError::BadParameter)?;
            text.push_str(before);
            self.rest = behind;
            self.take('"');
            if !self.take('"') {
                return Ok(text);
            }
            text.push('"');
        }
    }

    fn take(&mut self, character: char) -> bool {
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}
