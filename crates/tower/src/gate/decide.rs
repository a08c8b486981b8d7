//! Owns a gate as one object, whatever its limits are. Never a response.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use http::request;
use tollgate::gate::{GateGranted, GateLimits, GateRefused};

use super::advertised::Policies;
use super::chain::{Chain, Shown};
use super::gate::Gate;
use super::said::Said;

/// What becomes of a request.
pub(crate) enum Asked<'a> {
    /// The limit of this name does not know whose it is.
    Keyless(&'a str),
    Decided(Decided),
    Waits(Pin<Box<dyn Future<Output = Decided> + Send>>),
}

pub(crate) enum Decided {
    /// What it took and what the limits said, as far as anybody [asks](Asks) for them.
    Granted(Option<Box<dyn Held>>, Option<Said>),
    Refused(Said),
}

/// What is asked for beside the decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asks {
    /// Bytes are corrected by the response, so the request takes at least 1.
    pub(crate) settles_bytes: bool,
    /// What was taken, to correct it.
    pub(crate) held: bool,
    /// What the limits say of a grant.
    pub(crate) said: bool,
}

/// A gate, whatever its limits are.
pub(crate) trait Decide: Send + Sync {
    fn ask(&self, request: &request::Parts, asks: Asks) -> Asked<'_>;

    /// Shows all limits, narrow to wide.
    fn each<'a>(&'a self, show: &mut dyn FnMut(Shown<'a>));
}

impl<L: Chain> Decide for Gate<L> {
    fn ask(&self, request: &request::Parts, asks: Asks) -> Asked<'_> {
        let mut policies = Vec::new();
        let gate = match self.limits.of_request(request, asks.settles_bytes, &mut policies) {
            Ok(gate) => gate,
            Err(limit) => return Asked::Keyless(limit),
        };
        if self.wait_at_most == Duration::ZERO {
            return Asked::Decided(decided(gate.try_take(), policies, asks));
        }
        let wait = gate.take_timeout(self.wait_at_most);
        Asked::Waits(Box::pin(async move { decided(wait.await, policies, asks) }))
    }

    fn each<'a>(&'a self, show: &mut dyn FnMut(Shown<'a>)) {
        self.limits.each(show);
    }
}

fn decided<L: GateLimits + 'static>(
    decision: Result<GateGranted<L>, GateRefused<L::Looks>>,
    policies: Vec<Policies>,
    asks: Asks,
) -> Decided {
    match decision {
        Ok(granted) => {
            let said = asks.said.then(|| Said::of(policies, granted.limits()));
            let held = asks.held.then(|| Box::new(granted) as Box<dyn Held>);
            Decided::Granted(held, said)
        }
        Err(refused) => Decided::Refused(Said::of(policies, refused.limits())),
    }
}

/// What a request took, whatever the limits are.
pub trait Held: Send + Sync {
    /// Replaces it by what was used, limit by limit. A limit that cannot bear the debt keeps what
    /// was taken.
    fn correct(&mut self, used: &mut dyn FnMut(usize, &mut [u64]));
}

impl<L: GateLimits + 'static> Held for GateGranted<L> {
    fn correct(&mut self, used: &mut dyn FnMut(usize, &mut [u64])) {
        // What is refused here is a debt of more than 2^62 tokens.
        let _ = Self::correct(self, used);
    }
}
