//! Owns a thread that has been stopped inside a verb; never lets it go before it is told to.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use freeze_points::{Stopped, freeze, ice, patiently};

use crate::subject::{Subject, Verb};

/// A thread that stands before a point of a verb of `S`, and all that it did before.
#[derive(Debug)]
pub struct Frozen<S: Subject> {
    pub verb: &'static Verb<S>,
    pub stopped: Stopped,
    /// Items that it added before, in calls that it finished.
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

/// A call that is about to be made, and the observer's ends of its ice.
type Call<S> = (&'static Verb<S>, Receiver<Stopped>, Sender<()>);

impl<S: Subject> Doomed<S> {
    /// Makes these calls in a new thread one after the other, until it is stopped in one of them
    /// before the point that goes with it.
    pub fn spawn<I>(subject: &Arc<S>, attempts: I) -> Self
    where
        I: IntoIterator<Item = (&'static Verb<S>, usize), IntoIter: Send + 'static>,
    {
        let (report, calls) = channel();
        let (subject, attempts) = (Arc::clone(subject), attempts.into_iter());
        let thread = thread::spawn(move || {
            for (verb, at) in attempts {
                let (ice, observer, keeper) = ice();
                // Handed over before the call: once it is stopped, this thread can no longer do it.
                if report.send((verb, observer, keeper)).is_err() {
                    break;
                }
                // It may also get stuck before it comes to the point: then it ends, and is not
                // frozen.
                let passed = patiently(100_000_000, || true, || freeze(ice, at, || (verb.call)(&subject)));
                if passed.is_err() {
                    break;
                }
            }
        });
        Self { calls, thread }
    }

    /// Waits until it stands; `None` if it has finished all its calls, or waits in one of them.
    pub fn frozen(self) -> Option<Frozen<S>> {
        let Self { calls, thread } = self;
        let mut added = 0;
        for (verb, observer, keeper) in calls {
            // An error says that the ice is gone: the call has been finished.
            match observer.recv() {
                Ok(stopped) => return Some(Frozen { verb, stopped, added, keeper, thread }),
                Err(_) => added += verb.effect.adds().unwrap_or(0),
            }
        }
        None
    }
}

impl<S: Subject> Frozen<S> {
    /// Stops a new thread in a call of `verb` before point `at`; `None` if the call has no such
    /// point.
    pub fn at(subject: &Arc<S>, verb: &'static Verb<S>, at: usize) -> Option<Self> {
        Doomed::spawn(subject, [(verb, at)]).frozen()
    }

    /// Whether its call has taken effect.
    pub fn has_changed_the_state(&self) -> bool {
        self.stopped.passage.changes > 0
    }

    /// Lets it go on, and waits until it has finished its call.
    pub fn thaw(self) {
        drop(self.keeper);
        self.thread.join().expect("it goes on as if nothing had been");
    }
}
