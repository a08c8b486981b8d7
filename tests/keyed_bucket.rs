//! The bucket of one key as a value: reservations, waiting, estimates and leases, while keys come,
//! go, and change their limits.
#![cfg(feature = "keys")]

use std::time::Duration;

use tollgate::clock::ManualClock;
use tollgate::keyed::KeyRefused;
use tollgate::{KeyedBuckets, Limit, Refused};

type Clients = KeyedBuckets<String, 1, ManualClock>;

fn clients(limit: Limit, max_keys: usize) -> Clients {
    KeyedBuckets::with_clock(limit, max_keys, ManualClock::new()).unwrap()
}

const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn reservations_of_a_key_are_served_in_order_and_others_do_not_wait_for_them() {
    let clients = clients(Limit::per_second(10), 10);
    let (alice, bob) = (clients.bucket("alice"), clients.bucket("bob"));
    let places = [alice.reserve(10).unwrap(), alice.reserve(5).unwrap(), alice.reserve(1).unwrap()];
    assert_eq!(
        places.each_ref().map(|place| place.remaining()),
        [Some(millis(0)), Some(millis(500)), Some(millis(600))]
    );
    assert_eq!(bob.reserve(10).unwrap().remaining(), Some(millis(0)));
    assert!(clients.try_take("alice", 1).is_err());
    let [first, second, third] = places;
    second.cancel();
    assert_eq!((third.remaining(), clients.wait_for("alice", 1)), (Some(millis(600)), Ok(Some(millis(200)))));
    first.commit();
}

#[test]
fn a_key_stays_until_its_reservation_is_ready_and_full_again() {
    let clients = clients(Limit::per_second(10), 10);
    let alice = clients.bucket("alice");
    let place = alice.reserve_oversized(30).unwrap();
    clients.clock().advance(millis(2_999));
    clients.shrink();
    assert_eq!((clients.len(), place.remaining()), (1, Some(Duration::ZERO)));
    clients.clock().advance(millis(1));
    clients.shrink();
    assert!(clients.is_empty());
    // What comes back now finds it full, and adds no key.
    place.cancel();
    assert_eq!((clients.len(), clients.available("alice")), (0, 10));
}

#[test]
fn what_comes_back_late_to_a_key_that_came_anew_fills_it_no_further() {
    let clients = clients(Limit::per_second(10), 10);
    let alice = clients.bucket("alice");
    let (place, mut lease) = (alice.reserve(4).unwrap(), alice.lease(4));
    lease.try_take(1).unwrap();
    lease.try_take(1).unwrap();
    assert_eq!(lease.held(), 1);
    clients.clock().advance(Duration::from_secs(7200));
    clients.shrink();
    clients.try_take("alice", 2).unwrap();
    place.cancel();
    drop(lease);
    assert_eq!(clients.available("alice"), 10);
}

#[test]
fn a_reserved_instant_moves_with_the_limits_of_its_tier() {
    let clients =
        clients(Limit::per_second(10), 10).with_tiers([Limit::per_second(10)], |key: &str| key.len() % 2).unwrap();
    let (even, odd) = (clients.bucket("bobo"), clients.bucket("alice"));
    clients.charge("bobo", 10).unwrap();
    clients.charge("alice", 10).unwrap();
    let places = [even.reserve(10).unwrap(), odd.reserve(10).unwrap()];
    clients.clock().advance(millis(500));
    clients.set_tier_limits(0, Limit::per_second(100)).unwrap();
    assert_eq!(places.each_ref().map(|place| place.remaining()), [Some(millis(50)), Some(millis(500))]);
    clients.set_tier_limits(0, Limit::per_second(5)).unwrap();
    assert_eq!(places.each_ref().map(|place| place.remaining()), [Some(millis(1000)), Some(millis(500))]);
}

#[test]
fn a_new_key_without_room_is_refused_as_that_by_every_call() {
    let clients = clients(Limit::per_second(10), 1);
    clients.try_take("alice", 1).unwrap();
    let bob = clients.bucket("bob");
    let no_room = |refused: KeyRefused| matches!(refused, KeyRefused::NoRoom(refused) if refused.max_keys == 1);
    assert!(no_room(bob.reserve(1).unwrap_err()));
    assert!(no_room(bob.reserve_oversized(100).unwrap_err()));
    assert!(no_room(bob.estimate(1).unwrap_err()));
    assert!(no_room(bob.take_blocking(1).unwrap_err()));
    let mut lease = bob.lease(5);
    assert!(no_room(lease.try_take(1).unwrap_err()));
    assert_eq!((lease.take_up_to(5, 1), bob.reserve(0).is_ok(), clients.len()), (0, true, 1));
    // Not so by one for a key that is there.
    let refused = clients.bucket("alice").reserve(11).unwrap_err();
    assert!(matches!(refused, KeyRefused::Bucket(Refused::Never(_))));
}

#[test]
fn a_queue_that_is_too_long_is_refused_for_each_key_by_itself() {
    let clients = clients(Limit::per_second(10), 10).with_max_debt(5).with_max_wait(millis(300));
    clients.try_take("alice", 10).unwrap();
    let alice = clients.bucket("alice");
    alice.reserve(3).unwrap().commit();
    assert_eq!(alice.reserve(1).unwrap_err().wait(), Some(millis(400)));
    assert!(clients.bucket("bob").reserve(10).is_ok());
}

#[test]
fn an_estimate_of_a_key_is_settled_by_what_was_used() {
    let limits = [Limit::per_second(10), Limit::per_second(1000)];
    let clients = KeyedBuckets::<String, 2, _>::with_clock(limits, 10, ManualClock::new()).unwrap();
    let alice = clients.bucket("alice");
    alice.estimate([1, 400]).unwrap().settle([1, 250]).unwrap();
    assert_eq!(clients.available("alice"), [9, 750]);
    drop(alice.estimate([1, 400]).unwrap());
    assert_eq!(clients.available("alice"), [9, 750]);
    alice.reserve([1, 100]).unwrap().into_estimate().settle([1, 1250]).unwrap();
    assert_eq!(clients.wait_for("alice", [1, 0]), Ok(Some(Duration::ZERO)));
    assert_eq!(clients.wait_for("alice", [1, 1]), Ok(Some(millis(501))));
}
