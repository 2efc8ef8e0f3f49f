//! Answers about identifiers and profiles.

use super::outcome;
use crate::account::Profile;
use mapping::{outcome::Outcome, presence::GeoLocation};
use wv_proto::{
    primitive::{Primitive, access::Status, party::Property},
    status::{DetailedResult, StatusCode, StatusResult},
    version::Version,
};

/// What is to be said about several identifiers together.
#[derive(Debug, Default)]
pub struct Verdicts {
    good: usize,
    bad: Vec<DetailedResult>,
}

impl Verdicts {
    /// One more identifier, and where its name goes when it is bad.
    pub fn judge(&mut self, verdict: Outcome, name: impl FnOnce(&mut DetailedResult)) {
        // Codes that 1.1 does not have: it has no VerifyID either.
        self.judge_code(outcome::to_code(verdict, Version::V1_2), name);
    }

    /// The same by its code.
    pub fn judge_code(&mut self, code: StatusCode, name: impl FnOnce(&mut DetailedResult)) {
        if code.is_success() {
            self.good = self.good.saturating_add(1);
            return;
        }
        let at = self.bad.iter().position(|detail| detail.code == code).unwrap_or_else(|| {
            self.bad.push(DetailedResult::new(code));
            self.bad.len().saturating_sub(1)
        });
        if let Some(detail) = self.bad.get_mut(at) {
            name(detail);
        }
    }

    /// The Result: 200 for all, 201 for some; the code itself for none, or 900 when there are several.
    #[must_use]
    pub fn into_result(self) -> StatusResult {
        let code = match (self.good, self.bad.as_slice()) {
            (0, []) => StatusCode::BAD_PARAMETER,
            (_, []) => StatusCode::SUCCESS,
            (0, [only]) => only.code,
            (0, _) => StatusCode::MULTIPLE_ERRORS,
            _ => StatusCode::PARTIALLY_SUCCESSFUL,
        };
        StatusResult::new(code).with_detailed(self.bad)
    }

    /// The Status.
    #[must_use]
    pub fn into_primitive(self) -> Primitive {
        Primitive::Status(Status::from(self.into_result()))
    }
}

/// The profile after a change; none when a property is not possible (status 702). A property without value is taken back.
// WV-PPR-01
#[must_use]
pub fn changed_profile(mut profile: Profile, changes: &[Property]) -> Option<Profile> {
    for change in changes {
        let name: Box<str> = change.name.trim().to_ascii_uppercase().into();
        if !PROFILE_PROPERTIES.contains(&name.as_ref()) {
            return None;
        }
        profile.retain(|(known, _)| *known != name);
        if let Some(value) = change.value.as_deref().filter(|value| !value.is_empty()) {
            if value.chars().count() > PROFILE_VALUE_CHARS_MAX {
                return None;
            }
            profile.push((name, value.into()));
        }
    }
    Some(profile)
}

/// The properties of a public profile.
const PROFILE_PROPERTIES: &[&str] = &[
    "PP_AGE",
    "PP_CITY",
    "PP_COUNTRY",
    "PP_FRIENDLY_NAME",
    "PP_FREE_TEXT",
    "PP_GENDER",
    "PP_INTENTION",
    "PP_INTERESTS",
    "PP_MARITAL_STATUS",
];

/// Longest value of such a property.
const PROFILE_VALUE_CHARS_MAX: usize = 500;

/// Where the map of a place is: the address with degrees in it.
#[must_use]
pub fn map_address(template: &str, place: &GeoLocation) -> String {
    let degrees = |e7: i64| {
        let (sign, e7) = (if e7 < 0 { "-" } else { "" }, e7.unsigned_abs());
        format!("{sign}{}.{:07}", e7 / 10_000_000, e7 % 10_000_000)
    };
    template.replace("{latitude}", &degrees(place.latitude_e7)).replace("{longitude}", &degrees(place.longitude_e7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wv_vid_01_what_is_bad_is_named_by_its_code() {
        let mut verdicts = Verdicts::default();
        verdicts.judge(Outcome::Success, |_| panic!("nothing to name"));
        verdicts.judge(Outcome::UnknownDomain, |detail| detail.domains.push("nowhere.example".into()));
        let result = verdicts.into_result();
        assert_eq!(result.code, StatusCode::PARTIALLY_SUCCESSFUL);
        assert_eq!(result.detailed[0].code.number(), 516);
        let mut all_bad = Verdicts::default();
        all_bad.judge(Outcome::UnknownUser, |_| {});
        assert_eq!(all_bad.into_result().code.number(), 531);
        assert_eq!(Verdicts::default().into_result().code, StatusCode::BAD_PARAMETER);
    }

    #[test]
    fn wv_ppr_01_a_property_without_value_is_taken_back() {
        let profile = changed_profile(Profile::new(), &[Property::new("pp_city", "Rome")]).unwrap();
        assert_eq!(profile, [("PP_CITY".into(), "Rome".into())]);
        let named = Property { name: "PP_CITY".into(), value: None };
        assert_eq!(changed_profile(profile.clone(), &[named]), Some(Profile::new()));
        assert_eq!(changed_profile(profile, &[Property::new("PP_SHOES", "44")]), None);
    }

    // WV-MAP-01
    #[test]
    fn the_address_of_a_map_has_degrees_in_it() {
        let place =
            GeoLocation { latitude_e7: 521_234_567, longitude_e7: -5_000_001, altitude_mm: None, accuracy_mm: None };
        let url = map_address("https://maps.example/?lat={latitude}&lon={longitude}", &place);
        assert_eq!(url, "https://maps.example/?lat=52.1234567&lon=-0.5000001");
    }
}
