//! What one lane knows of the messages and sessions that it charges.

use super::{Charging, ChargingGate, ChargingLine, ChargingQuestion};
use mapping::{
    address::Address,
    command::{Answer, Command, CommandKind},
    event::{DetachReason, Event, EventKind, Operation, Request, RequestId, Submission},
    outcome::Outcome,
    side::Endpoint,
    time::Timestamp,
};
use std::collections::{HashMap, VecDeque};

/// The meter of a lane.
#[derive(Debug, Default)]
pub struct ChargingMeter {
    charging: Charging,
    /// Messages that are not answered.
    messages: HashMap<RequestId, Taken>,
    /// When what is open began, as far as it was seen.
    sessions: HashMap<Endpoint, Timestamp>,
    /// Senders whose first message is being asked about, and what they sent after it.
    held: HashMap<Address, VecDeque<Event>>,
    /// How often everything was refused: an answer to a question of before is about nothing.
    generation: u64,
}

#[derive(Debug)]
struct Taken {
    at: Timestamp,
    correlation: String,
    sender: String,
    recipients: Vec<String>,
    media_type: String,
    octets: usize,
}

/// What becomes of an event.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "moved once; a box would be an allocation for each event")]
pub enum Admission {
    /// It goes to the engine now.
    Admitted(Event),
    /// The service is to be asked about it first; [`ChargingMeter::answered`] follows.
    Asked(ChargingGate, ChargingQuestion, Event),
    /// It waits behind another of the same sender.
    Held,
}

impl ChargingMeter {
    /// A meter that has seen nothing.
    #[must_use]
    pub fn new(charging: Charging) -> Self {
        Self { charging, ..Self::default() }
    }

    /// Looks at an event before the engine does.
    pub fn admit(&mut self, now: Timestamp, event: Event) -> Admission {
        if self.charging.lines.is_none() && self.charging.gate.is_none() {
            return Admission::Admitted(event);
        }
        let EventKind::Request(request) = &event.kind else { return Admission::Admitted(event) };
        match &request.operation {
            Operation::Send(submission) => {
                if self.charging.lines.is_some() {
                    self.messages.insert(request.id, taken(now, &event, request, submission));
                }
                self.ask(now, event)
            }
            Operation::Attach(_) => {
                self.sessions.entry(request.endpoint.clone()).or_insert(now);
                Admission::Admitted(event)
            }
            Operation::Detach(reason) => {
                self.ended(now, request, *reason);
                Admission::Admitted(event)
            }
            _ => Admission::Admitted(event),
        }
    }

    /// Asks about a message, behind those of the same sender that came before it.
    fn ask(&mut self, now: Timestamp, event: Event) -> Admission {
        let Some(gate) = &self.charging.gate else { return Admission::Admitted(event) };
        let EventKind::Request(request) = &event.kind else { return Admission::Admitted(event) };
        let Operation::Send(submission) = &request.operation else { return Admission::Admitted(event) };
        if let Some(queue) = self.held.get_mut(&request.user) {
            queue.push_back(event);
            return Admission::Held;
        }
        let Taken { correlation, sender, recipients, media_type, octets, .. } = taken(now, &event, request, submission);
        let side = request.id.side;
        let question = ChargingQuestion { correlation, side, sender, recipients, media_type, octets };
        self.held.insert(request.user.clone(), VecDeque::new());
        Admission::Asked(gate.clone(), question, event)
    }

    /// The service has answered about a message of this sender: what is to be asked next.
    pub fn answered(&mut self, now: Timestamp, sender: &Address) -> Option<Admission> {
        let mut queue = self.held.remove(sender)?;
        let next = queue.pop_front()?;
        let admission = self.ask(now, next);
        if let Some(held) = self.held.get_mut(sender) {
            *held = queue;
        }
        Some(admission)
    }

    /// The answer to a message that the service refused.
    #[must_use]
    pub fn refusal(event: &Event) -> Option<Command> {
        let EventKind::Request(request) = &event.kind else { return None };
        let answer = Answer::Sent { outcome: Outcome::NotEnoughCredit, message: None, details: Vec::new() };
        Some(Command { correlation: event.correlation, kind: CommandKind::Answer { request: request.id, answer } })
    }

    /// Looks at a command that leaves: everything it promises is committed.
    pub fn leaves(&mut self, now: Timestamp, command: &Command) {
        let Some(lines) = &self.charging.lines else { return };
        match &command.kind {
            CommandKind::Answer { request, answer } => {
                let Some(taken) = self.messages.remove(request) else { return };
                let (outcome, message) = match answer {
                    Answer::Sent { outcome, message, .. } => (*outcome, message.as_ref()),
                    Answer::Done { outcome, .. } => (*outcome, None),
                    _ => return,
                };
                lines.take(ChargingLine::Message {
                    at: now,
                    correlation: taken.correlation,
                    side: request.side,
                    sender: taken.sender,
                    recipients: taken.recipients,
                    message: message.map(|message| message.as_str().to_owned()),
                    media_type: taken.media_type,
                    octets: taken.octets,
                    outcome,
                    took_ms: u64::try_from(taken.at.until(now).as_millis()).unwrap_or(u64::MAX),
                });
            }
            CommandKind::Report { report, .. } => lines.take(ChargingLine::Report {
                at: now,
                correlation: command.correlation.to_string(),
                message: report.message.as_str().to_owned(),
                sender: report.sender.as_str().to_owned(),
                recipient: report.recipient.as_str().to_owned(),
                outcome: report.outcome,
            }),
            _ => {}
        }
    }

    /// What was promised to nobody is forgotten: the adapters have told everybody who waits.
    pub fn refuse(&mut self) {
        self.messages.clear();
        self.held.clear();
        self.generation = self.generation.wrapping_add(1);
    }

    /// Changes when everything was refused.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    fn ended(&mut self, now: Timestamp, request: &Request, reason: DetachReason) {
        let began = self.sessions.remove(&request.endpoint);
        let Some(lines) = &self.charging.lines else { return };
        lines.take(ChargingLine::Session {
            at: now,
            side: request.endpoint.side,
            user: request.user.as_str().to_owned(),
            began,
            seconds: began.map(|began| began.until(now).as_secs()),
            reason: match reason {
                DetachReason::Logout => "logout",
                DetachReason::Expired => "expired",
                DetachReason::Forced => "forced",
            },
        });
    }
}

fn taken(now: Timestamp, event: &Event, request: &Request, submission: &Submission) -> Taken {
    let Submission { recipients, devices, conversations, message } = submission;
    let users = recipients.iter().chain(devices.iter().map(|(user, _)| user));
    let groups = conversations.iter().map(|hearers| &hearers.conversation);
    Taken {
        at: now,
        correlation: event.correlation.to_string(),
        sender: request.user.as_str().to_owned(),
        recipients: users.chain(groups).map(|address| address.as_str().to_owned()).collect(),
        media_type: message.content.media_type.to_string(),
        octets: message.content.body.len(),
    }
}
