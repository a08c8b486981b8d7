//! Owns one revision of the limits in memory; never decides which is current.

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::meter::Stream;
use crate::decision::revision::Revision;
use crate::limit::limit::Limit;
use crate::limit::notation::Scale;
use crate::limit::rate::Rate;
use crate::state::claim::Claim;
use crate::state::slots::Claimable;
use crate::sync::{AtomicU64, Relaxed, Release, fence};

/// One revision in memory, and the limits as they were written, `40 + 80 N` bytes.
///
/// | words | field | unit |
/// |---|---|---|
/// | 0 | `claim` | flag |
/// | 1 | `origin` | nanoseconds since the clock's origin |
/// | 2 | `number` | changes before this one |
/// | 3 | `began` | nanoseconds since the clock's origin |
/// | 4 | `pause` | number of the revision that began the pause which ends at `origin`; 0: it is not the end of one |
/// | 5.. | `streams` | ten words for each, as in [`Word`] |
///
/// Why `Relaxed` for all of them: it is as in [`Slot`](crate::state::words::Slot). A state names
/// its revision; while the epoch names that state, nobody writes the revision. What was read
/// without that being so is a mixture, and used for nothing before the epoch is validated.
#[derive(Debug)]
pub(crate) struct RevisionSlot<const N: usize> {
    claim: Claim,
    origin: AtomicU64,
    number: AtomicU64,
    began: AtomicU64,
    pause: AtomicU64,
    streams: [[AtomicU64; WORDS]; N],
}

/// The words of one stream: those that a decision needs, and then the others.
#[derive(Clone, Copy)]
enum Word {
    Whole,
    Part,
    Unit,
    Capacity,
    /// From the lowest bit: 16 of precision, 1 of starting full, 8 of the family and 8 of the power
    /// of the rate's notation, 1 of being closed.
    Manner,
    Tokens,
    Period,
    /// The upper and the lower half of what had accrued.
    AccruedHigh,
    AccruedLow,
    /// The largest capacity, in tokens.
    Highest,
}

const WORDS: usize = 10;
const STARTS_FULL: u32 = 16;
const FAMILY: u32 = 17;
const POWER: u32 = 25;
const CLOSED: u32 = 33;

