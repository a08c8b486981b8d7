//! Owns the exact model of the engine: one limit, in fractions, as the rules say it. Never a
//! script's way of computing it.
//!
//! Times are in microseconds of the engine's clock. Levels are exact fractions of a token.

#![allow(dead_code, reason = "each test uses its part")]

use std::collections::BTreeMap;

use num_bigint::BigInt;
use num_rational::BigRational;

/// What stands for "no wait helps" and "never full": 2^53 - 1 microseconds.
pub(crate) const FOREVER: u64 = (1 << 53) - 1;
/// A state that missed more changes of limits than this counts as the lowest.
pub(crate) const REVISIONS_KEPT: u64 = 8;

/// The limit of one stream: `tokens` every `period` nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Line {
    pub(crate) tokens: u64,
    pub(crate) period: u64,
    pub(crate) capacity: u64,
    /// How far reservations go below zero. Nothing is reserved where nothing accrues.
    pub(crate) debt: u64,
}

impl Line {
    /// Tokens a microsecond.
    fn rate(&self) -> BigRational {
        BigRational::new(BigInt::from(self.tokens) * 1000, BigInt::from(self.period))
    }

    fn full(&self) -> BigRational {
        whole(self.capacity)
    }

    fn lowest(&self) -> BigRational {
        -whole(self.debt)
    }

    /// Microseconds until `missing` tokens have accrued, rounded up.
    fn time_of(&self, missing: &BigRational) -> u64 {
        if *missing <= whole(0) {
            return 0;
        }
        if self.tokens == 0 {
            return FOREVER;
        }
        u64::try_from((missing / self.rate()).ceil().to_integer()).map_or(FOREVER, |time| time.min(FOREVER))
    }

    /// Microseconds from the lowest to full.
    fn fill(&self) -> u64 {
        self.time_of(&(self.full() - self.lowest()))
    }
}

/// What one trip asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Asked<const N: usize> {
    pub(crate) need: [u64; N],
    pub(crate) want: [u64; N],
    pub(crate) back: [u64; N],
    pub(crate) reserve: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Said<const N: usize> {
    /// Granted, to be used after so many microseconds.
    Granted {
        tokens: [u64; N],
        after: u64,
    },
    /// `FOREVER` if no wait helps.
    NotYet {
        stream: usize,
        wait: u64,
    },
    Never {
        stream: usize,
    },
}

/// What the engine says, and what it keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Reply<const N: usize> {
    pub(crate) epoch: u64,
    pub(crate) said: Said<N>,
    /// Whole tokens, rounded down.
    pub(crate) level: [i64; N],
    /// What the state's time to live has become, in milliseconds. `Some(0)`: it is absent, as it is
    /// full. `None`: nothing was written.
    pub(crate) written: Option<u64>,
}

/// Levels at an instant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct State<const N: usize> {
    pub(crate) epoch: u64,
    pub(crate) time: u64,
    pub(crate) level: [BigRational; N],
    /// Changes of limits since an ask last met it.
    missed: u64,
}

impl<const N: usize> State<N> {
    /// The levels at `now`.
    fn at(&self, lines: &[Line; N], now: u64) -> [BigRational; N] {
        let passed = whole(now.saturating_sub(self.time));
        std::array::from_fn(|i| (&self.level[i] + lines[i].rate() * &passed).min(lines[i].full()))
    }

    /// Counted in `new` from `now` on: nothing that accrued is lost but what a smaller capacity
    /// cuts off and what the new unit rounds off. A debt survives, also beyond the new lowest.
    fn translated(&self, old: &[Line; N], new: &[Line; N], now: u64) -> Self {
        let level = self.at(old, now);
        let level = std::array::from_fn(|i| {
            let unit = new[i].rate().denom().clone();
            BigRational::new((&level[i] * &unit).floor().to_integer(), unit).min(new[i].full())
        });
        Self { epoch: self.epoch, time: self.time.max(now), level, missed: self.missed + 1 }
    }

    /// After a step back of the clock by more than the tolerance the state counts from `now`.
    fn anchored(&mut self, now: u64, tolerance: u64) -> bool {
        let steps = self.time > now + tolerance;
        if steps {
            self.time = now;
        }
        steps
    }
}

/// What is agreed on, and what an absent state counts as.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Head<const N: usize> {
    fence: u64,
    revision: u64,
    lines: [Line; N],
    /// An absent state, and one of another epoch.
    absent: State<N>,
    /// A line that no state is below, if a change of limits may have left debts beyond the lowest.
    low: Option<State<N>>,
}

