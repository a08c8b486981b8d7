//! limit

pub(crate) mod amounts;
pub(crate) mod limit;
pub(crate) mod notation;
pub(crate) mod rate;
pub(crate) mod ratio;

pub use amounts::Amounts;
pub use limit::{Limit, LimitError, LimitRule};
pub use notation::ParseError;
pub use rate::{Rate, RateError};
pub use ratio::Ratio;

pub use crate::decision::inherit::Inherit;
