//! Random plays on a bucket with a line, beside an exact line of thirty obvious lines: the same
//! callers are served, at the same nanosecond.
#![cfg(feature = "std")]

mod common;
mod crowd;

use std::collections::VecDeque;

use common::{Random, nanos};
use crowd::{Alarms, Crowd, GRACE};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Limit, Rate, TokenBucket};

/// A line in exact arithmetic, as the rules have it. Tokens are counted in `1 / period`.
struct Book {
    tokens: i128,
    period: i128,
    capacity: i128,
    spent: i128,
    now: i128,
    line: VecDeque<(usize, i128)>,
    served: Vec<(usize, Time)>,
}

impl Book {
    fn new(limit: Limit) -> Self {
        let (tokens, period) = (limit.rate.tokens().into(), limit.rate.period().as_nanos() as i128);
        let capacity = i128::from(limit.capacity) * period;
        Self { tokens, period, capacity, spent: 0, now: 0, line: VecDeque::new(), served: vec![] }
    }

    fn accrued(&self) -> i128 {
        self.tokens * self.now
    }

    /// What a full bucket has forfeited, if nobody waits.
    fn forfeit(&mut self) {
        if self.line.is_empty() {
            self.spent = self.spent.max(self.accrued() - self.capacity);
        }
    }

    /// Serves the first as soon as its tokens are there, and then the next. While somebody waits,
    /// what accrues in the grace, and a nanosecond, is not forfeited.
    fn run(&mut self, until: u64) {
        while let Some((who, n)) = self.line.front().copied() {
            let ready = (self.spent + n + self.tokens - 1).div_euclid(self.tokens);
            if ready.max(self.now) > until.into() {
                break;
            }
            self.now = ready.max(self.now);
            let ceiling = self.capacity + self.tokens * (GRACE.as_nanos() as i128 + 1);
            self.spent = self.spent.max(self.accrued() - ceiling) + n;
            self.served.push((who, nanos(self.now as u64)));
            self.line.pop_front();
        }
        self.now = until.into();
    }

    fn come(&mut self, who: usize, n: u64) {
        self.forfeit();
        self.line.push_back((who, i128::from(n) * self.period));
    }

    fn try_take(&mut self, n: u64) -> bool {
        let n = i128::from(n) * self.period;
        let spent = self.spent.max(self.accrued() - self.capacity) + n;
        let takes = self.line.is_empty() && spent <= self.accrued();
        if takes {
            self.spent = spent;
        }
        takes
    }

    fn put_back(&mut self, n: u64) {
        let n = i128::from(n) * self.period;
        self.spent = (self.spent - n).max(self.spent.min(self.accrued() - self.capacity));
    }

    fn charge(&mut self, n: u64) {
        self.forfeit();
        self.spent += i128::from(n) * self.period;
    }
}

/// One play; what happened is in `log`.
fn play(seed: u64, limit: Limit, log: &mut Vec<String>) {
    let mut random = Random(seed);
    let clock = ManualClock::new();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
    let (mut crowd, mut book, mut at) = (Crowd::new(&alarms), Book::new(limit), 0);
    let token = (limit.rate.period().as_nanos() as u64).div_ceil(limit.rate.tokens());
    for _ in 0..random.below(40) {
        let gap = [token / 2, 5 * token, 40 * token][random.below(3) as usize];
        let (gap, n) = (random.below(gap), 1 + random.below(limit.capacity));
        at += gap;
        let (what, waiting) = (random.below(12), book.line.len() as u64);
        if what > 1 {
            crowd.run(nanos(at));
            book.run(at);
        }
        match what {
            0 | 1 => {
                log.push(format!("until {at}: everything stands still"));
                clock.set(nanos(at));
                crowd.ring_and_poll(VecDeque::pop_front);
                book.now = at.into();
            }
            2 => {
                log.push(format!("{at}: {n} come back"));
                bucket.put_back(n);
                book.put_back(n);
            }
            3 => {
                log.push(format!("{at}: {n} are charged"));
                bucket.charge(n).unwrap();
                book.charge(n);
            }
            4 => {
                log.push(format!("{at}: try_take({n})"));
                assert_eq!(bucket.try_take(n).is_ok(), book.try_take(n), "{limit}, seed {seed}: {log:#?}");
            }
            5 | 6 if waiting > 0 => {
                if let Some((who, _)) = book.line.remove(random.below(waiting) as usize) {
                    log.push(format!("{at}: {who} hangs up"));
                    crowd.leave(who);
                }
            }
            _ => {
                let who = crowd.come(bucket.take(n, &alarms));
                log.push(format!("{at}: {who} comes for {n}"));
                book.come(who, n);
            }
        }
        crowd.poll();
        book.run(at);
        assert_eq!(crowd.served, book.served, "{limit}, seed {seed}: {log:#?}");
    }
    crowd.run_out();
    book.run(u64::MAX / 4);
    assert_eq!(crowd.served, book.served, "{limit}, seed {seed}: {log:#?}");
    assert_eq!(crowd.waiting(), 0, "{limit}, seed {seed}: {log:#?}");
}

#[test]
fn a_line_serves_whom_an_exact_one_serves_at_the_same_nanosecond() {
    let rates = [Rate::per_second(100), Rate::per_second(7), Rate::per_minute(5), Rate::per_second(50)];
    for seed in 0..5000 {
        let rate = rates[seed as usize % rates.len()];
        let capacity = [1, 2, 5, 20][seed as usize / rates.len() % 4];
        play(seed, Limit::new(rate, capacity).empty(), &mut vec![]);
    }
}
