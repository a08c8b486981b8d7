//! Owns the lines that a run is kept as: first the machine, then one for each figure. `ratios`
//! writes them and `charts` reads them.

use serde::{Deserialize, Serialize};

/// What it was measured on.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Machine {
    /// Always [`Machine::ID`].
    pub id: String,
    pub cpu: String,
    pub cores: usize,
    pub rustc: String,
    pub commit: String,
    pub date: String,
    pub load: String,
}

impl Machine {
    pub const ID: &str = "machine";
}

/// One figure: what ours, or a peer, costs in terms of something else.
///
/// The ratio is the median of the ratios of all rounds, not the ratio of the medians.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Figure {
    pub id: String,
    pub ratio: f64,
    /// What we want it to be at most; a figure that is only told has none.
    pub target: Option<f64>,
    pub met: Option<bool>,
    pub quartiles: [f64; 2],
    pub rounds: usize,
    pub ns: f64,
    pub reference: String,
    pub reference_ns: f64,
    /// For two threads: the same, apart, for the rounds in which the cores were near to each other
    /// and far from each other.
    #[serde(flatten)]
    pub distances: Option<Distances>,
    #[serde(flatten)]
    pub tails: Option<Tails>,
}

#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Distances {
    pub near: Option<f64>,
    pub near_rounds: usize,
    pub far: Option<f64>,
    pub far_rounds: usize,
}

/// Single calls, in nanoseconds, timed by themselves.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Tails {
    pub p999: u64,
    pub max: u64,
    pub reference_p999: u64,
    pub reference_max: u64,
}
