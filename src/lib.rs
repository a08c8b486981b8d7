//! A lock-free token bucket for hot paths: exact, for several limits at once, and for every client.
//!
//! A [`TokenBucket`] limits one stream, say requests. A [`MultiBucket`] limits several together,
//! say requests *and* bytes, and takes from all of them or from none. Both are shared by reference
//! between any number of threads. A [`Lease`] spends tokens of either without a compare-and-swap
//! for each. A [`LeakyBucket`] is the same seen from the other side, by its level, and [`Adaptive`]
//! lets a rate follow what a server bears. With the feature `keys`, `KeyedBuckets` is one for every
//! client.
//!
//! ```
//! use tollgate::{Limit, MultiBucket, Refused, TokenBucket};
//!
//! let requests = TokenBucket::new(Limit::per_second(1000).capacity(50))?;
//! assert!(requests.try_take(1).is_ok());
//!
//! let producer = MultiBucket::new(["1000/s".parse::<Limit>()?, "1MiB/s".parse::<Limit>()?])?;
//! assert!(producer.try_take([1, 700_000]).is_ok());
//! match producer.try_take([1, 700_000]) {
//!     Ok(()) => unreachable!("a MiB does not hold that twice"),
//!     Err(Refused::NotYet(refusal)) => assert_eq!(refusal.stream(), 1), // come back after refusal.wait()
//!     Err(Refused::Never(refusal)) => panic!("{refusal}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it guarantees
//!
//! ## The bound
//!
//! For a stream of rate `r` and capacity `C`, in every window of time of length `w`:
//!
//! ```text
//! granted <= C + r * (w + e) + P
//! ```
//!
//! under any interleaving, any stall of any thread, and any difference between the clocks that the
//! threads read. The time of a grant is the reading of the clock that it was decided on. `e` is
//! [`Limit::precision`]: 0 where the arithmetic is exact, else 1 ns, or up to 1 µs for a capacity
//! worth ages. `P` is what was [put back](TokenBucket::put_back) between the first and the last
//! grant of the window. With leases there is [one term more](Lease#the-bound), and with what is
//! taken before it is there, too: [`Reservation`] states both.
//!
//! Where limits change in the window, `C` is the largest capacity of it, and `r * w` the sum over
//! its parts, each at its own rate; a pause counts as a rate of 0.
//!
//! Tokens are a line and a bucket is a counter. `accrued(t) = r * t` is what has been produced by
//! time `t`, and the whole state is `spent`: what was taken, and what was forfeited because the
//! bucket was full. Every grant moves `spent` up by the amount, from no less than `accrued(t) - C`
//! to no more than `accrued(t)`; only a put-back moves it down. So between the first grant of a
//! window and the last, it cannot have moved by more than the bound.
//!
//! ## Exactness
//!
//! Nothing is lost to rounding, to the pattern of polling, or to uptime: amounts are a whole number
//! of units, fine enough for the rate, and what accrued is worked out from absolute time. A bucket
//! may stand untouched for [`Limit::idle_limit`], never less than 90 days; past it, it refuses
//! until it is [reset](TokenBucket::reset).
//!
//! ## Progress
//!
//! Lock-free: a thread that is stopped anywhere, for however long, stops no other. A call starts
//! over only when another call has got something done. A refusal writes nothing to shared memory.
//! No call allocates, except that a `MultiBucket` links further slots when more threads than ever
//! before are inside a call at once, or change its limits, and that `KeyedBuckets` makes room for
//! keys in groups. Such a call is as lock-free as the allocator is, which is called before anything
//! is claimed. No call panics on account of its arguments, but for a key whose tier is not there.
//!
//! ## Isolation
//!
//! All streams of a `MultiBucket` are debited at one instant. A refused call changes nothing, and
//! nobody can see part of a take: every call is linearizable.
//!
//! ## Time
//!
//! A reading that goes back, or an old `now`, mints nothing: it sees fewer tokens, so at worst a
//! call is refused that a punctual one would have been granted. One clock reading is made for a
//! decision. Readings before the construction count as the construction.
//!
//! ## Waiting
//!
//! `take_blocking`, and [`take`](TokenBucket::take) with a [`Timer`] of any asynchronous runtime,
//! wait in turn: the tokens are taken at once, as a debt, and used when they are there. Waiters are
//! served in the order of their coming, large amounts and small ones alike, and nobody overtakes.
//! The instant is known from the beginning, and nothing that others take or cancel makes it later,
//! so a timeout that cannot be met is refused at once and takes nothing. A waiter wakes about once,
//! at that instant or later, never before it. There is no task behind it, and no list of waiters
//! but one that a change of limits wakes them by, which takers never look at: then they work out
//! their instants anew, earlier or later.
//!
//! A wait that is cancelled, by dropping its future or its [`Reservation`], gives its tokens back:
//! those behind it keep their instants, and what was freed goes to whoever calls next. `P` counts
//! it.
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     use std::time::Duration;
//!     use tollgate::{Limit, TokenBucket, TokioTimer};
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
//! A [`TokenBucket`] keeps its limit, and is the faster for it. [`MultiBucket::set_limits`] changes
//! the rates and capacities of all streams at one instant, and [`MultiBucket::pause_for`] stops
//! them for a time: no taker waits for that, what was earned before stays earned at the old rate,
//! and after the call has returned none that begins later decides on the old limits. [`Inherit`]
//! says what becomes of the tokens.
//!
//! ```
//! use std::time::Duration;
//! use tollgate::{Limit, ManualClock, MultiBucket};
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
//! With the feature `keys`, all of this for every client: a key begins full, and only a key that is
//! full again is removed, in passing and a few at a time, so eviction never resets a limit. There
//! are never more keys than the bound that is given, and memory follows that bound: 28 bytes for
//! each key with one stream, 125 with two, and more for each where there are far fewer. A key is 63
//! bits of its hash, from a random seed; two that fall together share a bucket, which a million
//! keys do with probability 5 in 10^8. One call changes the limits of all keys, in the same short
//! time however many there are.
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
//! # What it does not
//!
//! * **Fairness of those who do not wait.** Lock-free is not wait-free: a call can be overtaken any
//!   number of times, if each time another one gets something done. Callers that sleep and try
//!   again are served in no particular order.
//! * **Sliding windows.** A token bucket grants up to `C + r * w` in a window, not `r * w`: that is
//!   what its capacity is for.
//! * **Distribution.** A bucket is shared by the threads of one process.
//! * **Targets without 64-bit atomics.** It runs there on the fallback of `portable-atomic`, which
//!   takes locks; the progress above does not hold on them.
//!
//! Where one limit is checked now and then, a mutex around two numbers is as good and simpler.
//!
//! # Memory ordering
//!
//! A grant is only a count: it does not order any other memory. What one thread wrote before it
//! gave tokens back is not thereby visible to the thread that takes them.
//!
//! # Features
//!
//! * `std` (default): waiters are woken when the limits change; the standard library's clock,
//!   `InstantClock`, and the queues `DeadlineQueue` and `ShardedDeadlineQueue`. Implies `alloc`.
//! * `quanta` (default): the default clock is the time-stamp counter, `TscClock`. Implies `std`.
//! * `alloc`: a `MultiBucket` grows when its slots run out. Without it, see there for how many it
//!   needs.
//! * `keys`: `KeyedBuckets`, a bucket for every client, and `IpKey`. Implies `std`.
//! * `serde`: `Rate` and `Limit` in configuration files.
//! * `tokio`: `TokioTimer`, to wait on tokio's timer. Implies `std`.
//! * `futures-timer`: `FuturesTimer`, to wait on any runtime by a thread of its own. Implies `std`.
//!
//! Without `std` the crate is `no_std`, and the default clock is a [`ManualClock`] that the program
//! moves.
//!
//! # Minimum Rust version
//!
//! 1.85. Raising it is a minor release, and only ever to a version that is at least a year old.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(any(test, loom, feature = "std"))]
extern crate std;

