//! Owns the points: it counts those that a thread passes, and stops it at a chosen one. It never
//! stops a thread outside of `watched`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, RecvError, Sender, channel};

/// The operation that the thread is about to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Point {
    Load,
    Store,
    CompareExchange,
    Swap,
    FetchMax,
    FetchOr,
    FetchAnd,
    FetchAdd,
    FetchSub,
    FetchMin,
    Fence,
    /// An entry into a lock, or a try.
    Lock,
    /// The release of a lock.
    Unlock,
    /// A look into a publish-once cell.
    Look,
    /// An allocation of the value to publish.
    Allocate,
    /// A publication in a cell that was empty.
    Publish,
}

/// What a thread did inside [`watched`], until its end or its stop.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Passage {
    pub points: usize,
    /// Successful compare-exchanges on 64-bit words: changes of state.
    pub changes: usize,
}

/// A stopped thread, and the point where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stopped {
    pub before: Point,
    pub passage: Passage,
}

/// A call passed more points than allowed: it waits for a thread that never comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfPatience;

impl fmt::Display for OutOfPatience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call waits for another thread")
    }
}

impl std::error::Error for OutOfPatience {}

/// The thread's ends of the channels that stop it; the observer has the others.
#[derive(Debug)]
pub struct Ice {
    stopped: Sender<Stopped>,
    thaw: Receiver<()>,
}

/// Makes ice for one thread.
///
/// Returned with it are the report of its stop, and the keeper: the thread stays stopped until the
/// keeper is dropped.
pub fn ice() -> (Ice, Receiver<Stopped>, Sender<()>) {
    let (stopped, observer) = channel();
    let (keeper, thaw) = channel();
    (Ice { stopped, thaw }, observer, keeper)
}

/// The state that each operation checks first. Without a destructor it costs a few loads.
struct Watch {
    /// Whether the thread is inside `watched`.
    on: Cell<bool>,
    points: Cell<usize>,
    changes: Cell<usize>,
    /// The point at which the thread is to be stopped.
    stop: Cell<usize>,
    /// Points left until the thread is asked whether it waits in vain.
    ///
    /// All points count, inside and outside of `watched`.
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

/// Runs `call`, and stops this thread before point `at` of its `watched` part.
///
/// Points count from 0. The thread stays stopped until the ice melts. A call with fewer points ends
/// without a stop.
pub fn freeze(ice: Ice, at: usize, call: impl FnOnce()) -> Passage {
    ICE.replace(Some(ice));
    WATCH.with(|watch| watch.stop.set(at));
    let passage = count(call);
    WATCH.with(|watch| watch.stop.set(usize::MAX));
    ICE.take();
    passage
}

/// Runs `call`, and asks after each `patience` points whether it is hopeless.
///
/// All points count, `watched` or not.
///
/// # Errors
///
/// Returns [`OutOfPatience`] if the call was given up. It unwinds from where it stood, and drops
/// its stack.
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

/// Passes a point, before each operation.
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

/// Counts a change of state, after a compare-exchange.
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
            // No message is ever sent: the thread stands here until the keeper is dropped.
            assert_eq!(thaw.recv(), Err(RecvError));
        }
    }

    #[cold]
    fn ask(&self) {
        // Unwinding may pass further points.
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
