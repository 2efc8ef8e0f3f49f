//! What a WV client does, one thing after another.

use super::{ClientId, Event, Exchange, Output, Primitive, Seen, StageLoginWay, Version, WvActor, setup};
use bytes::Bytes;
use wv_proto::{
    primitive::{
        capability::{Bearer, CapabilityList, ClientType, DeliveryMethod},
        function::{Feature, FunctionSet},
        service::{ClientCapabilityRequest, ServiceRequest},
    },
    session::client::ClientSession,
};

/// Something that waits until the server has answered what came before.
pub(super) enum Job {
    LogIn { exchange: Exchange, way: StageLoginWay, resumes: bool },
    Request { exchange: Exchange, primitive: Box<Primitive> },
    Post { exchange: Exchange, content_type: String, body: Bytes },
    Acknowledge,
    Fence(Exchange),
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Idle,
    LoggingIn,
    /// Logged in; the capabilities are to be negotiated next.
    Capabilities,
    /// The services are to be negotiated next.
    Services,
    /// Octets are under way of which the session knows nothing.
    Posting,
    /// A poll is under way, the emptiness of which is waited for.
    Fencing,
}

impl WvActor {
    /// Begins the next thing when nothing is under way.
    pub(super) fn proceed(&mut self, now_ms: u64) {
        if self.is_waiting() {
            return;
        }
        match self.step {
            Step::Capabilities => {
                self.step = Step::Services;
                let request = capability_request(self.version, &self.client_id);
                return self.happen(now_ms, Event::Request(request));
            }
            Step::Services => {
                self.step = Step::Idle;
                let request = service_request(self.version, &self.client_id);
                return self.happen(now_ms, Event::Request(request));
            }
            Step::Fencing if self.brought && self.session.is_active() => return self.happen(now_ms, Event::Poll),
            Step::Fencing => {
                self.step = Step::Idle;
                self.tell(Seen::told(self.exchange, Seen::FENCE, ""));
            }
            Step::Idle | Step::LoggingIn | Step::Posting => {}
        }
        let Some(job) = self.jobs.pop_front() else { return };
        self.begin(now_ms, job);
        // What ended at once makes room for the next.
        self.proceed(now_ms);
    }

    fn begin(&mut self, now_ms: u64, job: Job) {
        match job {
            Job::LogIn { exchange, way, resumes } => {
                self.exchange = exchange;
                self.step = Step::LoggingIn;
                if !resumes {
                    self.logins = self.logins.saturating_add(1);
                    self.session =
                        ClientSession::new(setup(&self.casting, &self.client_id, self.version, way, self.logins));
                }
                self.happen(now_ms, if resumes { Event::Resume } else { Event::LogIn });
            }
            Job::Request { exchange, primitive } => {
                self.exchange = exchange;
                if self.session.is_active() {
                    self.happen(now_ms, Event::Request(*primitive));
                } else {
                    self.refuse(exchange, &format!("{} outside of a session", primitive.name().as_str()));
                }
            }
            Job::Post { exchange, content_type, body } => {
                self.exchange = exchange;
                self.step = Step::Posting;
                self.asked = None;
                self.brought = false;
                self.outputs.push_back(Output::Post { content_type, body });
            }
            Job::Acknowledge => match self.held.pop_front() {
                Some(envelope) => {
                    if !self.held.is_empty() {
                        self.jobs.push_front(Job::Acknowledge);
                    }
                    self.step = Step::Posting;
                    self.post(&envelope);
                }
                None => self.refuse(Exchange(0), "no answer is held back"),
            },
            Job::Fence(exchange) => {
                self.exchange = exchange;
                self.step = Step::Fencing;
                self.brought = false;
                if self.session.is_active() {
                    self.happen(now_ms, Event::Poll);
                }
            }
        }
    }
}

/// Only in 1.1 these requests name the client.
fn named(version: Version, client_id: &ClientId) -> Option<ClientId> {
    (version == Version::V1_1).then(|| client_id.clone())
}

fn capability_request(version: Version, client_id: &ClientId) -> Primitive {
    let capabilities = CapabilityList {
        client_type: Some(ClientType::MobilePhone),
        initial_delivery_method: Some(DeliveryMethod::Push),
        accepted_content_types: vec!["text/plain".into(), "image/png".into()],
        accepted_transfer_encodings: vec!["BASE64".into()],
        accepted_content_length: Some(OCTETS_MAX),
        accepted_push_length: Some(OCTETS_MAX),
        accepted_text_content_length: Some(OCTETS_MAX),
        supported_bearers: vec![Bearer::Http],
        multi_trans: Some(1),
        parser_size: Some(OCTETS_MAX),
        ..CapabilityList::default()
    };
    let request = ClientCapabilityRequest { client_id: named(version, client_id), capabilities };
    Primitive::ClientCapabilityRequest(Box::new(request))
}

fn service_request(version: Version, client_id: &ClientId) -> Primitive {
    let wanted = FunctionSet::of_feature(Feature::Fundamental)
        .union(FunctionSet::of_feature(Feature::Presence))
        .union(FunctionSet::of_feature(Feature::Message))
        .intersection(FunctionSet::of_version(version));
    Primitive::ServiceRequest(ServiceRequest {
        client_id: named(version, client_id),
        functions: Some(wanted),
        all_functions_request: false,
    })
}

/// What the client takes of everything.
const OCTETS_MAX: u32 = 1024 * 1024;
