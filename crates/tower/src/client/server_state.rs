//! Owns what is known of one server, and decides when a request may go out. Pure, but for the
//! bucket that adapts: it reads its own clock.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tollgate::adaptive::{Adaptive, Course, Observed, Outcome, Policy};
use tollgate::clock::{Time, TokioClock};
use tollgate::limit::Ratio;
use tollgate::{Limit, MultiBucket};
use tollgate_http::client::{Advice, Source};

use super::jitter;
use super::mirror::{Echo, Mirror};
use super::stated::Stated;

/// So many policies of one server are followed.
const POLICIES: usize = 8;
/// A policy that no response names for so long is forgotten: by the next grant that does not name
/// it, or without one after two of its windows.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// While nothing is known of a server, one request goes out in this time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// The pause after a second refusal in a row that names none; it doubles with each.
const BACKOFF: Duration = Duration::from_millis(10);
const LONGEST_BACKOFF: Duration = Duration::from_millis(500);

/// A policy of adaptation, whatever its type.
#[derive(Clone)]
pub(crate) struct AnyPolicy(pub(crate) Arc<dyn Policy + Send + Sync>);

impl Policy for AnyPolicy {
    fn bounds(&self) -> (Ratio, Ratio) {
        self.0.bounds()
    }

    fn interval(&self) -> Duration {
        self.0.interval()
    }

    fn step(&self, course: &Course, elapsed: Duration, seen: Observed) -> Ratio {
        self.0.step(course, elapsed, seen)
    }
}

pub(crate) type Adapting = Adaptive<MultiBucket<1, TokioClock>, AnyPolicy>;

/// What is known of one server.
pub(crate) struct ServerState {
    paused_until: Time,
    /// Whether the next request goes alone, and since when one does.
    alone: Option<Option<Time>>,
    /// A refusal of a request that was sent before belongs to an earlier event.
    event_since: Time,
    /// How many were refused since the last grant, late ones aside.
    in_vain: u32,
    mirrors: Vec<Mirror>,
    ids: u64,
    adaptive: Option<Adapting>,
    sent: u64,
    answered: u64,
    /// How far round trips are apart.
    round_trip: Option<Duration>,
    deviation: Duration,
}

/// A request that is under way.
#[derive(Debug)]
pub(crate) struct Sent {
    number: u64,
    /// How many had been answered before.
    answered: u64,
    at: Time,
    predicted: Vec<(u64, f64)>,
}

/// What a response said, as a server's state needs it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard<'a> {
    pub(crate) advice: Option<&'a Advice>,
    /// Whether it is a refusal, also one that says nothing of limits.
    pub(crate) is_refusal: bool,
    /// Whether the request had been refused before.
    pub(crate) is_again: bool,
    pub(crate) max_pause: Duration,
    /// A random number within 0 and 1.
    pub(crate) share: f64,
}

impl ServerState {
    pub(crate) fn new(adapt: Option<&(Limit, AnyPolicy)>, clock: TokioClock) -> Self {
        let adaptive = adapt.and_then(|(limit, policy)| {
            let bucket = MultiBucket::with_clock([*limit], clock).ok()?;
            Adaptive::new(bucket, policy.clone()).ok()
        });
        Self {
            paused_until: Time::ZERO,
            alone: Some(None),
            event_since: Time::ZERO,
            in_vain: 0,
            mirrors: Vec::new(),
            ids: 0,
            adaptive,
            sent: 0,
            answered: 0,
            round_trip: None,
            deviation: Duration::ZERO,
        }
    }

    const fn under_way(&self) -> u64 {
        self.sent - self.answered
    }

    /// Returns until when the server is paused, if it is.
    pub(crate) fn paused_until(&self, now: Time) -> Option<Time> {
        Some(self.paused_until).filter(|&until| until > now)
    }

    /// Returns whether nothing is lost if this state is forgotten.
    pub(crate) fn is_idle(&self, now: Time) -> bool {
        self.under_way() == 0 && self.paused_until(now).is_none()
    }

    /// Sends a request, or says when to ask again. If `is_forced`, nothing but a pause keeps it.
    pub(crate) fn send(&mut self, now: Time, is_forced: bool) -> Result<Sent, Time> {
        if let Some(until) = self.paused_until(now) {
            return Err(until);
        }
        if !is_forced {
            self.may_send(now)?;
        }
        if let Some(alone) = &mut self.alone {
            *alone = Some(now);
        }
        let under_way = self.under_way();
        let predicted = self.mirrors.iter_mut().map(|mirror| (mirror.id, mirror.sent(now, under_way))).collect();
        self.sent += 1;
        Ok(Sent { number: self.sent, answered: self.answered, at: now, predicted })
    }

    fn may_send(&mut self, now: Time) -> Result<(), Time> {
        if let Some(Some(since)) = self.alone {
            let again = since.after(PATIENCE);
            if now < again {
                return Err(again);
            }
        }
        let forgotten = |mirror: &Mirror| now.since(mirror.seen) > FORGOTTEN.max(mirror.window().saturating_mul(2));
        self.mirrors.retain(|mirror| !forgotten(mirror));
        let (under_way, deviation) = (self.under_way(), self.deviation);
        let each = self.mirrors.iter_mut().map(|mirror| mirror.may_send(now, under_way, deviation));
        if let Some(until) = each.filter_map(Result::err).max() {
            return Err(until);
        }
        // Last, as it takes.
        match &self.adaptive {
            Some(adaptive) if self.mirrors.is_empty() => match adaptive.bucket().try_take([1]) {
                Ok(_) => Ok(()),
                Err(refused) => Err(now.after(refused.wait().unwrap_or(PATIENCE))),
            },
            _ => Ok(()),
        }
    }

