//! The OMA presence extension: willingness, registration and network state.

use super::namespace::OMA_PRESENCE;
use super::vocabulary::vocabulary;
use super::xml::{XmlError, XmlReader, XmlWriter};

vocabulary! {
    /// State of a registration, of barring, of a network.
    ActivityState { Active = "active", Terminated = "terminated" }
}

/// `op:service-description`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are those of the elements")]
pub struct ServiceDescription {
    pub service_id: String,
    pub version: Option<String>,
    pub description: Option<String>,
}

/// One `op:network` of `op:network-availability`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NetworkAvailability {
    /// Name of the network.
    pub id: String,
    /// Attached or not.
    pub state: ActivityState,
}

impl ServiceDescription {
    pub(super) fn read(reader: &mut XmlReader<'_>) -> Result<Self, XmlError> {
        let mut description = Self::default();
        while let Some(element) = reader.next_child()? {
            match element.name() {
                "service-id" => description.service_id = reader.text()?.trim().to_owned(),
                "version" => description.version = Some(reader.text()?.trim().to_owned()),
                "description" => description.description = Some(reader.text()?.into_owned()),
                _ => reader.skip()?,
            }
        }
        Ok(description)
    }

    pub(super) fn write(&self, writer: &mut XmlWriter) {
        writer.open("op:service-description");
        writer.leaf("op:service-id", &self.service_id);
        writer.leaf_if("op:version", self.version.as_deref());
        writer.leaf_if("op:description", self.description.as_deref());
        writer.close();
    }
}

impl NetworkAvailability {
    pub(super) fn read_all(reader: &mut XmlReader<'_>) -> Result<Vec<Self>, XmlError> {
        let mut networks = Vec::new();
        while let Some(element) = reader.next_child()? {
            if element.namespace() != OMA_PRESENCE || element.name() != "network" {
                reader.skip()?;
                continue;
            }
            let id = element.attribute("id").unwrap_or_default().to_owned();
            let mut state = None;
            while let Some(value) = reader.next_child()? {
                state = state.or(ActivityState::parse(value.name()));
                reader.skip()?;
            }
            networks.extend(state.map(|state| Self { id, state }));
        }
        Ok(networks)
    }

    pub(super) fn write_all(networks: &[Self], writer: &mut XmlWriter) {
        if networks.is_empty() {
            return;
        }
        writer.open("op:network-availability");
        for network in networks {
            writer.open("op:network");
            writer.attribute("id", &network.id);
            writer.open_prefixed("op", network.state.as_str());
            writer.close();
            writer.close();
        }
        writer.close();
    }
}
