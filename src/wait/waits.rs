//! Owns what a bucket is to those who wait. Never waits itself.

use core::future::Future;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::state::store::Waitable;
#[cfg(feature = "std")]
use crate::wait::line::{entry::Aim, standing::Queue, turn};
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;
#[cfg(not(feature = "std"))]
use crate::wait::{readiness, waiting};

/// A bucket that callers can wait on.
pub trait Waits<const N: usize> {
    fn waitable(&self) -> &dyn Waitable<N>;

    #[cfg(feature = "std")]
    fn queueing(&self) -> &dyn Queueing<N>;
}

/// A bucket with a line.
#[cfg(feature = "std")]
pub trait Queueing<const N: usize>: Waitable<N> {
    fn queue(&self) -> &dyn Queue<N>;
}

/// Reserves behind those who wait, or from the words alone where nobody can wait.
pub(crate) fn reserve<'a, const N: usize>(
    bucket: &'a (impl Waits<N> + ?Sized),
    now: Time,
    amounts: [u64; N],
    max_wait: Duration,
    oversized: bool,
) -> Result<Reservation<'a, N>, Refused<N>> {
    #[cfg(feature = "std")]
    return Reservation::in_line(bucket, now, amounts, max_wait, oversized);
    #[cfg(not(feature = "std"))]
    Reservation::new(bucket.waitable(), now, amounts, max_wait, oversized)
}

/// Waits in the line, or as a reservation where there is none.
pub(crate) fn take<'a, const N: usize, B: Waits<N> + ?Sized, T: Timer>(
    bucket: &'a B,
    amounts: [u64; N],
    timeout: Duration,
    timer: T,
) -> impl Future<Output = Result<Granted<N>, Refused<N>>> + use<'a, N, B, T> {
    #[cfg(feature = "std")]
    return turn::wait(bucket.queueing(), amounts, timeout, Aim::Take, timer);
    #[cfg(not(feature = "std"))]
    waiting::take(bucket.waitable(), amounts, timeout, timer)
}

/// Waits in the line until these amounts could be taken; without one, until they could be taken as
/// it looks.
pub(crate) fn until_available<'a, const N: usize, B: Waits<N> + ?Sized, T: Timer>(
    bucket: &'a B,
    amounts: [u64; N],
    timer: T,
) -> impl Future<Output = Result<(), Refused<N>>> + use<'a, N, B, T> {
    #[cfg(feature = "std")]
    {
        let seen = turn::wait(bucket.queueing(), amounts, Duration::MAX, Aim::Look, timer);
        async move { seen.await.map(|_| ()) }
    }
    #[cfg(not(feature = "std"))]
    readiness::until_available(bucket.waitable(), amounts, timer)
}
