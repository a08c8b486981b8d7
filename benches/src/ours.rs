//! Owns our contestants: one stream and several, through the bucket and through a handle, each with
//! a supplied time and with the default clock.

use std::hint::black_box;

use tollgate::bucket::Handle;
use tollgate::clock::ManualClock;
use tollgate::{Clock, Lease, Limit, MultiBucket, MultiLease, TokenBucket};

use crate::peers::Free;
use crate::ticks::Ticks;
use crate::{Contestant, EACH, FAST, Limiter, ROOM, amounts};

const ENDLESS: Limit = Limit::per_second(FAST as u64).capacity(1 << 60);
const DRAINED: Limit = Limit::per_hour(1).capacity(ROOM as u64);

fn one<C: Clock + Default>(limit: Limit, takes: Option<u32>) -> TokenBucket<C> {
    let bucket = TokenBucket::with_clock(limit, C::default()).expect("a limit that can be kept");
    if let Some(takes) = takes {
        bucket.reset(u64::from(takes * EACH[0]));
    }
    bucket
}

fn several<const N: usize, C: Clock + Default>(limit: Limit, takes: Option<u32>) -> MultiBucket<N, C> {
    let bucket = MultiBucket::with_clock([limit; N], C::default()).expect("limits that can be kept");
    if let Some(takes) = takes {
        bucket.reset(std::array::from_fn(|i| u64::from(takes * EACH[i])));
    }
    bucket
}

/// One stream, at a supplied time.
#[derive(Debug)]
pub struct One(TokenBucket<ManualClock>);

impl Contestant for One {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        self.0.at(ticks.time()).try_take(1).is_ok()
    }
}

/// One stream, on the default clock.
#[derive(Debug)]
pub struct OneOnClock(TokenBucket);

impl Contestant for OneOnClock {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(1).is_ok()
    }
}

/// One stream, on the clock that governor's is counted with.
#[derive(Debug)]
pub struct OneOnFree(TokenBucket<Free>);

impl Contestant for OneOnFree {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(1).is_ok()
    }
}

/// `N` streams through the bucket, at a supplied time.
#[derive(Debug)]
pub struct Several<const N: usize>(MultiBucket<N, ManualClock>);

impl<const N: usize> Contestant for Several<N> {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        self.0.at(ticks.time()).try_take(amounts()).is_ok()
    }
}

/// `N` streams through the bucket, on the default clock.
#[derive(Debug)]
pub struct SeveralOnClock<const N: usize>(MultiBucket<N>);

impl<const N: usize> Contestant for SeveralOnClock<N> {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(amounts()).is_ok()
    }
}

/// `N` streams through a handle for each thread, at a supplied time.
#[derive(Debug)]
pub struct Handles<const N: usize>(MultiBucket<N, ManualClock>);

impl<const N: usize> Contestant for Handles<N> {
    type Own<'a> = (Handle<'a, N, ManualClock>, Ticks);

    fn own(&self) -> Self::Own<'_> {
        (self.0.handle().expect("far fewer threads than handles"), Ticks::begin())
    }

    #[inline(always)]
    fn decide(&self, (handle, ticks): &mut Self::Own<'_>) -> bool {
        handle.at(ticks.time()).try_take(amounts()).is_ok()
    }
}

/// `N` streams through a handle for each thread, on the default clock.
#[derive(Debug)]
pub struct HandlesOnClock<const N: usize>(MultiBucket<N>);

impl<const N: usize> Contestant for HandlesOnClock<N> {
    type Own<'a> = Handle<'a, N>;

    fn own(&self) -> Self::Own<'_> {
        self.0.handle().expect("far fewer threads than handles")
    }

    #[inline(always)]
    fn decide(&self, handle: &mut Self::Own<'_>) -> bool {
        handle.try_take(amounts()).is_ok()
    }
}

/// Sixty-four requests of one token each as one batch, at a supplied time: one call is 64
/// decisions.
#[derive(Debug)]
pub struct Batch(TokenBucket<ManualClock>);

impl Contestant for Batch {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        self.0.at(ticks.time()).take_in_order(black_box(&[1; 64])) == 64
    }
}

/// One stream through a lease for each thread, on the default clock, which is read once for each
/// chunk.
#[derive(Debug)]
pub struct OneLease(TokenBucket);

/// What a lease holds at most, in takes.
const CHUNK: u64 = 64;

impl Contestant for OneLease {
    type Own<'a> = Lease<'a>;

    fn own(&self) -> Self::Own<'_> {
        self.0.lease(CHUNK)
    }

    #[inline(always)]
    fn decide(&self, lease: &mut Self::Own<'_>) -> bool {
        lease.try_take(1).is_ok()
    }
}

/// `N` streams through a lease for each thread, on the default clock.
#[derive(Debug)]
pub struct SeveralLease<const N: usize>(MultiBucket<N>);

impl<const N: usize> Contestant for SeveralLease<N> {
    type Own<'a> = MultiLease<'a, N>;

    fn own(&self) -> Self::Own<'_> {
        self.0.lease(std::array::from_fn(|i| CHUNK * u64::from(EACH[i])))
    }

    #[inline(always)]
    fn decide(&self, lease: &mut Self::Own<'_>) -> bool {
        lease.try_take(amounts()).is_ok()
    }
}

macro_rules! limiter {
    ($($name:ty $([const $n:ident])?: $new:ident;)*) => {$(
        impl$(<const $n: usize>)? Limiter for $name {
            fn granting() -> Self {
                Self($new(ENDLESS, None))
            }

            fn holding(takes: u32) -> Self {
                Self($new(DRAINED, Some(takes)))
            }
        }
    )*};
}

limiter! {
    One: one;
    OneOnClock: one;
    OneOnFree: one;
    Batch: one;
    OneLease: one;
    SeveralLease<N> [const N]: several;
    Several<N> [const N]: several;
    SeveralOnClock<N> [const N]: several;
    Handles<N> [const N]: several;
    HandlesOnClock<N> [const N]: several;
}
