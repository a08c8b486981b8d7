//! What well-known services send, as they document it, read as a person would read it.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tollgate_http::client::{Advice, Allowance, Source};

/// Of the response: Wed, 03 Aug 2016 00:00:00 GMT.
const MADE_AT: &str = "Wed, 03 Aug 2016 00:00:00 GMT";

fn advice(status: u16, lines: &str) -> Option<Advice> {
    let mut fields = HeaderMap::new();
    fields.insert("date", HeaderValue::from_static(MADE_AT));
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        fields.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    // The client's clock is ten years off.
    let now = SystemTime::now() + Duration::from_secs(10 * 365 * 86_400);
    Advice::of(StatusCode::from_u16(status).unwrap(), &fields, now)
}

/// Whether it is a refusal, the wait in seconds, and of the first policy what is left and allowed.
type Read = (bool, Option<f64>, Option<u64>, Option<u64>);

fn read(status: u16, lines: &str) -> Read {
    let advice = advice(status, lines).expect("it speaks of a limit");
    let Allowance { available, quota, .. } = advice.allowances().first().cloned().unwrap_or_default();
    (advice.is_refusal(), advice.wait().map(|wait| wait.as_secs_f64()), available, quota)
}

#[test]
fn github() {
    let limits = |remaining: u64| {
        format!(
            "x-ratelimit-limit: 5000\nx-ratelimit-remaining: {remaining}\nx-ratelimit-used: 1\n\
             x-ratelimit-reset: 1470182460\nx-ratelimit-resource: core"
        )
    };
    assert_eq!(read(200, &limits(4999)), (false, None, Some(4999), Some(5000)));
    assert_eq!(read(403, &limits(0)), (true, Some(60.0), Some(0), Some(5000)));
    assert_eq!(read(429, &limits(0)), (true, Some(60.0), Some(0), Some(5000)));
    // The secondary limit; and a 403 for another reason.
    let secondary = format!("{}\nretry-after: 7", limits(4000));
    assert_eq!(read(403, &secondary), (true, Some(7.0), Some(4000), Some(5000)));
    assert_eq!(read(403, &limits(4000)), (false, None, Some(4000), Some(5000)));
}

#[test]
fn gitlab() {
    let lines = "RateLimit-Limit: 60\nRateLimit-Name: throttle_authenticated_web\nRateLimit-Observed: 67
        RateLimit-Remaining: 0\nRateLimit-Reset: 1470182430\nRateLimit-ResetTime: Wed, 03 Aug 2016 00:00:30 GMT
        Retry-After: 30";
    assert_eq!(read(429, lines), (true, Some(30.0), Some(0), Some(60)));
    let lines = lines.replace("Retry-After: 30", "");
    assert_eq!(read(429, &lines), (true, Some(30.0), Some(0), Some(60)));
}

#[test]
fn discord() {
    let lines = "X-RateLimit-Limit: 5\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1470182400.123
        X-RateLimit-Reset-After: 0.12\nX-RateLimit-Bucket: abcd1234";
    assert_eq!(read(200, lines), (false, Some(0.123), Some(0), Some(5)));
    let refused = format!("{lines}\nRetry-After: 65\nX-RateLimit-Global: true\nX-RateLimit-Scope: user");
    assert_eq!(read(429, &refused), (true, Some(65.0), Some(0), Some(5)));
}

#[test]
fn x_and_okta() {
    let lines = "x-rate-limit-limit: 15\nx-rate-limit-remaining: 0\nx-rate-limit-reset: 1470183300";
    assert_eq!(read(429, lines), (true, Some(900.0), Some(0), Some(15)));
    assert_eq!(advice(429, lines).unwrap().source(), Some(Source::XRateLimit));
    let lines = "X-Rate-Limit-Limit: 600\nX-Rate-Limit-Remaining: 599\nX-Rate-Limit-Reset: 1470182460";
    assert_eq!(read(200, lines), (false, None, Some(599), Some(600)));
}

#[test]
fn reddit() {
    let lines =
        |remaining: &str| format!("x-ratelimit-remaining: {remaining}\nx-ratelimit-used: 2\nx-ratelimit-reset: 325");
    assert_eq!(read(200, &lines("598.0")), (false, None, Some(598), None));
    assert_eq!(read(200, &lines("0.0")), (false, Some(325.0), Some(0), None));
}

#[test]
fn shopify() {
    let lines = "X-Shopify-Shop-Api-Call-Limit: 40/40\nRetry-After: 2.0";
    assert_eq!(read(429, lines), (true, Some(2.0), None, None));
    assert_eq!(advice(200, "X-Shopify-Shop-Api-Call-Limit: 32/40"), None);
}

#[test]
fn stripe() {
    let lines = "Stripe-Should-Retry: true\nStripe-Rate-Limited-Reason: endpoint-rate";
    assert_eq!(read(429, lines), (true, None, None, None));
    assert_eq!(advice(409, lines), None);
}

#[test]
fn openai() {
    let lines = "x-ratelimit-limit-requests: 60\nx-ratelimit-remaining-requests: 0\nx-ratelimit-reset-requests: 1s
        x-ratelimit-limit-tokens: 150000\nx-ratelimit-remaining-tokens: 149984\nx-ratelimit-reset-tokens: 6m0s";
    // Fields of its own, which no generation has.
    assert_eq!(advice(200, lines), None);
    assert_eq!(read(429, &format!("{lines}\nretry-after: 20")), (true, Some(20.0), None, None));
}

#[test]
fn cloudflare() {
    let lines = "Ratelimit: \"default\";r=50;t=30\nRatelimit-Policy: \"default\";q=100;w=60";
    assert_eq!(read(200, lines), (false, None, Some(50), Some(100)));
    let lines = "Ratelimit: \"default\";r=0;t=30\nRatelimit-Policy: \"default\";q=100;w=60\nretry-after: 31";
    assert_eq!(read(429, lines), (true, Some(31.0), Some(0), Some(100)));
}

#[test]
fn docker_hub_and_zendesk() {
    let lines = "ratelimit-limit: 100;w=21600\nratelimit-remaining: 76;w=21600\ndocker-ratelimit-source: 192.0.2.1";
    assert_eq!(read(200, lines), (false, None, Some(76), Some(100)));
    assert_eq!(advice(200, lines).unwrap().allowances()[0].window, Some(Duration::from_secs(21_600)));
    let lines = "X-Rate-Limit: 700\nX-Rate-Limit-Remaining: 0\nratelimit-limit: 700\nratelimit-remaining: 0
        ratelimit-reset: 42\nRetry-After: 93";
    assert_eq!(read(429, lines), (true, Some(93.0), Some(0), Some(700)));
}

#[test]
fn values_that_mean_harm() {
    for value in
        ["-1", "1e9", "0x10", "９", "99999999999999999999999", "0.0000001", "nan", "", ",", "1,,2", "\"5\"", "NaN.0"]
    {
        for name in ["x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"] {
            let mut fields = HeaderMap::new();
            fields.insert(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
            assert_eq!(Advice::of(StatusCode::OK, &fields, SystemTime::now()), None, "{name}: {value}");
        }
    }
    let endless = advice(429, "retry-after: 99999999999999999999999").unwrap();
    assert_eq!(endless.pause(Advice::MAX_PAUSE), Some(Advice::MAX_PAUSE));
}
