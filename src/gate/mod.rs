//! One decision over several buckets: a client's and the service's, say.
//!
//! [`Gate`] has the guarantees.
//!
//! | type | for |
//! |---|---|
//! | [`Gate`] | the limits of one call, narrow to wide, and what it takes from each |
//! | [`GateAt`] | the same at a time that the caller supplies |
//! | [`GateGranted`] | what was taken; it can be put back or settled |
//! | [`GateRefused`] | which limits refused, why, and for how long |
//! | [`GateSeen`] | what each limit has, and that the call would be granted |
//! | [`LimitSeen`] | one limit of any of these |
//! | [`Limited`], [`GateLimits`] | one limit, and those of a gate, in generic code |
//! | [`LimitedKeys`] | the limits of keys, in generic code |
//! | [`steps`] | what a limit of another crate implements |
//! | [`Charge`] | whether an attempt counts that a wider limit refuses |

// Owns the decision over several buckets. Never decides what a bucket grants: the bucket does.
//
// - `gate`: `Gate`, how it is built, and the verbs that decide at once.
// - `gate_wait`: the verbs that wait; `gate_at`: the verbs at a supplied time.
// - `limited`: what a gate needs of a limit, in one place.
// - `plain`: the buckets of one limit or several; `key`, `key_owned`: the bucket of a key.
// - `keys`: what generic code needs of the limits of keys.
// - `list`: the limits of a gate: how they are looked at, taken from and put back, in order.
// - `wait`: how they are waited for, in order.
// - `seen`: what one limit said; `granted`, `refused`: what all of them said.
// - `charge`: `Charge`.

pub(crate) mod charge;
pub(crate) mod gate;
pub(crate) mod gate_at;
pub(crate) mod gate_wait;
pub(crate) mod granted;
#[cfg(feature = "keys")]
pub(crate) mod key;
#[cfg(feature = "keys")]
pub(crate) mod key_owned;
pub(crate) mod keys;
pub(crate) mod limited;
pub(crate) mod list;
pub(crate) mod plain;
pub(crate) mod refused;
pub(crate) mod seen;
pub(crate) mod wait;

pub use charge::Charge;
pub use gate::Gate;
pub use gate_at::GateAt;
pub use granted::GateGranted;
pub use keys::LimitedKeys;
pub use limited::Limited;
pub use list::And;
pub use refused::{GateRefused, Reason};
pub use seen::{GateSeen, LimitSeen};
pub use wait::GateLimits;

/// What a limit of another crate implements to stand in a gate.
pub mod steps {
    pub use super::limited::{Cause, Found, Moment, Steps, Taken};
}
