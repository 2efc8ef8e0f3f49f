//! What a client asks of the server itself: who it is, whether identifiers are good, what users tell everybody.

use super::{Sessions, Shape, lookup::KnownGroups};
use crate::{
    account::Profile,
    lane::Input,
    store::WireRecord,
    wv::translate::{address, service},
};
use bytes::Bytes;
use mapping::{
    address::Address, contact_list::ContactList, event::Operation, outcome::Outcome, side::Side, time::Timestamp,
};
use std::sync::Arc;
use wv_proto::{
    primitive::{
        Primitive,
        identifier::{ClientId, SessionId},
        notification::{NotificationPayload, NotificationType},
        party::Property,
        profile::{GetPublicProfileRequest, GetPublicProfileResponse, PublicProfile, UpdatePublicProfileRequest},
        provider::{GetSpInfoResponse, VerifyIdRequest},
    },
    session::transaction::Ticket,
    status::StatusCode,
};

impl Sessions {
    pub(super) fn provider_info(&mut self, now: Timestamp, id: &SessionId, ticket: Ticket, client: Option<ClientId>) {
        let response = self.provider(client);
        self.settle_later(now, id, ticket, Primitive::GetSpInfoResponse(Box::new(response)));
    }

    /// GetSPInfo-Response, the same inside a session and outside of any.
    // WV-SPI-01
    pub(in crate::wv::session) fn provider(&self, client_id: Option<ClientId>) -> GetSpInfoResponse {
        let provider = &self.settings.provider;
        GetSpInfoResponse {
            client_id,
            name: provider.name.clone(),
            logo: None,
            description: provider.description.clone(),
            url: provider.url.clone(),
        }
    }

    /// Which of the identifiers are good; the own contact lists are known to the engine only.
    pub(super) fn verify_id(&mut self, id: &SessionId, ticket: Ticket, request: VerifyIdRequest) {
        let shape = Shape::Verified(Box::new(request));
        self.request(id, ticket, shape, Operation::GetContactLists, Vec::new());
    }

    /// The answer to VerifyID-Request, the own contact lists and the groups at hand.
    // WV-VID-01
    pub(super) fn verified(&self, request: &VerifyIdRequest, lists: &[ContactList], known: &KnownGroups) -> Primitive {
        let domain = &self.settings.domain_default;
        let neutral = |text: &str| address::to_neutral(text, domain);
        let mut verdicts = service::Verdicts::default();
        for user in &request.users {
            let outcome = neutral(user.as_str()).map_or(Outcome::BadAddress, |user| self.verify_user(&user));
            verdicts.judge(outcome, |detail| detail.users.push(user.clone()));
        }
        for list in &request.contact_lists {
            let is_known = neutral(list.as_str()).is_ok_and(|list| lists.iter().any(|known| known.address == list));
            let outcome = if is_known { Outcome::Success } else { Outcome::UnknownContactList };
            verdicts.judge(outcome, |detail| detail.contact_lists.push(list.clone()));
        }
        for group in &request.groups {
            let is_known = known.has(self.group(group).as_ref(), None);
            let outcome = if is_known { Outcome::Success } else { Outcome::UnknownConversation };
            verdicts.judge(outcome, |detail| detail.groups.push(group.clone()));
        }
        for name in &request.screen_names {
            let is_known = known.has(self.group(&name.group_id).as_ref(), Some(name.name.as_ref()));
            let outcome = if is_known { Outcome::Success } else { Outcome::UnknownUser };
            verdicts.judge(outcome, |detail| detail.screen_names.push(name.clone()));
        }
        for domain in &request.domains {
            let stand_in = Address::from_parts("postmaster", None, domain.trim()).ok();
            let is_known = stand_in.is_some_and(|stand_in| self.settings.domains.find(&stand_in).is_some());
            let outcome = if is_known { Outcome::Success } else { Outcome::UnknownDomain };
            verdicts.judge(outcome, |detail| detail.domains.push(domain.clone()));
        }
        verdicts.into_primitive()
    }

