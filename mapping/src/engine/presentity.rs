//! The presentity's part of watching: own presence, the decision on each watcher, and what each watcher gets to see.

use crate::{
    address::Address,
    authorization::{Question, Rule},
    command::CommandKind,
    contact_list::ContactList,
    engine::{Engine, Seen, Standing, Word, timer::Timer, user::Watcher},
    event::{Publication, RequestId},
    outcome::Outcome,
    policy::{Consent, Permission, permission},
    presence::{AttributeSet, Availability, Device, DeviceId, Person, PresenceDocument, Value},
    publication::Absence,
    record::{Fact, FactKey},
    route::Route,
    side::{BlockedStyle, Endpoint},
    watcher::{Beyond, Decision, EndReason, WatcherStatus},
};
use std::{collections::BTreeSet, sync::Arc};

impl Engine {
    pub(super) fn publish(&mut self, request: RequestId, user: &Address, publication: Publication) {
        if let Some(outcome) = self.refusal_for_guests(user) {
            return self.output.done(request, outcome);
        }
        let (now, bound) = (self.now, self.config.limits.publications_per_user);
        let publications = &self.user_mut(user).publications.by_device;
        if publications.len() >= bound && !publications.contains_key(&publication.device) {
            return self.output.done(request, Outcome::Unavailable);
        }
        self.name_permissions(user, "presence");
        let touched = self.user_mut(user).publications.publish(now, publication);
        for device in touched {
            match self.users.get(user).and_then(|actor| actor.publications.by_device.get(&device)) {
                Some(document) => {
                    let document = Box::new(document.clone());
                    self.output.keep(Fact::Publication { user: user.clone(), device, document });
                }
                None => self.output.drop_fact(FactKey::Publication(user.clone(), device)),
            }
        }
        self.output.done(request, Outcome::Success);
        self.present(user);
        self.forget_if_empty(user);
    }

    /// Composes the user's document anew and tells the watchers that may see what changed. Without watchers, and
    /// without a presence server, there is none.
    pub(super) fn present(&mut self, user: &Address) {
        let is_served = self.config.presence_servers.contains_key(user.domain());
        match self.users.get_mut(user) {
            Some(actor) if actor.watchers.is_empty() && !is_served => actor.publications.document = None,
            Some(_) => self.compose(user),
            None => {}
        }
    }

    fn compose(&mut self, user: &Address) {
        let absence = match self.profile_for(user) {
            Some(profile) if profile.absent_is_offline => Absence::Offline,
            Some(_) | None => Absence::Unknown,
        };
        let Some(actor) = self.users.get_mut(user) else { return };
        let present: BTreeSet<&DeviceId> = actor
            .attachments
            .values()
            .filter(|attachment| attachment.publishes_online)
            .map(|attachment| &attachment.device)
            .collect();
        let present: Vec<DeviceId> = present.into_iter().cloned().collect();
        let changed = actor.publications.compose(&present, absence);
        let Some(document) = &actor.publications.document else { return };
        for (watcher, Watcher { attributes, permission, .. }) in &actor.watchers {
            let Permission::Granted(granted) = permission else { continue };
            if attributes.intersection(*granted).intersection(changed).is_empty() {
                continue;
            }
            let seen = Seen { document: Arc::clone(document), granted: *granted };
            let standing = Standing::Active(seen);
            let word = Word::Standing { presentity: user.clone(), ticket: None, standing };
            self.output.tell(watcher, word);
        }
        let is_present = !present.is_empty();
        self.make_known(user, is_present, changed);
    }

    /// The presence server of the user's domain, where there is one, learns what changed, as long as the user is there.
    fn make_known(&mut self, user: &Address, is_present: bool, changed: AttributeSet) {
        let Some(peer) = self.config.presence_servers.get(user.domain()).cloned() else { return };
        let Some(actor) = self.users.get_mut(user) else { return };
        let was_known = std::mem::replace(&mut actor.is_known, is_present);
        if !(was_known || is_present) || (was_known == is_present && changed.is_empty()) {
            return;
        }
        let document = actor.publications.document.clone().filter(|_| is_present);
        self.output.push(CommandKind::Publish { peer, user: user.clone(), document });
    }

