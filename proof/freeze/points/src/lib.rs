//! Owns atomics with a point before each operation, where a thread can be stopped for good. They
//! never change what an operation does.
//!
//! A thread passes points only inside [`watched`]. The enclosing call decides what happens there:
//! [`count`] counts the points, [`freeze`] stops the thread at one, [`patiently`] gives the call up
//! after too many. Everywhere else, and in all other threads, these are the atomics of
//! `portable_atomic` and the `OnceBox` of `once_cell`.

mod atomic;
mod lock;
mod publish;
mod watch;

pub use atomic::{AtomicU32, AtomicU64, fence};
pub use crossbeam_utils::Backoff;
pub use lock::{ReadGuard, RwLock, WriteGuard};
pub use portable_atomic::Ordering;
pub use publish::PublishOnce;
pub use watch::{Ice, OutOfPatience, Passage, Point, Stopped, count, freeze, ice, patiently, watched};
