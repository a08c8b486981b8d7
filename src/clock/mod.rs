//! Clocks, and the [`Time`] that they show.
//!
//! | type | for |
//! |---|---|
//! | [`DefaultClock`] | the clock that a bucket has unless it is told otherwise |
//! | [`ManualClock`] | tests and simulations: the program moves it |
//! | [`Monotonic`] | a clock that may step back |
//! | [`Clock`] | the trait of all of them, and of your own |

// Owns the sources of `now`. It never decides anything.
//
// - `time`: `Time`, a reading in whole nanoseconds.
// - `clock`: the trait `Clock`, and the default clock of each set of features.
// - `standard`: `InstantClock`, the clock of the standard library.
// - `tsc`: `TscClock`, the processor's time-stamp counter.
// - `manual`: `ManualClock`, which the program moves.
// - `monotonic`: `Monotonic`, which never shows an older reading.
// - `recovering`: `Recovering`, which goes on after a step back.
// - `step_rule`: the rule by which it believes one.
// - `boot`: `BootClock`, which counts while the system is suspended.
// - `tokio_clock`: `TokioClock`, which follows tokio's paused time.

#[cfg(all(feature = "boot-clock", any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)))]
pub(crate) mod boot;
pub(crate) mod clock;
pub(crate) mod manual;
pub(crate) mod monotonic;
pub(crate) mod recovering;
#[cfg(feature = "std")]
pub(crate) mod standard;
mod step_rule;
pub(crate) mod time;
#[cfg(feature = "tokio")]
pub(crate) mod tokio_clock;
#[cfg(feature = "quanta")]
pub(crate) mod tsc;

#[cfg(all(
    feature = "boot-clock",
    any(target_os = "linux", target_os = "android", target_vendor = "apple", windows)
))]
pub use boot::BootClock;
pub use clock::{Clock, DefaultClock};
pub use manual::ManualClock;
pub use monotonic::Monotonic;
pub use recovering::Recovering;
#[cfg(feature = "std")]
pub use standard::InstantClock;
pub use time::Time;
#[cfg(feature = "tokio")]
pub use tokio_clock::TokioClock;
#[cfg(feature = "quanta")]
pub use tsc::TscClock;
