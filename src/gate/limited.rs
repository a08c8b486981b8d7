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
/// An amount of 0 leaves its stream out. What is available of a `LeakyBucket` is its room. The
/// trait is sealed.
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

/// The instant of a look, and whether the limit's own clock showed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Moment {
    pub(crate) now: Time,
    /// Whether the clock may be read again; not if the caller supplied the time.
    pub(crate) is_read: bool,
    /// See [`Manner`].
    pub(crate) admits: bool,
}

/// What a look at a limit found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found<T, R> {
    /// Whole tokens of each stream.
    pub(crate) left: T,
    /// Why a take would be refused.
    pub(crate) refused: Option<R>,
}

/// What a take left, and where it came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Taken<T, H> {
    pub(crate) left: T,
    pub(crate) held: H,
}

/// What a look at this limit finds.
pub(crate) type FoundOf<B> = Found<<B as Steps>::Tokens, <B as Steps>::Refused>;

/// What a take from this limit leaves.
pub(crate) type TakenOf<B> = Taken<<B as Steps>::Tokens, <B as Steps>::Held>;

/// The steps of a limit. The only place where a gate touches buckets.
pub trait Steps {
    type Clock: Clock;

    /// How a caller writes amounts.
    type Amounts: Copy;

    /// A number for each stream.
    type Tokens: Copy + Eq + fmt::Debug + AsRef<[u64]> + AsMut<[u64]> + Send + Sync + 'static;

    /// A limit for each stream.
    type Configured: AsRef<[Limit]>;

    type Refused: Cause;

    /// Where tokens came from, for their way back.
    type Held: Copy + Eq + fmt::Debug + Send + Sync + 'static;

    fn tokens(amounts: Self::Amounts) -> Self::Tokens;

    fn clock(&self) -> &Self::Clock;

    /// The limits as they were written.
    fn configured(&self) -> Self::Configured;

    fn owed(&self) -> Self::Tokens;

    /// Whether `tokens` could be taken, behind those who wait. Writes nothing.
    fn fits(&self, at: Moment, tokens: &Self::Tokens) -> bool;

    /// The same, with why not. Writes nothing.
    fn look(&self, at: Moment, tokens: &Self::Tokens) -> FoundOf<Self>;

    /// Takes `tokens`, or says why not.
    fn take(&self, at: Moment, tokens: &Self::Tokens) -> Result<TakenOf<Self>, FoundOf<Self>>;

    fn put_back(&self, now: Time, tokens: &Self::Tokens, held: Self::Held);

    /// Replaces what was taken by what was used.
    fn settle(
        &self,
        now: Time,
        taken: &Self::Tokens,
        used: &Self::Tokens,
        held: Self::Held,
    ) -> Result<(), Self::Refused>;

    /// Waits in turn. Dropped before it is ready, it has taken nothing.
    fn wait_on<T: Timer<Sleep: Send> + Send>(
        &self,
        tokens: Self::Tokens,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<Self::Held, Self::Refused>> + Send;

    #[cfg(feature = "std")]
    fn wait_blocking(&self, tokens: Self::Tokens, timeout: Duration) -> Result<Self::Held, Self::Refused>;
}

/// Why a limit refused, whatever its streams.
pub trait Cause: Error + Copy + Eq + Send + Sync + 'static {
    fn reason(&self) -> Reason;

    /// `None` if no wait helps, or if nobody knows which.
    fn known_wait(&self) -> Option<Duration>;

    /// The same of one stream; zero if it did not refuse.
    fn wait_of(&self, stream: usize) -> Option<Duration>;

    fn stream(&self) -> usize;

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
