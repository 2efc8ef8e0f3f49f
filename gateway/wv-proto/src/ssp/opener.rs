//! The end of a set-up that opens the session: it sends its secret, proves to have got the other one, and names its id.

use crate::witness::met;
use smallvec::SmallVec;

/// How far the set-up is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenerState {
    /// None is under way.
    #[default]
    Idle,
    /// Step 1 is out.
    AwaitsToken,
    /// Step 3 is out.
    AwaitsProof,
    /// Step 3 was not taken and is sent once more soon.
    Repeats,
    /// Step 3 is out once more.
    AwaitsProofAgain,
    /// Step 5 is out.
    AwaitsId,
}

/// What happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenerEvent {
    /// A session is wanted.
    Open,
    /// Step 2 came: the other one's secret.
    Token,
    /// Step 4 came with the right proof.
    RightProof,
    /// Step 4 came with another one.
    WrongProof,
    /// Step 6 came: the other one's id.
    Granted,
    /// Step 6 came with a refusal.
    Denied,
    /// The step that is out was not taken.
    PostFailed,
    /// It is time to repeat step 3.
    RepeatDue,
    /// It takes too long.
    TimeOver,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenerAction {
    /// Send step 1.
    SendToken,
    /// Send step 3.
    SendProof,
    /// Send step 3 soon.
    Wait,
    /// Send step 5.
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
pub struct OpenerMachine {
    /// How far it is.
    pub state: OpenerState,
}

impl OpenerMachine {
    /// Something happened.
    // WV-SSP-03
    pub fn handle(&mut self, event: OpenerEvent) -> SmallVec<[OpenerAction; 2]> {
        use OpenerAction::{Establish, GiveUp, Refuse, SendId, SendProof, SendToken, Wait};
        use OpenerEvent::{Denied, Granted, Open, PostFailed, RepeatDue, RightProof, TimeOver, Token, WrongProof};
        use OpenerState::{AwaitsId, AwaitsProof, AwaitsProofAgain, AwaitsToken, Idle, Repeats};
        met("wv_ssp_opener", format_args!("{:?} {event:?}", self.state));
        let (state, actions): (_, &[OpenerAction]) = match (self.state, event) {
            (Idle, Open) => (AwaitsToken, &[SendToken]),
            (AwaitsToken, Token) => (AwaitsProof, &[SendProof]),
            (AwaitsProof | Repeats | AwaitsProofAgain, RightProof) => (AwaitsId, &[SendId]),
            (AwaitsProof | Repeats | AwaitsProofAgain, WrongProof) => (Idle, &[Refuse, GiveUp]),
            // QUIRK ssp_late_store: refuses what overtakes its own storing, so it is sent once more; Baraza.
            (AwaitsProof, PostFailed) => (Repeats, &[Wait]),
            (Repeats, RepeatDue) => (AwaitsProofAgain, &[SendProof]),
            (AwaitsId, Granted) => (Idle, &[Establish]),
            (AwaitsId, Denied)
            | (AwaitsToken | AwaitsProofAgain | AwaitsId, PostFailed)
            | (AwaitsToken | AwaitsProof | Repeats | AwaitsProofAgain | AwaitsId, TimeOver) => (Idle, &[GiveUp]),
            // What comes again changes nothing.
            (state @ (AwaitsProof | Repeats | AwaitsProofAgain | AwaitsId), Token) | (state @ AwaitsId, RightProof) => {
                (state, &[])
            }
            (state @ Idle, Token | RightProof | WrongProof | Granted | Denied)
            | (state @ AwaitsToken, RightProof | WrongProof | Granted | Denied)
            | (state @ (AwaitsProof | Repeats | AwaitsProofAgain), Granted | Denied)
            | (state @ AwaitsId, WrongProof) => (state, &[Refuse]),
            // One set-up at a time.
            (state @ (AwaitsToken | AwaitsProof | Repeats | AwaitsProofAgain | AwaitsId), Open)
            | (state @ Idle, PostFailed | TimeOver | RepeatDue)
            | (state @ Repeats, PostFailed)
            | (state @ (AwaitsToken | AwaitsProof | AwaitsProofAgain | AwaitsId), RepeatDue) => (state, &[]),
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
        use OpenerEvent as E;
        use OpenerState as S;
        let mut table = String::from(
            "# The end of an SSP set-up that opens the session. Compared by the tests of wv-proto.\n\
             # state | event | actions -> next state\n",
        );
        for state in [S::Idle, S::AwaitsToken, S::AwaitsProof, S::Repeats, S::AwaitsProofAgain, S::AwaitsId] {
            let all = [
                E::Open,
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
                let mut machine = OpenerMachine { state };
                let actions: Vec<String> = machine.handle(event).iter().map(|action| format!("{action:?}")).collect();
                let (state, event) = (format!("{state:?}"), format!("{event:?}"));
                table += &format!("{state:16} | {event:10} | {} -> {:?}\n", actions.join(", "), machine.state);
            }
        }
        generated::compare("fixtures/state/wv_ssp_opener.txt", &table);
    }
}
