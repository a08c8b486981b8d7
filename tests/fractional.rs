//! Fractions of a token: counted in thousandths, as whole tokens. The usual limiters that count in
//! floats decide alike, but where a level is what is asked for to within their rounding.

mod common;

use std::time::Duration;

use common::{Random, config, nanos};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::{Limit, Rate, TokenBucket};

/// A whole token, in the tokens of the bucket.
const TOKEN: u64 = 1000;

/// Floats may be wrong by this many tokens. A run has some hundred steps of numbers below 10^6,
/// each rounded to one part in 2^53.
const ROUNDING: f64 = 1e-6;

/// A limiter that counts in floats: whether it would grant, and what it keeps if it is told to.
trait Floats {
    fn new(rate: f64, capacity: f64) -> Self
    where
        Self: Sized;
    fn allows(&mut self, now: f64, cost: f64) -> bool;
    fn take(&mut self, now: f64, cost: f64);
}

/// The level grows at each call and is clamped to the capacity.
struct Clamped {
    rate: f64,
    capacity: f64,
    level: f64,
    last: f64,
}

impl Floats for Clamped {
    fn new(rate: f64, capacity: f64) -> Self {
        Self { rate, capacity, level: capacity, last: 0.0 }
    }

    fn allows(&mut self, now: f64, cost: f64) -> bool {
        self.level = (self.level + (now - self.last) * self.rate).min(self.capacity);
        self.last = now;
        self.level >= cost
    }

    fn take(&mut self, _: f64, cost: f64) {
        self.level -= cost;
    }
}

/// The generic cell rate algorithm, in seconds.
struct Cells {
    rate: f64,
    tolerance: f64,
    arrival: f64,
}

impl Floats for Cells {
    fn new(rate: f64, capacity: f64) -> Self {
        Self { rate, tolerance: capacity / rate, arrival: 0.0 }
    }

    fn allows(&mut self, now: f64, cost: f64) -> bool {
        self.arrival.max(now) + cost / self.rate - now <= self.tolerance
    }

    fn take(&mut self, now: f64, cost: f64) {
        self.arrival = self.arrival.max(now) + cost / self.rate;
    }
}

/// Water that drains, and must not rise above the rim.
struct Leaking {
    rate: f64,
    capacity: f64,
    water: f64,
    last: f64,
}

impl Floats for Leaking {
    fn new(rate: f64, capacity: f64) -> Self {
        Self { rate, capacity, water: 0.0, last: 0.0 }
    }

    fn allows(&mut self, now: f64, cost: f64) -> bool {
        self.water = (self.water - (now - self.last) * self.rate).max(0.0);
        self.last = now;
        self.water + cost <= self.capacity
    }

    fn take(&mut self, _: f64, cost: f64) {
        self.water += cost;
    }
}

/// A timestamp and a level, which only a grant writes.
struct Stamped {
    rate: f64,
    capacity: f64,
    stored: (f64, f64),
}

impl Stamped {
    fn level(&self, now: f64) -> f64 {
        let (at, level) = self.stored;
        self.capacity.min(level + (now - at) * self.rate)
    }
}

impl Floats for Stamped {
    fn new(rate: f64, capacity: f64) -> Self {
        Self { rate, capacity, stored: (0.0, capacity) }
    }

    fn allows(&mut self, now: f64, cost: f64) -> bool {
        self.level(now) >= cost
    }

    fn take(&mut self, now: f64, cost: f64) {
        self.stored = (now, self.level(now) - cost);
    }
}

/// The instant at which the bucket is empty; a call asks for the time until its cost is there.
struct Until {
    rate: f64,
    capacity: f64,
    empty: f64,
}

impl Floats for Until {
    fn new(rate: f64, capacity: f64) -> Self {
        Self { rate, capacity, empty: -capacity / rate }
    }

    fn allows(&mut self, now: f64, cost: f64) -> bool {
        let wait = self.empty.max(now - self.capacity / self.rate) + cost / self.rate - now;
        wait <= 0.0
    }

    fn take(&mut self, now: f64, cost: f64) {
        self.empty = self.empty.max(now - self.capacity / self.rate) + cost / self.rate;
    }
}

/// A bucket in thousandths, beside the level in exact arithmetic: in 10^-9 of a thousandth.
struct Beside {
    bucket: TokenBucket<ManualClock>,
    rate: u64,
    capacity: u64,
    level: i128,
    last: u64,
}

impl Beside {
    const EXACT: i128 = 1_000_000_000;

    /// Both in thousandths.
    fn new(rate: u64, capacity: u64) -> Self {
        let limit = Limit::new(Rate::per_second(rate), capacity);
        let bucket = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        Self { bucket, rate, capacity, level: i128::from(capacity) * Self::EXACT, last: 0 }
    }

