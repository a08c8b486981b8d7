//! Tokens that one thread holds, and spends without the bucket.
//!
//! [`Lease`] debits a chunk at once; taking from it touches neither an atomic nor a clock.

// Owns tokens that are held outside a bucket. It never mints one: tokens are debited before use.
//
// - `lease`: `Lease`, tokens that one thread spends without the bucket.
// - `chunk`: what a lease holds, and how much it fetches at a time.

pub(crate) mod chunk;
pub(crate) mod lease;

pub use lease::Lease;
