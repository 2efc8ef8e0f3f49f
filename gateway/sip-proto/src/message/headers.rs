//! The ordered list of header fields, values as they were written.

use super::{
    name::HeaderName,
    scan::{self, Items},
};
use crate::error::{HeaderError, ValueError};
use crate::limit::Limits;
use bytes::Bytes;
use smallvec::SmallVec;
use std::{
    fmt::{self, Write as _},
    ops::Range,
    sync::Arc,
};

/// One header field to be put into a message: its name and its value as it was written, folded lines joined by a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    name: HeaderName,
    value: Bytes,
}

impl Header {
    /// A header field with a typed value or text. What would break the line is refused by the writer.
    #[must_use]
    pub fn new(name: HeaderName, value: impl fmt::Display) -> Self {
        let mut octets = Octets(SmallVec::new());
        // It does not fail: there is room for everything.
        let _ = write!(octets, "{value}");
        Self { name, value: Bytes::copy_from_slice(&octets.0) }
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
    pub fn text(&self) -> Result<&str, ValueError> {
        std::str::from_utf8(&self.value).map_err(|_| ValueError::NotText)
    }
}

/// Where a value is written before it is known how long it is.
struct Octets(SmallVec<[u8; 128]>);

impl fmt::Write for Octets {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// One header field of a message, where it stands.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    head: &'a Option<Arc<str>>,
    entry: &'a Entry,
}

impl<'a> Field<'a> {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &'a HeaderName {
        self.entry.name()
    }

    /// The value as it was written.
    #[must_use]
    #[inline]
    pub fn raw(&self) -> &'a [u8] {
        match &self.entry.value {
            Value::Read { start, end } => self.part(*start, *end).unwrap_or_default().as_bytes(),
            Value::Made(value) => value,
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// [`ValueError::NotText`] when it is not UTF-8.
    #[inline(always)]
    pub fn text(&self) -> Result<&'a str, ValueError> {
        match &self.entry.value {
            Value::Read { start, end } => self.part(*start, *end).ok_or(ValueError::NotText),
            Value::Made(value) => std::str::from_utf8(value).map_err(|_| ValueError::NotText),
        }
    }

    /// The header field by itself.
    #[must_use]
    pub fn to_header(&self) -> Header {
        let value = match &self.entry.value {
            Value::Read { .. } => Bytes::copy_from_slice(self.raw()),
            Value::Made(value) => value.clone(),
        };
        Header { name: self.name().clone(), value }
    }

    #[inline(always)]
    fn part(&self, start: u32, end: u32) -> Option<&'a str> {
        let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
        self.head.as_deref()?.get(at(start)..at(end))
    }
}

impl fmt::Debug for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name(), String::from_utf8_lossy(self.raw()))
    }
}

/// Header fields in their order. Typed values are read on demand, see [`super::access`].
///
/// The values of a message that was read are places in the text of its head, which answers share.
#[derive(Clone, Default)]
pub struct Headers {
    head: Option<Arc<str>>,
    entries: Vec<Entry>,
    index: Index,
}

#[derive(Clone)]
struct Entry {
    name: Name,
    value: Value,
}

#[derive(Clone)]
enum Name {
    /// One of the names known here.
    Known(&'static HeaderName),
    /// Any other, seldom.
    Other(Box<HeaderName>),
}

#[derive(Clone)]
enum Value {
    /// A part of what was received.
    Read { start: u32, end: u32 },
    /// What was put in.
    Made(Bytes),
}

impl Headers {
    /// No header fields, with room for some.
    #[must_use]
    pub fn with_capacity(count: usize) -> Self {
        Self { head: None, entries: Vec::with_capacity(count), index: Index::default() }
    }

    /// No header fields, with room for some whose values stand in this text.
    pub(crate) fn over(text: Arc<str>, count: usize) -> Self {
        Self { head: Some(text), ..Self::with_capacity(count) }
    }

    /// Adds a header field whose value stands at that place of the text.
    pub(crate) fn push_part(&mut self, name: HeaderName, place: Range<usize>) {
        self.push_read(name, place);
    }

    /// Adds a header field whose value stands at that place of the head, which is given when all are read.
    pub(super) fn push_read(&mut self, name: HeaderName, range: Range<usize>) {
        self.add(Entry { name: Name::of(name), value: Value::of_place(range) });
    }

    /// The same for the name of that place among those known here.
    #[inline]
    pub(super) fn push_known(&mut self, place: usize, range: Range<usize>) {
        if let Some(name) = HeaderName::KNOWN.get(place) {
            self.index.note(place, self.entries.len());
            self.entries.push(Entry { name: Name::Known(name), value: Value::of_place(range) });
        }
    }

