//! A thread that is stopped for good inside a call on a bucket with stripes delays no taker, and
//! mints nothing: it keeps what it asked for, fetched, or brings home.

use std::future::{Future, Pending, pending};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use freeze_points::{Point, count, freeze, ice, patiently, watched};
use tollgate_freeze::Limit;
use tollgate_freeze::bucket::StripedBucket;
use tollgate_freeze::clock::ManualClock;
use tollgate_freeze::wait::Timer;

const CAPACITY: u64 = 64;
const STRIPES: u64 = 2;
const CHUNK: u64 = 4;
/// What a bucket and full stripes have in these tests.
const TOTAL: u64 = 20;
/// More than there ever is, and as much as the bucket holds itself.
const MOST: u64 = CAPACITY - STRIPES * CHUNK;
const PAUSE: &str = "a pause";
const HOUR: Duration = Duration::from_secs(3600);

/// A timer whose sleeps never end.
struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        pending()
    }
}

/// A bucket, and what its victim was granted and put back.
struct Striped<const N: usize> {
    bucket: StripedBucket<N, ManualClock>,
    granted: AtomicU64,
    put_back: AtomicU64,
}

impl<const N: usize> Striped<N> {
    /// Full stripes, and a bucket with the rest of `TOTAL`.
    fn new() -> Self {
        let limits = [Limit::per_second(1).capacity(CAPACITY); N];
        let bucket =
            StripedBucket::with_chunk(limits, ManualClock::new(), STRIPES as usize, [CHUNK; N]).expect("limits");
        bucket.at(tollgate_freeze::Clock::now(bucket.clock())).try_take([CAPACITY - TOTAL; N]).expect("it is full");
        assert_eq!((bucket.lent(), bucket.available()), ([STRIPES * CHUNK; N], [TOTAL; N]));
        Self { bucket, granted: AtomicU64::new(0), put_back: AtomicU64::new(0) }
    }

    /// Takes in this thread until its stripe is empty, and the next take fetches a chunk.
    ///
    /// At first no stripe has anything: else it would depend on the thread's stripe whether one
    /// fetches in vain, and rests.
    fn warmed(&self) {
        self.bucket.pause_for(HOUR);
        self.bucket.resume();
        self.bucket.put_back([20; N]);
        self.put_back.fetch_add(20, Relaxed);
        let mut most = 0;
        while most < CHUNK || self.bucket.lent() != [0; N] {
            self.take(1);
            most = most.max(if self.granted.load(Relaxed) > STRIPES * CHUNK { self.bucket.lent()[0] } else { 0 });
        }
    }

    fn take(&self, n: u64) -> bool {
        let granted = self.bucket.try_take([n; N]).is_ok();
        self.granted.fetch_add(if granted { n } else { 0 }, Relaxed);
        granted
    }

    /// What must be there if nobody has anything in hand.
    fn left(&self) -> u64 {
        TOTAL + self.put_back.load(Relaxed) - self.granted.load(Relaxed)
    }
}

/// What a thread does before it is watched, and then; and how much of what is there it may keep
/// while it is stopped.
struct Victim<const N: usize> {
    name: &'static str,
    first: fn(&Striped<N>),
    call: fn(&Striped<N>),
    keeps: u64,
}

fn victims<const N: usize>() -> [Victim<N>; 7] {
    let all = STRIPES * CHUNK;
    let victim = |name, first, call, keeps| Victim { name, first, call, keeps };
    [
        // Of three streams it has the stripe in its hand.
        victim("a take from a stripe", |_| (), |striped| _ = striped.take(1), CHUNK),
        victim("a fetch", Striped::warmed, |striped| _ = striped.take(1), 1 + CHUNK),
        victim("a take that brings home", |_| (), |striped| _ = striped.take(TOTAL - 1), TOTAL - 1),
        // A thief that has cleared a bit hides a stripe until it has looked once more.
        victim("a refused take", |_| (), |striped| assert!(!striped.take(MOST)), all),
        victim(
            "a put-back",
            |_| (),
            |striped| {
                striped.put_back.fetch_add(3, Relaxed);
                striped.bucket.put_back([3; N]);
            },
            3,
        ),
        victim(PAUSE, |_| (), |striped| striped.bucket.pause_for(HOUR), all),
        victim(
            "an entry into the line",
            |_| (),
            |striped| {
                let mut wait = pin!(striped.bucket.take_on([MOST; N], Never));
                assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            },
            u64::MAX,
        ), // All others are kept out.
    ]
}

