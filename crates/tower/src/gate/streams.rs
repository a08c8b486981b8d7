//! Owns what the streams of a limit count, and what a request costs. Never a bucket.

use std::fmt;
use std::slice;
use std::sync::Arc;

use http::{request, response};
use tollgate::Limit;
use tollgate_http::{Name, Unit};

use super::advertised::{Advertised, Policies};

/// The amounts of one limit: a `u64`, or `[u64; N]` for `N` streams. The trait is sealed.
pub trait Amounts: Copy + Send + Sync + sealed::Sealed + 'static {
    #[doc(hidden)]
    fn zero() -> Self;

    #[doc(hidden)]
    fn each(&mut self) -> &mut [u64];
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u64 {}
    impl<const N: usize> Sealed for [u64; N] {}
}

impl Amounts for u64 {
    fn zero() -> Self {
        0
    }

    fn each(&mut self) -> &mut [u64] {
        slice::from_mut(self)
    }
}

impl<const N: usize> Amounts for [u64; N] {
    fn zero() -> Self {
        [0; N]
    }

    fn each(&mut self) -> &mut [u64] {
        self
    }
}

type Cost<A> = Arc<dyn Fn(&request::Parts) -> A + Send + Sync>;
type ByResponse = dyn Fn(&response::Parts, &mut [u64]) + Send + Sync;

/// What the streams of one limit count, what a request costs, and what a response corrects.
#[derive(Clone)]
pub(crate) struct Streams<A> {
    units: Vec<Unit>,
    /// The names under which they are advertised.
    names: Vec<Name>,
    advertised: Arc<Advertised>,
    cost: Cost<A>,
    by_response: Option<Arc<ByResponse>>,
}

impl<A: Amounts> Streams<A> {
    /// The first stream counts requests, and the second, if there is one, content bytes.
    ///
    /// # Panics
    ///
    /// For a name that header fields cannot hold.
    pub(crate) fn new(limit: &str) -> Self {
        let unit = |stream| match stream {
            0 => Unit::Requests,
            1 => Unit::ContentBytes,
            other => Unit::Other(name(&format!("stream-{other}"))),
        };
        let units = (0..A::zero().each().len()).map(unit).collect();
        Self {
            units: Vec::new(),
            names: Vec::new(),
            advertised: Arc::default(),
            cost: Arc::new(|_| A::zero()),
            by_response: None,
        }
        .counting(limit, units)
    }

    /// Counts these units. A request costs one of each that is a request or a byte.
    ///
    /// # Panics
    ///
    /// Unless there is one unit for each stream, and no two of them are alike.
    pub(crate) fn counting(mut self, limit: &str, units: Vec<Unit>) -> Self {
        let streams = A::zero().each().len();
        assert!(units.len() == streams, "limit {limit:?}: {} units for {streams} streams", units.len());
        for (i, unit) in units.iter().enumerate() {
            let alike = |other: &Unit| short(other) == short(unit) || other.as_str() == unit.as_str();
            assert!(!units[..i].iter().any(alike), "limit {limit:?}: two streams count {}", unit.as_str());
        }
        self.names = match &units[..] {
            [_] => vec![name(limit)],
            units => units.iter().map(|unit| name(&format!("{limit}-{}", short(unit)))).collect(),
        };
        let mut one = A::zero();
        for (amount, unit) in one.each().iter_mut().zip(&units) {
            *amount = u64::from(matches!(unit, Unit::Requests | Unit::ContentBytes));
        }
        self.cost = Arc::new(move |_| one);
        self.units = units;
        self.advertised = Arc::default();
        self
    }

    pub(crate) fn set_cost(&mut self, cost: impl Fn(&request::Parts) -> A + Send + Sync + 'static) {
        self.cost = Arc::new(cost);
    }

    pub(crate) fn set_by_response(&mut self, by: impl Fn(&response::Parts, &mut [u64]) + Send + Sync + 'static) {
        self.by_response = Some(Arc::new(by));
    }

    /// What the request takes. Bytes that are settled are at least one, so that a debt refuses it.
    pub(crate) fn cost(&self, request: &request::Parts, settles_bytes: bool) -> A {
        let mut amounts = (self.cost)(request);
        for (amount, unit) in amounts.each().iter_mut().zip(&self.units) {
            if settles_bytes && *unit == Unit::ContentBytes {
                *amount = (*amount).max(1);
            }
        }
        amounts
    }
}

/// The streams of a limit, whatever the type of its amounts.
pub trait StreamList: fmt::Debug {
    fn units(&self) -> &[Unit];
    fn names(&self) -> &[Name];

    /// What is advertised of the streams under these limits.
    fn advertised(&self, limits: &[Limit]) -> Policies;

    fn by_response(&self) -> Option<&ByResponse>;
}

impl<A> StreamList for Streams<A> {
    fn units(&self) -> &[Unit] {
        &self.units
    }

    fn names(&self) -> &[Name] {
        &self.names
    }

    fn advertised(&self, limits: &[Limit]) -> Policies {
        self.advertised.of(limits, &self.names, &self.units)
    }

    fn by_response(&self) -> Option<&ByResponse> {
        self.by_response.as_deref()
    }
}

/// The name of a stream, as a configuration and the metrics have it.
pub(crate) fn short(unit: &Unit) -> &str {
    match unit {
        Unit::Requests => "requests",
        Unit::ContentBytes => "bytes",
        other => other.as_str(),
    }
}

/// What a stream of a configuration counts, by its name: see [`short`].
#[cfg(feature = "config")]
pub(crate) fn unit(stream: &str) -> Unit {
    match stream {
        "requests" => Unit::Requests,
        "bytes" | "content-bytes" => Unit::ContentBytes,
        other => Unit::Other(name(other)),
    }
}

fn name(text: &str) -> Name {
    match Name::new(text.to_owned()) {
        Ok(name) => name,
        Err(error) => panic!("{error}"),
    }
}

impl<A> fmt::Debug for Streams<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streams").field("names", &self.names).field("units", &self.units).finish_non_exhaustive()
    }
}
