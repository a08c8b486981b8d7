//! Owns governor 0.10, alone and as two limiters in turn. It never changes it.

use std::num::NonZeroU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::HOUR;
use crate::{Contestant, EACH, FAST, Limiter, ROOM, amounts};

/// A nearly free clock for one thread: each reading adds a nanosecond.
#[derive(Debug)]
pub struct Free(AtomicU64);

impl Free {
    #[inline(always)]
    fn nanos(&self) -> u64 {
        let nanos = self.0.load(Relaxed) + 1;
        self.0.store(nanos, Relaxed);
        nanos
    }
}

impl Default for Free {
    fn default() -> Self {
        Self(AtomicU64::new(1_000_000_000))
    }
}

impl Clone for Free {
    fn clone(&self) -> Self {
        Self(AtomicU64::new(self.nanos()))
    }
}

impl tollgate::Clock for Free {
    #[inline(always)]
    fn now(&self) -> tollgate::clock::Time {
        tollgate::clock::Time::from_nanos(self.nanos())
    }
}

impl Clock for Free {
    type Instant = Nanos;

    #[inline(always)]
    fn now(&self) -> Nanos {
        Nanos::from(self.nanos())
    }
}

type Direct<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

fn endless<C: Clock + Default>() -> Direct<C> {
    let quota = Quota::per_second(cells(FAST)).allow_burst(NonZeroU32::MAX);
    RateLimiter::direct_with_clock(quota, C::default())
}

fn holding<C: Clock + Default>(tokens: u32) -> Direct<C> {
    let quota = Quota::with_period(HOUR).expect("not zero").allow_burst(cells(ROOM));
    let limiter = RateLimiter::direct_with_clock(quota, C::default());
    limiter.check_n(cells(ROOM - tokens)).expect("no more than the burst").expect("full");
    limiter
}

const fn cells(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

/// One stream.
#[derive(Debug)]
pub struct Governor<C: Clock = DefaultClock>(Direct<C>);

impl<C: Clock + Sync> Contestant for Governor<C>
where
    C::Instant: Sync,
{
    type Own<'a>
        = ()
    where
        C: 'a;

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.check().is_ok()
    }
}

impl<C: Clock + Default + Sync> Limiter for Governor<C>
where
    C::Instant: Sync,
{
    fn granting() -> Self {
        Self(endless())
    }

    fn holding(takes: u32) -> Self {
        Self(holding(takes * EACH[0]))
    }
}

/// Two streams, one after the other.
///
/// If the second refuses, the grant of the first is lost: governor cannot put it back.
#[derive(Debug)]
pub struct TwoGovernors(Direct<DefaultClock>, Direct<DefaultClock>);

impl Contestant for TwoGovernors {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        let [first, second] = amounts().map(|n| NonZeroU32::new(n as u32));
        let take = |limiter: &Direct<DefaultClock>, n: Option<NonZeroU32>| match n {
            Some(n) => matches!(limiter.check_n(n), Ok(Ok(()))),
            None => true,
        };
        take(&self.0, first) && take(&self.1, second)
    }
}

impl Limiter for TwoGovernors {
    fn granting() -> Self {
        Self(endless(), endless())
    }

    fn holding(takes: u32) -> Self {
        Self(holding(takes * EACH[0]), holding(takes * EACH[1]))
    }
}
