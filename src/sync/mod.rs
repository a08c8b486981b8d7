//! The only file that names an atomics crate. A table of faces: the same names, on the machine or
//! under something that watches them.
//!
//! | face | `cfg` | atomics | publish-once cell |
//! |---|---|---|---|
//! | native | none | `portable_atomic`: the machine's own, or a fallback where it has no 64-bit ones | `once_cell::race::OnceBox` |
//! | loom | `loom` | `loom`, which tries every interleaving and every value a weak ordering allows | a twin that loom sees |
//! | freeze | `tollgate_freeze` | `freeze_points`: the machine's, and before each operation a point where a thread can be stopped for good | likewise |
//! | shuttle | `tollgate_shuttle` | `shuttle`, which switches threads at random before each operation; every ordering is sequentially consistent | as native: one step |
//!
//! Those who sleep listen to `event_listener` on all faces but that of loom, which has a twin of it
//! that never times out.
//!
//! The last two are set by the unpublished packages `proof/freeze/tollgate` and
//! `proof/history/tollgate`, which build these same sources.

pub(crate) use face::*;

#[cfg(not(any(loom, tollgate_freeze, tollgate_shuttle)))]
mod face {
    pub(crate) use crossbeam_utils::Backoff;
    pub(crate) use portable_atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use portable_atomic::{AtomicU32, AtomicU64, fence};

    #[cfg(feature = "alloc")]
    pub(crate) use super::publish::PublishOnce;
}

#[cfg(all(feature = "alloc", not(any(loom, tollgate_freeze))))]
mod publish {
    extern crate alloc;
    use alloc::boxed::Box;
    use once_cell::race::OnceBox;

    /// A cell that is empty until one thread's value is published in it, for good.
    #[derive(Debug)]
    pub(crate) struct PublishOnce<T>(OnceBox<T>);

    impl<T> PublishOnce<T> {
        pub(crate) const fn new() -> Self {
            Self(OnceBox::new())
        }

        pub(crate) fn get(&self) -> Option<&T> {
            self.0.get()
        }

        /// The published value: that of whoever was first. The loser's is dropped.
        pub(crate) fn get_or_publish(&self, make: impl FnOnce() -> T) -> &T {
            self.0.get_or_init(|| Box::new(make()))
        }
    }
}

#[cfg(all(feature = "std", not(loom)))]
pub(crate) use event_listener::{Event, Listener, listener as listen};

#[cfg(any(loom, tollgate_shuttle))]
mod scheduled {
    use super::face::yield_now;

    /// Tells the scheduler to run another thread where this one waits for a slot; after a lost race
    /// it goes on as it likes.
    #[derive(Debug)]
    pub(crate) struct Backoff;

    impl Backoff {
        pub(crate) const fn new() -> Self {
            Self
        }

        pub(crate) fn spin(&self) {}

        pub(crate) fn snooze(&self) {
            yield_now();
        }
    }
}

#[cfg(tollgate_freeze)]
mod face {
    pub(crate) use freeze_points::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use freeze_points::{AtomicU32, AtomicU64, Backoff, fence};

    #[cfg(feature = "alloc")]
    pub(crate) use freeze_points::PublishOnce;
}

#[cfg(tollgate_shuttle)]
mod face {
    pub(crate) use super::scheduled::Backoff;
    pub(crate) use shuttle::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, fence};
    pub(super) use shuttle::thread::yield_now;

    #[cfg(feature = "alloc")]
    pub(crate) use super::publish::PublishOnce;
}

