//! Owns what users configure: limits, rates, their text form, ratios. It never holds the state of a
//! bucket.
//!
//! - `limit`: [`Limit`], a rate with a capacity, and the errors of a bad one.
//! - `rate`: [`Rate`], whole tokens per whole nanoseconds.
//! - `notation`: the text form of rates, amounts and periods; [`ParseError`].
//! - `amounts`: [`Amounts`], what a call takes: a number or an array.
//! - `ratio`: [`Ratio`], a fixed-point factor or fill level.

pub(crate) mod amounts;
pub(crate) mod limit;
pub(crate) mod notation;
pub(crate) mod rate;
pub(crate) mod ratio;

pub use amounts::Amounts;
pub use limit::{Limit, LimitError};
pub use notation::ParseError;
pub use rate::{Rate, RateError};
pub use ratio::Ratio;

pub use crate::decision::inherit::Inherit;
pub use crate::decision::limit_rule::LimitRule;
