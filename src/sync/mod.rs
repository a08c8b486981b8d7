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

    /// A back-off that tells the scheduler to run another thread.
    ///
    /// It does so where this thread waits for a slot. After a lost race the scheduler chooses
    /// freely.
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
        use loom::sync::atomic::Ordering::AcqRel;
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
    use core::ops::{Deref, DerefMut};

    use loom::sync::atomic::AtomicU32;
    pub(crate) use loom::sync::atomic::Ordering::SeqCst;
    use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
    use loom::thread::yield_now;

    /// The twin that loom sees: a word with the orderings of the native lock.
    ///
    /// Loom's own lock would order more than that: each of its steps is sequentially consistent.
    pub(crate) struct RwLock<T> {
        /// How many threads hold it shared; all ones if one holds it alone.
        holders: AtomicU32,
        /// Always free for a thread that `holders` let in.
        value: std::sync::RwLock<T>,
    }

    const ALONE: u32 = u32::MAX;

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self { holders: AtomicU32::new(0), value: std::sync::RwLock::new(value) }
        }

        fn try_take(&self, next: impl Fn(u32) -> Option<u32>) -> bool {
            // ORDERING: success Acquire pairs with the Releases where the guards drop: a thread
            // that gets the lock sees what was done under it. Dies as Relaxed: loom-tests/keys.rs,
            // `a_put_back_beside_a_sweep_lowers_the_bound`. Failure Relaxed: the caller tries
            // again.
            self.holders.fetch_update(Acquire, Relaxed, next).is_ok()
        }

        pub(crate) fn read(&self) -> ReadGuard<'_, T> {
            while !self.try_take(|holders| (holders != ALONE).then(|| holders + 1)) {
                yield_now();
            }
            ReadGuard { holders: &self.holders, value: Some(self.value.try_read().expect("nobody writes")) }
        }

        pub(crate) fn write(&self) -> WriteGuard<'_, T> {
            loop {
                if let Some(guard) = self.try_write() {
                    return guard;
                }
                yield_now();
            }
        }

        pub(crate) fn try_write(&self) -> Option<WriteGuard<'_, T>> {
            self.try_take(|holders| (holders == 0).then_some(ALONE)).then(|| WriteGuard {
                holders: &self.holders,
                value: Some(self.value.try_write().expect("nobody else is in")),
            })
        }
    }

    /// Held shared.
    pub(crate) struct ReadGuard<'l, T> {
        holders: &'l AtomicU32,
        value: Option<std::sync::RwLockReadGuard<'l, T>>,
    }

    /// Held alone.
    pub(crate) struct WriteGuard<'l, T> {
        holders: &'l AtomicU32,
        value: Option<std::sync::RwLockWriteGuard<'l, T>>,
    }

    impl<T> Deref for ReadGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.value.as_ref().expect("until it is dropped")
        }
    }

    impl<T> Deref for WriteGuard<'_, T> {
        type Target = T;

        fn deref(&self) -> &T {
            self.value.as_ref().expect("until it is dropped")
        }
    }

    impl<T> DerefMut for WriteGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.value.as_mut().expect("until it is dropped")
        }
    }

    impl<T> Drop for ReadGuard<'_, T> {
        fn drop(&mut self) {
            self.value = None;
            // ORDERING: Release pairs with the Acquire in `try_take`: who holds the lock alone next
            // sees the words that were swapped beside others. Dies as Relaxed: loom-tests/keys.rs,
            // `a_take_beside_a_change_is_decided_on_one_of_the_limits`.
            self.holders.fetch_sub(1, Release);
        }
    }

    impl<T> Drop for WriteGuard<'_, T> {
        fn drop(&mut self) {
            self.value = None;
            // ORDERING: Release pairs with the Acquire in `try_take`: who gets the lock next sees
            // the shard as it was left. Dies as Relaxed: loom-tests/keys.rs,
            // `a_reading_from_before_an_eviction_adds_no_full_bucket`.
            self.holders.store(0, Release);
        }
    }
}
