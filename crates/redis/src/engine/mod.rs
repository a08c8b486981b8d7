//! Owns the way to the engine: addresses, connections, what a server must be like. Never a limit.
//!
//! - `engine`: which servers, and how they are talked to.
//! - `settings`: user, password, authority, times.
//! - `connection`: calls of scripts, by whichever server has the key.
//! - `node`: one server, connected when needed.
//! - `checks`: what is asked of a server at first.
//! - `warning`: what is not as it should be.
//! - `call_error`: a call without an answer, and whether it may have been done.

pub(crate) mod call_error;
mod checks;
pub(crate) mod connection;
mod engine;
mod node;
mod settings;
mod warning;

pub use engine::Engine;
pub use settings::Evictions;
pub use warning::EngineWarning;
