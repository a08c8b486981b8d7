//! Owns the reading of what a response says of limits. It never sleeps, and never decides to retry.
//!
//! A server says its limits in one of several generations of header fields. [`Advice`] reads them
//! all:
//!
//! | order | fields | of the wait |
//! |---|---|---|
//! | 1 | `Retry-After` | seconds, or a date less `Date` |
//! | | in gRPC: `RetryInfo`, or `grpc-retry-pushback-ms` | exact |
//! | 2 | `RateLimit` and `RateLimit-Policy` of all drafts | `t` (or `w`, `reset`) |
//! | 3 | `RateLimit-Limit`, `-Remaining`, `-Reset` | `-Reset` |
//! | 4 | `X-RateLimit-Limit`, `-Remaining`, `-Reset` | `-Reset` |
//! | 5 | `X-Rate-Limit-Limit`, `-Remaining`, `-Reset` | `-Reset` |
//!
//! A reset above 10^9 is a time in seconds since 1970, and above 10^12 in milliseconds. It counts
//! from `Date`, so the client's own clock need not be right.
//!
//! A field with a fault anywhere is ignored as a whole. A response with an `Age` above 0 comes from
//! a cache: it says nothing.
//!
//! * `advice.rs`: what a response says, in all.
//! * `allowance.rs`: what it says of one policy.
//! * `grpc.rs`: what it says in the terms of gRPC.
//! * `reading.rs`: the generations, each as allowances.
//! * `times.rs`: waits, dates and epochs.

mod advice;
mod allowance;
mod grpc;
mod reading;
mod times;

pub use advice::{Advice, Source};
pub use allowance::Allowance;
