//! Owns the tests of how a fleet shares what accrues: use, shares, and trips. Never a fault.

use std::time::Duration;

use tollgate::Limit;

use super::process::Load;
use super::random::runs;
use super::world::World;

const MS: Duration = Duration::from_millis(1);

/// What each process used of stream 0 within `time`, after five seconds in which shares settle.
fn shares<const N: usize>(world: &mut World<N>, time: Duration) -> Vec<u64> {
    world.run_for(MS * 5000);
    let before: Vec<u64> = world.processes.iter().map(|process| process.used[0]).collect();
    world.run_for(time);
    world.assert_account();
    world.assert_line();
    world.assert_bounds();
    let used = world.processes.iter().zip(before);
    used.map(|(process, before)| process.used[0] - before).collect()
}

fn assert_shares(used: &[u64], rate: u64, time: Duration, world: &str) {
    let sum: u64 = used.iter().sum();
    let accrued = rate * time.as_millis() as u64 / 1000;
    assert!(sum * 100 >= accrued * 99, "{world}: {sum} of {accrued} used");
    let (least, most) = (used.iter().min().unwrap(), used.iter().max().unwrap());
    assert!(most * 2 <= least * 3, "{world}: shares {used:?}");
}

fn assert_trips<const N: usize>(world: &World<N>) {
    for (p, process) in world.processes.iter().enumerate() {
        let most = process.most_trips_in_a_second;
        assert!(most <= 20, "process {p}: {most} trips in a second");
    }
}

const LOADS: [Load; 2] = [Load::Waiters(64), Load::Hammer(MS)];

#[test]
fn saturated_fleet_uses_what_accrues_in_equal_shares_with_few_trips() {
    let limits = [(1_000_000, 1_000_000, 500), (1_000_000, 10_000, 500), (1000, 100, 1), (50, 50, 1), (50, 1, 1)];
    for (seed, (rate, capacity, amount)) in limits.into_iter().enumerate() {
        for (turn, processes) in [1, 2, 8, 16].into_iter().enumerate() {
            // One load each, in turn, or both.
            for load in LOADS.into_iter().cycle().skip(seed + turn).take(runs(1).min(2) as usize) {
                let mut world = World::new(seed as u64, [Limit::per_second(rate).capacity(capacity)]);
                for _ in 0..processes {
                    world.join([amount], load);
                }
                let time = if rate == 50 { MS * 60_000 } else { MS * 20_000 };
                let used = shares(&mut world, time);
                assert_shares(&used, rate, time, &format!("{processes} at {rate}/s of {capacity}, {load:?}"));
                assert_trips(&world);
            }
        }
    }
}

#[test]
fn saturated_fleet_shares_two_streams_by_the_scarcer_one() {
    for (requests, bytes, scarce_rate) in [(1000, 10_000_000, 1000), (1_000_000, 100_000, 100)] {
        for processes in [1, 2, 8, 16] {
            let limits = [Limit::per_second(requests).capacity(requests), Limit::per_second(bytes).capacity(bytes)];
            let mut world = World::new(5, limits);
            for _ in 0..processes {
                world.join([1, 1000], Load::Waiters(64));
            }
            let used = shares(&mut world, MS * 20_000);
            assert_shares(&used, scarce_rate, MS * 20_000, &format!("{processes} at {requests} and {bytes}/s"));
            assert_trips(&world);
        }
    }
}

#[test]
fn unequal_latencies_and_demands_get_equal_shares_while_all_want_more() {
    for rate in [1_000_000, 1000] {
        let mut world = World::new(11, [Limit::per_second(rate).capacity(rate)]);
        for p in 0..8_u32 {
            // Each wants far more than its share, up to nine times as much as another.
            let load = if p % 2 == 0 { Load::Waiters(8 + 8 * p as usize) } else { Load::Hammer(MS * (1 + p)) };
            let p = world.join([rate / 1000], load);
            world.processes[p].latency = (MS / 5, MS * (1 + p as u32));
        }
        let used = shares(&mut world, MS * 20_000);
        assert_shares(&used, rate, MS * 20_000, &format!("at {rate}/s"));
        assert_trips(&world);
    }
}

#[test]
fn low_demand_is_served_in_full_beside_a_saturated_fleet() {
    let mut world = World::new(12, [Limit::per_second(1000).capacity(1000)]);
    for _ in 0..4 {
        world.join([1], Load::Waiters(64));
    }
    // A tenth of the rate; a fifth would be its share.
    let low = world.join([1], Load::Arrivals(MS * 10));
    let used = shares(&mut world, MS * 20_000);
    assert!(world.processes[low].queue.len() < 50, "{} wait", world.processes[low].queue.len());
    assert!(used[low] > 1800, "{} of about 2000", used[low]);
    assert_shares(&used[..4], 900, MS * 20_000, "the others");
}

#[test]
fn trips_are_at_most_twenty_a_second_at_any_load() {
    for load in [Load::Hammer(MS / 50), Load::Tries(MS / 10), Load::Arrivals(MS), Load::Arrivals(MS * 40)] {
        for (rate, capacity) in [(1_000_000, 1_000_000), (100, 10), (1, 1)] {
            let mut world = World::new(13, [Limit::per_second(rate).capacity(capacity)]);
            for _ in 0..3 {
                world.join([1], load);
            }
            world.loses = 50_000;
            world.run_for(MS * 4000);
            assert_trips(&world);
        }
    }
}

#[test]
fn taker_waits_only_for_its_first_tokens_when_tokens_abound() {
    let mut world = World::new(14, [Limit::per_second(1_000_000).capacity(1_000_000)]);
    let p = world.join([1], Load::Arrivals(MS / 20));
    world.run_for(MS * 2000);
    let process = &mut world.processes[p];
    (process.served, process.waited, process.longest_wait) = (0, Duration::ZERO, Duration::ZERO);
    world.run_for(MS * 10_000);
    let process = &world.processes[p];
    assert!(process.served > 190_000);
    // A few may come when a chunk is used up early.
    assert!(process.waited < MS * 2000, "{:?} in all, of {}", process.waited, process.served);
    assert!(process.longest_wait < MS * 150, "{:?}", process.longest_wait);
}
