//! Owns the part of the line that decides who comes when: promises, calls, and who counts as deaf.
//!
//! Each waiter sleeps until the instant that it was promised, by a timer of its own. So nobody is
//! woken in turn where all goes as promised. Whoever becomes first and can be served earlier is
//! told. A waiter that does not come is called, and if it still does not come, it is out.
//!
//! What takes longer in a longer line: a new forecast, and nothing else. It is made after a change
//! of limits; and, if somebody enters or comes too early, after a charge or a waiter beyond the
//! grace. With several streams it is made, too, when more have left than half of those who wait.

use crate::clock::time::Time;
use crate::wait::line::entry::{Aim, Ask, Contact};
use crate::wait::line::forecast::Forecast;
use crate::wait::line::moment::{Moment, NEVER};
use crate::wait::line::waiting_line::{Debt, WaitingLine, after};

impl<W, const N: usize> WaitingLine<W, N> {
    /// What follows from a step; to be asked for until it is `None`.
    pub(crate) fn advance(&mut self, moment: &Moment<'_, N>) -> Option<Debt<N>> {
        self.lapse(moment, false);
        for i in 0..N {
            let Some(head) = self.roster.head(i) else { continue };
            if self.roster.is_first(head) {
                if self.roster.get(head).ask.aim == Aim::Reserve {
                    return Some(self.debt(moment, head));
                }
                self.attend(moment, head);
            }
            if let Some(second) = self.roster.behind(i, head) {
                self.watch(moment, second);
            }
        }
        None
    }

    /// After the limits changed: refuses those whose deadline cannot be met any longer, and tells
    /// those who would sleep far too long.
    pub(crate) fn retime(&mut self, moment: &Moment<'_, N>) {
        let mut forecast = Forecast::new(moment);
        let mut walk = self.roster.walk();
        while let Some(index) = walk.peek(&self.roster) {
            walk.step(&self.roster, index);
            let ask = self.roster.get(index).ask;
            let at = forecast.instant(moment, &ask.amounts);
            let owed = |i| moment.units(i, ask.amounts[i]) < 1 << 62;
            if ask.aim != Aim::Reserve && at > ask.deadline || !(0..N).all(owed) {
                // It comes, enters again, and is told why it cannot stay.
                let waker = self.remove(index);
                self.woken.extend(waker);
                continue;
            }
            self.foresee(moment, &mut forecast, index, at);
            let timer = self.roster.get(index).timer;
            let (sleeps, waits) = (timer.since(moment.now), at.since(moment.now));
            if timer > after(at, self.grace.slack) && (timer == NEVER || sleeps > waits * 2) {
                self.tell(index, at);
            }
        }
        self.left = 0;
    }

    /// What those ahead leave, and when the caller is served.
    pub(super) fn promise(&mut self, moment: &Moment<'_, N>, ask: &Ask<N>) -> (Forecast<N>, Time) {
        let several = N > 1;
        if several && (!self.is_foreseen(moment) || self.left > self.roster.len() / 2 + 8) {
            self.forecast(moment);
        }
        let before = self.tails(moment);
        let at = before.instant(moment, &ask.amounts);
        // The forecast may be later than need be, as some have left since: nobody is refused
        // because of that. Only who cannot make it by a mere sum is refused at once.
        if several
            && self.roster.len() > 0
            && (at > ask.deadline || at == NEVER)
            && self.sum(moment).instant(moment, &ask.amounts) <= ask.deadline
        {
            self.forecast(moment);
            let before = self.tails(moment);
            return (before, before.instant(moment, &ask.amounts));
        }
        (before, at)
    }

    /// The forecast of all entries: for one stream the exact one, for several what was last worked
    /// out, which may be later.
    fn tails(&self, moment: &Moment<'_, N>) -> Forecast<N> {
        if N == 1 {
            return self.sum(moment);
        }
        let mut forecast = Forecast::new(moment);
        for i in 0..N {
            if let Some(tail) = self.roster.tail(i).map(|tail| self.roster.get(tail)) {
                forecast.place[i] = moment.place_of(i, tail.words[i]);
                forecast.last[i] = tail.out.max(moment.now);
            }
        }
        forecast
    }

