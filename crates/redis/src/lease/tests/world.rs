//! Owns processes, an engine and a network, in virtual time. Never depends on real time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use super::audit::Audit;
use super::engine::{Engine, period, terms};
use super::process::{Load, Process};
use super::random::Random;
use crate::lease::settings::Settings;
use crate::lease::step::{Failure, Step};
use crate::master::answer::{Answer, Verdict};
use crate::master::ask::Ask;

/// What happens at an instant.
#[derive(Clone, Debug)]
pub(super) enum Event<const N: usize> {
    Work { process: usize, turn: u64 },
    Step { process: usize, turn: u64 },
    Arrive { process: usize, trip: u64, ask: Ask<N>, forced: bool },
    Reply { process: usize, trip: u64, answer: Answer<N>, back: [u64; N] },
    Unanswered { process: usize, trip: u64, failure: Failure },
    Do(Deed<N>),
}

/// What somebody does to the world.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed<const N: usize> {
    Join([u64; N], Load),
    Load(usize, Load),
    Suspend(usize, Duration),
    Kill(usize),
    Engine(Fault),
    Limits([Limit; N]),
}

/// What happens to the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fault {
    /// It refuses connections.
    Down,
    Up,
    /// It stops, and answers later what reached it.
    Stop(Duration),
    LoseAll,
    FailOver,
}

#[derive(Debug)]
pub(super) struct World<const N: usize> {
    pub(super) now: Time,
    pub(super) engine: Engine<N>,
    pub(super) processes: Vec<Process<N>>,
    pub(super) audits: [Audit; N],
    pub(super) random: Random,
    /// Lost requests, and lost replies, in a million.
    pub(super) loses: u64,
    pub(super) timeout: Duration,
    pub(super) settings: Settings,
    pub(super) replicates_every: Duration,
    /// How late a process wakes at most: at an instant that it named, and when a taker wakes it.
    pub(super) late: Duration,
    is_down: bool,
    stopped_until: Time,
    replicated: Time,
    /// Grants whose answers nobody heard.
    pub(super) unheard: [u64; N],
    /// Returns that reached the engine, of trips that nobody heard of.
    pub(super) returned_unheard: [u64; N],
    events: BinaryHeap<Reverse<(Time, u64)>>,
    queue: std::collections::HashMap<u64, Event<N>>,
    order: u64,
}

impl<const N: usize> World<N> {
    pub(super) fn new(seed: u64, limits: [Limit; N]) -> Self {
        let settings = Settings::default();
        Self {
            now: Time::ZERO,
            engine: Engine::new(terms(1, limits)),
            processes: Vec::new(),
            audits: limits.map(|limit| Audit::new(limit, settings.term)),
            random: Random::new(seed),
            loses: 0,
            timeout: Duration::from_millis(200),
            settings,
            replicates_every: Duration::from_millis(20),
            late: Duration::from_millis(3),
            is_down: false,
            stopped_until: Time::ZERO,
            replicated: Time::ZERO,
            unheard: [0; N],
            returned_unheard: [0; N],
            events: BinaryHeap::new(),
            queue: std::collections::HashMap::new(),
            order: 0,
        }
    }

    pub(super) fn join(&mut self, amounts: [u64; N], load: Load) -> usize {
        let process = Process::new(self.engine.terms(), self.settings, self.now, amounts);
        self.processes.push(process);
        let p = self.processes.len() - 1;
        self.step_at(p, self.now);
        self.load(p, load);
        p
    }

    pub(super) fn at(&mut self, at: Duration, deed: Deed<N>) {
        self.push(Time::ZERO.after(at), Event::Do(deed));
    }

    pub(super) fn run_for(&mut self, time: Duration) {
        self.run_until(self.now.after(time));
    }

    pub(super) fn run_until(&mut self, end: Time) {
        while let Some(Reverse((at, key))) = self.events.peek().copied() {
            if at > end {
                break;
            }
            self.events.pop();
            let event = self.queue.remove(&key).expect("every key has its event");
            self.now = self.now.max(at);
            if self.now.since(self.replicated) >= self.replicates_every {
                self.replicated = self.now;
                self.engine.advance(self.now);
                self.engine.replicate();
            }
            self.happen(event);
        }
        self.now = end;
        self.engine.advance(end);
    }

    fn push(&mut self, at: Time, event: Event<N>) {
        self.order += 1;
        self.queue.insert(self.order, event);
        self.events.push(Reverse((at, self.order)));
    }

    /// A process's own events wait while it is suspended, in their order.
    fn is_put_off(&mut self, p: usize, event: &Event<N>) -> bool {
        let until = self.processes[p].suspended_until;
        if until > self.now {
            self.push(until, event.clone());
        }
        until > self.now
    }

