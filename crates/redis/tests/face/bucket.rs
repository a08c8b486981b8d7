//! The verbs of a bucket, and what becomes of each token.

use std::time::Duration;

use tollgate::{Limit, Never};
use tollgate_redis::{Away, Engine, FleetBucket, FleetError, FleetRefused, StrictError};

use crate::common::{SECOND, join, on_each, until};

/// A limit that refills nothing to speak of during a test.
fn day(tokens: u64) -> Limit {
    Limit::per_day(tokens)
}

#[tokio::test]
async fn the_first_try_is_refused_and_fetches() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(100)]).await;
        assert_eq!(fleet.available(), [0]);
        let refused = fleet.try_take([3]).unwrap_err();
        assert!(matches!(refused, FleetRefused::NotYet { stream: 0, .. }), "{refused:?}");
        until("it is fetched", || fleet.try_take([3]).is_ok()).await;
    })
    .await;
}

#[tokio::test]
async fn a_take_is_of_all_streams_or_of_none() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(10), day(1000)]).await;
        fleet.take_timeout([4, 400], SECOND).await.unwrap();
        // The bytes are short, so the requests are not taken either.
        let refused = fleet.take_timeout([1, 700], SECOND).await.unwrap_err();
        assert!(matches!(refused, FleetRefused::NotYet { stream: 1, .. }), "{refused:?}");
        fleet.take_timeout([6, 600], SECOND).await.unwrap();
        assert!(fleet.take_timeout([1, 0], SECOND).await.is_err());
        assert_eq!(fleet.figures().used, [10, 1000]);
    })
    .await;
}

#[tokio::test]
async fn more_than_the_capacity_is_never_granted() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(10), day(20)]).await;
        let never = FleetRefused::Never(Never { stream: 1, requested: 21, capacity: 20 });
        assert_eq!(fleet.try_take([1, 21]), Err(never));
        assert_eq!(fleet.take([1, 21]).await, Err(never));
        assert_eq!(fleet.strict().try_take([1, 21]).await, Err(StrictError::Refused(never)));
        assert_eq!(fleet.figures().granted, [0, 0]);
    })
    .await;
}

#[tokio::test]
async fn all_tokens_are_accounted_for_and_given_back() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(1000)]).await;
        for amount in 1..=20 {
            fleet.take_timeout([amount], SECOND).await.unwrap();
        }
        fleet.put_back([10]);
        let figures = fleet.figures();
        assert_eq!(figures.used, [200]);
        let all = figures.used[0] + (figures.returned[0] + figures.lost[0]) as i64 + figures.held[0];
        assert_eq!(figures.granted[0] as i64, all, "{figures:?}");

        fleet.close().await;
        let figures = fleet.figures();
        assert_eq!((figures.held, figures.lost, figures.used), ([0], [0], [200]), "{figures:?}");
        assert_eq!(fleet.try_take([1]), Err(FleetRefused::Closed));
        assert_eq!(fleet.take([1]).await, Err(FleetRefused::Closed));
        // Another process has the rest, to the token.
        let other = join(&engine, [day(1000)]).await;
        other.strict().try_take([800]).await.unwrap();
        assert!(other.strict().try_take([1]).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn an_idle_process_gives_back_what_it_holds() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(1000)]).await;
        for _ in 0..500 {
            fleet.take_timeout([1], SECOND).await.unwrap();
        }
        until("nothing is held", || fleet.figures().held == [0]).await;
        let figures = fleet.figures();
        assert_eq!((figures.granted[0] - figures.returned[0], figures.lost), (500, [0]), "{figures:?}");
        tokio::time::sleep(2 * SECOND).await;
        assert_eq!(fleet.figures().trips, figures.trips, "an idle process makes no trips");
    })
    .await;
}

