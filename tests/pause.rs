//! A pause: nothing is granted, nothing accrues, nothing is forfeited, and nobody who waits is
//! promised anything that does not come true.

mod common;

use std::time::Duration;

use common::nanos;
use tollgate::clock::{ManualClock, Time};
use tollgate::limit::Inherit;
use tollgate::{Limit, MultiBucket, Refused};

type Bucket<const N: usize> = MultiBucket<N, ManualClock>;

fn bucket<const N: usize>(limits: [Limit; N]) -> Bucket<N> {
    MultiBucket::with_clock(limits, ManualClock::new()).unwrap()
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn at(millis: u64) -> Time {
    nanos(millis * 1_000_000)
}

#[test]
fn while_paused_nothing_is_granted_by_any_verb() {
    for duration in [millis(1000), Duration::MAX] {
        let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
        let handle = bucket.handle().unwrap();
        bucket.pause_for(duration);
        for now in [0, 999] {
            bucket.clock().set(at(now));
            assert_eq!(bucket.available(), [0, 0]);
            assert_eq!(handle.available(), [0, 0]);
            assert!(bucket.try_take([1, 0]).is_err() && bucket.try_take([0, 1]).is_err());
            assert!(handle.try_take([1, 1]).is_err());
            assert_eq!(bucket.take_items(3, [1, 1]), 0);
            assert_eq!(handle.take_items(3, [1, 1]), 0);
            assert_eq!(bucket.take_in_order(&[[1, 1]]), 0);
            assert!(bucket.estimate([1, 1]).is_err());
            assert!(bucket.lease([10, 10]).try_take([1, 1]).is_err());
            assert!(bucket.reserve_within([1, 1], Duration::ZERO).is_err());
            assert!(bucket.snapshot().check([1, 1]).is_err());
        }
        assert_eq!(bucket.at(at(999)).pause_left(), (duration < Duration::MAX).then_some(millis(1)));
    }
}

#[test]
fn what_asks_for_nothing_is_granted_in_a_pause_too() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.pause();
    assert!(bucket.try_take([0]).is_ok());
    assert_eq!(bucket.take_items(7, [0]), 7);
    assert_eq!(bucket.take_in_order(&[[0], [0], [1]]), 2);
    assert_eq!(bucket.wait_for([0]), Ok(Some(Duration::ZERO)));
    assert!(bucket.snapshot().check([0]).is_ok());
    assert_eq!(bucket.reserve([0]).unwrap().ready_at(), Some(Time::ZERO));
    let began = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    began.at(at(7)).pause();
    assert_eq!(began.reserve([0]).unwrap().ready_at(), Some(at(7)), "a stale now counts as the last change");
}

#[test]
fn the_level_is_there_again_at_the_end_however_long_it_takes() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
    bucket.try_take([7, 5]).unwrap();
    bucket.clock().set(at(100));
    bucket.pause_for(Duration::from_secs(3600));
    bucket.clock().set(at(3_600_099));
    assert_eq!(bucket.available(), [0, 0]);
    bucket.clock().set(at(3_600_100));
    assert_eq!(bucket.available(), [4, 0]);
    bucket.clock().set(at(3_600_200));
    assert_eq!(bucket.available(), [5, 1]);
}

#[test]
fn a_full_bucket_forfeits_nothing_in_a_pause_and_a_debt_is_not_paid_off() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
    bucket.charge([0, 10]).unwrap();
    bucket.pause();
    bucket.clock().set(at(10_000));
    bucket.resume();
    assert_eq!(bucket.available(), [10, 0]);
    assert_eq!(bucket.wait_for([0, 1]), Ok(Some(millis(1200))));
}

#[test]
fn of_two_pauses_the_later_end_wins_and_only_resume_ends_one_early() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.pause_for(millis(500));
    bucket.pause_for(millis(300));
    assert_eq!(bucket.pause_left(), Some(millis(500)));
    bucket.clock().set(at(100));
    bucket.pause_for(millis(401));
    assert_eq!(bucket.pause_left(), Some(millis(401)));
    bucket.pause();
    bucket.pause_for(millis(1));
    assert_eq!(bucket.pause_left(), None);
    let sequence = bucket.snapshot().sequence();
    bucket.pause();
    assert_eq!(bucket.snapshot().sequence(), sequence, "nothing was changed");
    bucket.resume();
    assert_eq!((bucket.pause_left(), bucket.available()), (Some(Duration::ZERO), [10]));
}