    fn happen(&mut self, event: Event<N>) {
        match event {
            Event::Do(deed) => self.deed(deed),
            Event::Arrive { process, trip, ask, forced } => self.arrive(process, trip, ask, forced),
            Event::Work { process: p, turn } => {
                if self.processes[p].is_alive && self.processes[p].work == turn && !self.is_put_off(p, &event) {
                    self.work(p);
                }
            }
            Event::Step { process: p, turn } => {
                if self.processes[p].is_alive && self.processes[p].steps == turn && !self.is_put_off(p, &event) {
                    self.step(p);
                }
            }
            Event::Reply { process: p, trip, answer, back } => {
                if self.is_put_off(p, &event) {
                    return;
                }
                match self.processes[p].flight.filter(|flight| flight.0 == trip && self.processes[p].is_alive) {
                    None => self.note_unheard(&answer, back),
                    Some((_, sent, _)) => {
                        let process = &mut self.processes[p];
                        process.flight = None;
                        process.holder.answered(&process.pool, sent, self.now, answer);
                        self.step(p);
                    }
                }
            }
            Event::Unanswered { process: p, trip, failure } => {
                if self.is_put_off(p, &event) || !self.processes[p].is_alive {
                    return;
                }
                let process = &mut self.processes[p];
                if let Some((_, sent, _)) = process.flight.filter(|flight| flight.0 == trip) {
                    process.flight = None;
                    process.holder.failed(&process.pool, sent, self.now, failure);
                    self.step(p);
                }
            }
        }
    }

    fn arrive(&mut self, p: usize, trip: u64, ask: Ask<N>, forced: bool) {
        if self.is_down && !forced {
            let at = self.now.after(self.latency(p));
            self.push(at, Event::Unanswered { process: p, trip, failure: Failure::Unsent });
            return;
        }
        if self.stopped_until > self.now {
            self.push(self.stopped_until, Event::Arrive { process: p, trip, ask, forced: true });
            return;
        }
        let answer = self.engine.ask(self.now, &ask);
        for i in 0..N {
            self.audits[i].returned(self.now, ask.back[i]);
            if let Verdict::Granted { tokens, .. } = answer.verdict {
                self.audits[i].granted(tokens[i]);
            }
        }
        if self.processes[p].flight.is_none_or(|flight| flight.0 != trip) {
            // It was given up long ago.
            return self.note_unheard(&answer, ask.back);
        }
        let at = self.now.after(self.latency(p));
        if self.random.happens(self.loses) {
            return self.note_unheard(&answer, ask.back);
        }
        self.push(at, Event::Reply { process: p, trip, answer, back: ask.back });
    }

    fn note_unheard(&mut self, answer: &Answer<N>, back: [u64; N]) {
        self.returned_unheard = std::array::from_fn(|i| self.returned_unheard[i] + back[i]);
        if let Verdict::Granted { tokens, .. } = answer.verdict {
            for (i, tokens) in tokens.into_iter().enumerate() {
                self.unheard[i] += tokens;
                self.audits[i].lost(tokens);
            }
        }
    }

    fn latency(&mut self, p: usize) -> Duration {
        let (from, to) = self.processes[p].latency;
        self.random.between(from, to)
    }

    /// Wakes a process at this instant, or later as real timers do. What wakes it earlier stays.
    fn step_at(&mut self, p: usize, at: Time) {
        let at = at.after(self.random.between(Duration::ZERO, self.late));
        let process = &mut self.processes[p];
        if process.wakes.is_some_and(|wakes| wakes <= at) {
            return;
        }
        process.wakes = Some(at);
        process.steps += 1;
        let turn = process.steps;
        self.push(at, Event::Step { process: p, turn });
    }

    fn step(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let step = process.holder.step(&process.pool, self.now);
        process.steps += 1;
        process.wakes = None;
        match step {
            Step::Ask(ask) => {
                let trip = process.begin_trip(self.now, ask);
                let at = self.now.after(self.latency(p));
                if !self.random.happens(self.loses) {
                    self.push(at, Event::Arrive { process: p, trip, ask, forced: false });
                }
                let failure = Failure::Lost;
                self.push(self.now.after(self.timeout), Event::Unanswered { process: p, trip, failure });
                // The driver steps again at once, in one go.
                let process = &mut self.processes[p];
                if let Step::WaitUntil(at) = process.holder.step(&process.pool, self.now) {
                    self.step_at(p, at);
                }
            }
            Step::WaitUntil(at) => {
                assert!(at > self.now, "a step at {:?} names an instant that has passed: {at:?}", self.now);
                self.step_at(p, at);
            }
            Step::Idle => {}
        }
        if self.processes[p].serve(self.now) {
            self.step_at(p, self.now);
        }
        self.note_uses(p);
    }

    fn note_uses(&mut self, p: usize) {
        let process = &mut self.processes[p];
        for at in process.uses.drain(..) {
            for (audit, amount) in self.audits.iter_mut().zip(process.amounts) {
                audit.used(at, amount);
            }
        }
    }

    fn load(&mut self, p: usize, load: Load) {
        if self.processes[p].set_load(load, self.now) {
            self.step_at(p, self.now);
        }
        self.note_uses(p);
        self.next_work(p);
    }

