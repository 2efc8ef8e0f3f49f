//! Status codes and the Result element that carries them.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{ContactListId, GroupId, MessageId, UserId};
use crate::primitive::party::ScreenName;
use crate::schema::element;
use crate::version::Version;
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// The number in Result/Code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StatusCode(u16);

impl StatusCode {
    /// The code of that number; every three-digit number is one, whether or not it has a name here.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number >= 100 && number <= 999 { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Whether the request was carried out, wholly or in part (2xx).
    #[must_use]
    pub const fn is_success(self) -> bool {
        self.0 / 100 == 2
    }

    /// Whether the session is gone for a client that reads this code in any answer.
    #[must_use]
    pub const fn ends_session(self) -> bool {
        matches!(self.0, 600 | 601 | 604)
    }
}

macro_rules! status_codes {
    ($($number:literal $name:ident $meaning:literal,)+) => {
        #[allow(clippy::missing_docs_in_private_items, reason = "each constant is described by its meaning")]
        impl StatusCode {
            $(#[doc = $meaning] pub const $name: Self = Self($number);)+

            /// Every code that has a name.
            pub const NAMED: &'static [Self] = &[$(Self::$name,)+];

            /// What the code says, in English, for Description and for people; empty for a code without name.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self.0 {
                    $($number => $meaning,)+
                    _ => "",
                }
            }
        }
    };
}

status_codes! {
    100 CONTINUE "Continue",
    101 QUEUED "Queued",
    102 STARTED "Started",
    200 SUCCESS "Success",
    201 PARTIALLY_SUCCESSFUL "Partially successful",
    202 ACCEPTED "Accepted",
    400 BAD_REQUEST "Bad request",
    401 UNAUTHORIZED "Unauthorized",
    402 BAD_PARAMETER "Bad parameter",
    403 FORBIDDEN "Forbidden",
    404 NOT_FOUND "Not found",
    405 SERVICE_NOT_SUPPORTED "Service not supported",
    406 REQUEST_TIMEOUT_1_1 "Request timeout (CSP 1.1)",
    408 REQUEST_TIMEOUT "Request timeout",
    409 INVALID_PASSWORD "Invalid password",
    410 UNABLE_TO_DELIVER "Unable to deliver",
    415 UNSUPPORTED_MEDIA_TYPE "Unsupported media type",
    420 INVALID_TRANSACTION "Invalid transaction",
    422 CLIENT_ID_MISMATCH "UserID and ClientID do not match",
    423 INVALID_INVITE_ID "Invalid InviteID",
    424 INVALID_SEARCH_ID "Invalid SearchID",
    425 INVALID_SEARCH_INDEX "Invalid SearchIndex",
    426 INVALID_MESSAGE_ID "Invalid MessageID",
    427 INVALID_SENDER "Invalid or missing sender",
    428 SENDER_CLIENT_ID_MISMATCH "ClientID of the sender does not match",
    429 MISSING_GROUP_ID "Missing GroupID",
    431 UNAUTHORIZED_MEMBERSHIP "Unauthorized group membership",
    432 RESPONSE_TOO_LARGE "Response too large",
    450 INVALID_APPLICATION_ID "ApplicationID missing or wrong",
    500 INTERNAL_ERROR "Internal server or network error",
    501 NOT_IMPLEMENTED "Not implemented",
    502 SESSION_NOT_RECOVERED "Session could not be recovered",
    503 SERVICE_UNAVAILABLE "Service unavailable",
    504 TIMEOUT "Timeout",
    505 VERSION_NOT_SUPPORTED "Version not supported",
    506 SERVICE_NOT_AGREED "Service not agreed",
    507 MESSAGE_QUEUE_FULL "Message queue full",
    516 DOMAIN_NOT_SUPPORTED "Domain not supported",
    521 UNRESPONDED_PRESENCE_REQUEST "Unresponded presence request",
    522 UNRESPONDED_GROUP_REQUEST "Unresponded group request",
    531 UNKNOWN_USER "Unknown user",
    532 RECIPIENT_BLOCKED_SENDER "Recipient blocked the sender",
    533 RECIPIENT_NOT_LOGGED_IN "Recipient not logged in",
    534 RECIPIENT_UNAUTHORIZED "Recipient unauthorized",
    535 SEARCH_TIMED_OUT "Search timed out",
    536 TOO_MANY_HITS "Too many hits",
    537 TOO_BROAD_SEARCH "Too broad search criteria",
    538 MESSAGE_REJECTED "Message rejected",
    540 UNSUPPORTED_HEADER_ENCODING "Unsupported header encoding",
    541 MESSAGE_FORWARDED "Message forwarded",
    542 MESSAGE_EXPIRED "Message expired",
    543 NO_MATCHING_DIGEST_SCHEMA "No matching digest scheme",
    562 INVALID_SEARCH_REQUEST "Invalid search request",
    600 SESSION_EXPIRED "Session expired",
    601 FORCED_LOGOUT "Forced logout",
    603 ALREADY_LOGGED_IN "Already logged in",
    604 INVALID_SESSION "Invalid session",
    605 NEW_VALUE_NOT_ACCEPTED "New value not accepted",
    616 INSUFFICIENT_RIGHTS "Insufficient rights",
    700 CONTACT_LIST_UNKNOWN "Contact list does not exist",
    701 CONTACT_LIST_EXISTS "Contact list already exists",
    702 INVALID_USER_PROPERTY "Invalid or unsupported user properties",
    750 INVALID_PRESENCE_ATTRIBUTE "Invalid or unsupported presence attribute",
    751 INVALID_PRESENCE_VALUE "Invalid or unsupported presence value",
    752 INVALID_CONTACT_LIST_PROPERTY "Invalid or unsupported contact list property",
    753 TOO_MANY_CONTACT_LISTS "Maximum number of contact lists reached",
    754 TOO_MANY_CONTACTS "Maximum number of contacts reached",
    755 TOO_MANY_ATTRIBUTE_LISTS "Maximum number of attribute lists reached",
    760 AUTO_SUBSCRIBE_NOT_SUPPORTED "Automatic subscription not supported",
    800 GROUP_UNKNOWN "Group does not exist",
    801 GROUP_EXISTS "Group already exists",
    802 GROUP_OPEN "Group is open",
    803 GROUP_RESTRICTED "Group is restricted",
    804 GROUP_PUBLIC "Group is public",
    805 GROUP_PRIVATE "Group is private",
    806 INVALID_GROUP_PROPERTY "Invalid or unsupported group properties",
    807 GROUP_ALREADY_JOINED "Group already joined",
    808 GROUP_NOT_JOINED "Group not joined",
    809 GROUP_REJECTED "Rejected from the group",
    810 NOT_A_GROUP_MEMBER "Not a group member",
    811 SCREEN_NAME_IN_USE "Screen name in use",
    812 GROUP_PRIVATE_MESSAGING_DISABLED "Private messaging disabled for the group",
    813 USER_PRIVATE_MESSAGING_DISABLED "Private messaging disabled for the user",
    814 TOO_MANY_GROUPS_OF_USER "User's maximum number of groups reached",
    815 TOO_MANY_GROUPS "Server's maximum number of groups reached",
    816 INSUFFICIENT_GROUP_PRIVILEGES "Insufficient group privileges",
    817 TOO_MANY_JOINED_USERS "Maximum number of joined users reached",
    821 HISTORY_NOT_SUPPORTED "History not supported",
    822 GROUP_NAME_MISSING "Group name or topic missing",
    824 LEFT_BY_LOGOUT "Left the group by logout",
    900 MULTIPLE_ERRORS "Multiple errors",
    901 ADDRESS_ERROR "General address error",
    902 NOT_ENOUGH_CREDIT "Not enough credit",
    903 HIGHER_SERVICE_CLASS_REQUIRED "Operation requires a higher class of service",
    920 MSISDN_ERROR "MSISDN error",
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusCode({} {})", self.0, self.meaning())
    }
}

