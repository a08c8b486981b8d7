//! Time moves while threads decide: no `now` creates tokens, however stale.
#![cfg(loom)]

use std::sync::Arc;
use std::time::Duration;

use loom_tests::thread;
use loom_tests::{model, multi_bucket, token_bucket};
use tollgate::clock::{ManualClock, Monotonic, Recovering, Time};
use tollgate::{Clock, Limit, MultiBucket, Rate, TokenBucket};

const TICK: Duration = Duration::from_nanos(1);

/// A clock that stands at 9, and has been read there.
fn recovering(patience: Duration) -> Arc<Recovering<ManualClock>> {
    let clock = Recovering::new(ManualClock::starting_at(Time::from_nanos(9))).with_patience(patience);
    assert_eq!(clock.now().as_nanos(), 9);
    Arc::new(clock)
}

/// What the clock shows once the one inside it stands there.
fn shown(clock: &Recovering<ManualClock>, nanos: u64) -> u64 {
    clock.clock().set(Time::from_nanos(nanos));
    clock.now().as_nanos()
}

model! {
    /// Two threads that advance one clock both count.
    ///
    /// Two threads, one call each; exhaustive. Fails if `ManualClock::advance` becomes a load and a
    /// store.
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
    /// A clock that is set back behind `Monotonic` goes back in neither thread.
    ///
    /// Two threads, two readings and a reading after a step back; exhaustive. Fails if the
    /// `fetch_max` becomes a load and a store.
    a_monotonic_clock_never_goes_back, None, 5, [(0, 0), (0, 9), (5, 5), (5, 9), (9, 9)], || {
        let clock = Arc::new(Monotonic::new(ManualClock::starting_at(Time::from_nanos(5))));
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || (clock.now().as_nanos(), clock.now().as_nanos()))
        };
        clock.clock().set(Time::from_nanos(9));
        let mine = clock.now().as_nanos();
        clock.clock().set(Time::ZERO);
        assert_eq!((mine, clock.now().as_nanos()), (9, 9));
        let (first, second) = other.join().unwrap();
        assert!(first <= second, "{first} then {second}");
        (first, second)
    }
}

model! {
    /// A clock that only goes on is never taken for one that stepped back.
    ///
    /// Two threads, two readings each; exhaustive. Without patience, one reading from before what
    /// another thread showed would be a step back. Fails if the newest time is shown or seen as
    /// Relaxed.
    a_clock_that_goes_on_is_believed, None, 1000, [(9, 9), (9, 12), (9, 15), (12, 12), (12, 15), (15, 15)], || {
        let clock = recovering(Duration::ZERO);
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || (clock.now().as_nanos(), clock.now().as_nanos()))
        };
        assert_eq!(shown(&clock, 12), 12);
        assert_eq!(shown(&clock, 15), 15);
        other.join().unwrap()
    }
}

model! {
    /// After a step back no thread shows more than the newest time and what passed since.
    ///
    /// Two threads, one reading and three; exhaustive. Fails if the offset that makes up for the
    /// step comes into force, or is seen, as Relaxed: the other thread adds it to a reading from
    /// before the step.
    a_reading_from_before_a_step_back_is_not_shown_on_the_line_after_it, None, 1000, [(10, 9), (11, 9), (11, 10), (11, 11)], || {
        let clock = recovering(TICK);
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || clock.now().as_nanos())
        };
        assert_eq!(shown(&clock, 2), 9);
        shown(&clock, 3);
        let mine = shown(&clock, 4);
        let other = other.join().unwrap();
        assert!(mine <= 11 && other <= 11, "{mine}, {other}");
        (mine, other)
    }
}

model! {
    /// A reading from between two steps back is not held against what followed the second one.
    ///
    /// Two threads, one reading and two; exhaustive. Fails if the line that waits is stored, or
    /// seen, as Relaxed: the other thread adds it to a reading from before its beginning.
    a_reading_from_before_a_second_step_back_is_not_shown_on_the_line_after_it, None, 100, [(9, 9), (9, 10), (10, 9), (10, 10)], || {
        let clock = recovering(TICK);
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || clock.now().as_nanos())
        };
        clock.clock().set(Time::from_nanos(6));
        assert_eq!(shown(&clock, 2), 9);
        let mine = shown(&clock, 3);
        let other = other.join().unwrap();
        assert!(mine <= 10 && other <= 10, "{mine}, {other}");
        (mine, other)
    }
}

model! {
    /// After a step back the newest time is shown, whichever thread showed it.
    ///
    /// Two threads, one reading and two; exhaustive. Fails if the newest time is noted by a store,
    /// or not at all.
    a_step_back_shows_the_newest_time, None, 100, [(9, 15), (12, 15), (15, 15)], || {
        let clock = recovering(5 * TICK);
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || clock.now().as_nanos())
        };
        clock.clock().set(Time::from_nanos(12));
        let mine = shown(&clock, 15);
        let after = shown(&clock, 2);
        assert_eq!((mine, after), (15, 15));
        let other = other.join().unwrap();
        assert_eq!(clock.now().as_nanos(), 15);
        (other, after)
    }
}

model! {
    /// A thread that believes a step late leaves the line in force that followed a second one.
    ///
    /// Two threads, one reading and five; exhaustive. Fails if the offset comes into force by a
    /// store: an older line stops the clock once more.
    who_believes_late_puts_no_older_line_in_force, None, 100_000, [
        (10, 9), (10, 10), (13, 9), (13, 10), (13, 11), (13, 12), (13, 13)
    ], || {
        let clock = recovering(TICK);
        assert_eq!(shown(&clock, 2), 9);
        clock.clock().set(Time::from_nanos(3));
        let other = {
            let clock = Arc::clone(&clock);
            thread::spawn(move || clock.now().as_nanos())
        };
        clock.now();
        shown(&clock, 0);
        shown(&clock, 1);
        shown(&clock, 2);
        let mine = shown(&clock, 3);
        let other = other.join().unwrap();
        (mine, other)
    }
}

