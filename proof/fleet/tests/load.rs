//! A fleet of real processes at full load, on both engines: the short form of `fleet run`.

use std::time::Duration;

use engines::Kind;
use fleet::Outcome;
use fleet::run::{Plan, rest, run, throughput};
use fleet::worker::orders::Load;

fn plan(kind: Kind) -> Plan {
    let program = env!("CARGO_BIN_EXE_fleet").into();
    Plan { kind, processes: 4, time: Duration::from_secs(4), ..Plan::of(program) }
}

#[test]
fn the_account_the_bound_the_shares_and_the_use_hold_at_a_hundred_thousand_tokens_a_second() -> Outcome<()> {
    for kind in Kind::ALL {
        let limit = tollgate::Limit::per_second(100_000);
        assert!(run(&Plan { limit, ..plan(kind) })?, "{kind}");
    }
    Ok(())
}

#[test]
fn they_hold_at_a_thousand_tokens_a_second_of_those_who_wait_in_turn() -> Outcome<()> {
    for kind in Kind::ALL {
        let limit = tollgate::Limit::per_second(1000);
        assert!(run(&Plan { limit, load: Load::InTurn(20), ..plan(kind) })?, "{kind}");
    }
    Ok(())
}

#[test]
fn processes_at_rest_give_back_what_they_hold_and_make_no_trips() -> Outcome<()> {
    for kind in Kind::ALL {
        assert!(rest(&Plan { limit: tollgate::Limit::per_second(1000), ..plan(kind) })?, "{kind}");
    }
    Ok(())
}

#[test]
fn grants_from_what_is_held_are_many_times_as_many_as_round_trips_one_after_the_other() -> Outcome<()> {
    for kind in Kind::ALL {
        // They are thousands of times as many; a crowded machine must not fail this.
        assert!(throughput(&plan(kind), 100.0)?, "{kind}");
    }
    Ok(())
}
