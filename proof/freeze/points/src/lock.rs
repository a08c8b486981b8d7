//! Owns the lock: shared or alone, a word behind points, so that a thread that waits for another
//! passes points in vain.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use portable_atomic::Ordering::{Acquire, Relaxed, Release};

use crate::watch::{Point, point};

/// A lock that is taken shared past those who wait to have it alone, as `read_recursive` of
/// `parking_lot`. A thread that waits tries again and again.
#[derive(Debug)]
pub struct RwLock<T> {
    /// How many hold it shared; all ones if one holds it alone.
    holders: portable_atomic::AtomicU32,
    /// Always free for whoever `holders` lets in.
    value: std::sync::RwLock<T>,
}

const ALONE: u32 = u32::MAX;

impl<T> RwLock<T> {
    pub const fn new(value: T) -> Self {
        Self { holders: portable_atomic::AtomicU32::new(0), value: std::sync::RwLock::new(value) }
    }

    fn try_take(&self, next: impl Fn(u32) -> Option<u32>) -> bool {
        point(Point::Lock);
        self.holders.fetch_update(Acquire, Relaxed, next).is_ok()
    }

    pub fn read(&self) -> ReadGuard<'_, T> {
        while !self.try_take(|holders| (holders != ALONE).then(|| holders + 1)) {
            std::thread::yield_now();
        }
        let value = self.value.read().unwrap_or_else(PoisonError::into_inner);
        ReadGuard { holders: &self.holders, value: Some(value) }
    }

    pub fn write(&self) -> WriteGuard<'_, T> {
        loop {
            if let Some(guard) = self.try_write() {
                return guard;
            }
            std::thread::yield_now();
        }
    }

    pub fn try_write(&self) -> Option<WriteGuard<'_, T>> {
        self.try_take(|holders| (holders == 0).then_some(ALONE)).then(|| {
            let value = self.value.write().unwrap_or_else(PoisonError::into_inner);
            WriteGuard { holders: &self.holders, value: Some(value) }
        })
    }
}

/// Held shared.
#[derive(Debug)]
pub struct ReadGuard<'l, T> {
    holders: &'l portable_atomic::AtomicU32,
    value: Option<std::sync::RwLockReadGuard<'l, T>>,
}

/// Held alone.
#[derive(Debug)]
pub struct WriteGuard<'l, T> {
    holders: &'l portable_atomic::AtomicU32,
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

/// No point where a panic unwinds: the call has been given up, and another stop would abort.
fn unlock_point() {
    if !std::thread::panicking() {
        point(Point::Unlock);
    }
}

impl<T> Drop for ReadGuard<'_, T> {
    fn drop(&mut self) {
        unlock_point();
        self.value = None;
        self.holders.fetch_sub(1, Release);
    }
}

impl<T> Drop for WriteGuard<'_, T> {
    fn drop(&mut self) {
        unlock_point();
        self.value = None;
        self.holders.store(0, Release);
    }
}
