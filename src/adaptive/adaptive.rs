//! Owns the factor on a bucket's rate: steps it by a policy, and puts it on the bucket. What a step
//! does is in `steps.rs` and the policy; the orderings are in `state/epoch.rs`,
//! `state/words.rs` and `state/claim.rs`.

use core::fmt;

use crate::adaptive::policy::Policy;
use crate::adaptive::steps::Control;
use crate::bucket::leaky::LeakyBucket;
use crate::bucket::multi::MultiBucket;
use crate::bucket::multi::SLOTS;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::limit::limit::{Limit, LimitError, LimitRule};
use crate::limit::ratio::Ratio;
use crate::state::epoch::{Epoch, Stamp};
use crate::state::slots::Slots;
use crate::state::words::{Slot, State};
use crate::sync::Backoff;

/// A bucket whose rate is the configured one times a factor, which follows a [`Policy`]:
/// [`Aimd`](crate::Aimd) for a client of a server that says when it is too much,
/// [`FillTable`](crate::FillTable) for a leaky bucket that adapts to its level.
///
/// The bucket is used as ever, through [`bucket`](Self::bucket); beside that somebody calls
/// [`tick`](Self::tick) now and then, after a success say, and [`throttled`](Self::throttled) after
/// a refusal of the server. `B` is the bucket, or a reference or an `Arc` to it.
///
/// # Guarantees
///
/// * **Time drives it, and not the callers.** Steps are made for whole intervals since the
///   construction, by whoever calls first after the end of one; if nobody calls for several, they
///   are made up for. A thousand times as many callers that see the same get the same factors,
///   exactly.
/// * **Bounds.** The factor stays within those of the policy, whatever is [set](Self::set_factor).
/// * **Nothing is retroactive.** A new factor is a [change of the limit](MultiBucket::set_limits):
///   what has accrued by then has accrued at the old rate. The rate is always the *configured* one
///   [scaled](crate::Rate::scaled), rounded down, so nothing drifts; each change costs less than
///   accrues in about a nanosecond.
/// * **Nobody waits.** A call between two steps reads a few words and the clock, and writes
///   nothing. Where a step is due, one call makes it and the others go on; a thread that is stopped
///   inside a call keeps a slot, and stops neither takers nor the adaptation: whoever makes the
///   next step also puts right what was left undone.
/// * When all calls have returned, the bucket's limit is that of the [factor](Self::factor). The
///   exception is a [debt](crate::LimitRule::DebtTooLarge) worth decades at it: then the limit
///   stays as it was until a later step.
///
/// While it is there, nobody else should change the bucket's limit: what is changed is overwritten
/// at the next step, and its capacity is that which it had at [`new`](Self::new).
///
/// # Memory ordering
///
/// A factor is only a number: it does not order any other memory.
///
/// ```
/// use std::time::Duration;
/// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
///
/// // At most 500/s, and less while the server says so: 2 % more every second, 10 % less when throttled.
/// let bucket = MultiBucket::with_clock([Limit::per_second(500).capacity(5)], ManualClock::new())?;
/// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
///
/// for status in [200, 200, 429] {
///     client.bucket().try_take([1])?;
///     match status {
///         429 => client.throttled(),
///         _ => client.tick(),
///     }
/// }
/// assert_eq!(client.bucket().limit().rate.to_string(), "450/s");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Adaptive<B, P> {
    bucket: B,
    policy: P,
    /// As it was configured, at a factor of 1.
    limit: Limit,
    epoch: Epoch,
    slots: Slots<Slot<3>, SLOTS>,
}

