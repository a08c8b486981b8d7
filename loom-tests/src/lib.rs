//! Owns the run of a model under loom: the set of outcomes, and the number of executions. It never
//! accepts a part of the set.
//!
//! Every model asserts the whole set. A model may explore nothing, because a switch is inert or
//! loom finds no choice to make (tokio-rs/loom#392). It then reaches one outcome of several, and
//! fails.
#![cfg(loom)]

pub mod thread;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

/// The bound on preemptions for models of three threads.
///
/// Models of two threads have none. At 3, the slowest model,
/// `growth::three_takers_share_what_grows`, takes 34 s for 308,439 executions. The other three take
/// 15 s together. `LOOM_MAX_PREEMPTIONS` overrides the bound.
pub const THREE_THREADS: usize = 3;

/// Explores `model`, and asserts that it reaches exactly these outcomes.
///
/// It must take at least `executions` executions.
///
/// A wrong outcome fails immediately: its cause may allow far more executions than can be tried.
///
/// `preemptions` is `None` for all interleavings. The function prints a line for people and for
/// `cargo xtask loom`.
#[track_caller]
pub fn explore<O, M>(
    name: &str,
    preemptions: Option<usize>,
    executions: usize,
    outcomes: impl IntoIterator<Item = O>,
    model: M,
) where
    O: Ord + Debug + Send + 'static,
    M: Fn() -> O + Send + Sync + 'static,
{
    let expected: BTreeSet<O> = outcomes.into_iter().collect();
    let reached = Arc::new(Mutex::new((BTreeSet::new(), expected)));
    let count = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(preemptions);
    builder.max_branches = 10_000;
    let bound = builder.preemption_bound.map_or("none".to_owned(), |bound| bound.to_string());
    {
        let (reached, count) = (Arc::clone(&reached), Arc::clone(&count));
        builder.check(move || {
            thread::begin();
            let outcome = model();
            let count = count.fetch_add(1, Ordering::Relaxed) + 1;
            let (reached, expected) = &mut *reached.lock().expect("no execution panicked");
            let is_expected = expected.contains(&outcome);
            reached.insert(outcome);
            assert!(is_expected, "after {count} executions\n  left: {reached:?}\n right: {expected:?}, what must be");
        });
    }
    let (reached, count) = (reached.lock().expect("no execution panicked"), count.load(Ordering::Relaxed));
    let (reached, expected) = &*reached;
    // Bypasses libtest's capture, so that a run that passes shows the table of models.
    let _ = writeln!(
        std::io::stdout(),
        "model {name} threads={} preemptions={bound} executions={count} outcomes={} seconds={:.1}",
        thread::most(),
        reached.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(reached, expected, "{name}: left: what was reached, right: what must be, after {count} executions");
    assert!(count >= executions, "{name}: {count} executions, fewer than {executions}: is the switch inert?");
}

/// Makes a limit of a token a nanosecond.
///
/// A token is then a unit, and time counts tokens.
pub fn limit(capacity: u64) -> Limit {
    Limit::new(Rate::per_second(1_000_000_000), capacity)
}

/// Makes a bucket whose clock is a loom atomic that the model moves.
pub fn token_bucket(capacity: u64) -> Arc<TokenBucket<ManualClock>> {
    Arc::new(TokenBucket::with_clock(limit(capacity), ManualClock::new()).expect("a limit in range"))
}

/// Makes a bucket of several streams on such a clock, with `S` inner slots.
pub fn multi_bucket<const N: usize, const S: usize>(capacity: [u64; N]) -> Arc<MultiBucket<N, ManualClock, S>> {
    Arc::new(MultiBucket::with_slots(capacity.map(limit), ManualClock::new()).expect("limits in range"))
}

/// Declares the models of a file.
///
/// The form is `model!(preemptions, executions, outcomes, fn name() { body })`. The body's value is
/// the outcome.
#[macro_export]
macro_rules! model {
    ($(#[$doc:meta])* $name:ident, $preemptions:expr, $executions:expr, $outcomes:expr, $body:expr) => {
        $(#[$doc])*
        #[test]
        fn $name() {
            $crate::explore(
                concat!(module_path!(), "::", stringify!($name)),
                $preemptions,
                $executions,
                $outcomes,
                $body,
            );
        }
    };
}
