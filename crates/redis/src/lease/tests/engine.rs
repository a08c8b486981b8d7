//! Owns an exact engine, with the faults that engines have. Never rounds.

use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use crate::master::answer::{Answer, Verdict};
use crate::master::ask::Ask;
use crate::master::terms::Terms;

/// The terms of these limits, with the usual debts.
pub(super) fn terms<const N: usize>(revision: u64, limits: [Limit; N]) -> Terms<N> {
    let debt = |limit: Limit| {
        let tenth = u128::from(limit.rate.tokens()) * 100_000_000;
        tenth.div_ceil(limit.rate.period().as_nanos()).max(1) as u64
    };
    Terms { revision, limits, debts: limits.map(debt) }
}

/// The state of an engine: what a replica may have an old copy of.
#[derive(Clone, Debug)]
struct State<const N: usize> {
    epoch: u64,
    terms: Terms<N>,
    at: Time,
    /// In tokens times the period of the rate in nanoseconds.
    level: [i128; N],
}

#[derive(Debug)]
pub(super) struct Engine<const N: usize> {
    state: State<N>,
    /// What replicas know, the oldest in front.
    copies: Vec<State<N>>,
    /// Whether a loss is noticed.
    pub(super) has_fence: bool,
    epochs: u64,
    /// Tokens that were ever granted, that came back, and that came back and did not fit.
    pub(super) granted: [u64; N],
    pub(super) returned: [u64; N],
    /// Level plus grants minus returns minus what accrued; in units. It only falls: what a full
    /// bucket forfeits, and what a loss takes away.
    pub(super) forfeited: [i128; N],
}

impl<const N: usize> Engine<N> {
    /// An engine that starts full.
    pub(super) fn new(terms: Terms<N>) -> Self {
        let level = terms.limits.map(|limit| i128::from(limit.capacity) * period(limit));
        let state = State { epoch: 1, terms, at: Time::ZERO, level };
        Self {
            copies: Vec::new(),
            state,
            has_fence: true,
            epochs: 1,
            granted: [0; N],
            returned: [0; N],
            forfeited: [0; N],
        }
    }

    pub(super) fn terms(&self) -> Terms<N> {
        self.state.terms
    }

    /// Whole tokens, rounded down.
    pub(super) fn level(&self) -> [i64; N] {
        std::array::from_fn(|i| self.state.level[i].div_euclid(period(self.state.terms.limits[i])) as i64)
    }

    /// In units: a token is the rate's period in nanoseconds.
    pub(super) fn units(&self) -> [i128; N] {
        self.state.level
    }

    pub(super) fn advance(&mut self, now: Time) {
        let nanos = now.since(self.state.at).as_nanos() as i128;
        for (i, limit) in self.state.terms.limits.into_iter().enumerate() {
            let level = self.state.level[i] + i128::from(limit.rate.tokens()) * nanos;
            self.set(i, level.min(i128::from(limit.capacity) * period(limit)), level);
        }
        self.state.at = self.state.at.max(now);
    }

    fn set(&mut self, i: usize, level: i128, instead_of: i128) {
        self.state.level[i] = level;
        self.forfeited[i] += instead_of - level;
    }

    pub(super) fn ask(&mut self, now: Time, ask: &Ask<N>) -> Answer<N> {
        self.advance(now);
        let State { epoch, terms, .. } = self.state;
        for (i, limit) in terms.limits.into_iter().enumerate() {
            self.returned[i] += ask.back[i];
            let level = self.state.level[i] + i128::from(ask.back[i]) * period(limit);
            self.set(i, level.min(i128::from(limit.capacity) * period(limit)), level);
        }
        let verdict = self.decide(ask);
        Answer { epoch, terms, verdict, level: self.level() }
    }

    fn decide(&mut self, ask: &Ask<N>) -> Verdict<N> {
        let terms = self.state.terms;
        if let Some(stream) = (0..N).find(|i| ask.need[*i] > terms.limits[*i].capacity) {
            return Verdict::Never { stream, capacity: terms.limits[stream].capacity };
        }
        let debt = |i: usize| if ask.reserve { i128::from(terms.debts[i]) * period(terms.limits[i]) } else { 0 };
        let mut longest = None;
        for i in (0..N).filter(|i| ask.need[*i] > 0) {
            let short = i128::from(ask.need[i]) * period(terms.limits[i]) - self.state.level[i] - debt(i);
            if short > 0 {
                longest = longest.max(Some((wait(terms.limits[i], short), i)));
            }
        }
        if let Some((wait, stream)) = longest {
            return Verdict::NotYet { stream, wait };
        }
        let mut tokens = [0; N];
        let mut after = Duration::ZERO;
        for (i, limit) in terms.limits.into_iter().enumerate() {
            let there = (self.state.level[i] + debt(i)).div_euclid(period(limit)).max(0) as u64;
            tokens[i] = ask.need[i].max(ask.want[i].min(there));
            self.granted[i] += tokens[i];
            self.state.level[i] -= i128::from(tokens[i]) * period(limit);
            if tokens[i] > 0 && self.state.level[i] < 0 {
                after = after.max(wait(limit, -self.state.level[i]));
            }
        }
        Verdict::Granted { tokens, after }
    }

    /// A replica copies what is there.
    pub(super) fn replicate(&mut self) {
        if self.copies.len() == 8 {
            self.copies.remove(0);
        }
        self.copies.push(self.state.clone());
    }

    /// The oldest copy becomes the engine. With a fence it begins at the lowest level.
    pub(super) fn fail_over(&mut self, now: Time) {
        self.advance(now);
        let mut next = self.copies.first().cloned().unwrap_or(self.state.clone());
        // Terms are read again by whoever joins; a lost change is another test.
        next.terms = self.state.terms;
        self.replace(next, now);
    }

    /// The engine is empty. Without a fence it begins full.
    pub(super) fn lose_all(&mut self, now: Time) {
        self.advance(now);
        let level = self.state.terms.limits.map(|limit| i128::from(limit.capacity) * period(limit));
        self.replace(State { level, at: now, ..self.state.clone() }, now);
    }

    fn replace(&mut self, mut next: State<N>, now: Time) {
        self.copies.clear();
        let before = self.state.level;
        if self.has_fence {
            self.epochs += 1;
            next.epoch = self.epochs;
            next.at = now;
            let terms = next.terms;
            next.level = std::array::from_fn(|i| -i128::from(terms.debts[i]) * period(terms.limits[i]));
        }
        self.state = next;
        self.advance(now);
        for (i, before) in before.into_iter().enumerate() {
            self.forfeited[i] += before - self.state.level[i];
        }
    }

    /// Other limits from now on: levels are translated, rounded down.
    pub(super) fn change(&mut self, now: Time, limits: [Limit; N]) {
        self.advance(now);
        let old = self.state.terms;
        self.state.terms = terms(old.revision + 1, limits);
        for (i, limit) in limits.into_iter().enumerate() {
            let (from, to) = (period(old.limits[i]), period(limit));
            let level = (self.state.level[i] * to).div_euclid(from);
            self.state.level[i] = level.min(i128::from(limit.capacity) * to);
        }
    }
}

pub(super) fn period(limit: Limit) -> i128 {
    limit.rate.period().as_nanos() as i128
}

/// How long it takes to accrue so many units, in whole microseconds, rounded up.
fn wait(limit: Limit, units: i128) -> Duration {
    let nanos = (units as u128).div_ceil(u128::from(limit.rate.tokens()));
    Duration::from_micros(nanos.div_ceil(1000) as u64)
}
