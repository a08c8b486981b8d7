//! Owns how a task or a thread sleeps until an instant, which may move.

use core::time::Duration;

use crate::state::limits_changed::LimitsChanged;
use crate::wait::nap::Nap;
use crate::wait::timer::Timer;
#[cfg(feature = "std")]
use crate::{state::limits_changed::notified_or, sync::listen};

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
