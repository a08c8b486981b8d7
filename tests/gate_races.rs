//! A gate that others are faster than, between its look and its takes. A key whose hash acts stands
//! for them: a gate hashes it once to look, and once more to take.

#![cfg(feature = "keys")]

mod timers;

use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use timers::{Again, Never};
use tollgate::clock::{ManualClock, Time};
use tollgate::gate::{Charge, GateRefused, LimitSeen, Reason};
use tollgate::{Clock, Gate, KeyedBuckets, Limit, MultiBucket, TokenBucket};

type Act = Box<dyn FnMut() + Send>;

/// A key that acts when it is hashed for the second time from now.
#[derive(Clone)]
struct Thief(Arc<Mutex<Option<(u32, Act)>>>);

impl Thief {
    fn idle() -> Self {
        Self(Arc::default())
    }

    /// Acts once: after the look, and before the take.
    fn act(&self, act: impl FnMut() + Send + 'static) {
        *self.0.lock().unwrap() = Some((2, Box::new(act)));
    }

    fn has_acted(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

impl Hash for Thief {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(0);
        let mut armed = self.0.lock().unwrap();
        if let Some((left, _)) = &mut *armed {
            *left -= 1;
            if *left == 0 {
                let act = armed.take();
                drop(armed);
                act.into_iter().for_each(|(_, mut act)| act());
            }
        }
    }
}

impl PartialEq for Thief {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Thief {}

impl fmt::Debug for Thief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Thief")
    }
}

/// A clock that stands still and notes who reads it.
#[derive(Clone)]
struct Noted(Arc<Mutex<Vec<&'static str>>>, &'static str);

impl Clock for Noted {
    fn now(&self) -> Time {
        self.0.lock().unwrap().push(self.1);
        Time::ZERO
    }
}

type Shared = Arc<ManualClock>;

fn keys(clock: &Shared, thief: &Thief) -> KeyedBuckets<Thief, 1, Shared> {
    let keys = KeyedBuckets::with_clock(Limit::per_second(10), 100, Arc::clone(clock)).unwrap();
    keys.try_take(thief, 1).unwrap(); // known from now on
    keys
}

fn indices<'a>(limits: impl Iterator<Item = LimitSeen<'a>>) -> Vec<usize> {
    limits.map(|limit| limit.index()).collect()
}

/// Two limits before the widest, which loses its last token between the look and the take: what was
/// refused, and what the narrow limits have.
fn lost(charge: Charge) -> ([u64; 2], u64, u64) {
    let (clock, thief) = (Shared::default(), Thief::idle());
    let narrow = MultiBucket::with_clock([Limit::per_second(10)], Arc::clone(&clock)).unwrap();
    let keys = keys(&clock, &thief);
    let service = Arc::new(TokenBucket::with_clock(Limit::per_second(1), Arc::clone(&clock)).unwrap());
    thief.act({
        let service = Arc::clone(&service);
        move || assert!(service.try_take(1).is_ok())
    });
    let gate = Gate::new().and(&narrow, [2]).charged(charge).and(keys.bucket(&thief), 3).and(&service, 1);
    let refused = gate.try_take().unwrap_err();
    assert!(thief.has_acted());
    assert_eq!((indices(refused.violated()), refused.wait()), (vec![2], Some(Duration::from_secs(1))));
    assert_eq!(refused.limit(2).unwrap().available(), [0], "what the take found, not what the look did");
    ([narrow.available()[0], keys.available(&thief)], narrow.snapshot().sequence(), service.available())
}

#[test]
fn a_lost_race_gives_back_what_narrow_limits_gave() {
    assert_eq!(lost(Charge::OnAdmission), ([10, 9], 2, 0));
}

#[test]
fn a_lost_race_counts_as_an_attempt_where_attempts_count() {
    assert_eq!(lost(Charge::OnAttempt), ([8, 9], 1, 0));
}

