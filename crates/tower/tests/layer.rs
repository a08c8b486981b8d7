//! A layer in front of a service that is called by hand, on a clock that is moved by hand.

mod common;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use common::{Clients, Clock, body, clients, echo, get, keyed_by_name, shared};
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tollgate::Limit;
use tollgate::gate::Charge;
use tollgate::keyed::IpKey;
use tollgate_http::{Draft, Headers, Name, Reset, Unit};
use tollgate_tower::{ClientIp, Gate, Keyless, PerKey, Shared, TollgateLayer};
use tower::{Layer, ServiceExt};

fn field<'a, B>(response: &'a Response<B>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_grant_says_what_is_left_and_a_refusal_how_long_to_wait() {
    let clock = Clock::default();
    let all = shared(&clock, [Limit::per_second(10).capacity(2)]);
    let service = TollgateLayer::new(Gate::new().limit(Shared::new("service", all))).layer(echo());
    for left in [1, 0] {
        let response = service.clone().oneshot(get("a", 5)).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(field(&response, "ratelimit-policy"), Some(r#""service";q=10;w=1;tollgate-burst=2"#));
        assert_eq!(field(&response, "ratelimit"), Some(&*format!(r#""service";r={left};t=1"#)));
        assert_eq!(field(&response, "retry-after"), None);
        assert_eq!(body(response).await.len(), 5);
    }
    let response = service.clone().oneshot(get("a", 5)).await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(field(&response, "ratelimit"), Some(r#""service";r=0;t=1"#));
    assert_eq!(field(&response, "retry-after"), Some("1"));
    assert_eq!(field(&response, "content-type"), Some("application/problem+json"));
    let text = body(response).await;
    assert!(text.ends_with(br#""violated-policies":["service"]}"#), "{text:?}");
    clock.advance(Duration::from_millis(100));
    assert_eq!(service.oneshot(get("a", 5)).await.unwrap().status(), StatusCode::OK);
}

/// Each client has a limit, and all have one.
fn gate(clients: &Clients<1>, clock: &Clock, all: u64) -> TollgateLayer {
    let all = shared(clock, [Limit::per_second(all)]);
    let client = PerKey::new("client", clients.clone()).key(keyed_by_name);
    TollgateLayer::new(Gate::new().limit(client).limit(Shared::new("service", all)))
}

#[tokio::test]
async fn all_clones_and_all_services_of_a_layer_share_the_limits() {
    let clock = Clock::default();
    let layer = gate(&clients(&clock, [Limit::per_second(3)]), &clock, 100);
    let (one, two) = (layer.layer(echo()), layer.clone().layer(echo()));
    for service in [&one, &two, &one] {
        assert_eq!(service.clone().oneshot(get("a", 0)).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(two.clone().oneshot(get("a", 0)).await.unwrap().status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(two.oneshot(get("b", 0)).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn an_attempt_counts_at_a_clients_limit_unless_it_is_said_not_to() {
    for (charge, left) in [(None, 0), (Some(Charge::OnAdmission), 3)] {
        let clock = Clock::default();
        let clients = clients(&clock, [Limit::per_second(5)]);
        let mut client = PerKey::new("client", clients.clone()).key(keyed_by_name);
        if let Some(charge) = charge {
            client = client.charge(charge);
        }
        let all = shared(&clock, [Limit::per_second(2)]);
        let gate = Gate::new().limit(client).limit(Shared::new("service", all));
        let service = TollgateLayer::new(gate).layer(echo());
        for _ in 0..5 {
            let _ = service.clone().oneshot(get("a", 0)).await.unwrap();
        }
        assert_eq!(clients.available("a"), left, "{charge:?}");
    }
}

#[tokio::test]
async fn header_fields_are_those_that_were_chosen_and_those_of_the_service_stay() {
    let clock = Clock::default();
    let layer = gate(&clients(&clock, [Limit::per_second(3)]), &clock, 100);
    let headers = Headers::ietf(Draft::D11).old_triple().x_ratelimit(Reset::Delta);
    let response = layer.clone().headers(headers).layer(echo()).oneshot(get("a", 0)).await.unwrap();
    assert_eq!(field(&response, "ratelimit"), Some(r#""client";r=2;t=1, "service";r=99;t=1"#));
    assert_eq!(field(&response, "x-ratelimit-remaining"), Some("2"));
    assert_eq!(field(&response, "ratelimit-limit"), Some("3"));
    let none = layer.clone().headers(Headers::none().retry_after(false)).layer(echo());
    let response = none.oneshot(get("a", 0)).await.unwrap();
    assert_eq!(response.headers().iter().filter(|(name, _)| name.as_str().contains("ratelimit")).count(), 0);
    let own = tower::service_fn(|_: Request<u64>| async {
        Ok::<_, std::convert::Infallible>(
            Response::builder().header("ratelimit", "mine").body(common::Chunks::of(0)).unwrap(),
        )
    });
    let response = layer.clone().layer(own).oneshot(get("a", 0)).await.unwrap();
    let lines: Vec<_> = response.headers().get_all("ratelimit").iter().collect();
    assert_eq!(lines, ["mine", r#""client";r=0;t=1, "service";r=97;t=1"#]);
    // A redirection says nothing.
    let moved = tower::service_fn(|_: Request<u64>| async {
        Ok::<_, std::convert::Infallible>(Response::builder().status(302).body(common::Chunks::of(0)).unwrap())
    });
    let response =
        gate(&clients(&clock, [Limit::per_second(3)]), &clock, 100).layer(moved).oneshot(get("a", 0)).await.unwrap();
    assert_eq!(response.headers().len(), 0);
}

#[tokio::test]
async fn exempt_requests_pass_and_count_at_no_limit() {
    let clock = Clock::default();
    let clients = clients(&clock, [Limit::per_second(1)]);
    let layer = gate(&clients, &clock, 100);
    let layer = layer
        .exempt_method(Method::OPTIONS)
        .exempt_path("/health")
        .exempt(|request| request.uri.query() == Some("free"));
    let service = layer.layer(echo());
    let request =
        |method: Method, uri: &str| Request::builder().method(method).uri(uri).header("client", "a").body(0).unwrap();
    for (method, uri) in [(Method::OPTIONS, "/x"), (Method::GET, "/health"), (Method::GET, "/y?free")] {
        let response = service.clone().oneshot(request(method, uri)).await.unwrap();
        assert_eq!((response.status(), response.headers().len()), (StatusCode::OK, 0));
    }
    assert_eq!(clients.len(), 0);
    for (uri, status) in [("/health/x", StatusCode::OK), ("/healt", StatusCode::TOO_MANY_REQUESTS)] {
        assert_eq!(service.clone().oneshot(request(Method::GET, uri)).await.unwrap().status(), status);
    }
}

#[tokio::test]
async fn a_request_that_does_not_say_whose_it_is_gets_a_clear_answer() {
    let clock = Clock::default();
    let clients = clients(&clock, [Limit::per_second(1)]);
    let layer = gate(&clients, &clock, 100);
    let nobody = || Request::new(0);
    let response = layer.clone().layer(echo()).oneshot(nobody()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        String::from_utf8(body(response).await.to_vec()).unwrap(),
        r#"{"type":"about:blank","title":"Internal Server Error","status":500,"detail":"the request does not say whose it is, as the limit client has to know"}"#
    );
    let refuse = layer.clone().when_keyless(Keyless::Refuse(StatusCode::UNAUTHORIZED)).layer(echo());
    assert_eq!(refuse.oneshot(nobody()).await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let admit = layer.when_keyless(Keyless::Admit).layer(echo());
    for _ in 0..3 {
        assert_eq!(admit.clone().oneshot(nobody()).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(clients.len(), 0);
}

#[tokio::test]
async fn absurd_costs_are_refused_for_good_and_take_nothing() {
    let clock = Clock::default();
    let limits = [Limit::per_second(10), Limit::per_second(1000)];
    let clients = clients(&clock, limits);
    let cost = |request: &http::request::Parts| {
        let number = |name: &str| request.headers.get(name).map_or(1, |value| value.to_str().unwrap().parse().unwrap());
        [number("requests"), number("bytes")]
    };
    let client = PerKey::new("client", clients.clone()).key(keyed_by_name).cost(cost);
    let service = TollgateLayer::new(Gate::new().limit(client)).layer(echo());
    for (name, amount, status) in [
        ("bytes", u64::MAX, StatusCode::PAYLOAD_TOO_LARGE),
        ("bytes", 1001, StatusCode::PAYLOAD_TOO_LARGE),
        ("requests", u64::MAX, StatusCode::TOO_MANY_REQUESTS),
        ("requests", 11, StatusCode::TOO_MANY_REQUESTS),
    ] {
        let request = Request::builder().header("client", "a").header(name, amount).body(0).unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!((response.status(), field(&response, "retry-after")), (status, None), "{name} {amount}");
    }
    assert_eq!(clients.available("a"), [10, 1000]);
    // No request and no byte: it is granted, whatever the limit has.
    let request = Request::builder().header("client", "a").header("requests", 0).header("bytes", 0).body(0).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_refusal_can_be_answered_by_the_user_and_gets_the_fields_too() {
    let clock = Clock::default();
    let layer = gate(&clients(&clock, [Limit::per_minute(40).capacity(1)]), &clock, 100);
    let layer = layer.on_refused(|refused| {
        assert_eq!(refused.quotas().len(), 2);
        let text = format!("{} {:?} {}", refused.request().uri, refused.retry_after(), refused.status());
        Response::builder().status(420).body(Bytes::from(text)).unwrap()
    });
    let service = layer.layer(echo());
    let _ = service.clone().oneshot(get("a", 0)).await.unwrap();
    let response = service.oneshot(get("a", 0)).await.unwrap();
    assert_eq!((response.status().as_u16(), field(&response, "retry-after")), (420, Some("2")));
    assert_eq!(body(response).await, "/ Some(2) 429 Too Many Requests");
}

#[tokio::test]
async fn a_grpc_refusal_is_resource_exhausted_with_the_exact_wait() {
    let clock = Clock::default();
    let all = shared(&clock, [Limit::per_second(10).capacity(1)]);
    let service = TollgateLayer::grpc(Gate::new().limit(Shared::new("service", all))).layer(echo());
    let response = service.clone().oneshot(get("a", 0)).await.unwrap();
    assert_eq!(response.headers().len(), 0);
    let response = service.oneshot(get("a", 0)).await.unwrap();
    assert_eq!((response.status(), field(&response, "grpc-status")), (StatusCode::OK, Some("8")));
    assert_eq!(field(&response, "grpc-retry-pushback-ms"), Some("100"));
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn streams_count_what_they_were_told_to_and_are_advertised_so() {
    let clock = Clock::default();
    let points = Unit::Other(Name::new("points").unwrap());
    let all = shared(&clock, [Limit::per_second(10), Limit::per_second(100)]);
    let service = Shared::new("service", all).streams([Unit::Requests, points]).cost(|_| [1, 30]);
    let service = TollgateLayer::new(Gate::new().limit(service)).layer(echo());
    let response = service.clone().oneshot(get("a", 0)).await.unwrap();
    let policies = r#""service-requests";q=10;w=1, "service-points";q=100;qu="points";w=1"#;
    assert_eq!(field(&response, "ratelimit-policy"), Some(policies));
    assert_eq!(field(&response, "ratelimit"), Some(r#""service-requests";r=9;t=1, "service-points";r=70;t=1"#));
}

#[test]
#[should_panic(expected = "two streams count requests")]
fn two_streams_of_one_unit_are_refused_when_the_limit_is_made() {
    let all = shared(&Clock::default(), [Limit::per_second(10), Limit::per_second(100)]);
    let _ = Shared::new("service", all).streams([Unit::Requests, Unit::Requests]);
}

#[test]
#[should_panic(expected = "1 units for 2 streams")]
fn too_few_units_are_refused_when_the_limit_is_made() {
    let all = shared(&Clock::default(), [Limit::per_second(10), Limit::per_second(100)]);
    let _ = Shared::new("service", all).streams([Unit::Requests]);
}

/// A triple of two services would say the limit of one, and what is left of another.
#[tokio::test]
async fn a_triple_of_the_service_is_not_mixed_with_that_of_the_layer() {
    let clock = Clock::default();
    let layer = gate(&clients(&clock, [Limit::per_second(3)]), &clock, 100).headers(Headers::ALL);
    let own = tower::service_fn(|_: Request<u64>| async {
        let response = Response::builder().header("x-ratelimit-limit", "5000").header("ratelimit-remaining", "70");
        Ok::<_, std::convert::Infallible>(response.body(common::Chunks::of(0)).unwrap())
    });
    let response = layer.layer(own).oneshot(get("a", 0)).await.unwrap();
    assert_eq!(field(&response, "x-ratelimit-limit"), Some("5000"));
    assert_eq!(field(&response, "x-ratelimit-remaining"), None);
    assert_eq!(field(&response, "ratelimit-remaining"), Some("70"));
    assert_eq!(field(&response, "ratelimit-limit"), None);
}

#[tokio::test]
async fn one_layer_in_another_says_the_limits_of_both() {
    let clock = Clock::default();
    let inner = gate(&clients(&clock, [Limit::per_second(3)]), &clock, 100);
    let outer = Gate::new().limit(Shared::new("site", shared(&clock, [Limit::per_second(7)])));
    let response = TollgateLayer::new(outer).layer(inner.layer(echo())).oneshot(get("a", 0)).await.unwrap();
    let lines: Vec<_> = response.headers().get_all("ratelimit").iter().collect();
    assert_eq!(lines, [r#""client";r=2;t=1, "service";r=99;t=1"#, r#""site";r=6;t=1"#]);
    assert_eq!(response.headers().get_all("ratelimit-policy").iter().count(), 2);
}

fn named(names: [&str; 2]) {
    let clock = Clock::default();
    let [one, other] = names.map(|name| Shared::new(name, shared(&clock, [Limit::per_second(1)])));
    let _ = TollgateLayer::new(Gate::new().limit(one).limit(other));
}

#[test]
#[should_panic(expected = "two limits are named \"all\"")]
fn two_limits_of_one_name_are_refused_when_the_layer_is_made() {
    named(["all", "ALL"]); // these differ
    named(["all", "all"]);
}

#[test]
#[should_panic(expected = "two streams are advertised as \"all-bytes\": of the limits \"all-bytes\" and \"all\"")]
fn two_streams_that_would_be_advertised_under_one_name_are_refused_when_the_layer_is_made() {
    let clock = Clock::default();
    let both = Shared::new("all", shared(&clock, [Limit::per_second(1); 2]));
    let gate = Gate::new().limit(Shared::new("all-bytes", shared(&clock, [Limit::per_second(1)])));
    let _ = TollgateLayer::grpc(gate.limit(both));
}

#[test]
#[should_panic(expected = "limit \"all\": two streams count bytes")]
fn a_unit_called_as_the_short_name_of_another_is_refused() {
    let clock = Clock::default();
    let bytes = Unit::Other(Name::new("bytes").unwrap());
    let _ = Shared::new("all", shared(&clock, [Limit::per_second(1); 2])).streams([Unit::ContentBytes, bytes]);
}

#[tokio::test]
async fn names_of_any_printable_letters_are_escaped_in_every_answer() {
    let clock = Clock::default();
    let name = r#"a "b"\c"#;
    let limit = || PerKey::new(name, clients(&clock, [Limit::per_second(1)])).key(keyed_by_name);
    let layer = TollgateLayer::new(Gate::new().limit(limit()));
    let response = layer.clone().layer(echo()).oneshot(Request::new(0)).await.unwrap();
    let text = String::from_utf8(body(response).await.to_vec()).unwrap();
    assert!(text.ends_with(r#"as the limit a \"b\"\\c has to know"}"#), "{text}");
    let _ = layer.clone().layer(echo()).oneshot(get("a", 0)).await.unwrap();
    let response = layer.layer(echo()).oneshot(get("a", 0)).await.unwrap();
    assert_eq!(field(&response, "ratelimit"), Some(r#""a \"b\"\\c";r=0;t=1"#));
    let text = String::from_utf8(body(response).await.to_vec()).unwrap();
    assert!(text.ends_with(r#""violated-policies":["a \"b\"\\c"]}"#), "{text}");
}

#[tokio::test]
async fn a_refusal_knows_the_size_of_its_body_and_its_end() {
    let clock = Clock::default();
    let layer = gate(&clients(&clock, [Limit::per_second(1)]), &clock, 100);
    let _ = layer.clone().layer(echo()).oneshot(get("a", 0)).await.unwrap();
    let mut refused = layer.layer(echo()).oneshot(get("a", 0)).await.unwrap();
    let size = http_body::Body::size_hint(refused.body()).exact();
    assert!(!http_body::Body::is_end_stream(refused.body()));
    let data = refused.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(size, Some(data.len() as u64));
    assert!(http_body::Body::is_end_stream(refused.body()));
    assert!(refused.body_mut().frame().await.is_none());
}

#[tokio::test]
async fn addresses_of_one_network_are_one_client() {
    let clock = Clock::default();
    let clients = tollgate::KeyedBuckets::<IpKey, 1, _>::with_clock(Limit::per_second(1), 10, Arc::clone(&clock));
    let by_ip = ClientIp::from_extension(|peer: &std::net::IpAddr| *peer).prefix(48);
    let limit = PerKey::new("client", Arc::new(clients.unwrap())).key(by_ip);
    let service = TollgateLayer::new(Gate::new().limit(limit)).layer(echo());
    for (peer, status) in [("2001:db8:1:2::3", 200), ("2001:db8:1:9::7", 429), ("2001:db8:2::1", 200)] {
        let mut request = get("a", 0);
        request.extensions_mut().insert(peer.parse::<std::net::IpAddr>().unwrap());
        assert_eq!(service.clone().oneshot(request).await.unwrap().status().as_u16(), status, "{peer}");
    }
}
