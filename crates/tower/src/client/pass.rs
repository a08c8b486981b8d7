//! Owns one request under way, until its response. Never sends it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use http::{HeaderMap, StatusCode, request};
use tokio::time::Instant;
use tollgate_http::client::Advice;

use super::layer::Settings;
use super::server::{Server, UnderWay};
use super::server_state::Heard;
use super::throttle_error::ThrottleError;
use crate::gate::decide::Held;

/// A request that may be sent now: made by [`ThrottleLayer::admit`](crate::ThrottleLayer::admit).
///
/// Dropped without a response, the request counts as sent. So drop it only after the request is.
#[must_use = "show it the response, or the server's limits are not followed"]
pub struct Pass {
    settings: Arc<Settings>,
    under_way: Option<UnderWay>,
    server: Arc<Server>,
    refusals: u32,
}

/// What the client's own limits gave. Dropped before the request goes out, it is given back.
struct Own(Option<Box<dyn Held>>);

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(held) = &mut self.0 {
            held.correct(&mut |_, amounts| amounts.fill(0));
        }
    }
}

impl Pass {
    pub(crate) async fn admit(settings: &Arc<Settings>, request: &request::Parts) -> Result<Self, ThrottleError> {
        let began = Instant::now();
        let deadline = began.checked_add(settings.wait_at_most);
        let server = settings.server(request);
        server.unpaused(deadline).await?;
        let mut own = Own(None);
        if let Some(limits) = &settings.own {
            let left = settings.wait_at_most.saturating_sub(began.elapsed());
            own.0 = Some(limits.take(request, left).await?);
        }
        let under_way = server.turn(deadline, settings.max_pause).await?;
        // It goes out, so it is paid for.
        own.0 = None;
        settings.observer.sent(&server.name, began.elapsed());
        Ok(Self { settings: Arc::clone(settings), under_way: Some(under_way), server, refusals: 0 })
    }

    /// Learns from the head of the response, and returns what it says of limits.
    ///
    /// A second response to one request is ignored.
    pub fn heard(&mut self, status: StatusCode, fields: &HeaderMap) -> Option<Advice> {
        let under_way = self.under_way.take()?;
        let advice = self.settings.headers.read(status, fields, SystemTime::now());
        let refused = advice.as_ref().is_some_and(Advice::is_refusal);
        // So do servers refuse that say nothing, as nginx by default, and caches of refusals.
        let is_status = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE);
        let is_refusal = refused || is_status;
        let pause = under_way.heard(Heard {
            advice: advice.as_ref(),
            is_refusal,
            is_again: self.refusals > 0,
            max_pause: self.settings.max_pause,
            share: fastrand::f64(),
        });
        let observer = &self.settings.observer;
        if let Some(advice) = &advice {
            observer.advised(&self.server.name, advice);
        }
        self.refusals += u32::from(is_refusal);
        if let Some(pause) = pause {
            observer.paused(&self.server.name, pause);
        }
        advice
    }

    /// Returns how often the request may still be sent again, so far as the layer's
    /// [retries](crate::ThrottleLayer::retries) go.
    pub fn retries_left(&self) -> u32 {
        self.settings.retries.saturating_sub(self.refusals)
    }

    /// Returns whether the request may be sent again after the response that was
    /// [heard](Self::heard) last.
    ///
    /// That is so after a refusal: 429, 503, 403 with nothing left, and their like in gRPC. A
    /// refused request was not done. After a 503 that says nothing, this is only likely. A server
    /// that forbids it is obeyed.
    pub fn may_retry(&self, status: StatusCode, advice: Option<&Advice>) -> bool {
        let is_undone = match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => true,
            // The latter in gRPC.
            StatusCode::FORBIDDEN | StatusCode::OK => advice.is_some_and(Advice::is_refusal),
            _ => false,
        };
        let is_final = advice.is_some_and(Advice::is_final);
        is_undone && !is_final && self.refusals <= self.settings.retries
    }

    /// Waits until the request may be sent again, in turn before its server.
    ///
    /// The client's own limits are not asked again: the request was not done.
    ///
    /// # Errors
    ///
    /// As [`ThrottleLayer::admit`](crate::ThrottleLayer::admit), but for own limits.
    pub async fn again(&mut self) -> Result<(), ThrottleError> {
        let began = Instant::now();
        let deadline = began.checked_add(self.settings.wait_at_most);
        self.server.unpaused(deadline).await?;
        self.under_way = Some(self.server.turn(deadline, self.settings.max_pause).await?);
        self.settings.observer.sent(&self.server.name, began.elapsed());
        Ok(())
    }
}

impl fmt::Debug for Pass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Pass");
        shown.field("server", &self.server.name).field("refusals", &self.refusals).finish_non_exhaustive()
    }
}
