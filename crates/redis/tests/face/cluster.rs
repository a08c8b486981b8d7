//! A bucket on a cluster that loses servers while it is used.

use std::time::{Duration, Instant};

use engines::{Cluster, Kind};
use tollgate::Limit;
use tollgate_redis::{Away, Engine, FleetBucket};

const RATE: u64 = 1000;
const CAPACITY: u64 = 100;

/// Takes while something happens, and counts.
struct Taker {
    fleet: FleetBucket<1>,
    begun: Instant,
    taken: u64,
}

impl Taker {
    /// Takes what it can get while a cluster does something, on a thread of its own.
    async fn during(&mut self, mut cluster: Cluster, does: fn(&mut Cluster) -> engines::Outcome<()>) -> Cluster {
        let done = tokio::task::spawn_blocking(move || does(&mut cluster).map(|()| cluster));
        while !done.is_finished() {
            self.take().await;
        }
        done.await.unwrap().unwrap()
    }

    async fn take(&mut self) -> bool {
        let is_granted = self.fleet.try_take([1]).is_ok();
        self.taken += u64::from(is_granted);
        tokio::time::sleep(Duration::from_micros(200)).await;
        is_granted
    }

    /// Waits for a grant of an epoch that is later than this one, and says how long it took.
    async fn recovers(&mut self, epoch: u64) -> Duration {
        let since = Instant::now();
        while !(self.take().await && self.fleet.figures().epoch > epoch) {
            assert!(since.elapsed() < Duration::from_secs(20), "{:?}", self.fleet.figures());
        }
        since.elapsed()
    }

    /// The account is exact, and no token is granted beyond the bound.
    fn check(&self) {
        let figures = self.fleet.figures();
        let all = figures.used[0] + (figures.returned[0] + figures.lost[0]) as i64 + figures.held[0];
        assert_eq!(figures.granted[0] as i64, all, "{figures:?}");
        assert_eq!(figures.used[0] as u64, self.taken, "{figures:?}");
        // A window, a term, and what is promised ahead.
        let window = self.begun.elapsed().as_secs_f64() + 1.0;
        let most = CAPACITY as f64 + RATE as f64 * window + RATE as f64 / 10.0;
        assert!(self.taken as f64 <= most, "{} of at most {most}", self.taken);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_followed_through_fail_overs_of_the_only_server_that_was_named() {
    for kind in Kind::ALL {
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(kind, "tollgate:{fleet}")).await;
        let mut cluster = cluster.unwrap().unwrap();
        let engine = Engine::open(cluster.master().url()).unwrap();
        let limit = Limit::per_second(RATE).capacity(CAPACITY);
        let joining = FleetBucket::join(&engine, "fleet", [limit]).create().when_away(Away::Refuse);
        let fleet = joining.connect().await.unwrap();
        let mut taker = Taker { fleet, begun: Instant::now(), taken: 0 };
        taker.recovers(0).await;
        let first = taker.fleet.figures().epoch;

        // It dies: who was named, and who has the limit. Its replica takes over.
        let kills = |cluster: &mut Cluster| cluster.kill_master().and_then(|()| cluster.wait_for_fail_over());
        cluster = taker.during(cluster, kills).await;
        let killed = taker.recovers(first).await;
        taker.check();

        // It comes back as a replica, and takes over again.
        cluster = taker.during(cluster, Cluster::restart_killed).await;
        let second = taker.fleet.figures().epoch;
        cluster = taker.during(cluster, Cluster::fail_over).await;
        let moved = taker.recovers(second).await;
        taker.check();
        println!("{kind}: granted again {killed:?} after an election, {moved:?} after a fail-over by hand");
        // Generous: other tests run at the same time.
        assert!(killed.max(moved) < Duration::from_secs(10));

        taker.fleet.close().await;
        taker.check();
        assert_eq!(taker.fleet.figures().held, [0]);
        drop(cluster);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_server_of_a_cluster_may_be_named() {
    for kind in Kind::ALL {
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(kind, "tollgate:{fleet}")).await;
        let cluster = cluster.unwrap().unwrap();
        for url in cluster.urls() {
            let engine = Engine::open(url).unwrap();
            let joining = FleetBucket::join(&engine, "fleet", [Limit::per_day(100)]).create().when_away(Away::Refuse);
            let fleet = joining.connect().await.unwrap();
            fleet.strict().try_take([20]).await.unwrap();
        }
        let engine = Engine::open(cluster.replica().url()).unwrap();
        let joining = FleetBucket::join(&engine, "fleet", [Limit::per_day(100)]).when_away(Away::Refuse);
        let fleet = joining.connect().await.unwrap();
        assert!(fleet.strict().try_take([21]).await.is_err());
        fleet.strict().try_take([20]).await.unwrap();
    }
}
