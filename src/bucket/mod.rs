//! The buckets, and the trait [`Bucket`] that describes all their methods.
//!
//! | type | for |
//! |---|---|
//! | [`TokenBucket`] | one limit that is fixed |
//! | [`MultiBucket`] | several limits at once, limits that change, pauses |
//! | [`Handle`] | a thread that takes all the time from a `MultiBucket` |
//! | [`LeakyBucket`] | a meter that drains, or work let out evenly |
#![cfg_attr(
    all(feature = "alloc", target_has_atomic = "ptr"),
    doc = "| [`SharedBucket`] | a bucket in an `Arc`: answers that own a share of it |"
)]
#![cfg_attr(feature = "std", doc = "| [`StripedBucket`] | many cores on one bucket, mostly grants |")]
//! | [`Snapshot`] | all streams of a `MultiBucket` at one instant |
//! | [`SavedBucket`], [`Saved`] | what a bucket or a key has, over a restart |
//! | [`At`] | a bucket or a handle at a time that the caller supplies |
//!
//! # Which is fastest
//!
//! Nanoseconds of a granted decision, the clock reading included, on one thread and on two that
//! take from one bucket; for two, of all decisions of both.
//!
//! | way | one stream, 1 and 2 threads | two streams, 1 and 2 threads | take it where |
//! |---|---|---|---|
//! | [`TokenBucket`], [`MultiBucket`] | 25, 63 | 33, 41 | nothing below applies: it refuses fastest, waits, tells what is left |
//! | [`Handle`] | | 26 | one thread takes all the time |
//! | `StripedBucket` | 9.8, 5.8 | 10.4, 6.1 | many cores, mostly grants, a capacity of 128 takes for each stripe |
//! | [`Lease`](crate::Lease) | 0.9 | 1.8 | one thread, by `&mut`, may hold tokens that others miss |
//! | a `TokenBucket` on [`Tiered`](crate::clock#a-clock-that-lags) | 9.8 | | mostly grants; the bound may grow by what refills in some milliseconds |
//! | for comparison: governor, one for each stream | 23, 62 | 46, 95 | |
//! | a mutex around two counters | | 29, 87 | |
//!
//! Source: `cargo xtask ratios` on Intel(R) Xeon(R) Processor, two virtual cores, 2026-11-30. A
//! refusal costs 13.3 ns, governor's 11.5, one of a `StripedBucket` 13.9 and on `Tiered` 13.6. What
//! moves between cores is counted in `benches/NOTES.md`.

// Owns the buckets as callers see them, and their verbs. It never keeps words or does arithmetic.
//
// - `bucket`: the verbs of all buckets, each with its full text.
// - `example`: how the examples in it begin.
// - `verbs`: what each verb does to the words, once for all buckets.
// - `two_readings`: which reading of the clock a verb decides on.
// - `at`: the verbs at a time that the caller supplies.
// - `inherent`: the verbs as methods of the types themselves.
// - `striped`: a bucket with a few tokens for each core; `striped_changing`: its limits.
// - `token`, `multi`: the types; `changing`: limits that change, and pauses.
// - `saving`: what is saved of a bucket, and restored.
// - `constant`: what a bucket in a `static` begins with.
// - `handle`: a slot of one's own.
// - `owned`: the verbs of a bucket in an `Arc`, whose answers own a share of it.
// - `leaky`, `leaky_at`, `leaky_wait`, `leaky_owned`: the other side of a token bucket.
// - `headroom`: how much fits into it.

pub(crate) mod at;
pub(crate) mod bucket;
pub(crate) mod changing;
mod constant;
mod example;
pub(crate) mod handle;
pub(crate) mod headroom;
pub(crate) mod inherent;
pub(crate) mod leaky;
pub(crate) mod leaky_at;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub(crate) mod leaky_owned;
pub(crate) mod leaky_wait;
pub(crate) mod multi;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub(crate) mod owned;
pub(crate) mod saving;
#[cfg(feature = "std")]
pub(crate) mod striped;
#[cfg(feature = "std")]
mod striped_changing;
pub(crate) mod token;
mod two_readings;
pub(crate) mod verbs;

pub use bucket::Bucket;
pub use handle::{Handle, HandlesExhausted};
pub use headroom::Headroom;
pub use leaky::LeakyBucket;
pub use multi::MultiBucket;
#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
pub use owned::SharedBucket;
#[cfg(feature = "std")]
pub use striped::StripedBucket;
pub use token::TokenBucket;

pub use crate::state::at::At;
pub use crate::state::saved::Saved;
pub use crate::state::saved_bucket::SavedBucket;
pub use crate::state::snapshot::Snapshot;
