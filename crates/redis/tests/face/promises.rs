//! Promises of a bucket that are easily broken: at its ends, and after a loss.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket, FleetError, FleetKeyed, FleetRefused};

use crate::common::{SECOND, join, on_each, until};

/// Scripts that a server has run.
pub(crate) fn scripts(server: &Server) -> u64 {
    let of = |name| -> u64 {
        let said = server.info("commandstats", name).unwrap().unwrap_or_default();
        said.split(['=', ',']).nth(1).map_or(0, |calls| calls.parse().unwrap())
    };
    of("cmdstat_evalsha") + of("cmdstat_eval")
}

#[tokio::test]
async fn closing_refuses_from_its_first_instant_on() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        fleet.take_timeout([10], SECOND).await.unwrap();
        fleet.put_back([9]);
        assert_eq!(fleet.available(), [9]);
        {
            let mut closing = pin!(fleet.close());
            let _ = closing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert_eq!(fleet.try_take([1]), Err(FleetRefused::Closed));
            assert_eq!(fleet.take([1]).await, Err(FleetRefused::Closed));
        }
        fleet.close().await;
        // Closed twice, it is closed.
        fleet.close().await;
        assert_eq!((fleet.figures().used, fleet.figures().held), ([1], [0]));
    })
    .await;
}

#[tokio::test]
async fn what_is_put_back_to_an_idle_process_is_given_back() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        fleet.take_timeout([100], SECOND).await.unwrap();
        tokio::time::sleep(3 * SECOND).await;
        assert_eq!(fleet.figures().held, [0]);
        // The work took longer than a term, and then was not done.
        fleet.put_back([60]);
        for _ in 0..500 {
            if fleet.strict().try_take([60]).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("60 tokens did not come back: {:?}", fleet.figures());
    })
    .await;
}

#[tokio::test]
async fn a_strict_take_is_one_round_trip_also_after_a_change_of_limits() {
    on_each(async |server, engine| {
        let fleet = join(&engine, [Limit::per_day(100)]).await;
        fleet.set_limits([Limit::per_day(200)]).await.unwrap();
        fleet.strict().try_take([1]).await.unwrap();
        let before = scripts(&server);
        for _ in 0..10 {
            fleet.strict().try_take([1]).await.unwrap();
        }
        assert_eq!(scripts(&server) - before, 10);
    })
    .await;
}

#[tokio::test]
async fn changed_limits_outlive_a_loss_of_the_engines_memory() {
    on_each(async |server, engine| {
        let fleet = join(&engine, [Limit::per_second(10).capacity(10)]).await;
        fleet.set_limits([Limit::per_second(100).capacity(100)]).await.unwrap();
        server.cli(&["flushall"]).unwrap();
        // It begins at its lowest, so 50 are there within a second, and are not more than it holds.
        let error = fleet.strict().try_take([50]).await.unwrap_err();
        assert!(error.wait().is_some(), "{error}");
    })
    .await;
}

#[tokio::test]
async fn limits_can_be_changed_again_after_a_loss_of_the_engines_memory() {
    on_each(async |server, engine| {
        let fleet = join(&engine, [Limit::per_second(1000).capacity(10)]).await;
        fleet.set_limits([Limit::per_second(1000).capacity(20)]).await.unwrap();
        fleet.take_timeout([1], SECOND).await.unwrap();
        server.cli(&["flushall"]).unwrap();
        fleet.set_limits([Limit::per_second(1000).capacity(30)]).await.unwrap();
        fleet.take_timeout([30], 5 * SECOND).await.unwrap_or_else(|error| panic!("{error}: {:?}", fleet.figures()));
    })
    .await;
}

#[tokio::test]
async fn a_process_that_knew_earlier_limits_may_change_them_after_a_loss() {
    on_each(async |server, engine| {
        let limits = |capacity| [Limit::per_second(1000).capacity(capacity)];
        let (one, other) = (join(&engine, limits(10)).await, join(&engine, limits(10)).await);
        one.set_limits(limits(20)).await.unwrap();
        one.take_timeout([1], SECOND).await.unwrap();
        server.cli(&["flushall"]).unwrap();
        other.set_limits(limits(30)).await.unwrap();
        for fleet in [&one, &other] {
            // It learns what holds now, and then goes by it.
            let _ = fleet.take_timeout([5], 5 * SECOND).await;
            let served = fleet.take_timeout([25], 5 * SECOND).await;
            served.unwrap_or_else(|error| panic!("{error}: {:?}", fleet.figures()));
        }
    })
    .await;
}

#[tokio::test]
async fn a_change_of_limits_keeps_the_debts_that_were_said() {
    on_each(async |server, engine| {
        let limits = |rate| [Limit::per_second(rate).capacity(1000)];
        let joining = FleetBucket::join(&engine, "fleet", limits(1000)).debts([7]).create();
        let fleet = joining.when_away(Away::Refuse).connect().await.unwrap();
        let terms = |head: String| head.split('|').nth(1).unwrap().to_owned();
        let before = terms(server.cli(&["get", "tollgate:{fleet}"]).unwrap());
        fleet.set_limits(limits(2000)).await.unwrap();
        let after = terms(server.cli(&["get", "tollgate:{fleet}"]).unwrap());
        let debt = |terms: &str| terms.split(' ').nth(5).map(str::to_owned);
        assert_eq!(debt(&before), debt(&after), "{before}: {after}");
    })
    .await;
}

#[tokio::test]
async fn limits_that_differ_in_their_debts_are_told_apart() {
    on_each(async |_, engine| {
        let limits = [Limit::per_second(1000)];
        let _one = join(&engine, limits).await;
        let other = FleetBucket::join(&engine, "fleet", limits).debts([7]).when_away(Away::Refuse);
        let error = other.connect().await.unwrap_err();
        // "limits 10/s: the fleet has 10/s" helps nobody.
        assert!(error.to_string().contains("debt"), "{error}");
    })
    .await;
}

