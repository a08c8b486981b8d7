//! Owns what one process holds of a fleet's bucket, and what happens to it. Never decides what to
//! ask for; that is in `plan`.

use std::collections::VecDeque;
use std::time::Duration;

use tollgate::clock::Time;

use super::account::Account;
use super::chunk::{Chunk, slices};
use super::demand::Demand;
use super::ledger::{Ledger, plus};
use super::pace::Pace;
use super::pool::Pool;
use super::requests::Requests;
use super::settings::Settings;
use super::share::Share;
use super::step::{Failure, Standing, Step};
use crate::master::answer::{Answer, Verdict};
use crate::master::ask::Ask;
use crate::master::terms::Terms;

/// What one process holds of a fleet's bucket: a state machine that is told the time.
///
/// One holder belongs to one pool, which every call is given. The driver steps it, makes the trips
/// that it asks for, and tells it how they went. There is one trip at a time.
#[derive(Debug)]
pub(crate) struct Holder<const N: usize> {
    pub(super) settings: Settings,
    pub(super) terms: Terms<N>,
    /// The epoch of the last answer.
    epoch: u64,
    pub(super) ledger: Ledger<N>,
    /// Granted, and not ready yet.
    pub(super) pending: VecDeque<Chunk<N>>,
    /// To be given back with the next trip, all of this epoch.
    pub(super) back: [u64; N],
    /// Since when something is to be given back.
    pub(super) back_since: Time,
    pub(super) flight: Option<Flight<N>>,
    pub(super) requests: Requests<N>,
    pub(super) demand: Demand<N>,
    pub(super) share: Share,
    pub(super) pace: Pace,
    /// What the engine refused, and until when it will.
    pub(super) barred: Option<Barred<N>>,
    /// Whether the last answer said that tokens are scarce.
    pub(super) scarce: bool,
    /// What the engine had left at the last answer.
    pub(super) left: [u64; N],
    /// What the last grant was, and when it was ready.
    pub(super) last_grant: ([u64; N], Time),
    /// What was used by the last look, by the last grant, and when the last look was.
    used: [i64; N],
    used_at_grant: [i64; N],
    looked: Time,
    /// When something was last granted.
    pub(super) served: Time,
    /// How long it usually takes to be served again, where processes compete for single tokens.
    pub(super) round: Duration,
    /// When somebody last used something, waited or was refused.
    pub(super) active: Time,
    /// When somebody last found too little in the pool.
    pub(super) starved: Option<Time>,
    /// When somebody first did since the last grant was ready.
    pub(super) used_up: Option<Time>,
    /// Until when the driver sleeps.
    sleeps_until: Time,
    /// When it is its turn to go, as far as was planned since the last trip.
    pub(super) turn_at: Option<Time>,
    /// How long a trip usually takes.
    pub(super) round_trip: Duration,
    pub(super) heard: Option<Time>,
    silent_since: Option<Time>,
    granted: [u64; N],
    returned: [u64; N],
    lost: [u64; N],
    trips: u64,
}

/// A trip that is under way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flight<const N: usize> {
    pub(super) ask: Ask<N>,
    pub(super) sent: Time,
    /// The epoch that what it gives back is of.
    epoch: u64,
    /// Since when that is to be given back.
    back_since: Time,
}

/// What the engine refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Barred<const N: usize> {
    /// The stream that is short.
    pub(super) stream: usize,
    pub(super) need: [u64; N],
    pub(super) until: Time,
}

impl<const N: usize> Holder<N> {
    const LONGEST_ROUND: Duration = Duration::from_secs(1);

    /// Makes a holder of nothing under these terms.
    pub(crate) fn new(terms: Terms<N>, settings: Settings, now: Time) -> Self {
        Self {
            settings,
            terms,
            epoch: 0,
            ledger: Ledger::new(),
            pending: VecDeque::new(),
            back: [0; N],
            back_since: now,
            flight: None,
            requests: Requests::new(),
            demand: Demand::new(),
            share: Share::new(),
            pace: Pace::new(now),
            barred: None,
            scarce: false,
            left: [0; N],
            last_grant: ([0; N], Time::ZERO),
            used: [0; N],
            used_at_grant: [0; N],
            looked: now,
            served: now,
            round: Duration::ZERO,
            active: now,
            starved: None,
            used_up: None,
            sleeps_until: now,
            turn_at: None,
            round_trip: Duration::from_millis(1),
            heard: None,
            silent_since: None,
            granted: [0; N],
            returned: [0; N],
            lost: [0; N],
            trips: 0,
        }
    }

