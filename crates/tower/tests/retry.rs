//! Whether a client that obeys a refusal is granted, on a clock that is moved by hand.

mod common;

use std::time::{Duration, SystemTime};

use common::{Clock, clients, echo, get, keyed_by_name, shared};
use http::{Request, StatusCode};
use tollgate::gate::Charge;
use tollgate::{Limit, Rate};
use tollgate_http::Headers;
use tollgate_http::client::{Advice, Source};
use tollgate_tower::{Gate, Keyless, PerKey, Settle, Shared, TollgateLayer};
use tower::{Layer, ServiceExt};

#[tokio::test]
async fn a_client_that_waits_for_retry_after_is_granted_also_if_its_attempt_counts() {
    for (charge, seconds) in [(Charge::OnAttempt, 10), (Charge::OnAdmission, 1)] {
        let clock = Clock::default();
        let clients = clients(&clock, [Limit::per_minute(6).capacity(1)]);
        let all = shared(&clock, [Limit::per_second(1).empty()]);
        let client = PerKey::new("client", clients).key(keyed_by_name).charge(charge);
        let gate = Gate::new().limit(client).limit(Shared::new("service", all));
        let service = TollgateLayer::new(gate).layer(echo());
        let refused = service.clone().oneshot(get("a", 0)).await.unwrap();
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(refused.headers()["retry-after"], seconds.to_string(), "{charge:?}");
        let said = if charge == Charge::OnAttempt { ";r=0;t=10" } else { ";r=1" };
        assert_eq!(refused.headers()["ratelimit"], format!("\"client\"{said}, \"service\";r=0;t=1"));
        // It is the service that refused.
        let problem = common::body(refused).await;
        assert!(problem.ends_with(br#","violated-policies":["service"]}"#), "{problem:?}");
        clock.advance(Duration::from_secs(seconds));
        assert_eq!(service.oneshot(get("a", 0)).await.unwrap().status(), StatusCode::OK, "{charge:?}");
    }
}

/// From 1 a day to as many as there are, whole and fractional, and none.
fn limits() -> Vec<Limit> {
    let of = |tokens, period| Limit::new(Rate::new(tokens, period).unwrap(), 1);
    let day = Duration::from_secs(86_400);
    let seconds = Duration::from_secs;
    let rates =
        [of(1, day), of(0, seconds(1)), of(2, seconds(3)), of(7, seconds(13)), of(1, seconds(1)), of(11, seconds(1))];
    let rates = rates.into_iter().chain([of(1_000_000_007, seconds(1)), of(u64::MAX, seconds(1)), of(u64::MAX, day)]);
    let mut limits: Vec<_> = rates
        .flat_map(|limit| [1, 2, 3, 1000, 10_u64.pow(15), u64::MAX].map(|capacity| limit.capacity(capacity)))
        .filter(|limit| limit.check().is_ok())
        .collect();
    limits.push(Limit::UNLIMITED);
    limits
}

/// It knows nothing but the fields. A refusal costs where attempts count, and a body in debt.
#[tokio::test]
async fn the_stated_wait_is_obeyed_and_granted_for_every_limit() {
    let (mut refusals, name) = (0, r#"a "b\, c;r=9%"#);
    for (i, limit) in limits().into_iter().enumerate() {
        for charge in [Charge::OnAttempt, Charge::OnAdmission] {
            let clock = Clock::default();
            let clients = clients(&clock, [limit, Limit::per_second(100)]);
            let all = shared(&clock, [Limit::per_minute(23).capacity(3)]);
            let client = PerKey::new(name, clients).key(keyed_by_name).charge(charge);
            let gate = Gate::new().limit(client).limit(Shared::new("service", all));
            let layer = TollgateLayer::new(gate).settle(Settle::ResponseBody).headers(Headers::ALL);
            let service = layer.layer(echo());
            for step in 0..40_u64 {
                let response = service.clone().oneshot(get("a", (step * 37) % 400)).await.unwrap();
                let (status, fields) = (response.status(), response.headers().clone());
                let what = format!("{limit:?}, {charge:?}, {i} {step}: {fields:?}");
                let advice = Advice::of(status, &fields, SystemTime::now()).expect(&what);
                assert_eq!(advice.is_refusal(), status != StatusCode::OK, "{what}");
                let named = advice.allowances().iter().filter_map(|allowance| allowance.name.as_deref());
                let names = [format!("{name}-requests"), format!("{name}-bytes"), "service".to_owned()];
                let unlimited = usize::from(limit.is_unlimited());
                assert_eq!(named.collect::<Vec<_>>(), names[unlimited..], "{what}");
                if status == StatusCode::OK {
                    let _ = common::body(response).await;
                    continue;
                }
                refusals += 1;
                let Some(wait) = advice.wait().filter(|_| advice.source() == Some(Source::RetryAfter)) else {
                    assert!(limit.rate.tokens() == 0, "{what}");
                    break;
                };
                assert!(advice.allowances().iter().filter_map(|a| a.reset).all(|t| t <= wait), "{what}");
                clock.advance(wait);
                let again = service.clone().oneshot(get("a", 0)).await.unwrap();
                assert_eq!(again.status(), StatusCode::OK, "{what}, again {:?}", again.headers());
            }
        }
    }
    assert!(refusals > 500, "{refusals}");
}

#[tokio::test]
async fn a_keyless_request_has_the_grpc_code_that_clients_map_its_status_to() {
    let codes = [(400, "13"), (401, "16"), (403, "7"), (404, "12"), (429, "14"), (500, "13"), (502, "14"), (503, "14")];
    for (status, code) in codes.into_iter().chain([(504, "14"), (418, "2")]) {
        let clients = clients(&Clock::default(), [Limit::per_second(1)]);
        let gate = Gate::new().limit(PerKey::new("100%", clients).key(keyed_by_name));
        let refuse = Keyless::Refuse(StatusCode::from_u16(status).unwrap());
        let service = TollgateLayer::grpc(gate).when_keyless(refuse).layer(echo());
        let response = service.oneshot(Request::new(0)).await.unwrap();
        assert_eq!((response.status().as_u16(), response.headers()["grpc-status"].to_str().unwrap()), (200, code));
        assert!(response.headers()["grpc-message"].to_str().unwrap().contains("limit 100%25"));
    }
}
