//! A bucket whose rate adapts to what its user observes.
//!
//! | type | for |
//! |---|---|
//! | [`Adaptive`] | a factor on the rate of a bucket, by a [`Policy`] |
//! | [`Aimd`] | the policy of a client whose server answers 429 |
//! | [`FillTable`] | the policy that goes by the level of a leaky bucket |

// Owns buckets whose rate adapts. It never changes what a limit means.
//
// - `adaptive`: `Adaptive`, a bucket with a factor on its rate, and
//   `Adjustable`, what it needs of the bucket.
// - `policy`: the trait `Policy`, the rule of a factor.
// - `aimd`: `Aimd`, the policy for a server that answers 429.
// - `fill_table`: `FillTable`, the policy of a leaky bucket's level.
// - `step_state`: what one step leaves to the next; pure.

pub(crate) mod adaptive;
pub(crate) mod aimd;
pub(crate) mod fill_table;
pub(crate) mod policy;
pub(crate) mod step_state;

pub use adaptive::{Adaptive, Adjustable};
pub use aimd::Aimd;
pub use fill_table::FillTable;
pub use policy::{Observed, Policy};
