//! Owns one revision of the limits in memory. It never decides which revision is current.

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::meter::{Meter, Parts};
use crate::decision::revision::Revision;
use crate::limit::limit::Limit;
use crate::limit::notation::Scale;
use crate::limit::rate::Rate;
use crate::state::claim::Claim;
use crate::state::slots::Claimable;
use crate::sync::{AtomicU64, Relaxed, Release, const_fn, fence, filled};

/// One revision in memory, with the limits as configured: `40 + 88 N` bytes.
///
/// | words | field | unit |
/// |---|---|---|
/// | 0 | `claim` | flag |
/// | 1 | `origin` | nanoseconds since the clock's origin |
/// | 2.. | `meters` | five words for each stream: see [`Word`]; all that a decision needs |
/// | then | `number` | changes before this one |
/// | | `began` | nanoseconds since the clock's origin |
/// | | `pause` | number of the revision that began the pause that ends at `origin`; 0: no pause |
/// | | `rest` | six words for each stream: see [`Rest`] |
///
/// Why `Relaxed` for all words: see [`Slot`](crate::state::words::Slot). A state names its
/// revision. While the epoch names that state, no thread writes the revision. Words read at another
/// time may be a mixture of two revisions. A take decides on them before it knows, and publishes
/// nothing of a mixture. All else uses them only after the epoch is validated.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct RevisionSlot<const N: usize> {
    claim: Claim,
    origin: AtomicU64,
    meters: [[AtomicU64; WORDS]; N],
    number: AtomicU64,
    began: AtomicU64,
    pause: AtomicU64,
    rest: [[AtomicU64; RESTS]; N],
}

/// The words of one stream that a decision needs.
#[derive(Clone, Copy)]
enum Word {
    Whole,
    Part,
    Unit,
    Ceiling,
    Capacity,
}

const WORDS: usize = 5;

/// The other words of one stream.
#[derive(Clone, Copy)]
enum Rest {
    /// Small fields, packed:
    ///
    /// | bits | field |
    /// |---|---|
    /// | 0..16 | precision |
    /// | 16 | starts full |
    /// | 17..25 | family of the amount's suffix |
    /// | 25..33 | power of the amount's suffix |
    /// | 33 | paused |
    Manner,
    Tokens,
    Period,
    /// The upper half of the tokens accrued before this revision; the lower half follows.
    AccruedHigh,
    AccruedLow,
    /// The largest capacity, in tokens.
    Highest,
}

const RESTS: usize = 6;
const STARTS_FULL: u32 = 16;
const FAMILY: u32 = 17;
const POWER: u32 = 25;
const PAUSED: u32 = 33;

impl<const N: usize> Claimable for RevisionSlot<N> {
    #[cfg(feature = "alloc")]
    fn free() -> Self {
        Self::vacant()
    }

    fn claim(&self) -> &Claim {
        &self.claim
    }
}

impl<const N: usize> RevisionSlot<N> {
    const_fn! {
        /// Makes a slot without an owner; its contents mean nothing.
        pub(crate) const fn vacant() -> Self {
            Self {
                claim: Claim::free(),
                origin: AtomicU64::new(0),
                meters: filled![filled![AtomicU64::new(0); WORDS]; N],
                number: AtomicU64::new(0),
                began: AtomicU64::new(0),
                pause: AtomicU64::new(0),
                rest: filled![filled![AtomicU64::new(0); RESTS]; N],
            }
        }
    }

    /// Writes a revision before a state names it. Only the owner of the claim may call it.
    pub(crate) fn write(&self, revision: &Revision<N>, configured: &[Limit; N]) {
        // ORDERING: Release, before the stores. It pairs with the fence(Acquire) in
        // `Epoch::validate`. A late reader of this slot that sees any store below also sees a newer
        // epoch, and retries. Dies without it: loom-tests/set_limits.rs,
        // `a_late_refusal_sees_through_a_revision_that_is_used_again`.
        fence(Release);
        // ORDERING: Relaxed, all. Partners are the loads in `limits`, `revision` and `configured`.
        // The Release in `Epoch::publish` publishes them, with the state that names them. Dies
        // without them: loom-tests/set_limits.rs, `a_snapshot_beside_a_change_is_of_one_version`.
        self.origin.store(revision.limits.origin.as_nanos(), Relaxed);
        self.number.store(revision.number, Relaxed);
        self.began.store(revision.began.as_nanos(), Relaxed);
        self.pause.store(revision.pause, Relaxed);
        for (i, Limit { rate, .. }) in configured.iter().enumerate() {
            let accrued = revision.accrued[i];
            let (parts, (family, power)) = (revision.limits.streams[i].parts(), rate.scale().parts());
            let manner = u64::from(parts.precision)
                | u64::from(parts.starts_full) << STARTS_FULL
                | u64::from(family) << FAMILY
                | u64::from(power) << POWER
                | u64::from(parts.paused) << PAUSED;
            let period = rate.period().as_nanos() as u64;
            let meter = [parts.whole, parts.part, parts.unit, parts.ceiling, parts.capacity];
            let accrued = [(accrued >> 64) as u64, accrued as u64];
            let rest = [manner, rate.tokens(), period, accrued[0], accrued[1], revision.highest[i]];
            let words = self.meters[i].iter().zip(meter).chain(self.rest[i].iter().zip(rest));
            for (word, value) in words {
                word.store(value, Relaxed);
            }
        }
    }

