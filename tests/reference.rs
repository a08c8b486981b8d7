//! Every verb of every bucket agrees with an exact bucket over random operations, outright where
//! the rate is exact, and else within a nanosecond of accrual.

mod common;

use std::time::Duration;

use common::{Naive, Producer, Verbs, config, most, nanos};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Rate, Refused, TokenBucket};

const ORIGIN: u64 = 1_000_000_000;
const DECADE: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// How far the time of an operation lies from the newest one so far.
#[derive(Clone, Copy, Debug)]
enum When {
    Same,
    Nanos(u64),
    /// Thousandths of the time that a token takes.
    Tokens(u64),
    /// Thousandths of the time that filling takes.
    Fills(u64),
    /// As long as the last refusal said, less this.
    Waited(u64),
    /// A reading that was overtaken long ago: this many thousandths of the time since construction.
    Stale(u64),
    BeforeConstruction,
}

#[derive(Clone, Copy, Debug)]
enum Amount {
    Exactly(u64),
    /// Thousandths of the capacity.
    OfCapacity(u64),
    /// What is available, and this much more.
    Available(u64),
    AboveCapacity,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Take,
    UpTo(u64),
    PutBack,
}

type Op<const N: usize> = (When, Verb, [Amount; N]);

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        3 => Just(When::Same),
        3 => (0..100u64).prop_map(When::Nanos),
        4 => (0..4000u64).prop_map(When::Tokens),
        2 => (0..1500u64).prop_map(When::Fills),
        4 => (0..3u64).prop_map(When::Waited),
        3 => (0..1000u64).prop_map(When::Stale),
        1 => Just(When::BeforeConstruction),
    ]
}

fn op<const N: usize>() -> impl Strategy<Value = Op<N>> {
    let amount = || {
        prop_oneof![
            6 => (0..5u64).prop_map(Amount::Exactly),
            1 => Just(Amount::Exactly(u64::MAX)),
            4 => (0..=1000u64).prop_map(Amount::OfCapacity),
            4 => (0..2u64).prop_map(Amount::Available),
            1 => Just(Amount::AboveCapacity),
        ]
    };
    let verb = prop_oneof![6 => Just(Verb::Take), 2 => (0..9u64).prop_map(Verb::UpTo), 1 => Just(Verb::PutBack)];
    (when(), verb, prop::collection::vec(amount(), N)).prop_map(|(w, v, a)| (w, v, a.try_into().unwrap()))
}

/// A capacity from 1 to the largest there is at this rate, small ones as often as large ones.
fn limit(rate: impl Strategy<Value = Rate>) -> impl Strategy<Value = Limit> {
    (rate, any::<u64>(), 0..64u32, any::<bool>()).prop_map(|(rate, capacity, shift, full)| {
        let most = most(rate);
        let limit = Limit::new(rate, if shift == 0 { most } else { (capacity >> shift).clamp(1, most) });
        if full { limit } else { limit.empty() }
    })
}

fn exact_limit() -> impl Strategy<Value = Limit> {
    let of_text = ["1000/s", "7/s", "5/min", "1/3s", "125MB/s", "1M/s", "1/s", "9/ns", "1/d", "0/s"];
    let rate = prop_oneof![
        prop::sample::select(of_text.map(|text| text.parse::<Rate>().unwrap()).to_vec()),
        Just(Rate::new(1, DECADE).unwrap()),
        (1..10u64, 1..u64::MAX >> 6).prop_map(|(n, period)| Rate::new(n, Duration::from_nanos(period)).unwrap()),
    ];
    limit(rate).prop_filter("exact", |limit| limit.precision().is_ok_and(|precision| precision.is_zero()))
}

fn any_limit() -> impl Strategy<Value = Limit> {
    let of_text = ["1MiB/s", "333/s", "999.9/s", "12.5G/s", "64GiB/s", "10/ns", "300M/s", "700M/s", "7/s", "11/d"];
    let rate = prop_oneof![
        prop::sample::select(of_text.map(|text| text.parse::<Rate>().unwrap()).to_vec()),
        (1..=64u64 << 30).prop_map(Rate::per_second),
        (0..37u32, 0..1000u64).prop_map(|(log, more)| Rate::per_second((1 << log) + more)),
        (1..1000u64, 1..=DECADE.as_nanos() as u64).prop_map(|(n, t)| Rate::new(n, Duration::from_nanos(t)).unwrap()),
    ];
    limit(rate)
}

