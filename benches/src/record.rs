//! Owns the lines of a recorded run: the machine, then one for each figure. It never measures.
//! `ratios` writes the lines, and `charts` reads them.

use serde::{Deserialize, Serialize};

/// The machine and the build of a run.
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

/// One figure: the cost of one case in terms of another.
///
/// The ratio is the median of the ratios of all rounds, not the ratio of the medians.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Figure {
    pub id: String,
    pub ratio: f64,
    /// The greatest ratio that meets the target; `None` without a target.
    pub target: Option<f64>,
    pub met: Option<bool>,
    pub quartiles: [f64; 2],
    pub rounds: usize,
    pub ns: f64,
    pub reference: String,
    pub reference_ns: f64,
    /// For two threads: the ratios of rounds with near cores and with far cores.
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

/// The times of single calls, in nanoseconds.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub struct Tails {
    pub p999: u64,
    pub max: u64,
    pub reference_p999: u64,
    pub reference_max: u64,
}
