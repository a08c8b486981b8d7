//! adaptive

pub(crate) mod adaptive;
pub(crate) mod aimd;
pub(crate) mod fill_table;
pub(crate) mod policy;
pub(crate) mod step_state;
