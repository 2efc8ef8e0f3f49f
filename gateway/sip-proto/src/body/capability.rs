//! Capabilities of services and devices (RFC 5196).

use super::namespace::CAPABILITIES;
use super::pidf::Note;
use super::rpid::read_note;
use super::vocabulary::vocabulary;
use super::xml::{XmlError, XmlFragment, XmlName, XmlReader, XmlWriter};
use std::collections::BTreeMap;

// RFC 5196 §3.2
vocabulary! {
    /// A capability that a service has or has not.
    ServiceFeature {
        Application = "application", Audio = "audio", Automata = "automata", Control = "control", Data = "data",
        IsFocus = "isfocus", Message = "message", Text = "text", Video = "video",
    }
}

vocabulary! {
    /// Whether a device moves (RFC 5196 §3.3.1).
    Mobility { Fixed = "fixed", Mobile = "mobile" }
}

/// `caps:servcaps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ServiceCapabilities {
    /// What was said about the yes-or-no capabilities.
    pub features: BTreeMap<ServiceFeature, Support>,
    /// Languages as BCP 47 tags, most preferred first.
    pub languages: Vec<String>,
    /// SIP methods.
    pub methods: Vec<XmlName>,
    /// Children that are none of these.
    pub extensions: Vec<XmlFragment>,
}

/// Whether something is supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Support {
    Supported,
    NotSupported,
}

/// `caps:devcaps`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct DeviceCapabilities {
    /// What the device is, in words.
    pub descriptions: Vec<Note>,
    /// Whether it moves.
    pub mobility: Option<Mobility>,
    /// Children that are none of these.
    pub extensions: Vec<XmlFragment>,
}

impl ServiceCapabilities {
    /// Says that the service has a capability.
    pub fn support(&mut self, feature: ServiceFeature) {
        self.features.insert(feature, Support::Supported);
    }

    pub(super) fn read(reader: &mut XmlReader<'_>) -> Result<Self, XmlError> {
        let mut capabilities = Self::default();
        while let Some(element) = reader.next_child()? {
            let feature = ServiceFeature::parse(element.name()).filter(|_| element.namespace() == CAPABILITIES);
            match (element.namespace(), element.name(), feature) {
                (_, _, Some(feature)) => {
                    if let Some(support) = Support::parse(&reader.text()?) {
                        capabilities.features.insert(feature, support);
                    }
                }
                (CAPABILITIES, "languages", None) => read_supported(reader, |reader, _| {
                    capabilities.languages.push(reader.text()?.trim().to_owned());
                    Ok(())
                })?,
                (CAPABILITIES, "methods", None) => read_supported(reader, |reader, name| {
                    capabilities.methods.push(XmlName::parse(name)?);
                    reader.skip()
                })?,
                _ => capabilities.extensions.push(reader.fragment(&element)?),
            }
        }
        capabilities.languages.retain(|language| !language.is_empty());
        Ok(capabilities)
    }

    // RFC 5196 §5
    /// The schema wants the children in the order of the alphabet, and elements of other namespaces behind them.
    pub(super) fn write(&self, writer: &mut XmlWriter) {
        let features = self.features.iter().map(|(feature, support)| Part::Feature(*feature, *support));
        let lists = [Part::Languages(&self.languages), Part::Methods(&self.methods)];
        let extensions = self.extensions.iter().map(Part::Extension);
        let mut parts: Vec<Part<'_>> = features.chain(lists).chain(extensions).collect();
        parts.sort_by_key(|part| part.place());
        writer.open("caps:servcaps");
        for part in parts {
            part.write(writer);
        }
        writer.close();
    }
}

/// A child of `caps:servcaps`.
enum Part<'a> {
    Feature(ServiceFeature, Support),
    Languages(&'a [String]),
    Methods(&'a [XmlName]),
    Extension(&'a XmlFragment),
}

impl<'a> Part<'a> {
    /// Foreign ones last and in their own order.
    fn place(&self) -> (bool, &'a str) {
        match self {
            Self::Feature(feature, _) => (false, feature.as_str()),
            Self::Languages(_) => (false, "languages"),
            Self::Methods(_) => (false, "methods"),
            Self::Extension(fragment) if fragment.namespace() == CAPABILITIES => (false, fragment.name()),
            Self::Extension(_) => (true, ""),
        }
    }

    fn write(&self, writer: &mut XmlWriter) {
        match self {
            Self::Feature(feature, support) => write_feature(writer, *feature, *support),
            Self::Languages(languages) => write_supported(writer, "caps:languages", languages.is_empty(), |writer| {
                languages.iter().for_each(|language| writer.leaf("caps:l", language));
            }),
            Self::Methods(methods) => write_supported(writer, "caps:methods", methods.is_empty(), |writer| {
                for method in *methods {
                    writer.open_named("caps", method);
                    writer.close();
                }
            }),
            Self::Extension(fragment) => writer.fragment(fragment),
        }
    }
}

impl Support {
    fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "true" | "1" => Some(Self::Supported),
            "false" | "0" => Some(Self::NotSupported),
            _ => None,
        }
    }
}

impl DeviceCapabilities {
    pub(super) fn read(reader: &mut XmlReader<'_>) -> Result<Self, XmlError> {
        let mut capabilities = Self::default();
        while let Some(element) = reader.next_child()? {
            match (element.namespace(), element.name()) {
                (CAPABILITIES, "description") => capabilities.descriptions.push(read_note(reader, &element)?),
                (CAPABILITIES, "mobility") => read_supported(reader, |reader, name| {
                    capabilities.mobility = capabilities.mobility.or(Mobility::parse(name));
                    reader.skip()
                })?,
                _ => capabilities.extensions.push(reader.fragment(&element)?),
            }
        }
        Ok(capabilities)
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("caps:devcaps");
        for description in &self.descriptions {
            description.write(writer, "caps:description");
        }
        write_supported(writer, "caps:mobility", self.mobility.is_none(), |writer| {
            if let Some(mobility) = self.mobility {
                writer.open_prefixed("caps", mobility.as_str());
                writer.close();
            }
        });
        for extension in &self.extensions {
            writer.fragment(extension);
        }
        writer.close();
    }
}

/// Visits what stands under `caps:supported`; `caps:notsupported` says nothing that somebody acts upon.
fn read_supported<'a>(
    reader: &mut XmlReader<'a>,
    mut visit: impl FnMut(&mut XmlReader<'a>, &'a str) -> Result<(), XmlError>,
) -> Result<(), XmlError> {
    while let Some(group) = reader.next_child()? {
        if group.name() != "supported" {
            reader.skip()?;
            continue;
        }
        while let Some(element) = reader.next_child()? {
            visit(reader, element.name())?;
        }
    }
    Ok(())
}

fn write_supported(writer: &mut XmlWriter, name: &'static str, is_empty: bool, inside: impl FnOnce(&mut XmlWriter)) {
    if is_empty {
        return;
    }
    writer.open(name);
    writer.open("caps:supported");
    inside(writer);
    writer.close();
    writer.close();
}

fn write_feature(writer: &mut XmlWriter, feature: ServiceFeature, support: Support) {
    writer.open_prefixed("caps", feature.as_str());
    writer.text(match support {
        Support::Supported => "true",
        Support::NotSupported => "false",
    });
    writer.close();
}
