//! Owns the line of a bucket in memory: its lock, and what takers and those who put back see of it.
//! Never decides who is served.
//!
//! 1. A taker loads `until` of each stream that it uses. It never takes the lock.
//! 2. Who enters or comes takes the lock, for one step and what follows from it. It wakes
//!    others when it has unlocked.
//! 3. Who puts tokens back looks whether somebody waits for them. If so, it leaves a mark, and then
//!    tries the lock. If the lock is held, the holder finds the mark after it has unlocked.
//! 4. Who drops a wait or a reservation leaves word of it, and then does the same.
//!
//! Two hand-overs must lose nobody:
//!
//! * An entry beside a put-back. Who enters says that it waits, then writes the word as it is, and
//!   then reads the word once more. Who puts back changes the word, and then looks who waits. One
//!   of the two writes of the word is the later one, and its thread sees the other.
//! * A mark beside the end of a step. Both are read-modify-writes of one word. If the mark is the
//!   later one, then the lock was free before, and the try succeeds, or meets a later holder.

use core::task::Waker;
use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::awaited::Awaited;
use crate::decision::due::Due;
use crate::decision::granted::Granted;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::state::store::{Revised, Store};
use crate::sync::{AcqRel, AtomicU32, AtomicU64, Lock, PublishOnce, Relaxed, const_fn, filled};
use crate::wait::held::Held;
use crate::wait::line::departures::{Departures, Parting};
use crate::wait::line::entry::{Ask, Ticket};
use crate::wait::line::grace::Grace;
use crate::wait::line::moment::Moment;
use crate::wait::line::standing::{Queue, Standing};
use crate::wait::line::waiting_line::{Enter, Visit, WaitingLine};
use crate::wait::line::wakers::{Wakers, Woken};

/// What a bucket keeps for those who wait: a word for each stream, and a pointer.
#[derive(Debug)]
pub(crate) struct Line<const N: usize> {
    /// Until when takers stay out, in nanoseconds.
    until: [AtomicU64; N],
    /// There since somebody waited first.
    pub(crate) shared: PublishOnce<Shared<N>>,
}

#[derive(Debug)]
pub(crate) struct Shared<const N: usize> {
    /// Tokens that are waited for.
    waiting: [AtomicU64; N],
    /// Tokens that the first waiter of each stream wants; 0 if nobody waits there.
    first: [AtomicU64; N],
    /// Whether tokens came back while the lock was held.
    mark: AtomicU32,
    departures: Departures,
    line: Lock<WaitingLine<Waker, N>>,
}

impl<const N: usize> Line<N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self { until: filled![AtomicU64::new(0); N], shared: PublishOnce::new() }
        }
    }

    /// Until when takers of a stream stay out.
    #[inline(always)]
    pub(crate) fn until(&self, i: usize) -> Time {
        // ORDERING: Relaxed. Partner is the store in `show`, which says why. Dies if it is not
        // looked at: loom-tests/line.rs, `a_taker_that_begins_after_an_entry_stays_out`.
        Time::from_nanos(self.until[i].load(Relaxed))
    }

    /// What these amounts come after, and the stream that keeps them out for the longest; `None` if
    /// none that they use does.
    #[cold]
    #[inline(never)]
    pub(crate) fn ahead(&self, now: Time, amounts: [u64; N]) -> Option<([u64; N], usize)> {
        let stream = (0..N).filter(|i| amounts[*i] > 0).max_by_key(|i| self.until(*i))?;
        (self.until(stream) > now).then(|| (waiting(self), stream))
    }

    /// What waiters share, with the grace of the bucket if it is made now.
    pub(crate) fn shared(&self, grace: Grace) -> &Shared<N> {
        self.shared.get_or_publish(|| Shared {
            waiting: core::array::from_fn(|_| AtomicU64::new(0)),
            first: core::array::from_fn(|_| AtomicU64::new(0)),
            mark: AtomicU32::new(0),
            departures: Departures::new(),
            line: Lock::new(WaitingLine::new(grace)),
        })
    }
}

