//! tollgate
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(any(test, loom))]
extern crate std;

mod claim;
mod clock;
mod epoch;
mod handle;
mod limit;
mod limits;
mod line;
mod multi_bucket;
mod notation;
mod rate;
mod refused;
mod slot;
mod slots;
mod snapshot;
mod stream;
mod sync;
mod time;
mod token_bucket;

#[cfg(feature = "std")]
pub use clock::InstantClock;
#[cfg(feature = "quanta")]
pub use clock::TscClock;
pub use clock::{Clock, DefaultClock, ManualClock, Monotonic};
pub use handle::{Handle, HandleAt, HandlesExhausted};
pub use limit::{Limit, LimitError, LimitRule};
pub use multi_bucket::{MultiBucket, MultiBucketAt};
pub use notation::ParseError;
pub use rate::{Rate, RateError};
pub use refused::{Never, NotYet, Refused};
pub use snapshot::Snapshot;
pub use time::Time;
pub use token_bucket::{TokenBucket, TokenBucketAt};
