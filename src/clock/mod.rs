//! clock

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
