//! Owns the oracle: a plain bucket of `N` streams for one thread, in wide whole numbers. It never
//! rounds.
//!
//! The rules are those of the crate's front page. Accrued tokens are a linear function of time,
//! spent tokens are a counter, and an amount is granted from all streams or from none. The reading
//! of the clock is part of a call, since any reading is legal, in any order.

use std::time::Duration;

use stateright::semantics::SequentialSpec;

/// The clock's reading at construction; earlier readings count as this one.
pub const ORIGIN: u64 = 100;

/// A stream of `num / den` tokens a nanosecond.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stream {
    pub num: u64,
    pub den: u64,
    pub capacity: u64,
    pub starts_full: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Call<const N: usize> {
    pub now: u64,
    pub verb: Verb<N>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb<const N: usize> {
    TryTake([u64; N]),
    TakeUpTo(u64, [u64; N]),
    /// Reserves, and keeps the place.
    Reserve([u64; N]),
    Charge([u64; N]),
    PutBack([u64; N]),
    Reset([u64; N]),
    Available,
    Snapshot,
    WaitFor([u64; N]),
    /// Reserves, and is answered without the instant.
    ///
    /// The instant is read separately, and the limits may change in between.
    Hold([u64; N]),
    SetLimits([Stream; N], Kept),
    /// Pauses; `None` until it is resumed.
    Pause(Option<u64>),
    Resume,
}

/// What a level becomes when the limits change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    Tokens,
    Proportion,
    TokensAndMore,
    Nothing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer<const N: usize> {
    Done,
    /// Refused: the stream with the longest wait, and that wait in nanoseconds.
    NotYet(usize, u128),
    /// Refused: the first stream whose capacity is below the request.
    Never(usize),
    Items(u64),
    /// The instant from which the reserved tokens may be used.
    Place(u128),
    Levels([u64; N]),
    /// Levels, and the number of earlier changes.
    Picture([u64; N], u64),
    Wait(u128),
}

/// The oracle's state.
///
/// Amounts are in shares: a token is `den` shares, and `num` shares accrue a nanosecond.
#[derive(Clone, Debug)]
pub struct Naive<const N: usize> {
    streams: [Stream; N],
    /// The largest capacity of each, since the construction or a change that kept nothing.
    highest: [u64; N],
    spent: [i128; N],
    changes: u64,
    /// The instant from which the limits count: their last change, or a pause's end.
    origin: u64,
    /// The instant of the last change: no later one is before it.
    changed: u64,
    pause: Option<Pause>,
}

/// A pause, which lasts until the origin of the limits.
///
/// It is kept after its end until they change: for a stale reading it has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Pause;

/// The end of a pause without an end.
const NEVER: u64 = u64::MAX;

/// The wait for the end of such a pause.
const FOREVER: u128 = Duration::MAX.as_nanos();

impl Stream {
    fn shares(&self, tokens: u64) -> i128 {
        i128::from(tokens) * i128::from(self.den)
    }

    fn ceiling(&self) -> i128 {
        self.shares(self.capacity)
    }

    fn start(&self) -> i128 {
        if self.starts_full { self.ceiling() } else { 0 }
    }

    /// Returns the shares accrued `elapsed` nanoseconds after the limits began to count.
    fn accrued(&self, elapsed: u64) -> i128 {
        self.start() + i128::from(self.num) * i128::from(elapsed)
    }

    /// Returns the shares that a full bucket has forfeited by then.
    fn floor(&self, elapsed: u64) -> i128 {
        self.accrued(elapsed) - self.ceiling()
    }

    /// Translates a level of `old` into shares of this. It adds no more than the capacity has above
    /// `highest`.
    fn inherits(&self, old: &Self, highest: u64, level: i128, kept: Kept) -> i128 {
        let more = self.shares(self.capacity.saturating_sub(highest));
        // Rounded down, a debt away from nothing.
        let same = (level * i128::from(self.den)).div_euclid(i128::from(old.den));
        let level = match kept {
            Kept::Nothing => self.start(),
            Kept::Tokens => same,
            Kept::Proportion if level < 0 => same,
            Kept::Proportion => (level * self.ceiling() / old.ceiling()).min(same + more),
            Kept::TokensAndMore => same + more,
        };
        level.min(self.ceiling())
    }
}

impl<const N: usize> Naive<N> {
    pub fn new(streams: [Stream; N]) -> Self {
        let highest = streams.map(|stream| stream.capacity);
        Self { streams, highest, spent: [0; N], changes: 0, origin: ORIGIN, changed: ORIGIN, pause: None }
    }

    fn each<T>(&self, f: impl Fn(&Stream, i128, usize) -> T) -> [T; N] {
        std::array::from_fn(|i| f(&self.streams[i], self.spent[i], i))
    }

    /// Returns the nanoseconds since the limits count; 0 before.
    fn elapsed(&self, now: u64) -> u64 {
        now.saturating_sub(self.origin)
    }

    /// Returns the nanoseconds to the end of a pause.
    fn pause_left(&self, now: u64) -> u64 {
        match self.pause {
            Some(_) if self.origin == NEVER => NEVER,
            Some(_) => self.origin.saturating_sub(now),
            None => 0,
        }
    }

    fn paused(&self, now: u64) -> bool {
        self.pause_left(now) > 0
    }

    /// Changes the limits from `origin` on, and translates the levels.
    ///
    /// The old levels are those of `elapsed` nanoseconds after the old limits began to count.
    fn change(&mut self, streams: [Stream; N], elapsed: u64, origin: u64, pause: Option<Pause>, kept: Kept) {
        self.spent = self.each(|old, spent, i| {
            let level = old.accrued(elapsed) - spent.max(old.floor(elapsed));
            streams[i].start() - streams[i].inherits(old, self.highest[i], level, kept)
        });
        self.highest = std::array::from_fn(|i| match kept {
            Kept::Nothing => streams[i].capacity,
            _ => self.highest[i].max(streams[i].capacity),
        });
        (self.streams, self.origin, self.pause) = (streams, origin, pause);
        self.changes += 1;
    }

    fn available(&self, now: u64) -> [u64; N] {
        if self.paused(now) {
            return [0; N];
        }
        let elapsed = self.elapsed(now);
        self.each(|stream, spent, _| {
            let level = stream.accrued(elapsed) - spent.max(stream.floor(elapsed));
            (level.max(0) / i128::from(stream.den)) as u64
        })
    }

    /// Returns the nanoseconds until `n` tokens of each stream are available.
    fn waits(&self, now: u64, n: [u64; N]) -> [u128; N] {
        let elapsed = self.elapsed(now);
        // A request for no tokens does not wait for the end of a pause.
        let pause = if n == [0; N] { 0 } else { self.pause_left(now) };
        self.each(|stream, spent, i| {
            let missing = spent.max(stream.floor(elapsed)) + stream.shares(n[i]) - stream.accrued(elapsed);
            let wait = if n[i] == 0 { 0 } else { (missing.max(0) as u128).div_ceil(u128::from(stream.num)) };
            if pause == NEVER { FOREVER } else { wait + u128::from(pause) }
        })
    }

    /// Returns the refusal that tells the wait.
    fn not_yet(&self, now: u64, n: [u64; N]) -> Answer<N> {
        let waits = self.waits(now, n);
        let longest = (0..N).rev().max_by_key(|&i| waits[i]).unwrap_or(0);
        Answer::NotYet(longest, waits[longest])
    }

    fn never(&self, n: [u64; N]) -> Option<Answer<N>> {
        (0..N).find(|&i| n[i] > self.streams[i].capacity).map(Answer::Never)
    }

    fn take(&mut self, now: u64, n: [u64; N]) -> bool {
        let fits = self.waits(now, n) == [0; N];
        if fits {
            self.owe(now, n);
        }
        fits
    }

    /// Takes the amounts unconditionally; may go into debt.
    fn owe(&mut self, now: u64, n: [u64; N]) {
        let elapsed = self.elapsed(now);
        self.spent = self.each(
            |stream, spent, i| {
                if n[i] == 0 { spent } else { spent.max(stream.floor(elapsed)) + stream.shares(n[i]) }
            },
        );
    }

    fn call(&mut self, Call { now, verb }: Call<N>) -> Answer<N> {
        match verb {
            Verb::TryTake(n) => match self.never(n) {
                Some(never) => never,
                None if self.take(now, n) => Answer::Done,
                None => self.not_yet(now, n),
            },
            Verb::TakeUpTo(most, each) => {
                let items = (0..=most).rev().find(|items| self.take(now, each.map(|n| n * items)));
                Answer::Items(items.expect("none always fits"))
            }
            Verb::Reserve(n) => self.never(n).unwrap_or_else(|| {
                let wait = self.waits(now, n).into_iter().max().unwrap_or(0);
                self.owe(now, n);
                Answer::Place(u128::from(now.max(ORIGIN)) + wait)
            }),
            Verb::Charge(n) => {
                self.owe(now, n);
                Answer::Done
            }
            Verb::PutBack(n) => {
                let elapsed = self.elapsed(now);
                self.spent = self.each(|stream, spent, i| {
                    let lower = spent - stream.shares(n[i]);
                    lower.max(spent.min(stream.floor(elapsed)))
                });
                Answer::Done
            }
            Verb::Reset(n) => {
                let elapsed = self.elapsed(now);
                self.spent =
                    self.each(|stream, _, i| stream.accrued(elapsed) - stream.shares(n[i].min(stream.capacity)));
                Answer::Done
            }
            Verb::Available => Answer::Levels(self.available(now)),
            Verb::Snapshot => Answer::Picture(self.available(now), self.changes),
            Verb::WaitFor(n) => {
                self.never(n).unwrap_or_else(|| Answer::Wait(self.waits(now, n).into_iter().max().unwrap_or(0)))
            }
            Verb::Hold(n) => match self.never(n) {
                Some(never) => never,
                // In a pause without an end, only a reservation of no tokens is granted.
                None if n != [0; N] && self.pause_left(now) == NEVER => self.not_yet(now, n),
                None => {
                    self.owe(now, n);
                    Answer::Done
                }
            },
            // A reading before the last change counts as the instant of that change.
            Verb::SetLimits(streams, kept) => {
                let pause = self.pause.filter(|_| self.paused(now));
                self.change(streams, self.elapsed(now), now.max(self.origin), pause, kept);
                self.changed = now.max(self.changed);
                Answer::Done
            }
            Verb::Pause(length) => {
                let instant = now.max(self.changed);
                let until = length.map_or(NEVER, |length| instant + length);
                // Not if it has ended, or lies within another pause.
                if until > now.max(self.origin) {
                    self.change(self.streams, self.elapsed(now), until, Some(Pause), Kept::Tokens);
                    self.changed = instant;
                }
                Answer::Done
            }
            Verb::Resume => {
                if self.paused(now) {
                    self.changed = now.max(self.changed);
                    self.change(self.streams, 0, self.changed, None, Kept::Tokens);
                }
                Answer::Done
            }
        }
    }
}

impl<const N: usize> SequentialSpec for Naive<N> {
    type Op = Call<N>;
    type Ret = Answer<N>;

    fn invoke(&mut self, call: &Call<N>) -> Answer<N> {
        let (before, changes) = (self.spent, self.changes);
        let answer = self.call(*call);
        // A reset is published even if it changes nothing. A change of limits has counted itself.
        let changed = self.changes == changes && (self.spent != before || matches!(call.verb, Verb::Reset(_)));
        self.changes += u64::from(changed);
        answer
    }
}
