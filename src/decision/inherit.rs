//! Owns the choice of what a level becomes when limits change. It never computes it: `meter.rs`
//! does.

/// The level that a stream begins with under new limits.
///
/// See [`MultiBucket::set_limits_with`](crate::MultiBucket::set_limits_with).
///
/// No choice begins a stream above its new capacity, and none but [`Reset`](Self::Reset) forgives a
/// debt.
///
/// **Growing and shrinking in turns gains nothing.** A choice adds at most what the new capacity
/// has beyond the largest that the stream ever had. So [the bound](crate#the-bound) holds for every
/// mixture of choices, with `C` the largest capacity of the window.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::limit::Inherit;
/// use tollgate::{Limit, MultiBucket};
///
/// for (inherit, tokens) in [
///     (Inherit::Keep, 40),
///     (Inherit::Proportional, 80),
///     (Inherit::Additive, 140),
///     (Inherit::Reset, 200),
/// ] {
///     let bucket = MultiBucket::with_clock([Limit::per_second(100)], ManualClock::new())?;
///     bucket.try_take([60])?;
///     bucket.set_limits_with([Limit::per_second(200)], inherit)?;
///     assert_eq!(bucket.available(), [tokens]);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum Inherit {
    /// Keeps the tokens, up to the new capacity, and every debt.
    #[default]
    Keep,
    /// Scales the tokens with the capacity: a half full stream stays half full.
    ///
    /// A growth adds no more than [`Additive`](Self::Additive) would: nothing where the stream once
    /// had that capacity. A debt is kept.
    Proportional,
    /// Adds a token for each by which the capacity grows beyond the largest that the stream ever
    /// had.
    ///
    /// These tokens pay off a debt first, and each [`Reservation`](crate::Reservation) comes nearer
    /// by them. Without such a growth, this equals [`Keep`](Self::Keep).
    Additive,
    /// Begins anew: full or empty, as the limit says.
    ///
    /// It forgives a debt, and a [`Reservation`](crate::Reservation) that was part of it is ready.
    /// [The bound](crate#the-bound) and the largest capacity count anew from this instant.
    Reset,
}
