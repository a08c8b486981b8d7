//! Owns the oracle: a bucket of `N` streams for one thread, in whole numbers without limit, with no cleverness.
//!
//! The rules are those of the crate's front page: what accrued is a line, what was spent is a counter, and an amount is granted from all streams or
//! from none. The reading of the clock is part of a call, since any reading is legal, in any order.

use stateright::semantics::SequentialSpec;

/// The clock's reading at construction; readings from before it count as this one.
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
    /// Keeps the place.
    Reserve([u64; N]),
    Charge([u64; N]),
    PutBack([u64; N]),
    Reset([u64; N]),
    Available,
    Snapshot,
    WaitFor([u64; N]),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer<const N: usize> {
    Done,
    /// The stream with the longest wait, and that wait in nanoseconds.
    NotYet(usize, u128),
    /// The first stream that can never hold so much.
    Never(usize),
    Items(u64),
    /// The instant from which what was reserved may be used.
    Place(u128),
    Levels([u64; N]),
    /// Levels, and how many calls had changed the state before.
    Picture([u64; N], u64),
    Wait(u128),
}

/// Amounts are kept in shares, `den` of which are a token, so that a nanosecond is worth `num` of them.
#[derive(Clone, Debug)]
pub struct Naive<const N: usize> {
    streams: [Stream; N],
    spent: [i128; N],
    changes: u64,
}

impl Stream {
    fn shares(&self, tokens: u64) -> i128 {
        i128::from(tokens) * i128::from(self.den)
    }

    fn accrued(&self, now: u64) -> i128 {
        let start = if self.starts_full { self.shares(self.capacity) } else { 0 };
        start + i128::from(self.num) * i128::from(now.saturating_sub(ORIGIN))
    }

    /// What a full bucket has forfeited by now.
    fn floor(&self, now: u64) -> i128 {
        self.accrued(now) - self.shares(self.capacity)
    }
}

impl<const N: usize> Naive<N> {
    pub fn new(streams: [Stream; N]) -> Self {
        Self { streams, spent: [0; N], changes: 0 }
    }

    fn each<T>(&self, f: impl Fn(&Stream, i128, usize) -> T) -> [T; N] {
        std::array::from_fn(|i| f(&self.streams[i], self.spent[i], i))
    }

    fn available(&self, now: u64) -> [u64; N] {
        self.each(|stream, spent, _| {
            let level = stream.accrued(now) - spent.max(stream.floor(now));
            (level.max(0) / i128::from(stream.den)) as u64
        })
    }

    /// Nanoseconds until `n` tokens of each stream are there.
    fn waits(&self, now: u64, n: [u64; N]) -> [u128; N] {
        self.each(|stream, spent, i| {
            let missing = spent.max(stream.floor(now)) + stream.shares(n[i]) - stream.accrued(now);
            if n[i] == 0 { 0 } else { (missing.max(0) as u128).div_ceil(u128::from(stream.num)) }
        })
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

    /// Takes them whether they are there or not.
    fn owe(&mut self, now: u64, n: [u64; N]) {
        self.spent = self.each(
            |stream, spent, i| {
                if n[i] == 0 { spent } else { spent.max(stream.floor(now)) + stream.shares(n[i]) }
            },
        );
    }

    fn call(&mut self, Call { now, verb }: Call<N>) -> Answer<N> {
        match verb {
            Verb::TryTake(n) => match self.never(n) {
                Some(never) => never,
                None if self.take(now, n) => Answer::Done,
                None => {
                    let waits = self.waits(now, n);
                    let longest = (0..N).rev().max_by_key(|&i| waits[i]).unwrap_or(0);
                    Answer::NotYet(longest, waits[longest])
                }
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
                self.spent = self.each(|stream, spent, i| {
                    let lower = spent - stream.shares(n[i].min(stream.capacity));
                    lower.max(spent.min(stream.floor(now)))
                });
                Answer::Done
            }
            Verb::Reset(n) => {
                self.spent = self.each(|stream, _, i| stream.accrued(now) - stream.shares(n[i].min(stream.capacity)));
                Answer::Done
            }
            Verb::Available => Answer::Levels(self.available(now)),
            Verb::Snapshot => Answer::Picture(self.available(now), self.changes),
            Verb::WaitFor(n) => {
                self.never(n).unwrap_or_else(|| Answer::Wait(self.waits(now, n).into_iter().max().unwrap_or(0)))
            }
        }
    }
}

impl<const N: usize> SequentialSpec for Naive<N> {
    type Op = Call<N>;
    type Ret = Answer<N>;

    fn invoke(&mut self, call: &Call<N>) -> Answer<N> {
        let before = self.spent;
        let answer = self.call(*call);
        // A reset is published also where it changes nothing.
        self.changes += u64::from(self.spent != before || matches!(call.verb, Verb::Reset(_)));
        answer
    }
}
