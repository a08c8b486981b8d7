//! Owns a service of gRPC behind `TollgateLayer::grpc`. Never decides.

use std::future::Future;
use std::sync::Arc;

use tokio::net::TcpListener;
use tollgate::keyed::IpKey;
use tollgate::{KeyedBuckets, TokenBucket};
use tollgate_tower::{ClientIp, Gate, PerKey, Shared, TollgateLayer};
use tonic::transport::Server;
use tonic::transport::server::{TcpConnectInfo, TcpIncoming};

use super::settings::Settings;
use crate::Outcome;

/// Serves `grpc.health.v1.Health`, which needs no protoc.
pub(super) fn serve(
    settings: &Settings,
    listener: TcpListener,
) -> Outcome<impl Future<Output = Result<(), tonic::transport::Error>> + use<>> {
    let peer = ClientIp::from_request(|request| Some(request.extensions.get::<TcpConnectInfo>()?.remote_addr()?.ip()));
    let clients = Arc::new(KeyedBuckets::<IpKey>::new(settings.client, 1000)?);
    let service = Arc::new(TokenBucket::new(settings.service)?);
    let gate = Gate::new().limit(PerKey::new("client", clients).key(peer)).limit(Shared::new("service", service));
    let (reporter, health) = tonic_health::server::health_reporter();
    // It answers for the whole server, which serves.
    drop(reporter);
    let server = Server::builder().layer(TollgateLayer::grpc(gate)).add_service(health);
    Ok(server.serve_with_incoming(TcpIncoming::from(listener)))
}