/// Words, and the line of those who wait for them.
#[derive(Debug)]
pub struct Queued<S, const N: usize> {
    pub(crate) words: S,
    pub(crate) line: Line<N>,
    held: Held<N>,
}

impl<S: Revised<N>, const N: usize> Queued<S, N> {
    const_fn! {
        pub(crate) const fn new(words: S) -> Self {
            Self { words, line: Line::new(), held: Held::new() }
        }
    }

    /// What firm reservations hold.
    pub(crate) fn held(&self) -> &Held<N> {
        &self.held
    }
}

/// Words with a line, and the steps of those who wait there.
pub(crate) trait InLine<const N: usize> {
    type Words: Revised<N>;

    fn words(&self) -> &Self::Words;

    fn line(&self) -> &Line<N>;

    /// What firm reservations hold.
    fn held(&self) -> &Held<N>;

    /// Runs a step under the lock, then what follows from it, and wakes others when unlocked.
    fn locked<R>(
        &self,
        now: Time,
        step: impl FnOnce(&mut WaitingLine<Waker, N>, &Shared<N>) -> R,
        answer: impl FnOnce(&mut WaitingLine<Waker, N>, R) -> Standing<N>,
    ) -> Standing<N> {
        let line = self.line();
        let shared = line.shared(Grace::default());
        let mut guard = shared.line.lock();
        let done = step(&mut guard, shared);
        let (woken, dropped) = self.advance(line, shared, &mut guard, now);
        let answer = answer(&mut guard, done);
        drop(guard);
        drop(dropped);
        drop(woken);
        self.serve_mark(line, shared, now);
        answer
    }

    /// Does what follows from a step, and says what others see of the line.
    fn advance(
        &self,
        line: &Line<N>,
        shared: &Shared<N>,
        queue: &mut WaitingLine<Waker, N>,
        now: Time,
    ) -> (Woken, Wakers) {
        let dropped = self.depart(shared, queue, now);
        loop {
            let (revision, spent) = self.words().read_revised();
            let Some(debt) = queue.advance(&Moment { now, limits: &revision.limits, spent }) else { break };
            let change = |other: &Revision<N>, seen: &[u64; N]| {
                (other.number == revision.number && *seen == spent).then_some(debt.words)
            };
            let amounts = queue.amounts(&debt);
            self.held().hold(&amounts);
            let mut stays = false;
            match self.words().update_revised(&change) {
                Ok(()) => {
                    let due = Due::new(&revision, &debt.words, now, debt.ready);
                    let ticket = queue.firm(&debt, due);
                    shared.departures.set_ready(ticket.index, debt.ready);
                    stays = queue.firm_amounts(ticket).is_some();
                }
                // Nobody was faster: no debt so large is borne. Its owner learns that it is gone.
                Err((other, seen)) if (other.number, seen) == (revision.number, spent) => queue.let_down(&debt),
                Err(_) => {}
            }
            if !stays {
                self.held().let_go(&amounts);
            }
        }
        self.show(line, shared, queue);
        let mut woken = Woken::default();
        while let Some(waker) = queue.pop_woken() {
            woken.0.push(waker);
        }
        (woken, dropped)
    }

    /// Lets those go who left word, and gives back the wakers that they left.
    fn depart(&self, shared: &Shared<N>, queue: &mut WaitingLine<Waker, N>, now: Time) -> Wakers {
        let mut dropped = Wakers::default();
        shared.departures.pop_all(|Parting { index, kept }| {
            // It is there until its owner leaves. Nobody panics here: who drops may unwind.
            let Some(ticket) = queue.roster.ticket_of(index) else { return };
            if kept {
                if let Some(amounts) = queue.firm_amounts(ticket) {
                    self.held().let_go(&amounts);
                }
                if let Some(waker) = queue.keep(ticket) {
                    dropped.push(waker);
                }
                return;
            }
            let (waker, debt) = queue.leave(ticket);
            if let Some(waker) = waker {
                dropped.push(waker);
            }
            if let Some(amounts) = debt {
                let back = |limits: &Limits<N>, spent: &[u64; N]| {
                    Some((limits.put_back(spent, limits.elapsed(now), &amounts)?, ()))
                };
                let _ = self.words().update(|_| 0, back, |_, _, _| ());
                self.held().let_go(&amounts);
            }
        });
        dropped
    }

