//! The bound: in every window of every length,
//! `granted <= capacity + rate * (window + precision) + put back`, with any number of threads and
//! any clocks.

mod common;

use std::thread;
use std::time::Duration;

use common::{Naive, Producer, Random, Verbs, audit, nanos};
use portable_atomic::{AtomicU64, Ordering::SeqCst};
use tollgate::clock::ManualClock;
use tollgate::{Clock, Limit, MultiBucket, TokenBucket};

const ORIGIN: u64 = 1_000_000_000;
const THREADS: u64 = 4;
const SEEDS: u64 = 3;

/// A change of state: the reading that it was decided on, and two tickets between which it
/// happened.
#[derive(Clone, Copy, Debug)]
struct Change<const N: usize> {
    at: u64,
    tokens: [u64; N],
    tickets: (u64, u64),
}

#[derive(Default, Debug)]
struct Log<const N: usize> {
    grants: Vec<Change<N>>,
    put_backs: Vec<Change<N>>,
    refused: u64,
}

/// Four threads take, each on a clock that is ahead or behind, that stalls, and now and then shows
/// a reading from long ago or before construction. Real time does not matter; the clock that the
/// readings are taken from is moved by whoever makes a call.
fn hammer<const N: usize, V: Verbs<N>>(
    seed: u64,
    calls: u64,
    limits: [Limit; N],
    give_back: bool,
    caller: impl Fn() -> V + Sync,
) -> Log<N> {
    let clock = ManualClock::starting_at(nanos(ORIGIN));
    let tickets = AtomicU64::new(0);
    // About what a token takes in the slowest stream. A call moves the clock by half of it, and
    // asks for more than that refills.
    let token =
        limits.map(|limit| limit.rate.period().as_nanos() as u64 / limit.rate.tokens() + 2).into_iter().max().unwrap();
    let largest = limits.map(|limit| {
        let refill = u128::from(limit.rate.tokens()) * u128::from(token) / limit.rate.period().as_nanos();
        limit.capacity.min(2 * refill as u64 + 3)
    });
    let thread = |id: u64| {
        let (mut bucket, mut random, mut log) = (caller(), Random((seed << 8) | id), Log::default());
        let skew = random.below(4 * token);
        let mut reading = ORIGIN;
        for _ in 0..calls {
            clock.advance(Duration::from_nanos(random.below(token)));
            match random.below(16) {
                0..4 => (),
                4 => reading = random.below(ORIGIN),
                5 => reading = ORIGIN + random.below(clock.now().as_nanos() - ORIGIN + 1),
                _ if id % 2 == 0 => reading = clock.now().as_nanos() + skew,
                _ => reading = clock.now().as_nanos().saturating_sub(skew),
            }
            let tokens = std::array::from_fn(|i| random.below(largest[i] + 1));
            // A time before construction counts as construction.
            let change = |tokens, before| Change {
                at: reading.saturating_sub(ORIGIN),
                tokens,
                tickets: (before, tickets.fetch_add(1, SeqCst)),
            };
            let before = tickets.fetch_add(1, SeqCst);
            match random.below(8) {
                0 if give_back => {
                    bucket.put_back(nanos(reading), tokens);
                    log.put_backs.push(change(tokens, before));
                }
                1 => {
                    let items = bucket.take_up_to(nanos(reading), 3, [1; N]);
                    log.grants.push(change([items; N], before));
                }
                _ => match bucket.try_take(nanos(reading), tokens) {
                    Ok(()) => log.grants.push(change(tokens, before)),
                    Err(_) => log.refused += 1,
                },
            }
        }
        log
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|id| scope.spawn(move || thread(id))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).fold(Log::default(), |mut all, log| {
            all.grants.extend(log.grants);
            all.put_backs.extend(log.put_backs);
            all.refused += log.refused;
            all
        })
    })
}

/// Every window of one stream, in time quadratic in the grants. What was put back counts if it may
/// have happened between the first and the last ticket of the window's grants.
fn audit_with_put_backs<const N: usize>(limit: Limit, stream: usize, log: &Log<N>) -> Result<(), String> {
    let model = Naive::new(limit);
    let mut grants: Vec<_> = log.grants.iter().filter(|grant| grant.tokens[stream] > 0).collect();
    grants.sort_unstable_by_key(|grant| grant.at);
    // How much had begun to be put back before each ticket, and how much had ended.
    let tickets = log.grants.iter().chain(&log.put_backs).map(|change| change.tickets.1).max().unwrap_or(0) as usize;
    let (mut begun, mut ended) = (vec![0; tickets + 2], vec![0; tickets + 2]);
    for change in &log.put_backs {
        begun[change.tickets.0 as usize + 1] += change.tokens[stream];
        ended[change.tickets.1 as usize + 1] += change.tokens[stream];
    }
    for ticket in 1..tickets + 2 {
        begun[ticket] += begun[ticket - 1];
        ended[ticket] += ended[ticket - 1];
    }
    for (i, first) in grants.iter().enumerate() {
        let (mut granted, mut from, mut to) = (0, usize::MAX, 0);
        for last in &grants[i..] {
            granted += last.tokens[stream];
            (from, to) = (from.min(last.tickets.0 as usize), to.max(last.tickets.1 as usize));
            let (window, put_back) = (last.at - first.at, begun[to] - ended[from]);
            if granted > model.most_in(window) + put_back {
                return Err(format!("{limit}: {granted} tokens in {window} ns from {}, {put_back} put back", first.at));
            }
        }
    }
    Ok(())
}

