//! Owns the steps of a gate on buckets that are no keys. Never reads a clock.

use core::convert::Infallible;
use core::future::Future;
use core::time::Duration;

use crate::bucket::leaky::LeakyBucket;
use crate::bucket::multi::MultiBucket;
use crate::bucket::token::TokenBucket;
use crate::bucket::verbs;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::{NotYet, Refused};
use crate::gate::limited::{Found, Moment, Steps, Taken};
#[cfg(not(feature = "std"))]
use crate::gate::wait::ready;
use crate::limit::limit::Limit;
use crate::state::store::{Store, Stored};
use crate::wait::estimate::Estimate;
use crate::wait::holder::Holder;
#[cfg(feature = "std")]
use crate::wait::line::{entry::Aim, turn};
use crate::wait::timer::Timer;
use crate::wait::waits::{self, Waits};

/// Whether these amounts could be taken, apart from those who wait.
#[inline]
pub(crate) fn fit<const N: usize>(limits: &Limits<N>, at: Moment, spent: &[u64; N], amounts: &[u64; N]) -> bool {
    looks_at_nothing(at, amounts) || !limits.paused_at(at.now) && next(limits, at, spent, amounts).is_some()
}

/// The words after the call.
#[inline]
pub(crate) fn next<const N: usize>(
    limits: &Limits<N>,
    at: Moment,
    spent: &[u64; N],
    amounts: &[u64; N],
) -> Option<[u64; N]> {
    let elapsed = limits.elapsed(at.now);
    if at.admits { limits.admit(spent, elapsed, amounts) } else { limits.take(spent, elapsed, amounts) }
}

/// Whether the limit grants whatever it has.
#[inline]
pub(crate) fn looks_at_nothing<const N: usize>(at: Moment, amounts: &[u64; N]) -> bool {
    !at.admits && is_nothing(amounts)
}

/// Not a call of `memcmp`.
#[inline]
pub(crate) fn is_nothing<const N: usize>(amounts: &[u64; N]) -> bool {
    amounts.iter().fold(0, |bits, amount| bits | amount) == 0
}

/// What a bucket has, and why it would refuse these amounts apart from those who wait.
pub(crate) fn found<const N: usize>(
    limits: &Limits<N>,
    at: Moment,
    spent: &[u64; N],
    amounts: &[u64; N],
) -> Found<[u64; N], Refused<N>> {
    let (elapsed, pause) = (limits.elapsed(at.now), limits.pause_left(at.now));
    let left = if pause > 0 { [0; N] } else { limits.available(spent, elapsed) };
    let refuse = if at.admits { Limits::not_admitted } else { Limits::refusal };
    let refused = (!fit(limits, at, spent, amounts)).then(|| refuse(limits, spent, elapsed, amounts, pause));
    Found { left, refused }
}

/// Why those who wait keep a taker out.
#[inline]
fn refusal_in_line<const N: usize>(store: &impl Store<N>, at: Moment, amounts: &[u64; N]) -> Option<Refused<N>> {
    if looks_at_nothing(at, amounts) || !store.keeps_out(at.now) {
        return None;
    }
    // Whoever is admitted will charge the streams that it leaves out.
    let least = u64::from(at.admits);
    store.refusal_in_line(at.now, amounts.map(|amount| amount.max(least)))
}

#[inline]
fn fits<const N: usize>(store: &impl Store<N>, at: Moment, amounts: &[u64; N]) -> bool {
    if looks_at_nothing(at, amounts) {
        return true;
    }
    if refusal_in_line(store, at, amounts).is_some() {
        return false;
    }
    // To make nothing of the words is to read them: that path is short.
    let looked = store.update(
        |limits| limits.pause_left(at.now),
        |_, _| None::<([u64; N], Infallible)>,
        |limits, spent, pause| pause == 0 && next(limits, at, spent, amounts).is_some(),
    );
    match looked {
        Ok(never) => match never {},
        Err(fits) => fits,
    }
}

fn look<const N: usize>(store: &impl Store<N>, at: Moment, amounts: &[u64; N]) -> Found<[u64; N], Refused<N>> {
    let in_line = refusal_in_line(store, at, amounts);
    let Found { left, refused } = store.read(|limits, spent| found(limits, at, spent, amounts));
    Found { left, refused: in_line.or(refused) }
}