impl<const N: usize> Head<N> {
    fn lowest_at(&self, now: u64) -> [BigRational; N] {
        let low = self.low.as_ref().map(|low| low.at(&self.lines, now));
        std::array::from_fn(|i| {
            let lowest = self.lines[i].lowest();
            low.as_ref().map_or(lowest.clone(), |low| lowest.min(low[i].clone()))
        })
    }
}

impl<const N: usize> Head<N> {
    /// Milliseconds for which a state of these levels, counted from `now + ahead`, is not what an
    /// absent one counts as.
    fn lives(&self, level: &[BigRational; N], ahead: u64, now: u64) -> u64 {
        let full = (0..N).map(|i| self.lines[i].time_of(&(self.lines[i].full() - &level[i]))).max().unwrap_or(0);
        let full = if full > 0 { full + ahead } else { 0 };
        let fill = self.lines.iter().map(Line::fill).max().unwrap_or(0);
        let young = (self.absent.time + fill).saturating_sub(now);
        full.max(young).min(FOREVER).div_ceil(1000)
    }
}

/// The engine: a head and the states of its keys.
#[derive(Clone, Debug)]
pub(crate) struct Master<const N: usize> {
    /// The identity of the server that answers. `promote` changes it.
    pub(crate) fence: u64,
    /// Whether a changed fence is looked at. A test switches it off to see what it is for.
    pub(crate) fenced: bool,
    /// A clock may step back so far without a new anchor, in microseconds.
    pub(crate) tolerance: u64,
    head: Option<Head<N>>,
    states: BTreeMap<u64, State<N>>,
}

impl<const N: usize> Master<N> {
    /// An engine that holds nothing.
    pub(crate) fn new(fence: u64) -> Self {
        Self { fence, fenced: true, tolerance: 2_000_000, head: None, states: BTreeMap::new() }
    }

    /// Makes a head that starts from the lowest, unless there is one. `epoch` is the last one that
    /// the caller knows of. Returns the epoch.
    pub(crate) fn join(&mut self, now: u64, epoch: u64, revision: u64, lines: [Line; N]) -> u64 {
        self.open(now, epoch, revision, lines, lines.map(|line| line.lowest()))
    }

    /// Makes a head that starts with `start` tokens. Returns `None` if there is one.
    pub(crate) fn create(
        &mut self,
        now: u64,
        epoch: u64,
        revision: u64,
        lines: [Line; N],
        start: [u64; N],
    ) -> Option<u64> {
        if self.head.is_some() {
            return None;
        }
        Some(self.open(now, epoch, revision, lines, start.map(whole)))
    }

    fn open(&mut self, now: u64, epoch: u64, revision: u64, lines: [Line; N], level: [BigRational; N]) -> u64 {
        if self.head.is_none() {
            let absent = State { epoch: now.max(epoch + 1), time: now, level, missed: 0 };
            self.head = Some(Head { fence: self.fence, revision, lines, absent, low: None });
        }
        self.mend(now).map_or(0, |head| head.absent.epoch)
    }

    /// The terms: their revision and the limits.
    pub(crate) fn terms(&self) -> Option<(u64, [Line; N])> {
        self.head.as_ref().map(|head| (head.revision, head.lines))
    }

    /// What an ask looks at first: whether this is still the server that the head was written by,
    /// and whether its clock has stepped back.
    fn mend(&mut self, now: u64) -> Option<&Head<N>> {
        let head = self.head.as_mut()?;
        if self.fenced && head.fence != self.fence {
            head.fence = self.fence;
            head.low.iter_mut().for_each(|low| _ = low.anchored(now, self.tolerance));
            head.absent =
                State { epoch: now.max(head.absent.epoch + 1), time: now, level: head.lowest_at(now), missed: 0 };
        }
        if head.absent.anchored(now, self.tolerance) {
            head.low.iter_mut().for_each(|low| _ = low.anchored(now, self.tolerance));
        }
        Some(head)
    }

    /// Answers an ask of a bucket. `None`: there is no head.
    pub(crate) fn ask(&mut self, now: u64, asked: &Asked<N>) -> Option<Reply<N>> {
        self.ask_key(now, 0, asked)
    }

