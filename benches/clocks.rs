//! Owns the question: what does a reading of a clock cost? It never times a decision.
//!
//! It compares our clocks, the standard library's, and the bare counter.

use std::time::{Duration, Instant};

use benches::floors::Reading;
use benches::run;
use criterion::{Criterion, criterion_group, criterion_main};
use tollgate::Clock;
use tollgate::clock::{InstantClock, ManualClock, Monotonic, RecentClock, TscClock, Upkeep};

fn readings(criterion: &mut Criterion) {
    bench(criterion, "tsc", TscClock::new());
    bench(criterion, "tsc-monotonic", Monotonic::new(TscClock::new()));
    bench(criterion, "instant", InstantClock::new());
    bench(criterion, "manual", ManualClock::new());
    let upkeep = Upkeep::start(Duration::from_millis(1)).expect("no other upkeep");
    bench(criterion, "recent", RecentClock::new());
    drop(upkeep);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        bench(criterion, "uptime", tollgate::clock::UptimeClock::new());
        bench(criterion, "coarse", tollgate::clock::CoarseClock::new());
    }
    let counter = quanta::Clock::new();
    criterion.bench_function("clocks/counter", |bencher| bencher.iter(|| counter.raw()));
    criterion.bench_function("clocks/std-instant", |bencher| bencher.iter(Instant::now));
}

fn bench<C: Clock + Sync>(criterion: &mut Criterion, name: &str, clock: C) {
    let reading = Reading(clock);
    criterion.bench_function(&format!("clocks/{name}"), |bencher| {
        bencher.iter_custom(|calls| {
            let started = Instant::now();
            assert_eq!(run(&reading, calls), calls, "{name}");
            started.elapsed()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(2));
    targets = readings
}
criterion_main!(benches);