/// The Result element.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusResult {
    /// Result of the whole.
    pub code: StatusCode,
    /// For people; never interpreted.
    pub description: Option<Box<str>>,
    /// Results of the items that differ from the whole, grouped by code.
    pub detailed: Vec<DetailedResult>,
    /// When the request may be tried again (1.3).
    pub try_again: Option<Duration>,
}

impl StatusResult {
    /// A result of nothing but a code.
    #[must_use]
    pub const fn new(code: StatusCode) -> Self {
        Self { code, description: None, detailed: Vec::new(), try_again: None }
    }

    /// Success of everything.
    #[must_use]
    pub const fn success() -> Self {
        Self::new(StatusCode::SUCCESS)
    }

    /// The same result with the English meaning of its code as Description.
    #[must_use]
    pub fn with_meaning(mut self) -> Self {
        let meaning = self.code.meaning();
        self.description = (!meaning.is_empty()).then(|| meaning.into());
        self
    }

    /// The same result with these details.
    #[must_use]
    pub fn with_detailed(mut self, detailed: Vec<DetailedResult>) -> Self {
        self.detailed = detailed;
        self
    }
}

impl From<StatusCode> for StatusResult {
    fn from(code: StatusCode) -> Self {
        Self::new(code)
    }
}

/// The DetailedResult element: the items of a request that share one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetailedResult {
    /// Their code.
    pub code: StatusCode,
    /// For people; never interpreted.
    pub description: Option<Box<str>>,
    /// Users.
    pub users: Vec<UserId>,
    /// Groups.
    pub groups: Vec<GroupId>,
    /// Screen names.
    pub screen_names: Vec<ScreenName>,
    /// Messages (1.2, 1.3).
    pub messages: Vec<MessageId>,
    /// Contact lists (1.2, 1.3).
    pub contact_lists: Vec<ContactListId>,
    /// Domains (1.2, 1.3).
    pub domains: Vec<Box<str>>,
    /// Search elements (1.3), in the place of everything else.
    pub search_elements: Vec<Box<str>>,
}

