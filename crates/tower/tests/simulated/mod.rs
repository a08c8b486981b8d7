//! Servers with a limit, of several kinds, behind a network with latency, on tokio's paused time.
#![allow(dead_code, reason = "each file of tests is a crate of its own, and uses some of it")]

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tokio::time::{Instant, sleep};
use tollgate::clock::TokioClock;
use tollgate::{Limit, MultiBucket};
use tollgate_http::{Draft, Headers, Policy, Quota, Reset, status};
use tollgate_tower::ThrottleLayer;
use tower::{Layer, Service, service_fn};

/// How a server counts, and what it says of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A bucket of tollgate's, with these fields.
    Bucket(Headers),
    /// The old triple, with the window in `RateLimit-Limit`.
    OldWithWindow,
    /// Windows of so many seconds, with `X-RateLimit` fields.
    Window(u64, Reset),
    /// Windows of so many seconds, with the IETF's fields.
    IetfWindow(u64),
    /// As nginx's `limit_req ... nodelay`: this status, and a `Retry-After` or none.
    Silent(u16, Option<u64>),
}

impl Kind {
    pub(crate) const D11: Self = Self::Bucket(Headers::ietf(Draft::D11));
    pub(crate) const OLD: Self = Self::Bucket(Headers::none().old_triple().retry_after(true));
    pub(crate) const X_DELTA: Self = Self::Bucket(Headers::none().x_ratelimit(Reset::Delta).retry_after(true));
    pub(crate) const X_EPOCH: Self = Self::Bucket(Headers::none().x_ratelimit(Reset::Epoch).retry_after(true));
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    pub(crate) kind: Kind,
    pub(crate) rate: u64,
    pub(crate) capacity: u64,
    /// Round trips take so many milliseconds, and up to so many more.
    pub(crate) latency: (f64, f64),
    /// So much of the limit is used by others, at random instants.
    pub(crate) others: f64,
    /// The limit changes by this factor at half time.
    pub(crate) change: f64,
    pub(crate) seconds: u64,
    pub(crate) seed: u64,
}

struct Counted {
    setup: Setup,
    origin: Instant,
    bucket: MultiBucket<1, TokioClock>,
    limit: Limit,
    window: (u64, u64),
    begin: f64,
    log: Vec<(f64, bool)>,
    rng: Rng,
}

const BASE: u64 = 1_800_000_000;

impl Counted {
    fn limit(setup: &Setup, factor: f64) -> Limit {
        Limit::per_second((setup.rate as f64 * factor) as u64)
            .capacity((setup.capacity as f64 * factor.min(1.0)).max(1.0) as u64)
    }

    fn new(setup: Setup) -> Self {
        let limit = Self::limit(&setup, 1.0);
        let bucket = MultiBucket::with_clock([limit], TokioClock::new()).unwrap();
        let mut rng = Rng::with_seed(setup.seed);
        let begin = rng.f64();
        Self { setup, origin: Instant::now(), bucket, limit, window: (0, 0), begin, log: Vec::new(), rng }
    }

    fn change(&mut self) {
        self.limit = Self::limit(&self.setup, self.setup.change);
        self.bucket.set_limit(self.limit).unwrap();
    }

    /// Takes one, and says so in fields.
    fn answer(&mut self, fields: &mut HeaderMap) -> StatusCode {
        let elapsed = self.origin.elapsed().as_secs_f64() + self.begin;
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(BASE as f64 + elapsed);
        match self.setup.kind {
            Kind::Bucket(headers) => {
                let policy = Policy::new("client", self.limit).unwrap();
                let code = match self.bucket.try_take([1]) {
                    Ok(_) => {
                        headers.write(
                            &[Quota::granted(&policy, self.bucket.available()[0])],
                            StatusCode::OK,
                            wall,
                            fields,
                        );
                        StatusCode::OK
                    }
                    Err(refused) => {
                        let quotas = Quota::each_refused([&policy], &refused);
                        let code = status(&quotas).unwrap();
                        headers.write(&quotas, code, wall, fields);
                        code
                    }
                };
                fields.insert(DATE, HeaderValue::try_from(httpdate::fmt_http_date(wall)).unwrap());
                code
            }
            Kind::OldWithWindow => {
                let window = (self.limit.capacity / self.limit.rate.tokens()).max(1);
                let refused = self.bucket.try_take([1]).err();
                let left = self.bucket.available()[0];
                let rate = self.limit.rate.tokens() as f64 / self.limit.rate.period().as_secs_f64();
                let quota = (rate * window as f64) as u64;
                fields
                    .insert("ratelimit-limit", HeaderValue::try_from(format!("{quota}, {quota};w={window}")).unwrap());
                fields.insert("ratelimit-remaining", left.into());
                fields.insert("ratelimit-reset", (((self.limit.capacity - left) as f64 / rate).ceil() as u64).into());
                if refused.is_some() { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::OK }
            }
            Kind::Window(seconds, _) | Kind::IetfWindow(seconds) => {
                let number = (elapsed / seconds as f64) as u64;
                if self.window.0 != number {
                    self.window = (number, 0);
                }
                let quota = self.limit.rate.tokens() * seconds;
                let code = if self.window.1 < quota {
                    self.window.1 += 1;
                    StatusCode::OK
                } else {
                    StatusCode::TOO_MANY_REQUESTS
                };
                let end = (number + 1) * seconds;
                let delta = (end as f64 - elapsed).ceil() as u64;
                let left = quota - self.window.1.min(quota);
                if let Kind::Window(_, reset) = self.setup.kind {
                    fields.insert("x-ratelimit-limit", quota.into());
                    fields.insert("x-ratelimit-remaining", left.into());
                    fields.insert("x-ratelimit-reset", if reset == Reset::Delta { delta } else { BASE + end }.into());
                } else {
                    let policy = format!("\"all\";q={quota};w={seconds}");
                    fields.insert("ratelimit-policy", HeaderValue::try_from(policy).unwrap());
                    let says = format!("\"all\";r={left};t={delta}");
                    fields.insert("ratelimit", HeaderValue::try_from(says).unwrap());
                }
                fields.insert(DATE, HeaderValue::try_from(httpdate::fmt_http_date(wall)).unwrap());
                if code != StatusCode::OK {
                    fields.insert(RETRY_AFTER, delta.into());
                }
                code
            }
            Kind::Silent(code, after) => {
                if self.bucket.try_take([1]).is_ok() {
                    return StatusCode::OK;
                }
                if let Some(after) = after {
                    fields.insert(RETRY_AFTER, after.into());
                }
                StatusCode::from_u16(code).unwrap()
            }
        }
    }
}