    /// A watcher comes, or wants to see something else.
    pub(super) fn start_watch(
        &mut self,
        presentity: &Address,
        watcher: Address,
        attributes: AttributeSet,
        ticket: Option<u64>,
    ) {
        let standing = match self.config.domains.find(presentity).map(|row| row.route.clone()) {
            None => Standing::Declined(Outcome::UnknownDomain),
            Some(Route::Peer(peer)) => return self.join_entry(presentity, watcher, peer, ticket),
            Some(Route::Hosted) => {
                self.name_permission(presentity, &watcher, "watch");
                self.admit(presentity, &watcher, attributes, ticket)
            }
        };
        self.output.tell(&watcher, Word::Standing { presentity: presentity.clone(), ticket, standing });
        self.forget_document(presentity);
        self.forget_if_empty(presentity);
    }

    fn admit(
        &mut self,
        presentity: &Address,
        watcher: &Address,
        attributes: AttributeSet,
        ticket: Option<u64>,
    ) -> Standing {
        if !self.accounts.contains(presentity) {
            return Standing::Declined(Outcome::UnknownUser);
        }
        let bound = self.config.limits.watchers_per_presentity;
        let permission = self.permission(presentity, watcher);
        let (polite, now) = (self.blocked_style(watcher) == BlockedStyle::Polite, self.now);
        self.refresh_document(presentity);
        let actor = self.user_mut(presentity);
        if !actor.watchers.contains_key(watcher) && actor.watchers.len() >= bound {
            return Standing::Declined(Outcome::Unavailable);
        }
        // A watch that nobody is told about, as after a restart, goes on although it is refused: its watcher has to be
        // known here, or it would not hear of it when the presentity changes its mind.
        if permission == Permission::Refused && !polite && ticket.is_some() {
            if let Some(known) = actor.watchers.get_mut(watcher) {
                known.permission = permission;
            }
            return Standing::Declined(Outcome::Blocked);
        }
        actor.past_watchers.remove(watcher);
        let known = actor.watchers.get(watcher);
        let since = known.map_or(now, |known| known.since);
        let is_news = ticket.is_some() && known.is_none_or(|known| known.attributes != attributes);
        actor.watchers.insert(watcher.clone(), Watcher { attributes, permission, since });
        self.touch_watcher(presentity, watcher);
        if permission == Permission::Undecided {
            self.ask(presentity, watcher, attributes);
        } else if is_news {
            self.ask_beyond(presentity, watcher, attributes);
        }
        self.standing_of(presentity, watcher, permission)
    }

    /// Whom nobody watches needs no document.
    fn forget_document(&mut self, presentity: &Address) {
        if let Some(actor) = self.users.get_mut(presentity).filter(|actor| actor.watchers.is_empty()) {
            actor.publications.document = None;
        }
    }

    /// The document of a user of whom nothing was heard yet.
    fn refresh_document(&mut self, presentity: &Address) {
        if self.users.get(presentity).is_none_or(|actor| actor.watchers.is_empty()) {
            self.user_mut(presentity);
            self.compose(presentity);
        }
    }

    pub(super) fn permission(&self, presentity: &Address, watcher: &Address) -> Permission {
        let actor = self.users.get(presentity);
        let rule = actor.and_then(|actor| actor.authorizations.rule_for(presentity, watcher, &actor.lists));
        let asked = self.profile_for(presentity).is_some_and(|profile| profile.asks_authorization);
        // UNCLEAR RFC 3856 §6.6.2: a presentity without means to be asked consents by its own watch of the watcher,
        // because user agents of that side subscribe back when their user accepts a contact.
        let subscribes = actor.is_some_and(|actor| actor.watching.relations.contains_key(watcher));
        let consent = if !asked && subscribes { Consent::Given } else { Consent::None };
        permission(presentity, watcher, rule, self.config.authorization, consent)
    }

