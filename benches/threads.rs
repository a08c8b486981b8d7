//! Owns the question: what does a decision cost when many threads share the bucket? It never times
//! one thread.
//!
//! The threads run with work of their own between calls, and without.
//!
//! The time of a call is the time of all threads together, divided by all their calls.

use std::time::Duration;

use benches::locked::Locked;
use benches::ours::{Handles, OneOnClock, Several, SeveralOnClock};
use benches::peers::{Governor, TwoGovernors};
use benches::{Limiter, threads};
use criterion::{Criterion, criterion_group, criterion_main};
use tollgate::clock::DefaultClock;

const THREADS: [usize; 5] = [1, 2, 4, 16, 64];
const THINK: Duration = Duration::from_micros(1);

fn one_stream(criterion: &mut Criterion) {
    sweep::<OneOnClock>(criterion, "1/tollgate-clock");
    sweep::<Governor>(criterion, "1/governor-clock");
}

fn two_streams(criterion: &mut Criterion) {
    sweep::<Several<2>>(criterion, "2/self");
    sweep::<Handles<2>>(criterion, "2/handle");
    sweep::<Locked>(criterion, "2/mutex");
    sweep::<SeveralOnClock<2>>(criterion, "2/self-clock");
    sweep::<TwoGovernors>(criterion, "2/governors-clock");
}

fn sweep<L: Limiter>(criterion: &mut Criterion, name: &str) {
    let (limiter, clock) = (L::granting(), DefaultClock::default());
    for threads in THREADS {
        criterion.bench_function(&format!("threads/{name}/{threads}"), |bencher| {
            bencher.iter_custom(|calls| threads::calls(&limiter, threads, calls, || {}));
        });
        criterion.bench_function(&format!("threads/{name}/{threads}/think-1us"), |bencher| {
            bencher.iter_custom(|calls| threads::calls(&limiter, threads, calls, || threads::think(&clock, THINK)));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1));
    targets = one_stream, two_streams
}
criterion_main!(benches);