#[test]
fn a_pause_for_no_time_and_a_resume_without_a_pause_change_nothing() {
    let bucket = bucket([Limit::per_second(10)]);
    let before = bucket.snapshot().sequence();
    bucket.pause_for(Duration::ZERO);
    bucket.resume();
    assert_eq!(bucket.snapshot().sequence(), before);
    bucket.pause_for(millis(5));
    bucket.clock().set(at(5));
    bucket.resume();
    bucket.at(at(3)).pause_for(millis(2));
    assert_eq!(bucket.snapshot().sequence(), before + 1, "it was over by itself");
}

#[test]
fn a_refusal_in_a_pause_has_the_exact_wait() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(3).empty()]);
    bucket.try_take([10, 0]).unwrap();
    bucket.clock().set(at(250));
    bucket.pause_for(millis(1000));
    bucket.clock().set(at(400));
    for amounts in [[1, 0], [2, 0], [3, 0], [10, 0], [0, 1], [4, 2], [0, 3]] {
        let wait = bucket.try_take(amounts).unwrap_err().wait().unwrap();
        assert_eq!(bucket.wait_for(amounts), Ok(Some(wait)));
        let ready = bucket.clock().now_after(wait);
        assert!(bucket.at(ready).snapshot().check(amounts).is_ok(), "{amounts:?} after {wait:?}");
        let before = Time::from_nanos(ready.as_nanos() - 1);
        assert!(bucket.at(before).snapshot().check(amounts).is_err(), "{amounts:?} before {wait:?}");
    }
    assert_eq!(bucket.try_take([3, 0]).unwrap_err().wait(), Some(millis(900)), "850 of the pause, 50 for half a token");
    assert_eq!(bucket.try_take([3, 1]).unwrap_err().stream(), 1);
    assert!(matches!(bucket.try_take([11, 0]), Err(Refused::Never(_))));
}

trait NowAfter {
    fn now_after(&self, wait: Duration) -> Time;
}

impl NowAfter for ManualClock {
    fn now_after(&self, wait: Duration) -> Time {
        tollgate::Clock::now(self).after(wait)
    }
}

#[test]
fn refusals_say_in_words_that_the_bucket_is_paused() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(0).capacity(1).empty()]);
    bucket.pause_for(millis(1500));
    let says = |amounts| bucket.try_take(amounts).unwrap_err().to_string();
    assert_eq!(says([1, 0]), "paused, and not enough tokens for another 1.5s");
    assert_eq!(says([1, 1]), "not enough tokens in stream 1, which never refills");
    assert_eq!(says([11, 1]), "11 tokens requested of stream 0, where 10 is the most");
    bucket.pause();
    assert_eq!(says([1, 0]), "paused until it is resumed");
}

#[test]
fn limits_that_change_in_a_pause_leave_it_and_its_tokens() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.try_take([6]).unwrap();
    bucket.pause_for(millis(1000));
    bucket.clock().set(at(500));
    bucket.set_limits_with([Limit::per_second(100)], Inherit::Keep).unwrap();
    assert_eq!((bucket.limit(), bucket.pause_left()), (Limit::per_second(100), Some(millis(500))));
    bucket.clock().set(at(1010));
    assert_eq!(bucket.available(), [5]);
    bucket.pause();
    bucket.set_limits_with([Limit::per_second(8)], Inherit::Reset).unwrap();
    assert_eq!(bucket.available(), [0]);
    bucket.resume();
    assert_eq!(bucket.available(), [8]);
}

