//! Owns the factor on a bucket's rate: it steps the factor by a policy and applies it to the
//! bucket. It never decides what a step does, and names no ordering.
//!
//! `step_state.rs` and the policy decide what a step does. The loop is in `state/published.rs`.

use core::fmt;
use core::time::Duration;

use crate::adaptive::adjustable::Adjustable;
use crate::adaptive::outcome::Outcome;
use crate::adaptive::policy::Policy;
use crate::adaptive::step_state::{Look, Report, StepState};
use crate::decision::limit_rule::LimitRule;
use crate::limit::limit::{Limit, LimitError};
use crate::limit::rate::Rate;
use crate::limit::ratio::Ratio;
use crate::state::epoch::Stamp;
use crate::state::multi::SLOTS;
use crate::state::published::{Decision, Published};
use crate::state::words::State;
use crate::sync::Backoff;

/// A bucket whose rate is the configured one times a factor.
///
/// The factor follows a [`Policy`]:
///
/// | policy | job |
/// |---|---|
/// | [`Cubic`](crate::adaptive::Cubic) | a client of a server that answers 429 |
/// | [`FillTable`](crate::adaptive::FillTable) | a leaky bucket that adapts to its level |
///
/// Use the bucket through [`bucket`](Self::bucket). A client calls [`observe`](Self::observe) with
/// each answer. Without answers, call [`tick`](Self::tick) now and then. `B` is the bucket, or a
/// reference or an `Arc` to it.
///
/// # Guarantees
///
/// * **Time drives it, not the number of callers.** A step belongs to a whole interval since
///   construction. The first call after the end of an interval makes its step, and makes up for
///   intervals in which no call came. A thousand callers that observe equal things get exactly the
///   factors that one caller gets.
/// * **A pause is no time.** Nothing grows in a [pause](crate::MultiBucket::pause_for). A pause for
///   a `Retry-After` is cut out to the nanosecond. Of a pause that others make, no call may see the
///   beginning. It counts from the last step on, so it may cost growth and never gains any. One
///   pause stays unseen: no call came in it, and others then resumed the bucket or changed its
///   limit.
/// * **Bounds.** The factor stays within those of the policy, whatever is [set](Self::set_factor).
/// * **The rate is never 0**, unless the configured one is. The least is one token in 584 years.
/// * **Nothing is retroactive.** A new factor is a
///   [change of the limit](crate::MultiBucket::set_limits):
///   tokens that accrued before it accrued at the old rate. The rate is always the *configured* one
///   [scaled](crate::Rate::scaled), rounded down, so nothing drifts. Each change loses less than
///   the refill of about a nanosecond, or of the limit's [precision](Limit::precision) if that is
///   longer.
/// * **No call waits for another thread.** A call between two steps reads a few words and the
///   clock, and writes nothing. When a step is due, one call makes it and the others go on. A
///   thread that stops inside a call keeps one slot, and stops neither takers nor the adaptation.
///   The call that makes the next step also completes what the stopped thread left undone.
/// * When all calls have returned, the bucket's limit is that of the [factor](Self::factor). The
///   exception is a [debt](crate::limit::LimitRule::DebtTooLarge) worth decades at that limit: the
///   bucket then keeps its old limit until a later step.
///
/// Do not change the bucket's limit by other means: the next step overwrites the change. The
/// capacity stays the one that the bucket had at [`new`](Self::new).
///
/// # Memory ordering
///
/// A factor is only a number: it orders no other memory.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tollgate::adaptive::{Adaptive, Cubic, Outcome};
/// use tollgate::clock::ManualClock;
/// use tollgate::limit::Ratio;
/// use tollgate::{Limit, MultiBucket};
///
/// // At most 500/s, and less while the server refuses: 10 % less, and back within 15 s.
/// let bucket = MultiBucket::with_clock([Limit::per_second(500).capacity(5)], ManualClock::new())?;
/// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
/// let client = Adaptive::new(bucket, policy)?;
/// client.bucket().clock().advance(Duration::from_secs(2));
///
/// for (status, retry_after) in [(200, None), (200, None), (429, Some(Duration::from_secs(3)))] {
///     client.bucket().try_take([1])?;
///     client.observe(match status {
///         429 => Outcome::Refused { retry_after },
///         _ => Outcome::Granted,
///     });
/// }
/// assert_eq!(client.bucket().limit().rate.to_string(), "450/s");
/// assert_eq!(client.bucket().pause_left(), Some(Duration::from_secs(3)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Adaptive<B, P> {
    bucket: B,
    policy: P,
    /// The configured limit, at a factor of 1.
    limit: Limit,
    words: Published<8, SLOTS>,
}