/// What the client got of the limit between two instants, and the share that was refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shares {
    pub(crate) used: f64,
    pub(crate) refused: f64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) before: Shares,
    pub(crate) after: Shares,
    /// Of all requests, from the first on.
    pub(crate) refused: f64,
}

/// Lets 50 tasks ask a server without a rest.
///
/// The limit changes at half time. The shares are those of what begins `settle` seconds after the
/// beginning, and after the change.
pub(crate) async fn run<R>(setup: Setup, layer: ThrottleLayer<R>, settle: f64) -> Outcome
where
    R: tollgate_tower::CopyBody<()>,
{
    let origin = Instant::now();
    let counted = Arc::new(Mutex::new(Counted::new(setup)));
    let server = Arc::clone(&counted);
    let inner = service_fn(move |_: Request<()>| {
        let server = Arc::clone(&server);
        async move {
            let (up, down) = {
                let rng = &mut server.lock().unwrap().rng;
                let mut half = || (setup.latency.0 + setup.latency.1 * rng.f64()) / 2000.0;
                (half(), half())
            };
            sleep(Duration::from_secs_f64(up)).await;
            let mut response = Response::new(());
            {
                let mut server = server.lock().unwrap();
                *response.status_mut() = server.answer(response.headers_mut());
                let entry = (origin.elapsed().as_secs_f64(), response.status() == StatusCode::OK);
                server.log.push(entry);
            }
            sleep(Duration::from_secs_f64(down)).await;
            Ok::<_, Infallible>(response)
        }
    });
    let service = layer.layer(inner);
    let mut tasks: Vec<_> = (0..50)
        .map(|_| {
            let mut service = service.clone();
            tokio::spawn(async move {
                loop {
                    if service.call(Request::new(())).await.is_err() {
                        return;
                    }
                }
            })
        })
        .collect();
    let half = setup.seconds as f64 / 2.0;
    {
        let counted = Arc::clone(&counted);
        tasks.push(tokio::spawn(async move {
            let mut rng = Rng::with_seed(setup.seed + 1);
            loop {
                let rate = setup.rate as f64 * setup.others;
                if rate == 0.0 {
                    return;
                }
                sleep(Duration::from_secs_f64(-(1.0 - rng.f64()).ln() / rate)).await;
                counted.lock().unwrap().answer(&mut HeaderMap::new());
            }
        }));
    }
    sleep(Duration::from_secs_f64(half)).await;
    if setup.change != 1.0 {
        counted.lock().unwrap().change();
    }
    sleep(Duration::from_secs_f64(half)).await;
    tasks.iter().for_each(|task| task.abort());
    let counted = counted.lock().unwrap();
    if std::env::var("BY_SECOND").is_ok() {
        let second = |second: u64| {
            let of =
                |granted: bool| counted.log.iter().filter(|(at, is)| *at as u64 == second && *is == granted).count();
            format!("{}+{}", of(true), of(false))
        };
        println!("{}", (0..setup.seconds).map(second).collect::<Vec<_>>().join(" "));
    }
    let shares = |from: f64, to: f64, rate: f64| {
        let within: Vec<_> = counted.log.iter().filter(|(at, _)| (from..to).contains(at)).collect();
        let granted = within.iter().filter(|(_, granted)| *granted).count() as f64;
        let rate = rate * (1.0 - setup.others);
        Shares { used: granted / (rate * (to - from)), refused: 1.0 - granted / (within.len() as f64).max(1.0) }
    };
    // Whole windows alone can be compared.
    let settle = match setup.kind {
        Kind::Window(seconds, _) | Kind::IetfWindow(seconds) => {
            let window = seconds as f64;
            (settle / window).ceil() * window - counted.begin
        }
        _ => settle,
    };
    let rate = setup.rate as f64;
    let changed = (rate * setup.change).trunc();
    Outcome {
        before: shares(settle, half - counted.begin.min(half - settle), rate),
        after: shares(half + settle, 2.0 * half - counted.begin, changed),
        refused: shares(0.0, 2.0 * half, rate).refused,
    }
}
