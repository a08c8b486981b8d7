//! Owns one run: callers come, wait, and are served or hang up. It ends by itself.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::Case;
use crate::contestants::Contestant;
use crate::figures::Figures;
use crate::probe::Probe;
use crate::runtimes::Runtime;
use crate::stopwatch::Stopwatch;
use crate::watch::{Due, Noted, Served, Watch};

/// What the callers of a run share.
struct Shared<L> {
    limiter: L,
    stopwatch: Stopwatch,
    served: Mutex<Vec<Served>>,
    polls: AtomicU64,
    gone: AtomicU64,
}

/// Waits until it is served, or as long as its patience lasts.
async fn call<R: Runtime, L: Contestant>(shared: Arc<Shared<L>>, patience: Duration) {
    let due = Due::new(shared.stopwatch);
    let served = {
        let mut take = pin!(shared.limiter.take(Noted(R::TIMER, &due)));
        let mut watch = Watch::new(&due);
        R::timeout(patience, poll_fn(|context| watch.poll(take.as_mut(), context, &shared.polls))).await
    };
    if let Some(served) = served {
        shared.served.lock().expect("nobody panics").push(served);
    }
    shared.gone.fetch_add(1, Relaxed);
}

/// Lets the callers of a case come, and returns how they fared.
pub(crate) fn run<R: Runtime, L: Contestant>(case: &Case) -> Figures {
    let stopwatch = Stopwatch::start();
    let shared = Arc::new(Shared {
        limiter: L::new(case, stopwatch),
        stopwatch,
        served: Mutex::new(Vec::with_capacity(1 << 16)),
        polls: AtomicU64::new(0),
        gone: AtomicU64::new(0),
    });
    let runtime = R::start();
    let probe = Probe::start(&runtime);
    let (mut callers, mut random) = (0, 88_172_645_463_325_252_u64);
    loop {
        let elapsed = Duration::from_nanos(stopwatch.nanos());
        if elapsed >= case.span {
            break;
        }
        while callers < (case.callers as f64 * elapsed.as_secs_f64()) as u64 {
            callers += 1;
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let patience = Duration::from_nanos(random % case.patience.as_nanos() as u64);
            runtime.spawn(call::<R, L>(shared.clone(), patience));
        }
        thread::sleep(Duration::from_millis(1));
    }
    let waiting = callers - shared.gone.load(Relaxed);
    let stalls = probe.stop();
    let end = Instant::now() + case.patience + Duration::from_secs(5);
    while shared.gone.load(Relaxed) < callers && Instant::now() < end {
        thread::sleep(Duration::from_millis(1));
    }
    let stuck = callers - shared.gone.load(Relaxed);
    let rest = shared.limiter.rest();
    let served = std::mem::take(&mut *shared.served.lock().expect("nobody panics"));
    Figures {
        runtime: R::NAME,
        limiter: L::NAME,
        case: *case,
        polls: shared.polls.load(Relaxed),
        served,
        stalls,
        waiting,
        stuck,
        rest,
    }
}
