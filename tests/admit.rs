//! A quota that is charged after the fact binds where callers are admitted.

mod common;
mod timers;

use std::time::Duration;

use common::{Random, nanos};
use timers::Never;
use tollgate::clock::ManualClock;
use tollgate::{Clock, Limit, MultiBucket, Refused, TokenBucket};

const SECOND: u64 = 1_000_000_000;

fn requests_and_bytes() -> MultiBucket<2, ManualClock> {
    MultiBucket::with_clock([Limit::per_second(100), Limit::per_second(1000)], ManualClock::new()).unwrap()
}

/// `try_take([1, 0])` looks at no bytes: the same callers get 500 MB in 10 s, under 1 kB/s.
#[test]
fn bytes_that_are_charged_after_the_response_are_bounded_by_one_response_more() {
    const RESPONSE: u64 = 500_000;
    let served = |admit: fn(&MultiBucket<2, ManualClock>) -> bool| {
        let (bucket, mut bytes) = (requests_and_bytes(), 0);
        for _ in 0..1000 {
            bucket.clock().advance(Duration::from_millis(10));
            if admit(&bucket) {
                bucket.charge([0, RESPONSE]).unwrap();
                bytes += RESPONSE;
            }
        }
        bytes
    };
    assert_eq!(served(|bucket| bucket.admit([1, 0]).is_ok()), RESPONSE);
    assert_eq!(served(|bucket| bucket.try_take([1, 0]).is_ok()), 1000 * RESPONSE);
}

#[test]
fn a_stream_in_debt_refuses_also_for_nothing_until_the_nanosecond_in_which_it_is_paid() {
    let mut random = Random(3);
    for rate in ["1000/s", "333/s", "1MiB/s", "7/s"] {
        let limits = [Limit::per_second(1_000_000), Limit::new(rate.parse().unwrap(), 1000)];
        for _ in 0..300 {
            let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
            if random.below(2) == 0 {
                bucket.set_limits(limits).unwrap();
            }
            bucket.clock().advance(Duration::from_nanos(random.below(SECOND)));
            bucket.charge([0, 1001 + random.below(5000)]).unwrap();
            let now = bucket.clock().now();
            for amounts in [[0, 0], [1, 0]] {
                let refused = bucket.admit(amounts).unwrap_err();
                assert_eq!(refused.stream(), 1, "{rate}");
                let wait = refused.wait().unwrap();
                let (before, then) = (nanos(now.after(wait).as_nanos() - 1), now.after(wait));
                assert!(bucket.at(before).admit(amounts).is_err(), "{rate}: {amounts:?} after {wait:?} - 1 ns");
                assert_eq!((bucket.at(before).debt()[1], bucket.at(then).debt()[1]), (1, 0), "{rate}");
                let granted = bucket.at(then).admit(amounts).unwrap();
                assert_eq!(granted.remaining_each()[1], 0, "{rate}");
            }
        }
    }
}

#[test]
fn without_a_debt_it_takes_as_a_take_does() {
    let mut random = Random(5);
    let (admitted, taken) = (requests_and_bytes(), requests_and_bytes());
    for _ in 0..20_000 {
        let (a, b) = (random.below(12), random.below(120));
        let now = admitted.clock().advance(Duration::from_nanos(random.below(SECOND / 10)));
        assert_eq!(admitted.at(now).admit([a, b]), taken.at(now).try_take([a, b]));
    }
    let one = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new()).unwrap();
    assert_eq!(one.admit(4).unwrap().remaining(), 6);
    assert!(matches!(one.admit(11), Err(Refused::Never(_))));
    assert_eq!(one.admit(7).unwrap_err().not_yet().unwrap().available(), 6);
    let handle = taken.handle().unwrap();
    taken.charge([0, 5000]).unwrap();
    assert!(handle.admit([0, 0]).is_err() && handle.try_take([0, 0]).is_ok());
    assert!(handle.debt()[1] > 3000);
}

#[test]
fn a_reservation_that_is_not_ready_counts_as_owed() {
    let bucket = requests_and_bytes();
    let place = bucket.reserve([0, 1000]).unwrap();
    assert!(bucket.admit([1, 0]).is_ok(), "it is ready at once");
    let later = bucket.reserve([0, 500]).unwrap();
    let refused = bucket.admit([1, 0]).unwrap_err();
    assert_eq!((refused.wait(), bucket.debt()), (Some(Duration::from_millis(500)), [0, 500]));
    later.cancel();
    assert!(bucket.admit([1, 0]).is_ok());
    place.commit();
}

#[test]
fn in_a_pause_and_once_closed_nothing_is_admitted_for_nothing() {
    let bucket = requests_and_bytes();
    bucket.pause_for(Duration::from_secs(3));
    for amounts in [[0, 0], [1, 0]] {
        assert_eq!(bucket.admit(amounts).unwrap_err().wait(), Some(Duration::from_secs(3)));
    }
    bucket.pause();
    assert_eq!(bucket.admit([0, 0]).unwrap_err().wait(), None);
    bucket.resume();
    #[cfg(feature = "std")]
    {
        bucket.close();
        assert_eq!(bucket.admit([0, 0]), Err(Refused::Closed));
        assert!(bucket.try_take([0, 0]).is_ok());
    }
}

