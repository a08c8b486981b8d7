//! Owns the sockets and the runtime. Never decides.

use std::net::SocketAddr;

use axum::Router;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket};

use super::desk::desk;
use super::limited::{self, Limits};
use super::settings::Settings;
use super::{peer, rpc};
use crate::Outcome;

/// Serves until the standard input ends, so that no server outlives the program that started it.
///
/// Prints a line for each server, as `NAME ADDRESS`, and `ready`.
///
/// # Errors
///
/// What failed: a limit that no bucket can have, a port that cannot be bound.
pub fn serve(settings: &Settings) -> Outcome<()> {
    tokio::runtime::Runtime::new()?.block_on(all(settings))
}

async fn all(settings: &Settings) -> Outcome<()> {
    let limits = Limits::new(settings)?;
    let rpc_listener = listener()?;
    println!("grpc {}", rpc_listener.local_addr()?);
    tokio::spawn(rpc::serve(settings, rpc_listener)?);
    for (name, router) in [
        ("full", limited::full(settings, &limits)?),
        ("alike", limited::alike(settings)?),
        ("peer", peer::governed(settings)?),
        ("bare", limited::bare()),
        ("desk", desk(&limits)),
    ] {
        let listener = listener()?;
        println!("{name} {}", listener.local_addr()?);
        tokio::spawn(run(listener, router, settings.knows_peers));
    }
    println!("ready");
    let mut end = Vec::new();
    tokio::io::stdin().read_to_end(&mut end).await?;
    Ok(())
}

async fn run(listener: TcpListener, router: Router, knows_peers: bool) -> std::io::Result<()> {
    if knows_peers {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await
    } else {
        axum::serve(listener, router).await
    }
}

/// A port that the system chooses, with room for many that connect at once.
fn listener() -> Outcome<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    Ok(socket.listen(4096)?)
}
