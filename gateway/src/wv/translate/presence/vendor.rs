//! What vendors put into presence: carried on as it came (presence mapping, row P25).

use mapping::presence::Extension;
use wv_proto::{
    limit::Limits,
    presence_attribute::{ClientInfo, PresenceAttributeName, Qualified, VendorElement},
    schema::ElementName,
    version::Version,
};

/// The elements as they are carried on; what is too large, or is no XML, is left behind.
// WV-PRS-14
pub(super) fn to_extensions(elements: &[VendorElement]) -> Vec<Extension> {
    let carried = elements.iter().take(ELEMENTS_MAX).filter_map(|element| {
        let xml = element.to_xml(Version::V1_2).ok().filter(|xml| xml.len() <= OCTETS_MAX)?;
        Some(Extension {
            namespace: Extension::WV_NAMESPACE.into(),
            name: Some(element.name.as_ref().into()),
            xml: xml.into(),
        })
    });
    carried.collect()
}

/// The elements that were carried here; none that a client could take for an attribute of the documents.
pub(super) fn from_extensions(extensions: &[Extension]) -> Vec<VendorElement> {
    let of_vendors = extensions.iter().filter(|extension| extension.namespace.as_ref() == Extension::WV_NAMESPACE);
    let limits = Limits::default();
    let read = of_vendors.filter_map(|extension| VendorElement::from_xml(&extension.xml, &limits).ok());
    read.filter(|element| !is_attribute(&element.name)).collect()
}

/// ClientInfo with the elements of vendors in it.
pub(super) fn within_client(client: Qualified<ClientInfo>, extensions: &[Extension]) -> Qualified<ClientInfo> {
    let vendor = from_extensions(extensions);
    if vendor.is_empty() {
        return client;
    }
    let described = client.value.unwrap_or_default();
    Qualified { value: Some(ClientInfo { vendor, ..described }), qualifier: Some(true), client_id: client.client_id }
}

fn is_attribute(name: &str) -> bool {
    ElementName::from_text(name).and_then(PresenceAttributeName::from_element).is_some()
}

/// Elements of vendors in one update.
const ELEMENTS_MAX: usize = 16;

/// Octets of one element.
const OCTETS_MAX: usize = 4096;
