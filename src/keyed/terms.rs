//! Owns what the words of a key mean from one change of its limits to the next. Pure; never an
//! atomic, never a clock.
//!
//! All limits that a tier ever has count in the same units, so the line of what accrued is one,
//! with a bend at every change, and no word is touched by one:
//!
//! ```text
//! base         units that had accrued at t0, the instant of the change
//! idle         units that a bucket had at t0 which nobody used
//! accrued(t) = base + refill(t - t0)
//! most(t)    = min(capacity, idle + refill(t - t0))         what such a bucket has at t
//! level(t)   = min(accrued(t) - spent, most(t))
//! ```
//!
//! With the words counted from `base`, and no further below it than `idle`, the verbs are those of
//! any limits that begin at t0. At the next change `idle` becomes what `most` is then. So a level
//! is what it would be if every key had been brought up to date at every change, to the unit.

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::decision::revision::Revision;
use crate::limit::limit::{Limit, LimitError};

/// Limits, and how the words of a key are counted in them.
pub(crate) trait Frame<const N: usize> {
    fn limits(&self) -> &Limits<N>;

    /// The words of a key as the limits take them.
    fn inward(&self, words: &[u64; N]) -> [u64; N];

    /// What the limits made of them, as words of a key.
    fn outward(&self, spent: &[u64; N]) -> [u64; N];

    /// The words of a key at `now` that nobody has used.
    fn unused(&self, now: Time) -> [u64; N];

    /// The words of a key with a capacity more spent, the largest that there has been.
    fn farthest(&self, words: &[u64; N]) -> [u64; N];
}

/// The first limits of a tier: words are counted from the beginning, and a bucket that nobody uses
/// is full.
impl<const N: usize> Frame<N> for Limits<N> {
    #[inline(always)]
    fn limits(&self) -> &Self {
        self
    }

    #[inline(always)]
    fn inward(&self, words: &[u64; N]) -> [u64; N] {
        *words
    }

    #[inline(always)]
    fn outward(&self, spent: &[u64; N]) -> [u64; N] {
        *spent
    }

    #[inline]
    fn unused(&self, now: Time) -> [u64; N] {
        self.reset(self.elapsed(now), &self.capacities())
    }

    fn farthest(&self, words: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| words[i].wrapping_add(self.streams[i].ceiling()))
    }
}

/// Any limits of a tier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Terms<const N: usize> {
    pub(crate) revision: Revision<N>,
    pub(crate) places: [Place; N],
}

/// Where limits begin on the line of one stream.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    /// Units that had accrued, in 2^-64, modulo 2^128. So nothing is lost by a change, and nothing
    /// adds up over many.
    pub(crate) accrued: u128,
    /// Units that a bucket had which nobody used; below 2^62.
    pub(crate) idle: u64,
    /// The largest capacity so far, in units; below 2^62.
    pub(crate) widest: u64,
}

impl Place {
    const fn base(self) -> u64 {
        (self.accrued >> 64) as u64
    }
}

impl<const N: usize> Terms<N> {
    /// The limits that a tier is built with.
    pub(crate) fn first(limits: Limits<N>) -> Self {
        let places =
            limits.streams.map(|stream| Place { accrued: 0, idle: stream.ceiling(), widest: stream.ceiling() });
        Self { revision: Revision::first(limits), places }
    }

    /// What follows if the limits change at `now` to these streams, which count in the same units.
    /// A `now` before the last change counts as that.
    pub(crate) fn next(&self, streams: &[Meter; N], now: Time) -> Self {
        let limits = &self.revision.limits;
        let elapsed = limits.elapsed(now);
        let places = core::array::from_fn(|i| {
            let (old, stream) = (self.places[i], &limits.streams[i]);
            let accrued = old.accrued.wrapping_add(stream.refill.fine(elapsed));
            // One more than the line shows, where what it cut off makes a unit with what had been
            // cut off before.
            let shown = old.base().wrapping_add(stream.refill.at(elapsed));
            let more = ((accrued >> 64) as u64).wrapping_sub(shown);
            let gained = stream.refill.at_wide(elapsed) + u128::from(more) + u128::from(old.idle);
            let idle = gained.min(stream.ceiling().into()) as u64;
            Place { accrued, idle, widest: old.widest.max(streams[i].ceiling()) }
        });
        let accrued =
            core::array::from_fn(|i| self.revision.accrued[i].wrapping_add(limits.streams[i].tokens_at(elapsed)));
        let limits = Limits { origin: limits.at(elapsed), streams: *streams };
        let number = self.revision.number.wrapping_add(1);
        let highest = self.revision.highest;
        Self { revision: Revision { began: limits.origin, limits, number, pause: 0, accrued, highest }, places }
    }
}

impl<const N: usize> Frame<N> for Terms<N> {
    fn limits(&self) -> &Limits<N> {
        &self.revision.limits
    }

    fn inward(&self, words: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| {
            let Place { idle, .. } = self.places[i];
            later(words[i].wrapping_sub(self.places[i].base()), idle.wrapping_neg())
        })
    }

    fn outward(&self, spent: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| spent[i].wrapping_add(self.places[i].base()))
    }

    fn unused(&self, now: Time) -> [u64; N] {
        let limits = self.limits();
        let full = limits.reset(limits.elapsed(now), &limits.capacities());
        self.outward(&self.inward(&self.outward(&full)))
    }

    fn farthest(&self, words: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| words[i].wrapping_add(self.places[i].widest))
    }
}

/// The later of two words: that of which more is spent.
#[inline]
pub(crate) const fn later(one: u64, other: u64) -> u64 {
    if is_later(one, other) { one } else { other }
}

#[inline]
pub(crate) const fn is_later(one: u64, than: u64) -> bool {
    one.wrapping_sub(than) as i64 > 0
}

/// These limits, in the units of `first`.
pub(crate) fn in_units_of<const N: usize>(
    first: &Limits<N>,
    configured: &[Limit; N],
) -> Result<[Meter; N], LimitError> {
    let mut streams = first.streams;
    for (stream, limit) in configured.iter().enumerate() {
        let made = Meter::in_units(limit.numbers(), first.streams[stream].unit());
        streams[stream] = made.map_err(|rule| LimitError { stream, limit: *limit, rule })?;
    }
    Ok(streams)
}
