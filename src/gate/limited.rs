//! Owns what a gate needs of a limit: to look, to take, to put back, to settle and to wait. Never
//! orders limits.

use core::error::Error;
use core::fmt;
use core::future::Future;
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::refused::{Never, NotYet, Refused};
use crate::gate::refused::Reason;
use crate::limit::limit::Limit;
use crate::wait::timer::Timer;

/// What a [`Gate`](crate::Gate) can take from: a bucket, or the bucket of a key.
///
/// | limit | amounts |
/// |---|---|
/// | [`TokenBucket`](crate::TokenBucket), [`LeakyBucket`](crate::LeakyBucket) | `u64` |
/// | [`MultiBucket<N>`](crate::MultiBucket) | `[u64; N]` |
/// | `KeyedBucket` and `OwnedKeyedBucket`, with the feature `keys` | `u64`, or `[u64; N]` for several streams |
/// | a reference to one of these, or an `Arc` of it | as that |
///
/// An amount of 0 leaves its stream out. What is available of a `LeakyBucket` is its room. A limit
/// of another crate implements [`Steps`].
///
/// ```
/// use tollgate::clock::{DefaultClock, ManualClock};
/// use tollgate::gate::Limited;
/// use tollgate::{LeakyBucket, MultiBucket, TokenBucket};
///
/// fn limited<C>(_: Option<impl Limited<Clock = C>>) {}
/// limited::<DefaultClock>(None::<&TokenBucket>);
/// limited::<ManualClock>(None::<MultiBucket<2, ManualClock>>);
/// limited::<ManualClock>(None::<&&LeakyBucket<ManualClock>>);
/// ```
pub trait Limited: Steps {
    /// Returns the limits as they were written, one for each stream. Of a key, they are its own, or
    /// those of its tier.
    ///
    /// ```
    /// use tollgate::gate::Limited;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// fn capacities(limit: &impl Limited) -> Vec<u64> {
    ///     limit.limits().as_ref().iter().map(|limit| limit.capacity).collect()
    /// }
    /// let bucket = TokenBucket::new(Limit::per_second(10).capacity(50))?;
    /// assert_eq!(capacities(&bucket), [50]);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    fn limits(&self) -> impl AsRef<[Limit]> {
        self.configured()
    }

    /// Returns the tokens of each stream that are owed now.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::gate::Limited;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = TokenBucket::with_clock(Limit::per_second(10), ManualClock::new())?;
    /// bucket.charge(15)?;
    /// assert_eq!(bucket.debts().as_ref(), [5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    fn debts(&self) -> impl AsRef<[u64]> {
        self.owed()
    }
}

impl<B: Steps> Limited for B {}

/// How a call is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Manner {
    /// The time, if the caller supplies it.
    pub(crate) supplied: Option<Time>,
    /// Whether it is refused while a limit is in debt, also on a stream that it leaves out.
    pub(crate) admits: bool,
}

impl Manner {
    /// By the limits' own clocks, as takes are.
    pub(crate) const TAKE: Self = Self { supplied: None, admits: false };
}

/// The instant at which a limit is looked at or taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    pub(crate) now: Time,
    /// Whether the limit's own clock showed it, so that it may be read again.
    pub(crate) is_read: bool,
    pub(crate) admits: bool,
}

impl Moment {
    /// Returns the reading of the limit's clock, or the time that the caller supplied.
    pub const fn now(self) -> Time {
        self.now
    }

    /// Returns whether the limit refuses while it is in debt, also on a stream that is left out: as
    /// [`Bucket::admit`](crate::Bucket::admit) does.
    pub const fn admits(self) -> bool {
        self.admits
    }
}

/// What a look at a limit found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<T, R> {
    /// Whole tokens of each stream.
    pub left: T,
    /// Why a take would be refused; `None` if it would be granted.
    pub refused: Option<R>,
}