    /// The forecast if no stream overflows: of one stream it is exact, of several too early.
    fn sum(&self, moment: &Moment<'_, N>) -> Forecast<N> {
        let mut forecast = Forecast::new(moment);
        for i in 0..N {
            if let Some(head) = self.roster.head(i) {
                forecast.place[i] = self.cut(moment, i, head) + moment.units(i, self.roster.tokens(i));
            }
        }
        forecast
    }

    /// The place of the word, as far as the first waiter of a stream can use it.
    fn cut(&self, moment: &Moment<'_, N>, i: usize, head: u32) -> i128 {
        let units = moment.units(i, self.roster.get(head).ask.amounts[i]);
        moment.place(i).max(-moment.ceiling(i, units, &self.grace))
    }

    /// Whether the kept forecast is nowhere too early. It is not, if it is not for the first: a
    /// forecast that starts from less, or with fewer entries, is earlier everywhere.
    fn is_foreseen(&self, moment: &Moment<'_, N>) -> bool {
        (0..N).all(|i| {
            let Some(head) = self.roster.head(i) else { return true };
            let entry = self.roster.get(head);
            let units = moment.units(i, entry.ask.amounts[i]);
            self.cut(moment, i, head) + units <= moment.place_of(i, entry.words[i])
        })
    }

    fn forecast(&mut self, moment: &Moment<'_, N>) {
        let mut forecast = Forecast::new(moment);
        let mut walk = self.roster.walk();
        while let Some(index) = walk.peek(&self.roster) {
            walk.step(&self.roster, index);
            let at = forecast.instant(moment, &self.roster.get(index).ask.amounts);
            self.foresee(moment, &mut forecast, index, at);
        }
        self.left = 0;
    }

    fn foresee(&mut self, moment: &Moment<'_, N>, forecast: &mut Forecast<N>, index: u32, at: Time) {
        let entry = self.roster.get_mut(index);
        let out = forecast.out(moment, &entry.ask, at);
        forecast.fold(moment, &entry.ask.amounts, out, &self.grace);
        (entry.at, entry.out) = (at, out);
        for i in (0..N).filter(|i| entry.ask.amounts[*i] > 0) {
            entry.words[i] = moment.word(i, forecast.place[i]);
        }
    }

    /// A waiter that is not first has come at its timer.
    pub(super) fn come_due(&mut self, moment: &Moment<'_, N>, index: u32) {
        if !self.is_foreseen(moment) {
            self.forecast(moment);
        }
        self.call_before(moment, index);
        let entry = self.roster.get(index);
        let used = (0..N).filter(|i| entry.uses(*i));
        let lapse = used.filter_map(|i| self.lapses_at(self.roster.head(i)?)).filter(|at| *at > moment.now).max();
        let timer = match lapse {
            // Who was called and does not come is deaf then; until then it may come.
            Some(lapse) => lapse,
            None if entry.at > moment.now => entry.at,
            None => after(moment.now, self.grace.deaf.min(self.grace.slack)),
        };
        let deadline = entry.ask.deadline;
        self.roster.set_timer(index, timer.min(deadline));
    }

    /// When an entry that was called counts as deaf.
    fn lapses_at(&self, index: u32) -> Option<Time> {
        match self.roster.get(index).contact {
            Contact::Called(called) => Some(after(called, self.grace.deaf)),
            _ => None,
        }
    }

