//! Owns the one loop of a bucket: read a version, decide, publish the next one. Never knows what
//! the words mean, and never reads a clock.

use core::convert::Infallible;

use crate::state::epoch::{Epoch, Stamp};
use crate::state::slots::Slots;
use crate::state::words::{Slot, State};
use crate::sync::{Backoff, const_fn, filled};

/// `N` words that change together: the epoch, and the slots that it can name.
///
/// The epoch is on one line with as many slots as fit (for N = 2, two of them). A take touches that
/// line and no other that is written.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Published<const N: usize, const S: usize> {
    epoch: Epoch,
    slots: Slots<Slot<N>, S>,
}

/// What a call makes of the version that it read.
pub(crate) enum Decision<const N: usize, R, K> {
    /// Publish this version, and answer `R`.
    Publish(State<N>, R),
    /// Publish nothing. `K` is what the refusal is made of.
    Keep(K),
    /// What was read is not one version.
    Stale,
    /// There is no slot for what else is to be published.
    NoSlot,
}

/// Why an attempt ended without an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Miss {
    /// What was read is not one version any more.
    Stale,
    /// Another call published first.
    Lost,
    /// The attempt was not made for the limits that the words are counted in.
    OtherLimits,
    /// Every slot is claimed.
    NoSlot,
}

impl<const N: usize, const S: usize> Published<N, S> {
    const_fn! {
        /// Version 0, of these words.
        pub(crate) const fn new(start: &State<N>) -> Self {
            let mut first = filled![Slot::vacant(); S];
            first[0] = Slot::current(start);
            Self { epoch: Epoch::new(), slots: Slots::new(first) }
        }
    }

    /// Reads the current version, lets `decide` decide on it, and publishes what that wants.
    ///
    /// `decide` sees words that may be torn: it must be total, or ask
    /// [`is_current`](Self::is_current) first. `refuse` runs only on one version; it is apart, so
    /// that the compiler leaves it out where nobody looks at the refusal. `spare` is a slot that
    /// the caller owns, if any. An attempt claims one if it has none. Afterwards the caller owns
    /// the slot that was current before, or the one that was not needed.
    #[inline(always)]
    pub(crate) fn attempt<R, K, E>(
        &self,
        spare: &mut Option<usize>,
        decide: impl FnOnce(Stamp, &State<N>) -> Decision<N, R, K>,
        refuse: impl FnOnce(K, Stamp, &State<N>) -> E,
    ) -> Result<Result<R, E>, Miss> {
        let Some((seen, state)) = self.begin() else { return Err(Miss::Stale) };
        self.conclude(spare, seen, &state, decide(seen, &state), refuse)
    }

    /// Begins an [`attempt`](Self::attempt): reads the current version. `None` for a torn index.
    #[inline(always)]
    pub(crate) fn begin(&self) -> Option<(Stamp, State<N>)> {
        let seen = self.epoch.load();
        Some((seen, self.slots.get(seen.index())?.read()))
    }

    /// Ends an [`attempt`](Self::attempt): does what was decided on the version that it read.
    #[inline(always)]
    pub(crate) fn conclude<R, K, E>(
        &self,
        spare: &mut Option<usize>,
        seen: Stamp,
        state: &State<N>,
        decision: Decision<N, R, K>,
        refuse: impl FnOnce(K, Stamp, &State<N>) -> E,
    ) -> Result<Result<R, E>, Miss> {
        match decision {
            Decision::Publish(next, answer) => {
                *spare = spare.or_else(|| self.slots.claim());
                let Some((index, slot)) = spare.and_then(|index| Some((index, self.slots.get(index)?))) else {
                    return Err(Miss::NoSlot);
                };
                slot.write(&next);
                // No validation before this: the epoch still being `seen` is what makes the state
                // read above one version.
                if !self.epoch.publish(seen, index) {
                    return Err(Miss::Lost);
                }
                *spare = Some(seen.index());
                Ok(Ok(answer))
            }
            Decision::Keep(kept) if self.epoch.validate(seen) => Ok(Err(refuse(kept, seen, state))),
            Decision::Keep(_) | Decision::Stale => Err(Miss::Stale),
            Decision::NoSlot => Err(Miss::NoSlot),
        }
    }