/// Does every operation to the bucket and the models; each answer must be one that the models
/// allow.
fn agree<const N: usize>(limits: [Limit; N], mut bucket: impl Verbs<N>, ops: &[Op<N>]) -> Result<(), TestCaseError> {
    let mut models = limits.map(Naive::new);
    let latest =
        limits.iter().map(|limit| limit.idle_limit().unwrap().as_nanos() / 2).min().unwrap().min(1 << 62) as u64;
    let tolerance = models.iter().map(|model| model.precision).max().unwrap();
    let (mut newest, mut waited) = (0, 0);
    for (i, &(when, verb, amounts)) in ops.iter().enumerate() {
        let per_token = limits[i % N].rate.period().as_nanos() / u128::from(limits[i % N].rate.tokens().max(1));
        let later = |by: u128| (u128::from(newest) + by).min(u128::from(latest)) as u64;
        let t = match when {
            When::Same | When::BeforeConstruction => newest,
            When::Nanos(nanos) => later(nanos.into()),
            When::Tokens(n) => later(per_token * u128::from(n) / 1000),
            When::Fills(n) => later((per_token + 1) * u128::from(limits[i % N].capacity) * u128::from(n) / 1000),
            When::Waited(less) => later(u128::from(waited).saturating_sub(less.into())),
            When::Stale(n) => (u128::from(newest) * u128::from(n) / 1000) as u64,
        };
        newest = newest.max(t);
        let (t, now) =
            if let When::BeforeConstruction = when { (0, nanos(ORIGIN - 7)) } else { (t, nanos(ORIGIN + t)) };
        let available = bucket.available(now);
        let amounts: [u64; N] = std::array::from_fn(|i| match amounts[i] {
            Amount::Exactly(n) => n,
            Amount::OfCapacity(n) => (u128::from(limits[i].capacity) * u128::from(n) / 1000) as u64,
            Amount::Available(more) => available[i] + more,
            Amount::AboveCapacity => limits[i].capacity + 1,
        });
        let state =
            || format!("op {i}: {verb:?} {amounts:?} at {t} ns of {limits:?}\nbucket {available:?}, {models:?}");
        for (model, available) in models.iter().zip(available) {
            let (least, most) = model.items(t, newest, 1, u64::MAX);
            prop_assert!(
                (least..=most).contains(&available),
                "{available} available, not {least}..={most}; {}",
                state()
            );
        }
        match verb {
            Verb::PutBack => {
                bucket.put_back(now, amounts);
                models.iter_mut().zip(amounts).for_each(|(model, n)| model.put_back(t, n));
            }
            Verb::UpTo(max) => {
                let items = bucket.take_up_to(now, max, amounts);
                let least =
                    models.iter().zip(amounts).map(|(model, each)| model.items(t, newest, each, max).0).min().unwrap();
                let most =
                    models.iter().zip(amounts).map(|(model, each)| model.items(t, newest, each, max).1).min().unwrap();
                prop_assert!((least..=most).contains(&items), "{items} items, not {least}..={most}; {}", state());
                models.iter_mut().zip(amounts).for_each(|(model, each)| model.take(t, each.saturating_mul(items)));
            }
            Verb::Take => {
                let told = bucket.wait_for(now, amounts);
                let answer = bucket.try_take(now, amounts);
                let may = |(model, n): (&Naive, u64)| model.items(t, newest, n, 1).1 == 1;
                let must = |(model, n): (&Naive, u64)| model.items(t, newest, n, 1).0 == 1;
                match answer {
                    Ok(()) => {
                        prop_assert!(models.iter().zip(amounts).all(may), "granted; {}", state());
                        prop_assert_eq!(told, Ok(Some(Duration::ZERO)), "{}", state());
                        models.iter_mut().zip(amounts).for_each(|(model, n)| model.take(t, n));
                    }
                    Err(Refused::Never(never)) => {
                        let stream = (0..N).find(|i| amounts[*i] > limits[*i].capacity);
                        prop_assert_eq!(Some(never.stream), stream, "{}", state());
                        let said = (never.requested, never.capacity);
                        prop_assert_eq!(said, (amounts[never.stream], limits[never.stream].capacity), "{}", state());
                        prop_assert_eq!(told, Err(never), "{}", state());
                    }
                    Err(Refused::Closed | Refused::Cancelled) => prop_assert!(false, "nobody closes it"),
                    Err(Refused::NotYet(refused)) => {
                        prop_assert!(!models.iter().zip(amounts).all(must), "refused; {}", state());
                        let waits: [_; N] = std::array::from_fn(|i| models[i].wait(t, amounts[i]).unwrap_or(i128::MAX));
                        let longest = *waits.iter().max().unwrap();
                        let wait = refused.wait();
                        prop_assert_eq!(told, Ok(wait), "{}", state());
                        if longest == i128::MAX {
                            prop_assert_eq!((wait, waits[refused.stream()]), (None, longest), "{}", state());
                            continue;
                        }
                        // As in `items`; a wait may be longer than 292 years, and is rounded up.
                        let tolerance = tolerance + ((tolerance * (i128::from(newest) + longest)) >> 62);
                        let off = (wait.unwrap().as_nanos() as i128 - longest).abs();
                        prop_assert!(off <= tolerance, "a wait of {wait:?}, not {longest} ns; {}", state());
                        prop_assert!(waits[refused.stream()] + 2 * tolerance >= longest, "{refused:?}; {}", state());
                        if tolerance == 0 {
                            prop_assert_eq!(
                                Some(refused.stream()),
                                waits.iter().position(|w| *w == longest),
                                "{}",
                                state()
                            );
                        }
                        waited = wait.unwrap().as_nanos().min(u128::from(latest)) as u64;
                    }
                }
            }
        }
    }
    Ok(())
}

