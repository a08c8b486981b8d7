//! Time moves while threads decide: nobody mints, with whatever `now` they read.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use loom_tests::{model, multi_bucket, token_bucket};
use tollgate::{Clock, ManualClock, Monotonic, Time};

const TICK: Duration = Duration::from_nanos(1);

model! {
    /// Two threads that advance one clock both count.
    ///
    /// Two threads, one call each; exhaustive. Fails if `ManualClock::advance` becomes a load and a store.
    two_advances_both_count, None, 2, [2], || {
        let clock = Arc::new(ManualClock::new());
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || clock.advance(TICK))
        };
        clock.advance(TICK);
        other.join().unwrap();
        clock.now().as_nanos()
    }
}

model! {
    /// A clock that is set back behind `Monotonic` is never seen to go back, in either thread.
    ///
    /// Two threads, two readings and a reading after a step back; exhaustive. Fails if the `fetch_max` becomes a load and a store.
    a_monotonic_clock_never_goes_back, None, 5, [(5, 5), (5, 9), (9, 9)], || {
        let clock = Arc::new(Monotonic::new(ManualClock::starting_at(Time::from_nanos(5))));
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || (clock.now().as_nanos(), clock.now().as_nanos()))
        };
        clock.clock().set(Time::from_nanos(9));
        let mine = clock.now().as_nanos();
        clock.clock().set(Time::from_nanos(3));
        assert_eq!(mine, 9);
        let (first, second) = other.join().unwrap();
        assert!(first <= second, "{first} then {second}");
        (first, second)
    }
}

model! {
    /// A thread whose `now` is old takes what had accrued by then, or less, and never makes the bucket forget what was spent since.
    ///
    /// One thread takes at time 1, the other reads the clock anywhere between 0 and 2 and takes then: together no more than the capacity
    /// and what accrued by the later of the two. Two threads; exhaustive. Fails if `Stream::level` takes an old `now` for a long idle time.
    a_stale_now_mints_nothing, None, 10, [(3, 0), (3, 1), (1, 3), (0, 3)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_up_to(3))
        };
        bucket.clock().advance(TICK);
        let mine = bucket.take_up_to(3);
        bucket.clock().advance(TICK);
        let other = other.join().unwrap();
        assert!(mine + other <= 3 + 2, "{mine} + {other}");
        (mine, other)
    }
}

model! {
    /// The same over two streams.
    ///
    /// Two threads; exhaustive. Fails if `Stream::level` takes an old `now` for a long idle time.
    a_stale_now_mints_nothing_in_two_streams, None, 20, [(3, 0), (3, 1), (1, 3), (0, 3)], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_up_to(3, [1, 1]))
        };
        bucket.clock().advance(TICK);
        let mine = bucket.take_up_to(3, [1, 1]);
        bucket.clock().advance(TICK);
        let other = other.join().unwrap();
        assert!(mine + other <= 3 + 2, "{mine} + {other}");
        (mine, other)
    }
}
