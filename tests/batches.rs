//! A batch is what single takes at the same instant come to, one after the other until the first
//! refusal, in one step.

mod common;

use common::{Verbs, config, most, nanos};
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Clock, Limit, MultiBucket, Rate, TokenBucket};

/// The words of two buckets cannot be compared; what they hold at these times can.
const LATER: [u64; 4] = [0, 1, 1_000_000, 3_000_000_000];

/// A time, and requests: of each stream thousandths of its capacity, and some tokens more.
type Batch<const N: usize> = (u64, Vec<[(u64, u64); N]>);

fn budget(tokens: u64) -> Limit {
    Limit::per_second(0).capacity(tokens)
}

fn rate() -> impl Strategy<Value = Rate> {
    let texts = ["0/s", "1/3s", "7/s", "5/min", "333/s", "1000/s", "1MiB/s", "12.5G/s"];
    prop::sample::select(texts.map(|text| text.parse::<Rate>().unwrap()).to_vec())
}

/// Small capacities as often as large ones.
fn limit() -> impl Strategy<Value = Limit> {
    (rate(), any::<u64>(), 0..64u32, any::<bool>()).prop_map(|(rate, capacity, shift, full)| {
        let limit = Limit::new(rate, (capacity >> shift).clamp(1, most(rate)));
        if full { limit } else { limit.empty() }
    })
}

/// Nothing, a few tokens, a part of the capacity, or more than can be.
fn request<const N: usize>() -> impl Strategy<Value = [(u64, u64); N]> {
    let amount = prop_oneof![
        4 => (0..1u64, 0..3u64),
        4 => (0..400u64, 0..2u64),
        1 => (0..1010u64, 0..2u64),
        1 => Just((0, u64::MAX)),
    ];
    prop::collection::vec(amount, N).prop_map(|request| request.try_into().unwrap())
}

/// Takes the requests together from one bucket and one by one from another, for each batch at its
/// time, which may go back.
fn agree<const N: usize, V: Verbs<N>>(
    limits: [Limit; N],
    batches: &[Batch<N>],
    together: impl Fn(Time, &[[u64; N]]) -> usize,
    (one, mut other): (V, V),
) -> Result<(), TestCaseError> {
    for (at, requests) in batches {
        let now = nanos(*at);
        let of = |i: usize, (part, more): (u64, u64)| {
            ((u128::from(limits[i].capacity) * u128::from(part) / 1000) as u64).saturating_add(more)
        };
        let requests: Vec<[u64; N]> =
            requests.iter().map(|request| std::array::from_fn(|i| of(i, request[i]))).collect();
        let fit = together(now, &requests);
        let singly = requests.iter().take_while(|request| other.try_take(now, **request).is_ok()).count();
        prop_assert_eq!(fit, singly, "{:?} at {} of {:?}", requests, at, limits);
        for later in LATER.map(|later| nanos(at + later)) {
            prop_assert_eq!(one.available(later), other.available(later), "after {:?} at {}", requests, at);
        }
    }
    Ok(())
}

fn batches<const N: usize>() -> impl Strategy<Value = Vec<Batch<N>>> {
    prop::collection::vec((0..5_000_000_000u64, prop::collection::vec(request(), 0..12)), 1..8)
}

fn multi<const N: usize>(limits: [Limit; N], batches: &[Batch<N>], handle: bool) -> Result<(), TestCaseError> {
    let [one, other] = [(), ()].map(|()| MultiBucket::with_clock(limits, ManualClock::new()).unwrap());
    let together = |now, requests: &[[u64; N]]| match handle {
        true => one.handle().unwrap().at(now).take_in_order(requests),
        false => one.at(now).take_in_order(requests),
    };
    agree(limits, batches, together, (&one, &other))
}

proptest! {
    #![proptest_config(config(256, "tests/regressions/batches.txt"))]

    #[test]
    fn a_batch_agrees_with_single_takes(limit in limit(), batches in batches::<1>()) {
        let [one, other] = [(), ()].map(|()| TokenBucket::with_clock(limit, ManualClock::new()).unwrap());
        let together = |now, requests: &[[u64; 1]]| one.at(now).take_in_order(requests.as_flattened());
        agree([limit], &batches, together, (&one, &other))?;
    }

    #[test]
    fn a_batch_of_one_changeable_stream_agrees(limit in limit(), batches in batches::<1>(), handle: bool) {
        multi([limit], &batches, handle)?;
    }

    #[test]
    fn a_batch_of_two_streams_agrees(limits in [limit(), limit()], batches in batches::<2>(), handle: bool) {
        multi(limits, &batches, handle)?;
    }

    #[test]
    fn a_batch_of_eight_streams_agrees(
        limits in prop::collection::vec(limit(), 8), batches in batches::<8>(), handle: bool,
    ) {
        multi::<8>(limits.try_into().unwrap(), &batches, handle)?;
    }
}

