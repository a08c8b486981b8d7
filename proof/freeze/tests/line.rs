//! Who waits for whom beside the line: a thread is stopped at each point of a call that takes the
//! line's lock, and takers, put-backs and drops are tried beside it.

use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use freeze_points::{Point, count, freeze, ice, patiently, watched};
use tollgate_freeze::clock::ManualClock;
use tollgate_freeze::wait::Timer;
use tollgate_freeze::{Granted, Limit, Refused, TokenBucket};

/// A timer whose sleeps never end: the test polls.
struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        pending()
    }
}

type Wait = Pin<Box<dyn Future<Output = Result<Granted, Refused>> + Send>>;

fn poll(wait: &mut Wait) -> Poll<Result<(), Refused>> {
    wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).map_ok(drop)
}

/// A bucket with a line.
struct Queued {
    bucket: Arc<TokenBucket<ManualClock>>,
    /// Those who wait, each for one token, until one of the tests drops them.
    waits: Mutex<Vec<Wait>>,
}

impl Queued {
    fn new() -> Self {
        let limit = Limit::per_second(10).capacity(10).empty();
        let bucket = Arc::new(TokenBucket::with_clock(limit, ManualClock::new()).expect("a limit"));
        let this = Self { bucket, waits: Mutex::new(Vec::new()) };
        for _ in 0..3 {
            let mut wait = this.wait();
            assert!(poll(&mut wait).is_pending());
            this.waits.lock().expect("no panic").push(wait);
        }
        this
    }

    fn wait(&self) -> Wait {
        let bucket = Arc::clone(&self.bucket);
        Box::pin(async move { bucket.take_on(1, Never).await })
    }

    fn last(&self) -> Wait {
        self.waits.lock().expect("no panic").pop().expect("one still waits")
    }
}

type Call = (&'static str, fn(&Queued));

const FREE: [Call; 4] = [
    ("a refused take", |queued| assert!(queued.bucket.try_take(1).is_err())),
    ("a put-back", |queued| queued.bucket.put_back(1)),
    ("a charge", |queued| queued.bucket.charge(1).expect("a small debt")),
    ("a drop", |queued| drop(queued.last())),
];

const ENTERS: Call = ("an entry", |queued| assert!(poll(&mut queued.wait()).is_pending()));

/// For each point of `victim`: which of `others` wait while it is stopped there.
fn waits(victim: fn(&Queued), others: &[Call]) -> Vec<(Point, Vec<&'static str>)> {
    let points = count(|| {
        let queued = Queued::new();
        watched(|| victim(&queued));
    })
    .points;
    let stopped_at = |point| {
        let queued = Arc::new(Queued::new());
        let (ice, observer, keeper) = ice();
        let thread = thread::spawn({
            let queued = Arc::clone(&queued);
            move || freeze(ice, point, || watched(|| victim(&queued)))
        });
        let stopped = observer.recv().expect("it has as many points as when they were counted");
        let waits = |other: &fn(&Queued)| patiently(10_000, || true, || other(&queued)).is_err();
        let waiting = others.iter().filter(|(_, other)| waits(other)).map(|(name, _)| *name).collect();
        drop(keeper);
        thread.join().expect("it finishes");
        (stopped.before, waiting)
    };
    (0..points).map(stopped_at).collect()
}

/// The words of the documentation: takers, put-backs and drops never wait for the line's lock.
#[test]
fn a_thread_that_is_stopped_inside_the_lines_lock_delays_no_taker_no_put_back_and_no_drop() {
    let victims: [fn(&Queued); 4] = [ENTERS.1, |queued| drop(queued.last()), FREE[1].1, |queued| queued.bucket.close()];
    for victim in victims {
        let stopped = waits(victim, &FREE);
        assert!(stopped.iter().any(|(before, _)| *before == Point::Unlock), "{stopped:?}");
        assert!(stopped.iter().all(|(_, waiting)| waiting.is_empty()), "{stopped:?}");
    }
}

/// The experiment can fail: who enters waits for the thread inside the lock.
#[test]
fn who_enters_waits_for_a_thread_that_is_stopped_inside_the_lines_lock() {
    let held = waits(ENTERS.1, &[ENTERS]);
    assert!(held.iter().any(|(before, waiting)| *before == Point::Unlock && !waiting.is_empty()), "{held:?}");
}
