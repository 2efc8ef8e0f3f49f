//! A WV phone in virtual time: the client of `wv-proto`, and somebody who presses its keys.

use super::truth::{Fate, Text, Truth};
use bytes::Bytes;
use gateway::wv::session::PostReply;
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    time::Duration,
};
use wv_proto::{
    codec::{WriterOptions, decode_in_session},
    limit::Limits,
    presence_attribute::{PresenceAttribute, PresenceSubList, Qualified},
    primitive::{
        Envelope, Primitive,
        access::DigestSchema,
        identifier::{ClientId, Password, SessionCookie, UserId},
        message::{Content, DeliveryReportRequest, MessageInfo, NewMessage, SendMessageRequest},
        party::{Recipient, Sender, User},
        presence::{
            PresenceAuthUser, PresenceNotificationRequest, Presentity, SubscribePresenceRequest,
            UnsubscribePresenceRequest, UpdatePresenceRequest,
        },
    },
    session::{
        client::{ClientSession, ClientSetup, Command, Event, LoginWay},
        time::Timestamp,
    },
    version::{ContentType, Encoding, Version},
};

/// A phone.
pub(crate) struct Phone {
    /// Its user, as WV writes it.
    pub(crate) user: String,
    /// Where it posts from.
    pub(crate) address: SocketAddr,
    version: Version,
    encoding: Encoding,
    session: ClientSession,
    /// What the user wants done, in order. One request is under way at a time.
    wishes: VecDeque<Wish>,
    under_way: Option<Wish>,
    post: Option<Post>,
    posts: u64,
    is_wanted: bool,
    /// Whether it agrees on services after each login.
    pub(crate) agrees: bool,
    log_in_at: Option<u64>,
    /// What the user publishes, and whether the gateway said yes to it in this session.
    value: Option<(String, bool)>,
    watched: BTreeSet<String>,
    /// What it saw last of whom.
    pub(crate) seen: BTreeMap<String, Option<String>>,
}

/// What the user of a phone wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Send a text.
    Send {
        /// To whom.
        to: String,
        /// What.
        text: Text,
    },
    /// Publish what the phone's value is.
    Publish,
    /// Watch somebody.
    Watch(String),
    /// Watch somebody no longer.
    Unwatch(String),
    /// Let somebody watch, or not.
    Decide(String, bool),
    /// Ask for something whose answer changes nothing for the phone.
    Ask(Box<Primitive>),
    /// End the session.
    LogOut,
}

struct Post {
    number: u64,
    body: Bytes,
    tries: u32,
    silent_at: u64,
}

/// A post on its way to the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The phone's number for it.
    pub(crate) number: u64,
    /// The body.
    pub(crate) body: Bytes,
    /// Its type.
    pub(crate) content_type: ContentType,
    /// What it is, for the ladder.
    pub(crate) title: String,
}

impl Phone {
    /// A phone that is switched off.
    #[must_use]
    pub(crate) fn new(
        user: &str,
        address: SocketAddr,
        version: Version,
        encoding: Encoding,
        way: LoginWay,
        keep_alive: Duration,
    ) -> Self {
        let setup = ClientSetup {
            user_id: UserId::new(user),
            client_id: ClientId::from_url(format!("simulated-{}", address.ip())),
            session_cookie: SessionCookie::new(format!("cookie-{}", address.ip())),
            password: Password::new("secret"),
            way,
            time_to_live: Some(keep_alive),
            poll_interval: Some(POLL_INTERVAL),
            id_prefix: "s".into(),
        };
        Self {
            user: user.to_owned(),
            address,
            version,
            encoding,
            session: ClientSession::new(setup),
            wishes: VecDeque::new(),
            under_way: None,
            post: None,
            posts: 0,
            is_wanted: false,
            agrees: false,
            log_in_at: None,
            value: None,
            watched: BTreeSet::new(),
            seen: BTreeMap::new(),
        }
    }

    /// The ways of proving a password.
    #[must_use]
    pub(crate) fn login_ways() -> [LoginWay; 3] {
        [
            LoginWay::TwoWay,
            LoginWay::FourWay(vec![DigestSchema::Md5]),
            LoginWay::FourWay(vec![DigestSchema::Sha, DigestSchema::Md5]),
        ]
    }

