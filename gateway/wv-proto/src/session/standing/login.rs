//! The way in: login, capabilities, services.

use super::super::client::LoginWay;
use super::super::digest::{Proof, digest_bytes};
use super::{Channel, Command, Load, StandingSession, State, Step};
use crate::primitive::access::{DigestSchema, LoginRequest, LoginResponse};
use crate::primitive::capability::{Bearer, CapabilityList, CirMethod, ClientType, DeliveryMethod};
use crate::primitive::identifier::{ClientId, SessionId, TransactionId};
use crate::primitive::service::{CapabilityAnswer, ClientCapabilityRequest, ClientCapabilityResponse, ServiceRequest};
use crate::primitive::{Primitive, SessionDescriptor, Transaction};
use crate::quirk::ServerQuirk;
use crate::session::time::Timestamp;
use crate::status::StatusCode;
use crate::version::Version;
use std::time::Duration;

impl StandingSession {
    pub(super) fn admit(&mut self, now: Timestamp) {
        if self.state != State::Out || !self.wanted || now < self.not_before {
            // Whoever was let in too early says so again.
            self.announced = false;
            return;
        }
        let id = self.mint();
        let mut request = self.login_request();
        match &self.settings.way {
            LoginWay::TwoWay => request.password = Some(self.account.password.clone()),
            LoginWay::FourWay(schemas) => request.digest_schemas = schemas.clone(),
        }
        self.session = None;
        self.announced = false;
        self.state = State::Entering { id: id.clone(), step: Step::First };
        self.send_login(id, request);
    }

    fn send_login(&mut self, id: TransactionId, request: LoginRequest) {
        let primitive = Primitive::LoginRequest(Box::new(request));
        self.send(Transaction::request(Some(id.clone()), primitive), Load::Own(id));
    }

    /// What the server says to the login; `descriptor` is that of its message.
    pub(super) fn login_answered(
        &mut self,
        now: Timestamp,
        (id, step): (TransactionId, Step),
        descriptor: &SessionDescriptor,
        primitive: &Primitive,
    ) {
        let named = match (descriptor, primitive.result()) {
            // QUIRK session_in_descriptor: names the new session only around its answer; loose servers.
            (SessionDescriptor::Inband(session), Some(result)) if result.code.is_success() => Some(session.clone()),
            _ => None,
        };
        let Primitive::LoginResponse(response) = primitive else {
            return match (primitive.result().map(|result| result.code), named) {
                (Some(_), Some(session)) => {
                    self.meet(ServerQuirk::SessionInDescriptor);
                    self.enter(now, session, None);
                }
                (code, None) => self.retreat(now, code),
                (None, Some(_)) => self.retreat(now, None),
            };
        };
        let code = response.result.code;
        let is_challenge = response.nonce.is_some() || response.digest_schema.is_some();
        match (&response.session_id, step) {
            (Some(session), Step::First | Step::Proving) if code.is_success() => {
                self.enter(now, session.clone(), response.keep_alive_time);
            }
            // WV-CLI-01
            (None, Step::First) if is_challenge && (code == StatusCode::UNAUTHORIZED || code.is_success()) => {
                self.prove(now, id, response);
            }
            (None, Step::First | Step::Proving) if code.is_success() && named.is_some() => {
                if let Some(session) = named {
                    self.meet(ServerQuirk::SessionInDescriptor);
                    self.enter(now, session, response.keep_alive_time);
                }
            }
            (Some(_) | None, Step::First | Step::Proving) => self.retreat(now, Some(code)),
        }
    }

    fn prove(&mut self, now: Timestamp, id: TransactionId, challenge: &LoginResponse) {
        let mut request = self.login_request();
        let first = match &self.settings.way {
            LoginWay::FourWay(schemas) => schemas.first().cloned(),
            LoginWay::TwoWay => None,
        };
        if challenge.digest_schema.is_none() {
            // QUIRK unnamed_schema: does not say which of the offered schemas it chose, so it is the first; loose servers.
            self.meet(ServerQuirk::UnnamedSchema);
        }
        let schema = challenge.digest_schema.clone().or(first).unwrap_or(DigestSchema::Md5);
        match (Proof::from_schema(&schema), &challenge.nonce) {
            (Some(Proof::ClearPassword), _) => request.password = Some(self.account.password.clone()),
            (Some(Proof::Digest(method)), Some(nonce)) => {
                // WV-LOGIN-04
                request.digest_bytes = Some(digest_bytes(method, nonce, &self.account.password));
            }
            (Some(Proof::Digest(_)) | None, _) => {
                return self.retreat(now, Some(StatusCode::NO_MATCHING_DIGEST_SCHEMA));
            }
        }
        self.state = State::Entering { id: id.clone(), step: Step::Proving };
        // WV-CLI-02
        self.send_login(id, request);
    }

