//! Owns the threads that are never stopped, and how they detect that they wait for a stopped one.
//! It never measures time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use freeze_points::patiently;

use crate::subject::Subject;

/// The threads that go on, and the calls that each of them finishes.
const WORKERS: usize = 2;
const CALLS: usize = 10_000;

/// Points after which a call may be waiting for a stopped thread.
///
/// They are 100,000 rounds of any loop in the crate. A lock-free call can lose a race as often as
/// others win theirs, but hardly that many times in a row.
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

/// The work of a worker.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) calls: usize,
    /// Items added.
    pub(crate) added: i64,
    /// Whether it gave up, because it waited.
    pub(crate) waits: bool,
}

impl Workers {
    /// Starts threads that call all adding verbs in turn, `CALLS` times.
    ///
    /// Calls count from now on, or from when the threads are told to count.
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
    // Each thread begins at another verb.
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

/// Decides whether a call of worker `me` waits for a stopped thread.
///
/// It is asked each time that the call loses its patience.
///
/// A worker that the system took off its core may keep others waiting, too. But it does not count
/// points. So a call is hopeless only if every other worker has ended, or has lost its patience
/// twice meanwhile. The second patience must have been spent entirely during this call. Then all
/// workers wait, and for none of them.
///
/// The awaited event may just have happened. So the call is given up only after it has been
/// hopeless for a full patience of its own.
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
