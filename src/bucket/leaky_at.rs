//! Owns the verbs of a leaky bucket at one time, which the caller supplies. Never reads a clock.

use core::time::Duration;

use crate::bucket::headroom::Headroom;
use crate::bucket::leaky::LeakyBucket;
use crate::bucket::multi::MultiBucket;
use crate::clock::clock::Clock;
use crate::decision::granted::Granted;
use crate::decision::refused::{Never, Refused};
use crate::limit::limit::{Limit, LimitError};
use crate::limit::ratio::Ratio;
use crate::state::at::At;

/// The verbs of a [`LeakyBucket`] at a time that the caller supplies.
impl<C: Clock, const S: usize> At<&LeakyBucket<C, S>> {
    #[inline]
    fn tokens(&self) -> At<&MultiBucket<1, C, S>> {
        self.of.as_tokens().at(self.now)
    }

    /// Adds `n`, or nothing: [`LeakyBucket::try_add`].
    ///
    /// # Errors
    ///
    /// As [`LeakyBucket::try_add`].
    #[inline]
    pub fn try_add(self, n: u64) -> Result<Granted, Refused> {
        self.tokens().try_take([n])
    }

    /// Adds what fits: [`LeakyBucket::add_up_to`].
    #[inline]
    pub fn add_up_to(self, max: u64) -> u64 {
        self.tokens().take_items(max, [1])
    }

    /// Takes `n` out again: [`LeakyBucket::remove`].
    #[inline]
    pub fn remove(self, n: u64) {
        self.tokens().put_back([n]);
    }

    /// Returns the level at this time: [`LeakyBucket::level`].
    pub fn level(self) -> u64 {
        self.tokens().snapshot().level()
    }

    /// Returns the level as a part of the capacity: [`LeakyBucket::fill`].
    pub fn fill(self) -> Ratio {
        self.tokens().snapshot().fill()
    }

    /// Returns how much fits at this time: [`LeakyBucket::room`].
    pub fn room(self) -> u64 {
        let [room] = self.tokens().available();
        room
    }

    /// Returns whether `n` fits at this time: [`LeakyBucket::has_room`].
    pub fn has_room(self, n: u64) -> Headroom {
        let snapshot = self.tokens().snapshot();
        let [capacity] = snapshot.limits.capacities();
        Headroom::of(n, snapshot.level(), capacity)
    }

    /// Returns the time until `n` fits: [`LeakyBucket::wait_for`].
    ///
    /// # Errors
    ///
    /// As [`LeakyBucket::wait_for`].
    pub fn wait_for(self, n: u64) -> Result<Option<Duration>, Never> {
        self.tokens().wait_for([n])
    }

    /// Sets the level: [`LeakyBucket::reset`].
    pub fn reset(self, level: u64) {
        let [limit] = self.tokens().snapshot().limits();
        self.tokens().reset([limit.capacity.saturating_sub(level)]);
    }

    /// Changes the limit at this time: [`LeakyBucket::set_limit`].
    ///
    /// # Errors
    ///
    /// As [`LeakyBucket::set_limit`].
    pub fn set_limit(self, limit: Limit) -> Result<(), LimitError> {
        self.tokens().set_limits([limit])
    }
}
