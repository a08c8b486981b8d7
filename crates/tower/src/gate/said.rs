//! Owns what the limits said of one request, as values that borrow nothing. Never writes a field.

use std::time::Duration;

use tollgate::gate::{LimitSeen, Reason};
use tollgate_http::{Quota, Refusal};

use super::advertised::Policies;

/// What each limit said, narrow to wide.
#[derive(Debug)]
pub(crate) struct Said {
    limits: Vec<(Policies, Option<Reason>)>,
    /// All streams of all limits.
    streams: Vec<OfStream>,
}

#[derive(Clone, Copy, Debug)]
struct OfStream {
    available: u64,
    refusal: Option<Refusal>,
    /// How long an equal request has to wait.
    wait: Option<Duration>,
}

impl Said {
    pub(crate) fn of<'a>(policies: Vec<Policies>, seen: impl Iterator<Item = LimitSeen<'a>>) -> Self {
        let mut streams = Vec::with_capacity(policies.iter().map(|policies| policies.len()).sum());
        let of_limit = |(policies, seen): (Policies, LimitSeen<'_>)| {
            let quotas = Quota::each_seen(&policies, seen).zip(seen.available());
            streams.extend(quotas.map(|(quota, available)| OfStream {
                available: *available,
                refusal: quota.refusal(),
                wait: quota.wait(),
            }));
            let reason = seen.reason();
            (policies, reason)
        };
        let limits = policies.into_iter().zip(seen).map(of_limit).collect();
        Self { limits, streams }
    }

    /// One for each stream of each limit.
    pub(crate) fn quotas(&self) -> Vec<Quota<'_>> {
        let policies = self.limits.iter().flat_map(|(policies, _)| policies.iter());
        let quota = |(policy, said): (_, &OfStream)| match said.refusal {
            Some(refusal) => Quota::refused(policy, said.available, refusal),
            None => Quota::granted(policy, said.available).again_in(said.wait),
        };
        policies.zip(&self.streams).map(quota).collect()
    }

    /// Why each limit refused; `None` for those that did not.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = Option<Reason>> {
        self.limits.iter().map(|(_, reason)| *reason)
    }
}
