//! bucket

pub(crate) mod handle;
pub(crate) mod leaky;
pub(crate) mod multi;
pub(crate) mod room;
pub(crate) mod token;
