//! Owns what a gate needs of one limit: its bucket for a request, and what the request takes. Never
//! takes.

use std::fmt;

use http::request;
use tollgate::Clock;
use tollgate::gate::{Charge, Limited};

use super::streams::{Amounts, StreamList};

/// One limit of a [`Gate`](crate::Gate): [`PerKey`](crate::PerKey) or [`Shared`](crate::Shared).
///
/// The trait is sealed.
pub trait RequestLimit: Ask {}

impl<P: Ask> RequestLimit for P {}

pub trait Ask: fmt::Debug + Send + Sync + 'static {
    type Clock: Clock + Send + Sync + 'static;
    type Amounts: Amounts;
    type Limited: Limited<Clock = Self::Clock, Amounts = Self::Amounts> + Send + Sync + 'static;

    fn name(&self) -> &str;

    fn streams(&self) -> &dyn StreamList;

    fn charge(&self) -> Charge;

    /// The bucket that decides on this request; `None` if it does not say whose it is.
    fn limited(&self, request: &request::Parts) -> Option<Self::Limited>;

    fn cost(&self, request: &request::Parts, settles_bytes: bool) -> Self::Amounts;

    /// The keys that are kept, and what is owed of each stream.
    fn levels(&self) -> (Option<usize>, Option<Vec<u64>>);
}
