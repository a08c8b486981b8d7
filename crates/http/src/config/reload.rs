//! Owns how buckets come to have the limits of another configuration. Never what a change does to
//! a level.

use std::sync::Arc;

use tollgate::Limit;
use tollgate::limit::LimitError;

use super::built::{Built, Tuned};
use super::changes::{Change, Changes};
use super::config::Config;
use super::fit_error::{FitError, FitRule};
use super::live::Live;
use super::shape::Shape;

impl<C> Live<C> {
    /// Puts another configuration into force, whole or not at all. Returns what changed.
    ///
    /// The configuration is checked for all buckets that were built, before the first of them
    /// changes. Reloads come one after the other, each of them whole.
    ///
    /// # Guarantees
    ///
    /// * **Levels and debts stay.** Each bucket and key changes as
    ///   [`set_limits`](tollgate::MultiBucket::set_limits) says: nothing is retroactive, and no
    ///   debt is forgiven. A bucket whose limits are already those of the configuration is not
    ///   touched.
    /// * **Takers never wait for a reload**, but for the lock of a shard of keyed buckets.
    /// * **One bucket changes at one instant**, and keyed buckets shard by shard. Two buckets
    ///   change one after the other.
    /// * **A limit that was changed by hand** has that of the configuration again.
    ///
    /// # What can change
    ///
    /// | part | |
    /// |---|---|
    /// | limits of streams and tiers, proxies | at once |
    /// | limits that were not built | for when they are built |
    /// | which streams and tiers a built limit has, its `key`, its `max_keys` | refused |
    ///
    /// # Errors
    ///
    /// [`FitError`] with the place, and then nothing has changed:
    ///
    /// * a limit, stream or tier that was built is gone, or one was added to a built limit;
    /// * `key` or `max_keys` of a built limit changed;
    /// * a bucket or a key owes more than its new limit can hold.
    ///
    /// A thread may [`charge`](tollgate::MultiBucket::charge) such a debt between the check and
    /// the change. Then the buckets that changed already are put back under the limits that they
    /// had, and what a lower capacity cut off in between stays lost. Such a debt takes at least 90
    /// days to pay off under the new limit.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use tollgate::clock::ManualClock;
    /// use tollgate_http::config::{Config, Live};
    ///
    /// let config = |client, service| {
    ///     let text = format!(
    ///         "
    ///         limits.client = {{ key = 'custom', max_keys = 7, streams.requests = '{client}' }}
    ///         limits.service.streams.requests = '{service}'
    ///         "
    ///     );
    ///     Config::new(toml::Deserializer::new(&text))
    /// };
    /// let live = Live::with_clock(config("10/s", "100/s")?, Arc::new(ManualClock::new()));
    /// let clients = live.keyed::<String, 1>("client", ["requests"])?;
    /// let all = live.bucket("service", ["requests"])?;
    /// clients.charge("alice", 15)?;
    ///
    /// let changes = live.reload(config("20/s", "100/s")?)?;
    /// assert_eq!(changes.limits.len(), 1);
    /// assert_eq!((clients.limits().capacity, clients.debt("alice")), (20, 5));
    ///
    /// // Alice would owe for years, so the service keeps its limit, too.
    /// clients.charge("alice", 1_000_000)?;
    /// let error = live.reload(config("1/d", "50/s")?).unwrap_err();
    /// assert_eq!(error.place, "limits.client.streams.requests");
    /// assert_eq!(all.limit().to_string(), "100/s capacity 100");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reload(&self, config: Config) -> Result<Changes, FitError> {
        let mut state = self.state();
        let mut steps = Vec::new();
        for built in state.built.values() {
            steps.extend(plan(built, &state.config, &config)?);
        }
        steps.iter().try_for_each(Step::check)?;
        apply(&steps)?;
        let proxies = self.set_proxies(config.proxies());
        state.config = config;
        Ok(Changes { limits: steps.iter().flat_map(Step::changes).collect(), proxies })
    }
}

/// A tier of a bucket whose limits change.
struct Step {
    shape: Shape,
    tuned: Arc<dyn Tuned>,
    tier: usize,
    from: Vec<Limit>,
    to: Vec<Limit>,
}

