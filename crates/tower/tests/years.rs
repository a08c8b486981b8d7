//! 700 days of a service, on a clock that is moved by hand: clients that come daily, once, in debt,
//! or hang up; bodies that are sent overnight; limits that change each day; room for few keys.

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::{Clock, body, echo, get, keyed_by_name, shared};
use http::StatusCode;
use http_body_util::BodyExt;
use tollgate::{KeyedBuckets, Limit};
use tollgate_tower::{Gate, PerKey, Settle, Shared, TollgateLayer};
use tower::{Layer, ServiceExt};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The limits of a client and of the service, for requests and bytes, on each fifth day.
const LIMITS: [[&str; 2]; 5] = [
    ["100/h capacity 50", "1MB/h capacity 2000"],
    ["5/s", "3000/s capacity 4000"],
    ["1000/day capacity 40", "1GB/day capacity 5kB"],
    ["1/90s capacity 60", "70/s capacity 1500"],
    ["700/min", "999/100ms capacity 3000"],
];

fn limits(day: usize) -> [Limit; 2] {
    LIMITS[day % LIMITS.len()].map(|limit| limit.parse().unwrap())
}

#[tokio::test]
async fn for_700_days_nobody_is_locked_out_and_nothing_is_lost() {
    let clock = Clock::default();
    let clients = KeyedBuckets::<String, 2, _>::with_clock(limits(0), 40, Clock::clone(&clock)).unwrap();
    let clients = Arc::new(clients);
    let all = shared(&clock, ["1M/h", "1GB/h"].map(|limit| limit.parse::<Limit>().unwrap()));
    let gate = Gate::new()
        .limit(PerKey::new("client", clients.clone()).key(keyed_by_name))
        .limit(Shared::new("service", all.clone()));
    let service = TollgateLayer::new(gate).settle(Settle::ResponseBody).layer(echo());
    let ask = |client: String, bytes| {
        let service = service.clone();
        async move { service.oneshot(get(&client, bytes)).await.unwrap() }
    };
    let mut overnight = None;
    for day in 0..700 {
        // Changed in the evening; who has less than the new capacity refills overnight.
        clients.set_limits(limits(day)).unwrap();
        clock.advance(DAY);
        let full = limits(day).map(|limit| limit.capacity);
        assert_eq!((clients.available("daily"), clients.available("debtor")), (full, full), "day {day}");
        assert_eq!((all.available(), all.debt()), ([1_000_000, 1_000_000_000], [0, 0]), "day {day}");
        // What began yesterday ends today, and is charged under the limits of today.
        if let Some(response) = overnight.take() {
            assert_eq!(body(response).await.len(), 400, "day {day}");
            assert_eq!(clients.available("overnight"), [full[0], full[1] - 399], "day {day}: 1 was its estimate");
        }
        // Who comes daily, and who comes for the first time, finds all.
        for client in ["daily".to_owned(), format!("once {day}")] {
            for _ in 0..5 {
                let response = ask(client.clone(), 100).await;
                assert_eq!(response.status(), StatusCode::OK, "day {day}: {client}");
                assert_eq!(body(response).await.len(), 100);
            }
            assert_eq!(clients.available(&client), [full[0] - 5, full[1] - 500], "day {day}: {client}");
        }
        // Who hangs up, at once and midway.
        drop(ask("hangs up".to_owned(), 1000).await);
        let mut response = ask("hangs up".to_owned(), 1000).await;
        response.body_mut().frame().await.unwrap().unwrap();
        drop(response);
        assert_eq!(clients.available("hangs up"), [full[0] - 2, full[1] - 10], "day {day}");
        // Who takes more than there is pays before the next request.
        let large = full[1] + 500;
        assert_eq!(body(ask("debtor".to_owned(), large).await).await.len() as u64, large);
        assert_eq!(clients.debt("debtor")[1], 500, "day {day}");
        let refused = ask("debtor".to_owned(), 1).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS, "day {day}");
        let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        clock.advance(Duration::from_secs(wait));
        assert_eq!(ask("debtor".to_owned(), 1).await.status(), StatusCode::OK, "day {day}");
        overnight = Some(ask("overnight".to_owned(), 400).await);
        assert!(clients.len() <= 40, "day {day}");
    }
}
