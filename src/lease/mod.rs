//! Tokens that one thread holds, and spends without the bucket.
//!
//! [`Lease`] debits a chunk at once; taking from it touches neither an atomic nor a clock.

// Owns tokens that are held outside a bucket. It never mints one: tokens are debited before use.
//
// - `lease`: `Lease`, tokens that one thread spends without the bucket.
// - `chunk`: what a lease holds, and how much it fetches at a time.
// - `credit_word`, `stripe`: a few tokens for whoever comes, on a line of their own.
// - `stripes`: all of a bucket: which is a thread's, how they are filled and emptied.
// - `rest`: how many takes a stripe leaves to the bucket after it fetched in vain.
// - `share`: how a capacity is parted between a bucket and its stripes.
// - `striped_words`: the words of a bucket that has stripes.

pub(crate) mod chunk;
#[cfg(feature = "std")]
mod credit_word;
pub(crate) mod lease;
#[cfg(feature = "std")]
mod rest;
#[cfg(feature = "std")]
mod share;
#[cfg(feature = "std")]
pub(crate) mod stripe;
#[cfg(feature = "std")]
pub(crate) mod striped_words;
#[cfg(feature = "std")]
pub(crate) mod stripes;

pub use lease::Lease;
