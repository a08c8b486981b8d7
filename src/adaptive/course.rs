//! Owns what a policy knows of the factor's past. It never decides what comes next.

use core::time::Duration;

use crate::limit::ratio::Ratio;

/// The factor, and what became of it since the latest refusal.
///
/// A [`Policy`](crate::adaptive::Policy) decides by it. Times count no pause of the bucket.
///
/// ```
/// use tollgate::adaptive::Course;
/// use tollgate::limit::Ratio;
///
/// let course = Course::new(Ratio::percent(40));
/// assert_eq!((course.factor, course.from), (Ratio::percent(40), Ratio::percent(40)));
/// assert_eq!((course.refused, course.streak), (Ratio::ONE, 0));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Course {
    /// The factor in force.
    pub factor: Ratio,
    /// The factor right after the latest refusal, or the one that was set since.
    pub from: Ratio,
    /// The factor that the latest refusal met. Before the first refusal, the greatest factor.
    pub refused: Ratio,
    /// The unpaused time since the latest refusal, or since the factor was set.
    ///
    /// It includes the step that the policy is asked for.
    pub age: Duration,
    /// How many refusals in a row came early, 15 at most.
    ///
    /// A refusal is early if the factor was not yet halfway back from `from` to `refused`.
    pub streak: u32,
}

impl Course {
    /// Begins a course at this factor, with no refusal and a greatest factor of 1.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::Course;
    /// use tollgate::limit::Ratio;
    /// assert_eq!(Course::new(Ratio::ONE).age, Duration::ZERO);
    /// ```
    #[must_use]
    pub const fn new(factor: Ratio) -> Self {
        Self { factor, from: factor, refused: Ratio::ONE, age: Duration::ZERO, streak: 0 }
    }

    /// Whether the factor is below the middle between `from` and `refused`.
    pub(crate) fn is_early(&self) -> bool {
        // Steps of a factor are below 2^60.
        2 * self.factor.steps() < self.from.steps() + self.refused.steps()
    }
}
