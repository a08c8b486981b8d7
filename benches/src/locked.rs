//! Owns the plain exact bucket of two streams: two counters in a mutex, at a time that the caller
//! supplies or on the default clock.

use parking_lot::Mutex;
use tollgate::Clock;
use tollgate::clock::DefaultClock;

use crate::ticks::Ticks;
use crate::{Contestant, EACH, FAST, Limiter, ROOM, amounts};

#[derive(Debug)]
pub struct Locked {
    /// Units spent of each stream, counted like its refill.
    spent: Mutex<[i64; 2]>,
    lines: [Line; 2],
}

/// The refill, as in tollgate: `slope` units a nanosecond, `unit` units a token.
#[derive(Clone, Copy, Debug)]
struct Line {
    slope: i64,
    unit: i64,
    capacity: u64,
}

impl Line {
    fn take(&self, spent: i64, now: u64, n: u64) -> Option<i64> {
        if n > self.capacity {
            return None;
        }
        let accrued = self.slope * now as i64;
        let next = spent.max(accrued - self.capacity as i64 * self.unit) + n as i64 * self.unit;
        (next <= accrued).then_some(next)
    }
}

impl Locked {
    fn new(line: Line, tokens: [u64; 2]) -> Self {
        Self { spent: Mutex::new(tokens.map(|tokens| -(tokens as i64 * line.unit))), lines: [line; 2] }
    }
}

impl Contestant for Locked {
    type Own<'a> = Ticks;

    fn own(&self) -> Ticks {
        Ticks::begin()
    }

    #[inline(always)]
    fn decide(&self, ticks: &mut Ticks) -> bool {
        self.take(ticks.nanos(), amounts())
    }
}

impl Locked {
    #[inline(always)]
    fn take(&self, now: u64, [first, second]: [u64; 2]) -> bool {
        let mut spent = self.spent.lock();
        let next = [self.lines[0].take(spent[0], now, first), self.lines[1].take(spent[1], now, second)];
        let [Some(first), Some(second)] = next else { return false };
        *spent = [first, second];
        true
    }
}

impl Limiter for Locked {
    fn granting() -> Self {
        let capacity = 1 << 60;
        Self::new(Line { slope: i64::from(FAST) / 1_000_000_000, unit: 1, capacity }, [capacity; 2])
    }

    fn holding(takes: u32) -> Self {
        let hour = 3_600_000_000_000;
        let tokens = [EACH[0], EACH[1]].map(|each| u64::from(takes * each));
        Self::new(Line { slope: 1, unit: hour, capacity: ROOM.into() }, tokens)
    }
}

/// The same on the default clock, which is read before the lock is taken.
#[derive(Debug)]
pub struct LockedOnClock(Locked, DefaultClock);

impl Contestant for LockedOnClock {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.take(self.1.now().as_nanos(), amounts())
    }
}

impl Limiter for LockedOnClock {
    fn granting() -> Self {
        Self(Locked::granting(), DefaultClock::default())
    }

    fn holding(takes: u32) -> Self {
        Self(Locked::holding(takes), DefaultClock::default())
    }
}
