//! Waking clients: which channel reaches the client of a session, and what becomes of its connection.

use super::{Entry, Sessions, WvAdapter, to_wv};
use crate::{
    lane::Clock,
    observe::metric,
    store::WireRecord,
    wv::cir::{CirAddress, CirLink},
};
use bytes::Bytes;
use mapping::time::Timestamp;
use std::{
    net::{IpAddr, SocketAddr},
    rc::Rc,
    sync::Arc,
};
use wv_proto::{
    cir::{http_token, wake_up},
    primitive::{
        capability::CirMethod,
        identifier::{ClientId, SessionId},
    },
    session::server::{CirChannel, Event},
};

impl Sessions {
    /// Something waits for the client of this session where nothing waited before.
    // WV-CIR-07
    pub(super) fn wake_client(&mut self, now: Timestamp, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if let Some(to) = entry.plain {
            return self.push_plainly(now, id, to);
        }
        let text = text_for(entry);
        if let Some(link) = &entry.link {
            if link.wake_up(to_wv(now), text.clone()) {
                return metric::wake_up(method_label(&CirMethod::Stcp));
            }
            entry.link = None;
        }
        let agreed = entry.machine.negotiated().cir_methods();
        if agreed.iter().all(|method| matches!(method, CirMethod::Stcp | CirMethod::Shttp)) {
            return;
        }
        let to = address_of(entry);
        let used = agreed.iter().find(|method| self.outlet.send(method, &to, &text));
        if let Some(method) = used {
            metric::wake_up(method_label(method));
        }
    }

    /// A connection says that it belongs to this session: what is to be sent over it at once, unless there is no such
    /// session.
    // WV-CIR-03
    fn take_link(&mut self, now: Timestamp, id: &SessionId, link: &Rc<CirLink>) -> Option<Option<String>> {
        let entry = self.entries.get_mut(id).filter(|entry| !entry.is_over)?;
        if let Some(former) = entry.link.replace(Rc::clone(link)).filter(|former| !Rc::ptr_eq(former, link)) {
            former.release(to_wv(now));
        }
        let waiting = entry.machine.is_waiting().then(|| text_for(entry));
        self.tell_channel(now, id, CirChannel::Quiet);
        Some(waiting)
    }

    fn lose_link(&mut self, now: Timestamp, id: &SessionId, link: &Rc<CirLink>) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if entry.link.as_ref().is_some_and(|known| Rc::ptr_eq(known, link)) {
            entry.link = None;
            if entry.machine.negotiated().cir_methods().contains(&CirMethod::Stcp) {
                self.tell_channel(now, id, CirChannel::Broken);
            }
        }
    }

    fn tell_channel(&mut self, now: Timestamp, id: &SessionId, channel: CirChannel) {
        if let Some(entry) = self.entries.get_mut(id) {
            entry.machine.handle(to_wv(now), Event::CirChannel(channel));
        }
        self.drive(now, id);
        self.wake.notify_one();
    }

    /// The session is over, or goes on elsewhere: its connection ends once what was to be said over it is said.
    pub(super) fn drop_channels(&mut self, now: Timestamp, id: &SessionId) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        if let Some(link) = entry.link.take() {
            link.release(to_wv(now));
        }
        let (owner, is_kept) = (entry.user.to_shared(), std::mem::take(&mut entry.is_source_kept));
        self.tokens.remove(&http_token(id));
        self.forget_numbers(id);
        if is_kept {
            self.keep_source(id, owner, None);
        }
    }

    /// Where a message of the session came from. It is kept where it is the only way to the client.
    pub(super) fn note_source(&mut self, id: &SessionId, source: IpAddr, plain: Option<SocketAddr>) {
        let Some(entry) = self.entries.get_mut(id) else { return };
        let is_news = entry.source.replace(source) != Some(source) || entry.plain != plain;
        entry.plain = plain;
        let agreed = entry.machine.negotiated().cir_methods();
        let is_needed =
            plain.is_some() || agreed.iter().any(|method| matches!(method, CirMethod::Sudp | CirMethod::WapUdp));
        if is_needed && (is_news || !entry.is_source_kept) {
            entry.is_source_kept = true;
            let owner = entry.user.to_shared();
            self.keep_source(id, owner, Some(plain.map_or(source.to_string(), |plain| plain.to_string())));
        }
    }

    fn keep_source(&mut self, id: &SessionId, owner: Arc<str>, source: Option<String>) {
        self.record(SOURCE, id, owner, source.map(Bytes::from));
    }

    /// Takes up what [`Self::note_source`] kept; the session itself may come later.
    pub(super) fn restore_source(&mut self, record: &WireRecord) {
        let text = record.body.as_deref().and_then(|body| std::str::from_utf8(body).ok());
        let plain = text.and_then(|text| text.parse::<SocketAddr>().ok());
        let source = text.and_then(|text| text.parse::<IpAddr>().ok()).or(plain.map(|plain| plain.ip()));
        let Some(source) = source else { return };
        let id = SessionId::new(record.key.as_ref());
        match self.entries.get_mut(&id) {
            Some(entry) => {
                (entry.source, entry.plain, entry.is_source_kept) = (Some(source), plain, true);
            }
            None => drop(self.sources.insert(id, (source, plain))),
        }
    }

    /// Forgets where clients were whose sessions are no more.
    pub(super) fn bury_sources(&mut self) {
        for (id, _) in std::mem::take(&mut self.sources) {
            self.keep_source(&id, Arc::from(""), None);
        }
    }

    /// Makes the session known to those who ask for SHTTP, if it agreed to that.
    // WV-CIR-06
    pub(super) fn offer_token(&mut self, id: &SessionId) {
        let Some(entry) = self.entries.get(id) else { return };
        if entry.machine.negotiated().cir_methods().contains(&CirMethod::Shttp) {
            self.tokens.insert(http_token(id), id.clone());
        }
    }

    /// Whether something waits for the client that asks with this token; none when nobody has it.
    // WV-CIR-06
    fn is_waiting_for(&self, token: &str) -> Option<bool> {
        let entry = self.entries.get(self.tokens.get(token)?)?;
        Some(entry.machine.is_waiting())
    }
}

