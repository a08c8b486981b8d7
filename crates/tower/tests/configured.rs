//! Limits and clients as a configuration names them, on a clock that is moved by hand.
#![cfg(feature = "config")]

mod common;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use common::{Clock, echo, get, keyed_by_name};
use http::{Request, StatusCode};
use tollgate::KeyedBuckets;
use tollgate::keyed::IpKey;
use tollgate_http::config::{Config, ConfigError, FitError, FitRule, KeyKind, Live};
use tollgate_tower::{ClientIp, Gate, PerKey, RequestKey, Settle, Shared, TollgateLayer};
use tower::{Layer, ServiceExt};

const TEXT: &str = "
    proxies = { header = 'x-forwarded-for', trusted = ['10.0.0.0/8'] }
    [limits.client]
    key = 'client-ip/56'
    max_keys = 1000
    streams = { requests = '10/s', bytes = '1kB/s' }
    [limits.user]
    key = 'custom'
    max_keys = 1000
    streams.requests = '2/s'
    tiers.paid.requests = '5/s'
    [limits.service]
    streams = { requests = '100/s', points = '500/s' }
";

fn config(text: &str) -> Result<Config, ConfigError> {
    Config::new(toml::Deserializer::new(text))
}

fn live() -> Arc<Live<Clock>> {
    Arc::new(Live::with_clock(config(TEXT).unwrap(), Clock::default()))
}

fn peer(address: &'static str) -> ClientIp {
    ClientIp::from_request(move |_| address.parse().ok())
}

#[tokio::test]
async fn the_names_of_streams_say_what_they_count_and_name_the_policies() {
    let live = live();
    let service = Shared::from_config(&live, "service", ["points", "requests"]).unwrap();
    let user = PerKey::from_config_with_tiers(&live, "user", ["requests"], ["paid"], |_| 0);
    let client = PerKey::from_config(&live, "client", ["requests", "bytes"]).unwrap();
    let gate = Gate::new()
        .limit(client.key(peer("192.0.2.1").configured(&live, "client").unwrap()))
        .limit(user.unwrap().key(keyed_by_name))
        .limit(service);
    let layer = TollgateLayer::new(gate).settle(Settle::ResponseBody);
    let response = layer.layer(echo()).oneshot(get("a", 70)).await.unwrap();
    let policies = concat!(
        r#""client-requests";q=10;w=1, "client-bytes";q=1000;qu="content-bytes";w=1, "user";q=2;w=1, "#,
        r#""service-points";q=500;qu="points";w=1, "service-requests";q=100;w=1"#,
    );
    assert_eq!(response.headers()["ratelimit-policy"], policies);
    // A request is one, its bytes are settled, and points are what `cost` says: none.
    let _ = common::body(response).await;
    let clients = live.keyed::<IpKey, 2>("client", ["requests", "bytes"]).unwrap();
    assert_eq!(clients.available(&IpKey::new("192.0.2.1".parse().unwrap())), [9, 930]);
    assert_eq!(live.bucket("service", ["points", "requests"]).unwrap().available(), [500, 99]);
    // As the configuration names them.
    let named = live.policies("service").unwrap().into_iter().map(|(name, _)| name);
    assert_eq!(named.collect::<Vec<_>>(), ["service-points", "service-requests"]);
}

#[tokio::test]
async fn a_tier_has_its_limit_and_a_reload_changes_it() {
    let live = live();
    let tier_of = |user: &String| usize::from(user.starts_with("paid"));
    let user = PerKey::from_config_with_tiers(&live, "user", ["requests"], ["paid"], tier_of).unwrap();
    let service = TollgateLayer::new(Gate::new().limit(user.key(keyed_by_name))).layer(echo());
    let granted = async |user: &str| {
        let mut granted = 0;
        while service.clone().oneshot(get(user, 0)).await.unwrap().status() == StatusCode::OK {
            granted += 1;
        }
        granted
    };
    assert_eq!((granted("bob").await, granted("paid-alice").await), (2, 5));
    let changes = live.reload(config(&TEXT.replace("'5/s'", "'8/s'")).unwrap()).unwrap();
    assert_eq!(changes.limits[0].place, "limits.user.tiers.paid.requests");
    // Nothing is retroactive: what the higher capacity adds has to refill.
    live.clock().advance(Duration::from_secs(1));
    assert_eq!((granted("carol").await, granted("paid-dave").await), (2, 8));
}

#[test]
fn a_client_is_found_behind_the_proxies_of_the_last_reload() {
    let live = live();
    let by_ip = peer("10.1.2.3").configured(&live, "client").unwrap();
    let key = || {
        let request = Request::builder().header("x-forwarded-for", "2001:db8:1:2ff::1").body(()).unwrap();
        by_ip.key(&request.into_parts().0)
    };
    let of = |address: &str| Some(IpKey::with_prefix(address.parse::<IpAddr>().unwrap(), 56));
    assert_eq!(key(), of("2001:db8:1:200::"));
    assert!(live.reload(config(&TEXT.replace("10.0.0.0/8", "10.9.0.0/16")).unwrap()).unwrap().proxies);
    assert_eq!(key(), of("10.1.2.3"));
}

#[test]
fn what_does_not_fit_is_an_error_with_its_place() {
    let live = live();
    let errors: [(FitError, &str, FitRule); 6] = [
        (
            PerKey::<Arc<KeyedBuckets<IpKey, 1, _>>>::from_config(&live, "client", ["requests"]).unwrap_err(),
            "limits.client.streams.bytes",
            FitRule::UnusedStream,
        ),
        (
            PerKey::<Arc<KeyedBuckets<IpKey, 2, _>>>::from_config(&live, "service", ["requests", "points"])
                .unwrap_err(),
            "limits.service",
            FitRule::NoKey,
        ),
        (Shared::from_config(&live, "all", ["requests"]).unwrap_err(), "limits.all", FitRule::NoLimit),
        (
            peer("::1").configured(&live, "user").unwrap_err(),
            "limits.user.key",
            FitRule::NotByIp { key: KeyKind::Custom },
        ),
        (peer("::1").configured(&live, "service").unwrap_err(), "limits.service", FitRule::NoKey),
        (peer("::1").configured(&live, "all").unwrap_err(), "limits.all", FitRule::NoLimit),
    ];
    for (error, place, rule) in errors {
        assert_eq!((error.place.as_str(), &error.rule), (place, &rule), "{error}");
    }
}
