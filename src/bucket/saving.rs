//! Owns the verbs that save a bucket and restore it. Never says what is saved; that is on
//! [`SavedBucket`].

#[cfg(feature = "std")]
use std::time::SystemTime;

use crate::bucket::leaky::LeakyBucket;
use crate::bucket::multi::MultiBucket;
#[cfg(feature = "std")]
use crate::bucket::striped::StripedBucket;
use crate::bucket::token::TokenBucket;
use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::clock::wall_time::WallTime;
use crate::decision::limit_rule::LimitRule;
use crate::limit::limit_error::LimitError;
use crate::state::at::At;
use crate::state::saved_bucket::SavedBucket;
use crate::state::snapshot::Snapshot;
use crate::state::store::Store;

/// The text of both verbs, with a bucket and a level of two tokens in three.
macro_rules! saving_verbs {
    ([$($generics:tt)*] $bucket:ty, $n:expr, $example:literal) => {
        impl<$($generics)*> $bucket {
            /// Saves what the bucket has now, by the system's wall clock. See [`SavedBucket`].
            ///
            /// It reads the wall clock last. [`at`](Self::at) saves at times that the caller
            /// supplies.
            ///
            /// ```
            #[doc = $example]
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            #[cfg(feature = "std")]
            pub fn save(&self) -> SavedBucket<{ $n }> {
                let snapshot = self.seen(self.clock().now());
                SavedBucket::of(&snapshot, SystemTime::now())
            }

            /// Puts the bucket into a saved state, as it is by the system's wall clock. See
            /// [`SavedBucket`].
            ///
            /// The limits of this bucket stay. The bucket begins anew: what it had is forgotten, as
            /// by [`Inherit::Reset`](crate::limit::Inherit::Reset), so restore it before it is
            /// used. Those who wait are told. It reads the wall clock first.
            ///
            /// # Errors
            ///
            /// Nothing changes after an error:
            ///
            /// * [`LimitError`] with [`DebtTooLarge`](crate::limit::LimitRule::DebtTooLarge) for
            ///   the first stream whose debt its limit cannot keep.
            /// * [`LimitError`] with [`CannotPause`](crate::limit::LimitRule::CannotPause) for a
            ///   `TokenBucket`, if a pause is not over.
            #[cfg(feature = "std")]
            pub fn restore(&self, saved: &SavedBucket<{ $n }>) -> Result<(), LimitError> {
                let wall = SystemTime::now().into();
                self.restore_from(|| self.clock().now(), saved, wall)
            }
        }

        impl<$($generics)*> At<&$bucket, { $n }> {
            /// Saves what the bucket has at this time, which is that instant of the wall clock.
            ///
            /// See [`SavedBucket`], which has an example. A wall clock that is read before the
            /// bucket's counts the time between twice.
            pub fn save(self, wall: impl Into<WallTime>) -> SavedBucket<{ $n }> {
                SavedBucket::of(&self.of.seen(self.now), wall)
            }

            /// Puts the bucket into a saved state, as it is at that instant of the wall clock,
            /// which is this time of the bucket's.
            ///
            /// # Errors
            ///
            /// As `restore` of the bucket.
            pub fn restore(self, saved: &SavedBucket<{ $n }>, wall: impl Into<WallTime>) -> Result<(), LimitError> {
                self.of.restore_from(|| self.now, saved, wall.into())
            }
        }
    };
}

