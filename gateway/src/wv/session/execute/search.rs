//! Searches for users and groups, in parts, each session with a few of its own.

use super::Sessions;
use crate::wv::translate::{
    address,
    search::{Criteria, Person},
};
use mapping::{address::Address, time::Timestamp};
use std::time::Duration;
use wv_proto::{
    primitive::{
        Primitive,
        identifier::{GroupId, SearchId, SessionId},
        party::User,
        search::{SearchPair, SearchRequest, SearchResponse, SearchResult, StopSearchRequest},
    },
    session::transaction::Ticket,
    status::StatusCode,
};

/// A search of which not everything was told.
pub(in crate::wv::session) struct OpenSearch {
    id: SearchId,
    found: Found,
    part: usize,
    since: Timestamp,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Users(Vec<Address>),
    Groups(Vec<GroupId>),
}

impl Found {
    fn len(&self) -> usize {
        match self {
            Self::Users(users) => users.len(),
            Self::Groups(groups) => groups.len(),
        }
    }

    /// The elements from there on, as many as fit into one answer.
    fn part(&self, from: usize, most: usize, friendly_name: impl Fn(&Address) -> Option<Box<str>>) -> SearchResult {
        match self {
            Self::Users(users) => SearchResult::Users(
                users
                    .iter()
                    .skip(from)
                    .take(most)
                    .map(|user| User { friendly_name: friendly_name(user), ..User::from(address::to_user_id(user)) })
                    .collect(),
            ),
            Self::Groups(groups) => SearchResult::Groups(groups.iter().skip(from).take(most).cloned().collect()),
        }
    }
}

impl Sessions {
    pub(super) fn search(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &SearchRequest) {
        let answer = match request {
            SearchRequest::Begin { pairs, criteria, limit } => {
                self.begin_search(now, id, ticket, pairs, criteria.as_deref(), *limit)
            }
            SearchRequest::Continue { search_id, index } => self.continue_search(now, id, search_id, *index).map(Some),
        };
        match answer {
            // The groups are asked for.
            Ok(None) => {}
            Ok(Some(response)) => self.settle_later(now, id, ticket, Primitive::SearchResponse(Box::new(response))),
            Err(code) => self.refuse_transaction(now, id, ticket, code),
        }
    }

    pub(super) fn stop_search(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, request: &StopSearchRequest) {
        let searches = self.searches.entry(id.clone()).or_default();
        let known = searches.len();
        searches.retain(|search| search.id != request.search_id);
        // WV-SRC-03
        let code = if searches.len() < known { StatusCode::SUCCESS } else { StatusCode::INVALID_SEARCH_ID };
        self.refuse_transaction(now, id, ticket, code);
    }

    fn begin_search(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        pairs: &[SearchPair],
        criteria: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Option<SearchResponse>, StatusCode> {
        let criteria = Criteria::parse(pairs, criteria).ok_or(StatusCode::BAD_PARAMETER)?;
        if criteria.is_too_broad() {
            return Err(StatusCode::TOO_BROAD_SEARCH);
        }
        let most = limit.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
        let part = most.unwrap_or(PART_DEFAULT).min(PART_MAX);
        if criteria.is_about_groups() {
            self.search_groups(id, ticket, &criteria, part);
            return Ok(None);
        }
        let found = Found::Users(self.find_users(&criteria)?);
        self.open_search(now, id, found, part).map(Some)
    }

    /// The first answer of a search; what it does not hold is kept for the next ones.
    pub(super) fn open_search(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        found: Found,
        part: usize,
    ) -> Result<SearchResponse, StatusCode> {
        if found.len() > FINDINGS_MAX {
            return Err(StatusCode::TOO_MANY_HITS);
        }
        let search = SearchId::new(self.correlation().to_string());
        let (response, is_complete) = self.part_of(&found, 0, part, Some(search.clone()));
        if !is_complete && self.entries.contains_key(id) {
            let searches = self.searches.entry(id.clone()).or_default();
            if searches.len() >= SEARCHES_PER_SESSION_MAX {
                searches.remove(0);
            }
            searches.push(OpenSearch { id: search, found, part, since: now });
        }
        Ok(response)
    }

    fn continue_search(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        search: &SearchId,
        index: Option<u32>,
    ) -> Result<SearchResponse, StatusCode> {
        let searches = self.searches.entry(id.clone()).or_default();
        searches.retain(|open| open.since.after(SEARCH_LIFE) > now);
        // WV-SRC-03
        let at = searches.iter().position(|open| open.id == *search).ok_or(StatusCode::INVALID_SEARCH_ID)?;
        let open = searches.get(at).ok_or(StatusCode::INVALID_SEARCH_ID)?;
        let from = index.and_then(|index| usize::try_from(index).ok()).ok_or(StatusCode::INVALID_SEARCH_INDEX)?;
        if from >= open.found.len() {
            return Err(StatusCode::INVALID_SEARCH_INDEX);
        }
        let (found, part) = (open.found.clone(), open.part);
        let (response, _) = self.part_of(&found, from, part, None);
        Ok(response)
    }

    // WV-SRC-02
    fn part_of(&self, found: &Found, from: usize, most: usize, search: Option<SearchId>) -> (SearchResponse, bool) {
        let next = from.saturating_add(most).min(found.len());
        let is_complete = next >= found.len();
        let friendly_name = |user: &Address| self.friendly_name(user);
        let result = (found.len() > 0).then(|| found.part(from, most, friendly_name));
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let response = SearchResponse {
            search_id: search.filter(|_| !is_complete),
            findings: count(found.len()),
            is_complete,
            index: Some(count(next)),
            result,
        };
        (response, is_complete)
    }

    /// What the user calls itself, or is called by the operator.
    pub(in crate::wv::session) fn friendly_name(&self, user: &Address) -> Option<Box<str>> {
        let known = || self.accounts.find(user)?.person.friendly_name().map(Box::from);
        self.directory.value(user, "PP_FRIENDLY_NAME").or_else(known)
    }

    fn find_users(&self, criteria: &Criteria) -> Result<Vec<Address>, StatusCode> {
        let mut found = Vec::new();
        for user in self.accounts.users() {
            let profile = self.directory.find(&user);
            let Some(account) = self.accounts.find(&user) else { continue };
            if criteria.matches(&Person { user: &user, profile: &profile, details: &account.person }) {
                if found.len() >= FINDINGS_MAX {
                    return Err(StatusCode::TOO_MANY_HITS);
                }
                found.push(user);
            }
        }
        Ok(found)
    }
}

/// Searches of one session that were not told to their end; the oldest is forgotten first.
const SEARCHES_PER_SESSION_MAX: usize = 5;

/// How long the rest of a search is kept.
const SEARCH_LIFE: Duration = Duration::from_secs(600);

/// Elements of one answer, for a client that names no limit.
const PART_DEFAULT: usize = 20;

/// Elements of one answer at most.
const PART_MAX: usize = 100;

/// More findings are told to be too many: who searches wants to find somebody, not everybody.
pub(super) const FINDINGS_MAX: usize = 500;
