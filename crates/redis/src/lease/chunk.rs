//! Owns the tokens of one grant. Never knows how many of them are used.

use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use super::share::accrued;

/// The tokens of one grant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Chunk<const N: usize> {
    pub(super) tokens: [u64; N],
    /// The epoch of the engine that granted them.
    pub(super) epoch: u64,
    /// From when on they may be used.
    pub(super) ready: Time,
    /// From when on they may not be used any more.
    pub(super) deadline: Time,
}

/// A slice is not ready earlier than this after the one before it.
const SLICE: Duration = Duration::from_millis(10);
const MOST_SLICES: u32 = 8;

/// Divides a grant, all of which is paid `after` the answer, into slices that are paid earlier.
///
/// Tokens are paid one by one, at the rate. A time `x` before all of a stream's are paid, no more
/// are owed than accrue in `x`; so the others may be used then.
pub(super) fn slices<const N: usize>(
    tokens: [u64; N],
    after: Duration,
    limits: [Limit; N],
) -> impl Iterator<Item = ([u64; N], Duration)> {
    let count = (after.as_nanos() / SLICE.as_nanos()).clamp(0, u128::from(MOST_SLICES)) as u32;
    let mut paid = [0; N];
    (0..=count).filter_map(move |slice| {
        // The last is the whole.
        let early = if count == 0 { Duration::ZERO } else { after * (count - slice) / count };
        let next: [u64; N] = std::array::from_fn(|i| match early.is_zero() {
            true => tokens[i],
            false => tokens[i].saturating_sub(accrued(limits[i].rate, early).saturating_add(1)).max(paid[i]),
        });
        let slice = std::array::from_fn(|i| next[i] - paid[i]);
        paid = next;
        (slice != [0; N]).then_some((slice, after.saturating_sub(early)))
    })
}
