//! A gate: one decision over several buckets.

mod common;
mod timers;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::{Naive, Random, nanos};
use timers::Again;
use tollgate::clock::{ManualClock, Time};
use tollgate::gate::{Charge, LimitSeen, Reason};
use tollgate::{Clock, Gate, LeakyBucket, Limit, MultiBucket, Never, Refused, TokenBucket};

fn bucket(limit: Limit) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(limit, ManualClock::new()).unwrap()
}

fn indices<'a>(limits: impl Iterator<Item = LimitSeen<'a>>) -> Vec<usize> {
    limits.map(|limit| limit.index()).collect()
}

/// Random takes, put-backs and looks at a gate of three limits, four streams, against buckets in
/// exact arithmetic that are taken from all or nothing.
#[test]
fn a_gate_agrees_with_exact_buckets_that_are_taken_from_all_or_nothing() {
    const RATES: [u64; 8] = [1, 2, 5, 7, 40, 100, 1000, 2000];
    let (mut granted, mut refused_calls) = (0, 0);
    for seed in 0..20 {
        let mut random = Random(seed);
        let limits: [Limit; 4] = std::array::from_fn(|_| {
            let limit = Limit::per_second(RATES[random.below(8) as usize]).capacity(random.below(30) + 1);
            if random.below(2) == 0 { limit.empty() } else { limit }
        });
        let client = bucket(limits[0]);
        let team = MultiBucket::with_clock([limits[1], limits[2]], ManualClock::new()).unwrap();
        let service = LeakyBucket::from(MultiBucket::with_clock([limits[3]], ManualClock::new()).unwrap());
        let mut exact = limits.map(Naive::new);
        let mut now = 0;
        for call in 0..2000 {
            now += random.below(20_000_000);
            let amounts: [u64; 4] = std::array::from_fn(|i| random.below(limits[i].capacity / 2 + 2));
            let gate = Gate::new().and(&client, amounts[0]).and(&team, [amounts[1], amounts[2]]);
            let gate = gate.and(&service, amounts[3]).at(nanos(now));
            let wait = |exact: &[Naive; 4], i: usize| match amounts[i] {
                n if n > limits[i].capacity => None,
                n => exact[i].wait(now, n),
            };
            let left = |exact: &[Naive; 4]| -> Vec<u64> {
                exact.iter().zip(limits).map(|(one, limit)| one.items(now, now, 1, limit.capacity).0).collect()
            };
            let fits = (0..4).all(|i| wait(&exact, i) == Some(0));
            assert_eq!(gate.peek().is_ok(), fits, "seed {seed}, call {call}");
            match gate.try_take() {
                Ok(grant) => {
                    assert!(fits, "seed {seed}, call {call}");
                    (0..4).for_each(|i| exact[i].take(now, amounts[i]));
                    let said: Vec<u64> = grant.limits().flat_map(|limit| limit.available().to_vec()).collect();
                    assert_eq!(said, left(&exact), "seed {seed}, call {call}");
                    granted += 1;
                    if random.below(8) == 0 {
                        grant.put_back();
                        (0..4).for_each(|i| exact[i].put_back(now, amounts[i]));
                    }
                }
                Err(refused) => {
                    assert!(!fits, "seed {seed}, call {call}");
                    refused_calls += 1;
                    let short: [bool; 4] = std::array::from_fn(|i| wait(&exact, i) != Some(0));
                    let short = [short[0], short[1] || short[2], short[3]];
                    let violated: Vec<usize> = (0..3).filter(|limit| short[*limit]).collect();
                    assert_eq!(indices(refused.violated()), violated, "seed {seed}, call {call}");
                    let longest = (0..4).try_fold(0, |longest: i128, i| Some(longest.max(wait(&exact, i)?)));
                    let longest = longest.map(|nanos| Duration::from_nanos(nanos as u64));
                    assert_eq!(refused.wait(), longest, "seed {seed}, call {call}");
                    let said: Vec<u64> = refused.limits().flat_map(|limit| limit.available().to_vec()).collect();
                    assert_eq!(said, left(&exact), "seed {seed}, call {call}");
                }
            }
        }
    }
    assert!(granted > 1000 && refused_calls > 1000, "{granted} granted, {refused_calls} refused");
}

