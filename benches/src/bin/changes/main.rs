//! Measures two takers while the limits change a thousand times a second.
//!
//! It compares them with two takers under limits that do not change. Then it counts the attempts
//! that changes need beside sixteen takers.
//!
//! `cargo xtask changes [--quick]`

mod attempts;

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use benches::{Contestant, threads};
use tollgate::{Limit, MultiBucket};

const CHANGES: u32 = 1000;
const WINDOW: Duration = Duration::from_millis(500);

struct Bucket<const N: usize>(MultiBucket<N>);

impl<const N: usize> Contestant for Bucket<N> {
    type Own<'a> = ();

    fn own(&self) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take([1; N]).is_ok()
    }
}

/// Makes a limit that grants every take.
const fn limit(rate: u64) -> Limit {
    Limit::per_second(rate).capacity(1 << 40)
}

fn new<const N: usize>() -> Bucket<N> {
    Bucket(MultiBucket::new([limit(1_000_000_000); N]).expect("good limits"))
}

/// Counts the calls of two threads in a window, and the changes of limits meanwhile.
fn window<const N: usize>(bucket: &Bucket<N>, changing: bool) -> (f64, u32) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let changer = scope.spawn(|| {
            let (started, mut changes) = (Instant::now(), 0);
            while changing && !over.load(Relaxed) {
                bucket.0.set_limits([limit(1_000_000_000 + u64::from(changes)); N]).expect("good limits");
                changes += 1;
                thread::sleep(
                    (started + Duration::from_secs(1) / CHANGES * changes).saturating_duration_since(Instant::now()),
                );
            }
            changes
        });
        let done = threads::window(bucket, 2, WINDOW, || {});
        over.store(true, Relaxed);
        assert_eq!(done.calls, done.granted, "refused");
        (1.0 / done.nanos, changer.join().expect("no panic"))
    })
}

fn measure<const N: usize>(rounds: usize) {
    // The second bucket is changed once before it is measured: limits that never changed make a
    // bucket faster.
    let (untouched, changed, changing) = (new::<N>(), new::<N>(), new::<N>());
    changed.0.set_limits([limit(999_999_999); N]).expect("good limits");
    let mut ratios = [Vec::new(), Vec::new()];
    let mut changes = 0;
    for _ in 0..rounds {
        let [untouched, changed] = [&untouched, &changed].map(|bucket| window(bucket, false).0);
        let (calls, now) = window(&changing, true);
        changes += now;
        ratios[0].push(calls / untouched);
        ratios[1].push(calls / changed);
    }
    let [never, once] = ratios.map(|mut ratios| {
        ratios.sort_by(f64::total_cmp);
        [1, 2, 3].map(|quarter| ratios[quarter * (ratios.len() - 1) / 4])
    });
    let seconds = WINDOW.as_secs_f64() * rounds as f64;
    println!("{N} streams, 2 takers, {seconds:.1} s each, {:.0} changes a second:", f64::from(changes) / seconds);
    let [low, middle, high] = never;
    println!("  throughput, of that of limits that never changed  {middle:.3} ({low:.3} to {high:.3})");
    let [low, middle, high] = once;
    println!("  throughput, of that of limits that changed once   {middle:.3} ({low:.3} to {high:.3})");
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (rounds, changes) = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => (20, 10_000),
        ["--quick"] => (2, 100),
        _ => {
            eprintln!("usage: changes [--quick]");
            return ExitCode::from(2);
        }
    };
    measure::<1>(rounds);
    measure::<2>(rounds);
    for busy in [0, 300, 5000].map(Duration::from_nanos) {
        attempts::measure::<1>(changes, busy);
        attempts::measure::<2>(changes, busy);
        attempts::measure::<8>(changes, busy);
    }
    ExitCode::SUCCESS
}