/// Whoever is admitted will charge the streams that it left out.
#[cfg(feature = "std")]
#[test]
fn nobody_is_admitted_past_those_who_wait_for_any_stream() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    let bucket = requests_and_bytes();
    bucket.try_take([0, 1000]).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut wait = pin!(bucket.take_on([0, 100], Never));
        assert!(wait.as_mut().poll(&mut context).is_pending());
        for amounts in [[1, 0], [0, 0]] {
            let refused = bucket.admit(amounts).unwrap_err();
            assert!(refused.wait() >= Some(Duration::from_millis(100)), "{refused:?}");
        }
        assert!(bucket.try_take([1, 0]).is_ok());
    }
    assert!(bucket.admit([1, 0]).is_ok(), "nobody waits any more, and nothing is owed");
}

#[cfg(feature = "keys")]
#[test]
fn keys_are_admitted_alike() {
    let limits = [Limit::per_second(100), Limit::per_second(1000)];
    let keys = tollgate::KeyedBuckets::<u64, 2, _>::with_clock(limits, 9, ManualClock::new()).unwrap();
    assert_eq!(keys.admit(&1, [0, 0]).unwrap().remaining_each(), [100, 1000]);
    assert_eq!(keys.len(), 0, "nothing was taken");
    keys.admit(&1, [1, 0]).unwrap();
    keys.charge(&1, [0, 2500]).unwrap();
    for amounts in [[0, 0], [1, 0]] {
        let refused = keys.admit(&1, amounts).unwrap_err();
        assert_eq!((refused.wait(), keys.debt(&1)), (Some(Duration::from_millis(1500)), [0, 1500]));
    }
    assert!(keys.try_take(&1, [1, 0]).is_ok() && keys.admit(&2, [1, 0]).is_ok());
    keys.clock().advance(Duration::from_millis(1500));
    assert!(keys.admit(&1, [1, 0]).is_ok());
    keys.block(&1).unwrap();
    assert_eq!(keys.admit(&1, [0, 0]).unwrap_err().wait(), None);
}

#[test]
fn a_debt_is_in_whole_tokens_rounded_up_on_every_bucket() {
    let clock = ManualClock::new();
    let one = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    let two = MultiBucket::with_clock([Limit::per_second(10), Limit::UNLIMITED], &clock).unwrap();
    one.charge(15).unwrap();
    two.charge([15, 99]).unwrap();
    for (millis, debt) in [(0, 5), (99, 5), (100, 4), (101, 4), (499, 1), (500, 0), (900, 0)] {
        clock.set(nanos(millis * 1_000_000));
        assert_eq!((one.debt(), two.debt(), two.snapshot().debt()), (debt, [debt, 0], [debt, 0]), "{millis}");
    }
    assert_eq!((one.limit(), two.limits()[0]), (Limit::per_second(10), Limit::per_second(10)));
}

/// A client's bytes are settled when the response is over: by a gate they bind as by a bucket.
#[test]
fn a_gate_admits_nobody_while_a_limit_is_in_debt() {
    let clock = ManualClock::new();
    let clients = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], &clock).unwrap();
    let service = TokenBucket::with_clock(Limit::per_second(100), &clock).unwrap();
    let gate = tollgate::Gate::new().and(&clients, [1, 0]).and(&service, 1);
    let nothing = tollgate::Gate::new().and(&clients, [0, 0]).and(&service, 0);
    let granted = gate.admit().unwrap();
    granted
        .settle(|limit, amounts| amounts.iter_mut().skip(1).for_each(|bytes| *bytes = 2500 * (1 - limit as u64)))
        .unwrap();
    for refused in [gate.admit().unwrap_err(), gate.at(clock.now()).admit().unwrap_err(), nothing.admit().unwrap_err()]
    {
        assert_eq!(refused.wait(), Some(Duration::from_millis(1500)));
        assert_eq!(refused.violated().map(|limit| limit.stream()).collect::<Vec<_>>(), [Some(1)]);
    }
    assert!(gate.try_take().is_ok() && nothing.try_take().is_ok());
    assert_eq!((clients.available()[0], service.available()), (8, 98), "a refusal takes nothing");
    clock.advance(Duration::from_nanos(1_499_999_999));
    assert!(gate.admit().is_err());
    clock.advance(Duration::from_nanos(1));
    assert!(nothing.admit().is_ok() && gate.admit().is_ok());
    #[cfg(feature = "keys")]
    {
        let keys = tollgate::KeyedBuckets::<u64, 2, _>::with_clock(
            [Limit::per_second(10), Limit::per_second(1000)],
            9,
            &clock,
        )
        .unwrap();
        let gate = || tollgate::Gate::new().and(keys.bucket(&1), [1, 0]).and(&service, 1);
        assert!(gate().admit().is_ok());
        keys.charge(&1, [0, 2500]).unwrap();
        assert_eq!(gate().admit().unwrap_err().wait(), Some(Duration::from_millis(1500)));
        assert_eq!(keys.available(&1), [9, 0]);
        assert!(tollgate::Gate::new().and(keys.bucket(&1), [0, 0]).admit().is_err());
        clock.advance(Duration::from_millis(1500));
        assert!(gate().admit().is_ok());
    }
}
