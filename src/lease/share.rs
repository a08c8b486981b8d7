//! Owns how a capacity is parted between a bucket and its stripes. Pure; never an atomic.

use crate::lease::credit_word::CreditWord;
use crate::limit::limit::Limit;

/// What stripes may hold, and the limits of the bucket without it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share<const N: usize> {
    /// Tokens of each stream that one stripe may hold; all 0 if stripes are not worth it.
    pub(crate) chunks: [u64; N],
    pub(crate) limits: [Limit; N],
}

impl<const N: usize> Share<N> {
    /// Stripes hold an eighth of the capacity together.
    const PART: u64 = 8;

    /// With fewer tokens a stripe, a fetch saves too little.
    const LEAST: u64 = 4;

    /// Of these limits, for so many stripes, each of which holds at most `most`.
    pub(crate) fn new(limits: [Limit; N], stripes: usize, most: &[u64; N]) -> Self {
        let stripes = stripes as u64;
        let fair = |i: usize| limits[i].capacity / Self::PART / stripes;
        let chunks: [u64; N] = core::array::from_fn(|i| fair(i).min(most[i]).min(CreditWord::MOST));
        if chunks.iter().any(|chunk| *chunk < Self::LEAST) {
            return Self { chunks: [0; N], limits };
        }
        let carved = core::array::from_fn(|i| {
            let limit = limits[i];
            if limit.is_unlimited() {
                return limit;
            }
            let capacity = limit.capacity - chunks[i] * stripes;
            Limit { capacity, starts_with: limit.starts_with.map(|start| start.min(capacity)), ..limit }
        });
        Self { chunks, limits: carved }
    }

    /// What each of the stripes begins with under these limits, as they are without the carving.
    pub(crate) fn first(&self, limits: &[Limit; N], stripes: usize, stripe: usize) -> [u64; N] {
        let (stripes, stripe) = (stripes as u64, stripe as u64);
        core::array::from_fn(|i| {
            if limits[i].is_unlimited() {
                return self.chunks[i];
            }
            let start = limits[i].starts_with.unwrap_or(u64::MAX).min(limits[i].capacity);
            let rest = start.saturating_sub(self.limits[i].capacity);
            rest / stripes + u64::from(stripe < rest % stripes)
        })
    }

    /// What the stripes may hold together.
    pub(crate) fn total(chunks: &[u64; N], stripes: usize) -> [u64; N] {
        chunks.map(|chunk| chunk * stripes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_and_the_stripes_have_the_capacity_together() {
        for stripes in [1, 2, 8, 64] {
            for capacity in [1, 31, 32, 255, 1000, 4096, 4097, 1 << 20, 1 << 40] {
                for start in [None, Some(0), Some(1), Some(capacity / 2), Some(capacity - 1)] {
                    let limits = [Limit { capacity, starts_with: start, ..Limit::per_second(1000) }];
                    let share = Share::new(limits, stripes, &[u64::MAX]);
                    let [total] = Share::total(&share.chunks, stripes);
                    assert_eq!(share.limits[0].capacity + total, capacity);
                    assert!(total <= capacity / 8 && (total == 0 || share.chunks[0] >= 4));
                    let on = |i| share.first(&limits, stripes, i)[0];
                    assert!((0..stripes).all(|i| on(i) <= share.chunks[0]));
                    let inside = start.unwrap_or(capacity).min(share.limits[0].capacity);
                    let outside = (0..stripes).map(on).sum::<u64>();
                    assert_eq!(inside + outside, start.unwrap_or(capacity), "{capacity} {stripes} {start:?}");
                }
            }
        }
    }

    #[test]
    fn a_stripe_holds_no_more_than_it_was_given() {
        let limits = [Limit::per_second(1 << 20)];
        assert_eq!(Share::new(limits, 4, &[64]).chunks, [64]);
        assert_eq!(Share::new(limits, 4, &[64]).limits[0].capacity, (1 << 20) - 256);
        assert_eq!(Share::new(limits, 4, &[1 << 20]).chunks, [1 << 15]);
        assert_eq!(Share::new(limits, 4, &[3]).chunks, [0]);
    }

    #[test]
    fn one_stream_that_is_too_small_makes_all_plain() {
        let limits = [Limit::per_second(10), Limit::per_second(1 << 20)];
        assert_eq!(Share::new(limits, 2, &[u64::MAX; 2]).chunks, [0, 0]);
        assert_eq!(Share::new(limits, 2, &[u64::MAX; 2]).limits, limits);
        let unlimited = [Limit::UNLIMITED, Limit::per_second(1 << 20)];
        assert_eq!(Share::new(unlimited, 2, &[u64::MAX; 2]).chunks, [CreditWord::MOST, 1 << 16]);
        assert!(Share::new(unlimited, 2, &[u64::MAX; 2]).limits[0].is_unlimited());
    }
}
