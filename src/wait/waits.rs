//! Owns what a bucket is to those who wait. Never waits itself.

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
extern crate alloc;

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
use alloc::sync::Arc;
use core::ops::Deref;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::state::store::Waitable;
use crate::wait::holder::Holder;
#[cfg(feature = "std")]
use crate::wait::holder::LineHolder;
#[cfg(feature = "std")]
use crate::wait::line::{entry::Aim, standing::Queue, turn::Turn};
use crate::wait::reservation::Reservation;
use crate::wait::take::{Look, Take, UntilAvailable, Wait};
use crate::wait::timer::Timer;
#[cfg(not(feature = "std"))]
use crate::wait::unqueued::{Aim, Turn};

/// A bucket that callers can wait on, in a line where there is `std`.
pub trait Waits<const N: usize>: Waitable<N> {
    #[cfg(feature = "std")]
    fn queue(&self) -> &dyn Queue<N>;
}

/// Reserves behind those who wait, or from the words alone where nobody can wait.
pub(crate) fn reserve<const N: usize>(
    bucket: &impl Waits<N>,
    now: Time,
    amounts: [u64; N],
    max_wait: Duration,
    oversized: bool,
) -> Result<Reservation<'_, N>, Refused<N>> {
    let holder = Holder::Borrowed(bucket);
    #[cfg(feature = "std")]
    return Reservation::in_line(holder, LineHolder::Borrowed(bucket), now, amounts, max_wait, oversized);
    #[cfg(not(feature = "std"))]
    Reservation::new(holder, now, amounts, max_wait, oversized)
}

/// The same of a bucket in an `Arc`.
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub(crate) fn reserve_owned<const N: usize>(
    bucket: Arc<impl Waits<N> + Send + 'static>,
    now: Time,
    amounts: [u64; N],
    max_wait: Duration,
) -> Result<Reservation<'static, N>, Refused<N>> {
    #[cfg(feature = "std")]
    {
        let line = LineHolder::Shared(bucket.clone());
        Reservation::in_line(Holder::Shared(bucket), line, now, amounts, max_wait, false)
    }
    #[cfg(not(feature = "std"))]
    Reservation::new(Holder::Shared(bucket), now, amounts, max_wait, false)
}

/// Waits in the line, or as a reservation where there is none. The timeout counts from this call.
pub(crate) fn take<B, const N: usize, T: Timer>(
    bucket: B,
    amounts: [u64; N],
    timeout: Duration,
    timer: T,
) -> Take<B, T, N>
where
    B: Deref<Target: Waits<N> + Sized>,
{
    let now = bucket.now();
    Wait::new(Turn::new(bucket, now, amounts, timeout, Aim::Take), timer)
}

/// Waits in the line until these amounts could be taken; without one, until they could be taken as
/// it looks.
pub(crate) fn until_available<B, const N: usize, T: Timer>(
    bucket: B,
    amounts: [u64; N],
    timer: T,
) -> UntilAvailable<B, T, N>
where
    B: Deref<Target: Waits<N> + Sized>,
{
    let now = bucket.now();
    Wait::new(Look(Turn::new(bucket, now, amounts, Duration::MAX, Aim::Look)), timer)
}
