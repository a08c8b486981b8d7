//! Owns every decision: words, a time and amounts in, new words or a refusal out. Pure: it never
//! touches an atomic or a clock.
//!
//! - `refill`: `Refill`, the units that accrue in a time.
//! - `meter`: `Meter`, the arithmetic of one stream: what its word means, how each verb changes it.
//! - `unlimited`: the meter of a stream without a limit.
//! - `unit`: the choice of the unit that a stream is counted in.
//! - `limit_rule`: `LimitRule`, the rules that every limit keeps.
//! - `limits`: `Limits`, the meters of all streams, which decide together.
//! - `revision`: `Revision`, limits with their place among earlier and later ones.
//! - `succession`: `Succession`, a change from one revision to the next.
//! - `inherit`: `Inherit`, what a level becomes when limits change.
//! - `inherited`: `Inherited`, what a stream keeps of its word when its limit changes.
//! - `saving`: `Level`, what is saved of a stream, and what comes of it later.
//! - `granted`: `Granted`, what a take left.
//! - `refused`: `Refused`, why a call was refused and how long to wait.
//! - `seen`: `Seen`, what a decision saw of one stream.
//! - `wait_bounds`: `WaitBounds`, how far ahead a reservation may reach.

pub(crate) mod awaited;
pub(crate) mod due;
pub(crate) mod granted;
pub(crate) mod inherit;
pub(crate) mod inherited;
pub(crate) mod limit_rule;
pub(crate) mod limits;
pub(crate) mod meter;
pub(crate) mod refill;
pub(crate) mod refused;
pub(crate) mod revision;
pub(crate) mod saving;
pub(crate) mod seen;
pub(crate) mod succession;
pub(crate) mod unit;
pub(crate) mod unlimited;
pub(crate) mod wait_bounds;
