//! state

pub(crate) mod at;
pub(crate) mod claim;
pub(crate) mod epoch;
pub(crate) mod limits_changed;
pub(crate) mod multi;
pub(crate) mod published;
pub(crate) mod revision_slot;
pub(crate) mod slots;
pub(crate) mod snapshot;
pub(crate) mod store;
pub(crate) mod word;
pub(crate) mod words;
