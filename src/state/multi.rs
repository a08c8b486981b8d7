//! Owns the loop that reads a version, decides, and publishes the next; the arithmetic is in
//! `decision/limits.rs` and `decision/revision.rs`, the orderings are in
//! `epoch.rs`, `words.rs`, `revision_slot.rs` and
//! `claim.rs`.

use core::convert::Infallible;
use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::time::Time;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::limit::limit::{Limit, LimitError};
use crate::state::epoch::{Epoch, Stamp};
use crate::state::limits_changed::Bell;
use crate::state::revision_slot::RevisionSlot;
use crate::state::slots::Slots;
use crate::state::snapshot::Snapshot;
use crate::state::store::Change;
use crate::state::words::{Slot, State};
use crate::sync::Backoff;

/// The versions of the state, and the revisions of the limits that they are counted in.
///
/// The epoch is on one line with as many slots as fit (for N = 2, two of them): a take touches that
/// line and no other that is written. The first limits are only read, and have lines of their own.
#[repr(C)]
pub(crate) struct Versions<const N: usize, const S: usize> {
    shared: CachePadded<Shared<N, S>>,
    limits: Limits<N>,
    /// The first limits as they were written.
    written: [Limit; N],
    /// All revisions but the first: that of index 1 is in slot 0.
    revisions: Slots<RevisionSlot<N>, REVISIONS>,
    /// Only changes ring it, and only waiters listen.
    bell: Bell,
}

#[repr(C)]
struct Shared<const N: usize, const S: usize> {
    epoch: Epoch,
    slots: Slots<Slot<N>, S>,
}

/// The index of the limits that a bucket is built with. They stay where they are, in plain memory,
/// and nobody else gets this index.
const FIRST_LIMITS: u32 = 0;

/// Slots for later revisions inside a bucket: none where they can be linked, as most limits never
/// change; else the current one and one to come.
const REVISIONS: usize = if cfg!(feature = "alloc") { 0 } else { 2 };

impl<const N: usize, const S: usize> Versions<N, S> {
    pub(crate) fn new(written: [Limit; N], origin: Time) -> Result<Self, LimitError> {
        let limits = Limits::new(written, origin)?;
        let start = State { limits: FIRST_LIMITS, spent: limits.start() };
        let slots = Slots::beginning_with([Slot::current(&start)]);
        let shared = CachePadded::new(Shared { epoch: Epoch::new(), slots });
        Ok(Self { shared, limits, written, revisions: Slots::new(), bell: Bell::new() })
    }

