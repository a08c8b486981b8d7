//! Owns what the model of the engine says where the answer is plain. Never talks to an engine.

#[path = "common/master.rs"]
mod master;

use master::{Asked, Line, Master, Said};

/// A thousand tokens a second.
const LINE: Line = Line { tokens: 1000, period: 1_000_000_000, capacity: 500, debt: 100 };

fn need(tokens: u64, reserve: bool) -> Asked<1> {
    Asked { need: [tokens], want: [tokens], back: [0], reserve }
}

#[test]
fn a_joined_head_starts_from_the_lowest_and_a_created_one_full() {
    let mut joined = Master::new(1);
    joined.join(0, 0, 1, [LINE]);
    let said = joined.ask(0, &need(1, false)).map(|reply| reply.said);
    assert_eq!(said, Some(Said::NotYet { stream: 0, wait: 101_000 }));
    let mut created = Master::new(1);
    created.create(0, 0, 1, [LINE], [500]);
    let reply = created.ask(0, &need(500, false)).expect("there is a head");
    assert_eq!((reply.said, reply.level), (Said::Granted { tokens: [500], after: 0 }, [0]));
    // Full from the lowest takes 600 ms, and so does an absent state of this head.
    assert_eq!(reply.written, Some(600));
}

#[test]
fn another_server_costs_the_capacity_once_and_grants_nothing_twice() {
    let mut master = Master::new(1);
    master.create(0, 0, 1, [LINE], [500]);
    let mut lagging = master.clone();
    assert!(matches!(master.ask(0, &need(500, false)).expect("there").said, Said::Granted { .. }));
    lagging.promote(2);
    let reply = lagging.ask(10_000, &need(1, false)).expect("there is a head");
    assert_eq!((reply.epoch, reply.said), (10_000, Said::NotYet { stream: 0, wait: 101_000 }));
    let mut unfenced = master.clone();
    unfenced.lose_state();
    assert_eq!(unfenced.ask(0, &need(1, false)), None);
}

#[test]
fn a_reservation_goes_to_the_debt_and_no_further() {
    let mut master = Master::new(1);
    master.create(0, 0, 1, [LINE], [0]);
    let said = |reply: Option<master::Reply<1>>| reply.map(|reply| reply.said);
    assert_eq!(said(master.ask(0, &need(60, true))), Some(Said::Granted { tokens: [60], after: 60_000 }));
    assert_eq!(said(master.ask(0, &need(60, true))), Some(Said::NotYet { stream: 0, wait: 20_000 }));
    assert_eq!(said(master.ask(0, &need(1, false))), Some(Said::NotYet { stream: 0, wait: 61_000 }));
    assert_eq!(said(master.ask(0, &need(501, true))), Some(Said::Never { stream: 0 }));
}

#[test]
fn an_old_rate_holds_until_the_change_and_a_debt_survives_it() {
    let mut master = Master::new(1);
    master.create(0, 0, 1, [LINE], [0]);
    assert!(matches!(master.ask(0, &need(100, true)).expect("there").said, Said::Granted { .. }));
    let slow = Line { tokens: 1, debt: 1, ..LINE };
    assert!(master.set_limits(50_000, 1, [slow]) && !master.set_limits(50_000, 1, [slow]));
    // It owes 50 tokens, at one a second.
    let said = master.ask(50_000, &need(1, true)).map(|reply| reply.said);
    assert_eq!(said, Some(Said::NotYet { stream: 0, wait: 50_000_000 }));
    // After a loss it may have owed 100 at the change.
    master.promote(2);
    let said = master.ask(50_000, &need(1, true)).map(|reply| reply.said);
    assert_eq!(said, Some(Said::NotYet { stream: 0, wait: 100_000_000 }));
}

#[test]
fn a_clock_that_steps_back_mints_nothing() {
    let mut master = Master::new(1);
    master.create(10_000_000, 0, 1, [LINE], [500]);
    assert!(matches!(master.ask(10_000_000, &need(500, false)).expect("there").said, Said::Granted { .. }));
    let wait = |reply: Option<master::Reply<1>>| reply.map(|reply| reply.said);
    let within = Said::NotYet { stream: 0, wait: 1_001_000 };
    assert_eq!(wait(master.ask(9_000_000, &need(1, false))), Some(within));
    let beyond = Said::NotYet { stream: 0, wait: 1_000 };
    assert_eq!(wait(master.ask(1_000_000, &need(1, false))), Some(beyond));
    assert_eq!(wait(master.ask(1_001_000, &need(2, false))), Some(beyond));
}
