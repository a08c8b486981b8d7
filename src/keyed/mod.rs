//! Owns a bucket for every key. It never decides what a verb does to a word: `decision/` does.
//!
//! What users hold:
//! * `keyed_buckets`: all keys, how they are built, and what is promised
//! * `verbs`: what is said of the verbs that take and give
//! * `operators`: what is said of the verbs for limits, tiers, single keys and all keys
//! * `keyed_buckets_at`: the same verbs at a supplied time, and what each does
//! * `keyed_bucket`: one key as a value; `key_lease`: tokens lent to one holder
//! * `saved`: what a key has, to outlive the process
//! * `key_refused`, `hold_error`: why a call changed nothing
//!
//! What keys are:
//! * `key_form`: in which forms a key is given; `key_hash`: how it is hashed; `ip_key`: addresses
//! * `streams`: how amounts and limits are written; `tier`: which limits a key has
//!
//! Where they lie:
//! * `table`: the shards and their locks; finding, adding, dropping
//! * `shard`: the keys of one shard; `words`: the words of a key
//! * `room`: how many keys there are, and when one may go
//! * `overflow`: the buckets of keys without room
//! * `terms`: the limits of a tier in a shard, and a key never seen
//! * `changes`: how limits change, shard by shard
//! * `held`: a key that is blocked, paused or has its own limits; `holding`: how it becomes one

pub(crate) mod changes;
pub(crate) mod held;
pub(crate) mod hold_error;
pub(crate) mod holding;
pub(crate) mod ip_key;
pub(crate) mod key_form;
pub(crate) mod key_hash;
pub(crate) mod key_lease;
pub(crate) mod key_refused;
pub(crate) mod keyed_bucket;
pub(crate) mod keyed_buckets;
pub(crate) mod keyed_buckets_at;
pub(crate) mod operators;
pub(crate) mod overflow;
pub(crate) mod room;
pub(crate) mod saved;
pub(crate) mod shard;
pub(crate) mod streams;
pub(crate) mod table;
pub(crate) mod terms;
pub(crate) mod tier;
pub(crate) mod verbs;
pub(crate) mod words;
