//! Owns the steps of the line: to enter, to visit, to leave, and what follows from each.
//!
//! Waiters are served in the order of arrival, at use, from the words that takers use. A step
//! either is complete, or asks for a compare-and-swap of the words first. Every step may be asked
//! for again; what it has done by then stays right.
//!
//! | step | when | then |
//! |---|---|---|
//! | `enter` | a caller's take was refused | `advance` |
//! | `visit` | a waiter is polled | `served` after the swap, `advance` |
//! | `leave` | a waiter is dropped | `advance` |
//! | `retime` | the limits changed | `advance` |
//! | `close` | nobody is to wait any longer | |
//!
//! `advance` may ask for swaps of its own, for reservations. When it is done, the caller
//! publishes `until` and `waiting`, unlocks, and wakes those whom `pop_woken` gives.

extern crate alloc;
use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::clock::time::Time;
use crate::decision::due::Due;
use crate::wait::line::entry::{Aim, Ask, Contact, Ticket};
use crate::wait::line::grace::Grace;
use crate::wait::line::moment::{Moment, NEVER};
use crate::wait::line::roster::Roster;

/// Until when takers stay out at most, but for a line that is closed.
const LAST: Time = Time::from_nanos(u64::MAX - 1);

/// The callers that wait on a bucket of `N` streams, and how to wake each.
#[derive(Debug)]
pub(crate) struct WaitingLine<W, const N: usize> {
    pub(super) roster: Roster<W, N>,
    pub(super) grace: Grace,
    /// How many left since the last forecast, other than by being served.
    pub(super) left: usize,
    closed: bool,
    pub(super) woken: Vec<W>,
}

/// What is to be done by a caller that wants to enter.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Enter<const N: usize> {
    /// The line is closed.
    Closed,
    /// Nobody is ahead: swap the words for these; then the caller is served.
    Take([u64; N]),
    /// Swap the words for these, and enter again: what a full bucket forfeited is forgotten first.
    Settle([u64; N]),
    /// The caller cannot be served by its deadline, but only then; or never.
    Refused(Time),
    /// The caller is in the line, and comes at this instant.
    Joined(Ticket, Time),
}

/// What is to be done by a waiter that comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Visit<const N: usize> {
    /// The line is closed.
    Closed,
    /// The entry is gone, as nobody came when it was called: enter again.
    Gone,
    /// Swap the words for these, and call `served`.
    Take([u64; N]),
    /// The deadline cannot be met. The entry is gone.
    Refused(Time),
    /// Come again at this instant.
    Sleep(Time),
    /// The reservation is a debt, paid at this instant.
    Firm(Time),
}

/// What `advance` asks for: swap the words, and call `firm`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Debt<const N: usize> {
    pub(crate) words: [u64; N],
    /// When it is paid.
    pub(crate) ready: Time,
    index: u32,
}

impl<W, const N: usize> WaitingLine<W, N> {
    pub(crate) const fn new(grace: Grace) -> Self {
        Self { roster: Roster::new(), grace, left: 0, closed: false, woken: Vec::new() }
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.roster.len()
    }

    /// Enters. `waker` is taken only if the caller joins.
    ///
    /// Nobody may owe more than `most` tokens, those ahead included.
    pub(crate) fn enter(
        &mut self,
        moment: &Moment<'_, N>,
        ask: &Ask<N>,
        most: &[u64; N],
        waker: &mut Option<W>,
    ) -> Enter<N> {
        if self.closed {
            return Enter::Closed;
        }
        if self.is_over(moment, ask.deadline) {
            return Enter::Refused(moment.now);
        }
        // Nobody is in the way on a stream without a limit.
        let scarce = moment.limits.scarce(&ask.amounts);
        let used = || (0..N).filter(|i| scarce[*i] > 0);
        if used().all(|i| self.roster.head(i).is_none()) && !moment.limits.paused_at(moment.now) {
            let elapsed = moment.limits.elapsed(moment.now);
            if let Some(words) = moment.limits.take(&moment.spent, elapsed, &ask.amounts) {
                return Enter::Take(if ask.aim == Aim::Look { moment.spent } else { words });
            }
        }
        let mut words = moment.spent;
        for i in used().filter(|i| self.roster.head(*i).is_none()) {
            words[i] = moment.word(i, moment.place(i).max(-moment.capacity(i)));
        }
        if words != moment.spent {
            return Enter::Settle(words);
        }
        let (before, at) = self.promise(moment, ask);
        let mut after = before;
        let out = before.out(moment, ask, at);
        after.fold(moment, &ask.amounts, out, &self.grace);
        if at > ask.deadline || at == NEVER || used().any(|i| !moment.can_owe(i, after.place[i], most[i])) {
            return Enter::Refused(at);
        }
        let words = core::array::from_fn(|i| moment.word(i, after.place[i]));
        // A reservation that was made in time stays.
        let ask = if ask.aim == Aim::Reserve { Ask { deadline: NEVER, ..*ask } } else { *ask };
        match self.roster.push(ask, words, at, waker.take()) {
            Some(index) => {
                self.roster.get_mut(index).out = out;
                self.roster.set_timer(index, at);
                if at <= moment.now && !self.roster.is_first(index) {
                    self.come_due(moment, index);
                }
                Enter::Joined(self.roster.ticket(index), self.roster.get(index).timer)
            }
            None => Enter::Refused(NEVER),
        }
    }

