//! Owns the line of one key, and what takers of that key see of it. Never takes a lock or reads a
//! clock.

use crate::clock::time::Time;
use crate::keyed::terms::Terms;
use crate::wait::held::Held;
use crate::wait::line::grace::Grace;
use crate::wait::line::queue::Line;

/// The line of a key that somebody waits for. Its shard holds one share of it. So does each caller
/// that waits, or is telling those who wait.
///
/// Shares are made and dropped under the lock of the shard. So a caller whose share is the last but
/// the shard's can take the line away, and nobody comes in between.
#[derive(Debug)]
pub(crate) struct KeyLine<const N: usize> {
    /// The hash of the key: it names the shard.
    pub(crate) hash: u64,
    pub(crate) line: Line<N>,
    pub(crate) held: Held<N>,
}

impl<const N: usize> KeyLine<N> {
    /// A line that others may see when the caller lets its shard go.
    ///
    /// What waiters share is there by then. Made by who enters, it could be missed by a put-back
    /// that sees the line: both hold the shard shared, and that orders nothing between them. Then
    /// it would tell nobody, and the one who enters might read the words as they were before.
    pub(crate) fn new(hash: u64) -> Self {
        let line = Line::new();
        line.shared(Grace::default());
        Self { hash, line, held: Held::new() }
    }

    /// The words as one sees them who comes to take `takes` after those who wait; `None` if they
    /// keep nobody out.
    ///
    /// What those who wait ask for is gone from them, and what is left then is for others only when
    /// those are overdue.
    #[cold]
    #[inline(never)]
    pub(crate) fn behind(&self, terms: &Terms<N>, now: Time, spent: &[u64; N], takes: &[u64; N]) -> Option<[u64; N]> {
        let limits = terms.limits();
        // Nobody is in the way on a stream without a limit.
        let scarce = limits.scarce(takes);
        let (ahead, _) = self.line.ahead(now, scarce)?;
        let (elapsed, ahead, takes) = (limits.elapsed(now), limits.units_capped(&ahead), limits.units_capped(takes));
        Some(core::array::from_fn(|i| {
            let (line, until) = (limits.streams[i].refill, self.line.until(i));
            if scarce[i] == 0 || until <= now {
                return spent[i];
            }
            let accrued = line.at(elapsed);
            let served = i128::from(spent[i].wrapping_sub(accrued) as i64) + i128::from(ahead[i]);
            let gained = line.at_wide(limits.elapsed(until)).saturating_sub(line.at_wide(elapsed));
            let overdue = gained.clamp(1, FAR) as i128 - i128::from(takes[i]);
            accrued.wrapping_add(served.max(overdue).min(FAR as i128) as i64 as u64)
        }))
    }
}

/// No words lie further ahead than this.
const FAR: u128 = 1 << 61;
