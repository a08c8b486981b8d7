//! Owns the tests of a long life: idleness, low demand, changes of limits, outages. Never a race.

use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use super::process::Load;
use super::random::runs;
use super::world::{Deed, Fault, World};
use crate::lease::step::Standing;

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[test]
fn idle_process_gives_all_back_within_a_term_and_then_makes_no_trips() {
    for load in [Load::Hammer(MS), Load::Arrivals(MS), Load::Arrivals(MS * 300), Load::Waiters(20)] {
        let mut world = World::new(1, [Limit::per_second(1000).capacity(5000)]);
        for p in 0..4 {
            world.join([1], load);
            world.at(MS * 3000, Deed::Load(p, Load::Quiet));
        }
        world.run_for(MS * 3000 + world.settings.term);
        let trips: Vec<u64> = world.processes.iter().map(|process| process.trip).collect();
        for process in &world.processes {
            assert_eq!(process.account().held, [0], "{load:?}");
        }
        world.run_for(DAY);
        let after: Vec<u64> = world.processes.iter().map(|process| process.trip).collect();
        assert_eq!(trips, after, "{load:?}");
        assert_eq!(world.engine.level(), [5000]);
        world.assert_account();
        world.assert_bounds();
    }
}

#[test]
fn low_demand_ends_in_one_trip_a_request_with_a_chunk_of_one_request() {
    let mut world = World::new(2, [Limit::per_second(1000).capacity(5000)]);
    let p = world.join([7], Load::Arrivals(MS * 2000));
    world.run_for(Duration::from_secs(60));
    let (trips, served, granted) = (world.processes[p].trip, world.processes[p].served, world.engine.granted[0]);
    world.run_for(Duration::from_secs(3600));
    let process = &world.processes[p];
    let (trips, served) = (process.trip - trips, process.served - served);
    let granted = (world.engine.granted[0] - granted) / 7;
    assert!(served > 1500);
    // Requests that come within an instant of one another share a trip, or make it fetch more once.
    assert!(trips >= served * 9 / 10 && trips <= served * 11 / 10, "{trips} trips for {served}");
    assert!(granted >= served && granted <= served * 11 / 10, "{granted} granted for {served}");
    world.assert_account();
}

#[test]
fn what_comes_back_and_is_fetched_again_does_not_grow() {
    let mut world = World::new(3, [Limit::per_second(1000).capacity(100_000)]);
    for p in 0..8 {
        world.join([1], Load::Hammer(MS));
        world.at(MS * 2000, Deed::Load(p, Load::Quiet));
    }
    world.run_for(MS * 4000);
    let (granted, returned) = (world.engine.granted[0], world.engine.returned[0]);
    world.run_for(Duration::from_secs(3600));
    assert_eq!((world.engine.granted[0], world.engine.returned[0]), (granted, returned));
    assert!(returned < granted / 2);
}

#[test]
fn change_of_limits_reaches_every_process_within_a_term() {
    for (from, to) in [((1000, 1000), (100, 50)), ((100, 50), (2000, 5000))] {
        let mut world = World::new(4, [Limit::per_second(from.0).capacity(from.1)]);
        for p in 0..8 {
            let load = [Load::Hammer(MS), Load::Arrivals(MS * 50), Load::Waiters(20), Load::Tries(MS * 200)][p % 4];
            world.join([1], load);
        }
        world.run_for(MS * 3000);
        world.at(MS * 3000, Deed::Limits([Limit::per_second(to.0).capacity(to.1)]));
        world.run_for(world.settings.term + MS * 300);
        for (p, process) in world.processes.iter().enumerate() {
            assert_eq!(process.holder.terms().revision, 2, "process {p}");
            let known = process.holder.never(world.now, [to.1 + 1]);
            assert!(known.is_none_or(|never| never == (0, to.1)));
        }
        let used: u64 = world.processes.iter().map(|process| process.used[0]).sum();
        world.run_for(MS * 10_000);
        let used = world.processes.iter().map(|process| process.used[0]).sum::<u64>() - used;
        assert!(used * 100 >= to.0 * 990 && used <= to.0 * 10 + to.1 + to.0, "{used} at {}/s", to.0);
        world.assert_account();
        world.assert_bounds();
    }
}

