//! What the bucket of a key gives that owns a share of all keys: it borrows nothing, lives in tasks
//! and on threads, and gives back what was not used.

#![cfg(feature = "keys")]

mod by_hand;

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::thread;
use std::time::Duration;

use by_hand::{ByHand, Stop, drive, drop_elsewhere, millis, on_a_thread, poll, static_and_send};
use tollgate::clock::ManualClock;
use tollgate::keyed::{KeyRefused, TierOf};
use tollgate::wait::Estimate;
use tollgate::{Granted, KeyedBuckets, Limit, Refused, Reservation};

type Clients = KeyedBuckets<String, 1, ManualClock>;

fn clients(max_keys: usize) -> Clients {
    KeyedBuckets::with_clock(Limit::per_second(10), max_keys, ManualClock::new()).unwrap()
}

fn alice() -> String {
    "alice".to_owned()
}

/// The future outlives the view that it was made of.
fn take<'a>(clients: &'a Clients, key: &'a str) -> impl Future<Output = Result<Granted, KeyRefused>> + Send + 'a {
    clients.bucket(key).take_on(3, ByHand)
}

fn look<'a>(clients: &'a Clients, key: &'a str) -> impl Future<Output = Result<(), Refused>> + Send + 'a {
    clients.bucket(key).until_available_on(3, ByHand)
}

#[test]
fn the_future_of_a_key_is_returned_from_a_function() {
    let clients = clients(9);
    clients.try_take("alice", 10).unwrap();
    let (mut taking, mut looking) = (Box::pin(take(&clients, "alice")), Box::pin(look(&clients, "bob")));
    assert!(poll(taking.as_mut()).is_pending());
    assert_eq!(poll(looking.as_mut()), Poll::Ready(Ok(())));
    clients.clock().advance(millis(300));
    assert!(matches!(poll(taking.as_mut()), Poll::Ready(Ok(_))));
    assert_eq!(clients.available("alice"), 0);
    let all = ["bob", "carol"].map(|key| clients.bucket(key).take_on(1, ByHand));
    for taking in all {
        assert!(drive(taking).is_ok());
    }
}

#[cfg(feature = "tokio")]
#[tokio::test]
async fn every_future_of_an_owned_key_ends_in_a_task() {
    let clients: KeyedBuckets<String> = KeyedBuckets::new(Limit::per_second(1000).capacity(1), 9).unwrap();
    let clients = Arc::new(clients);
    for _ in 0..3 {
        tokio::spawn(Arc::clone(&clients).bucket_owned(alice()).take(1)).await.unwrap().unwrap();
    }
    let timeout = Duration::from_secs(9);
    let take = Arc::clone(&clients).bucket_owned(alice()).take_timeout(1, timeout);
    tokio::spawn(take).await.unwrap().unwrap();
}

#[test]
fn every_future_of_an_owned_key_ends_on_a_thread() {
    let limits = [Limit::per_second(1000).capacity(1), Limit::per_second(1000)];
    let clients = Arc::new(KeyedBuckets::<u64, 2>::new(limits, 9).unwrap());
    for _ in 0..3 {
        on_a_thread(Arc::clone(&clients).bucket_owned(7).take_on([1, 2], Stop)).unwrap();
    }
    let again = Arc::clone(&clients).bucket_owned(7).take_timeout_on([1, 2], Duration::from_secs(9), Stop);
    on_a_thread(again).unwrap();
}

#[test]
fn a_future_of_an_owned_key_dropped_midway_has_taken_nothing() {
    let clients = Arc::new(clients(9));
    clients.try_take("alice", 10).unwrap();
    let mut take = Box::pin(Arc::clone(&clients).bucket_owned(alice()).take_on(3, ByHand));
    assert!(poll(take.as_mut()).is_pending());
    assert_eq!(clients.wait_for("alice", 1), Ok(Some(millis(400))));
    drop_elsewhere(take);
    assert_eq!(clients.wait_for("alice", 1), Ok(Some(millis(100))));
    assert_eq!(Arc::strong_count(&clients), 1);
    let mut late = pin!(Arc::clone(&clients).bucket_owned(alice()).take_timeout_on(3, millis(300), ByHand));
    clients.clock().advance(millis(1));
    clients.reset("alice", 0).unwrap();
    assert!(matches!(poll(late.as_mut()), Poll::Ready(Err(_))), "the timeout counts from the call");
}

