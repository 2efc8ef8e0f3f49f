//! AdvancedCriteria of searches: whatever text comes, it is refused or judged.

use gateway::{
    account::PersonDetails,
    wv::translate::search::{Criteria, Person},
};
use mapping::address::Address;
use wv_proto::primitive::search::{SearchElement, SearchPair};

/// A rule over a few pairs.
///
/// # Panics
/// When a rule contradicts itself.
pub fn run(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let pair = |text: &str, pair_id| SearchPair { element: SearchElement::UserId, text: text.into(), pair_id };
    let pairs = [pair("alice", Some(1)), pair("wv.example", Some(2)), pair("nobody", None)];
    let Some(criteria) = Criteria::parse(&pairs, Some(&text)) else { return };
    let user = Address::parse("alice@wv.example").expect("an address");
    let details = PersonDetails::default();
    let person = Person { user: &user, profile: &[], details: &details };
    let holds = criteria.matches(&person);
    let against = Criteria::parse(&pairs, Some(&format!("NOT ({text})")));
    // One level more may be one too deep.
    assert!(against.is_none_or(|against| against.matches(&person) != holds), "{text}");
}
