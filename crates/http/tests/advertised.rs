//! What responses say of a limit: the quota, the window, the burst, and what is left.

mod seeds;

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};
use tollgate_http::{Headers, Name, Policy, Quota, Refusal, Unit};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn fields(quotas: &[Quota<'_>]) -> HeaderMap {
    let mut fields = HeaderMap::new();
    let refused = quotas.iter().any(|quota| quota.refusal().is_some());
    let status = if refused { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK };
    Headers::ALL.write(quotas, status, SystemTime::now(), &mut fields);
    fields
}

/// The parameters of the only item of a field, without its name.
fn parameters(fields: &HeaderMap, name: &str) -> Option<String> {
    let text = fields.get(name)?.to_str().expect("ASCII");
    Some(text.strip_prefix("\"x\";").expect("its name").to_owned())
}

#[test]
fn the_table_of_limits_holds_in_every_cell() -> Outcome {
    // The limit; its policy; full, half full, and refused while empty.
    let table = [
        ("10/s capacity 100", "q=100;w=10", Some("r=100;t=10"), Some("r=50;t=5"), "r=0;t=1"),
        ("5/min capacity 20", "q=20;w=240", Some("r=20;t=240"), Some("r=10;t=120"), "r=0;t=12"),
        ("1/3s capacity 1", "q=1;w=3", Some("r=1;t=3"), None, "r=0;t=3"),
        ("1000/s capacity 50", "q=1000;w=1;tollgate-burst=50", Some("r=50;t=1"), Some("r=25;t=1"), "r=0;t=1"),
    ];
    for (text, policy, full, half, empty) in table {
        let limit: Limit = text.parse()?;
        let named = Policy::new("x", limit)?;
        assert_eq!(named.to_string(), format!("\"x\";{policy}"), "{text}");
        for (taken, expected) in [(0, full), (limit.capacity / 2, half)] {
            let Some(expected) = expected else { continue };
            let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
            let fields = fields(&Quota::each_granted([&named], &bucket.try_take(taken)?));
            assert_eq!(parameters(&fields, "ratelimit").as_deref(), Some(expected), "{text} less {taken}");
            assert_eq!(parameters(&fields, "ratelimit-policy").as_deref(), Some(policy), "{text}");
        }
        let bucket = TokenBucket::with_clock(limit.empty(), ManualClock::new())?;
        let fields = fields(&Quota::each_refused([&named], &bucket.try_take(1).unwrap_err()));
        assert_eq!(parameters(&fields, "ratelimit").as_deref(), Some(empty), "{text}, empty");
    }
    Ok(())
}

// A peer advertises q=1;w=1 for it, which is 60 a minute.
#[test]
fn forty_a_minute_with_burst_one_is_one_in_two_seconds() -> Outcome {
    let policy = Policy::new("x", "40/min capacity 1".parse()?)?;
    assert_eq!(policy.to_string(), "\"x\";q=1;w=2");
    let bucket = TokenBucket::with_clock(policy.limit(), ManualClock::new())?;
    bucket.try_take(1)?;
    let refused = bucket.try_take(1).unwrap_err();
    assert_eq!(refused.wait(), Some(Duration::from_millis(1500)));
    let fields = fields(&Quota::each_refused([&policy], &refused));
    assert_eq!(fields["ratelimit"], "\"x\";r=0;t=2");
    assert_eq!(fields["retry-after"], "2");
    Ok(())
}

#[test]
fn an_unlimited_stream_is_not_mentioned() -> Outcome {
    let [open, client] = [Policy::new("open", Limit::UNLIMITED)?, Policy::new("x", Limit::per_second(10))?];
    assert!(fields(&[Quota::granted(&open, u64::MAX)]).is_empty());
    let fields = fields(&[Quota::granted(&open, u64::MAX), Quota::granted(&client, 4)]);
    assert_eq!(fields["ratelimit"], "\"x\";r=4;t=1");
    assert_eq!(fields["ratelimit-policy"], "\"x\";q=10;w=1");
    assert_eq!(fields["x-ratelimit-remaining"], "4");
    Ok(())
}

#[test]
fn a_rate_of_0_has_no_window_and_no_reset() -> Outcome {
    let policy = Policy::new("x", Limit::per_second(0).capacity(5))?;
    let bucket = TokenBucket::with_clock(policy.limit(), ManualClock::new())?;
    let granted = fields(&Quota::each_granted([&policy], &bucket.try_take(3)?));
    assert_eq!(granted["ratelimit-policy"], "\"x\";q=5");
    assert_eq!(granted["ratelimit"], "\"x\";r=2");
    assert_eq!(granted["x-ratelimit-remaining"], "2");
    let refused = Quota::each_refused([&policy], &bucket.try_take(3).unwrap_err());
    assert_eq!(refused[0].refusal(), Some(Refusal::Unknown));
    let refused = fields(&refused);
    assert_eq!(refused["ratelimit"], "\"x\";r=2");
    for fields in [granted, refused] {
        for name in ["retry-after", "ratelimit-reset", "x-ratelimit-reset"] {
            assert!(!fields.contains_key(name), "{name}");
        }
    }
    Ok(())
}

#[test]
fn a_granted_request_that_took_the_last_token_says_when_the_next_one_comes() -> Outcome {
    let policy = Policy::new("x", "1/3s capacity 1".parse()?)?;
    let bucket = TokenBucket::with_clock(policy.limit(), ManualClock::new())?;
    let fields = fields(&Quota::each_granted([&policy], &bucket.try_take(1)?));
    assert_eq!(fields["ratelimit"], "\"x\";r=0;t=3");
    Ok(())
}

#[test]
fn a_stream_in_debt_says_when_its_next_token_comes() -> Outcome {
    let policies = [Policy::new("requests", Limit::per_second(10))?, Policy::new("bytes", Limit::per_second(10))?];
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock([policies[0].limit(), policies[1].limit()], &clock)?;
    bucket.charge([0, 50])?; // 40 are owed: 4.1 s to the next
    let granted = bucket.try_take([1, 0])?;
    let quotas = Quota::each_granted([&policies[0], &policies[1]], &granted);
    assert_eq!(fields(&quotas)["ratelimit"], "\"requests\";r=9;t=1, \"bytes\";r=0;t=5");
    assert_eq!(fields(&quotas)["x-ratelimit-reset"], "5");
    clock.advance(Duration::from_secs(4));
    assert!(bucket.try_take([0, 1]).is_err());
    clock.advance(Duration::from_secs(1));
    assert!(bucket.try_take([0, 1]).is_ok());
    Ok(())
}

#[test]
fn names_and_units_are_escaped() -> Outcome {
    let unit = Unit::Other(Name::new(r#"a\b"#)?);
    let policy = Policy::new(r#"the "big" one"#, Limit::per_second(5))?.unit(unit);
    assert_eq!(policy.to_string(), r#""the \"big\" one";q=5;qu="a\\b";w=1"#);
    Ok(())
}

#[test]
fn names_that_no_field_can_carry_are_refused() {
    for name in ["", "a\nb", "a\rb", "a\0", "tab\t", "é", "\u{7f}", &"x".repeat(1025)] {
        assert!(Policy::new(name.to_owned(), Limit::per_second(5)).is_err(), "{name:?}");
    }
    assert!(Policy::new("x".repeat(1024), Limit::per_second(5)).is_ok());
}

#[test]
fn a_limit_that_no_bucket_can_keep_is_refused() {
    let error = Policy::new("x", Limit::per_second(5).capacity(0)).unwrap_err();
    let text = "policy of stream 0, limit 5/s capacity 0: a capacity is at least 1 token";
    assert_eq!(error.to_string(), text);
}

#[test]
fn shared_values_are_send_and_sync() {
    fn check<T: Send + Sync + std::fmt::Debug>() {}
    check::<Policy>();
    check::<Quota<'static>>();
    check::<Headers>();
    check::<tollgate_http::client::Advice>();
}

/// Limits that buckets can keep, up to the largest numbers.
fn limits() -> impl Strategy<Value = Limit> {
    let periods = prop_oneof![Just(1), Just(1000), Just(1_000_000_000), Just(3_600_000_000_000), 1..1_000_000_000_u64];
    let limit = (0..64_u32, any::<u64>(), periods, 0..64_u32, any::<u64>()).prop_map(
        |(shift, tokens, period, less, capacity)| {
            let rate = Rate::new(tokens >> shift, Duration::from_nanos(period)).expect("a period");
            Limit::new(rate, (capacity >> less).max(1))
        },
    );
    limit.prop_filter("a bucket cannot keep it", |limit| limit.check().is_ok())
}

proptest! {
    #![proptest_config(seeds::config(256, "tests/advertised.proptest-regressions"))]

    #[test]
    fn integers_have_at_most_15_digits_and_no_field_names_a_client(
        limit in limits(),
        available: u64,
        full: u64,
        wait: u64,
    ) {
        let policy = Policy::new("x", limit).unwrap();
        let refusal = Refusal::Wait(Duration::from_secs(wait));
        for quota in [Quota::granted(&policy, available), Quota::refused(&policy, available, refusal)] {
            for (name, value) in &fields(&[quota.full_in(Duration::from_secs(full))]) {
                let text = value.to_str().unwrap();
                let digits = |part: &str| part.parse::<u64>().is_ok() && part.len() <= 15;
                for part in text.split([';', '=']) {
                    let known = ["\"x\"", "q", "w", "tollgate-burst", "r", "t"].contains(&part);
                    prop_assert!(known || digits(part), "{}: {}", name, text);
                }
            }
        }
    }
}

#[test]
fn numbers_of_more_than_15_digits_are_cut() -> Outcome {
    let policy = Policy::new("x", Limit::per_second(10_000_000_000).capacity(2_000_000_000_000_000))?;
    assert_eq!(policy.to_string(), "\"x\";q=999999999999999;w=200000");
    let fields = fields(&[Quota::granted(&policy, 2_000_000_000_000_000)]);
    assert_eq!(fields["ratelimit"], "\"x\";r=999999999999999;t=100000");
    assert_eq!(fields["x-ratelimit-limit"], "999999999999999");
    Ok(())
}
