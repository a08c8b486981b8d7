//! Owns what a holder asks for next, and when. Never does anything with an answer.

use std::time::Duration;

use tollgate::clock::Time;

use super::holder::{Barred, Holder, fits};
use super::pool::Pool;
use super::share::time_of;
use super::step::{Standing, Step};
use crate::master::ask::Ask;

impl<const N: usize> Holder<N> {
    /// A chunk lasts as long as this, at the demand of late.
    const CHUNK: Duration = Duration::from_millis(100);
    /// Who was refused, or waited, not longer ago than this has tokens reserved.
    const LATELY: Duration = Duration::from_millis(250);

    /// Processes that ask for what comes free at one instant spread over at most this.
    const LONGEST_SPREAD: Duration = Duration::from_millis(25);
    /// One that was served so many grants ago asks in the middle of them.
    const ROUND: f64 = 16.0;

    /// What to do next.
    pub(super) fn plan(&mut self, pool: &Pool<N>, now: Time) -> Step<N> {
        let half_term = self.settings.term / 2;
        if !self.requests.is_waited() {
            // Who was refused long before there is something has gone away.
            let promised = self.barred.map_or(Time::ZERO, |barred| barred.until);
            let since = promised.min(self.active.after(self.settings.term)).max(self.active);
            if now >= since.after(half_term) {
                self.requests.forget_before(now);
                self.drain(pool, now);
            }
        }
        if self.flight.is_some() {
            return Step::WaitUntil(self.next_change(now));
        }
        let inquiry = self.next_inquiry(now);
        let next = self.next_ask(pool, now).map(|(ask, at)| {
            // A driver that wakes late goes at once: the instant was its turn.
            let at = self.turn_at.map_or(at, |turn| turn.min(at));
            self.turn_at = Some(at);
            (ask, at)
        });
        let is_sooner = |at: Time| next.is_none_or(|(_, next)| at < next);
        if inquiry <= now && is_sooner(inquiry) {
            return Step::Ask(Ask { need: [0; N], want: [0; N], back: self.back, reserve: false });
        }
        if let Some((ask, at)) = next {
            if at > now {
                return Step::WaitUntil(at.min(inquiry).min(self.next_change(now)));
            }
            let ask = self.gather(pool, now).unwrap_or(ask);
            return Step::Ask(Ask { back: self.back, ..ask });
        }
        self.lose_what_nobody_takes(now);
        if self.back != [0; N] {
            let idle = self.active.after(half_term);
            let at = self.pace.next(now).max(self.back_since.after(half_term).min(idle));
            if at > now {
                return Step::WaitUntil(at.min(self.next_change(now)));
            }
            return Step::Ask(Ask { need: [0; N], want: [0; N], back: self.back, reserve: false });
        }
        if self.pending.is_empty() && self.ledger.next_deadline().is_none() && !self.requests.is_waited() {
            return Step::Idle;
        }
        Step::WaitUntil(inquiry.min(self.next_change(now)))
    }

    /// The first in the line needs more than the engine has, and this process holds a part of it:
    /// all of that goes back, and all that is needed is asked for at once. So no two processes wait
    /// for the parts that the other holds.
    fn gather(&mut self, pool: &Pool<N>, now: Time) -> Option<Ask<N>> {
        if !self.requests.is_waited() || self.requests.tries == 0 || self.stock(pool).iter().all(|left| *left <= 0) {
            return None;
        }
        self.drain(pool, now);
        self.next_ask(pool, now).map(|(ask, _)| ask)
    }

    /// What could not be given back for two terms is lost.
    fn lose_what_nobody_takes(&mut self, now: Time) {
        let is_away = matches!(self.standing(now), Standing::Away { .. });
        if is_away && now >= self.back_since.after(self.settings.term * 2) {
            self.lose_back();
        }
    }

    /// When the engine is asked for nothing but its terms: once a term while somebody waits. So
    /// other limits, and an engine that is away, are noticed within one however long the wait is.
    fn next_inquiry(&self, now: Time) -> Time {
        match self.heard.filter(|_| self.requests.is_waited()) {
            Some(heard) => heard.after(self.settings.term).max(self.pace.next(now)),
            None => Time::MAX,
        }
    }

    /// When a trip is due that was not known before.
    pub(super) fn due(&mut self, pool: &Pool<N>, now: Time) -> Option<Time> {
        let inquiry = Some(self.next_inquiry(now)).filter(|at| *at < Time::MAX);
        self.next_ask(pool, now).map(|(_, at)| at).into_iter().chain(inquiry).min()
    }

    /// The first instant that the pace, and what the engine said, allow for these amounts.
    fn earliest(&self, now: Time, need: [u64; N]) -> Time {
        self.pace.next(now).max(self.barred_until(need))
    }

    /// Until when the engine refuses these amounts, as far as it said. What is smaller in the
    /// stream that was short may be there.
    fn barred_until(&self, need: [u64; N]) -> Time {
        let bars = |barred: &Barred<N>| need[barred.stream] >= barred.need[barred.stream].max(1);
        self.barred.filter(bars).map_or(Time::ZERO, |barred| barred.until)
    }

