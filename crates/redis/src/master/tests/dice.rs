//! Owns random numbers from a seed (SplitMix64). Never the system's.

use std::time::Duration;

use tollgate::{Limit, Rate};

use crate::master::line::Line;
use crate::master::terms::Terms;

pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Whether one of `of` chances comes.
    pub(super) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// A number of up to so many bits: each length is as likely as any other.
    pub(super) fn of_bits(&mut self, most: u64) -> u64 {
        match self.below(most + 1) {
            0 => 0,
            bits => self.next() >> (64 - bits),
        }
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// A limit that a bucket keeps: small, at the edge of Lua's numbers, or far beyond.
    fn limit(&mut self) -> Limit {
        loop {
            let period = match self.below(4) {
                0 => 1_000_000_000,
                1 => self.one_of(&[1, 1000, 60_000_000_000, 3_600_000_000_000, 86_400_000_000_000]),
                2 => self.of_bits(42).max(1),
                _ => self.one_of(&[1_000_000_007, 999_999_999_989, 86_400_000_000_001, 3_141_592_653_589_793]),
            };
            let tokens = match self.below(8) {
                0 => 0,
                1 => 1,
                2 => 1 << self.below(40),
                _ => self.of_bits(40),
            };
            let (tokens, period) = if self.one_in(8) { self.hair() } else { (tokens, period) };
            let rate = Rate::new(tokens, Duration::from_nanos(period)).expect("a period");
            let capacity = if self.one_in(3) { self.edge(rate) } else { self.of_bits(61).max(1) };
            let limit = Limit::new(rate, capacity);
            if limit.check().is_ok() {
                return limit;
            }
        }
    }

    /// A hair from one token a microsecond: quotients a hair from whole numbers, which doubles
    /// cannot tell from them.
    fn hair(&mut self) -> (u64, u64) {
        let tokens = (u64::MAX / 1000) - self.below(1 << 53);
        (tokens, tokens * 1000 + self.below(3))
    }

    /// The largest capacity that Lua's numbers hold at a rate, or one more.
    fn edge(&mut self, rate: Rate) -> u64 {
        let line = Line::of(Limit::new(rate, 1), Some(0));
        let room = (1_u128 << 53).saturating_sub(line.num) / (2 * u128::from(line.den));
        let most = u64::try_from(room).unwrap_or(u64::MAX >> 3);
        (most.saturating_sub(line.debt) + self.below(2)).max(1)
    }

    pub(super) fn terms<const N: usize>(&mut self, revision: u64) -> Terms<N> {
        let is_native = self.one_in(2);
        let streams: [(Limit, u64); N] = std::array::from_fn(|_| {
            loop {
                let limit = self.limit();
                let set = match self.below(4) {
                    0 => Some(0),
                    1 => Some(self.of_bits(20)),
                    _ => None,
                };
                let line = Line::of(limit, set);
                if line.is_native(0) || !is_native {
                    return (limit, line.debt);
                }
            }
        });
        Terms { revision, limits: streams.map(|(limit, _)| limit), debts: streams.map(|(_, debt)| debt) }
    }

    /// An amount that is needed: seldom more than a capacity.
    pub(super) fn need(&mut self, level: i64, line: &Line) -> u64 {
        let over = u64::from(self.one_in(32));
        self.amount(level, line).min(line.capacity.saturating_add(over))
    }

    /// An amount near what may decide.
    pub(super) fn amount(&mut self, level: i64, line: &Line) -> u64 {
        let level = level.max(0) as u64;
        match self.below(12) {
            0 => line.capacity.saturating_add(self.below(3)).saturating_sub(1),
            1 => level.saturating_add(line.debt).saturating_add(self.below(3)).saturating_sub(1),
            2 => self.of_bits(64),
            3 => u64::MAX,
            4..7 => level.saturating_add(self.below(3)).saturating_sub(1),
            7 => self.below(line.capacity.saturating_add(1)),
            8 => self.below(level.saturating_add(1)),
            _ => self.of_bits(8),
        }
    }

    /// A step of the clock, in microseconds.
    pub(super) fn step(&mut self, fill: u64) -> i64 {
        let step = match self.below(16) {
            0 => 0,
            1 => fill.min(1 << 50),
            2 => fill.min(1 << 50).saturating_sub(1),
            3 => self.below(fill.min(1 << 50)),
            4 => 3_600_000_000,
            5 => self.of_bits(50),
            6 => return -(self.below(2_000_001) as i64),
            7 => return -(2_000_000 + self.below(3) as i64),
            8 if self.one_in(4) => return -(self.of_bits(42) as i64),
            9..12 => self.below(fill.min(1 << 50) / 16 + 1),
            _ => self.of_bits(24),
        };
        step as i64
    }
}
