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

pub(crate) mod clock;
pub(crate) mod manual;
pub(crate) mod monotonic;
#[cfg(feature = "std")]
pub(crate) mod standard;
pub(crate) mod time;
#[cfg(feature = "quanta")]
pub(crate) mod tsc;

pub use clock::{Clock, DefaultClock};
pub use manual::ManualClock;
pub use monotonic::Monotonic;
#[cfg(feature = "std")]
pub use standard::InstantClock;
pub use time::Time;
#[cfg(feature = "quanta")]
pub use tsc::TscClock;
