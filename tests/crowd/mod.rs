//! What the suites of crowds share: tasks that wait on a clock that is moved by hand, and the audit
//! of the bound at use.
#![allow(dead_code, reason = "every suite uses a part of it")]

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tollgate::clock::{ManualClock, Time};
use tollgate::wait::Timer;
use tollgate::{Clock, Granted, Limit, Refused};

use crate::common::Naive;

/// How late a waiter may come without a loss: the default.
pub(crate) const GRACE: Duration = Duration::from_millis(10);

/// No play needs as many polls.
const MOST_POLLS: u64 = 1_000_000;

/// A timer on a clock that is moved by hand. Its alarms ring in the order of their instants, and at
/// one instant in the order in which they were set.
#[derive(Debug)]
pub(crate) struct Alarms<'a> {
    pub(crate) clock: &'a ManualClock,
    set: RefCell<BTreeMap<(Time, u64), Waker>>,
    numbers: Cell<u64>,
}

impl<'a> Alarms<'a> {
    pub(crate) fn new(clock: &'a ManualClock) -> Self {
        Self { clock, set: RefCell::default(), numbers: Cell::new(0) }
    }

    /// When the next alarm rings.
    pub(crate) fn next(&self) -> Option<Time> {
        self.set.borrow().first_key_value().map(|((at, _), _)| *at)
    }

    /// Wakes all whose alarms are due.
    pub(crate) fn ring(&self) {
        while self.next().is_some_and(|at| at <= self.clock.now()) {
            let (_, waker) = self.set.borrow_mut().pop_first().unwrap();
            waker.wake();
        }
    }
}

impl<'a, 'b> Timer for &'b Alarms<'a> {
    type Sleep = Sleep<'a, 'b>;

    fn sleep(&self, duration: Duration) -> Sleep<'a, 'b> {
        self.numbers.set(self.numbers.get() + 1);
        Sleep { alarms: self, key: (self.clock.now().after(duration), self.numbers.get()) }
    }
}

pub(crate) struct Sleep<'a, 'b> {
    alarms: &'b Alarms<'a>,
    key: (Time, u64),
}

impl Future for Sleep<'_, '_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.alarms.clock.now() >= self.key.0 {
            return Poll::Ready(());
        }
        self.alarms.set.borrow_mut().insert(self.key, context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Sleep<'_, '_> {
    fn drop(&mut self) {
        self.alarms.set.borrow_mut().remove(&self.key);
    }
}

/// A task's place in the queue of those to be polled.
struct Bell {
    who: usize,
    is_awake: AtomicBool,
    queue: Arc<Mutex<VecDeque<usize>>>,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        if !self.is_awake.swap(true, Relaxed) {
            self.queue.lock().unwrap().push_back(self.who);
        }
    }
}

/// What a caller waits for.
type Wait<'t, const N: usize> = Pin<Box<dyn Future<Output = Result<Granted<N>, Refused<N>>> + 't>>;

/// Callers that wait, each a task; one is polled when it is woken.
pub(crate) struct Crowd<'t, const N: usize = 1> {
    alarms: &'t Alarms<'t>,
    callers: Vec<Option<(Wait<'t, N>, Arc<Bell>)>>,
    queue: Arc<Mutex<VecDeque<usize>>>,
    waiting: usize,
    /// Who was served, and when, in that order.
    pub(crate) served: Vec<(usize, Time)>,
    pub(crate) refused: Vec<(usize, Refused<N>)>,
    pub(crate) polls: u64,
}

impl<'t, const N: usize> Crowd<'t, N> {
    pub(crate) fn new(alarms: &'t Alarms<'t>) -> Self {
        let queue = Arc::default();
        Self { alarms, callers: Vec::new(), queue, waiting: 0, served: Vec::new(), refused: Vec::new(), polls: 0 }
    }

    /// Lets a caller come; it is polled with those who are awake.
    pub(crate) fn come(&mut self, wait: impl Future<Output = Result<Granted<N>, Refused<N>>> + 't) -> usize {
        let who = self.callers.len();
        let bell = Arc::new(Bell { who, is_awake: AtomicBool::new(false), queue: self.queue.clone() });
        bell.clone().wake();
        self.callers.push(Some((Box::pin(wait), bell)));
        self.waiting += 1;
        who
    }

    /// Lets a caller hang up, if it is there.
    pub(crate) fn leave(&mut self, who: usize) {
        self.waiting -= usize::from(self.callers[who].take().is_some());
    }

    /// How many wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Polls those who are awake, until nobody is.
    pub(crate) fn poll(&mut self) {
        self.poll_by(VecDeque::pop_front);
    }

    /// Polls those who are awake, each time the one that `next` chooses.
    pub(crate) fn poll_by(&mut self, mut next: impl FnMut(&mut VecDeque<usize>) -> Option<usize>) {
        loop {
            let who = next(&mut self.queue.lock().unwrap());
            let Some(who) = who else { return };
            let Some((wait, bell)) = &mut self.callers[who] else { continue };
            bell.is_awake.store(false, Relaxed);
            self.polls += 1;
            assert!(self.polls < MOST_POLLS, "it goes on for ever");
            let waker = Waker::from(bell.clone());
            match wait.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Pending => continue,
                Poll::Ready(Ok(_)) => self.served.push((who, self.alarms.clock.now())),
                Poll::Ready(Err(refused)) => self.refused.push((who, refused)),
            }
            self.leave(who);
        }
    }

    /// Wakes all whose alarms are due, and polls them in that order.
    pub(crate) fn ring_and_poll(&mut self, next: impl FnMut(&mut VecDeque<usize>) -> Option<usize>) {
        self.alarms.ring();
        self.poll_by(next);
    }

    /// Lets the time go on until then, from one alarm to the next.
    pub(crate) fn run(&mut self, until: Time) {
        self.poll();
        while let Some(at) = self.alarms.next().filter(|at| *at <= until) {
            self.alarms.clock.set(at.max(self.alarms.clock.now()));
            self.alarms.ring();
            self.poll();
        }
        self.alarms.clock.set(until);
    }

    /// Lets the time go on until nobody waits for an alarm.
    pub(crate) fn run_out(&mut self) {
        self.poll();
        while let Some(at) = self.alarms.next() {
            self.run(at);
        }
    }
}

/// The bound at use over every window of every length: `C + r * (w + e + J)`, for uses of
/// `(time, tokens)`, `e` of a nanosecond and a grace of `J`. The worst window that ends at a use
/// begins where what was used before, less what accrued, was least.
pub(crate) fn audit_with_grace(limit: Limit, grace: Duration, uses: &[(u64, u64)]) -> Result<(), String> {
    let (tokens, period) = (i128::from(limit.rate.tokens()), limit.rate.period().as_nanos() as i128);
    let nanos = Naive::new(limit).precision.max(1) + grace.as_nanos() as i128;
    let mut uses = uses.to_vec();
    uses.sort_unstable();
    let (mut sum, mut least) = (0, i128::MAX);
    for (at, n) in uses {
        let accrued = tokens * i128::from(at);
        least = least.min(sum - accrued);
        sum += i128::from(n) * period;
        let over = sum - accrued - least - i128::from(limit.capacity) * period - tokens * nanos;
        if over > 0 {
            return Err(format!("{limit}: {over}/{period} tokens too many in a window that ends at {at} ns"));
        }
    }
    Ok(())
}