#[inline]
fn take<const N: usize>(
    store: &impl Store<N>,
    at: Moment,
    amounts: &[u64; N],
) -> Result<Taken<[u64; N], ()>, Found<[u64; N], Refused<N>>> {
    let taken =
        if at.admits { verbs::admit(store, at.now, *amounts) } else { verbs::try_take(store, at.now, *amounts) };
    match taken {
        Ok(granted) => Ok(Taken { left: granted.remaining_each(), held: () }),
        Err(refused) => {
            let had = refused.not_yet().map(NotYet::available_each);
            Err(Found { left: had.unwrap_or_else(|| look(store, at, amounts).left), refused: Some(refused) })
        }
    }
}

/// Waits in the line; without one, as a reservation.
async fn take_in_turn<const N: usize, B: Stored<N> + Waits<N>, T: Timer>(
    bucket: &B,
    amounts: [u64; N],
    timeout: Duration,
    timer: T,
) -> Result<(), Refused<N>> {
    #[cfg(feature = "std")]
    return waits::take(bucket, amounts, timeout, timer).await.map(|_| ());
    #[cfg(not(feature = "std"))]
    ready(waits::reserve(bucket, Stored::now(bucket), amounts, timeout, false)?, timer).await
}

macro_rules! steps {
    ([$($generics:tt)*] $type:ty, $n:tt, $amounts:ty, $this:ident => $bucket:expr, $configured:expr, $written:ident => $tokens:expr) => {
        impl<$($generics)*> Steps for $type {
            type Clock = C;
            type Amounts = $amounts;
            type Tokens = [u64; $n];
            type Configured = [Limit; $n];
            type Refused = Refused<$n>;
            type Held = ();

            fn tokens($written: $amounts) -> [u64; $n] {
                $tokens
            }

            #[inline]
            fn clock(&self) -> &C {
                self.clock()
            }

            fn configured(&self) -> [Limit; $n] {
                let $this = self;
                $configured
            }

            fn owed(&self) -> [u64; $n] {
                let $this = self;
                verbs::debt($bucket.store(), self.clock().now())
            }

            #[inline]
            fn fits(&self, at: Moment, tokens: &[u64; $n]) -> bool {
                let $this = self;
                fits($bucket.store(), at, tokens)
            }

            fn look(&self, at: Moment, tokens: &[u64; $n]) -> Found<[u64; $n], Refused<$n>> {
                let $this = self;
                look($bucket.store(), at, tokens)
            }

            #[inline]
            fn take(
                &self,
                at: Moment,
                tokens: &[u64; $n],
            ) -> Result<Taken<[u64; $n], ()>, Found<[u64; $n], Refused<$n>>> {
                let $this = self;
                take($bucket.store(), at, tokens)
            }

            fn put_back(&self, now: Time, tokens: &[u64; $n], (): ()) {
                let $this = self;
                verbs::put_back($bucket.store(), now, *tokens);
            }

            fn settle(
                &self,
                now: Time,
                taken: &[u64; $n],
                used: &[u64; $n],
                (): (),
            ) -> Result<(), Refused<$n>> {
                let $this = self;
                Estimate::new(Holder::Borrowed($bucket), now, *taken).settle(*used)
            }

            fn wait_on<T: Timer<Sleep: Send> + Send>(
                &self,
                tokens: [u64; $n],
                timeout: Duration,
                timer: T,
            ) -> impl Future<Output = Result<(), Refused<$n>>> + Send {
                let $this = self;
                take_in_turn($bucket, tokens, timeout, timer)
            }

            #[cfg(feature = "std")]
            fn wait_blocking(&self, tokens: [u64; $n], timeout: Duration) -> Result<(), Refused<$n>> {
                let $this = self;
                turn::wait_blocking($bucket, tokens, timeout, Aim::Take, None).map(|_| ())
            }
        }
    };
}

steps!([C: Clock + Sync] TokenBucket<C>, 1, u64, this => this, [this.limit()], n => [n]);
steps!([C: Clock + Sync, const S: usize] LeakyBucket<C, S>, 1, u64, this => this.as_tokens(), [this.limit()], n => [n]);
steps!(
    [const N: usize, C: Clock + Sync, const S: usize] MultiBucket<N, C, S>, N, [u64; N],
    this => this, this.limits(), amounts => amounts
);
