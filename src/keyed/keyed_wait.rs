//! Owns the verbs of one key that wait, in the line of that key. Never decides whose turn it is.

use core::future::Future;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::boxed::Box;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_queue::KeyQueue;
use crate::keyed::key_refused::{KeyRefused, NoRoom};
use crate::keyed::keyed_bucket::KeyedBucket;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::table::{Failed, Reading};
use crate::keyed::terms::{Terms, refusal, unless_paused};
use crate::keyed::tier::{TierOf, Tiers};
use crate::state::store::Waitable;
use crate::wait::holder::Holder;
use crate::wait::line::entry::Aim;
use crate::wait::line::turn::Turn;
use crate::wait::readiness;
use crate::wait::reservation::{Reservation, take_ahead};
use crate::wait::take::{Look, Wait};
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

/// A share of a line through a reference to all keys.
type BorrowedQueue<'a, K, const N: usize, C, H, F> = KeyQueue<&'a KeyedBuckets<K, N, C, H, F>, K, N, C, H, F>;

/// A wait in the line of a key.
pub(crate) type KeyTurn<'a, K, const N: usize, C, H, F> = Turn<Box<BorrowedQueue<'a, K, N, C, H, F>>, N>;

/// How a wait for tokens to be there begins: see [`KeyedBucket::look`].
type Looked<T, const N: usize> = Result<Option<T>, Option<Refused<N>>>;

/// How a wait for a key begins.
pub(crate) enum Begun<'a, 'r, K, const N: usize, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash + Send + Sync,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + Sync,
{
    /// There is nothing to wait for.
    Granted(Granted<N>),
    Waits(KeyTurn<'a, K, N, C, H, F>),
    /// The key has no room: it waits for the overflow, from which it has taken.
    Shared(Reservation<'r, N>),
}

/// Futures own what they need of the view, so a function can return them.
impl<'a, Q, K, const N: usize, C, H, F> KeyedBucket<'a, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash + Send + Sync,
    Q: KeyForm<K> + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + TierOf<Q> + Sync,
{
    /// As [`TokenBucket::take_blocking`](crate::TokenBucket::take_blocking): it waits in the
    /// [line of the key](KeyedBuckets#waiting-for-a-key).
    ///
    /// A key without room waits for the
    /// [overflow](crate::KeyedBuckets::with_shared_overflow), if there is one. That has no line: it
    /// takes at once, as a debt, and sleeps until that is paid.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(1000).capacity(1), 1000)?;
    /// clients.bucket(&7).take_blocking(1)?;
    /// clients.bucket(&7).take_blocking(1)?; // a millisecond later
    ///     
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_blocking(&self, amounts: Amounts<N>) -> Result<Granted<N>, KeyRefused<N>> {
        self.take_blocking_timeout(amounts, Duration::MAX)
    }

    /// As [`TokenBucket::take_blocking_timeout`](crate::TokenBucket::take_blocking_timeout).
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_second(10),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// clients.try_take(&7, 10)?;
    /// assert!(
    ///     clients.bucket(&7).take_blocking_timeout(1, Duration::from_millis(99)).is_err()
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn take_blocking_timeout(&self, amounts: Amounts<N>, timeout: Duration) -> Result<Granted<N>, KeyRefused<N>> {
        let now = self.now();
        match self.begin(now, <[u64; N]>::array(amounts), timeout)? {
            Begun::Granted(granted) => Ok(granted),
            Begun::Waits(turn) => Ok(turn.wait_blocking(now, None)?),
            Begun::Shared(mut place) => {
                place.wait()?;
                Ok(place.granted())
            }
        }
    }

    /// Waits on tokio's timer until it is the caller's turn, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use tollgate::{KeyedBuckets, Limit};
    ///
    ///     let limit = Limit::per_second(1000).capacity(1);
    ///     let clients = KeyedBuckets::<String>::new(limit, 1000)?;
    ///     clients.bucket("alice").take(1).await?;
    ///     clients.bucket("alice").take(1).await?; // a millisecond later
    ///     Ok(())
    /// }
    /// ```
    #[cfg(feature = "tokio")]
    pub fn take(self, amounts: Amounts<N>) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_on(amounts, TokioTimer)
    }

    /// Waits on tokio's timer for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    #[cfg(feature = "tokio")]
    pub fn take_timeout(
        self,
        amounts: Amounts<N>,
        timeout: Duration,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_timeout_on(amounts, timeout, TokioTimer)
    }

    /// Waits on any timer until it is the caller's turn, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`take_timeout_on`](Self::take_timeout_on).
    pub fn take_on<T: Timer>(
        self,
        amounts: Amounts<N>,
        timer: T,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        self.take_timeout_on(amounts, Duration::MAX, timer)
    }

    /// Waits on any timer for at most `timeout`, and takes these amounts.
    ///
    /// # Errors
    ///
    /// As [`reserve_within`](Self::reserve_within), at the first poll.
    pub fn take_timeout_on<T: Timer>(
        self,
        amounts: Amounts<N>,
        timeout: Duration,
        timer: T,
    ) -> impl Future<Output = Result<Granted<N>, KeyRefused<N>>> {
        let deadline = self.now().after(timeout);
        self.take_by(amounts, deadline, timer)
    }

    pub(super) async fn take_by<T: Timer>(
        self,
        amounts: Amounts<N>,
        deadline: Time,
        timer: T,
    ) -> Result<Granted<N>, KeyRefused<N>> {
        let now = self.now();
        match self.begin(now, <[u64; N]>::array(amounts), deadline.since(now))? {
            Begun::Granted(granted) => Ok(granted),
            Begun::Waits(turn) => Ok(Wait::new(turn, timer).await?),
            Begun::Shared(mut place) => {
                place.wait_on(timer).await?;
                Ok(place.granted())
            }
        }
    }

    /// Takes these amounts, or begins to wait for them: in the line of the key, or for the overflow
    /// where the key has no room.
    pub(crate) fn begin(
        &self,
        now: Time,
        amounts: [u64; N],
        timeout: Duration,
    ) -> Result<Begun<'a, '_, K, N, C, H, F>, KeyRefused<N>> {
        if amounts == [0; N] {
            return Ok(Begun::Granted(self.take_nothing()));
        }
        let KeyedBuckets { table, clock, wait_bounds, .. } = self.buckets;
        let taken = table.update_own(
            self.key,
            self.buckets.tiers.tier_of(self.key),
            Reading { now, clock: Some(clock) },
            &amounts,
            |terms, now, spent| {
                unless_paused(terms, now, |limits, elapsed| {
                    let spent = limits.take(spent, elapsed, &amounts)?;
                    Some((spent, Granted::new(limits, &spent, now, 0)))
                })
            },
            |terms, now, spent| refusal(terms, now, spent, &amounts),
        );
        let refused = match taken {
            Ok(granted) => return Ok(Begun::Granted(granted)),
            Err(Failed::NoRoom(no_room)) => return self.share(now, amounts, timeout, no_room),
            Err(Failed::Refused(refused)) => refused,
        };
        if !matches!(refused, Refused::NotYet(_)) {
            return Err(refused.into());
        }
        // Where nobody waits, the wait is exact. One that is too long joins no line.
        let in_time = |wait| wait <= timeout.min(wait_bounds.max_wait);
        if !refused.wait().is_some_and(in_time) && !table.has_line(self.key) {
            return Err(refused.into());
        }
        match self.join(now) {
            Ok(queue) => Ok(Begun::Waits(Turn::new(Box::new(queue), now, amounts, timeout, Aim::Take))),
            Err(no_room) => self.share(now, amounts, timeout, no_room),
        }
    }

    /// Waits for the overflow, if there is one.
    fn share(
        &self,
        now: Time,
        amounts: [u64; N],
        timeout: Duration,
        no_room: NoRoom,
    ) -> Result<Begun<'a, '_, K, N, C, H, F>, KeyRefused<N>> {
        if self.buckets.table.overflow.is_none() {
            return Err(no_room.into());
        }
        let due = take_ahead(&self.overflow, now, amounts, timeout, false)?;
        Ok(Begun::Shared(Reservation::taken(Holder::Borrowed(&self.overflow), now, amounts, due)))
    }

    /// Takes a share of the line of the key.
    pub(super) fn join(&self, now: Time) -> Result<BorrowedQueue<'a, K, N, C, H, F>, NoRoom> {
        let buckets = self.buckets;
        let reading = Reading { now, clock: Some(&buckets.clock) };
        Ok(KeyQueue::new(buckets, buckets.table.join(self.key, buckets.tiers.tier_of(self.key), reading)?))
    }