    /// Calls those before an entry whom no call has reached yet, and who are due.
    fn call_before(&mut self, moment: &Moment<'_, N>, index: u32) {
        let (turn, due) = (self.roster.get(index).turn, self.roster.get(index).at <= moment.now);
        let mut walk = self.roster.walk_uncalled();
        while let Some(next) = walk.peek(&self.roster) {
            let entry = self.roster.get(next);
            if entry.turn >= turn {
                break;
            }
            // Of one stream, who is before somebody due is due; its own forecast may be too late.
            if entry.at > moment.now && (N > 1 || !due) {
                walk.stop(&self.roster, next);
                continue;
            }
            walk.step(&self.roster, next);
            let listens = entry.contact == Contact::Came && entry.timer > moment.now;
            self.roster.pass(next);
            if !listens {
                self.call(moment, next);
            }
        }
    }

    /// Removes those at the front who were called long ago and have not come.
    ///
    /// Only after a call: when everything stood still, all are late, and none of them is deaf. Who
    /// comes `late` itself knows no more of others than that, and calls them anew.
    pub(super) fn lapse(&mut self, moment: &Moment<'_, N>, late: bool) {
        for i in 0..N {
            while let Some(head) = self.roster.head(i) {
                let entry = self.roster.get(head);
                let Contact::Called(called) = entry.contact else { break };
                // A reservation has nobody who comes; it is a debt as soon as it is first.
                if entry.ask.aim == Aim::Reserve || after(called, self.grace.deaf) > moment.now {
                    break;
                }
                if late {
                    self.roster.get_mut(head).contact = Contact::Called(moment.now);
                    break;
                }
                let waker = self.remove(head);
                self.woken.extend(waker);
            }
        }
    }

    /// Makes sure that the first comes when it can be served.
    fn attend(&mut self, moment: &Moment<'_, N>, index: u32) {
        let entry = self.roster.get(index);
        let at = moment.instant(&entry.ask.amounts);
        if at > moment.now {
            if at < entry.timer {
                self.tell(index, at);
            }
            return;
        }
        let sleeps = entry.timer > moment.now;
        let overdue = after(entry.timer, self.grace.deaf) < moment.now;
        if sleeps || overdue && !matches!(entry.contact, Contact::Called(_)) {
            self.call(moment, index);
        }
    }

    /// Makes sure that one behind the first does not sleep far too long: it may have to call.
    fn watch(&mut self, moment: &Moment<'_, N>, index: u32) {
        let entry = self.roster.get(index);
        if entry.timer <= after(moment.now, self.grace.slack) {
            return;
        }
        let mut forecast = Forecast::new(moment);
        for i in (0..N).filter(|i| entry.uses(*i)) {
            let Some(head) = self.roster.head(i).filter(|head| *head != index) else { continue };
            if !self.roster.is_first(head) || self.roster.behind(i, head) != Some(index) {
                return;
            }
            let amounts = self.roster.get(head).ask.amounts;
            let mut alone = Forecast::new(moment);
            alone.fold(moment, &amounts, moment.instant(&amounts), &self.grace);
            (forecast.place[i], forecast.last[i]) = (alone.place[i], alone.last[i]);
        }
        // Who waits for one that was called comes as that counts as deaf.
        let heads = (0..N).filter(|i| entry.uses(*i)).filter_map(|i| self.roster.head(i));
        let lapse = heads.filter_map(|head| self.lapses_at(head)).max().unwrap_or(moment.now);
        let at = forecast.instant(moment, &entry.ask.amounts).max(lapse);
        if after(at, self.grace.slack) < entry.timer {
            self.foresee(moment, &mut forecast, index, at);
            self.tell(index, at);
        }
    }

    /// Wakes a waiter that can be served now.
    fn call(&mut self, moment: &Moment<'_, N>, index: u32) {
        self.roster.pass(index);
        self.roster.get_mut(index).contact = Contact::Called(moment.now);
        self.tell(index, moment.now);
    }

    /// Wakes a waiter, so that it sets its timer anew.
    fn tell(&mut self, index: u32, at: Time) {
        let deadline = self.roster.get(index).ask.deadline;
        self.roster.set_timer(index, at.min(deadline));
        let waker = self.roster.get_mut(index).waker.take();
        self.woken.extend(waker);
    }
}
