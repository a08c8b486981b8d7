//! lease

pub(crate) mod chunk;
pub(crate) mod lease;

pub use lease::Lease;