    /// The next instant at which something happens without anybody's doing.
    fn next_change(&self, now: Time) -> Time {
        let ready = self.pending.front().map(|chunk| chunk.ready);
        let deadline = self.ledger.next_deadline();
        let soon = now.after(self.settings.term);
        // While a trip is under way, one who waits has nothing to look at.
        let waits = self.requests.is_waited() && self.flight.is_none() && ready.is_none();
        let looks = deadline.is_some()
            || ready.is_some_and(|ready| ready < soon)
            || waits && self.barred.is_none_or(|barred| barred.until < soon);
        let look = looks.then(|| self.next_look().max(now.after(self.settings.look / 5)));
        [ready, deadline, look].into_iter().flatten().min().unwrap_or(soon)
    }

    /// What the next trip asks for, and when it may be made.
    fn next_ask(&mut self, pool: &Pool<N>, now: Time) -> Option<(Ask<N>, Time)> {
        let stock = self.stock(pool);
        // One whose amounts are never granted is told so; it does not stop those behind it.
        let needed = self.requests.needed().filter(|needed| self.never(now, *needed).is_none());
        let short = needed.filter(|needed| !fits(stock, *needed));
        let starved = self.starved.is_some_and(|at| now.since(at) <= Self::LATELY);
        let target = self.target(starved);
        let need: [u64; N] = std::array::from_fn(|i| {
            let short = short.map_or(0, |needed| needed[i]);
            let capacity = self.terms.limits[i].capacity;
            if short > 0 && stock[i] < short as i64 {
                let all = short.saturating_add_signed(-stock[i].min(short as i64));
                if short > capacity { short } else { all.min(capacity) }
            } else {
                // A debt is paid as tokens come.
                u64::from(stock[i] < 0).min(capacity)
            }
        });
        if need == [0; N] && !self.is_half_used(stock, target) {
            return None;
        }
        Some((self.ask(need, stock, target, starved), self.trip_at(now, need)))
    }

    /// When a trip that needs these amounts may be made, at `now` or later.
    pub(super) fn trip_at(&self, now: Time, need: [u64; N]) -> Time {
        // One reservation at a time: the next reaches the engine when all of this one is paid.
        let (_, ready) = self.last_grant;
        let paid = Time::from_nanos(ready.as_nanos().saturating_sub(self.round_trip.as_nanos() as u64));
        self.turn(paid, self.earliest(now, need), need)
    }

    /// When it is this process's turn for what comes free, while tokens are scarce: the longer ago
    /// it was served, the earlier. So where the engine's queue is full of single tokens, they go
    /// round.
    fn turn(&self, paid: Time, earliest: Time, need: [u64; N]) -> Time {
        if !self.scarce {
            return paid.max(earliest);
        }
        let base = paid.max(self.barred_until(need)).max(self.served.after(self.round / 2));
        let each = (0..N).map(|i| time_of(self.terms.limits[i].rate, need[i].max(1))).max().unwrap_or_default();
        let spread = (each * 9 / 10).min(Self::LONGEST_SPREAD);
        let age = base.since(self.served).as_secs_f64() / Self::ROUND / each.as_secs_f64().max(1e-9);
        let turn = base.after(spread.div_f64(1.0 + age));
        // Who has missed its turn takes that for what comes free next, not the rest of this one.
        let missed = earliest.since(turn).as_nanos().div_ceil(each.as_nanos().max(1));
        let next = turn.after(each.saturating_mul(u32::try_from(missed).unwrap_or(u32::MAX)));
        if each < Self::LONGEST_SPREAD { next } else { turn.max(earliest) }
    }

    fn ask(&self, need: [u64; N], stock: [i64; N], target: [u64; N], starved: bool) -> Ask<N> {
        let asked = self.requests.sum();
        let want = std::array::from_fn(|i| {
            let limit = self.terms.limits[i];
            let wish = asked[i].max(target[i]).saturating_add_signed(-stock[i]);
            // What is left is for others, too. A reservation may be of what accrues until it is
            // ready, also above the capacity.
            let share = self.share.tokens(limit.rate).saturating_add(self.left[i] / 4);
            wish.min(share).max(need[i])
        });
        let reserve = starved || need != [0; N];
        Ask { need, want, back: [0; N], reserve }
    }

    /// How much a chunk should be.
    fn target(&self, starved: bool) -> [u64; N] {
        let demand = self.demand.within(Self::CHUNK);
        let (last, ready) = self.last_grant;
        let soon = ready.after(self.settings.look);
        let grows = starved && self.used_up.is_some_and(|at| at <= soon);
        std::array::from_fn(|i| if grows { demand[i].max(last[i].saturating_mul(4)) } else { demand[i] })
    }

    /// Whether a next chunk is due: half of the present one is used, and a chunk is worth more than
    /// one request.
    fn is_half_used(&self, stock: [i64; N], target: [u64; N]) -> bool {
        let typical = self.requests.typical;
        self.is_used_since_grant()
            && (0..N).any(|i| target[i] >= 2 * typical[i].max(1) && stock[i] <= (target[i] / 2) as i64)
    }
}
