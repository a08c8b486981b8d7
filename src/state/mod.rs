//! Owns the words in memory, and the loop that publishes new ones. It never decides.
//!
//! - `published`: `Published`, words that change together, and the one loop that publishes them.
//! - `multi`: `Versions`, the words of several streams and their limits.
//! - `word`: `Word`, the word of one stream with a fixed limit.
//! - `epoch`: `Epoch`, the word that makes a version current.
//! - `words`: `Slot`, one version of the state in memory; `State`, the version as numbers.
//! - `revision_slot`: `RevisionSlot`, one version of the limits in memory.
//! - `limits_name`: how a state names its limits.
//! - `claim`: `Claim`, the flag that gives a slot to one writer.
//! - `slots`: `Slots`, slots found by index, in blocks that are linked as needed.
//! - `snapshot`: `Snapshot`, one version as users see it.
//! - `saved`: `Saved`, what streams have, in a form that outlives the process.
//! - `saved_bucket`: `SavedBucket`, that of a whole bucket.
//! - `array`: the serialized form of an array.
//! - `store`: what verbs, leases and waiting code ask of a bucket.
//! - `at`: `At`, a view at one time.
//! - `limits_changed`: `LimitsChanged`, which wakes sleepers when limits change.

#[cfg(feature = "serde")]
pub(crate) mod array;
pub(crate) mod at;
pub(crate) mod claim;
pub(crate) mod epoch;
pub(crate) mod limits_changed;
pub(crate) mod limits_name;
pub(crate) mod multi;
pub(crate) mod published;
pub(crate) mod revision_slot;
pub(crate) mod saved;
pub(crate) mod saved_bucket;
pub(crate) mod slots;
pub(crate) mod snapshot;
pub(crate) mod store;
pub(crate) mod word;
pub(crate) mod words;