#[tokio::test]
async fn another_number_of_streams_is_an_error_that_says_so() {
    on_each(async |_, engine| {
        let _one = join(&engine, [Limit::per_second(1000)]).await;
        let two = [Limit::per_second(1000), Limit::per_second(5)];
        let error = FleetBucket::join(&engine, "fleet", two).when_away(Away::Refuse).connect().await.unwrap_err();
        assert!(matches!(error, FleetError::StreamsDiffer { .. }), "{error:?}: {error}");
    })
    .await;
}

#[tokio::test]
async fn a_bucket_and_keys_of_similar_names_do_not_meet() {
    on_each(async |_, engine| {
        let keys = FleetKeyed::<String, 1>::join(&engine, "clients", [Limit::per_second(10)]).create();
        let _keys = keys.when_away(Away::Refuse).connect().await.unwrap();
        for partition in 0..16 {
            let bucket = FleetBucket::join(&engine, format!("clients:{partition}"), [Limit::per_second(20)]);
            bucket.when_away(Away::Refuse).connect().await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn names_and_numbers_of_streams_may_be_odd() {
    on_each(async |_, engine| {
        async fn takes<const N: usize>(engine: &Engine, name: &str) {
            let joining = FleetBucket::join(engine, name, [Limit::per_day(10); N]).create();
            let fleet = joining.when_away(Away::Refuse).connect().await.unwrap();
            fleet.take_timeout([3; N], SECOND).await.unwrap();
            fleet.take_timeout([0; N], SECOND).await.unwrap();
            fleet.try_take([0; N]).unwrap();
            fleet.strict().try_take([7; N]).await.unwrap();
            assert!(fleet.strict().try_take([1; N]).await.is_err());
            fleet.close().await;
        }
        for name in [" ", "a\0b", "a\nb|c 1", "|", "%d", "ä🙂", "*", "tollgate:", "a:k:b", &"x".repeat(512)] {
            takes::<1>(&engine, name).await;
        }
        takes::<2>(&engine, "2").await;
        takes::<3>(&engine, "3").await;
        takes::<5>(&engine, "5").await;
        takes::<8>(&engine, "8").await;
        let keys = FleetKeyed::<String, 1>::join(&engine, "odd", [Limit::per_day(10)]).create();
        let keys = keys.when_away(Away::Refuse).connect().await.unwrap();
        for key in ["", "a\0b", "\n", "{}", "}{", "{a}", "|", "ä🙂", &"k".repeat(1 << 20)] {
            keys.key(key).take_timeout([10], SECOND).await.unwrap();
            assert!(keys.key(key).strict().try_take([1]).await.is_err(), "{key:.10}");
        }
        keys.close().await;
    })
    .await;
}

#[tokio::test]
async fn amounts_and_limits_may_be_as_large_as_a_limit_allows() {
    on_each(async |_, engine| {
        let limit = Limit::per_second(1 << 50).capacity(u64::MAX);
        let joining = FleetBucket::join(&engine, "large", [limit]).create().when_away(Away::Refuse);
        // Either it says that it is too large, or it grants it.
        let Ok(fleet) = joining.connect().await else { return };
        fleet.take_timeout([1 << 60], 5 * SECOND).await.unwrap();
        let served = fleet.take_timeout([1 << 62], 5 * SECOND).await;
        let figures = fleet.figures();
        served.unwrap_or_else(|error| panic!("{error}: {figures:?}"));
    })
    .await;
}

#[tokio::test]
async fn a_limit_without_a_rate_is_used_up_once() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(0).capacity(10)]).await;
        fleet.take_timeout([6], SECOND).await.unwrap();
        assert!(fleet.take_timeout([5], SECOND).await.is_err());
        fleet.take_timeout([4], SECOND).await.unwrap();
        assert!(fleet.take_timeout([1], SECOND).await.is_err());
        fleet.set_limits([Limit::per_second(1000).capacity(10)]).await.unwrap();
        fleet.take_timeout([5], 5 * SECOND).await.unwrap();
        fleet.set_limits([Limit::per_second(0).capacity(10)]).await.unwrap();
        until("it is used up", || fleet.try_take([1]).is_err()).await;
    })
    .await;
}

#[tokio::test]
async fn a_debt_beyond_all_is_paid_and_a_closed_bucket_says_so() {
    on_each(async |_, engine| {
        let fleet = join(&engine, [Limit::per_second(1000).capacity(100)]).await;
        fleet.charge([1500]).unwrap();
        let begun = std::time::Instant::now();
        fleet.take_timeout([1], 10 * SECOND).await.unwrap();
        // 100 are there, 100 may be reserved ahead, the rest accrues.
        assert!(begun.elapsed() >= Duration::from_millis(1300), "{:?}", begun.elapsed());
        assert!(fleet.charge([u64::MAX]).is_err());
        let figures = fleet.figures();
        let all = figures.used[0] + (figures.returned[0] + figures.lost[0]) as i64 + figures.held[0];
        assert_eq!(figures.granted[0] as i64, all, "{figures:?}");
    })
    .await;
}

#[test]
fn what_outlives_its_runtime_says_so_and_does_not_wait_for_ever() {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let fleet = runtime.block_on(join(&engine, [Limit::per_day(10)]));
        runtime.shutdown_timeout(5 * SECOND);
        let other = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        other.block_on(async {
            fleet.close().await;
            let take = tokio::time::timeout(2 * SECOND, fleet.take([1]));
            assert_eq!(take.await.expect("it ends"), Err(FleetRefused::Closed));
        });
    }
}