fn multi<const N: usize>(limits: [Limit; N], ops: &[Op<N>], handle: bool) -> Result<(), TestCaseError> {
    let bucket = MultiBucket::with_clock(limits, ManualClock::starting_at(nanos(ORIGIN))).unwrap();
    if handle { agree(limits, Producer(bucket.handle().unwrap(), &bucket), ops) } else { agree(limits, &bucket, ops) }
}

fn ops<const N: usize>() -> impl Strategy<Value = Vec<Op<N>>> {
    prop::collection::vec(op(), 1..60)
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/reference.txt"))]

    #[test]
    fn a_token_bucket_of_an_exact_rate_agrees_in_everything(limit in exact_limit(), ops in ops::<1>()) {
        let bucket = TokenBucket::with_clock(limit, ManualClock::starting_at(nanos(ORIGIN))).unwrap();
        agree([limit], &bucket, &ops)?;
    }

    #[test]
    fn a_token_bucket_of_any_rate_agrees_within_a_nanosecond_of_accrual(limit in any_limit(), ops in ops::<1>()) {
        let bucket = TokenBucket::with_clock(limit, ManualClock::starting_at(nanos(ORIGIN))).unwrap();
        agree([limit], &bucket, &ops)?;
    }

    #[test]
    fn one_changeable_stream_agrees(limit in any_limit(), ops in ops::<1>(), handle: bool) {
        multi([limit], &ops, handle)?;
    }

    #[test]
    fn two_streams_of_exact_rates_agree_in_everything(
        limits in [exact_limit(), exact_limit()], ops in ops::<2>(), handle: bool,
    ) {
        multi(limits, &ops, handle)?;
    }

    #[test]
    fn three_streams_of_any_rates_agree(
        limits in [any_limit(), any_limit(), any_limit()], ops in ops::<3>(), handle: bool,
    ) {
        multi(limits, &ops, handle)?;
    }

    #[test]
    fn eight_streams_agree(limits in prop::collection::vec(any_limit(), 8), ops in ops::<8>(), handle: bool) {
        multi::<8>(limits.try_into().unwrap(), &ops, handle)?;
    }
}
