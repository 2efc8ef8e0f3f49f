//! A request whose parts are answered by several users: it is answered once all parts are in, or when the wait is over.

use crate::{
    address::Address,
    command::Answer,
    conversation::{Found, Reply},
    correlation::Correlation,
    event::RequestId,
    message::MessageId,
    outcome::{Detail, Outcome, combine},
    presence::{AttributeSet, PresenceView},
    side::Endpoint,
    witness::met,
};
use smallvec::SmallVec;
use std::{collections::BTreeSet, sync::Arc};

/// One request in parts.
#[derive(Clone, Debug)]
pub(crate) struct Gather {
    /// The causal chain of the request.
    pub(crate) correlation: Correlation,
    /// Whose request.
    pub(crate) user: Address,
    /// Who waits: more than one where a request was repeated while its answer was held.
    pub(crate) requests: SmallVec<[RequestId; 1]>,
    /// Parts that are not in.
    pub(crate) outstanding: BTreeSet<Address>,
    /// Parts that are.
    pub(crate) details: Vec<Detail>,
    /// Whether parts are missing for good.
    pub(crate) is_partial: bool,
    pub(crate) purpose: Purpose,
}

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    Watch {
        endpoint: Endpoint,
    },
    Fetch {
        attributes: AttributeSet,
        views: Vec<(Address, PresenceView)>,
    },
    Send {
        message: MessageId,
        origin: Arc<str>,
        endpoint: Endpoint,
        /// The stored message that goes on to others by this one.
        forwards: Option<MessageId>,
    },
    /// Conversations that were found.
    LookUp {
        found: Vec<Found>,
    },
    /// What a conversation answered, once it has.
    Converse {
        answer: Box<(Vec<Detail>, Reply)>,
    },
}

impl Purpose {
    pub(crate) fn converse() -> Self {
        Self::Converse { answer: Box::default() }
    }
}

impl Gather {
    pub(crate) fn new(correlation: Correlation, user: Address, request: RequestId, purpose: Purpose) -> Self {
        Self {
            correlation,
            user,
            requests: SmallVec::from_iter([request]),
            outstanding: BTreeSet::new(),
            details: Vec::new(),
            is_partial: false,
            purpose,
        }
    }

    /// Takes the result of one part; a second word on the same part changes nothing.
    pub(crate) fn settle(&mut self, target: &Address, outcome: Outcome) -> Settled {
        let is_awaited = self.outstanding.contains(target);
        self.name(if !is_awaited {
            "of a stranger"
        } else if outcome.is_success() {
            "Success"
        } else if outcome == Outcome::UnknownUser {
            "UnknownUser"
        } else {
            "Blocked"
        });
        if self.outstanding.remove(target) {
            self.details.push(Detail { target: target.clone(), outcome });
            Settled::Counted
        } else {
            Settled::Ignored
        }
    }

    /// A part that failed before it was sent.
    pub(crate) fn refuse(&mut self, target: &Address, outcome: Outcome) {
        self.details.push(Detail { target: target.clone(), outcome });
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.outstanding.is_empty()
    }

    /// Settles what is not in.
    pub(crate) fn give_up(&mut self, outcome: Outcome) {
        self.name("give up");
        self.is_partial = !self.outstanding.is_empty();
        for target in std::mem::take(&mut self.outstanding) {
            self.details.push(Detail { target, outcome });
        }
    }

    /// Names the cell of the state table that an event is about to reach.
    fn name(&self, event: &str) {
        let purpose = match self.purpose {
            Purpose::Watch { .. } => "watch",
            Purpose::Fetch { .. } => "fetch",
            Purpose::Send { .. } => "send",
            Purpose::LookUp { .. } | Purpose::Converse { .. } => return,
        };
        let has_failed = self.details.iter().any(|part| !part.outcome.is_success());
        let state = match (self.outstanding.len(), self.details.is_empty()) {
            (0, _) => "all in",
            (1, true) => "one part",
            (_, true) => "two parts",
            (_, false) if has_failed => "one of two failed",
            (_, false) => "one of two in",
        };
        met("mapping_gather", format_args!("{purpose} {state} {event}"));
    }

    /// The answer from the parts that are in.
    pub(crate) fn to_answer(&self) -> Answer {
        let outcome = combine(&self.details);
        let mut details = self.details.clone();
        // Parts that went as the whole are not named, nor is what succeeded.
        details.retain(|part| {
            // A name in a conversation is always said: the request may not tell it.
            let is_named = part.target.resource().is_some_and(|resource| resource.contains("%2f"));
            (part.outcome != outcome || is_named) && !part.outcome.is_success()
        });
        details.sort_by(|one, two| one.target.cmp(&two.target));
        match &self.purpose {
            Purpose::Watch { .. } => Answer::Done { outcome, details },
            Purpose::Fetch { views, .. } => {
                let mut views = views.clone();
                views.sort_by(|(one, _), (two, _)| one.cmp(two));
                Answer::Presence { outcome, views, details }
            }
            Purpose::LookUp { found } => {
                let mut found = found.clone();
                found.sort();
                Answer::Conversations { found, is_partial: self.is_partial }
            }
            Purpose::Converse { answer } => {
                let (named, reply) = answer.as_ref().clone();
                details.extend(named);
                Answer::Conversation { outcome, details, reply }
            }
            Purpose::Send { message, .. } => {
                let sent = self.details.iter().any(|part| part.outcome.is_success());
                Answer::Sent { outcome, message: sent.then(|| message.clone()), details }
            }
        }
    }
}

