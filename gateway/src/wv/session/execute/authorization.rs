//! Authorisation beyond the answer to a question: attribute lists, watchers, and the state of questions.

use super::{Sessions, Shape};
use crate::wv::translate::{authorization, watcher};
use mapping::{
    event::{AttributeScope, Operation},
    outcome::Detail,
    time::Timestamp,
};
use std::time::Duration;
use wv_proto::{
    primitive::{
        attribute_list::{
            AttributeListTargets, CreateAttributeListRequest, DeleteAttributeListRequest, GetAttributeListRequest,
        },
        identifier::SessionId,
        party::User,
        watcher::{GetReactiveAuthStatusRequest, GetWatcherListRequest},
    },
    session::transaction::Ticket,
    version::Version,
};

impl Sessions {
    pub(super) fn create_attribute_list(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &CreateAttributeListRequest,
    ) {
        let (scope, refused) = self.scope(&request.targets);
        if is_empty(&scope) {
            return self.refuse_targets(now, id, ticket, &refused);
        }
        let attributes = authorization::from_list(&request.attributes);
        let beyond = authorization::from_notify(request);
        self.request(id, ticket, Shape::Status, Operation::SetAttributeLists { scope, attributes, beyond }, refused);
    }

    pub(super) fn delete_attribute_list(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &DeleteAttributeListRequest,
    ) {
        let (scope, refused) = self.scope(&request.targets);
        if is_empty(&scope) {
            return self.refuse_targets(now, id, ticket, &refused);
        }
        self.request(id, ticket, Shape::Status, Operation::DropAttributeLists { scope }, refused);
    }

    pub(super) fn attribute_list(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &GetAttributeListRequest,
    ) {
        let (scope, refused) = self.scope(&request.targets);
        if is_empty(&scope) && !refused.is_empty() {
            return self.refuse_targets(now, id, ticket, &refused);
        }
        self.request(id, ticket, Shape::AttributeLists, Operation::GetAttributeLists { scope }, refused);
    }

    pub(super) fn watcher_list(&mut self, id: &SessionId, ticket: Ticket, request: GetWatcherListRequest) {
        // WV-WCH-02: 1.1 has no former watchers.
        let history = match self.version(id) {
            Version::V1_1 => Some(Duration::ZERO),
            Version::V1_2 | Version::V1_3 => request.history_period,
        };
        let shape = Shape::Watchers { most: request.watchers_max };
        self.request(id, ticket, shape, Operation::GetWatchers { history }, Vec::new());
    }

    pub(super) fn authorization_status(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &GetReactiveAuthStatusRequest,
    ) {
        let users: Vec<User> = request.users.iter().cloned().map(User::from).collect();
        let targets = watcher::from_targets(&users, &[], &self.settings.domain_default);
        if targets.addresses.is_empty() && !targets.refused.is_empty() {
            return self.refuse_targets(now, id, ticket, &targets.refused);
        }
        let operation = Operation::GetDecisions { watchers: targets.addresses };
        self.request(id, ticket, Shape::Decisions, operation, targets.refused);
    }

    fn scope(&self, targets: &AttributeListTargets) -> (AttributeScope, Vec<Detail>) {
        let users: Vec<User> = targets.users.iter().cloned().map(User::from).collect();
        let read = watcher::from_targets(&users, &targets.contact_lists, &self.settings.domain_default);
        (AttributeScope { targets: read.addresses, everybody: targets.default_list }, read.refused)
    }
}

fn is_empty(scope: &AttributeScope) -> bool {
    scope.targets.is_empty() && !scope.everybody
}