    /// Gives the octets of the head that was read.
    pub(super) fn finish_read(&mut self, head: &[u8]) {
        if let Ok(text) = std::str::from_utf8(head) {
            self.head = Some(Arc::from(text));
            return;
        }
        for entry in &mut self.entries {
            if let Value::Read { start, end } = entry.value {
                let at = |place: u32| usize::try_from(place).unwrap_or(usize::MAX);
                entry.value = Value::Made(Bytes::copy_from_slice(head.get(at(start)..at(end)).unwrap_or_default()));
            }
        }
    }

    /// The text from which they were read, as it came, from the start line to the empty line behind the last field; none
    /// where they were not read, or not from a text.
    #[must_use]
    pub fn head_read(&self) -> Option<&str> {
        self.head.as_deref()
    }

    /// Adds a header field at the end.
    pub fn push(&mut self, header: Header) {
        self.add(Entry::from(header));
    }

    /// Adds a header field of another message at the end. The first one brings the text of its head along, which the
    /// others from there share.
    pub fn push_field(&mut self, field: &Field<'_>) {
        if self.head.is_none() && self.entries.is_empty() {
            self.head.clone_from(field.head);
        }
        match (&self.head, field.head) {
            (Some(own), Some(other)) if Arc::ptr_eq(own, other) => self.add(field.entry.clone()),
            _ => self.push(field.to_header()),
        }
    }

    /// Adds a header field before all others of its name, or before everything: Via, Record-Route and Route of a hop.
    pub fn push_front(&mut self, header: Header) {
        let at = self.position(&header.name).unwrap_or(0);
        self.entries.insert(at, Entry::from(header));
        self.index_again();
    }

    /// Replaces all header fields of that name by one, at the place of the first.
    pub fn set(&mut self, header: Header) {
        let Some(at) = self.position(&header.name) else {
            return self.push(header);
        };
        let mut place = 0_usize;
        self.entries.retain(|known| {
            let keep = place <= at || known.name() != &header.name;
            place = place.saturating_add(1);
            keep
        });
        if let Some(slot) = self.entries.get_mut(at) {
            *slot = Entry::from(header);
        }
        self.index_again();
    }

    /// Takes out all header fields of that name.
    pub fn remove(&mut self, name: &HeaderName) {
        self.entries.retain(|entry| entry.name() != name);
        self.index_again();
    }

    /// Takes the first element of the first header field of that name out of its comma list: the top Via of a response,
    /// the first Route of a request.
    ///
    /// # Errors
    /// [`HeaderError::Missing`], or [`HeaderError::Bad`] when the list cannot be read.
    pub fn pop_first(&mut self, name: &HeaderName) -> Result<String, HeaderError> {
        let missing = || HeaderError::Missing(name.clone());
        let bad = |error| HeaderError::Bad(name.clone(), error);
        let at = self.position(name).ok_or_else(missing)?;
        let field = self.field(at).ok_or_else(missing)?;
        let items = Items::of(field.text().map_err(bad)?).collect::<Result<Vec<_>, _>>().map_err(bad)?;
        let (first, rest) = items.split_first().ok_or_else(missing)?;
        let (first, rest) = ((*first).to_owned(), rest.join(", "));
        if rest.is_empty() {
            self.entries.remove(at);
            self.index_again();
        } else if let Some(entry) = self.entries.get_mut(at) {
            entry.value = Value::Made(Bytes::from(rest));
        }
        Ok(first)
    }

    /// Puts another value into the first header field of that name, when that is no list; whether it is none.
    pub(super) fn replace_single(&mut self, header: Header) -> bool {
        let Some(at) = self.position(&header.name) else { return false };
        if self.field(at).is_none_or(|field| field.raw().contains(&b',')) {
            return false;
        }
        let entry = self.entries.get_mut(at);
        let is_there = entry.is_some();
        entry.into_iter().for_each(|entry| entry.value = Value::Made(header.value.clone()));
        is_there
    }

    /// The header fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = Field<'_>> {
        self.entries.iter().map(|entry| Field { head: &self.head, entry })
    }