    /// Switches it on: it logs in, and logs in again whenever its session is lost.
    pub(crate) fn switch_on(&mut self, now: u64) {
        self.is_wanted = true;
        self.log_in_at = Some(now);
    }

    /// Adds a wish.
    pub(crate) fn wish(&mut self, wish: Wish) {
        match &wish {
            Wish::Watch(whom) => {
                self.watched.insert(whom.clone());
            }
            Wish::Unwatch(whom) => {
                self.watched.remove(whom);
            }
            Wish::LogOut => self.is_wanted = false,
            Wish::Send { .. } | Wish::Publish | Wish::Decide(..) | Wish::Ask(_) => {}
        }
        self.wishes.push_back(wish);
    }

    /// The user has something new to say of himself.
    pub(crate) fn say(&mut self, value: String) {
        self.value = Some((value, false));
        self.wish(Wish::Publish);
    }

    /// What the gateway has accepted as this user's presence.
    #[must_use]
    pub(crate) fn published(&self) -> Option<&str> {
        self.value.as_ref().filter(|(_, is_accepted)| *is_accepted).map(|(value, _)| value.as_str())
    }

    /// Whom the user watches.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &str> {
        self.watched.iter().map(String::as_str)
    }

    /// Whether it has a session and nothing left to do.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        self.session.is_active() && self.wishes.is_empty() && self.under_way.is_none()
    }

    /// Whether its session was ended by its user.
    #[must_use]
    pub(crate) fn is_off(&self) -> bool {
        !self.is_wanted && !self.session.is_active()
    }

    /// When [`Phone::expire`] is to be called.
    #[must_use]
    pub(crate) fn deadline(&self) -> Option<u64> {
        let silent = self.post.as_ref().map(|post| post.silent_at);
        let poll = self.session.deadline().map(Timestamp::as_millis);
        [silent, poll, self.log_in_at].into_iter().flatten().min()
    }

    /// Time has passed.
    pub(crate) fn expire(&mut self, now: u64, truth: &mut Truth) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        if self.post.as_ref().is_some_and(|post| post.silent_at <= now) {
            outgoing.extend(self.miss(now, truth));
        }
        if self.log_in_at.is_some_and(|at| at <= now) && self.post.is_none() {
            self.log_in_at = None;
            self.session.handle(Timestamp::from_millis(now), Event::LogIn);
        }
        self.session.expire(Timestamp::from_millis(now));
        outgoing.extend(self.work(now, truth));
        outgoing
    }

    /// What came back for a post: none when the connection broke.
    pub(crate) fn receive(
        &mut self,
        now: u64,
        number: u64,
        reply: Option<&PostReply>,
        truth: &mut Truth,
    ) -> (String, Vec<Outgoing>) {
        if self.post.as_ref().is_none_or(|post| post.number != number) {
            return ("late".to_owned(), Vec::new());
        }
        let Some(reply) = reply else { return ("connection broke".to_owned(), self.miss(now, truth)) };
        self.post = None;
        let answer = (!reply.body.is_empty()).then(|| {
            let decoded = decode_in_session(&reply.body, Some(reply.content_type), self.version, &Limits::default());
            decoded
                .map_err(|error| error.to_string())
                .and_then(|decoded| Envelope::decode(&decoded.tree).map_err(|error| error.to_string()))
        });
        let answer = match answer.transpose() {
            Ok(answer) => answer,
            Err(error) => {
                truth.violated(format!("{} cannot read an answer: {error}", self.user));
                None
            }
        };
        let title = answer.as_ref().map_or_else(|| "(empty)".to_owned(), title_of);
        self.session.handle(Timestamp::from_millis(now), Event::Received(answer));
        (title, self.work(now, truth))
    }

    /// Makes wishes come true until the phone waits for something.
    pub(crate) fn work(&mut self, now: u64, truth: &mut Truth) -> Vec<Outgoing> {
        let mut outgoing = Vec::new();
        loop {
            while let Some(command) = self.session.poll() {
                outgoing.extend(self.obey(now, command, truth));
            }
            let is_free = self.session.is_active() && self.under_way.is_none() && !self.session.is_busy();
            let Some(wish) = is_free.then(|| self.wishes.pop_front()).flatten() else { return outgoing };
            if let Some(request) = self.request(now, &wish, truth) {
                self.under_way = Some(wish);
                self.session.handle(Timestamp::from_millis(now), Event::Request(request));
            }
        }
    }

    fn request(&self, now: u64, wish: &Wish, truth: &mut Truth) -> Option<Primitive> {
        let users = |whom: &str| vec![User::from(UserId::new(whom))];
        Some(match wish {
            Wish::Send { to, text } => {
                truth.sent(now, text);
                Primitive::SendMessageRequest(Box::new(self.message(to, text)))
            }
            Wish::Publish => {
                let (value, _) = self.value.as_ref()?;
                truth.published(now, &self.user, value);
                let text = PresenceAttribute::StatusText(Qualified::valid(value.as_str().into()));
                let online = PresenceAttribute::OnlineStatus(Qualified::valid(true));
                let attributes = PresenceSubList { attributes: vec![online, text] };
                Primitive::UpdatePresenceRequest(UpdatePresenceRequest { attributes })
            }
            Wish::Watch(whom) => Primitive::SubscribePresenceRequest(SubscribePresenceRequest {
                users: users(whom),
                ..SubscribePresenceRequest::default()
            }),
            Wish::Unwatch(whom) => Primitive::UnsubscribePresenceRequest(UnsubscribePresenceRequest {
                users: users(whom),
                contact_lists: Vec::new(),
            }),
            Wish::Decide(watcher, acceptance) => {
                if *acceptance {
                    truth.grant_asked(now, &self.user, watcher);
                }
                let (user_id, acceptance) = (UserId::new(watcher.as_str()), *acceptance);
                Primitive::PresenceAuthUser(PresenceAuthUser { user_id, acceptance, attributes: None })
            }
            Wish::Ask(primitive) => (**primitive).clone(),
            Wish::LogOut => Primitive::LogoutRequest,
        })
    }

    fn message(&self, to: &str, text: &Text) -> SendMessageRequest {
        let words = text.to_string();
        let message = MessageInfo {
            content_type: Some("text/plain".into()),
            content_size: u32::try_from(words.len()).ok(),
            recipient: Recipient { users: vec![User::from(UserId::new(to))], ..Recipient::default() },
            sender: Some(Sender::User(User::from(UserId::new(self.user.as_str())))),
            validity: Some(VALIDITY),
            ..MessageInfo::default()
        };
        SendMessageRequest { delivery_report: true, message, content: Some(Content::from_text(&words)) }
    }

    fn obey(&mut self, now: u64, command: Command, truth: &mut Truth) -> Option<Outgoing> {
        match command {
            Command::Send(envelope) => return Some(self.send(now, &envelope)),
            Command::LoggedIn { .. } => self.take_up(),
            Command::Answered { primitive, .. } => self.answered(now, &primitive, truth),
            Command::Unanswered(_) => {
                if let Some(wish) = self.under_way.take() {
                    self.unanswered(wish, truth);
                }
            }
            Command::Notified(primitive) => self.notified(now, primitive, truth),
            Command::LoginFailed(_) | Command::Ended(_) => {
                if let Some(wish) = self.under_way.take() {
                    self.unanswered(wish, truth);
                }
                if let Some((_, is_accepted)) = &mut self.value {
                    *is_accepted = false;
                }
                self.log_in_at = self.is_wanted.then(|| now + LOGIN_PAUSE_MS);
            }
        }
        None
    }

    /// A request for all services.
    pub(crate) fn services(&self) -> Primitive {
        super::talk::services(self.version, &ClientId::from_url(format!("simulated-{}", self.address.ip())))
    }

    /// A new session knows nothing: what the user said and whom he watches is told again.
    fn take_up(&mut self) {
        self.wishes.retain(|wish| !matches!(wish, Wish::Publish | Wish::Watch(_) | Wish::Unwatch(_)));
        for whom in self.watched.iter().rev() {
            self.wishes.push_front(Wish::Watch(whom.clone()));
        }
        if self.value.is_some() {
            self.wishes.push_front(Wish::Publish);
        }
        if self.agrees {
            self.wishes.push_front(Wish::Ask(Box::new(self.services())));
        }
    }

    fn send(&mut self, now: u64, envelope: &Envelope) -> Outgoing {
        let body =
            envelope.encode(self.version, self.encoding, WriterOptions::default()).expect("requests can be written");
        self.posts += 1;
        let post = Post { number: self.posts, body, tries: 1, silent_at: now + PATIENCE_MS };
        let outgoing = self.outgoing(&post, title_of(envelope));
        self.post = Some(post);
        outgoing
    }

    fn outgoing(&self, post: &Post, title: String) -> Outgoing {
        let content_type = ContentType::for_version(self.version, self.encoding);
        Outgoing { number: post.number, body: post.body.clone(), content_type, title }
    }

    /// No answer: the same message once more, a few times.
    fn miss(&mut self, now: u64, truth: &mut Truth) -> Vec<Outgoing> {
        let Some(mut post) = self.post.take() else { return Vec::new() };
        if post.tries >= TRIES_MAX {
            self.session.handle(Timestamp::from_millis(now), Event::Lost);
            if !self.session.is_active() && self.is_wanted {
                self.log_in_at = Some(now + LOGIN_PAUSE_MS);
            }
            return self.work(now, truth);
        }
        self.posts += 1;
        post.number = self.posts;
        post.tries += 1;
        // Not at once: whoever is away comes back in a while.
        post.silent_at = now + PATIENCE_MS;
        let outgoing = self.outgoing(&post, "(again)".to_owned());
        self.post = Some(post);
        vec![outgoing]
    }

    fn answered(&mut self, now: u64, answer: &Primitive, truth: &mut Truth) {
        let Some(wish) = self.under_way.take() else { return };
        let code = acceptance::phone::code_of(answer).unwrap_or(0);
        truth.count(format!("wv {code}"));
        let is_success = (200..300).contains(&code);
        match wish {
            Wish::Send { text, .. } => {
                if let Primitive::SendMessageResponse(response) = answer
                    && let Some(id) = &response.message_id
                {
                    truth.named(&text, id.as_str());
                }
                truth.answered(now, &text, if is_success { Fate::Accepted } else { Fate::Refused });
            }
            Wish::Publish => {
                if let (true, Some((_, is_accepted))) = (is_success, &mut self.value) {
                    // What was said since then is said again.
                    *is_accepted = !self.wishes.contains(&Wish::Publish);
                }
                if !is_success {
                    if !COMES_BACK.contains(&code) {
                        truth.violated(format!("{} was answered {code} to what it says of itself", self.user));
                    }
                    self.wishes.push_front(Wish::Publish);
                }
            }
            Wish::Decide(watcher, false) if is_success => truth.revoked(now, &self.user, &watcher),
            Wish::Watch(_) | Wish::Unwatch(_) | Wish::Decide(..) | Wish::LogOut if !is_success => {
                if let (Wish::Watch(whom), BLOCKED) = (&wish, code) {
                    self.watched.remove(whom);
                    return truth.count("watches refused".to_owned());
                }
                if !COMES_BACK.contains(&code) {
                    truth.violated(format!("{} was answered {code} to {wish:?}", self.user));
                }
                // The gateway could not now; the user presses the key again.
                self.wishes.push_front(wish);
            }
            Wish::Unwatch(whom) => drop(self.seen.remove(&whom)),
            Wish::Ask(primitive) => {
                truth.count(format!("{} {code}", primitive.name()));
                // No request may find the gateway broken; what it knows not to be able is named.
                if code == 500 && !is_success {
                    truth.count("wv 500 to what was asked".to_owned());
                }
            }
            Wish::Watch(_) | Wish::Decide(..) | Wish::LogOut => {}
        }
    }

    fn unanswered(&mut self, wish: Wish, truth: &mut Truth) {
        match wish {
            Wish::Send { text, .. } => truth.unanswered(&text),
            Wish::LogOut | Wish::Ask(_) => {}
            Wish::Publish | Wish::Watch(_) | Wish::Unwatch(_) | Wish::Decide(..) => self.wishes.push_front(wish),
        }
    }

    fn notified(&mut self, now: u64, primitive: Primitive, truth: &mut Truth) {
        match primitive {
            Primitive::NewMessage(message) => self.read(&message, truth),
            Primitive::DeliveryReportRequest(report) => read_report(&report, truth),
            Primitive::PresenceNotificationRequest(notification) => self.look(now, notification, truth),
            Primitive::PresenceAuthRequest(_) => truth.count("questions".to_owned()),
            Primitive::InviteUserRequest(invitation) => {
                truth.count("invitations".to_owned());
                self.wish(Wish::Ask(Box::new(super::talk::accept(&invitation))));
            }
            _ => {}
        }
    }

    fn read(&self, message: &NewMessage, truth: &mut Truth) {
        let text = message.content.as_ref().and_then(Content::to_text).unwrap_or_default();
        let id = message.message.message_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
        if text.starts_with("room ") {
            return truth.heard_in_room(&self.user, text, &id);
        }
        truth.delivered(&self.user, text, &id);
    }

    fn look(&mut self, now: u64, notification: PresenceNotificationRequest, truth: &mut Truth) {
        for presence in notification.presences {
            let Presentity::User(whom) = presence.presentity else { continue };
            let told = presence.attributes.attributes.iter().find_map(|attribute| match attribute {
                PresenceAttribute::StatusText(value) => Some(value.valid_value().map(ToString::to_string)),
                _ => None,
            });
            if let Some(value) = told {
                let whom = super::truth::bare(whom.as_str());
                truth.seen(now, &self.user, &whom, value.as_deref());
                self.seen.insert(whom, value);
            }
        }
    }
}

