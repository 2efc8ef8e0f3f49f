//! Search for users and groups.

use crate::codec::sink::Sink;
use crate::codec::tree::Element;
use crate::primitive::envelope::MalformedReason;
use crate::primitive::field::Part;
use crate::primitive::identifier::{GroupId, SearchId};
use crate::primitive::party::User;
use crate::schema::{ElementName, element};
use crate::version::Version;
use crate::vocabulary::vocabulary;
use serde::{Deserialize, Serialize};

vocabulary! {
    /// SearchElement: what is compared.
    SearchElement {
        /// The address of a user.
        UserId = "USER_ID",
        /// First name.
        UserFirstName = "USER_FIRST_NAME",
        /// Last name.
        UserLastName = "USER_LAST_NAME",
        /// E-mail address.
        UserEmailAddress = "USER_EMAIL_ADDRESS",
        /// Alias.
        UserAlias = "USER_ALIAS",
        /// Whether the user is online.
        UserOnlineStatus = "USER_ONLINE_STATUS",
        /// Mobile number.
        UserMobileNumber = "USER_MOBILE_NUMBER",
        /// Least age (1.3).
        UserAgeMin = "USER_AGE_MIN",
        /// Greatest age (1.3).
        UserAgeMax = "USER_AGE_MAX",
        /// City (1.3).
        UserCity = "USER_CITY",
        /// Country (1.3).
        UserCountry = "USER_COUNTRY",
        /// Friendly name (1.3).
        UserFriendlyName = "USER_FRIENDLY_NAME",
        /// Gender (1.3).
        UserGender = "USER_GENDER",
        /// What the user is looking for (1.3).
        UserIntention = "USER_INTENTION",
        /// Interests (1.3).
        UserInterestsHobbies = "USER_INTERESTS_HOBBIES",
        /// Marital status (1.3).
        UserMaritalStatus = "USER_MARITAL_STATUS",
        /// The address of a group.
        GroupId = "GROUP_ID",
        /// The name of a group.
        GroupName = "GROUP_NAME",
        /// The topic of a group.
        GroupTopic = "GROUP_TOPIC",
        /// A user that joined the group.
        GroupUserIdJoined = "GROUP_USER_ID_JOINED",
        /// The user that owns the group.
        GroupUserIdOwner = "GROUP_USER_ID_OWNER",
        /// A user that joins the group by itself (1.2, 1.3).
        GroupUserIdAutoJoin = "GROUP_USER_ID_AUTOJOIN",
    }
}

impl SearchElement {
    /// Whether it is about groups.
    #[must_use]
    pub const fn is_of_group(&self) -> bool {
        matches!(
            self,
            Self::GroupId
                | Self::GroupName
                | Self::GroupTopic
                | Self::GroupUserIdJoined
                | Self::GroupUserIdOwner
                | Self::GroupUserIdAutoJoin
        )
    }
}

/// Search-Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SearchRequest {
    /// A new search.
    Begin {
        /// What is compared with what.
        pairs: Vec<SearchPair>,
        /// AdvancedCriteria (1.3): how the pairs go together.
        criteria: Option<Box<str>>,
        /// SearchLimit: how many are wanted at once.
        limit: Option<u32>,
    },
    /// More of a search.
    Continue {
        /// SearchID.
        search_id: SearchId,
        /// SearchIndex: from where on.
        index: Option<u32>,
    },
}

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchPair {
    /// SearchElement.
    pub element: SearchElement,
    /// SearchString.
    pub text: Box<str>,
    /// PairID (1.3): its name in AdvancedCriteria.
    pub pair_id: Option<u32>,
}

/// Search-Response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchResponse {
    /// SearchID; in the first answer of a search that goes on.
    pub search_id: Option<SearchId>,
    /// SearchFindings: how many were found.
    pub findings: u32,
    /// CompletionFlag: whether there is no more.
    pub is_complete: bool,
    /// SearchIndex: where the next part begins.
    pub index: Option<u32>,
    /// SearchResult: this part.
    pub result: Option<SearchResult>,
}

/// SearchResult.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SearchResult {
    /// UserList.
    Users(Vec<User>),
    /// GroupList.
    Groups(Vec<GroupId>),
}

/// StopSearch-Request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopSearchRequest {
    /// SearchID.
    pub search_id: SearchId,
}

impl SearchPair {
    /// The pairs of a list: in elements of their own, or their parts one after the other.
    fn read_list(list: Element<'_, '_>, pairs: &mut Vec<Self>) {
        for child in list.children() {
            match child.known() {
                Some(element::SEARCH_PAIR) => Self::read_list(child, pairs),
                Some(element::SEARCH_ELEMENT) => {
                    let element = SearchElement::parse(&child.trimmed());
                    pairs.push(Self { element, text: Box::default(), pair_id: None });
                }
                Some(element::SEARCH_STRING) => {
                    if let Some(last) = pairs.last_mut() {
                        last.text = child.trimmed();
                    }
                }
                Some(element::PAIR_ID) => {
                    if let Some(last) = pairs.last_mut() {
                        last.pair_id = child.integer().ok();
                    }
                }
                _ => {}
            }
        }
    }

