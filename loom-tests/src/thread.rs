//! Owns how a model spawns a thread: as loom does, and counted. The table of the models shows the
//! count.

use std::cell::Cell;

pub use loom::thread::JoinHandle;

std::thread_local! {
    // Loom runs the threads of a model on one thread of the system.
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static MOST: Cell<usize> = const { Cell::new(0) };
}

/// Spawns a thread of the model.
pub fn spawn<F, T>(run: F) -> JoinHandle<T>
where
    F: FnOnce() -> T + 'static,
    T: 'static,
{
    COUNT.set(COUNT.get() + 1);
    MOST.set(MOST.get().max(COUNT.get()));
    loom::thread::spawn(run)
}

/// Begins an execution, which has one thread.
pub(crate) fn begin() {
    COUNT.set(1);
    MOST.set(MOST.get().max(1));
}

/// The most threads that an execution had.
pub(crate) fn most() -> usize {
    MOST.get()
}
