//! Owns the verbs of a gate at a time that the caller supplies. Never reads a clock.

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::gate::gate::{self, Gate};
use crate::gate::granted::GateGranted;
use crate::gate::limited::Manner;
use crate::gate::list::Limits;
use crate::gate::refused::GateRefused;
use crate::gate::seen::GateSeen;

/// A [`Gate`] at one time, which all its limits are decided at.
///
/// The time is a reading of the **one** clock that all limits share, or of clocks with the same
/// origin. Buckets made by [`new`](crate::TokenBucket::new) have clocks of different origins: a
/// reading of one would be in another's future, and grant what has not refilled yet.
///
/// ```
/// use tollgate::clock::{ManualClock, Time};
/// use tollgate::{Gate, Limit, TokenBucket};
///
/// let clock = ManualClock::new();
/// let client = TokenBucket::with_clock(Limit::per_second(10).empty(), &clock)?;
/// let service = TokenBucket::with_clock(Limit::per_second(100).empty(), &clock)?;
/// let gate = Gate::new().and(&client, 1).and(&service, 1);
/// assert!(gate.at(Time::from_nanos(99_999_999)).try_take().is_err());
/// assert!(gate.at(Time::from_nanos(100_000_000)).try_take().is_ok());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct GateAt<C = DefaultClock, L = ()> {
    pub(crate) gate: Gate<C, L>,
    pub(crate) now: Time,
}

impl<C: Clock, L: Limits> GateAt<C, L> {
    /// Takes from all limits at this time, or from none: [`Gate::try_take`].
    ///
    /// What is put back later is put back at this time, too.
    ///
    /// # Errors
    ///
    /// As [`Gate::try_take`].
    pub fn try_take(self) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
        gate::try_take(self.gate.limits, Manner { supplied: Some(self.now), ..Manner::TAKE })
    }

    /// Takes from all limits at this time, unless any of them is in debt: [`Gate::admit`].
    ///
    /// # Errors
    ///
    /// As [`Gate::admit`].
    pub fn admit(self) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
        gate::try_take(self.gate.limits, Manner { supplied: Some(self.now), admits: true })
    }

    /// Looks whether a take would be granted: [`Gate::peek`].
    ///
    /// # Errors
    ///
    /// As [`Gate::peek`].
    pub fn peek(&self) -> Result<GateSeen<L::Looks>, GateRefused<L::Looks>> {
        gate::peek(&self.gate.limits, Manner { supplied: Some(self.now), ..Manner::TAKE })
    }
}
