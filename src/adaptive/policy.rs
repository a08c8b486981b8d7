//! Owns the interface of a policy of adaptation. It never holds state or reads a clock.

use core::time::Duration;

use crate::limit::ratio::Ratio;

/// A rule by which the factor on a rate follows what is observed.
///
/// [`FillTable`](crate::adaptive::FillTable) and [`Aimd`](crate::adaptive::Aimd) are two policies.
/// [`Adaptive`](crate::adaptive::Adaptive) applies one.
///
/// A policy is a pure function: it holds its parameters, but neither the factor nor a clock. Where
/// threads compete, a policy may be asked several times for one step. It must then give equal
/// answers.
///
/// ```
/// use std::time::Duration;
/// use tollgate::adaptive::{Observed, Policy};
/// use tollgate::limit::Ratio;
///
/// /// Half the rate while the bucket is more than half full.
/// struct Halve;
///
/// impl Policy for Halve {
///     fn bounds(&self) -> (Ratio, Ratio) {
///         (Ratio::percent(50), Ratio::ONE)
///     }
///
///     fn interval(&self) -> Duration {
///         Duration::from_millis(100)
///     }
///
///     fn step(&self, _: Ratio, _: Duration, seen: Observed) -> Ratio {
///         if seen.fill > Ratio::percent(50) { Ratio::percent(50) } else { Ratio::ONE }
///     }
/// }
/// # let _ = Halve.step(Ratio::ONE, Halve.interval(), Observed { fill: Ratio::ZERO, throttled: false });
/// ```
pub trait Policy {
    /// Returns the least and the greatest factor.
    ///
    /// A factor outside of them is clamped, whatever [`step`](Self::step) returns.
    ///
    /// ```
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Aimd::new(Ratio::percent(5), Ratio::percent(80)).bounds().1, Ratio::ONE);
    /// ```
    fn bounds(&self) -> (Ratio, Ratio);

    /// Returns the time between two steps.
    ///
    /// Two steps that throttled outcomes cause are at least this far apart, too. Zero counts as a
    /// nanosecond.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    /// assert_eq!(
    ///     Aimd::new(Ratio::percent(5), Ratio::percent(80)).interval(),
    ///     Duration::from_millis(100)
    /// );
    /// ```
    fn interval(&self) -> Duration;

    /// Returns the factor that follows `factor`.
    ///
    /// For a step in time, `elapsed` is a whole number of intervals. For a throttled outcome it is
    /// zero.
    ///
    /// One step over two intervals should equal two steps over one, since no call may have come in
    /// between.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Observed, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd = Aimd::new(Ratio::percent(5), Ratio::percent(80));
    /// let seen = Observed { fill: Ratio::ZERO, throttled: false };
    /// assert_eq!(
    ///     aimd.step(Ratio::percent(40), Duration::from_secs(2), seen),
    ///     Ratio::percent(50)
    /// );
    /// assert_eq!(
    ///     aimd.step(Ratio::percent(50), Duration::ZERO, Observed { throttled: true, ..seen }),
    ///     Ratio::percent(40)
    /// );
    /// ```
    fn step(&self, factor: Ratio, elapsed: Duration, seen: Observed) -> Ratio;
}

impl<P: Policy + ?Sized> Policy for &P {
    fn bounds(&self) -> (Ratio, Ratio) {
        (**self).bounds()
    }

    fn interval(&self) -> Duration {
        (**self).interval()
    }

    fn step(&self, factor: Ratio, elapsed: Duration, seen: Observed) -> Ratio {
        (**self).step(factor, elapsed, seen)
    }
}

/// What a policy observes.
///
/// ```
/// use tollgate::adaptive::Observed;
/// use tollgate::limit::Ratio;
/// assert_eq!(
///     Observed { fill: Ratio::ONE, throttled: false },
///     Observed { throttled: false, fill: Ratio::percent(100) }
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observed {
    /// How full the bucket is, as a [leaky bucket](crate::LeakyBucket::fill).
    ///
    /// It is 0 if all tokens are available, 1 if none is, and above 1 in debt.
    pub fill: Ratio,
    /// Whether a request was throttled just now, for example by a server that answered 429.
    pub throttled: bool,
}
