//! Owns the limit of a fleet as one process has it: its verbs. Never speaks to the engine itself.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::watch;
use tollgate::Limit;
use tollgate::clock::{DefaultClock, Time};

use super::figures::FleetFigures;
use super::joining::{Joining, OneBucket, Undecided};
use super::local::{Local, Manner, Source};
use super::refused::FleetRefused;
use super::strict::Strict;
use crate::engine::Engine;
use crate::error::FleetError;
use crate::master::master::Master;

/// One limit, of one stream or several, for all processes of a fleet.
///
/// The engine, Redis or Valkey, holds the tokens. A process leases a chunk of them, and takes from
/// what it holds: without a round trip, without a lock, from all streams or from none.
///
/// ```no_run
/// use tollgate::Limit;
/// use tollgate_redis::{Away, Engine, FleetBucket};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::open("redis://127.0.0.1:6379")?;
/// let limits = [Limit::per_second(1000), "50MiB/s".parse()?];
/// let orders = FleetBucket::join(&engine, "orders", limits)
///     .when_away(Away::LocalShare { of: 8 })
///     .connect()
///     .await?;
///
/// orders.take([1, 512]).await?; // in turn
/// if let Err(refused) = orders.try_take([1, 512]) {
///     println!("again in {:?}", refused.wait());
/// }
/// orders.close().await;
/// # Ok(())
/// # }
/// ```
///
/// # The bound
///
/// Over all processes, what is used in a window of length `w` is at most
///
/// ```text
/// C + r * (w + e) + P + O      O: what was leased when the window began
/// C + r * (w + t + e) + P      t: the term of a lease, 1 s unless told
/// ```
///
/// `C` is the capacity, `r` the rate, `P` what was given back in the window, and `e` a microsecond.
/// It holds while servers are killed, restarted empty, failed over to a replica that lags, and
/// while processes stop or die. [What it does not survive](crate#what-it-does-not-do) is a split
/// brain: two servers that both believe to be the master each grant.
///
/// # Who is served
///
/// [`try_take`](Self::try_take) looks only at what this process holds. If that is too little, it
/// refuses, and more is fetched. A process that nobody asked anything of holds nothing, so its
/// first `try_take` is refused. [`take_timeout`](Self::take_timeout) waits for a round trip or two
/// then, in turn.
///
/// Waits are served first come, first served within the process. Between processes the engine
/// serves in the order in which it is asked; while tokens are short, processes get about equal
/// shares.
///
/// # Progress
///
/// A grant takes no lock. A refusal takes a short one, as does whoever comes to the line or leaves
/// it. No call but those of [`strict`](Self::strict) waits for the network.
pub struct FleetBucket<const N: usize, C = DefaultClock> {
    owner: Arc<Owner<N>>,
    clock: C,
}

/// What all clones share. Dropped, it closes.
struct Owner<const N: usize> {
    local: Arc<Local<N>>,
    master: Master<N>,
    closed: watch::Receiver<bool>,
    runtime: Handle,
}

impl<const N: usize> Drop for Owner<N> {
    fn drop(&mut self) {
        self.local.close();
    }
}

impl<const N: usize> FleetBucket<N> {
    /// Names the limit that this process joins: all that name it so share it.
    ///
    /// The first process brings the limits; those of the others must be equal. What follows is
    /// [`when_away`](Joining::when_away), and then [`connect`](Joining::connect).
    pub fn join(engine: &Engine, name: impl Into<String>, limits: [Limit; N]) -> Joining<OneBucket, N, Undecided> {
        Joining::new(OneBucket, engine, name.into(), limits)
    }
}

impl<const N: usize, C> FleetBucket<N, C> {
    pub(super) fn new(
        local: Arc<Local<N>>,
        master: Master<N>,
        closed: watch::Receiver<bool>,
        runtime: Handle,
        clock: C,
    ) -> Self {
        Self { owner: Arc::new(Owner { local, master, closed, runtime }), clock }
    }

    pub(super) fn local(&self) -> &Local<N> {
        &self.owner.local
    }

    pub(super) fn gate_clock(&self) -> &C {
        &self.clock
    }

    /// Takes from what this process holds, from all streams or from none.
    ///
    /// A stream of which 0 is asked is not looked at.
    ///
    /// # Errors
    ///
    /// [`FleetRefused`] if too little is held, or others wait in this process. Then more is
    /// fetched.
    pub fn try_take(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.local().take(Manner::Take, &amounts).map(|_| ())
    }

    /// Takes as [`try_take`](Self::try_take) does, unless this process owes tokens of any stream,
    /// also of one that is left out.
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    pub fn admit(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.local().take(Manner::Admit, &amounts).map(|_| ())
    }

    /// Waits in turn, for as long as it takes, and takes.
    ///
    /// Dropped before it is ready, it has taken nothing, and those behind move up.
    ///
    /// # Errors
    ///
    /// [`FleetRefused`] if no wait helps, if the limit is closed, or if the engine is away and the
    /// [choice](crate::Away) is to refuse.
    pub async fn take(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.take_until(amounts, Time::MAX).await
    }

