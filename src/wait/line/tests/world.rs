//! Owns a bucket with a line for the tests: what the shell around the line does, step by step,
//! beside the exact model.

use std::collections::BTreeMap;
use std::time::Duration;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::decision::awaited::Awaited;
use crate::decision::due::Due;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::revision::Revision;
use crate::limit::limit::{Limit, limits_of, starts_of};
use crate::wait::line::entry::{Aim, Ask, Ticket};
use crate::wait::line::grace::Grace;
use crate::wait::line::moment::{Moment, NEVER};
use crate::wait::line::tests::model::{Exact, TOKEN, slope};
use crate::wait::line::waiting_line::{Enter, Visit, WaitingLine};

/// What a call ended with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Served,
    Refused,
    Closed,
    /// In the line; comes at this instant.
    Sleeps(u64),
    /// A debt that is paid at this instant.
    Firm(u64),
}

/// Tokens that were used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Use {
    pub(super) at: u64,
    pub(super) stream: usize,
    pub(super) tokens: u64,
    /// 0 for a taker.
    pub(super) who: u32,
    /// When they were debited, if that was before.
    pub(super) since: u64,
}

#[derive(Debug)]
pub(super) struct World<const N: usize> {
    pub(super) limits: Limits<N>,
    pub(super) spent: [u64; N],
    pub(super) exact: [Exact; N],
    pub(super) line: WaitingLine<u32, N>,
    pub(super) grace: Grace,
    pub(super) until: [Time; N],
    pub(super) tickets: BTreeMap<u32, Ticket>,
    pub(super) uses: Vec<Use>,
    /// What came back and what was charged: when, of which stream, how much.
    pub(super) extra: Vec<(u64, usize, u64)>,
    pub(super) firm: BTreeMap<u32, (u64, [u64; N])>,
    pub(super) woken: Vec<u32>,
    pub(super) wakes: usize,
    /// Every so many swaps one fails, as if another thread had been there.
    pub(super) lose_every: usize,
    swaps: usize,
    /// Whether a waiter's use has cut off tokens that lay unused too long.
    pub(super) forfeited: bool,
    /// When the limits changed last: no decision is made on an earlier instant.
    changed: u64,
}

