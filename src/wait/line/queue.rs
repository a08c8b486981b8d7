//! Owns the line of a bucket in memory: its lock, and what takers and those who put back see of it.
//! Never decides who is served.
//!
//! 1. A taker loads `until` of each stream that it uses. It never takes the lock.
//! 2. Who enters, comes or leaves takes the lock, for one step and what follows from it. It wakes
//!    others when it has unlocked.
//! 3. Who puts tokens back looks whether somebody waits for them. If so, it leaves a mark, and then
//!    tries the lock. If the lock is held, the holder finds the mark after it has unlocked.
//!
//! Two hand-overs must lose nobody:
//!
//! * An entry beside a put-back. Who enters says that it waits, then writes the word as it is, and
//!   then reads the word once more. Who puts back changes the word, and then looks who waits. One
//!   of the two writes of the word is the later one, and its thread sees the other.
//! * A mark beside the end of a step. Both are read-modify-writes of one word. If the mark is the
//!   later one, then the lock was free before, and the try succeeds, or meets a later holder.

use core::borrow::Borrow;
use core::task::Waker;
use std::vec::Vec;

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::state::store::Store;
use crate::sync::{AcqRel, AtomicU32, AtomicU64, Lock, PublishOnce, Relaxed};
use crate::wait::line::entry::{Ask, Ticket};
use crate::wait::line::grace::Grace;
use crate::wait::line::moment::Moment;
use crate::wait::line::waiting_line::{Enter, Visit, WaitingLine};

/// What a bucket keeps for those who wait: a word for each stream, and a pointer.
#[derive(Debug)]
pub struct Line<const N: usize> {
    /// Until when takers stay out, in nanoseconds.
    until: [AtomicU64; N],
    /// There since somebody waited first.
    shared: PublishOnce<Shared<N>>,
}

#[derive(Debug)]
struct Shared<const N: usize> {
    /// Tokens that are waited for.
    waiting: [AtomicU64; N],
    /// Whether tokens came back while the lock was held.
    mark: AtomicU32,
    line: Lock<WaitingLine<Waker, N>>,
}

/// How a wait stands.
#[derive(Clone, Copy, Debug)]
pub enum Standing<const N: usize> {
    Served,
    Refused(Refused<N>),
    /// Nobody came when it was called: it is to enter again.
    Gone,
    /// It comes again at this instant.
    Sleeps(Ticket, Time),
    /// Its reservation is a debt, which is paid at this instant.
    Firm(Ticket, Time),
}

/// The line of a bucket, whatever its words.
pub trait Queue<const N: usize>: Sync {
    fn enter(&self, now: Time, ask: &Ask<N>, most: &[u64; N], waker: Option<&Waker>) -> Standing<N>;

    fn visit(&self, now: Time, ask: &Ask<N>, ticket: Ticket, waker: Option<&Waker>) -> Standing<N>;

    fn leave(&self, now: Time, ticket: Ticket);

    /// How a wait stands, without a step.
    fn stands(&self, ticket: Ticket) -> Standing<N>;

    /// Lets a reservation be used when it is ready.
    fn keep(&self, now: Time, ticket: Ticket);

    /// Whether those who wait keep others out.
    fn is_listened_to(&self, now: Time, amounts: &[u64; N]) -> bool;

    /// Tells those who wait that the limits changed.
    fn retime(&self, now: Time);

    fn close(&self, now: Time);
}

impl<const N: usize> Line<N> {
    pub(crate) fn new() -> Self {
        Self { until: core::array::from_fn(|_| AtomicU64::new(0)), shared: PublishOnce::new() }
    }

    fn shared(&self) -> &Shared<N> {
        self.shared.get_or_publish(|| Shared {
            waiting: core::array::from_fn(|_| AtomicU64::new(0)),
            mark: AtomicU32::new(0),
            line: Lock::new(WaitingLine::new(Grace::default())),
        })
    }
}

/// Words, and the line of those who wait for them.
#[derive(Debug)]
pub struct Queued<S, L> {
    pub(crate) words: S,
    pub(crate) line: L,
}

impl<S, L> Queued<S, L> {
    /// Runs a step under the lock, then what follows from it, and wakes others when unlocked.
    fn locked<const N: usize, R>(
        &self,
        now: Time,
        step: impl FnOnce(&mut WaitingLine<Waker, N>, &Shared<N>) -> R,
        answer: impl FnOnce(&WaitingLine<Waker, N>, R) -> Standing<N>,
    ) -> Standing<N>
    where
        S: Store<N>,
        L: Borrow<Line<N>>,
    {
        let line: &Line<N> = self.line.borrow();
        let shared = line.shared();
        let mut guard = shared.line.lock();
        let done = step(&mut guard, shared);
        let woken = self.advance(line, shared, &mut guard, now);
        let answer = answer(&guard, done);
        drop(guard);
        woken.into_iter().for_each(Waker::wake);
        self.serve_mark(line, shared, now);
        answer
    }

