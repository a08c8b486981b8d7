//! wait

pub(crate) mod estimate;
pub(crate) mod nap;
pub(crate) mod reservation;
pub(crate) mod timer;
pub(crate) mod waiting;

pub use estimate::Estimate;
pub use reservation::Reservation;
#[cfg(feature = "futures-timer")]
pub use timer::FuturesTimer;
pub use timer::Timer;
#[cfg(feature = "tokio")]
pub use timer::TokioTimer;
