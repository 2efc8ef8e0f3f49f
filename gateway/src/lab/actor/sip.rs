//! The SIP actor: a user agent, or the server of a domain. It sends the requests it is told, answers those of the gateway
//! as it is told, and keeps what belongs together: transactions, dialogs, credentials.

mod conversation;
pub(in crate::lab) mod reading;
mod writing;

use super::{Actor, Arrival, Casting, CastingError, Output};
use crate::lab::scenario::{
    seen::{Exchange, Seen, Way},
    stage::{Act, RoleKind, SipAnswer, SipRequest, SipTransport},
};
use conversation::Conversation;
use sip_proto::{
    id_source::IdSource,
    message::{
        Message, Method, Request, Response, StatusCode,
        header::{contact::Contact, via::Transport},
        host::Host,
        uri::{SipUri, Uri},
    },
    time::Timestamp,
    transaction::{
        ClientTransactionId, DatagramRule, Outgoing, RequestEvent, ResponseEvent, SendError, ServerTransactionId,
        TransactionCommand, TransactionTable, timer::TimerValues, via::Hop,
    },
};
use std::{
    collections::{HashMap, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

/// A SIP actor.
pub struct SipActor {
    own: Uri,
    user: String,
    password: String,
    contact: Contact,
    is_server: bool,
    hop: Hop,
    local: SocketAddr,
    ids: IdSource,
    table: TransactionTable,
    conversations: HashMap<Exchange, Conversation>,
    by_call_id: HashMap<String, Exchange>,
    pending: HashMap<ClientTransactionId, Pending>,
    /// Requests that wait for [`Act::Answer`], the oldest first.
    waiting: VecDeque<Waiting>,
    orders: HashMap<String, Option<SipAnswer>>,
    last_exchange: Exchange,
    outputs: VecDeque<Output>,
}

/// A request that was sent.
struct Pending {
    exchange: Exchange,
    request: Request,
    kind: PendingKind,
}

/// What becomes of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PendingKind {
    /// A challenge is answered.
    Fresh,
    /// It is told as it is.
    Final,
    /// Only that it came.
    Fence,
}

/// A request that was received.
struct Waiting {
    id: ServerTransactionId,
    exchange: Exchange,
    request: Arc<Request>,
}

impl SipActor {
    /// An actor that listens at an address.
    ///
    /// # Errors
    /// When the part is not that of a SIP actor, or its address is none.
    pub fn new(casting: &Casting, server: SocketAddr, local: SocketAddr, seed: [u8; 32]) -> Result<Self, CastingError> {
        let (transport, is_server) = match &casting.role.kind {
            RoleKind::SipAgent { transport } => (*transport, false),
            RoleKind::SimpleServer { transport } => (*transport, true),
            RoleKind::WvClient { .. } => return Err(casting.refuse("the part is not that of a SIP actor")),
        };
        let transport = match transport {
            SipTransport::Udp => Transport::Udp,
            SipTransport::Tcp => Transport::Tcp,
        };
        let address = &casting.identity.address;
        let (user, _) = address.split_once('@').ok_or_else(|| casting.refuse("its address has no @"))?;
        let own = Uri::parse(&format!("sip:{address}")).map_err(|error| casting.refuse(error))?;
        let contact = SipUri::new(Host::from(local.ip())).with_user(user).with_port(Some(local.port()));
        let contact = if transport.is_reliable() { contact.with_param("transport", Some("tcp")) } else { contact };
        let mut table_seed = seed;
        table_seed.reverse();
        let source = |prefix, seed| IdSource::new(prefix, seed).map_err(|error| casting.refuse(error));
        let table = TransactionTable::new(TimerValues::default(), TRANSACTIONS_MAX, source("t", table_seed)?);
        Ok(Self {
            own,
            user: user.to_owned(),
            password: casting.identity.password.clone(),
            contact: Contact::new(Uri::Sip(contact)),
            is_server,
            hop: Hop { transport, address: server, connection: None, name: None },
            local,
            ids: source("a", seed)?,
            table,
            conversations: HashMap::new(),
            by_call_id: HashMap::new(),
            pending: HashMap::new(),
            waiting: VecDeque::new(),
            orders: HashMap::new(),
            last_exchange: Exchange::OF_ACTOR,
            outputs: VecDeque::new(),
        })
    }

    fn tell(&mut self, seen: Seen) {
        self.outputs.push_back(Output::Seen(seen));
    }

    fn refuse(&mut self, exchange: Exchange, why: &str) {
        self.tell(Seen::told(exchange, Seen::REFUSED, why));
    }

    fn send(&mut self, now: Timestamp, wanted: &SipRequest) {
        let exchange = wanted.exchange.unwrap_or(Exchange(0));
        match self.write_request(exchange, wanted) {
            Ok(request) => {
                let kind = if wanted.refuses_challenges { PendingKind::Final } else { PendingKind::Fresh };
                self.show(exchange, &request);
                self.transmit(now, Pending { exchange, request, kind });
            }
            Err(reason) => self.refuse(exchange, &reason),
        }
    }

    fn show(&mut self, exchange: Exchange, request: &Request) {
        self.tell(Seen { way: Way::Sent, exchange, answers: None, message: reading::request(request) });
    }

    // RFC 3261 §8.1.2: everything goes to the gateway, whoever it is for.
    fn transmit(&mut self, now: Timestamp, pending: Pending) {
        let mut outgoing = Outgoing {
            hop: self.hop.clone(),
            sent_by_host: Host::from(self.local.ip()),
            sent_by_port: Some(self.local.port()),
            datagram_rule: DatagramRule::SmallOnly,
        };
        if *pending.request.method() == Method::Ack {
            if let Err(error) = self.table.send_ack(pending.request, &outgoing) {
                self.refuse(pending.exchange, &error.to_string());
            }
            return;
        }
        let mut sent = self.table.send_request(now, pending.request.clone(), &outgoing);
        if sent == Err(SendError::TooLargeForDatagram) {
            // RFC 3261 §18.1.1
            outgoing.hop.transport = Transport::Tcp;
            sent = self.table.send_request(now, pending.request.clone(), &outgoing);
        }
        match sent {
            Ok(id) => {
                self.pending.insert(id, pending);
            }
            Err(error) => self.refuse(pending.exchange, &error.to_string()),
        }
    }

    fn take_response(&mut self, now: Timestamp, id: ClientTransactionId, response: &Response) {
        let Some(pending) = self.pending.remove(&id) else { return };
        let Pending { exchange, request, kind } = pending;
        if kind == PendingKind::Fence {
            return self.tell(Seen::told(exchange, Seen::FENCE, ""));
        }
        let is_challenge =
            matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED);
        if is_challenge
            && kind == PendingKind::Fresh
            && let Some(request) = self.authorize(exchange, &request, response)
        {
            return self.transmit(now, Pending { exchange, request, kind: PendingKind::Final });
        }
        if let Some(conversation) = self.conversations.get_mut(&exchange) {
            conversation.take_response(request.method(), response);
        }
        let answers = Some(request.method().as_str().to_owned());
        self.tell(Seen { way: Way::Received, exchange, answers, message: reading::response(response) });
    }

    fn take_request(&mut self, now: Timestamp, request: Request, hop: &Hop) {
        let (id, request) = match self.table.receive_request(now, request, hop) {
            RequestEvent::New { id, request } => (id, request),
            RequestEvent::Ack { request, .. } => {
                let exchange = self.exchange_of(&request);
                let message = reading::request(&request);
                return self.tell(Seen { way: Way::Received, exchange, answers: None, message });
            }
            RequestEvent::Retransmission
            | RequestEvent::Merged
            | RequestEvent::Cancelled(_)
            | RequestEvent::CancelledInVain
            | RequestEvent::Shed
            | RequestEvent::Malformed(_) => return,
        };
        let exchange = self.exchange_of(&request);
        if let Some(conversation) = self.conversations.get_mut(&exchange) {
            conversation.take_request(&request);
        }
        self.tell(Seen { way: Way::Received, exchange, answers: None, message: reading::request(&request) });
        let waiting = Waiting { id, exchange, request };
        match self.order_for(waiting.request.method()) {
            Some(answer) => self.give(now, &waiting, &answer),
            None => self.waiting.push_back(waiting),
        }
    }

    /// The exchange of a request that was received; a new one for a Call-ID that is not known.
    fn exchange_of(&mut self, request: &Request) -> Exchange {
        let call_id = request.headers().call_id().map(|id| id.to_string()).unwrap_or_default();
        if let Some(exchange) = self.by_call_id.get(&call_id) {
            return *exchange;
        }
        self.last_exchange.0 = self.last_exchange.0.saturating_add(1);
        let exchange = self.last_exchange;
        if let Some(conversation) = Conversation::from_request(request, &self.ids.tag()) {
            self.conversations.insert(exchange, conversation);
        }
        self.by_call_id.insert(call_id, exchange);
        exchange
    }

    /// The answer that is given at once; none when the request waits.
    fn order_for(&self, method: &Method) -> Option<SipAnswer> {
        if let Some(order) = self.orders.get(method.as_str()) {
            return order.clone();
        }
        let waits = match method {
            Method::Invite => true,
            Method::Subscribe | Method::Publish | Method::Register => self.is_server,
            _ => false,
        };
        (!waits).then(|| SipAnswer { status: Some(200), ..SipAnswer::default() })
    }

    fn answer(&mut self, now: Timestamp, answer: &SipAnswer) {
        let fits = |waiting: &&Waiting| {
            answer.exchange.is_none_or(|exchange| exchange == waiting.exchange)
                && answer.method.as_ref().is_none_or(|method| method == waiting.request.method().as_str())
        };
        match self.waiting.iter().position(|waiting| fits(&waiting)).and_then(|at| self.waiting.remove(at)) {
            Some(waiting) => self.give(now, &waiting, answer),
            None => {
                let method = answer.method.as_deref().unwrap_or("request");
                self.refuse(answer.exchange.unwrap_or(Exchange(0)), &format!("no {method} waits for an answer"));
            }
        }
    }

    fn give(&mut self, now: Timestamp, waiting: &Waiting, answer: &SipAnswer) {
        let Some(status) = answer.status else { return };
        match self.write_response(waiting.exchange, &waiting.request, status, answer) {
            Ok(response) => {
                let answers = Some(waiting.request.method().as_str().to_owned());
                let message = reading::response(&response);
                self.tell(Seen { way: Way::Sent, exchange: waiting.exchange, answers, message });
                if let Err(error) = self.table.respond(now, waiting.id, &response) {
                    self.refuse(waiting.exchange, &error.to_string());
                }
            }
            Err(reason) => self.refuse(waiting.exchange, &reason),
        }
    }

    // RFC 3261 §11
    fn fence(&mut self, now: Timestamp, exchange: Exchange) {
        let wanted = SipRequest {
            exchange: Some(exchange),
            method: "OPTIONS".to_owned(),
            uri: Some(self.own.to_string()),
            ..SipRequest::default()
        };
        match self.write_request(exchange, &wanted) {
            Ok(request) => self.transmit(now, Pending { exchange, request, kind: PendingKind::Fence }),
            Err(reason) => self.refuse(exchange, &reason),
        }
    }

    fn fail(&mut self, id: ClientTransactionId, why: &str) {
        if let Some(Pending { exchange, request, .. }) = self.pending.remove(&id) {
            self.tell(Seen::told(exchange, Seen::LOST, &format!("{} {why}", request.method())));
        }
    }

    fn work(&mut self) {
        while let Some(command) = self.table.poll() {
            match command {
                TransactionCommand::Send { octets, target, transaction } => {
                    self.outputs.push_back(Output::Sip { octets, target, transaction });
                }
                TransactionCommand::TimedOut(id) => self.fail(id, "was not answered"),
                TransactionCommand::RequestFailed(id) => self.fail(id, "could not be sent"),
                TransactionCommand::ResponseFailed(_) | TransactionCommand::AckMissing(_) => {}
            }
        }
    }
}