    /// Reads the limits as decisions need them, without precision and start.
    ///
    /// The state that names them knows whether they are paused.
    ///
    /// It reads without owning: a mixture unless the epoch is validated afterwards.
    #[inline(always)]
    pub(crate) fn limits(&self, paused: bool) -> Limits<N> {
        let streams = core::array::from_fn(|i| self.meter(i, Parts { paused, ..Parts::default() }));
        Limits { origin: self.origin(), streams }
    }

    /// Reads all but the limits as configured, without owning: see [`limits`](Self::limits).
    pub(crate) fn revision(&self) -> Revision<N> {
        let half = |i, word| u128::from(self.rest(i, word));
        let accrued = core::array::from_fn(|i| half(i, Rest::AccruedHigh) << 64 | half(i, Rest::AccruedLow));
        let highest = core::array::from_fn(|i| self.rest(i, Rest::Highest));
        let streams = core::array::from_fn(|i| {
            let manner = self.rest(i, Rest::Manner);
            let (starts_full, paused) = (manner >> STARTS_FULL & 1 == 1, manner >> PAUSED & 1 == 1);
            self.meter(i, Parts { precision: manner as u16, starts_full, paused, ..Parts::default() })
        });
        let limits = Limits { origin: self.origin(), streams };
        // ORDERING: Relaxed, both. For reason and partner see `word`. Dies if one is not read:
        // src/state/revision_slot.rs, `a_revision_comes_out_as_it_went_in`.
        let [began, pause] = [&self.began, &self.pause].map(|word| word.load(Relaxed));
        Revision { limits, number: self.number(), began: Time::from_nanos(began), pause, accrued, highest }
    }

    /// Reads how many changes there were before, without owning: see [`limits`](Self::limits).
    pub(crate) fn number(&self) -> u64 {
        // ORDERING: Relaxed. For reason and partner see `word`; what validates it is the epoch's
        // compare-and-swap. Dies if it is not read: src/state/revision_slot.rs,
        // `a_revision_comes_out_as_it_went_in`.
        self.number.load(Relaxed)
    }

    /// Reads the limits as configured, without owning: see [`limits`](Self::limits).
    pub(crate) fn configured(&self) -> [Limit; N] {
        core::array::from_fn(|i| {
            let manner = self.rest(i, Rest::Manner);
            let scale = Scale::of_parts((manner >> FAMILY) as u8, (manner >> POWER) as u8);
            let rate = Rate::written(self.rest(i, Rest::Tokens), self.rest(i, Rest::Period), scale);
            let limit = Limit::new(rate, self.word(i, Word::Capacity));
            if manner >> STARTS_FULL & 1 == 1 { limit } else { limit.empty() }
        })
    }

    #[inline(always)]
    fn meter(&self, i: usize, rest: Parts) -> Meter {
        let [whole, part] = [self.word(i, Word::Whole), self.word(i, Word::Part)];
        let [unit, ceiling] = [self.word(i, Word::Unit), self.word(i, Word::Ceiling)];
        let capacity = self.word(i, Word::Capacity);
        Meter::of_parts(Parts { whole, part, unit, ceiling, capacity, ..rest })
    }

    #[inline(always)]
    fn origin(&self) -> Time {
        // ORDERING: Relaxed. For reason and partner see `word`. Dies if it is not read:
        // src/state/revision_slot.rs, `a_revision_comes_out_as_it_went_in`.
        Time::from_nanos(self.origin.load(Relaxed))
    }

    #[inline(always)]
    fn word(&self, i: usize, word: Word) -> u64 {
        // ORDERING: Relaxed. Partners are the stores in `write`. The Acquire of the epoch's load
        // puts these loads after it. The fence in `Epoch::validate` puts them before the
        // validation, and the Release in `Epoch::publish` before the publication. Dies if one word
        // is read for all: src/state/revision_slot.rs, `a_revision_comes_out_as_it_went_in`.
        self.meters[i][word as usize].load(Relaxed)
    }

    fn rest(&self, i: usize, word: Rest) -> u64 {
        // ORDERING: Relaxed. For reason and partner see `word`. Dies if it is not read:
        // src/state/revision_slot.rs, `a_revision_comes_out_as_it_went_in`.
        self.rest[i][word as usize].load(Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::limit::limit::limits_of;

    #[test]
    fn a_revision_comes_out_as_it_went_in() {
        let configured = ["1MiB/s capacity 7kB empty", "1/3s capacity 12"].map(|text| text.parse::<Limit>().unwrap());
        let limits = limits_of(configured, Time::from_nanos(77)).unwrap();
        let limits = limits.from(limits.origin, true);
        let accrued = [1 << 100 | 9, u128::MAX - 3];
        let (began, highest) = (Time::from_nanos(33), [8, 1 << 40]);
        let revision = Revision { limits, number: 5, began, pause: 4, accrued, highest };
        let slot = RevisionSlot::vacant();
        slot.write(&revision, &configured);
        assert_eq!(slot.revision(), revision);
        assert_eq!(slot.configured(), configured);
        assert_eq!(
            slot.configured().map(|limit| std::format!("{limit}")),
            configured.map(|limit| std::format!("{limit}"))
        );
    }

    #[test]
    fn a_mixture_makes_limits_too() {
        let slot = RevisionSlot::<2>::vacant();
        let _ = (slot.limits(false), slot.configured());
        for word in slot.meters.iter().flatten().chain(slot.rest.iter().flatten()) {
            word.store(u64::MAX, Relaxed);
        }
        let _ = (slot.limits(true), slot.revision(), slot.configured());
    }
}