    /// Begins to wait until these amounts could be taken; `None` if they can be now. `Err` with
    /// `None` if the key has no room.
    fn look(&self, amounts: [u64; N]) -> Looked<KeyTurn<'a, K, N, C, H, F>, N> {
        let (now, tier) = (self.now(), self.buckets.tiers.tier_of(self.key));
        let look = |terms: &Terms<N>, spent: &[u64; N]| {
            let limits = terms.limits();
            limits.check(&amounts).map_err(|never| Some(never.into()))?;
            let pause = if amounts == [0; N] { 0 } else { limits.pause_left(now) };
            let missing = limits.not_yet(spent, limits.elapsed(now), &amounts).behind(pause);
            missing.wait().map(|wait| wait.is_zero()).ok_or(Some(missing.into()))
        };
        if self.buckets.table.read_behind(self.key, tier, now, &amounts, look)? {
            return Ok(None);
        }
        let queue = self.join(now).map_err(|_| None)?;
        Ok(Some(Turn::new(Box::new(queue), now, amounts, Duration::MAX, Aim::Look)))
    }

    /// Waits on any timer until these amounts could be taken, and takes nothing.
    ///
    /// It waits in the [line of the key](KeyedBuckets#waiting-for-a-key), as one that takes does.
    /// After that others may take them first. Where the key has no room, it looks when they should
    /// be there.
    ///
    /// # Errors
    ///
    /// [`Refused::Never`] for more than a stream's capacity, and [`Refused::NotYet`] where a stream
    /// that lacks tokens has a rate of 0.
    pub async fn until_available_on<T: Timer>(self, amounts: Amounts<N>, timer: T) -> Result<(), Refused<N>> {
        let amounts = <[u64; N]>::array(amounts);
        match self.look(amounts) {
            Ok(None) => Ok(()),
            Ok(Some(turn)) => Wait::new(Look(turn), timer).await,
            Err(Some(refused)) => Err(refused),
            Err(None) => readiness::until_available(&self, amounts, timer).await,
        }
    }

    /// Waits on this thread as [`until_available_on`](Self::until_available_on) does on a timer.
    ///
    /// # Errors
    ///
    /// As [`until_available_on`](Self::until_available_on).
    ///
    /// ```
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64>::new(Limit::per_second(1000), 1000)?;
    /// clients.bucket(&7).until_available_blocking(1)?;
    /// assert!(clients.try_take(&7, 1).is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn until_available_blocking(&self, amounts: Amounts<N>) -> Result<(), Refused<N>> {
        let amounts = <[u64; N]>::array(amounts);
        match self.look(amounts) {
            Ok(None) => Ok(()),
            Ok(Some(turn)) => turn.wait_blocking(self.now(), None).map(|_| ()),
            Err(Some(refused)) => Err(refused),
            Err(None) => readiness::until_available_blocking(self, amounts),
        }
    }
}
