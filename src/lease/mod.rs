//! lease

pub(crate) mod chunk;
pub(crate) mod lease;
pub(crate) mod multi;
