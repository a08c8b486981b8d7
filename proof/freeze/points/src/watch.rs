//! Owns the points: counts those that a thread passes, and stops it at the one it was told to.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvError, Sender, channel};

/// What the thread is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    Load,
    Store,
    CompareExchange,
    Swap,
    FetchMax,
    FetchMin,
    FetchAdd,
    FetchSub,
    Fence,
    /// Into a lock, or a try.
    Lock,
    /// Out of a lock.
    Unlock,
    /// Into a publish-once cell.
    Look,
    /// What is to be published once.
    Allocate,
    /// Into a publish-once cell that was empty.
    Publish,
}

/// What a thread did inside [`watched`], up to its end or to where it was stopped.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Passage {
    pub points: usize,
    /// Successful compare-exchanges on 64-bit words: whether the state has been changed.
    pub changes: usize,
}

/// A thread that has been stopped, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped {
    pub before: Point,
    pub passage: Passage,
}

/// A call passed more points than it was given: it waits for somebody who does not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfPatience;

impl fmt::Display for OutOfPatience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call waits for another thread")
    }
}

impl std::error::Error for OutOfPatience {}

/// What a thread is stopped with; the other ends are the observer's.
#[derive(Debug)]
pub struct Ice {
    stopped: Sender<Stopped>,
    thaw: Receiver<()>,
}

/// Ice for one thread: what it reports when it has been stopped, and what keeps it stopped for as
/// long as it is kept.
pub fn ice() -> (Ice, Receiver<Stopped>, Sender<()>) {
    let (stopped, observer) = channel();
    let (keeper, thaw) = channel();
    (Ice { stopped, thaw }, observer, keeper)
}

/// What is looked at before every operation: without a destructor, so that it costs a few loads.
struct Watch {
    /// Whether the thread is inside `watched`.
    on: Cell<bool>,
    points: Cell<usize>,
    changes: Cell<usize>,
    /// The point at which the thread is to be stopped.
    stop: Cell<usize>,
    /// Points left, inside of `watched` and out, until the thread is asked whether it waits in
    /// vain.
    patience: Cell<usize>,
}

thread_local! {
    static WATCH: Watch = const {
        Watch {
            on: Cell::new(false),
            points: Cell::new(0),
            changes: Cell::new(0),
            stop: Cell::new(usize::MAX),
            patience: Cell::new(usize::MAX),
        }
    };
    static ICE: RefCell<Option<Ice>> = const { RefCell::new(None) };
    static HOPELESS: RefCell<Option<Hopeless>> = const { RefCell::new(None) };
}

struct Hopeless {
    patience: usize,
    ask: Box<dyn FnMut() -> bool>,
}

/// Runs the part of a test's call whose points count.
pub fn watched<R>(call: impl FnOnce() -> R) -> R {
    WATCH.with(|watch| watch.on.set(true));
    let result = call();
    WATCH.with(|watch| watch.on.set(false));
    result
}

/// Runs `call` and counts what its `watched` part passes.
pub fn count(call: impl FnOnce()) -> Passage {
    WATCH.with(|watch| {
        watch.points.set(0);
        watch.changes.set(0);
    });
    call();
    WATCH.with(Watch::passage)
}

/// Runs `call`, and stops this thread before point `at` of its `watched` part, counted from 0,
/// until the ice melts. A call that has fewer points ends without.
pub fn freeze(ice: Ice, at: usize, call: impl FnOnce()) -> Passage {
    ICE.replace(Some(ice));
    WATCH.with(|watch| watch.stop.set(at));
    let passage = count(call);
    WATCH.with(|watch| watch.stop.set(usize::MAX));
    ICE.take();
    passage
}

