//! Owns what is seen of one caller: its polls, how late they were, and when it was served. It never
//! changes what the caller does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tollgate::wait::Timer;

use crate::stopwatch::Stopwatch;

/// A caller that was served; instants in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Served {
    /// When the poll that entered the line began and ended.
    pub(crate) entered: [u64; 2],
    /// When the poll that served it began, and when the caller went on.
    pub(crate) served: [u64; 2],
    /// The reading of the clock that decided; where there is none, when the caller went on.
    pub(crate) decided: u64,
    pub(crate) polls: u64,
    /// Polls after the first, before its timer came: it was woken by others.
    pub(crate) told: u64,
    /// By how much its latest poll came after its timer or its wake.
    pub(crate) late: u64,
}

/// When a caller is to be polled.
#[derive(Debug)]
pub(crate) struct Due {
    stopwatch: Stopwatch,
    woken: AtomicU64,
    timer: AtomicU64,
}

impl Due {
    pub(crate) fn new(stopwatch: Stopwatch) -> Arc<Self> {
        Arc::new(Self { stopwatch, woken: AtomicU64::new(u64::MAX), timer: AtomicU64::new(u64::MAX) })
    }

    /// Returns by how much a poll at `now` is late, and whether its timer has come.
    fn late(&self, now: u64) -> (u64, bool) {
        let woken = self.woken.swap(u64::MAX, Relaxed);
        let is_timed = self.timer.load(Relaxed) <= now;
        let timer = if is_timed { self.timer.swap(u64::MAX, Relaxed) } else { u64::MAX };
        (now.saturating_sub(woken.min(timer)), is_timed)
    }
}

/// A timer that notes when its sleep ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Noted<'a, T>(pub(crate) T, pub(crate) &'a Due);

impl<T: Timer> Timer for Noted<'_, T> {
    type Sleep = T::Sleep;

    fn sleep(&self, duration: Duration) -> T::Sleep {
        let end = self.1.stopwatch.nanos().saturating_add(duration.as_nanos() as u64);
        self.1.timer.store(end, Relaxed);
        self.0.sleep(duration)
    }
}

/// A waker that notes when it wakes.
struct Bell(Arc<Due>, Waker);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.woken.fetch_min(self.0.stopwatch.nanos(), Relaxed);
        self.1.wake_by_ref();
    }
}

/// Polls one caller.
pub(crate) struct Watch<'a> {
    due: &'a Arc<Due>,
    /// The waker of the task, and the one that the caller gets.
    wakers: Option<(Waker, Waker)>,
    seen: Served,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(due: &'a Arc<Due>) -> Self {
        let seen = Served { entered: [0; 2], served: [0; 2], decided: 0, polls: 0, told: 0, late: 0 };
        Self { due, wakers: None, seen }
    }

    pub(crate) fn poll(
        &mut self,
        take: Pin<&mut impl Future<Output = ()>>,
        context: &mut Context<'_>,
        polls: &AtomicU64,
    ) -> Poll<Served> {
        let (stopwatch, seen) = (self.due.stopwatch, &mut self.seen);
        let began = stopwatch.nanos();
        let (late, is_timed) = self.due.late(began);
        seen.late = seen.late.max(late);
        seen.told += u64::from(seen.polls > 0 && !is_timed);
        seen.polls += 1;
        polls.fetch_add(1, Relaxed);
        let task = context.waker();
        let wakers = self.wakers.take().filter(|(waker, _)| waker.will_wake(task));
        let make = || (task.clone(), Waker::from(Arc::new(Bell(Arc::clone(self.due), task.clone()))));
        let (_, bell) = self.wakers.insert(wakers.unwrap_or_else(make));
        let (poll, decided) = Stopwatch::last_reading(|| take.poll(&mut Context::from_waker(bell)));
        let ended = stopwatch.nanos();
        if seen.polls == 1 {
            seen.entered = [began, ended];
        }
        seen.served = [began, ended];
        seen.decided = decided.unwrap_or(ended);
        poll.map(|()| *seen)
    }
}
