//! Says rate limits in HTTP, reads what others say of theirs, and knows who a client is.
//!
//! A server says in header fields what is left of a limit, and on a refusal when to come back. A
//! client reads those fields in every generation that is in use. All numbers are whole and exact.
//! For tower services, `tollgate-tower` does all of the server's part.
//!
//! ```text
//! cargo add tollgate tollgate-http
//! ```
//!
//! ```
//! use std::time::SystemTime;
//!
//! use http::{HeaderMap, StatusCode};
//! use tollgate::TokenBucket;
//! use tollgate::clock::ManualClock;
//! use tollgate_http::client::Advice;
//! use tollgate_http::{Headers, Policy, Quota, status};
//!
//! let policy = Policy::new("client", "40/min capacity 1".parse()?)?;
//! let bucket = TokenBucket::with_clock(policy.limit(), ManualClock::new())?;
//! bucket.try_take(1)?;
//! let refused = bucket.try_take(1).unwrap_err(); // for 1.5 s
//!
//! // The server.
//! let quotas = Quota::each_refused([&policy], &refused);
//! let status = status(&quotas).unwrap_or(StatusCode::OK);
//! let mut fields = HeaderMap::new();
//! Headers::DEFAULT.write(&quotas, status, SystemTime::now(), &mut fields);
//! assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
//! assert_eq!(fields["ratelimit-policy"], r#""client";q=1;w=2"#);
//! assert_eq!(fields["ratelimit"], r#""client";r=0;t=2"#);
//! assert_eq!(fields["retry-after"], "2");
//!
//! // The client.
//! let advice = Advice::of(status, &fields, SystemTime::now()).expect("fields of a limit");
//! assert!(advice.is_refusal());
//! assert_eq!(advice.pause(Advice::MAX_PAUSE).map(|pause| pause.as_secs()), Some(2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Which item for which job
//!
//! | job | item |
//! |---|---|
//! | name a limit, and say what it counts | [`Policy`], [`Unit`] |
//! | say what a bucket left, or why it refused | [`Quota`], [`Refusal`] |
//! | choose the generations of header fields, and write them | [`Headers`] |
//! | answer a refusal | [`status`], [`retry_after`], [`problem`] |
//! | answer a refusal in gRPC | [`grpc`] |
//! | read what a server says | [`client::Advice`] |
//! | find a client's address behind trusted proxies | [`address::Proxies`] |
//! | build buckets from a file, and reload it | `config::Live`, with the feature `config` |
//!
//! # What it guarantees
//!
//! **For servers.** Of a limit of capacity `C` and rate `r`, the quota of a window is at most what
//! refills in it.
//!
//! * A client that sends at most `q` in any `w` seconds is never refused, if `q` is at most `C` and
//!   the bucket is full at first.
//! * A client that also keeps to `r` in each `t` seconds is never refused, once it has had a
//!   response. If `q` is above `C`, it must keep to the last response.
//! * A client that waits for `Retry-After` is granted an equal request, if nobody else takes.
//!   `Retry-After` is rounded up, at least 1, and never before a `t` of the same response.
//! * No integer has more than 15 digits. No field names a client. A response of 1xx or 3xx gets no
//!   field.
//!
//! In formulas, with times in seconds, for a grant that left `A` tokens:
//!
//! ```text
//! w = max(1, floor(C / r), ceil(1 / r))      q = max(1, floor(r * w))
//! r = A                                      t = max(1, ceil(max(A, 1) / r))
//! ```
//!
//! **For clients.** No response panics. A field with a fault anywhere is ignored, and the next
//! generation is read. So is a response with an `Age` above 0. Dates and epochs count from the
//! `Date` of the response.
//!
//! # What it does not do
//!
//! It never decides, sleeps, or reads a clock. A bucket that several clients share may refuse one
//! that obeys: the others took the tokens. A pause of the client is for the caller to make, with
//! some random time added.
//!
//! The IETF's fields are a draft that changes its names. [`Draft`] says which one is written.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `keys` | [`Quota`] from what `KeyedBuckets` refused |
//! | `config` | named limits from a configuration file |
//! | `toml` | `Config::read_toml`, with `config` |
//!
//! # Minimum Rust version
//!
//! 1.85. The types of `http` 1 are the only foreign ones in this crate's interface, beside those of
//! `tollgate`.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod address;
mod answer;
pub mod client;
#[cfg(feature = "config")]
pub mod config;
mod structured;

pub use answer::grpc::grpc;
pub use answer::headers::{Draft, Headers, Reset};
pub use answer::name::{Name, NameError, NameRule};
pub use answer::policy::{Policy, PolicyError};
pub use answer::problem::{PROBLEM_JSON, problem};
pub use answer::quota::Quota;
pub use answer::refusal::Refusal;
pub use answer::unit::Unit;
pub use answer::verdict::{retry_after, status};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
