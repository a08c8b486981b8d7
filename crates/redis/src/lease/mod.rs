//! Owns what one process holds of a fleet's bucket: when it asks for more, how much, and when it
//! gives back. Never speaks to an engine, and never reads a clock.
//!
//! - `still`: the clock that stands still.
//! - `pool`: the tokens that takers take from, and the instant when some of them expire.
//! - `chunk`: the tokens of one grant.
//! - `ledger`: the chunks in the pool, by their deadlines.
//! - `requests`: who waits, and who was refused.
//! - `demand`: how much is used in a second.
//! - `share`: how much one grant may be while tokens are scarce.
//! - `pace`: when a trip may be made.
//! - `plan`: what to ask for next, and when.
//! - `account`: what became of every token.
//! - `settings`: the times that a holder goes by.
//! - `step`: what the driver does next.
//! - `holder`: the state machine over all of them.

pub(crate) mod account;
mod chunk;
mod demand;
pub(crate) mod holder;
mod ledger;
mod pace;
mod plan;
pub(crate) mod pool;
mod requests;
pub(crate) mod settings;
mod share;
pub(crate) mod step;
pub(crate) mod still;
#[cfg(test)]
mod tests;
