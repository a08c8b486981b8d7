//! bucket

pub(crate) mod handle;
pub(crate) mod headroom;
pub(crate) mod leaky;
pub(crate) mod multi;
pub(crate) mod token;
