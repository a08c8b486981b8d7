//! Items at a limited rate: streams and sinks that pay for each item.
//!
//! | type | for |
//! |---|---|
//! | [`ThrottledStream`] | a stream: an item comes out when it is paid |
//! | [`ThrottledSink`] | a sink: an item goes in when it is paid |
//! | [`ThrottleStream`], [`ThrottleSink`] | the methods that make them |
//! | [`RefusedItem`], [`SinkError`] | an item that a limit will not pay for |
//! | [`Toll`] | what pays, in the types of these |
//!
//! Each item has a cost: tokens of a bucket, an array of them for a `MultiBucket`. An item is paid
//! when its cost is known, so no tokens are held, and [the bound](crate#the-bound) of the bucket is
//! that of the items. While tokens are short, an item waits in turn: first come, first served. It
//! also waits through a pause and at a rate of 0. Where nobody knows for how long, it asks again
//! ten times a second.
//!
//! For several buckets, throttle several times, the narrow limit first. An item that waits for a
//! wider one has paid the narrow one.
//!
//! ```
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     use std::sync::Arc;
//!     use smol::stream::{self, StreamExt};
//!     use tollgate::stream::ThrottleStream;
//!     use tollgate::{Limit, MultiBucket};
//!
//!     // Records *and* bytes.
//!     let bucket = MultiBucket::new(["1000/s capacity 1".parse::<Limit>()?, "1MiB/s".parse()?])?;
//!     let records = stream::iter(["a", "bcd", "ef"]);
//!     let mut paced = records.throttled(Arc::new(bucket), |record| [1, record.len() as u64]);
//!     let mut seen = Vec::new();
//!     while let Some(record) = paced.next().await {
//!         seen.push(record?);
//!     }
//!     assert_eq!(seen, ["a", "bcd", "ef"]); // 2 ms later
//!     Ok(())
//! }
//! ```

// Owns streams and sinks that pay for items. It never loses an item.
//
// - `throttled_stream`: `ThrottledStream`, and the method that makes one.
// - `throttled_sink`: `ThrottledSink`, and the method that makes one.
// - `toll`: how one item is paid.
// - `refused_item`: `RefusedItem` and `SinkError`, what was not paid for.

pub(crate) mod refused_item;
pub(crate) mod throttled_sink;
pub(crate) mod throttled_stream;
pub(crate) mod toll;

pub use refused_item::{RefusedItem, SinkError};
pub use throttled_sink::{ThrottleSink, ThrottledSink};
pub use throttled_stream::{ThrottleStream, ThrottledStream};
pub use toll::Toll;
