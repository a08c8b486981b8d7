//! Owns the clock of the pool, which always shows 0. Never lets a token refill.

use tollgate::Clock;
use tollgate::clock::Time;

/// A clock that stands still: what is in the pool was granted by the engine, and nothing refills.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Still;

impl Clock for Still {
    #[inline(always)]
    fn now(&self) -> Time {
        Time::ZERO
    }
}