/// The widest is taken from last, so it never gives back: who holds its last token never sees it.
#[test]
fn a_race_that_a_narrow_limit_loses_never_touches_the_widest() {
    let (clock, thief) = (Shared::default(), Thief::idle());
    let keys = Arc::new(keys(&clock, &thief));
    let service = MultiBucket::with_clock([Limit::per_second(1)], Arc::clone(&clock)).unwrap();
    thief.act({
        let (keys, other) = (Arc::clone(&keys), Thief::idle());
        move || assert!(keys.try_take(&other, 9).is_ok())
    });
    let refused = Gate::new().and(keys.bucket(&thief), 1).and(&service, [1]).try_take().unwrap_err();
    assert!(thief.has_acted());
    assert_eq!((indices(refused.violated()), service.snapshot().sequence()), (vec![0], 0));
}

#[test]
fn a_lost_race_gives_back_the_last_first() {
    let notes = Arc::default();
    let noted = |name| Noted(Arc::clone(&notes), name);
    let thief = Thief::idle();
    let narrow = TokenBucket::with_clock(Limit::per_second(10), noted("narrow")).unwrap();
    let keys = KeyedBuckets::<Thief, 1, _>::with_clock(Limit::per_second(10), 100, noted("key")).unwrap();
    let service = Arc::new(TokenBucket::with_clock(Limit::per_second(1), noted("service")).unwrap());
    keys.try_take(&thief, 1).unwrap();
    thief.act({
        let (service, notes) = (Arc::clone(&service), Arc::clone(&notes));
        move || {
            service.try_take(1).unwrap();
            notes.lock().unwrap().clear();
        }
    });
    let gate = Gate::new().and(&narrow, 1).and(keys.bucket(&thief), 1).and(&service, 1);
    assert!(gate.try_take().is_err());
    assert_eq!(*notes.lock().unwrap(), ["key", "narrow"]);
}

/// Somebody begins to wait between the look and the take: the take does not overtake it.
#[test]
fn a_take_overtakes_nobody_who_begins_to_wait_after_the_look() {
    let (clock, thief) = (Shared::default(), Thief::idle());
    let keys = keys(&clock, &thief);
    let service = Arc::new(TokenBucket::with_clock(Limit::per_second(5), Arc::clone(&clock)).unwrap());
    service.try_take(2).unwrap();
    let waiting = Arc::new(Mutex::new(None));
    thief.act({
        let (service, waiting) = (Arc::clone(&service), Arc::clone(&waiting));
        move || {
            let service = Arc::clone(&service);
            let mut wait = Box::pin(async move { service.take_on(5, Never).await });
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            *waiting.lock().unwrap() = Some(wait);
        }
    });
    let refused = Gate::new().and(keys.bucket(&thief), 1).and(&service, 1).try_take().unwrap_err();
    assert!(thief.has_acted());
    assert_eq!(indices(refused.violated()), [1]);
    assert_eq!((keys.available(&thief), service.available()), (9, 3));
}

/// A look respects those who wait: nothing is taken, and nothing goes back.
#[test]
fn a_look_overtakes_nobody_and_a_refusal_writes_nothing() {
    let clock = Shared::default();
    let narrow = MultiBucket::with_clock([Limit::per_second(10)], Arc::clone(&clock)).unwrap();
    let service = TokenBucket::with_clock(Limit::per_second(5), Arc::clone(&clock)).unwrap();
    service.try_take(2).unwrap();
    let mut wait = pin!(service.take_on(5, Never));
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let gate = Gate::new().and(&narrow, [1]).and(&service, 1);
    assert!(gate.peek().is_err());
    let refused = gate.try_take().unwrap_err();
    assert_eq!((indices(refused.violated()), service.available()), (vec![1], 3));
    assert!(refused.wait() >= Some(Duration::from_millis(600)), "five for the one before, and one: {refused:?}");
    assert_eq!(narrow.snapshot().sequence(), 0);
}

