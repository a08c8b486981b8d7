//! A rate limiter: a lock-free token bucket, exact, for one limit or several at once, shared by any
//! number of threads.
//!
//! ```text
//! cargo add tollgate
//! cargo add tollgate --features tokio,keys    # to wait on tokio; a limit for every client
//! ```
//!
//! ```
//! use std::time::Duration;
//! use tollgate::{Limit, TokenBucket};
//!
//! // 10 requests a second, in bursts of up to 50.
//! let bucket = TokenBucket::new(Limit::per_second(10).capacity(50))?;
//! assert!(bucket.try_take(50).is_ok()); // serve them
//! let refused = bucket.try_take(50).unwrap_err(); // answer 429
//! assert!(refused.wait() > Some(Duration::from_secs(4))); // 50 more in 5 seconds
//! assert_eq!(bucket.try_take(51).unwrap_err().wait(), None); // more than the capacity: never
//! # Ok::<(), tollgate::limit::LimitError>(())
//! ```
//!
//! A [`Limit`] as text is a rate, and optionally a capacity: `5/min`, `100 requests per second` or
//! `1MiB/s capacity 4MiB`; or `unlimited`. Without a capacity, a bucket holds what refills in the
//! period as written, rounded up: 1000 for `1000/s`, 60 for `per_minute(60)`, 17 for `16.6667/s`. A
//! bucket begins full unless the limit says `empty`.
//!
//! # Which type for which job
//!
//! | job | type |
//! |---|---|
//! | one limit that is fixed | [`TokenBucket`] |
//! | several limits at once, all or nothing; limits that change; pauses | [`MultiBucket`] |
//! | a limit for every client | [`KeyedBuckets`] (feature `keys`) |
//! | several buckets in one decision: a client's and the service's | [`Gate`] |
//! | wait in turn, on a thread or in a task | [`take_blocking`], [`take_on`](Bucket::take_on) |
//! | take now and use later, or take before the cost is known | [`Reservation`], [`Estimate`](wait::Estimate) |
//! | a quota that is charged when the cost is known, and binds | [`admit`](Bucket::admit), [`charge`](Bucket::charge) |
//! | a meter that drains; work let out evenly, without bursts | [`LeakyBucket`] |
//! | a thread that takes all the time: faster, and as exact | [`Handle`](bucket::Handle) of a `MultiBucket` |
//! | a thread that takes so often that it may hold tokens in advance | [`Lease`] |
//! | many cores take from one bucket, and mostly get it | [`StripedBucket`] (feature `std`) |
//! | a queue in front of a bucket, drained in batches by deadline | [`DeadlineQueue`] (feature `std`) |
//! | a rate that finds what a server grants | [`Adaptive`](adaptive::Adaptive) |
//! | bytes that are read and written at a rate | [`ThrottledRead`], [`ThrottledWrite`] (feature `io`) |
//! | items of streams and sinks at a rate | [`ThrottledStream`], [`ThrottledSink`] (feature `stream`) |
//!
//! # Sharing, and answering a refusal
//!
//! All methods take `&self`. Share a bucket by reference, or in an `Arc`. A grant says what the
//! very step left: see [`Granted`]. A refusal says what there was and how long each stream waits:
//! see [`NotYet`]. `None` always means that nobody knows.
//!
//! In an `Arc`, the verbs that end in `owned` give answers that borrow nothing, for tasks, response
//! bodies and services: `Arc::clone(&bucket).take_owned(1)`, `reserve_owned`, `estimate_owned`,
//! `lease_owned`.
//!
//! ```
//! use std::sync::Arc;
//! use tollgate::{Limit, MultiBucket, Refused};
//!
//! // Records *and* bytes: a take debits both, or neither.
//! let shard = MultiBucket::new(["1000/s".parse::<Limit>()?, "1MiB/s".parse()?])?;
//! let shard = Arc::new(shard);
//! let producer = Arc::clone(&shard);
//! let granted = std::thread::spawn(move || producer.try_take([1, 700_000])).join().unwrap()?;
//! assert_eq!(granted.remaining_each()[0], 999); // of the records
//!
//! let (status, retry_after) = match shard.try_take([1, 700_000]) {
//!     Ok(_) => (200, None),
//!     // In whole seconds, rounded up; `None` if nobody knows: the rate is 0, or a pause has no end.
//!     Err(Refused::NotYet(refused)) => (429, refused.retry_after_secs()),
//!     // More than the capacity: no retry helps.
//!     Err(Refused::Never(_)) => (413, None),
//!     // The bucket was closed.
//!     Err(_) => (503, None),
//! };
//! assert_eq!((status, retry_after), (429, Some(1)));
//!
//! // A thread that takes all the time is faster through a handle of its own. Only a
//! // `MultiBucket` has them.
//! let handle = shard.handle()?;
//! assert!(handle.try_take([1, 100]).is_ok());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it guarantees
//!
//! | word | meaning |
//! |---|---|
//! | stream | one limit of a bucket, such as requests or bytes |
//! | level | the tokens of a stream at an instant |
//! | debt | a level below 0: tokens taken before they have refilled |
//! | unit | the fraction of a token that a bucket counts in |
//! | stale | of a clock reading: older than one of another thread |
//! | slot | memory that a thread works in while it takes from a `MultiBucket` |
//! | tier | a class of keys in `KeyedBuckets`, with limits of its own |
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
//! * `e` is [`Limit::precision`]: 0 where the arithmetic is exact, and else 1 ns. It is up to 1 µs
//!   for a capacity that takes over 73 years to refill.
//! * `P` is what was [put back](Bucket::put_back) between the first and the last grant of the
//!   window.
//! * Where limits change in the window, `C` is the largest capacity in it, or the largest amount
//!   that was waited for and used in it if that is more. `r * w` is then the sum over its parts,
//!   each at its own rate; a pause is a rate of 0. While a change is under way, the larger rate
//!   counts. A change adds at most `r * s` if its thread's clock is ahead of the takers' by `s`.
//!   All this holds for every [`Inherit`](limit::Inherit) but `Reset`.
//! * Where callers wait in turn, `e` is more by the grace: how late one may come and lose nothing,
//!   10 ms unless it is set (`with_grace`).
//! * On a clock that lags by at most `d`, a window of real time counts as longer by `d`: see
//!   [clocks that lag](clock#a-clock-that-lags).
//! * A [lease](Lease#the-bound) adds the tokens on lease when the window began. So do readers and
//!   writers that are throttled: they hold a chunk each at most.
//! * A [`StripedBucket`] counts in `P` what its calls had in their hands when the window began.
//! * A [reservation](Reservation) counts from when its tokens may be used. With several streams, it
//!   adds what is already reserved on one stream while another is waited for.
//!
//! This holds under any interleaving, any stall of any thread, and any skew between the clocks of
//! takers. The time of a grant is the clock reading it was decided on, or the last change of limits
//! if that is later. The repository's `DESIGN.md` has the proof.
//!
//! ## Exactness
//!
//! A bucket counts in units fine enough for its rate, and works out the refill from absolute time.
//! So rounding, polling and uptime lose no token. Waits are exact to the nanosecond, rounded up.
//!
//! A bucket may stand untouched for its [idle limit](Limit::idle_limit): 292 years at 1000/s, and
//! at least 90 days at any rate. One that stood longer may refuse until it is
//! [reset](Bucket::reset).
//!
//! ## Progress
//!
//! A thread that stops anywhere stops no taker. A call retries only if another call succeeded: it
//! is lock-free, and not wait-free. A refusal writes nothing to shared memory.
//!
//! A thread that stops inside the short lock of a line stops those who wait, enter or change limits
//! there.
//!
//! `KeyedBuckets` is another exception: its keys lie under locks. A thread that stops while it
//! decides on one stream delays no decision. One that stops while it adds a key delays one shard.
//! The type says exactly who waits for whom.
//!
//! Few calls allocate. A `MultiBucket` makes slots when more threads than ever before are inside a
//! call, or change its limits, at once. The first waiter makes a list. These calls are as lock-free
//! as your allocator, and allocate before they claim a slot. `KeyedBuckets` allocates as its map
//! grows.
//!
//! A call panics only for a tier that does not exist, or one too many, or where a clock or timer
//! panics:
//! `TokioTimer` does outside of a tokio runtime.
//!
//! ## Isolation
//!
//! Every call is linearizable. All streams of a `MultiBucket` change at one instant. A refused call
//! changes nothing.
//!
//! ## Time
//!
//! A decision reads the clock once, or on a [tiered clock](clock#a-clock-that-lags) the coarse one
//! and, before it refuses, the precise one. Threads may read different times: a stale `now`, up to
//! 90 days old, can only be refused. A reading from before the bucket was made counts as the
//! instant it was made.
//!
//! The [default clock](clock::DefaultClock) with the feature `quanta` does not count the time for
//! which a machine is suspended, as `quanta` documents. So nothing refills meanwhile.
//!
//! ## Waiting
//!
//! With the feature `std`, waiters stand in a line, and each takes its tokens when it is served.
//!
//! * **In order.** Waiters on a stream are served first come, first served, whatever the amount, as
//!   long as they are polled. No take that begins after one waits overtakes it, unless the line is
//!   overdue, or its rate is 0.
//! * **Who leaves makes room at once** for those behind. So do tokens that are put back. A wait
//!   becomes longer only by changes of limits, pauses, charges, and waiters that come late.
//! * **A wait ends by its deadline**, or by the grace later if it is polled late. A deadline that
//!   cannot be met is refused at once.
//! * **A waiter that is not polled** delays those behind it for a moment, and nobody for ever.
//! * **The bound** holds for uses, each counted when it is decided.
//!
//! Those who enter the line, come to it or change the limits share a short lock. Takers, put-backs
//! and dropped waits never wait for it. While somebody waits, a taker is refused even where tokens
//! are there for a moment: they are promised. `wait::Cancel` lets one thread go, and
//! `close` lets all go.
//!
//! Without `std` there is no line, and nothing is allocated: [`take_on`](Bucket::take_on) takes its
//! tokens at its first poll, as a debt, and sleeps until they are there. With the feature `tokio`:
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     use std::time::Duration;
//!     use tollgate::{Limit, TokenBucket};
//!
//!     let bucket = TokenBucket::new(Limit::per_second(1000).empty())?;
//!     bucket.take(5).await?; // 5 ms later
//!     let timeout = Duration::from_millis(100);
//!     assert!(bucket.take_timeout(500, timeout).await.is_err()); // at once
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
//! before the change stay earned at the old rate, up to the new capacity. A debt stays owed, or the
//! change is refused. [`Inherit`](limit::Inherit) has other choices; only its `Reset` forgives a
//! debt.
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
//!   that sleep and try again are served in no order; [`take_on`](Bucket::take_on) is served in
//!   turn.
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
//! | `std` (default) | `take_blocking`; waiters wake when limits change; `InstantClock`; `deadline`; implies `alloc` |
//! | `quanta` (default) | the default clock reads the time-stamp counter: `TscClock`; implies `std` |
//! | `alloc` | a `MultiBucket` serves any number of threads at once |
//! | `keys` | `KeyedBuckets`; implies `std` |
//! | `serde` | `Rate` and `Limit` in configuration files |
//! | `tokio` | `TokioTimer`, which waits on tokio's timer, and `TokioClock`; implies `std` |
//! | `futures-timer` | `FuturesTimer`, which waits on any runtime by a thread of its own; implies `std` |
//! | `io` | `ThrottledRead` and `ThrottledWrite`: the traits of `std` and `futures-io`, with `tokio` also its own; implies `std` |
//! | `stream` | `ThrottledStream` and `ThrottledSink`, of `futures-core` and `futures-sink`; implies `std` |
//! | `boot-clock` | `BootClock`, which counts while the system is suspended; implies `std` |
//! | `coarse-clock` | `CoarseClock`, which costs less and lags, `UptimeClock`, and both as a `Tiered`; implies `std` |
//!
//! Without `std` the crate is `no_std`. The default clock is then a
//! [`ManualClock`](clock::ManualClock) that the program moves. Buckets stand in a `static`:
//! [`TokenBucket::const_new`].
//!
//! # Minimum Rust version
//!
//! 1.85. Raising it is a minor release, and only ever to a version that is at least a year old.
//!
#![cfg_attr(feature = "std", doc = "[`take_blocking`]: Bucket::take_blocking")]
#![cfg_attr(feature = "std", doc = "[`DeadlineQueue`]: deadline::DeadlineQueue")]
#![cfg_attr(not(feature = "std"), doc = "[`take_blocking`]: #features")]
#![cfg_attr(not(feature = "std"), doc = "[`DeadlineQueue`]: #features")]
#![cfg_attr(feature = "std", doc = "[`StripedBucket`]: bucket::StripedBucket")]
#![cfg_attr(not(feature = "std"), doc = "[`StripedBucket`]: #features")]
#![cfg_attr(not(feature = "keys"), doc = "[`KeyedBuckets`]: #features")]
#![cfg_attr(feature = "io", doc = "[`ThrottledRead`]: io::ThrottledRead")]
#![cfg_attr(feature = "io", doc = "[`ThrottledWrite`]: io::ThrottledWrite")]
#![cfg_attr(not(feature = "io"), doc = "[`ThrottledRead`]: #features")]
#![cfg_attr(not(feature = "io"), doc = "[`ThrottledWrite`]: #features")]
#![cfg_attr(feature = "stream", doc = "[`ThrottledStream`]: stream::ThrottledStream")]
#![cfg_attr(feature = "stream", doc = "[`ThrottledSink`]: stream::ThrottledSink")]
#![cfg_attr(not(feature = "stream"), doc = "[`ThrottledStream`]: #features")]
#![cfg_attr(not(feature = "stream"), doc = "[`ThrottledSink`]: #features")]
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
pub mod gate;
#[cfg(feature = "io")]
pub mod io;
#[cfg(feature = "keys")]
pub mod keyed;
pub mod lease;
pub mod limit;
mod state;
#[cfg(feature = "stream")]
pub mod stream;
mod sync;
pub mod wait;

pub use bucket::bucket::Bucket;
pub use bucket::leaky::LeakyBucket;
pub use bucket::multi::MultiBucket;
pub use bucket::token::TokenBucket;
pub use clock::clock::Clock;
pub use decision::granted::Granted;
pub use decision::refused::{Never, NotYet, Refused};
pub use gate::gate::Gate;
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
