//! limit

pub(crate) mod limit;
pub(crate) mod notation;
pub(crate) mod rate;
pub(crate) mod ratio;
