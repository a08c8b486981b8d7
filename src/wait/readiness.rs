//! Owns the wait for tokens where there is no line: it looks when they should be there.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::state::store::Waitable;
use crate::wait::nap::Nap;
#[cfg(feature = "keys")]
use crate::wait::timer::Timer;
#[cfg(feature = "keys")]
use crate::wait::waiting::{sleep, sleep_on};

/// Sleeps until `amounts` could be taken, and takes nothing.
#[cfg(feature = "keys")]
pub(crate) async fn until_available<const N: usize, T: Timer>(
    bucket: &dyn Waitable<N>,
    amounts: [u64; N],
    timer: T,
) -> Result<(), Refused<N>> {
    sleep_on(bucket.limits_changed(), timer, |nap| until_looking_again(bucket, &amounts, nap)).await
}

/// The same on a thread.
#[cfg(feature = "keys")]
pub(crate) fn until_available_blocking<const N: usize>(
    bucket: &dyn Waitable<N>,
    amounts: [u64; N],
) -> Result<(), Refused<N>> {
    sleep(bucket.limits_changed(), |nap| until_looking_again(bucket, &amounts, nap))
}

/// How long to sleep before it is worth looking again; `None` if `amounts` are available now.
pub(crate) fn until_looking_again<const N: usize>(
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
    match missing.wait() {
        Some(wait) if wait <= Time::MAX.since(now) => Ok(nap.next(now, now.after(wait))),
        _ => Err(missing.into()),
    }
}
