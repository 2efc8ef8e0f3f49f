//! What needs to know which groups there are: searches for them, VerifyID, and joining by itself.

use super::{Pending, Sessions, search::Found};
use crate::wv::translate::{conversation, search::Criteria};
use mapping::{
    address::Address,
    command::Answer,
    contact_list::ContactList,
    conversation::{Ask, Found as FoundConversation, Hearers, Lookup, OwnChange, Reply},
    event::Operation,
    time::Timestamp,
};
use wv_proto::{
    primitive::{
        Primitive,
        access::Status,
        function::{Feature, FunctionNeed},
        identifier::{GroupId, SessionId},
        provider::VerifyIdRequest,
    },
    session::{poll::QueueKey, transaction::Ticket},
    status::StatusResult,
};

/// Why conversations are looked up.
#[derive(Debug)]
pub(in crate::wv::session) enum LookupQuestion {
    /// To answer a search, so many at once.
    Search { session: SessionId, ticket: Ticket, part: usize },
    /// To answer VerifyID-Request, the own contact lists at hand.
    Verify { session: SessionId, ticket: Ticket, request: Box<VerifyIdRequest>, lists: Vec<ContactList> },
    /// To join them.
    Join { session: SessionId },
}

/// Groups, and those in them, that exist.
#[derive(Debug, Default)]
pub(in crate::wv::session) struct KnownGroups(Vec<FoundConversation>);

impl KnownGroups {
    pub(super) fn has(&self, group: Option<&Address>, name: Option<&str>) -> bool {
        let is_it = |one: &FoundConversation| Some(&one.conversation) == group && one.name.as_deref() == name;
        self.0.iter().any(is_it)
    }
}

impl Sessions {
    fn look_up(&mut self, lookup: Lookup, question: LookupQuestion) {
        let session = match &question {
            LookupQuestion::Search { session, .. }
            | LookupQuestion::Verify { session, .. }
            | LookupQuestion::Join { session } => session.clone(),
        };
        let Some(user) = self.entries.get(&session).map(|entry| entry.user.clone()) else { return };
        self.ask(user, &session, Operation::LookUp(lookup), Pending::Lookup(Box::new(question)));
    }

    // WV-SRC-06
    pub(super) fn search_groups(&mut self, id: &SessionId, ticket: Ticket, criteria: &Criteria, part: usize) {
        let query = criteria.to_query(&self.settings.domain_default);
        let lookup = Lookup::Matching { query, at_most: super::search::FINDINGS_MAX.saturating_add(1) };
        self.look_up(lookup, LookupQuestion::Search { session: id.clone(), ticket, part });
    }

    /// The own contact lists are known; where groups are to be verified, these are asked for.
    // WV-VID-01
    pub(in crate::wv::session) fn verify_groups(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: Box<VerifyIdRequest>,
        lists: Vec<ContactList>,
    ) {
        let groups = request.groups.iter().map(|group| (group, None));
        let names = request.screen_names.iter().map(|name| (&name.group_id, Some(name.name.as_ref().to_owned())));
        let named = groups.chain(names).filter_map(|(group, addressee)| {
            Some(Hearers { conversation: self.group(group)?, addressee, speaker: None })
        });
        let named: Vec<Hearers> = named.collect();
        if named.is_empty() {
            let primitive = self.verified(&request, &lists, &KnownGroups::default());
            return self.settle(now, id, ticket, primitive);
        }
        let question = LookupQuestion::Verify { session: id.clone(), ticket, request, lists };
        self.look_up(Lookup::Named(named), question);
    }

    /// The client agreed on groups: those that its user wants to be in with each login are joined.
    // WV-GRP-17
    pub(in crate::wv::session) fn join_own_groups(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let has_groups = entry.machine.negotiated().has_agreed(FunctionNeed::Feature(Feature::Group));
        if !has_groups || std::mem::replace(&mut entry.has_own_groups, true) {
            return;
        }
        self.look_up(Lookup::OfMember, LookupQuestion::Join { session: id.clone() });
    }

    /// The engine knows which conversations there are.
    pub(in crate::wv::session) fn looked_up(&mut self, now: Timestamp, question: LookupQuestion, answer: &Answer) {
        let found = match answer {
            Answer::Conversations { found, .. } => found.clone(),
            _ => Vec::new(),
        };
        match question {
            LookupQuestion::Search { session, ticket, part } => {
                let groups = found.iter().map(|one| GroupId::new(one.written.as_ref())).collect();
                let primitive = match self.open_search(now, &session, Found::Groups(groups), part) {
                    Ok(response) => Primitive::SearchResponse(Box::new(response)),
                    Err(code) => Primitive::Status(Status::from(StatusResult::new(code))),
                };
                self.settle(now, &session, ticket, primitive);
            }
            LookupQuestion::Verify { session, ticket, request, lists } => {
                let primitive = self.verified(&request, &lists, &KnownGroups(found));
                self.settle(now, &session, ticket, primitive);
            }
            LookupQuestion::Join { session } => {
                for one in found {
                    self.join_by_itself(&session, one);
                }
            }
        }
    }

    fn join_by_itself(&mut self, id: &SessionId, found: FoundConversation) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let ask = Ask::Join { name: None, follow: true, own: OwnChange::default() };
        let operation = Operation::Converse { conversation: found.conversation, ask };
        let pending = Pending::JoinedByItself { session: id.clone(), group: GroupId::new(found.written.as_ref()) };
        self.ask(user, id, operation, pending);
    }

    /// A client is told that its user takes part in a group now.
    // UNCLEAR behaviour §9: how a client hears of it; GroupChangeNotice is what every client of groups knows.
    pub(in crate::wv::session) fn joined_by_itself(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        group: &GroupId,
        answer: &Answer,
    ) {
        let Answer::Conversation { reply: Reply::Joined { participants, .. }, .. } = answer else { return };
        let notice = conversation::to_joined_notice(participants, group, self.list_style(id));
        let key = QueueKey::Group(group.clone(), self.next());
        self.enqueue(now, id, key, notice);
    }
}
