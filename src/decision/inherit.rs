//! Owns the choice of what a level becomes when limits change. It never computes it: `meter.rs`
//! does.

/// The level that a stream begins with under new limits.
///
/// See [`MultiBucket::set_limits_with`](crate::MultiBucket::set_limits_with).
///
/// No choice begins a stream above its new capacity. All choices but [`Reset`](Self::Reset) keep a
/// debt unchanged.
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
    /// Keeps the tokens.
    #[default]
    Keep,
    /// Scales the tokens with the capacity: a half full stream stays half full.
    Proportional,
    /// Keeps the tokens, and adds as many as the capacity grows by.
    ///
    /// If the capacity does not grow, this equals [`Keep`](Self::Keep).
    Additive,
    /// Begins anew: full or empty, as the limit says.
    ///
    /// It forgives a debt, and [the bound](crate#the-bound) counts anew from this instant.
    Reset,
}
