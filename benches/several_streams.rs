//! Owns the question: what does a decision about several streams cost? It never uses a second
//! thread.
//!
//! It times the bucket, a handle, and the peers with two streams.

mod timed;

use std::time::Duration;

use benches::floors::WideWord;
use benches::locked::Locked;
use benches::ours::{Handles, HandlesOnClock, Several, SeveralLease, SeveralOnClock};
use benches::peers::{TwoGovernors, TwoThrottles};
use criterion::{Criterion, criterion_group, criterion_main};
use timed::{grants, refuses, time};

fn granted(criterion: &mut Criterion) {
    time(criterion, "granted/2/floor-128-bit", &WideWord::default(), true);
    grants::<Locked>(criterion, "2/mutex");
    grants::<TwoGovernors>(criterion, "2/governors-clock");
    grants::<TwoThrottles>(criterion, "2/throttle-net-clock");
    grants::<SeveralOnClock<2>>(criterion, "2/self-clock");
    grants::<HandlesOnClock<2>>(criterion, "2/handle-clock");
    grants::<SeveralLease<2>>(criterion, "2/lease-clock");
    streams::<1>(criterion);
    streams::<2>(criterion);
    streams::<3>(criterion);
    streams::<4>(criterion);
    streams::<8>(criterion);
}

fn streams<const N: usize>(criterion: &mut Criterion) {
    grants::<Several<N>>(criterion, &format!("{N}/self"));
    grants::<Handles<N>>(criterion, &format!("{N}/handle"));
}

fn refused(criterion: &mut Criterion) {
    refuses::<Locked>(criterion, "2/mutex");
    refuses::<TwoGovernors>(criterion, "2/governors-clock");
    refuses::<TwoThrottles>(criterion, "2/throttle-net-clock");
    refuses::<Several<2>>(criterion, "2/self");
    refuses::<Handles<2>>(criterion, "2/handle");
    refuses::<Several<8>>(criterion, "8/self");
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = granted, refused
}
criterion_main!(benches);