saving_verbs!(
    [C: Clock] TokenBucket<C>, 1,
    "use tollgate::{Limit, TokenBucket};\n\
     let limit = Limit::per_hour(60);\n\
     let old = TokenBucket::new(limit)?;\n\
     old.charge(65)?;\n\
     let saved = old.save();\n\n\
     let new = TokenBucket::new(limit)?;\n\
     new.restore(&saved)?;\n\
     assert!(new.wait_for(1)? > Some(std::time::Duration::from_secs(5 * 60)));"
);
saving_verbs!(
    [const N: usize, C: Clock, const S: usize] MultiBucket<N, C, S>, N,
    "use tollgate::{Limit, MultiBucket};\n\
     let limits = [Limit::per_hour(60), Limit::per_day(500)];\n\
     let old = MultiBucket::new(limits)?;\n\
     old.try_take([40, 40])?;\n\
     old.pause();\n\
     let saved = old.save();\n\n\
     let new = MultiBucket::new(limits)?;\n\
     new.restore(&saved)?;\n\
     assert!(new.try_take([1, 1]).is_err());\n\
     new.resume();\n\
     assert_eq!(new.available(), [20, 460]);"
);
saving_verbs!(
    [C: Clock, const S: usize] LeakyBucket<C, S>, 1,
    "use tollgate::{LeakyBucket, Limit};\n\
     let limit = Limit::per_hour(60);\n\
     let old = LeakyBucket::empty(limit)?;\n\
     old.try_add(40)?;\n\
     let saved = old.save();\n\n\
     let new = LeakyBucket::empty(limit)?;\n\
     new.restore(&saved)?;\n\
     assert_eq!(new.level(), 40);"
);
#[cfg(feature = "std")]
saving_verbs!(
    [const N: usize, C: Clock] StripedBucket<N, C>, N,
    "use tollgate::bucket::StripedBucket;\n\
     use tollgate::clock::DefaultClock;\n\
     use tollgate::Limit;\n\
     let limits = [Limit::per_day(1000)];\n\
     let old = StripedBucket::with_stripes(limits, DefaultClock::default(), 2)?;\n\
     (0..600).for_each(|_| old.try_take([1]).expect(\"there are 1000\"));\n\
     let saved = old.save();\n\n\
     let new = StripedBucket::with_stripes(limits, DefaultClock::default(), 2)?;\n\
     new.restore(&saved)?;\n\
     assert_eq!(new.available(), [400]);"
);

impl<C: Clock> TokenBucket<C> {
    /// The stream at a reading.
    fn seen(&self, now: Time) -> Snapshot<1> {
        let (limits, spent) = self.queued.read(|limits, spent| (*limits, *spent));
        let (configured, elapsed) = ([self.limit()], limits.elapsed(now));
        Snapshot { limits, configured, spent, elapsed, pause: 0, sequence: 0 }
    }

    fn restore_from(&self, clock: impl Fn() -> Time, saved: &SavedBucket<1>, wall: WallTime) -> Result<(), LimitError> {
        let aged = saved.aged(wall)?;
        let error = |rule| LimitError { stream: 0, limit: self.limit(), rule };
        if aged.pause > 0 {
            return Err(error(LimitRule::CannotPause));
        }
        let now = clock();
        let limits = self.queued.read(|limits, _| *limits);
        let [stream] = limits.streams;
        let [units] = aged.levels(&limits, stream.furthest_debt());
        let spent = stream.holding(limits.elapsed(now), units.map_err(error)?);
        let _ = self.queued.update(|_| 0, |_, _| Some(([spent], ())), |_, _, _| ());
        self.queued.eased(now);
        Ok(())
    }
}

impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {
    fn seen(&self, now: Time) -> Snapshot<N> {
        self.queued.words.snapshot(now)
    }

    fn restore_from(&self, clock: impl Fn() -> Time, saved: &SavedBucket<N>, wall: WallTime) -> Result<(), LimitError> {
        self.queued.words.restore(&clock, saved, wall)?;
        self.retime(clock());
        Ok(())
    }
}

#[cfg(feature = "std")]
impl<const N: usize, C: Clock> StripedBucket<N, C> {
    /// The streams with what lay on stripes.
    fn seen(&self, now: Time) -> Snapshot<N> {
        self.queued.recall(now);
        self.queued.words.versions.snapshot(now)
    }

    fn restore_from(&self, clock: impl Fn() -> Time, saved: &SavedBucket<N>, wall: WallTime) -> Result<(), LimitError> {
        self.queued.whole(clock(), || self.queued.words.versions.restore(&clock, saved, wall))?;
        self.queued.retime(clock());
        Ok(())
    }
}

impl<C: Clock, const S: usize> LeakyBucket<C, S> {
    fn seen(&self, now: Time) -> Snapshot<1> {
        self.as_tokens().seen(now)
    }

    fn restore_from(&self, clock: impl Fn() -> Time, saved: &SavedBucket<1>, wall: WallTime) -> Result<(), LimitError> {
        self.as_tokens().restore_from(clock, saved, wall)
    }
}
