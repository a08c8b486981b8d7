//! A client that obeys what responses say is never refused.

mod seeds;

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::{Limit, Rate, TokenBucket};
use tollgate_http::client::Advice;
use tollgate_http::{Headers, Policy, Quota, Reset};

const SECOND: u64 = 1_000_000_000;

/// The service: a bucket, and what it says.
struct Service {
    policy: Policy,
    bucket: TokenBucket<ManualClock>,
}

impl Service {
    fn new(limit: Limit) -> Self {
        let policy = Policy::new("x", limit).expect("a limit");
        Self { policy, bucket: TokenBucket::with_clock(limit, ManualClock::new()).expect("a limit") }
    }

    /// Answers a request of so many units: whether it was granted, and the fields.
    fn answer(&self, amount: u64) -> (bool, HeaderMap) {
        let (granted, quotas, status) = match self.bucket.try_take(amount) {
            Ok(granted) => (true, Quota::each_granted([&self.policy], &granted), StatusCode::OK),
            Err(refused) => (false, Quota::each_refused([&self.policy], &refused), StatusCode::TOO_MANY_REQUESTS),
        };
        let mut fields = HeaderMap::new();
        Headers::DEFAULT.write(&quotas, status, SystemTime::UNIX_EPOCH, &mut fields);
        (granted, fields)
    }
}

/// A client that knows only what it was told: the policy, and `r` and `t` of the last response.
struct Client {
    quota: u64,
    window: u64,
    burst: u64,
    /// When it sent how much, in the last window.
    sent: VecDeque<(u64, u64)>,
    /// `r`, `t`, and when they came.
    last: Option<(u64, u64, u64)>,
    /// What it sent since, in the current span of `t`.
    used: (u64, u64),
}

impl Client {
    /// Reads the policy from a response, as the service would answer to a request of nothing.
    fn of(service: &Service) -> Self {
        let (_, fields) = service.answer(0);
        let advice = Advice::of(StatusCode::OK, &fields, SystemTime::UNIX_EPOCH).expect("fields");
        let [allowance] = advice.allowances() else { panic!("one policy") };
        let quota = allowance.quota.expect("q");
        Self {
            quota,
            window: allowance.window.expect("w").as_nanos() as u64,
            burst: allowance.burst.unwrap_or(quota),
            sent: VecDeque::new(),
            last: None,
            used: (0, 0),
        }
    }

    fn heard(&mut self, fields: &HeaderMap, now: u64) {
        let advice = Advice::of(StatusCode::OK, fields, SystemTime::UNIX_EPOCH).expect("fields");
        let allowance = &advice.allowances()[0];
        let reset = allowance.reset.expect("t").as_nanos() as u64;
        self.last = Some((allowance.available.expect("r"), reset, now));
        self.used = (0, 0);
    }

    /// How much it may send: at most `q` in any `w`; at most `r` in the first `t`, and as much, but
    /// at least 1, in each further `t`.
    fn may_send(&mut self, now: u64) -> u64 {
        while self.sent.front().is_some_and(|&(at, _)| now - at >= self.window) {
            self.sent.pop_front();
        }
        let sent: u64 = self.sent.iter().map(|&(_, amount)| amount).sum();
        let by_policy = self.quota.saturating_sub(sent);
        let Some((r, t, at)) = self.last else { return by_policy.min(self.burst.saturating_sub(sent)) };
        let span = (now - at) / t;
        if span != self.used.0 {
            self.used = (span, 0);
        }
        let in_span = if span == 0 { r } else { r.max(1) };
        by_policy.min(in_span.saturating_sub(self.used.1))
    }

    fn send(&mut self, amount: u64, now: u64) {
        self.sent.push_back((now, amount));
        self.used.1 += amount;
    }

    /// The next instant at which it may send more.
    fn next(&self, now: u64) -> u64 {
        let window = self.sent.front().map(|&(at, _)| at + self.window);
        let span = self.last.map(|(_, t, at)| at + ((now - at) / t + 1) * t);
        window.into_iter().chain(span).filter(|&at| at > now).min().unwrap_or(now + SECOND)
    }
}

/// A step of a client: what it sends of what it may, in how many requests, and what it hears.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// In 256ths of what it may send, of which 0 is one unit.
    share: u8,
    one_by_one: bool,
    lost: bool,
    /// Then it waits for the next instant at which it may send, or so many 256ths of a window.
    pause: Option<u8>,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let share = prop_oneof![Just(0), Just(255), any::<u8>()];
    let step = (share, any::<bool>(), any::<bool>(), proptest::option::of(any::<u8>()));
    let step = step.prop_map(|(share, one_by_one, lost, pause)| Step { share, one_by_one, lost, pause });
    proptest::collection::vec(step, 1..60)
}

fn limits() -> impl Strategy<Value = Limit> {
    let periods = prop_oneof![Just(SECOND), Just(60 * SECOND), Just(3600 * SECOND), 1_000_000..100 * SECOND];
    let capacity = prop_oneof![1..10_u64, 1..3000_u64];
    let start = prop_oneof![Just(255), Just(0), any::<u8>()];
    (prop_oneof![1..10_u64, 1..2000_u64], periods, capacity, start).prop_map(|(tokens, period, capacity, start)| {
        let rate = Rate::new(tokens, Duration::from_nanos(period)).expect("a period");
        Limit::new(rate, capacity).starting_with(capacity * u64::from(start) / 255)
    })
}