/// Runs `call`, and each time that it has passed `patience` points more, `watched` or not, asks
/// whether it is hopeless.
///
/// # Errors
///
/// [`OutOfPatience`] if it was given up. It is unwound from where it stood, and what it holds on
/// its stack is dropped.
pub fn patiently<R>(
    patience: usize,
    hopeless: impl FnMut() -> bool + 'static,
    call: impl FnOnce() -> R,
) -> Result<R, OutOfPatience> {
    HOPELESS.replace(Some(Hopeless { patience, ask: Box::new(hopeless) }));
    WATCH.with(|watch| watch.patience.set(patience));
    let result = catch_unwind(AssertUnwindSafe(call));
    WATCH.with(|watch| {
        watch.on.set(false);
        watch.patience.set(usize::MAX);
    });
    HOPELESS.take();
    result.map_err(|payload| match payload.downcast::<OutOfPatience>() {
        Ok(out_of_patience) => *out_of_patience,
        Err(panic) => resume_unwind(panic),
    })
}

/// Before each operation.
#[inline]
pub(crate) fn point(before: Point) {
    WATCH.with(|watch| {
        match watch.patience.get() {
            0 => watch.ask(),
            usize::MAX => {}
            patience => watch.patience.set(patience - 1),
        }
        if watch.on.get() {
            if watch.points.get() == watch.stop.get() {
                watch.freeze(before);
            }
            watch.points.set(watch.points.get() + 1);
        }
    });
}

/// After a compare-exchange.
#[inline]
pub(crate) fn changed(did: bool) {
    WATCH.with(|watch| {
        if did && watch.on.get() {
            watch.changes.set(watch.changes.get() + 1);
        }
    });
}

impl Watch {
    fn passage(&self) -> Passage {
        Passage { points: self.points.get(), changes: self.changes.get() }
    }

    #[cold]
    fn freeze(&self, before: Point) {
        if let Some(Ice { stopped, thaw }) = ICE.take() {
            stopped.send(Stopped { before, passage: self.passage() }).expect("an observer waits for this");
            // Nothing is ever sent: the thread stands here until the keeper is dropped.
            assert_eq!(thaw.recv(), Err(RecvError));
        }
    }

    #[cold]
    fn ask(&self) {
        // Unwinding may well pass further points.
        self.patience.set(usize::MAX);
        if let Some(mut hopeless) = HOPELESS.take() {
            if (hopeless.ask)() {
                resume_unwind(Box::new(OutOfPatience));
            }
            self.patience.set(hopeless.patience);
            HOPELESS.replace(Some(hopeless));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::{AtomicU64, Ordering::Relaxed};

    #[test]
    fn points_count_only_where_they_are_watched() {
        let word = AtomicU64::new(0);
        let passage = count(|| {
            word.load(Relaxed);
            watched(|| {
                word.store(3, Relaxed);
                let _ = word.compare_exchange(3, 4, Relaxed, Relaxed);
                let _ = word.compare_exchange(3, 4, Relaxed, Relaxed);
            });
            word.load(Relaxed);
        });
        assert_eq!(passage, Passage { points: 3, changes: 1 });
    }

    #[test]
    fn a_thread_stands_before_its_point_until_the_ice_melts() {
        let word = Arc::new(AtomicU64::new(0));
        let (ice, observer, keeper) = ice();
        let thread = thread::spawn({
            let word = Arc::clone(&word);
            move || freeze(ice, 1, || watched(|| (1..4).for_each(|i| word.store(i, Relaxed))))
        });
        let stopped = Stopped { before: Point::Store, passage: Passage { points: 1, changes: 0 } };
        assert_eq!(observer.recv(), Ok(stopped));
        assert_eq!(word.load(Relaxed), 1);
        drop(keeper);
        assert_eq!(thread.join().unwrap(), Passage { points: 3, changes: 0 });
        assert_eq!(word.load(Relaxed), 3);
    }

    #[test]
    fn a_call_that_waits_is_given_up() {
        let word = AtomicU64::new(0);
        let asked = Rc::new(Cell::new(0));
        let third_time = {
            let asked = Rc::clone(&asked);
            move || asked.replace(asked.get() + 1) == 2
        };
        assert_eq!(patiently(100, third_time, || while word.load(Relaxed) == 0 {}), Err(OutOfPatience));
        assert_eq!(asked.get(), 3);
        assert_eq!(patiently(100, || true, || word.store(1, Relaxed)), Ok(()));
    }
}
