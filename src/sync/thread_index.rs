//! Owns the number of the calling thread: 0, 1, 2 and so on, in the order in which they asked. It
//! orders nothing.

pub(crate) use face::{assign, index};

/// The index of a thread that has none yet.
const NONE: usize = usize::MAX;

#[cfg(not(any(loom, tollgate_shuttle)))]
mod face {
    use super::NONE;
    use core::cell::Cell;
    // The freeze does not stop a thread at its number.
    #[cfg(tollgate_freeze)]
    use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    #[cfg(not(tollgate_freeze))]
    use portable_atomic::{AtomicUsize, Ordering::Relaxed};

    std::thread_local! {
        static INDEX: Cell<usize> = const { Cell::new(NONE) };
    }

    static NEXT: AtomicUsize = AtomicUsize::new(0);

    /// The index of this thread; the largest number there is if it has none yet.
    #[inline(always)]
    pub(crate) fn index() -> usize {
        INDEX.with(Cell::get)
    }

    /// Gives this thread an index if it has none.
    pub(crate) fn assign() {
        if index() == NONE {
            // ORDERING: Relaxed. A number alone, and no thread reads what another wrote. Nothing
            // dies.
            INDEX.with(|index| index.set(NEXT.fetch_add(1, Relaxed)));
        }
    }
}

/// The twin whose numbers begin anew in each execution.
#[cfg(any(loom, tollgate_shuttle))]
mod face {
    use super::NONE;
    use core::cell::Cell;
    #[cfg(loom)]
    use loom::{lazy_static, thread_local};
    #[cfg(tollgate_shuttle)]
    use shuttle::{lazy_static, thread_local};
    use std::sync::Mutex;

    thread_local! {
        static INDEX: Cell<usize> = Cell::new(NONE);
    }

    lazy_static! {
        // Of the standard library: the scheduler does not see it.
        static ref NEXT: Mutex<usize> = Mutex::new(0);
    }

    pub(crate) fn index() -> usize {
        INDEX.with(Cell::get)
    }

    pub(crate) fn assign() {
        if index() == NONE {
            let mut next = NEXT.lock().expect("nobody panics with it");
            INDEX.with(|index| index.set(*next));
            *next += 1;
        }
    }
}
