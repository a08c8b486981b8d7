//! Owns what streams have, in a form that outlives the process; never changes a bucket.

use crate::decision::saving::Level;
use crate::state::snapshot::Snapshot;

/// What `N` streams have, in tokens: independent of limits and clocks.
///
/// It is what a [`SavedBucket`](crate::bucket::SavedBucket) keeps of a bucket's level, and what is
/// kept of a key. `KeyedBuckets::iter` gives the keys and their snapshots, and
/// `KeyedBuckets::restore` takes one back.
///
/// A level is an exact fraction of tokens, so saving it rounds nothing. A debt is below 0. With the
/// feature `serde` it is written as a pair for each stream: `[7, 2]` are 3 tokens and a half, and
/// `[0, 0]` is a stream without a limit.
///
#[cfg_attr(feature = "keys", doc = "```")]
#[cfg_attr(not(feature = "keys"), doc = "```text")]
/// use std::time::Duration;
/// use tollgate::bucket::Saved;
/// use tollgate::clock::ManualClock;
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
pub struct Saved<const N: usize = 1> {
    pub(crate) levels: [Level; N],
}

impl<const N: usize> Saved<N> {
    /// Saves what a snapshot shows.
    pub fn of(snapshot: &Snapshot<N>) -> Self {
        let level = |i: usize| snapshot.limits.streams[i].saved(snapshot.spent[i], snapshot.elapsed);
        Self { levels: core::array::from_fn(level) }
    }

    /// Returns the tokens of each stream as a fraction: `(7, 2)` are 3 and a half.
    ///
    /// It is below 0 in debt, and `(0, 0)` for a stream without a limit.
    ///
    /// ```
    /// use tollgate::bucket::Saved;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
    /// bucket.charge([13])?;
    /// let [(units, unit)] = Saved::of(&bucket.snapshot()).tokens();
    /// assert_eq!(units, -3 * unit as i64);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tokens(&self) -> [(i64, u64); N] {
        self.levels.map(|Level { units, unit }| (units, unit))
    }
}

#[cfg(feature = "serde")]
mod form {
    use super::{Level, Saved};
    use crate::state::array;
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    impl<const N: usize> Serialize for Saved<N> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            array::serialize(&self.tokens(), serializer)
        }
    }

    impl<'de, const N: usize> Deserialize<'de> for Saved<N> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let levels: [(i64, u64); N] = array::deserialize(deserializer)?;
            Ok(Self { levels: levels.map(|(units, unit)| Level { units, unit }) })
        }
    }
}