/// What a take left, and where its tokens came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken<T, H> {
    /// Whole tokens of each stream.
    pub left: T,
    /// What the limit is told when tokens come back.
    pub held: H,
}

/// What a look at this limit finds.
pub(crate) type FoundOf<B> = Found<<B as Steps>::Tokens, <B as Steps>::Refused>;

/// What a take from this limit leaves.
pub(crate) type TakenOf<B> = Taken<<B as Steps>::Tokens, <B as Steps>::Held>;

/// The steps of a limit: what a [`Gate`](crate::Gate) calls.
///
/// All buckets of this crate have them. Implement them for a limit of your own, and it stands in a
/// gate beside the others; `&B` and `Arc<B>` follow. Callers use [`Limited`] instead.
///
/// A take is one step: it takes from all streams or from none, and waits for nobody. Looks change
/// nothing that a caller can see.
///
/// ```
/// use std::fmt;
/// use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
/// use std::time::Duration;
///
/// use tollgate::clock::{DefaultClock, Time};
/// use tollgate::gate::steps::{Cause, Found, Moment, Steps, Taken};
/// use tollgate::gate::Reason;
/// use tollgate::wait::Timer;
/// use tollgate::{Gate, Limit, TokenBucket};
///
/// /// Places that come back only by `put_back`.
/// struct Places(AtomicU64, DefaultClock);
///
/// #[derive(Clone, Copy, PartialEq, Eq, Debug)]
/// struct Full;
///
/// # impl fmt::Display for Full {
/// #     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
/// #         f.write_str("no place is free")
/// #     }
/// # }
/// # impl std::error::Error for Full {}
/// impl Cause for Full {
///     fn reason(&self) -> Reason {
///         Reason::NotYet
///     }
///     fn known_wait(&self) -> Option<Duration> {
///         None
///     }
///     fn wait_of(&self, _: usize) -> Option<Duration> {
///         None
///     }
///     fn stream(&self) -> usize {
///         0
///     }
///     fn is_paused(&self) -> bool {
///         false
///     }
/// }
///
/// impl Steps for Places {
///     type Clock = DefaultClock;
///     type Amounts = u64;
///     type Tokens = [u64; 1];
///     type Configured = [Limit; 1];
///     type Refused = Full;
///     type Held = ();
///
///     fn tokens(amount: u64) -> [u64; 1] {
///         [amount]
///     }
///     fn clock(&self) -> &DefaultClock {
///         &self.1
///     }
///     fn configured(&self) -> [Limit; 1] {
///         [Limit::per_second(0)]
///     }
///     fn owed(&self) -> [u64; 1] {
///         [0]
///     }
///     fn look(&self, _: Moment, tokens: &[u64; 1]) -> Found<[u64; 1], Full> {
///         let left = self.0.load(Relaxed);
///         Found { left: [left], refused: (left < tokens[0]).then_some(Full) }
///     }
///     fn take(&self, at: Moment, tokens: &[u64; 1]) -> Result<Taken<[u64; 1], ()>, Found<[u64; 1], Full>> {
///         let less = |left: u64| left.checked_sub(tokens[0]);
///         match self.0.fetch_update(Relaxed, Relaxed, less) {
///             Ok(left) => Ok(Taken { left: [left - tokens[0]], held: () }),
///             Err(_) => Err(self.look(at, tokens)),
///         }
///     }
///     fn put_back(&self, _: Time, tokens: &[u64; 1], (): ()) {
///         self.0.fetch_add(tokens[0], Relaxed);
///     }
///     fn settle(&self, now: Time, taken: &[u64; 1], used: &[u64; 1], (): ()) -> Result<(), Full> {
///         self.put_back(now, &[taken[0].saturating_sub(used[0])], ());
///         Ok(())
///     }
///     async fn wait_on<T: Timer<Sleep: Send> + Send>(
///         &self,
///         tokens: [u64; 1],
///         _: Duration,
///         _: T,
///     ) -> Result<(), Full> {
///         self.wait_blocking(tokens, Duration::ZERO) // it has no line
///     }
///     fn wait_blocking(&self, tokens: [u64; 1], _: Duration) -> Result<(), Full> {
///         let less = |left: u64| left.checked_sub(tokens[0]);
///         self.0.fetch_update(Relaxed, Relaxed, less).map(|_| ()).map_err(|_| Full)
///     }
/// }
///
/// let places = Places(AtomicU64::new(1), DefaultClock::new());
/// let service = TokenBucket::new(Limit::per_second(10))?;
/// let gate = Gate::new().and(&places, 1).and(&service, 1);
/// let granted = gate.try_take().expect("a place is free");
/// assert!(gate.try_take().is_err());
/// assert_eq!(service.available(), 9);
/// granted.put_back();
/// assert!(gate.try_take().is_ok());
/// # Ok::<(), tollgate::limit::LimitError>(())
/// ```
pub trait Steps {
    /// What tells the time; all limits of a gate have the same type.
    type Clock: Clock;

