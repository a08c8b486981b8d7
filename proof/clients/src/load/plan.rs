//! Owns a run: a server, its limit and how that changes, and the tasks that load it. Never judges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::task::JoinSet;

use super::client::{Adapt, Client, ClientKind};
use super::pulse::Pulse;
use crate::Outcome;
use crate::measure::demand::Demand;
use crate::measure::phase::Phase;
use crate::measure::report::Report;
use crate::server::kind::Kind;
use crate::server::running::Running;
use crate::server::served::is_refusal;
use crate::server::tally::since_1970;

/// So many tasks share a client.
pub const TASKS: usize = 50;

/// A run. The limit is halved after a phase, and doubled after the next.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub kind: Kind,
    pub client: ClientKind,
    pub adapt: Adapt,
    /// Requests a second that the server grants at first.
    pub rate: u64,
    /// Its capacity, in milliseconds of its rate.
    pub burst: Duration,
    /// The time that a request and its response are on their way.
    pub latency: Duration,
    /// The seconds of a phase.
    pub seconds: u64,
}

impl Plan {
    /// Runs it.
    ///
    /// # Errors
    ///
    /// What could not be started, or measured.
    pub async fn run(self) -> Outcome<Report> {
        let Self { kind, client, adapt, rate, latency, seconds, .. } = self;
        let rates = [rate, rate / 2, rate];
        let server = Running::start(kind, rate, self.capacity(rate), latency).await?;
        let shared = if kind.is_grpc() {
            Client::grpc(client, adapt, server.address(), rate)?
        } else {
            Client::new(client, adapt, server.address(), rate, self.capacity(rate))?
        };
        let failed = Arc::new(AtomicU64::new(0));
        let pulse = Pulse::start();
        let mut begun = vec![since_1970()];
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            tasks.spawn(keep_asking(shared.clone(), Arc::clone(&failed)));
        }
        for rate in &rates[1..] {
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            shared.tell(*rate, self.capacity(*rate))?;
            server.change(*rate, self.capacity(*rate))?;
            begun.push(since_1970());
        }
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let stalled = pulse.stalled();
        // What waits is dropped where it waits.
        tasks.shutdown().await;
        let answers = server.answers()?;
        let phases = std::array::from_fn(|i| Phase::new(rates[i], begun[i], seconds, &answers));
        // ORDERING: Relaxed. The tasks have ended: `shutdown` has joined them.
        let failed = failed.load(Relaxed);
        Ok(Report { name: self.name(), demand: Demand::of(kind.says), phases, failed, stalled })
    }

    /// Returns the server, its size, and the client.
    pub fn name(&self) -> String {
        let latency = if self.latency.is_zero() { String::new() } else { format!(" {:?}", self.latency) };
        format!("{:18} {:4}/s {:5} {:8}{latency}", self.kind.name, self.rate, self.capacity(self.rate), self.client)
    }

    fn capacity(&self, rate: u64) -> u64 {
        ((rate as f64 * self.burst.as_secs_f64()) as u64).max(1)
    }
}

/// Asks as fast as the client lets it.
async fn keep_asking(client: Client, failed: Arc<AtomicU64>) {
    loop {
        let is_answer = client.ask().await.is_ok_and(|status| status.is_success() || is_refusal(status));
        if !is_answer {
            // ORDERING: Relaxed. A count, read after this task was joined.
            failed.fetch_add(1, Relaxed);
            // A server that is gone is not asked in a loop.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
