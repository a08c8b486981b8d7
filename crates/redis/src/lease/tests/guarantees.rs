//! Owns the guarantees that hold whatever happens: the account, and both bounds. Never a fault that
//! a fence cannot notice.

use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use super::process::Load;
use super::random::{Random, runs};
use super::world::{Deed, Fault, World};

const MS: Duration = Duration::from_millis(1);

fn some_limit(random: &mut Random) -> Limit {
    let rate = [5_u64, 50, 333, 1000, 100_000][random.below(5) as usize];
    let capacity = [rate.div_ceil(50), rate, 3 * rate][random.below(3) as usize];
    Limit::per_second(rate).capacity(capacity.max(2))
}

fn some_load(random: &mut Random) -> Load {
    match random.below(5) {
        0 => Load::Quiet,
        1 => Load::Waiters(1 + random.below(20) as usize),
        2 => Load::Hammer(MS * (1 + random.below(30) as u32)),
        3 => Load::Arrivals(MS * (2 + random.below(500) as u32)),
        _ => Load::Tries(MS * (2 + random.below(500) as u32)),
    }
}

/// A world with all faults: lost requests and replies, stopped processes, deaths, outages, stops
/// and failovers of the engine, and changing loads.
fn stormy<const N: usize>(seed: u64, limits: impl FnOnce(&mut Random) -> [Limit; N]) -> World<N> {
    let mut random = Random::new(seed);
    let limits = limits(&mut random);
    let mut world = World::new(seed, limits);
    world.loses = [0, 10_000, 200_000][random.below(3) as usize];
    let processes = 1 + random.below(16) as usize;
    for _ in 0..processes {
        let amounts = limits.map(|limit| 1 + random.below(limit.capacity.div_ceil(40)));
        let p = world.join(amounts, some_load(&mut random));
        world.processes[p].latency = (MS / 10, MS * (1 + random.below(20) as u32));
    }
    world.at(MS * random.below(12_000) as u32, Deed::Join(limits.map(|_| 1), some_load(&mut random)));
    for _ in 0..20 {
        let p = random.below(processes as u64) as usize;
        let at = MS * random.below(12_000) as u32;
        match random.below(7) {
            0 => world.at(at, Deed::Suspend(p, MS * (1 + random.below(4000) as u32))),
            1 => {
                world.at(at, Deed::Engine(Fault::Down));
                world.at(at + MS * (1 + random.below(2000) as u32), Deed::Engine(Fault::Up));
            }
            2 => world.at(at, Deed::Engine(Fault::Stop(MS * (1 + random.below(2000) as u32)))),
            3 => world.at(at, Deed::Engine(Fault::FailOver)),
            4 => world.at(at, Deed::Engine(Fault::LoseAll)),
            5 if random.happens(300_000) => world.at(at, Deed::Kill(p)),
            _ => {
                let load = some_load(&mut random);
                world.at(at, Deed::Load(p, load));
            }
        }
    }
    world
}

fn weather<const N: usize>(world: &mut World<N>) {
    for _ in 0..30 {
        world.run_for(MS * 500);
        world.assert_account();
        world.assert_line();
        world.assert_bounds();
    }
}

#[test]
fn account_and_bounds_hold_in_every_weather() {
    for seed in 0..runs(10) {
        weather(&mut stormy(seed, |random| [some_limit(random)]));
    }
}

#[test]
fn account_and_bounds_hold_for_two_streams_in_every_weather() {
    for seed in 1000..1000 + runs(5) {
        weather(&mut stormy(seed, |random| [some_limit(random), some_limit(random)]));
    }
}

/// A saturated fleet whose engine fails over to a copy that is late, or is empty again.
fn fails_over(has_fence: bool, fault: Fault) -> World<1> {
    let mut world = World::new(7, [Limit::per_second(1000).capacity(10_000)]);
    world.engine.has_fence = has_fence;
    world.replicates_every = MS * 100;
    for p in 0..8 {
        world.join([1], Load::Quiet);
        world.at(MS * 1500, Deed::Load(p, Load::Waiters(200)));
    }
    world.at(MS * 2000, Deed::Engine(fault));
    world.run_for(MS * 6000);
    world
}

