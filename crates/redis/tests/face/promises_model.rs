//! A model of several processes: random calls, all uses with the times before and after.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engines::{Kind, Options, Server};
use parking_lot::Mutex;
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket};

use crate::common::SECOND;

/// A small generator of numbers (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// What was used, between two instants; below zero what was given back.
#[derive(Clone, Copy, Debug)]
struct Use {
    before: Duration,
    after: Duration,
    tokens: i64,
}

const RATE: u64 = 400;
const CAPACITY: u64 = 60;

async fn process(engine: Engine, begun: Instant, seed: u64, uses: Arc<Mutex<Vec<Use>>>) -> [i64; 3] {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut sums = [0; 3];
    while begun.elapsed() < 6 * SECOND {
        let joining = FleetBucket::join(&engine, "model", [Limit::per_second(RATE).capacity(CAPACITY)]);
        let fleet: FleetBucket<1> = joining.when_away(Away::Refuse).connect().await.unwrap();
        let (mut used, mut strict) = (0, 0);
        for _ in 0..dice.below(300) + 20 {
            let (amount, before) = (dice.below(9), begun.elapsed());
            let note = |tokens: i64| {
                uses.lock().push(Use { before, after: begun.elapsed(), tokens });
                tokens
            };
            let tokens = amount as i64;
            match dice.below(12) {
                0..=4 => {
                    if fleet.try_take([amount]).is_ok() {
                        used += note(tokens);
                    }
                }
                5..=7 => {
                    let timeout = Duration::from_micros(dice.below(60_000));
                    if fleet.take_timeout([amount], timeout).await.is_ok() {
                        used += note(tokens);
                        if dice.below(4) == 0 && amount > 0 {
                            let back = dice.below(amount) + 1;
                            fleet.put_back([back]);
                            used -= back as i64;
                            uses.lock().push(Use { before, after: begun.elapsed(), tokens: -(back as i64) });
                        }
                    }
                }
                8 => {
                    // Hangs up.
                    let timeout = Duration::from_micros(dice.below(20_000));
                    if let Ok(Ok(())) = tokio::time::timeout(timeout, fleet.take([amount])).await {
                        used += note(tokens);
                    }
                }
                9 => {
                    if fleet.strict().try_take([amount]).await.is_ok() {
                        strict += note(tokens);
                    }
                }
                _ => tokio::time::sleep(Duration::from_millis(dice.below(8))).await,
            }
        }
        if dice.below(3) == 0 {
            tokio::time::sleep(Duration::from_millis(dice.below(1500))).await;
        }
        fleet.close().await;
        let figures = fleet.figures();
        let all = figures.used[0] + (figures.returned[0] + figures.lost[0]) as i64 + figures.held[0];
        assert_eq!((figures.granted[0] as i64, figures.held), (all, [0]), "{figures:?}");
        // A future that hung up in the instant of its grant has not told; it has taken then.
        assert_eq!(figures.used[0], used, "{figures:?}");
        sums = [sums[0] + strict, sums[1] + figures.granted[0] as i64, sums[2] + figures.returned[0] as i64];
        assert_eq!(figures.lost, [0]);
    }
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_calls_of_several_processes_keep_the_bound_and_the_account() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let limits = [Limit::per_second(RATE).capacity(CAPACITY)];
        let begun = Instant::now();
        let joining = FleetBucket::join(&engine, "model", limits).create();
        let _first: FleetBucket<1> = joining.when_away(Away::Refuse).connect().await.unwrap();
        let created = begun.elapsed();
        let uses = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> =
            (1..=5).map(|seed| tokio::spawn(process(engine.clone(), begun, seed, Arc::clone(&uses)))).collect();
        let mut sums = [0; 3];
        for task in tasks {
            let each = task.await.unwrap();
            sums = std::array::from_fn(|i| sums[i] + each[i]);
        }
        let ended = begun.elapsed();
        let mut uses = std::mem::take(&mut *uses.lock());
        uses.sort_by_key(|used| used.before);
        // B: at most C + r(w + t) + P, in windows that begin with a use.
        let step = 1 + uses.len() / 500;
        for (i, first) in uses.iter().enumerate().step_by(step) {
            let (mut sum, mut back, mut end) = (0, 0, first.after);
            for used in &uses[i..] {
                sum += used.tokens.max(0);
                back += (-used.tokens).max(0);
                end = end.max(used.after);
                let window = (end - first.before).as_secs_f64();
                let most = CAPACITY as f64 + RATE as f64 * (window + 1.0) + back as f64 + 1.0;
                assert!(sum as f64 <= most, "{sum} of {most} in {window} s from {:?}", first.before);
            }
        }
        // Over all of it nothing is leased at either end: C + r t, less what went back.
        let net = sums[0] + sums[1] - sums[2];
        assert_eq!(net, uses.iter().map(|used| used.tokens).sum::<i64>());
        let most = CAPACITY as f64 + RATE as f64 * ended.as_secs_f64();
        assert!(net as f64 <= most + 0.1, "{net} of {most}");
        assert!(net as f64 > 0.5 * RATE as f64 * (ended - created).as_secs_f64(), "{net} of {most}");
    }
}
