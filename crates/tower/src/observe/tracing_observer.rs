//! Owns the events that are told through `tracing`. Never a key as a field.

use std::time::Duration;

use super::observer::{Observer, Outcome};

/// Tells each decision through [`tracing`](https://docs.rs/tracing), with the target `tollgate`.
///
/// | what | level |
/// |---|---|
/// | granted | `TRACE` |
/// | granted after a wait; hung up | `DEBUG` |
/// | refused | `DEBUG` |
/// | no room for a key; a limit that is away; a request without a key | `WARN` |
#[derive(Clone, Copy, Default, Debug)]
pub struct TracingObserver;

impl Observer for TracingObserver {
    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        let (outcome_text, waited) = (outcome.as_str(), waited.as_secs_f64());
        match outcome {
            Outcome::Granted => tracing::trace!(target: "tollgate", limit, outcome = outcome_text),
            Outcome::NoRoom | Outcome::Away => tracing::warn!(target: "tollgate", limit, outcome = outcome_text),
            _ => tracing::debug!(target: "tollgate", limit, outcome = outcome_text, waited),
        }
    }

    fn keyless(&self, limit: &str) {
        tracing::warn!(target: "tollgate", limit, "a request has no key");
    }
}
