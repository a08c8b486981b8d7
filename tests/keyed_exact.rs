//! Keyed buckets against a model that never evicts: equal answers, operation for operation, while
//! keys come and go and limits change.
//!
//! `TOLLGATE_KEYED_OPERATIONS` sets the number of operations of each test. The full run:
//!
//! ```text
//! TOLLGATE_KEYED_OPERATIONS=10000000 cargo test --release --features keys --test keyed_exact
//! ```
#![cfg(feature = "keys")]

mod common;

use std::collections::HashMap;
use std::io::Write;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use common::Random;
use tollgate::clock::ManualClock;
use tollgate::keyed::{KeyRefused, NoRoom};
use tollgate::{KeyedBuckets, Limit, Rate, Refused};

type Keys = KeyedBuckets<u64, 1, ManualClock>;

/// Keys of a thread, and places for all: a quarter of them has to be absent.
const KEYS: u64 = 1000;

fn operations() -> u64 {
    let stated = std::env::var("TOLLGATE_KEYED_OPERATIONS");
    stated.map_or(200_000, |stated| stated.parse().expect("TOLLGATE_KEYED_OPERATIONS is a number"))
}

/// A bucket in whole tokens and nanoseconds. Every rate here is whole tokens a nanosecond, so
/// nothing is ever rounded.
#[derive(Clone, Copy, Debug)]
struct Naive {
    rate: i64,
    capacity: i64,
    level: i64,
    at: i64,
}

impl Naive {
    fn new(rate: i64, capacity: i64) -> Self {
        Self { rate, capacity, level: capacity, at: 0 }
    }

    fn pass(&mut self, now: i64) {
        self.level = (self.level + self.rate * (now - self.at)).min(self.capacity);
        self.at = now;
    }

    fn change(&mut self, now: i64, rate: i64, capacity: i64) {
        self.pass(now);
        *self = Self { rate, capacity, level: self.level.min(capacity), at: now };
    }
}

/// The keys of one thread, and a key that nobody ever used.
struct Model {
    unused: Naive,
    keys: HashMap<u64, Naive>,
    without_room: u64,
    /// Whether the rate changes at this instant, before or after any operation.
    rate_changes: bool,
}

/// Ends the process if a thread panics: the others would wait for it at the barrier for ever.
struct EndsAll;

impl Drop for EndsAll {
    fn drop(&mut self) {
        if thread::panicking() {
            // Past the capture of the test runner, which would keep it.
            let _ = writeln!(std::io::stderr(), "a thread disagrees with its model: run it with --nocapture");
            std::process::exit(101);
        }
    }
}

impl Model {
    fn change(&mut self, now: i64, rate: i64, capacity: i64) {
        self.unused.change(now, rate, capacity);
        self.keys.values_mut().for_each(|key| key.change(now, rate, capacity));
    }

