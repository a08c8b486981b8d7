//! Owns the wakers that leave the lock, to be woken or dropped outside of it.

use core::task::Waker;
use std::vec::Vec;

/// Wakers; one of them needs no memory.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakers {
    pub(crate) fn push(&mut self, waker: Waker) {
        match self.first {
            None => self.first = Some(waker),
            Some(_) => self.others.push(waker),
        }
    }

    /// Takes out those that wake the same task or thread.
    pub(crate) fn remove(&mut self, waker: &Waker) {
        let same = |one: &Waker| one.will_wake(waker);
        self.first = self.first.take().filter(|one| !same(one));
        self.others.retain(|one| !same(one));
    }

    fn pop(&mut self) -> Option<Waker> {
        self.first.take().or_else(|| self.others.pop())
    }
}

/// Wakers that are woken when this is dropped; never under a lock. If one panics, the others are
/// woken all the same.
#[derive(Debug, Default)]
pub(crate) struct Woken(pub(crate) Wakers);

impl Drop for Woken {
    fn drop(&mut self) {
        let rest = Rest(&mut self.0);
        while let Some(waker) = rest.0.pop() {
            waker.wake();
        }
    }
}

/// What is left after a panic.
struct Rest<'a>(&'a mut Wakers);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        while let Some(waker) = self.0.pop() {
            waker.wake();
        }
    }
}
