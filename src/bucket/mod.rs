//! bucket

pub(crate) mod at;
pub(crate) mod bucket;
pub(crate) mod changing;
pub(crate) mod handle;
pub(crate) mod headroom;
pub(crate) mod inherent;
pub(crate) mod leaky;
pub(crate) mod leaky_at;
pub(crate) mod leaky_wait;
pub(crate) mod multi;
pub(crate) mod token;
pub(crate) mod verbs;

pub use bucket::Bucket;
pub use handle::{Handle, HandlesExhausted};
pub use headroom::Headroom;
pub use leaky::LeakyBucket;
pub use multi::MultiBucket;
pub use token::TokenBucket;

pub use crate::state::at::At;
pub use crate::state::snapshot::Snapshot;
