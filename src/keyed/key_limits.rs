//! Owns the limits of one tier of keys, and how they change: which terms are current, and the loop
//! that publishes the next. The arithmetic is in `terms.rs`.
//!
//! It is the protocol of `state/multi.rs`, without words: terms lie in slots that are claimed,
//! written, and published by the epoch. Nobody waits for a change, nor one change for another. Keys
//! are not touched: a call looks at the epoch, and reads the words of its key in the terms that it
//! names.

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::keyed::terms::{self, Terms};
use crate::keyed::terms_slot::TermsSlot;
use crate::limit::limit::{Limit, LimitError, limits_of};
use crate::state::epoch::{Epoch, Stamp};
use crate::state::limits_changed::LimitsChanged;
use crate::state::slots::Slots;
use crate::sync::Backoff;

/// The limits of a tier. While they are the first ones, the whole of it is only ever read.
pub(crate) struct KeyLimits<const N: usize> {
    epoch: Epoch,
    first: Limits<N>,
    /// The first limits as they were configured.
    configured: [Limit; N],
    /// All terms but the first: those of index 1 are in slot 0.
    later: Slots<TermsSlot<N>, 0>,
    limits_changed: LimitsChanged,
}

/// The index of the limits that a tier is built with. They stay where they are, in plain memory,
/// and no others get this index.
const FIRST: usize = 0;

impl<const N: usize> KeyLimits<N> {
    pub(crate) fn new(configured: [Limit; N], origin: Time) -> Result<Self, LimitError> {
        let first = limits_of(configured, origin)?;
        Ok(Self { epoch: Epoch::new(), first, configured, later: Slots::new(), limits_changed: LimitsChanged::new() })
    }

    /// The instant from which the first limits hold.
    pub(crate) fn origin(&self) -> Time {
        self.first.origin
    }

    /// The first limits, if they are still in force.
    #[inline]
    pub(crate) fn first(&self) -> Option<&Limits<N>> {
        (self.epoch.load().index() == FIRST).then_some(&self.first)
    }

    /// The limits in force.
    #[cold]
    pub(crate) fn terms(&self) -> Terms<N> {
        self.read(|| Terms::first(self.first), TermsSlot::terms)
    }

    /// The same as they were configured.
    pub(crate) fn configured(&self) -> [Limit; N] {
        self.read(|| self.configured, TermsSlot::configured)
    }

    fn read<V>(&self, first: impl Fn() -> V, later: impl Fn(&TermsSlot<N>) -> V) -> V {
        loop {
            if let Some(value) = self.read_at(self.epoch.load(), &first, &later) {
                return value;
            }
        }
    }

    /// What the slot that `seen` names says, if `seen` is still current afterwards.
    fn read_at<V>(&self, seen: Stamp, first: impl Fn() -> V, later: impl Fn(&TermsSlot<N>) -> V) -> Option<V> {
        let value = match seen.index() {
            FIRST => first(),
            index => later(self.later.get(index - 1)?),
        };
        self.epoch.validate(seen).then_some(value)
    }

    /// Whether these could be the limits of this tier.
    pub(crate) fn check(&self, configured: &[Limit; N]) -> Result<(), LimitError> {
        terms::in_units_of(&self.first, configured).map(|_| ())
    }

    /// Puts the tier under other limits, from a reading of `clock` on.
    ///
    /// The epoch is loaded before the clock is read, in every attempt: so a change that was
    /// published before is of a reading that is no later, if the clock is one for all threads.
    /// Nothing is claimed while the clock is read.
    #[cold]
    pub(crate) fn change(&self, clock: impl Fn() -> Time, configured: [Limit; N]) -> Result<(), LimitError> {
        let streams = terms::in_units_of(&self.first, &configured)?;
        let backoff = Backoff::new();
        loop {
            let seen = self.epoch.load();
            let now = clock();
            let Some(old) = self.read_at(seen, || Terms::first(self.first), TermsSlot::terms) else {
                backoff.spin();
                continue;
            };
            let claimed = self.later.claim();
            if let Some((index, slot)) = claimed.and_then(|index| Some((index + 1, self.later.get(index)?))) {
                slot.write(&old.next(&streams, now), &configured);
                if index < Stamp::SLOTS && self.epoch.publish(seen, index) {
                    self.retire(seen.index().checked_sub(1));
                    self.limits_changed.notify();
                    return Ok(());
                }
                backoff.spin();
            } else {
                backoff.snooze();
            }
            self.retire(claimed);
        }
    }

    pub(crate) fn limits_changed(&self) -> &LimitsChanged {
        &self.limits_changed
    }

    /// Gives back a slot.
    fn retire(&self, slot: Option<usize>) {
        if let Some(index) = slot {
            self.later.release(index);
        }
    }
}
