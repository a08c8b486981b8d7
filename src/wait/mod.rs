//! Waiting for tokens: reservations, estimates and timers.
//!
//! | type | for |
//! |---|---|
//! | [`Reservation`] | tokens taken before they may be used |
//! | [`Estimate`] | tokens taken for work whose cost is not known yet |
//! | [`Timer`] | the sleep of a runtime |

// Owns what waits for tokens: places, sleeps and timers. It never changes a word by itself.
//
// - `reservation`: `Reservation`, tokens taken before they may be used.
// - `estimate`: `Estimate`, tokens taken for work of unknown cost.
// - `waiting`: the waits of a task and of a thread.
// - `nap`: how long a waiter sleeps before it looks again.
// - `timer`: `Timer`, and the timers of runtimes.

#[cfg(feature = "std")]
pub(crate) mod cancel;
pub(crate) mod estimate;
#[cfg(feature = "std")]
pub(crate) mod line;
pub(crate) mod nap;
#[cfg(any(not(feature = "std"), feature = "keys"))]
pub(crate) mod readiness;
pub(crate) mod reservation;
pub(crate) mod timer;
#[cfg(not(feature = "std"))]
pub(crate) mod unqueued;
pub(crate) mod waiting;
pub(crate) mod waits;

#[cfg(feature = "std")]
pub use cancel::Cancel;
pub use estimate::Estimate;
pub use reservation::Reservation;
#[cfg(feature = "futures-timer")]
pub use timer::FuturesTimer;
#[cfg(feature = "std")]
pub use timer::Jittered;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;
pub use timer::{Timer, TimerFn, timer_fn};
