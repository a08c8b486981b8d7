//! Owns how much is paid at a time. Pure; never a bucket.
//!
//! | size | default | why |
//! |---|---|---|
//! | chunk | what refills in 20 ms, from 1 KiB to 1 MiB, at most the capacity | the most a payer holds |
//! | piece | half a chunk | passes at once; what accrues while a sleeper is late fits beside it |
//! | wait | what refills in 10 ms of the short stream, at most a piece | one sleep for small buffers |

use crate::decision::limits::Limits;
use crate::decision::meter::Meter;

/// How many bytes are paid at a time by one limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sizes {
    /// Bytes that pass at once, at most.
    pub(crate) piece: u64,
    /// Bytes that are fetched ahead at once, at most.
    pub(crate) ahead: u64,
    /// Bytes that one wait pays for, at least. Once a stream was short, it is by that one.
    pub(crate) wait: u64,
}

/// How long a default piece takes to refill, in nanoseconds.
const PIECE: u64 = 10_000_000;
const LEAST: u64 = 1 << 10;
const MOST: u64 = 1 << 20;

impl Sizes {
    /// The sizes for limits of which a byte takes `per_byte`, with a chunk that the caller chose.
    pub(crate) fn new<const N: usize>(limits: &Limits<N>, per_byte: &[u64; N], chosen: Option<u64>) -> Self {
        let (mut capacity, mut refill) = (u64::MAX, u64::MAX);
        for (stream, each) in limits.streams.iter().zip(per_byte).filter(|(_, each)| **each > 0) {
            capacity = capacity.min(stream.capacity() / each);
            refill = refill.min(accrues(stream, *each));
        }
        let chunk = chosen.unwrap_or_else(|| refill.saturating_mul(2).clamp(LEAST, MOST)).clamp(1, capacity.max(1));
        let piece = chunk.div_ceil(2);
        Self { piece, ahead: chunk - piece, wait: refill.clamp(1, piece) }
    }
}

/// How many bytes accrue in the time of a default piece, of which each takes so much of the stream.
pub(crate) fn accrues(stream: &Meter, each: u64) -> u64 {
    let accrued = stream.accrues_within(0, PIECE).checked_div(u128::from(stream.unit()) * u128::from(each));
    accrued.map_or(u64::MAX, |bytes| u64::try_from(bytes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::time::Time;
    use crate::limit::limit::{Limit, limits_of};

    fn sizes<const N: usize>(texts: [&str; N], per_byte: [u64; N], chunk: Option<u64>) -> (u64, u64, u64) {
        let limits = limits_of(texts.map(|text| text.parse::<Limit>().unwrap()), Time::ZERO).unwrap();
        let Sizes { piece, ahead, wait } = Sizes::new(&limits, &per_byte, chunk);
        (piece, ahead, wait)
    }

    #[test]
    fn a_piece_is_what_refills_in_ten_milliseconds_and_at_most_half_a_capacity() {
        assert_eq!(sizes(["1000000/s"], [1], None), (10_000, 10_000, 10_000));
        assert_eq!(sizes(["1000000/s capacity 7001"], [1], None), (3501, 3500, 3501));
        assert_eq!(sizes(["1GiB/s"], [1], None), (512 << 10, 512 << 10, 512 << 10));
        assert_eq!(sizes(["100/s capacity 4000"], [1], None), (512, 512, 1));
        assert_eq!(sizes(["100/s"], [1], None), (50, 50, 1));
        assert_eq!(sizes(["5/day"], [1], None), (3, 2, 1));
        assert_eq!(sizes(["1/day"], [1], None), (1, 0, 1));
        assert_eq!(sizes(["0/s capacity 4000"], [1], None), (512, 512, 1));
        assert_eq!(sizes(["unlimited"], [1], None), (512 << 10, 512 << 10, 512 << 10));
    }

    #[test]
    fn the_scarcest_stream_counts_by_what_a_byte_takes_of_it() {
        assert_eq!(sizes(["1000000/s", "1000/s"], [1, 0], None), (10_000, 10_000, 10_000));
        assert_eq!(sizes(["1000000/s", "10000000/s"], [1, 100], None), (1000, 1000, 1000));
        assert_eq!(sizes(["1000000/s capacity 900", "1000000/s"], [2, 1], None), (225, 225, 225));
        assert_eq!(sizes(["1/s"], [0], None), (512 << 10, 512 << 10, 512 << 10));
        // A byte that never fits is asked for, and refused.
        assert_eq!(sizes(["10/s"], [11], None), (1, 0, 1));
    }

    #[test]
    fn a_chosen_chunk_is_at_most_the_capacity_and_at_least_a_byte() {
        assert_eq!(sizes(["1000000/s"], [1], Some(100)), (50, 50, 50));
        assert_eq!(sizes(["1000000/s"], [1], Some(u64::MAX)), (500_000, 500_000, 10_000));
        assert_eq!(sizes(["1000000/s"], [1], Some(0)), (1, 0, 1));
        assert_eq!(sizes(["unlimited"], [1], Some(u64::MAX)).0, 1 << 63);
    }
}
