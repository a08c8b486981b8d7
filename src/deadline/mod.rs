//! deadline

pub(crate) mod backlog;
pub(crate) mod drained;
pub(crate) mod queue;
pub(crate) mod sharded;
pub(crate) mod skip_list;