impl Actor for SipActor {
    fn perform(&mut self, now_ms: u64, act: Act) {
        let now = Timestamp::from_millis(now_ms);
        match act {
            Act::Send(request) => self.send(now, &request),
            Act::Answer(answer) => self.answer(now, &answer),
            Act::AnswerRequests { method, answer } => {
                self.orders.insert(method, answer);
            }
            Act::Attend => {}
            Act::Fence(exchange) => self.fence(now, exchange),
            Act::LogIn { exchange, .. } | Act::Request { exchange, .. } | Act::Post { exchange, .. } => {
                self.refuse(exchange, "a SIP actor does not speak CSP");
            }
            Act::AnswerPrimitives { .. } | Act::Acknowledge | Act::Silence(_) => {
                self.refuse(Exchange(0), "a SIP actor does not speak CSP");
            }
            Act::Fault(_) => self.refuse(Exchange(0), "faults are the wire's"),
        }
        self.work();
    }

    fn receive(&mut self, now_ms: u64, arrival: Arrival) {
        let now = Timestamp::from_millis(now_ms);
        match arrival {
            Arrival::Sip { message: Message::Request(request), hop } => self.take_request(now, request, &hop),
            Arrival::Sip { message: Message::Response(response), .. } => {
                match self.table.receive_response(now, response) {
                    ResponseEvent::Final { id, response } => self.take_response(now, id, &response),
                    ResponseEvent::Provisional { .. } | ResponseEvent::Retransmission | ResponseEvent::Stray => {}
                }
            }
            Arrival::Unsent(transaction) => self.table.transport_error(now, transaction),
            Arrival::Answer { .. } | Arrival::Unanswered(_) => {}
        }
        self.work();
    }

    fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.table.deadline().map(Timestamp::as_millis)
    }

    fn expire(&mut self, now_ms: u64) {
        self.table.expire(Timestamp::from_millis(now_ms));
        self.work();
    }
}

const TRANSACTIONS_MAX: usize = 10_000;
