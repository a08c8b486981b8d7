//! A bucket whose rate adapts to what its user observes.
//!
//! | type | for |
//! |---|---|
//! | [`Adaptive`] | a factor on the rate of a bucket, by a [`Policy`] |
//! | [`Outcome`] | what became of a request |
//! | [`Cubic`] | the policy of a client whose server answers 429 |
//! | [`FillTable`] | the policy that goes by the level of a leaky bucket |

// Owns buckets whose rate adapts. It never changes what a limit means.
//
// - `adaptive`: `Adaptive`, a bucket with a factor on its rate.
// - `adjustable`: `Adjustable`, what it needs of the bucket.
// - `outcome`: `Outcome`, what became of a request.
// - `policy`: the trait `Policy`, the rule of a factor.
// - `course`: `Course`, what a policy knows of the factor's past.
// - `cubic`: `Cubic`, the policy for a server that answers 429.
// - `fill_table`: `FillTable`, the policy of a leaky bucket's level.
// - `step_state`: what one step leaves to the next; pure.
// - `unpaused`: the time that stands still in a pause; pure.

pub(crate) mod adaptive;
pub(crate) mod adjustable;
pub(crate) mod course;
pub(crate) mod cubic;
pub(crate) mod fill_table;
pub(crate) mod outcome;
pub(crate) mod policy;
pub(crate) mod step_state;
pub(crate) mod unpaused;

pub use adaptive::Adaptive;
pub use adjustable::Adjustable;
pub use course::Course;
pub use cubic::Cubic;
pub use fill_table::FillTable;
pub use outcome::Outcome;
pub use policy::{Observed, Policy};