impl<B: Adjustable, P: Policy> Adaptive<B, P> {
    /// Wraps a bucket and takes its current limit as the configured one.
    ///
    /// The factor begins at 1, or at the nearest value that the policy allows.
    ///
    /// # Errors
    ///
    /// Returns a [`LimitError`] if the bucket could not keep the limit at the least or the greatest
    /// factor. The bucket is then unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::adaptive::{Adaptive, FillTable};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{LeakyBucket, Limit};
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
        // The rates that a bucket can keep are one interval, so checking both ends is enough.
        for factor in [least.min(most), most] {
            scaled(limit, factor).check()?;
        }
        let now = bucket.now();
        let state = StepState::beginning(Ratio::ONE, now).with(Ratio::ONE, &policy, now);
        let adaptive = Self { bucket, policy, limit, words: Published::new(&words_of(state)) };
        adaptive.apply(false);
        Ok(adaptive)
    }

    /// Tells the policy what became of a request.
    ///
    /// | outcome | effect |
    /// |---|---|
    /// | `Granted` | makes the steps of all intervals that have passed |
    /// | `Refused` | counts one refusal, after these steps |
    /// | `Refused` with a `retry_after` | pauses the bucket for this time, too |
    /// | `Failed` | none |
    ///
    /// Refusals within one interval of the first are one event, and so are those in the pause that
    /// the first made: the others change no factor. Each may extend the pause. A pause never gets
    /// shorter.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic, Outcome};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// let client = Adaptive::new(bucket, policy)?;
    /// client.bucket().clock().advance(Duration::from_secs(2));
    /// client.observe(Outcome::Refused { retry_after: Some(Duration::from_secs(5)) });
    /// client.observe(Outcome::Refused { retry_after: Some(Duration::from_secs(2)) });
    /// assert_eq!(client.factor(), Ratio::percent(90));
    /// assert_eq!(client.bucket().pause_left(), Some(Duration::from_secs(5)));
    ///
    /// // No growth in the pause.
    /// client.bucket().clock().advance(Duration::from_secs(5));
    /// client.observe(Outcome::Granted);
    /// assert_eq!(client.factor(), Ratio::percent(90));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn observe(&self, outcome: Outcome) {
        match outcome {
            Outcome::Granted => self.report(Report::Time),
            Outcome::Refused { retry_after: None | Some(Duration::ZERO) } => self.report(Report::Refused),
            Outcome::Refused { retry_after: Some(pause) } => {
                let before = self.bucket.pause_end();
                // Before the refusal is published: a call that sees it also sees the pause.
                self.bucket.pause_for(pause);
                self.report(Report::Paused(before));
            }
            Outcome::Failed => {}
        }
    }

    /// Makes the steps of all intervals that have passed.
    ///
    /// Call it regularly where no answer is observed. It changes nothing if no interval has ended
    /// since the last step.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, FillTable};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{LeakyBucket, Limit};
    ///
    /// let bucket = LeakyBucket::full_with_clock(Limit::per_second(10), ManualClock::new())?;
    /// let table = FillTable::new(10, Ratio::percent(10), Ratio::ONE);
    /// let adaptive = Adaptive::new(bucket, table)?;
    /// adaptive.tick(); // no interval has passed
    /// assert_eq!(adaptive.factor(), Ratio::ONE);
    /// adaptive.bucket().clock().advance(Duration::from_millis(100));
    /// adaptive.tick(); // the bucket is nearly full, so it drains more slowly from now on
    /// adaptive.tick();
    /// assert_eq!(adaptive.factor(), Ratio::percent(73));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    #[inline]
    pub fn tick(&self) {
        self.report(Report::Time);
    }

    /// Returns the current factor. The answer may change before the call returns.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// let client = Adaptive::new(bucket, policy)?;
    /// assert_eq!(client.factor(), Ratio::ONE);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn factor(&self) -> Ratio {
        self.read().0.course.factor
    }

    /// Sets the factor, clamped to the policy's bounds. It adapts from there.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// let client = Adaptive::new(bucket, policy)?;
    /// client.set_factor(Ratio::percent(40));
    /// assert_eq!(client.bucket().limit().rate.to_string(), "200/s");
    /// client.set_factor(Ratio::percent(300));
    /// assert_eq!(client.factor(), Ratio::ONE);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn set_factor(&self, factor: Ratio) {
        // Intervals that have ended by now are stepped over, so they do not change the new factor.
        self.update(|state| {
            let now = self.bucket.now();
            let passed = state.next(&self.policy, now, Report::Time, || self.look());
            Some(passed.unwrap_or(*state).with(factor, &self.policy, now))
        });
    }

    /// Sets the factor to 1, clamped to the policy's bounds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// let client = Adaptive::new(bucket, policy)?;
    /// client.set_factor(Ratio::percent(40));
    /// client.reset_factor();
    /// assert_eq!(client.bucket().limit(), Limit::per_second(500));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn reset_factor(&self) {
        self.set_factor(Ratio::ONE);
    }

    fn report(&self, report: Report) {
        // The clock is read after the state. So a pause in the state began before this reading.
        self.update(|state| state.next(&self.policy, self.bucket.now(), report, || self.look()));
    }

    fn look(&self) -> Look {
        Look { pause_end: self.bucket.pause_end(), fill: self.bucket.fill() }
    }

    /// Reads the current version, untorn, and its stamp.
    fn read(&self) -> (StepState, Stamp) {
        let (words, (), seen) = self.words.read(|_| Some(()));
        (StepState::of_words(words.spent), seen)
    }

    /// Publishes what `change` makes of the state, and applies its factor.
    ///
    /// If `change` returns `None`, nothing happens. `change` runs the caller's policy, so it sees
    /// one untorn version. It may run many times, always before a slot is claimed.
    fn update(&self, change: impl Fn(&StepState) -> Option<StepState>) {
        let (mut spare, mut backoff) = (None, Backoff::new());
        let changed = loop {
            let attempt = self.words.attempt(
                &mut spare,
                |seen, words| {
                    if !self.words.is_current(seen) {
                        return Decision::Stale;
                    }
                    let state = StepState::of_words(words.spent);
                    match change(&state) {
                        Some(next) => Decision::Publish(words_of(next), next.course.factor != state.course.factor),
                        None => Decision::Keep(()),
                    }
                },
                |(), _, _| (),
            );
            // Given back after every attempt: user code may stop for long before the next one.
            self.words.retire(spare.take());
            match attempt {
                Ok(changed) => break changed,
                Err(miss) => backoff = miss.pause(backoff),
            }
        };
        if let Ok(new) = changed {
            self.apply(new);
        }
    }

    /// Applies the factor to the bucket, then checks whether the factor is still current.
    ///
    /// If another thread has published a newer factor, that thread may have applied it first. The
    /// older factor must not stay in its place, so the loop applies the newer one again.
    ///
    /// A new factor is applied without a look at the current limit. A comparison would read a limit
    /// that another thread, with an older factor, may be about to replace. Without it, of two
    /// threads that change the limit, the later one has seen the earlier one's factor published. So
    /// the last change applies the last factor.
    ///
    /// A factor that is not new is compared with the limit. The two differ only if a thread stopped
    /// between publishing a factor and applying it.
    fn apply(&self, mut new: bool) {
        loop {
            let (state, seen) = self.read();
            let limit = scaled(self.limit, state.course.factor);
            if new || self.bucket.limit() != limit {
                let set = self.bucket.set_limit(limit);
                // Both ends were checked. After a debt that is too large, the next step retries.
                let refused = set.is_err_and(|error| !matches!(error.rule, LimitRule::DebtTooLarge { .. }));
                debug_assert!(!refused, "checked at both ends: {limit}");
            }
            if self.words.is_current(seen) {
                return;
            }
            new = true;
        }
    }
}

