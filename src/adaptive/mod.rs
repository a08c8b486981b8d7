//! adaptive

pub(crate) mod adaptive;
pub(crate) mod aimd;
pub(crate) mod fill_table;
pub(crate) mod policy;
pub(crate) mod step_state;

pub use adaptive::{Adaptive, Adjustable};
pub use aimd::Aimd;
pub use fill_table::FillTable;
pub use policy::{Observed, Policy};