    /// Forgets a request without a response.
    pub(crate) fn lost(&mut self, sent: &Sent) {
        self.answered += 1;
        self.answered(sent);
    }

    /// The next request does not wait for this one.
    fn answered(&mut self, sent: &Sent) {
        if self.alone == Some(Some(sent.at)) {
            self.alone = Some(None);
        }
    }

    /// Learns from a response, and returns the pause that it leads to.
    pub(crate) fn heard(&mut self, sent: &Sent, now: Time, heard: Heard<'_>) -> Option<Duration> {
        self.answered += 1;
        self.time(now.since(sent.at));
        let wait = heard.advice.and_then(|advice| self.follow(sent, now, heard.is_refusal, advice));
        let mut pause = wait.map(|wait| jitter::pause(wait, heard.max_pause, heard.share));
        if heard.is_refusal {
            pause = self.refused(sent, now, pause, heard.is_again);
        } else {
            self.granted(sent, now);
        }
        let until = now.after(pause?);
        let is_longer = until > self.paused_until;
        self.paused_until = self.paused_until.max(until);
        pause.filter(|_| is_longer)
    }

    fn granted(&mut self, sent: &Sent, now: Time) {
        self.answered(sent);
        // A server that grants and names a policy no more has no such policy.
        self.mirrors.retain(|mirror| now.since(mirror.seen) <= FORGOTTEN);
        if sent.at >= self.event_since {
            self.alone = None;
            self.in_vain = 0;
        }
        if let Some(adaptive) = &self.adaptive {
            adaptive.observe(Outcome::Granted);
        }
    }

    /// Counts a refusal, and returns the pause that follows.
    ///
    /// It is an event if a request was granted since the event before: while all are refused, a
    /// lower rate is no better. Then requests go out alone, and ever more seldom.
    fn refused(&mut self, sent: &Sent, now: Time, pause: Option<Duration>, is_again: bool) -> Option<Duration> {
        self.answered(sent);
        let is_late = sent.at < self.event_since;
        let is_event = !is_late && !is_again && self.in_vain == 0;
        let mut pause = pause;
        if !is_late {
            self.event_since = now;
            if self.in_vain > 0 && pause.is_none() {
                pause = Some((BACKOFF * (1 << self.in_vain.min(10))).min(LONGEST_BACKOFF));
            }
            self.in_vain += 1;
        }
        if let Some(adaptive) = self.adaptive.as_ref().filter(|_| self.mirrors.is_empty()) {
            if is_event {
                adaptive.observe(Outcome::Refused { retry_after: pause });
            } else if let Some(pause) = pause {
                adaptive.bucket().pause_for(pause);
            }
        }
        if self.alone.is_none() && pause.is_some() {
            self.alone = Some(None);
        }
        pause
    }

    /// Follows all policies that count requests. Returns how long the others are to be waited for.
    fn follow(&mut self, sent: &Sent, now: Time, is_refused: bool, advice: &Advice) -> Option<Duration> {
        let (mut pause, mut is_exhausted) = (None, false);
        for allowance in advice.allowances() {
            let Some(stated) = Stated::of(allowance) else {
                if allowance.is_exhausted() {
                    pause = pause.max(allowance.reset);
                }
                continue;
            };
            is_exhausted |= allowance.is_exhausted();
            self.ids += 1;
            let sent_since = self.sent - sent.number;
            let out_of_turn = (self.sent - sent.answered).saturating_sub(1);
            let mut echo = Echo { sent_at: sent.at, now, predicted: None, sent_since, out_of_turn, is_refused };
            if let Some(mirror) = self.mirrors.iter_mut().find(|mirror| mirror.name == allowance.name) {
                echo.predicted = sent.predicted.iter().find(|(id, _)| *id == mirror.id).map(|(_, level)| *level);
                mirror.observe(self.ids, stated, echo);
                continue;
            }
            if self.mirrors.len() == POLICIES {
                let oldest = (0..POLICIES).min_by_key(|&i| self.mirrors[i].seen).unwrap_or(0);
                self.mirrors.swap_remove(oldest);
            }
            self.mirrors.push(Mirror::new(allowance.name.clone(), self.ids, stated, echo));
        }
        let is_told = matches!(advice.source(), Some(Source::RetryAfter | Source::Grpc));
        // Of a policy that is followed, the mirror knows best when there is more.
        if is_refused && (is_told || !is_exhausted) { advice.wait() } else { pause }
    }

    /// Follows round trips, as RFC 6298 does.
    fn time(&mut self, took: Duration) {
        let Some(mean) = self.round_trip else {
            self.round_trip = Some(took);
            return;
        };
        self.deviation = (3 * self.deviation + mean.abs_diff(took)) / 4;
        self.round_trip = Some((7 * mean + took) / 8);
    }
}

impl fmt::Debug for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { paused_until, mirrors, adaptive, sent, answered, .. } = self;
        let mut shown = f.debug_struct("ServerState");
        shown.field("paused_until", paused_until).field("mirrors", mirrors).field("sent", sent);
        let factor = adaptive.as_ref().map(Adaptive::factor);
        shown.field("answered", answered).field("factor", &factor).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
