//! Promises while the engine is away, slow, full or another.

use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket, FleetError, FleetRefused};

use crate::common::{SECOND, join, on_each, until};

async fn joined<const N: usize>(server: &Server, limits: [Limit; N], away: Away) -> FleetBucket<N> {
    let engine = Engine::open(server.url()).unwrap();
    FleetBucket::join(&engine, "fleet", limits).create().when_away(away).connect().await.unwrap()
}

#[tokio::test]
async fn a_share_begins_empty_however_long_ago_it_was_joined() {
    for kind in Kind::ALL {
        let mut server = Server::start(kind, Options::default()).unwrap();
        let limit = Limit::per_second(800).capacity(80_000);
        let fleet = joined(&server, [limit], Away::LocalShare { of: 8 }).await;
        // 400 accrue in a share that is not empty.
        tokio::time::sleep(4 * SECOND).await;
        fleet.take_timeout([1], SECOND).await.unwrap();
        server.kill().unwrap();
        let begun = std::time::Instant::now();
        let taken = fleet.figures();
        // What was held is not of the share.
        let held = taken.held[0].max(0) as f64;
        let mut granted = 0.0;
        while begun.elapsed() < SECOND {
            match fleet.try_take([1]) {
                Ok(()) => granted += 1.0,
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
        }
        let most = held + 100.0 * begun.elapsed().as_secs_f64() + 1.0;
        assert!(granted <= most, "{granted} of at most {most}");
    }
}

#[tokio::test]
async fn what_was_allowed_while_away_and_put_back_is_not_given_to_the_engine() {
    for (kind, away) in Kind::ALL.into_iter().flat_map(|kind| [(kind, Away::Allow), (kind, Away::LocalShare { of: 1 })])
    {
        let server = Server::start(kind, Options::default()).unwrap();
        let fleet = joined(&server, [Limit::per_day(86_400 * 20).capacity(100)], away).await;
        fleet.strict().try_take([100]).await.unwrap();
        server.stop().unwrap();
        until("it is granted by nobody", || fleet.try_take([10]).is_ok()).await;
        let figures = fleet.figures();
        fleet.put_back([10]);
        server.cont().unwrap();
        until("it is back", || {
            let _ = fleet.try_take([10]);
            fleet.figures().away.is_zero()
        })
        .await;
        fleet.close().await;
        let after = fleet.figures();
        assert_eq!((figures.used, after.used[0].min(0)), ([0], 0), "{away:?} {figures:?} {after:?}");
    }
}

#[tokio::test]
async fn a_master_that_became_a_replica_is_left_for_the_other_server() {
    for kind in Kind::ALL {
        let (one, other) = (Server::start(kind, Options::default()), Server::start(kind, Options::default()));
        let (one, other) = (one.unwrap(), other.unwrap());
        let engine = Engine::cluster([one.url(), other.url()]).unwrap();
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_second(1000)]).create();
        let fleet = joining.when_away(Away::Refuse).connect().await.unwrap();
        fleet.take_timeout([1], SECOND).await.unwrap();
        other.replicate(&one).unwrap();
        other.catch_up_with(&one).unwrap();
        other.promote().unwrap();
        one.replicate(&other).unwrap();
        let begun = std::time::Instant::now();
        while fleet.try_take([5]).is_err() {
            assert!(begun.elapsed() < 8 * SECOND, "{:?}", fleet.figures());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

#[tokio::test]
async fn a_replica_as_the_address_is_an_error_that_says_what_to_do() {
    for kind in Kind::ALL {
        let master = Server::start(kind, Options::default()).unwrap();
        let replica = Server::start(kind, Options::default()).unwrap();
        replica.replicate(&master).unwrap();
        let engine = Engine::open(replica.url()).unwrap();
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_second(1000)]).create();
        let error = joining.when_away(Away::Refuse).connect().await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("master") || text.contains("primary"), "{error:?}: {text}");
    }
}

#[tokio::test]
async fn a_full_engine_is_away_until_it_has_room_and_nothing_is_lost() {
    on_each(async |server, engine| {
        let fleet = join(&engine, [Limit::per_second(1000)]).await;
        fleet.take_timeout([1], SECOND).await.unwrap();
        server.cli(&["config", "set", "maxmemory", "1"]).unwrap();
        until("it is away", || {
            let _ = fleet.try_take([500]);
            !fleet.figures().away.is_zero()
        })
        .await;
        server.cli(&["config", "set", "maxmemory", "0"]).unwrap();
        until("it is back", || fleet.try_take([500]).is_ok()).await;
        let figures = fleet.figures();
        assert_eq!(figures.lost, [0], "{figures:?}");
    })
    .await;
}

