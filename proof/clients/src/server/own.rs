//! Owns a server whose limiter and header fields are not tollgate's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::StatusCode;

use super::form::Form;
use super::limiter::{Limiter, Rule};
use super::served::Served;
use super::tally::since_1970;
use crate::Outcome;

/// An axum service that answers by a [`Limiter`], in one [`Form`].
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) served: Served,
    limiter: Arc<Mutex<Limiter>>,
}

impl Own {
    pub(crate) async fn start(rule: Rule, form: Form, rate: u64, capacity: u64, latency: Duration) -> Outcome<Self> {
        let limiter = Arc::new(Mutex::new(Limiter::new(rule, rate, capacity, since_1970())));
        let asked = Arc::clone(&limiter);
        let handler = async move || answer(&mut lock(&asked), form);
        let served = Served::start(Router::new().route("/", get(handler)), latency).await?;
        Ok(Self { served, limiter })
    }

    pub(crate) fn change(&self, rate: u64, capacity: u64) {
        lock(&self.limiter).change(rate, capacity, since_1970());
    }
}

fn answer(limiter: &mut Limiter, form: Form) -> Response {
    let verdict = limiter.ask(since_1970());
    let status = if verdict.granted { StatusCode::NO_CONTENT } else { StatusCode::TOO_MANY_REQUESTS };
    let mut response = status.into_response();
    form.write(&verdict, SystemTime::now(), response.headers_mut());
    response
}

fn lock(limiter: &Mutex<Limiter>) -> MutexGuard<'_, Limiter> {
    limiter.lock().unwrap_or_else(PoisonError::into_inner)
}