/// Runs the threads with several seeds, first without put-backs and then with them, and audits
/// every window of every stream.
fn holds<const N: usize>(limits: [Limit; N], hammer: impl Fn(u64, u64, bool) -> Log<N>) {
    for seed in 0..SEEDS {
        let (log, with_put_backs) = (hammer(seed, 2000, false), hammer(seed, 300, true));
        for (stream, limit) in limits.into_iter().enumerate() {
            let mut grants: Vec<_> = log.grants.iter().map(|grant| (grant.at, grant.tokens[stream])).collect();
            audit(limit, &mut grants).unwrap_or_else(|over| panic!("stream {stream}, seed {seed}: {over}"));
            let granted: u64 = grants.iter().map(|(_, n)| n).sum();
            assert!(granted > 3 * limit.capacity && log.refused > 0, "stream {stream}, seed {seed}: {granted} {limit}");
            audit_with_put_backs(limit, stream, &with_put_backs)
                .unwrap_or_else(|over| panic!("stream {stream}, seed {seed}, with put-backs: {over}"));
        }
        assert!(with_put_backs.refused > 0 && !with_put_backs.put_backs.is_empty(), "seed {seed}");
    }
}

fn clock() -> ManualClock {
    ManualClock::starting_at(nanos(ORIGIN))
}

fn limits() -> [Limit; 8] {
    [
        ("1000/s", 10),
        ("7/s", 1),
        ("1/3s", 3),
        ("1M/s", 50),
        ("333/s", 10),
        ("1MiB/s", 100),
        ("12.5G/s", 200),
        ("64GiB/s", 500),
    ]
    .map(|(rate, capacity)| Limit::new(rate.parse().unwrap(), capacity))
}

#[test]
fn it_holds_for_a_token_bucket() {
    for limit in limits().into_iter().chain(limits().map(Limit::empty)) {
        holds([limit], |seed, calls, give_back| {
            let bucket = TokenBucket::with_clock(limit, clock()).unwrap();
            hammer(seed, calls, [limit], give_back, || &bucket)
        });
    }
}

/// The streams of a bucket, and through `handle` or not.
fn holds_for_streams<const N: usize>(limits: [Limit; N]) {
    holds(limits, |seed, calls, give_back| {
        let bucket = MultiBucket::with_clock(limits, clock()).unwrap();
        hammer(seed, calls, limits, give_back, || &bucket)
    });
    holds(limits, |seed, calls, give_back| {
        let bucket = MultiBucket::<N, _, 16>::with_slots(limits, clock()).unwrap();
        hammer(seed, calls, limits, give_back, || Producer(bucket.handle().unwrap(), &bucket))
    });
}

#[test]
fn it_holds_for_one_stream_and_its_handles() {
    limits().into_iter().for_each(|limit| holds_for_streams([limit]));
}

#[test]
fn it_holds_for_two_streams_and_their_handles() {
    let [thousand, .., kilo, mega, fast, fastest] = limits();
    holds_for_streams([thousand, kilo]);
    holds_for_streams([kilo, mega.capacity(3000).empty()]);
    holds_for_streams([fast, fastest]);
}

#[test]
fn it_holds_for_eight_streams_and_their_handles() {
    holds_for_streams(std::array::from_fn::<_, 8, _>(|i| Limit::per_second(1000 + i as u64).capacity(10 + i as u64)));
}

/// Readings of a real clock, each made by the thread that uses it.
#[test]
#[cfg(feature = "std")]
fn it_holds_on_a_real_clock() {
    let limit = Limit::per_second(10_000_000).capacity(10);
    let bucket = TokenBucket::with_clock(limit, tollgate::clock::InstantClock::new()).unwrap();
    let grants = thread::scope(|scope| {
        let taker = || {
            let take = |_| {
                let now = bucket.clock().now();
                bucket.at(now).try_take(1).ok().map(|_| (now.as_nanos(), 1))
            };
            (0..50_000).filter_map(take).collect::<Vec<_>>()
        };
        let takers = [(); 4].map(|()| scope.spawn(taker));
        takers.map(|taker| taker.join().unwrap()).concat()
    });
    assert!(grants.len() >= 10, "{} grants", grants.len());
    audit(limit, &mut { grants }).unwrap();
}

#[test]
fn the_audits_notice_one_token_too_many() {
    for limit in limits() {
        // A full burst, and what has been refilled when the bucket is half full again, which is
        // what the bound allows; and then one more.
        let window = limit.rate.period().as_nanos() as u64 * limit.capacity / limit.rate.tokens() / 2;
        let most = Naive::new(limit).most_in(window);
        let grants = |extra| [(5, limit.capacity), (5 + window, most - limit.capacity + extra)];
        assert_eq!(audit(limit, &mut grants(0)), Ok(()), "{limit}");
        assert!(audit(limit, &mut grants(1)).is_err(), "{limit}");
        // The last of them counts only if a put-back may have come in between.
        let log = |extra, put_back: (u64, u64)| Log {
            grants: grants(extra).map(|(at, n)| Change { at, tokens: [n], tickets: (at, at + 1) }).into(),
            put_backs: vec![Change { at: 0, tokens: [1], tickets: put_back }],
            refused: 0,
        };
        let tickets = |mut log: Log<1>| {
            log.grants[0].tickets = (2, 3);
            log.grants[1].tickets = (6, 7);
            audit_with_put_backs(limit, 0, &log)
        };
        assert!(tickets(log(1, (0, 1))).is_err() && tickets(log(1, (8, 9))).is_err(), "{limit}");
        assert_eq!([tickets(log(0, (8, 9))), tickets(log(1, (4, 5)))], [Ok(()), Ok(())], "{limit}");
    }
}
