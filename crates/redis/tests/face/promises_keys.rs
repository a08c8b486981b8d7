//! Promises of keys: how they come, go and come again.

use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetKeyed, FleetRefused};

use crate::common::{SECOND, join_keys, on_each, until};
use crate::promises::scripts;

#[tokio::test]
async fn a_cold_key_takes_one_round_trip_a_call_and_holds_nothing() {
    on_each(async |server, engine| {
        let clients = join_keys(&engine, Limit::per_second(100), 1000).await;
        // The engine learns the script once.
        clients.key("first").strict().try_take([1]).await.unwrap();
        let before = scripts(&server);
        for i in 0..50 {
            clients.key(format!("client {i}")).take_timeout([1], SECOND).await.unwrap();
        }
        let trips = scripts(&server) - before;
        let held: u64 = (0..50).map(|i| clients.key(format!("client {i}")).available()[0]).sum();
        assert_eq!((trips, held), (50, 0));
    })
    .await;
}

#[tokio::test]
async fn a_strict_take_of_a_key_is_one_round_trip() {
    on_each(async |server, engine| {
        let clients = join_keys(&engine, Limit::per_second(100), 1000).await;
        let client = clients.key("a");
        client.strict().try_take([1]).await.unwrap();
        let before = scripts(&server);
        for _ in 0..10 {
            client.strict().try_take([1]).await.unwrap();
        }
        assert_eq!(scripts(&server) - before, 10);
    })
    .await;
}

#[tokio::test]
async fn new_keys_have_the_changed_limits_after_a_loss_of_the_engines_memory() {
    on_each(async |server, engine| {
        let limit = |rate| Limit::per_second(rate).capacity(rate);
        let (one, other) = (join_keys(&engine, limit(100), 100).await, join_keys(&engine, limit(100), 100).await);
        one.set_limits([limit(1000)]).await.unwrap();
        other.key("a").take_timeout([1], SECOND).await.unwrap();
        until("it has learnt", || other.key("a").limits() == [limit(1000)]).await;
        server.cli(&["flushall"]).unwrap();
        for clients in [&one, &other] {
            for i in 0..40 {
                let key = clients.key(format!("client {i}"));
                let error = key.strict().try_take([500]).await.unwrap_err();
                assert!(error.wait().is_some(), "client {i}: {error}");
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_comes_back_as_it_leaves_is_not_forgotten() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let joining = FleetKeyed::<String, 1>::join(&engine, "clients", [Limit::per_second(1000)]).create();
        let joining = joining.term(Duration::from_millis(100)).max_keys(1000);
        let clients = joining.when_away(Away::Refuse).connect().await.unwrap();
        let threads: Vec<_> = (0..2)
            .map(|thread| {
                let clients = clients.clone();
                std::thread::spawn(move || {
                    let begun = std::time::Instant::now();
                    while begun.elapsed() < 8 * SECOND {
                        for i in 0..100 {
                            let key = clients.key(format!("{thread} {i}"));
                            // It asks for nothing, so the key leaves.
                            let _ = key.try_take([0]);
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            tokio::task::spawn_blocking(|| thread.join().unwrap()).await.unwrap();
        }
        until("all leave", || clients.is_empty()).await;
        tokio::time::timeout(10 * SECOND, clients.close()).await.expect("every driver ends");
    }
}

#[test]
fn keys_do_not_pile_up_once_closed() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let joining = FleetKeyed::<String, 1>::join(&engine, "clients", [Limit::per_second(1000)]).create();
        let clients = joining.when_away(Away::Refuse).connect_blocking().unwrap();
        clients.key("a").take_blocking_timeout([1], SECOND).unwrap();
        clients.close_blocking();
        for i in 0..100 {
            assert_eq!(clients.key(format!("{i}")).try_take([1]), Err(FleetRefused::Closed));
        }
        std::thread::sleep(2 * SECOND);
        assert_eq!(clients.len(), 0);
    }
}

#[tokio::test]
async fn a_closed_limit_of_keys_refuses_all_at_once() {
    on_each(async |_, engine| {
        let clients = join_keys(&engine, Limit::per_day(100), 100).await;
        let key = clients.key("a");
        key.take_timeout([10], SECOND).await.unwrap();
        key.put_back([9]);
        let waits = tokio::spawn({
            let key = clients.key("b");
            async move {
                key.take([100]).await.unwrap();
                key.take([1]).await
            }
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::join!(clients.close(), clients.close());
        assert_eq!(key.try_take([1]), Err(FleetRefused::Closed));
        assert_eq!(waits.await.unwrap(), Err(FleetRefused::Closed));
        clients.close().await;
    })
    .await;
}

#[tokio::test]
async fn hundreds_of_keys_come_and_go_and_leave_nothing() {
    on_each(async |server, engine| {
        // A debug build answers slowly to hundreds at once.
        let engine = engine.answer_within(20 * SECOND);
        let clients = join_keys(&engine, Limit::per_second(1000).capacity(10), 5000).await;
        let alive = tokio::runtime::Handle::current().metrics().num_alive_tasks();
        let mut tasks = Vec::new();
        for i in 0..600_u64 {
            let key = clients.key(format!("client {i}"));
            // Half of the callers hang up, at different points of their wait.
            tasks.push(tokio::spawn(async move {
                if i % 2 == 0 {
                    let _ = tokio::time::timeout(Duration::from_micros(i * 17 % 3000), key.take([1])).await;
                } else {
                    // So many at once may be too much for the patience of a slow machine.
                    let served = key.take_timeout([1], 20 * SECOND).await;
                    assert!(matches!(served, Ok(()) | Err(FleetRefused::Away { .. })), "{served:?}");
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let mut left = 4000;
        while !clients.is_empty() {
            left -= 1;
            assert!(left > 0, "{} stay", clients.len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(tokio::runtime::Handle::current().metrics().num_alive_tasks() <= alive + 2);
        let keys: u64 = server.cli(&["dbsize"]).unwrap().parse().unwrap();
        assert!(keys <= 16, "only the heads stay: {keys}");
    })
    .await;
}
