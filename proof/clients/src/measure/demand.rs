//! Owns what must hold of a client, by what its server says. Never measures.

use std::time::Duration;

use crate::server::kind::Says;

/// What must hold once a client has found the limit, and how soon it must.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Demand {
    /// The least share of the limit that is used.
    pub used: f64,
    /// The most of the requests that are refused.
    pub refused: f64,
    /// The longest time after a change until both hold.
    pub within: Duration,
}

impl Demand {
    /// Returns that of a server.
    pub fn of(says: Says) -> Self {
        match says {
            Says::Rate | Says::Budget => Self { used: 0.97, refused: 0.005, within: Duration::from_secs(10) },
            Says::Wait | Says::Nothing => Self { used: 0.90, refused: 0.02, within: Duration::from_secs(30) },
        }
    }
}
