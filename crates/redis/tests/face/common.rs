//! Engines, and fleets on them.

use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket, FleetKeyed};

/// Runs a test on both engines, each with a server of its own.
pub(crate) async fn on_each<T: AsyncFnMut(Server, Engine)>(mut test: T) {
    for kind in Kind::ALL {
        let server = Server::start(kind, Options::default()).unwrap();
        let engine = Engine::open(server.url()).unwrap();
        test(server, engine).await;
    }
}

/// Joins a bucket that begins full.
pub(crate) async fn join<const N: usize>(engine: &Engine, limits: [Limit; N]) -> FleetBucket<N> {
    FleetBucket::join(engine, "fleet", limits).create().when_away(Away::Refuse).connect().await.unwrap()
}

/// Joins the limits of keys that begin full.
pub(crate) async fn join_keys(engine: &Engine, limit: Limit, most: usize) -> FleetKeyed<String, 1> {
    let joining = FleetKeyed::join(engine, "clients", [limit]).create().max_keys(most);
    joining.when_away(Away::Refuse).connect().await.unwrap()
}

/// Waits until it is so, for at most ten seconds.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("not within ten seconds: {what}");
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
