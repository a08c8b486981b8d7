//! Owns the names of the metrics. Never a key as a label: there is no end to them.

use std::time::Duration;

use super::observer::{Level, Observer, Outcome};

/// Counts through the facade [`metrics`](https://docs.rs/metrics), to whichever recorder is there.
///
/// | metric | kind | labels |
/// |---|---|---|
/// | `tollgate_requests_total` | counter | `policy`, `outcome`: `granted`, `waited`, `refused`, `no_room`, `cancelled` |
/// | `tollgate_keyless_total` | counter | `policy` |
/// | `tollgate_tokens_total` | counter | `policy`, `stream` |
/// | `tollgate_wait_seconds` | histogram | `policy` |
/// | `tollgate_keys` | gauge | `policy` |
/// | `tollgate_debt_tokens` | gauge | `policy`, `stream` |
///
/// `policy` is the name of the limit. The gauges are set by
/// [`report`](crate::TollgateLayer::report): call it before metrics are read.
///
/// ```
/// use std::sync::Arc;
/// use tollgate::{Limit, TokenBucket};
/// use tollgate_tower::{Gate, MetricsObserver, Shared, TollgateLayer};
///
/// let all = Arc::new(TokenBucket::new(Limit::per_second(10))?);
/// let layer = TollgateLayer::new(Gate::new().limit(Shared::new("service", all)));
/// let layer = layer.observe(MetricsObserver::described());
/// layer.report();
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
#[derive(Clone, Copy, Default, Debug)]
pub struct MetricsObserver;

impl MetricsObserver {
    /// Describes all metrics to the recorder, which must be installed before. Returns the observer.
    pub fn described() -> Self {
        metrics::describe_counter!("tollgate_requests_total", "Requests by what became of them at a limit");
        metrics::describe_counter!("tollgate_keyless_total", "Requests without the key that a limit needs");
        metrics::describe_counter!("tollgate_tokens_total", "Tokens that requests have used");
        metrics::describe_histogram!("tollgate_wait_seconds", metrics::Unit::Seconds, "Waits in turn");
        metrics::describe_gauge!("tollgate_keys", "Keys that have a bucket");
        metrics::describe_gauge!("tollgate_debt_tokens", "Tokens that are owed");
        Self
    }
}

impl Observer for MetricsObserver {
    fn decided(&self, limit: &str, outcome: Outcome, waited: Duration) {
        let (policy, outcome_text) = (limit.to_owned(), outcome.as_str());
        if waited > Duration::ZERO {
            metrics::histogram!("tollgate_wait_seconds", "policy" => policy.clone()).record(waited.as_secs_f64());
        }
        metrics::counter!("tollgate_requests_total", "policy" => policy, "outcome" => outcome_text).increment(1);
    }

    fn used(&self, limit: &str, stream: &str, tokens: u64) {
        let labels = [("policy", limit.to_owned()), ("stream", stream.to_owned())];
        metrics::counter!("tollgate_tokens_total", &labels).increment(tokens);
    }

    fn keyless(&self, limit: &str) {
        metrics::counter!("tollgate_keyless_total", "policy" => limit.to_owned()).increment(1);
    }

    fn level(&self, limit: &str, level: Level<'_>) {
        match level {
            Level::Keys(keys) => metrics::gauge!("tollgate_keys", "policy" => limit.to_owned()).set(keys as f64),
            Level::Debt { stream, tokens } => {
                let labels = [("policy", limit.to_owned()), ("stream", stream.to_owned())];
                metrics::gauge!("tollgate_debt_tokens", &labels).set(tokens as f64);
            }
        }
    }
}
