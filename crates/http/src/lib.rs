//! What HTTP says of rate limits.

#![forbid(unsafe_code)]
#![warn(missing_docs)]