#[test]
fn what_comes_back_in_a_pause_is_there_at_the_end() {
    let bucket = bucket([Limit::per_second(10), Limit::per_second(5)]);
    let (place, estimate) = (bucket.reserve([2, 0]).unwrap(), bucket.estimate([3, 0]).unwrap());
    bucket.try_take([5, 5]).unwrap();
    bucket.pause();
    bucket.put_back([1, 9]);
    place.cancel();
    estimate.settle([1, 1]).unwrap();
    assert_eq!(bucket.available(), [0, 0]);
    bucket.resume();
    assert_eq!(bucket.available(), [5, 4]);
    bucket.pause();
    bucket.reset([7, 7]);
    bucket.charge([1, 8]).unwrap();
    bucket.resume();
    assert_eq!(bucket.available(), [6, 0]);
    assert_eq!(bucket.wait_for([0, 1]), Ok(Some(millis(800))));
}

#[test]
fn a_lease_spends_what_it_holds_and_fetches_nothing() {
    let bucket = bucket([Limit::per_second(100)]);
    let mut lease = bucket.lease([100]);
    while lease.held() == [0] {
        lease.try_take([1]).unwrap();
    }
    let [held] = lease.held();
    bucket.pause_for(millis(1000));
    for _ in 0..held {
        lease.try_take([1]).unwrap();
    }
    assert_eq!(lease.try_take([1]).unwrap_err().wait(), Some(millis(1000)));
    bucket.resume();
    assert!(lease.try_take([1]).is_ok());
}

#[test]
fn a_pause_makes_reservations_later_by_what_it_takes_and_a_resume_earlier_again() {
    let bucket = bucket([Limit::per_second(10).empty()]);
    let [first, second] = [1, 4].map(|n| bucket.reserve([n]).unwrap());
    bucket.clock().set(at(200));
    bucket.pause_for(millis(1000));
    assert_eq!(first.remaining(), Some(Duration::ZERO), "it was ready");
    assert_eq!(second.ready_at(), Some(at(1500)));
    bucket.clock().set(at(300));
    bucket.pause();
    assert_eq!(second.ready_at(), None);
    bucket.clock().set(at(400));
    bucket.resume();
    assert_eq!(second.ready_at(), Some(at(700)));
    assert!(first.ready_at() <= Some(at(200)));
}

#[test]
fn a_reservation_made_in_a_pause_is_ready_at_its_end_whenever_that_is() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.pause_for(millis(1000));
    let [there, missing] = [10, 2].map(|n| bucket.reserve([n]).unwrap());
    assert_eq!([there.ready_at(), missing.ready_at()], [Some(at(1000)), Some(at(1200))]);
    bucket.set_limit(Limit::per_second(20)).unwrap();
    assert_eq!([there.ready_at(), missing.ready_at()], [Some(at(1000)), Some(at(1100))]);
    bucket.clock().set(at(500));
    bucket.pause_for(millis(1500));
    assert_eq!([there.ready_at(), missing.ready_at()], [Some(at(2000)), Some(at(2100))]);
    bucket.clock().set(at(700));
    bucket.resume();
    assert_eq!([there.ready_at(), missing.ready_at()], [Some(at(700)), Some(at(800))]);
    // Another pause is none of its business.
    bucket.clock().set(at(750));
    bucket.pause_for(millis(1000));
    assert_eq!(there.remaining(), Some(Duration::ZERO));
    assert_eq!(missing.ready_at(), Some(at(1800)));
}

#[test]
fn a_reservation_that_was_ready_when_the_pause_began_stays_ready() {
    let bucket = bucket([Limit::per_second(10)]);
    let place = bucket.reserve([10]).unwrap();
    bucket.pause_for(millis(1000));
    bucket.pause();
    bucket.set_limit(Limit::per_second(1).capacity(10)).unwrap();
    assert_eq!(place.ready_at(), Some(Time::ZERO));
    place.wait_is_over();
}

trait WaitIsOver {
    fn wait_is_over(self);
}

impl WaitIsOver for tollgate::Reservation<'_, 1> {
    fn wait_is_over(self) {
        assert_eq!(self.remaining(), Some(Duration::ZERO));
        self.commit();
    }
}

