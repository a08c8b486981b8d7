//! Owns what waits on a bucket of any kind: in its turn, as a reservation and sleeps, or for
//! readiness alone.

#[cfg(not(feature = "std"))]
use core::future::Future;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::Waitable;
use crate::wait::nap::Nap;
#[cfg(not(feature = "std"))]
use crate::wait::reservation::Reservation;
use crate::wait::timer::Timer;
#[cfg(feature = "std")]
use crate::{state::limits_changed::notified_or, sync::listen};

/// Takes by a reservation made at the first poll, with what is then left of the timeout, and
/// waits for it.
#[cfg(not(feature = "std"))]
pub(crate) fn take<'a, const N: usize, T: Timer>(
    bucket: &'a dyn Waitable<N>,
    amounts: [u64; N],
    timeout: Duration,
    timer: T,
) -> impl Future<Output = Result<(), Refused<N>>> + use<'a, N, T> {
    let deadline = bucket.now().after(timeout);
    async move {
        let now = bucket.now();
        Reservation::new(bucket, now, amounts, deadline.since(now), false)?.wait_on(timer).await;
        Ok(())
    }
}

/// Sleeps until nothing is `left`: on `timer`, and looks again when it wakes or when the limits
/// change.
///
/// A caller that need not sleep does not listen.
pub(crate) async fn sleep_on<T: Timer, E>(
    limits_changed: Option<&LimitsChanged>,
    timer: T,
    left: impl Fn(&mut Nap) -> Result<Option<Duration>, E>,
) -> Result<(), E> {
    if left(&mut Nap::new())?.is_none() {
        return Ok(());
    }
    let mut nap = Nap::new();
    loop {
        // Nothing borrows the timer while it sleeps: futures that wait are `Send` if the timer is.
        #[cfg(feature = "std")]
        if let Some(limits_changed) = limits_changed {
            listen!(limits_changed.event() => listener);
            let Some(sleep) = left(&mut nap)?.map(|sleep| timer.sleep(sleep)) else { return Ok(()) };
            notified_or(listener, sleep).await;
            continue;
        }
        let _ = limits_changed;
        let Some(sleep) = left(&mut nap)? else { return Ok(()) };
        timer.sleep(sleep).await;
    }
}

/// The same on a thread.
#[cfg(feature = "std")]
pub(crate) fn sleep<E>(
    limits_changed: Option<&LimitsChanged>,
    left: impl Fn(&mut Nap) -> Result<Option<Duration>, E>,
) -> Result<(), E> {
    if left(&mut Nap::new())?.is_none() {
        return Ok(());
    }
    let mut nap = Nap::new();
    loop {
        let slept = match limits_changed {
            Some(limits_changed) => limits_changed.sleep(|| left(&mut nap))?,
            None => left(&mut nap)?.map(std::thread::sleep).is_some(),
        };
        if !slept {
            return Ok(());
        }
    }
}

/// Sleeps until `amounts` could be taken, and takes nothing.
pub(crate) async fn until_ready<const N: usize, T: Timer>(
    bucket: &dyn Waitable<N>,
    amounts: [u64; N],
    timer: T,
) -> Result<(), Refused<N>> {
    sleep_on(bucket.limits_changed(), timer, |nap| until_looking_again(bucket, &amounts, nap)).await
}

/// The same on a thread.
#[cfg(feature = "std")]
pub(crate) fn until_ready_blocking<const N: usize>(
    bucket: &dyn Waitable<N>,
    amounts: [u64; N],
) -> Result<(), Refused<N>> {
    sleep(bucket.limits_changed(), |nap| until_looking_again(bucket, &amounts, nap))
}

/// How long to sleep before it is worth looking again; `None` if `amounts` are available now.
fn until_looking_again<const N: usize>(
    bucket: &dyn Waitable<N>,
    amounts: &[u64; N],
    nap: &mut Nap,
) -> Result<Option<Duration>, Refused<N>> {
    let now = bucket.now();
    // To make nothing of the words is to read them.
    let Err((Revision { limits, .. }, spent)) = bucket.update(&|_, _| None) else { return Ok(None) };
    limits.check(amounts)?;
    let pause = if *amounts == [0; N] { 0 } else { limits.pause_left(now) };
    let missing = limits.not_yet(&spent, limits.elapsed(now), amounts).behind(pause);
    let wait = missing.wait();
    // Past the end of time are those streams that never refill.
    if wait > Time::MAX.since(now) {
        return Err(missing.into());
    }
    Ok(nap.next(now, now.after(wait)))
}
