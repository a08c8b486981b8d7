//! Owns the share of the time in which this process did not run when it should have. Never judges.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

const BEAT: Duration = Duration::from_millis(10);
/// So late a beat may be.
const LATE: Duration = Duration::from_millis(20);

/// A task that beats, until this is dropped.
#[derive(Debug)]
pub(crate) struct Pulse {
    begun: Instant,
    lost: Arc<AtomicU64>,
    task: JoinHandle<()>,
}

impl Pulse {
    pub(crate) fn start() -> Self {
        let lost = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&lost);
        let task = tokio::spawn(async move {
            loop {
                let begun = Instant::now();
                tokio::time::sleep(BEAT).await;
                let late = begun.elapsed().saturating_sub(BEAT + LATE);
                // ORDERING: Relaxed. It is a sum that nothing else goes by.
                counted.fetch_add(late.as_nanos() as u64, Relaxed);
            }
        });
        Self { begun: Instant::now(), lost, task }
    }

    /// Returns the share of the time that was lost.
    pub(crate) fn stalled(&self) -> f64 {
        // ORDERING: Relaxed. As above.
        self.lost.load(Relaxed) as f64 / self.begun.elapsed().as_nanos().max(1) as f64
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.task.abort();
    }
}
