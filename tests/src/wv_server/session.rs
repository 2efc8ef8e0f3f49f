//! What the server does with what a client says.

use super::{Inner, Said, Session, State, Style, WvUser};
use wv_proto::{
    presence_attribute::PresenceSubList,
    primitive::{
        Envelope, Primitive, SessionDescriptor, Transaction, TransactionMode,
        access::{DigestSchema, KeepAliveResponse, LoginRequest, LoginResponse},
        capability::{AgreedCapabilityList, CirMethod},
        delivery::GetMessageResponse,
        identifier::{MessageId, Nonce, SessionId, TransactionId, UserId},
        message::{MessageInfo, NewMessage, SendMessageRequest, SendMessageResponse},
        party::{Sender, User},
        presence::{GetPresenceResponse, Presence, PresenceNotificationRequest, Presentity},
        service::{CapabilityAnswer, ClientCapabilityResponse, ServiceResponse},
    },
    session::digest::{Proof, is_digest_right},
    status::{DetailedResult, StatusCode, StatusResult},
};

/// What is answered: the answer to what was asked, or something of the server's own, or nothing.
pub(super) type Reply = Option<Transaction>;

pub(super) fn bare(user: &str) -> String {
    let mut text = user;
    while let Some(rest) = text.strip_prefix("wv:") {
        text = rest;
    }
    text.to_lowercase()
}

impl Inner {
    /// The answer to a message.
    pub(super) fn take(&self, envelope: Envelope) -> Option<Envelope> {
        let mut state = self.state();
        let state = &mut *state;
        let session = match &envelope.session {
            SessionDescriptor::Inband(id) => Some(id.clone()),
            SessionDescriptor::Outband => None,
        };
        let Transaction { mode, id, content, .. } = envelope.transactions.into_iter().next()?;
        let primitive = content.ok()?;
        let title = primitive.name().to_string();
        if primitive == Primitive::PollingRequest {
            state.polls.push(super::now().duration_since(self.start));
        }
        state.titles.push(title);
        if let Primitive::LoginRequest(request) = &primitive {
            let response = self.log_in(state, request);
            let transaction = Transaction::response(id, Primitive::LoginResponse(Box::new(response)));
            return Some(Envelope::new(envelope.session, transaction));
        }
        let known = session.clone().filter(|session| state.sessions.contains_key(session));
        let Some(session) = known else {
            let code = StatusCode::new(604)?;
            let id = id.or_else(|| Some(TransactionId::new("0")));
            return Some(Envelope::new(envelope.session, Transaction::response(id, Primitive::Status(code.into()))));
        };
        let user = state.sessions.get(&session)?.user.clone();
        state.said.push_back(Said { user: user.clone(), primitive: primitive.clone(), mode });
        let reply = match (mode, primitive) {
            (TransactionMode::Response, primitive) => {
                self.acknowledged(state, &session, id.as_ref(), &primitive);
                self.next_of(state, &session)
            }
            (TransactionMode::Request, Primitive::PollingRequest) => self.next_of(state, &session),
            (TransactionMode::Request, primitive) => {
                let answer = self.execute(state, &session, &user, primitive);
                answer.map(|answer| Transaction::response(id, answer))
            }
        };
        let waits = state.sessions.get(&session).is_some_and(|session| !session.queue.is_empty());
        let mut answer = Envelope::new(SessionDescriptor::Inband(session), reply?);
        answer.poll = self.style().tells_poll.then_some(waits);
        Some(answer)
    }

    fn log_in(&self, state: &mut State, request: &LoginRequest) -> LoginResponse {
        let user = bare(request.user_id.as_str());
        let refused = |code: u16| LoginResponse::new(request.client_id.clone(), StatusCode::new(code).unwrap().into());
        if let Some(code) = state.login_faults.pop_front() {
            return refused(code);
        }
        let Some(WvUser { password, .. }) = state.users.get(&user) else { return refused(531) };
        let password = wv_proto::primitive::identifier::Password::new(password.as_str());
        let is_proved = match (&request.password, &request.digest_bytes) {
            (Some(given), _) => given.expose() == password.expose(),
            (None, Some(digest)) => {
                let Some(Proof::Digest(method)) = Proof::from_schema(&DigestSchema::Md5) else { return refused(500) };
                state.nonces.get(&user).is_some_and(|nonce| is_digest_right(method, nonce, &password, digest))
            }
            (None, None) => {
                let nonce = Nonce::new(format!("{:032x}", self.number() * 77));
                state.nonces.insert(user, nonce.clone());
                let mut challenge = refused(if self.style().is_loose { 200 } else { 401 });
                challenge.nonce = Some(nonce);
                challenge.digest_schema = Some(DigestSchema::Md5);
                return challenge;
            }
        };
        if !is_proved {
            return refused(409);
        }
        let session = SessionId::new(format!("s-{}", self.number()));
        if let Some(before) = state.by_user.insert(user.clone(), session.clone()) {
            state.sessions.remove(&before);
        }
        state.sessions.insert(session.clone(), Session { user: user.clone(), ..Session::default() });
        state.logins.push(user.clone());
        state.entries.push(super::now().duration_since(self.start));
        let waiting = state.offline.remove(&user).unwrap_or_default();
        if let Some(session) = state.sessions.get_mut(&session) {
            session.queue.extend(waiting);
        }
        let client_id = request.client_id.clone().filter(|_| !self.style().is_loose);
        let mut response = LoginResponse::new(client_id, StatusCode::SUCCESS.into());
        response.session_id = Some(session);
        response.keep_alive_time = Some(self.style().keep_alive);
        response.capability_request = Some(true);
        response
    }

