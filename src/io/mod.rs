//! Bytes at a limited rate: readers and writers that pay for what they pass.
//!
//! | type | for |
//! |---|---|
//! | [`ThrottledRead`] | a reader; its other direction passes through |
//! | [`ThrottledWrite`] | a writer; its other direction passes through |
//! | [`Payer`] | the limits that pay for a byte, narrow to wide |
//!
//! Both types have the traits of their inner value: `Read`, `Write`, `BufRead` and `Seek` of the
//! standard library, `AsyncRead` and its kin of `futures-io`, and with the feature `tokio` those of
//! tokio. A socket that is limited both ways is one inside the other.
//!
//! ```
//! use std::io::Read;
//! use std::sync::Arc;
//! use tollgate::io::{Payer, ThrottledRead};
//! use tollgate::{Limit, TokenBucket};
//!
//! let bucket = Arc::new(TokenBucket::new("64KiB/s capacity 1KiB".parse::<Limit>()?)?);
//! let file = std::io::repeat(7).take(1500); // any reader
//! let mut reader = ThrottledRead::new(file, Payer::blocking().and(bucket, 1));
//! let mut data = Vec::new();
//! reader.read_to_end(&mut data)?; // the last 476 bytes take 8 ms
//! assert_eq!(data, [7; 1500]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The bound
//!
//! For all readers and writers of a bucket together, in every window of length `w`:
//!
//! ```text
//! bytes passed <= C + r * (w + e) + P + what payers held when the window began
//! ```
//!
//! `e`, `P` and changes of limits are those of [the bound of the bucket](crate#the-bound). What a
//! payer gives back unused does not count in `P`, as with a [lease](crate::Lease#the-bound). A
//! payer holds at most a [chunk](Payer::chunk).
//!
//! # Paying first
//!
//! A byte is paid before it passes. What a short read or write leaves of a payment pays for the
//! next. So does the payment for a poll that found nothing. The end of the input costs nothing, nor
//! does a flush or a shutdown: they give back what is held.
//!
//! A read pays before it looks. Without tokens it sees neither the end nor a peer that hung up. In
//! `BufRead` it looks first, and sees the end at once.
//!
//! While tokens are short, callers wait in turn: first come, first served. They also wait through a
//! pause and at a rate of 0. Where nobody knows for how long, they ask again ten times a second.
//!
//! # What it costs, and where it loses
//!
//! * A capacity that refills in less than twice the time by which a timer is late cannot be used
//!   up. Tokio's timer is late by 1 to 2 ms, and by more on a busy machine. So give a bucket at
//!   least what refills in 20 ms.
//! * A thread that waits inside its reader keeps what it holds. A task gives it back: see
//!   [`expire_after`](Payer::expire_after).
//! * A reader that nobody polls keeps what it holds, until it is dropped. So does a writer between
//!   a write and a flush.
//! * At a slow limit bytes pass a few at a time. A [chunk](Payer::chunk) makes them more.
//! * Bytes are counted where they pass. What lies in the buffers of the system, such as those of a
//!   socket, may leave them faster.

// Owns readers and writers that pay for bytes. It never passes a byte that is not paid.
//
// - `payer`: `Payer`, the limits that pay, and how they are asked in turn.
// - `account`: what a payer holds of one limit.
// - `purse`: one limit of any type, its lease and its waits.
// - `sizes`: how much is paid at a time. Pure.
// - `throttled_read`, `throttled_write`: the types, with the traits of the standard library.
// - `futures_traits`, `tokio_traits`: their traits in tasks.
// - `prefix`: what is paid of several buffers.

mod account;
mod futures_traits;
pub(crate) mod payer;
mod prefix;
mod purse;
mod sizes;
pub(crate) mod throttled_read;
pub(crate) mod throttled_write;
#[cfg(feature = "tokio")]
mod tokio_traits;

pub use payer::Payer;
pub use throttled_read::ThrottledRead;
pub use throttled_write::ThrottledWrite;
