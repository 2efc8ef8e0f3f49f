//! Single values of SSP: children and attributes by name, Yes and No, and addresses with their scheme.

use crate::{
    codec::{date_time::DateTime, sink::Sink, tree::Element},
    primitive::identifier::{GroupId, UserId},
};
use std::{borrow::Cow, time::Duration};
use thiserror::Error;

/// Why an SSP primitive cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// An element or attribute that is needed is not there, or empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A value is none of the possible ones.
    #[error("{0} has an impossible value")]
    BadValue(&'static str),
}

/// A part of an SSP document that is one element.
pub(super) trait Part: Sized {
    /// Reads it from its element.
    fn read(element: Element<'_, '_>) -> Result<Self, Fault>;

    /// Writes its element.
    fn write(&self, sink: &mut dyn Sink);
}

impl<'t, 'a> Element<'t, 'a> {
    /// The first element of this name directly inside.
    pub(super) fn inner(self, name: &str) -> Option<Element<'t, 'a>> {
        self.children().find(|child| child.local_name() == name)
    }

    /// All elements of this name directly inside.
    pub(super) fn inners(self, name: &'static str) -> impl Iterator<Item = Element<'t, 'a>> {
        self.children().filter(move |child| child.local_name() == name)
    }

    /// The text of an element inside, unless it is missing or empty.
    pub(super) fn inner_text(self, name: &str) -> Option<Box<str>> {
        self.inner(name).map(Self::trimmed).filter(|text| !text.is_empty())
    }

    /// The part that an element inside is.
    pub(super) fn inner_part<P: Part>(self, name: &'static str) -> Result<Option<P>, Fault> {
        self.inner(name).map(P::read).transpose()
    }

    /// The part that an element inside is that has to be there.
    pub(super) fn needed_part<P: Part>(self, name: &'static str) -> Result<P, Fault> {
        self.inner_part(name)?.ok_or(Fault::Missing(name))
    }

    /// The parts that all elements of this name inside are.
    pub(super) fn inner_parts<P: Part>(self, name: &'static str) -> Result<Vec<P>, Fault> {
        self.inners(name).map(P::read).collect()
    }

    /// The value of an attribute, unless it is missing or empty.
    pub(super) fn value(self, name: &str) -> Option<&'t str> {
        self.attribute(name).map(str::trim).filter(|value| !value.is_empty())
    }

    /// The value of an attribute that has to be there.
    pub(super) fn needed_value(self, name: &'static str) -> Result<&'t str, Fault> {
        self.value(name).ok_or(Fault::Missing(name))
    }

    /// Yes or No.
    // WV-SSP-05
    pub(super) fn yes_or_no(self, name: &'static str) -> Result<Option<bool>, Fault> {
        let Some(word) = self.value(name) else { return Ok(None) };
        let is = |words: [&str; 3]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        match (is(["Yes", "T", "true"]), is(["No", "F", "false"])) {
            (true, _) => Ok(Some(true)),
            (_, true) => Ok(Some(false)),
            (false, false) => Err(Fault::BadValue(name)),
        }
    }

    /// The seconds in an attribute.
    pub(super) fn seconds(self, name: &'static str) -> Result<Option<Duration>, Fault> {
        let number = self.value(name).map(|text| text.parse::<u32>().map_err(|_| Fault::BadValue(name))).transpose()?;
        Ok(number.map(|seconds| Duration::from_secs(seconds.into())))
    }

    /// The user that the attribute userID names.
    pub(super) fn user_id(self) -> Result<UserId, Fault> {
        self.needed_value("userID").map(|text| UserId::new(with_scheme(text)))
    }

    /// The group that the attribute groupID names.
    pub(super) fn group_id(self) -> Result<GroupId, Fault> {
        self.needed_value("groupID").map(|text| GroupId::new(with_scheme(text)))
    }

    /// A point in time; one that cannot be read is none, for clocks of peers are wrong anyway.
    pub(super) fn moment(self) -> Option<DateTime> {
        DateTime::parse(&self.trimmed()).ok()
    }
}

impl dyn Sink + '_ {
    /// Opens an element of SSP.
    pub(super) fn start(&mut self, name: &str) {
        self.open_vendor(name, None);
    }

    /// An element with a text, if there is one.
    pub(super) fn text_element(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.start(name);
            self.text(text);
            self.close();
        }
    }

    /// An attribute, if there is a value.
    pub(super) fn maybe_attribute(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.attribute(name, value);
        }
    }

    /// An attribute that says Yes or No.
    pub(super) fn yes_or_no_attribute(&mut self, name: &str, value: Option<bool>) {
        self.maybe_attribute(name, value.map(|value| if value { "Yes" } else { "No" }));
    }

    /// An attribute with a number of seconds.
    pub(super) fn seconds_attribute(&mut self, name: &str, value: Option<Duration>) {
        let text = value.map(|value| value.as_secs().min(u32::MAX.into()).to_string());
        self.maybe_attribute(name, text.as_deref());
    }

    /// Parts, one after the other.
    pub(super) fn parts<'p, P: Part + 'p>(&mut self, parts: impl IntoIterator<Item = &'p P>) {
        for part in parts {
            part.write(self);
        }
    }

    /// An empty element that names a user.
    pub(super) fn user_element(&mut self, name: &str, user: &UserId) {
        self.start(name);
        self.attribute("userID", &with_scheme(user.as_str()));
        self.close();
    }

    /// The attribute that names a group.
    pub(super) fn group_attribute(&mut self, group: &GroupId) {
        self.attribute("groupID", &with_scheme(group.as_str()));
    }
}

/// An address with its scheme.
// WV-SSP-04
/// QUIRK ssp_bare_ids: leaves `wv:` out of some ids; Baraza.
pub(super) fn with_scheme(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    match text.split_at_checked(SCHEME.len()) {
        Some((SCHEME, _)) => Cow::Borrowed(text),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case(SCHEME) => Cow::Owned([SCHEME, rest].concat()),
        _ => Cow::Owned([SCHEME, text].concat()),
    }
}

const SCHEME: &str = "wv:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wv_ssp_04_an_address_has_its_scheme_once() {
        for text in ["alice@wv.example", "wv:alice@wv.example", " WV:alice@wv.example\n"] {
            assert_eq!(with_scheme(text).as_ref(), "wv:alice@wv.example");
        }
        assert_eq!(with_scheme("wv").as_ref(), "wv:wv");
    }
}
