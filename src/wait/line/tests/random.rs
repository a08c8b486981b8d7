//! Owns the random runs: callers of every kind, and the guarantees that hold for all of them.
//!
//! Time is in single nanoseconds and a token takes about ten of them, so every edge is hit often.

use std::collections::BinaryHeap;
use std::format;
use std::string::String;
use std::vec::Vec;

use crate::wait::line::moment::NEVER;
use crate::wait::line::tests::feature::Feature::*;
use crate::wait::line::tests::feature::{ALL, Feature, Random};
use crate::wait::line::tests::world::{Answer, World, limit, t};

pub(super) const FOREVER: u64 = u64::MAX;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Event<const N: usize> {
    Take([u64; N]),
    /// Reads `until`, and takes so much later.
    Look([u64; N], u64),
    Taken([u64; N], u64, [u64; N]),
    Enter(usize),
    Leave(usize),
    /// With the timer that it is for; `FOREVER` for a wake.
    Poll(usize, u64),
    PutBack([u64; N]),
    Charge([u64; N]),
    Change([(u64, u64, u64); N], u64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum State {
    New,
    In,
    Served,
    Refused,
    Left,
    Firm,
}

/// A caller that waits.
#[derive(Clone, Debug)]
pub(super) struct Caller<const N: usize> {
    pub(super) amounts: [u64; N],
    pub(super) came: u64,
    pub(super) deadline: u64,
    pub(super) reserved: bool,
    /// It is not polled before then.
    pub(super) deaf_until: u64,
    pub(super) state: State,
    pub(super) promise: Option<u64>,
    /// When it first was first.
    pub(super) first: Option<u64>,
    pub(super) ended: u64,
    pub(super) armed: u64,
    /// It was passed over, and entered anew.
    pub(super) moved: bool,
    /// Limits, charges or one that was deaf made it later.
    pub(super) excused: bool,
}

pub(super) struct Run<const N: usize> {
    pub(super) world: World<N>,
    pub(super) random: Random,
    pub(super) features: Vec<Feature>,
    pub(super) callers: Vec<Caller<N>>,
    pub(super) events: BinaryHeap<core::cmp::Reverse<(u64, u64, u64, Event<N>)>>,
    pub(super) posted: u64,
    pub(super) stalls: Vec<(u64, u64)>,
    pub(super) broken: Vec<String>,
    pub(super) polls: u64,
}

impl<const N: usize> Run<N> {
    pub(super) fn new(seed: u64, only: Option<&[Feature]>) -> Self {
        let mut random = Random(seed);
        let features: Vec<_> = match only {
            Some(only) => only.to_vec(),
            None => ALL.into_iter().filter(|_| random.percent(50)).collect(),
        };
        let late = random.of(&[0, 1, 3, 10, 40]);
        let has = |feature| features.contains(&feature);
        let limits = core::array::from_fn(|_| {
            let (tokens, nanos) = random.of(&[(1, 1), (1, 10), (1, 7), (3, 10), (2, 5)]);
            let (tokens, nanos) = if has(Inexact) && random.percent(50) { (11, 30) } else { (tokens, nanos) };
            let limit = limit(tokens, nanos, random.of(&[1, 1, 2, 5, 10]));
            if random.percent(50) { limit } else { limit.empty() }
        });
        let mut world = World::new(limits, late);
        world.lose_every = if has(Lost) { 3 } else { 0 };
        let mut run = Self {
            world,
            random,
            features,
            callers: Vec::new(),
            events: BinaryHeap::new(),
            posted: 0,
            stalls: Vec::new(),
            broken: Vec::new(),
            polls: 0,
        };
        run.plan(limits);
        run
    }

    pub(super) fn has(&self, feature: Feature) -> bool {
        self.features.contains(&feature)
    }

    fn breaks(&mut self, what: String) {
        self.broken.push(what);
    }

    pub(super) fn run(&mut self) {
        let mut steps = 0;
        while let Some(core::cmp::Reverse((now, _, _, event))) = self.events.pop() {
            steps += 1;
            if steps > 3000 {
                self.breaks(format!("spins at {now}"));
                return;
            }
            let read = if self.has(Stale) { now.saturating_sub(self.random.of(&[0, 0, 1, 3])) } else { now };
            self.happen(now, read, event);
            if core::mem::take(&mut self.world.forfeited) && (self.has(Deaf) || self.has(Late)) {
                // Somebody was waited for: those behind lose what overflowed.
                self.excuse();
            }
            let error = self.world.error(now);
            if error > 0 {
                self.breaks(format!("at {now} {event:?} leaves words that are {error} off: {:?}", self.world));
                return;
            }
            self.nobody_sleeps_too_long(now, read);
            self.wake(now);
        }
        self.check();
    }

    fn happen(&mut self, now: u64, read: u64, event: Event<N>) {
        match event {
            Event::Take(amounts) => self.take(now, read, amounts),
            Event::Look(amounts, later) => {
                let until = self.world.until.map(|until| until.as_nanos());
                self.post(now + later, Event::Taken(amounts, read, until));
            }
            Event::Taken(amounts, read, until) => {
                self.world.take_seeing(read, amounts, until.map(t));
            }
            Event::Enter(who) => self.enter(now, read, who),
            Event::Leave(who) => {
                if matches!(self.callers[who].state, State::In | State::Firm) {
                    let used = self.world.firm.get(&(who as u32 + 1)).is_some_and(|(ready, _)| *ready <= read);
                    self.world.leave(read, who as u32 + 1);
                    self.callers[who].state = if used { State::Firm } else { State::Left };
                }
            }
            Event::Poll(who, timer) => self.poll(now, read, who, timer),
            Event::PutBack(amounts) => self.world.put_back(read, amounts),
            Event::Charge(amounts) => {
                self.world.charge(read, amounts);
                self.excuse();
            }
            Event::Change(change, pause) => {
                for (ready, amounts) in self.world.firm.clone().values() {
                    // A firm reservation keeps its instant, whatever the new limits are.
                    if *ready > read {
                        self.world.extra.extend((0..N).map(|i| (*ready, i, amounts[i])));
                        self.world.extra.extend((0..N).map(|i| (read, i, amounts[i])));
                    }
                }
                let limits = change.map(|(tokens, nanos, capacity)| limit(tokens, nanos, capacity));
                self.world.change(now, limits, (pause > 0).then_some(pause));
                self.excuse();
            }
        }
    }

    fn excuse(&mut self) {
        for caller in self.callers.iter_mut().filter(|caller| caller.state == State::In) {
            caller.excused = true;
        }
    }

    fn take(&mut self, now: u64, read: u64, amounts: [u64; N]) {
        let exact = ![Late, Stall, Stale].iter().any(|feature| self.has(*feature));
        if !self.world.try_take(read, amounts) || !exact {
            return;
        }
        for (who, caller) in self.callers.iter().enumerate() {
            let shares = (0..N).any(|i| amounts[i] > 0 && caller.amounts[i] > 0);
            let listens = caller.state == State::In && caller.deaf_until == 0 && caller.armed < FOREVER;
            if shares && listens && caller.came < now && !caller.reserved {
                self.broken.push(format!("a taker overtakes {who} at {now}"));
                return;
            }
        }
    }

    fn enter(&mut self, now: u64, read: u64, who: usize) {
        let Caller { amounts, deadline, reserved, .. } = self.callers[who];
        let answer = self.world.enter(read, who as u32 + 1, amounts, deadline, reserved);
        self.answered(now, read, who, answer, true);
        if let (Answer::Sleeps(at), None) = (answer, self.callers[who].promise) {
            self.callers[who].promise = Some(at);
        }
    }

    fn poll(&mut self, now: u64, read: u64, who: usize, timer: u64) {
        let caller = &self.callers[who];
        if caller.state != State::In || timer != FOREVER && caller.armed != timer {
            return;
        }
        if now < caller.deaf_until {
            if caller.deaf_until < FOREVER {
                self.post(caller.deaf_until, Event::Poll(who, timer));
            }
            return;
        }
        self.polls += 1;
        let was_deaf = caller.deaf_until > 0;
        match self.world.visit(read, who as u32 + 1) {
            Some(answer) => {
                self.answered(now, read, who, answer, false);
                if was_deaf && matches!(answer, Answer::Served | Answer::Firm(_)) {
                    // Somebody was waited for: those behind lose what overflowed.
                    self.excuse();
                }
            }
            None => {
                self.callers[who].moved = true;
                self.enter(now, read, who);
            }
        }
    }

    fn answered(&mut self, now: u64, read: u64, who: usize, answer: Answer, entered: bool) {
        let caller = &mut self.callers[who];
        caller.ended = read;
        match answer {
            Answer::Served => {
                caller.state = State::Served;
                caller.first = caller.first.or(Some(now));
            }
            Answer::Refused | Answer::Closed => caller.state = State::Refused,
            Answer::Firm(at) => (caller.state, caller.ended) = (State::Firm, at),
            Answer::Sleeps(at) => {
                caller.state = State::In;
                if at <= read && !entered {
                    self.broken.push(format!("{who} is to sleep until {at} at {now}"));
                }
                self.arm(now, who, at);
            }
        }
    }

    fn arm(&mut self, now: u64, who: usize, at: u64) {
        self.callers[who].armed = at;
        if at < NEVER.as_nanos() {
            let late = self.lateness(60);
            self.post(at.max(now + u64::from(at < now)) + late, Event::Poll(who, at));
        }
    }

    fn lateness(&mut self, chance: u64) -> u64 {
        let late = self.world.grace.late;
        if self.has(Late) && self.random.percent(chance) { self.random.range(0, late) } else { 0 }
    }

    /// Those whom the line woke are polled.
    fn wake(&mut self, now: u64) {
        while let Some(who) = self.world.woken.pop() {
            let late = self.lateness(100);
            self.post(now + late, Event::Poll(who as usize - 1, FOREVER));
            if let Some((ready, _)) = self.world.firm.get(&who) {
                let caller = &mut self.callers[who as usize - 1];
                if caller.state == State::In {
                    (caller.state, caller.ended) = (State::Firm, *ready);
                }
            }
        }
    }

    /// A waiter that is first never sleeps past the instant at which the words serve it.
    fn nobody_sleeps_too_long(&mut self, now: u64, read: u64) {
        let moment = self.world.moment(read);
        for i in 0..N {
            let roster = &self.world.line.roster;
            let Some(head) = roster.head(i) else { continue };
            if !roster.is_first(head) {
                continue;
            }
            let entry = roster.get(head);
            let at = moment.instant(&entry.ask.amounts);
            let sure = !self.has(Stale) && !self.has(Stall);
            if sure && at < entry.timer.min(entry.ask.deadline) && entry.timer > t(now + 1) {
                let timer = entry.timer;
                self.broken.push(format!("the first sleeps until {timer:?} instead of {at:?}, at {now}"));
            }
            let who =
                self.world.tickets.iter().find(|(_, ticket)| ticket.index == head && roster.find(**ticket).is_some());
            let who = *who.expect("a caller").0 as usize - 1;
            let caller = &mut self.callers[who];
            caller.first = caller.first.or(Some(now));
        }
    }
}

/// Runs, and the first that breaks a guarantee.
pub(super) fn runs<const N: usize>(seeds: core::ops::Range<u64>, only: Option<&[Feature]>) -> (usize, u64, usize) {
    let (mut wakes, mut polls, mut served) = (0, 0, 0);
    let mut failed = Vec::new();
    for seed in seeds.clone() {
        let mut run = Run::<N>::new(seed, only);
        run.run();
        wakes += run.world.wakes;
        polls += run.polls;
        served += run.callers.iter().filter(|one| one.state == State::Served && one.promise.is_some()).count();
        if let Some(what) = run.broken.first() {
            failed.push(format!("N = {N}, seed {seed}, {:?}, grace {:?}: {what}", run.features, run.world.grace));
        }
    }
    failed.sort_by_key(String::len);
    assert!(
        failed.is_empty(),
        "{} of {seeds:?} runs break a guarantee; the shortest:\n{}",
        failed.len(),
        failed[..failed.len().min(4)].join("\n")
    );
    (wakes, polls, served)
}

/// Runs where the build is optimized, for each one where it is not.
const TIMES: u64 = if cfg!(debug_assertions) { 1 } else { 10 };

#[test]
fn every_guarantee_holds_for_one_stream() {
    runs::<1>(0..3000 * TIMES, None);
}

#[test]
fn every_guarantee_holds_for_two_streams() {
    runs::<2>(0..2000 * TIMES, None);
}

#[test]
fn every_guarantee_holds_for_three_streams() {
    runs::<3>(0..500 * TIMES, None);
}

/// Few features at a time: the guarantees are judged more strictly.
#[test]
fn every_guarantee_holds_for_each_pair_of_features() {
    for (index, one) in ALL.into_iter().enumerate() {
        for other in ALL.into_iter().skip(index + 1) {
            runs::<1>(0..40, Some(&[one, other]));
            runs::<2>(0..20, Some(&[one, other]));
        }
    }
}
