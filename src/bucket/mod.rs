//! Owns the buckets as callers see them, and their verbs. It never keeps words or does arithmetic.
//!
//! - `bucket`: [`Bucket`], the verbs of all buckets, each with its full text.
//! - `verbs`: what each verb does to the words, once for all buckets.
//! - `at`: the verbs at a time that the caller supplies.
//! - `inherent`: the verbs as methods of the types themselves.
//! - `token`: [`TokenBucket`], one stream with a fixed limit.
//! - `multi`: [`MultiBucket`], several streams; `changing`: its limits that change, and pauses.
//! - `handle`: [`Handle`], a slot of one's own.
//! - `leaky`, `leaky_at`, `leaky_wait`: [`LeakyBucket`], the other side of a token bucket.
//! - `headroom`: [`Headroom`], how much fits into it.

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