    /// Leaves word that the owner of a ticket left, and serves it if the lock is free.
    fn part(&self, now: Time, parting: Parting) {
        let line = self.line();
        let shared = line.shared(Grace::default());
        shared.departures.push(parting);
        self.leave_mark(line, shared, now);
    }

    /// Tells those who wait that tokens came back.
    #[cfg(feature = "keys")]
    fn ease(&self, now: Time) {
        if let Some(shared) = self.line().shared.get() {
            self.leave_mark(self.line(), shared, now);
        }
    }

    /// Leaves a mark for the holder of the lock, or serves it if there is none.
    fn leave_mark(&self, line: &Line<N>, shared: &Shared<N>, now: Time) {
        // ORDERING: AcqRel. Release pairs with the swap in `serve_mark`: the holder of the lock
        // reads the words, and who left, as this thread left them. Acquire pairs with the
        // read-modify-writes there: if the mark is not found any more, the try sees a free lock.
        // Dies if it is not left: loom-tests/line.rs,
        // `a_put_back_that_finds_the_lock_held_is_served`.
        shared.mark.fetch_or(1, AcqRel);
        self.serve_mark(line, shared, now);
    }

    /// Says until when takers stay out, and what is waited for.
    fn show(&self, line: &Line<N>, shared: &Shared<N>, queue: &WaitingLine<Waker, N>) {
        for i in 0..N {
            // ORDERING: Relaxed. Partner is the load in `ahead`. A take that begins after this
            // thread has told somebody of its wait reads this value by that order alone; any other
            // may be earlier. Dies if it is not stored: loom-tests/line.rs,
            // `a_taker_that_begins_after_an_entry_stays_out`.
            line.until[i].store(queue.until(i).as_nanos(), Relaxed);
            // ORDERING: Relaxed. Partner is the load in `eased`. Who enters writes the word after
            // it. Dies if it is not stored: loom-tests/line.rs,
            // `a_put_back_beside_an_entry_wakes_it`.
            shared.waiting[i].store(queue.waiting(i), Relaxed);
            // ORDERING: Relaxed. Partner is the load in `awaited`: a value alone, and an old one
            // cuts off what the first could not have used without it. Dies if it is not stored:
            // tests/line_level.rs, `a_change_leaves_what_the_first_may_use`.
            shared.first[i].store(queue.first_wants(i), Relaxed);
        }
    }

    /// Whether nobody is let in any more, for good.
    fn is_closed(&self) -> bool {
        let line = self.line();
        // ORDERING: Relaxed. Partner is the store in `show`: a line that is closed keeps everybody
        // out for ever, and no other does. Dies as never closed: loom-tests/line.rs,
        // `who_enters_beside_a_close_is_let_go`.
        line.until.iter().any(|until| until.load(Relaxed) == u64::MAX)
    }

    /// What the first of those who wait may use, for a change of limits.
    fn awaited(&self, grace: Duration) -> Awaited<N> {
        let line = self.line();
        line.shared.get().map_or(Awaited::NOTHING, |shared| Awaited {
            // ORDERING: Relaxed. Partner is the store in `show`, which says why. Dies as 0:
            // tests/line_level.rs, `a_change_leaves_what_the_first_may_use`.
            first: core::array::from_fn(|i| shared.first[i].load(Relaxed)),
            grace: Grace::of(grace).late,
        })
    }

    /// Tells those who wait, and those who hold reservations, that the limits changed.
    fn retime(&self, now: Time) {
        let line = self.line();
        if line.shared.get().is_none() {
            return;
        }
        let step = |queue: &mut WaitingLine<Waker, N>, shared: &Shared<N>| {
            let (revision, spent) = self.words().read_revised();
            queue.retime(&Moment { now, limits: &revision.limits, spent });
            queue.postpone(
                |due, amounts| due.at(&revision, amounts),
                |index, at| shared.departures.set_ready(index, at),
            );
        };
        self.locked(now, step, |_, ()| Standing::Gone);
    }

