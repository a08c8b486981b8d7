//! Owns the gate: how it is built, its guarantees, and the verbs that decide at once. Never touches
//! a bucket: its list does.

use core::fmt;
use core::marker::PhantomData;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::gate::charge::Charge;
use crate::gate::gate_at::GateAt;
use crate::gate::granted::GateGranted;
use crate::gate::limited::{Limited, Manner, Steps};
use crate::gate::list::{And, Limits};
use crate::gate::refused::GateRefused;
use crate::gate::seen::{Entries, GateSeen};

/// One decision over several buckets, from the narrowest to the widest.
///
/// A client's limit and one for the whole service, say. A call is granted by all of them, or by
/// none. Each limit stands beside the amounts that the call takes from it. A gate borrows its
/// buckets, allocates nothing, and is built for each call.
///
/// ```
/// # #[cfg(feature = "keys")] {
/// use tollgate::{Gate, KeyedBuckets, Limit, MultiBucket};
///
/// // Each client 10 requests a second; all of them 1000 requests and 1 MiB a second.
/// let clients = KeyedBuckets::<String>::new(Limit::per_second(10), 100_000)?;
/// let service = MultiBucket::new([Limit::per_second(1000), "1MiB/s".parse()?])?;
///
/// let answer = |client: &str, bytes| {
///     let gate = Gate::new().and(clients.bucket(client), 1).and(&service, [1, bytes]);
///     match gate.try_take() {
///         Ok(_) => (200, None),
///         Err(refused) => (429, refused.wait()),
///     }
/// };
/// assert_eq!(answer("alice", 700_000).0, 200);
/// let (status, wait) = answer("bob", 700_000);
/// assert!(status == 429 && wait.is_some());
/// assert_eq!(clients.available("bob"), 10); // the service refused, so it costs bob nothing
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Narrow to wide
///
/// Add the limits that few calls share first, and the one that all share last. The gate looks at
/// all of them, which writes nothing. Then it takes from the narrow ones, and from the widest last.
/// If another call is faster meanwhile, what the narrow ones gave goes back. So a refusal never
/// touches the widest limit, and an exhausted service costs its clients nothing.
///
/// A gate respects those who wait in turn at any of its limits: it overtakes nobody.
///
/// # The bound
///
/// What is finally granted in a window of length `w` keeps [the bound](crate#the-bound):
///
/// * Of the widest limit: `C + r * (w + e)`, unchanged.
/// * Of a narrower limit: `C + r * (w + e) + F`. `F` is what calls that were in progress when the
///   window began had taken from it and later gave back.
/// * Where calls [wait](Self#waiting), a narrower limit gains at use `H`: what calls that waited at
///   wider limits held of it when the window began. With a timeout of `t`, `H` is at most
///   `C + r * t`.
///
/// [`GateGranted::put_back`] counts as a [put-back](crate::Bucket::put_back).
///
/// # Progress
///
/// No step waits for another thread, but for the lock of a key's shard. A thread that stops
/// anywhere keeps what it took from narrow limits, and mints nothing.
///
/// # Clocks
///
/// Each limit is decided at a reading of its own clock; all are read before the first look. So it
/// does no harm that clocks of one type differ in their origin, as those of buckets made by
/// [`new`](crate::TokenBucket::new) do. All limits have one type of clock, or the gate does not
/// compile: else a wait by one clock would not be a wait by another.
///
/// ```compile_fail,E0271
/// use tollgate::clock::{ManualClock, Monotonic};
/// use tollgate::{Gate, Limit, TokenBucket};
/// let limit = Limit::per_second(10);
/// let client = TokenBucket::with_clock(limit, ManualClock::new()).unwrap();
/// let service = TokenBucket::with_clock(limit, Monotonic::new(ManualClock::new())).unwrap();
/// let gate = Gate::new().and(&client, 1).and(&service, 1);
/// ```
///
/// # Waiting
///
/// The waiting verbs wait in turn at the narrowest limit, then at the next, under one deadline.
/// They are refused at once if a look says that a limit cannot grant in time. The deadline counts
/// by the clock of the widest limit. While a call waits at a wide limit, it holds what narrow ones
/// gave. A future that is dropped gives it back, except where an [attempt](Charge::OnAttempt)
/// counts.
pub struct Gate<C = DefaultClock, L = ()> {
    pub(crate) limits: L,
    clock: PhantomData<fn() -> C>,
}

impl<C> Gate<C> {
    /// Begins a gate without limits. Add at least one with [`and`](Self::and).
    ///
    /// ```
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::new(Limit::per_second(10))?;
    /// assert!(Gate::new().and(&bucket, 10).try_take().is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[expect(clippy::new_without_default, reason = "a gate without limits is of no use")]
    #[must_use]
    pub const fn new() -> Self {
        Self { limits: (), clock: PhantomData }
    }
}

impl<C, L> Gate<C, L> {
    /// Adds a limit that is wider than those before it, and what the call takes from it.
    ///
    /// A bucket, or a key, stands in a gate once: amounts that one is asked for twice are not added
    /// up by the look, so the wait would be too short.
    ///
    /// [`Limited`] lists what can be added. All limits must have the same type of clock.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, LeakyBucket, Limit, MultiBucket, TokenBucket};
    ///
    /// let clock = ManualClock::new();
    /// let user = TokenBucket::with_clock(Limit::per_second(5), &clock)?;
    /// let team = LeakyBucket::empty_with_clock(Limit::per_second(50), &clock)?;
    /// let limits = [Limit::per_second(500), Limit::per_second(9000)];
    /// let all = MultiBucket::with_clock(limits, &clock)?;
    /// let gate = Gate::new().and(&user, 1).and(&team, 1).and(&all, [1, 300]);
    /// assert!(gate.try_take().is_ok());
    /// assert_eq!((user.available(), team.level(), all.available()), (4, 1, [499, 8700]));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[must_use]
    pub fn and<B: Limited<Clock = C>>(self, limit: B, amounts: B::Amounts) -> Gate<C, And<L, B>> {
        let tokens = B::tokens(amounts);
        let limits = And { narrower: self.limits, limit, tokens, charge: Charge::OnAdmission };
        Gate { limits, clock: PhantomData }
    }
}