    fn standing_of(&self, presentity: &Address, watcher: &Address, permission: Permission) -> Standing {
        match permission {
            Permission::Granted(granted) => {
                match self.users.get(presentity).and_then(|actor| actor.publications.document.clone()) {
                    Some(document) => Standing::Active(Seen { document, granted }),
                    None => Standing::Unclear,
                }
            }
            Permission::Undecided => Standing::Pending,
            Permission::Refused if self.blocked_style(watcher) == BlockedStyle::Polite => {
                Standing::Active(polite_block())
            }
            Permission::Refused => Standing::Refused,
        }
    }

    fn blocked_style(&self, watcher: &Address) -> BlockedStyle {
        self.profile_for(watcher).map_or(BlockedStyle::Told, |profile| profile.blocked)
    }

    pub(super) fn stop_watch(&mut self, presentity: &Address, watcher: &Address) {
        self.name_permission(presentity, watcher, "unwatch");
        if self.users.get_mut(presentity).is_some_and(|actor| actor.watchers.remove(watcher).is_some()) {
            self.remember_watcher(presentity, watcher, WatcherStatus::Former);
            self.forget_document(presentity);
            self.touch_watcher(presentity, watcher);
        }
        self.leave_entry(presentity, watcher);
        self.forget_if_empty(presentity);
    }

    /// Looks anew at what a watcher may see, and tells it when that changed.
    pub(super) fn reconsider(&mut self, presentity: &Address, watcher: &Address) {
        let permission = self.permission(presentity, watcher);
        let Some(known) = self.users.get_mut(presentity).and_then(|actor| actor.watchers.get_mut(watcher)) else {
            return;
        };
        let permission = match (known.permission, permission) {
            // Consent that was withdrawn is a refusal to those who watch, not a new question.
            (Permission::Granted(_) | Permission::Refused, Permission::Undecided) => Permission::Refused,
            (_, permission) => permission,
        };
        if known.permission == permission {
            return;
        }
        known.permission = permission;
        self.touch_watcher(presentity, watcher);
        let standing = self.standing_of(presentity, watcher, permission);
        self.output.tell(watcher, Word::Standing { presentity: presentity.clone(), ticket: None, standing });
    }

    /// Looks anew at those whom a word was about: one watcher, or the members of a list, or everybody.
    fn reconsider_named(&mut self, presentity: &Address, named: &Address) {
        if named == presentity || named.resource().is_some() {
            self.reconsider_all(presentity);
        } else {
            self.reconsider(presentity, named);
        }
    }

    /// The members of a list changed: a word on the list may concern others now.
    pub(super) fn reconsider_list(&mut self, presentity: &Address, list: &Address) {
        if self.users.get(presentity).is_some_and(|actor| actor.authorizations.rules.contains_key(list)) {
            self.reconsider_all(presentity);
        }
    }

    pub(super) fn reconsider_all(&mut self, presentity: &Address) {
        let Some(actor) = self.users.get(presentity) else { return };
        for watcher in actor.watchers.keys().cloned().collect::<Vec<_>>() {
            self.reconsider(presentity, &watcher);
            let decided = self
                .users
                .get(presentity)
                .and_then(|actor| actor.watchers.get(&watcher))
                .is_some_and(|known| known.permission != Permission::Undecided);
            if decided && self.unanswered(presentity, &watcher).is_empty() {
                self.forget_question(presentity, &watcher);
            }
        }
    }

