//! Owns what a layer was told, as its services share it. Never changes it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{Response, StatusCode, request};
use tollgate_http::Headers;

use super::refused_request::{self, RefusedRequest};
use super::settle::{Keyless, Settle};
use crate::gate::decide::{Asks, Decide};
use crate::gate::said::Said;
use crate::observe::observer::Observer;

type Exempt = Arc<dyn Fn(&request::Parts) -> bool + Send + Sync>;
type OnRefused = Arc<dyn Fn(&RefusedRequest<'_>) -> Response<Bytes> + Send + Sync>;

/// What all services of a layer share.
pub(crate) struct Settings<O> {
    pub(crate) gate: Arc<dyn Decide>,
    pub(crate) grpc: bool,
    pub(crate) headers: Headers,
    pub(crate) settle: Settle,
    pub(crate) keyless: Keyless,
    pub(crate) exempt: Vec<Exempt>,
    pub(crate) on_refused: Option<OnRefused>,
    pub(crate) observer: Arc<O>,
}

impl<O> Settings<O> {
    pub(crate) fn observed_by<P>(self, observer: P) -> Settings<P> {
        let Self { gate, grpc, headers, settle, keyless, exempt, on_refused, observer: _ } = self;
        Settings { gate, grpc, headers, settle, keyless, exempt, on_refused, observer: Arc::new(observer) }
    }

    pub(crate) fn settles_bytes(&self) -> bool {
        self.settle == Settle::ResponseBody
    }

    /// What a request is asked for beside the decision.
    pub(crate) fn asks(&self) -> Asks
    where
        O: Observer,
    {
        let settles_bytes = self.settles_bytes();
        let mut held = settles_bytes || O::OBSERVES;
        if !held {
            self.gate.each(&mut |limit| held |= limit.streams.by_response().is_some());
        }
        // Without fields, nothing is said of a grant.
        let said = self.headers.retry_after(true) != Headers::none();
        Asks { settles_bytes, held, said }
    }

    pub(crate) fn is_exempt(&self, request: &request::Parts) -> bool {
        self.exempt.iter().any(|exempt| exempt(request))
    }

    /// The response to a request that was refused.
    pub(crate) fn refusal(&self, request: &request::Parts, said: &Said) -> Response<Bytes> {
        let quotas = said.quotas();
        let refused = RefusedRequest::new(request, &quotas);
        let mut response = match &self.on_refused {
            Some(on_refused) => on_refused(&refused),
            None if self.grpc => refused.grpc(),
            None => refused.response(),
        };
        let status = response.status();
        self.headers.write(&quotas, status, SystemTime::now(), response.headers_mut());
        response
    }

    /// The response to a request whose key this limit lacks.
    pub(crate) fn keyless(&self, status: StatusCode, limit: &str) -> Response<Bytes> {
        let respond = if self.grpc { refused_request::keyless_grpc } else { refused_request::keyless };
        respond(status, limit)
    }
}

impl<O> Clone for Settings<O> {
    fn clone(&self) -> Self {
        Self {
            gate: Arc::clone(&self.gate),
            grpc: self.grpc,
            headers: self.headers,
            settle: self.settle,
            keyless: self.keyless,
            exempt: self.exempt.clone(),
            on_refused: self.on_refused.clone(),
            observer: Arc::clone(&self.observer),
        }
    }
}

impl<O> fmt::Debug for Settings<O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        self.gate.each(&mut |limit| names.push(limit.name));
        let Self { grpc, headers, settle, keyless, .. } = self;
        let mut shown = f.debug_struct("Settings");
        shown.field("limits", &names).field("grpc", grpc).field("headers", headers);
        shown.field("settle", settle).field("keyless", keyless).finish_non_exhaustive()
    }
}
