//! What is charged on its way through a lane.

use super::{Lane, LaneLink};
use crate::charging::{Admission, ChargingGate, ChargingMeter, ChargingQuestion};
use mapping::{
    event::{Event, EventKind},
    time::Timestamp,
};

impl Lane {
    /// The event, if it may go to the engine now; else it comes back when the service of the operator has answered.
    pub(super) fn admit(&mut self, now: Timestamp, event: Event) -> Option<Event> {
        let admission = self.meter.admit(now, event);
        self.go_on(admission)
    }

    fn go_on(&self, admission: Admission) -> Option<Event> {
        match admission {
            Admission::Admitted(event) => Some(event),
            Admission::Asked(gate, question, event) => {
                self.ask(gate, question, event);
                None
            }
            Admission::Held => None,
        }
    }

    fn ask(&self, gate: ChargingGate, question: ChargingQuestion, event: Event) {
        let own = usize::try_from(self.number).ok().and_then(|number| self.neighbours.get(number)).cloned();
        let generation = self.meter.generation();
        tokio::spawn(async move {
            let allowed = gate.allows(&question).await;
            let Some(link) = own else { return };
            // A lane that ended has refused whoever waits.
            let _ = link.do_there(move |lane, now| lane.judged(now, event, generation, allowed)).await;
        });
    }

    /// The service has said whether a message may go.
    fn judged(&mut self, now: Timestamp, event: Event, generation: u64, allowed: bool) {
        let EventKind::Request(request) = &event.kind else { return };
        if generation != self.meter.generation() {
            return;
        }
        let sender = request.user.clone();
        if allowed {
            self.admitted.push(event);
        } else if let Some(command) = ChargingMeter::refusal(&event) {
            self.execute(now, command);
        }
        if let Some(next) = self.meter.answered(now, &sender)
            && let Some(event) = self.go_on(next)
        {
            self.admitted.push(event);
        }
    }
}

impl LaneLink {
    /// Has this done on the lane; `None` when the lane is gone.
    async fn do_there(&self, task: impl FnOnce(&mut Lane, Timestamp) + Send + 'static) -> Option<()> {
        self.tasks.send(Box::new(task)).await.ok()
    }
}
