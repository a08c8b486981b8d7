//! decision

pub(crate) mod inherit;
pub(crate) mod limits;
pub(crate) mod meter;
pub(crate) mod refill;
pub(crate) mod refused;
pub(crate) mod revision;
pub(crate) mod wait_bounds;