    /// Writes a list that holds this pair alone, as all versions read it.
    // WV-SRC-05
    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEARCH_PAIR_LIST);
        sink.leaf_text(element::SEARCH_ELEMENT, self.element.as_str());
        sink.leaf_text(element::SEARCH_STRING, &self.text);
        if sink.version() == Version::V1_3 {
            sink.maybe_integer(element::PAIR_ID, self.pair_id);
        }
        sink.close();
    }
}

fn needed_search(element: Element<'_, '_>) -> Result<SearchId, MalformedReason> {
    element.needed_text_of(element::SEARCH_ID).map(SearchId::new)
}

impl Part for SearchRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let mut pairs = Vec::new();
        for list in element.children_named(element::SEARCH_PAIR_LIST) {
            SearchPair::read_list(list, &mut pairs);
        }
        if pairs.is_empty() && element.text_of(element::SEARCH_ID).is_some() {
            let (search_id, index) = (needed_search(element)?, element.integer_of(element::SEARCH_INDEX)?);
            return Ok(Self::Continue { search_id, index });
        }
        if pairs.is_empty() {
            return Err(MalformedReason::Missing(element::SEARCH_PAIR_LIST));
        }
        let (criteria, limit) =
            (element.text_of(element::ADVANCED_CRITERIA), element.integer_of(element::SEARCH_LIMIT)?);
        Ok(Self::Begin { pairs, criteria, limit })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEARCH_REQUEST);
        match self {
            Self::Begin { pairs, criteria, limit } => {
                for pair in pairs {
                    pair.write(sink);
                }
                if sink.version() == Version::V1_3 {
                    sink.maybe_text(element::ADVANCED_CRITERIA, criteria.as_deref());
                }
                sink.maybe_integer(element::SEARCH_LIMIT, *limit);
            }
            Self::Continue { search_id, index } => {
                sink.leaf_text(element::SEARCH_ID, search_id.as_str());
                sink.maybe_integer(element::SEARCH_INDEX, *index);
            }
        }
        sink.close();
    }
}

impl Part for SearchResponse {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        let missing = |name: ElementName| MalformedReason::Missing(name);
        Ok(Self {
            search_id: element.text_of(element::SEARCH_ID).map(SearchId::new),
            findings: element.integer_of(element::SEARCH_FINDINGS)?.ok_or_else(|| missing(element::SEARCH_FINDINGS))?,
            is_complete: element.flag_of(element::COMPLETION_FLAG)?.unwrap_or(true),
            index: element.integer_of(element::SEARCH_INDEX)?,
            result: element.child(element::SEARCH_RESULT).map(SearchResult::read).transpose()?.flatten(),
        })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEARCH_RESPONSE);
        sink.maybe_text(element::SEARCH_ID, self.search_id.as_ref().map(SearchId::as_str));
        sink.leaf_integer(element::SEARCH_FINDINGS, self.findings);
        sink.leaf_boolean(element::COMPLETION_FLAG, self.is_complete);
        sink.maybe_integer(element::SEARCH_INDEX, self.index);
        if let Some(result) = &self.result {
            result.write(sink);
        }
        sink.close();
    }
}

impl SearchResult {
    fn read(element: Element<'_, '_>) -> Result<Option<Self>, MalformedReason> {
        if let Some(users) = element.child(element::USER_LIST) {
            return Ok(Some(Self::Users(users.parts_of(element::USER)?)));
        }
        let groups = element.child(element::GROUP_LIST);
        Ok(groups.map(|groups| Self::Groups(groups.texts_of(element::GROUP_ID).map(GroupId::new).collect())))
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::SEARCH_RESULT);
        match self {
            Self::Users(users) => {
                sink.open(element::USER_LIST);
                for user in users {
                    user.write(sink);
                }
                sink.close();
            }
            Self::Groups(groups) => {
                sink.open(element::GROUP_LIST);
                sink.each_text(element::GROUP_ID, groups.iter().map(GroupId::as_str));
                sink.close();
            }
        }
        sink.close();
    }
}

impl Part for StopSearchRequest {
    fn read(element: Element<'_, '_>) -> Result<Self, MalformedReason> {
        Ok(Self { search_id: needed_search(element)? })
    }

    fn write(&self, sink: &mut dyn Sink) {
        sink.open(element::STOP_SEARCH_REQUEST);
        sink.leaf_text(element::SEARCH_ID, self.search_id.as_str());
        sink.close();
    }
}
