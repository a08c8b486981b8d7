//! The line of a key loses nobody: it comes with the first who waits and goes with the last, and
//! who puts tokens back beside either is heard. A sleep never ends by itself here, so a missed wake
//! is a deadlock.
#![cfg(all(loom, feature = "keys"))]

use std::future::Future;
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Notify;
use loom_tests::{limit, model, thread};
use tollgate::clock::ManualClock;
use tollgate::keyed::KeyRefused;
use tollgate::wait::Timer;
use tollgate::{Granted, KeyedBuckets};

/// A hash that is the key, so that every execution has the same shards.
#[derive(Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, key: &[u8]) {
        self.0 = u64::from_ne_bytes(key.try_into().expect("a key is a u64"));
    }
}

type Keyed<const N: usize = 1> = KeyedBuckets<u64, N, ManualClock, BuildHasherDefault<Plain>>;

const KEY: u64 = 1;

/// A token a nanosecond, and a key that is used up.
fn empty(capacity: u64) -> Arc<Keyed> {
    let keys = Keyed::with_hasher(limit(capacity), 4, ManualClock::new(), BuildHasherDefault::default());
    let keys = keys.expect("a limit in range").with_keep(Duration::ZERO);
    keys.try_take(&KEY, capacity).expect("it is full");
    Arc::new(keys)
}

/// The waker of a task.
struct Alarm(Notify);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// A timer whose sleeps never end.
struct Never;

