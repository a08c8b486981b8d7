//! Owns the judgement of a run: the guarantees that hold whatever happened.

use std::format;
use std::vec::Vec;

use crate::wait::line::tests::feature::Feature::*;
use crate::wait::line::tests::model::TOKEN;
use crate::wait::line::tests::random::{Run, State};
use crate::wait::line::tests::world::World;

impl<const N: usize> Run<N> {
    pub(super) fn check(&mut self) {
        self.check_bound();
        self.check_order();
        let late = if self.has(Late) { self.world.grace.late } else { 0 };
        let sloppy = [Stall, Stale, Inside].iter().any(|feature| self.has(*feature));
        let (deaf, several) = (self.has(Deaf), N > 1);
        let mut broken = Vec::new();
        for (who, caller) in self.callers.iter().enumerate() {
            let ended = caller.ended;
            if matches!(caller.state, State::In | State::New)
                && caller.deaf_until == 0
                && !(caller.reserved && caller.moved)
            {
                broken.push(format!("{who} waits for ever"));
            }
            if caller.state == State::Served && ended > caller.deadline.saturating_add(self.world.grace.late) {
                broken.push(format!("{who} is served at {ended}, deadline {}", caller.deadline));
            }
            if caller.state == State::Served && !sloppy && late == 0 && !deaf && ended > caller.deadline {
                broken.push(format!("{who} is served at {ended}, deadline {}", caller.deadline));
            }
            if sloppy || caller.moved || caller.deaf_until > 0 || caller.excused {
                continue;
            }
            let Some(promise) = caller.promise else { continue };
            let first = caller.first.filter(|_| late > 0).unwrap_or(0);
            // Each that is deaf and stands before it costs it D.
            let before = self.callers.iter().filter(|one| one.deaf_until > 0 && one.came <= caller.came).count();
            let allowed = late + self.world.grace.deaf * before as u64;
            let grace = &self.world.grace;
            let judged = !(several && late > 0 || deaf && grace.late < grace.deaf);
            if caller.state == State::Served && judged && ended > promise.max(first).saturating_add(allowed) {
                broken.push(format!("{who} is served at {ended}, promised {promise}, first at {first}"));
            }
            if caller.state == State::Firm && late == 0 && !deaf && ended > promise {
                broken.push(format!("{who} is ready at {ended}, promised {promise}"));
            }
        }
        self.broken.append(&mut broken);
        self.check_end();
    }

    /// In any window, what was used is within the bound.
    fn check_bound(&mut self) {
        let world = &self.world;
        for i in 0..N {
            let exact = &world.exact[i];
            let mut uses: Vec<_> = world.uses.iter().filter(|one| one.stream == i).collect();
            uses.sort_by_key(|one| one.at);
            let fast = exact.fastest;
            let unsure = if self.has(Stale) { 3 } else { 0 } + if self.has(Inside) { 5 } else { 0 };
            let grace = i128::from(world.grace.late + 1 + unsure) * fast;
            let unit = TOKEN / i128::from(world.limits.streams[i].unit());
            let grace = grace + world.rounding(i) + exact.slop + 2 * unit;
            for from in 0..uses.len() {
                let (mut sum, mut largest, mut since) = (0, exact.largest, u64::MAX);
                for to in from..uses.len() {
                    let n = i128::from(uses[to].tokens) * TOKEN;
                    (sum, largest) = (sum + n, largest.max(n));
                    since = since.min(uses[to].since).min(uses[from].at);
                    let window = since.saturating_sub(5)..=uses[to].at.saturating_add(5);
                    let extra = world.extra.iter().filter(|(at, one, _)| *one == i && window.contains(at));
                    let extra: i128 = extra.map(|(_, _, n)| i128::from(*n) * TOKEN).sum();
                    let accrued = exact.accrued(uses[to].at) - exact.accrued(uses[from].at);
                    let over = sum - largest - accrued - extra - grace;
                    if over > 0 {
                        let what = format!("{over} over the bound, stream {i}: {:?} to {:?}", uses[from], uses[to]);
                        self.broken.push(what);
                        return;
                    }
                }
            }
        }
    }

    /// Those who share a stream are served in the order of arrival.
    fn check_order(&mut self) {
        if [Stall, Stale, Inside, Late].iter().any(|feature| self.has(*feature)) {
            return;
        }
        let callers = self.callers.iter().enumerate();
        let served: Vec<_> = callers
            .filter(|(_, one)| one.state == State::Served && one.promise.is_some() && one.deaf_until == 0 && !one.moved)
            .collect();
        for (x, one) in &served {
            for (y, other) in &served {
                let shares = (0..N).any(|i| one.amounts[i] > 0 && other.amounts[i] > 0);
                if shares && one.came < other.came && one.ended > other.ended {
                    self.broken.push(format!("{y} overtakes {x}"));
                    return;
                }
            }
        }
    }

    /// Long after, takers find a full bucket; and when the deaf are gone, the line is empty.
    fn check_end(&mut self) {
        let end = 1_000_000_000;
        let capacities = self.world.limits.capacities();
        for i in 0..N {
            if self.world.exact[i].slope() == 0 {
                continue;
            }
            let mut amounts = [0; N];
            amounts[i] = capacities[i];
            if !self.world.try_take(end, amounts) {
                let until = self.world.until;
                self.broken.push(format!("takers are kept out for good: {until:?} {:?}", self.world.spent));
                return;
            }
        }
        let left: Vec<u32> = self.world.tickets.keys().copied().collect();
        for who in left {
            self.world.leave(end, who);
        }
        let World { line, until, .. } = &self.world;
        if line.len() > 0 || (0..N).any(|i| line.waiting(i) > 0 || until[i].as_nanos() > 0) {
            self.broken.push(format!("something is left in the line: {line:?}"));
        }
    }
}