    /// How a caller writes amounts.
    type Amounts: Copy;

    /// A number for each stream.
    type Tokens: Copy + Eq + fmt::Debug + AsRef<[u64]> + AsMut<[u64]> + Send + Sync + 'static;

    /// A limit for each stream.
    type Configured: AsRef<[Limit]>;

    /// Why it refuses.
    type Refused: Cause;

    /// Where tokens came from, for their way back.
    type Held: Copy + Eq + fmt::Debug + Send + Sync + 'static;

    /// Returns a number for each stream.
    fn tokens(amounts: Self::Amounts) -> Self::Tokens;

    /// Returns the clock that the gate reads, once for each call.
    fn clock(&self) -> &Self::Clock;

    /// Returns the limits as they were written.
    fn configured(&self) -> Self::Configured;

    /// Returns the tokens of each stream that are owed now.
    fn owed(&self) -> Self::Tokens;

    /// Returns whether `tokens` could be taken, behind those who wait.
    fn fits(&self, at: Moment, tokens: &Self::Tokens) -> bool {
        self.look(at, tokens).refused.is_none()
    }

    /// Returns what is left, and why `tokens` would be refused.
    fn look(&self, at: Moment, tokens: &Self::Tokens) -> Found<Self::Tokens, Self::Refused>;

    /// Takes `tokens` of all streams, or of none.
    ///
    /// # Errors
    ///
    /// Why it refused, and what was left.
    #[expect(clippy::type_complexity, reason = "an alias would hide what an implementation writes")]
    fn take(
        &self,
        at: Moment,
        tokens: &Self::Tokens,
    ) -> Result<Taken<Self::Tokens, Self::Held>, Found<Self::Tokens, Self::Refused>>;

    /// Gives back what was taken.
    fn put_back(&self, now: Time, tokens: &Self::Tokens, held: Self::Held);

    /// Replaces what was taken by what was used.
    ///
    /// # Errors
    ///
    /// If the limit cannot bear the debt. Nothing changes then.
    fn settle(
        &self,
        now: Time,
        taken: &Self::Tokens,
        used: &Self::Tokens,
        held: Self::Held,
    ) -> Result<(), Self::Refused>;

    /// Waits in turn. Dropped before it is ready, it has taken nothing.
    ///
    /// # Errors
    ///
    /// Why it refused, at the latest after `timeout`.
    fn wait_on<T: Timer<Sleep: Send> + Send>(
        &self,
        tokens: Self::Tokens,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<Self::Held, Self::Refused>> + Send;

    /// Waits on this thread in turn.
    ///
    /// # Errors
    ///
    /// As [`wait_on`](Self::wait_on).
    #[cfg(feature = "std")]
    fn wait_blocking(&self, tokens: Self::Tokens, timeout: Duration) -> Result<Self::Held, Self::Refused>;
}

/// Why a limit refused, whatever its streams.
pub trait Cause: Error + Copy + Eq + Send + Sync + 'static {
    /// Returns which kind of refusal it is.
    fn reason(&self) -> Reason;

