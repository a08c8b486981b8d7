//! Owns throttle-net 2.0, on its default clock: one limit, and its composite of two. It never
//! changes it.

use throttle_net::{MultiLimiter, Throttle};

use super::HOUR;
use crate::{Contestant, EACH, Limiter, ROOM, amounts};

fn endless() -> Throttle {
    Throttle::per_second(u32::MAX)
}

fn holding(tokens: u32) -> Throttle {
    let throttle = Throttle::per_duration(ROOM, HOUR * ROOM);
    throttle.drain_to(tokens);
    throttle
}

/// One limit.
#[derive(Debug)]
pub struct ThrottleNet(Throttle);

impl Contestant for ThrottleNet {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_acquire()
    }
}

impl Limiter for ThrottleNet {
    fn granting() -> Self {
        Self(endless())
    }

    fn holding(takes: u32) -> Self {
        Self(holding(takes * EACH[0]))
    }
}

/// Two limits, which the crate calls dimensions.
#[derive(Debug)]
pub struct TwoThrottles(MultiLimiter);

impl TwoThrottles {
    fn new(requests: Throttle, bytes: Throttle) -> Self {
        Self(MultiLimiter::builder().dimension("requests", requests).dimension("bytes", bytes).build())
    }
}

impl Contestant for TwoThrottles {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        let [requests, bytes] = amounts().map(|n| n as u32);
        self.0.try_acquire_costs(&[("requests", requests), ("bytes", bytes)])
    }
}

impl Limiter for TwoThrottles {
    fn granting() -> Self {
        Self::new(endless(), endless())
    }

    fn holding(takes: u32) -> Self {
        Self::new(holding(takes * EACH[0]), holding(takes * EACH[1]))
    }
}