    /// Serves those who came back meanwhile and found the lock held.
    fn serve_mark(&self, line: &Line<N>, shared: &Shared<N>, now: Time) {
        // ORDERING: AcqRel. Partner is the mark in `eased`. If that is later, it sees the lock as
        // this thread left it; if it is earlier, it is found here. Dies as a load: loom-tests/
        // line.rs, `a_put_back_that_finds_the_lock_held_is_served`.
        while shared.mark.fetch_or(0, AcqRel) != 0 {
            let Some(mut guard) = shared.line.try_lock() else { return };
            // ORDERING: AcqRel. Acquire pairs with the mark in `eased`: the words that are read
            // next are those that it left. Dies as a store: loom-tests/line.rs,
            // `a_put_back_that_finds_the_lock_held_is_served`.
            shared.mark.swap(0, AcqRel);
            let (woken, dropped) = self.advance(line, shared, &mut guard, now);
            drop(guard);
            drop(dropped);
            drop(woken);
        }
    }

    /// Swaps the words of a moment for others, if nobody else was faster.
    fn swap(&self, limits: &Limits<N>, spent: &[u64; N], words: [u64; N]) -> bool {
        let change = |now: &Limits<N>, seen: &[u64; N]| (now == limits && seen == spent).then_some((words, ()));
        self.words().update(|_| 0, change, |_, _, _| ()).is_ok()
    }

    /// Why a caller is not let in, or has to go: it would be served at this instant.
    fn refusal(&self, now: Time, ask: &Ask<N>, ahead: &[u64; N], at: Time) -> Refused<N> {
        self.words().read(|limits, spent| {
            let behind = limits.behind(spent, now, &ask.amounts, ahead);
            match (0..N).find(|i| ask.amounts[*i] > 0) {
                // What there is now is for others who wait.
                Some(stream) if behind.wait() == Some(Duration::ZERO) => {
                    behind.lasting(stream, at.nanos_since(now)).into()
                }
                _ => behind.into(),
            }
        })
    }
}

impl<S: Revised<N>, const N: usize> InLine<N> for Queued<S, N> {
    type Words = S;

    #[inline(always)]
    fn words(&self) -> &S {
        &self.words
    }

    #[inline(always)]
    fn line(&self) -> &Line<N> {
        &self.line
    }

    #[inline(always)]
    fn held(&self) -> &Held<N> {
        &self.held
    }
}

/// Tokens of each stream that are waited for.
#[cold]
pub(crate) fn waiting<const N: usize>(line: &Line<N>) -> [u64; N] {
    line.shared.get().map_or([0; N], |shared| {
        // ORDERING: Relaxed. Partner is the store in `show`; an estimate. Dies as 0: loom-tests/
        // line.rs, `a_put_back_beside_an_entry_wakes_it`.
        core::array::from_fn(|i| shared.waiting[i].load(Relaxed))
    })
}

#[inline(never)]
pub(crate) fn eased<S: Revised<N>, const N: usize>(
    queued: &Queued<S, N>,
    line: &Line<N>,
    shared: &Shared<N>,
    now: Time,
) {
    if waiting(line) == [0; N] {
        return;
    }
    queued.leave_mark(line, shared, now);
}

