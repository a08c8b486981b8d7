//! Owns a process of the fleet, with its load. Never sees the engine.

use std::collections::VecDeque;
use std::time::Duration;

use tollgate::clock::Time;

use crate::lease::account::Account;
use crate::lease::holder::Holder;
use crate::lease::pool::Pool;
use crate::lease::settings::Settings;
use crate::master::ask::Ask;
use crate::master::terms::Terms;

/// What a process asks of its pool.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Load {
    /// Nothing.
    Quiet,
    /// So many always wait; each who is served is followed by another.
    Waiters(usize),
    /// All that is there is taken, so often, until one is refused.
    Hammer(Duration),
    /// One asks on average so often, and waits in turn.
    Arrivals(Duration),
    /// One asks on average so often; who is refused goes away.
    Tries(Duration),
}

#[derive(Debug)]
pub(super) struct Process<const N: usize> {
    pub(super) pool: Pool<N>,
    pub(super) holder: Holder<N>,
    pub(super) amounts: [u64; N],
    pub(super) load: Load,
    /// When those who wait came.
    pub(super) queue: VecDeque<Time>,
    /// Off: a fault.
    pub(super) looks_at_expiry: bool,
    pub(super) is_alive: bool,
    pub(super) suspended_until: Time,
    pub(super) latency: (Duration, Duration),
    pub(super) work: u64,
    pub(super) steps: u64,
    /// When it steps next, if it was not woken earlier.
    pub(super) wakes: Option<Time>,
    pub(super) trip: u64,
    pub(super) flight: Option<(u64, Time, Ask<N>)>,
    pub(super) last_trips: VecDeque<Time>,
    pub(super) most_trips_in_a_second: usize,
    pub(super) used: [u64; N],
    pub(super) last_use: Time,
    pub(super) served: u64,
    pub(super) refused: u64,
    pub(super) waited: Duration,
    pub(super) longest_wait: Duration,
    /// Uses while all that is held has expired.
    pub(super) used_expired: u64,
    /// Uses in the order of time, for the audit.
    pub(super) uses: Vec<Time>,
}

impl<const N: usize> Process<N> {
    pub(super) fn new(terms: Terms<N>, settings: Settings, now: Time, amounts: [u64; N]) -> Self {
        Self {
            pool: Pool::new(),
            holder: Holder::new(terms, settings, now),
            amounts,
            load: Load::Quiet,
            queue: VecDeque::new(),
            looks_at_expiry: true,
            is_alive: true,
            suspended_until: Time::ZERO,
            latency: (Duration::from_micros(200), Duration::from_micros(600)),
            work: 0,
            steps: 0,
            wakes: None,
            trip: 0,
            flight: None,
            last_trips: VecDeque::new(),
            most_trips_in_a_second: 0,
            used: [0; N],
            last_use: Time::ZERO,
            served: 0,
            refused: 0,
            waited: Duration::ZERO,
            longest_wait: Duration::ZERO,
            used_expired: 0,
            uses: Vec::new(),
        }
    }

    /// A take as the face makes it: it looks at the expiry, then takes.
    pub(super) fn take(&mut self, now: Time) -> bool {
        if self.looks_at_expiry && !self.pool.is_fresh(now) {
            self.holder.expire(&self.pool, now);
        }
        let taken = self.pool.bucket().try_take(self.amounts).is_ok();
        if taken {
            self.used_expired += u64::from(!self.pool.is_fresh(now));
            for (used, amount) in self.used.iter_mut().zip(self.amounts) {
                *used += amount;
            }
            self.last_use = now;
            self.uses.push(now);
        }
        taken
    }

    /// Serves those who wait, in turn; returns whether the driver must be woken.
    pub(super) fn serve(&mut self, now: Time) -> bool {
        let mut wake = false;
        while let Some(came) = self.queue.front().copied() {
            if !self.take(now) {
                break;
            }
            self.queue.pop_front();
            self.holder.unwanted(self.amounts);
            self.note_served(now.since(came));
            if matches!(self.load, Load::Waiters(_)) {
                wake |= self.enqueue(now);
            }
        }
        wake
    }

    /// Somebody comes who waits in turn.
    pub(super) fn come(&mut self, now: Time) -> bool {
        if self.queue.is_empty() && self.take(now) {
            self.note_served(Duration::ZERO);
            return false;
        }
        self.enqueue(now)
    }

    pub(super) fn enqueue(&mut self, now: Time) -> bool {
        self.queue.push_back(now);
        self.holder.wanted(&self.pool, now, self.amounts, true)
    }

    /// Somebody comes who goes away if it is refused.
    pub(super) fn try_once(&mut self, now: Time) -> (bool, bool) {
        if self.take(now) {
            self.note_served(Duration::ZERO);
            return (true, false);
        }
        self.refused += 1;
        (false, self.holder.wanted(&self.pool, now, self.amounts, false))
    }

    pub(super) fn set_load(&mut self, load: Load, now: Time) -> bool {
        for _ in 0..self.queue.len() {
            self.holder.unwanted(self.amounts);
        }
        self.queue.clear();
        self.load = load;
        let mut wake = false;
        if let Load::Waiters(count) = load {
            for _ in 0..count {
                wake |= self.enqueue(now);
            }
            wake |= self.serve(now);
        }
        wake
    }

    pub(super) fn begin_trip(&mut self, now: Time, ask: Ask<N>) -> u64 {
        self.trip += 1;
        self.flight = Some((self.trip, now, ask));
        self.last_trips.push_back(now);
        while self.last_trips.front().is_some_and(|first| now.since(*first) >= Duration::from_secs(1)) {
            self.last_trips.pop_front();
        }
        self.most_trips_in_a_second = self.most_trips_in_a_second.max(self.last_trips.len());
        self.trip
    }

    pub(super) fn account(&self) -> Account<N> {
        self.holder.account(&self.pool)
    }

    fn note_served(&mut self, waited: Duration) {
        self.served += 1;
        self.waited += waited;
        self.longest_wait = self.longest_wait.max(waited);
    }
}
