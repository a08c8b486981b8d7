//! Owns the rules that every limit keeps. Never checks them.

use core::fmt;

/// The rules that every limit keeps.
///
/// ```
/// use tollgate::Limit;
/// use tollgate::limit::LimitRule;
///
/// let error = Limit::per_second(u64::MAX).capacity(1).check().unwrap_err();
/// assert_eq!(error.rule, LimitRule::RateTooFast);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LimitRule {
    /// The capacity is 0.
    ZeroCapacity,
    /// A bucket is to start with more than it holds.
    StartsAboveCapacity,
    /// The rate is above about 1.18e12 tokens a second.
    ///
    /// At such a rate no capacity leaves an [idle limit](crate::Limit::idle_limit) of 90 days.
    RateTooFast,
    /// The capacity is too large for the rate.
    ///
    /// One of three things is wrong. It is 2^62 tokens or more. Or it takes over 73,000 years to
    /// refill, so that a bucket cannot keep it to a microsecond. Or, at the fastest rates, it
    /// leaves no [idle limit](crate::Limit::idle_limit) of 90 days.
    CapacityTooLarge {
        /// The largest capacity at this rate.
        most: u64,
    },
    /// What a stream owes, or a key, is too much for the new limit.
    ///
    /// A debt that is too much is worth centuries at most rates, and never under 90 days. For a key
    /// it is what `KeyedBuckets::charge` may not reach. Only a
    /// [change of limits](crate::MultiBucket::set_limits) fails so: none forgives a debt but by
    /// [`Reset`](crate::limit::Inherit::Reset).
    DebtTooLarge {
        /// What is owed, in tokens, rounded up.
        debt: u64,
        /// The most tokens that may be owed when this limit begins.
        most: u64,
    },
    /// A pause of the saved bucket is not over, and a bucket with a fixed limit has none.
    ///
    /// Only [`TokenBucket::restore`](crate::TokenBucket::restore) fails so.
    CannotPause,
}

impl fmt::Display for LimitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ZeroCapacity => f.write_str("a capacity is at least 1 token"),
            Self::StartsAboveCapacity => f.write_str("a bucket starts with at most its capacity"),
            Self::RateTooFast => {
                f.write_str("a rate is at most about 1.18e12/s: a faster one leaves an idle limit under 90 days")
            }
            Self::CapacityTooLarge { most } => write!(f, "the largest capacity at this rate is {most}"),
            Self::CannotPause => f.write_str("a pause is not over, and a bucket with a fixed limit cannot pause"),
            Self::DebtTooLarge { debt, most } => {
                write!(f, "{debt} tokens are owed, and the largest debt to be kept at this limit is {most}")
            }
        }
    }
}
