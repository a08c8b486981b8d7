//! Runs a model under loom and keeps what it reached: the set of outcomes, and how many executions
//! it took.
//!
//! Every model asserts the whole set. A model that explores nothing, because a switch is inert or
//! loom finds no choice to make (tokio-rs/loom#392), reaches one outcome where there are several,
//! and fails.
#![cfg(loom)]

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

/// The bound on preemptions for models of three threads; those of two have none. At 3, the slowest
/// of them, `growth::three_takers_share_what_grows`, takes 34 s for 308,439 executions; the other
/// three 15 s together. `LOOM_MAX_PREEMPTIONS` overrides it.
pub const THREE_THREADS: usize = 3;

/// Explores `model`, and asserts that it reaches these outcomes, no fewer and no others, in at
/// least `executions` executions.
///
/// An outcome that must not be fails at once: what makes one possible may make far more executions
/// possible than can be tried.
///
/// `preemptions` is `None` for all interleavings. It prints a line to be read by people and by
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
    // Past libtest's capture, so that the table of models is seen in a run that passes.
    let _ = writeln!(
        std::io::stdout(),
        "model {name} preemptions={bound} executions={count} outcomes={} seconds={:.1}",
        reached.len(),
        started.elapsed().as_secs_f64()
    );
    assert_eq!(reached, expected, "{name}: left: what was reached, right: what must be, after {count} executions");
    assert!(count >= executions, "{name}: {count} executions, fewer than {executions}: is the switch inert?");
}

/// A token a nanosecond: a token is a unit, and time counts tokens.
pub fn limit(capacity: u64) -> Limit {
    Limit::new(Rate::per_second(1_000_000_000), capacity)
}

/// A bucket whose clock is a loom atomic that the model moves.
pub fn token_bucket(capacity: u64) -> Arc<TokenBucket<ManualClock>> {
    Arc::new(TokenBucket::with_clock(limit(capacity), ManualClock::new()).expect("a limit in range"))
}

/// The same for several streams, with `S` slots in the first block.
pub fn multi_bucket<const N: usize, const S: usize>(capacity: [u64; N]) -> Arc<MultiBucket<N, ManualClock, S>> {
    Arc::new(MultiBucket::with_slots(capacity.map(limit), ManualClock::new()).expect("limits in range"))
}

/// Declares the models of a file: `model!(preemptions, executions, outcomes, fn name() { body })`,
/// where the body's value is the outcome.
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
