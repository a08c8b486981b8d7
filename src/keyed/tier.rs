//! Owns how a key says which limits are its own; never what they are.

/// Says which of several limits a key has. See
/// [`KeyedBuckets::with_tiers`](crate::KeyedBuckets::with_tiers).
///
/// It is implemented for every function from a key, in the borrowed form in which keys are given,
/// to the index of a tier. A type of one's own that implements it for several forms of a key allows
/// them all.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::TierOf;
/// use tollgate::{KeyedBuckets, Limit};
///
/// struct ByName;
///
/// impl TierOf<str> for ByName {
///     fn tier_of(&self, key: &str) -> usize {
///         usize::from(key.starts_with("paid:"))
///     }
/// }
///
/// impl TierOf<String> for ByName {
///     fn tier_of(&self, key: &String) -> usize {
///         self.tier_of(key.as_str())
///     }
/// }
///
/// let clients = KeyedBuckets::<String, 1, _>::with_clock(Limit::per_second(10), 1000, ManualClock::new())?
///     .with_tiers([Limit::per_second(500)], ByName)?;
/// assert_eq!((clients.available("alice"), clients.available(&"paid:bob".to_string())), (10, 500));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait TierOf<Q: ?Sized> {
    /// The index of the tier, from 0. It may be called any number of times for a key, so it should
    /// be quick; the same key should have the same answer.
    fn tier_of(&self, key: &Q) -> usize;
}

impl<Q: ?Sized, F: Fn(&Q) -> usize> TierOf<Q> for F {
    #[inline]
    fn tier_of(&self, key: &Q) -> usize {
        self(key)
    }
}

/// All keys have the same limits.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::{OneTier, TierOf};
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients: KeyedBuckets<u64, 1, _, _, OneTier> = KeyedBuckets::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
/// assert_eq!(OneTier.tier_of(&7), 0);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, Default, Debug)]
pub struct OneTier;

impl<Q: ?Sized> TierOf<Q> for OneTier {
    #[inline]
    fn tier_of(&self, _: &Q) -> usize {
        0
    }
}
