//! What does one decision about one stream cost, granted and refused, with a clock and without?

use std::time::{Duration, Instant};

use benches::floors::Word;
use benches::ours::{Batch, One, OneLease, OneOnClock};
use benches::peers::{BetterBucket, BetterBucketOnClock, Free, Governor, LeakyBucket, Ratelimit, ThrottleNet};
use benches::{Contestant, Limiter, run};
use criterion::{Criterion, criterion_group, criterion_main};

fn granted(criterion: &mut Criterion) {
    bench(criterion, "granted/floor", &Word::default(), true);
    grants::<One>(criterion, "tollgate");
    grants::<Governor<Free>>(criterion, "governor");
    grants::<BetterBucket>(criterion, "better-bucket");
    grants::<Batch>(criterion, "tollgate-batch-of-64");
    grants::<OneOnClock>(criterion, "tollgate-clock");
    grants::<OneLease>(criterion, "tollgate-lease-clock");
    grants::<Governor>(criterion, "governor-clock");
    grants::<BetterBucketOnClock>(criterion, "better-bucket-clock");
    grants::<Ratelimit>(criterion, "ratelimit-clock");
    grants::<LeakyBucket>(criterion, "leaky-bucket-clock");
    grants::<ThrottleNet>(criterion, "throttle-net-clock");
}

fn refused(criterion: &mut Criterion) {
    refuses::<One>(criterion, "tollgate");
    refuses::<Governor<Free>>(criterion, "governor");
    refuses::<BetterBucket>(criterion, "better-bucket");
    refuses::<OneOnClock>(criterion, "tollgate-clock");
    refuses::<Governor>(criterion, "governor-clock");
    refuses::<BetterBucketOnClock>(criterion, "better-bucket-clock");
    refuses::<Ratelimit>(criterion, "ratelimit-clock");
    refuses::<LeakyBucket>(criterion, "leaky-bucket-clock");
    refuses::<ThrottleNet>(criterion, "throttle-net-clock");
}

fn grants<L: Limiter>(criterion: &mut Criterion, name: &str) {
    bench(criterion, &format!("granted/{name}"), &L::granting(), true);
}

fn refuses<L: Limiter>(criterion: &mut Criterion, name: &str) {
    bench(criterion, &format!("refused/{name}"), &L::holding(0), false);
}

fn bench<C: Contestant>(criterion: &mut Criterion, name: &str, contestant: &C, grants: bool) {
    criterion.bench_function(&format!("one_stream/{name}"), |bencher| {
        bencher.iter_custom(|calls| {
            let started = Instant::now();
            let granted = run(contestant, calls);
            let time = started.elapsed();
            assert_eq!(granted, if grants { calls } else { 0 }, "{name}");
            time
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = granted, refused
}
criterion_main!(benches);
