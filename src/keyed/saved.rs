//! Owns what becomes of a key's saved level; never changes a bucket.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::saving::Level;
use crate::keyed::terms::Terms;
use crate::state::saved::Saved;

impl<const N: usize> Saved<N> {
    /// The words at `now` of a key that had this so long ago.
    pub(crate) fn words(&self, terms: &Terms<N>, now: Time, passed: Duration) -> [u64; N] {
        let limits = terms.limits();
        let (elapsed, debts) = (limits.elapsed(now), terms.most_owed().get());
        let passed = u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX).min(u64::MAX - elapsed);
        core::array::from_fn(|i| {
            let (stream, level): (_, Level) = (&limits.streams[i], self.levels[i]);
            if stream.is_unlimited() {
                return stream.reset(elapsed, 0);
            }
            let accrued = i128::try_from(stream.accrues_within(elapsed, passed)).unwrap_or(i128::MAX / 2);
            let least = -(i128::from(debts[i]) * i128::from(stream.unit())).min(i128::from(i64::MAX));
            let level = (stream.held(level) + accrued).clamp(least, stream.ceiling().into());
            stream.refill.at(elapsed).wrapping_sub(level as u64)
        })
    }
}
