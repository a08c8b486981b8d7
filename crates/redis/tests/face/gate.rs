//! Fleets in a gate, and behind a tower layer.

use std::convert::Infallible;
use std::time::Duration;

use http::{Request, Response, StatusCode, request};
use tollgate::gate::Reason;
use tollgate::{Gate, Limit, TokenBucket};
use tollgate_redis::{Away, FleetBucket, FleetRefused};
use tollgate_tower::{PerKey, Shared, TollgateLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::common::{SECOND, join, join_keys, on_each, until};

#[tokio::test]
async fn a_gate_takes_from_a_bucket_and_a_fleet_or_from_neither() {
    on_each(async |_, engine| {
        let client = TokenBucket::new(Limit::per_day(5)).unwrap();
        let fleet = join(&engine, [Limit::per_day(7)]).await;
        let gate = |n: u64| Gate::new().and(&client, n).and(&fleet, [n]);
        // Nothing is held yet: the gate refuses, the bucket has all, and tokens are fetched.
        let refused = gate(2).try_take().unwrap_err();
        assert_eq!(refused.limit(1).and_then(|limit| limit.reason()), Some(Reason::NotYet));
        assert_eq!(client.available(), 5);
        until("it is fetched", || gate(2).try_take().is_ok()).await;
        // In turn, it fetches itself.
        let granted = gate(2).take_timeout(SECOND).await.unwrap();
        assert_eq!((client.available(), fleet.figures().used), (1, [4]));
        granted.put_back();
        assert_eq!((client.available(), fleet.figures().used), (3, [2]));
        let granted = gate(1).take_timeout(SECOND).await.unwrap();
        granted.settle(|_, amounts| amounts[0] = 3).unwrap();
        assert_eq!((client.available(), fleet.figures().used), (0, [5]));
        // The bucket refuses, so the fleet is not touched.
        assert!(gate(1).try_take().is_err());
        assert_eq!(fleet.figures().used, [5]);
    })
    .await;
}

#[tokio::test]
async fn a_layer_limits_each_client_and_the_service_over_the_fleet() {
    on_each(async |_, engine| {
        let clients = join_keys(&engine, Limit::per_day(3), 100).await;
        let service = join(&engine, [Limit::per_day(10)]).await;
        let by_name = |parts: &request::Parts| Some(parts.headers.get("client")?.to_str().ok()?.to_owned());
        let gate = tollgate_tower::Gate::new()
            .limit(PerKey::new("client", clients.clone()).key(by_name))
            .limit(Shared::new("service", service.clone()))
            .wait_at_most(SECOND);
        let layer = TollgateLayer::new(gate);
        let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
        let ask = async |client: &str| {
            let request = Request::builder().header("client", client).body(()).unwrap();
            layer.layer(inner).oneshot(request).await.unwrap()
        };
        for client in ["a", "b", "c"] {
            for _ in 0..3 {
                assert_eq!(ask(client).await.status(), StatusCode::OK, "{client}");
            }
            let refused = ask(client).await;
            assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
            assert!(refused.headers().contains_key("retry-after"));
        }
        assert_eq!(ask("d").await.status(), StatusCode::OK);
        // The service has had its ten.
        assert_eq!(ask("e").await.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(service.figures().used, [10]);
    })
    .await;
}

#[tokio::test]
async fn a_layer_answers_503_while_the_engine_is_away() {
    on_each(async |mut server, engine| {
        let joining = FleetBucket::join(&engine, "service", [Limit::per_second(100)]).create();
        let service = joining.when_away(Away::Refuse).connect().await.unwrap();
        let gate = tollgate_tower::Gate::new().limit(Shared::new("service", service.clone()));
        let layer = TollgateLayer::new(gate.wait_at_most(SECOND));
        let inner = service_fn(async |_: Request<()>| Ok::<_, Infallible>(Response::new(String::new())));
        let ask = async || layer.layer(inner).oneshot(Request::new(())).await.unwrap();
        assert_eq!(ask().await.status(), StatusCode::OK);
        server.kill().unwrap();
        until("it is away", || matches!(service.try_take([100]), Err(FleetRefused::Away { .. }))).await;
        tokio::time::sleep(2 * SECOND).await;
        let refused = ask().await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
        server.restart().unwrap();
        let mut left = 100;
        while ask().await.status() != StatusCode::OK {
            left -= 1;
            assert!(left > 0, "the engine is back");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}
