//! Owns one policy as its server would count it: a level that follows what responses say. Pure.

use std::time::Duration;

use tollgate::clock::Time;

use super::fixed_window::FixedWindow;
use super::rate_search::RateSearch;
use super::refills::Refills;
use super::stated::{Kind, Stated};

/// The share of the stated rate that is used at first.
const SHARE: f64 = 0.99;
/// And at least, however often requests are refused.
const LEAST_SHARE: f64 = 0.25;
/// What a refusal leaves of the share, and what a grant adds: 1 refusal for 300 grants.
const LESS: f64 = 0.97;
const MORE: f64 = 0.0001;
/// Below this share, requests go out evenly.
const CAUTIOUS: f64 = 0.95;
/// The part of a deviation that one response corrects, where less is left than was thought.
const DOWN: f64 = 0.5;
/// And where more is left.
const UP: f64 = 0.2;
/// So many tokens stay at the server, beside those for what is unsure.
const SPARE: f64 = 2.0;
/// At least this part of the stated rate is used, however much others take.
const LEAST_RATE: f64 = 0.02;

/// One policy of a server.
///
/// The level is what a request that is sent now would find when it arrives. Each response says
/// what it left. The difference to what was predicted when it was sent corrects the level.
#[derive(Clone, Debug)]
pub(crate) struct Mirror {
    pub(crate) name: Option<String>,
    /// Differs for each set of limits, so that predictions of earlier ones are not used.
    pub(crate) id: u64,
    pub(crate) seen: Time,
    stated: Stated,
    /// When the first request was sent whose response stated these limits.
    stated_since: Time,
    kind: Kind,
    /// The statement that later ones are compared with.
    earlier: Stated,
    refills: Refills,
    window: FixedWindow,
    level: f64,
    at: Time,
    /// The most that was ever left, and one more.
    capacity: f64,
    /// How much the level was corrected in all.
    corrected: f64,
    /// Tokens a second that this client gets.
    rate: f64,
    search: RateSearch,
    observed: Time,
    /// When all is available again, if nothing else is sent and no rate is stated.
    full_at: Time,
    /// How far responses are off what was predicted, on average.
    noise: f64,
    /// The share of the rate that is used: less after refusals.
    share: f64,
}

/// A request's response, as far as a mirror needs to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Echo {
    pub(crate) sent_at: Time,
    pub(crate) now: Time,
    /// What this mirror said when the request was sent.
    pub(crate) predicted: Option<f64>,
    /// How many were sent after it.
    pub(crate) sent_since: u64,
    /// How many the server may have counted out of turn with it.
    pub(crate) out_of_turn: u64,
    pub(crate) is_refused: bool,
}

impl Mirror {
    pub(crate) fn new(name: Option<String>, id: u64, stated: Stated, echo: Echo) -> Self {
        let mut mirror = Self {
            name,
            id,
            seen: echo.now,
            stated,
            stated_since: echo.sent_at,
            kind: Kind::Unknown,
            earlier: stated,
            refills: Refills::default(),
            window: FixedWindow::new(stated.capacity),
            level: stated.capacity as f64,
            at: echo.now,
            capacity: 1.0,
            corrected: 0.0,
            rate: stated.rate.or(stated.rates().map(|(least, _)| least)).unwrap_or(stated.capacity as f64),
            search: RateSearch::new(echo.now),
            observed: echo.now,
            full_at: echo.now,
            noise: 0.0,
            share: SHARE,
        };
        mirror.observe(id, stated, Echo { predicted: None, ..echo });
        mirror
    }

    /// Returns the window, or the time that is left of it.
    pub(crate) fn window(&self) -> Duration {
        self.stated.window()
    }

    /// Refills up to now.
    fn refill(&mut self, now: Time) {
        let refilled = self.share * self.rate * now.since(self.at).as_secs_f64();
        self.level = (self.level + refilled).min(self.capacity);
        self.at = now;
    }

