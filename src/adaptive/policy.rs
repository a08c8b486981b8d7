//! Owns what a policy of adaptation is asked and answers; never holds state, never reads a clock.

use core::time::Duration;

use crate::limit::ratio::Ratio;

/// A rule by which the factor on a rate follows what is seen. [`FillTable`](crate::adaptive::FillTable) and
/// [`Aimd`](crate::adaptive::Aimd) are two; [`Adaptive`](crate::adaptive::Adaptive) applies it.
///
/// A policy is a pure function: it holds its parameters, and neither the factor nor a clock. It may
/// be asked several times for one step, where threads compete, and must then say the same.
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
    /// The least factor and the most. Nobody sets one outside, whatever [`step`](Self::step) says.
    ///
    /// ```
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Aimd::new(Ratio::percent(5), Ratio::percent(80)).bounds().1, Ratio::ONE);
    /// ```
    fn bounds(&self) -> (Ratio, Ratio);

    /// The time between two steps, and the shortest between two that a throttled outcome causes.
    /// Zero counts as a nanosecond.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Policy};
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Aimd::new(Ratio::percent(5), Ratio::percent(80)).interval(), Duration::from_millis(100));
    /// ```
    fn interval(&self) -> Duration;

    /// What becomes of `factor`: after `elapsed`, a whole number of intervals, or at once, with an
    /// `elapsed` of zero, for a throttled outcome.
    ///
    /// To step once over two intervals should come to the same as to step twice, as nobody may have
    /// called in between.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Aimd, Observed, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let aimd = Aimd::new(Ratio::percent(5), Ratio::percent(80));
    /// let seen = Observed { fill: Ratio::ZERO, throttled: false };
    /// assert_eq!(aimd.step(Ratio::percent(40), Duration::from_secs(2), seen), Ratio::percent(50));
    /// assert_eq!(aimd.step(Ratio::percent(50), Duration::ZERO, Observed { throttled: true, ..seen }), Ratio::percent(40));
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

/// What a policy is told.
///
/// ```
/// use tollgate::adaptive::Observed;
/// use tollgate::limit::Ratio;
/// assert_eq!(Observed { fill: Ratio::ONE, throttled: false }, Observed { throttled: false, fill: Ratio::percent(100) });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observed {
    /// How full the bucket is, as a [leaky bucket](crate::LeakyBucket::fill): 0 where all tokens
    /// are there, 1 where none is, and above it where some are owed.
    pub fill: Ratio,
    /// Whether somebody was throttled just now, by a server that answered 429 say.
    pub throttled: bool,
}
