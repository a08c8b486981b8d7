//! Owns the words of several streams and the limits that they are counted in: which limits a
//! version names, and how both change in one step. Never does arithmetic on words.
//!
//! The loop is in `published.rs`, the arithmetic in `decision/`. The orderings are in `epoch.rs`,
//! `words.rs`, `revision_slot.rs` and `claim.rs`.

use core::cell::Cell;
use core::time::Duration;

use crossbeam_utils::CachePadded;

use crate::clock::time::Time;
use crate::clock::wall_time::WallTime;
use crate::decision::awaited::Awaited;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::meter::Meter;
use crate::decision::revision::Revision;
use crate::decision::succession::Succession;
use crate::limit::limit::{Limit, limits_of, starts_of};
use crate::limit::limit_error::LimitError;
use crate::state::epoch::Stamp;
use crate::state::limits_changed::LimitsChanged;
use crate::state::limits_name;
use crate::state::published::{Decision, Miss, Published};
use crate::state::revision_slot::RevisionSlot;
use crate::state::saved_bucket::SavedBucket;
use crate::state::slots::Slots;
use crate::state::snapshot::Snapshot;
use crate::state::store::{Change, Revised, Store};
use crate::state::words::State;
use crate::sync::{Backoff, const_fn, filled};

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

/// Slots for later revisions inside a bucket: the current one and one to come.
const REVISIONS: usize = 2;

/// For up to so many streams, the attempt under later limits is inline, too. For more, it costs
/// calls under the first limits registers.
const INLINE: usize = 2;

/// How often a change reads the clock because calls overtook its reading.
const MOST_READINGS: u32 = 8;

impl<const N: usize, const S: usize> Versions<N, S> {
    pub(crate) fn new(configured: [Limit; N], origin: Time) -> Result<Self, LimitError> {
        Ok(Self::of(limits_of(configured, origin)?, configured))
    }

