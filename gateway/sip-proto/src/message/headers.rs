//! The ordered list of header fields, values as they were written.

use super::{name::HeaderName, scan, text::Text};
use crate::error::{HeaderError, ValueError};
use crate::limit::Limits;
use bytes::Bytes;
use std::fmt;

/// One header field: its name and its value as it was written, folded lines joined by a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: Bytes,
}

impl Header {
    /// A header field with a typed value or text. What would break the line is refused by the writer.
    #[must_use]
    pub fn new(name: HeaderName, value: impl fmt::Display) -> Self {
        Self { name, value: Bytes::from(value.to_string()) }
    }

    /// A header field with the octets of another message.
    #[must_use]
    pub fn from_raw(name: HeaderName, value: Bytes) -> Self {
        Self { name, value }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &HeaderName {
        &self.name
    }

    /// The value as it was written.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.value
    }

    /// The value as text.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when it is not UTF-8.
    pub fn text(&self) -> Result<Text, ValueError> {
        Text::parse(self.value.clone())
    }
}

/// Header fields in their order. Typed values are read on demand, see [`super::access`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(Vec<Header>);

impl Headers {
    /// No header fields, with room for some.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Adds a header field at the end.
    pub fn push(&mut self, header: Header) {
        self.0.push(header);
    }

    /// Adds a header field before all others of its name, or before everything: Via, Record-Route and Route of a hop.
    pub fn push_front(&mut self, header: Header) {
        let at = self.0.iter().position(|known| known.name == header.name).unwrap_or(0);
        self.0.insert(at, header);
    }

    /// Replaces all header fields of that name by one, at the place of the first.
    pub fn set(&mut self, header: Header) {
        match self.0.iter().position(|known| known.name == header.name) {
            None => self.0.push(header),
            Some(at) => {
                let mut place = 0_usize;
                self.0.retain(|known| {
                    let keep = place <= at || known.name != header.name;
                    place = place.saturating_add(1);
                    keep
                });
                if let Some(slot) = self.0.get_mut(at) {
                    *slot = header;
                }
            }
        }
    }

    /// Takes out all header fields of that name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.0.retain(|header| &header.name != name);
    }

    /// Takes the first element of the first header field of that name out of its comma list: the top Via of a response,
    /// the first Route of a request.
    ///
    /// # Errors
    /// [`HeaderError::Missing`], or [`HeaderError::Bad`] when the list cannot be read.
    pub fn pop_first(&mut self, name: &HeaderName) -> Result<Text, HeaderError> {
        let missing = || HeaderError::Missing(name.clone());
        let at = self.0.iter().position(|header| &header.name == name).ok_or_else(missing)?;
        let header = self.0.get(at).ok_or_else(missing)?;
        let bad = |error| HeaderError::Bad(name.clone(), error);
        let mut items = scan::split_list(&header.text().map_err(bad)?).map_err(bad)?;
        if items.is_empty() {
            return Err(missing());
        }
        let first = items.remove(0);
        if items.is_empty() {
            self.0.remove(at);
        } else if let Some(header) = self.0.get_mut(at) {
            let rest: Vec<&str> = items.iter().map(Text::as_str).collect();
            header.value = Bytes::from(rest.join(", "));
        }
        Ok(first)
    }

    /// The header fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Header> {
        self.0.iter()
    }

    /// The header fields of that name.
    pub fn all(&self, name: &HeaderName) -> impl Iterator<Item = &Header> {
        self.0.iter().filter(move |header| &header.name == name)
    }

    /// Whether there is a header field of that name.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.0.iter().any(|header| &header.name == name)
    }

    /// The value of the first header field of that name as it was written.
    #[must_use]
    pub fn raw(&self, name: &HeaderName) -> Option<&Bytes> {
        self.0.iter().find(|header| &header.name == name).map(Header::raw)
    }

    /// The text of a header field that may appear once only.
    ///
    /// # Errors
    /// [`HeaderError::Repeated`], or [`HeaderError::Bad`] when it is not UTF-8.
    pub fn single(&self, name: &HeaderName) -> Result<Option<Text>, HeaderError> {
        let mut found = self.all(name);
        let Some(header) = found.next() else {
            return Ok(None);
        };
        if found.next().is_some() {
            // RFC 4475 §3.3.8
            return Err(HeaderError::Repeated(name.clone()));
        }
        header.text().map(Some).map_err(|error| HeaderError::Bad(name.clone(), error))
    }

    /// The elements of the comma lists of all header fields of that name.
    ///
    /// # Errors
    /// [`HeaderError::Bad`] when a list is malformed or longer than [`Limits::list_items_max`].
    pub fn items(&self, name: &HeaderName) -> Result<Vec<Text>, HeaderError> {
        let bad = |error| HeaderError::Bad(name.clone(), error);
        let mut items = Vec::new();
        for header in self.all(name) {
            // RFC 3261 §7.3.1
            items.extend(scan::split_list(&header.text().map_err(bad)?).map_err(bad)?);
            if items.len() > Limits::DEFAULT.list_items_max {
                return Err(bad(ValueError::TooMany));
            }
        }
        Ok(items)
    }

    /// How many header fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vias() -> Headers {
        let mut headers = Headers::default();
        headers.push(Header::new(HeaderName::To, "<sip:a@b>"));
        headers.push(Header::new(HeaderName::Via, "SIP/2.0/UDP a, SIP/2.0/UDP b"));
        headers.push(Header::new(HeaderName::Via, "SIP/2.0/UDP c"));
        headers
    }

    #[test]
    fn popping_walks_through_lists_and_fields() {
        let mut headers = vias();
        for expected in ["SIP/2.0/UDP a", "SIP/2.0/UDP b", "SIP/2.0/UDP c"] {
            assert_eq!(headers.pop_first(&HeaderName::Via).unwrap(), expected);
        }
        assert_eq!(headers.pop_first(&HeaderName::Via), Err(HeaderError::Missing(HeaderName::Via)));
        assert_eq!(headers.len(), 1);
    }

    #[test]
    fn pushing_in_front_goes_before_the_same_name() {
        let mut headers = vias();
        headers.push_front(Header::new(HeaderName::Via, "SIP/2.0/UDP z"));
        assert_eq!(headers.items(&HeaderName::Via).unwrap().first().unwrap(), &"SIP/2.0/UDP z");
        assert_eq!(headers.iter().next().unwrap().name(), &HeaderName::To);
    }

    #[test]
    fn setting_leaves_one() {
        let mut headers = vias();
        headers.set(Header::new(HeaderName::Via, "SIP/2.0/UDP z"));
        assert_eq!(headers.items(&HeaderName::Via).unwrap(), vec![Text::from("SIP/2.0/UDP z")]);
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn a_second_single_header_field_is_told() {
        assert_eq!(vias().single(&HeaderName::Via), Err(HeaderError::Repeated(HeaderName::Via)));
    }
}
