//! Owns the throughput of two threads on known keys, beside peers. It never times one contestant
//! alone: all take turns in one process.

use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use benches::{Contestant, threads};

use crate::contestants::{Governor, Keyed, Ours, RateNet};
use crate::draws::{Spread, draws};

const THREADS: usize = 2;
const ROUNDS: usize = 21;
const WINDOW: Duration = Duration::from_millis(60);
const DRAWS: usize = 1 << 20;
const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];

/// A limiter, and the draws of each thread.
struct Asked<'a, L> {
    limiter: &'a L,
    draws: &'a [Vec<u32>; THREADS],
    begun: AtomicUsize,
}

impl<L: Keyed<u64>> Contestant for Asked<'_, L> {
    /// The thread's draws, and the index of the last one.
    type Own<'b>
        = (usize, usize)
    where
        Self: 'b;

    fn own(&self) -> (usize, usize) {
        (self.begun.fetch_add(1, Relaxed) % THREADS, 0)
    }

    #[inline(always)]
    fn decide(&self, (thread, at): &mut (usize, usize)) -> bool {
        *at = (*at + 1) % DRAWS;
        self.limiter.decide(&self.draws[*thread][*at].into())
    }
}

pub(crate) fn all() {
    println!(
        "known keys, two threads: ns for a call, both threads together, and how often as many calls governor's and rate-net's limiters are outdone by"
    );
    println!("(median and quartiles of {ROUNDS} rounds)\n");
    println!(
        "| keys | spread | tollgate | governor | rate-net | over governor | over rate-net |\n|---|---|---|---|---|---|---|"
    );
    for keys in SIZES {
        let (ours, governor, rate_net) =
            (filled::<Ours<u64>>(keys), filled::<Governor<u64>>(keys), filled::<RateNet>(keys));
        for spread in [Spread::Uniform, Spread::Zipf] {
            let draws: [Vec<u32>; THREADS] = std::array::from_fn(|thread| draws(spread, keys, DRAWS, thread as u64));
            let mut nanos = [(); 3].map(|()| Vec::new());
            for round in 0..ROUNDS {
                for i in 0..3 {
                    let which = (round + i) % 3;
                    nanos[which].push(match which {
                        0 => nanos_of(&ours, &draws),
                        1 => nanos_of(&governor, &draws),
                        _ => nanos_of(&rate_net, &draws),
                    });
                }
            }
            let ratio =
                |of: usize| spread_of(nanos[of].iter().zip(&nanos[0]).map(|(theirs, ours)| theirs / ours).collect());
            let [a, b, c] = [0, 1, 2].map(|of| spread_of(nanos[of].clone())[1]);
            let [g, r] = [ratio(1), ratio(2)].map(|[low, middle, high]| format!("{middle:.2} ({low:.2} to {high:.2})"));
            println!("| {keys} | {spread:?} | {a:.0} | {b:.0} | {c:.0} | {g} | {r} |");
        }
    }
}

fn filled<L: Keyed<u64>>(keys: u64) -> L {
    let limiter = L::make(keys as usize);
    (0..keys).for_each(|key| assert!(limiter.decide(&key), "refused"));
    limiter
}

fn nanos_of<L: Keyed<u64>>(limiter: &L, draws: &[Vec<u32>; THREADS]) -> f64 {
    let done = threads::window(&Asked { limiter, draws, begun: AtomicUsize::new(0) }, THREADS, WINDOW, || {});
    assert_eq!(done.granted, done.calls, "refused");
    done.nanos
}

/// Returns the lower quartile, the median and the upper quartile.
fn spread_of(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples[quarter * (samples.len() - 1) / 4])
}
