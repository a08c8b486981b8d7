//! Owns the comparison of the scripts with the exact model. Never a fault.

use std::env;

use engines::{Kind, Options, Server};

use super::lanes;

/// Asks on each engine, unless `TOLLGATE_ASKS` says how many.
const ASKS: u64 = 10_000;

async fn agrees(kind: Kind) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let number = |name: &str| env::var(name).ok().and_then(|number| number.parse().ok());
    let (asks, seed) = (number("TOLLGATE_ASKS").unwrap_or(ASKS), number("TOLLGATE_SEED").unwrap_or(1));
    let server = Server::start(kind, Options::default())?;
    let tally = lanes::agree(&server, seed, asks, &[]).await?;
    println!("{kind}: no disagreement: {tally:?}");
    // Each of these was met, and not once only.
    assert!(tally["asks"] >= asks && tally.len() == 15 && tally.values().all(|met| *met >= asks / 2000), "{tally:?}");
    Ok(())
}

#[tokio::test]
async fn redis_agrees_with_the_exact_model() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    agrees(Kind::Redis7).await
}

#[tokio::test]
async fn valkey_agrees_with_the_exact_model() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    agrees(Kind::Valkey8).await
}