#[test]
fn an_owned_reservation_of_a_key_is_given_back_or_used() {
    let clients = Arc::new(clients(9));
    clients.try_take("alice", 10).unwrap();
    let owned = Arc::clone(&clients).bucket_owned(alice());
    let place: Reservation<'static> = static_and_send(owned.clone().reserve(3).unwrap());
    assert_eq!(place.remaining(), Some(millis(300)));
    drop_elsewhere(place);
    assert_eq!(clients.wait_for("alice", 1), Ok(Some(millis(100))));
    let refused = owned.clone().reserve_within(3, millis(299)).unwrap_err();
    assert_eq!(refused.wait(), Some(millis(300)));
    let mut place = owned.reserve_within(3, millis(300)).unwrap();
    clients.clock().advance(millis(300));
    assert_eq!(place.wait(), Ok(()));
    drop_elsewhere(place);
    assert_eq!((clients.available("alice"), Arc::strong_count(&clients)), (0, 1));
}

#[test]
fn an_owned_estimate_of_a_key_settles_or_is_given_back() {
    let clients = Arc::new(clients(9));
    let estimate: Estimate<'static> = static_and_send(Arc::clone(&clients).bucket_owned(alice()).estimate(7).unwrap());
    assert_eq!(clients.available("alice"), 3);
    thread::spawn(|| estimate.settle([4])).join().unwrap().unwrap();
    assert_eq!(clients.available("alice"), 6);
    drop_elsewhere(Arc::clone(&clients).bucket_owned(alice()).estimate(6).unwrap());
    assert_eq!((clients.available("alice"), Arc::strong_count(&clients)), (6, 1));
    assert!(Arc::clone(&clients).bucket_owned(alice()).estimate(7).is_err());
}

#[test]
fn what_a_key_without_room_owns_goes_back_to_the_overflow() {
    let full = Arc::new(clients(1));
    full.try_take("bob", 1).unwrap();
    let refused = Arc::clone(&full).bucket_owned(alice()).reserve(1).unwrap_err();
    assert!(matches!(refused, KeyRefused::NoRoom(_)), "{refused:?}");

    let shared = Arc::new(clients(1).with_shared_overflow());
    shared.try_take("bob", 1).unwrap();
    let estimate = Arc::clone(&shared).bucket_owned(alice()).estimate(7).unwrap();
    assert_eq!((shared.available("bob"), shared.available("carol")), (9, 3));
    estimate.settle([5]).unwrap();
    assert_eq!((shared.available("bob"), shared.available("carol")), (9, 5));
    drop_elsewhere(Arc::clone(&shared).bucket_owned(alice()).reserve(6).unwrap());
    assert_eq!((shared.available("bob"), shared.available("carol")), (9, 5));
}

#[test]
fn an_owned_key_is_of_its_tier() {
    struct ByName;
    impl TierOf<str> for ByName {
        fn tier_of(&self, key: &str) -> usize {
            usize::from(key.starts_with("paid:"))
        }
    }
    impl TierOf<String> for ByName {
        fn tier_of(&self, key: &String) -> usize {
            self.tier_of(key.as_str())
        }
    }
    let clients = Arc::new(clients(9).with_tiers([Limit::per_second(500)], ByName).unwrap());
    Arc::clone(&clients).bucket_owned("paid:bob".to_owned()).reserve(300).unwrap().commit();
    assert!(Arc::clone(&clients).bucket_owned(alice()).reserve(300).is_err());
    assert_eq!(clients.available("paid:bob"), 200);
}
