//! Owns the line before one server, and counts who is under way to it. Never decides.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex as Line, Notify};
use tokio::time::{Instant, timeout_at};
use tollgate::Clock;
use tollgate::clock::{Time, TokioClock};

use super::server_state::{Heard, Sent, ServerState};
use super::throttle_error::ThrottleError;

/// One server.
pub(crate) struct Server {
    pub(crate) name: String,
    state: Mutex<ServerState>,
    /// The first in line holds it.
    line: Line<()>,
    /// Told when a response came, so that the first in line asks again.
    news: Notify,
    clock: TokioClock,
}

/// A request that is under way. Dropped, it is one without a response.
pub(crate) struct UnderWay {
    server: Arc<Server>,
    sent: Option<Sent>,
}

impl Server {
    pub(crate) fn new(name: String, state: ServerState, clock: TokioClock) -> Self {
        Self { name, state: Mutex::new(state), line: Line::new(()), news: Notify::new(), clock }
    }

    /// A panic under the lock can only be that of a user's policy, which leaves the state whole.
    fn state(&self) -> MutexGuard<'_, ServerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.state().is_idle(self.clock.now())
    }

    fn instant(&self, time: Time) -> Instant {
        self.clock.origin() + Duration::from_nanos(time.as_nanos())
    }

    /// Waits until no pause lasts. Returns at once if one lasts beyond the deadline.
    pub(crate) async fn unpaused(&self, deadline: Option<Instant>) -> Result<(), ThrottleError> {
        loop {
            let now = self.clock.now();
            let Some(until) = self.state().paused_until(now) else { return Ok(()) };
            if deadline.is_some_and(|deadline| self.instant(until) > deadline) {
                return Err(ThrottleError::Paused { left: until.since(now) });
            }
            tokio::time::sleep_until(self.instant(until)).await;
        }
    }

    /// Waits in line until a request may go out, but as the first at most for `max_pause`.
    pub(crate) async fn turn(
        self: &Arc<Self>,
        deadline: Option<Instant>,
        max_pause: Duration,
    ) -> Result<UnderWay, ThrottleError> {
        let began = self.clock.now();
        let late = || ThrottleError::InLine { waited: self.clock.now().since(began) };
        let _first = match deadline {
            Some(deadline) => timeout_at(deadline, self.line.lock()).await.map_err(|_| late())?,
            None => self.line.lock().await,
        };
        let first_since = self.clock.now();
        let last = first_since.after(max_pause);
        loop {
            let mut news = std::pin::pin!(self.news.notified());
            news.as_mut().enable();
            let now = self.clock.now();
            let until = match self.state().send(now, now >= last) {
                Ok(sent) => return Ok(UnderWay { server: Arc::clone(self), sent: Some(sent) }),
                Err(until) => until,
            };
            let paused = self.state().paused_until(now);
            if paused.is_some_and(|until| deadline.is_some_and(|deadline| self.instant(until) > deadline)) {
                return Err(ThrottleError::Paused { left: until.since(now) });
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return Err(late());
            }
            let until = paused.unwrap_or(until.min(last));
            let until = deadline.map_or(self.instant(until), |deadline| deadline.min(self.instant(until)));
            let _ = timeout_at(until, news).await;
        }
    }
}

impl UnderWay {
    /// Learns from the response, and returns the pause that it leads to.
    pub(crate) fn heard(mut self, heard: Heard<'_>) -> Option<Duration> {
        let sent = self.sent.take()?;
        let pause = self.server.state().heard(&sent, self.server.clock.now(), heard);
        self.server.news.notify_waiters();
        pause
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(sent) = self.sent.take() {
            self.server.state().lost(&sent);
            self.server.news.notify_waiters();
        }
    }
}