impl<B: Adjustable, P: Policy> Adaptive<B, P> {
    /// A bucket whose limit now counts as the configured one. The factor begins at 1, or at the
    /// nearest that the policy allows.
    ///
    /// # Errors
    ///
    /// [`LimitError`] if the bucket could not keep the limit at the least factor or at the
    /// greatest; then it is as before.
    ///
    /// ```
    /// use tollgate::{Adaptive, FillTable, LeakyBucket, Limit, ManualClock, Ratio};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let adaptive = Adaptive::new(&bucket, FillTable::new(10, Ratio::percent(10), Ratio::percent(200)))?;
    /// assert_eq!(adaptive.factor(), Ratio::ONE);
    /// let too_fast = FillTable::new(10, Ratio::percent(10), Ratio::MAX);
    /// let bucket = LeakyBucket::full_with_clock("10G/s capacity 10".parse()?, ManualClock::new())?;
    /// assert!(Adaptive::new(&bucket, too_fast).is_err());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn new(bucket: B, policy: P) -> Result<Self, LimitError> {
        let limit = bucket.limit();
        let (least, most) = policy.bounds();
        // What a bucket can keep is an interval of rates, so it can keep all between two.
        for factor in [least.min(most), most] {
            scaled(limit, factor).check()?;
        }
        let control = Control::beginning(Ratio::ONE, bucket.now()).with(Ratio::ONE, &policy);
        let slots = Slots::beginning_with([Slot::current(&State { limits: 0, spent: control.words() })]);
        let adaptive = Self { bucket, policy, limit, epoch: Epoch::new(), slots };
        adaptive.apply(false);
        Ok(adaptive)
    }

    /// Lets time count: makes the steps of those intervals that have passed, if nobody has yet. To
    /// be called after a success, or by whatever comes by often enough.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::{Adaptive, FillTable, LeakyBucket, Limit, ManualClock, Ratio};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let adaptive = Adaptive::new(bucket, FillTable::new(10, Ratio::percent(10), Ratio::ONE))?;
    /// adaptive.tick(); // no interval has passed
    /// assert_eq!(adaptive.factor(), Ratio::ONE);
    /// adaptive.bucket().clock().advance(Duration::from_millis(100));
    /// adaptive.tick(); // the bucket is nearly full, so it drains more slowly from now on
    /// adaptive.tick();
    /// assert_eq!(adaptive.factor(), Ratio::percent(73));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn tick(&self) {
        self.observe(false);
    }

    /// Somebody was throttled just now. Outcomes within an interval of the first are one event, and
    /// the others change nothing.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
    /// client.throttled();
    /// client.throttled();
    /// assert_eq!(client.factor(), Ratio::percent(90));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    #[inline]
    pub fn throttled(&self) {
        self.observe(true);
    }

    /// The factor as it is; the answer may be outdated at once.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
    /// assert_eq!(client.factor(), Ratio::ONE);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn factor(&self) -> Ratio {
        self.read().0.factor
    }

    /// Sets the factor, or the nearest that the policy allows; it adapts from there.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
    /// client.set_factor(Ratio::percent(40));
    /// assert_eq!(client.bucket().limit().rate.to_string(), "200/s");
    /// client.set_factor(Ratio::percent(300));
    /// assert_eq!(client.factor(), Ratio::ONE);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn set_factor(&self, factor: Ratio) {
        let now = self.bucket.now();
        // What has passed by now is stepped over, and no longer to come.
        self.update(|control| {
            let passed = control.next(&self.policy, now, false, || self.bucket.fill());
            Some(passed.unwrap_or(*control).with(factor, &self.policy))
        });
    }

    /// Sets the factor to 1, or to the nearest that the policy allows.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
    /// client.throttled();
    /// client.reset_factor();
    /// assert_eq!(client.bucket().limit(), Limit::per_second(500));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn reset_factor(&self) {
        self.set_factor(Ratio::ONE);
    }

    fn observe(&self, throttled: bool) {
        let now = self.bucket.now();
        self.update(|control| control.next(&self.policy, now, throttled, || self.bucket.fill()));
    }

    /// The version as it is, and its stamp.
    fn read(&self) -> (Control, Stamp) {
        loop {
            let seen = self.epoch.load();
            let Some(slot) = self.slots.get(seen.index()) else { continue };
            let words = slot.read().spent;
            if self.epoch.validate(seen) {
                return (Control::of_words(words), seen);
            }
        }
    }

    /// Publishes what `change` makes of the control, and puts its factor on the bucket; nothing if
    /// it makes nothing of it.
    ///
    /// `change` sees one version, as it runs code that is not ours; it may run many times, before
    /// anything is claimed.
    fn update(&self, change: impl Fn(&Control) -> Option<Control>) {
        let backoff = Backoff::new();
        loop {
            let (control, seen) = self.read();
            let Some(next) = change(&control) else { return };
            let Some(index) = self.slots.claim() else {
                backoff.snooze();
                continue;
            };
            if let Some(slot) = self.slots.get(index) {
                slot.write(&State { limits: 0, spent: next.words() });
                if self.epoch.publish(seen, index) {
                    self.slots.release(seen.index());
                    return self.apply(next.factor != control.factor);
                }
            }
            // Another call has made a step.
            self.slots.release(index);
        }
    }

    /// Puts the factor on the bucket, and looks again: if there is another by then, whoever
    /// published it may have been faster, and it must not stay replaced by this one.
    ///
    /// A factor that is new is put on whatever the limit is said to be: to compare would be to read
    /// what another thread, with an older factor, may be about to replace. As it is, of two that
    /// change the bucket's limit the later one has seen the earlier one's factor published, so the
    /// last of all puts on the last. If the factor is not new, the limit is looked at, and is
    /// another only where a thread was stopped between publishing a factor and putting it on.
    fn apply(&self, mut new: bool) {
        loop {
            let (Control { factor, .. }, seen) = self.read();
            let limit = scaled(self.limit, factor);
            if new || self.bucket.limit() != limit {
                let set = self.bucket.set_limit(limit);
                // The factors were checked at both ends. A debt may be too large for a slower rate:
                // then the next step tries again.
                let refused = set.is_err_and(|error| !matches!(error.rule, LimitRule::DebtTooLarge { .. }));
                debug_assert!(!refused, "checked at both ends: {limit}");
            }
            if self.epoch.validate(seen) {
                return;
            }
            new = true;
        }
    }
}

