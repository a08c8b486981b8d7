//! Queues in front of a bucket: items leave by deadline, as the bucket grants them.
//!
//! | type | for |
//! |---|---|
//! | [`DeadlineQueue`] | one queue and one bucket |
//! | [`ShardedDeadlineQueue`] | a queue and a bucket for each shard |

// Owns queues whose items have deadlines. It never debits a bucket without handing out an item.
//
// - `queue`: `DeadlineQueue`, which drains items by deadline, as the bucket grants them.
// - `sharded`: `ShardedDeadlineQueue`, one queue a shard.
// - `backlog`: the items of one queue, by deadline and by expiry.
// - `skip_list`: the order of the items' slots.
// - `drained`: `Drained`, the answer of a drain.

pub(crate) mod backlog;
pub(crate) mod drained;
pub(crate) mod queue;
pub(crate) mod sharded;
pub(crate) mod skip_list;

pub use drained::{Drained, Oversized};
pub use queue::DeadlineQueue;
pub use sharded::{DrainedShards, ShardedDeadlineQueue};
