//! Owns the words of several streams and the limits that they are counted in: which limits a
//! version names, and how both change in one step. Never does arithmetic on words.
//!
//! The loop is in `published.rs`, the arithmetic in `decision/`. The orderings are in `epoch.rs`,
//! `words.rs`, `revision_slot.rs` and `claim.rs`.

use core::cell::Cell;
use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::revision::Revision;
use crate::limit::limit::{Limit, LimitError, limits_of};
use crate::state::epoch::Stamp;
use crate::state::limits_changed::LimitsChanged;
use crate::state::published::{Decision, Miss, Published};
use crate::state::revision_slot::RevisionSlot;
use crate::state::slots::Slots;
use crate::state::snapshot::Snapshot;
use crate::state::store::{Change, Store};
use crate::state::words::State;
use crate::sync::Backoff;

/// Slots inside a bucket if its type does not say otherwise: the current version, and three writers
/// at once before further slots are linked.
pub(crate) const SLOTS: usize = 4;

/// The versions of the words, and the revisions of the limits that they are counted in.
///
/// The first limits are only read, and have lines of their own.
#[derive(Debug)]
#[repr(C)]
pub struct Versions<const N: usize, const S: usize> {
    words: CachePadded<Published<N, S>>,
    limits: Limits<N>,
    /// The first limits as they were configured.
    configured: [Limit; N],
    /// All revisions but the first: that of index 1 is in slot 0.
    revisions: Slots<RevisionSlot<N>, REVISIONS>,
    /// Only changes notify through it, and only waiters listen.
    limits_changed: LimitsChanged,
}

/// The index of the limits that a bucket is built with. They stay where they are, in plain memory,
/// and nobody else gets this index.
const FIRST_LIMITS: u32 = 0;

/// The bit of a state's index of limits that says whether those are paused until their origin: a
/// decision has it with the words, and need not look for it.
const PAUSED: u32 = 1 << 31;

/// Slots for later revisions inside a bucket: the current one and one to come.
const REVISIONS: usize = 2;

impl<const N: usize, const S: usize> Versions<N, S> {
    pub(crate) fn new(configured: [Limit; N], origin: Time) -> Result<Self, LimitError> {
        let limits = limits_of(configured, origin)?;
        let start = State { limits: FIRST_LIMITS, spent: limits.start() };
        let words = CachePadded::new(Published::new(&start));
        Ok(Self { words, limits, configured, revisions: Slots::new(), limits_changed: LimitsChanged::new() })
    }

    pub(crate) fn snapshot(&self, now: Time) -> Snapshot<N> {
        let later = |slot: &RevisionSlot<N>, paused| (slot.limits(paused), slot.configured());
        let (State { spent, .. }, (limits, configured), stamp) = self.see(|| (self.limits, self.configured), later);
        Snapshot {
            limits,
            configured,
            spent,
            elapsed: limits.elapsed(now),
            pause: limits.pause_left(now),
            sequence: stamp.sequence(),
        }
    }

    pub(crate) fn configured(&self) -> [Limit; N] {
        self.see(|| self.configured, |slot, _| slot.configured()).1
    }

    pub(crate) fn revision(&self) -> Revision<N> {
        self.see(|| Revision::first(self.limits), |slot, _| slot.revision()).1
    }

    pub(crate) fn limits_changed(&self) -> &LimitsChanged {
        &self.limits_changed
    }

