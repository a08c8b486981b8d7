//! Single rules of a process's side, each of which a planted fault has broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::gate::Reason;
use tollgate::{Gate, Limit, TokenBucket};
use tollgate_redis::{Away, Engine, FleetBucket, FleetEvent, FleetKeyed, FleetRefused};

use crate::common::{SECOND, join, join_keys, on_each, until};

#[tokio::test]
async fn a_wait_does_not_overtake_those_who_wait() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(10)]).await;
        fleet.take_timeout([10], SECOND).await.unwrap();
        let waits = tokio::spawn({
            let fleet = fleet.clone();
            async move { fleet.take([10]).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        fleet.put_back([5]);
        assert!(fleet.take_timeout([1], Duration::from_millis(20)).await.is_err());
        assert!(fleet.try_take([1]).is_err());
        fleet.put_back([5]);
        tokio::time::timeout(10 * SECOND, waits).await.unwrap().unwrap().unwrap();
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_is_not_taken_also_if_nobody_drove() {
    on_each(async |_, engine| {
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_day(100)]).create();
        let joining = joining.term(Duration::from_millis(300)).when_away(Away::Refuse);
        let fleet: FleetBucket<1> = joining.connect().await.unwrap();
        fleet.take_timeout([100], SECOND).await.unwrap();
        fleet.put_back([90]);
        // The one thread of this runtime stands still, as a process does that is stopped.
        std::thread::sleep(Duration::from_millis(400));
        assert!(fleet.try_take([1]).is_err());
        assert_eq!(fleet.available(), [0]);
    })
    .await;
}

#[tokio::test]
async fn what_a_gate_took_from_elsewhere_goes_back_there() {
    for (kind, away) in Kind::ALL.into_iter().flat_map(|kind| [(kind, Away::Allow), (kind, Away::LocalShare { of: 1 })])
    {
        let mut server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let limit = [Limit::per_second(100).capacity(100)];
        let fleet: FleetBucket<1> =
            FleetBucket::join(&engine, "fleet", limit).create().when_away(away).connect().await.unwrap();
        let keys = FleetKeyed::<String, 1>::join(&engine, "keys", limit).create().when_away(away);
        let keys = keys.connect().await.unwrap();
        let key = keys.key("a");
        server.kill().unwrap();
        until("ten are granted by others", || fleet.try_take([10]).is_ok()).await;
        until("ten are granted of the key", || key.try_take([10]).is_ok()).await;
        until("the gate grants", || match Gate::new().and(&fleet, [10]).and(&key, [10]).try_take() {
            Ok(granted) => {
                granted.put_back();
                true
            }
            Err(_) => false,
        })
        .await;
        assert_eq!((fleet.figures().used, fleet.figures().held, key.available()), ([0], [0], [0]), "{away:?}");
        for used in [0, 5, 15] {
            until("the gate grants", || match Gate::new().and(&fleet, [10]).and(&key, [10]).try_take() {
                Ok(granted) => granted.settle(|_, amounts| amounts[0] = used).is_ok(),
                Err(_) => false,
            })
            .await;
            assert_eq!((fleet.figures().used, fleet.figures().held), ([0], [0]), "{away:?}");
            assert_eq!((key.available(), key.debt(), fleet.debt()), ([0], [0], [0]), "{away:?}");
        }
    }
}

#[tokio::test]
async fn a_charge_is_paid_also_if_nobody_asks() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        fleet.take_timeout([1], SECOND).await.unwrap();
        tokio::time::sleep(2 * SECOND).await;
        fleet.charge([5]).unwrap();
        until("it is paid", || fleet.figures().held == [0] && fleet.figures().used == [6]).await;
        let figures = fleet.figures();
        assert_eq!(figures.granted[0] - figures.returned[0], 6, "{figures:?}");
    })
    .await;
}