#[test]
fn a_key_without_room_is_told_apart_and_narrower_limits_get_theirs_back() {
    let clock = Shared::default();
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1, Arc::clone(&clock)).unwrap();
    keys.try_take(&1, 5).unwrap();
    let narrow = TokenBucket::with_clock(Limit::per_second(10), Arc::clone(&clock)).unwrap();
    let refused = Gate::new().and(&narrow, 1).and(keys.bucket(&2), 1).try_take().unwrap_err();
    assert_eq!(refused.limit(1).unwrap().reason(), Some(Reason::NoRoom));
    assert_eq!(narrow.available(), 10);
    fn boxed<S>(refused: GateRefused<S>) -> Box<dyn std::error::Error>
    where
        GateRefused<S>: std::error::Error + 'static,
    {
        refused.into()
    }
    // Now it is known, so a look sees it; and a call succeeds at the stated wait.
    let gate = || Gate::new().and(&narrow, 1).and(keys.bucket(&2), 1);
    let seen = gate().peek().unwrap_err();
    assert_eq!((seen.limit(1).unwrap().reason(), seen.wait()), (Some(Reason::NoRoom), refused.wait()));
    assert_eq!((gate().try_take().unwrap_err().wait(), narrow.available()), (refused.wait(), 10));
    clock.advance(refused.wait().unwrap());
    assert!(gate().peek().is_ok() && gate().try_take().is_ok());
    assert!(boxed(refused).to_string().starts_with("limit 1: no room"));
}

#[test]
fn what_the_overflow_gave_goes_back_there() {
    let clock = Shared::default();
    let keys = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 1, Arc::clone(&clock)).unwrap();
    let keys = keys.with_shared_overflow();
    keys.try_take(&1, 5).unwrap();
    let service = TokenBucket::with_clock(Limit::per_second(100), Arc::clone(&clock)).unwrap();
    let gate = Gate::new().and(keys.bucket(&2), 4).and(&service, 1);
    let granted = gate.try_take().unwrap();
    assert_eq!((granted.limit(0).unwrap().available(), keys.available(&2)), (&[6][..], 6));
    granted.settle(|limit, amounts| amounts[0] = if limit == 0 { 1 } else { amounts[0] }).unwrap();
    assert_eq!(keys.available(&3), 9, "all keys without room share it");
    gate.try_take().unwrap().put_back();
    assert_eq!(keys.available(&3), 9);
    keys.bucket(&2).estimate(9).unwrap().keep_on_drop().settle([9]).unwrap();
    // A wait takes from there, too.
    let mut wait = pin!(gate.take_on(Again));
    let mut poll = || wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll().is_pending());
    clock.advance(Duration::from_millis(400));
    let Poll::Ready(Ok(granted)) = poll() else { panic!("it is due") };
    assert_eq!(keys.available(&3), 0);
    granted.put_back();
    assert_eq!(keys.available(&3), 4);
}

#[test]
fn keys_of_several_streams_and_buckets_are_one_decision() {
    let clock = Shared::default();
    let limits = [Limit::per_second(10), Limit::per_second(1000)];
    let tenants = KeyedBuckets::<String, 2, _>::with_clock(limits, 100, Arc::clone(&clock)).unwrap();
    let users = KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(5), 100, Arc::clone(&clock)).unwrap();
    let service = MultiBucket::with_clock([Limit::per_second(100); 3], Arc::clone(&clock)).unwrap();
    let gate =
        |bytes| Gate::new().and(users.bucket(&7), 1).and(tenants.bucket("acme"), [1, bytes]).and(&service, [1, 2, 3]);
    let granted = gate(600).try_take().unwrap();
    let left: Vec<&[u64]> = granted.limits().map(|limit| limit.available()).collect();
    assert_eq!(left, [&[4][..], &[9, 400], &[99, 98, 97]]);
    let refused = gate(500).try_take().unwrap_err();
    assert_eq!((indices(refused.violated()), refused.limit(1).unwrap().stream()), (vec![1], Some(1)));
    assert_eq!(refused.wait(), Some(Duration::from_millis(100)));
    granted.put_back();
    assert_eq!((users.available(&7), tenants.available("acme"), service.available()), (5, [10, 1000], [100; 3]));
}
