//! Owns what a response says of limits. It never reads one, and never decides.
//!
//! * `name.rs`: a name that a structured field may hold.
//! * `unit.rs`: what a policy counts.
//! * `terms.rs`: the whole numbers of a limit: quota, window, burst.
//! * `policy.rs`: a limit under its advertised name.
//! * `refusal.rs`: why one policy refused.
//! * `quota.rs`: what one response says of one policy.
//! * `verdict.rs`: what several quotas say together: status and wait.
//! * `headers.rs`: which header fields are written, and their values.
//! * `problem.rs`: the body of a refusal.
//! * `grpc.rs`: a refusal in the terms of gRPC.

pub(crate) mod grpc;
pub(crate) mod headers;
pub(crate) mod name;
pub(crate) mod policy;
pub(crate) mod problem;
pub(crate) mod quota;
pub(crate) mod refusal;
pub(crate) mod terms;
pub(crate) mod unit;
pub(crate) mod verdict;