impl Step {
    fn check(&self) -> Result<(), FitError> {
        self.tuned.check(self.tier, &self.to).map_err(|error| self.error(error))
    }

    fn error(&self, error: LimitError) -> FitError {
        let LimitError { stream, limit, rule } = error;
        FitError::new(self.shape.place_of(self.tier, stream), FitRule::Limit { limit, rule })
    }

    fn changes(&self) -> impl Iterator<Item = Change> {
        let pairs = self.from.iter().zip(&self.to).enumerate().filter(|(_, (from, to))| from != to);
        pairs.map(|(stream, (from, to))| Change { place: self.shape.place_of(self.tier, stream), from: *from, to: *to })
    }
}

/// The steps for one bucket, if it can have what the configuration says.
fn plan(built: &Built, old: &Config, new: &Config) -> Result<Vec<Step>, FitError> {
    let Built { shape, tuned, .. } = built;
    let (before, after) = (shape.fit(old)?, shape.fit(new)?);
    if let (Some(from), Some(to)) = (before.limit.key(), after.limit.key()) {
        if from != to {
            let rule = FitRule::KeyChanged { from: from.clone(), to: to.clone() };
            return Err(FitError::new(format!("{}.key", shape.place()), rule));
        }
    }
    if let (Some(from), Some(to)) = (before.limit.max_keys(), after.limit.max_keys()) {
        if from != to {
            let rule = FitRule::MaxKeysChanged { from, to };
            return Err(FitError::new(format!("{}.max_keys", shape.place()), rule));
        }
    }
    let step = |(tier, to)| {
        let from = tuned.limits(tier);
        (from != to).then(|| Step { shape: shape.clone(), tuned: Arc::clone(tuned), tier, from, to })
    };
    Ok(after.tiers.into_iter().enumerate().filter_map(step).collect())
}

/// Takes all steps, or goes back.
fn apply(steps: &[Step]) -> Result<(), FitError> {
    for (taken, step) in steps.iter().enumerate() {
        if let Err(error) = step.tuned.set(step.tier, &step.to) {
            for step in steps[..taken].iter().rev() {
                // It fails only if a debt has come that the limits of before cannot hold. Then the
                // bucket keeps the new ones, which can, until the next reload.
                let _ = step.tuned.set(step.tier, &step.from);
            }
            return Err(step.error(error));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tollgate::limit::LimitRule;

    use super::*;

    /// A bucket that has these limits, and that a debt has come to since the check.
    struct Owing {
        limit: Mutex<Limit>,
        refuses: Limit,
    }

    impl Tuned for Owing {
        fn limits(&self, _: usize) -> Vec<Limit> {
            vec![*self.limit.lock().unwrap()]
        }

        fn check(&self, _: usize, _: &[Limit]) -> Result<(), LimitError> {
            Ok(())
        }

        fn set(&self, _: usize, limits: &[Limit]) -> Result<(), LimitError> {
            if limits[0] == self.refuses {
                let rule = LimitRule::DebtTooLarge { debt: 2, most: 1 };
                return Err(LimitError { stream: 0, limit: limits[0], rule });
            }
            *self.limit.lock().unwrap() = limits[0];
            Ok(())
        }
    }

    #[test]
    fn a_debt_that_comes_between_the_check_and_the_change_takes_all_steps_back() {
        let (old, new) = (Limit::per_second(5), Limit::per_day(1));
        let none = Limit::per_second(0);
        let buckets = [none, none, new, none].map(|refuses| Arc::new(Owing { limit: Mutex::new(old), refuses }));
        let step = |bucket: &Arc<Owing>| Step {
            shape: Shape::new("service", false, &["requests"], &[]),
            tuned: bucket.clone(),
            tier: 0,
            from: vec![old],
            to: vec![new],
        };
        let steps: Vec<Step> = buckets.iter().map(step).collect();
        let error = apply(&steps).unwrap_err();
        assert_eq!(error.place, "limits.service.streams.requests");
        for bucket in &buckets {
            assert_eq!(bucket.limits(0), [old]);
        }
        assert_eq!(apply(&steps[..2]), Ok(()));
        assert_eq!(buckets.map(|bucket| bucket.limits(0)[0]), [new, new, old, old]);
    }
}