#[cfg(loom)]
mod face {
    pub(crate) use super::scheduled::Backoff;
    pub(crate) use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, fence};
    pub(super) use loom::thread::yield_now;

    #[cfg(feature = "std")]
    pub(crate) use event::{Event, Listener, listen};

    #[cfg(feature = "std")]
    mod event {
        use core::future::Future;
        use core::pin::Pin;
        use core::task::{Context, Poll, Waker};
        use std::sync::Arc;
        use std::task::Wake;
        use std::time::Duration;
        use std::vec::Vec;

        use loom::sync::{Mutex, Notify};

        /// The twin of `event_listener::Event`, as far as it is used: a listener is woken by each
        /// ring after it began to listen. The lock orders the two as the original's fences do.
        #[derive(Debug)]
        pub(crate) struct Event {
            /// How often it rang, and who is to be woken next time.
            rings: Mutex<(u64, Vec<Waker>)>,
        }

        #[derive(Debug)]
        pub(crate) struct Listening<'e> {
            event: &'e Event,
            since: u64,
        }

        /// What a thread is woken by.
        struct Alarm(Notify);

        impl Wake for Alarm {
            fn wake(self: Arc<Self>) {
                self.0.notify();
            }
        }

        impl Event {
            pub(crate) fn new() -> Self {
                Self { rings: Mutex::new((0, Vec::new())) }
            }

            pub(crate) fn listen(&self) -> Listening<'_> {
                Listening { event: self, since: self.rings.lock().expect("no panic").0 }
            }

            pub(crate) fn notify(&self, _: usize) {
                let wakers = {
                    let mut rings = self.rings.lock().expect("no panic");
                    rings.0 += 1;
                    core::mem::take(&mut rings.1)
                };
                wakers.into_iter().for_each(Waker::wake);
            }
        }

        pub(crate) trait Listener {
            fn wait_timeout(self, timeout: Duration) -> Option<()>;
        }

        impl Listener for Listening<'_> {
            /// However long that takes: a ring that is missed is a deadlock, which loom reports.
            fn wait_timeout(mut self, _: Duration) -> Option<()> {
                let alarm = Arc::new(Alarm(Notify::new()));
                let waker = Waker::from(Arc::clone(&alarm));
                let mut context = Context::from_waker(&waker);
                while Pin::new(&mut self).poll(&mut context).is_pending() {
                    alarm.0.wait();
                }
                Some(())
            }
        }

        impl Future for Listening<'_> {
            type Output = ();

            fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
                let mut rings = self.event.rings.lock().expect("no panic");
                if rings.0 != self.since {
                    return Poll::Ready(());
                }
                rings.1.push(context.waker().clone());
                Poll::Pending
            }
        }

        /// As the macro of `event_listener`.
        macro_rules! listen {
            ($event:expr => $listener:ident) => {
                #[allow(unused_mut)]
                let mut $listener = $event.listen();
            };
        }

        pub(crate) use listen;
    }

    #[cfg(feature = "alloc")]
    pub(crate) use publish::PublishOnce;

    #[cfg(feature = "alloc")]
    mod publish {
        use super::*;
        use loom::sync::atomic::Ordering::AcqRel;
        use std::boxed::Box;
        use std::sync::OnceLock;

        /// The twin of the native cell: the value is kept where loom does not look, and whether it
        /// is there is an atomic that loom sees, with the orderings of `OnceBox` (success `AcqRel`,
        /// failure and `get` `Acquire`).
        #[derive(Debug)]
        pub(crate) struct PublishOnce<T> {
            published: AtomicU32,
            value: OnceLock<Box<T>>,
        }

        impl<T> PublishOnce<T> {
            pub(crate) fn new() -> Self {
                Self { published: AtomicU32::new(0), value: OnceLock::new() }
            }

            pub(crate) fn get(&self) -> Option<&T> {
                // ORDERING: Acquire, as in `OnceBox`; pairs with the AcqRel in `get_or_publish`:
                // the block is free before it is found. Dies if it is not: loom-tests/growth.rs,
                // `either_thread_installs_the_block`.
                if self.published.load(Acquire) == 0 { None } else { self.value.get().map(Box::as_ref) }
            }

            pub(crate) fn get_or_publish(&self, make: impl FnOnce() -> T) -> &T {
                // ORDERING: as in `get`; success AcqRel pairs with both Acquires, failure Acquire
                // with the winner's AcqRel. Same model: loom-tests/growth.rs,
                // `either_thread_installs_the_block`.
                if self.published.load(Acquire) == 0 {
                    let value = Box::new(make());
                    if self.published.compare_exchange(0, 1, AcqRel, Acquire).is_ok() {
                        // Loom switches threads only at its own operations, so nobody sees the flag
                        // without the value.
                        let _ = self.value.set(value);
                    }
                }
                self.value.get().expect("published above")
            }
        }
    }
}

// Locks, for the keyed buckets alone: shared or alone, and only tried.
//
// A lock that is taken shared is taken past those who wait to have it alone, so that readers never
// wait for one another. Nothing is poisoned.
#[cfg(feature = "keys")]
pub(crate) use lock::{RwLock, SeqCst, WriteGuard};

#[cfg(all(feature = "keys", not(any(loom, tollgate_freeze))))]
mod lock {
    use core::ops::Deref;

    pub(crate) use parking_lot::RwLockWriteGuard as WriteGuard;
    pub(crate) use portable_atomic::Ordering::SeqCst;

    /// Of `parking_lot`: one word.
    pub(crate) struct RwLock<T>(parking_lot::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(parking_lot::RwLock::new(value))
        }

        /// Gives way once to a thread that waits to have it alone, and never waits for it. Without
        /// that, sixteen readers on two cores kept an addition waiting for 12 s: there was always
        /// one that had been preempted as it held the lock.
        #[inline]
        pub(crate) fn read(&self) -> impl Deref<Target = T> {
            if self.0.is_locked_exclusive() {
                std::thread::yield_now();
            }
            self.0.read_recursive()
        }

        pub(crate) fn write(&self) -> WriteGuard<'_, T> {
            self.0.write()
        }

        pub(crate) fn try_write(&self) -> Option<WriteGuard<'_, T>> {
            self.0.try_write()
        }
    }
}

#[cfg(all(feature = "keys", tollgate_freeze))]
mod lock {
    pub(crate) use freeze_points::Ordering::SeqCst;
    pub(crate) use freeze_points::{RwLock, WriteGuard};
}

#[cfg(all(feature = "keys", loom))]
mod lock {
    use core::ops::Deref;

    pub(crate) use loom::sync::RwLockWriteGuard as WriteGuard;
    pub(crate) use loom::sync::atomic::Ordering::SeqCst;

    /// The twin that loom sees.
    pub(crate) struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::RwLock::new(value))
        }

        pub(crate) fn read(&self) -> impl Deref<Target = T> {
            self.0.read().expect("loom poisons nothing that goes on")
        }

        pub(crate) fn write(&self) -> WriteGuard<'_, T> {
            self.0.write().expect("as above")
        }

        pub(crate) fn try_write(&self) -> Option<WriteGuard<'_, T>> {
            self.0.try_write().ok()
        }
    }
}