    /// The header fields of that name.
    #[inline]
    pub fn all<'a>(&'a self, name: &HeaderName) -> impl Iterator<Item = Field<'a>> {
        let (first, is_repeated) = self.locate(name);
        let count = if is_repeated { usize::MAX } else { 1 };
        let from = first.and_then(|first| self.entries.get(first..)).unwrap_or_default();
        let same = from.iter().filter(move |entry| entry.name() == name);
        same.take(count).map(|entry| Field { head: &self.head, entry })
    }

    /// The first header field of that name.
    #[must_use]
    #[inline]
    pub fn first(&self, name: &HeaderName) -> Option<Field<'_>> {
        self.field(self.position(name)?)
    }

    /// Whether there is a header field of that name.
    #[must_use]
    pub fn has(&self, name: &HeaderName) -> bool {
        self.position(name).is_some()
    }

    /// The value of the first header field of that name as it was written.
    #[must_use]
    pub fn raw(&self, name: &HeaderName) -> Option<&[u8]> {
        self.first(name).map(|field| field.raw())
    }

    /// The text of a header field that may appear once only.
    ///
    /// # Errors
    /// [`HeaderError::Repeated`], or [`HeaderError::Bad`] when it is not UTF-8.
    #[inline(always)]
    pub fn single(&self, name: &HeaderName) -> Result<Option<&str>, HeaderError> {
        let (first, is_repeated) = self.locate(name);
        let Some(field) = first.and_then(|first| self.field(first)) else {
            return Ok(None);
        };
        if is_repeated {
            // RFC 4475 §3.3.8
            return Err(HeaderError::Repeated(name.clone()));
        }
        field.text().map(Some).map_err(|error| HeaderError::Bad(name.clone(), error))
    }

    /// The elements of the comma lists of all header fields of that name.
    ///
    /// # Errors
    /// [`HeaderError::Bad`] when a list is malformed or longer than [`Limits::list_items_max`].
    pub fn items<'a>(&'a self, name: &HeaderName) -> Result<Vec<&'a str>, HeaderError> {
        let mut items = Vec::new();
        self.each_item(name, |item| {
            items.push(item);
            Ok(())
        })?;
        Ok(items)
    }

    /// Shows each element of the comma lists of all header fields of that name.
    fn each_item<'a>(
        &'a self,
        name: &HeaderName,
        mut show: impl FnMut(&'a str) -> Result<(), ValueError>,
    ) -> Result<(), HeaderError> {
        let bad = |error| HeaderError::Bad(name.clone(), error);
        let mut count = 0_usize;
        for field in self.all(name) {
            each_item_of(field.text().map_err(bad)?, &mut count, &mut show).map_err(bad)?;
        }
        Ok(())
    }

    /// Takes the value of each element of the comma lists of all header fields of that name. What can be read holds no
    /// comma outside quotes and angle brackets.
    #[inline]
    pub(super) fn each_value<'a, T>(
        &'a self,
        name: &HeaderName,
        read: impl Fn(&'a str) -> Result<T, ValueError>,
        mut take: impl FnMut(T) -> Result<(), ValueError>,
    ) -> Result<(), HeaderError> {
        let bad = |error| HeaderError::Bad(name.clone(), error);
        let mut count = 0_usize;
        for field in self.all(name) {
            let text = field.text().map_err(bad)?;
            // Nearly always there is one element, which needs no search for its end.
            match read(text) {
                Ok(value) if count < Limits::DEFAULT.list_items_max => {
                    count = count.saturating_add(1);
                    take(value).map_err(bad)?;
                }
                _ => each_item_of(text, &mut count, |item| take(read(item)?)).map_err(bad)?,
            }
        }
        Ok(())
    }

    /// Whether a value holds NUL where the grammar has none.
    pub(super) fn has_stray_nul(&self) -> bool {
        self.iter().any(|field| field.raw().contains(&0) && !scan::is_one_line(field.raw()))
    }

    /// How many header fields.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline]
    fn add(&mut self, entry: Entry) {
        if let Some(place) = entry.name().place() {
            self.index.note(place, self.entries.len());
        }
        self.entries.push(entry);
    }

    fn index_again(&mut self) {
        self.index = Index::default();
        for (at, entry) in self.entries.iter().enumerate() {
            if let Some(place) = entry.name().place() {
                self.index.note(place, at);
            }
        }
    }

    #[inline(always)]
    fn field(&self, at: usize) -> Option<Field<'_>> {
        Some(Field { head: &self.head, entry: self.entries.get(at)? })
    }

    /// Where the first header field of that name stands.
    #[inline(always)]
    fn position(&self, name: &HeaderName) -> Option<usize> {
        self.locate(name).0
    }

    /// Where the first header field of that name stands, and whether there are others.
    #[inline(always)]
    fn locate(&self, name: &HeaderName) -> (Option<usize>, bool) {
        match self.index.find(name) {
            Found::At(at, is_repeated) => (Some(at), is_repeated),
            Found::Nowhere => (None, false),
            Found::Unknown => {
                let mut same = self.entries.iter().enumerate().filter(|(_, entry)| entry.name() == name);
                (same.next().map(|(at, _)| at), same.next().is_some())
            }
        }
    }
}

impl Entry {
    #[inline]
    fn name(&self) -> &HeaderName {
        match &self.name {
            Name::Known(name) => name,
            Name::Other(name) => name,
        }
    }
}

impl Name {
    fn of(name: HeaderName) -> Self {
        match name.place().and_then(|place| HeaderName::KNOWN.get(place)) {
            Some(known) => Self::Known(known),
            None => Self::Other(Box::new(name)),
        }
    }
}