    /// Does what follows from a step, and says what others see of the line.
    fn advance<const N: usize>(
        &self,
        line: &Line<N>,
        shared: &Shared<N>,
        queue: &mut WaitingLine<Waker, N>,
        now: Time,
    ) -> Vec<Waker>
    where
        S: Store<N>,
    {
        loop {
            let (limits, spent) = self.words.read(|limits, spent| (*limits, *spent));
            let Some(debt) = queue.advance(&Moment { now, limits: &limits, spent }) else { break };
            if self.swap(&limits, &spent, debt.words) {
                queue.firm(&debt);
            }
        }
        self.show(line, shared, queue);
        core::iter::from_fn(|| queue.pop_woken()).collect()
    }

    /// Says until when takers stay out, and what is waited for.
    fn show<const N: usize>(&self, line: &Line<N>, shared: &Shared<N>, queue: &WaitingLine<Waker, N>) {
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
        }
    }

    /// Serves those who came back meanwhile and found the lock held.
    fn serve_mark<const N: usize>(&self, line: &Line<N>, shared: &Shared<N>, now: Time)
    where
        S: Store<N>,
    {
        // ORDERING: AcqRel. Partner is the mark in `eased`. If that is later, it sees the lock as
        // this thread left it; if it is earlier, it is found here. Dies as a load: loom-tests/
        // line.rs, `a_put_back_that_finds_the_lock_held_is_served`.
        while shared.mark.fetch_or(0, AcqRel) != 0 {
            let Some(mut guard) = shared.line.try_lock() else { return };
            // ORDERING: AcqRel. Acquire pairs with the mark in `eased`: the words that are read
            // next are those that it left. Dies as a store: loom-tests/line.rs,
            // `a_put_back_that_finds_the_lock_held_is_served`.
            shared.mark.swap(0, AcqRel);
            let woken = self.advance(line, shared, &mut guard, now);
            drop(guard);
            woken.into_iter().for_each(Waker::wake);
        }
    }

    /// Swaps the words of a moment for others, if nobody else was faster.
    fn swap<const N: usize>(&self, limits: &Limits<N>, spent: &[u64; N], words: [u64; N]) -> bool
    where
        S: Store<N>,
    {
        let change = |now: &Limits<N>, seen: &[u64; N]| (now == limits && seen == spent).then_some((words, ()));
        self.words.update(|_| 0, change, |_, _, _| ()).is_ok()
    }

    /// Why a caller is not let in, or has to go.
    fn refusal<const N: usize>(&self, now: Time, ask: &Ask<N>, ahead: &[u64; N]) -> Refused<N>
    where
        S: Store<N>,
    {
        self.words.read(|limits, spent| {
            let amounts = core::array::from_fn(|i| match ask.amounts[i] {
                0 => 0,
                tokens => tokens.saturating_add(ahead[i]),
            });
            let units = limits.units_capped(&amounts);
            limits.would_wait(spent, limits.elapsed(now), &units).behind(limits.pause_left(now)).into()
        })
    }
}

impl<S: Store<N>, L: Borrow<Line<N>>, const N: usize> Store<N> for Queued<S, L>
where
    Self: Sized,
{
    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        self.words.update(pause, change, refuse)
    }

    #[inline(always)]
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        self.words.read(look)
    }

    fn touch(&self) {
        self.words.touch();
    }

    #[inline(always)]
    fn ahead(&self, now: Time, amounts: &[u64; N]) -> Option<[u64; N]> {
        let line: &Line<N> = self.line.borrow();
        // ORDERING: Relaxed. Partner is the store in `show`, which says why. Dies if it is not
        // looked at: loom-tests/line.rs, `a_taker_that_begins_after_an_entry_stays_out`.
        let out = |i: usize| amounts[i] > 0 && now.as_nanos() < line.until[i].load(Relaxed);
        if (0..N).any(out) { Some(waiting(line)) } else { None }
    }

    fn is_closed(&self) -> bool {
        let line: &Line<N> = self.line.borrow();
        line.shared.get().is_some_and(|shared| shared.line.lock().is_closed())
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        waiting(self.line.borrow())[stream] > 0
    }

    #[inline(always)]
    fn eased(&self, now: Time) {
        let line: &Line<N> = self.line.borrow();
        if let Some(shared) = line.shared.get() {
            eased(self, line, shared, now);
        }
    }
}

/// Tokens of each stream that are waited for.
#[cold]
fn waiting<const N: usize>(line: &Line<N>) -> [u64; N] {
    line.shared.get().map_or([0; N], |shared| {
        // ORDERING: Relaxed. Partner is the store in `show`; an estimate. Dies as 0: loom-tests/
        // line.rs, `a_put_back_beside_an_entry_wakes_it`.
        core::array::from_fn(|i| shared.waiting[i].load(Relaxed))
    })
}

