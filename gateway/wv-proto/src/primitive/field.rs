//! How single values are read from and written to elements.
//!
//! Reading is tolerant: children are found by name, an empty one counts as missing where a value is needed, and what
//! is not asked for is ignored (WV-PRM-01).

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::schema::ElementName;
use std::time::Duration;

/// A part of a primitive that is one element.
pub(crate) trait Part: Sized {
    /// Reads it from its element.
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason>;

    /// Writes its element.
    fn write(&self, sink: &mut dyn Sink);
}

impl Element<'_, '_> {
    /// The text of this element without the space around it, whatever form it came in.
    pub(crate) fn trimmed(self) -> Box<str> {
        self.to_text().trim().into()
    }

    /// The text of a child, unless it is missing or empty.
    pub(crate) fn text_of(self, name: ElementName) -> Option<Box<str>> {
        self.text_into(name)
    }

    /// The same, held in another way.
    pub(crate) fn text_into<T: for<'t> From<&'t str>>(self, name: ElementName) -> Option<T> {
        let text = self.child(name)?.to_text();
        let text = text.trim();
        (!text.is_empty()).then(|| T::from(text))
    }

    /// The text of a child that may be empty.
    pub(crate) fn present_text_of(self, name: ElementName) -> Option<Box<str>> {
        self.child(name).map(Self::trimmed)
    }

    /// The text of a child that has to be there.
    pub(crate) fn needed_text_of(self, name: ElementName) -> Result<Box<str>, MalformedReason> {
        self.text_of(name).ok_or(MalformedReason::Missing(name))
    }

    /// The texts of all children of that name that are not empty.
    pub(crate) fn texts_of(self, name: ElementName) -> impl Iterator<Item = Box<str>> {
        self.children_named(name).map(Self::trimmed).filter(|text| !text.is_empty())
    }

    /// The number in a child.
    pub(crate) fn integer_of(self, name: ElementName) -> Result<Option<u32>, MalformedReason> {
        let filled = self.child(name).filter(|child| !child.to_text().trim().is_empty() || child.octets().is_some());
        filled.map(|child| child.integer().map_err(|_| MalformedReason::BadValue(name))).transpose()
    }

    /// The numbers in all children of that name.
    pub(crate) fn integers_of(self, name: ElementName) -> Vec<u32> {
        self.children_named(name).filter_map(|child| child.integer().ok()).collect()
    }

    /// The port number in a child.
    pub(crate) fn port_of(self, name: ElementName) -> Result<Option<u16>, MalformedReason> {
        self.integer_of(name)?
            .map(|number| u16::try_from(number).map_err(|_| MalformedReason::BadValue(name)))
            .transpose()
    }

    /// The truth value in a child.
    pub(crate) fn flag_of(self, name: ElementName) -> Result<Option<bool>, MalformedReason> {
        let filled = self.child(name).filter(|child| !child.is_empty());
        filled.map(|child| child.boolean().map_err(|_| MalformedReason::BadValue(name))).transpose()
    }

    /// The seconds in a child.
    pub(crate) fn seconds_of(self, name: ElementName) -> Result<Option<Duration>, MalformedReason> {
        Ok(self.integer_of(name)?.map(|seconds| Duration::from_secs(seconds.into())))
    }

    /// The part that a child is.
    pub(crate) fn part_of<P: Part>(self, name: ElementName) -> Result<Option<P>, MalformedReason> {
        self.child(name).map(P::read).transpose()
    }

    /// The part that a child is that has to be there.
    pub(crate) fn needed_part_of<P: Part>(self, name: ElementName) -> Result<P, MalformedReason> {
        self.part_of(name)?.ok_or(MalformedReason::Missing(name))
    }

    /// The parts that all children of that name are.
    pub(crate) fn parts_of<P: Part>(self, name: ElementName) -> Result<Vec<P>, MalformedReason> {
        self.children_named(name).map(P::read).collect()
    }
}

impl dyn Sink + '_ {
    /// An element with a text, if there is one.
    pub(crate) fn maybe_text(&mut self, name: ElementName, text: Option<&str>) {
        if let Some(text) = text {
            self.leaf_text(name, text);
        }
    }

    /// An element for each text.
    pub(crate) fn each_text<'t>(&mut self, name: ElementName, texts: impl IntoIterator<Item = &'t str>) {
        for text in texts {
            self.leaf_text(name, text);
        }
    }

    /// An element with a number, if there is one.
    pub(crate) fn maybe_integer(&mut self, name: ElementName, number: Option<u32>) {
        if let Some(number) = number {
            self.leaf_integer(name, number);
        }
    }

    /// An element for each number.
    pub(crate) fn each_integer(&mut self, name: ElementName, numbers: &[u32]) {
        for number in numbers {
            self.leaf_integer(name, *number);
        }
    }

    /// An element with a truth value, if there is one.
    pub(crate) fn maybe_flag(&mut self, name: ElementName, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.leaf_boolean(name, flag);
        }
    }

    /// An element with a number of seconds, if there is one; parts of seconds are cut off.
    pub(crate) fn maybe_seconds(&mut self, name: ElementName, duration: Option<Duration>) {
        let seconds = duration.map(|duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX));
        self.maybe_integer(name, seconds);
    }
}
