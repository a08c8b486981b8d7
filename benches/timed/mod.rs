//! Owns the loop of the criterion files. It never times a wrong answer: each call must grant, or
//! each must refuse.

use std::time::Instant;

use benches::{Contestant, Limiter, run};
use criterion::Criterion;

pub(crate) fn grants<L: Limiter>(criterion: &mut Criterion, name: &str) {
    time(criterion, &format!("granted/{name}"), &L::granting(), true);
}

pub(crate) fn refuses<L: Limiter>(criterion: &mut Criterion, name: &str) {
    time(criterion, &format!("refused/{name}"), &L::holding(0), false);
}

pub(crate) fn time<C: Contestant>(criterion: &mut Criterion, name: &str, contestant: &C, grants: bool) {
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|calls| {
            let started = Instant::now();
            let granted = run(contestant, calls);
            let time = started.elapsed();
            assert_eq!(granted, if grants { calls } else { 0 }, "{name}");
            time
        });
    });
}
