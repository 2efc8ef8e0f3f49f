//! What the operator knows of the person behind an account: for whoever searches, and where the person says nothing itself.

use serde::{Deserialize, Serialize};

/// Names, mail address and telephone number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersonDetails {
    /// First name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Telephone number, with country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub msisdn: Option<String>,
    /// The SIP user for whom the account stands at a foreign WV server, `sip:USER@DOMAIN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shadow_of: Option<String>,
}

impl PersonDetails {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The names as people write them.
    #[must_use]
    pub fn friendly_name(&self) -> Option<String> {
        let names: Vec<&str> = [&self.first_name, &self.last_name].into_iter().filter_map(Option::as_deref).collect();
        (!names.is_empty()).then(|| names.join(" "))
    }
}