#[tokio::test]
async fn an_engine_that_stops_for_a_while_is_back_within_a_second_and_the_account_stays() {
    on_each(async |server, engine| {
        for millis in [400, 600, 3000] {
            let fleet = join(&engine, [Limit::per_second(1000).capacity(100)]).await;
            for _ in 0..20 {
                fleet.take_timeout([1], SECOND).await.unwrap();
            }
            server.stop().unwrap();
            let begun = std::time::Instant::now();
            while begun.elapsed() < Duration::from_millis(millis) {
                let _ = fleet.try_take([1]);
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            server.cont().unwrap();
            let begun = std::time::Instant::now();
            while fleet.try_take([1]).is_err() {
                assert!(begun.elapsed() < 3 * SECOND, "{millis}: {:?}", fleet.figures());
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            fleet.close().await;
            let figures = fleet.figures();
            let all = figures.used[0] + (figures.returned[0] + figures.lost[0]) as i64 + figures.held[0];
            assert_eq!((figures.granted[0] as i64, figures.held), (all, [0]), "{millis}: {figures:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn faults_in_a_loop_under_load_break_no_account() {
    on_each(async |server, engine| {
        let fleets = [join(&engine, [Limit::per_second(2000).capacity(100)]).await, {
            let joining = FleetBucket::join(&engine, "fleet", [Limit::per_second(2000).capacity(100)]);
            joining.when_away(Away::Refuse).connect().await.unwrap()
        }];
        let begun = std::time::Instant::now();
        let faults: [&[&str]; 4] =
            [&["script", "flush"], &["client", "kill", "type", "normal"], &["config", "resetstat"], &["flushall"]];
        let mut used = 0_i64;
        for round in 0.. {
            if begun.elapsed() > 4 * SECOND {
                break;
            }
            for fleet in &fleets {
                match fleet.try_take([1 + round % 3]) {
                    Ok(()) => used += 1 + round as i64 % 3,
                    Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
                }
            }
            if round % 50 == 0 {
                let _ = server.cli(faults[(round / 50) as usize % 4]);
            }
        }
        let most = 100.0 + 2000.0 * (begun.elapsed().as_secs_f64() + 1.0);
        assert!(used > 500 && (used as f64) < most, "{used} of at most {most}");
        for fleet in &fleets {
            let served = fleet.take_timeout([1], 3 * SECOND).await;
            served.unwrap_or_else(|error| panic!("{error}: {:?}", fleet.figures()));
            used += 1;
            fleet.close().await;
        }
        let figures = fleets.map(|fleet| fleet.figures());
        assert_eq!(figures.iter().map(|figures| figures.used[0]).sum::<i64>(), used);
        for figures in figures {
            let all = figures.used[0] + (figures.returned[0] + figures.lost[0]) as i64 + figures.held[0];
            assert_eq!(figures.granted[0] as i64, all, "{figures:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn two_processes_that_change_limits_at_once_end_with_one_of_them() {
    on_each(async |_, engine| {
        let limits = |capacity| [Limit::per_second(1000).capacity(capacity)];
        let (one, other) = (join(&engine, limits(100)).await, join(&engine, limits(100)).await);
        let change = async |fleet: &FleetBucket<1>, first: u64| {
            for i in 0..100 {
                fleet.set_limits(limits(first + i)).await.unwrap_or_else(|error| {
                    assert!(matches!(error, FleetError::Contended { .. }), "{error:?}");
                });
            }
        };
        tokio::join!(change(&one, 100), change(&other, 500));
        for fleet in [&one, &other] {
            fleet.take_timeout([1], 5 * SECOND).await.unwrap_or_else(|error| panic!("{error}: {:?}", fleet.figures()));
        }
        assert_eq!(one.limits(), other.limits());
        assert_eq!(one.figures().revision, other.figures().revision);
    })
    .await;
}

#[tokio::test]
async fn limits_that_shrink_below_what_is_owed_are_paid_first() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(10_000).capacity(1000)]).await;
        fleet.take_timeout([1000], SECOND).await.unwrap();
        let waits = tokio::spawn({
            let fleet = fleet.clone();
            async move { fleet.take([900]).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        fleet.set_limits([Limit::per_second(100).capacity(10)]).await.unwrap();
        // More than the capacity is never granted, also to one who waits already, unless it was
        // served.
        let served = tokio::time::timeout(5 * SECOND, waits).await.expect("it ends").unwrap();
        assert!(matches!(served, Ok(()) | Err(FleetRefused::Never(_))), "{served:?}");
        // What is held stays good until it expires.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let before = fleet.figures().used[0];
        let begun = std::time::Instant::now();
        while begun.elapsed() < 2 * SECOND {
            let _ = fleet.take_timeout([1], Duration::from_millis(50)).await;
        }
        let used = (fleet.figures().used[0] - before) as f64;
        let most = 10.0 + 100.0 * (begun.elapsed().as_secs_f64() + 1.0);
        assert!(used <= most, "{used} of at most {most}");
    })
    .await;
}

#[tokio::test]
async fn what_is_put_back_while_the_engine_is_away_serves_others() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_day(100)]).create();
        let joining = joining.term(10 * SECOND).when_away(Away::Refuse);
        let fleet: FleetBucket<1> = joining.connect().await.unwrap();
        fleet.take_timeout([10], SECOND).await.unwrap();
        server.stop().unwrap();
        until("it is away", || matches!(fleet.try_take([90]), Err(FleetRefused::Away { .. }))).await;
        // The lease ends in ten seconds, and nobody else has these tokens.
        fleet.put_back([10]);
        assert_eq!(fleet.figures().used, [0]);
        fleet.try_take([10]).unwrap();
        server.cont().unwrap();
    }
}
