//! Owns the meter of a stream without a limit. Pure; never an atomic, never a clock.
//!
//! A token is worth nothing: the unit is 0. Nothing accrues and nothing is spent, so the word is
//! always -1, and the level is the one unit of the ceiling. So a take is granted by the compares of
//! every take, and no verb on the hot path has a branch for it. What divides by the unit has.
//!
//! | question | answer |
//! |---|---|
//! | take, charge, reserve | granted, now |
//! | available, capacity, the largest debt | `u64::MAX` |
//! | owed, wait, precision | 0 |
//! | a change to it | every debt is paid |
//! | a change from it | full, or the start after a reset |

use core::num::NonZeroU64;

#[cfg(feature = "std")]
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::decision::refill::Refill;

impl Meter {
    pub(crate) const UNLIMITED: Self =
        Self { refill: Refill::exact(0), unit: 0, ceiling: 1, capacity: NonZeroU64::MAX, precision: 0, paused: false };

    pub(crate) const fn is_unlimited(&self) -> bool {
        self.unit == 0
    }
}

#[cfg(feature = "std")]
impl<const N: usize> Limits<N> {
    /// Those of `amounts` that a limit bounds; 0 for the streams without one.
    pub(crate) fn scarce(&self, amounts: &[u64; N]) -> [u64; N] {
        core::array::from_fn(|i| if self.streams[i].is_unlimited() { 0 } else { amounts[i] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decision::inherit::Inherit;
    use crate::decision::seen::Seen;
    use crate::limit::limit::Limit;

    const WORD: u64 = u64::MAX;
    const AMOUNTS: [u64; 5] = [0, 1, 7, 1 << 62, u64::MAX];

    /// Readings from every time, stale ones too.
    const READINGS: [u64; 5] = [0, 1, 1 << 40, 1 << 63, u64::MAX];

    #[test]
    fn no_verb_is_refused_and_none_changes_the_word() {
        let stream = Limit::UNLIMITED.meter().unwrap();
        assert_eq!(stream, Meter::UNLIMITED);
        for elapsed in READINGS {
            let seen = Seen::new(&stream, WORD);
            assert_eq!((stream.available(WORD, elapsed), seen.available(elapsed)), (u64::MAX, u64::MAX));
            assert_eq!(seen.full_after(elapsed, 0), Some(core::time::Duration::ZERO));
            assert_eq!(stream.taken_tokens(WORD, elapsed), 0);
            assert_eq!(stream.taken(WORD, elapsed), (0, 1));
            for n in AMOUNTS {
                assert_eq!(stream.take(WORD, elapsed, n), Some(WORD));
                assert_eq!(stream.fit(WORD, elapsed, n, 12), 12);
                assert_eq!(seen.missing(elapsed, stream.in_units(n)), 0);
                assert_eq!(stream.put_back(WORD, elapsed, n), WORD);
                assert_eq!(stream.reset(elapsed, n), WORD);
                let units = stream.units(n).unwrap();
                assert_eq!(stream.owe(WORD, elapsed, units, stream.furthest_debt()), Some(WORD));
                assert_eq!(stream.owe_behind(WORD, elapsed, units, stream.furthest_debt()), Some(WORD));
                assert_eq!(seen.missing(elapsed, units), 0);
            }
            assert_eq!(stream.remaining(WORD, elapsed), 0);
            assert_eq!((stream.tokens_at(elapsed), stream.tokens_until(WORD, elapsed)), (0, 0));
        }
        assert_eq!((stream.most_tokens(), stream.wait_from_start(1 << 100)), (u64::MAX, Some(0)));
    }

    /// A debt before it is paid at once, as all that accrues; none comes from it.
    #[test]
    fn a_change_to_it_pays_what_was_owed_and_one_from_it_begins_full() {
        let stream = Meter::UNLIMITED;
        for limit in
            ["10/s", "333/s capacity 5", "0/s capacity 3", "64GiB/s"].map(|text| text.parse::<Limit>().unwrap())
        {
            let other = limit.meter().unwrap();
            for (level, owed) in [(0, 0), (other.ceiling as i64, 0), (-1, 1), (-(3 << 40), 3_u64 << 40)] {
                let spent = other.refill.at(77).wrapping_sub(level as u64);
                for policy in [Inherit::Keep, Inherit::Additive, Inherit::Proportional, Inherit::Reset] {
                    let most = (other.ceiling.into(), stream.ceiling.into());
                    let to = stream.inherit(&other, spent, 77, (policy, 0), u64::MAX, most).unwrap();
                    assert_eq!((to.spent, to.added), (WORD, other.tokens(owed.into())), "{limit}, {policy:?}");
                }
            }
            for (policy, left) in [(Inherit::Keep, limit.capacity), (Inherit::Reset, 2)] {
                let from = other.inherit(&stream, WORD, 77, (policy, 2), u64::MAX, (1, other.ceiling.into())).unwrap();
                assert_eq!(other.available(from.spent, 0), left, "{limit}, {policy:?}");
            }
            assert_eq!((other.following(&stream), stream.following(&other)), (other, stream), "{limit}");
        }
    }
}
