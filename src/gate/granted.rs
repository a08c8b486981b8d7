//! Owns what a gate took: it can be put back or settled. Never takes.

use core::fmt;

use crate::gate::list::Limits;
use crate::gate::refused::GateRefused;
use crate::gate::seen::LimitSeen;

/// What a gate took from all its limits, and what each has left.
///
/// Dropped, it counts as used. [`put_back`](Self::put_back) gives it back as a whole, and
/// [`settle`](Self::settle) corrects it.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Gate, Limit, MultiBucket, TokenBucket};
///
/// let clock = ManualClock::new();
/// let client = TokenBucket::with_clock(Limit::per_second(10), &clock)?;
/// let limits = [Limit::per_second(100), Limit::per_second(1000)];
/// let service = MultiBucket::with_clock(limits, &clock)?;
/// let granted = Gate::new().and(&client, 1).and(&service, [1, 500]).try_take().expect("full");
/// assert_eq!(granted.limit(1).expect("two").available(), [99, 500]);
/// granted.put_back();
/// assert_eq!((client.available(), service.available()), (10, [100, 1000]));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub struct GateGranted<L: Limits> {
    pub(crate) limits: L,
    pub(crate) holds: L::Holds,
}

impl<L: Limits> GateGranted<L> {
    /// Puts back everything that was taken, the widest limit first.
    ///
    /// It also puts back what was charged [`OnAttempt`](crate::gate::Charge::OnAttempt). Put back
    /// only what was not used.
    pub fn put_back(self) {
        self.limits.put_back(&self.holds);
    }

    /// Replaces what was taken by what was used.
    ///
    /// `used` is called once for each limit, narrow to wide, with its index and the amounts that
    /// were taken; it corrects them. A surplus comes back. A shortage is taken unconditionally, and
    /// may leave a debt: [`Estimate::settle`](crate::wait::Estimate::settle). Where
    /// callers leave out what is settled, let them in by [`Gate::admit`](crate::Gate::admit): else
    /// nobody looks at that debt.
    ///
    /// # Errors
    ///
    /// [`GateRefused`] for a debt that is too large for a limit. That limit keeps what was taken;
    /// the others are settled.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, MultiBucket, TokenBucket};
    ///
    /// let clock = ManualClock::new();
    /// let client = TokenBucket::with_clock(Limit::per_second(10), &clock)?;
    /// let limits = [Limit::per_second(100), Limit::per_second(1000)];
    /// let service = MultiBucket::with_clock(limits, &clock)?;
    /// let granted = Gate::new().and(&client, 1).and(&service, [1, 500]).try_take().expect("full");
    /// // ... the answer had 120 bytes ...
    /// granted.settle(|limit, amounts| {
    ///     if limit == 1 {
    ///         amounts[1] = 120;
    ///     }
    /// })?;
    /// assert_eq!((client.available(), service.available()), (9, [99, 880]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn settle(mut self, used: impl FnMut(usize, &mut [u64])) -> Result<(), GateRefused<L::Looks>> {
        self.correct(used)
    }

    /// Replaces what was taken by what was used, as [`settle`](Self::settle) does, and goes on
    /// holding it: for work that is known in parts, such as a body that is being sent.
    ///
    /// The next correction, or a [put-back](Self::put_back), begins with these amounts.
    ///
    /// # Errors
    ///
    /// As [`settle`](Self::settle).
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let bytes = TokenBucket::with_clock(Limit::per_second(1000), ManualClock::new())?;
    /// let mut granted = Gate::new().and(&bytes, 1).try_take().expect("full");
    /// for sent in [300, 900, 1200] {
    ///     granted.correct(|_, amounts| amounts[0] = sent)?;
    ///     assert_eq!(bytes.available(), 1000_u64.saturating_sub(sent));
    /// }
    /// assert_eq!(bytes.debt(), 200);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn correct(&mut self, mut used: impl FnMut(usize, &mut [u64])) -> Result<(), GateRefused<L::Looks>> {
        let refused = GateRefused { looks: self.limits.correct(&mut self.holds, &mut used) };
        if refused.violated().next().is_some() { Err(refused) } else { Ok(()) }
    }

    /// Returns all limits, narrow to wide.
    pub fn limits(&self) -> impl Iterator<Item = LimitSeen<'_>> {
        LimitSeen::all(&self.holds)
    }

    /// Returns one limit by its index: 0 is the first that was added.
    pub fn limit(&self, index: usize) -> Option<LimitSeen<'_>> {
        LimitSeen::of(&self.holds, index)
    }
}

impl<L: Limits> fmt::Debug for GateGranted<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateGranted").field("limits", &LimitSeen::listed(&self.holds)).finish()
    }
}
