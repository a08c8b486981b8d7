//! A lock-free token bucket: exact, for one limit or several at once, shared by any number of
//! threads.
//!
//! ```text
//! cargo add tollgate
//! ```
//!
//! ```
//! use tollgate::{Limit, TokenBucket};
//!
//! // 1000 requests a second, and at most 50 at once.
//! let bucket = TokenBucket::new(Limit::per_second(1000).capacity(50))?;
//! for request in 0..60 {
//!     match bucket.try_take(1) {
//!         Ok(()) => assert!(request < 60), // serve it
//!         Err(refused) => assert!(refused.wait().is_some()), // answer 429, and when to come back
//!     }
//! }
//! # Ok::<(), tollgate::limit::LimitError>(())
//! ```
//!
//! # Which type for which job
//!
//! | job | type |
//! |---|---|
//! | one limit that is fixed | [`TokenBucket`] |
//! | several limits at once, all or nothing; limits that change; pauses | [`MultiBucket`] |
//! | a limit for every client | [`KeyedBuckets`] (feature `keys`) |
//! | wait in turn, on a thread or in a task | `take_blocking` and `take` on each bucket: see [`Bucket`] |
//! | take now and use later, or take before the cost is known | [`Reservation`], [`Estimate`](wait::Estimate) |
//! | a level that drains, or an even pace | [`LeakyBucket`] |
//! | a producer that takes all the time | [`Handle`](bucket::Handle) |
//! | many decisions for one compare-and-swap | [`Lease`] |
//! | a queue in front of a bucket, by deadline | `DeadlineQueue` in `deadline` |
//! | a rate that follows what a server bears | [`Adaptive`](adaptive::Adaptive) |
//!
//! # Sharing, and answering a refusal
//!
//! All verbs take `&self`. Share a bucket by reference, or in an `Arc`.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate::{Limit, MultiBucket, Refused};
//!
//! // Records *and* bytes: a take debits both, or neither.
//! let shard = Arc::new(MultiBucket::new(["1000/s".parse::<Limit>()?, "1MiB/s".parse::<Limit>()?])?);
//! let producer = Arc::clone(&shard);
//! std::thread::spawn(move || producer.try_take([1, 700_000]).expect("it is full")).join().unwrap();
//!
//! match shard.try_take([1, 700_000]) {
//!     Ok(()) => unreachable!("a MiB does not hold that twice"),
//!     Err(Refused::NotYet(refusal)) => {
//!         // `Retry-After` is in whole seconds: round up, to 1 at least. Send none for a wait of
//!         // `Duration::MAX`: the rate is 0, or a pause has no end.
//!         let seconds = refusal.wait().as_nanos().div_ceil(1_000_000_000).max(1);
//!         assert_eq!((refusal.stream(), seconds), (1, 1));
//!     }
//!     // More than the capacity: no retry helps.
//!     Err(Refused::Never(refusal)) => panic!("{refusal}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it guarantees
//!
//! ## The bound
//!
//! In any window of time a bucket grants at most its capacity and what refills in the window. For a
//! stream of rate `r` and capacity `C`, in every window of length `w`:
//!
//! ```text
//! granted <= C + r * (w + e) + P
//! ```
//!
//! This holds under any interleaving, any stall of any thread, and any difference between the
//! clocks that threads read. The time of a grant is the clock reading it was decided on, or the
//! last change of limits if that is later. So a changer whose clock is ahead by `s` adds at most
//! `r * s`.
//!
//! * `e` is [`Limit::precision`]: 0 where the arithmetic is exact, else 1 ns, and up to 1 µs for a
//!   capacity worth ages.
//! * `P` is what was [put back](Bucket::put_back) between the first and the last grant of the
//!   window.
//! * Where limits change in the window, `C` is the largest capacity in it. `r * w` is then the sum
//!   over its parts, each at its own rate; a pause is a rate of 0. While a change is under way, the
//!   larger rate counts. This holds for every [`Inherit`](limit::Inherit) but `Reset`.
//! * Leases add [a term](Lease#the-bound), and so do [reservations](Reservation).
//!
//! Why: tokens are a line, and a bucket is a counter. `accrued(t) = r * t` tokens have refilled by
//! time `t`. The whole state is `spent`: tokens taken, and tokens forfeited by a full bucket. A
//! grant moves `spent` up, from no less than `accrued(t) - C` to no more than `accrued(t)`. Only a
//! put-back moves it down.
//!
//! ## Exactness
//!
//! Amounts are whole numbers of units, fine enough for the rate, and accrual is worked out from
//! absolute time. So rounding, polling and uptime lose no token. Waits are exact to the nanosecond,
//! rounded up. A debt outlives every change of limits, or the change is refused.
//!
//! A bucket may stand untouched for [`Limit::idle_limit`], which is at least 90 days. A stale `now`
//! of up to that age can only be refused. Past it, a bucket refuses for about as long again, or
//! until it is reset.
//!
//! ## Progress
//!
//! A thread that stops anywhere stops no other. A call retries only if another call succeeded: it
//! is lock-free, and not wait-free. A refusal writes nothing to shared memory.
//!
//! `KeyedBuckets` is the exception: its keys lie under locks. A thread that stops while it decides
//! on one stream delays no decision. One that stops while it adds a key delays one shard. The type
//! says exactly [who waits for whom](KeyedBuckets#who-waits-for-whom).
//!
//! These calls allocate: a `MultiBucket` links further slots when more threads than ever before are
//! inside a call at once, or change its limits; the first waiter of a bucket makes a list. They are
//! as lock-free as your allocator, and allocate before they claim a slot. Only an unknown tier
//! panics.
//!
//! ## Isolation
//!
//! Every call is linearizable. All streams of a `MultiBucket` change at one instant. A refused call
//! changes nothing.
//!
//! ## Time
//!
//! Safe under clock skew: a stale `now` can only be refused. A decision reads the clock once.
//! Readings from before the construction count as the construction.
//!
//! ## Waiting
//!
//! Waiters are served first come, first served, whatever the amount. A waiter takes its tokens at
//! once, as a debt, and uses them when they have refilled. So its instant is known from the
//! beginning. A timeout that cannot be met is refused at once.
//!
//! A dropped wait gives its tokens back. They go to the next caller; those behind keep their
//! instants. Waiters take no lock that takers take. Only a change of limits wakes them early.
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     use std::time::Duration;
//!     use tollgate::wait::TokioTimer;
//!     use tollgate::{Limit, TokenBucket};
//!
//!     let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
//!     bucket.take(5, TokioTimer).await?; // 5 ms later
//!     assert!(bucket.take_timeout(500, Duration::from_millis(50), TokioTimer).await.is_err()); // at once
//!     Ok(())
//! }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
//!
//! ## Limits that change
//!
//! [`MultiBucket::set_limits`] changes the rates and capacities of all streams at one instant.
//! [`MultiBucket::pause_for`] stops a bucket for a time. No taker waits for either. Tokens earned
//! before the change stay earned at the old rate. [`Inherit`](limit::Inherit) chooses what becomes
//! of the level.
//!
//! ```
//! use std::time::Duration;
//! use tollgate::clock::ManualClock;
//! use tollgate::{Limit, MultiBucket};
//!
//! let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new())?;
//! bucket.try_take([10])?;
//! bucket.clock().advance(Duration::from_millis(200)); // 2 tokens
//! bucket.set_limit(Limit::per_second(1000))?;
//! bucket.clock().advance(Duration::from_millis(5)); // and 5
//! assert_eq!(bucket.available(), [7]);
//! bucket.pause_for(Duration::from_secs(3)); // Retry-After: 3
//! assert_eq!(bucket.try_take([1]).unwrap_err().wait(), Some(Duration::from_secs(3)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ## Keys
//!
//! [`KeyedBuckets`] (feature `keys`) is a bucket for every client, with a bound on their number.
//! Absent means full: only a key that is full again is evicted, so eviction never resets a limit.
//! Memory follows the keys that are kept, whatever the bound.
//!
//! ```
//! # #[cfg(feature = "keys")] {
//! use tollgate::{KeyedBuckets, Limit};
//!
//! let clients = KeyedBuckets::<String>::new(Limit::per_second(100), 1_000_000)?;
//! assert!(clients.try_take("alice", 100).is_ok());
//! assert!(clients.try_take("alice", 100).is_err());
//! assert!(clients.try_take("bob", 1).is_ok());
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it costs, and where it loses
//!
//! A grant of a `TokenBucket` is one load and one compare-and-swap beside the clock reading; a
//! refusal is one load. The README has the figures and the commands that made them.
//!
//! * **Fairness.** A call can lose any number of races, if another call succeeds each time. Callers
//!   that sleep and try again are served in no order; [`take`](Bucket::take) is served in turn.
//! * **Sliding windows.** A token bucket grants up to `C + r * w` in a window, not `r * w`.
//! * **One process.** A bucket is shared by the threads of one process.
//! * **Targets without 64-bit atomics.** There it runs on the fallback of `portable-atomic`, which
//!   takes locks.
//!
//! Where a limit is checked now and then, a mutex around two numbers is as good and simpler.
//!
//! # Memory ordering
//!
//! A grant is only a count: it does not order any other memory.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `std` (default) | waiters wake when limits change; `InstantClock`; the queues in `deadline`; implies `alloc` |
//! | `quanta` (default) | the default clock reads the time-stamp counter: `TscClock`; implies `std` |
//! | `alloc` | a `MultiBucket` grows when its slots run out |
//! | `keys` | `KeyedBuckets`; implies `std` |
//! | `serde` | `Rate` and `Limit` in configuration files |
//! | `tokio` | `TokioTimer`, which waits on tokio's timer; implies `std` |
//! | `futures-timer` | `FuturesTimer`, which waits on any runtime by a thread of its own; implies `std` |
//!
//! Without `std` the crate is `no_std`. The default clock is then a
//! [`ManualClock`](clock::ManualClock) that the program moves.
//!
//! # Minimum Rust version
//!
//! 1.85. Raising it is a minor release, and only ever to a version that is at least a year old.
//!
#![cfg_attr(not(feature = "keys"), doc = "[`KeyedBuckets`]: #features")]
#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(any(test, loom, feature = "std"))]
extern crate std;

pub mod adaptive;
pub mod bucket;
pub mod clock;
#[cfg(feature = "std")]
pub mod deadline;
mod decision;
#[cfg(feature = "keys")]
pub mod keyed;
pub mod lease;
pub mod limit;
mod state;
mod sync;
pub mod wait;

pub use bucket::bucket::Bucket;
pub use bucket::leaky::LeakyBucket;
pub use bucket::multi::MultiBucket;
pub use bucket::token::TokenBucket;
pub use clock::clock::Clock;
pub use decision::refused::{Never, NotYet, Refused};
#[cfg(feature = "keys")]
pub use keyed::keyed_buckets::KeyedBuckets;
pub use lease::lease::Lease;
pub use limit::limit::Limit;
pub use limit::rate::Rate;
pub use wait::reservation::Reservation;

// Its example has keys in it.
#[cfg(all(doctest, feature = "keys"))]
#[doc = include_str!("../README.md")]
struct Readme;