#[tokio::test]
async fn the_last_clone_that_is_dropped_gives_back() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(100)]).await;
        let clone = fleet.clone();
        fleet.take_timeout([60], SECOND).await.unwrap();
        fleet.put_back([60]);
        drop(fleet);
        clone.take_timeout([1], SECOND).await.unwrap();
        drop(clone);
        let other = join(&engine, [day(100)]).await;
        for _ in 0..200 {
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
async fn a_charge_is_a_debt_that_is_paid_by_what_is_fetched() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [day(100)]).await;
        fleet.charge([30]).unwrap();
        assert!(fleet.debt() == [30] || fleet.available() >= [0]);
        assert!(fleet.try_take([1]).is_err());
        fleet.take_timeout([70], SECOND).await.unwrap();
        assert_eq!((fleet.debt(), fleet.figures().used), ([0], [100]));
        assert!(fleet.take_timeout([1], SECOND).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn who_is_admitted_owes_nothing() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100), Limit::per_day(10)]).await;
        fleet.take_timeout([50, 10], SECOND).await.unwrap();
        fleet.put_back([50, 0]);
        fleet.charge([0, 5]).unwrap();
        assert!(fleet.try_take([1, 0]).is_ok());
        assert!(
            matches!(fleet.admit([1, 0]), Err(FleetRefused::NotYet { stream: 1, .. })),
            "{:?}",
            fleet.admit([1, 0])
        );
    })
    .await;
}

#[tokio::test]
async fn a_strict_take_holds_nothing() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(1).capacity(5)]).await;
        for _ in 0..5 {
            fleet.strict().try_take([1]).await.unwrap();
        }
        let refused = fleet.strict().try_take([1]).await.unwrap_err();
        let wait = refused.wait().unwrap();
        assert!(wait <= SECOND, "{wait:?}");
        tokio::time::sleep(wait).await;
        fleet.strict().try_take([1]).await.unwrap();
        assert_eq!(fleet.figures().granted, [0]);
    })
    .await;
}

#[tokio::test]
async fn a_limit_that_is_joined_and_not_created_begins_at_its_lowest() {
    on_each(async |_, engine| {
        let joining = FleetBucket::join(&engine, "joined", [day(100)]).when_away(Away::Refuse);
        let fleet = joining.connect().await.unwrap();
        assert!(fleet.strict().try_take([1]).await.is_err());
    })
    .await;
}

#[test]
fn a_program_without_a_runtime_takes_and_waits() {
    let server = engines::Server::start(engines::Kind::Valkey8, engines::Options::default()).unwrap();
    let engine = Engine::open(server.url()).unwrap();
    let joining = FleetBucket::join(&engine, "blocking", [Limit::per_second(1000)]).when_away(Away::Refuse);
    let fleet = joining.connect_blocking().unwrap();
    for _ in 0..50 {
        fleet.take_blocking_timeout([1], 5 * SECOND).unwrap();
    }
    fleet.take_blocking([1]).unwrap();
    fleet.set_limits_blocking([Limit::per_second(2000)]).unwrap();
    assert_eq!(fleet.limits(), [Limit::per_second(2000)]);
    fleet.close_blocking();
    assert_eq!(fleet.figures().held, [0]);
    assert_eq!(fleet.take_blocking([1]), Err(FleetRefused::Closed));
}

#[tokio::test]
async fn what_cannot_be_is_an_error_that_names_it() {
    on_each(async |server, engine| {
        let limits = [Limit::per_second(10)];
        let _first = join(&engine, limits).await;
        let other = FleetBucket::join(&engine, "fleet", [Limit::per_second(20)]).when_away(Away::Refuse);
        let error = other.connect().await.unwrap_err();
        assert!(matches!(&error, FleetError::LimitsDiffer { .. }), "{error:?}");
        assert!(error.to_string().starts_with("limits 20/s capacity 20: the fleet has 10/s capacity 10: "), "{error}");

        let join = |away| FleetBucket::join(&engine, "other", limits).when_away(away);
        let error = join(Away::LocalShare { of: 0 }).connect().await.unwrap_err();
        assert_eq!(error, FleetError::ShareOfNone);
        let error = join(Away::Refuse).term(Duration::from_millis(99)).connect().await.unwrap_err();
        assert_eq!(error, FleetError::Term(Duration::from_millis(99)));

        let nobody = Engine::open("redis://127.0.0.1:1").unwrap();
        let error = FleetBucket::join(&nobody, "fleet", limits).when_away(Away::Allow).connect().await.unwrap_err();
        assert!(matches!(error, FleetError::Unreachable { .. }), "{error:?}");
        drop(server);
    })
    .await;
}
