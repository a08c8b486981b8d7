//! Queues in front of a bucket: items leave by deadline, as the bucket grants them.
//!
//! | type | for |
//! |---|---|
//! | [`DeadlineQueue`] | one queue and one bucket |
//! | [`ShardedDeadlineQueue`] | a queue and a bucket for each shard |

// Owns queues whose items have deadlines. It never debits a bucket without handing out an item.
//
// - `queue`: `DeadlineQueue`, which drains items by deadline, as the bucket grants them.
// - `queue_at`: its verbs at a time that the caller supplies.
// - `driver`: `run`, which drains it in batches until it is closed.
// - `sharded`: `ShardedDeadlineQueue`, one queue a shard.
// - `sharded_driver`: `run` for all shards.
// - `shards`: the shards in memory, and when one is removed.
// - `backlog`: the items of one queue, by deadline and by expiry.
// - `entry`: `Entry`, an item with its amounts and times.
// - `drained`: `Drained` and `DrainedShards`, the answers of drains.
// - `push_error`: `PushError`, an item that was not queued.
// - `park_timer`: how a thread runs a driver.

pub(crate) mod backlog;
pub(crate) mod drained;
pub(crate) mod driver;
pub(crate) mod entry;
pub(crate) mod park_timer;
pub(crate) mod push_error;
pub(crate) mod queue;
pub(crate) mod queue_at;
pub(crate) mod sharded;
pub(crate) mod sharded_driver;
pub(crate) mod shards;

pub use drained::{Drained, DrainedShards, Oversized};
pub use entry::Entry;
pub use push_error::{PushError, PushRefusal};
pub use queue::DeadlineQueue;
pub use sharded::ShardedDeadlineQueue;
