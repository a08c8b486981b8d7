//! Owns the bucket of one key as a value, for what waits; what a verb does to it is in
//! `keyed_buckets_at.rs`.

use core::fmt;
use core::hash::{BuildHasher, Hash};
use core::time::Duration;
use std::boxed::Box;

use crate::clock::clock::{Clock, DefaultClock};
use crate::clock::time::Time;
use crate::decision::due::Due;
use crate::decision::refused::Refused;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_hash::KeyHash;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::lines::bounded;
use crate::keyed::overflow::{Overflow, Source};
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::table::{Failed, Reading};
use crate::keyed::terms::Terms;
use crate::keyed::tier::{OneTier, TierOf, Tiers};
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Waitable};
use crate::wait::estimate::Estimate;
use crate::wait::holder::{Holder, LineHolder};
use crate::wait::reservation::{Reservation, take_ahead};

/// The bucket of one key of a [`KeyedBuckets`]: see [`KeyedBuckets::bucket`].
/// [`KeyedBuckets::bucket_owned`] has one that borrows nothing.
///
/// A key in debt is not dropped, so a [reservation](Reservation) of it stays. A key that is full in
/// spite of what is outstanding may be dropped; what comes back then finds it full and changes
/// nothing.
///
/// Those who wait for a key stand in [a line](KeyedBuckets#waiting-for-a-key). A reservation behind
/// them waits for its turn, and owes its tokens from then on.
///
/// A call for a new key without room is refused as [`KeyRefused::NoRoom`], or it waits for the
/// [overflow](KeyedBuckets::with_shared_overflow). What was taken from the overflow goes back
/// there.
///
/// ```
/// use std::time::Duration;
/// use tollgate::clock::ManualClock;
/// use tollgate::{KeyedBuckets, Limit};
///
/// let clients = KeyedBuckets::<String, 1, _>::with_clock(
///     Limit::per_second(10),
///     1000,
///     ManualClock::new(),
/// )?;
/// let alice = clients.bucket("alice");
/// let (first, second) = (alice.reserve(10)?, alice.reserve(5)?);
/// assert_eq!(
///     (first.remaining(), second.remaining()),
///     (Some(Duration::ZERO), Some(Duration::from_millis(500)))
/// );
/// first.cancel();
/// second.commit();
/// assert_eq!(clients.available("alice"), 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct KeyedBucket<'a, Q: ?Sized, K = Q, const N: usize = 1, C = DefaultClock, H = KeyHash, F = OneTier>
where
    [u64; N]: Streams<N>,
    F: Tiers,
{
    pub(crate) buckets: &'a KeyedBuckets<K, N, C, H, F>,
    pub(crate) key: &'a Q,
    pub(crate) overflow: Shared<'a, K, N, C, H, F>,
}

/// The overflow of one tier, as a bucket that gives and takes back.
pub(crate) struct Shared<'a, K, const N: usize, C, H, F: Tiers>
where
    [u64; N]: Streams<N>,
{
    pub(super) buckets: &'a KeyedBuckets<K, N, C, H, F>,
    pub(super) tier: usize,
}

impl<K, const N: usize, C, H, F: Tiers> Copy for Shared<'_, K, N, C, H, F> where [u64; N]: Streams<N> {}

impl<K, const N: usize, C, H, F: Tiers> Clone for Shared<'_, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<'a, Q: ?Sized, K, const N: usize, C, H, F> KeyedBucket<'a, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    F: Tiers + TierOf<Q>,
{
    pub(crate) fn new(buckets: &'a KeyedBuckets<K, N, C, H, F>, key: &'a Q) -> Self {
        Self { buckets, key, overflow: Shared { buckets, tier: buckets.tiers.tier_of(key) } }
    }
}

impl<Q: ?Sized, K, const N: usize, C, H, F: Tiers> Copy for KeyedBucket<'_, Q, K, N, C, H, F> where [u64; N]: Streams<N> {}

