//! Owns how a key says which limits are its own; never what they are.

/// Says which of several limits a key has. See
/// [`KeyedBuckets::with_tiers`](crate::KeyedBuckets::with_tiers).
///
/// Every function from a form of the key to the index of a tier is one. A type that implements it
/// for several forms of a key allows all of them.
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
/// let clients = KeyedBuckets::<String, 1, _>::with_clock(
///     Limit::per_second(10),
///     1000,
///     ManualClock::new(),
/// )?
/// .with_tiers([Limit::per_second(500)], ByName)?;
/// assert_eq!(
///     (clients.available("alice"), clients.available(&"paid:bob".to_string())),
///     (10, 500)
/// );
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait TierOf<Q: ?Sized> {
    /// Returns the index of the tier, from 0. Each call for the key asks once, outside all locks.
    fn tier_of(&self, key: &Q) -> usize;
}

impl<Q: ?Sized, F: Fn(&Q) -> usize> TierOf<Q> for F {
    #[inline]
    fn tier_of(&self, key: &Q) -> usize {
        self(key)
    }
}

/// Gives all keys the limits of tier 0.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::keyed::{OneTier, TierOf};
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients: KeyedBuckets<u64, 1, _, _, OneTier> =
///     KeyedBuckets::with_clock(Limit::per_second(10), 1000, ManualClock::new())?;
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

/// Gives each key the limits of the tier that a function names.
///
/// ```
/// use tollgate::clock::DefaultClock;
/// use tollgate::keyed::{ByTier, KeyHash};
/// use tollgate::{KeyedBuckets, Limit};
///
/// type Tier = fn(&str) -> usize;
///
/// struct App {
///     clients: KeyedBuckets<String, 1, DefaultClock, KeyHash, ByTier<Tier>>,
/// }
///
/// fn tier(key: &str) -> usize {
///     usize::from(key.starts_with("paid:"))
/// }
///
/// let clients = KeyedBuckets::new(Limit::per_second(10), 1000)?
///     .with_tiers([Limit::per_second(500)], tier as Tier)?;
/// assert_eq!(App { clients }.clients.available("paid:bob"), 500);
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ByTier<F>(pub(crate) F);

impl<Q: ?Sized, F: TierOf<Q>> TierOf<Q> for ByTier<F> {
    #[inline]
    fn tier_of(&self, key: &Q) -> usize {
        self.0.tier_of(key)
    }
}

/// Implemented for [`OneTier`] and [`ByTier`], and for nothing else.
///
/// It says what a key keeps of its tier: nothing where there is one.
pub trait Tiers: Kept {}

impl Tiers for OneTier {}
impl<F> Tiers for ByTier<F> {}

/// The part that nobody else can name, so that nobody else implements it.
pub trait Kept {
    type Tag: Tag;
}

impl Kept for OneTier {
    type Tag = ();
}

impl<F> Kept for ByTier<F> {
    type Tag = u16;
}

/// What an entry keeps of its tier.
pub trait Tag: Copy + Eq + Send + Sync + 'static {
    fn of(tier: usize) -> Self;

    fn tier(self) -> usize;
}

impl Tag for () {
    fn of(_: usize) -> Self {}

    #[inline]
    fn tier(self) -> usize {
        0
    }
}

/// That so many tiers can be told apart.
///
/// # Panics
///
/// If there are more than that.
pub(crate) fn check_tiers(tiers: usize) {
    assert!(tiers <= usize::from(u16::MAX) + 1, "{tiers} tiers, where there may be 65536");
}

impl Tag for u16 {
    #[inline]
    fn of(tier: usize) -> Self {
        tier as Self
    }

    #[inline]
    fn tier(self) -> usize {
        self.into()
    }
}