impl<const N: usize> Claimable for RevisionSlot<N> {
    fn free() -> Self {
        let zero = || AtomicU64::new(0);
        let streams = core::array::from_fn(|_| core::array::from_fn(|_| zero()));
        Self { claim: Claim::free(), origin: zero(), number: zero(), began: zero(), pause: zero(), streams }
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl<const N: usize> RevisionSlot<N> {
    /// Writes a revision that no state names yet. Only the owner of the claim may.
    pub(crate) fn write(&self, revision: &Revision<N>, written: &[Limit; N]) {
        // ORDERING: Release, before the stores; pairs with the fence(Acquire) in `Epoch::validate`:
        // a late reader of this slot who sees any of the stores below also sees that the epoch has
        // moved on, and starts over. Dies without it: loom-tests/set_limits.rs,
        // `a_late_refusal_sees_through_a_revision_that_is_used_again`.
        fence(Release);
        // ORDERING: Relaxed, all. Published by the Release in `Epoch::publish`, with the state that
        // names them. Dies without them: loom-tests/set_limits.rs,
        // `a_snapshot_beside_a_change_is_of_one_version`.
        self.origin.store(revision.limits.origin.as_nanos(), Relaxed);
        self.number.store(revision.number, Relaxed);
        self.began.store(revision.began.as_nanos(), Relaxed);
        self.pause.store(revision.pause, Relaxed);
        for (i, Limit { rate, .. }) in written.iter().enumerate() {
            let accrued = revision.accrued[i];
            let (parts, (family, power)) = (revision.limits.streams[i].parts(), rate.scale().parts());
            let manner = u64::from(parts.precision)
                | u64::from(parts.starts_full) << STARTS_FULL
                | u64::from(family) << FAMILY
                | u64::from(power) << POWER
                | u64::from(parts.closed) << CLOSED;
            let period = rate.period().as_nanos() as u64;
            let words = [parts.whole, parts.part, parts.unit, parts.capacity, manner, rate.tokens(), period];
            let words = words.into_iter().chain([(accrued >> 64) as u64, accrued as u64, revision.highest[i]]);
            for (word, value) in self.streams[i].iter().zip(words) {
                word.store(value, Relaxed);
            }
        }
    }

    /// The limits, made ready for decisions. Reads without owning: a mixture unless the epoch is
    /// validated afterwards.
    #[inline]
    pub(crate) fn limits(&self) -> Limits<N> {
        // ORDERING: Relaxed. As in `word`.
        let origin = Time::from_nanos(self.origin.load(Relaxed));
        let streams = core::array::from_fn(|i| {
            let manner = self.word(i, Word::Manner);
            Stream::of_parts(crate::decision::meter::Parts {
                whole: self.word(i, Word::Whole),
                part: self.word(i, Word::Part),
                unit: self.word(i, Word::Unit),
                capacity: self.word(i, Word::Capacity),
                precision: manner as u16,
                starts_full: manner >> STARTS_FULL & 1 == 1,
                closed: manner >> CLOSED & 1 == 1,
            })
        });
        Limits { origin, streams }
    }

    /// All but how the limits were written; as [`limits`](Self::limits).
    pub(crate) fn revision(&self) -> Revision<N> {
        let half = |i, word| u128::from(self.word(i, word));
        let accrued = core::array::from_fn(|i| half(i, Word::AccruedHigh) << 64 | half(i, Word::AccruedLow));
        let highest = core::array::from_fn(|i| self.word(i, Word::Highest));
        // ORDERING: Relaxed, all. As in `word`.
        let [number, began, pause] = [&self.number, &self.began, &self.pause].map(|word| word.load(Relaxed));
        Revision { limits: self.limits(), number, began: Time::from_nanos(began), pause, accrued, highest }
    }

    /// The limits as they were written; as [`limits`](Self::limits).
    pub(crate) fn written(&self) -> [Limit; N] {
        core::array::from_fn(|i| {
            let manner = self.word(i, Word::Manner);
            let scale = Scale::of_parts((manner >> FAMILY) as u8, (manner >> POWER) as u8);
            let rate = Rate::written(self.word(i, Word::Tokens), self.word(i, Word::Period), scale);
            let limit = Limit::new(rate, self.word(i, Word::Capacity));
            if manner >> STARTS_FULL & 1 == 1 { limit } else { limit.empty() }
        })
    }

    #[inline]
    fn word(&self, i: usize, word: Word) -> u64 {
        // ORDERING: Relaxed. After the epoch's load by its Acquire, and before the validation by
        // the fence in `Epoch::validate`. Dies without these: loom-tests/set_limits.rs,
        // `a_late_refusal_sees_through_a_revision_that_is_used_again`.
        self.streams[i][word as usize].load(Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_revision_comes_out_as_it_went_in() {
        let written = ["1MiB/s capacity 7kB empty", "1/3s capacity 12"].map(|text| text.parse::<Limit>().unwrap());
        let limits = Limits::new(written, Time::from_nanos(77)).unwrap();
        let limits = limits.from(limits.origin, true);
        let accrued = [1 << 100 | 9, u128::MAX - 3];
        let revision =
            Revision { limits, number: 5, began: Time::from_nanos(33), pause: 4, accrued, highest: [8, 1 << 40] };
        let slot = RevisionSlot::free();
        slot.write(&revision, &written);
        assert_eq!(slot.revision(), revision);
        assert_eq!(slot.written(), written);
        assert_eq!(slot.written().map(|limit| std::format!("{limit}")), written.map(|limit| std::format!("{limit}")));
    }

    #[test]
    fn a_mixture_makes_limits_too() {
        let slot = RevisionSlot::<2>::free();
        let _ = (slot.limits(), slot.written());
        for word in slot.streams.iter().flatten() {
            word.store(u64::MAX, Relaxed);
        }
        let _ = (slot.limits(), slot.revision(), slot.written());
    }
}
