//! A grant says what the very step that granted left; a refusal says what there was and how long
//! each stream waits.

mod common;
mod timers;

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use common::{Random, nanos};
use timers::Never;
use tollgate::clock::{ManualClock, Time};
use tollgate::{LeakyBucket, Limit, MultiBucket, TokenBucket};

const SECOND: u64 = 1_000_000_000;
const THREADS: u64 = 4;
const EACH: u64 = 20_000;

/// What `THREADS` threads are told, where each takes 1 as often as `take` grants; in order.
fn told(take: impl Fn() -> u64 + Sync) -> Vec<u64> {
    let barrier = Barrier::new(THREADS as usize);
    let mut told: Vec<u64> = thread::scope(|scope| {
        let threads = [(); THREADS as usize].map(|()| {
            scope.spawn(|| {
                barrier.wait();
                (0..EACH).map(|_| take()).collect::<Vec<_>>()
            })
        });
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    told.sort_unstable();
    told
}

/// A second look would tell several threads of one remainder, and nobody of others.
#[test]
fn each_grant_of_many_threads_tells_another_remainder_and_together_they_tell_all() {
    let limit = Limit::per_second(0).capacity(THREADS * EACH);
    let all: Vec<u64> = (0..THREADS * EACH).collect();
    let clock = ManualClock::new();
    let one = TokenBucket::with_clock(limit, &clock).unwrap();
    assert_eq!(told(|| one.try_take(1).unwrap().remaining()), all);
    let two = MultiBucket::with_clock([limit, limit.capacity(3 * THREADS * EACH)], &clock).unwrap();
    let both = |[one, two]: [u64; 2]| {
        assert_eq!(two, 3 * one);
        one
    };
    assert_eq!(told(|| both(two.try_take([1, 3]).unwrap().remaining_each())), all);
    two.reset([u64::MAX; 2]);
    // Without `alloc` there are fewer slots than threads.
    #[cfg(feature = "alloc")]
    assert_eq!(told(|| two.handle().unwrap().try_take([1, 0]).unwrap().remaining_each()[0]), all);
    // Under later limits.
    two.set_limits(two.limits()).unwrap();
    two.reset([u64::MAX; 2]);
    assert_eq!(told(|| both(two.try_take([1, 3]).unwrap().remaining_each())), all);
    let leaky = LeakyBucket::empty_with_clock(limit, &clock).unwrap();
    assert_eq!(told(|| leaky.try_add(1).unwrap().remaining()), all);
    #[cfg(feature = "keys")]
    {
        use tollgate::KeyedBuckets;
        let keys = KeyedBuckets::<u64, 1, _>::with_clock(limit, 9, &clock).unwrap();
        assert_eq!(told(|| keys.try_take(&7, 1).unwrap().remaining()), all);
        let keys =
            KeyedBuckets::<u64, 2, _>::with_clock([limit, limit.capacity(3 * THREADS * EACH)], 9, &clock).unwrap();
        assert_eq!(told(|| both(keys.try_take(&7, [1, 3]).unwrap().remaining_each())), all);
    }
}

#[cfg(feature = "std")]
#[test]
fn those_who_waited_are_told_what_is_left_too() {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    let limit = Limit::per_second(0).capacity(THREADS * EACH);
    let all: Vec<u64> = (0..THREADS * EACH).collect();
    let one = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
    assert_eq!(told(|| one.take_blocking(1).unwrap().remaining()), all);
    let clock = ManualClock::new();
    let limit = Limit::per_second(10).empty();
    let (one, two) =
        (TokenBucket::with_clock(limit, &clock).unwrap(), MultiBucket::with_clock([limit; 2], &clock).unwrap());
    let mut waits = (pin!(one.take_on(1, Never)), pin!(two.take_on([1, 2], Never)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(waits.0.as_mut().poll(&mut context).is_pending() && waits.1.as_mut().poll(&mut context).is_pending());
    clock.advance(Duration::from_millis(350));
    let Poll::Ready(Ok(granted)) = waits.0.as_mut().poll(&mut context) else { panic!("3 are there") };
    assert_eq!((granted.remaining(), granted.reset_after()), (2, Some(Duration::from_millis(750))));
    let Poll::Ready(Ok(granted)) = waits.1.as_mut().poll(&mut context) else { panic!("3 are there") };
    assert_eq!(granted.remaining_each(), [2, 1]);
    let Poll::Ready(Ok(granted)) = pin!(one.take_on(0, Never)).poll(&mut context) else { panic!("it is for nothing") };
    assert_eq!(granted.remaining(), 2);
    #[cfg(feature = "keys")]
    {
        let keys = tollgate::KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 9, &clock).unwrap();
        let key = keys.bucket(&1);
        assert_eq!(key.take_blocking(4).unwrap().remaining(), 6);
    }
}

/// Rates whose nanoseconds are exact, and rates whose are not.
fn limits() -> impl Iterator<Item = Limit> {
    let rates = ["1/3s", "5/min", "7/s", "333/s", "1MiB/s", "700M/s", "64GiB/s"];
    rates.into_iter().map(|rate| Limit::new(rate.parse().unwrap(), 1000))
}

#[test]
fn a_bucket_is_full_from_the_instant_that_a_grant_says_and_not_before() {
    let mut random = Random(1);
    for limit in limits() {
        for _ in 0..200 {
            let clock = ManualClock::starting_at(nanos(random.below(SECOND)));
            let one = TokenBucket::with_clock(limit, &clock).unwrap();
            let two = MultiBucket::with_clock([Limit::per_second(1).capacity(1), limit], &clock).unwrap();
            if random.below(2) == 0 {
                two.set_limits([Limit::per_second(1).capacity(1), limit]).unwrap();
            }
            let start = clock.now_after(random.below(SECOND));
            let n = 1 + random.below(1000);
            let granted = one.at(start).try_take(n).unwrap();
            let full = granted.full_at().unwrap();
            assert_eq!(Some(full.since(start)), granted.reset_after());
            for granted in [two.at(start).try_take([0, n]).unwrap(), two.at(start).try_take([0, 0]).unwrap()] {
                assert_eq!(granted.reset_after_each(), [Some(Duration::ZERO), Some(full.since(start))], "{limit}");
                assert_eq!((granted.full_at(), granted.remaining_each()), (Some(full), [1, 1000 - n]), "{limit}");
            }
            // A take of nothing tells whether it is full.
            let is_full = |at: Time| one.at(at).try_take(0).unwrap().reset_after() == Some(Duration::ZERO);
            assert!(is_full(full) && !is_full(nanos(full.as_nanos() - 1)), "{limit}: {n} from {start:?} to {full:?}");
            assert_eq!(one.at(full).available(), 1000);
        }
    }
}

/// A clock that shows `nanos` more.
trait After {
    fn now_after(&self, nanos: u64) -> Time;
}

impl After for ManualClock {
    fn now_after(&self, nanos: u64) -> Time {
        self.advance(Duration::from_nanos(nanos))
    }
}

#[test]
fn a_grant_of_nothing_tells_of_a_debt_and_of_a_pause() {
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock([Limit::per_second(10)], &clock).unwrap();
    bucket.charge([25]).unwrap();
    let granted = bucket.try_take([0]).unwrap();
    assert_eq!((granted.remaining(), granted.reset_after()), (0, Some(Duration::from_millis(2500))));
    bucket.reset([4]);
    bucket.pause_for(Duration::from_secs(3));
    clock.advance(Duration::from_secs(1));
    let granted = bucket.try_take([0]).unwrap();
    // Nothing refills in a pause.
    assert_eq!((granted.remaining(), granted.reset_after()), (0, Some(Duration::from_millis(2600))));
    assert_eq!(granted.full_at(), Some(nanos(3_600_000_000)));
    bucket.pause();
    let granted = bucket.try_take([0]).unwrap();
    assert_eq!((granted.remaining(), granted.reset_after(), granted.full_at()), (0, None, None));
    #[cfg(feature = "keys")]
    {
        let keys = tollgate::KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 9, &clock).unwrap();
        keys.charge(&1, 25).unwrap();
        let granted = keys.try_take(&1, 0).unwrap();
        assert_eq!((granted.remaining(), granted.reset_after()), (0, Some(Duration::from_millis(2500))));
        assert_eq!(keys.try_take(&2, 0).unwrap().remaining(), 10);
    }
}

/// A changer whose clock is ahead: the limits begin later than the take.
#[test]
fn a_grant_before_its_limits_begin_counts_the_time_until_they_do() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    bucket.at(nanos(SECOND)).set_limits([Limit::per_second(100).capacity(10)]).unwrap();
    let granted = bucket.at(nanos(SECOND / 2)).try_take([5]).unwrap();
    assert_eq!((granted.remaining(), granted.reset_after()), (5, Some(Duration::from_millis(550))));
    assert_eq!(granted.full_at(), Some(nanos(1_050_000_000)));
}

#[test]
fn a_stream_that_never_refills_has_no_instant_at_which_it_is_full() {
    let bucket =
        MultiBucket::with_clock([Limit::per_second(0).capacity(5), Limit::per_second(1)], ManualClock::new()).unwrap();
    assert_eq!(bucket.try_take([0, 1]).unwrap().reset_after(), Some(Duration::from_secs(1)));
    let granted = bucket.try_take([1, 0]).unwrap();
    assert_eq!((granted.full_at(), granted.reset_after()), (None, None));
    assert_eq!(granted.reset_after_each(), [None, Some(Duration::from_secs(1))]);
    assert_eq!(format!("{granted:?}"), "Granted { remaining: [4, 0], reset_after: None }");
}

#[test]
fn a_refusal_says_what_each_stream_had_and_how_long_it_waits() {
    let mut random = Random(7);
    for _ in 0..5000 {
        let capacity = 1 + random.below(1000);
        let limits: [Limit; 3] = std::array::from_fn(|_| Limit::per_second(1 + random.below(500)).capacity(capacity));
        let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
        let spent: [u64; 3] = std::array::from_fn(|_| random.below(capacity + 1));
        bucket.try_take(spent).unwrap();
        let now = nanos(random.below(SECOND));
        let amounts = std::array::from_fn(|_| random.below(capacity + 1));
        let Err(refused) = bucket.at(now).try_take(amounts) else { continue };
        let refusal = refused.not_yet().unwrap();
        // Each stream alone, by a bucket of its own.
        let alone = std::array::from_fn::<_, 3, _>(|i| {
            let one = TokenBucket::with_clock(limits[i], ManualClock::new()).unwrap();
            one.try_take(spent[i]).unwrap();
            (one.at(now).wait_for(amounts[i]).unwrap(), one.at(now).available())
        });
        assert_eq!(refusal.waits(), alone.map(|(wait, _)| wait), "{amounts:?} of {bucket:?}");
        assert_eq!(refusal.available_each(), alone.map(|(_, available)| available), "{amounts:?} of {bucket:?}");
        assert_eq!(refusal.wait(), refusal.waits().into_iter().flatten().max());
        assert_eq!(refusal.waits()[refusal.stream()], refusal.wait());
    }
}

#[test]
fn a_refusal_in_a_pause_or_in_debt_had_nothing() {
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(0).capacity(3)], &clock).unwrap();
    bucket.charge([25, 0]).unwrap();
    let refused = bucket.try_take([1, 1]).unwrap_err();
    let refusal = refused.not_yet().unwrap();
    assert_eq!((refusal.available_each(), refusal.waits()[1]), ([0, 3], Some(Duration::ZERO)));
    bucket.pause_for(Duration::from_secs(2));
    let refused = bucket.try_take([1, 1]).unwrap_err();
    let refusal = refused.not_yet().unwrap();
    let waits = [Some(Duration::from_millis(3600)), Some(Duration::from_secs(2))];
    assert_eq!((refusal.available_each(), refusal.waits()), ([0, 0], waits));
    bucket.pause();
    let refused = bucket.try_take([1, 1]).unwrap_err();
    let refusal = refused.not_yet().unwrap();
    assert_eq!((refusal.waits(), refusal.wait(), refused.retry_after_secs()), ([None; 2], None, None));
}

/// A published middleware says `Retry-After: 0`, another cuts the fraction off.
#[test]
fn retry_after_is_in_whole_seconds_rounded_up_and_at_least_one() {
    for (nanos_of_wait, seconds) in [(1, 1), (999_999_999, 1), (SECOND, 1), (SECOND + 1, 2), (90 * SECOND, 90)] {
        let bucket = TokenBucket::with_clock(Limit::per_second(1).capacity(100), ManualClock::new()).unwrap();
        bucket.try_take(100).unwrap();
        let (n, rest) = (nanos_of_wait.div_ceil(SECOND), nanos_of_wait.div_ceil(SECOND) * SECOND - nanos_of_wait);
        let refused = bucket.at(nanos(rest)).try_take(n).unwrap_err();
        assert_eq!(refused.wait(), Some(Duration::from_nanos(nanos_of_wait)));
        assert_eq!(refused.retry_after_secs(), Some(seconds), "{nanos_of_wait}");
    }
    let never = TokenBucket::with_clock(Limit::per_second(0).capacity(1).empty(), ManualClock::new()).unwrap();
    assert_eq!(
        (never.try_take(1).unwrap_err().retry_after_secs(), never.try_take(2).unwrap_err().not_yet()),
        (None, None)
    );
}
