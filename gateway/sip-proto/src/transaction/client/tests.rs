use super::*;

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn drain(machine: &mut ClientTransaction) -> Vec<ClientCommand> {
    std::iter::from_fn(|| machine.poll()).collect()
}

/// Runs the machine on its own deadlines and writes down what it asked for and when.
fn run(machine: &mut ClientTransaction, until: u64) -> Vec<(u64, ClientCommand)> {
    let mut log = Vec::new();
    while let Some(due) = machine.deadline().filter(|due| *due <= at(until)) {
        machine.expire(due);
        log.extend(drain(machine).into_iter().map(|command| (due.as_millis(), command)));
    }
    log
}

#[test]
fn retransmission_instants_follow_timer_e_until_timer_f() {
    let mut machine = ClientTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    assert_eq!(drain(&mut machine), [ClientCommand::Send]);
    let log = run(&mut machine, 100_000);
    let sends: Vec<u64> = log.iter().filter(|(_, c)| *c == ClientCommand::Send).map(|(at, _)| *at).collect();
    assert_eq!(sends, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
    assert_eq!(log.last(), Some(&(32_000, ClientCommand::TimedOut)));
    assert_eq!(machine.state(), ClientState::Terminated);
    assert_eq!(machine.deadline(), None);
}

#[test]
fn a_provisional_response_slows_retransmission_to_t2() {
    let mut machine = ClientTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    drain(&mut machine);
    machine.handle(at(100), ClientEvent::Provisional);
    assert_eq!(drain(&mut machine), [ClientCommand::PassToUser]);
    let log = run(&mut machine, 100_000);
    let sends: Vec<u64> = log.iter().filter(|(_, c)| *c == ClientCommand::Send).map(|(at, _)| *at).collect();
    assert_eq!(sends, [500, 4500, 8500, 12500, 16500, 20500, 24500, 28500]);
    assert_eq!(log.last(), Some(&(32_000, ClientCommand::TimedOut)));
}

#[test]
fn a_reliable_transport_never_retransmits() {
    let mut machine = ClientTransaction::new(at(0), Reliability::Reliable, TimerValues::default());
    drain(&mut machine);
    assert_eq!(run(&mut machine, 100_000), [(32_000, ClientCommand::TimedOut)]);
}

#[test]
fn copies_of_the_final_response_are_absorbed_until_timer_k() {
    let mut machine = ClientTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    drain(&mut machine);
    machine.handle(at(700), ClientEvent::Final);
    assert_eq!(drain(&mut machine), [ClientCommand::PassToUser]);
    machine.handle(at(800), ClientEvent::Final);
    assert_eq!(drain(&mut machine), []);
    assert_eq!(machine.deadline(), Some(at(5700)));
    machine.expire(at(5700));
    assert_eq!(machine.state(), ClientState::Terminated);
    let mut machine = ClientTransaction::new(at(0), Reliability::Reliable, TimerValues::default());
    machine.handle(at(1), ClientEvent::Final);
    assert_eq!(machine.state(), ClientState::Terminated);
}

#[test]
fn every_state_decides_about_every_event() {
    let mut table = String::from("# non-INVITE client transaction (RFC 3261 §17.1.2), unreliable transport\n");
    for state in [ClientState::Trying, ClientState::Proceeding, ClientState::Completed, ClientState::Terminated] {
        for event in [ClientEvent::Provisional, ClientEvent::Final, ClientEvent::TransportError] {
            let mut machine = in_state(state);
            machine.handle(at(10), event);
            table += &format!("{state:?} + {event:?} -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        }
        let mut machine = in_state(state);
        machine.expire(at(600));
        table += &format!("{state:?} + TimerE -> {:?} {:?}\n", machine.state(), drain(&mut machine));
        let mut machine = in_state(state);
        machine.expire(at(90_000));
        table += &format!("{state:?} + TimerForK -> {:?} {:?}\n", machine.state(), drain(&mut machine));
    }
    crate::generated::compare("fixtures/state/sip_client_transaction.txt", &table);
}

fn in_state(state: ClientState) -> ClientTransaction {
    let mut machine = ClientTransaction::new(at(0), Reliability::Unreliable, TimerValues::default());
    match state {
        ClientState::Trying => {}
        ClientState::Proceeding => machine.handle(at(1), ClientEvent::Provisional),
        ClientState::Completed => machine.handle(at(1), ClientEvent::Final),
        ClientState::Terminated => machine.handle(at(1), ClientEvent::TransportError),
    }
    drain(&mut machine);
    machine
}
