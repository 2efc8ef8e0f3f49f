//! SIP messages as trees of names and texts.

use crate::lab::scenario::seen::Node;
use sip_proto::{
    body::xml::{XmlElement, XmlError, XmlLimits, XmlReader},
    message::{Request, Response, headers::Headers},
};
use std::borrow::Cow;

/// A request: its method, with `uri`, header fields and `body`.
pub(in crate::lab) fn request(request: &Request) -> Node {
    let mut children = vec![Node::leaf("uri", &request.uri().to_string())];
    add_rest(&mut children, request.headers(), request.body());
    if let Ok(octets) = request.write() {
        children.push(Node::leaf("size", &octets.len().to_string()));
    }
    Node { name: request.method().as_str().to_owned(), text: String::new(), children }
}

/// A response: its code, with `reason`, header fields and `body`.
pub(in crate::lab) fn response(response: &Response) -> Node {
    let mut children = vec![Node::leaf("reason", &String::from_utf8_lossy(response.reason()))];
    add_rest(&mut children, response.headers(), response.body());
    Node { name: response.status().to_number().to_string(), text: String::new(), children }
}

fn add_rest(children: &mut Vec<Node>, headers: &Headers, body: &[u8]) {
    children.extend(headers.iter().map(|header| {
        let value = String::from_utf8_lossy(header.raw()).into_owned();
        Node::leaf(header.name().as_str(), &value)
    }));
    if body.is_empty() {
        return;
    }
    let text = String::from_utf8_lossy(body).into_owned();
    let is_xml = headers.content_type().ok().flatten().is_some_and(|kind| kind.to_essence().ends_with("xml"));
    children.push(match document(body).ok().filter(|_| is_xml) {
        Some(root) => Node { name: "body".to_owned(), text, children: vec![root] },
        None => Node { name: "body".to_owned(), text, children: Vec::new() },
    });
}

/// An XML document, the names without their prefixes.
fn document(octets: &[u8]) -> Result<Node, XmlError> {
    let limits = XmlLimits::DEFAULT;
    let mut reader = XmlReader::new(octets, &limits)?;
    let root = reader.root()?;
    element(&mut reader, &root)
}

/// An element; the reader bounds the depth.
fn element<'a>(reader: &mut XmlReader<'a>, start: &XmlElement<'a>) -> Result<Node, XmlError> {
    let attributes = start.attributes().iter();
    let mut children: Vec<Node> =
        attributes.map(|attribute| Node::leaf(&format!("@{}", attribute.name), &attribute.value)).collect();
    let mut text = Cow::Borrowed("");
    while let Some(child) = reader.next_child_or_text(&mut text)? {
        children.push(element(reader, &child)?);
    }
    Ok(Node { name: start.name().to_owned(), text: text.trim().to_owned(), children })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_a_tree_of_local_names() {
        let text = "<p:presence xmlns:p=\"urn:p\" entity=\"sip:a\"><p:tuple id=\"t\"> <p:basic>open</p:basic>\
                    </p:tuple></p:presence>";
        let root = document(text.as_bytes()).unwrap();
        assert_eq!(root.name, "presence");
        let found = |path: &str| root.find(path).first().map(|node| node.text.clone());
        assert_eq!(found("tuple/basic").as_deref(), Some("open"));
        assert_eq!(found("tuple/@id").as_deref(), Some("t"));
        assert_eq!(found("@entity").as_deref(), Some("sip:a"));
        assert!(document(b"<a>").is_err());
    }
}