pub(super) fn t(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

impl<const N: usize> World<N> {
    pub(super) fn new(limits: [Limit; N], late: u64) -> Self {
        let deaf = late.max(2);
        Self::with_grace(limits, Grace { late, deaf, slack: 5 * deaf })
    }

    pub(super) fn with_grace(limits: [Limit; N], grace: Grace) -> Self {
        let exact = limits.map(|limit| Exact::new(&limit));
        let (starts, limits) = (starts_of(&limits), limits_of(limits, Time::ZERO).expect("limits of a test"));
        Self {
            spent: limits.reset(0, &starts),
            limits,
            exact,
            line: WaitingLine::new(grace),
            grace,
            until: [Time::ZERO; N],
            tickets: BTreeMap::new(),
            uses: Vec::new(),
            extra: Vec::new(),
            firm: BTreeMap::new(),
            woken: Vec::new(),
            wakes: 0,
            lose_every: 0,
            swaps: 0,
            forfeited: false,
            changed: 0,
        }
    }

    pub(super) fn moment(&self, now: u64) -> Moment<'_, N> {
        Moment { now: t(now), limits: &self.limits, spent: self.spent }
    }

    /// Swaps the words, unless another thread was there.
    fn swap(&mut self, words: [u64; N]) -> bool {
        self.swaps += 1;
        if self.lose_every > 0 && self.swaps % self.lose_every == 0 {
            return false;
        }
        self.spent = words;
        true
    }

    pub(super) fn try_take(&mut self, now: u64, amounts: [u64; N]) -> bool {
        self.take_seeing(now, amounts, self.until)
    }

    /// A take that read `until` a while ago.
    pub(super) fn take_seeing(&mut self, now: u64, amounts: [u64; N], until: [Time; N]) -> bool {
        let now = now.max(self.changed);
        if (0..N).any(|i| amounts[i] > 0 && t(now) < until[i]) || self.limits.paused_at(t(now)) {
            return false;
        }
        let Some(words) = self.limits.take(&self.spent, self.limits.elapsed(t(now)), &amounts) else { return false };
        self.spent = words;
        self.spend(now, amounts, 0, |exact, _| exact.capacity);
        true
    }

    /// Notes a use, in the model, too.
    fn spend(&mut self, now: u64, amounts: [u64; N], who: u32, ceiling: impl Fn(&Exact, i128) -> i128) {
        for i in (0..N).filter(|i| amounts[*i] > 0) {
            let n = i128::from(amounts[i]) * TOKEN;
            let ceiling = ceiling(&self.exact[i], n);
            self.forfeited |= who > 0 && self.exact[i].level(now) > ceiling;
            self.exact[i].spend(now, ceiling, n);
            self.uses.push(Use { at: now, stream: i, tokens: amounts[i], who, since: now });
        }
    }

    pub(super) fn enter(&mut self, now: u64, who: u32, amounts: [u64; N], deadline: u64, reserved: bool) -> Answer {
        let now = now.max(self.changed);
        let aim = if reserved { Aim::Reserve } else { Aim::Take };
        let ask = Ask { amounts, deadline: t(deadline), aim };
        let mut waker = Some(who);
        let answer = loop {
            let moment = Moment { now: t(now), limits: &self.limits.clone(), spent: self.spent };
            match self.line.enter(&moment, &ask, &[u64::MAX; N], &mut waker) {
                Enter::Closed => break Answer::Closed,
                Enter::Refused(_) => break Answer::Refused,
                Enter::Take(words) => {
                    if self.swap(words) {
                        self.spend(now, amounts, who, |exact, _| exact.capacity);
                        break Answer::Served;
                    }
                }
                Enter::Settle(words) => {
                    if self.swap(words) {
                        for i in (0..N).filter(|i| amounts[*i] > 0 && self.line.roster.head(*i).is_none()) {
                            let capacity = self.exact[i].capacity;
                            self.exact[i].spend(now, capacity, 0);
                        }
                    }
                }
                Enter::Joined(ticket, at) => {
                    self.tickets.insert(who, ticket);
                    break Answer::Sleeps(at.as_nanos());
                }
            }
        };
        self.advance(now);
        self.looked_up(who, answer)
    }

    /// A reservation may have become firm at once.
    fn looked_up(&self, who: u32, answer: Answer) -> Answer {
        self.firm.get(&who).map_or(answer, |(ready, _)| Answer::Firm(*ready))
    }

    pub(super) fn visit(&mut self, now: u64, who: u32) -> Option<Answer> {
        let now = now.max(self.changed);
        let ticket = self.tickets[&who];
        let answer = loop {
            let moment = Moment { now: t(now), limits: &self.limits.clone(), spent: self.spent };
            match self.line.visit(&moment, ticket, &mut Some(who)) {
                Visit::Closed => break Answer::Closed,
                Visit::Gone => return None,
                Visit::Refused(_) => break Answer::Refused,
                Visit::Sleep(at) => break Answer::Sleeps(at.as_nanos()),
                Visit::Firm(ready) => break Answer::Firm(ready.as_nanos()),
                Visit::Take(words) => {
                    let amounts = self.line.roster.get(ticket.index).ask.amounts;
                    if self.swap(words) {
                        let late = self.grace.late;
                        self.spend(now, amounts, who, |exact, n| exact.ceiling(n, late));
                        self.line.served(ticket);
                        break Answer::Served;
                    }
                }
            }
        };
        self.advance(now);
        Some(self.looked_up(who, answer))
    }

    pub(super) fn leave(&mut self, now: u64, who: u32) {
        let now = now.max(self.changed);
        let Some(ticket) = self.tickets.remove(&who) else { return };
        self.line.leave(ticket);
        if let Some((ready, amounts)) = self.firm.remove(&who).filter(|(ready, _)| now < *ready) {
            let _ = ready;
            let elapsed = self.limits.elapsed(t(now));
            self.spent = self.limits.put_back(&self.spent, elapsed, &amounts).unwrap_or(self.spent);
            self.uses.retain(|one| one.who != who);
            for i in (0..N).filter(|i| amounts[*i] > 0) {
                self.exact[i].put_back(now, i128::from(amounts[i]) * TOKEN);
                self.extra.push((now, i, amounts[i]));
            }
        }
        self.advance(now);
    }

    pub(super) fn put_back(&mut self, now: u64, amounts: [u64; N]) {
        let now = now.max(self.changed);
        let elapsed = self.limits.elapsed(t(now));
        self.spent = self.limits.put_back(&self.spent, elapsed, &amounts).unwrap_or(self.spent);
        for (i, tokens) in amounts.into_iter().enumerate() {
            self.exact[i].put_back(now, i128::from(tokens) * TOKEN);
            self.extra.push((now, i, tokens));
        }
        self.advance(now);
    }

    pub(super) fn charge(&mut self, now: u64, amounts: [u64; N]) {
        let now = now.max(self.changed);
        for i in (0..N).filter(|i| amounts[*i] > 0) {
            let (stream, elapsed) = (&self.limits.streams[i], self.limits.elapsed(t(now)));
            let n = i128::from(amounts[i]) * TOKEN;
            if self.line.waiting(i) > 0 {
                self.spent[i] = self.spent[i].wrapping_add(stream.units(amounts[i]).expect("a small amount"));
                self.exact[i].spent += n;
            } else {
                let units = stream.units(amounts[i]).expect("a small amount");
                self.spent[i] = stream.owe(self.spent[i], elapsed, units, stream.furthest_debt()).expect("no debt");
                let capacity = self.exact[i].capacity;
                self.exact[i].spend(now, capacity, n);
            }
            self.extra.push((now, i, amounts[i]));
        }
        self.advance(now);
    }

    /// New limits, or a pause for so long, or both.
    pub(super) fn change(&mut self, now: u64, limits: [Limit; N], pause: Option<u64>) {
        let now = now.max(self.changed);
        let old = self.limits;
        let elapsed = old.elapsed(t(now));
        let mut next = limits_of(limits, Time::ZERO).expect("limits of a test");
        let (mut origin, mut closed) = (old.at(elapsed), old.paused_at(t(now)));
        if let Some(pause) = pause {
            (origin, closed) = (t(now.saturating_add(pause)), true);
        }
        next = next.from(origin, closed);
        let awaited =
            Awaited::<N> { first: core::array::from_fn(|i| self.line.first_wants(i)), grace: self.grace.late };
        for (i, limit) in limits.into_iter().enumerate() {
            let (from, to) = (&old.streams[i], &next.streams[i]);
            let most = (awaited.most(i, from), awaited.most_after(i, to));
            let kept = to.inherit(from, self.spent[i], elapsed, (Inherit::Keep, 0), u64::MAX, most);
            self.spent[i] = kept.expect("a small debt").spent;
            let head = self.line.roster.head(i).map(|head| self.line.roster.get(head).ask.amounts[i]);
            let exact = &mut self.exact[i];
            let n = head.map_or(0, |n| i128::from(n) * TOKEN);
            let uncut = if head.is_some() { exact.ceiling(n, self.grace.late) } else { exact.capacity };
            exact.spend(now, uncut, 0);
            exact.capacity = i128::from(limit.capacity) * TOKEN;
            if head.is_none() {
                exact.spend(now, exact.capacity, 0);
            }
            exact.largest = exact.largest.max(exact.capacity);
            let slope = slope(&limit);
            exact.bend(now, if closed { 0 } else { slope });
            if closed && origin < NEVER {
                exact.bend(origin.as_nanos(), slope);
            }
            exact.fastest = exact.fastest.max(slope);
            // The old line and the new one each lose less than a unit.
            exact.slop += 2 * TOKEN / i128::from(next.streams[i].unit().min(old.streams[i].unit()));
            exact.slop += TOKEN / i128::from(old.streams[i].unit());
        }
        (self.limits, self.changed) = (next, now);
        let moment = Moment { now: t(now), limits: &next, spent: self.spent };
        self.line.retime(&moment);
        self.advance(now);
    }

    pub(super) fn close(&mut self, now: u64) {
        self.line.close();
        self.advance(now);
    }

    fn advance(&mut self, now: u64) {
        loop {
            let moment = Moment { now: t(now), limits: &self.limits.clone(), spent: self.spent };
            let Some(debt) = self.line.advance(&moment) else { break };
            if !self.swap(debt.words) {
                continue;
            }
            let due = Due::new(&Revision::first(self.limits), &debt.words, t(now), debt.ready);
            let ticket = self.line.firm(&debt, due);
            let who = *self.tickets.iter().find(|(_, one)| **one == ticket).expect("a holder").0;
            let amounts = self.line.roster.get(ticket.index).ask.amounts;
            self.firm.insert(who, (debt.ready.as_nanos(), amounts));
            let late = self.grace.late;
            let made = self.uses.len();
            self.spend(now, amounts, who, |exact, n| exact.ceiling(n, late));
            // Each stream's part is used when that stream has paid it.
            let moment = Moment { spent: self.spent, ..self.moment(now) };
            let paid: Vec<u64> = (0..N).map(|i| moment.when(i, moment.place(i)).as_nanos()).collect();
            for one in &mut self.uses[made..] {
                one.at = paid[one.stream];
            }
        }
        self.until = core::array::from_fn(|i| self.line.until(i));
        while let Some(who) = self.line.pop_woken() {
            self.woken.push(who);
            self.wakes += 1;
        }
    }

    /// How far the words are from the model's, at most, beyond what rounding explains.
    pub(super) fn error(&self, now: u64) -> i128 {
        let off = |i: usize| {
            if self.limits.paused_at(t(now)) {
                return 0;
            }
            let unit = i128::from(self.limits.streams[i].unit());
            let level = -self.moment(now).place(i) * TOKEN / unit;
            let rounding = self.exact[i].slop + 2 * TOKEN / unit + self.rounding(i);
            ((level - self.exact[i].level(now)).abs() - rounding).max(0)
        };
        (0..N).map(off).max().unwrap_or(0)
    }

    /// What a line that is not exact may be behind.
    pub(super) fn rounding(&self, i: usize) -> i128 {
        let precision = i128::from(self.limits.streams[i].precision());
        precision * self.exact[i].fastest * 2
    }
}

pub(super) fn limit(tokens: u64, nanos: u64, capacity: u64) -> Limit {
    let rate = crate::limit::rate::Rate::new(tokens, Duration::from_nanos(nanos)).expect("a rate of a test");
    Limit::new(rate, capacity)
}
