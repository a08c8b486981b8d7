//! Owns what becomes of the tokens when the limits change; never does it.

/// What a stream begins with under new limits. See
/// [`MultiBucket::set_limits_with`](crate::MultiBucket::set_limits_with).
///
/// Whatever is chosen, no stream begins with more than its new capacity, and all but
/// [`Reset`](Self::Reset) keep a debt as it is.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::limit::Inherit;
/// use tollgate::{Limit, MultiBucket};
///
/// for (inherit, tokens) in [(Inherit::Keep, 40), (Inherit::Proportional, 80), (Inherit::Additive, 140), (Inherit::Reset, 200)] {
///     let bucket = MultiBucket::with_clock([Limit::per_second(100)], ManualClock::new())?;
///     bucket.try_take([60])?;
///     bucket.set_limits_with([Limit::per_second(200)], inherit)?;
///     assert_eq!(bucket.available(), [tokens]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Inherit {
    /// The tokens that are there.
    #[default]
    Keep,
    /// The tokens that are there, scaled with the capacity: what was half full is half full.
    Proportional,
    /// The tokens that are there, and as many more as the capacity has grown by; as
    /// [`Keep`](Self::Keep) where it has not.
    Additive,
    /// As a new bucket: full or empty, as the limit says. A debt is forgiven, and [the
    /// bound](crate#the-bound) counts anew from here.
    Reset,
}