    const_fn! {
        /// The words of a new bucket with these limits, and what they were configured as.
        pub(crate) const fn of(limits: Limits<N>, configured: [Limit; N]) -> Self {
            let start = State { limits: limits_name::FIRST, spent: limits.start(starts_of(&configured)) };
            let words = CachePadded::new(Published::new(&start));
            let revisions = Slots::new(filled![RevisionSlot::vacant(); REVISIONS]);
            Self { words, limits, configured, revisions, limits_changed: LimitsChanged::new() }
        }
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

    pub(crate) fn limits_changed(&self) -> &LimitsChanged {
        &self.limits_changed
    }

    /// Counts the slots of revisions that are claimed, without that of the current one.
    #[cfg(tollgate_freeze)]
    pub(crate) fn revisions_held(&self) -> usize {
        self.revisions.claimed() - self.see(|| 0, |_, _| 1).1
    }

    /// Claims a slot for one caller; `None` if all are claimed.
    pub(crate) fn check_out(&self) -> Option<usize> {
        self.words.claim()
    }

    /// Gives a slot back that was checked out.
    pub(crate) fn give_back(&self, slot: usize) {
        self.words.retire(Some(slot));
    }

    /// Does what [`Store::update`] does through a slot that the caller has checked out. It is then
    /// another: the one that was current before its last publication.
    #[inline(always)]
    pub(crate) fn update_through<R, E>(
        &self,
        slot: &Cell<usize>,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let mut spare = Some(slot.get());
        let answer = self.update(&mut spare, pause, change, refuse);
        if let Some(left) = spare {
            slot.set(left);
        }
        answer
    }

    /// One version, untorn, and what there is to know of its limits: `first` of the first, `later`
    /// of the others, which is told whether they are paused.
    fn see<V>(&self, first: impl Fn() -> V, later: impl Fn(&RevisionSlot<N>, bool) -> V) -> (State<N>, V, Stamp) {
        self.words.read(|state| match state.limits {
            limits_name::FIRST => Some(first()),
            limits => self.revision_slot(limits).map(|slot| later(slot, limits_name::is_paused(limits))),
        })
    }

    /// The slot of a revision but the first. `None` only for a torn version.
    fn revision_slot(&self, limits: u32) -> Option<&RevisionSlot<N>> {
        self.revisions.get(limits_name::slot(limits)?)
    }

    /// Changes the words to what `change` makes of them and of the limits that they are counted in.
    /// If that is nothing, nothing is published, and `refuse` says what becomes of the call. So it
    /// does during a pause, with the `pause` that is left. The first limits never pause.
    ///
    /// `change` may run many times, and sees words and later limits that may be torn: it must be
    /// total. What it makes of them is never published. `refuse` sees one version. For `spare`, see
    /// [`Published::attempt`].
    ///
    /// One attempt is mostly enough, and the compiler then knows all that is not needed for it. So
    /// the first one is inline.
    #[inline(always)]
    pub(crate) fn update<R, E>(
        &self,
        spare: &mut Option<usize>,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        let attempt = match self.words.begin() {
            Some((seen, state)) if state.limits == limits_name::FIRST => {
                let decision = decide(&state, change(&self.limits, &state.spent), ());
                self.words.conclude(spare, seen, &state, decision, |(), _, state| refuse(&self.limits, &state.spent, 0))
            }
            Some((seen, state)) if N <= INLINE => match self.near_limits(state.limits) {
                Some(limits) => {
                    let decision = decide(&state, change(&limits, &state.spent), ());
                    self.words.conclude(spare, seen, &state, decision, |(), _, state| refuse(&limits, &state.spent, 0))
                }
                None => Err(Miss::OtherLimits),
            },
            Some(_) => Err(Miss::OtherLimits),
            None => Err(Miss::Stale),
        };
        match attempt {
            Ok(answer) => answer,
            Err(miss) => {
                let (left, answer) = self.retry(miss, *spare, pause, change, refuse);
                *spare = left;
                answer
            }
        }
    }

    /// Later limits inside the bucket that are not paused.
    #[inline(always)]
    fn near_limits(&self, limits: u32) -> Option<Limits<N>> {
        let [one, two] = self.revisions.first();
        if limits_name::is_one(limits) {
            Some(one.limits(false))
        } else if limits_name::is_two(limits) {
            Some(two.limits(false))
        } else {
            None
        }
    }

    /// Makes attempts until one has an answer, under whatever limits.
    #[cold]
    #[inline(never)]
    fn retry<R, E>(
        &self,
        mut miss: Miss,
        mut spare: Option<usize>,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> (Option<usize>, Result<R, E>) {
        let mut backoff = Backoff::new();
        loop {
            if miss != Miss::OtherLimits {
                backoff = miss.pause(backoff);
            }
            let attempt = self.words.attempt(
                &mut spare,
                |_, state| {
                    let limits = match state.limits {
                        limits_name::FIRST => self.limits,
                        limits => match self.revision_slot(limits) {
                            Some(slot) => slot.limits(limits_name::is_paused(limits)),
                            None => return Decision::Stale,
                        },
                    };
                    let left = pause(&limits);
                    let changed = if left > 0 { None } else { change(&limits, &state.spent) };
                    decide(state, changed, (limits, left))
                },
                |(limits, left), _, state| refuse(&limits, &state.spent, left),
            );
            match attempt {
                Ok(answer) => return (spare, answer),
                Err(next) => miss = next,
            }
        }
    }

    /// Changes the limits, from a reading of `clock` on.
    pub(crate) fn set_limits(
        &self,
        clock: impl Fn() -> Time,
        configured: [Limit; N],
        inherit: Inherit,
        awaited: impl Fn() -> Awaited<N>,
    ) -> Result<(), LimitError> {
        let limits = limits_of(configured, Time::ZERO)?;
        let starts = starts_of(&configured);
        self.change(clock, &|old, _, now| {
            Some((old.succeeded(&limits, now, inherit).starting_with(starts).with(awaited()), configured))
        })?;
        self.limits_changed.notify();
        Ok(())
    }

    /// Pauses the bucket for so long, from a reading of `clock` on; if it is paused for longer
    /// already, nothing changes.
    ///
    /// It wakes nobody: nobody's turn comes earlier by it, and a sleeper looks again at the
    /// instant of old.
    pub(crate) fn pause_for(&self, clock: impl Fn() -> Time, duration: Duration, awaited: impl Fn() -> Awaited<N>) {
        // The limits stay, so every debt fits.
        let _ = self.change(clock, &|old, configured, now| {
            Some((old.paused(old.instant(now).after(duration), now)?.with(awaited()), *configured))
        });
    }

    /// Ends a pause at a reading of `clock`, if there is one.
    pub(crate) fn resume(&self, clock: impl Fn() -> Time, awaited: impl Fn() -> Awaited<N>) {
        // The limits stay, so every debt fits.
        let _ = self.change(clock, &|old, configured, now| Some((old.resumed(now)?.with(awaited()), *configured)));
        self.limits_changed.notify();
    }

    /// Puts the bucket into a saved state, as it is at this instant of the wall clock.
    pub(crate) fn restore(
        &self,
        clock: impl Fn() -> Time,
        saved: &SavedBucket<N>,
        wall: WallTime,
    ) -> Result<(), LimitError> {
        let aged = saved.aged(wall)?;
        self.change(clock, &|old, configured, now| {
            Some((old.restored(aged.levels(&old.limits, Meter::MOST_KEPT), aged.pause, now), *configured))
        })?;
        self.limits_changed.notify();
        Ok(())
    }

    /// Publishes the limits that `plan` makes of the current ones at a reading of `clock`, and the
    /// words counted in them. If it makes nothing of them, or a debt does not fit, nothing changes.
    ///
    /// A take that publishes meanwhile costs an attempt. So all that does not need the words comes
    /// before the epoch is loaded: the clock, the next limits, both slots. Nothing is claimed while
    /// the clock is read.
    ///
    /// Calls may be published between the reading and the change, on later readings and the old
    /// limits. What they took of what refilled meanwhile would be owed, and a thread may stop here
    /// for an hour. So the clock is read again then: a few times, as others may have clocks that
    /// are ahead.
    #[cold]
    #[inline(never)]
    fn change(&self, clock: impl Fn() -> Time, plan: &Plan<'_, N>) -> Result<(), LimitError> {
        let (mut backoff, mut readings) = (Backoff::new(), 0);
        loop {
            let (before, (old, configured), _) = self.see(
                || (Revision::first(self.limits), self.configured),
                |slot, _| (slot.revision(), slot.configured()),
            );
            readings += 1;
            let Some((succession, configured)) = plan(&old, &configured, clock()) else { return Ok(()) };
            let (mut spare, claimed) = (self.words.claim(), self.revisions.claim());
            let slot = claimed.and_then(|index| Some((index, self.revisions.get(index)?)));
            if let Some((_, slot)) = slot {
                slot.write(succession.revision(), &configured);
            }
            if let Some(index) = spare {
                self.words.warm(index, &before);
            }
            let attempt = self.words.attempt(
                &mut spare,
                |_, state| {
                    let Some((index, slot)) = slot else { return Decision::NoSlot };
                    if !self.is_under(state.limits, before.limits, &old) {
                        return Decision::Stale;
                    }
                    if readings < MOST_READINGS && succession.is_overtaken(&before.spent, &state.spent) {
                        return Decision::Stale;
                    }
                    let (spent, accrued) = match succession.of(&state.spent) {
                        Ok(next) => next,
                        Err((stream, rule)) => {
                            return Decision::Keep(LimitError { stream, limit: configured[stream], rule });
                        }
                    };
                    let revision = succession.revision();
                    if accrued != revision.accrued {
                        slot.write(&Revision { accrued, ..*revision }, &configured);
                    }
                    let limits = limits_name::of(index, revision.limits.is_paused());
                    Decision::Publish(State { limits, spent }, ())
                },
                |error, _, _| error,
            );
            // Left over: the limits that were replaced, unless they were the first; or those that
            // were not needed.
            let left = match attempt {
                Ok(Ok(())) => limits_name::slot(before.limits),
                _ => claimed,
            };
            if let Some(index) = left {
                self.revisions.release(index);
            }
            self.words.retire(spare);
            match attempt {
                Ok(answer) => return answer,
                Err(miss) => backoff = miss.pause(backoff),
            }
        }
    }

    /// Whether a version is under the revision `old`, which had this name when it was current.
    /// Right if the version is one, and as torn as that.
    fn is_under(&self, limits: u32, name: u32, old: &Revision<N>) -> bool {
        // The slot may have been used again meanwhile, for a revision with another number.
        limits == name
            && (name == limits_name::FIRST || self.revision_slot(name).is_some_and(|slot| slot.number() == old.number))
    }
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

impl<const N: usize, const S: usize> Revised<N> for Versions<N, S> {
    /// The publication of a version is a Release, and each attempt begins with an Acquire.
    #[cfg(feature = "std")]
    fn touch(&self, _: Time) {
        let _ = Store::update(self, |_| 0, |_, spent| Some((*spent, ())), |_, _, _| ());
    }

    fn read_revised(&self) -> (Revision<N>, [u64; N]) {
        let (state, revision, _) = self.see(|| Revision::first(self.limits), |slot, _| slot.revision());
        (revision, state.spent)
    }

    /// `change` sees no revision that is torn.
    fn update_revised(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let (mut spare, mut backoff) = (None, Backoff::new());
        loop {
            let attempt = self.words.attempt(
                &mut spare,
                |seen, state| {
                    let revision = match state.limits {
                        limits_name::FIRST => Revision::first(self.limits),
                        limits => match self.revision_slot(limits) {
                            Some(slot) => slot.revision(),
                            None => return Decision::Stale,
                        },
                    };
                    if !self.words.is_current(seen) {
                        return Decision::Stale;
                    }
                    decide(state, change(&revision, &state.spent).map(|spent| (spent, ())), revision)
                },
                |revision, _, state| (revision, state.spent),
            );
            match attempt {
                Ok(answer) => {
                    self.words.retire(spare);
                    return answer;
                }
                Err(miss) => backoff = miss.pause(backoff),
            }
        }
    }
}

/// What follows a revision, and its limits as they were configured, at this instant; nothing if
/// they stay.
type Plan<'p, const N: usize> = dyn Fn(&Revision<N>, &[Limit; N], Time) -> Option<(Succession<N>, [Limit; N])> + 'p;

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
            // Of three slots one is current, so two are free. Of two revisions, at most one is
            // current.
            let claimed = [versions.words.claim(), versions.words.claim()];
            assert!(claimed.iter().all(|slot| slot.is_some_and(|index| index < 3)), "{claimed:?}");
            claimed.into_iter().for_each(|slot| versions.words.retire(slot));
            let revision = versions.revisions.claim().unwrap();
            assert!(revision < REVISIONS, "{revision}");
            versions.revisions.release(revision);
            Time::ZERO
        };
        let limits = limits_of([limit], Time::ZERO).unwrap();
        let take = |limits: &Limits<1>, spent: &[u64; 1]| Some((limits.take(spent, 0, &[1])?, ()));
        versions
            .change(clock, &|old, _, now| {
                // Twice, another change publishes after the reading.
                if lost.replace(lost.get() + 1) < 2 {
                    versions.set_limits(|| Time::ZERO, [limit], Inherit::Keep, || Awaited::NOTHING).unwrap();
                }
                // A take that does so costs no attempt.
                Store::update(&versions, |_| 0, take, |_, _, _| ()).unwrap();
                Some((old.succeeded(&limits, now, Inherit::Keep), [limit]))
            })
            .unwrap();
        assert_eq!((readings.get(), lost.get()), (3, 3));
        assert_eq!(Store::read(&versions, |limits, spent| limits.available(spent, 0)), [7]);
    }
}
