use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn drain(machine: &mut InviteServerTransaction) -> Vec<ServerCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

fn refused(reliability: Reliability) -> InviteServerTransaction {
    let mut machine = InviteServerTransaction::new(at(0), reliability, TimerValues::default());
    machine.handle(at(0), ServerEvent::Failure);
    assert_eq!(drain(&mut machine), [ServerCommand::SendLatest]);
    machine
}

#[test]
fn a_refusal_is_repeated_by_timer_g_until_timer_h() {
    let mut machine = refused(Reliability::Unreliable);
    let mut log = Vec::new();
    while let Some(due) = machine.deadline() {
        machine.expire(due);
        log.extend(drain(&mut machine).into_iter().map(|command| (due.as_millis(), command)));
    }
    let sends: Vec<u64> = log.iter().filter(|(_, c)| *c == ServerCommand::SendLatest).map(|(at, _)| *at).collect();
    assert_eq!(sends, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(log.last(), Some(&(32_000, ServerCommand::AckMissing)));
}

#[test]
fn an_ack_ends_the_repetition_and_timer_i_absorbs_its_copies() {
    let mut machine = refused(Reliability::Unreliable);
    machine.handle(at(100), ServerEvent::Ack);
    assert_eq!(machine.state(), InviteServerState::Confirmed);
    machine.handle(at(200), ServerEvent::Ack);
    assert_eq!(drain(&mut machine), []);
    assert_eq!(machine.deadline(), Some(at(5100)));
    machine.expire(at(5100));
    assert_eq!(machine.state(), InviteServerState::Terminated);
}

#[test]
fn a_reliable_transport_waits_for_the_ack_without_repeating() {
    let machine = refused(Reliability::Reliable);
    assert_eq!(machine.deadline(), Some(at(32_000)));
}

#[test]
fn silence_of_the_user_is_covered_by_a_hundred_after_200_ms() {
    let mut machine = InviteServerTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    assert_eq!(machine.deadline(), Some(at(200)));
    machine.expire(at(200));
    assert_eq!(drain(&mut machine), [ServerCommand::SendTrying]);
    machine.handle(at(500), ServerEvent::Retransmission);
    assert_eq!(drain(&mut machine), [ServerCommand::SendLatest]);
}

#[test]
fn every_state_decides_about_every_event() {
    use InviteServerState::{Accepted, Completed, Confirmed, Proceeding, Terminated};
    let mut table = String::from("# INVITE server transaction (RFC 3261 §17.2.1, RFC 6026), unreliable transport\n");
    for state in [Proceeding, Completed, Confirmed, Accepted, Terminated] {
        for event in EVENTS {
            let mut machine = in_state(state);
            machine.handle(at(10), event);
            table += &format!("{state:?} + {event:?} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
        for (name, due) in [("TimerTryingOrG", 600), ("TimerHIL", 190_000)] {
            let mut machine = in_state(state);
            machine.expire(at(due));
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
    }
    crate::generated::compare("fixtures/state/sip_invite_server_transaction.txt", &table);
}

const EVENTS: [ServerEvent; 6] = [
    ServerEvent::Retransmission,
    ServerEvent::Provisional,
    ServerEvent::Success,
    ServerEvent::Failure,
    ServerEvent::Ack,
    ServerEvent::TransportError,
];

fn in_state(state: InviteServerState) -> InviteServerTransaction {
    let mut machine = InviteServerTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    match state {
        InviteServerState::Proceeding => {}
        InviteServerState::Completed => machine.handle(at(1), ServerEvent::Failure),
        InviteServerState::Confirmed => {
            machine.handle(at(1), ServerEvent::Failure);
            machine.handle(at(2), ServerEvent::Ack);
        }
        InviteServerState::Accepted => machine.handle(at(1), ServerEvent::Success),
        InviteServerState::Terminated => machine.handle(at(1), ServerEvent::TransportError),
    }
    drain(&mut machine);
    machine
}
