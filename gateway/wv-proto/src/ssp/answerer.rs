//! The end of a set-up that is asked for a session.

use crate::witness::met;
use smallvec::SmallVec;

/// How far the set-up is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnswererState {
    /// None is under way.
    #[default]
    Idle,
    /// Step 2 is out.
    AwaitsProof,
    /// Step 2 was not taken and is sent once more soon.
    Repeats,
    /// Step 2 is out once more.
    AwaitsProofAgain,
    /// Step 4 is out.
    AwaitsId,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswererEvent {
    /// Step 1 came: the other one's secret.
    Token,
    /// Step 3 came with the right proof.
    RightProof,
    /// Step 3 came with another one.
    WrongProof,
    /// Step 5 came: the other one's id.
    Granted,
    /// Step 5 came with a refusal.
    Denied,
    /// The step that is out was not taken.
    PostFailed,
    /// It is time to repeat step 2.
    RepeatDue,
    /// It takes too long.
    TimeOver,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswererAction {
    /// Send step 2.
    SendToken,
    /// Send step 2 soon.
    Wait,
    /// Send step 4.
    SendProof,
    /// Send step 6.
    SendId,
    /// The session is there.
    Establish,
    /// Give the set-up up.
    GiveUp,
    /// What came is not taken.
    Refuse,
}

/// The machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswererMachine {
    /// How far it is.
    pub state: AnswererState,
}

impl AnswererMachine {
    /// Something happened.
    // WV-SSP-03
    pub fn handle(&mut self, event: AnswererEvent) -> SmallVec<[AnswererAction; 2]> {
        use AnswererAction::{Establish, GiveUp, Refuse, SendId, SendProof, SendToken, Wait};
        use AnswererEvent::{Denied, Granted, PostFailed, RepeatDue, RightProof, TimeOver, Token, WrongProof};
        use AnswererState::{AwaitsId, AwaitsProof, AwaitsProofAgain, Idle, Repeats};
        met("wv_ssp_answerer", format_args!("{:?} {event:?}", self.state));
        let (state, actions): (_, &[AnswererAction]) = match (self.state, event) {
            // Who asks again has forgotten what it asked before.
            (Idle | AwaitsProof | Repeats | AwaitsProofAgain | AwaitsId, Token) => (AwaitsProof, &[SendToken]),
            (AwaitsProof | Repeats | AwaitsProofAgain, RightProof) => (AwaitsId, &[SendProof]),
            (AwaitsProof | Repeats | AwaitsProofAgain, WrongProof) => (Idle, &[Refuse, GiveUp]),
            // QUIRK ssp_late_store: refuses what overtakes its own storing, so it is sent once more; Baraza.
            (AwaitsProof, PostFailed) => (Repeats, &[Wait]),
            (Repeats, RepeatDue) => (AwaitsProofAgain, &[SendToken]),
            (AwaitsId, Granted) => (Idle, &[SendId, Establish]),
            (AwaitsProofAgain | AwaitsId, PostFailed)
            | (AwaitsId, Denied)
            | (AwaitsProof | Repeats | AwaitsProofAgain | AwaitsId, TimeOver) => (Idle, &[GiveUp]),
            // What comes again changes nothing.
            (state @ AwaitsId, RightProof) => (state, &[]),
            (state @ Idle, RightProof | WrongProof | Granted | Denied)
            | (state @ (AwaitsProof | Repeats | AwaitsProofAgain), Granted | Denied)
            | (state @ AwaitsId, WrongProof) => (state, &[Refuse]),
            (state @ Idle, PostFailed | TimeOver | RepeatDue)
            | (state @ Repeats, PostFailed)
            | (state @ (AwaitsProof | AwaitsProofAgain | AwaitsId), RepeatDue) => (state, &[]),
        };
        self.state = state;
        actions.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generated;

    #[test]
    fn every_state_meets_every_event() {
        use AnswererEvent as E;
        use AnswererState as S;
        let mut table = String::from(
            "# The end of an SSP set-up that is asked for a session. Compared by the tests of wv-proto.\n\
             # state | event | actions -> next state\n",
        );
        for state in [S::Idle, S::AwaitsProof, S::Repeats, S::AwaitsProofAgain, S::AwaitsId] {
            let all = [
                E::Token,
                E::RightProof,
                E::WrongProof,
                E::Granted,
                E::Denied,
                E::PostFailed,
                E::RepeatDue,
                E::TimeOver,
            ];
            for event in all {
                let mut machine = AnswererMachine { state };
                let actions: Vec<String> = machine.handle(event).iter().map(|action| format!("{action:?}")).collect();
                let (state, event) = (format!("{state:?}"), format!("{event:?}"));
                table += &format!("{state:16} | {event:10} | {} -> {:?}\n", actions.join(", "), machine.state);
            }
        }
        generated::compare("fixtures/state/wv_ssp_answerer.txt", &table);
    }
}