#[test]
fn amounts_above_the_new_capacity_are_never() {
    let mut world = World::new(5, [Limit::per_second(1000).capacity(1000)]);
    let p = world.join([600], Load::Arrivals(MS * 700));
    world.run_for(MS * 3000);
    assert_eq!(world.processes[p].holder.never(world.now, [600]), None);
    world.at(MS * 3000, Deed::Limits([Limit::per_second(1000).capacity(500)]));
    world.run_for(MS * 3000);
    assert_eq!(world.processes[p].holder.never(world.now, [600]), Some((0, 500)));
    assert_eq!(world.processes[p].holder.ready_in(&world.processes[p].pool, world.now, [600]), None);
}

#[test]
fn fleet_uses_what_accrues_again_within_a_second_after_an_outage() {
    for (seed, fault) in [Fault::Down, Fault::Stop(MS * 3000)].into_iter().enumerate() {
        for length in [100, 700, 3000_u32] {
            let mut world = World::new(seed as u64, [Limit::per_second(1000).capacity(10)]);
            for _ in 0..4 {
                world.join([1], Load::Waiters(50));
            }
            world.run_for(MS * 5000);
            let fault = if fault == Fault::Down { fault } else { Fault::Stop(MS * length) };
            world.at(MS * 5000, Deed::Engine(fault));
            world.at(MS * (5000 + length), Deed::Engine(Fault::Up));
            world.run_for(MS * length);
            if length > 1000 {
                for process in &world.processes {
                    assert!(matches!(process.holder.standing(world.now), Standing::Away { .. }));
                }
            }
            let mut used = [0; 4];
            for (used, process) in used.iter_mut().zip(&world.processes) {
                *used = process.used[0];
            }
            world.run_for(MS * 1000);
            for (used, process) in used.iter_mut().zip(&world.processes) {
                assert!(process.used[0] > *used, "{fault:?} for {length} ms");
                assert_eq!(process.holder.standing(world.now), Standing::InContact);
                *used = process.used[0];
            }
            world.run_for(MS * 2000);
            let sum: u64 = world.processes.iter().zip(used).map(|(process, used)| process.used[0] - used).sum();
            assert!(sum >= 1950, "{sum} in two seconds after {fault:?} for {length} ms");
            world.assert_account();
            world.assert_bounds();
        }
    }
}

#[test]
fn many_days_at_low_and_changing_demand_keep_every_guarantee() {
    let mut world = World::new(7, [Limit::per_second(20).capacity(100)]);
    for p in 0..3 {
        let p = world.join([1 + p], Load::Quiet);
        world.processes[p].latency = (MS, MS * 5);
    }
    let days = runs(60) as u32;
    for day in 0..days {
        for p in 0..3_usize {
            let load = match world.random.below(4) {
                0 => Load::Quiet,
                1 => Load::Arrivals(Duration::from_secs(600)),
                2 => Load::Tries(Duration::from_secs(300)),
                _ => Load::Arrivals(Duration::from_secs(3600)),
            };
            world.at(DAY * day, Deed::Load(p, load));
            // A minute of rush.
            let rush = DAY * day + Duration::from_secs(40_000 + 1000 * p as u64);
            world.at(rush, Deed::Load(p, Load::Arrivals(MS * 200)));
            world.at(rush + Duration::from_secs(60), Deed::Load(p, load));
        }
        if day % 10 == 7 {
            world.at(DAY * day + MS * 40_030_000, Deed::Engine(Fault::FailOver));
        }
        world.run_until(Time::ZERO.after(DAY * (day + 1)));
        world.assert_account();
    }
    world.assert_line();
    world.assert_bounds();
    for process in &world.processes {
        assert!(process.served > u64::from(days) * 140, "{}", process.served);
        assert!(process.longest_wait < MS * 1500, "{:?}", process.longest_wait);
        assert!(process.trip < process.served * 3, "{} trips for {}", process.trip, process.served);
    }
}
