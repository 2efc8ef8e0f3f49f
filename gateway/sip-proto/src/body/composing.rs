//! Whether somebody is writing: `application/im-iscomposing+xml` (RFC 3994).

use super::{
    datetime,
    xml::{XmlBinding, XmlError, XmlLimits, XmlReader, XmlWriter},
};
use crate::time::Timestamp;

/// A status message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composing {
    /// Whether he is writing.
    pub state: ComposingState,
    /// When he wrote last.
    pub last_active: Option<Timestamp>,
    /// What he writes: a media type, or only its first half.
    pub content_type: Option<String>,
    /// After how many seconds silence means that he writes no more.
    pub refresh_s: Option<u32>,
}

/// Whether somebody is writing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ComposingState {
    /// He is.
    Active,
    /// He is not.
    Idle,
}

impl Composing {
    // RFC 3994 §3.4, §3.5
    /// Reads a status message. A state that is not known means idle; extensions are left aside.
    ///
    /// # Errors
    /// [`XmlError`]; a missing state is [`XmlError::NotWellFormed`] too.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let limits = XmlLimits { document_bytes_max: 16 << 10, elements_max: 64, ..XmlLimits::PRESENCE };
        let mut reader = XmlReader::new(document, &limits)?;
        let root = reader.root()?;
        if root.namespace() != NAMESPACE || root.name() != "isComposing" {
            return Err(XmlError::NotWellFormed);
        }
        let (mut state, mut last_active, mut content_type, mut refresh_s) = (None, None, None, None);
        while let Some(child) = reader.next_child()? {
            let name = if child.namespace() == NAMESPACE { child.name().to_owned() } else { String::new() };
            if !matches!(name.as_str(), "state" | "lastactive" | "contenttype" | "refresh") {
                reader.skip()?;
                continue;
            }
            let text = reader.text()?;
            let text = text.trim();
            match name.as_str() {
                "state" if text == "active" => state = Some(ComposingState::Active),
                "state" => state = Some(ComposingState::Idle),
                "lastactive" => last_active = datetime::parse(text),
                "contenttype" => content_type = Some(text.to_owned()),
                _ => refresh_s = text.parse().ok(),
            }
        }
        reader.finish()?;
        Ok(Self { state: state.ok_or(XmlError::NotWellFormed)?, last_active, content_type, refresh_s })
    }

    // RFC 3994 §6
    /// Writes the status message.
    ///
    /// # Errors
    /// [`XmlError`] when something in it cannot be written.
    pub fn write(&self) -> Result<String, XmlError> {
        let mut writer = XmlWriter::new(BINDINGS);
        writer.open("isComposing");
        writer.leaf("state", if self.state == ComposingState::Active { "active" } else { "idle" });
        writer.leaf_if("lastactive", self.last_active.map(datetime::write).as_deref());
        writer.leaf_if("contenttype", self.content_type.as_deref());
        writer.leaf_if("refresh", self.refresh_s.map(|seconds| seconds.to_string()).as_deref());
        writer.close();
        writer.finish()
    }
}

/// The namespace of the document.
const NAMESPACE: &str = "urn:ietf:params:xml:ns:im-iscomposing";
const BINDINGS: &[XmlBinding] = &[XmlBinding { prefix: "", namespace: NAMESPACE }];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state(inner: &str) -> Result<ComposingState, XmlError> {
        let document = format!("<isComposing xmlns=\"{NAMESPACE}\">{inner}</isComposing>");
        Composing::parse(document.as_bytes()).map(|composing| composing.state)
    }

    #[test]
    fn rfc3994_3_5_a_state_that_is_not_known_means_idle() {
        assert_eq!(state("<state>active</state><refresh>90</refresh>"), Ok(ComposingState::Active));
        assert_eq!(state("<state>dictating</state>"), Ok(ComposingState::Idle));
        assert_eq!(state("<x xmlns='urn:x'/><state> idle </state>"), Ok(ComposingState::Idle));
        assert_eq!(state(""), Err(XmlError::NotWellFormed));
        assert!(Composing::parse(b"<isComposing><state>idle</state></isComposing>").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            active: bool, at in prop::option::of(0_u64..4_000_000_000), kind in prop::option::of("[a-z]{1,6}/[a-z]{1,6}"),
            refresh_s in prop::option::of(any::<u32>()),
        ) {
            let composing = Composing {
                state: if active { ComposingState::Active } else { ComposingState::Idle },
                last_active: at.map(Timestamp::from_secs),
                content_type: kind,
                refresh_s,
            };
            prop_assert_eq!(Composing::parse(composing.write().unwrap().as_bytes()).unwrap(), composing);
        }
    }
}
