//! Owns what can be observed of a client. Never counts.

use std::sync::Arc;
use std::time::Duration;

use tollgate_http::client::Advice;

/// Sees what a [`ThrottleLayer`](crate::ThrottleLayer) does. All methods do nothing unless they are
/// written.
///
/// No lock is held while one is called.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::time::Duration;
/// use tollgate_tower::ThrottleObserver;
///
/// #[derive(Default)]
/// struct Waits(AtomicU64);
///
/// impl ThrottleObserver for Waits {
///     fn sent(&self, _server: &str, waited: Duration) {
///         self.0.fetch_add(u64::from(!waited.is_zero()), Ordering::Relaxed);
///     }
/// }
/// let waits = Waits::default();
/// waits.sent("api.example.com", Duration::from_millis(20));
/// assert_eq!(waits.0.into_inner(), 1);
/// ```
pub trait ThrottleObserver: Send + Sync + 'static {
    /// A request goes out, after so long a wait.
    fn sent(&self, server: &str, waited: Duration) {
        let _ = (server, waited);
    }

    /// A response said something of limits.
    fn advised(&self, server: &str, advice: &Advice) {
        let _ = (server, advice);
    }

    /// A response led to a pause of this server, from now on.
    fn paused(&self, server: &str, pause: Duration) {
        let _ = (server, pause);
    }
}

impl<O: ThrottleObserver + ?Sized> ThrottleObserver for Arc<O> {
    fn sent(&self, server: &str, waited: Duration) {
        O::sent(self, server, waited);
    }

    fn advised(&self, server: &str, advice: &Advice) {
        O::advised(self, server, advice);
    }

    fn paused(&self, server: &str, pause: Duration) {
        O::paused(self, server, pause);
    }
}
