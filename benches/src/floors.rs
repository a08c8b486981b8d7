//! Owns the floors: the cheapest conceivable decisions. They never limit anything.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use portable_atomic::AtomicU128;
use tollgate::Clock;
use tollgate::clock::{DefaultClock, Time};

use crate::{Contestant, amounts};

/// A load and a compare-and-swap on one word.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct Word(AtomicU64);

impl Word {
    pub fn spent(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Contestant for Word {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        let mut spent = self.0.load(Relaxed);
        while let Err(other) = self.0.compare_exchange(spent, spent + 1, Relaxed, Relaxed) {
            spent = other;
        }
        true
    }
}

/// A load and a compare-and-swap on two words, as one of 128 bits.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct WideWord(AtomicU128);

impl WideWord {
    pub fn spent(&self) -> [u64; 2] {
        let both = self.0.load(Relaxed);
        [both as u64, (both >> 64) as u64]
    }
}

impl Contestant for WideWord {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        let [first, second] = amounts();
        let mut spent = self.0.load(Relaxed);
        loop {
            let [a, b] = [spent as u64 + first, (spent >> 64) as u64 + second];
            match self.0.compare_exchange(spent, u128::from(b) << 64 | u128::from(a), Relaxed, Relaxed) {
                Ok(_) => return true,
                Err(other) => spent = other,
            }
        }
    }
}

/// A reading of a clock and nothing else; the default clock unless another is named.
#[derive(Debug, Default)]
pub struct Reading<C = DefaultClock>(pub C);

impl<C: Clock + Sync> Contestant for Reading<C> {
    type Own<'a>
        = ()
    where
        C: 'a;

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.now() != Time::MAX
    }
}
