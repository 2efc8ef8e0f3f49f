use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn drain(machine: &mut ServerTransaction) -> Vec<ServerCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

#[test]
fn a_hundred_is_sent_when_timer_e_of_the_client_reaches_t2_and_not_before() {
    for reliability in [Reliability::Reliable, Reliability::Unreliable] {
        let mut machine = ServerTransaction::new(at(0), reliability, TimerValues::default());
        machine.handle(at(500), ServerEvent::Retransmission);
        assert_eq!(drain(&mut machine), []);
        assert_eq!(machine.deadline(), Some(at(3500)));
        machine.expire(at(3500));
        assert_eq!(drain(&mut machine), [ServerCommand::SendTrying]);
        machine.handle(at(3600), ServerEvent::Retransmission);
        assert_eq!(drain(&mut machine), [ServerCommand::SendLatest]);
    }
}

#[test]
fn the_final_response_is_repeated_for_copies_until_timer_j() {
    let mut machine = ServerTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    machine.handle(at(10), ServerEvent::Success);
    assert_eq!(drain(&mut machine), [ServerCommand::SendLatest]);
    machine.handle(at(500), ServerEvent::Retransmission);
    assert_eq!(drain(&mut machine), [ServerCommand::SendLatest]);
    machine.handle(at(500), ServerEvent::Failure);
    assert_eq!(drain(&mut machine), []);
    assert_eq!(machine.deadline(), Some(at(32_010)));
    machine.expire(at(32_010));
    assert_eq!(machine.state(), ServerState::Terminated);
}

#[test]
fn an_unanswered_transaction_ends_without_a_408() {
    let mut machine = ServerTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    machine.expire(at(3500));
    drain(&mut machine);
    machine.expire(at(32_000));
    assert_eq!(drain(&mut machine), []);
    assert_eq!(machine.state(), ServerState::Terminated);
}

#[test]
fn every_state_decides_about_every_event() {
    let mut table = String::from("# non-INVITE server transaction (RFC 3261 §17.2.2), unreliable transport\n");
    for state in [ServerState::Trying, ServerState::Proceeding, ServerState::Completed, ServerState::Terminated] {
        for event in EVENTS {
            let mut machine = in_state(state);
            machine.handle(at(10), event);
            table += &format!("{state:?} + {event:?} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
        for (name, due) in [("TimerTrying", 4000), ("TimerJ", 90_000)] {
            let mut machine = in_state(state);
            machine.expire(at(due));
            table += &format!("{state:?} + {name} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
    }
    crate::generated::compare("fixtures/state/sip_server_transaction.txt", &table);
}

const EVENTS: [ServerEvent; 6] = [
    ServerEvent::Retransmission,
    ServerEvent::Provisional,
    ServerEvent::Success,
    ServerEvent::Failure,
    ServerEvent::Ack,
    ServerEvent::TransportError,
];

fn in_state(state: ServerState) -> ServerTransaction {
    let mut machine = ServerTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    match state {
        ServerState::Trying => {}
        ServerState::Proceeding => machine.handle(at(1), ServerEvent::Provisional),
        ServerState::Completed => machine.handle(at(1), ServerEvent::Success),
        ServerState::Terminated => machine.expire(at(40_000)),
    }
    drain(&mut machine);
    machine
}
