//! Owns how the limits of a gate are waited for: one after the other, narrow to wide. Never says
//! whose turn it is: each limit has a line.

use core::future::Future;
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::gate::limited::{Cause, Found, Moment, Steps};
use crate::gate::list::{And, Limits};
use crate::gate::refused::Reason;
use crate::gate::seen::{Hold, Look};
use crate::wait::timer::Timer;
#[cfg(any(not(feature = "std"), feature = "keys"))]
use crate::{decision::refused::Refused, wait::reservation::Reservation};

/// The limits of a [`Gate`](crate::Gate), whatever they are: a bound for generic code.
///
/// `()` are the limits of an empty gate, and `And` those of one with a limit
/// more. The trait is sealed.
///
/// ```
/// use tollgate::gate::GateLimits;
/// use tollgate::{Clock, Gate, Limit, TokenBucket};
///
/// /// The seconds to wait, for `Retry-After`.
/// fn ask<C: Clock>(gate: Gate<C, impl GateLimits>) -> Result<(), Option<u64>> {
///     gate.try_take().map(|_| ()).map_err(|refused| refused.retry_after_secs())
/// }
/// let bucket = TokenBucket::new(Limit::per_hour(60))?;
/// assert_eq!(ask(Gate::new().and(&bucket, 60)), Ok(()));
/// assert_eq!(ask(Gate::new().and(&bucket, 1)), Err(Some(60)));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait GateLimits: Waiting {}

impl<L: Waiting> GateLimits for L {}

/// Limits that are waited for in turn.
pub trait Waiting: Limits + Send + Sync {
    /// The time by the clock that a deadline counts by: the widest limit's.
    fn now(&self) -> Time;

    /// Whether each limit that refused may grant within the timeout.
    fn may_come(looks: &Self::Looks, timeout: Duration) -> bool;

    /// Takes the refusals back, and keeps what each limit has.
    fn cleared(looks: &mut Self::Looks);

    /// Adds what a later look found to the refusal that ended a wait. Limits narrower than that
    /// `granted`.
    fn renewed(looks: &mut Self::Looks, later: &Self::Looks, granted: bool);

    /// Waits for all in turn. `left` says how much is left of the timeout. Says in `looks` which
    /// limit refused.
    fn wait_on<T: Timer<Sleep: Send> + Sync>(
        &self,
        left: &(impl Fn() -> Duration + Sync),
        timer: &T,
        looks: &mut Self::Looks,
    ) -> impl Future<Output = Option<Self::Holds>> + Send;

    #[cfg(feature = "std")]
    fn wait_blocking(&self, left: &impl Fn() -> Duration, looks: &mut Self::Looks) -> Option<Self::Holds>;
}

/// Waits for a reservation. Dropped before it is ready, it is cancelled, also after its instant.
#[cfg(any(not(feature = "std"), feature = "keys"))]
pub(crate) async fn ready<T: Timer, const N: usize>(place: Reservation<'_, N>, timer: T) -> Result<(), Refused<N>> {
    struct Cancelled<'a, const N: usize>(Option<Reservation<'a, N>>);

    impl<const N: usize> Drop for Cancelled<'_, N> {
        fn drop(&mut self) {
            if let Some(place) = self.0.take() {
                place.cancel();
            }
        }
    }

    let mut place = Cancelled(Some(place));
    if let Some(place) = &mut place.0 {
        place.wait_on(timer).await?;
    }
    // It was waited for: it counts as used.
    place.0 = None;
    Ok(())
}

/// What narrower limits gave. It goes back on drop, the last first.
struct GiveBack<'a, L: Limits> {
    limits: &'a L,
    holds: Option<L::Holds>,
}

impl<L: Limits> Drop for GiveBack<'_, L> {
    fn drop(&mut self) {
        if let Some(holds) = &self.holds {
            self.limits.give_back(holds);
        }
    }
}

impl Waiting for () {
    fn now(&self) -> Time {
        Time::ZERO
    }

    fn may_come((): &(), _: Duration) -> bool {
        true
    }

    fn cleared((): &mut ()) {}

    fn renewed((): &mut (), (): &(), _: bool) {}

    async fn wait_on<T: Timer<Sleep: Send> + Sync>(
        &self,
        _: &(impl Fn() -> Duration + Sync),
        _: &T,
        (): &mut (),
    ) -> Option<()> {
        Some(())
    }

    #[cfg(feature = "std")]
    fn wait_blocking(&self, _: &impl Fn() -> Duration, (): &mut ()) -> Option<()> {
        Some(())
    }
}

impl<L: Waiting, B: Steps + Send + Sync> Waiting for And<L, B> {
    fn now(&self) -> Time {
        self.limit.clock().now()
    }

    fn may_come((narrower, look): &Self::Looks, timeout: Duration) -> bool {
        // What nobody knows the wait of is not waited for: buckets refuse it, too.
        let in_time = |refused: B::Refused| refused.known_wait().is_some_and(|wait| wait <= timeout);
        let comes = look.found.refused.is_none_or(|refused| refused.reason() == Reason::NotYet && in_time(refused));
        comes && L::may_come(narrower, timeout)
    }

    fn cleared((narrower, look): &mut Self::Looks) {
        look.found.refused = None;
        L::cleared(narrower);
    }

    fn renewed((narrower, look): &mut Self::Looks, later: &Self::Looks, granted: bool) {
        let Look { at, found, .. } = later.1;
        let ended = look.found.refused;
        *look = match ended {
            Some(_) => Look::of(at, Found { refused: ended, ..found }),
            None if granted => Look::after(at, found),
            None => Look::of(at, found),
        };
        L::renewed(narrower, &later.0, granted || ended.is_some());
    }

    async fn wait_on<T: Timer<Sleep: Send> + Sync>(
        &self,
        left: &(impl Fn() -> Duration + Sync),
        timer: &T,
        (narrower, look): &mut Self::Looks,
    ) -> Option<Self::Holds> {
        let holds = self.narrower.wait_on(left, timer, narrower).await?;
        let given = GiveBack { limits: &self.narrower, holds: Some(holds) };
        match self.limit.wait_on(self.tokens, left(), timer).await {
            Ok(held) => Some(self.held(given, held)),
            Err(refused) => {
                look.found.refused = Some(refused);
                None
            }
        }
    }

    #[cfg(feature = "std")]
    fn wait_blocking(&self, left: &impl Fn() -> Duration, (narrower, look): &mut Self::Looks) -> Option<Self::Holds> {
        let holds = self.narrower.wait_blocking(left, narrower)?;
        let given = GiveBack { limits: &self.narrower, holds: Some(holds) };
        match self.limit.wait_blocking(self.tokens, left()) {
            Ok(held) => Some(self.held(given, held)),
            Err(refused) => {
                look.found.refused = Some(refused);
                None
            }
        }
    }
}

impl<L: Limits, B: Steps> And<L, B> {
    /// All holds, once this limit was waited for.
    fn held(&self, mut given: GiveBack<'_, L>, held: B::Held) -> <Self as Limits>::Holds {
        let at = Moment { now: self.limit.clock().now(), is_read: true, admits: false };
        let left = self.left(at);
        let holds = given.holds.take().expect("it was given");
        (holds, Hold { at, taken: self.tokens, left, held })
    }
}
