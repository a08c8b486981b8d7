//! deadline

pub(crate) mod backlog;
pub(crate) mod drained;
pub(crate) mod queue;
pub(crate) mod sharded;
pub(crate) mod skip_list;

pub use drained::{Drained, Oversized};
pub use queue::DeadlineQueue;
pub use sharded::{DrainedShards, ShardedDeadlineQueue};