fn quota_is_within_capacity(limit: &Limit) -> bool {
    Policy::new("x", *limit).expect("a limit").quota() <= Some(limit.capacity)
}

/// Runs a client; fails at a refusal.
///
/// It knows the policy from the first. If the bucket is not full then, it also knows what is left.
fn run(limit: Limit, steps: &[Step], may_lose: bool) -> Result<(), TestCaseError> {
    let service = Service::new(limit);
    let mut client = Client::of(&service);
    if limit.start() < limit.capacity {
        client.heard(&service.answer(0).1, 0);
    }
    for step in steps {
        let now = service.bucket.clock().advance(Duration::ZERO).as_nanos();
        let amount = client.may_send(now);
        let amount = (amount * u64::from(step.share)).div_ceil(255).max(1).min(amount);
        let parts = if step.one_by_one { vec![1; amount.min(200) as usize] } else { vec![amount; 1] };
        let mut heard = None;
        for &part in parts.iter().filter(|&&part| part > 0) {
            let (granted, fields) = service.answer(part);
            prop_assert!(granted, "refused {} of {:?} at {}, told {:?}", part, limit, now, client.last);
            client.send(part, now);
            heard = Some(fields);
        }
        if let Some(fields) = heard.filter(|_| !(may_lose && step.lost)) {
            client.heard(&fields, now);
        }
        let next = match step.pause {
            None => client.next(now) - now,
            Some(part) => client.window / 256 * u64::from(part),
        };
        service.bucket.clock().advance(Duration::from_nanos(next));
    }
    Ok(())
}

proptest! {
    #![proptest_config(seeds::config(500, "tests/obedient_client.proptest-regressions"))]

    // Also where responses are lost, and the client goes by an older one.
    #[test]
    fn a_client_that_obeys_policy_and_what_is_left_is_never_refused(
        limit in limits().prop_filter("q is above C", quota_is_within_capacity),
        steps in steps(),
    ) {
        run(limit, &steps, true)?;
    }

    // The quota may be above the capacity. Then the first burst is that of the policy.
    #[test]
    fn a_client_that_hears_every_response_is_never_refused(limit in limits(), steps in steps()) {
        run(limit, &steps, false)?;
    }

    #[test]
    fn a_request_that_waits_for_retry_after_is_granted(
        limit in limits(),
        taken in 0..3000_u64,
        idle in 0..10 * SECOND,
        amount in 1..3000_u64,
    ) {
        let service = Service::new(limit);
        service.bucket.try_take(taken.min(limit.start())).expect("that is there");
        service.bucket.clock().advance(Duration::from_nanos(idle));
        let amount = amount.min(limit.capacity);
        let (granted, fields) = service.answer(amount);
        if !granted {
            let advice = Advice::of(StatusCode::TOO_MANY_REQUESTS, &fields, SystemTime::UNIX_EPOCH).expect("fields");
            let seconds = fields["retry-after"].to_str().unwrap().parse().unwrap();
            prop_assert_eq!(advice.wait(), Some(Duration::from_secs(seconds)));
            service.bucket.clock().advance(advice.wait().unwrap());
            prop_assert!(service.answer(amount).0);
        }
    }

    // As delta: the epoch is the same number of seconds from `now`.
    #[test]
    fn at_the_reset_all_is_available_again(limit in limits(), taken in 0..3000_u64) {
        let service = Service::new(limit);
        let granted = service.bucket.try_take(taken.min(limit.start())).expect("that is there");
        let quotas = Quota::each_granted([&service.policy], &granted);
        let (headers, mut fields) = (Headers::none().x_ratelimit(Reset::Delta), HeaderMap::new());
        headers.write(&quotas, StatusCode::OK, SystemTime::UNIX_EPOCH, &mut fields);
        let advice = Advice::of(StatusCode::OK, &fields, SystemTime::UNIX_EPOCH).expect("fields");
        let reset = advice.allowances()[0].reset.expect("it refills");
        service.bucket.clock().advance(reset);
        prop_assert_eq!(service.bucket.available(), limit.capacity);
    }

    // A second less would be too early: no wait is longer than it must be.
    #[test]
    fn retry_after_is_the_least_whole_second(limit in limits(), amount in 1..3000_u64) {
        let service = Service::new(limit.empty());
        let amount = amount.min(limit.capacity);
        let (_, fields) = service.answer(amount);
        let seconds: u64 = fields["retry-after"].to_str().unwrap().parse().unwrap();
        service.bucket.clock().advance(Duration::from_secs(seconds - 1));
        prop_assert!(seconds == 1 || !service.answer(amount).0);
    }
}

// So the client of these tests is at work: it takes all that the limit allows.
#[test]
fn an_obedient_client_gets_the_whole_rate() {
    let total_of = |limit: Limit| {
        let service = Service::new(limit);
        let (mut client, mut total) = (Client::of(&service), 0);
        loop {
            let now = service.bucket.clock().advance(Duration::ZERO).as_nanos();
            if now > 100 * SECOND {
                return total;
            }
            // A response may say that more is left.
            while let amount @ 1.. = client.may_send(now) {
                let (granted, fields) = service.answer(amount);
                assert!(granted);
                client.send(amount, now);
                client.heard(&fields, now);
                total += amount;
            }
            service.bucket.clock().advance(Duration::from_nanos(client.next(now) - now));
        }
    };
    assert!(total_of(Limit::per_second(10).capacity(10)) >= 1000);
    assert!(total_of(Limit::per_second(1).capacity(1)) >= 100);
}