    fn verify_user(&self, user: &Address) -> Outcome {
        if user.resource().is_some() {
            return Outcome::BadAddress;
        }
        match self.settings.domains.find(user) {
            None => Outcome::UnknownDomain,
            Some(_) if self.accounts.has(user) => Outcome::Success,
            Some(_) if self.settings.domains.is_hosted(user) => Outcome::UnknownUser,
            // Only the far server knows, and there is no way to ask it that.
            Some(_) => Outcome::Success,
        }
    }

    pub(super) fn public_profiles(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &GetPublicProfileRequest,
    ) {
        let (mut profiles, mut verdicts) = (Vec::new(), service::Verdicts::default());
        for user in &request.users {
            let known = address::to_neutral(user.as_str(), &self.settings.domain_default);
            let outcome = known.as_ref().map_or(Outcome::BadAddress, |user| self.verify_user(user));
            verdicts.judge(outcome, |detail| detail.users.push(user.clone()));
            if let (Ok(known), true) = (known, outcome.is_success()) {
                let mut properties = self.directory.find(&known);
                // UNCLEAR elements §3: who says nothing of its name has that by which the operator knows it.
                let has_name = properties.iter().any(|(name, _)| name.eq_ignore_ascii_case("PP_FRIENDLY_NAME"));
                let name = self.friendly_name(&known).filter(|_| !has_name);
                properties.extend(name.map(|name| ("PP_FRIENDLY_NAME".into(), name)));
                profiles.push(PublicProfile {
                    user_id: Some(user.clone()),
                    properties: properties.iter().map(|(name, value)| Property::new(name, value)).collect(),
                });
            }
        }
        let result = verdicts.into_result();
        let response = GetPublicProfileResponse { result, profiles };
        self.settle_later(now, id, ticket, Primitive::GetPublicProfileResponse(Box::new(response)));
    }

    pub(super) fn update_public_profile(
        &mut self,
        now: Timestamp,
        id: &SessionId,
        ticket: Ticket,
        request: &UpdatePublicProfileRequest,
    ) {
        let Some(user) = self.entries.get(id).map(|entry| entry.user.clone()) else { return };
        let named = request.profile.as_ref().and_then(|profile| profile.user_id.as_ref());
        let is_own = |text: &str| address::to_neutral(text, &self.settings.domain_default).is_ok_and(|it| it == user);
        if named.is_some_and(|named| !is_own(named.as_str())) {
            return self.refuse_outcome(now, id, ticket, Outcome::Forbidden);
        }
        let known = if request.clear { Profile::new() } else { self.directory.find(&user) };
        let changes = request.profile.as_ref().map(|profile| profile.properties.as_slice()).unwrap_or_default();
        let Some(profile) = service::changed_profile(known, changes) else {
            return self.refuse_transaction(now, id, ticket, StatusCode::INVALID_USER_PROPERTY);
        };
        self.keep_profile(&user, &profile);
        self.directory.put(&user, profile);
        self.refuse_transaction(now, id, ticket, StatusCode::SUCCESS);
        self.tell_others(now, id, &NotificationType::PublicProfileChanged, &NotificationPayload::None);
    }

    fn keep_profile(&mut self, user: &Address, profile: &Profile) {
        let body = if profile.is_empty() { None } else { serde_json::to_vec(profile).ok().map(Bytes::from) };
        let name: Arc<str> = Arc::from(user.as_str());
        self.inputs.push(Input::Wire(WireRecord {
            side: Side::Wv,
            kind: Arc::from(PROFILE),
            key: Arc::clone(&name),
            owner: Some(name),
            body,
        }));
    }

    /// Takes up what was kept.
    pub(in crate::wv::session) fn restore_profile(&self, record: &WireRecord) {
        let (Ok(user), Some(body)) = (Address::parse(&record.key), &record.body) else { return };
        match serde_json::from_slice::<Profile>(body) {
            Ok(profile) => self.directory.put(&user, profile),
            Err(error) => tracing::warn!(side = "wv", %user, %error, "public profile not restored"),
        }
    }
}

/// The kind of the records.
pub(in crate::wv::session) const PROFILE: &str = "profile";