#[tokio::test]
async fn an_idle_limit_closes() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        tokio::time::sleep(2 * SECOND).await;
        tokio::time::timeout(5 * SECOND, fleet.close()).await.expect("it closes");
        let keys = join_keys(&engine, Limit::per_day(100), 10).await;
        tokio::time::timeout(5 * SECOND, keys.close()).await.expect("it closes");
    })
    .await;
}

#[tokio::test]
async fn a_lower_capacity_holds_at_once_for_what_is_held() {
    on_each(async |_, engine| {
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_day(100)]).create();
        let fleet: FleetBucket<1> = joining.term(30 * SECOND).when_away(Away::Refuse).connect().await.unwrap();
        fleet.take_timeout([100], SECOND).await.unwrap();
        fleet.put_back([90]);
        fleet.set_limits([Limit::per_day(10)]).await.unwrap();
        let refused = fleet.try_take([50]);
        assert!(matches!(refused, Err(FleetRefused::Never(_))), "{refused:?}");
        let keys = FleetKeyed::<String, 1>::join(&engine, "keys", [Limit::per_day(100)]).create();
        let keys = keys.term(30 * SECOND).when_away(Away::Refuse).connect().await.unwrap();
        let key = keys.key("a");
        key.take_timeout([100], SECOND).await.unwrap();
        key.put_back([90]);
        keys.set_limits([Limit::per_day(10)]).await.unwrap();
        let refused = key.try_take([50]);
        assert!(matches!(refused, Err(FleetRefused::Never(_))), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_share_begins_empty_in_each_outage() {
    for kind in Kind::ALL {
        let mut server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_second(100).capacity(10_000)]).create();
        let fleet: FleetBucket<1> = joining.when_away(Away::LocalShare { of: 1 }).connect().await.unwrap();
        for outage in 0..2 {
            until("it is back", || fleet.try_take([1]).is_ok() && fleet.figures().away.is_zero()).await;
            server.kill().unwrap();
            until("it is away", || {
                let _ = fleet.try_take([9000]);
                fleet.figures().away > Duration::from_millis(300)
            })
            .await;
            // 150 are there 1.5 s after the outage began.
            assert!(fleet.try_take([150]).is_err(), "outage {outage}");
            tokio::time::sleep(2 * SECOND).await;
            until("some have accrued", || fleet.try_take([150]).is_ok()).await;
            tokio::time::sleep(3 * SECOND).await;
            server.restart().unwrap();
        }
    }
}

#[tokio::test]
async fn refusals_are_counted_once() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(10)]).await;
        fleet.take_timeout([10], SECOND).await.unwrap();
        let before = fleet.figures().refused;
        assert!(fleet.try_take([1]).is_err());
        assert!(fleet.take_timeout([1], Duration::from_millis(50)).await.is_err());
        assert!(fleet.admit([11]).is_err());
        assert_eq!(fleet.figures().refused - before, 3);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_asked_for_before_it_leaves_fetches() {
    on_each(async |_, engine| {
        let keys = FleetKeyed::<String, 1>::join(&engine, "keys", [Limit::per_day(100)]).create();
        let keys = keys.term(4 * SECOND).when_away(Away::Refuse).connect().await.unwrap();
        let key = keys.key("a");
        key.take_timeout([1], SECOND).await.unwrap();
        // It has given back what it held, and has not left.
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!(keys.len(), 1);
        assert!(key.try_take([7]).is_err());
        until("it is fetched", || key.available()[0] >= 7).await;
    })
    .await;
}

