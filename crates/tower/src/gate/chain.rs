//! Owns the limits of a gate in their order, and makes the core's gate of them for one request.
//! Never decides.

use std::fmt;

use http::{request, response};
use tollgate::gate::{And, GateLimits, Limited};
use tollgate::{Clock, Gate};

use super::advertised::Policies;
use super::limit::{Ask, RequestLimit};
use super::streams::StreamList;

/// The limits of a [`Gate`](crate::Gate): at least one, all of one type of clock. The trait is
/// sealed.
pub trait GateList: Chain {}

impl<L: Chain> GateList for L {}

/// The core's gate of one request; or the name of the limit whose key it lacks.
type Built<'a, C, L> = Result<Gate<C, L>, &'a str>;

pub trait Chain: Send + Sync + 'static {
    type Clock: Clock + Send + Sync + 'static;
    type Limits: GateLimits + 'static;

    /// The gate of this request, and what is advertised of each limit.
    fn of_request(
        &self,
        request: &request::Parts,
        settles_bytes: bool,
        policies: &mut Vec<Policies>,
    ) -> Built<'_, Self::Clock, Self::Limits>;

    /// Shows all limits, narrow to wide.
    fn each<'a>(&'a self, show: &mut dyn FnMut(Shown<'a>));
}

/// One limit, whatever its type.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    pub(crate) name: &'a str,
    pub(crate) streams: &'a dyn StreamList,
    limit: &'a dyn Levels,
}

impl Shown<'_> {
    pub(crate) fn keys(&self) -> Option<usize> {
        self.limit.levels().0
    }

    pub(crate) fn debts(&self) -> Option<Vec<u64>> {
        self.limit.levels().1
    }

    /// Corrects amounts by a response.
    pub(crate) fn correct(&self, response: &response::Parts, amounts: &mut [u64]) {
        if let Some(by_response) = self.streams.by_response() {
            by_response(response, amounts);
        }
    }
}

trait Levels: fmt::Debug {
    fn levels(&self) -> (Option<usize>, Option<Vec<u64>>);
}

impl<P: Ask> Levels for P {
    fn levels(&self) -> (Option<usize>, Option<Vec<u64>>) {
        Ask::levels(self)
    }
}

fn shown<P: Ask>(limit: &P) -> Shown<'_> {
    Shown { name: limit.name(), streams: limit.streams(), limit }
}

/// Adds one limit to the gate of a request.
fn add<'p, L, P: RequestLimit>(
    gate: Gate<P::Clock, L>,
    limit: &'p P,
    request: &request::Parts,
    settles_bytes: bool,
    policies: &mut Vec<Policies>,
) -> Built<'p, P::Clock, And<L, P::Limited>> {
    let bucket = limit.limited(request).ok_or(limit.name())?;
    policies.push(limit.streams().advertised(bucket.limits().as_ref()));
    Ok(gate.and(bucket, limit.cost(request, settles_bytes)).charged(limit.charge()))
}

/// The narrowest limit.
impl<P: RequestLimit> Chain for ((), P) {
    type Clock = P::Clock;
    type Limits = And<(), P::Limited>;

    fn of_request(
        &self,
        request: &request::Parts,
        settles_bytes: bool,
        policies: &mut Vec<Policies>,
    ) -> Built<'_, Self::Clock, Self::Limits> {
        add(Gate::new(), &self.1, request, settles_bytes, policies)
    }

    fn each<'a>(&'a self, show: &mut dyn FnMut(Shown<'a>)) {
        show(shown(&self.1));
    }
}

/// A wider one.
impl<L: Chain, P: RequestLimit + Ask<Clock = L::Clock>> Chain for (L, P) {
    type Clock = L::Clock;
    type Limits = And<L::Limits, P::Limited>;

    fn of_request(
        &self,
        request: &request::Parts,
        settles_bytes: bool,
        policies: &mut Vec<Policies>,
    ) -> Built<'_, Self::Clock, Self::Limits> {
        let gate = self.0.of_request(request, settles_bytes, policies)?;
        add(gate, &self.1, request, settles_bytes, policies)
    }

    fn each<'a>(&'a self, show: &mut dyn FnMut(Shown<'a>)) {
        self.0.each(show);
        show(shown(&self.1));
    }
}