/// Buckets made by `new` have clocks of different origins. One reading for all of them would grant
/// what lies between.
#[test]
fn limits_are_each_decided_at_their_own_clock() {
    let old = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap();
    old.clock().advance(Duration::from_secs(1000));
    let young = TokenBucket::with_clock(Limit::per_second(10).empty(), ManualClock::new()).unwrap();
    for refused in [
        Gate::new().and(&old, 1).and(&young, 1).try_take().map(|_| ()).unwrap_err().limit(1).unwrap().is_refused(),
        Gate::new().and(&young, 1).and(&old, 1).try_take().map(|_| ()).unwrap_err().limit(0).unwrap().is_refused(),
    ] {
        assert!(refused);
    }
    young.clock().advance(Duration::from_millis(100));
    assert!(Gate::new().and(&old, 1).and(&young, 1).try_take().is_ok());
    assert_eq!((old.available(), young.available()), (9, 0));
}

#[test]
fn a_refusal_writes_nothing_to_any_limit() {
    let clock = ManualClock::new();
    let narrow = MultiBucket::with_clock([Limit::per_second(10)], &clock).unwrap();
    let wide = MultiBucket::with_clock([Limit::per_second(10).empty()], &clock).unwrap();
    for _ in 0..3 {
        assert!(Gate::new().and(&narrow, [1]).and(&wide, [1]).try_take().is_err());
        assert!(Gate::new().and(&wide, [1]).and(&narrow, [1]).try_take().is_err());
    }
    assert_eq!((narrow.snapshot().sequence(), wide.snapshot().sequence()), (0, 0));
}

#[test]
fn an_attempt_counts_up_to_the_first_limit_that_refuses() {
    let limit = Limit::per_second(10);
    let (a, b, c) = (bucket(limit), bucket(limit), bucket(limit.empty()));
    let attempt = |first, second| {
        let gate = Gate::new().and(&a, 2).charged(first).and(&b, 3).charged(second).and(&c, 1);
        assert_eq!(indices(gate.try_take().unwrap_err().violated()), [2]);
        (a.available(), b.available())
    };
    assert_eq!(attempt(Charge::OnAdmission, Charge::OnAdmission), (10, 10));
    assert_eq!(attempt(Charge::OnAttempt, Charge::OnAdmission), (8, 10));
    assert_eq!(attempt(Charge::OnAdmission, Charge::OnAttempt), (8, 7));
    assert_eq!(attempt(Charge::OnAttempt, Charge::OnAttempt), (6, 4));
    // The narrower one refuses: the call does not reach the other.
    let gate = Gate::new().and(&a, 7).charged(Charge::OnAttempt).and(&b, 3).charged(Charge::OnAttempt).and(&c, 1);
    assert_eq!(indices(gate.try_take().unwrap_err().violated()), [0, 2]);
    assert_eq!((a.available(), b.available()), (6, 4));
    // What an attempt left is what the refusal says, and the limit did not refuse.
    let refused = Gate::new().and(&a, 2).charged(Charge::OnAttempt).and(&c, 1).try_take().unwrap_err();
    assert_eq!(refused.limit(0).unwrap().available(), [4]);
    assert!(!refused.limit(0).unwrap().is_refused());
    // A look counts nothing.
    assert!(Gate::new().and(&a, 2).charged(Charge::OnAttempt).and(&c, 1).peek().is_err());
    assert_eq!(a.available(), 4);
}

