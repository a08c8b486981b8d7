//! Owns the client's side: requests that wait until a server would grant them. Never answers one.
//!
//! * `layer.rs`: the layer, as users configure it, and its plain form for other middleware.
//! * `own_limits.rs`: the limits of the client's own.
//! * `servers.rs`: one state for each server, in a bounded map.
//! * `server.rs`: the line before one server, and who is under way to it.
//! * `server_state.rs`: what is known of one server; pure.
//! * `mirror.rs`: one stated policy, as the server would count it; pure.
//! * `fixed_window.rs`: a policy that counts by windows; pure.
//! * `rate_search.rs`: the rate of a policy that does not state it; pure.
//! * `refills.rs`: whether a policy refills all the time; pure.
//! * `stated.rs`: what a response states of a policy, and what kind it is; pure.
//! * `jitter.rs`: how long a pause is; pure.
//! * `pass.rs`: one request under way, until its response.
//! * `service.rs`: the service, and its future.
//! * `copies.rs`: which requests may be sent again.
//! * `throttle_error.rs`: why a request was not sent.
//! * `throttle_observer.rs`: what can be observed.

pub(crate) mod copies;
pub(crate) mod fixed_window;
pub(crate) mod jitter;
pub(crate) mod layer;
pub(crate) mod mirror;
pub(crate) mod own_limits;
pub(crate) mod pass;
pub(crate) mod rate_search;
pub(crate) mod refills;
pub(crate) mod server;
pub(crate) mod server_state;
pub(crate) mod servers;
pub(crate) mod service;
pub(crate) mod stated;
pub(crate) mod throttle_error;
pub(crate) mod throttle_observer;
