//! wait

pub(crate) mod estimate;
pub(crate) mod nap;
pub(crate) mod reservation;
pub(crate) mod timer;
pub(crate) mod waiting;