/// An attempt that counts may leave too little for the next call.
#[test]
fn the_wait_of_a_refusal_counts_the_attempt() {
    let clock = &ManualClock::new();
    let client = TokenBucket::with_clock(Limit::per_second(10).capacity(1), clock).unwrap();
    let service = TokenBucket::with_clock(Limit::per_second(20).empty(), clock).unwrap();
    let gate = Gate::new().and(&client, 1).charged(Charge::OnAttempt).and(&service, 1);
    let refused = gate.try_take().unwrap_err();
    assert_eq!(indices(refused.violated()), [1]);
    let waits: Vec<_> = refused.limits().map(|limit| limit.wait().unwrap().as_millis()).collect();
    assert_eq!(waits, [100, 50]);
    let wait = refused.wait().unwrap();
    clock.advance(wait - Duration::from_nanos(1));
    assert!(gate.peek().is_err());
    clock.advance(Duration::from_nanos(1));
    assert!(gate.try_take().is_ok());
}

#[test]
fn an_admitted_call_counts_once_whatever_is_charged() {
    let (a, b) = (bucket(Limit::per_second(10)), bucket(Limit::per_second(10)));
    let gate = Gate::new().and(&a, 2).charged(Charge::OnAttempt).and(&b, 3).charged(Charge::OnAttempt);
    let granted = gate.try_take().unwrap();
    assert_eq!((a.available(), b.available()), (8, 7));
    granted.put_back();
    assert_eq!((a.available(), b.available()), (10, 10));
}

#[test]
fn what_no_wait_helps_is_told_apart() {
    let (client, service) = (bucket(Limit::per_second(10).empty()), bucket(Limit::per_second(5).empty()));
    let never = Gate::new().and(&client, 1).and(&service, 6).try_take().unwrap_err();
    assert_eq!(never.wait(), None);
    let reasons: Vec<_> = never.violated().map(|limit| (limit.reason().unwrap(), limit.wait())).collect();
    let reason = Reason::Never(Never { stream: 0, requested: 6, capacity: 5 });
    assert_eq!(reasons, [(Reason::NotYet, Some(Duration::from_millis(100))), (reason, None)]);
    assert_eq!(
        never.to_string(),
        "limit 0: not enough tokens in stream 0 for another 100ms; limit 1: 6 tokens requested of stream 0, where \
         5 is the most"
    );
    let own = never.limit(1).unwrap().refused().unwrap();
    assert!(matches!(own.downcast_ref::<Refused>(), Some(Refused::Never(_))));

    // Nobody knows how long: a rate of 0.
    let stopped = bucket(Limit::per_second(0).capacity(5).empty());
    let unknown = Gate::new().and(&client, 1).and(&stopped, 1).try_take().unwrap_err();
    assert_eq!((unknown.wait(), unknown.limit(1).unwrap().reason()), (None, Some(Reason::NotYet)));
}

#[cfg(feature = "std")]
#[test]
fn a_closed_limit_is_told_apart_and_the_others_are_not_touched() {
    let (client, service) = (bucket(Limit::per_second(10)), bucket(Limit::per_second(5)));
    service.close();
    let closed = Gate::new().and(&client, 1).and(&service, 1).try_take().unwrap_err();
    assert_eq!((closed.wait(), closed.limit(1).unwrap().reason()), (None, Some(Reason::Closed)));
    assert_eq!((indices(closed.violated()), client.available()), (vec![1], 10));
}

#[test]
fn a_paused_limit_refuses_with_the_wait_until_it_grants() {
    let clock = ManualClock::new();
    let client = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    let service = MultiBucket::with_clock([Limit::per_second(5)], &clock).unwrap();
    service.pause_for(Duration::from_secs(3));
    let gate = Gate::new().and(&client, 1).and(&service, [1]);
    let refused = gate.try_take().unwrap_err();
    assert_eq!(refused.wait(), Some(Duration::from_secs(3)));
    assert_eq!(refused.limit(1).unwrap().available(), [0]);
    clock.advance(Duration::from_secs(3));
    assert!(gate.try_take().is_ok());
}

#[test]
fn an_amount_of_0_leaves_a_limit_out() {
    let (client, service) = (bucket(Limit::per_second(10)), bucket(Limit::per_second(5).empty()));
    let granted = Gate::new().and(&client, 1).and(&service, 0).try_take().unwrap();
    assert_eq!(granted.limit(1).unwrap().available(), [0]);
    assert_eq!((client.available(), service.available()), (9, 0));
}