impl WvAdapter {
    /// A connection for wake-ups names a session: none when there is no such session, else what is to be sent at once.
    pub fn cir_found(&self, session: &SessionId, link: &Rc<CirLink>) -> Option<Option<String>> {
        let mut sessions = self.0.borrow_mut();
        let now = sessions.clock.now();
        sessions.take_link(now, session, link)
    }

    /// A connection for wake-ups ended.
    pub fn cir_lost(&self, session: &SessionId, link: &Rc<CirLink>) {
        let mut sessions = self.0.borrow_mut();
        let now = sessions.clock.now();
        sessions.lose_link(now, session, link);
    }

    /// Whether something waits for the client that asks with this token (SHTTP); none when nobody has it.
    #[must_use]
    pub fn cir_asked(&self, token: &str) -> Option<bool> {
        self.0.borrow().is_waiting_for(token)
    }

    /// The clock of the sessions.
    #[must_use]
    pub fn clock(&self) -> Clock {
        self.0.borrow().clock.clone()
    }
}

fn text_for(entry: &Entry) -> String {
    let party = entry.machine.party();
    wake_up(party.version, party.session_cookie.as_ref())
}

fn address_of(entry: &Entry) -> CirAddress {
    let party = entry.machine.party();
    let named = match &party.client_id {
        ClientId::Described { msisdn, .. } => msisdn.as_deref(),
        ClientId::Plain(_) | ClientId::Application(_) => None,
    };
    // A user that is called by a telephone number has that number.
    let user = entry.user.as_str().split('@').next().filter(|user| user.starts_with('+'));
    CirAddress {
        source: entry.source,
        udp_port: entry.machine.negotiated().capabilities().and_then(|list| list.udp_port),
        number: named.or(user).and_then(number),
    }
}

/// A telephone number in international form.
fn number(text: &str) -> Option<String> {
    let digits = text.trim().trim_start_matches('+');
    let is_number = (NUMBER_DIGITS_MIN..=NUMBER_DIGITS_MAX).contains(&digits.len());
    (is_number && digits.bytes().all(|octet| octet.is_ascii_digit())).then(|| format!("+{digits}"))
}

const fn method_label(method: &CirMethod) -> &'static str {
    match method {
        CirMethod::WapSms => "WAPSMS",
        CirMethod::WapUdp => "WAPUDP",
        CirMethod::Ssms => "SSMS",
        CirMethod::Sudp => "SUDP",
        CirMethod::Stcp => "STCP",
        CirMethod::Shttp => "SHTTP",
        CirMethod::Other(_) => "other",
    }
}

/// The kind of the records that hold where clients are.
pub(super) const SOURCE: &str = "source";

/// Digits of a telephone number: E.164 has at most 15; shorter ones than 5 belong to services.
const NUMBER_DIGITS_MIN: usize = 5;
const NUMBER_DIGITS_MAX: usize = 15;
