//! An adaptive client finds the limit of a server that answers 429: simulated requests, with time
//! moved by hand.
//!
//! The server is a token bucket of its own. The client always wants more: it sends as soon as its
//! bucket grants, with a bounded number of requests in flight. Half of a request's latency passes
//! before the server decides.

use std::collections::BTreeMap;
use std::time::Duration;

use tollgate::adaptive::{Adaptive, Cubic, Outcome};
use tollgate::clock::ManualClock;
use tollgate::limit::Ratio;
use tollgate::{Limit, MultiBucket, TokenBucket};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLI;

#[derive(Clone, Copy)]
struct World {
    /// The server's limit, in requests a second.
    server: u64,
    burst: u64,
    /// The client's own limit, in requests a second.
    client: u64,
    /// In seconds; 0 for none.
    retry_after: u64,
    in_flight: usize,
    /// In milliseconds, from and to.
    latency: (u64, u64),
    seed: u64,
}

const WORLD: World =
    World { server: 100, burst: 10, client: 1000, retry_after: 1, in_flight: 4, latency: (5, 50), seed: 1 };

/// What the client has found after some unpaused time.
#[derive(Debug)]
struct Found {
    /// The client's rate at the end, in requests a second.
    rate: f64,
    /// Requests granted a second, over the last 10 s of unpaused time.
    granted: f64,
    refusals: u64,
}

impl Found {
    /// Whether what the server granted is that near to its limit, and the rate, too.
    fn is_within(&self, limit: u64, granted: f64, rate: f64) -> bool {
        let off = |found: f64| 100.0 * (found / limit as f64 - 1.0).abs();
        off(self.granted) <= granted && off(self.rate) <= rate
    }
}

enum Event {
    Arrives,
    Returns(Outcome),
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end.max(1)
    }
}

fn policy() -> Cubic {
    Cubic::new(Duration::from_secs(15), Ratio::percent(90))
}

/// Runs for that many seconds that were not paused.
fn run(world: World, seconds: u64) -> Found {
    let World { server, burst, client, retry_after, in_flight, latency: (from, to), seed } = world;
    let clock = ManualClock::new();
    let server = TokenBucket::with_clock(Limit::per_second(server).capacity(burst), &clock).unwrap();
    let bucket = MultiBucket::with_clock([Limit::per_second(client).capacity(5)], &clock).unwrap();
    let client = Adaptive::new(bucket, policy()).unwrap();
    let retry_after = Some(Duration::from_secs(retry_after)).filter(|wait| !wait.is_zero());
    let (mut random, mut events, mut id, mut flying) = (Random(seed), BTreeMap::new(), 0_u64, 0);
    let (mut now, mut unpaused, mut granted, mut refusals) = (0, 0, 0, 0);
    while unpaused < seconds * SECOND {
        clock.set(tollgate::clock::Time::from_nanos(now));
        while let Some(((at, _), _)) = events.first_key_value() {
            if *at > now {
                break;
            }
            let (_, event) = events.pop_first().unwrap();
            id += 1;
            match event {
                Event::Arrives => {
                    let outcome = match server.try_take(1) {
                        Ok(_) => Outcome::Granted,
                        Err(_) => Outcome::Refused { retry_after },
                    };
                    events.insert(
                        (now + (from * MILLI + random.below((to - from) * MILLI)) / 2, id),
                        Event::Returns(outcome),
                    );
                }
                Event::Returns(outcome) => {
                    client.observe(outcome);
                    flying -= 1;
                    granted += u64::from(outcome == Outcome::Granted && unpaused >= (seconds - 10) * SECOND);
                    refusals += u64::from(outcome != Outcome::Granted);
                }
            }
        }
        while flying < in_flight && client.bucket().try_take([1]).is_ok() {
            flying += 1;
            id += 1;
            events.insert((now + (from * MILLI + random.below((to - from) * MILLI)) / 2, id), Event::Arrives);
        }
        // A pause with nothing in flight has no events, so its end is the next instant.
        let pause = client.bucket().pause_left().unwrap().as_nanos() as u64;
        let step = if pause > 0 && flying == 0 { pause } else { MILLI / 2 };
        unpaused += if pause > 0 { 0 } else { step };
        now += step;
    }
    let rate = client.bucket().limit().rate;
    Found { rate: rate.tokens() as f64 / rate.period().as_secs_f64(), granted: granted as f64 / 10.0, refusals }
}

/// The claim of the docs. 30 s of unpaused time, and 12 refusals at most.
#[test]
fn the_limit_is_found_beside_pauses() {
    for retry_after in [1, 5, 30] {
        for seed in 0..if cfg!(miri) { 1 } else { 8 } {
            let found = run(World { retry_after, seed, ..WORLD }, 30);
            println!("100/s, Retry-After {retry_after} s, seed {seed}: {found:?}");
            assert!(found.is_within(100, 10.0, 10.0) && found.refusals <= 12, "{found:?}");
        }
        // Without latency a refusal stops the very next request.
        let found = run(World { retry_after, latency: (0, 0), in_flight: 1, ..WORLD }, 30);
        println!("100/s, Retry-After {retry_after} s, no latency: {found:?}");
        assert!(found.is_within(100, 10.0, 10.0) && found.refusals <= 12, "{found:?}");
    }
}

/// A burst worth a second blurs the limit. So does one worth 10 ms, as requests overtake each other
/// by up to 22 ms: the server refuses some far below its limit.
#[test]
#[cfg_attr(miri, ignore = "slow")]
fn other_limits_are_found() {
    for (server, burst, client, in_flight, most) in
        [(10, 10, 1000, 4, 24), (100, 10, 1000, 32, 40), (1000, 10, 10_000, 64, 90), (1000, 100, 10_000, 64, 70)]
    {
        for retry_after in [1, 5, 30] {
            for seed in 0..2 {
                let found = run(World { server, burst, client, in_flight, retry_after, seed, ..WORLD }, 60);
                println!("{server}/s, burst {burst}, Retry-After {retry_after} s, {in_flight} in flight: {found:?}");
                assert!(found.is_within(server, 20.0, 30.0) && found.refusals <= most, "{found:?}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "slow")]
fn the_limit_is_found_without_pauses() {
    for seed in 0..4 {
        let found = run(World { retry_after: 0, seed, ..WORLD }, 30);
        println!("100/s, no Retry-After, seed {seed}: {found:?}");
        assert!(found.is_within(100, 12.0, 12.0) && found.refusals <= 60, "{found:?}");
    }
}
