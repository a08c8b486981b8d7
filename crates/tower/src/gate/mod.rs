//! The limits of a service, narrow to wide, and what each request takes from them.

// Owns how a request becomes amounts of keyed and shared buckets. Never a response.
//
// - `gate`: `Gate`, the list of limits and how long a request may wait.
// - `limit`: `RequestLimit`, what a gate needs of one limit; `chain`: the same of all.
// - `per_key`: `PerKey`, a bucket for each client; `shared`: `Shared`, one for all.
// - `request_key`: `RequestKey`, how a request says whose it is; `client_ip`: by its address.
// - `configured`: limits and clients as a configuration names them.
// - `streams`: what the streams of a limit count, and what a request costs.
// - `advertised`: what is advertised of a limit.
// - `decide`: a gate as one object, whatever its limits; `said`: what they said.

pub(crate) mod advertised;
pub(crate) mod chain;
pub(crate) mod client_ip;
#[cfg(feature = "config")]
mod configured;
pub(crate) mod decide;
#[expect(clippy::module_inception, reason = "a room holds the type that it is named after")]
pub(crate) mod gate;
pub(crate) mod limit;
pub(crate) mod per_key;
pub(crate) mod request_key;
pub(crate) mod said;
pub(crate) mod shared;
pub(crate) mod streams;