    /// Waits in turn for at most `timeout`, and takes. Dropped, it has taken nothing.
    ///
    /// It does not wait for an engine that is away, if the [choice](crate::Away) is to refuse.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take), and [`NotYet`](FleetRefused::NotYet) once `timeout` has passed, or
    /// as soon as the engine says that it takes longer.
    pub async fn take_timeout(&self, amounts: [u64; N], timeout: Duration) -> Result<(), FleetRefused> {
        self.take_until(amounts, self.deadline(timeout)).await
    }

    async fn take_until(&self, amounts: [u64; N], deadline: Time) -> Result<(), FleetRefused> {
        self.local().take_in_turn(amounts, deadline, super::driver::sleep).await.map(|_| ())
    }

    /// Waits on this thread in turn, for as long as it takes, and takes.
    ///
    /// # Errors
    ///
    /// As [`take`](Self::take).
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn take_blocking(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.block_on(self.take(amounts))
    }

    /// Waits on this thread in turn for at most `timeout`, and takes.
    ///
    /// # Errors
    ///
    /// As [`take_timeout`](Self::take_timeout).
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn take_blocking_timeout(&self, amounts: [u64; N], timeout: Duration) -> Result<(), FleetRefused> {
        self.block_on(self.take_timeout(amounts, timeout))
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.owner.runtime.block_on(future)
    }

    pub(super) fn deadline(&self, timeout: Duration) -> Time {
        Local::<N>::now().after(timeout)
    }

    /// Gives back tokens that were taken and not used.
    ///
    /// They go to those who wait in this process, or back to the engine when it holds too much.
    /// While the engine is away they go to the local share, if there is one. Give back no more than
    /// was taken: what is given back is granted again.
    pub fn put_back(&self, amounts: [u64; N]) {
        self.local().put_back_any(&amounts);
    }

    /// Takes tokens unconditionally, for work that is done already. This process may go into debt;
    /// it pays with what it fetches next.
    ///
    /// # Errors
    ///
    /// [`Never`](FleetRefused::Never) for a debt of more than 2^61 tokens.
    pub fn charge(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.local().charge(&amounts, Source::Held)
    }

    /// Returns the tokens that this process holds of each stream. The answer may change before the
    /// call returns.
    pub fn available(&self) -> [u64; N] {
        self.local().available()
    }

    /// Returns the tokens that this process owes of each stream.
    pub fn debt(&self) -> [u64; N] {
        self.local().debt()
    }

    /// Returns the limits, as the engine last said them.
    pub fn limits(&self) -> [Limit; N] {
        self.local().limits()
    }

    /// Returns what became of every token in this process, and how the engine stands.
    pub fn figures(&self) -> FleetFigures<N> {
        self.local().figures()
    }

    /// Decides each call by a round trip to the engine: nothing is held.
    pub fn strict(&self) -> Strict<'_, N> {
        Strict::new(self.owner.master.clone())
    }

    /// Changes the limits for the whole fleet, from this instant on the engine.
    ///
    /// What accrued until then accrued at the old rate, up to the old capacity; a debt stays a
    /// debt. Every process that holds tokens learns it with its next trip, at the latest within a
    /// term; what it holds stays good until it expires.
    ///
    /// # Errors
    ///
    /// [`FleetError`] if the limits cannot be kept, if others changed them at the same time, or if
    /// the engine does not answer; then the change may have been made.
    pub async fn set_limits(&self, limits: [Limit; N]) -> Result<(), FleetError> {
        let terms = self.owner.master.clone().set_limits(limits).await?;
        self.local().learn(terms);
        Ok(())
    }

    /// Changes the limits: [`set_limits`](Self::set_limits), on this thread.
    ///
    /// # Errors
    ///
    /// As [`set_limits`](Self::set_limits).
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn set_limits_blocking(&self, limits: [Limit; N]) -> Result<(), FleetError> {
        self.block_on(self.set_limits(limits))
    }

    /// Refuses all calls in this process from now on, and gives back what it holds.
    ///
    /// The last clone that is dropped does so, too, and waits for nothing. A [charge](Self::charge)
    /// that is not paid yet is forgotten.
    pub async fn close(&self) {
        self.local().close();
        let mut closed = self.owner.closed.clone();
        // An error says that whoever would tell has ended.
        let _ = closed.wait_for(|is_closed| *is_closed).await;
    }

    /// Closes: [`close`](Self::close), on this thread.
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn close_blocking(&self) {
        self.block_on(self.close());
    }
}

impl<const N: usize, C: Clone> Clone for FleetBucket<N, C> {
    fn clone(&self) -> Self {
        Self { owner: Arc::clone(&self.owner), clock: self.clock.clone() }
    }
}

impl<const N: usize, C> fmt::Debug for FleetBucket<N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetBucket").field("local", &self.owner.local).finish_non_exhaustive()
    }
}
