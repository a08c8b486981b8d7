//! Runs the real crate on several threads at once, and judges what it answered afterwards: small
//! histories for linearizability, long ones by the bound of every window.
//!
//! [`history`] and what it needs record and check histories of up to 3 threads of 4 calls; `tests/`
//! runs them on real threads, and under shuttle on the twin in `proof/history/tollgate`. [`soak`]
//! records grants for as long as it is told, and [`windows`] audits them.

pub mod case;
pub mod history;
pub mod naive;
pub mod random;
pub mod soak;
pub mod subject;
pub mod windows;
pub mod wrong;