impl<B, P> Adaptive<B, P> {
    /// The bucket, to be used.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
    /// assert!(client.bucket().try_take([1]).is_ok());
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn bucket(&self) -> &B {
        &self.bucket
    }

    /// The policy.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let aimd = Aimd::new(Ratio::percent(2), Ratio::percent(90));
    /// assert_eq!(*Adaptive::new(bucket, aimd)?.policy(), aimd);
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// The configured limit, at a factor of 1. The one that holds now is the bucket's.
    ///
    /// ```
    /// use tollgate::{Adaptive, Aimd, Limit, ManualClock, MultiBucket, Ratio};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let client = Adaptive::new(bucket, Aimd::new(Ratio::percent(2), Ratio::percent(90)))?;
    /// client.throttled();
    /// assert_eq!(client.limit(), Limit::per_second(500));
    /// # Ok::<(), tollgate::LimitError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        self.limit
    }
}

fn scaled(limit: Limit, factor: Ratio) -> Limit {
    Limit { rate: limit.rate.scaled(factor), ..limit }
}

impl<B: Adjustable + fmt::Debug, P: Policy + fmt::Debug> fmt::Debug for Adaptive<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, policy, limit, .. } = self;
        let mut debug = f.debug_struct("Adaptive");
        debug.field("limit", limit).field("factor", &self.factor()).field("policy", policy).field("bucket", bucket);
        debug.finish_non_exhaustive()
    }
}

/// A bucket whose limit can be changed: what [`Adaptive`] asks of it.
///
/// ```
/// use tollgate::{Adjustable, LeakyBucket, Limit, ManualClock, Ratio};
///
/// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
/// Adjustable::set_limit(&bucket, Limit::per_second(5).capacity(10))?;
/// assert_eq!(Adjustable::fill(&&bucket), Ratio::ONE);
/// # Ok::<(), tollgate::LimitError>(())
/// ```
pub trait Adjustable {
    /// The present of its clock.
    fn now(&self) -> Time;

    /// The limit as it is.
    fn limit(&self) -> Limit;

    /// Changes the limit from now on. Changes come one after the other, and whoever makes one has
    /// seen what those before it had seen.
    ///
    /// # Errors
    ///
    /// [`LimitError`] for a limit that cannot be kept; then nothing is changed.
    fn set_limit(&self, limit: Limit) -> Result<(), LimitError>;

    /// How full it is, as a leaky bucket: see [`LeakyBucket::fill`].
    fn fill(&self) -> Ratio;
}

impl<C: Clock, const S: usize> Adjustable for LeakyBucket<C, S> {
    fn now(&self) -> Time {
        self.clock().now()
    }

    fn limit(&self) -> Limit {
        Self::limit(self)
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        Self::set_limit(self, limit)
    }

    fn fill(&self) -> Ratio {
        Self::fill(self)
    }
}

impl<C: Clock, const S: usize> Adjustable for MultiBucket<1, C, S> {
    fn now(&self) -> Time {
        self.clock().now()
    }

    fn limit(&self) -> Limit {
        Self::limit(self)
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        Self::set_limit(self, limit)
    }

    fn fill(&self) -> Ratio {
        self.snapshot().fill()
    }
}

impl<B: Adjustable + ?Sized> Adjustable for &B {
    fn now(&self) -> Time {
        (**self).now()
    }

    fn limit(&self) -> Limit {
        (**self).limit()
    }

    fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
        (**self).set_limit(limit)
    }

    fn fill(&self) -> Ratio {
        (**self).fill()
    }
}

#[cfg(all(feature = "alloc", target_has_atomic = "ptr"))]
mod shared {
    extern crate alloc;
    use super::{Adjustable, Limit, LimitError, Ratio, Time};

    impl<B: Adjustable + ?Sized> Adjustable for alloc::sync::Arc<B> {
        fn now(&self) -> Time {
            (**self).now()
        }

        fn limit(&self) -> Limit {
            (**self).limit()
        }

        fn set_limit(&self, limit: Limit) -> Result<(), LimitError> {
            (**self).set_limit(limit)
        }

        fn fill(&self) -> Ratio {
            (**self).fill()
        }
    }
}