impl<B, P> Adaptive<B, P> {
    /// Returns the bucket, to take from.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// let client = Adaptive::new(bucket, policy)?;
    /// assert!(client.bucket().try_take([1]).is_ok());
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn bucket(&self) -> &B {
        &self.bucket
    }

    /// Returns the policy.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let cubic = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// assert_eq!(*Adaptive::new(bucket, cubic)?.policy(), cubic);
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn policy(&self) -> &P {
        &self.policy
    }

    /// Returns the configured limit, at a factor of 1.
    ///
    /// The limit in force now is the bucket's own.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::adaptive::{Adaptive, Cubic};
    /// use tollgate::clock::ManualClock;
    /// use tollgate::limit::Ratio;
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// let bucket = MultiBucket::with_clock([Limit::per_second(500)], ManualClock::new())?;
    /// let policy = Cubic::new(Duration::from_secs(15), Ratio::percent(90));
    /// let client = Adaptive::new(bucket, policy)?;
    /// client.set_factor(Ratio::percent(40));
    /// assert_eq!(client.limit(), Limit::per_second(500));
    /// # Ok::<(), tollgate::limit::LimitError>(())
    /// ```
    pub fn limit(&self) -> Limit {
        self.limit
    }
}

fn words_of(state: StepState) -> State<8> {
    State { limits: 0, spent: state.words() }
}

/// One token in 584 years.
const SLOWEST: Rate = Rate::of_nanos(1, u64::MAX);

/// The limit times the factor. Its rate is 0 only if that of the limit is.
fn scaled(limit: Limit, factor: Ratio) -> Limit {
    let rate = limit.rate.scaled(factor);
    let vanished = rate.tokens() == 0 && limit.rate.tokens() > 0;
    Limit { rate: if vanished { SLOWEST } else { rate }, ..limit }
}

impl<B: Adjustable + fmt::Debug, P: Policy + fmt::Debug> fmt::Debug for Adaptive<B, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bucket, policy, limit, .. } = self;
        let mut debug = f.debug_struct("Adaptive");
        debug.field("limit", limit).field("factor", &self.factor()).field("policy", policy).field("bucket", bucket);
        debug.finish_non_exhaustive()
    }
}