    /// Returns the terms of the last answer.
    pub(crate) fn terms(&self) -> Terms<N> {
        self.terms
    }

    /// The engine has these terms at `now`. It goes by them, unless it knows later ones.
    pub(crate) fn learn(&mut self, terms: Terms<N>, now: Time) {
        self.heard = Some(now);
        if terms.revision > self.terms.revision {
            // What was promised under the old limits says nothing of the new ones: it goes back.
            let promised: Vec<_> = self.pending.drain(..).map(|chunk| (chunk.tokens, chunk.epoch)).collect();
            self.retire(promised, now);
            (self.barred, self.turn_at) = (None, None);
            self.last_grant.1 = self.last_grant.1.min(now);
        }
        if terms.revision >= self.terms.revision {
            self.terms = terms;
        }
    }

    /// Returns the epoch of the last answer; 0 before the first.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Says what the driver does next, at `now`. The driver calls it again when it says so, when it
    /// is woken, and after each trip.
    pub(crate) fn step(&mut self, pool: &Pool<N>, now: Time) -> Step<N> {
        self.expire(pool, now);
        self.look(pool, now);
        let step = match self.plan(pool, now) {
            Step::Ask(ask) => self.depart(ask, now),
            step => step,
        };
        self.sleeps_until = match step {
            Step::Ask(_) => now,
            Step::WaitUntil(at) => at,
            Step::Idle => Time::MAX,
        };
        step
    }

    /// Lets expire what expires, and fills in what is ready. A taker that finds the pool not fresh
    /// calls it before it takes, under the lock of the holder.
    pub(crate) fn expire(&mut self, pool: &Pool<N>, now: Time) {
        let mut expired = Vec::new();
        self.ledger.expire(pool, now, |tokens, epoch| expired.push((tokens, epoch)));
        while let Some(chunk) = self.pending.front().copied().filter(|chunk| chunk.ready <= now) {
            self.pending.pop_front();
            if now < chunk.deadline {
                self.ledger.fill(pool, chunk);
            } else {
                expired.push((chunk.tokens, chunk.epoch));
            }
        }
        pool.set_expires(self.ledger.next_deadline());
        self.retire(expired, now);
    }

    /// The trip that was sent at `sent` was answered at `now`.
    pub(crate) fn answered(&mut self, pool: &Pool<N>, sent: Time, now: Time, answer: Answer<N>) {
        let Some(flight) = self.flight.take() else { return };
        self.turn_at = None;
        self.round_trip = (self.round_trip * 3 + now.since(sent)) / 4;
        self.silent_since = None;
        self.pace.answered();
        self.returned = plus(self.returned, flight.ask.back);
        if answer.epoch != self.epoch {
            // What came back before was of another line of tokens.
            self.lose_back();
            self.epoch = answer.epoch;
        }
        self.learn(answer.terms, now);
        self.left = answer.level.map(|level| level.max(0) as u64);
        match answer.verdict {
            Verdict::Granted { tokens, after } => self.receive(pool, &flight, sent, now, tokens, after),
            Verdict::NotYet { stream, wait } => self.bar(stream, flight.ask.need, now.after(wait)),
            // Whoever needs so much is told by `never`.
            Verdict::Never { .. } => {}
        }
        self.expire(pool, now);
    }

    /// The trip that was sent at `sent` failed, as the driver knows at `now`.
    pub(crate) fn failed(&mut self, pool: &Pool<N>, sent: Time, now: Time, failure: Failure) {
        let Some(flight) = self.flight.take() else { return };
        self.turn_at = None;
        self.silent_since.get_or_insert(sent);
        self.pace.failed(now);
        match failure {
            Failure::Unsent => self.retire([(flight.ask.back, flight.epoch)], flight.back_since),
            Failure::Lost => self.lost = plus(self.lost, flight.ask.back),
        }
        self.expire(pool, now);
    }

    /// Notes that the pool had too little for these amounts, and whether the one who asked waits
    /// now. Returns whether the driver must be woken.
    ///
    /// Whoever waits calls [`unwanted`](Self::unwanted) when it was served, and when it leaves.
    pub(crate) fn wanted(&mut self, pool: &Pool<N>, now: Time, amounts: [u64; N], waiting: bool) -> bool {
        if waiting {
            self.requests.wait(amounts);
        } else {
            self.requests.refuse(now, amounts);
        }
        self.active = self.active.max(now);
        self.starved = self.starved.max(Some(now));
        if now >= self.last_grant.1 {
            self.used_up.get_or_insert(now);
        }
        if self.flight.is_some() || self.sleeps_until <= now {
            return false;
        }
        // Woken once, the driver finds all that is noted until it steps.
        let Some(due) = self.due(pool, now).filter(|due| *due < self.sleeps_until) else { return false };
        self.sleeps_until = due.max(now);
        true
    }

