//! A web service whose limits are in a file: for each client requests and bytes, and one for all.
//!
//! ```text
//! cargo run --example axum_service --features config,metrics -- \
//!     crates/tower/examples/limits.toml 127.0.0.1:8080
//! curl -i http://127.0.0.1:8080/bytes/5000
//! curl http://127.0.0.1:8080/metrics
//! ```
//!
//! Change the file while it runs: a change that cannot be used is told, and the old limits stay.
//! Put a new file in its place: one that is written in place is also read, and told, half written.

use std::error::Error;
use std::io::{Write, stdout};
use std::net::SocketAddr;
use std::path::{self, PathBuf};
use std::process;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Path};
use axum::http::Method;
use axum::routing::get;
use lexopt::{Arg, Parser, ValueExt};
use metrics_exporter_prometheus::PrometheusBuilder;
use notify::{Event, RecursiveMode, Watcher};
use tokio::net::TcpListener;
use tollgate_http::config::{Config, Live};
use tollgate_tower::{ClientIp, Gate, MetricsObserver, PerKey, Settle, Shared, TollgateLayer};

const HELP: &str = "Usage: axum_service LIMITS.toml ADDRESS:PORT\n\nServes HTTP. Exits with 2 if it cannot begin.";

#[tokio::main]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("axum_service: {error}");
        process::exit(2);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let Some((file, address)) = arguments()? else { return Ok(writeln!(stdout(), "{HELP}")?) };
    let live = Arc::new(Live::new(Config::read_toml(&file)?));
    let ip = ClientIp::from_extension(|peer: &ConnectInfo<SocketAddr>| peer.0.ip()).configured(&live, "client")?;
    let gate = Gate::new()
        .limit(PerKey::from_config(&live, "client", ["requests", "bytes"])?.key(ip))
        .limit(Shared::from_config(&live, "service", ["requests"])?);
    // No request waits here. If yours do, call `run_upkeep` now and then: it empties histograms.
    let metrics = PrometheusBuilder::new().install_recorder()?;
    let layer = TollgateLayer::new(gate)
        .settle(Settle::ResponseBody)
        .exempt_method(Method::OPTIONS)
        .exempt_path("/health")
        .observe(MetricsObserver::described());
    let levels = layer.clone();
    let scrape = move || async move {
        levels.report();
        metrics.render()
    };
    let app = Router::new()
        .route("/bytes/{bytes}", get(|Path(bytes): Path<u16>| async move { "x".repeat(bytes.into()) }))
        .route("/health", get(|| async { "well\n" }))
        .layer(layer)
        .route("/metrics", get(scrape)); // behind no layer
    let _watcher = watch(file, live)?;
    let listener = TcpListener::bind(address).await.map_err(|error| format!("{address}: {error}"))?;
    println!("listening on {}", listener.local_addr()?);
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}

/// Reloads the file when anything in its folder changes: editors put a new file in its place.
fn watch(file: PathBuf, live: Arc<Live>) -> notify::Result<impl Watcher> {
    let folder = path::absolute(&file)?.with_file_name("");
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| match event {
        Ok(event) if event.kind.is_access() => {} // such as our own
        _ => match Config::read_toml(&file).and_then(|config| Ok(live.reload(config)?)) {
            Ok(changes) if changes.is_empty() => {}
            Ok(changes) => println!("{changes}"),
            Err(error) => eprintln!("axum_service: {error}; the old limits stay"),
        },
    })?;
    watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher)
}

/// The file and the address; nothing if help is asked for.
fn arguments() -> Result<Option<(PathBuf, SocketAddr)>, lexopt::Error> {
    let (mut file, mut address, mut parser) = (None, None, Parser::from_env());
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Value(value) if file.is_none() => file = Some(PathBuf::from(value)),
            Arg::Value(value) if address.is_none() => address = Some(value.parse()?),
            other => return Err(other.unexpected()),
        }
    }
    file.zip(address).map(Some).ok_or_else(|| "LIMITS.toml and ADDRESS:PORT are needed, see --help".into())
}
