//! Limits that change for the whole fleet.

use std::time::Duration;

use tollgate::Limit;
use tollgate_redis::FleetRefused;

use crate::common::{SECOND, join, join_keys, on_each, until};

#[tokio::test]
async fn a_change_of_limits_is_everywhere_within_a_term() {
    on_each(async |_, engine| {
        let old = [Limit::per_second(1000).capacity(100)];
        let (one, other) = (join(&engine, old).await, join(&engine, old).await);
        other.take_timeout([1], SECOND).await.unwrap();
        let new = [Limit::per_second(500).capacity(10)];
        one.set_limits(new).await.unwrap();
        assert_eq!(one.limits(), new);
        assert!(matches!(one.try_take([11]), Err(FleetRefused::Never(_))));
        // The other is in use, as a process is that matters.
        let mut left = 400;
        while other.limits() != new {
            left -= 1;
            assert!(left > 0, "not within two seconds");
            let _ = other.try_take([1]);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(matches!(other.try_take([11]), Err(FleetRefused::Never(_))));
        assert_eq!(other.figures().revision, one.figures().revision);
    })
    .await;
}

#[tokio::test]
async fn a_change_keeps_what_has_accrued_and_what_is_owed() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        fleet.strict().try_take([40]).await.unwrap();
        fleet.set_limits([Limit::per_day(1000)]).await.unwrap();
        // 60 are left, not 960: a higher capacity is not a gift.
        assert!(fleet.strict().try_take([61]).await.is_err());
        fleet.strict().try_take([60]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn many_changes_neither_lock_out_nor_forgive() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100_000)]).await;
        fleet.strict().try_take([50_000]).await.unwrap();
        for i in 0..200_u64 {
            fleet.set_limits([Limit::per_day(100_000 + i % 7)]).await.unwrap();
        }
        fleet.strict().try_take([49_990]).await.unwrap();
        assert!(fleet.strict().try_take([200]).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_limits_of_all_keys_change() {
    on_each(async |_, engine| {
        let clients = join_keys(&engine, Limit::per_day(10), 100).await;
        for i in 0..40 {
            clients.key(format!("client {i}")).take_timeout([4], SECOND).await.unwrap();
        }
        clients.set_limits([Limit::per_day(20)]).await.unwrap();
        for i in 0..40 {
            let client = clients.key(format!("client {i}"));
            assert!(client.take_timeout([7], 20 * SECOND).await.is_err(), "client {i}");
            client.take_timeout([6], SECOND).await.unwrap();
        }
        // A client that nobody has seen has what the old capacity held.
        let new = clients.key("new");
        assert!(new.strict().try_take([11]).await.is_err());
        new.strict().try_take([10]).await.unwrap();
        until("all leave", || clients.is_empty()).await;
    })
    .await;
}