    #[inline(always)]
    pub(crate) fn try_take(&self, spare: &mut Option<usize>, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>> {
        if all_zero(&amounts) {
            return Ok(());
        }
        self.update(
            spare,
            move |limits| limits.pause_left(now),
            move |limits, spent| Some((limits.take(spent, limits.elapsed(now), &amounts)?, ())),
            move |limits, spent, pause| limits.refusal(spent, limits.elapsed(now), &amounts).behind(pause),
        )
    }

    #[inline]
    pub(crate) fn take_up_to(&self, spare: &mut Option<usize>, now: Time, max: u64, per_item: [u64; N]) -> u64 {
        if all_zero(&per_item) {
            return max;
        }
        let taken = self.update(
            spare,
            move |limits| limits.pause_left(now),
            move |limits, spent| limits.take_up_to(spent, limits.elapsed(now), &per_item, max),
            |_, _, _| (),
        );
        taken.unwrap_or(0)
    }

    pub(crate) fn take_in_order(&self, spare: &mut Option<usize>, now: Time, requests: &[[u64; N]]) -> usize {
        let taken = self.update(
            spare,
            move |limits| limits.pause_left(now),
            move |limits, spent| limits.take_in_order(spent, limits.elapsed(now), requests.iter().copied()),
            |_, _, _| (),
        );
        // No token was to be taken: of those that fit, each is for none.
        taken.unwrap_or_else(|()| requests.iter().take_while(|request| all_zero(request)).count())
    }

    #[inline]
    pub(crate) fn put_back(&self, spare: &mut Option<usize>, now: Time, amounts: [u64; N]) {
        let _ = self.update(
            spare,
            |_| 0,
            move |limits, spent| Some((limits.put_back(spent, limits.elapsed(now), &amounts)?, ())),
            |_, _, _| (),
        );
    }

    pub(crate) fn charge(&self, spare: &mut Option<usize>, now: Time, amounts: [u64; N]) -> Result<(), Refused<N>> {
        if all_zero(&amounts) {
            return Ok(());
        }
        self.update(
            spare,
            |_| 0,
            move |limits, spent| {
                let units = limits.units(&amounts).ok()?;
                Some((limits.owe(spent, limits.elapsed(now), &units, &limits.furthest_debts())?, ()))
            },
            move |limits, spent, _| match limits.units(&amounts) {
                Ok(units) => {
                    limits.would_wait(spent, limits.elapsed(now), &units).behind(limits.pause_left(now)).into()
                }
                Err(never) => never.into(),
            },
        )
    }

    pub(crate) fn reset(&self, spare: &mut Option<usize>, now: Time, tokens: [u64; N]) {
        let reset = move |limits: &Limits<N>| limits.reset(limits.elapsed(now), &tokens);
        let _ = self.update(spare, |_| 0, move |limits, _| Some((reset(limits), ())), |_, _, _| ());
    }

    pub(crate) fn available(&self, now: Time) -> [u64; N] {
        let (state, limits, _) = self.read(|| self.limits, RevisionSlot::limits);
        if limits.paused(now) { [0; N] } else { limits.available(&state.spent, limits.elapsed(now)) }
    }

    pub(crate) fn snapshot(&self, now: Time) -> Snapshot<N> {
        let later = |slot: &RevisionSlot<N>| (slot.limits(), slot.written());
        let (State { spent, .. }, (limits, written), stamp) = self.read(|| (self.limits, self.written), later);
        Snapshot {
            limits,
            written,
            spent,
            elapsed: limits.elapsed(now),
            pause: limits.pause_left(now),
            sequence: stamp.sequence(),
        }
    }

    pub(crate) fn limits(&self) -> Limits<N> {
        self.read(|| self.limits, RevisionSlot::limits).1
    }

    pub(crate) fn written(&self) -> [Limit; N] {
        self.read(|| self.written, RevisionSlot::written).1
    }

    pub(crate) fn revision(&self) -> Revision<N> {
        self.read(|| Revision::first(self.limits), RevisionSlot::revision).1
    }

    pub(crate) fn claim(&self) -> Option<usize> {
        self.shared.slots.claim()
    }

    /// Gives back the slot that a caller is left with.
    #[inline]
    pub(crate) fn retire(&self, spare: Option<usize>) {
        if let Some(index) = spare {
            self.shared.slots.release(index);
        }
    }

    /// One version, untorn, and what there is to know of its limits: `first` of the first, `later`
    /// of the others.
    fn read<V>(&self, first: impl Fn() -> V, later: impl Fn(&RevisionSlot<N>) -> V) -> (State<N>, V, Stamp) {
        loop {
            let seen = self.shared.epoch.load();
            let Some(slot) = self.shared.slots.get(seen.index()) else { continue };
            let state = slot.read();
            let limits = match state.limits {
                FIRST_LIMITS => Some(first()),
                index => self.revision_slot(index).map(&later),
            };
            // Validated also where the index was torn: after this the next stamp is a newer one.
            if self.shared.epoch.validate(seen) {
                if let Some(limits) = limits {
                    return (state, limits, seen);
                }
            }
        }
    }

    /// The slot of a revision but the first. `None` only for a torn index.
    fn revision_slot(&self, index: u32) -> Option<&RevisionSlot<N>> {
        self.revisions.get((index - 1) as usize)
    }

    /// Changes the words to what `change` makes of them and of the limits that they are counted in;
    /// if it makes nothing of them, nothing is published, and `refuse` has the word. So it has
    /// while `pause` says that there is one, as what is left of it; it is not asked of the first
    /// limits, which never pause.
    ///
    /// `change` sees words that may be torn, and may run many times; `refuse` sees one version. It
    /// is apart, and always inlined like this, so that the compiler leaves it out where nobody
    /// asks. `spare` is a slot that the caller owns, if any. One is claimed if it has none;
    /// afterwards it owns the slot that was current before, or the one that it did not need.
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

    /// The same, where the limits are to be known with their place among others; `Err` with both,
    /// of one version.
    pub(crate) fn update_revised(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let mut spare = None;
        let changed = self.update_under(
            &mut spare,
            &Revision::first(self.limits),
            RevisionSlot::revision,
            |_| 0,
            |revision, spent| Some((change(revision, spent)?, ())),
            |revision, spent, _| (*revision, *spent),
        );
        self.retire(spare);
        changed
    }

    /// Reads the current version, works out what it becomes, and publishes that if nobody else was
    /// faster and the limits are the first ones: once, as once is mostly enough, and the compiler
    /// then knows all that is not needed for it.
    #[inline(always)]
    fn update_under<V: Copy, R, E>(
        &self,
        spare: &mut Option<usize>,
        first: &V,
        later: impl Fn(&RevisionSlot<N>) -> V,
        pause: impl Fn(&V) -> u64,
        change: impl Fn(&V, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&V, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let Shared { epoch, slots } = &*self.shared;
        let seen = epoch.load();
        let mut under_first = true;
        if let Some(current) = slots.get(seen.index()) {
            let state = current.read();
            under_first = state.limits == FIRST_LIMITS;
            if under_first {
                if let Some((spent, answer)) = change(first, &state.spent) {
                    *spare = spare.or_else(|| slots.claim());
                    if let Some((index, slot)) = spare.and_then(|index| Some((index, slots.get(index)?))) {
                        slot.write(&State { spent, ..state });
                        // No validation before this: the epoch still being `seen` is what makes the
                        // state read above one version.
                        if epoch.publish(seen, index) {
                            *spare = Some(seen.index());
                            return Ok(answer);
                        }
                    }
                } else if epoch.validate(seen) {
                    return Err(refuse(first, &state.spent, 0));
                }
            }
        }
        let (left, answer) = self.update_again(under_first, *spare, first, later, pause, change, refuse);
        *spare = left;
        answer
    }

    /// The same once under later limits, out of line, where the answer is what `change` has to say;
    /// it is small, and comes back in registers. `Err` with the slot that the caller is left with
    /// where there is more to it.
    #[inline(always)]
    fn update_later<V, R>(
        &self,
        mut spare: Option<usize>,
        later: &impl Fn(&RevisionSlot<N>) -> V,
        pause: &impl Fn(&V) -> u64,
        change: &impl Fn(&V, &[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<(usize, R), Option<usize>> {
        let Shared { epoch, slots } = &*self.shared;
        let seen = epoch.load();
        let state = slots.get(seen.index()).ok_or(spare)?.read();
        if state.limits == FIRST_LIMITS {
            return Err(spare);
        }
        let limits = later(self.revision_slot(state.limits).ok_or(spare)?);
        // Limits that are mixed of two revisions are never used: unlike words, they may make
        // arithmetic divide by 0.
        if !epoch.validate(seen) || pause(&limits) > 0 {
            return Err(spare);
        }
        let (spent, answer) = change(&limits, &state.spent).ok_or(spare)?;
        spare = spare.or_else(|| slots.claim());
        let (index, slot) = spare.and_then(|index| Some((index, slots.get(index)?))).ok_or(spare)?;
        slot.write(&State { spent, ..state });
        if epoch.publish(seen, index) { Ok((seen.index(), answer)) } else { Err(spare) }
    }

    /// The same under any limits, again and again, out of line. The slot is given by value, so that
    /// the callers of the other may keep it in a register; the one that the caller is left with
    /// comes back with the answer. `lost` says whether a race was lost before.
    ///
    /// Limits that are mixed of two revisions are never used: unlike words, they may make
    /// arithmetic divide by 0. So here the epoch is validated first.
    #[cold]
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "the same as its only caller has")]
    fn update_again<V: Copy, R, E>(
        &self,
        lost: bool,
        mut spare: Option<usize>,
        first: &V,
        later: impl Fn(&RevisionSlot<N>) -> V,
        pause: impl Fn(&V) -> u64,
        change: impl Fn(&V, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&V, &[u64; N], u64) -> E,
    ) -> (Option<usize>, Result<R, E>) {
        let Shared { epoch, slots } = &*self.shared;
        let decide = |limits: &V, spent: &[u64; N]| {
            let left = pause(limits);
            let changed = if left > 0 { None } else { change(limits, spent) };
            changed.ok_or_else(|| refuse(limits, spent, left))
        };
        let mut backoff = Backoff::new();
        if lost {
            backoff = lost_race(backoff);
        } else {
            match self.update_later(spare, &later, &pause, &change) {
                Ok((left, answer)) => return (Some(left), Ok(answer)),
                Err(left) => spare = left,
            }
        }
        loop {
            let seen = epoch.load();
            let Some(current) = slots.get(seen.index()) else { continue };
            let state = current.read();
            let decided = if state.limits == FIRST_LIMITS {
                if !epoch.validate(seen) {
                    continue;
                }
                decide(first, &state.spent)
            } else {
                let limits = self.revision_slot(state.limits).map(&later);
                // Validated also where the index was torn: after this the next stamp is a newer
                // one.
                let (true, Some(limits)) = (epoch.validate(seen), limits) else { continue };
                decide(&limits, &state.spent)
            };
            let (spent, answer) = match decided {
                Ok(changed) => changed,
                Err(refused) => return (spare, Err(refused)),
            };
            spare = spare.or_else(|| slots.claim());
            let Some((index, slot)) = spare.and_then(|index| Some((index, slots.get(index)?))) else {
                backoff = no_slot(backoff);
                continue;
            };
            slot.write(&State { spent, ..state });
            if epoch.publish(seen, index) {
                return (Some(seen.index()), Ok(answer));
            }
            backoff = lost_race(backoff);
        }
    }

    /// Changes the limits, from a reading of `clock` on.
    pub(crate) fn set_limits(
        &self,
        clock: impl Fn() -> Time,
        written: [Limit; N],
        inherit: Inherit,
    ) -> Result<(), LimitError> {
        let limits = Limits::new(written, Time::ZERO)?;
        self.change(clock, &|old, _, spent, now| match old.next(&limits, spent, now, inherit) {
            Ok((next, spent)) => Ok(Some((next, written, spent))),
            Err((stream, rule)) => Err(LimitError { stream, limit: written[stream], rule }),
        })?;
        self.bell.ring();
        Ok(())
    }

    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Pauses the bucket for so long, from a reading of `clock` on; if it is paused for longer
    /// already, nothing changes.
    ///
    /// It rings no bell: nobody's turn comes earlier by it, and whoever sleeps looks again at the
    /// instant of old.
    pub(crate) fn pause_for(&self, clock: impl Fn() -> Time, duration: Duration) {
        let Ok(()) = self.change::<Infallible>(clock, &|old, written, spent, now| {
            Ok(old.paused(now.after(duration), spent, now).map(|(next, spent)| (next, *written, spent)))
        });
    }

    /// Ends a pause at a reading of `clock`, if there is one.
    pub(crate) fn resume(&self, clock: impl Fn() -> Time) {
        let Ok(()) = self.change::<Infallible>(clock, &|old, written, spent, now| {
            Ok(old.resumed(spent, now).map(|(next, spent)| (next, *written, spent)))
        });
        self.bell.ring();
    }

    /// Publishes the version and the limits that `follow` makes of the current ones at a reading of
    /// `clock`; if it makes nothing of them, or fails, nothing is changed.
    ///
    /// The epoch is loaded before the clock is read, in every attempt: a decision that was
    /// published before is of a reading that is no later, if the clock is one for all threads.
    /// Nothing is claimed while the clock is read.
    #[cold]
    #[inline(never)]
    fn change<E>(&self, clock: impl Fn() -> Time, follow: &Follow<'_, N, E>) -> Result<(), E> {
        let Shared { epoch, slots } = &*self.shared;
        let mut backoff = Backoff::new();
        loop {
            // Loaded before the clock is read, and again afterwards: what is read of the version
            // must still be current.
            let seen = epoch.load();
            let now = clock();
            let later = |slot: &RevisionSlot<N>| (slot.revision(), slot.written());
            let (state, (old, limits), current) = self.read(|| (Revision::first(self.limits), self.written), later);
            if current != seen {
                backoff = lost_race(backoff);
                continue;
            }
            let Some((next, written, spent)) = follow(&old, &limits, &state.spent, now)? else { return Ok(()) };
            let (revision, version) = (self.revisions.claim(), slots.claim());
            if let (Some(revision), Some(version)) = (revision, version) {
                if let (Some(of_limits), Some(slot)) = (self.revisions.get(revision), slots.get(version)) {
                    of_limits.write(&next, &written);
                    slot.write(&State { limits: revision as u32 + 1, spent });
                    if epoch.publish(seen, version) {
                        self.retire_revision(state.limits.checked_sub(1).map(|index| index as usize));
                        self.retire(Some(seen.index()));
                        return Ok(());
                    }
                }
                backoff = lost_race(backoff);
            } else {
                backoff = no_slot(backoff);
            }
            self.retire_revision(revision);
            self.retire(version);
        }
    }

    /// Gives back a slot of a revision.
    fn retire_revision(&self, slot: Option<usize>) {
        if let Some(index) = slot {
            self.revisions.release(index);
        }
    }
}

/// What follows a revision, its limits as they were written and the words that are counted in them,
/// if they change at this instant: nothing, or an error, if they do not.
type Follow<'f, const N: usize, E> =
    dyn Fn(&Revision<N>, &[Limit; N], &[u64; N], Time) -> Result<Option<Followed<N>>, E> + 'f;

type Followed<const N: usize> = (Revision<N>, [Limit; N], [u64; N]);

/// Neither a loop with an early exit nor a call of `memcmp`, which a comparison with `[0; N]`
/// becomes.
#[inline]
fn all_zero<const N: usize>(amounts: &[u64; N]) -> bool {
    amounts.iter().fold(0, |bits, amount| bits | amount) == 0
}

/// A pause after a race was lost: some thirty spins at first, and then more. Whoever won has the
/// line, and gets dozens of calls done meanwhile; without the pause the line goes back and forth
/// with every call. What was measured is in `benches/NOTES.md`.
///
/// By value, so that a call that loses no race keeps it in a register.
#[cold]
#[inline(never)]
fn lost_race(backoff: Backoff) -> Backoff {
    for _ in 0..5 {
        backoff.spin();
    }
    backoff
}

#[cold]
#[inline(never)]
fn no_slot(backoff: Backoff) -> Backoff {
    backoff.snooze();
    backoff
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::bucket::multi::SLOTS;

    #[test]
    fn two_streams_share_a_line_with_the_epoch_and_two_slots() {
        assert_eq!(align_of::<Versions<2, SLOTS>>(), align_of::<CachePadded<u8>>());
        assert!(size_of::<Epoch>() + 2 * size_of::<Slot<2>>() <= 64);
    }
}