    pub(super) fn authorize(
        &mut self,
        request: RequestId,
        presentity: &Address,
        watcher: &Address,
        decision: Decision,
        attributes: AttributeSet,
    ) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        let event = match decision {
            Decision::Allow => "allow",
            Decision::Block => "block",
        };
        self.name_permission(presentity, watcher, event);
        let bound = self.config.limits.authorizations_per_presentity;
        let rules = &self.user_mut(presentity).authorizations.rules;
        if rules.len() >= bound && !rules.contains_key(watcher) {
            return self.output.done(request, Outcome::Unavailable);
        }
        self.decide(presentity, watcher, decision, attributes);
        self.output.done(request, Outcome::Success);
        self.reconsider_named(presentity, watcher);
    }

    /// Takes the presentity's word on a watcher; what the watcher sees is to be reconsidered then.
    pub(super) fn decide(
        &mut self,
        presentity: &Address,
        watcher: &Address,
        decision: Decision,
        attributes: AttributeSet,
    ) {
        let Rule { decision, attributes, beyond } =
            self.user_mut(presentity).authorizations.decide(watcher, decision, attributes);
        self.output.keep(Fact::Authorization {
            presentity: presentity.clone(),
            watcher: watcher.clone(),
            decision,
            attributes,
            beyond,
        });
        self.forget_question(presentity, watcher);
    }

    pub(super) fn cancel_authorization(&mut self, request: RequestId, presentity: &Address, watcher: &Address) {
        if let Some(outcome) = self.refusal_for_guests(presentity) {
            return self.output.done(request, outcome);
        }
        self.name_permission(presentity, watcher, "cancel");
        let actor = self.user_mut(presentity);
        if actor.authorizations.rules.remove(watcher).is_some() {
            self.output.drop_fact(FactKey::Authorization(presentity.clone(), watcher.clone()));
        }
        self.output.done(request, Outcome::Success);
        self.reconsider_named(presentity, watcher);
        self.forget_if_empty(presentity);
    }

    /// What of the attributes a watcher may not see though the presentity wants to be asked.
    fn beyond(&self, presentity: &Address, watcher: &Address, attributes: AttributeSet) -> AttributeSet {
        let actor = self.users.get(presentity).filter(|_| presentity != watcher);
        let rule = actor.and_then(|actor| actor.authorizations.rule_for(presentity, watcher, &actor.lists));
        match rule {
            Some(Rule { decision: Decision::Allow, attributes: granted, beyond: Beyond::Asked }) => {
                attributes.difference(granted)
            }
            Some(Rule { .. }) | None => AttributeSet::NONE,
        }
    }

    /// What of an open question about a watcher for whom a word holds is still to be decided.
    pub(super) fn unanswered(&self, presentity: &Address, watcher: &Address) -> AttributeSet {
        let question = self.users.get(presentity).and_then(|actor| actor.authorizations.questions.get(watcher));
        let attributes = question.map_or(AttributeSet::NONE, |question| question.attributes);
        self.beyond(presentity, watcher, attributes)
    }

    // WV-ATT-03
    fn ask_beyond(&mut self, presentity: &Address, watcher: &Address, attributes: AttributeSet) {
        let more = self.beyond(presentity, watcher, attributes);
        if !more.is_empty() {
            self.ask(presentity, watcher, more);
        }
    }

    /// Puts the question to the presentity, once per attachment until it is answered.
    pub(super) fn ask(&mut self, presentity: &Address, watcher: &Address, attributes: AttributeSet) {
        let (now, bound) = (self.now, self.config.limits.questions_per_presentity);
        let until = now.after(self.config.limits.question_age);
        let questions = &mut self.user_mut(presentity).authorizations.questions;
        let is_new = !questions.contains_key(watcher);
        if is_new && questions.len() >= bound {
            return;
        }
        let question = questions.entry(watcher.clone()).or_insert_with(|| Question {
            attributes: AttributeSet::NONE,
            since: now,
            asked: BTreeSet::new(),
        });
        let all = question.attributes.union(attributes);
        if is_new || question.attributes != all {
            question.attributes = all;
            let since = question.since;
            let timer = Timer::Question(presentity.clone(), watcher.clone());
            if !self.timers.is_set(&timer) {
                self.timers.set(timer, until);
            }
            self.output.keep(Fact::Question {
                presentity: presentity.clone(),
                watcher: watcher.clone(),
                attributes: all,
                since,
            });
        }
        if is_new {
            self.touch_watcher(presentity, watcher);
        }
        let endpoints: Vec<Endpoint> = self.user_mut(presentity).attachments.keys().cloned().collect();
        for endpoint in endpoints {
            self.ask_once(presentity, watcher, &endpoint);
        }
    }

    /// A device came: it is asked what nobody has answered.
    pub(super) fn ask_at(&mut self, presentity: &Address, endpoint: &Endpoint) {
        let Some(actor) = self.users.get(presentity) else { return };
        for watcher in actor.authorizations.questions.keys().cloned().collect::<Vec<_>>() {
            self.ask_once(presentity, &watcher, endpoint);
        }
    }

    fn ask_once(&mut self, presentity: &Address, watcher: &Address, endpoint: &Endpoint) {
        if !self.profile(endpoint.side).asks_authorization {
            return;
        }
        let Some(actor) = self.users.get_mut(presentity) else { return };
        let Some(question) = actor.authorizations.questions.get_mut(watcher) else { return };
        if question.asked.insert(endpoint.clone()) {
            let attributes = question.attributes;
            let holds = |list: &&ContactList| list.members.iter().any(|member| member.address == *watcher);
            let lists = actor.lists.values().filter(holds).map(|list| list.written.clone()).collect();
            let ground = actor.authorizations.ground_for(presentity, watcher, &actor.lists);
            self.output.push(CommandKind::AskAuthorization {
                endpoint: endpoint.clone(),
                presentity: presentity.clone(),
                watcher: watcher.clone(),
                attributes,
                ground,
                lists,
            });
        }
    }

    pub(super) fn forget_question(&mut self, presentity: &Address, watcher: &Address) {
        let Some(actor) = self.users.get_mut(presentity) else { return };
        if actor.authorizations.questions.remove(watcher).is_some() {
            self.timers.clear(&Timer::Question(presentity.clone(), watcher.clone()));
            self.output.drop_fact(FactKey::Question(presentity.clone(), watcher.clone()));
            self.touch_watcher(presentity, watcher);
        }
    }

    /// Nobody answered for so long that nobody will.
    pub(super) fn question_over(&mut self, presentity: &Address, watcher: &Address) {
        self.name_permission(presentity, watcher, "question too old");
        self.forget_question(presentity, watcher);
        let waiting = self
            .users
            .get(presentity)
            .and_then(|actor| actor.watchers.get(watcher))
            .is_some_and(|known| known.permission == Permission::Undecided);
        if waiting {
            let standing = Standing::Failed(EndReason::Giveup);
            self.output.tell(watcher, Word::Standing { presentity: presentity.clone(), ticket: None, standing });
        }
        self.forget_if_empty(presentity);
    }

    /// What a hosted presentity shows to somebody who looks once.
    pub(super) fn glimpse(
        &mut self,
        presentity: &Address,
        watcher: &Address,
        attributes: AttributeSet,
    ) -> Result<Seen, Outcome> {
        if !self.accounts.contains(presentity) {
            return Err(Outcome::UnknownUser);
        }
        self.name_permission(presentity, watcher, "fetch");
        self.refresh_document(presentity);
        let permission = self.permission(presentity, watcher);
        let standing = self.standing_of(presentity, watcher, permission);
        self.forget_document(presentity);
        match standing {
            Standing::Active(seen) => {
                self.remember_watcher(presentity, watcher, WatcherStatus::Looked);
                self.ask_beyond(presentity, watcher, attributes);
                Ok(seen)
            }
            Standing::Pending => {
                self.ask(presentity, watcher, attributes);
                Err(Outcome::NotDecided)
            }
            Standing::Refused | Standing::Failed(_) => Err(Outcome::Blocked),
            Standing::Unclear => Err(Outcome::Unavailable),
            Standing::Declined(outcome) => Err(outcome),
        }
    }
}

/// What a watcher is shown that must not know that it is refused (presence mapping §9).
fn polite_block() -> Seen {
    let person = Person { availability: Value::Known(Availability::NotAvailable), ..Person::default() };
    let devices = vec![Device { online: Value::Known(false), ..Device::default() }];
    Seen { document: Arc::new(PresenceDocument { person, devices }), granted: AttributeSet::ALL }
}
