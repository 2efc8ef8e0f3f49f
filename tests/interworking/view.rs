//! Looking into XML documents of the other side, and writing some, without knowing their prefixes.

/// Whether the document has an element of this local name.
pub(crate) fn has(document: &str, name: &str) -> bool {
    positions(document, name).next().is_some()
}

/// The texts of the elements of this local name, up to the next tag, with the predefined entities resolved.
pub(crate) fn texts(document: &str, name: &str) -> Vec<String> {
    positions(document, name)
        .filter_map(|at| {
            let (tag, rest) = document.get(at..)?.split_once('>')?;
            let text = rest.split('<').next()?;
            (!tag.ends_with('/')).then(|| unescape(text))
        })
        .collect()
}

/// The text of the first element of this local name.
pub(crate) fn text(document: &str, name: &str) -> Option<String> {
    texts(document, name).into_iter().next()
}

/// The local names of the elements inside the first element of this local name.
pub(crate) fn children(document: &str, name: &str) -> Vec<String> {
    let Some((_, rest)) = positions(document, name).next().and_then(|at| document.get(at..)?.split_once('>')) else {
        return Vec::new();
    };
    let mut depth = 0_u32;
    let mut names = Vec::new();
    for tag in rest.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        if tag.starts_with('/') {
            if depth == 0 {
                break;
            }
            depth -= 1;
            continue;
        }
        if depth == 0 {
            let qualified = tag.split([' ', '/']).next().unwrap_or_default();
            names.push(qualified.rsplit(':').next().unwrap_or_default().to_owned());
        }
        if !tag.ends_with('/') {
            depth += 1;
        }
    }
    names
}

/// Where the start tags of the elements of this local name begin.
fn positions<'a>(document: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    document.match_indices('<').map(|(at, _)| at).filter(move |at| {
        let tag = document.get(at + 1..).unwrap_or_default();
        let end = tag.find([' ', '>', '/', '\n', '\r', '\t']).unwrap_or(tag.len());
        tag.get(..end).unwrap_or_default().rsplit(':').next() == Some(name)
    })
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}

/// A document with one tuple.
pub(crate) fn pidf(user: &str, basic: &str, note: &str) -> String {
    document(user, &tuple("t1", basic, None, &format!("<note>{note}</note>")), "")
}

/// A tuple.
pub(crate) fn tuple(id: &str, basic: &str, priority: Option<&str>, more: &str) -> String {
    let priority = priority.map(|priority| format!(" priority=\"{priority}\"")).unwrap_or_default();
    format!(
        "<tuple id=\"{id}\"><status><basic>{basic}</basic></status><contact{priority}>sip:{id}@sip.example</contact>\
         {more}</tuple>"
    )
}

/// A document from its tuples and what stands in its person.
pub(crate) fn document(user: &str, tuples: &str, person: &str) -> String {
    let person = if person.is_empty() { String::new() } else { format!("<dm:person id=\"p1\">{person}</dm:person>") };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" \
         entity=\"sip:{user}\">{tuples}{person}</presence>"
    )
}
