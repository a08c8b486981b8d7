//! Owns the question: what does one decision about one stream cost? It never uses a second thread.
//!
//! It times grants and refusals, with a clock and without.

mod timed;

use std::time::Duration;

use benches::floors::Word;
use benches::ours::{Batch, One, OneLease, OneOnClock};
use benches::peers::{BetterBucket, BetterBucketOnClock, Free, Governor, LeakyBucket, Ratelimit, ThrottleNet};
use criterion::{Criterion, criterion_group, criterion_main};
use timed::{grants, refuses, time};

fn granted(criterion: &mut Criterion) {
    time(criterion, "granted/floor", &Word::default(), true);
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

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = granted, refused
}
criterion_main!(benches);