    /// Reads one version, and what `look` finds beside it; `None` from `look` means a torn version.
    pub(crate) fn read<V>(&self, look: impl Fn(&State<N>) -> Option<V>) -> (State<N>, V, Stamp) {
        loop {
            let attempt = self.attempt::<Infallible, _, _>(
                &mut None,
                |_, state| look(state).map_or(Decision::Stale, Decision::Keep),
                |found, seen, state| (*state, found, seen),
            );
            if let Ok(Err(found)) = attempt {
                return found;
            }
        }
    }

    /// Whether `seen` is still current, so that what was read since is one version.
    #[inline]
    pub(crate) fn is_current(&self, seen: Stamp) -> bool {
        self.epoch.validate(seen)
    }

    /// Claims a slot; `None` if every slot that an index can name is claimed.
    pub(crate) fn claim(&self) -> Option<usize> {
        self.slots.claim()
    }

    /// Writes a version into a slot that the caller owns and that nobody sees: so its lines are
    /// near when the next one is written.
    pub(crate) fn warm(&self, index: usize, state: &State<N>) {
        if let Some(slot) = self.slots.get(index) {
            slot.write(state);
        }
    }

    /// Gives back the slot that a caller is left with.
    #[inline]
    pub(crate) fn retire(&self, spare: Option<usize>) {
        if let Some(index) = spare {
            self.slots.release(index);
        }
    }
}

impl Miss {
    /// Waits as long as it is worth before the next attempt.
    ///
    /// After a lost race that is some thirty spins at first, and then more. The winner has the
    /// line, and gets dozens of calls done meanwhile; without the pause the line goes back and
    /// forth with every call. What was measured is in `benches/NOTES.md`.
    ///
    /// By value, so that a call that loses no race keeps it in a register.
    #[cold]
    #[inline(never)]
    pub(crate) fn pause(self, backoff: Backoff) -> Backoff {
        match self {
            Self::Stale | Self::Lost | Self::OtherLimits => (0..5).for_each(|_| backoff.spin()),
            Self::NoSlot => backoff.snooze(),
        }
        backoff
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn published() -> Published<2, 4> {
        Published::new(&State { limits: 0, spent: [1, 2] })
    }

    fn words<const S: usize>(published: &Published<2, S>) -> [u64; 2] {
        published.read(|_| Some(())).0.spent
    }

    #[test]
    fn a_published_version_is_read_and_its_slot_taken_turns_with() {
        let (published, mut spare) = (published(), None);
        for turn in 0..4 {
            let attempt = published.attempt::<_, (), ()>(
                &mut spare,
                |_, state| Decision::Publish(State { spent: state.spent.map(|word| word + 1), ..*state }, turn),
                |(), _, _| (),
            );
            assert_eq!(attempt, Ok(Ok(turn)));
            assert_eq!(spare, Some(turn % 2));
        }
        assert_eq!(words(&published), [5, 6]);
    }

    #[test]
    fn a_version_that_was_overtaken_is_not_published() {
        let (published, mut spare) = (published(), None);
        let overtake = |_, state: &State<2>| Decision::<2, _, ()>::Publish(State { spent: [7, 8], ..*state }, ());
        let attempt = published.attempt::<(), (), ()>(
            &mut spare,
            |_, state| {
                let mut other = None;
                assert_eq!(published.attempt(&mut other, overtake, |(), _, _| ()), Ok(Ok(())));
                published.retire(other);
                Decision::Publish(State { spent: [0, 0], ..*state }, ())
            },
            |(), _, _| (),
        );
        assert_eq!(attempt, Err(Miss::Lost));
        assert_eq!(words(&published), [7, 8]);
    }

    #[test]
    fn a_refusal_is_of_one_version_or_none() {
        let published = published();
        let kept =
            published.attempt::<(), _, _>(&mut None, |_, _| Decision::Keep(3), |kept, _, state| (kept, state.spent));
        assert_eq!(kept, Ok(Err((3, [1, 2]))));
        let stale = published.attempt::<(), (), ()>(
            &mut None,
            |_, state| {
                let mut other = None;
                let next = State { spent: [7, 8], ..*state };
                let _ = published.attempt::<(), (), ()>(&mut other, |_, _| Decision::Publish(next, ()), |(), _, _| ());
                Decision::Keep(())
            },
            |(), _, _| panic!("not of one version"),
        );
        assert_eq!(stale, Err(Miss::Stale));
    }
}