    /// What the bucket decides on a cost in thousandths, and by how many tokens the exact level is
    /// above it.
    fn take(&mut self, now: u64, cost: u64) -> (bool, f64) {
        let most = i128::from(self.capacity) * Self::EXACT;
        self.level = (self.level + i128::from(self.rate) * i128::from(now - self.last)).min(most);
        self.last = now;
        let granted = self.bucket.at(nanos(now)).try_take(cost).is_ok();
        let over = self.level - i128::from(cost) * Self::EXACT;
        if granted {
            self.level = over;
        }
        (granted, over as f64 / (Self::EXACT * i128::from(TOKEN)) as f64)
    }
}

/// One call: nanoseconds since the last one, and a cost in thousandths.
type Call = (u64, u64);

/// Runs calls through a float model and the bucket. Returns how many calls were at a boundary.
fn alike<F: Floats>(rate: u64, capacity: u64, calls: &[Call]) -> Result<usize, String> {
    let tokens = |thousandths: u64| thousandths as f64 / TOKEN as f64;
    let (mut floats, mut exact) = (F::new(tokens(rate), tokens(capacity)), Beside::new(rate, capacity));
    let (mut now, mut boundaries) = (0, 0);
    for (i, (gap, cost)) in calls.iter().enumerate() {
        now += gap;
        let seconds = now as f64 / 1e9;
        let says = floats.allows(seconds, tokens(*cost));
        let (granted, over) = exact.take(now, *cost);
        if over.abs() <= ROUNDING {
            boundaries += 1;
        } else if says != granted {
            let model = std::any::type_name::<F>();
            return Err(format!("{model}, call {i} at {now} ns: {says}, not {granted}, {over} tokens over"));
        }
        // Where they part, the float follows: what comes after is compared from one state.
        if granted {
            floats.take(seconds, tokens(*cost));
        }
    }
    Ok(boundaries)
}

fn all_alike(rate: u64, capacity: u64, calls: &[Call]) -> Result<[usize; 5], String> {
    Ok([
        alike::<Clamped>(rate, capacity, calls)?,
        alike::<Cells>(rate, capacity, calls)?,
        alike::<Leaking>(rate, capacity, calls)?,
        alike::<Stamped>(rate, capacity, calls)?,
        alike::<Until>(rate, capacity, calls)?,
    ])
}

#[test]
fn a_quarter_of_a_token_is_250_thousandths() {
    let bucket = TokenBucket::with_clock("10k/s capacity 20k".parse().unwrap(), ManualClock::new()).unwrap();
    assert_eq!((0..).take_while(|_| bucket.try_take(250).is_ok()).count(), 80);
    assert_eq!(bucket.wait_for(250), Ok(Some(Duration::from_millis(25))));
    bucket.clock().advance(Duration::from_millis(25));
    assert!(bucket.try_take(250).is_ok() && bucket.try_take(1).is_err());
}

/// Ten times a tenth is one, exactly. In floats it is a hair less, so a float refuses it.
#[test]
fn at_a_boundary_thousandths_grant_what_is_there_and_floats_may_not() {
    let bucket = TokenBucket::with_clock(Limit::per_second(TOKEN).empty(), ManualClock::new()).unwrap();
    let mut floats = Clamped { level: 0.0, ..Clamped::new(1.0, 1.0) };
    for tenth in 1..=10 {
        floats.level += 0.1;
        floats.last = f64::from(tenth) / 10.0;
    }
    bucket.clock().set(nanos(1_000_000_000));
    assert!(!floats.allows(1.0, 1.0) && bucket.try_take(TOKEN).is_ok());
}

/// Two thousand calls of each, by seeds: some are at a boundary, most are not.
#[test]
fn boundaries_come_up_and_are_the_exception() {
    let (mut all, mut at) = (0, 0);
    for seed in 0..40 {
        let mut random = Random(seed);
        let (rate, capacity) = (1 + random.below(20_000), 1 + random.below(20_000));
        // Instants in whole milliseconds, as most of these limiters are tested.
        let calls: Vec<Call> = (0..50).map(|_| (random.below(500) * 1_000_000, 1 + random.below(capacity))).collect();
        at += all_alike(rate, capacity, &calls).unwrap_or_else(|error| panic!("seed {seed}: {error}"))[0];
        all += calls.len();
    }
    assert!(at > 0 && at < all / 20, "{at} of {all} calls at a boundary");
}

proptest! {
    #![proptest_config(config(512, "tests/regressions/fractional.txt"))]

    /// Rates, capacities and costs with up to three decimals, at any nanosecond.
    #[test]
    fn five_limiters_that_count_in_floats_decide_alike(
        rate in 1..1_000_000_u64, capacity in 1..1_000_000_u64,
        calls in proptest::collection::vec((0..2_000_000_000_u64, 0..30u32, any::<u64>(), 0..12u32), 1..200)
    ) {
        let calls: Vec<Call> =
            calls.into_iter().map(|(gap, less, cost, small)| (gap >> less, 1 + ((cost % capacity) >> small))).collect();
        if let Err(error) = all_alike(rate, capacity, &calls) {
            prop_assert!(false, "{}/s, {}: {}", rate, capacity, error);
        }
    }
}
