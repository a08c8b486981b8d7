//! What a layer tells of its requests, and to whom.

// Owns what is counted and told. Never decides.
//
// - `observer`: `Observer`, whose unit type costs nothing; `Outcome` and `Level`.
// - `metrics_observer`: counters and histograms through the facade `metrics`.
// - `tracing_observer`: events through `tracing`.

#[cfg(feature = "metrics")]
pub(crate) mod metrics_observer;
pub(crate) mod observer;
#[cfg(feature = "tracing")]
pub(crate) mod tracing_observer;