    /// Checks a slot out for one caller; `None` if all are claimed.
    pub(crate) fn check_out(&self) -> Option<Checkout<'_, N, S>> {
        Some(Checkout { versions: self, spare: Cell::new(self.words.claim()?) })
    }

    /// One version, untorn, and what there is to know of its limits: `first` of the first, `later`
    /// of the others, which is told whether they are paused.
    fn see<V>(&self, first: impl Fn() -> V, later: impl Fn(&RevisionSlot<N>, bool) -> V) -> (State<N>, V, Stamp) {
        self.words.read(|state| match state.limits {
            FIRST_LIMITS => Some(first()),
            limits => self.revision_slot(limits).map(|slot| later(slot, is_paused(limits))),
        })
    }

    /// The slot of a revision but the first. `None` only for a torn index.
    #[inline(always)]
    fn revision_slot(&self, limits: u32) -> Option<&RevisionSlot<N>> {
        self.revisions.get((limits & !PAUSED).wrapping_sub(1) as usize)
    }

    /// Changes the words to what `change` makes of them and of the limits that they are counted in.
    /// If that is nothing, nothing is published, and `refuse` says what becomes of the call. So it
    /// does during a pause, with the `pause` that is left. The first limits never pause.
    ///
    /// `change` sees words that may be torn, and may run many times. `refuse` sees one version. For
    /// `spare`, see [`Published::attempt`].
    #[inline(always)]
    pub(crate) fn update<R, E>(
        &self,
        spare: &mut Option<usize>,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        self.update_under(spare, &self.limits, RevisionSlot::limits, pause, change, refuse)
    }

    /// Does the same where the limits are to be known with their place among others; `Err` with
    /// both, of one version.
    pub(crate) fn update_revised(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let mut spare = None;
        let changed = self.update_under(
            &mut spare,
            &Revision::first(self.limits),
            |slot, _| slot.revision(),
            |_| 0,
            |revision, spent| Some((change(revision, spent)?, ())),
            |revision, spent, _| (*revision, *spent),
        );
        self.words.retire(spare);
        changed
    }

    /// Makes one attempt under the first limits. One is mostly enough, and the compiler then knows
    /// all that is not needed for it.
    #[inline(always)]
    fn update_under<V, R, E>(
        &self,
        spare: &mut Option<usize>,
        first: &V,
        later: impl Fn(&RevisionSlot<N>, bool) -> V,
        pause: impl Fn(&V) -> u64,
        change: impl Fn(&V, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&V, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        match self.attempt_under_first(spare, first, &change, &refuse) {
            Ok(answer) => answer,
            Err(miss) => {
                let (left, answer) = self.retry(miss, *spare, first, later, pause, change, refuse);
                *spare = left;
                answer
            }
        }
    }

    #[inline(always)]
    fn attempt_under_first<V, R, E>(
        &self,
        spare: &mut Option<usize>,
        first: &V,
        change: &impl Fn(&V, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: &impl Fn(&V, &[u64; N], u64) -> E,
    ) -> Result<Result<R, E>, Miss> {
        self.words.attempt(
            spare,
            |_, state| match state.limits {
                FIRST_LIMITS => decide(state, change(first, &state.spent), ()),
                _ => Decision::Later,
            },
            |(), _, state| refuse(first, &state.spent, 0),
        )
    }

    /// Makes attempts, out of line, until one has an answer: under the first limits while they
    /// last, and then under later ones. The slot is given by value, so that the caller may keep it
    /// in a register; it comes back with the answer.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "the same as its only caller has")]
    fn retry<V, R, E>(
        &self,
        mut miss: Miss,
        mut spare: Option<usize>,
        first: &V,
        later: impl Fn(&RevisionSlot<N>, bool) -> V,
        pause: impl Fn(&V) -> u64,
        change: impl Fn(&V, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&V, &[u64; N], u64) -> E,
    ) -> (Option<usize>, Result<R, E>) {
        let mut backoff = Backoff::new();
        while miss != Miss::Later {
            backoff = miss.pause(backoff);
            match self.attempt_under_first(&mut spare, first, &change, &refuse) {
                Ok(answer) => return (spare, answer),
                Err(next) => miss = next,
            }
        }
        // Limits that were left never come back, so from here on they are later ones.
        loop {
            let attempt = self.words.attempt(
                &mut spare,
                |seen, state| {
                    let Some(slot) = self.revision_slot(state.limits) else { return Decision::Stale };
                    let limits = later(slot, is_paused(state.limits));
                    // Limits that are mixed of two revisions are never used: unlike words, they
                    // may make arithmetic divide by 0.
                    if !self.words.is_current(seen) {
                        return Decision::Stale;
                    }
                    let left = pause(&limits);
                    let changed = if left > 0 { None } else { change(&limits, &state.spent) };
                    decide(state, changed, (limits, left))
                },
                |(limits, left), _, state| refuse(&limits, &state.spent, left),
            );
            match attempt {
                Ok(answer) => return (spare, answer),
                Err(miss) => backoff = miss.pause(backoff),
            }
        }
    }

    /// Changes the limits, from a reading of `clock` on.
    pub(crate) fn set_limits(
        &self,
        clock: impl Fn() -> Time,
        configured: [Limit; N],
        inherit: Inherit,
    ) -> Result<(), LimitError> {
        let limits = limits_of(configured, Time::ZERO)?;
        self.change(clock, &|old, _, spent, now| {
            let (next, spent) = old.next(&limits, spent, now, inherit);
            Some((next, configured, spent))
        });
        self.limits_changed.notify();
        Ok(())
    }

    /// Pauses the bucket for so long, from a reading of `clock` on; if it is paused for longer
    /// already, nothing changes.
    ///
    /// It wakes nobody: nobody's turn comes earlier by it, and whoever sleeps looks again at the
    /// instant of old.
    pub(crate) fn pause_for(&self, clock: impl Fn() -> Time, duration: Duration) {
        self.change(clock, &|old, configured, spent, now| {
            let (next, spent) = old.paused(now.after(duration), spent, now)?;
            Some((next, *configured, spent))
        });
    }

    /// Ends a pause at a reading of `clock`, if there is one.
    pub(crate) fn resume(&self, clock: impl Fn() -> Time) {
        self.change(clock, &|old, configured, spent, now| {
            let (next, spent) = old.resumed(spent, now)?;
            Some((next, *configured, spent))
        });
        self.limits_changed.notify();
    }

    /// Publishes the version and the limits that `follow` makes of the current ones at a reading of
    /// `clock`; if it makes nothing of them, nothing is changed.
    ///
    /// The epoch is loaded before the clock is read, in every attempt: a decision that was
    /// published before is of a reading that is no later, if the clock is one for all threads.
    /// Nothing is claimed while the clock is read.
    #[cold]
    #[inline(never)]
    fn change(&self, clock: impl Fn() -> Time, follow: &Follow<'_, N>) {
        let (mut spare, mut revision, mut backoff) = (None, None, Backoff::new());
        loop {
            let attempt = self.words.attempt(
                &mut spare,
                |seen, state| {
                    let now = clock();
                    let (old, configured) = match state.limits {
                        FIRST_LIMITS => (Revision::first(self.limits), self.configured),
                        index => {
                            let Some(slot) = self.revision_slot(index) else { return Decision::Stale };
                            (slot.revision(), slot.configured())
                        }
                    };
                    if !self.words.is_current(seen) {
                        return Decision::Stale;
                    }
                    let Some((next, configured, spent)) = follow(&old, &configured, &state.spent, now) else {
                        return Decision::Keep(());
                    };
                    revision = self.revisions.claim();
                    let Some(index) = revision else { return Decision::NoSlot };
                    if let Some(slot) = self.revisions.get(index) {
                        slot.write(&next, &configured);
                    }
                    let paused = if next.limits.is_paused() { PAUSED } else { 0 };
                    Decision::Publish(State { limits: (index as u32 + 1) | paused, spent }, state.limits)
                },
                |(), _, _| (),
            );
            match attempt {
                Ok(changed) => {
                    // The revision that was replaced, unless that was the first.
                    let old = changed.ok().and_then(|old| (old & !PAUSED).checked_sub(1));
                    self.retire_revision(old.map(|index| index as usize));
                    return self.words.retire(spare);
                }
                Err(miss) => {
                    // Given back before the clock is read again: it may stop there for long.
                    self.retire_revision(revision.take());
                    self.words.retire(spare.take());
                    backoff = miss.pause(backoff);
                }
            }
        }
    }

    /// Gives back the slot of a revision.
    fn retire_revision(&self, slot: Option<usize>) {
        if let Some(index) = slot {
            self.revisions.release(index);
        }
    }
}

const fn is_paused(limits: u32) -> bool {
    limits & PAUSED != 0
}

/// Publishes what `change` made of the words, under the limits that they are counted in.
#[inline(always)]
fn decide<const N: usize, R, K>(state: &State<N>, changed: Option<([u64; N], R)>, kept: K) -> Decision<N, R, K> {
    match changed {
        Some((spent, answer)) => Decision::Publish(State { spent, ..*state }, answer),
        None => Decision::Keep(kept),
    }
}

impl<const N: usize, const S: usize> Store<N> for Versions<N, S> {
    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let mut spare = None;
        let answer = self.update(&mut spare, pause, change, refuse);
        self.words.retire(spare);
        answer
    }

    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        let (state, limits, _) = self.see(|| self.limits, RevisionSlot::limits);
        look(&limits, &state.spent)
    }
}

