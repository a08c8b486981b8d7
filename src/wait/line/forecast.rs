//! Owns the forecast: when the entries of a line are served if all come in time. Pure.

use crate::clock::time::Time;
use crate::wait::line::entry::{Aim, Ask};
use crate::wait::line::grace::Grace;
use crate::wait::line::moment::{Moment, NEVER};

/// What the entries that were folded in leave of each stream.
///
/// Entries are folded in, in the order of arrival. While the first entry of a stream waits for
/// another stream, this one may overflow; so a sum of amounts would be too early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Forecast<const N: usize> {
    /// The place of the word after the last entry.
    pub(crate) place: [i128; N],
    /// When the last entry is served; nobody behind it is served earlier.
    pub(crate) last: [Time; N],
}

impl<const N: usize> Forecast<N> {
    /// Of no entries.
    pub(crate) fn new(moment: &Moment<'_, N>) -> Self {
        Self { place: core::array::from_fn(|i| moment.place(i)), last: [moment.now; N] }
    }

    /// When `amounts` are served after what was folded in.
    pub(crate) fn instant(&self, moment: &Moment<'_, N>, amounts: &[u64; N]) -> Time {
        let used = (0..N).filter(|i| amounts[*i] > 0);
        let ready = used.map(|i| {
            let reached = moment.when(i, self.place[i] + moment.units(i, amounts[i]));
            reached.max(self.last[i])
        });
        ready.max().unwrap_or(moment.now)
    }

    /// When an entry that is served at `at` is out of the line: a reservation is as soon as it is
    /// first, since it becomes a debt.
    pub(crate) fn out(&self, moment: &Moment<'_, N>, ask: &Ask<N>, at: Time) -> Time {
        if ask.aim != Aim::Reserve {
            return at;
        }
        let last = (0..N).filter(|i| ask.amounts[*i] > 0).map(|i| self.last[i]);
        last.max().unwrap_or(moment.now).max(moment.now)
    }

    /// Folds in an entry that is served at `at`.
    pub(crate) fn fold(&mut self, moment: &Moment<'_, N>, amounts: &[u64; N], at: Time, grace: &Grace) {
        for i in (0..N).filter(|i| amounts[*i] > 0) {
            let units = moment.units(i, amounts[i]);
            if at < NEVER {
                let cut = moment.gained(i, at) - moment.ceiling(i, units, grace);
                self.place[i] = self.place[i].max(cut);
            }
            self.place[i] += units;
            self.last[i] = at;
        }
    }
}
