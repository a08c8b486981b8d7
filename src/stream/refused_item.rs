//! Owns what a stream or a sink says of an item that was not paid for. Never decides.

use core::error::Error;
use core::fmt;

use crate::decision::refused::Refused;

/// An item that a limit will not pay for, and why. Nothing was taken.
///
/// | refusal | cause |
/// |---|---|
/// | `Never` | it costs more than the capacity |
/// | `Closed` | the bucket was closed |
/// | `NotYet` | a bound on waiting, such as `with_max_wait`, is reached |
///
/// ```
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     use std::sync::Arc;
///     use smol::stream::{self, StreamExt};
///     use tollgate::stream::ThrottleStream;
///     use tollgate::{Limit, TokenBucket};
///
///     let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000))?);
///     let mut paced = stream::iter([1001, 3]).throttled(bucket, |cost| *cost);
///     let refused = paced.next().await.expect("an item").unwrap_err();
///     assert_eq!(refused.item, 1001);
///     assert_eq!(refused.to_string(), "1001 tokens requested of stream 0, where 1000 is the most");
///     assert_eq!(paced.next().await, Some(Ok(3))); // it goes on
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RefusedItem<I, const N: usize = 1> {
    /// The item.
    pub item: I,
    /// Why it was not paid for.
    pub refused: Refused<N>,
}

impl<I, const N: usize> fmt::Display for RefusedItem<I, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.refused.fmt(f)
    }
}

impl<I, const N: usize> fmt::Debug for RefusedItem<I, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedItem").field("refused", &self.refused).finish_non_exhaustive()
    }
}

impl<I, const N: usize> Error for RefusedItem<I, N> {}

/// Why a sink did not take an item.
///
/// ```
/// use tollgate::stream::SinkError;
/// use tollgate::{Refused, stream::RefusedItem};
///
/// let error: SinkError<std::io::Error, u8> =
///     SinkError::Refused(RefusedItem { item: 7, refused: Refused::Closed });
/// assert_eq!(error.to_string(), "the bucket is closed");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum SinkError<E, I, const N: usize = 1> {
    /// The inner sink failed.
    Sink(E),
    /// The limit did not pay. The item did not go in, and is here.
    Refused(RefusedItem<I, N>),
}

impl<E: fmt::Display, I, const N: usize> fmt::Display for SinkError<E, I, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink(error) => error.fmt(f),
            Self::Refused(refused) => refused.fmt(f),
        }
    }
}

impl<E: fmt::Debug, I, const N: usize> fmt::Debug for SinkError<E, I, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink(error) => f.debug_tuple("Sink").field(error).finish(),
            Self::Refused(refused) => f.debug_tuple("Refused").field(refused).finish(),
        }
    }
}

impl<E: Error, I, const N: usize> Error for SinkError<E, I, N> {}