#[test]
fn eight_limits_are_one_decision() {
    let clock = &ManualClock::new();
    let made: [_; 8] =
        std::array::from_fn(|i| TokenBucket::with_clock(Limit::per_second(10 + i as u64), clock).unwrap());
    let [a, b, c, d, e, f, g, h] = &made;
    let gate = Gate::new().and(a, 1).and(b, 1).and(c, 1).and(d, 1).and(e, 1).and(f, 1).and(g, 1).and(h, 17);
    let granted = gate.try_take().unwrap();
    assert_eq!(indices(granted.limits()), (0..8).collect::<Vec<_>>());
    assert_eq!(indices(gate.try_take().unwrap_err().violated()), [7]);
    granted.put_back();
    assert!(made.iter().enumerate().all(|(i, bucket)| bucket.available() == 10 + i as u64));
}

#[cfg(feature = "alloc")]
#[test]
fn a_gate_over_shared_buckets_can_be_kept_and_sent() {
    let clock = Arc::new(ManualClock::new());
    let bucket = |limit| Arc::new(TokenBucket::with_clock(limit, Arc::clone(&clock)).unwrap());
    let (client, service) = (bucket(Limit::per_second(10)), bucket(Limit::per_second(20)));
    let gate = Gate::new().and(Arc::clone(&client), 1).and(Arc::clone(&service), 2);
    let granted = std::thread::spawn(move || gate.try_take().unwrap()).join().unwrap();
    assert_eq!((client.available(), service.available()), (9, 18));
    granted.put_back();
    assert_eq!((client.available(), service.available()), (10, 20));
}

#[test]
fn settling_corrects_each_limit_and_names_the_one_that_cannot_bear_it() {
    let clock = ManualClock::new();
    let client = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    let limits = [Limit::per_second(100), Limit::per_second(1000)];
    let service = MultiBucket::with_clock(limits, &clock).unwrap();
    let granted = Gate::new().and(&client, 4).and(&service, [1, 500]).try_take().unwrap();
    let mut seen = Vec::new();
    granted
        .settle(|limit, amounts| {
            seen.push((limit, amounts.to_vec()));
            if limit == 0 { amounts[0] = 1 } else { amounts[1] = 1800 }
        })
        .unwrap();
    assert_eq!(seen, [(0, vec![4]), (1, vec![1, 500])]);
    assert_eq!((client.available(), service.available()), (9, [99, 0]));
    assert_eq!(service.wait_for([0, 1]).unwrap(), Some(Duration::from_millis(801)), "a debt of 800");

    let granted = Gate::new().and(&client, 4).and(&service, [1, 0]).try_take().unwrap();
    let refused = granted.settle(|limit, amounts| amounts[0] = if limit == 0 { 0 } else { u64::MAX }).unwrap_err();
    assert_eq!(indices(refused.violated()), [1]);
    assert_eq!((client.available(), service.available()), (9, [98, 0]));
}

/// With a line and without one. Dropped, it takes nothing, also where its turn has come and it was
/// not polled since.
#[test]
fn a_wait_takes_from_all_limits_or_from_none() {
    let limits = [10, 5].map(|rate| Limit::per_second(rate).empty());
    for dropped_after in [None, Some(50), Some(150), Some(190)] {
        let clock = &ManualClock::new();
        let [narrow, wide] = limits.map(|limit| TokenBucket::with_clock(limit, clock).unwrap());
        let mut wait = Box::pin(Gate::new().and(&narrow, 1).and(&wide, 1).take_on(Again));
        let mut poll = || wait.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(poll().is_pending());
        match dropped_after {
            None => {
                clock.advance(Duration::from_millis(100));
                assert!(poll().is_pending());
                clock.advance(Duration::from_millis(100));
                assert!(matches!(poll(), Poll::Ready(Ok(_))));
                assert_eq!((narrow.available(), wide.available()), (1, 0));
            }
            Some(after) => {
                clock.advance(Duration::from_millis(after));
                if after == 190 {
                    assert!(poll().is_pending());
                }
                drop(wait);
                clock.advance(Duration::from_millis(200 - after));
                assert_eq!((narrow.available(), wide.available()), (2, 1), "dropped after {after} ms");
            }
        }
    }
}

