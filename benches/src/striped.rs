//! Owns the contestants with stripes, and those of which more is asked than there is. They never
//! differ from the public interface.

use tollgate::bucket::StripedBucket;
use tollgate::clock::DefaultClock;
use tollgate::{Clock, Limit, MultiBucket};

use crate::ours::{DRAINED, ENDLESS, SeveralOnClock};
use crate::{Contestant, EACH, Limiter, ROOM, amounts};

const STRIPES: usize = 2;

/// A rate that is a hundredth of what one thread asks for, or less.
const SCARCE: u64 = 1_000_000;

/// Limits of which much more is asked.
fn scarce<const N: usize>() -> [Limit; N] {
    std::array::from_fn(|i| Limit::per_second(SCARCE * u64::from(EACH[i])).capacity(ROOM.into()))
}

fn striped<const N: usize, C: Clock + Default>(
    limits: [Limit; N],
    chunk: u64,
    takes: Option<u32>,
) -> StripedBucket<N, C> {
    let bucket =
        StripedBucket::with_chunk(limits, C::default(), STRIPES, std::array::from_fn(|i| chunk * u64::from(EACH[i])))
            .expect("limits that can be kept");
    if let Some(takes) = takes {
        bucket.reset(std::array::from_fn(|i| u64::from(takes * EACH[i])));
    }
    bucket
}

/// `N` streams with stripes of `CHUNK` takes, on the default clock, or on one that stands still.
#[derive(Debug)]
pub struct Striped<const N: usize, C: Clock = DefaultClock, const CHUNK: u64 = 64>(StripedBucket<N, C>);

impl<const N: usize, C: Clock + Sync, const CHUNK: u64> Contestant for Striped<N, C, CHUNK> {
    type Own<'a>
        = ()
    where
        C: 'a;

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(amounts()).is_ok()
    }
}

impl<const N: usize, C: Clock + Default + Sync, const CHUNK: u64> Limiter for Striped<N, C, CHUNK> {
    fn granting() -> Self {
        Self(striped([ENDLESS; N], CHUNK, None))
    }

    fn holding(takes: u32) -> Self {
        Self(striped([DRAINED; N], CHUNK, Some(takes)))
    }
}

/// A bucket of which much more is asked than it has: most calls are refused, and some granted.
pub trait Scarce: Contestant {
    fn scarce() -> Self;
}

impl<const N: usize> Scarce for Striped<N> {
    fn scarce() -> Self {
        Self(striped(scarce(), 64, None))
    }
}

impl<const N: usize> Scarce for SeveralOnClock<N> {
    fn scarce() -> Self {
        Self(MultiBucket::new(scarce()).expect("limits that can be kept"))
    }
}
