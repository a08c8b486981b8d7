//! Owns how much of what has come may go on now, and how long the rest waits. Never reads, writes
//! or sleeps.
//!
//! A line is debited when its first byte goes out; a byte, when the write that took it has
//! returned. Nothing is debited before it is written. So a write that blocks for long, or takes a
//! part, leaves the bucket as if it had begun at its end, and the bound holds at the reader:
//!
//! ```text
//! before write m, its tokens are there:    n_m <= C + r * (begin_m - end_1) - n_1 - .. - n_(m-1)
//! so of all that was written:              n_1 + .. + n_m <= C + r * (begin_m - end_1)
//! ```
//!
//! Whatever the instant in a write at which the reader gets its bytes, the first is at most `end_1`
//! and the last at least `begin_m`. A pacer has one owner: nobody takes between a look and a debit.

use std::time::Duration;

use memchr::memchr_iter;
use tollgate::limit::LimitError;
use tollgate::{Clock, Limit, MultiBucket};

use crate::pace::paced_limit::refill;

/// What is waited for together: at most what refills in this time, so that a copy that is short of
/// tokens wakes and writes a thousand times a second at the most.
const TICK: Duration = Duration::from_millis(1);

/// One of the two limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// That of the lines.
    Lines,
    /// That of the bytes.
    Bytes,
}

/// Decides for the stream of lines and that of bytes at once.
///
/// ```
/// use std::time::Duration;
/// use tollgate::Limit;
/// use tollgate::clock::ManualClock;
/// use tollgate_cli::pace::pacer::{Pace, Pacer, Stream};
///
/// let clock = ManualClock::new();
/// let limits = [Limit::per_second(10).capacity(1), Limit::UNLIMITED];
/// let mut pacer = Pacer::new(limits, b'\n', &clock)?;
/// assert_eq!(pacer.next(b"one\ntwo\n"), Pace::Now(4));
/// assert_eq!(pacer.wrote(b"one\n"), 1);
/// assert_eq!(pacer.next(b"two\n"), Pace::After(Duration::from_millis(100), Stream::Lines));
/// clock.advance(Duration::from_millis(100));
/// assert_eq!(pacer.next(b"two\n"), Pace::Now(4));
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Debug)]
pub struct Pacer<C: Clock> {
    bucket: MultiBucket<2, C>,
    /// The most lines and bytes that are waited for together.
    ticks: [u64; 2],
    delimiter: u8,
    /// Whether the last byte that was written ended no line.
    in_line: bool,
}

/// How many bytes may go now, or else when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// So many bytes, at least 1.
    Now(usize),
    /// None; some after this time, for which this stream waits. [`Duration::MAX`]: never.
    After(Duration, Stream),
}

impl<C: Clock> Pacer<C> {
    /// Makes a pacer of the limits of lines and of bytes.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that no bucket keeps.
    pub fn new(limits: [Limit; 2], delimiter: u8, clock: C) -> Result<Self, LimitError> {
        let bucket = MultiBucket::with_clock(limits, clock)?;
        let ticks = limits.map(|limit| refill(limit.rate, TICK).clamp(1, limit.capacity));
        Ok(Self { bucket, ticks, delimiter, in_line: false })
    }

    /// Says how many bytes of `text`, which must not be empty, may be written now.
    ///
    /// Nothing goes before a tick's worth of tokens is there, or enough for the whole text: else a
    /// fast copy would be one of tiny writes. Below 1000 a second, that is one line or one byte.
    pub fn next(&self, text: &[u8]) -> Pace {
        let view = self.bucket.at(self.bucket.clock().now());
        // The rest of a line that has begun needs no token for one, so it counts among a tick's.
        let [lines, bytes] = self.prefix(text, [self.ticks[0] - u64::from(self.in_line), self.ticks[1]]);
        let wait = |amounts| view.wait_for(amounts).expect("a tick is at most the capacity").unwrap_or(Duration::MAX);
        let (for_lines, for_bytes) = (wait([lines, 0]), wait([0, bytes]));
        if for_lines.is_zero() && for_bytes.is_zero() {
            let [_, bytes] = self.prefix(text, view.available());
            return Pace::Now(bytes as usize);
        }
        if for_lines >= for_bytes {
            Pace::After(for_lines, Stream::Lines)
        } else {
            Pace::After(for_bytes, Stream::Bytes)
        }
    }

    /// Debits what was just written, and returns the lines that began in it.
    pub fn wrote(&mut self, text: &[u8]) -> u64 {
        let Some(last) = text.last() else { return 0 };
        let [lines, bytes] = self.prefix(text, [u64::MAX; 2]);
        self.in_line = *last != self.delimiter;
        // It was there before the write, and nobody else takes.
        self.bucket.charge([lines, bytes]).expect("no debt");
        lines
    }

    /// The longest prefix in which at most so many lines begin, of at most so many bytes, as its
    /// lines and its bytes.
    fn prefix(&self, text: &[u8], [most_lines, most_bytes]: [u64; 2]) -> [u64; 2] {
        let text = &text[..text.len().min(usize::try_from(most_bytes).unwrap_or(usize::MAX))];
        let first = u64::from(!self.in_line && !text.is_empty());
        let Some(further) = most_lines.checked_sub(first) else { return [0, 0] };
        // A line begins behind each end of one, but for the last byte.
        let ends = &text[..text.len().saturating_sub(1)];
        if further < ends.len() as u64 {
            if let Some(at) = memchr_iter(self.delimiter, ends).nth(further as usize) {
                return [most_lines, at as u64 + 1];
            }
        }
        [first + memchr_iter(self.delimiter, ends).count() as u64, text.len() as u64]
    }
}