/// What is put back goes back the last first: seen by the clocks that are read for it.
#[test]
fn what_is_put_back_goes_back_the_widest_first() {
    #[derive(Clone)]
    struct Noted(Arc<Mutex<Vec<&'static str>>>, &'static str);

    impl Clock for Noted {
        fn now(&self) -> Time {
            self.0.lock().unwrap().push(self.1);
            Time::ZERO
        }
    }

    let notes = Arc::default();
    let bucket = |name| TokenBucket::with_clock(Limit::per_second(10), Noted(Arc::clone(&notes), name)).unwrap();
    let (narrow, middle, wide) = (bucket("narrow"), bucket("middle"), bucket("wide"));
    notes.lock().unwrap().clear();
    let granted = Gate::new().and(&narrow, 1).and(&middle, 1).and(&wide, 1).try_take().unwrap();
    assert_eq!(*notes.lock().unwrap(), ["narrow", "middle", "wide"], "one reading each, before anything else");
    granted.put_back();
    assert_eq!(notes.lock().unwrap()[3..], ["wide", "middle", "narrow"]);
}

#[test]
fn a_correction_begins_where_the_last_one_ended() {
    let clock = ManualClock::new();
    let client = TokenBucket::with_clock(Limit::per_second(100), &clock).unwrap();
    let service = MultiBucket::with_clock([Limit::per_second(100), Limit::per_second(1000)], &clock).unwrap();
    let has = || (client.available(), service.available(), service.debt());
    let mut granted = Gate::new().and(&client, 1).and(&service, [1, 10]).try_take().unwrap();
    for (sent, left, owed) in [(10, 990, 0), (400, 600, 0), (250, 750, 0), (1500, 0, 500)] {
        let correct = |limit, amounts: &mut [u64]| {
            if limit == 1 {
                amounts[1] = sent;
            }
        };
        granted.correct(correct).unwrap();
        assert_eq!(has(), (99, [99, left], [0, owed]), "{sent}");
    }
    // One that is too much for a limit changes nothing of it, and the next one works.
    let too_much = granted.correct(|_, amounts| amounts[0] = u64::MAX).unwrap_err();
    assert_eq!(indices(too_much.violated()), [0, 1]);
    assert_eq!(has(), (99, [99, 0], [0, 500]));
    granted.correct(|limit, amounts| amounts[limit] = 2).unwrap();
    assert_eq!(has(), (98, [99, 998], [0, 0]));
    granted.put_back();
    assert_eq!(has(), (100, [100, 1000], [0, 0]));
}

#[test]
fn each_stream_of_a_refusal_says_its_own_wait() {
    let clock = ManualClock::new();
    let limits = [Limit::per_second(10), Limit::per_second(1000).empty(), Limit::per_second(5).empty()];
    let bucket = MultiBucket::with_clock(limits, &clock).unwrap();
    let waits = |amounts: [u64; 3]| {
        let refused = Gate::new().and(&bucket, amounts).try_take().unwrap_err();
        let limit = refused.limit(0).unwrap();
        [0, 1, 2].map(|stream| limit.wait_of(stream).map(|wait| wait.as_millis()))
    };
    assert_eq!(waits([1, 50, 1]), [Some(0), Some(50), Some(200)]);
    assert_eq!(waits([1, 2000, 1]), [Some(0), None, Some(0)]);
    bucket.pause_for(Duration::from_secs(1));
    assert_eq!(waits([1, 50, 1]), [Some(1000), Some(1050), Some(1200)]);
    #[cfg(feature = "std")]
    {
        bucket.close();
        assert_eq!(waits([1, 50, 1]), [None; 3]);
    }
}