    fn execute(&self, state: &mut State, session: &SessionId, user: &str, primitive: Primitive) -> Option<Primitive> {
        let ok = || Primitive::Status(StatusCode::SUCCESS.into());
        let code = |code: u16| Primitive::Status(StatusCode::new(code).unwrap().into());
        let fault = state.faults.iter().position(|(title, _)| *title == primitive.name().to_string());
        if let Some((_, number)) = fault.and_then(|place| state.faults.remove(place)) {
            if number == 604 {
                state.sessions.remove(session);
            }
            return Some(code(number));
        }
        Some(match primitive {
            Primitive::ClientCapabilityRequest(request) => {
                let agreed = AgreedCapabilityList {
                    supported_cir_methods: self.channel().map(|_| CirMethod::Stcp).into_iter().collect(),
                    tcp_address: self.channel().map(|_| "127.0.0.1".into()),
                    tcp_port: self.channel(),
                    server_poll_min: Some(self.style().poll_min),
                    ..AgreedCapabilityList::default()
                };
                let capabilities = CapabilityAnswer::for_version(self.version, &request.capabilities, agreed);
                Primitive::ClientCapabilityResponse(Box::new(ClientCapabilityResponse {
                    client_id: None,
                    capabilities,
                }))
            }
            Primitive::ServiceRequest(_) => Primitive::ServiceResponse(ServiceResponse::default()),
            Primitive::KeepAliveRequest(_) => Primitive::KeepAliveResponse(KeepAliveResponse {
                result: StatusResult::success(),
                keep_alive_time: Some(self.style().keep_alive * 2),
            }),
            Primitive::LogoutRequest => {
                state.sessions.remove(session);
                ok()
            }
            Primitive::UpdatePresenceRequest(request) => {
                state.users.get_mut(user)?.presence = request.attributes;
                ok()
            }
            Primitive::SubscribePresenceRequest(request) => {
                let targets: Vec<String> = request.users.iter().map(|user| bare(user.user_id.as_str())).collect();
                let (known, unknown): (Vec<String>, Vec<String>) =
                    targets.into_iter().partition(|target| state.users.contains_key(target));
                if !unknown.is_empty() && (known.is_empty() || self.style().is_loose) {
                    return Some(code(531));
                }
                for target in known {
                    state.sessions.get_mut(session)?.watched.insert(target.clone());
                    self.notify(state, &target);
                }
                if unknown.is_empty() {
                    return Some(ok());
                }
                let users = unknown.iter().map(|user| UserId::new(format!("wv:{user}"))).collect();
                let unknown = DetailedResult::of_users(StatusCode::UNKNOWN_USER, users);
                Primitive::Status(StatusResult::new(StatusCode::new(201)?).with_detailed(vec![unknown]).into())
            }
            Primitive::UnsubscribePresenceRequest(request) => {
                for target in &request.users {
                    state.sessions.get_mut(session)?.watched.remove(&bare(target.user_id.as_str()));
                }
                ok()
            }
            Primitive::GetPresenceRequest(request) => {
                let presences =
                    request.users.iter().filter_map(|target| self.seen(state, user, &bare(target.user_id.as_str())));
                Primitive::GetPresenceResponse(GetPresenceResponse {
                    result: StatusResult::success(),
                    presences: presences.collect(),
                })
            }
            Primitive::PresenceAuthUser(request) => {
                let watcher = bare(request.user_id.as_str());
                state.users.get_mut(user)?.decisions.insert(watcher, request.acceptance);
                ok()
            }
            Primitive::GetWatcherListRequest(_) => Primitive::GetWatcherListResponse(Box::default()),
            Primitive::SendMessageRequest(request) => {
                let recipient = bare(request.message.recipient.users.first()?.user_id.as_str());
                if !state.users.contains_key(&recipient) {
                    let user = UserId::new(format!("wv:{recipient}"));
                    let unknown = DetailedResult::of_users(StatusCode::UNKNOWN_USER, vec![user]);
                    let result = StatusResult::new(StatusCode::new(900)?).with_detailed(vec![unknown]);
                    return Some(Primitive::SendMessageResponse(SendMessageResponse { result, message_id: None }));
                }
                let message_id = MessageId::new(format!("m-{}", self.number()));
                self.pass_on(state, &recipient, &message_id, &request);
                state.messages.insert(message_id.clone(), *request);
                Primitive::SendMessageResponse(SendMessageResponse {
                    result: StatusResult::success(),
                    message_id: Some(message_id),
                })
            }
            Primitive::GetMessageRequest(request) => {
                let held = state.held.get(&request.message_id)?.clone();
                Primitive::GetMessageResponse(Box::new(GetMessageResponse {
                    message: held.message,
                    content: held.content,
                }))
            }
            Primitive::RejectMessageRequest(request) => {
                state.rejected.extend(request.message_ids);
                ok()
            }
            Primitive::MessageDelivered(delivered) => {
                state.delivered.push(delivered.message_id);
                ok()
            }
            _ => code(501),
        })
    }

