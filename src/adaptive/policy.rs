//! Owns the interface of a policy of adaptation. It never holds state or reads a clock.

use core::time::Duration;

use crate::adaptive::course::Course;
use crate::limit::ratio::Ratio;

/// A rule by which the factor on a rate follows what is observed.
///
/// Two policies are [`Cubic`](crate::adaptive::Cubic) and
/// [`FillTable`](crate::adaptive::FillTable). [`Adaptive`](crate::adaptive::Adaptive) applies one.
///
/// A policy is a pure function: it holds its parameters, but neither the factor nor a clock. Where
/// threads compete, a policy may be asked several times for one step. It must then give equal
/// answers.
///
/// ```
/// use std::time::Duration;
/// use tollgate::adaptive::{Course, Observed, Policy};
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
///     fn step(&self, _: &Course, _: Duration, seen: Observed) -> Ratio {
///         if seen.fill > Ratio::percent(50) { Ratio::percent(50) } else { Ratio::ONE }
///     }
/// }
/// let seen = Observed { fill: Ratio::ONE, refused: false };
/// let next = Halve.step(&Course::new(Ratio::ONE), Halve.interval(), seen);
/// assert_eq!(next, Ratio::percent(50));
/// ```
pub trait Policy {
    /// Returns the least and the greatest factor.
    ///
    /// A factor outside of them is clamped, whatever [`step`](Self::step) returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Cubic, Policy};
    /// use tollgate::limit::Ratio;
    /// let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// assert_eq!(cubic.bounds().1, Ratio::ONE);
    /// ```
    fn bounds(&self) -> (Ratio, Ratio);

    /// Returns the time between two steps.
    ///
    /// Two steps that refusals cause are at least this far apart, too. Zero counts as a nanosecond.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Cubic, Policy};
    /// use tollgate::limit::Ratio;
    /// let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// assert_eq!(cubic.interval(), Duration::from_millis(100));
    /// ```
    fn interval(&self) -> Duration;

    /// Returns the factor that follows `course.factor`.
    ///
    /// For a step in time, `elapsed` is a whole number of intervals. No pause of the bucket is in
    /// it. For a refusal it is zero.
    ///
    /// One step over two intervals should equal two steps over one, since no call may have come in
    /// between.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Course, Cubic, Observed, Policy};
    /// use tollgate::limit::Ratio;
    ///
    /// let cubic = Cubic::new(Duration::from_secs(10), Ratio::percent(80));
    /// let mut course = Course::new(Ratio::ONE);
    /// course.age = Duration::from_secs(10);
    /// let refused = Observed { fill: Ratio::ONE, refused: true };
    /// assert_eq!(cubic.step(&course, Duration::ZERO, refused), Ratio::percent(80));
    ///
    /// (course.factor, course.from) = (Ratio::percent(80), Ratio::percent(80));
    /// let seen = Observed { refused: false, ..refused };
    /// assert_eq!(cubic.step(&course, Duration::from_secs(10), seen), Ratio::percent(90));
    /// ```
    fn step(&self, course: &Course, elapsed: Duration, seen: Observed) -> Ratio;
}

impl<P: Policy + ?Sized> Policy for &P {
    fn bounds(&self) -> (Ratio, Ratio) {
        (**self).bounds()
    }

    fn interval(&self) -> Duration {
        (**self).interval()
    }

    fn step(&self, course: &Course, elapsed: Duration, seen: Observed) -> Ratio {
        (**self).step(course, elapsed, seen)
    }
}

/// What a policy observes.
///
/// ```
/// use tollgate::adaptive::Observed;
/// use tollgate::limit::Ratio;
/// assert_eq!(
///     Observed { fill: Ratio::ONE, refused: false },
///     Observed { refused: false, fill: Ratio::percent(100) }
/// );
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Observed {
    /// How full the bucket is, as a [leaky bucket](crate::LeakyBucket::fill).
    ///
    /// It is 0 if all tokens are available, 1 if none is, and above 1 in debt.
    pub fill: Ratio,
    /// Whether a server refused a request just now.
    pub refused: bool,
}