impl DetailedResult {
    /// A detail that names nothing yet.
    #[must_use]
    pub const fn new(code: StatusCode) -> Self {
        Self {
            code,
            description: None,
            users: Vec::new(),
            groups: Vec::new(),
            screen_names: Vec::new(),
            messages: Vec::new(),
            contact_lists: Vec::new(),
            domains: Vec::new(),
            search_elements: Vec::new(),
        }
    }

    /// The users that share the code.
    #[must_use]
    pub fn of_users(code: StatusCode, users: Vec<UserId>) -> Self {
        Self { users, ..Self::new(code) }
    }

    /// The contact lists that share the code.
    #[must_use]
    pub fn of_contact_lists(code: StatusCode, contact_lists: Vec<ContactListId>) -> Self {
        Self { contact_lists, ..Self::new(code) }
    }
}

fn read_code(element: Element<'_, '_>) -> Result<StatusCode, MalformedReason> {
    let number = element.integer_of(element::CODE)?.ok_or(MalformedReason::Missing(element::CODE))?;
    u16::try_from(number).ok().and_then(StatusCode::new).ok_or(MalformedReason::BadValue(element::CODE))
}

impl Part for StatusResult {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            code: read_code(element)?,
            description: element.text_of(element::DESCRIPTION),
            detailed: element.parts_of(element::DETAILED_RESULT)?,
            try_again: element.seconds_of(element::TRY_AGAIN_TIMEOUT)?,
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::RESULT);
        sink.leaf_integer(element::CODE, self.code.number().into());
        sink.maybe_text(element::DESCRIPTION, self.description.as_deref());
        for detail in &self.detailed {
            detail.write(sink);
        }
        if sink.version() == Version::V1_3 {
            sink.maybe_seconds(element::TRY_AGAIN_TIMEOUT, self.try_again);
        }
        sink.close();
    }
}

impl Part for DetailedResult {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self {
            code: read_code(element)?,
            description: element.text_of(element::DESCRIPTION),
            users: element.texts_of(element::USER_ID).map(UserId::new).collect(),
            groups: element.texts_of(element::GROUP_ID).map(GroupId::new).collect(),
            screen_names: element.parts_of(element::SCREEN_NAME)?,
            messages: element.texts_of(element::MESSAGE_ID).map(MessageId::new).collect(),
            contact_lists: element.texts_of(element::CONTACT_LIST).map(ContactListId::new).collect(),
            domains: element.texts_of(element::DOMAIN).collect(),
            search_elements: element.texts_of(element::SEARCH_ELEMENT).collect(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::DETAILED_RESULT);
        sink.leaf_integer(element::CODE, self.code.number().into());
        sink.maybe_text(element::DESCRIPTION, self.description.as_deref());
        if sink.version() == Version::V1_3 {
            sink.each_text(element::SEARCH_ELEMENT, self.search_elements.iter().map(AsRef::as_ref));
        }
        sink.each_text(element::USER_ID, self.users.iter().map(UserId::as_str));
        sink.each_text(element::GROUP_ID, self.groups.iter().map(GroupId::as_str));
        for name in &self.screen_names {
            name.write(sink);
        }
        if sink.version() >= Version::V1_2 {
            sink.each_text(element::MESSAGE_ID, self.messages.iter().map(MessageId::as_str));
            sink.each_text(element::CONTACT_LIST, self.contact_lists.iter().map(ContactListId::as_str));
            sink.each_text(element::DOMAIN, self.domains.iter().map(AsRef::as_ref));
        }
        sink.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_code_has_a_meaning_and_stands_once() {
        let mut numbers: Vec<u16> = StatusCode::NAMED.iter().map(|code| code.number()).collect();
        assert!(StatusCode::NAMED.iter().all(|code| !code.meaning().is_empty()));
        numbers.dedup();
        assert_eq!(numbers.len(), StatusCode::NAMED.len());
        assert!(numbers.is_sorted());
    }

    #[test]
    fn only_three_digits_make_a_code() {
        assert_eq!(StatusCode::new(99), None);
        assert_eq!(StatusCode::new(1000), None);
        assert_eq!(StatusCode::new(200), Some(StatusCode::SUCCESS));
        assert!(StatusCode::PARTIALLY_SUCCESSFUL.is_success() && !StatusCode::UNAUTHORIZED.is_success());
    }
}