/// Whether a part was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    Counted,
    Ignored,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{presence::PresenceDocument, side::Side};

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_true_mix_names_the_parts_that_failed() {
        let request = RequestId { side: Side::Wv, number: 1 };
        let purpose = Purpose::Watch { endpoint: Endpoint::new(Side::Wv, "s") };
        let mut gather = Gather::new(Correlation::new(1), address("a@w"), request, purpose);
        gather.outstanding.extend([address("b@w"), address("c@w")]);
        assert_eq!(gather.settle(&address("b@w"), Outcome::Success), Settled::Counted);
        assert_eq!(gather.settle(&address("b@w"), Outcome::Blocked), Settled::Ignored);
        assert!(!gather.is_complete());
        gather.give_up(Outcome::Timeout);
        let Answer::Done { outcome, details } = gather.to_answer() else { panic!("{gather:?}") };
        assert_eq!(outcome, Outcome::PartialSuccess);
        assert_eq!(details, [Detail { target: address("c@w"), outcome: Outcome::Timeout }]);
    }

    #[test]
    fn every_state_has_a_row_for_every_event() {
        let view = PresenceView {
            document: Arc::new(PresenceDocument::default()),
            attributes: AttributeSet::ALL,
            changed: AttributeSet::ALL,
        };
        let purposes = [
            ("watch", Purpose::Watch { endpoint: Endpoint::new(Side::Wv, "s") }),
            ("fetch", Purpose::Fetch { attributes: AttributeSet::ALL, views: vec![(address("b@w"), view)] }),
            (
                "send",
                Purpose::Send {
                    message: MessageId::new("m"),
                    origin: Arc::from("o"),
                    endpoint: Endpoint::new(Side::Wv, "s"),
                    forwards: None,
                },
            ),
        ];
        /// A name, who is waited for, and who has answered what.
        type State<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, Outcome)]);
        let states: [State<'_>; 5] = [
            ("one part", &["b@w"], &[]),
            ("two parts", &["b@w", "c@w"], &[]),
            ("one of two in", &["b@w"], &[("c@w", Outcome::Success)]),
            ("one of two failed", &["b@w"], &[("c@w", Outcome::Blocked)]),
            ("all in", &[], &[("c@w", Outcome::Success)]),
        ];
        let mut table = String::from("# gather: purpose, state, event: what comes of it\n");
        for (purpose_name, purpose) in &purposes {
            for (state, outstanding, details) in states {
                for event in ["Success", "UnknownUser", "Blocked", "of a stranger", "give up"] {
                    let request = RequestId { side: Side::Wv, number: 1 };
                    let mut gather = Gather::new(Correlation::new(1), address("a@w"), request, purpose.clone());
                    gather.outstanding.extend(outstanding.iter().map(|text| address(text)));
                    for (target, outcome) in details {
                        gather.refuse(&address(target), *outcome);
                    }
                    let counted = match event {
                        "Success" => format!("{:?}", gather.settle(&address("b@w"), Outcome::Success)),
                        "UnknownUser" => format!("{:?}", gather.settle(&address("b@w"), Outcome::UnknownUser)),
                        "Blocked" => format!("{:?}", gather.settle(&address("b@w"), Outcome::Blocked)),
                        "of a stranger" => format!("{:?}", gather.settle(&address("z@w"), Outcome::Success)),
                        _ => {
                            gather.give_up(Outcome::Timeout);
                            format!("partial {}", gather.is_partial)
                        }
                    };
                    let next = if gather.is_complete() { shown(gather.to_answer()) } else { "waits".to_owned() };
                    table.push_str(&format!("{purpose_name} {state} {event}: {counted}, {next}\n"));
                }
            }
        }
        crate::generated::compare("fixtures/state/mapping_gather.txt", &table);
    }

    fn shown(answer: Answer) -> String {
        let (name, outcome, details) = match answer {
            Answer::Done { outcome, details } => ("Done".to_owned(), outcome, details),
            Answer::Presence { outcome, views, details } => (format!("Presence of {}", views.len()), outcome, details),
            Answer::Sent { outcome, message, details } => {
                let name = if message.is_some() { "Sent with id" } else { "Sent without id" };
                (name.to_owned(), outcome, details)
            }
            other => panic!("{other:?}"),
        };
        let details: Vec<String> = details.iter().map(|part| format!("{} {:?}", part.target, part.outcome)).collect();
        format!("{name} {outcome:?} {details:?}")
    }
}