    fn next_work(&mut self, p: usize) {
        self.processes[p].work += 1;
        let turn = self.processes[p].work;
        let gap = match self.processes[p].load {
            Load::Quiet | Load::Waiters(_) => return,
            Load::Hammer(every) => every,
            Load::Arrivals(mean) | Load::Tries(mean) => self.random.gap(mean),
        };
        self.push(self.now.after(gap.max(Duration::from_nanos(1))), Event::Work { process: p, turn });
    }

    fn work(&mut self, p: usize) {
        let process = &mut self.processes[p];
        let mut wake = false;
        match process.load {
            Load::Quiet | Load::Waiters(_) => {}
            Load::Hammer(_) => loop {
                let (taken, woken) = process.try_once(self.now);
                wake |= woken;
                if !taken {
                    break;
                }
            },
            Load::Arrivals(_) => wake = process.come(self.now),
            Load::Tries(_) => wake = process.try_once(self.now).1,
        }
        if wake {
            self.step_at(p, self.now);
        }
        self.note_uses(p);
        self.next_work(p);
    }

    fn deed(&mut self, deed: Deed<N>) {
        match deed {
            Deed::Join(amounts, load) => {
                self.join(amounts, load);
            }
            Deed::Load(p, load) => self.load(p, load),
            Deed::Suspend(p, time) => self.processes[p].suspended_until = self.now.after(time),
            Deed::Kill(p) => self.kill(p),
            Deed::Limits(limits) => {
                self.engine.change(self.now, limits);
                for (audit, limit) in self.audits.iter_mut().zip(limits) {
                    audit.widen(limit);
                }
            }
            Deed::Engine(Fault::Down) => self.is_down = true,
            Deed::Engine(Fault::Up) => self.is_down = false,
            Deed::Engine(Fault::Stop(time)) => self.stopped_until = self.now.after(time),
            Deed::Engine(Fault::LoseAll) => self.engine.lose_all(self.now),
            Deed::Engine(Fault::FailOver) => self.engine.fail_over(self.now),
        }
    }

    fn kill(&mut self, p: usize) {
        let process = &mut self.processes[p];
        if !std::mem::replace(&mut process.is_alive, false) {
            return;
        }
        let held = process.account().held;
        // What is on its way to the engine may still get there.
        let back = process.flight.map_or([0; N], |(_, _, ask)| ask.back);
        for i in 0..N {
            self.audits[i].lost((held[i] - back[i] as i64).max(0) as u64);
        }
    }

    /// Every process's account, and all of them against the engine's line, to the token.
    pub(super) fn assert_account(&self) {
        let mut granted = [0; N];
        let mut returned = [0; N];
        for (p, process) in self.processes.iter().enumerate() {
            let account = process.account();
            for i in 0..N {
                let state = format!("process {p}, stream {i}, at {:?}: {account:?}", self.now);
                assert_eq!(account.used[i], process.used[i] as i64, "used: {state}");
                let sum = account.used[i] + (account.returned[i] + account.lost[i]) as i64 + account.held[i];
                assert_eq!(account.granted[i] as i64, sum, "granted = used + returned + lost + held: {state}");
                granted[i] += account.granted[i];
                returned[i] += account.returned[i];
            }
        }
        for i in 0..N {
            let in_flight = self.in_flight(i);
            assert_eq!(granted[i] + self.unheard[i] + in_flight.0, self.engine.granted[i], "granted, stream {i}");
            let heard = returned[i] + self.returned_unheard[i] + in_flight.1;
            assert_eq!(heard, self.engine.returned[i], "returned, stream {i}");
        }
    }

    /// The line: level = start + r * t - granted + returned - forfeited, in units.
    pub(super) fn assert_line(&self) {
        for (i, limit) in self.engine.terms().limits.into_iter().enumerate() {
            let unit = period(limit);
            let accrued = i128::from(limit.rate.tokens()) * self.now.since(Time::ZERO).as_nanos() as i128;
            let start = i128::from(limit.capacity) * unit;
            let moved = (i128::from(self.engine.returned[i]) - i128::from(self.engine.granted[i])) * unit;
            assert_eq!(self.engine.units()[i], start + accrued + moved - self.engine.forfeited[i], "stream {i}");
        }
    }

    /// What the engine has granted, and taken back, in trips whose answers are under way.
    fn in_flight(&self, i: usize) -> (u64, u64) {
        let mut sums = (0, 0);
        for event in self.queue.values() {
            if let Event::Reply { answer, back, .. } = event {
                sums.1 += back[i];
                if let Verdict::Granted { tokens, .. } = answer.verdict {
                    sums.0 += tokens[i];
                }
            }
        }
        sums
    }

    pub(super) fn assert_bounds(&self) {
        for (i, audit) in self.audits.iter().enumerate() {
            assert!(audit.over_a <= 0, "bound A, stream {i}: {} units over", audit.over_a);
            assert!(audit.over_b <= 0, "bound B, stream {i}: {} units over", audit.over_b);
        }
    }
}