#[test]
fn failover_admits_nothing_above_bound_b_with_a_fence_and_thousands_without() {
    for fault in [Fault::FailOver, Fault::LoseAll] {
        let world = fails_over(true, fault);
        world.assert_bounds();
        let (fenced, bare) = (&world.audits[0], &fails_over(false, fault).audits[0]);
        assert_eq!(fenced.tokens_over_b(), 0);
        assert!(bare.tokens_over_b() > 5000, "{fault:?}: {} over", bare.tokens_over_b());
    }
}

/// Eight processes hold a chunk each, stop for three seconds and go on at once.
fn wakes_up(looks_at_expiry: bool) -> World<1> {
    let mut world = World::new(3, [Limit::per_second(20_000).capacity(20_000)]);
    for p in 0..8 {
        world.join([1], Load::Arrivals(MS));
        world.processes[p].looks_at_expiry = looks_at_expiry;
        world.at(MS * 650 + MS * 7 * p as u32, Deed::Suspend(p, MS * 3000));
    }
    world.run_for(MS * 6000);
    world
}

#[test]
fn suspended_process_uses_nothing_that_expired() {
    let world = wakes_up(true);
    world.assert_bounds();
    world.assert_account();
    for process in &world.processes {
        assert_eq!(process.used_expired, 0);
    }
    let bare = wakes_up(false);
    assert!(bare.processes.iter().any(|process| process.used_expired > 0), "the fault is not seen");
}

#[test]
fn suspension_of_hours_and_late_processes_keep_every_guarantee() {
    let hour = Duration::from_secs(3600);
    let mut world = World::new(8, [Limit::per_second(100).capacity(300)]);
    for p in 0..4 {
        world.join([1], [Load::Waiters(8), Load::Arrivals(MS * 40), Load::Hammer(MS * 50), Load::Tries(MS * 30)][p]);
        world.at(MS * (2500 + 13 * p as u32), Deed::Suspend(p, hour * (1 + p as u32)));
    }
    // Another joins while some are still suspended, and one when all are back.
    world.at(MS * 3000, Deed::Join([1], Load::Tries(MS * 400)));
    world.at(hour * 2, Deed::Load(4, Load::Quiet));
    world.at(hour * 4 + MS * 10_000, Deed::Join([1], Load::Waiters(8)));
    world.run_for(MS * 4000);
    let before: Vec<u64> = world.processes.iter().map(|process| process.used[0]).collect();
    for (p, before) in before.into_iter().enumerate().take(4) {
        world.run_until(Time::ZERO.after(hour * (1 + p as u32)));
        assert_eq!(world.processes[p].used[0], before, "process {p} is suspended");
        world.run_for(MS * 5000);
        assert!(world.processes[p].used[0] > before, "process {p} is back");
        // The others are quiet until the last is back.
        if p < 3 {
            world.at(hour * (1 + p as u32) + MS * 8000, Deed::Load(p, Load::Quiet));
        }
        world.assert_account();
        world.assert_bounds();
    }
    for p in 0..3 {
        world.at(hour * 4 + MS * 9000, Deed::Load(p, Load::Waiters(8)));
    }
    world.run_until(Time::ZERO.after(hour * 4 + MS * 15_000));
    let before: Vec<u64> = world.processes.iter().map(|process| process.used[0]).collect();
    world.run_for(MS * 20_000);
    let used: Vec<u64> = world.processes.iter().zip(before).map(|(process, before)| process.used[0] - before).collect();
    assert!(used.iter().sum::<u64>() >= 1980, "{used:?}");
    let late = used[5];
    assert!(late * 3 >= used[0] * 2 && late * 2 <= used[0] * 3, "who joined late has its share: {used:?}");
    for process in &world.processes {
        assert_eq!(process.used_expired, 0);
    }
    world.assert_account();
    world.assert_line();
    world.assert_bounds();
}
