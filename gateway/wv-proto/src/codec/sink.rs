//! Where messages are written: one pass, straight into the encoding.

use crate::codec::date_time::DateTime;
use crate::schema::ElementName;
use crate::version::{Encoding, Version};

/// Takes a document piece by piece. Implemented by both writers and by the tree builder.
///
/// Nothing returns an error: the first one is kept, everything after it is ignored, and finishing the writer returns it.
/// An element takes one value or any number of elements.
pub trait Sink {
    /// The version that is written.
    fn version(&self) -> Version;

    /// The encoding that is written. XML has no octets: whoever writes content that [`Sink::octets`] would have to put
    /// into BASE64 says so in its ContentEncoding.
    fn encoding(&self) -> Encoding;

    /// Opens an element in the namespace that is in force.
    fn open(&mut self, name: ElementName);

    /// Opens an element and puts the namespace in force.
    fn open_with_namespace(&mut self, name: ElementName, namespace: &str);

    /// Opens an element of a vendor; `None` stays in the namespace that is in force.
    fn open_vendor(&mut self, name: &str, namespace: Option<&str>);

    /// Adds an attribute to the element that was opened last. CSP has none beside `xmlns`; SSP and vendors have.
    fn attribute(&mut self, name: &str, value: &str);

    /// Writes the value of the open element.
    fn text(&mut self, text: &str);

    /// Writes the value of the open element as a number.
    fn integer(&mut self, number: u32);

    /// Writes the value of the open element as `T` or `F`.
    fn boolean(&mut self, value: bool);

    /// Writes the value of the open element as a point in time.
    fn date_time(&mut self, moment: &DateTime);

    /// Writes content octets: raw in WBXML; in XML as text when they are text that XML can hold, otherwise in BASE64.
    fn octets(&mut self, octets: &[u8]);

    /// Closes the element that is open.
    fn close(&mut self);

    /// An element with a text.
    fn leaf_text(&mut self, name: ElementName, text: &str) {
        self.open(name);
        self.text(text);
        self.close();
    }

    /// An element with a number.
    fn leaf_integer(&mut self, name: ElementName, number: u32) {
        self.open(name);
        self.integer(number);
        self.close();
    }

    /// An element with `T` or `F`.
    fn leaf_boolean(&mut self, name: ElementName, value: bool) {
        self.open(name);
        self.boolean(value);
        self.close();
    }

    /// An element with a point in time.
    fn leaf_date_time(&mut self, name: ElementName, moment: &DateTime) {
        self.open(name);
        self.date_time(moment);
        self.close();
    }

    /// An element with content octets.
    fn leaf_octets(&mut self, name: ElementName, octets: &[u8]) {
        self.open(name);
        self.octets(octets);
        self.close();
    }

    /// An element with nothing in it.
    fn empty(&mut self, name: ElementName) {
        self.open(name);
        self.close();
    }
}