#[test]
fn the_first_request_that_does_not_fit_ends_a_batch() {
    let single = TokenBucket::with_clock(budget(10), ManualClock::new()).unwrap();
    assert_eq!((single.take_in_order(&[4, 7, 1, 1]), single.available()), (1, 6));
    let double = MultiBucket::with_clock([budget(10), budget(5)], ManualClock::new()).unwrap();
    assert_eq!((double.take_in_order(&[[1, 4], [1, 2], [1, 1]]), double.available()), (1, [9, 1]));
    let handle = double.handle().unwrap();
    assert_eq!((handle.take_in_order(&[[1, 1], [9, 0], [0, 0]]), handle.available()), (1, [8, 0]));
}

#[test]
fn a_request_for_more_than_the_capacity_ends_a_batch() {
    for never in [11, u64::MAX / 2, u64::MAX] {
        let single = TokenBucket::with_clock(budget(10), ManualClock::new()).unwrap();
        assert_eq!((single.take_in_order(&[1, never, 1]), single.available()), (1, 9));
        let double = MultiBucket::with_clock([budget(20), budget(10)], ManualClock::new()).unwrap();
        assert_eq!((double.take_in_order(&[[1, 1], [1, never], [1, 1]]), double.available()), (1, [19, 9]));
    }
}

#[test]
fn a_sum_that_would_wrap_does_not_fit() {
    for limit in [budget(10), budget(most(Rate::per_second(0))), Limit::per_hour(1).capacity(2)] {
        let single = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
        assert_eq!(single.take_in_order(&[1, u64::MAX, 1, 1]), 1, "{limit}");
        assert_eq!(single.take_in_order(&[1, u64::MAX - 1, 1]), 1, "{limit}");
        let full = [limit.capacity; 3];
        assert_eq!(TokenBucket::with_clock(limit, ManualClock::new()).unwrap().take_in_order(&full), 1, "{limit}");
    }
}

#[test]
fn a_batch_that_takes_no_token_writes_nothing_and_counts_its_zeros() {
    let bucket = MultiBucket::with_clock([budget(10), budget(5).empty()], ManualClock::new()).unwrap();
    let handle = bucket.handle().unwrap();
    for (requests, fit) in [(&[][..], 0), (&[[0, 0]; 3], 3), (&[[0, 0], [0, 1], [0, 0]], 1), (&[[1, 1]], 0)] {
        assert_eq!((bucket.take_in_order(requests), handle.take_in_order(requests)), (fit, fit), "{requests:?}");
    }
    assert_eq!((bucket.snapshot().sequence(), bucket.available()), (0, [10, 0]));
    let single = TokenBucket::with_clock(budget(5).empty(), ManualClock::new()).unwrap();
    assert_eq!([single.take_in_order(&[]), single.take_in_order(&[0, 0, 1, 0])], [0, 2]);
}

#[test]
fn a_batch_is_one_publication() {
    let bucket = MultiBucket::with_clock([budget(10), budget(10)], ManualClock::new()).unwrap();
    assert_eq!(bucket.take_in_order(&[[1, 1]; 7]), 7);
    assert_eq!((bucket.snapshot().sequence(), bucket.available()), (1, [3, 3]));
    assert_eq!(bucket.handle().unwrap().take_in_order(&[[1, 1]; 7]), 3);
    assert_eq!((bucket.snapshot().sequence(), bucket.available()), (2, [0, 0]));
}

#[test]
fn a_batch_reads_the_clock_once() {
    struct Counting(std::cell::Cell<u32>);
    impl Clock for Counting {
        fn now(&self) -> Time {
            self.0.set(self.0.get() + 1);
            Time::ZERO
        }
    }
    let clock = Counting(0.into());
    let single = TokenBucket::with_clock(budget(10), &clock).unwrap();
    let double = MultiBucket::with_clock([budget(10)], &clock).unwrap();
    let handle = double.handle().unwrap();
    let built = clock.0.get();
    assert_eq!(
        [single.take_in_order(&[1; 5]), double.take_in_order(&[[1]; 5]), handle.take_in_order(&[[1]; 5])],
        [5; 3]
    );
    assert_eq!(clock.0.get() - built, 3);
}
