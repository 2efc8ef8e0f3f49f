//! Table. XML namespaces of the SIMPLE documents.

/// PIDF (RFC 3863).
pub const PIDF: &str = "urn:ietf:params:xml:ns:pidf";
/// Presence data model (RFC 4479).
pub const DATA_MODEL: &str = "urn:ietf:params:xml:ns:pidf:data-model";
/// Rich presence (RFC 4480).
pub const RPID: &str = "urn:ietf:params:xml:ns:pidf:rpid";
/// Location types used by place-type (RFC 4589).
pub const LOCATION_TYPE: &str = "urn:ietf:params:xml:ns:location-type";
/// Timed status (RFC 4481).
pub const TIMED_STATUS: &str = "urn:ietf:params:xml:ns:pidf:timed-status";
/// Contact information (RFC 4482).
pub const CIPID: &str = "urn:ietf:params:xml:ns:pidf:cipid";
/// Capabilities (RFC 5196).
pub const CAPABILITIES: &str = "urn:ietf:params:xml:ns:pidf:caps";
/// Location object (RFC 4119).
pub const GEOPRIV: &str = "urn:ietf:params:xml:ns:pidf:geopriv10";
/// Usage rules inside a location object (RFC 4119).
pub const GEOPRIV_POLICY: &str = "urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy";
/// Civic address (RFC 5139).
pub const CIVIC: &str = "urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr";
/// Civic address as RFC 4119 had it.
pub const CIVIC_OLD: &str = "urn:ietf:params:xml:ns:pidf:geopriv10:civicLoc";
/// GML geometry (RFC 5491).
pub const GML: &str = "http://www.opengis.net/gml";
/// Shapes of RFC 5491.
pub const SHAPES: &str = "http://www.opengis.net/pidflo/1.0";
/// OMA presence extension.
pub const OMA_PRESENCE: &str = "urn:oma:xml:prs:pidf:oma-pres";
/// WV attributes that no standard element can say.
pub const WV_PASSTHROUGH: &str = "urn:x-wv-iwf:pa:1";
/// XMPP client elements that some gateways put into PIDF.
pub const JABBER_CLIENT: &str = "jabber:client";
/// Partial presence (RFC 5262).
pub const PIDF_DIFF: &str = "urn:ietf:params:xml:ns:pidf-diff";
/// Watcher information (RFC 3858).
pub const WATCHER_INFO: &str = "urn:ietf:params:xml:ns:watcherinfo";
/// Resource list meta-information (RFC 4662).
pub const RLMI: &str = "urn:ietf:params:xml:ns:rlmi";
/// Resource lists (RFC 4826).
pub const RESOURCE_LISTS: &str = "urn:ietf:params:xml:ns:resource-lists";
/// RLS services (RFC 4826).
pub const RLS_SERVICES: &str = "urn:ietf:params:xml:ns:rls-services";
/// Copy control attributes (RFC 5364).
pub const COPY_CONTROL: &str = "urn:ietf:params:xml:ns:copycontrol";
/// Common policy (RFC 4745).
pub const COMMON_POLICY: &str = "urn:ietf:params:xml:ns:common-policy";
/// Presence rules (RFC 5025).
pub const PRESENCE_RULES: &str = "urn:ietf:params:xml:ns:pres-rules";
/// Filters (RFC 4661).
pub const FILTER: &str = "urn:ietf:params:xml:ns:simple-filter";
/// Conference state (RFC 4575).
pub const CONFERENCE: &str = "urn:ietf:params:xml:ns:conference-info";
/// Nickname attribute (RFC 7701).
pub const XCON: &str = "urn:ietf:params:xml:ns:xcon-conference-info";
/// Typing indication (RFC 3994).
pub const COMPOSING: &str = "urn:ietf:params:xml:ns:im-iscomposing";
/// Disposition notification (RFC 5438).
pub const IMDN: &str = "urn:ietf:params:xml:ns:imdn";
/// XCAP errors (RFC 4825).
pub const XCAP_ERROR: &str = "urn:ietf:params:xml:ns:xcap-error";
/// XCAP capabilities (RFC 4825).
pub const XCAP_CAPS: &str = "urn:ietf:params:xml:ns:xcap-caps";
/// XCAP changes (RFC 5874).
pub const XCAP_DIFF: &str = "urn:ietf:params:xml:ns:xcap-diff";
/// Bound to the prefix `xml` by definition.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Namespaces of early drafts that deployed clients still write, and the namespaces they became.
pub(crate) const DRAFTS: &[(&str, &str)] = &[
    ("urn:ietf:params:xml:ns:pidf:person", DATA_MODEL),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-person", DATA_MODEL),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-device", DATA_MODEL),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-tuple", RPID),
    ("urn:ietf:params:xml:ns:pidf:rpid:status:rpid-status", RPID),
    ("urn:ietf:params:xml:ns:pidf:rpid:rpid-status", RPID),
    ("urn:ietf:params:xml:ns:pidf:status:rpid-status", RPID),
    ("urn:ietf:params:xml:ns:pidf:rpid-status", RPID),
    ("urn:ietf:params:xml:ns:pidf:rpid-tuple", RPID),
    ("urn:ietf:params:xml:ns:pidf:rpid-person", DATA_MODEL),
    ("urn:ietf:params:xml:ns:pidf:status:rpid", RPID),
];
