//! Owns the lock around what only waiters share. Takers never touch it.

pub(crate) use face::Lock;

#[cfg(not(tollgate_freeze))]
mod face {
    #[cfg(loom)]
    use loom::sync::{Mutex, MutexGuard};
    #[cfg(tollgate_shuttle)]
    use shuttle::sync::{Mutex, MutexGuard};
    #[cfg(not(any(loom, tollgate_shuttle)))]
    use std::sync::{Mutex, MutexGuard};
    use std::sync::{PoisonError, TryLockError};

    /// A mutex that a panic does not poison: what it guards is complete between any two steps.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(Mutex<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        /// Takes the lock if it is free; never waits.
        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            match self.0.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            }
        }
    }
}

#[cfg(tollgate_freeze)]
mod face {
    use freeze_points::{RwLock, WriteGuard};

    /// The twin with points at which a thread can be stopped.
    #[derive(Debug)]
    pub(crate) struct Lock<T>(RwLock<T>);

    impl<T> Lock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(RwLock::new(value))
        }

        pub(crate) fn lock(&self) -> WriteGuard<'_, T> {
            self.0.write()
        }

        pub(crate) fn try_lock(&self) -> Option<WriteGuard<'_, T>> {
            self.0.try_write()
        }
    }
}
