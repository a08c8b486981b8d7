//! Checks the contestants' answers before anything is timed.
//!
//! Granting ones grant, drained ones refuse, and counting ones count right.

use std::time::Duration;

use benches::floors::{Reading, WideWord, Word};
use benches::locked::{Locked, LockedOnClock};
use benches::ours::{
    Batch, FreeTwice, Handles, HandlesOnClock, Later, One, OneLease, OneOn, OneOnClock, OneOnFree, Several,
    SeveralLease, SeveralOnClock, Tsc,
};
use benches::peers::{
    BetterBucket, BetterBucketOnClock, Free, Governor, LeakyBucket, Ratelimit, ThrottleNet, TwoGovernors, TwoThrottles,
};
use benches::striped::Striped;
use benches::{EACH, Limiter, run, threads};
use tollgate::clock::{DefaultClock, InstantClock, RecentClock, Upkeep};

/// More calls than a batch makes.
const CALLS: u64 = 1_000_000;

fn answers_as_built<L: Limiter>() {
    let name = std::any::type_name::<L>();
    assert_eq!(run(&L::granting(), CALLS), CALLS, "{name} refused");
    assert_eq!(run(&L::holding(0), CALLS), 0, "{name} granted");
    for takes in [1, 7, 1000] {
        let limiter = L::holding(takes);
        assert_eq!(run(&limiter, 3), 3.min(takes.into()), "{name} holding {takes}");
        assert_eq!(run(&limiter, 2000), u64::from(takes) - 3.min(u64::from(takes)), "{name} holding {takes}");
    }
}

fn counts_right_under_threads<L: Limiter>() {
    let limiter = L::holding(1000);
    let granted = std::thread::scope(|scope| {
        let threads = [(); 4].map(|()| scope.spawn(|| run(&limiter, 600)));
        threads.into_iter().map(|thread| thread.join().unwrap()).sum::<u64>()
    });
    assert_eq!(granted, 1000, "{}", std::any::type_name::<L>());
}

macro_rules! checked {
    ($($test:ident: $($limiter:ty),*;)*) => {$(
        #[test]
        fn $test() {
            $(
                answers_as_built::<$limiter>();
                counts_right_under_threads::<$limiter>();
            )*
        }
    )*};
}

checked! {
    one_stream_of_ours: One, OneOnClock, OneOnFree, OneOn<FreeTwice>;
    several_streams_of_ours_under_later_limits: Later<Several<2>>, Later<SeveralOnClock<2>>;
    several_streams_of_ours: Several<1>, Several<2>, Several<3>, Several<4>, Several<8>, SeveralOnClock<2>;
    several_streams_of_ours_through_handles: Handles<1>, Handles<2>, Handles<3>, Handles<4>, Handles<8>, HandlesOnClock<2>;
    stripes: Striped<1>, Striped<2>, Striped<4>;
    two_counters_in_a_mutex: Locked, LockedOnClock;
    governor: Governor, Governor<Free>, TwoGovernors;
    better_bucket: BetterBucket, BetterBucketOnClock;
    leaky_bucket: LeakyBucket;
    ratelimit: Ratelimit;
    throttle_net: ThrottleNet, TwoThrottles;
}

/// Without an upkeep, too.
#[test]
fn clocks_that_cost_less() {
    for runs in [false, true] {
        let upkeep = runs.then(|| Upkeep::start(Duration::from_millis(1)).unwrap());
        answers_as_built::<OneOn<Tsc>>();
        answers_as_built::<OneOn<RecentClock>>();
        counts_right_under_threads::<OneOn<Tsc>>();
        counts_right_under_threads::<OneOn<RecentClock>>();
        drop(upkeep);
    }
}

#[test]
#[cfg(any(target_os = "linux", target_os = "android"))]
fn clocks_of_the_kernel() {
    use tollgate::clock::{CoarseClock, Tiered, UptimeClock};

    answers_as_built::<OneOn<CoarseClock>>();
    answers_as_built::<OneOn<Tiered<UptimeClock, CoarseClock>>>();
    counts_right_under_threads::<OneOn<Tiered<UptimeClock, CoarseClock>>>();
}

#[test]
fn leases_and_batches_answer_as_built() {
    assert_eq!(run(&OneLease::granting(), CALLS), CALLS);
    assert_eq!(run(&OneLease::holding(0), CALLS), 0);
    assert_eq!(run(&SeveralLease::<2>::granting(), CALLS), CALLS);
    assert_eq!(run(&SeveralLease::<2>::holding(0), CALLS), 0);
    assert_eq!(run(&Batch::granting(), CALLS), CALLS);
    assert_eq!(run(&Batch::holding(63), CALLS), 0);
    assert_eq!(run(&Batch::holding(64), CALLS), 1);
}

#[test]
fn floors_count_every_call() {
    let (word, wide) = (Word::default(), WideWord::default());
    assert_eq!([run(&word, CALLS), run(&wide, CALLS)], [CALLS; 2]);
    assert_eq!(word.spent(), CALLS);
    assert_eq!(wide.spent(), [0, 1].map(|i| CALLS * u64::from(EACH[i])));
    assert_eq!(run(&Reading::<DefaultClock>::default(), CALLS), CALLS);
    assert_eq!(run(&Reading(InstantClock::new()), CALLS), CALLS);
}

#[test]
fn threads_count_what_they_did() {
    for threads in [1, 2, 5] {
        let word = Word::default();
        let done = threads::window(&word, threads, Duration::from_millis(2), || {});
        assert_eq!([done.calls, done.granted], [word.spent(); 2]);
        assert!(done.nanos > 0.0, "{done:?}");
        let before = word.spent();
        threads::calls(&word, threads, 10_000, || {});
        assert_eq!(word.spent() - before, 10_000);
        let (before, seen) = (word.spent(), threads::latencies(&word, threads, Duration::from_millis(2)));
        assert_eq!(word.spent() - before, seen.len());
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn the_wide_word_takes_no_lock() {
    assert!(portable_atomic::AtomicU128::is_lock_free());
}
