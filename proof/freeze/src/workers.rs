//! Owns the threads that nobody stops, and how they know that they wait for one that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use freeze_points::patiently;

use crate::subject::Subject;

/// The threads that go on, and how many calls each of them is to finish.
const WORKERS: usize = 2;
const CALLS: usize = 10_000;

/// Points after which a call may be waiting for somebody who never comes: 100,000 rounds of any
/// loop in the crate. A lock-free call can lose a race as often as others win theirs, but hardly
/// that many times in a row.
const PATIENCE: usize = 1_000_000;

#[derive(Debug)]
pub(crate) struct Workers {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Done>>,
}

#[derive(Debug)]
struct Shared {
    /// Whether calls count towards `CALLS`.
    counting: AtomicBool,
    /// How often each worker has lost its patience; `GONE` once it has ended.
    impatient: [AtomicUsize; WORKERS],
}

const GONE: usize = usize::MAX;

/// What a worker got done.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) calls: usize,
    /// Items.
    pub(crate) added: i64,
    /// It gave up, since it waited.
    pub(crate) waits: bool,
}

impl Workers {
    /// Threads that call all verbs that add, in turn: `CALLS` times, counted now or from when they
    /// are told to.
    pub(crate) fn spawn<S: Subject>(subject: &Arc<S>, counting: bool) -> Self {
        let adds: i64 = S::VERBS.iter().filter_map(|verb| verb.effect.adds()).sum();
        assert_eq!(adds, 0, "{}: a mix of its verbs comes to an end", S::NAME);
        let shared =
            Arc::new(Shared { counting: counting.into(), impatient: [const { AtomicUsize::new(0) }; WORKERS] });
        let threads = (0..WORKERS).map(|me| {
            let (subject, shared) = (Arc::clone(subject), Arc::clone(&shared));
            thread::spawn(move || {
                let done = work(&*subject, &shared, me);
                shared.impatient[me].store(GONE, Relaxed);
                done
            })
        });
        let threads = threads.collect();
        Self { shared, threads }
    }

    pub(crate) fn begin_to_count(&self) {
        self.shared.counting.store(true, Relaxed);
    }

    pub(crate) fn join(self) -> Vec<Done> {
        self.threads.into_iter().map(|thread| thread.join().expect("its calls are granted")).collect()
    }
}

fn work<S: Subject>(subject: &S, shared: &Arc<Shared>, me: usize) -> Done {
    let mut done = Done::default();
    let mut rest = CALLS;
    // Each begins at another verb.
    for verb in S::VERBS.iter().cycle().skip(me) {
        let Some(items) = verb.effect.adds() else { continue };
        if patiently(PATIENCE, hopeless(shared, me), || (verb.call)(subject)).is_err() {
            done.waits = true;
            break;
        }
        done.calls += 1;
        done.added += items;
        rest -= usize::from(shared.counting.load(Relaxed));
        if rest == 0 {
            break;
        }
    }
    done
}

/// Asked each time that a call of worker `me` loses its patience: whether it waits for a thread
/// that has been stopped, not for another worker.
///
/// A worker that the system has taken off its core may keep others waiting too, for as long as they
/// like to count. But it does not count itself. So a call is hopeless only when every other worker
/// has ended, or has meanwhile lost its patience twice, the second time with all of that patience
/// spent while this call was under way: whoever they all wait for is none of them. And it is given
/// up only when it has been hopeless for as long as its own patience lasts, since what it waited
/// for may just have happened.
fn hopeless(shared: &Arc<Shared>, me: usize) -> impl FnMut() -> bool + 'static {
    let shared = Arc::clone(shared);
    let mut first: [Option<usize>; WORKERS] = [None; WORKERS];
    let mut before = false;
    move || {
        shared.impatient[me].fetch_add(1, Relaxed);
        let hopeless = (0..WORKERS).filter(|&other| other != me).all(|other| {
            let now = shared.impatient[other].load(Relaxed);
            now == GONE || now >= *first[other].get_or_insert(now) + 2
        });
        thread::yield_now();
        std::mem::replace(&mut before, hopeless) && hopeless
    }
}
