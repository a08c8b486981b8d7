//! Owns the plan of a run: who comes, when, and what happens meanwhile.

use crate::limit::limit::Limit;
use crate::wait::line::tests::feature::Feature::*;
use crate::wait::line::tests::random::{Caller, Event, FOREVER, Run, State};

impl<const N: usize> Run<N> {
    pub(super) fn post(&mut self, at: u64, event: Event<N>) {
        let at = self.stalls.iter().fold(at, |at, (from, to)| if (*from..*to).contains(&at) { *to } else { at });
        self.posted += 1;
        let shuffle = if self.has(Stall) { self.random.next() } else { 0 };
        self.events.push(core::cmp::Reverse((at, shuffle, self.posted, event)));
    }

    fn amounts(&mut self, oversized: bool, capacities: &[u64; N]) -> [u64; N] {
        loop {
            let mut amounts = [0; N];
            for i in 0..N {
                amounts[i] = match N > 1 && self.random.percent(35) {
                    true => 0,
                    false if oversized => capacities[i] + self.random.range(1, 15),
                    false => self.random.range(1, capacities[i]),
                };
            }
            if amounts != [0; N] {
                return amounts;
            }
        }
    }

    /// Posts what happens.
    pub(super) fn plan(&mut self, limits: [Limit; N]) {
        // The time of about sixty tokens.
        let token = limits.map(|limit| limit.rate.reduced()).iter().map(|(num, den)| den.div_ceil(*num)).max().unwrap();
        let end = 60 * token;
        if self.has(Stall) {
            for _ in 0..2 {
                let from = self.random.range(0, end);
                let to = from + token * self.random.range(5, 20);
                self.stalls.push((from, to));
            }
            self.stalls.sort_unstable();
        }
        let capacities = limits.map(|limit| limit.capacity);
        for _ in 0..self.random.range(10, 50) {
            let at = self.random.range(0, end);
            match self.random.range(0, 99) {
                0..30 if self.has(Takers) => {
                    let amounts = self.amounts(false, &capacities);
                    let look = self.has(Inside) && self.random.percent(50);
                    let later = self.random.range(1, 5);
                    self.post(at, if look { Event::Look(amounts, later) } else { Event::Take(amounts) });
                }
                0..86 => self.plan_caller(at, token, &capacities),
                86..91 if self.has(PutBack) => {
                    let amounts = self.amounts(false, &capacities);
                    self.post(at, Event::PutBack(amounts));
                }
                91..94 if self.has(Charge) => {
                    let amounts = self.amounts(false, &capacities);
                    self.post(at, Event::Charge(amounts));
                }
                94..97 if self.has(Limits) => {
                    let change = core::array::from_fn(|_| {
                        let (tokens, nanos) = self.random.of(&[(0, 1), (1, 10), (1, 3), (1, 1), (2, 7)]);
                        (tokens, nanos, self.random.of(&[1, 3, 8]))
                    });
                    self.post(at, Event::Change(change, 0));
                }
                97.. if self.has(Pause) => {
                    let change = limits.map(|limit| {
                        let (num, den) = limit.rate.reduced();
                        (num, den, limit.capacity)
                    });
                    let pause = token * self.random.range(1, 10);
                    self.post(at, Event::Change(change, pause));
                }
                _ => {}
            }
        }
        if self.has(Limits) {
            // A rate of 0 ends.
            self.post(5 * end, Event::Change([(1, 1, 8); N], 0));
        }
    }

    fn plan_caller(&mut self, at: u64, token: u64, capacities: &[u64; N]) {
        let oversized = self.has(Oversized) && self.random.percent(20);
        let amounts = self.amounts(oversized, capacities);
        let mut caller = Caller {
            amounts,
            came: at,
            deadline: FOREVER,
            reserved: self.has(Reserve) && self.random.percent(30),
            deaf_until: 0,
            state: State::New,
            promise: None,
            first: None,
            ended: 0,
            armed: FOREVER,
            moved: false,
            excused: false,
        };
        if self.has(Deadline) && self.random.percent(70) && !caller.reserved {
            caller.deadline = at + token * self.random.range(0, 30);
        }
        if self.has(Deaf) && self.random.percent(25) {
            let for_good = self.random.percent(50);
            caller.deaf_until = if for_good { FOREVER } else { at + token * self.random.range(1, 40) };
        }
        let who = self.callers.len();
        self.callers.push(caller);
        self.post(at, Event::Enter(who));
        if self.has(Leave) && self.random.percent(40) {
            let later = at + token * self.random.range(0, 30) / 2;
            self.post(later, Event::Leave(who));
        }
        if self.has(Stray) {
            for _ in 0..2 {
                let later = at + token * self.random.range(0, 30);
                self.post(later, Event::Poll(who, FOREVER));
            }
        }
    }
}