impl Timer for Never {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

/// A wait that can be given to another thread.
struct Task {
    wait: Pin<Box<dyn Future<Output = Result<Granted, KeyRefused>> + Send>>,
    alarm: Arc<Alarm>,
}

impl Task {
    /// Waits for so many tokens, and has been polled once.
    fn waiting(keys: &Arc<Keyed>, n: u64) -> Self {
        let keys = Arc::clone(keys);
        let wait = Box::pin(async move { keys.bucket(&KEY).take_on(n, Never).await });
        let mut task = Self { wait, alarm: Arc::new(Alarm(Notify::new())) };
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<Result<(), KeyRefused>> {
        let waker = Waker::from(Arc::clone(&self.alarm));
        self.wait.as_mut().poll(&mut Context::from_waker(&waker)).map_ok(drop)
    }

    /// Polls when woken, until it is served.
    fn finish(mut self) {
        loop {
            self.alarm.0.wait();
            if let Poll::Ready(answer) = self.poll() {
                return answer.expect("nothing refuses it");
            }
        }
    }
}

/// Runs `other` in a second thread beside `main`.
fn beside(keys: &Arc<Keyed>, other: impl FnOnce(&Arc<Keyed>) + Send + 'static, main: impl FnOnce(&Arc<Keyed>)) {
    let second = {
        let keys = Arc::clone(keys);
        thread::spawn(move || other(&keys))
    };
    main(keys);
    second.join().expect("no panic");
}

/// What is left, and whether the key goes as any other once it is full: nobody waits.
fn left(keys: &Keyed) -> (u64, usize) {
    let left = keys.available(&KEY);
    keys.clock().advance(Duration::from_secs(1));
    keys.shrink();
    (left, keys.len())
}

model! {
    /// A put-back beside the first who waits is seen by it, or wakes it.
    ///
    /// Two threads, one call each; at most three preemptions. Fails if a put-back beside a line
    /// tells nobody; and, at three, if what waiters share is made by who enters.
    a_put_back_beside_the_first_who_waits_wakes_it, Some(3), 10, [(0, 0)], || {
        let keys = empty(1);
        beside(
            &keys,
            |keys| keys.bucket(&KEY).take_blocking(1).map(drop).expect("it comes back"),
            |keys| keys.put_back(&KEY, 1),
        );
        left(&keys)
    }
}

model! {
    /// The same for a key of several streams.
    ///
    /// Two threads, one call each; at most three preemptions.
    a_put_back_beside_the_first_who_waits_for_several_streams_wakes_it, Some(3), 10, [[0, 1]], || {
        let limits = [limit(1), limit(1)];
        let keys = Keyed::<2>::with_hasher(limits, 4, ManualClock::new(), BuildHasherDefault::default());
        let keys = Arc::new(keys.expect("limits in range"));
        keys.try_take(&KEY, [1, 0]).expect("it is full");
        let waiter = {
            let keys = Arc::clone(&keys);
            thread::spawn(move || keys.bucket(&KEY).take_blocking([1, 0]).map(drop).expect("it comes back"))
        };
        keys.put_back(&KEY, [1, 0]);
        waiter.join().expect("no panic");
        keys.available(&KEY)
    }
}

model! {
    /// The end of a pause beside the first who waits is seen by it, or wakes it.
    ///
    /// Two threads, one call each; at most three preemptions. Fails if the end of a pause tells
    /// nobody.
    a_resume_beside_the_first_who_waits_wakes_it, Some(3), 10, [0], || {
        let keys = empty(2);
        keys.put_back(&KEY, 1);
        keys.pause_for(&KEY, Duration::from_secs(3600)).expect("there is room");
        beside(
            &keys,
            |keys| keys.bucket(&KEY).take_blocking(1).map(drop).expect("the pause ends"),
            |keys| keys.resume(&KEY),
        );
        keys.available(&KEY)
    }
}

model! {
    /// A removal beside the first who waits leaves it a full key.
    ///
    /// Two threads, one call each; at most three preemptions. Fails if a removal tells nobody.
    a_removal_beside_the_first_who_waits_wakes_it, Some(3), 10, [(0, 0)], || {
        let keys = empty(1);
        beside(
            &keys,
            |keys| keys.bucket(&KEY).take_blocking(1).map(drop).expect("the key is full"),
            |keys| assert!(keys.remove(&KEY)),
        );
        left(&keys)
    }
}

model! {
    /// Limits that change beside the first who waits, with what is there then, tell it.
    ///
    /// Two threads, one call each; at most three preemptions. Fails if a change tells no line.
    a_change_of_limits_beside_one_who_waits_tells_it, Some(3), 10, [0], || {
        let keys = empty(4);
        let task = Task::waiting(&keys, 4);
        keys.clock().advance(Duration::from_nanos(3));
        beside(
            &keys,
            move |_| task.finish(),
            |keys| {
                keys.set_limits(limit(4)).expect("as before");
                keys.put_back(&KEY, 1);
            },
        );
        keys.available(&KEY)
    }
}

model! {
    /// A taker that begins after somebody waits stays out.
    ///
    /// Two threads, one call each; at most three preemptions. Fails if takers do not look at the
    /// line.
    a_taker_of_a_key_that_begins_after_a_wait_stays_out, Some(3), 10, [(false, 0)], || {
        let keys = empty(1);
        let task = Task::waiting(&keys, 1);
        let taker = {
            let keys = Arc::clone(&keys);
            thread::spawn(move || keys.try_take(&KEY, 1).is_ok())
        };
        keys.put_back(&KEY, 1);
        task.finish();
        let took = taker.join().expect("no panic");
        (took, keys.available(&KEY))
    }
}

model! {
    /// One hangs up beside a put-back: what came back is for the other who waits.
    ///
    /// Two threads, one call each; at most one preemption. Fails if who leaves leaves no mark.
    who_hangs_up_beside_a_put_back_passes_the_tokens_on, Some(1), 10, [(0, 0)], || {
        let keys = empty(1);
        let (first, second) = (Task::waiting(&keys, 1), Task::waiting(&keys, 1));
        beside(
            &keys,
            move |_| drop(first),
            |keys| {
                keys.put_back(&KEY, 1);
                second.finish();
            },
        );
        left(&keys)
    }
}

model! {
    /// The last who waits hangs up beside a put-back: the line is gone after both.
    ///
    /// Two threads, one call each; at most three preemptions. Fails if the last share leaves the
    /// line where it is.
    a_line_is_gone_after_its_last_waiter_and_a_put_back_beside_it, Some(3), 10, [(1, 0)], || {
        let keys = empty(1);
        let task = Task::waiting(&keys, 1);
        beside(&keys, move |_| drop(task), |keys| keys.put_back(&KEY, 1));
        left(&keys)
    }
}

model! {
    /// The last who waits hangs up as another comes: that one has a line, and is heard.
    ///
    /// Two threads, one call each; at most one preemption. Fails if the last who leaves takes the
    /// line away from one who has just come.
    who_comes_as_the_last_hangs_up_has_a_line, Some(1), 10, [(0, 0)], || {
        let keys = empty(1);
        let task = Task::waiting(&keys, 1);
        let waiter = {
            let keys = Arc::clone(&keys);
            thread::spawn(move || keys.bucket(&KEY).take_blocking(1).map(drop).expect("it comes back"))
        };
        drop(task);
        keys.put_back(&KEY, 1);
        waiter.join().expect("no panic");
        left(&keys)
    }
}

model! {
    /// A reservation that is kept behind one who hangs up owes its tokens once, whoever serves it.
    ///
    /// Two threads, one call each; at most one preemption. Fails if the line goes while somebody
    /// has a share of it.
    a_reservation_kept_behind_one_who_hangs_up_is_owed_once, Some(1), 10, [2], || {
        let keys = empty(2);
        let task = Task::waiting(&keys, 2);
        let kept = Arc::clone(&keys);
        let reserved = thread::spawn(move || kept.bucket(&KEY).reserve(1).expect("no bound").commit());
        drop(task);
        reserved.join().expect("no panic");
        keys.debt(&KEY) + u64::from(keys.available(&KEY) == 0)
    }
}
