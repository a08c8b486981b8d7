//! Times the same decisions in two states of one crate, in turn, and prints what the newer one
//! takes in terms of the older one.

use std::hint::black_box;
use std::time::Duration;

const ROUNDS: usize = 401;
const CALLS: u64 = 40_000;

/// The cases in one state of the crate.
macro_rules! state {
    ($name:ident) => {
        mod $name {
            use std::hint::black_box;
            use std::time::{Duration, Instant};

            use ::$name::{Limit, ManualClock, MultiBucket, Time, TokenBucket};

            const ENDLESS: Limit = Limit::per_second(1_000_000_000).capacity(1 << 60);
            const DRAINED: Limit = Limit::per_hour(1).capacity(1 << 20);

            fn timed(mut decide: impl FnMut(Time) -> bool) -> impl FnMut(u64) -> Duration {
                let mut nanos = 0;
                move |calls| {
                    let started = Instant::now();
                    for _ in 0..calls {
                        nanos += 1;
                        black_box(decide(Time::from_nanos(nanos)));
                    }
                    started.elapsed()
                }
            }

            fn one(limit: Limit) -> TokenBucket<ManualClock> {
                let bucket = TokenBucket::with_clock(limit, ManualClock::new()).expect("a good limit");
                bucket.reset(if limit == DRAINED { 0 } else { u64::MAX });
                bucket
            }

            fn several<const N: usize>(limit: Limit) -> MultiBucket<N, ManualClock> {
                let bucket = MultiBucket::with_clock([limit; N], ManualClock::new()).expect("good limits");
                bucket.reset([if limit == DRAINED { 0 } else { u64::MAX }; N]);
                bucket
            }

            fn through_self<const N: usize>(limit: Limit) -> Box<dyn FnMut(u64) -> Duration> {
                let bucket = several::<N>(limit);
                Box::new(timed(move |now| bucket.at(now).try_take(black_box([1; N])).is_ok()))
            }

            fn through_a_handle<const N: usize>(limit: Limit) -> Box<dyn FnMut(u64) -> Duration> {
                let bucket: &'static _ = Box::leak(Box::new(several::<N>(limit)));
                let mut handle = bucket.handle().expect("the first");
                Box::new(timed(move |now| handle.at(now).try_take(black_box([1; N])).is_ok()))
            }

            pub fn cases() -> Vec<(&'static str, Box<dyn FnMut(u64) -> Duration>)> {
                let (granting, refusing) = (one(ENDLESS), one(DRAINED));
                vec![
                    ("one-granted", Box::new(timed(move |now| granting.at(now).try_take(1).is_ok()))),
                    ("one-refused", Box::new(timed(move |now| refusing.at(now).try_take(1).is_ok()))),
                    ("one-of-many-granted", through_self::<1>(ENDLESS)),
                    ("one-of-many-refused", through_self::<1>(DRAINED)),
                    ("two-granted", through_self::<2>(ENDLESS)),
                    ("two-refused", through_self::<2>(DRAINED)),
                    ("two-handle", through_a_handle::<2>(ENDLESS)),
                    ("four-granted", through_self::<4>(ENDLESS)),
                    ("eight-granted", through_self::<8>(ENDLESS)),
                ]
            }
        }
    };
}

state!(now);
state!(then);

fn main() {
    let (mut now, mut then) = (now::cases(), then::cases());
    println!("{:22} {:>8} {:>8} {:>7}  quartiles of {ROUNDS} rounds", "", "now ns", "then ns", "ratio");
    for ((name, now), (_, then)) in now.iter_mut().zip(&mut then) {
        let mut rounds: Vec<[f64; 2]> = Vec::new();
        for round in 0..ROUNDS {
            let mut pair = [0.0; 2];
            for i in [round % 2, 1 - round % 2] {
                let time: Duration = if i == 0 { now(CALLS) } else { then(CALLS) };
                pair[i] = time.as_nanos() as f64 / CALLS as f64;
            }
            rounds.push(black_box(pair));
        }
        let quartiles = |of: fn(&[f64; 2]) -> f64| {
            let mut values: Vec<f64> = rounds.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            [1, 2, 3].map(|quarter| values[quarter * (values.len() - 1) / 4])
        };
        let [low, ratio, high] = quartiles(|[now, then]| now / then);
        let ([_, now, _], [_, then, _]) = (quartiles(|pair| pair[0]), quartiles(|pair| pair[1]));
        println!("{name:22} {now:8.2} {then:8.2} {ratio:7.3}  {low:.3} to {high:.3}");
    }
}
