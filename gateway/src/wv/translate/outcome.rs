//! Outcomes as WV status codes. Rows: `fixtures/mapping/outcome.toml`.

use super::address;
use mapping::{
    address::Address,
    message::MessageId,
    outcome::{Detail, Outcome},
};
use std::collections::BTreeMap;
use wv_proto::{
    primitive::{identifier::MessageId as WvMessageId, party::ScreenName},
    status::{DetailedResult, StatusCode, StatusResult},
    version::Version,
};

/// The code for an outcome in a version. Codes that only newer clients know fall back for older ones
/// (`fixtures/mapping/outcome.toml`, columns `wv_1_1` and `wv_1_2`).
#[must_use]
pub const fn to_code(outcome: Outcome, version: Version) -> StatusCode {
    let number = match outcome {
        Outcome::Success | Outcome::Stored => 200,
        Outcome::PartialSuccess => 201,
        Outcome::MultipleErrors => 900,
        Outcome::BadRequest => 400,
        Outcome::BadParameter => 402,
        Outcome::Unauthorized => 401,
        Outcome::Forbidden => 403,
        Outcome::ServiceNotSupported => 405,
        Outcome::NotImplemented => 501,
        Outcome::ServiceNotAgreed => 506,
        Outcome::UnknownUser => 531,
        Outcome::UnknownDomain => 516,
        Outcome::BadAddress => newer(version, 531, 901, 901),
        Outcome::Blocked => 532,
        Outcome::NotLoggedIn => 533,
        Outcome::RecipientUnauthorized => 534,
        Outcome::Rejected => 538,
        Outcome::Undeliverable | Outcome::TooLarge => 410,
        Outcome::UnsupportedContent => 415,
        Outcome::Forwarded => newer(version, 200, 200, 541),
        Outcome::Expired => newer(version, 410, 410, 542),
        Outcome::QueueFull => 507,
        Outcome::Timeout => 504,
        Outcome::NotDecided => 521,
        Outcome::Unavailable => 503,
        Outcome::InternalError => 500,
        Outcome::VersionNotSupported => 505,
        Outcome::UnknownMessage => 426,
        Outcome::UnknownContactList => 700,
        Outcome::ContactListExists => 701,
        Outcome::BadContactListProperty => 752,
        Outcome::TooManyContactLists => newer(version, 754, 753, 753),
        Outcome::TooManyContacts => 754,
        Outcome::TooManyAttributeLists => newer(version, 754, 755, 755),
        Outcome::BadPresenceAttribute => 750,
        Outcome::BadPresenceValue => 751,
        Outcome::AutoSubscribeNotSupported => newer(version, 200, 760, 760),
        Outcome::UnknownConversation => 800,
        Outcome::ConversationExists => 801,
        Outcome::ConversationRestricted => 803,
        Outcome::BadConversationProperty => 806,
        Outcome::NameMissing => 822,
        Outcome::AlreadyJoined => 807,
        Outcome::NotJoined => 808,
        Outcome::KeptOut => 809,
        Outcome::NotMember => 810,
        Outcome::NameTaken => 811,
        Outcome::PrivateMessagesOff => 812,
        Outcome::PrivateMessagesRefused => 813,
        Outcome::TooManyConversations => 814,
        Outcome::ConversationsFull => 815,
        Outcome::InsufficientRights => 816,
        Outcome::TooManyParticipants => 817,
        Outcome::NoHistory => 821,
        Outcome::UnknownInvitation => 423,
        Outcome::NotEnoughCredit => newer(version, 403, 403, 902),
    };
    match StatusCode::new(number) {
        Some(code) => code,
        None => StatusCode::INTERNAL_ERROR,
    }
}

const fn newer(version: Version, v1_1: u16, v1_2: u16, v1_3: u16) -> u16 {
    match version {
        Version::V1_1 => v1_1,
        Version::V1_2 => v1_2,
        Version::V1_3 => v1_3,
    }
}

/// The Result element for an outcome and the targets that went differently.
#[must_use]
pub fn to_result(outcome: Outcome, details: &[Detail], version: Version) -> StatusResult {
    let code = to_code(outcome, version);
    let mut grouped: BTreeMap<StatusCode, Vec<&Address>> = BTreeMap::new();
    for detail in details.iter().filter(|detail| !detail.outcome.is_success()) {
        grouped.entry(to_code(detail.outcome, version)).or_default().push(&detail.target);
    }
    let detailed = grouped.into_iter().map(|(code, targets)| to_detailed(code, &targets, version)).collect();
    let result = StatusResult::new(code).with_detailed(detailed);
    if outcome.is_success() { result } else { result.with_meaning() }
}

