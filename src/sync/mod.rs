//! Owns the names of atomics: no other file names an atomics crate. It never uses an atomic itself.
//!
//! Each face below defines equal names, on the machine or under a tool that watches them.
//!
//! | face | `cfg` | atomics | publish-once cell |
//! |---|---|---|---|
//! | native | none | `portable_atomic`: the machine's, or a fallback without 64-bit atomics | `once_cell::race::OnceBox` |
//! | loom | `loom` | `loom`: tries every interleaving, and every value that a weak ordering allows | a twin that loom sees |
//! | freeze | `tollgate_freeze` | `freeze_points`: the machine's; before each operation a thread can be stopped for good | a twin with such points |
//! | shuttle | `tollgate_shuttle` | `shuttle`: switches threads at random before each operation; sequentially consistent | the native one, as one step |
//!
//! Sleepers listen to `event_listener` on all faces but loom. Loom has a twin that never times out.
//!
//! The unpublished packages `proof/freeze/tollgate` and `proof/history/tollgate` set the last two.
//! They build the sources of this crate.

#[cfg(feature = "std")]
pub(crate) mod lock;
#[cfg(feature = "std")]
pub(crate) mod parker;
#[cfg(feature = "quanta")]
pub(crate) mod published;
#[cfg(feature = "keys")]
pub(crate) mod rw_lock;
#[cfg(feature = "std")]
pub(crate) mod thread_index;

/// A function that is `const` where atomics can be made so: not under loom and shuttle.
#[cfg(not(any(loom, tollgate_shuttle)))]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}

/// The twin under which nothing is `const`.
#[cfg(any(loom, tollgate_shuttle))]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}

/// An array of so many of these, which need not be `Copy`.
#[cfg(not(any(loom, tollgate_shuttle)))]
macro_rules! filled {
    ($each:expr; $len:expr) => {
        [const { $each }; $len]
    };
}

/// The twin that makes one after the other.
#[cfg(any(loom, tollgate_shuttle))]
macro_rules! filled {
    ($each:expr; $len:expr) => {
        core::array::from_fn::<_, { $len }, _>(|_| $each)
    };
}

pub(crate) use {const_fn, filled};

pub(crate) use face::*;
#[cfg(feature = "std")]
pub(crate) use lock::Lock;
#[cfg(feature = "std")]
pub(crate) use parker::Parker;
#[cfg(feature = "quanta")]
pub(crate) use published::Published;
#[cfg(feature = "keys")]
pub(crate) use rw_lock::{RwLock, SeqCst, WriteGuard};

#[cfg(not(any(loom, tollgate_freeze, tollgate_shuttle)))]
mod face {
    pub(crate) use crossbeam_utils::Backoff;
    #[cfg(feature = "std")]
    pub(crate) use portable_atomic::Ordering::AcqRel;
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

        /// Publishes a value, unless another thread did; returns the published one.
        ///
        /// The value of a thread that lost the race is dropped.
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
    use core::cell::Cell;

    /// A back-off that tells the scheduler to run another thread.
    ///
    /// It does so where this thread waits for a slot. After a lost race the scheduler chooses
    /// freely.
    #[derive(Debug)]
    pub(crate) struct Backoff(Cell<u32>);

    impl Backoff {
        /// After so many snoozes it is completed: few, as each is a look more in each execution.
        const MOST: u32 = 1;

        pub(crate) const fn new() -> Self {
            Self(Cell::new(0))
        }

        pub(crate) fn spin(&self) {}

        pub(crate) fn snooze(&self) {
            self.0.set(self.0.get() + 1);
            yield_now();
        }

        pub(crate) fn is_completed(&self) -> bool {
            self.0.get() >= Self::MOST
        }
    }
}

#[cfg(tollgate_freeze)]
mod face {
    pub(crate) use freeze_points::Ordering::{AcqRel, Acquire, Relaxed, Release};
    pub(crate) use freeze_points::{AtomicU32, AtomicU64, Backoff, fence};

    #[cfg(feature = "alloc")]
    pub(crate) use freeze_points::PublishOnce;
}

#[cfg(tollgate_shuttle)]
mod face {
    pub(crate) use super::scheduled::Backoff;
    pub(crate) use shuttle::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
    pub(crate) use shuttle::sync::atomic::{AtomicU32, AtomicU64, fence};
    pub(super) use shuttle::thread::yield_now;

    #[cfg(feature = "alloc")]
    pub(crate) use super::publish::PublishOnce;
}

#[cfg(loom)]
mod face {
    pub(crate) use super::scheduled::Backoff;
    pub(crate) use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
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

        /// The twin of `event_listener::Event`, for the calls in use.
        ///
        /// Each notification after a listener began to listen wakes it. The lock orders the two, as
        /// the original's fences do.
        #[derive(Debug)]
        pub(crate) struct Event {
            /// The number of notifications, and the wakers for the next one.
            rings: Mutex<(u64, Vec<Waker>)>,
        }

        #[derive(Debug)]
        pub(crate) struct Listening<'e> {
            event: &'e Event,
            since: u64,
        }

        /// The waker of a thread.
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
            /// Waits without a limit. A missed notification is a deadlock, which loom reports.
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

        /// The twin of the macro of `event_listener`.
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
        use std::boxed::Box;
        use std::sync::OnceLock;

        /// The twin of the native cell.
        ///
        /// The value lies where loom does not look. An atomic that loom sees says whether it is
        /// set. Its orderings are those of `OnceBox`: success `AcqRel`, failure and `get`
        /// `Acquire`.
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
                // ORDERING: Acquire, as in `OnceBox`. It pairs with the AcqRel in `get_or_publish`.
                // The slots of a block are free before another thread finds the block. Dies if they
                // are not: loom-tests/growth.rs, `either_thread_installs_the_block`.
                if self.published.load(Acquire) == 0 { None } else { self.value.get().map(Box::as_ref) }
            }

            pub(crate) fn get_or_publish(&self, make: impl FnOnce() -> T) -> &T {
                // ORDERING: the load is Acquire, as in `get`. Success AcqRel pairs with both
                // Acquires. Failure Acquire pairs with the winner's AcqRel. Dies in this model,
                // too: loom-tests/growth.rs, `either_thread_installs_the_block`.
                if self.published.load(Acquire) == 0 {
                    let value = Box::new(make());
                    if self.published.compare_exchange(0, 1, AcqRel, Acquire).is_ok() {
                        // Loom switches threads only at its own operations, so no thread sees the
                        // flag without the value.
                        let _ = self.value.set(value);
                    }
                }
                self.value.get().expect("published above")
            }
        }
    }
}
