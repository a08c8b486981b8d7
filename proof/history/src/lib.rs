//! Owns the judgement of runs on several threads: linearizability for small histories, the bound of
//! every window for long ones. It never judges during a run.
//!
//! [`history`] records and checks histories of up to 3 threads of 4 calls. `tests/` runs them on
//! real threads, and under shuttle on the twin in `proof/history/tollgate`. [`soak`] records grants
//! for a given time, and [`windows`] audits them.

pub mod case;
pub mod history;
pub mod naive;
pub mod random;
pub mod soak;
pub mod subject;
pub mod windows;
pub mod wrong;
