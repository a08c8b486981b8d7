//! Requests that wait, settle and hang up at random: when all is over, nothing was lost or minted.
//! On tokio's paused time. No bucket is ever full, so that each token shows.

mod common;

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use common::{Random, echo, get, keyed_by_name};
use http::{Request, StatusCode, request};
use http_body_util::BodyExt;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};
use tollgate::clock::TokioClock;
use tollgate::gate::Charge;
use tollgate::{KeyedBuckets, Limit, MultiBucket};
use tollgate_tower::{Gate, PerKey, Settle, Shared, TollgateLayer};
use tower::{Layer, Service};

const CAPACITY: u64 = 1_000_000;
/// What is taken of a client's bucket at first.
const BEFORE: u64 = 500_000;

#[derive(Clone, Copy, Debug)]
struct Estimate(u64);

fn cost(request: &request::Parts) -> [u64; 2] {
    [1, request.extensions.get::<Estimate>().unwrap().0]
}

fn ask(estimate: u64, bytes: u64) -> Request<u64> {
    let mut request = get("a", bytes);
    request.extensions_mut().insert(Estimate(estimate));
    request
}

async fn run(seed: u64, charge: Charge) {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let (begin, clock) = (Instant::now(), TokioClock::new());
    let limits = |rates: [u64; 2]| rates.map(|rate| Limit::per_second(rate).capacity(CAPACITY));
    let clients = Arc::new(KeyedBuckets::<String, 2, _>::with_clock(limits([100, 10_000]), 10, clock).unwrap());
    let all = Arc::new(MultiBucket::with_clock(limits([20, 2000]).map(Limit::empty), clock).unwrap());
    clients.try_take("a", [BEFORE; 2]).unwrap();
    let client = PerKey::new("client", Arc::clone(&clients)).key(keyed_by_name).cost(cost).charge(charge);
    let gate = Gate::new().limit(client).limit(Shared::new("service", Arc::clone(&all)).cost(cost));
    let gate = gate.wait_at_most(Duration::from_millis(200 + random.below(400)));
    let mut service = TollgateLayer::new(gate).settle(Settle::ResponseBody).layer(echo());

    let mut tasks = Vec::new();
    // What attempts took of the client's bucket, and what was used of both.
    let (mut attempted, mut used) = ([0; 2], [0; 2]);
    for _ in 0..120 {
        let (estimate, bytes) = (1 + random.below(150), random.below(300));
        let mut future = Box::pin(service.call(ask(estimate, bytes)));
        match random.below(6) {
            // Never asked in earnest.
            0 => {}
            // Hangs up after the first poll.
            1 => {
                let ready = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                let is_granted = matches!(&ready, std::task::Poll::Ready(Ok(response)) if response.status() == 200);
                let total = if is_granted { &mut used } else { &mut attempted };
                total[0] += 1;
                // Nothing was sent of what was granted.
                total[1] += if is_granted { 0 } else { estimate };
            }
            _ => {
                let (patience, frames) = (random.below(700), random.below(40));
                tasks.push(tokio::spawn(async move {
                    let Ok(response) = timeout(Duration::from_millis(patience), future).await else {
                        return (false, estimate);
                    };
                    let response = response.unwrap();
                    if response.status() != StatusCode::OK {
                        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
                        return (false, estimate);
                    }
                    let (mut body, mut sent) = (response.into_body(), 0);
                    for _ in 0..frames {
                        let Some(frame) = body.frame().await else { break };
                        sent += frame.unwrap().into_data().unwrap().len() as u64;
                        if sent % 3 == 0 {
                            sleep(Duration::from_millis(5)).await;
                        }
                    }
                    (true, sent)
                }));
            }
        }
        match random.below(3) {
            0 => yield_now().await,
            1 => sleep(Duration::from_millis(random.below(120))).await,
            _ => {}
        }
    }
    for task in tasks {
        let (is_granted, bytes) = task.await.unwrap();
        let total = if is_granted { &mut used } else { &mut attempted };
        total[0] += 1;
        total[1] += bytes;
    }
    sleep(Duration::from_secs(20)).await;
    let refilled = |rate: u128| (rate * begin.elapsed().as_nanos() / 1_000_000_000) as u64;
    let what = format!("seed {seed}, {charge:?}, used {used:?}, attempted {attempted:?}, {:?}", begin.elapsed());
    assert_eq!(all.available(), [refilled(20) - used[0], refilled(2000) - used[1]], "{what}");
    let counted = if charge == Charge::OnAttempt { attempted } else { [0; 2] };
    let left = |stream: usize, rate| CAPACITY - BEFORE + refilled(rate) - used[stream] - counted[stream];
    assert_eq!(clients.available("a"), [left(0, 100), left(1, 10_000)], "{what}");
    assert!(used[0] > 10 && attempted[0] > 10, "{what}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_or_minted_whoever_waits_hangs_up_or_sends_less() {
    for seed in 1..=60 {
        run(seed, Charge::OnAdmission).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_hung_up_or_came_too_late_counts_once_at_its_own_limit_and_nowhere_else() {
    for seed in 1..=60 {
        run(seed, Charge::OnAttempt).await;
    }
}
