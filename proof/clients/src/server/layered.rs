//! Owns an axum service behind `TollgateLayer`. Never decides.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tollgate::{Limit, MultiBucket};
use tollgate_http::Headers;
use tollgate_tower::{Gate, GateList, Shared, TollgateLayer};
use tonic::service::Routes;

use super::served::Served;
use crate::Outcome;

/// An axum service with one limit for all requests.
#[derive(Debug)]
pub(crate) struct Layered {
    pub(crate) served: Served,
    bucket: Arc<MultiBucket<1>>,
}

impl Layered {
    /// Starts a service of HTTP.
    pub(crate) async fn start(headers: Headers, rate: u64, capacity: u64, latency: Duration) -> Outcome<Self> {
        let (bucket, gate) = gate(rate, capacity)?;
        let layer = TollgateLayer::new(gate).headers(headers);
        let router = Router::new().route("/", get(async || StatusCode::NO_CONTENT)).layer(layer);
        Ok(Self { served: Served::start(router, latency).await?, bucket })
    }

    /// Starts a service of gRPC, `grpc.health.v1.Health`.
    pub(crate) async fn start_grpc(rate: u64, capacity: u64, latency: Duration) -> Outcome<Self> {
        let (bucket, gate) = gate(rate, capacity)?;
        // It answers for the whole server, which serves.
        let (_, health) = tonic_health::server::health_reporter();
        let router = Routes::new(health).into_axum_router().layer(TollgateLayer::grpc(gate));
        Ok(Self { served: Served::start(router, latency).await?, bucket })
    }

    pub(crate) fn change(&self, rate: u64, capacity: u64) -> Outcome<()> {
        Ok(self.bucket.set_limits([Limit::per_second(rate).capacity(capacity)])?)
    }
}

fn gate(rate: u64, capacity: u64) -> Outcome<(Arc<MultiBucket<1>>, Gate<impl GateList>)> {
    let bucket = Arc::new(MultiBucket::new([Limit::per_second(rate).capacity(capacity)])?);
    let gate = Gate::new().limit(Shared::new("service", Arc::clone(&bucket)));
    Ok((bucket, gate))
}