impl<T: InLine<N> + Sync, const N: usize> Queue<N> for T {
    fn enter(&self, now: Time, ask: &Ask<N>, bounds: &WaitBounds<N>, waker: Option<&Waker>) -> Standing<N> {
        let line = self.line();
        line.shared(Grace::of(bounds.grace));
        let mut waker = waker.cloned();
        let step = |queue: &mut WaitingLine<Waker, N>, shared: &Shared<N>| loop {
            self.words().bring_home(now, &ask.amounts);
            let (limits, spent) = self.words().read(|limits, spent| (*limits, *spent));
            match queue.enter(&Moment { now, limits: &limits, spent }, ask, &bounds.max_debt, &mut waker) {
                Enter::Closed => return Err(Standing::Refused(Refused::Closed)),
                Enter::Take(words) => {
                    if self.swap(&limits, &spent, words) {
                        return Err(Standing::Served(Granted::new(&limits, &words, now, 0)));
                    }
                }
                Enter::Settle(words) => {
                    let _ = self.swap(&limits, &spent, words);
                }
                Enter::Refused(at) => {
                    let ahead = core::array::from_fn(|i| queue.waiting(i));
                    return Err(Standing::Refused(self.refusal(now, ask, &ahead, at)));
                }
                Enter::Joined(ticket, _) => {
                    shared.departures.seat(ticket.index);
                    self.show(self.line(), shared, queue);
                    self.words().touch(now);
                    return Ok(ticket);
                }
            }
        };
        self.locked(now, step, |queue, joined| match joined {
            Ok(ticket) => found(queue, now, ticket),
            Err(standing) => standing,
        })
    }

    fn visit(&self, now: Time, ask: &Ask<N>, ticket: Ticket, waker: Option<&Waker>) -> Standing<N> {
        // What is dropped here is dropped when the lock is free again.
        let (mut waker, mut served) = (waker.cloned(), None);
        let step = |queue: &mut WaitingLine<Waker, N>, _: &Shared<N>| loop {
            self.words().bring_home(now, &ask.amounts);
            let (limits, spent) = self.words().read(|limits, spent| (*limits, *spent));
            match queue.visit(&Moment { now, limits: &limits, spent }, ticket, &mut waker) {
                Visit::Closed => return Some(Standing::Refused(Refused::Closed)),
                Visit::Gone => return Some(Standing::Gone),
                Visit::Refused(at) => return Some(Standing::Refused(self.refusal(now, ask, &[0; N], at))),
                Visit::Take(words) => {
                    if self.swap(&limits, &spent, words) {
                        served = queue.served(ticket);
                        return Some(Standing::Served(Granted::new(&limits, &words, now, 0)));
                    }
                }
                Visit::Sleep(_) | Visit::Firm(_) => return None,
            }
        };
        let standing = self.locked(now, step, |queue, ended| ended.unwrap_or_else(|| found(queue, now, ticket)));
        drop((waker, served));
        standing
    }

    fn leave(&self, now: Time, ticket: Ticket) {
        self.part(now, Parting { index: ticket.index, kept: false });
    }

    fn keep(&self, now: Time, ticket: Ticket) {
        self.part(now, Parting { index: ticket.index, kept: true });
    }

    fn ready_at(&self, ticket: Ticket) -> Option<Time> {
        let line = self.line();
        line.shared(Grace::default()).departures.ready_at(ticket.index)
    }

    fn stands(&self, ticket: Ticket) -> Standing<N> {
        let line = self.line();
        let visit = line.shared(Grace::default()).line.lock().stands(ticket);
        standing(visit, ticket, false, false)
    }

    fn is_listened_to(&self, now: Time, amounts: &[u64; N]) -> bool {
        self.line().ahead(now, *amounts).is_some()
    }

    fn close(&self, now: Time) {
        self.locked(now, |queue, _| queue.close(), |_, ()| Standing::Gone);
        self.words().recall(now);
    }
}

/// How the wait of an owner stands who is here.
fn found<const N: usize>(queue: &mut WaitingLine<Waker, N>, now: Time, ticket: Ticket) -> Standing<N> {
    let (anew, still) = queue.hears(ticket, now);
    standing(queue.found(ticket), ticket, anew, still)
}

fn standing<const N: usize>(visit: Visit<N>, ticket: Ticket, anew: bool, still: bool) -> Standing<N> {
    match visit {
        Visit::Sleep(at) => Standing::Sleeps { ticket, at, anew, still },
        Visit::Firm(at) => Standing::Firm(ticket, at),
        _ => Standing::Gone,
    }
}
