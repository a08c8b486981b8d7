//! Limits of keys.

use std::time::Duration;

use tollgate::Limit;
use tollgate_redis::FleetRefused;

use crate::common::{SECOND, join_keys, on_each, until};

#[tokio::test]
async fn each_key_has_a_limit_of_its_own_that_all_processes_share() {
    on_each(async |_, engine| {
        let here = join_keys(&engine, Limit::per_day(10), 100).await;
        let there = join_keys(&engine, Limit::per_day(10), 100).await;
        for i in 0..5 {
            let side = if i % 2 == 0 { &here } else { &there };
            side.key("alice").take_timeout([2], SECOND).await.unwrap();
        }
        for side in [&here, &there] {
            let refused = side.key("alice").take_timeout([1], SECOND).await.unwrap_err();
            assert!(matches!(refused, FleetRefused::NotYet { .. }), "{refused:?}");
            side.key("bob").take_timeout([5], SECOND).await.unwrap();
        }
        assert!(here.key("bob").strict().try_take([1]).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn keys_leave_once_nobody_asks_for_them() {
    on_each(async |_, engine| {
        let clients = join_keys(&engine, Limit::per_second(100), 1000).await;
        for i in 0..300 {
            clients.key(format!("client {i}")).take_timeout([1], SECOND).await.unwrap();
        }
        assert!(!clients.is_empty() && clients.len() <= 300);
        until("all leave", || clients.is_empty()).await;
        // What was taken is known to the engine.
        clients.key("client 7").take_timeout([1], SECOND).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_bound_of_keys_refuses_others_until_one_leaves() {
    on_each(async |_, engine| {
        let clients = join_keys(&engine, Limit::per_second(100), 3).await;
        for name in ["a", "b", "c"] {
            clients.key(name).take_timeout([1], SECOND).await.unwrap();
        }
        let refused = clients.key("d").try_take([1]).unwrap_err();
        assert!(matches!(refused, FleetRefused::NoRoom { .. }), "{refused:?}");
        clients.key("a").take_timeout([1], SECOND).await.unwrap();
        until("there is room", || clients.len() < 3).await;
        clients.key("d").take_timeout([1], SECOND).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_key_in_use_takes_few_trips() {
    on_each(async |server, engine| {
        let clients = join_keys(&engine, Limit::per_second(100_000), 10).await;
        let calls = |server: &engines::Server| -> u64 {
            server.info("stats", "total_commands_processed").unwrap().unwrap().parse().unwrap()
        };
        let (hot, before) = (clients.key("hot"), calls(&server));
        let begun = std::time::Instant::now();
        let mut taken = 0_u64;
        while begun.elapsed() < SECOND {
            match hot.try_take([1]) {
                Ok(()) => taken += 1,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
        let trips = calls(&server) - before;
        // Each trip is a few commands on the engine.
        assert!(taken > 10 * trips, "{taken} in {trips}");
    })
    .await;
}

#[tokio::test]
async fn closing_gives_back_what_all_keys_hold() {
    on_each(async |_, engine| {
        let clients = join_keys(&engine, Limit::per_day(10), 100).await;
        for name in ["a", "b"] {
            let key = clients.key(name);
            key.take_timeout([10], SECOND).await.unwrap();
            key.put_back([7]);
        }
        clients.close().await;
        assert_eq!(clients.key("a").try_take([1]), Err(FleetRefused::Closed));
        let other = join_keys(&engine, Limit::per_day(10), 100).await;
        for name in ["a", "b"] {
            other.key(name).strict().try_take([7]).await.unwrap();
            assert!(other.key(name).strict().try_take([1]).await.is_err());
        }
    })
    .await;
}