impl<Q: ?Sized, K, const N: usize, C, H, F: Tiers> Clone for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q, K, const N: usize, C, H, F> KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash + Send + Sync,
    Q: KeyForm<K> + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + TierOf<Q> + Sync,
{
    /// As [`TokenBucket::reserve`](crate::TokenBucket::reserve).
    ///
    /// # Errors
    ///
    /// [`KeyRefused::Bucket`] as [`TokenBucket::reserve`](crate::TokenBucket::reserve), and
    /// [`KeyRefused::NoRoom`] for a new key at the [bound](KeyedBuckets#the-most-keys). A refused
    /// call changes nothing.
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
    /// let seven = clients.bucket(&7);
    /// assert_eq!(seven.reserve(3)?.remaining(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve(&self, amounts: Amounts<N>) -> Result<Reservation<'_, N>, KeyRefused<N>> {
        self.reserve_within(amounts, Duration::MAX)
    }

    /// As [`reserve`](Self::reserve), if the wait is no longer than `max_wait`.
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), and [`Refused::NotYet`] with the exact wait where it is
    /// longer.
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
    /// let refused =
    ///     clients.bucket(&7).reserve_within(3, Duration::from_millis(299)).unwrap_err();
    /// assert_eq!(refused.wait(), Some(Duration::from_millis(300)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_within(&self, amounts: Amounts<N>, max_wait: Duration) -> Result<Reservation<'_, N>, KeyRefused<N>> {
        let (place, _) = self.place(<[u64; N]>::array(amounts), max_wait, false)?;
        Ok(place)
    }

    /// As [`TokenBucket::reserve_oversized`](crate::TokenBucket::reserve_oversized).
    ///
    /// # Errors
    ///
    /// As [`reserve`](Self::reserve), but [`Refused::Never`] only for an amount of 2^62 units or
    /// more.
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
    /// let seven = clients.bucket(&7);
    /// assert_eq!(seven.reserve_oversized(30)?.remaining(), Some(Duration::from_secs(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reserve_oversized(&self, amounts: Amounts<N>) -> Result<Reservation<'_, N>, KeyRefused<N>> {
        let (place, _) = self.place(<[u64; N]>::array(amounts), Duration::MAX, true)?;
        Ok(place)
    }

    /// As [`TokenBucket::estimate`](crate::TokenBucket::estimate).
    ///
    /// # Errors
    ///
    /// As [`KeyedBuckets::try_take`].
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    ///
    /// let clients = KeyedBuckets::<u64, 1, _>::with_clock(
    ///     Limit::per_minute(1000),
    ///     1000,
    ///     ManualClock::new(),
    /// )?;
    /// let seven = clients.bucket(&7);
    /// seven.estimate(400)?.settle([250])?;
    /// assert_eq!(clients.available(&7), 750);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn estimate(&self, amounts: Amounts<N>) -> Result<Estimate<'_, N>, KeyRefused<N>> {
        Ok(self.reserve_within(amounts, Duration::ZERO)?.into_estimate())
    }

    /// Makes a reservation, and says whose tokens it has.
    pub(crate) fn place(
        &self,
        amounts: [u64; N],
        max_wait: Duration,
        oversized: bool,
    ) -> Result<(Reservation<'_, N>, Source), KeyRefused<N>> {
        let now = self.now();
        if amounts != [0; N] && self.buckets.table.has_line(self.key) {
            if let Ok(queue) = self.join(now) {
                let line = LineHolder::Boxed(Box::new(queue));
                let place = Reservation::in_line(Holder::Borrowed(self), line, now, amounts, max_wait, oversized)?;
                return Ok((place, Source::Own));
            }
        }
        let (due, source) = match self.take_ahead(now, amounts, max_wait, oversized) {
            // Somebody came to wait meanwhile.
            Err(_) if amounts != [0; N] && self.buckets.table.has_line(self.key) => {
                return self.place(amounts, max_wait, oversized);
            }
            taken => taken?,
        };
        let bucket: &dyn Waitable<N> = match source {
            Source::Own => self,
            Source::Overflow => &self.overflow,
        };
        Ok((Reservation::taken(Holder::Borrowed(bucket), now, amounts, due), source))
    }

    /// Takes from the key's own bucket, or from the overflow if there is no room. Says when the
    /// tokens may be used, and whose they are. Those who wait for the key may keep it out.
    pub(super) fn take_ahead(
        &self,
        now: Time,
        amounts: [u64; N],
        max_wait: Duration,
        oversized: bool,
    ) -> Result<(Due<N>, Source), KeyRefused<N>> {
        let in_time = |wait| wait <= max_wait.min(self.buckets.wait_bounds.max_wait);
        let own = Behind { bucket: self, update: |change: &Change<'_, N>| self.update_behind(&amounts, change) };
        match take_ahead(&own, now, amounts, max_wait, oversized) {
            // A key never seen has them in time, so there is no room for it.
            Err(Refused::NotYet(not_yet))
                if not_yet.wait().is_some_and(in_time) && self.buckets.table.lacks_room(self.key) =>
            {
                match &self.buckets.table.overflow {
                    Some(_) => Ok((take_ahead(&self.overflow, now, amounts, max_wait, oversized)?, Source::Overflow)),
                    None => Err(self.buckets.table.no_room(self.now()).into()),
                }
            }
            taken => Ok((taken?, Source::Own)),
        }
    }
}