    /// Comes, at its timer, woken, or by chance. `waker` is swapped for the one kept so far.
    pub(crate) fn visit(&mut self, moment: &Moment<'_, N>, ticket: Ticket, waker: &mut Option<W>) -> Visit<N> {
        let Some(index) = self.roster.find(ticket) else { return Visit::Gone };
        if self.roster.get(index).contact == Contact::Gone {
            let waker = self.dismiss(index);
            self.woken.extend(waker);
            return if self.closed { Visit::Closed } else { Visit::Gone };
        }
        let entry = self.roster.get_mut(index);
        if waker.is_some() {
            core::mem::swap(&mut entry.waker, waker);
        }
        if entry.contact == Contact::Firm {
            return Visit::Firm(entry.at);
        }
        let was_called = matches!(entry.contact, Contact::Called(_));
        entry.contact = Contact::Came;
        let (ask, timer) = (entry.ask, entry.timer);
        let due = timer <= moment.now;
        self.lapse(moment, !was_called && after(timer, self.grace.deaf) < moment.now);
        if self.roster.is_first(index) && ask.aim != Aim::Reserve {
            if self.serves(moment, &ask.amounts) {
                if self.is_over(moment, ask.deadline) {
                    return self.refuse(index, moment.now);
                }
                let looks = ask.aim == Aim::Look;
                return Visit::Take(if looks { moment.spent } else { moment.debit(&ask.amounts, &self.grace) });
            }
            let at = moment.instant(&ask.amounts);
            if at > ask.deadline || moment.now >= ask.deadline {
                return self.refuse(index, at);
            }
            self.roster.set_timer(index, at);
            return Visit::Sleep(at);
        }
        if moment.now >= ask.deadline {
            return self.refuse(index, self.roster.get(index).at);
        }
        if due {
            self.come_due(moment, index);
        }
        Visit::Sleep(self.roster.get(index).timer)
    }

    /// After the swap that [`Visit::Take`] asked for. Gives back a waker, to be dropped unlocked.
    pub(crate) fn served(&mut self, ticket: Ticket) -> Option<W> {
        let index = self.roster.find(ticket)?;
        self.roster.unlink(index);
        self.roster.free(index)
    }