model! {
    /// A stale `now` is granted at most what had accrued by then.
    ///
    /// It never makes the bucket forget what was spent since.
    ///
    /// Two threads, one take each; exhaustive. The first takes at time 1. The other reads the clock
    /// between 0 and 2 and takes then. Together they get at most the capacity and what accrued by
    /// the later reading. Fails if `Meter::level` takes a stale `now` for a long idle time.
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
    /// A stale `now` is granted at most what both streams had accrued by then.
    ///
    /// Two threads, one take each; exhaustive. Fails if `Meter::level` takes a stale `now` for a
    /// long idle time.
    a_stale_now_mints_nothing_in_two_streams, None, 20, [(3, 0), (3, 1), (1, 3), (0, 3)], || {
        let bucket = multi_bucket::<2, 3>([3, 3]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_items(3, [1, 1]))
        };
        bucket.clock().advance(TICK);
        let mine = bucket.take_items(3, [1, 1]);
        bucket.clock().advance(TICK);
        let other = other.join().unwrap();
        assert!(mine + other <= 3 + 2, "{mine} + {other}");
        (mine, other)
    }
}

model! {
    /// However long a bucket stands full, it holds its capacity and no more.
    ///
    /// Two threads, one call each, and a clock that moves by more than the capacity's refill time;
    /// exhaustive. Fails if the level is not cut off at the capacity, or if a take does not write
    /// what was forfeited.
    idle_time_fills_no_further_than_the_capacity, None, 5, [(3, 3, 0), (3, 0, 0), (0, 3, 0)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_up_to(9))
        };
        bucket.clock().advance(5 * TICK);
        let mine = bucket.take_up_to(9);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// Of two idle streams, one fills up to its capacity and the other does not.
    ///
    /// Two threads, one call each; exhaustive. Fails if the level is not cut off at the capacity,
    /// or if a take does not write what was forfeited.
    idle_time_fills_two_streams_each_to_its_capacity, None, 20, [(2, 3, [1, 2]), (3, 0, [0, 3]), (0, 3, [0, 3])], || {
        let bucket = multi_bucket::<2, 3>([3, 12]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_items(9, [1, 3]))
        };
        bucket.clock().advance(5 * TICK);
        let mine = bucket.take_items(9, [1, 3]);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// A put-back to a full bucket takes nothing from a stale `now`.
    ///
    /// Two threads, a put-back at time 5 and a take at time 0; exhaustive. Fails if a put-back
    /// raises `spent` to what a full bucket has forfeited.
    a_put_back_takes_nothing_from_a_stale_now, None, 2, [(true, 3)], || {
        let bucket = token_bucket(3);
        let later = Time::ZERO.after(5 * TICK);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.at(later).put_back(1))
        };
        let granted = bucket.at(Time::ZERO).try_take(3).is_ok();
        other.join().unwrap();
        (granted, bucket.at(later).available())
    }
}

model! {
    /// A put-back fills up to the capacity: a stale `now` finds no more than that.
    ///
    /// Two threads, a put-back at time 5 and a take at time 2; exhaustive. Fails if
    /// `Meter::put_back` fills above the capacity.
    a_put_back_gives_nothing_to_a_stale_now, None, 3, [(false, 3)], || {
        let bucket = token_bucket(3);
        let later = Time::ZERO.after(5 * TICK);
        assert!(bucket.at(later).try_take(2).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.at(Time::ZERO.after(2 * TICK)).try_take(1).is_ok())
        };
        bucket.at(later).put_back(3);
        (other.join().unwrap(), bucket.at(later).available())
    }
}

model! {
    /// A put-back to a full and to another stream takes nothing from a stale `now`.
    ///
    /// Two threads, a put-back at time 5 and a take at time 0; exhaustive. Fails if a put-back
    /// raises `spent` to what a full bucket has forfeited.
    a_put_back_to_two_streams_takes_nothing_from_a_stale_now, None, 5, [(true, [3, 7]), (true, [3, 8])], || {
        let bucket = multi_bucket::<2, 3>([3, 9]);
        let later = Time::ZERO.after(5 * TICK);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.at(later).put_back([1, 1]))
        };
        let granted = bucket.at(Time::ZERO).try_take([3, 7]).is_ok();
        other.join().unwrap();
        (granted, bucket.at(later).available())
    }
}

model! {
    /// A clock set back to before construction grants nothing, at an inexact rate, too.
    ///
    /// Two threads, one call each, and a clock that is set from 5 to 0; exhaustive. Fails if the
    /// elapsed time wraps below 0.
    a_clock_behind_the_origin_mints_nothing, None, 5, [(false, false, 0)], || {
        let clock = ManualClock::starting_at(Time::from_nanos(5));
        let limit = Limit::new(Rate::per_second(1 << 20), 3);
        let word = Arc::new(TokenBucket::with_clock(limit, clock).unwrap());
        let clock = ManualClock::starting_at(Time::from_nanos(5));
        let versions = Arc::new(MultiBucket::<1, _, 2>::with_slots([limit], clock).unwrap());
        assert!(word.try_take(3).is_ok() && versions.try_take([3]).is_ok());
        let other = {
            let (word, versions) = (Arc::clone(&word), Arc::clone(&versions));
            thread::spawn(move || (word.try_take(1).is_ok(), versions.try_take([1]).is_ok()))
        };
        word.clock().set(Time::ZERO);
        versions.clock().set(Time::ZERO);
        let (first, second) = other.join().unwrap();
        (first, second, word.available())
    }
}
