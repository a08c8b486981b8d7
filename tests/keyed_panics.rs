//! Keys whose hash panics: no key is lost, no lock stays held, and no count goes wrong.
#![cfg(feature = "keys")]

use std::cell::Cell;
use std::future::{Future, Pending, pending};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Waker};
use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::wait::Timer;
use tollgate::{KeyedBuckets, Limit};

thread_local! {
    /// The key whose hash panics.
    static BAD: Cell<u64> = const { Cell::new(u64::MAX) };
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Key(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        assert!(self.0 != BAD.get(), "key {} is hashed", self.0);
        hasher.write_u64(self.0);
    }
}

/// Puts all keys into one shard.
#[derive(Default)]
struct Same;

impl Hasher for Same {
    fn finish(&self) -> u64 {
        7
    }

    fn write(&mut self, _: &[u8]) {}
}

type Keys<'c> = KeyedBuckets<Key, 1, &'c ManualClock, BuildHasherDefault<Same>>;

/// A timer that never ends.
struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Pending<()> {
        pending()
    }
}

const HOUR: Duration = Duration::from_secs(3600);

/// Next to nothing accrues in an hour.
fn make(clock: &ManualClock) -> Keys<'_> {
    let limit = Limit::per_day(1).capacity(1000);
    let keys = KeyedBuckets::with_hasher(limit, 10_000, clock, BuildHasherDefault::default()).unwrap();
    keys.try_take(&Key(0), 1).unwrap();
    keys
}

/// Calls this where the hash of key 0 panics. Whether the call did.
fn panics(call: impl FnOnce()) -> bool {
    BAD.set(0);
    let panicked = catch_unwind(AssertUnwindSafe(call)).is_err();
    BAD.set(u64::MAX);
    panicked
}

/// Takes so many tokens of each key from `first` on as its number, until the keys of the shard have
/// to move, and the hash of key 0 panics. Returns the key that did not come in.
fn fill(keys: &Keys<'_>, first: u64) -> u64 {
    let stays_out = |key: &u64| panics(|| assert!(keys.try_take(&Key(*key), *key).is_ok()));
    (first..500).find(stays_out).expect("the shard grows")
}

fn assert_levels(keys: &Keys<'_>, of: Range<u64>) {
    of.for_each(|key| assert_eq!(keys.available(&Key(key)), 1000 - key, "key {key}"));
}

#[test]
fn a_shard_whose_growth_a_hash_interrupts_has_all_its_keys() {
    let clock = ManualClock::new();
    let keys = make(&clock);
    let out = fill(&keys, 1);
    assert_eq!(keys.len() as u64, out);
    assert_levels(&keys, 1..out);
    // It grows at the next call, and goes on.
    let next = fill(&keys, {
        keys.try_take(&Key(out), out).unwrap();
        out + 1
    });
    assert!(next > out + 20);
    assert_eq!(keys.len() as u64, next);
    assert_levels(&keys, 1..next);
}

#[test]
fn a_pause_whose_end_a_hash_interrupts_keeps_its_key() {
    let clock = ManualClock::new();
    let keys = make(&clock);
    keys.try_take(&Key(1), 1).unwrap();
    keys.pause_for(&Key(1), HOUR).unwrap();
    let out = fill(&keys, 2);
    clock.advance(HOUR);
    assert!(panics(|| assert!(keys.try_take(&Key(1), 1).is_ok())));
    assert!(panics(|| keys.shrink()));
    assert_levels(&keys, 1..out);
    keys.shrink();
    assert_levels(&keys, 1..out);
    assert_eq!(keys.len() as u64, out);
}

#[test]
fn a_key_whose_last_waiter_leaves_as_a_hash_panics_is_kept() {
    let clock = ManualClock::new();
    let keys = make(&clock);
    let wait = || {
        let mut wait = Box::pin(keys.bucket(&Key(1)).take_on(1000, Never));
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        wait
    };
    keys.try_take(&Key(1), 1).unwrap();
    let waits = wait();
    let out = fill(&keys, 2);
    assert!(panics(|| drop(waits)));
    assert_levels(&keys, 1..out);
    drop(wait());
    assert_levels(&keys, 1..out);
    assert_eq!(keys.len() as u64, out);
    clock.advance(HOUR * 24 * 1000);
    keys.shrink();
    assert_eq!(keys.len(), 0, "nobody waits, so all may go");
}
