//! What a gate does for fairness: a client that floods a service uses up its own limit where
//! attempts count, and a service that is exhausted costs its clients nothing.
//!
//! `cargo test --features keys --test gate_fairness -- --nocapture` prints the tables.

#![cfg(feature = "keys")]

mod common;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::thread;

use common::{Random, nanos};
use tollgate::clock::ManualClock;
use tollgate::gate::Charge;
use tollgate::{Gate, KeyedBuckets, Limit, MultiBucket};

const FLOODERS: u64 = 16;
const POLITE: u64 = 24;
const SECOND: u64 = 1_000_000_000;

/// Calls and grants of the polite clients, and of the flooders.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Shares {
    polite: (u64, u64),
    flooders: (u64, u64),
}

/// 30 s of a service of 100/s, with a limit of 10/s for each client: 16 flooders with so many calls
/// a second together, and 24 polite clients of 4/s each, all at random instants.
fn flooded(seed: u64, flood: u64, charge: Charge) -> Shares {
    let clock = &ManualClock::new();
    let clients = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 100, clock).unwrap();
    let service = MultiBucket::with_clock([Limit::per_second(100)], clock).unwrap();
    let mut random = Random(seed);
    // The time to the next of calls that come at random, so far apart on average.
    let mut soon = |mean: u64| {
        let chance = (random.below(1 << 53) + 1) as f64 / (1_u64 << 53) as f64;
        (-chance.ln() * mean as f64) as u64
    };
    let is_flooder = |client| client < FLOODERS;
    let between = |client| if is_flooder(client) { FLOODERS * SECOND / flood } else { SECOND / 4 };
    let mut next: BinaryHeap<_> =
        (0..FLOODERS + POLITE).map(|client| Reverse((soon(between(client)), client))).collect();
    let mut shares = Shares::default();
    while let Some(Reverse((now, client))) = next.pop().filter(|Reverse((now, _))| *now < 30 * SECOND) {
        clock.set(nanos(now));
        let gate = Gate::new().and(clients.bucket(&client), 1).charged(charge).and(&service, [1]);
        let granted = gate.try_take().is_ok();
        let (calls, grants) = if is_flooder(client) { &mut shares.flooders } else { &mut shares.polite };
        *calls += 1;
        *grants += u64::from(granted);
        next.push(Reverse((now + soon(between(client)), client)));
    }
    shares
}

/// Where only admission counts, a flood gets all. Where attempts count, it uses up its own limits,
/// and the more it floods the less it gets. The total is the same.
#[test]
fn polite_clients_get_their_share_where_attempts_count() {
    println!("flood     charge        polite           flooders           total");
    let mut table = Vec::new();
    for flood in [800, 8000] {
        for charge in [Charge::OnAdmission, Charge::OnAttempt] {
            let shares = flooded(1, flood, charge);
            let Shares { polite: (calls, granted), flooders: (flooded, got) } = shares;
            println!(
                "{flood:>5}/s  {:<12}  {granted:>4} of {calls}  {got:>6} of {flooded:<6}  {:>6}",
                format!("{charge:?}"),
                granted + got
            );
            table.push(shares);
        }
    }
    let [slow, slow_fair, fast, fast_fair] = table[..] else { panic!("{table:?}") };
    let share = |shares: Shares| shares.polite.1 as f64 / shares.polite.0 as f64;
    let total = |shares: Shares| shares.polite.1 + shares.flooders.1;
    // The total is what the service grants: 100, and 100 a second.
    assert!(table.iter().all(|shares| (3050..=3100).contains(&total(*shares))), "{table:?}");
    assert!(share(slow) < 0.2 && share(fast) < 0.03, "a flood gets all: {table:?}");
    assert!(share(slow_fair) > 2.0 * share(slow) && share(fast_fair) > 20.0 * share(fast), "{table:?}");
    assert!(share(fast_fair) > share(slow_fair), "who floods more gets less: {table:?}");
}

/// Four threads at a service that has nothing. With a gate, no client's limit is written; by hand,
/// each call takes from the client and puts it back.
#[test]
fn an_exhausted_service_costs_its_clients_nothing() {
    const CALLS: u64 = 50_000;
    let clock = &ManualClock::new();
    let client = &MultiBucket::with_clock([Limit::per_second(1_000_000)], clock).unwrap();
    let service = &MultiBucket::with_clock([Limit::per_second(1).empty()], clock).unwrap();
    let refunds = |call: fn(&MultiBucket<1, &ManualClock>, &MultiBucket<1, &ManualClock>)| {
        let before = client.snapshot().sequence();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..CALLS).for_each(|_| call(client, service)));
            }
        });
        (client.snapshot().sequence() - before) / 2
    };
    let by_hand = refunds(|client, service| {
        if client.try_take([1]).is_ok() && service.try_take([1]).is_err() {
            client.put_back([1]);
        }
    });
    let with_a_gate = refunds(|client, service| {
        assert!(Gate::new().and(client, [1]).and(service, [1]).try_take().is_err());
    });
    println!("{} calls: {by_hand} refunds by hand, {with_a_gate} with a gate", 4 * CALLS);
    assert_eq!((by_hand, with_a_gate), (4 * CALLS, 0));
    assert_eq!(client.available(), [1_000_000]);
}