    /// Forgets one who waited for these amounts: it was served, or left.
    pub(crate) fn unwanted(&mut self, amounts: [u64; N]) {
        self.requests.leave(amounts);
    }

    /// Returns the stream and its capacity if these amounts are more than it ever holds.
    ///
    /// It knows only if the engine answered within a term, as the limits may have changed.
    pub(crate) fn never(&self, now: Time, amounts: [u64; N]) -> Option<(usize, u64)> {
        self.heard.filter(|heard| now.since(*heard) < self.settings.term)?;
        self.above_capacity(amounts)
    }

    /// Returns how long an equal take may have to wait; `None` if nobody can say.
    pub(crate) fn ready_in(&self, pool: &Pool<N>, now: Time, amounts: [u64; N]) -> Option<Duration> {
        if self.above_capacity(amounts).is_some() {
            return None;
        }
        let mut stock = pool.level();
        if fits(stock, amounts) {
            return Some(Duration::ZERO);
        }
        for chunk in &self.pending {
            stock = add(stock, chunk.tokens);
            if fits(stock, amounts) {
                return Some(chunk.ready.since(now));
            }
        }
        if matches!(self.standing(now), Standing::Away { .. }) {
            return None;
        }
        if let Some(flight) = self.flight {
            return Some(flight.sent.after(self.round_trip).since(now).max(self.round_trip / 4));
        }
        Some(self.trip_at(now, amounts).since(now) + self.round_trip)
    }

    /// Returns the stream of which the engine had too little, if it said so for these amounts.
    pub(crate) fn short_stream(&self, now: Time, amounts: [u64; N]) -> Option<usize> {
        let barred = self.barred.filter(|barred| barred.until > now)?;
        (amounts[barred.stream] > 0).then_some(barred.stream)
    }

    /// Returns what became of every token.
    pub(crate) fn account(&self, pool: &Pool<N>) -> Account<N> {
        let level = pool.level();
        let mut held = add(level, self.back);
        for chunk in &self.pending {
            held = add(held, chunk.tokens);
        }
        if let Some(flight) = self.flight {
            held = add(held, flight.ask.back);
        }
        Account {
            granted: self.granted,
            used: self.ledger.used(level),
            returned: self.returned,
            lost: self.lost,
            held,
            trips: self.trips,
        }
    }

    /// Tells whether the engine answers.
    pub(crate) fn standing(&self, now: Time) -> Standing {
        match self.silent_since {
            Some(since) if now.since(since) >= self.settings.patience => Standing::Away { since },
            _ => Standing::InContact,
        }
    }

    /// Drains all, and returns the last trip, which gives it back. Its answer may be told, or not.
    pub(crate) fn close(&mut self, pool: &Pool<N>, now: Time) -> Option<Ask<N>> {
        self.drain(pool, now);
        if self.flight.is_some() || self.back == [0; N] {
            return None;
        }
        let ask = Ask { need: [0; N], want: [0; N], back: self.back, reserve: false };
        match self.depart(ask, now) {
            Step::Ask(ask) => Some(ask),
            Step::WaitUntil(_) | Step::Idle => None,
        }
    }

    /// Takes all out of the pool, and what is not ready yet, to give it back.
    pub(super) fn drain(&mut self, pool: &Pool<N>, now: Time) {
        let mut drained = Vec::new();
        self.ledger.empty(pool, |tokens, epoch| drained.push((tokens, epoch)));
        pool.set_expires(None);
        drained.extend(self.pending.drain(..).map(|chunk| (chunk.tokens, chunk.epoch)));
        self.retire(drained, now);
    }

    pub(super) fn lose_back(&mut self) {
        self.lost = plus(self.lost, std::mem::replace(&mut self.back, [0; N]));
    }

    /// Whether something was used since the last grant.
    pub(super) fn is_used_since_grant(&self) -> bool {
        self.used != self.used_at_grant
    }

    /// What is in the pool or on its way into it.
    pub(super) fn stock(&self, pool: &Pool<N>) -> [i64; N] {
        self.pending.iter().fold(pool.level(), |stock, chunk| add(stock, chunk.tokens))
    }

