//! Owns what one server's state is tested for, on tokio's paused time. Never sends a request.

use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::time::advance;
use tollgate::Clock;
use tollgate::adaptive::Cubic;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

struct Client {
    state: ServerState,
    clock: TokioClock,
}

impl Client {
    fn new() -> Self {
        let clock = TokioClock::new();
        let policy = AnyPolicy(Arc::new(Cubic::new(SECOND, Ratio::percent(90))));
        let limit = Limit::per_second(1000).capacity(1000);
        Self { state: ServerState::new(Some(&(limit, policy)), clock), clock }
    }

    fn send(&mut self) -> Sent {
        self.state.send(self.clock.now(), true).unwrap()
    }

    fn hears(&mut self, sent: &Sent, status: u16, fields: &[(&str, &str)], is_again: bool) -> Option<Duration> {
        let fields: HeaderMap = fields
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
            .collect();
        let advice = Advice::of(StatusCode::from_u16(status).unwrap(), &fields, SystemTime::UNIX_EPOCH);
        let heard = Heard {
            advice: advice.as_ref(),
            is_refusal: status == 429,
            is_again,
            max_pause: Advice::MAX_PAUSE,
            share: 0.0,
        };
        self.state.heard(sent, self.clock.now(), heard)
    }

    fn factor(&self) -> f64 {
        self.state.adaptive.as_ref().unwrap().factor().to_f64()
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_of_requests_sent_before_the_event_belong_to_it() {
    let mut client = Client::new();
    advance(10 * SECOND).await;
    let sent: Vec<_> = (0..50).map(|_| client.send()).collect();
    for sent in sent {
        advance(SECOND / 2).await;
        client.hears(&sent, 429, &[], false);
    }
    assert_eq!(client.state.in_vain, 1);
    let refused = client.factor();
    // The factor recovers meanwhile, and was lowered once.
    assert!(refused >= 0.9, "{refused}");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_again_is_no_other_event() {
    let mut client = Client::new();
    advance(10 * SECOND).await;
    let first = client.send();
    client.hears(&first, 429, &[], false);
    let granted = client.send();
    client.hears(&granted, 200, &[], false);
    let lowered = client.factor();
    assert!(lowered < 1.0);
    advance(SECOND / 5).await;
    let again = client.send();
    client.hears(&again, 429, &[], true);
    assert!(client.factor() >= lowered);
    // Another request is one.
    let granted = client.send();
    client.hears(&granted, 200, &[], false);
    advance(SECOND / 5).await;
    let before = client.factor();
    let other = client.send();
    client.hears(&other, 429, &[], false);
    assert!(client.factor() < before);
}

#[tokio::test(start_paused = true)]
async fn while_all_are_refused_the_rate_stays_and_requests_become_seldom() {
    let mut client = Client::new();
    advance(10 * SECOND).await;
    let sent = client.send();
    client.hears(&sent, 429, &[], false);
    let (mut pauses, factor) = (Vec::new(), client.factor());
    for _ in 0..12 {
        advance(SECOND).await;
        let sent = client.send();
        pauses.push(client.hears(&sent, 429, &[], false).unwrap());
    }
    assert!(client.factor() >= factor, "{factor} {}", client.factor());
    assert!(pauses.is_sorted() && pauses[0] == 2 * BACKOFF && pauses[11] == LONGEST_BACKOFF, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_late_grant_says_nothing_of_what_was_refused_since() {
    let mut client = Client::new();
    let late = client.send();
    let sent = client.send();
    advance(SECOND).await;
    client.hears(&sent, 429, &[], false);
    client.hears(&late, 200, &[], false);
    assert!(client.state.alone.is_some());
    assert_eq!(client.state.in_vain, 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_grows_in_a_pause() {
    let mut client = Client::new();
    advance(10 * SECOND).await;
    let late = client.send();
    let sent = client.send();
    assert_eq!(client.hears(&sent, 429, &[("retry-after", "20")], false), Some(20 * SECOND));
    let factor = client.factor();
    assert!(client.state.send(client.clock.now(), true).is_err());
    advance(19 * SECOND).await;
    client.hears(&late, 200, &[], false);
    assert_eq!(client.factor(), factor);
    advance(3 * SECOND).await;
    let sent = client.send();
    client.hears(&sent, 200, &[], false);
    assert!(client.factor() > factor);
}

#[tokio::test(start_paused = true)]
async fn new_names_of_policies_in_every_response_take_no_memory() {
    let mut client = Client::new();
    for i in 0..1000 {
        let sent = client.send();
        let (policy, left) = (format!("\"p{i}\";q=9;w=1"), format!("\"p{i}\";r=8;t=1"));
        client.hears(&sent, 200, &[("ratelimit-policy", &policy), ("ratelimit", &left)], false);
        assert!(client.state.mirrors.len() <= POLICIES);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_is_named_no_more_is_forgotten() {
    let mut client = Client::new();
    let sent = client.send();
    client.hears(&sent, 200, &[("ratelimit-policy", "\"p\";q=9;w=1"), ("ratelimit", "\"p\";r=8;t=1")], false);
    assert_eq!(client.state.mirrors.len(), 1);
    advance(FORGOTTEN + SECOND).await;
    client.state.send(client.clock.now(), false).unwrap();
    assert_eq!(client.state.mirrors.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_burst_keeps_what_is_spare_at_the_server_and_then_goes_at_its_rate() {
    let mut client = Client::new();
    let sent = client.send();
    client.hears(&sent, 200, &[("ratelimit-policy", "\"p\";q=100;w=10"), ("ratelimit", "\"p\";r=99;t=10")], false);
    let mut burst = 0;
    while client.state.send(client.clock.now(), false).is_ok() {
        burst += 1;
        assert!(burst < 1000);
    }
    assert_eq!(burst, 97);
    let mut paced = 0;
    for _ in 0..1000 {
        advance(SECOND / 100).await;
        paced += u32::from(client.state.send(client.clock.now(), false).is_ok());
    }
    assert!((98..=100).contains(&paced), "{paced}");
}

/// What a response says of a policy of 9 in a second.
fn named(name: &str, left: u64) -> [(&'static str, String); 2] {
    [("ratelimit-policy", format!("\"{name}\";q=9;w=1")), ("ratelimit", format!("\"{name}\";r={left};t=1"))]
}

#[tokio::test(start_paused = true)]
async fn of_too_many_policies_the_one_not_named_for_longest_goes() {
    let mut client = Client::new();
    for name in ["a", "b", "c", "d", "e", "f", "g", "h", "a", "i", "j"] {
        advance(SECOND).await;
        let sent = client.send();
        let fields = named(name, 8);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        client.hears(&sent, 200, &fields, false);
    }
    let mut names: Vec<_> = client.state.mirrors.iter().filter_map(|mirror| mirror.name.as_deref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "d", "e", "f", "g", "h", "i", "j"]);
}

#[tokio::test(start_paused = true)]
async fn a_policy_of_an_hour_is_known_for_two_while_nothing_is_sent() {
    let mut client = Client::new();
    let sent = client.send();
    let (policy, left) = ("\"p\";q=10;w=3600", "\"p\";r=0;t=3600");
    client.hears(&sent, 200, &[("ratelimit-policy", policy), ("ratelimit", left)], false);
    advance(FORGOTTEN + SECOND).await;
    assert!(client.state.send(client.clock.now(), false).is_err());
    advance(7200 * SECOND).await;
    client.state.send(client.clock.now(), false).unwrap();
    assert_eq!(client.state.mirrors.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_by_a_policy_that_is_followed_pauses_only_if_it_says_so() {
    let fields = [("x-ratelimit-limit", "100"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "10")];
    let mut client = Client::new();
    let sent = client.send();
    assert_eq!(client.hears(&sent, 429, &fields, false), None);
    let mut client = Client::new();
    let sent = client.send();
    let told = [fields.as_slice(), &[("retry-after", "1")]].concat();
    assert_eq!(client.hears(&sent, 429, &told, false), Some(SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_pause_within_another_is_none() {
    let mut client = Client::new();
    let late = client.send();
    let sent = client.send();
    assert_eq!(client.hears(&sent, 429, &[("retry-after", "20")], false), Some(20 * SECOND));
    advance(SECOND).await;
    assert_eq!(client.hears(&late, 429, &[("retry-after", "5")], false), None);
    assert_eq!(client.state.paused_until(client.clock.now()), Some(client.clock.now().after(19 * SECOND)));
}

#[tokio::test(start_paused = true)]
async fn the_more_round_trips_differ_the_more_is_spare_at_the_server() {
    for (differ, expected) in [(Duration::ZERO, 97..=97), (SECOND / 5, 60..=75)] {
        let mut client = Client::new();
        for i in 0..20 {
            let sent = client.send();
            advance(SECOND / 100 + differ * (i % 2)).await;
            let fields = [("ratelimit-policy", "\"p\";q=100;w=1"), ("ratelimit", "\"p\";r=99;t=1")];
            client.hears(&sent, 200, &fields, false);
        }
        let mut burst = 0;
        while burst < 1000 && client.state.send(client.clock.now(), false).is_ok() {
            burst += 1;
        }
        assert!(expected.contains(&burst), "{differ:?}: {burst}");
    }
}