impl<Q, K, const N: usize, C, H, F> KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash,
    Q: KeyForm<K> + ?Sized,
    C: Clock,
    H: BuildHasher,
    F: Tiers + TierOf<Q>,
{
    /// Changes the words, unless those who wait for the key keep out who takes so much.
    fn update_behind(&self, takes: &[u64; N], change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let KeyedBuckets { table, tiers, .. } = self.buckets;
        let (tier, now) = (tiers.tier_of(self.key), self.buckets.clock.now());
        let updated = table.update_own(
            self.key,
            tier,
            Reading { now, clock: Some(&self.buckets.clock) },
            takes,
            |terms, now, spent| made(terms, now, spent, change),
            |terms, _, spent| (terms.revision, *spent),
        );
        updated.map_err(|failed| match failed {
            Failed::Refused(seen) => seen,
            Failed::NoRoom(_) => table.read(self.key, tier, now, |terms, spent| (terms.revision, *spent)),
        })
    }
}

/// A bucket for one who takes ahead: he is kept out by those who came to wait.
struct Behind<'b, B, U> {
    bucket: &'b B,
    update: U,
}

impl<B, U, const N: usize> Waitable<N> for Behind<'_, B, U>
where
    B: Waitable<N>,
    U: Fn(&Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> + Sync,
{
    fn now(&self) -> Time {
        self.bucket.now()
    }

    fn read(&self) -> (Revision<N>, [u64; N]) {
        self.bucket.read()
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        self.bucket.limits_changed()
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        self.bucket.wait_bounds()
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        (self.update)(change)
    }
}

/// What a change makes of the words, [bounded].
fn made<const N: usize>(
    terms: &Terms<N>,
    now: Time,
    spent: &[u64; N],
    change: &Change<'_, N>,
) -> Option<([u64; N], ())> {
    bounded(terms, now, spent, |revision, spent| Some((change(revision, spent)?, ())))
}

impl<Q, K, const N: usize, C, H, F> Waitable<N> for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash + Send + Sync,
    Q: KeyForm<K> + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + TierOf<Q> + Sync,
{
    fn now(&self) -> Time {
        self.buckets.clock.now()
    }

    fn read(&self) -> (Revision<N>, [u64; N]) {
        let KeyedBuckets { table, tiers, .. } = self.buckets;
        table.read(self.key, tiers.tier_of(self.key), self.now(), |terms, spent| (terms.revision, *spent))
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        Some(&self.buckets.table.limits_changed)
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        &self.buckets.wait_bounds
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        self.update_behind(&[0; N], change)
    }
}

impl<K, const N: usize, C, H, F> Waitable<N> for Shared<'_, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Send + Sync,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + Sync,
{
    fn now(&self) -> Time {
        self.buckets.clock.now()
    }

    fn read(&self) -> (Revision<N>, [u64; N]) {
        let read = self.update(&|_, _| None).err();
        read.expect("it makes nothing of the words")
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        Some(&self.buckets.table.limits_changed)
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        &self.buckets.wait_bounds
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let overflow = self.buckets.table.overflow.as_ref().expect("there is one");
        Overflow::update(
            overflow,
            self.tier,
            self.now(),
            |terms, now, spent| made(terms, now, spent, change),
            |terms, _, spent| (terms.revision, *spent),
        )
    }
}

impl<Q, K, const N: usize, C, H, F: Tiers> fmt::Debug for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    Q: fmt::Debug + ?Sized,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedBucket").field("key", &self.key).finish_non_exhaustive()
    }
}