    pub(super) fn above_capacity(&self, amounts: [u64; N]) -> Option<(usize, u64)> {
        (0..N).map(|i| (i, self.terms.limits[i].capacity)).find(|(i, capacity)| amounts[*i] > *capacity)
    }

    /// When the driver looks next.
    pub(super) fn next_look(&self) -> Time {
        self.looked.after(self.settings.look)
    }

    fn depart(&mut self, ask: Ask<N>, now: Time) -> Step<N> {
        self.pace.begin(now);
        self.turn_at = None;
        self.trips += 1;
        self.back = [0; N];
        self.flight = Some(Flight { ask, sent: now, epoch: self.epoch, back_since: self.back_since });
        Step::Ask(ask)
    }

    fn look(&mut self, pool: &Pool<N>, now: Time) {
        let level = pool.level();
        let used = self.ledger.used(level);
        self.ledger.trim(level);
        if used != self.used {
            self.active = self.active.max(now);
        }
        if now < self.next_look() {
            return;
        }
        let refused = self.requests.take_unseen();
        let asked = std::array::from_fn(|i| (used[i] - self.used[i]).max(0) as u64 + refused[i]);
        self.demand.look(asked, now.since(self.looked));
        (self.used, self.looked) = (used, now);
    }

    fn receive(
        &mut self,
        pool: &Pool<N>,
        flight: &Flight<N>,
        sent: Time,
        now: Time,
        tokens: [u64; N],
        after: Duration,
    ) {
        if flight.ask.want == [0; N] {
            return self.inquired();
        }
        let is_short = (0..N).any(|i| tokens[i] < flight.ask.want[i]);
        self.scarce = is_short || !after.is_zero();
        self.share.promised(after);
        if tokens == [0; N] {
            let stream = flight.ask.want.iter().position(|want| *want > 0).unwrap_or(0);
            return self.bar(stream, flight.ask.want.map(|want| want.min(1)), now.after(self.settings.look));
        }
        self.granted = plus(self.granted, tokens);
        let ready = now.after(after);
        let deadline = sent.after(self.settings.term);
        for (tokens, after) in slices(tokens, after, self.terms.limits) {
            let slice = Chunk { tokens, epoch: self.epoch, ready: now.after(after), deadline: deadline.after(after) };
            let at = self.pending.partition_point(|other| other.ready <= slice.ready);
            self.pending.insert(at, slice);
        }
        self.last_grant = (tokens, ready);
        self.used_up = None;
        // Only who had to compete gives way to others afterwards.
        let age = if self.requests.tries > 0 { now.since(self.served) } else { Duration::ZERO };
        self.round = (self.round * 3 + age.min(Self::LONGEST_ROUND)) / 4;
        self.served = now;
        self.used_at_grant = self.ledger.used(pool.level());
        self.requests.granted();
        self.requests.tries = 0;
        self.barred = None;
    }

    /// What the engine refused is not barred any more if somebody has given back so much.
    fn inquired(&mut self) {
        self.barred = self.barred.filter(|barred| (0..N).any(|i| self.left[i] < barred.need[i]));
    }

    fn bar(&mut self, stream: usize, need: [u64; N], until: Time) {
        self.scarce = true;
        self.share.refused();
        self.requests.tries += 1;
        self.barred = Some(Barred { stream, need, until });
    }

    /// What is of this epoch goes back with the next trip, due since then. The rest is lost.
    fn retire(&mut self, expired: impl IntoIterator<Item = ([u64; N], u64)>, since: Time) {
        for (tokens, epoch) in expired.into_iter().filter(|(tokens, _)| *tokens != [0; N]) {
            if epoch != self.epoch {
                self.lost = plus(self.lost, tokens);
                continue;
            }
            self.back_since = if self.back == [0; N] { since } else { self.back_since.min(since) };
            self.back = plus(self.back, tokens);
        }
    }
}

/// Whether these amounts are in stock; an amount of 0 always is.
pub(super) fn fits<const N: usize>(stock: [i64; N], amounts: [u64; N]) -> bool {
    (0..N).all(|i| amounts[i] == 0 || stock[i] >= 0 && stock[i] as u64 >= amounts[i])
}

pub(super) fn add<const N: usize>(stock: [i64; N], tokens: [u64; N]) -> [i64; N] {
    std::array::from_fn(|i| stock[i].saturating_add_unsigned(tokens[i]))
}