    /// Leaves. Gives back a waker, to be dropped unlocked, and what is to be put back: the amounts
    /// of a reservation that is a debt already.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> (Option<W>, Option<[u64; N]>) {
        let Some(index) = self.roster.find(ticket) else { return (None, None) };
        let (contact, amounts) = (self.roster.get(index).contact, self.roster.get(index).ask.amounts);
        if !matches!(contact, Contact::Firm | Contact::Gone) {
            self.left += 1;
            self.roster.unlink(index);
        }
        (self.roster.free(index), (contact == Contact::Firm).then_some(amounts))
    }

    /// After the swap that `advance` asked for.
    pub(crate) fn firm(&mut self, debt: &Debt<N>, due: Due<N>) -> Ticket {
        self.roster.unlink(debt.index);
        let entry = self.roster.get_mut(debt.index);
        entry.due = Some(Box::new(due));
        (entry.contact, entry.at, entry.words) = (Contact::Firm, debt.ready, debt.words);
        let kept = entry.kept;
        self.woken.extend(entry.waker.take());
        let ticket = self.roster.ticket(debt.index);
        if kept {
            self.roster.free(debt.index);
        }
        ticket
    }

    /// After the words could not bear what `advance` asked for: the reservation is out of the line.
    pub(crate) fn let_down(&mut self, debt: &Debt<N>) {
        let waker = self.remove(debt.index);
        self.woken.extend(waker);
    }

    /// The amounts that `advance` asks to take.
    pub(crate) fn amounts(&self, debt: &Debt<N>) -> [u64; N] {
        self.roster.get(debt.index).ask.amounts
    }

    /// The amounts of a reservation that is a debt, and that its owner has not left.
    pub(crate) fn firm_amounts(&self, ticket: Ticket) -> Option<[u64; N]> {
        let entry = self.roster.get(self.roster.find(ticket)?);
        (entry.contact == Contact::Firm).then_some(entry.ask.amounts)
    }

    /// Works out anew when each reservation is paid that is a debt, and says so to `each`. Tells
    /// those that are paid earlier.
    pub(crate) fn postpone(&mut self, at: impl Fn(&Due<N>, &[u64; N]) -> Time, mut each: impl FnMut(u32, Time)) {
        for (index, entry) in self.roster.all() {
            let Some(due) = &entry.due else { continue };
            let at = at(due, &entry.ask.amounts);
            if at < entry.at {
                self.woken.extend(entry.waker.take());
            }
            if at != entry.at {
                entry.at = at;
                each(index, at);
            }
        }
    }

    /// Lets a reservation be: it is used when it is ready, and nobody asks for it any more.
    ///
    /// Gives back a waker, to be dropped unlocked.
    pub(crate) fn keep(&mut self, ticket: Ticket) -> Option<W> {
        let index = self.roster.find(ticket)?;
        let entry = self.roster.get_mut(index);
        entry.kept = true;
        let waker = entry.waker.take();
        if matches!(entry.contact, Contact::Firm | Contact::Gone) {
            self.roster.free(index);
        }
        waker
    }

    /// How an entry stands, without a step.
    pub(crate) fn stands(&self, ticket: Ticket) -> Visit<N> {
        let Some(index) = self.roster.find(ticket) else { return Visit::Gone };
        let entry = self.roster.get(index);
        match entry.contact {
            Contact::Firm => Visit::Firm(entry.at),
            Contact::Gone => Visit::Gone,
            _ => Visit::Sleep(entry.timer),
        }
    }

    /// The owner of an entry is here, and hears when to come again: whether it knows of another
    /// instant so far, or of none; and whether the clock is as it was when it came last.
    pub(crate) fn hears(&mut self, ticket: Ticket, now: Time) -> (bool, bool) {
        let Some(index) = self.roster.find(ticket) else { return (true, false) };
        let entry = self.roster.get_mut(index);
        let told = core::mem::replace(&mut entry.told, entry.timer);
        (told != entry.timer, entry.came.replace(now) == Some(now))
    }

    /// The same for a waiter that is there: if its entry is gone, so is its ticket.
    pub(crate) fn found(&mut self, ticket: Ticket) -> Visit<N> {
        let stands = self.stands(ticket);
        if let (Visit::Gone, Some(index)) = (stands, self.roster.find(ticket)) {
            let waker = self.dismiss(index);
            self.woken.extend(waker);
        }
        stands
    }

    /// Lets everybody go, for good. Firm reservations keep their slots.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        let mut walk = self.roster.walk();
        while let Some(index) = walk.peek(&self.roster) {
            walk.step(&self.roster, index);
            let waker = self.remove(index);
            self.woken.extend(waker);
        }
    }

    /// Until when takers of a stream stay out; [`Time::ZERO`] if nobody waits there.
    ///
    /// It counts from the last timer: not even tokens that the first leaves unused are for takers,
    /// as they are promised to those behind. One whose timer never comes keeps nobody out.
    pub(crate) fn until(&self, i: usize) -> Time {
        if self.closed {
            return NEVER;
        }
        let last = |last| after(after(last, self.grace.deaf), 1).min(LAST);
        self.roster.last_timer(i).map_or(Time::ZERO, last)
    }

    /// Tokens that the first waiter of a stream wants; 0 if nobody waits there.
    pub(crate) fn first_wants(&self, i: usize) -> u64 {
        self.roster.head(i).map_or(0, |head| self.roster.get(head).ask.amounts[i])
    }

    /// Tokens of a stream that waiters ask for.
    pub(crate) fn waiting(&self, i: usize) -> u64 {
        self.roster.tokens(i)
    }

    /// Somebody to be woken, once the line is unlocked.
    pub(crate) fn pop_woken(&mut self) -> Option<W> {
        self.woken.pop()
    }

    pub(super) fn debt(&self, moment: &Moment<'_, N>, index: u32) -> Debt<N> {
        let amounts = &self.roster.get(index).ask.amounts;
        Debt { words: moment.debit(amounts, &self.grace), ready: moment.instant(amounts), index }
    }

    fn refuse(&mut self, index: u32, at: Time) -> Visit<N> {
        let waker = self.remove(index);
        // Who visits is awake; the waker is dropped with the others, unlocked.
        self.woken.extend(waker);
        let waker = self.dismiss(index);
        self.woken.extend(waker);
        Visit::Refused(at)
    }

    /// Takes an entry out of the line. Its slot stays its owner's, who does not know yet.
    pub(super) fn remove(&mut self, index: u32) -> Option<W> {
        self.left += 1;
        self.roster.unlink(index);
        let entry = self.roster.get_mut(index);
        entry.contact = Contact::Gone;
        let waker = entry.waker.take();
        if entry.kept {
            self.roster.free(index);
        }
        waker
    }

    /// Frees the slot of an entry that is out of the line, as its owner is here. That of a
    /// reservation stays until it is dropped.
    fn dismiss(&mut self, index: u32) -> Option<W> {
        if self.roster.get(index).ask.aim == Aim::Reserve { None } else { self.roster.free(index) }
    }

    pub(super) fn serves(&self, moment: &Moment<'_, N>, amounts: &[u64; N]) -> bool {
        (0..N).all(|i| amounts[i] == 0 || moment.serves(i, moment.units(i, amounts[i])))
    }

    fn is_over(&self, moment: &Moment<'_, N>, deadline: Time) -> bool {
        moment.now > after(deadline, self.grace.late)
    }
}

/// So many nanoseconds later.
pub(super) const fn after(time: Time, nanos: u64) -> Time {
    time.after(core::time::Duration::from_nanos(nanos))
}