    /// Returns when a request may be sent: now, or later. `deviation` is that of round trips.
    pub(crate) fn may_send(&mut self, now: Time, under_way: u64, deviation: Duration) -> Result<(), Time> {
        if self.kind == Kind::Window {
            return self.window.may_send(now, under_way);
        }
        let unsure = (3.0 * self.rate * deviation.as_secs_f64()).max(4.0 * self.noise);
        let needed = 1.0 + (SPARE + unsure).min((self.capacity - 1.0) / 2.0);
        self.refill(now);
        if self.share < CAUTIOUS {
            // Evenly, without bursts.
            self.level = self.level.min(needed);
        }
        let is_bare = self.stated.rate.is_none();
        if is_bare && now >= self.full_at && self.kind == Kind::Unknown {
            // All is available again, if the limit is what it was: one goes first.
            self.level = if under_way == 0 { needed } else { self.level.min(needed - 1.0) };
        }
        if is_bare && self.kind == Kind::Unknown && self.stated.left == Some(0) && now < self.full_at {
            // It may be a window.
            return Err(self.full_at);
        }
        let short = needed - self.level;
        if short <= 1e-9 {
            return Ok(());
        }
        self.search.short();
        let wait = Duration::try_from_secs_f64(short / (self.share * self.rate)).unwrap_or(Duration::MAX);
        let until = now.after(wait.max(Duration::from_nanos(1)));
        Err(if is_bare && now < self.full_at { until.min(self.full_at) } else { until })
    }

    /// Counts a request, and returns what the server should say to it.
    pub(crate) fn sent(&mut self, now: Time, under_way: u64) -> f64 {
        self.window.sent(now, under_way);
        self.refill(now);
        self.level -= 1.0;
        self.level - self.corrected
    }

    /// Follows a response. `id` is for new limits.
    pub(crate) fn observe(&mut self, id: u64, stated: Stated, echo: Echo) {
        let Echo { now, sent_at, .. } = echo;
        let is_changed = !stated.is_like(&self.stated);
        if is_changed && sent_at < self.stated_since {
            // A late response of the limits before.
            return;
        }
        self.refill(now);
        self.seen = now;
        if is_changed {
            self.change(id, &stated, sent_at);
        } else if echo.is_refused {
            self.share = (self.share * LESS).max(LEAST_SHARE);
        } else {
            self.share = (self.share + MORE).min(SHARE);
        }
        self.classify(stated, sent_at, echo.is_refused);
        if stated.rate.is_none() {
            self.rate = self.search.narrow(self.rate, &stated);
        }
        self.stated = stated;
        let Some(left) = stated.left else {
            self.capacity = stated.capacity as f64;
            return;
        };
        self.window.observe(now, sent_at, left, stated.reset, echo.is_refused);
        self.full_at = now.after(stated.reset.unwrap_or_default());
        self.capacity = self.capacity.max(left as f64 + 1.0).min(stated.capacity as f64);
        match echo.predicted.filter(|_| !is_changed) {
            Some(predicted) => self.correct(predicted, left as f64, echo),
            None => {
                let arrival = left as f64 + self.rate * now.since(sent_at).as_secs_f64();
                self.level = arrival.min(self.capacity) - echo.sent_since as f64;
            }
        }
        self.observed = now;
    }

    fn change(&mut self, id: u64, stated: &Stated, sent_at: Time) {
        self.id = id;
        self.stated_since = sent_at;
        self.search = RateSearch::new(self.seen);
        self.refills.limit_changed();
        self.earlier = *stated;
        let as_before = self.rate * stated.capacity as f64 / self.stated.capacity as f64;
        self.rate = stated.rate.unwrap_or(as_before);
        self.window.set_quota(stated.capacity);
        self.capacity = 1.0;
    }

    fn classify(&mut self, stated: Stated, sent_at: Time, is_refused: bool) {
        // A refused request takes nothing, so it shows no refill.
        let left = stated.left.filter(|_| !is_refused);
        let is_bucket = left.is_some_and(|left| self.refills.observe(self.seen, sent_at, left));
        let kind = match stated.rate {
            _ if is_bucket => Some(Kind::Bucket),
            Some(rate) => Some(stated.kind(rate)),
            None => {
                let kind = stated.kind_since(&self.earlier);
                if kind.is_some() {
                    self.earlier = stated;
                }
                kind
            }
        };
        if let Some(kind) = kind.filter(|&kind| kind != Kind::Unknown) {
            self.kind = kind;
        }
    }

