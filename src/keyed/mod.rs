//! keyed

pub(crate) mod cell;
pub(crate) mod evicted;
pub(crate) mod group;
pub(crate) mod ip_key;
pub(crate) mod key_hash;
pub(crate) mod key_lease;
pub(crate) mod key_limits;
pub(crate) mod key_refused;
pub(crate) mod keyed_bucket;
pub(crate) mod keyed_buckets;
pub(crate) mod keyed_buckets_at;
pub(crate) mod keys;
pub(crate) mod streams;
pub(crate) mod table;
pub(crate) mod terms;
pub(crate) mod terms_slot;
pub(crate) mod tier;
