//! Owns the answer to how much fits into a leaky bucket; pure.

/// Whether so much fits, by how much it does not, and what would be left: all of one instant. See
/// [`LeakyBucket::has_room`](crate::LeakyBucket::has_room).
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{LeakyBucket, Limit};
///
/// let limit = Limit::per_second(10);
/// let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
/// bucket.try_add(6)?;
/// let room = bucket.has_room(3);
/// assert_eq!((room.fits(), room.missing, room.left), (true, 0, 1));
/// let room = bucket.has_room(7);
/// assert_eq!((room.fits(), room.missing, room.left), (false, 3, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
#[must_use]
pub struct Headroom {
    /// By how much the level would have to fall first, rounded up; 0 if it fits. More than the
    /// capacity never fits.
    pub missing: u64,
    /// What would still fit after it, rounded down; 0 if it does not fit itself.
    pub left: u64,
}

impl Headroom {
    /// For `n` where the level is `level`, rounded up, of `capacity`. An amount of 0 always fits.
    pub(crate) const fn of(n: u64, level: u64, capacity: u64) -> Self {
        let room = capacity.saturating_sub(level);
        if n == 0 {
            return Self { missing: 0, left: room };
        }
        // Above the capacity while others wait, so the sum may be large.
        let missing = n.saturating_add(level).saturating_sub(capacity);
        Self { missing, left: room.saturating_sub(n) }
    }

    /// Whether it fits.
    ///
    /// ```
    /// # use tollgate::clock::ManualClock;
    /// # use tollgate::{LeakyBucket, Limit};
    /// # let limit = Limit::per_second(10);
    /// # let bucket = LeakyBucket::empty_with_clock(limit, ManualClock::new())?;
    /// assert!(bucket.has_room(10).fits());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub const fn fits(self) -> bool {
        self.missing == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_counts_those_who_wait() {
        for (n, level, missing, left) in
            [(3, 6, 0, 1), (4, 6, 0, 0), (5, 6, 1, 0), (1, 15, 6, 0), (0, 15, 0, 0), (0, 4, 0, 6)]
        {
            assert_eq!(Headroom::of(n, level, 10), Headroom { missing, left }, "{n} at {level}");
        }
        assert_eq!(Headroom::of(u64::MAX, u64::MAX, 10).missing, u64::MAX - 10);
    }
}
