//! Waiting for tokens: reservations, estimates and timers.
//!
//! | type | for |
//! |---|---|
//! | [`Reservation`] | tokens taken before they may be used |
//! | [`Estimate`] | tokens taken for work whose cost is not known yet |
//! | [`Take`], [`UntilAvailable`] | the futures of verbs that wait |
//! | [`Timer`] | the sleep of a runtime; [`timer_fn`] makes one of a function |
#![cfg_attr(feature = "std", doc = "| [`Jittered`] | sleeps that last longer, at random |")]
#![cfg_attr(feature = "std", doc = "| [`Cancel`] | one thread lets others go that wait |")]

// Owns what waits for tokens: the line, places, sleeps and timers.
//
// - `line`: those who wait in turn. It has a list of its own.
// - `waits`: what a bucket is to those who wait: with a line, or without.
// - `holder`: how a reservation holds its bucket.
// - `unqueued`: what stands in for the line where there is no `std`.
// - `reservation`: `Reservation`, tokens taken before they may be used.
// - `reservation_wait`: how a reservation is waited for.
// - `estimate`: `Estimate`, tokens taken for work of unknown cost.
// - `held`: `Held`, the count of what firm reservations hold.
// - `take`: `Take`, `UntilAvailable` and `Wait`, the futures that wait for tokens.
// - `cancel`: `Cancel`, which lets threads go.
// - `waiting`: how a task or a thread sleeps until an instant.
// - `readiness`: the wait for tokens where there is no line.
// - `patient`: the wait of those who go on where nobody knows for how long.
// - `nap`: how long a waiter sleeps before it looks again.
// - `timer`: `Timer`, and the timers of runtimes.

#[cfg(feature = "std")]
pub(crate) mod cancel;
pub(crate) mod estimate;
pub(crate) mod held;
pub(crate) mod holder;
#[cfg(feature = "std")]
pub(crate) mod line;
pub(crate) mod nap;
#[cfg(any(feature = "io", feature = "stream"))]
pub(crate) mod patient;
#[cfg(any(not(feature = "std"), feature = "keys"))]
pub(crate) mod readiness;
pub(crate) mod reservation;
pub(crate) mod reservation_wait;
pub(crate) mod take;
pub(crate) mod timer;
#[cfg(not(feature = "std"))]
pub(crate) mod unqueued;
pub(crate) mod waiting;
pub(crate) mod waits;

#[cfg(feature = "std")]
pub use cancel::Cancel;
pub use estimate::Estimate;
pub use reservation::Reservation;
pub use take::{Take, UntilAvailable, Wait};
#[cfg(feature = "futures-timer")]
pub use timer::FuturesTimer;
#[cfg(feature = "std")]
pub use timer::Jittered;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;
pub use timer::{Timer, TimerFn, timer_fn};