mod adaptive;
mod bucket;
mod clock;
#[cfg(feature = "std")]
mod deadline;
mod decision;
#[cfg(feature = "keys")]
mod keyed;
mod lease;
mod limit;
mod state;
mod sync;
mod wait;

pub use adaptive::adaptive::{Adaptive, Adjustable};
pub use adaptive::aimd::Aimd;
pub use adaptive::fill_table::FillTable;
pub use adaptive::policy::{Observed, Policy};
pub use bucket::handle::{Handle, HandleAt, HandlesExhausted};
pub use bucket::leaky::{LeakyBucket, LeakyBucketAt};
pub use bucket::multi::{MultiBucket, MultiBucketAt};
pub use bucket::room::Room;
pub use bucket::token::{TokenBucket, TokenBucketAt};
pub use clock::clock::{Clock, DefaultClock};
pub use clock::manual::ManualClock;
pub use clock::monotonic::Monotonic;
#[cfg(feature = "std")]
pub use clock::standard::InstantClock;
pub use clock::time::Time;
#[cfg(feature = "quanta")]
pub use clock::tsc::TscClock;
#[cfg(feature = "std")]
pub use deadline::drained::{Drained, Oversized};
#[cfg(feature = "std")]
pub use deadline::queue::DeadlineQueue;
#[cfg(feature = "std")]
pub use deadline::sharded::{DrainedShards, ShardedDeadlineQueue};
pub use decision::inherit::Inherit;
pub use decision::refused::{Never, NotYet, Refused};
pub use lease::lease::{Lease, LeaseAt};
pub use lease::multi::{MultiLease, MultiLeaseAt};
pub use limit::limit::{Limit, LimitError, LimitRule};
pub use limit::notation::ParseError;
pub use limit::rate::{Rate, RateError};
pub use limit::ratio::Ratio;
pub use state::snapshot::Snapshot;
pub use wait::estimate::Estimate;
pub use wait::reservation::Reservation;
#[cfg(feature = "futures-timer")]
pub use wait::timer::FuturesTimer;
pub use wait::timer::Timer;
#[cfg(feature = "tokio")]
pub use wait::timer::TokioTimer;
#[cfg(feature = "keys")]
pub use {
    hashbrown::Equivalent,
    keyed::hold_error::HoldError,
    keyed::ip_key::IpKey,
    keyed::key_form::KeyForm,
    keyed::key_hash::{KeyHash, KeyHasher},
    keyed::key_lease::KeyLease,
    keyed::key_refused::{KeyRefused, NoRoom},
    keyed::keyed_bucket::KeyedBucket,
    keyed::keyed_buckets::KeyedBuckets,
    keyed::keyed_buckets_at::KeyedBucketsAt,
    keyed::saved::Saved,
    keyed::streams::{Amounts, LimitsOf, Streams},
    keyed::tier::{ByTier, OneTier, TierOf, Tiers},
};

// Its example has keys in it.
#[cfg(all(doctest, feature = "keys"))]
#[doc = include_str!("../README.md")]
struct Readme;