impl<C, L, B: Steps> Gate<C, And<L, B>> {
    /// Says when the limit that was added last counts a call that a wider one refuses. See
    /// [`Charge`], which has an example.
    ///
    /// Default: [`Charge::OnAdmission`].
    #[must_use]
    pub fn charged(mut self, charge: Charge) -> Self {
        self.limits.charge = charge;
        self
    }
}

impl<C: Clock, L: Limits> Gate<C, L> {
    /// Takes from all limits now, or from none.
    ///
    /// # Errors
    ///
    /// [`GateRefused`] if at least one limit refuses: it names them all, and the longest wait. Only
    /// limits that are [charged on attempt](Charge::OnAttempt) then count the call.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let clock = ManualClock::new();
    /// let client = TokenBucket::with_clock(Limit::per_second(10), &clock)?;
    /// let service = TokenBucket::with_clock(Limit::per_second(5).empty(), &clock)?;
    /// let gate = Gate::new().and(&client, 1).and(&service, 1);
    /// assert_eq!(gate.try_take().unwrap_err().wait(), Some(Duration::from_millis(200)));
    /// assert_eq!(client.available(), 10);
    /// clock.advance(Duration::from_millis(200));
    /// assert!(gate.try_take().is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn try_take(self) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
        try_take(self.limits, Manner::TAKE)
    }

    /// Takes from all limits as [`try_take`](Self::try_take) does, unless any of them is in debt,
    /// also on a stream that the call leaves out: see [`Bucket::admit`](crate::Bucket::admit). So
    /// quotas bind that are [settled](GateGranted::settle) when the cost is known.
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, MultiBucket, TokenBucket};
    ///
    /// let clock = ManualClock::new();
    /// let limits = [Limit::per_second(10), Limit::per_second(1000)];
    /// let client = MultiBucket::with_clock(limits, &clock)?;
    /// let service = TokenBucket::with_clock(Limit::per_second(100), &clock)?;
    /// let gate = Gate::new().and(&client, [1, 0]).and(&service, 1);
    /// let granted = gate.admit().expect("nothing is owed");
    /// granted.settle(|limit, amounts| {
    ///     if limit == 0 {
    ///         amounts[1] = 2500; // what the response came to
    ///     }
    /// })?;
    /// assert_eq!(gate.admit().unwrap_err().wait(), Some(Duration::from_millis(1500)));
    /// assert!(gate.try_take().is_ok()); // it asks for no bytes
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn admit(self) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
        try_take(self.limits, Manner { admits: true, ..Manner::TAKE })
    }

    /// Looks whether a take would be granted, and what each limit has. Takes nothing.
    ///
    /// The answer may change before the call returns. That there is no room for a new key is seen
    /// where a call has found it out; a look makes none.
    ///
    /// # Errors
    ///
    /// As [`try_take`](Self::try_take).
    ///
    /// ```
    /// use tollgate::{Gate, Limit, TokenBucket};
    ///
    /// let client = TokenBucket::new(Limit::per_hour(10))?;
    /// let service = TokenBucket::new(Limit::per_hour(5))?;
    /// let seen = Gate::new().and(&client, 1).and(&service, 1).peek().expect("both are full");
    /// assert_eq!(seen.limit(0).expect("two").available(), [10]);
    /// assert!(Gate::new().and(&client, 6).and(&service, 6).peek().is_err());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn peek(&self) -> Result<GateSeen<L::Looks>, GateRefused<L::Looks>> {
        peek(&self.limits, Manner::TAKE)
    }

    /// Views the gate at a time that the caller supplies: [`GateAt`].
    ///
    /// It is for limits on **one** clock, and for simulations.
    pub fn at(self, now: Time) -> GateAt<C, L> {
        GateAt { gate: self, now }
    }
}

pub(crate) fn try_take<L: Limits>(limits: L, manner: Manner) -> Result<GateGranted<L>, GateRefused<L::Looks>> {
    let moments = limits.moments(manner);
    loop {
        if limits.fit(&moments) {
            return match limits.take(&moments) {
                Ok(holds) => Ok(GateGranted { limits, holds }),
                Err(looks) => Err(GateRefused { looks }),
            };
        }
        let mut looks = limits.look(moments);
        // Else tokens came back since: another call got on.
        if !looks.all_grant() {
            limits.attempt(&mut looks);
            return Err(GateRefused { looks });
        }
    }
}

pub(crate) fn peek<L: Limits>(limits: &L, manner: Manner) -> Result<GateSeen<L::Looks>, GateRefused<L::Looks>> {
    let looks = limits.look(limits.moments(manner));
    if looks.all_grant() { Ok(GateSeen { looks }) } else { Err(GateRefused { looks }) }
}

impl<C, L: Copy> Copy for Gate<C, L> {}

impl<C, L: Clone> Clone for Gate<C, L> {
    fn clone(&self) -> Self {
        Self { limits: self.limits.clone(), clock: PhantomData }
    }
}

impl<C, L: fmt::Debug> fmt::Debug for Gate<C, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("limits", &self.limits).finish()
    }
}