    /// Corrects the level, and the rate, by what a response left.
    fn correct(&mut self, predicted: f64, left: f64, echo: Echo) {
        let expected = predicted + self.corrected;
        // What is left is rounded down.
        let off = if expected < left { left - expected } else { (left + 1.0 - expected).min(0.0) };
        // A response that others may have overtaken says less.
        let weight = if off < 0.0 { DOWN } else { UP } / (1.0 + echo.out_of_turn as f64 / 8.0);
        let round_trip = echo.now.since(echo.sent_at);
        let most = left + 1.0 + self.rate * round_trip.as_secs_f64();
        // All that may be counted after it, if nobody else takes.
        let least = left - echo.out_of_turn as f64;
        let step = (self.level + off * weight).max(least).min(self.capacity).min(most) - self.level;
        self.level += step;
        self.corrected += step;
        if off.abs() < self.capacity / 2.0 {
            // More is no noise: all is available again.
            self.noise += (off.abs() - self.noise) / 16.0;
        }
        self.rate = match self.stated.rate {
            // What others take is missing for longer.
            Some(most) => {
                let time = 1.0 + 10.0 / most;
                let elapsed = echo.now.since(self.observed).as_secs_f64().min(time / 4.0);
                (self.rate + off * elapsed / (time * time)).clamp(LEAST_RATE * most, most)
            }
            None => self.search.next(self.rate, echo.now, round_trip, &self.stated, echo.is_refused),
        };
    }
}

#[cfg(test)]
mod tests {
    use tollgate_http::client::Allowance;

    use super::*;

    fn stated(quota: u64, left: u64) -> Stated {
        let mut allowance = Allowance::default();
        (allowance.quota, allowance.available) = (Some(quota), Some(left));
        allowance.window = Some(Duration::from_secs(10));
        Stated::of(&allowance).unwrap()
    }

    fn at(millis: u64) -> Time {
        Time::ZERO.after(Duration::from_millis(millis))
    }

    /// A response after no time.
    fn echo(millis: u64) -> Echo {
        let (sent_at, now) = (at(millis), at(millis));
        Echo { sent_at, now, predicted: None, sent_since: 0, out_of_turn: 0, is_refused: false }
    }

    fn mirror(quota: u64, left: u64) -> Mirror {
        Mirror::new(None, 0, stated(quota, left), echo(0))
    }

    fn burst(mirror: &mut Mirror, millis: u64) -> u64 {
        let is_sent = |&sent: &u64| {
            let may_send = mirror.may_send(at(millis), sent, Duration::ZERO).is_ok();
            may_send && mirror.sent(at(millis), sent).is_finite()
        };
        (0..1000).take_while(is_sent).count() as u64
    }

    #[test]
    fn a_refusal_lowers_the_share_for_some_300_grants() {
        let mut mirror = mirror(100, 50);
        mirror.observe(1, stated(100, 0), Echo { is_refused: true, ..echo(0) });
        let mut grants = 0;
        while mirror.share < SHARE - 1e-9 {
            mirror.observe(1, stated(100, 50), echo(0));
            grants += 1;
            assert!(grants < 1000);
        }
        assert!((290..=300).contains(&grants), "{grants}");
    }

    #[test]
    fn after_refusals_requests_go_out_without_bursts() {
        let mut mirror = mirror(100, 99);
        assert_eq!(burst(&mut mirror.clone(), 10_000), 98);
        for _ in 0..2 {
            mirror.observe(1, stated(100, 99), Echo { is_refused: true, ..echo(0) });
        }
        assert_eq!(burst(&mut mirror, 10_000), 1);
    }

    #[test]
    fn a_bucket_smaller_than_its_quota_is_never_sent_more_than_it_was_seen_to_hold() {
        let mut mirror = mirror(100, 2);
        assert_eq!(burst(&mut mirror, 10_000), 2);
        mirror.observe(1, stated(100, 9), echo(10_000));
        assert_eq!(burst(&mut mirror, 20_000), 8);
    }

    #[test]
    fn a_response_that_others_may_have_overtaken_corrects_less() {
        let after = |out_of_turn| {
            let mut mirror = mirror(100, 90);
            let predicted = Some(mirror.sent(at(0), 0));
            mirror.observe(1, stated(100, 50), Echo { predicted, out_of_turn, now: at(4000), ..echo(0) });
            mirror.level
        };
        assert!(after(0) < 75.0 && after(56) > 80.0, "{} {}", after(0), after(56));
    }

    #[test]
    fn a_late_response_of_the_limits_before_changes_nothing() {
        let mut mirror = mirror(100, 99);
        mirror.observe(1, stated(20, 19), echo(100));
        mirror.observe(2, stated(100, 98), Echo { sent_at: at(50), ..echo(200) });
        assert_eq!(burst(&mut mirror, 300), 17);
        // A later one does.
        mirror.observe(2, stated(100, 99), echo(400));
        assert_eq!(burst(&mut mirror, 400), 97);
    }
}
