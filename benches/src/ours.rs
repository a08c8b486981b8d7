//! Owns our contestants: one stream and several, by bucket and by handle. They never differ from
//! the public interface. Each has a supplied time or the default clock.

use std::hint::black_box;

use tollgate::bucket::Handle;
use tollgate::clock::{ManualClock, RecentClock, Tiered, Time, TscClock};
use tollgate::{Clock, Lease, Limit, MultiBucket, TokenBucket};

use crate::peers::Free;
use crate::ticks::Ticks;
use crate::{Contestant, EACH, FAST, Limiter, ROOM, amounts};

pub(crate) const ENDLESS: Limit = Limit::per_second(FAST as u64).capacity(1 << 60);
pub(crate) const DRAINED: Limit = Limit::per_hour(1).capacity(ROOM as u64);

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

/// One stream, on the clock that governor's contestant uses.
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

/// One stream, on any clock.
#[derive(Debug)]
pub struct OneOn<C: Clock>(TokenBucket<C>);

impl<C: Clock + Sync> Contestant for OneOn<C> {
    type Own<'a>
        = ()
    where
        C: 'a;

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(1).is_ok()
    }
}

impl<C: Clock + Default + Sync> Limiter for OneOn<C> {
    fn granting() -> Self {
        Self(one(ENDLESS, None))
    }

    fn holding(takes: u32) -> Self {
        Self(one(DRAINED, Some(takes)))
    }
}

/// The time-stamp counter over the recent time, which needs an upkeep.
pub type Tsc = Tiered<TscClock, RecentClock>;

/// The clock that governor's contestant uses, as the precise reading and as the rough one.
#[derive(Debug, Default)]
pub struct FreeTwice(Free);

impl Clock for FreeTwice {
    #[inline(always)]
    fn now(&self) -> Time {
        self.0.now()
    }

    #[inline(always)]
    fn rough(&self) -> Option<Time> {
        Some(self.0.now())
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
pub struct SeveralOnClock<const N: usize>(pub(crate) MultiBucket<N>);

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

/// A batch of 64 requests of one token, at a supplied time.
///
/// One call is 64 decisions.
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

/// One stream through a lease for each thread, on the default clock.
///
/// A lease reads the clock once for each chunk.
#[derive(Debug)]
pub struct OneLease(TokenBucket);

/// The most takes that a lease holds.
const CHUNK: u64 = 64;

impl Contestant for OneLease {
    type Own<'a> = Lease<&'a TokenBucket>;

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
    type Own<'a> = Lease<&'a MultiBucket<N>, N>;

    fn own(&self) -> Self::Own<'_> {
        self.0.lease(std::array::from_fn(|i| CHUNK * u64::from(EACH[i])))
    }

    #[inline(always)]
    fn decide(&self, lease: &mut Self::Own<'_>) -> bool {
        lease.try_take(amounts()).is_ok()
    }
}

/// [`MultiBucket::put_back`], on a bucket that is never full.
#[derive(Debug)]
pub struct PutBack<const N: usize>(MultiBucket<N, ManualClock>);

impl<const N: usize> Contestant for PutBack<N> {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        self.0.at(ticks.time()).put_back(amounts());
        true
    }
}

/// Makes an empty bucket with more capacity than any measurement fills.
impl<const N: usize> Limiter for PutBack<N> {
    fn granting() -> Self {
        Self(several(ENDLESS, Some(0)))
    }

    fn holding(_: u32) -> Self {
        Self::granting()
    }
}

/// [`MultiBucket::take_up_to`], of one item.
#[derive(Debug)]
pub struct UpTo<const N: usize>(MultiBucket<N, ManualClock>);

impl<const N: usize> Contestant for UpTo<N> {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        self.0.at(ticks.time()).take_items(black_box(1), amounts()) == 1
    }
}

/// `N` streams through the bucket, where the caller looks at the answer: at what is left, or at how
/// long to wait.
#[derive(Debug)]
pub struct Told<const N: usize>(MultiBucket<N, ManualClock>);

impl<const N: usize> Contestant for Told<N> {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        match self.0.at(ticks.time()).try_take(amounts()) {
            Ok(granted) => {
                black_box(granted.remaining_each());
                true
            }
            Err(refused) => {
                black_box(refused.wait());
                false
            }
        }
    }
}

/// A contestant whose limits were changed once, to the limits that it began with.
#[derive(Debug)]
pub struct Later<L>(L);

/// A contestant whose limits can change.
pub trait Changeable {
    /// Sets the current limits again, which makes them later ones.
    fn change(&self);
}

impl<L: Contestant> Contestant for Later<L> {
    type Own<'a>
        = L::Own<'a>
    where
        Self: 'a;

    fn own(&self) -> Self::Own<'_> {
        self.0.own()
    }

    #[inline(always)]
    fn decide(&self, own: &mut Self::Own<'_>) -> bool {
        self.0.decide(own)
    }
}

impl<L: Limiter + Changeable> Limiter for Later<L> {
    fn granting() -> Self {
        let limiter = L::granting();
        limiter.change();
        Self(limiter)
    }

    fn holding(takes: u32) -> Self {
        let limiter = L::holding(takes);
        limiter.change();
        Self(limiter)
    }
}

macro_rules! changeable {
    ($($name:ident)*) => {$(
        impl<const N: usize> Changeable for $name<N> {
            fn change(&self) {
                self.0.at(Time::ZERO).set_limits(self.0.limits()).expect("limits that were there before");
            }
        }
    )*};
}

changeable! { Several SeveralOnClock Handles HandlesOnClock PutBack UpTo Told }

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
    UpTo<N> [const N]: several;
    Told<N> [const N]: several;
    SeveralOnClock<N> [const N]: several;
    Handles<N> [const N]: several;
    HandlesOnClock<N> [const N]: several;
}
