//! What comes back pays off a debt, however large.

use std::time::Duration;

use tollgate::{Limit, ManualClock, MultiBucket, TokenBucket};

type Bucket<const N: usize> = MultiBucket<N, ManualClock>;

fn bucket<const N: usize>(limits: [Limit; N]) -> Bucket<N> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

fn single(limit: Limit) -> TokenBucket<ManualClock> {
    TokenBucket::with_clock(limit, ManualClock::new()).unwrap()
}

fn limit(text: &str) -> Limit {
    text.parse().unwrap()
}

// What comes back.

#[test]
fn what_was_charged_can_be_put_back_whole_however_far_in_debt() {
    for home in ["10/s", "333/s capacity 10", "1/d capacity 10", "0/s capacity 10", "64GiB/s capacity 10"].map(limit) {
        for charged in [60, 11, 10, 50_000] {
            let one = single(home);
            one.charge(charged).unwrap();
            one.put_back(charged);
            assert_eq!(one.available(), 10, "{home}, {charged}");
            let two = bucket([Limit::per_second(5), home]);
            two.charge([0, charged]).unwrap();
            two.put_back([0, charged - 3]);
            assert_eq!(two.available(), [5, 7], "{home}, {charged}");
            two.put_back([9, u64::MAX]);
            assert_eq!(two.available(), [5, 10], "{home}, {charged}");
            let mut handle = two.handle().unwrap();
            two.charge([0, charged]).unwrap();
            handle.put_back([0, charged]);
            assert_eq!(two.available(), [5, 10], "{home}, {charged}");
        }
    }
}

#[test]
fn a_reservation_and_an_estimate_come_back_whole_where_their_token_is_worth_more_by_then() {
    let many = 1_000_000;
    let home = Limit::per_second(1_000_000_000).capacity(many);
    let slow = Limit::per_day(1).capacity(10);
    let bucket = bucket([home]);
    // They are there, so there is no debt; in units of the slow limit they are far above 2^62.
    let (place, estimate) = (bucket.reserve([many / 2]).unwrap(), bucket.estimate([many / 2]).unwrap());
    bucket.set_limit(slow).unwrap();
    bucket.charge([50_000]).unwrap();
    estimate.settle([many / 2 - 3]).unwrap();
    let tokens = |n: u64| Ok(Duration::from_secs(n * 24 * 3600));
    assert_eq!(bucket.wait_for([1]), tokens(50_000 - 3 + 1));
    place.cancel();
    assert_eq!(bucket.available(), [10]);
}

#[test]
fn a_lease_gives_back_whole_what_it_holds_under_a_lowered_capacity() {
    let bucket = bucket([Limit::per_second(1000)]);
    let mut lease = bucket.lease([1000]);
    while lease.held() < [100] {
        lease.try_take([1]).unwrap();
    }
    let [held] = lease.held();
    bucket.set_limit(Limit::per_second(10)).unwrap();
    bucket.charge([10 + held]).unwrap();
    drop(lease);
    assert_eq!(bucket.wait_for([1]), Ok(Duration::from_millis(100)), "{held} were held");
}
