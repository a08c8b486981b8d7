//! Owns the questions that the tests ask a server, on a port of its own. Never limits them.

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use http::StatusCode;
use tollgate::keyed::IpKey;

use super::limited::Limits;

pub(super) fn desk(limits: &Limits) -> Router {
    let admissions = limits.admissions.clone();
    let outcomes = limits.admissions.clone();
    let undecided = limits.admissions.clone();
    let service = limits.service.clone();
    let clients = limits.clients.clone();
    Router::new()
        .route("/admissions", get(async move || admissions.text()))
        .route("/outcomes", get(async move || outcomes.outcomes().to_string()))
        .route("/undecided", get(async move || undecided.undecided().to_string()))
        .route("/service", get(async move || format!("{} {}", service.available(), service.debt())))
        .route(
            "/client/{address}",
            get(async move |Path(address): Path<String>| match address.parse() {
                Ok(address) => {
                    let key = IpKey::new(address);
                    let ([requests, bytes], [owed, bytes_owed]) = (clients.available(&key), clients.debt(&key));
                    (StatusCode::OK, format!("{requests} {bytes} {owed} {bytes_owed}"))
                }
                Err(error) => (StatusCode::BAD_REQUEST, format!("{address}: {error}")),
            }),
        )
}