#[test]
fn nobody_is_let_into_the_queue_for_longer_than_the_bound() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.pause_for(millis(1000));
    assert_eq!(bucket.reserve_within([1], millis(999)).unwrap_err().wait(), Some(millis(1000)));
    assert!(bucket.reserve_within([1], millis(1000)).is_ok());
    bucket.reserve([10]).unwrap().commit();
    assert_eq!(bucket.reserve_within([5], millis(1499)).unwrap_err().wait(), Some(millis(1500)));
    assert!(bucket.reserve_within([5], millis(1500)).is_ok());
    bucket.pause();
    assert_eq!(bucket.reserve([1]).unwrap_err().wait(), None);
    let bounded = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    let bounded = bounded.with_max_wait(millis(50));
    bounded.pause_for(millis(51));
    assert!(bounded.reserve([1]).is_err());
    bounded.clock().set(at(1));
    assert_eq!(bounded.reserve([1]).unwrap().ready_at(), Some(at(51)));
}

#[test]
fn a_stale_now_is_refused_until_it_has_caught_up_with_the_end_of_the_pause() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.at(at(1000)).pause_for(millis(500));
    for now in [0, 999, 1000, 1499] {
        assert_eq!(bucket.at(at(now)).try_take([1]).unwrap_err().wait(), Some(millis(1500 - now)), "{now}");
    }
    assert!(bucket.at(at(1500)).try_take([10]).is_ok());
    // A resume at a stale instant happens when the pause began.
    bucket.at(at(2000)).pause();
    bucket.at(at(3)).resume();
    assert_eq!(bucket.at(at(2000)).available(), [5]);
    assert_eq!(bucket.at(at(2100)).available(), [6]);
}

#[test]
fn a_pause_to_the_end_of_time_is_one_until_it_is_resumed() {
    let bucket = bucket([Limit::per_second(10)]);
    bucket.at(nanos(5)).pause_for(Duration::from_nanos(u64::MAX - 6));
    assert_eq!(bucket.at(nanos(5)).pause_left(), Some(Duration::from_nanos(u64::MAX - 6)));
    bucket.at(nanos(5)).pause_for(Duration::from_nanos(u64::MAX - 5));
    assert_eq!(bucket.at(nanos(5)).pause_left(), None);
    assert_eq!(bucket.at(Time::MAX).pause_left(), None);
    assert!(bucket.at(Time::MAX).try_take([1]).is_err());
}

#[test]
fn ten_thousand_pauses_lose_nothing_where_tokens_are_whole_units() {
    let bucket = bucket([Limit::per_second(1000)]);
    bucket.try_take([400]).unwrap();
    for _ in 0..10_000 {
        bucket.clock().advance(Duration::from_nanos(20_000));
        bucket.pause_for(millis(1));
        bucket.clock().advance(Duration::from_nanos(500_000));
        bucket.resume();
    }
    assert_eq!(bucket.available(), [800]);
}

#[test]
fn a_resume_at_a_reading_from_before_a_change_of_limits_is_at_that_change() {
    let bucket =
        MultiBucket::with_clock([Limit::per_second(1).capacity(1_000_000).empty()], ManualClock::new()).unwrap();
    let at = |seconds: u64| bucket.at(Time::from_nanos(seconds * 1_000_000_000));
    at(0).pause_for(Duration::from_secs(3600));
    at(600).set_limits([Limit::per_second(1000).capacity(1_000_000)]).unwrap();
    at(60).resume();
    assert_eq!(at(600).available(), [0], "nothing accrued at the new rate before it was set");
    assert_eq!(at(601).available(), [1000]);
}

#[test]
fn a_pause_at_a_reading_from_before_a_change_of_limits_begins_at_that_change() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    let at = |seconds: u64| bucket.at(Time::from_nanos(seconds * 1_000_000_000));
    at(10).set_limits([Limit::per_second(10)]).unwrap();
    at(7).pause_for(Duration::from_secs(5));
    assert_eq!(at(12).pause_left(), Some(Duration::from_secs(3)));
    assert!(at(14).try_take([1]).is_err() && at(15).try_take([1]).is_ok());
}
