//! The layer, the service that it makes, and what passes through.

// Owns requests and responses. Never decides: a gate does.
//
// - `layer`: `TollgateLayer`, what a user sets; `settings`: that, as the service has it.
// - `service`: `Tollgate`; `future`: a request from the first question to its response.
// - `refused_request`: what is known of a refusal, and the response to it.
// - `settle`: what a response corrects; `settling`: the guard that does it.
// - `body`: the body of a response, which is counted as it is sent.

pub(crate) mod body;
pub(crate) mod future;
pub(crate) mod layer;
pub(crate) mod refused_request;
#[expect(clippy::module_inception, reason = "a room holds the type that it is named after")]
pub(crate) mod service;
pub(crate) mod settings;
pub(crate) mod settle;
pub(crate) mod settling;