    /// Does one operation to a key, and to its model. What they answer is equal, and so is what is
    /// left. A key without room is one that nobody can tell from one never seen.
    fn step(&mut self, keys: &Keys, key: u64, now: i64, random: &mut Random) {
        self.unused.pass(now);
        let (unused, rate_changes) = (self.unused, self.rate_changes);
        let model = self.keys.entry(key).or_insert(unused);
        model.pass(now);
        let before = *model;
        let n = random.below(unused.capacity as u64 + 3);
        let amount = n as i64;
        let no_room = |refused: KeyRefused| match refused {
            KeyRefused::NoRoom(refusal) => refusal,
            KeyRefused::Bucket(refused) => panic!("key {key} at {now}: {refused}; {before:?}"),
        };
        let operation = random.below(10);
        let done: Result<(), NoRoom> = match operation {
            0..=3 => match keys.try_take(&key, n) {
                Ok(_) => {
                    assert!(amount == 0 || amount <= before.level, "key {key} at {now}: {n} granted; {before:?}");
                    model.level -= amount;
                    Ok(())
                }
                Err(KeyRefused::Bucket(refused)) => {
                    assert!(amount > before.level, "key {key} at {now}: {n} refused; {before:?}");
                    match refused {
                        Refused::Never(_) => assert!(amount > before.capacity, "{refused}"),
                        Refused::Closed | Refused::Cancelled => panic!("nobody closes it"),
                        Refused::NotYet(not_yet) if before.rate > 0 && !rate_changes => {
                            let wait = (amount - before.level).div_euclid(before.rate)
                                + i64::from((amount - before.level) % before.rate > 0);
                            assert_eq!(not_yet.wait(), Some(Duration::from_nanos(wait as u64)), "{n} of {before:?}");
                        }
                        Refused::NotYet(_) => {}
                    }
                    Ok(())
                }
                Err(KeyRefused::NoRoom(refusal)) => Err(refusal),
            },
            4 | 5 => {
                let fits = before.level.clamp(0, amount);
                let taken = keys.take_up_to(&key, n, 1) as i64;
                // Nothing is granted to a key without room.
                let without_room = taken == 0 && before.level == unused.level;
                assert!(taken == fits || without_room, "key {key} at {now}: {taken} of {n}; {before:?}");
                model.level -= taken;
                Ok(())
            }
            6 | 7 => {
                keys.put_back(&key, n);
                model.level = (before.level + amount).min(unused.level);
                Ok(())
            }
            8 => keys.charge(&key, n).map(|()| model.level -= amount).map_err(no_room),
            _ => keys.reset(&key, n).map(|()| model.level = amount.min(unused.level)),
        };
        if let Err(refusal) = done {
            self.without_room += 1;
            assert_eq!(before.level, unused.level, "key {key} at {now}: {refusal}");
        }
        let left = model.level.max(0);
        assert_eq!(keys.available(&key) as i64, left, "key {key} at {now} after {operation} of {n}; {before:?}");
    }
}

fn limit((rate, capacity): (i64, i64)) -> Limit {
    Limit::new(Rate::per_second(rate as u64 * 1_000_000_000), capacity as u64)
}

/// Threads with keys of their own, at one instant at a time. At an instant one thread changes the
/// rate beside the others, which changes no level. Between two instants all agree on another
/// capacity.
fn agree(threads: u64) {
    const ROUND: u64 = 250;
    let first = (2, 20);
    let max_keys = (threads * KEYS) as usize / 4;
    let keys = Keys::with_clock(limit(first), max_keys, ManualClock::new()).unwrap().with_keep(Duration::from_nanos(3));
    let (keys, barrier) = (&keys, &Barrier::new(threads as usize));
    let rounds = operations() / threads / ROUND;
    let without_room: u64 = thread::scope(|scope| {
        let work = |thread: u64| {
            move || {
                let (rate, capacity) = first;
                let unused = Naive::new(rate, capacity);
                let mut model = Model { unused, keys: HashMap::new(), without_room: 0, rate_changes: false };
                let _ends_all = EndsAll;
                // What all threads do alike, and what each does.
                let (mut common, mut random) = (Random(7), Random(100 + thread));
                let (mut now, mut capacity) = (0, capacity);
                for round in 0..rounds {
                    barrier.wait();
                    now += common.below(6) as i64;
                    if thread == 0 {
                        keys.clock().set(common::nanos(now as u64));
                    }
                    let change = common.below(4) == 0;
                    let rate = if change { common.below(4) as i64 } else { model.unused.rate };
                    if change && common.below(2) == 0 {
                        capacity = 1 + common.below(40) as i64;
                        barrier.wait();
                        if thread == 0 {
                            keys.set_limits(limit((rate, capacity))).unwrap();
                        }
                        model.change(now, rate, capacity);
                    }
                    barrier.wait();
                    model.rate_changes = change;
                    for i in 0..ROUND {
                        if change && thread == round % threads && i == ROUND / 2 {
                            keys.set_limits(limit((rate, capacity))).unwrap();
                        }
                        if random.below(5000) == 0 {
                            keys.shrink();
                        }
                        let key = random.below(KEYS) * threads + thread;
                        model.step(keys, key, now, &mut random);
                    }
                    if change {
                        model.change(now, rate, capacity);
                    }
                    assert!(keys.len() <= max_keys);
                }
                model.without_room
            }
        };
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(work(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert!(without_room > 0, "the bound was never reached");
}

#[test]
fn one_thread_agrees_with_buckets_that_are_never_evicted() {
    agree(1);
}

#[test]
fn four_threads_agree_with_buckets_that_are_never_evicted() {
    agree(4);
}
