//! What a bucket is limited to: limits and rates, as values or as text.
//!
//! | type | what it is |
//! |---|---|
//! | [`Limit`] | a rate with a capacity; [`LimitError`] if no bucket can keep it, [`AtMostError`] for a window |
//! | [`Rate`] | tokens per period; [`RateError`] for numbers, [`ParseError`] for text that is not one |
//! | [`Inherit`] | what becomes of the level when limits change |
//! | [`Ratio`] | a factor of a rate, or how full a bucket is |
//! | [`Amounts`] | what a call takes: a number, or one for each stream |
//!
//! # In configuration files
//!
//! With the feature `serde`, a rate is its text. A limit is its text or a table, and is checked as
//! it is read. It is written as text; a format that people do not read gets its fields instead.
//!
//! ```toml
//! requests = "100 per second burst 20"
//! uploads = { rate = "1MiB/s", capacity = "4MiB", starts = "empty" }
//! ```
//!
//! | field | value | if it is left out |
//! |---|---|---|
//! | `rate` | the text of a rate | |
//! | `capacity`, or `burst` | a number of tokens, or text such as `"4MiB"` | as in [`Limit`] |
//! | `starts` | `"full"`, `"empty"`, a number of tokens or its text | `"full"` |
//!
//! # Fractions of a token
//!
//! Amounts are whole tokens. For costs such as 0.25, count in thousandths: multiply the rate, the
//! capacity and each cost by 1000, and round a cost with more decimals up. Nothing else is rounded.
//! Limiters that count in floats decide alike, but where a level is the cost to within a millionth
//! of a token. The suffix `k` is the factor; the example `fractional_tokens` is this recipe whole.
//!
//! ```
//! use tollgate::clock::ManualClock;
//! use tollgate::{Limit, TokenBucket};
//!
//! // 10 tokens a second, of which 2.5 at once.
//! let limit: Limit = "10k/s capacity 2.5k".parse()?;
//! let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
//! assert_eq!((0..).take_while(|_| bucket.try_take(250).is_ok()).count(), 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

// Owns what users configure. It never holds the state of a bucket. `notation` has the words of the
// text form and writes it, `reader` reads it; each other file has the type that it is named after.

pub(crate) mod amounts;
mod at_most;
#[cfg(feature = "serde")]
mod configuration;
pub(crate) mod limit;
pub(crate) mod limit_error;
pub(crate) mod notation;
pub(crate) mod parse_error;
pub(crate) mod rate;
pub(crate) mod rate_error;
mod rate_of_float;
pub(crate) mod ratio;
pub(crate) mod reader;

pub use amounts::Amounts;
pub use at_most::AtMostError;
pub use limit::Limit;
pub use limit_error::LimitError;
pub use parse_error::ParseError;
pub use rate::Rate;
pub use rate_error::RateError;
pub use ratio::Ratio;

pub use crate::decision::inherit::Inherit;
pub use crate::decision::limit_rule::LimitRule;