#[inline(never)]
fn eased<S: Store<N>, L: Borrow<Line<N>>, const N: usize>(
    queued: &Queued<S, L>,
    line: &Line<N>,
    shared: &Shared<N>,
    now: Time,
) {
    if waiting(line) == [0; N] {
        return;
    }
    // ORDERING: AcqRel. Release pairs with the swap in `serve_mark`: the holder of the lock reads
    // the words as they were left. Acquire pairs with the read-modify-writes there: if the mark is
    // not found any more, the try sees a free lock. Dies as a store: loom-tests/line.rs,
    // `a_put_back_that_finds_the_lock_held_is_served`.
    shared.mark.fetch_or(1, AcqRel);
    queued.serve_mark(line, shared, now);
}

impl<S: Store<N> + Sync, L: Borrow<Line<N>> + Sync, const N: usize> Queue<N> for Queued<S, L> {
    fn enter(&self, now: Time, ask: &Ask<N>, most: &[u64; N], waker: Option<&Waker>) -> Standing<N> {
        let mut waker = waker.cloned();
        let step = |queue: &mut WaitingLine<Waker, N>, shared: &Shared<N>| loop {
            let (limits, spent) = self.words.read(|limits, spent| (*limits, *spent));
            match queue.enter(&Moment { now, limits: &limits, spent }, ask, most, &mut waker) {
                Enter::Closed => return Err(Standing::Refused(Refused::Closed)),
                Enter::Take(words) => {
                    if self.swap(&limits, &spent, words) {
                        return Err(Standing::Served);
                    }
                }
                Enter::Settle(words) => {
                    let _ = self.swap(&limits, &spent, words);
                }
                Enter::Refused(_) => {
                    let ahead = core::array::from_fn(|i| queue.waiting(i));
                    return Err(Standing::Refused(self.refusal(now, ask, &ahead)));
                }
                Enter::Joined(ticket, _) => {
                    self.show(self.line.borrow(), shared, queue);
                    self.words.touch();
                    return Ok(ticket);
                }
            }
        };
        self.locked(now, step, |queue, joined| match joined {
            Ok(ticket) => standing(queue, ticket),
            Err(standing) => standing,
        })
    }

    fn visit(&self, now: Time, ask: &Ask<N>, ticket: Ticket, waker: Option<&Waker>) -> Standing<N> {
        let mut waker = waker.cloned();
        let step = |queue: &mut WaitingLine<Waker, N>, _: &Shared<N>| loop {
            let (limits, spent) = self.words.read(|limits, spent| (*limits, *spent));
            match queue.visit(&Moment { now, limits: &limits, spent }, ticket, &mut waker) {
                Visit::Closed => return Some(Standing::Refused(Refused::Closed)),
                Visit::Gone => return Some(Standing::Gone),
                Visit::Refused(_) => return Some(Standing::Refused(self.refusal(now, ask, &[0; N]))),
                Visit::Take(words) => {
                    if self.swap(&limits, &spent, words) {
                        let _ = queue.served(ticket);
                        return Some(Standing::Served);
                    }
                }
                Visit::Sleep(_) | Visit::Firm(_) => return None,
            }
        };
        self.locked(now, step, |queue, ended| ended.unwrap_or_else(|| standing(queue, ticket)))
    }

    fn leave(&self, now: Time, ticket: Ticket) {
        let mut waker = None;
        self.locked(now, |queue, _| waker = queue.leave(ticket), |_, ()| Standing::Gone);
    }

    fn stands(&self, ticket: Ticket) -> Standing<N> {
        let line: &Line<N> = self.line.borrow();
        standing(&line.shared().line.lock(), ticket)
    }

    fn keep(&self, now: Time, ticket: Ticket) {
        self.locked(now, |queue, _| queue.keep(ticket), |_, ()| Standing::Gone);
    }

    fn is_listened_to(&self, now: Time, amounts: &[u64; N]) -> bool {
        self.ahead(now, amounts).is_some()
    }

    fn retime(&self, now: Time) {
        let line: &Line<N> = self.line.borrow();
        if line.shared.get().is_some() {
            let step = |queue: &mut WaitingLine<Waker, N>, _: &Shared<N>| {
                let (limits, spent) = self.words.read(|limits, spent| (*limits, *spent));
                queue.retime(&Moment { now, limits: &limits, spent });
            };
            self.locked(now, step, |_, ()| Standing::Gone);
        }
    }

    fn close(&self, now: Time) {
        self.locked(now, |queue, _| queue.close(), |_, ()| Standing::Gone);
    }
}

fn standing<const N: usize>(queue: &WaitingLine<Waker, N>, ticket: Ticket) -> Standing<N> {
    match queue.stands(ticket) {
        Visit::Sleep(at) => Standing::Sleeps(ticket, at),
        Visit::Firm(at) => Standing::Firm(ticket, at),
        _ => Standing::Gone,
    }
}
