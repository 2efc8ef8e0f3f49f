//! Looking into XML documents of the other side without knowing their prefixes.

/// Whether the document has an element of this local name.
pub(crate) fn has(document: &str, name: &str) -> bool {
    document.match_indices('<').any(|(at, _)| {
        let tag = document.get(at + 1..).unwrap_or_default();
        let end = tag.find([' ', '>', '/', '\n', '\r', '\t']).unwrap_or(tag.len());
        tag.get(..end).unwrap_or_default().rsplit(':').next() == Some(name)
    })
}