/// The Result element for messages of which some do not wait here.
#[must_use]
pub fn to_message_result(outcome: Outcome, unknown: &[MessageId], version: Version) -> StatusResult {
    let result = StatusResult::new(to_code(outcome, version));
    if outcome.is_success() {
        return result;
    }
    // DetailedResult names messages from 1.2 on.
    let is_named = outcome == Outcome::PartialSuccess && version != Version::V1_1;
    let mut detail = DetailedResult::new(to_code(Outcome::UnknownMessage, version));
    detail.messages = unknown.iter().map(|id| WvMessageId::new(id.as_str())).collect();
    let detailed = if is_named { vec![detail] } else { Vec::new() };
    result.with_meaning().with_detailed(detailed)
}

fn to_detailed(code: StatusCode, targets: &[&Address], version: Version) -> DetailedResult {
    let mut detail = DetailedResult::new(code);
    for target in targets {
        // DetailedResult names contact lists from 1.2 on; in 1.1 every item is named as a user.
        if let Some((name, group)) = address::to_named_member(target) {
            detail.screen_names.push(ScreenName { name: name.into(), group_id: address::to_group_id(&group) });
        } else if target.resource().is_some() && is_about_groups(code) {
            detail.groups.push(address::to_group_id(target));
        } else if target.resource().is_some() && version != Version::V1_1 {
            detail.contact_lists.push(address::to_contact_list_id(target));
        } else {
            detail.users.push(address::to_user_id(target));
        }
    }
    detail
}

/// Whether a code that stands beside an address of a list or group speaks of a group.
const fn is_about_groups(code: StatusCode) -> bool {
    matches!(code.number(), 516 | 800..=829)
}

/// The outcome that an answer to a request of ours means. Rows: `fixtures/mapping/error.toml`.
#[must_use]
pub const fn from_code(code: StatusCode) -> Outcome {
    match code.number() {
        200..=299 => Outcome::Success,
        403 | 431 | 809 | 810 | 816 => Outcome::Forbidden,
        404 | 531 | 800 => Outcome::UnknownUser,
        405 => Outcome::ServiceNotSupported,
        406 | 408 | 504 | 522 => Outcome::Timeout,
        410 => Outcome::Undeliverable,
        415 => Outcome::UnsupportedContent,
        501 => Outcome::NotImplemented,
        // The session is the gateway's own matter: it may be there again soon.
        503 | 600 | 601 | 603 | 605 => Outcome::Unavailable,
        505 => Outcome::VersionNotSupported,
        506 => Outcome::ServiceNotAgreed,
        507 => Outcome::QueueFull,
        516 => Outcome::UnknownDomain,
        521 => Outcome::NotDecided,
        532 => Outcome::Blocked,
        533 => Outcome::NotLoggedIn,
        534 => Outcome::RecipientUnauthorized,
        538 => Outcome::Rejected,
        541 => Outcome::Forwarded,
        542 => Outcome::Expired,
        901 | 920 => Outcome::BadAddress,
        902 | 903 => Outcome::NotEnoughCredit,
        _ => Outcome::InternalError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_grouped_by_code() {
        let detail = |name: &str, outcome| Detail { target: Address::parse(name).unwrap(), outcome };
        let details = [
            detail("a@x", Outcome::UnknownUser),
            detail("b@x", Outcome::Blocked),
            detail("c@x", Outcome::UnknownUser),
            detail("d@x", Outcome::Success),
        ];
        let result = to_result(Outcome::PartialSuccess, &details, Version::V1_2);
        assert_eq!(result.code.number(), 201);
        let shape: Vec<(u16, usize)> = result.detailed.iter().map(|d| (d.code.number(), d.users.len())).collect();
        assert_eq!(shape, [(531, 2), (532, 1)]);
    }

    #[test]
    fn newer_codes_fall_back_for_older_clients() {
        assert_eq!(to_code(Outcome::BadAddress, Version::V1_1).number(), 531);
        assert_eq!(to_code(Outcome::Expired, Version::V1_2).number(), 410);
        assert_eq!(to_code(Outcome::Expired, Version::V1_3).number(), 542);
    }
}
