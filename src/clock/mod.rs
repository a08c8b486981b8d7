//! clock

pub(crate) mod clock;
pub(crate) mod manual;
pub(crate) mod monotonic;
#[cfg(feature = "std")]
pub(crate) mod standard;
pub(crate) mod time;
#[cfg(feature = "quanta")]
pub(crate) mod tsc;
