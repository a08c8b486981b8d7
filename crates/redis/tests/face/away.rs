//! What decides while the engine is away, and what happens when it is back.

use std::sync::Arc;
use std::time::Duration;

use engines::{Kind, Options, Server};
use parking_lot::Mutex;
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket, FleetEvent, FleetRefused};

use crate::common::{SECOND, until};

async fn joined(kind: Kind, away: Away) -> (Server, FleetBucket<1>, Arc<Mutex<Vec<String>>>) {
    let server = Server::start(kind, Options::default()).unwrap();
    let engine = Engine::open(server.url()).unwrap();
    let events = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&events);
    let hears = move |name: &str, event: FleetEvent<'_>| heard.lock().push(format!("{name}: {event:?}"));
    let joining = FleetBucket::join(&engine, "away", [Limit::per_second(1000).capacity(80)]).create();
    let fleet = joining.when_away(away).observer(hears).connect().await.unwrap();
    fleet.take_timeout([1], SECOND).await.unwrap();
    (server, fleet, events)
}

#[tokio::test]
async fn it_refuses_while_the_engine_is_away_and_grants_when_it_is_back() {
    for kind in Kind::ALL {
        let (mut server, fleet, events) = joined(kind, Away::Refuse).await;
        server.kill().unwrap();
        until("it is away", || matches!(fleet.try_take([1]), Err(FleetRefused::Away { .. }))).await;
        // Who waits is told, too.
        let refused = fleet.take([1]).await.unwrap_err();
        assert!(matches!(refused, FleetRefused::Away { .. }), "{refused:?}");
        assert!(fleet.figures().away > Duration::ZERO);
        server.restart().unwrap();
        until("it is back", || fleet.try_take([1]).is_ok()).await;
        assert_eq!(fleet.figures().away, Duration::ZERO);
        let events = events.lock();
        for word in ["away: Epoch(", "away: Failed(", "away: Back("] {
            assert!(events.iter().any(|event| event.starts_with(word)), "{word}: {events:?}");
        }
    }
}

#[tokio::test]
async fn it_grants_all_while_the_engine_is_away_if_that_is_the_choice() {
    for kind in Kind::ALL {
        let (mut server, fleet, _) = joined(kind, Away::Allow).await;
        server.kill().unwrap();
        until("all is granted", || (0..10_000).all(|_| fleet.try_take([50]).is_ok())).await;
        fleet.take([80]).await.unwrap();
        let taken = fleet.figures();
        assert_eq!(taken.granted[0] as i64, taken.used[0] + (taken.returned[0] + taken.lost[0]) as i64 + taken.held[0]);
        server.restart().unwrap();
        until("it is back", || fleet.try_take([80]).is_err()).await;
    }
}

#[tokio::test]
async fn a_share_begins_empty_and_grants_its_part_of_the_rate() {
    for kind in Kind::ALL {
        let (mut server, fleet, _) = joined(kind, Away::LocalShare { of: 8 }).await;
        server.kill().unwrap();
        let away = |_| fleet.figures().away > Duration::from_millis(300);
        until("it is away", || away(fleet.try_take([1]))).await;
        let begun = std::time::Instant::now();
        let mut granted = 0;
        while begun.elapsed() < 2 * SECOND {
            match fleet.try_take([1]) {
                Ok(()) => granted += 1,
                Err(refused) => {
                    assert!(refused.wait() <= Some(Duration::from_millis(8)), "{refused:?}");
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        }
        // An eighth of 1000/s, and at most an eighth of 80 at once.
        let most = 125.0 * begun.elapsed().as_secs_f64() + 10.0 + 125.0 * 0.4;
        assert!(granted > 100 && f64::from(granted) <= most, "{granted} of at most {most}");
        // More than the share's capacity is not there until the engine is back.
        assert!(matches!(fleet.try_take([11]), Err(FleetRefused::Away { .. })));
        server.restart().unwrap();
        until("it is back", || fleet.try_take([40]).is_ok()).await;
    }
}