    /// Answers an ask of a key.
    pub(crate) fn ask_key(&mut self, now: u64, key: u64, asked: &Asked<N>) -> Option<Reply<N>> {
        let tolerance = self.tolerance;
        let head = self.mend(now)?.clone();
        let (lines, epoch) = (head.lines, head.absent.epoch);
        let mut state = match self.states.get_mut(&key) {
            Some(state) if state.epoch == epoch => {
                // An ask that meets a state of earlier limits has it rewritten.
                if state.missed > REVISIONS_KEPT {
                    (state.time, state.level) = (now, head.lowest_at(now));
                }
                state.missed = 0;
                state.clone()
            }
            _ => head.absent.clone(),
        };
        let mut writes = state.anchored(now, tolerance);
        let ahead = state.time.saturating_sub(now);

        let mut level = state.at(&lines, now);
        for i in 0..N {
            writes |= asked.back[i] > 0;
            level[i] = (&level[i] + whole(asked.back[i])).min(lines[i].full());
        }
        // What may be spent down to: the lowest, or zero.
        let least = lines.map(|line| if asked.reserve { line.lowest() } else { whole(0) });
        let said = if let Some(stream) = (0..N).find(|&i| asked.need[i] > lines[i].capacity) {
            Said::Never { stream }
        } else {
            let waits: [u64; N] = std::array::from_fn(|i| {
                let missing = whole(asked.need[i]) + &least[i] - &level[i];
                // What is not asked for need not be there.
                if asked.need[i] == 0 { 0 } else { lines[i].time_of(&missing) }
            });
            let longest = (0..N).rev().max_by_key(|&i| waits[i]).unwrap_or(0);
            if waits[longest] > 0 {
                Said::NotYet { stream: longest, wait: (waits[longest] + ahead).min(FOREVER) }
            } else {
                let tokens = std::array::from_fn(|i| {
                    let most = (&level[i] - &least[i]).floor().to_integer();
                    asked.need[i].max(asked.want[i].min(u64::try_from(most).unwrap_or(0)))
                });
                for i in 0..N {
                    writes |= tokens[i] > 0;
                    level[i] -= whole(tokens[i]);
                }
                let paid = (0..N).map(|i| if tokens[i] > 0 { lines[i].time_of(&-&level[i]) } else { 0 });
                let after = paid.max().unwrap_or(0);
                let after = if after > 0 { (after + ahead).min(FOREVER) } else { 0 };
                Said::Granted { tokens, after }
            }
        };
        let tokens = std::array::from_fn(|i| {
            i64::try_from(level[i].floor().to_integer()).expect("a level of at most a capacity")
        });
        let mut written = None;
        if writes {
            let lives = head.lives(&level, ahead, now);
            written = Some(lives);
            if lives == 0 {
                self.states.remove(&key);
            } else {
                self.states.insert(key, State { epoch, time: state.time.max(now), level, missed: 0 });
            }
        }
        Some(Reply { epoch, said, level: tokens, written })
    }

    /// Changes the limits, if `revision` is the present one. States are counted in the new ones
    /// from `now` on.
    pub(crate) fn set_limits(&mut self, now: u64, revision: u64, new: [Line; N]) -> bool {
        self.change(now, revision, revision + 1, new)
    }

    /// The same, by a process that knows of changes that the engine has lost.
    pub(crate) fn change(&mut self, now: u64, revision: u64, to: u64, new: [Line; N]) -> bool {
        if self.mend(now).is_none_or(|head| head.revision != revision) {
            return false;
        }
        let Some(head) = self.head.as_mut() else { return false };
        let (old, level) = (head.lines, head.lowest_at(now));
        let time = head.low.as_ref().map_or(now, |low| low.time.max(now));
        let low = State { epoch: 0, time, level, missed: 0 }.translated(&old, &new, now);
        head.low = (0..N).any(|i| low.level[i] < new[i].lowest()).then_some(low);
        head.absent = State { missed: 0, ..head.absent.translated(&old, &new, now) };
        (head.lines, head.revision) = (new, to);
        for state in self.states.values_mut() {
            *state = state.translated(&old, &new, now);
        }
        true
    }

    /// How long a state of earlier limits lives once it is rewritten in the present ones, in
    /// milliseconds.
    pub(crate) fn rewritten(&mut self, now: u64, key: u64) -> Option<u64> {
        let head = self.mend(now)?.clone();
        let state = self.states.get(&key).filter(|state| state.missed > 0 && state.epoch == head.absent.epoch)?;
        let (time, level) = if state.missed > REVISIONS_KEPT {
            (now, head.lowest_at(now))
        } else {
            (state.time, state.at(&head.lines, now))
        };
        Some(head.lives(&level, time.saturating_sub(now), now))
    }

    /// The time to live of a key's state has passed.
    pub(crate) fn expire(&mut self, key: u64) {
        self.states.remove(&key);
    }

    /// The engine forgets everything, as an empty restart or FLUSHALL does.
    pub(crate) fn lose_state(&mut self) {
        self.head = None;
        self.states.clear();
    }

    /// Another server answers, with what `self` held when the copy was made.
    pub(crate) fn promote(&mut self, fence: u64) {
        self.fence = fence;
    }
}

fn whole(number: u64) -> BigRational {
    BigRational::from_integer(BigInt::from(number))
}
