//! Owns the locks of the keyed buckets: shared or alone, and only tried.
//!
//! A lock that is taken shared is taken past those who wait to have it alone, so that readers never
//! wait for one another. Nothing is poisoned.

pub(crate) use face::*;

#[cfg(not(any(loom, tollgate_freeze)))]
mod face {
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

#[cfg(tollgate_freeze)]
mod face {
    pub(crate) use freeze_points::Ordering::SeqCst;
    pub(crate) use freeze_points::{RwLock, WriteGuard};
}

#[cfg(loom)]
mod face {
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