/// Stops a thread at each point of the victim, tries `beside`, wakes it, and tries `after`.
fn each_stop<const N: usize>(
    first: fn(&Striped<N>),
    call: fn(&Striped<N>),
    mut beside: impl FnMut(Point, &Striped<N>),
    mut after: impl FnMut(Point, &Striped<N>),
) {
    let counted = thread::spawn(move || {
        let striped = Striped::new();
        first(&striped);
        count(|| watched(|| call(&striped))).points
    });
    let points = counted.join().expect("it finishes");
    assert!(points > 1, "{points} points");
    let mut stops = 0;
    for point in 0..points {
        let striped = Arc::new(Striped::new());
        let (ice, observer, keeper) = ice();
        let (ready, warmed) = mpsc::channel();
        let thread = thread::spawn({
            let striped = Arc::clone(&striped);
            move || {
                first(&striped);
                ready.send(()).expect("somebody listens");
                freeze(ice, point, || watched(|| call(&striped)))
            }
        });
        warmed.recv().expect("it is ready");
        // A thread on the other stripe may have a point less.
        if let Ok(stopped) = observer.recv() {
            stops += 1;
            beside(stopped.before, &striped);
            drop(keeper);
            thread.join().expect("it finishes");
            after(stopped.before, &striped);
        }
    }
    assert!(5 * stops > 4 * points, "{stops} stops at {points} points");
}

/// What others get beside a stopped thread, one by one, and after it went on.
fn nothing_is_minted<const N: usize>() {
    for Victim { name, first, call, keeps } in victims::<N>() {
        let drain = |before: Point, striped: &Striped<N>| {
            let work = || {
                // It would wait for who is in the line's lock.
                if name == PAUSE {
                    striped.bucket.resume();
                }
                assert!(!striped.take(MOST));
                striped.bucket.put_back([2; N]);
                striped.put_back.fetch_add(2, Relaxed);
                striped.bucket.available();
                while striped.take(1) {}
            };
            assert!(patiently(100_000, || true, work).is_ok(), "{N} {name}: others wait before {before:?}");
        };
        let beside = |before: Point, striped: &Striped<N>| {
            drain(before, striped);
            let missing = striped.left();
            assert!(missing <= keeps, "{N} {name}, before {before:?}: {missing} are missing");
        };
        let after = |before: Point, striped: &Striped<N>| {
            striped.bucket.resume();
            let left = striped.left();
            assert_eq!(striped.bucket.available(), [left; N], "{N} {name}, stopped before {before:?}");
            drain(before, striped);
            assert_eq!(striped.left(), 0, "{N} {name}, stopped before {before:?}");
        };
        each_stop(first, call, beside, after);
    }
}

#[test]
fn a_thread_that_is_stopped_delays_nobody_and_mints_nothing() {
    nothing_is_minted::<1>();
}

#[test]
fn the_same_of_two_streams() {
    nothing_is_minted::<2>();
}

#[test]
fn the_same_of_three_streams() {
    nothing_is_minted::<3>();
}

/// What a stopped thread has in its hand while the stripes are voided goes home when it goes on.
fn what_was_in_hand_comes_home<const N: usize>() {
    let beside = |before: Point, striped: &Striped<N>| {
        let pause = || {
            striped.bucket.pause_for(HOUR);
            assert!(!striped.take(1), "before {before:?}: it is paused");
        };
        assert!(patiently(100_000, || true, pause).is_ok(), "before {before:?}");
    };
    let after = |before: Point, striped: &Striped<N>| {
        assert_eq!(striped.bucket.lent(), [0; N], "before {before:?}");
        striped.bucket.resume();
        assert_eq!(striped.bucket.available(), [striped.left(); N], "before {before:?}");
    };
    let take = |striped: &Striped<N>| {
        striped.take(1);
    };
    each_stop(|_| (), take, beside, after);
    each_stop(Striped::warmed, take, beside, after);
}

#[test]
fn what_a_stopped_thread_has_in_hand_in_a_pause_comes_home_when_it_goes_on() {
    what_was_in_hand_comes_home::<1>();
    what_was_in_hand_comes_home::<2>();
    what_was_in_hand_comes_home::<3>();
}

/// A change of limits and a reset take a lock of their own: other changes wait, takers do not.
#[test]
fn a_thread_that_is_stopped_inside_a_change_stops_other_changes_only() {
    fn change<const N: usize>(call: fn(&Striped<N>)) {
        let mut waits = 0;
        let beside = |before: Point, striped: &Striped<N>| {
            let takers = || {
                striped.bucket.put_back([2; N]);
                striped.bucket.available();
                striped.bucket.pause_for(HOUR);
                striped.bucket.resume();
                while striped.take(1) {}
            };
            assert!(patiently(100_000, || true, takers).is_ok(), "{N}: takers wait before {before:?}");
            assert!(striped.granted.load(Relaxed) <= CAPACITY + 2, "{N}: minted, before {before:?}");
            waits += usize::from(patiently(5_000, || true, || striped.bucket.reset([5; N])).is_err());
        };
        each_stop(|_| (), call, beside, |_, _| ());
        assert!(waits > 0, "{N}: the experiment can fail");
    }
    fn both<const N: usize>() {
        change::<N>(|striped| striped.bucket.reset([10; N]));
        change::<N>(|striped| striped.bucket.set_limits([Limit::per_second(2).capacity(CAPACITY); N]).expect("limits"));
    }
    both::<1>();
    both::<2>();
    both::<3>();
}