impl Value {
    #[inline]
    fn of_place(range: Range<usize>) -> Self {
        // No head is so long that this cuts anything: a limit below that refuses it.
        let at = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        Self::Read { start: at(range.start), end: at(range.end) }
    }
}

impl From<Header> for Entry {
    fn from(header: Header) -> Self {
        Self { name: Name::of(header.name), value: Value::Made(header.value) }
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        let parts = |field: Field<'_>| (field.name().clone(), field.raw().to_vec());
        self.len() == other.len() && self.iter().map(parts).eq(other.iter().map(parts))
    }
}

impl Eq for Headers {}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Shows each element of a comma list, of which `count` elements stood in header fields before.
fn each_item_of<'a>(
    text: &'a str,
    count: &mut usize,
    mut show: impl FnMut(&'a str) -> Result<(), ValueError>,
) -> Result<(), ValueError> {
    // RFC 3261 §7.3.1
    for item in Items::of(text) {
        *count = count.saturating_add(1);
        if *count > Limits::DEFAULT.list_items_max {
            return Err(ValueError::TooMany);
        }
        show(item?)?;
    }
    Ok(())
}

/// Where the first header field of each known name stands, so that nobody has to search for it.
///
/// For each name its place plus one, zero being nowhere, from [`FAR`] on somewhere behind; with [`REPEATED`] where it
/// stands more than once.
#[derive(Clone)]
struct Index([u8; HeaderName::KNOWN.len()]);

/// The first place that the index does not tell.
const FAR: u8 = REPEATED - 1;

const REPEATED: u8 = 0x80;

enum Found {
    At(usize, bool),
    Nowhere,
    Unknown,
}

impl Default for Index {
    fn default() -> Self {
        Self([0; HeaderName::KNOWN.len()])
    }
}

impl Index {
    #[inline]
    fn note(&mut self, place: usize, at: usize) {
        let Some(first) = self.0.get_mut(place) else { return };
        if *first == 0 {
            *first = u8::try_from(at.saturating_add(1)).unwrap_or(FAR).min(FAR);
        } else {
            *first |= REPEATED;
        }
    }

    #[inline(always)]
    fn find(&self, name: &HeaderName) -> Found {
        let Some(first) = name.place().and_then(|place| self.0.get(place)) else { return Found::Unknown };
        match first & !REPEATED {
            0 => Found::Nowhere,
            FAR => Found::Unknown,
            next => Found::At(usize::from(next.wrapping_sub(1)), first & REPEATED != 0),
        }
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
        assert_eq!(headers.items(&HeaderName::Via).unwrap(), vec!["SIP/2.0/UDP z"]);
        assert_eq!(headers.len(), 2);
    }

    #[test]
    fn a_second_single_header_field_is_told() {
        assert_eq!(vias().single(&HeaderName::Via), Err(HeaderError::Repeated(HeaderName::Via)));
    }

    #[test]
    fn what_stands_far_behind_is_found_too() {
        let mut headers = Headers::default();
        for number in 0..300 {
            headers.push(Header::new(HeaderName::parse("X-Filler").unwrap(), number));
        }
        headers.push(Header::new(HeaderName::Subject, "one"));
        headers.push(Header::new(HeaderName::To, "<sip:a@b>"));
        headers.push(Header::new(HeaderName::To, "<sip:a@c>"));
        assert_eq!(headers.single(&HeaderName::Subject), Ok(Some("one")));
        assert_eq!(headers.single(&HeaderName::To), Err(HeaderError::Repeated(HeaderName::To)));
        assert_eq!(headers.all(&HeaderName::To).count(), 2);
    }

    proptest::proptest! {
        #[test]
        fn the_index_finds_what_a_search_finds(deeds in proptest::collection::vec((0..4_u8, 0..4_usize), 0..24)) {
            let other = HeaderName::parse("X-Other").unwrap();
            let names = [HeaderName::Via, HeaderName::To, HeaderName::Route, other];
            let mut headers = Headers::default();
            for (number, (deed, name)) in deeds.into_iter().enumerate() {
                let header = Header::new(names[name].clone(), number);
                match deed {
                    0 => headers.push(header),
                    1 => headers.push_front(header),
                    2 => headers.set(header),
                    _ => headers.remove(&names[name]),
                }
                for name in &names {
                    let found: Vec<_> = headers.all(name).map(|field| field.raw().to_vec()).collect();
                    let searched: Vec<_> =
                        headers.iter().filter(|field| field.name() == name).map(|field| field.raw().to_vec()).collect();
                    proptest::prop_assert_eq!(&found, &searched);
                    proptest::prop_assert_eq!(headers.raw(name), searched.first().map(Vec::as_slice));
                    proptest::prop_assert_eq!(headers.single(name).is_err(), searched.len() > 1);
                }
            }
        }
    }
}