    fn enter(&mut self, now: Timestamp, session: SessionId, keep_alive: Option<Duration>) {
        self.session = Some(session);
        self.keep_alive = keep_alive.filter(|time| !time.is_zero()).unwrap_or(self.settings.time_to_live);
        (self.poll_min, self.multi_trans, self.losses, self.has_channel) = (Duration::ZERO, 1, 0, false);
        (self.heard, self.opened) = (now, now);
        self.state = State::Describing;
        let capabilities = self.capabilities();
        let request = ClientCapabilityRequest { client_id: self.named_client(), capabilities };
        self.send_own(Primitive::ClientCapabilityRequest(Box::new(request)));
    }

    /// The server answered ClientCapability-Request, with whatever: nothing in it keeps the session from being used.
    // WV-CLI-09
    pub(super) fn described(&mut self, primitive: Option<&Primitive>) {
        let mut channel = Channel::default();
        if let Some(Primitive::ClientCapabilityResponse(response)) = primitive {
            channel = self.take_capabilities(response);
        }
        self.state = State::Agreeing;
        self.offer = channel;
        let request = ServiceRequest {
            client_id: self.named_client(),
            functions: Some(self.settings.functions),
            all_functions_request: false,
        };
        self.send_own(Primitive::ServiceRequest(request));
    }

    fn take_capabilities(&mut self, response: &ClientCapabilityResponse) -> Channel {
        let (poll_min, multi_trans, methods, address, port, url) = match &response.capabilities {
            CapabilityAnswer::Repeated(list) => (
                list.server_poll_min,
                list.multi_trans,
                &list.supported_cir_methods,
                &list.tcp_address,
                list.tcp_port,
                &None,
            ),
            CapabilityAnswer::Agreed(list) => (
                list.server_poll_min,
                list.multi_trans,
                &list.supported_cir_methods,
                &list.tcp_address,
                list.tcp_port,
                &list.cir_url,
            ),
        };
        self.poll_min = poll_min.unwrap_or_default().min(LONGEST_POLL_MIN);
        let agreed = multi_trans.and_then(|count| usize::try_from(count).ok()).unwrap_or(1);
        self.multi_trans = agreed.clamp(1, self.settings.limits.multi_trans_max.max(1));
        let has = |method: CirMethod| self.settings.cir_methods.contains(&method) && methods.contains(&method);
        Channel {
            tcp: address.clone().zip(port).filter(|_| has(CirMethod::Stcp)),
            url: url.clone().filter(|_| has(CirMethod::Shttp)),
        }
    }

    /// The server answered Service-Request: the session stands.
    pub(super) fn agreed(&mut self, now: Timestamp, primitive: Option<&Primitive>) {
        self.refused = match primitive {
            Some(Primitive::ServiceResponse(response)) => response.refused.unwrap_or_default(),
            _ => crate::primitive::function::FunctionSet::default(),
        };
        self.state = State::Open;
        (self.opened, self.poll_at) = (now, now);
        let channel = std::mem::take(&mut self.offer);
        self.commands.push_back(Command::Opened(channel));
    }

    /// The login did not succeed.
    // WV-CLI-08
    pub(super) fn retreat(&mut self, now: Timestamp, code: Option<StatusCode>) {
        if let Some(code) = code.filter(|code| REFUSALS.contains(&code.number())) {
            return self.bar(code);
        }
        self.failures = self.failures.saturating_add(1);
        let wait = self.back_off(self.failures);
        self.commands.push_back(Command::LoginFailed(code));
        self.fall(now, wait);
    }

    fn login_request(&self) -> LoginRequest {
        let account = &self.account;
        let mut request =
            LoginRequest::new(account.user_id.clone(), account.client_id.clone(), account.session_cookie.clone());
        request.time_to_live = Some(self.settings.time_to_live);
        request
    }

    /// Only in 1.1 these requests name the client.
    fn named_client(&self) -> Option<ClientId> {
        (self.settings.version == Version::V1_1).then(|| self.account.client_id.clone())
    }

    fn capabilities(&self) -> CapabilityList {
        let limits = &self.settings.limits;
        CapabilityList {
            client_type: Some(ClientType::Computer),
            initial_delivery_method: Some(DeliveryMethod::Push),
            any_content: Some(true),
            accepted_charsets: vec![UTF_8],
            accepted_transfer_encodings: vec!["BASE64".into()],
            accepted_content_length: Some(limits.content_octets_max),
            accepted_push_length: Some(limits.content_octets_max),
            accepted_text_content_length: Some(limits.content_octets_max),
            supported_bearers: vec![Bearer::Http],
            multi_trans: u32::try_from(limits.multi_trans_max).ok(),
            parser_size: Some(limits.parser_octets_max),
            supported_cir_methods: self.settings.cir_methods.clone(),
            server_poll_min: Some(self.settings.poll_interval),
            ..CapabilityList::default()
        }
    }
}

/// Codes that a login is not tried again after: nobody but a person can help.
const REFUSALS: [u16; 8] = [401, 402, 403, 404, 409, 531, 534, 543];

/// A server that wants longer gaps between polls would not be a server of messages.
const LONGEST_POLL_MIN: Duration = Duration::from_secs(3600);

/// The MIBenum of UTF-8.
const UTF_8: u32 = 106;
