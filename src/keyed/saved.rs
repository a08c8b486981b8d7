//! Owns what a key has, in a form that outlives the process; never changes a bucket.

use core::time::Duration;

use crate::clock::time::Time;
use crate::keyed::terms::Terms;
use crate::state::snapshot::Snapshot;

/// What a key has, in tokens: independent of limits, units and clocks.
///
/// [`KeyedBuckets::iter`](crate::KeyedBuckets::iter) gives the keys and their snapshots, and
/// [`KeyedBuckets::restore`](crate::KeyedBuckets::restore) takes one back. A debt is below 0. What
/// is there is rounded down by less than 2^-63 of a token. With the feature `serde` it can be
/// written to a file.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::Saved;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let make = || {
///     KeyedBuckets::<String, 1, _>::with_clock(
///         Limit::per_second(10),
///         1000,
///         ManualClock::new(),
///     )
/// };
/// let (old, new) = (make()?, make()?);
/// old.try_take("alice", 7)?;
/// let saved: Vec<(String, Saved<1>)> =
///     old.iter().map(|(key, snapshot)| (key, Saved::of(&snapshot))).collect();
/// // The new process is up 200 ms later.
/// for (key, saved) in &saved {
///     new.restore(key.as_str(), saved, Duration::from_millis(200))?;
/// }
/// assert_eq!(new.available("alice"), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Saved<const N: usize> {
    /// Whole tokens of each stream, rounded down, and the rest in 2^-64 of a token.
    tokens: [(i64, u64); N],
}

impl<const N: usize> Saved<N> {
    /// Saves what a snapshot shows.
    pub fn of(snapshot: &Snapshot<N>) -> Self {
        let tokens = core::array::from_fn(|i| {
            let (stream, unit) = (&snapshot.limits.streams[i], snapshot.limits.streams[i].unit() as i128);
            if stream.is_unlimited() {
                return (i64::MAX, 0);
            }
            let level = stream.refill.at(snapshot.elapsed).wrapping_sub(snapshot.spent[i]) as i64;
            let level = i128::from(level.min(stream.ceiling() as i64));
            let part = (level.rem_euclid(unit) as u128) << 64;
            (level.div_euclid(unit) as i64, (part / unit as u128) as u64)
        });
        Self { tokens }
    }

    /// The words at `now` of a key that had this so long ago.
    pub(crate) fn words(&self, terms: &Terms<N>, now: Time, passed: Duration) -> [u64; N] {
        let limits = terms.limits();
        let (elapsed, debts) = (limits.elapsed(now), terms.most_owed().get());
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX - elapsed);
        core::array::from_fn(|i| {
            let (stream, (whole, part)) = (&limits.streams[i], self.tokens[i]);
            if stream.is_unlimited() {
                return stream.reset(elapsed, 0);
            }
            let unit = stream.unit();
            let accrued = i128::try_from(stream.accrues_within(elapsed, passed)).unwrap_or(i128::MAX / 2);
            let level = i128::from(whole) * i128::from(unit) + ((u128::from(part) * u128::from(unit)) >> 64) as i128;
            let (least, most) =
                (-(i128::from(debts[i]) * i128::from(unit)).min(i128::from(i64::MAX)), i128::from(stream.ceiling()));
            stream.refill.at(elapsed).wrapping_sub((level + accrued).clamp(least, most) as u64)
        })
    }
}

#[cfg(feature = "serde")]
mod configuration {
    use super::Saved;
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::{Serialize, Serializer};
    use std::vec::Vec;

    impl<const N: usize> Serialize for Saved<N> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq(&self.tokens)
        }
    }

    impl<'de, const N: usize> Deserialize<'de> for Saved<N> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let tokens = Vec::<(i64, u64)>::deserialize(deserializer)?;
            let wrong = |tokens: Vec<_>| D::Error::invalid_length(tokens.len(), &"a level for each stream");
            Ok(Self { tokens: tokens.try_into().map_err(wrong)? })
        }
    }
}