    /// A message to somebody who is logged in.
    fn pass_on(&self, state: &mut State, recipient: &str, id: &MessageId, request: &SendMessageRequest) {
        let Some(session) = state.by_user.get(recipient).cloned() else { return };
        let message = MessageInfo { message_id: Some(id.clone()), ..request.message.clone() };
        let new = NewMessage { message, content: request.content.clone() };
        if let Some(session) = state.sessions.get_mut(&session) {
            session.queue.push_back(Primitive::NewMessage(Box::new(new)));
        }
        self.ring(state, &session);
    }

    /// What a client says to something of the server's.
    fn acknowledged(&self, state: &mut State, session: &SessionId, id: Option<&TransactionId>, answer: &Primitive) {
        let Some(session) = state.sessions.get_mut(session) else { return };
        if let Some(place) = session.sent.iter().position(|(sent, _)| Some(sent) == id) {
            let question = session.sent.remove(place).map(|(_, question)| question.name().to_string());
            let code = answer.result().map_or(200, |result| result.code.number());
            state.answers.extend(question.map(|question| (question, code)));
        }
        if let Primitive::MessageDelivered(delivered) = answer {
            state.delivered.push(delivered.message_id.clone());
        }
    }

    /// The next of the server's own words; what was not acknowledged comes first, under its old id.
    fn next_of(&self, state: &mut State, session: &SessionId) -> Reply {
        let number = self.number();
        let session = state.sessions.get_mut(session)?;
        if let Some((id, primitive)) = session.sent.front().filter(|_| self.style().offers_again) {
            return Some(Transaction::request(Some(id.clone()), primitive.clone()));
        }
        let primitive = session.queue.pop_front()?;
        // A clock of seconds makes the same id twice.
        let id = if self.style().is_loose { "1900000000".to_owned() } else { format!("g{number}") };
        let id = TransactionId::new(id);
        session.sent.push_back((id.clone(), primitive.clone()));
        Some(Transaction::request(Some(id), primitive))
    }

    /// What a watcher may see of a user.
    fn seen(&self, state: &State, watcher: &str, target: &str) -> Option<Presence> {
        let user = state.users.get(target)?;
        let may = !user.asks || user.decisions.get(watcher) == Some(&true);
        let attributes = if may { user.presence.clone() } else { PresenceSubList::default() };
        Some(Presence { presentity: Presentity::User(self.written(target)), attributes })
    }

    /// Tells every watcher of a user what it may see.
    pub(super) fn notify(&self, state: &mut State, target: &str) {
        let watching: Vec<(SessionId, String)> = state
            .sessions
            .iter()
            .filter(|(_, session)| session.watched.contains(target))
            .map(|(id, session)| (id.clone(), session.user.clone()))
            .collect();
        for (id, watcher) in watching {
            let Some(presence) = self.seen(state, &watcher, target) else { continue };
            let told = PresenceNotificationRequest { presences: vec![presence] };
            if let Some(session) = state.sessions.get_mut(&id) {
                session.queue.push_back(Primitive::PresenceNotificationRequest(told));
            }
            self.ring(state, &id);
        }
    }

    /// A user's address as this server writes it.
    pub(super) fn written(&self, user: &str) -> UserId {
        UserId::new(if self.style().is_loose { format!("wv:wv:{user}") } else { format!("wv:{user}") })
    }

    pub(super) fn sender(&self, user: &str) -> Sender {
        // Without a scheme, as some do.
        let text = if self.style().is_loose { user.to_owned() } else { format!("wv:{user}") };
        Sender::User(User::from(UserId::new(text)))
    }

    fn style(&self) -> &Style {
        &self.style
    }
}
