//! Who gets what, over simulated time: clients that obey, and a flood beside polite ones.

mod common;

use std::time::Duration;

use common::{Clock, Random, clients, echo, get, keyed_by_name, shared};
use http::{Response, StatusCode};
use tollgate::Limit;
use tollgate::clock::Time;
use tollgate::gate::Charge;
use tollgate_tower::{Gate, PerKey, Shared, TollgateLayer};
use tower::{Layer, ServiceExt};

/// `r` and `t` of the one policy.
fn advice<B>(response: &Response<B>) -> (u64, u64) {
    let text = response.headers()["ratelimit"].to_str().unwrap();
    let number = |name: &str| {
        let (_, rest) = text.split_once(name).unwrap();
        rest.split(';').next().unwrap().parse().unwrap()
    };
    (number(";r="), number(";t="))
}

/// The client sends at most the last `r` within the last `t`, at random instants, or all at once.
#[tokio::test]
async fn a_client_alone_on_its_limit_that_never_takes_more_than_the_last_r_within_t_is_never_refused() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut requests = 0;
    for round in 0..150 {
        let capacity = 1 + random.below(200);
        let limit = match round % 3 {
            0 => Limit::per_second(1 + random.below(50)).capacity(capacity),
            1 => Limit::per_minute(1 + random.below(200)).capacity(capacity),
            _ => Limit::per_hour(1 + random.below(5000)).capacity(capacity),
        };
        let clock = Clock::default();
        let client = PerKey::new("client", clients(&clock, [limit])).key(keyed_by_name);
        let service = TollgateLayer::new(Gate::new().limit(client)).layer(echo());
        let first = service.clone().oneshot(get("a", 0)).await.unwrap();
        let (mut r, mut t) = advice(&first);
        for _ in 0..60 {
            // What it may send now; if that is nothing, it waits.
            let burst = if random.below(3) == 0 { r } else { random.below(r + 1) };
            for _ in 0..burst {
                clock.advance(Duration::from_nanos(random.below(t * 1_000_000_000 / (burst + 1))));
                let response = service.clone().oneshot(get("a", 0)).await.unwrap();
                assert_eq!(response.status(), StatusCode::OK, "{limit}: {burst} of {r} within {t} s");
                requests += 1;
                let next = advice(&response);
                // The latest response counts.
                (r, t) = next;
                if r == 0 {
                    break;
                }
            }
            if r == 0 {
                clock.advance(Duration::from_secs(t));
                let response = service.clone().oneshot(get("a", 0)).await.unwrap();
                assert_eq!(response.status(), StatusCode::OK, "{limit}: after {t} s");
                requests += 1;
                (r, t) = advice(&response);
            }
        }
    }
    assert!(requests > 50_000, "{requests}");
}

/// 16 flooders and 24 polite clients of 4 requests a second, each with a limit of 10/s, share 100/s
/// for 30 s. Returns the requests that were granted: polite, flood.
async fn flooded(flood: u64, charge: Charge) -> [u64; 2] {
    let clock = Clock::default();
    let clients = clients(&clock, [Limit::per_second(10)]);
    let client = PerKey::new("client", clients).key(keyed_by_name).charge(charge);
    let all = shared(&clock, [Limit::per_second(100)]);
    let service = TollgateLayer::new(Gate::new().limit(client).limit(Shared::new("service", all))).layer(echo());
    let mut random = Random(7);
    let mut calls = Vec::new();
    for (who, count, rate) in [("polite", 24, 24 * 4), ("flood", 16, flood)] {
        for _ in 0..30 * rate {
            calls.push((random.below(30_000_000_000), who, random.below(count)));
        }
    }
    calls.sort_unstable();
    let mut granted = [0, 0];
    for (at, who, which) in calls {
        clock.set(Time::from_nanos(at));
        let response = service.clone().oneshot(get(&format!("{who} {which}"), 0)).await.unwrap();
        if response.status() == StatusCode::OK {
            granted[usize::from(who == "flood")] += 1;
        }
    }
    granted
}

/// The figures of both ways, as the docs of `PerKey::charge` state them.
#[tokio::test]
async fn polite_clients_get_their_share_under_a_flood_where_attempts_count() {
    let mut rows = Vec::new();
    for flood in [800, 8000] {
        let [on_attempt, on_admission] =
            [flooded(flood, Charge::OnAttempt).await, flooded(flood, Charge::OnAdmission).await];
        println!("flood of {flood}/s: polite {} of 2880 on attempt, {} on admission", on_attempt[0], on_admission[0]);
        rows.push([on_attempt, on_admission]);
    }
    for [on_attempt, on_admission] in rows {
        assert!(on_attempt[0] >= 1000, "{on_attempt:?}");
        assert!(on_attempt[0] > 2 * on_admission[0], "{on_attempt:?} {on_admission:?}");
        for granted in [on_attempt, on_admission] {
            // Nothing is lost, and nothing is granted beyond the limit.
            assert!((2900..=3100).contains(&granted.iter().sum::<u64>()), "{granted:?}");
        }
    }
}
