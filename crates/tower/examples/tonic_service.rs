//! A gRPC service with a limit for each API key, and a client that obeys it.
//!
//! Each key has 5 calls a second, and 4 at once. A call waits in turn for up to 200 ms; one that
//! would wait longer is refused with `RESOURCE_EXHAUSTED` and the exact wait. The client makes 14
//! calls at once, reads the wait of those that are refused, and comes back when it is over.
//!
//! ```text
//! cargo run --example tonic_service
//! ```
//!
//! It ends by itself in a second: with 0 if all was as it should be, else with 1 and the reason.

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tollgate::{KeyedBuckets, Limit};
use tollgate_tower::{Gate, Keyless, Observer, Outcome, PerKey, TollgateLayer};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Channel, Server};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::server::health_reporter;
use tonic_types::StatusExt;

const LIMIT: Limit = Limit::per_second(5).capacity(4);
const LONGEST_WAIT: Duration = Duration::from_millis(200);
const CALLS: usize = 14;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let program = async { tokio::time::timeout(Duration::from_secs(20), run()).await? };
    match program.await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tonic_service: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let waited = Arc::new(Waited::default());
    let channel = serve(Arc::clone(&waited)).await?;

    let nobody = call(&channel, None).await;
    expect(matches!(&nobody, Err(status) if status.code() == Code::Unauthenticated), "a call without a key", &nobody)?;

    let mut calls = JoinSet::new();
    for _ in 0..CALLS {
        let channel = channel.clone();
        calls.spawn(async move { (call(&channel, Some("alice")).await, Instant::now()) });
    }
    let (mut granted, mut come_back) = (0, Vec::new());
    while let Some(call) = calls.join_next().await {
        match call? {
            (Ok(()), _) => granted += 1,
            (Err(status), at) => {
                expect(status.code() == Code::ResourceExhausted, "the code of a refusal", &status)?;
                let wait = status.get_details_retry_info().and_then(|info| info.retry_delay);
                let wait = wait.ok_or_else(|| format!("no wait: {status:?}"))?;
                // It waits for one call, behind one that waits.
                expect((1..=400).contains(&wait.as_millis()), "the wait of a refusal", &wait)?;
                come_back.push(at + wait);
            }
        }
    }
    let waited = waited.0.load(Ordering::Relaxed);
    println!("of {CALLS} calls {granted} were granted, {waited} of them in turn; {} were refused", come_back.len());
    expect(granted >= 5 && waited >= 1, "4 calls at once and 1 in turn", &(granted, waited))?;

    // Another key has a limit of its own.
    let bob = call(&channel, Some("bob")).await;
    expect(bob.is_ok(), "a call of another client", &bob)?;

    let back = come_back.into_iter().min().ok_or("no call was refused")?;
    tokio::time::sleep_until(back.into()).await;
    let again = call(&channel, Some("alice")).await;
    expect(again.is_ok(), "a call after the wait", &again)?;
    println!("the first that came back when it was told to was granted");
    Ok(())
}

/// Serves behind the layer, for as long as the program runs. Returns a way to it.
async fn serve(observer: Arc<Waited>) -> Result<Channel, Failure> {
    let by_key = |parts: &http::request::Parts| Some(parts.headers.get("x-api-key")?.to_str().ok()?.to_owned());
    let clients = Arc::new(KeyedBuckets::<String>::new(LIMIT, 10_000)?);
    let gate = Gate::new().limit(PerKey::new("client", clients).key(by_key)).wait_at_most(LONGEST_WAIT);
    let layer = TollgateLayer::grpc(gate).when_keyless(Keyless::Refuse(StatusCode::UNAUTHORIZED)).observe(observer);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (_, health) = health_reporter();
    let server = Server::builder().layer(layer).add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    Ok(Channel::from_shared(format!("http://{address}"))?.connect().await?)
}

/// Asks the service whether it is well.
async fn call(channel: &Channel, key: Option<&'static str>) -> Result<(), Status> {
    let mut request = Request::new(HealthCheckRequest::default());
    if let Some(key) = key {
        request.metadata_mut().insert("x-api-key", key.parse().map_err(|_| Status::invalid_argument(key))?);
    }
    HealthClient::new(channel.clone()).check(request).await.map(drop)
}

fn expect(is_so: bool, what: &str, but: &impl std::fmt::Debug) -> Result<(), Failure> {
    if is_so { Ok(()) } else { Err(format!("{what}: {but:?}").into()) }
}

/// Counts the calls that waited in turn.
#[derive(Default)]
struct Waited(AtomicUsize);

impl Observer for Waited {
    fn decided(&self, _limit: &str, outcome: Outcome, _waited: Duration) {
        if outcome == Outcome::Waited {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}