    /// Returns when an equal call may be granted; `None` if no wait helps, or if nobody knows.
    fn known_wait(&self) -> Option<Duration>;

    /// Returns the same of one stream; zero if it did not refuse.
    fn wait_of(&self, stream: usize) -> Option<Duration>;

    /// Returns the stream with the longest wait.
    fn stream(&self) -> usize;

    /// Returns whether the limit refuses until it is told otherwise, whatever it has.
    fn is_paused(&self) -> bool;
}

impl<const N: usize> Cause for Refused<N> {
    fn reason(&self) -> Reason {
        match *self {
            Self::NotYet(_) => Reason::NotYet,
            Self::Never(Never { stream, requested, capacity }) => Reason::Never(Never { stream, requested, capacity }),
            Self::Closed | Self::Cancelled => Reason::Closed,
        }
    }

    fn known_wait(&self) -> Option<Duration> {
        self.wait()
    }

    fn wait_of(&self, stream: usize) -> Option<Duration> {
        match self {
            Self::NotYet(refusal) => refusal.waits()[stream],
            Self::Never(refusal) if refusal.stream != stream => Some(Duration::ZERO),
            Self::Never(_) | Self::Closed | Self::Cancelled => None,
        }
    }

    fn stream(&self) -> usize {
        self.stream()
    }

    fn is_paused(&self) -> bool {
        self.not_yet().is_some_and(NotYet::is_paused)
    }
}

macro_rules! by_reference {
    ($limit:ident, $of:ty) => {
        impl<$limit: Steps + ?Sized> Steps for $of {
            type Clock = $limit::Clock;
            type Amounts = $limit::Amounts;
            type Tokens = $limit::Tokens;
            type Configured = $limit::Configured;
            type Refused = $limit::Refused;
            type Held = $limit::Held;

            fn tokens(amounts: Self::Amounts) -> Self::Tokens {
                $limit::tokens(amounts)
            }

            #[inline]
            fn clock(&self) -> &Self::Clock {
                (**self).clock()
            }

            fn configured(&self) -> Self::Configured {
                (**self).configured()
            }

            fn owed(&self) -> Self::Tokens {
                (**self).owed()
            }

            #[inline]
            fn fits(&self, at: Moment, tokens: &Self::Tokens) -> bool {
                (**self).fits(at, tokens)
            }

            fn look(&self, at: Moment, tokens: &Self::Tokens) -> FoundOf<Self> {
                (**self).look(at, tokens)
            }

            #[inline]
            fn take(&self, at: Moment, tokens: &Self::Tokens) -> Result<TakenOf<Self>, FoundOf<Self>> {
                (**self).take(at, tokens)
            }

            fn put_back(&self, now: Time, tokens: &Self::Tokens, held: Self::Held) {
                (**self).put_back(now, tokens, held);
            }

            fn settle(
                &self,
                now: Time,
                taken: &Self::Tokens,
                used: &Self::Tokens,
                held: Self::Held,
            ) -> Result<(), Self::Refused> {
                (**self).settle(now, taken, used, held)
            }

            fn wait_on<T: Timer<Sleep: Send> + Send>(
                &self,
                tokens: Self::Tokens,
                timeout: Duration,
                timer: T,
            ) -> impl Future<Output = Result<Self::Held, Self::Refused>> + Send {
                (**self).wait_on(tokens, timeout, timer)
            }

            #[cfg(feature = "std")]
            fn wait_blocking(&self, tokens: Self::Tokens, timeout: Duration) -> Result<Self::Held, Self::Refused> {
                (**self).wait_blocking(tokens, timeout)
            }
        }
    };
}

by_reference!(B, &B);

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod shared {
    extern crate alloc;

    use alloc::sync::Arc;

    use super::*;

    by_reference!(B, Arc<B>);
}