fn read_report(report: &DeliveryReportRequest, truth: &mut Truth) {
    let id = report.message.message_id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
    truth.reported(&id, report.result.code.number());
}

fn title_of(envelope: &Envelope) -> String {
    let titles = envelope.transactions.iter().map(|transaction| match &transaction.content {
        Ok(primitive) => {
            let code = acceptance::phone::code_of(primitive).map(|code| format!(" {code}")).unwrap_or_default();
            format!("{}{code}{}", primitive.name(), detail_of(primitive))
        }
        Err(_) => "(malformed)".to_owned(),
    });
    titles.collect::<Vec<_>>().join(" + ")
}

/// What a primitive is about, for the ladder.
fn detail_of(primitive: &Primitive) -> String {
    let words = |content: Option<&Content>| content.and_then(Content::to_text).unwrap_or_default().to_owned();
    let names = |users: &[User]| users.iter().map(|user| user.user_id.to_string()).collect::<Vec<_>>().join(", ");
    let detail = match primitive {
        Primitive::SendMessageRequest(request) => words(request.content.as_ref()),
        Primitive::NewMessage(message) => words(message.content.as_ref()),
        Primitive::SubscribePresenceRequest(request) => names(&request.users),
        Primitive::UnsubscribePresenceRequest(request) => names(&request.users),
        Primitive::PresenceAuthUser(decision) => format!("{} {}", decision.user_id, decision.acceptance),
        Primitive::PresenceAuthRequest(question) => question.user_id.to_string(),
        Primitive::UpdatePresenceRequest(update) => status_text(&update.attributes).unwrap_or_default(),
        Primitive::PresenceNotificationRequest(notification) => {
            let told = notification.presences.iter().map(|presence| {
                let text = status_text(&presence.attributes).unwrap_or_default();
                format!("{:?} {text}", presence.presentity)
            });
            told.collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    if detail.is_empty() { detail } else { format!(" ({detail})") }
}

fn status_text(list: &PresenceSubList) -> Option<String> {
    list.attributes.iter().find_map(|attribute| match attribute {
        PresenceAttribute::StatusText(value) => value.valid_value().map(ToString::to_string),
        _ => None,
    })
}

/// How often the phone asks for news.
const POLL_INTERVAL: Duration = Duration::from_secs(15);

/// Longer than any run.
const VALIDITY: Duration = Duration::from_secs(7 * 86_400);

/// Codes after which it is worth trying again: the gateway cannot now, or the session is gone.
const COMES_BACK: [u16; 4] = [500, 503, 600, 604];

/// The watched user does not want it.
const BLOCKED: u16 = 532;

/// How long a phone waits for an answer.
const PATIENCE_MS: u64 = 20_000;

/// How often a phone posts the same.
const TRIES_MAX: u32 = 4;

/// How long a phone waits before it logs in again.
const LOGIN_PAUSE_MS: u64 = 5_000;