/// The same words, through a slot that one caller has checked out. It is given back on drop.
#[derive(Debug)]
pub struct Checkout<'a, const N: usize, const S: usize> {
    versions: &'a Versions<N, S>,
    /// Always a slot that this owns: the one checked out, or the one that was current before its
    /// last publication.
    spare: Cell<usize>,
}

impl<const N: usize, const S: usize> Store<N> for Checkout<'_, N, S> {
    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let mut spare = Some(self.spare.get());
        let answer = self.versions.update(&mut spare, pause, change, refuse);
        if let Some(left) = spare {
            self.spare.set(left);
        }
        answer
    }

    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        Store::read(self.versions, look)
    }
}

impl<const N: usize, const S: usize> Drop for Checkout<'_, N, S> {
    fn drop(&mut self) {
        self.versions.words.retire(Some(self.spare.get()));
    }
}

/// What follows a revision, its limits as they were configured and the words that are counted in
/// them, if they change at this instant.
type Follow<'f, const N: usize> =
    dyn Fn(&Revision<N>, &[Limit; N], &[u64; N], Time) -> Option<(Revision<N>, [Limit; N], [u64; N])> + 'f;

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::state::epoch::Epoch;
    use crate::state::words::Slot;

    #[test]
    fn two_streams_share_a_line_with_the_epoch_and_two_slots() {
        assert_eq!(align_of::<Versions<2, SLOTS>>(), align_of::<CachePadded<u8>>());
        assert!(size_of::<Epoch>() + 2 * size_of::<Slot<2>>() <= 64);
    }

    #[test]
    fn nothing_is_claimed_while_a_change_reads_the_clock() {
        let limit = Limit::per_second(10);
        let versions = Versions::<1, 3>::new([limit], Time::ZERO).unwrap();
        let (readings, lost) = (Cell::new(0), Cell::new(0));
        let clock = || {
            readings.set(readings.get() + 1);
            // Of three slots one is current, so two are free; and so are both revisions.
            let claimed = [versions.words.claim(), versions.words.claim()];
            assert!(claimed.iter().all(|slot| slot.is_some_and(|index| index < 3)), "{claimed:?}");
            claimed.into_iter().for_each(|slot| versions.words.retire(slot));
            assert_eq!(versions.revisions.claim(), Some(0));
            versions.revisions.release(0);
            Time::ZERO
        };
        let limits = limits_of([limit], Time::ZERO).unwrap();
        versions.change(clock, &|old, _, spent, now| {
            // Another call publishes between the validation and the publication, twice.
            if lost.replace(lost.get() + 1) < 2 {
                let take = |limits: &Limits<1>, spent: &[u64; 1]| Some((limits.take(spent, 0, &[1])?, ()));
                let _ = Store::update(&versions, |_| 0, take, |_, _, _| ());
            }
            let (next, spent) = old.next(&limits, spent, now, Inherit::Keep);
            Some((next, [limit], spent))
        });
        assert_eq!((readings.get(), lost.get()), (3, 3));
        assert_eq!(Store::read(&versions, |limits, spent| limits.available(spent, 0)), [8]);
    }
}
