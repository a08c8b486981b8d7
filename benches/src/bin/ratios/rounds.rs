//! Owns the rounds: each runs every case once, in a new order. So a slow machine slows all cases
//! down, never one alone.

use std::time::{Duration, Instant};

use benches::probe::{Distance, round_trip};

use crate::cases::{Case, Sample};
use crate::spread::Spread;

/// The time that a sample of one thread should take.
const BATCH: Duration = Duration::from_millis(1);
/// One round in this many runs the cases with more threads than cores.
///
/// They take long.
const CROWDED_EVERY: usize = 4;

pub(crate) struct Rounds {
    /// Nanoseconds for a call, by case and round.
    ///
    /// `None` if the round did not run the case, or does not count.
    nanos: Vec<Vec<Option<f64>>>,
    /// The distance of the cores in each round.
    ///
    /// `None` if it differed before and after the samples of two threads.
    pub(crate) distances: Vec<Option<Distance>>,
    /// All readings of the probe, in nanoseconds for a round trip.
    pub(crate) probes: Vec<f64>,
}

impl Rounds {
    pub(crate) fn measure(cases: &[Case], time: Duration) -> Self {
        let calls: Vec<u64> = cases.iter().map(calibrated).collect();
        let of = |wanted: fn(usize) -> bool| -> Vec<usize> {
            (0..cases.len()).filter(|i| wanted(cases[*i].sample.threads())).collect()
        };
        let [mut alone, mut two, mut crowded] = [of(|n| n == 1), of(|n| n == 2), of(|n| n > 2)];
        let mut shuffle = Shuffle::new();
        let mut rounds = Self { nanos: vec![Vec::new(); cases.len()], distances: Vec::new(), probes: Vec::new() };
        let sample = |i: usize| match &cases[i].sample {
            Sample::Batch(sample) => sample(calls[i]).as_nanos() as f64 / calls[i] as f64,
            Sample::Window { nanos, .. } => nanos(),
        };
        let started = Instant::now();
        while started.elapsed() < time {
            let round = rounds.distances.len();
            rounds.nanos.iter_mut().for_each(|nanos| nanos.push(None));
            let mut take = |order: &mut Vec<usize>| {
                shuffle.shuffle(order);
                order.iter().for_each(|i| rounds.nanos[*i][round] = Some(sample(*i)));
            };
            take(&mut alone);
            let before = round_trip();
            take(&mut two);
            let after = round_trip();
            if round.is_multiple_of(CROWDED_EVERY) {
                take(&mut crowded);
            }
            rounds.probes.extend(before.into_iter().chain(after));
            let [before, after] = [before, after].map(|nanos| nanos.map(Distance::of));
            rounds.distances.push(before.filter(|_| before == after));
            if before != after {
                two.iter().for_each(|i| rounds.nanos[*i][round] = None);
            }
        }
        rounds
    }

    pub(crate) fn nanos(&self, case: usize) -> Spread {
        self.nanos[case].iter().flatten().copied().collect()
    }

    /// Returns the ratio of two cases in each round that has both.
    ///
    /// With a `distance`, only rounds at that distance count.
    pub(crate) fn ratios(&self, case: usize, reference: usize, distance: Option<Distance>) -> Spread {
        let rounds = self.nanos[case].iter().zip(&self.nanos[reference]).zip(&self.distances);
        let wanted = rounds.filter(|(_, at)| distance.is_none() || **at == distance);
        wanted.filter_map(|((case, reference), _)| Some((*case)? / (*reference)?)).collect()
    }
}

/// Finds the number of calls that fill a sample.
fn calibrated(case: &Case) -> u64 {
    let Sample::Batch(sample) = &case.sample else { return 0 };
    let mut calls = 1024;
    loop {
        let time = (0..3).map(|_| sample(calls)).min().unwrap_or_default();
        if time >= BATCH / 4 {
            return (calls as u128 * BATCH.as_nanos() / time.as_nanos()) as u64;
        }
        calls *= 2;
    }
}

/// A source of orders: they differ by round, and every run repeats them.
struct Shuffle(u64);

impl Shuffle {
    fn new() -> Self {
        Self(1)
    }

    fn next(&mut self) -> u64 {
        // Knuth's generator; its upper bits suffice for an order.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn shuffle(&mut self, items: &mut [usize]) {
        for i in (1..items.len()).rev() {
            items.swap(i, (self.next() % (i as u64 + 1)) as usize);
        }
    }
}
