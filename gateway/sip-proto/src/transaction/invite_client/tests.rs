use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn drain(machine: &mut InviteClientTransaction) -> Vec<ClientCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

fn calling(reliability: Reliability) -> InviteClientTransaction {
    let mut machine = InviteClientTransaction::new(at(0), reliability, TimerValues::default());
    assert_eq!(drain(&mut machine), [ClientCommand::Send]);
    machine
}

#[test]
fn retransmission_instants_follow_timer_a_until_timer_b() {
    let mut machine = calling(Reliability::Unreliable);
    let mut log = Vec::new();
    while let Some(due) = machine.deadline() {
        machine.expire(due);
        log.extend(drain(&mut machine).into_iter().map(|command| (due.as_millis(), command)));
    }
    let sends: Vec<u64> = log.iter().filter(|(_, c)| *c == ClientCommand::Send).map(|(at, _)| *at).collect();
    assert_eq!(sends, [500, 1500, 3500, 7500, 15500, 31500]);
    assert_eq!(log.last(), Some(&(32_000, ClientCommand::TimedOut)));
    assert_eq!(calling(Reliability::Reliable).deadline(), Some(at(32_000)));
}

#[test]
fn a_refusal_is_acknowledged_as_often_as_it_comes_until_timer_d() {
    let mut machine = calling(Reliability::Unreliable);
    machine.handle(at(100), InviteClientEvent::Failure);
    assert_eq!(drain(&mut machine), [ClientCommand::SendAck, ClientCommand::PassToUser]);
    machine.handle(at(600), InviteClientEvent::Failure);
    assert_eq!(drain(&mut machine), [ClientCommand::SendAck]);
    assert_eq!(machine.deadline(), Some(at(32_100)));
    machine.expire(at(32_100));
    assert_eq!(machine.state(), InviteClientState::Terminated);
}

#[test]
fn every_2xx_reaches_the_user_until_timer_m() {
    let mut machine = calling(Reliability::Reliable);
    machine.handle(at(100), InviteClientEvent::Success);
    machine.handle(at(600), InviteClientEvent::Success);
    assert_eq!(drain(&mut machine), [ClientCommand::PassToUser, ClientCommand::PassToUser]);
    machine.expire(at(32_100));
    assert_eq!(machine.state(), InviteClientState::Terminated);
}

#[test]
fn every_state_decides_about_every_event() {
    use InviteClientState::{Accepted, Calling, Completed, Proceeding, Terminated};
    let mut table = String::from("# INVITE client transaction (RFC 3261 §17.1.1, RFC 6026), unreliable transport\n");
    for state in [Calling, Proceeding, Completed, Accepted, Terminated] {
        for event in EVENTS {
            let mut machine = in_state(state);
            machine.handle(at(10), event);
            table += &format!("{state:?} + {event:?} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
        for (name, due) in [("TimerA", 600), ("TimerBDM", 190_000)] {
            let mut machine = in_state(state);
            machine.expire(at(due));
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
    }
    crate::generated::compare("fixtures/state/sip_invite_client_transaction.txt", &table);
}

const EVENTS: [InviteClientEvent; 4] = [
    InviteClientEvent::Provisional,
    InviteClientEvent::Success,
    InviteClientEvent::Failure,
    InviteClientEvent::TransportError,
];

fn in_state(state: InviteClientState) -> InviteClientTransaction {
    let mut machine = calling(Reliability::Unreliable);
    match state {
        InviteClientState::Calling => {}
        InviteClientState::Proceeding => machine.handle(at(1), InviteClientEvent::Provisional),
        InviteClientState::Completed => machine.handle(at(1), InviteClientEvent::Failure),
        InviteClientState::Accepted => machine.handle(at(1), InviteClientEvent::Success),
        InviteClientState::Terminated => machine.handle(at(1), InviteClientEvent::TransportError),
    }
    drain(&mut machine);
    machine
}
