//! A bucket for every key: for every client, address or tenant.
//!
//! [`KeyedBuckets`] has the guarantees, and says who can make whom wait.
//!
//! | type | for |
//! |---|---|
//! | [`KeyedBuckets`] | all keys, with a bound on how many |
//! | [`KeyedBucket`] | one key as a value: waiting, reservations, leases |
//! | [`OwnedKeyedBucket`] | the same for tasks and response bodies: it owns a share of all |
//! | [`IpKey`] | addresses, whole or by subnet |

// Owns a bucket for every key. Never decides what a verb does to a word: `decision/` does.
//
// What users hold:
// - `keyed_buckets`: `KeyedBuckets`, how it is built, and its guarantees.
// - `verbs`: the text of the verbs that take and give.
// - `operators`: the text of the verbs for limits, tiers, single keys and all keys.
// - `keyed_buckets_at`: the same verbs at a supplied time, and what each does.
// - `keyed_bucket`: one key as a value; `keyed_wait`: its verbs that wait;
//   `owned_keyed_bucket`: one that owns a share of all; `key_lease`: tokens lent to one holder.
// - `key_queue`: one caller's share of the line of a key.
// - `saved`: what becomes of a key's saved level.
// - `key_refused`, `hold_error`: why a call changed nothing.
//
// What keys are:
// - `key_form`: the forms in which a key is given; `key_hash`: its hash; `ip_key`: addresses.
// - `streams`: how amounts and limits are written; `tier`: which limits a key has.
//
// Where they lie:
// - `table`: the shards and their locks; it finds keys. `upkeep`: it adds and drops them.
// - `alone`: a shard that one call holds alone.
// - `shard`: the keys of one shard; `words`: the words of a key.
// - `room`: how many keys there are, and when one may go.
// - `overflow`: the buckets of keys without room.
// - `terms`: the limits of a tier in a shard, and the words of a key never seen.
// - `changes`: how limits change, shard by shard.
// - `held`: a key that is blocked, paused, has its own limits or is waited for; `holding`: how it
//   gets there.
// - `key_line`: the line of a key; `lines`: how a key gets one and loses it.

pub(crate) mod alone;
pub(crate) mod changes;
pub(crate) mod held;
pub(crate) mod hold_error;
pub(crate) mod holding;
pub(crate) mod ip_key;
pub(crate) mod key_form;
pub(crate) mod key_hash;
pub(crate) mod key_lease;
pub(crate) mod key_line;
pub(crate) mod key_queue;
pub(crate) mod key_refused;
pub(crate) mod keyed_bucket;
pub(crate) mod keyed_buckets;
pub(crate) mod keyed_buckets_at;
pub(crate) mod keyed_wait;
pub(crate) mod lines;
pub(crate) mod operators;
pub(crate) mod overflow;
pub(crate) mod owned_keyed_bucket;
pub(crate) mod room;
pub(crate) mod saved;
pub(crate) mod shard;
pub(crate) mod streams;
pub(crate) mod table;
pub(crate) mod terms;
pub(crate) mod tier;
pub(crate) mod upkeep;
pub(crate) mod verbs;
pub(crate) mod words;

pub use hashbrown::Equivalent;
pub use hold_error::HoldError;
pub use ip_key::IpKey;
pub use key_form::KeyForm;
pub use key_hash::{KeyHash, KeyHasher};
pub use key_lease::KeyLease;
pub use key_refused::{KeyRefused, NoRoom};
pub use keyed_bucket::KeyedBucket;
pub use keyed_buckets::KeyedBuckets;
pub use keyed_buckets_at::KeyedBucketsAt;
pub use owned_keyed_bucket::OwnedKeyedBucket;
pub use streams::{Amounts, LimitsOf, Streams};
pub use tier::{ByTier, OneTier, TierOf, Tiers};

pub use crate::state::saved::Saved;