#[tokio::test]
async fn no_key_stays_once_all_are_closed() {
    on_each(async |_, engine| {
        let keys = join_keys(&engine, Limit::per_day(100), 10).await;
        for name in ["a", "b", "c"] {
            keys.key(name).take_timeout([1], SECOND).await.unwrap();
        }
        keys.close().await;
        assert!(keys.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_gate_tells_that_others_wait() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(10)]).await;
        let client = TokenBucket::new(Limit::per_day(1)).unwrap();
        client.try_take(1).unwrap();
        fleet.take_timeout([10], SECOND).await.unwrap();
        let waits = tokio::spawn({
            let fleet = fleet.clone();
            async move { fleet.take([10]).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        fleet.put_back([5]);
        let refused = Gate::new().and(&client, 1).and(&fleet, [1]).try_take().unwrap_err();
        assert_eq!(refused.limit(1).and_then(|limit| limit.reason()), Some(Reason::NotYet));
        waits.abort();
    })
    .await;
}

#[tokio::test]
async fn the_last_clone_of_keys_that_is_dropped_gives_back() {
    on_each(async |_, engine| {
        let joining = FleetKeyed::<String, 1>::join(&engine, "keys", [Limit::per_day(100)]).create();
        let keys = joining.term(30 * SECOND).when_away(Away::Refuse).connect().await.unwrap();
        let key = keys.key("a");
        drop(keys);
        key.take_timeout([100], SECOND).await.unwrap();
        key.put_back([99]);
        // A key owns what it needs: it is the last.
        drop(key);
        let joining = FleetKeyed::<String, 1>::join(&engine, "keys", [Limit::per_day(100)]);
        let other = joining.when_away(Away::Refuse).connect().await.unwrap();
        for _ in 0..500 {
            if other.key("a").strict().try_take([99]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("99 tokens did not come back");
    })
    .await;
}

#[tokio::test]
async fn the_last_clone_that_is_dropped_gives_back_long_before_a_term() {
    on_each(async |_, engine| {
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_day(100)]).create();
        let fleet: FleetBucket<1> = joining.term(30 * SECOND).when_away(Away::Refuse).connect().await.unwrap();
        fleet.take_timeout([100], SECOND).await.unwrap();
        fleet.put_back([99]);
        drop(fleet);
        let other = join(&engine, [Limit::per_day(100)]).await;
        for _ in 0..500 {
            if other.strict().try_take([99]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("99 tokens did not come back");
    })
    .await;
}

#[tokio::test]
async fn a_higher_capacity_is_learnt_by_others_and_told() {
    on_each(async |_, engine| {
        let limits = |capacity| [Limit::per_second(1000).capacity(capacity)];
        let one = join(&engine, limits(10)).await;
        let heard = Arc::new(AtomicU64::new(0));
        let hears = Arc::clone(&heard);
        let joining =
            FleetBucket::join(&engine, "fleet", limits(10)).observer(move |_: &str, event: FleetEvent<'_>| {
                if let FleetEvent::Limits(_, limits) = event {
                    hears.store(limits[0].capacity, Ordering::Relaxed);
                }
            });
        let other = joining.when_away(Away::Refuse).connect().await.unwrap();
        other.take_timeout([1], SECOND).await.unwrap();
        one.set_limits(limits(100)).await.unwrap();
        let _ = other.take_timeout([10], 5 * SECOND).await;
        other.take_timeout([50], 5 * SECOND).await.unwrap();
        assert_eq!(heard.load(Ordering::Relaxed), 100);
    })
    .await;
}

#[tokio::test]
async fn a_give_back_without_an_answer_is_lost_and_not_sent_again() {
    on_each(async |server, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        fleet.take_timeout([100], SECOND).await.unwrap();
        fleet.put_back([40]);
        // What is held goes back within a term. The engine gets it, and answers too late.
        server.stop().unwrap();
        until("it is not answered", || !fleet.figures().away.is_zero()).await;
        server.cont().unwrap();
        until("it is back", || {
            let _ = fleet.try_take([1]);
            fleet.figures().away.is_zero()
        })
        .await;
        fleet.close().await;
        let figures = fleet.figures();
        assert!(figures.lost[0] >= 40 && figures.used[0] <= 61, "{figures:?}");
        let other = join(&engine, [Limit::per_day(100)]).await;
        // It came once, so 40 are there, less what was tried.
        assert!(other.strict().try_take([41]).await.is_err());
    })
    .await;
}
