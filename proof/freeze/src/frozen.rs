//! Owns a thread that is stopped inside a verb. It never lets it go before it is told to.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use freeze_points::{Stopped, freeze, ice, patiently};

use crate::subject::{Subject, Verb};

/// A thread that stands before a point of a verb, and its earlier effects.
#[derive(Debug)]
pub struct Frozen<S: Subject> {
    pub verb: &'static Verb<S>,
    pub stopped: Stopped,
    /// Items that the thread added before, in finished calls.
    pub added: i64,
    keeper: Sender<()>,
    thread: JoinHandle<()>,
}

/// A thread on its way to be stopped.
#[derive(Debug)]
pub struct Doomed<S: Subject> {
    calls: Receiver<Call<S>>,
    thread: JoinHandle<()>,
}

/// The next call, and the observer's ends of its ice.
type Call<S> = (&'static Verb<S>, Receiver<Stopped>, Sender<()>);

impl<S: Subject> Doomed<S> {
    /// Makes these calls in a new thread, in turn, until one is stopped.
    ///
    /// Each call comes with the point before which it stops.
    pub fn spawn<I>(subject: &Arc<S>, attempts: I) -> Self
    where
        I: IntoIterator<Item = (&'static Verb<S>, usize), IntoIter: Send + 'static>,
    {
        let (report, calls) = channel();
        let (subject, attempts) = (Arc::clone(subject), attempts.into_iter());
        let thread = thread::spawn(move || {
            for (verb, at) in attempts {
                let (ice, observer, keeper) = ice();
                // Sent before the call: a stopped thread cannot send.
                if report.send((verb, observer, keeper)).is_err() {
                    break;
                }
                // The call may also get stuck before the point. Then the thread ends, and is not
                // frozen.
                let passed = patiently(100_000_000, || true, || freeze(ice, at, || (verb.call)(&subject)));
                if passed.is_err() {
                    break;
                }
            }
        });
        Self { calls, thread }
    }

    /// Waits until the thread stands; `None` if it does not.
    ///
    /// It then finished all its calls, or waited in one of them.
    pub fn frozen(self) -> Option<Frozen<S>> {
        let Self { calls, thread } = self;
        let mut added = 0;
        for (verb, observer, keeper) in calls {
            // An error means that the ice is gone: the call has finished.
            match observer.recv() {
                Ok(stopped) => return Some(Frozen { verb, stopped, added, keeper, thread }),
                Err(_) => added += verb.effect.adds().unwrap_or(0),
            }
        }
        None
    }
}

impl<S: Subject> Frozen<S> {
    /// Stops a new thread in `verb` before point `at`; `None` without such a point.
    pub fn at(subject: &Arc<S>, verb: &'static Verb<S>, at: usize) -> Option<Self> {
        Doomed::spawn(subject, [(verb, at)]).frozen()
    }

    /// Returns whether its call has taken effect.
    pub fn has_changed_the_state(&self) -> bool {
        self.stopped.passage.changes > 0
    }

    /// Lets the thread go on, and waits until its call has finished.
    pub fn thaw(self) {
        drop(self.keeper);
        self.thread.join().expect("it goes on as if nothing had been");
    }
}
