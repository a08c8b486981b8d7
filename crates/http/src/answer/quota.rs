//! Owns what one response says of one policy. Never text.

use std::array;
use std::time::Duration;

use tollgate::gate::{LimitSeen, Reason};
#[cfg(feature = "keys")]
use tollgate::keyed::KeyRefused;
use tollgate::{Granted, NotYet, Refused};

use crate::answer::policy::Policy;
use crate::answer::refusal::Refusal;
use crate::answer::terms::whole_seconds;

/// What one response says of one policy: what is available, and if it refused, why.
///
/// A response has a list of them, one for each stream of each limit that decided on the request.
///
/// ```
/// use tollgate::clock::ManualClock;
/// use tollgate::{Limit, TokenBucket};
/// use tollgate_http::{Policy, Quota};
///
/// let policy = Policy::new("client", Limit::per_second(10))?;
/// let bucket = TokenBucket::with_clock(policy.limit(), ManualClock::new())?;
/// let [quota] = Quota::each_granted([&policy], &bucket.try_take(10)?);
/// assert_eq!((quota.available(), quota.refusal()), (Some(0), None));
/// let [quota] = Quota::each_refused([&policy], &bucket.try_take(1).unwrap_err());
/// assert_eq!(quota.refusal().and_then(|refusal| refusal.retry_after()), Some(1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Quota<'a> {
    policy: &'a Policy,
    available: Option<u64>,
    refusal: Option<Refusal>,
    /// When all is available again, if the bucket said so.
    full_in: Option<Duration>,
    /// How long an equal request has to wait if this policy did not refuse; `None`: nobody knows.
    again_in: Option<Duration>,
}

impl<'a> Quota<'a> {
    /// Describes a policy that did not refuse, with the tokens that it has left.
    ///
    /// ```
    /// use tollgate_http::{Policy, Quota};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
    /// assert_eq!(Quota::granted(&policy, 7).available(), Some(7));
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn granted(policy: &'a Policy, available: u64) -> Self {
        Self { policy, available: Some(available), refusal: None, full_in: None, again_in: Some(Duration::ZERO) }
    }

    /// Describes a policy that refused, with the tokens that it had: a number, or `None` if nobody
    /// knows.
    ///
    /// A policy that is paused, closed, or without room for the key has 0 available.
    ///
    /// ```
    /// use tollgate_http::{Policy, Quota, Refusal};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
    /// assert_eq!(Quota::refused(&policy, 7, Refusal::Never).available(), Some(7));
    /// assert_eq!(Quota::refused(&policy, None, Refusal::Never).available(), None);
    /// assert_eq!(Quota::refused(&policy, 7, Refusal::Closed).available(), Some(0));
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn refused(policy: &'a Policy, available: impl Into<Option<u64>>, refusal: Refusal) -> Self {
        let available = match refusal {
            Refusal::Paused(_) | Refusal::NoRoom(_) | Refusal::Away(_) | Refusal::Closed => Some(0),
            _ => available.into(),
        };
        Self { policy, available, refusal: Some(refusal), ..Self::granted(policy, 0) }
    }

    /// Says when all is available again, if nobody takes.
    ///
    /// Without it, fields take the time from the tokens that are available. A stream in debt needs
    /// longer: it has 0 available, and refills from below.
    ///
    /// ```
    /// use std::time::{Duration, SystemTime};
    /// use http::{HeaderMap, StatusCode};
    /// use tollgate_http::{Headers, Policy, Quota};
    ///
    /// let policy = Policy::new("bytes", tollgate::Limit::per_second(10))?;
    /// let quota = Quota::granted(&policy, 0).full_in(Duration::from_secs(4)); // it owes 30
    /// let mut fields = HeaderMap::new();
    /// Headers::DEFAULT.write(&[quota], StatusCode::OK, SystemTime::now(), &mut fields);
    /// assert_eq!(fields["ratelimit"], r#""bytes";r=0;t=4"#);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    #[must_use]
    pub fn full_in(self, time: Duration) -> Self {
        Self { full_in: Some(time), ..self }
    }

    /// Says how long an equal request has to wait for a policy that did not refuse.
    ///
    /// Default: no time. `None` means that nobody knows.
    ///
    /// Where an attempt counts that a wider limit refuses, it may leave a narrower one too little.
    /// [`retry_after`](crate::retry_after) then waits for that, too. A policy that refused says so
    /// in its [`Refusal`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::Limit;
    /// use tollgate_http::{Policy, Quota, Refusal, retry_after};
    ///
    /// let client = Policy::new("client", Limit::per_minute(6).capacity(1))?;
    /// let service = Policy::new("service", Limit::per_second(1))?;
    /// let refused = Quota::refused(&service, 0, Refusal::Wait(Duration::from_secs(1)));
    /// let attempted = Quota::granted(&client, 0).again_in(Duration::from_secs(10));
    /// assert_eq!(retry_after(&[attempted, refused]), Some(10));
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    #[must_use]
    pub fn again_in(self, wait: impl Into<Option<Duration>>) -> Self {
        Self { again_in: wait.into(), ..self }
    }

    /// Describes each stream of a bucket that granted.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    /// use tollgate_http::{Policy, Quota};
    ///
    /// let requests = Policy::new("requests", Limit::per_second(10))?;
    /// let bytes = Policy::new("bytes", Limit::per_second(1000))?;
    /// let limits = [requests.limit(), bytes.limit()];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let quotas = Quota::each_granted([&requests, &bytes], &bucket.try_take([1, 300])?);
    /// assert_eq!(quotas.map(|quota| quota.available()), [Some(9), Some(700)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each_granted<const N: usize>(policies: [&'a Policy; N], granted: &Granted<N>) -> [Self; N] {
        let (left, full_in) = (granted.remaining_each(), granted.reset_after_each());
        array::from_fn(|stream| Self { full_in: full_in[stream], ..Self::granted(policies[stream], left[stream]) })
    }

    /// Describes each stream of a bucket that refused.
    ///
    /// A stream that was not short did not refuse. In a pause all refuse.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Limit, MultiBucket};
    /// use tollgate_http::{Policy, Quota, Refusal};
    ///
    /// let requests = Policy::new("requests", Limit::per_second(10))?;
    /// let bytes = Policy::new("bytes", Limit::per_second(1000))?;
    /// let limits = [requests.limit(), bytes.limit().empty()];
    /// let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
    /// let refused = bucket.try_take([1, 300]).unwrap_err();
    /// let quotas = Quota::each_refused([&requests, &bytes], &refused);
    /// let wait = Refusal::Wait(Duration::from_millis(300));
    /// assert_eq!(quotas.map(|quota| quota.refusal()), [None, Some(wait)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each_refused<const N: usize>(policies: [&'a Policy; N], refused: &Refused<N>) -> [Self; N] {
        let each = |refusal| policies.map(|policy| Self::refused(policy, None, refusal));
        match refused {
            Refused::NotYet(refusal) => Self::each_not_yet(policies, refusal),
            Refused::Never(never) => array::from_fn(|stream| Self {
                available: None,
                refusal: (stream == never.stream).then_some(Refusal::Never),
                ..Self::granted(policies[stream], 0)
            }),
            Refused::Closed => each(Refusal::Closed),
            Refused::Cancelled => each(Refusal::Cancelled),
        }
    }

    fn each_not_yet<const N: usize>(policies: [&'a Policy; N], refused: &NotYet<N>) -> [Self; N] {
        let (available, waits) = (refused.available_each(), refused.waits());
        array::from_fn(|stream| {
            let refusal = match waits[stream] {
                wait if refused.is_paused() => Some(Refusal::Paused(wait)),
                Some(Duration::ZERO) => None,
                Some(wait) => Some(Refusal::Wait(wait)),
                None => Some(Refusal::Unknown),
            };
            Self { refusal, ..Self::granted(policies[stream], available[stream]) }
        })
    }

    /// Describes each stream of a key's bucket that refused, or for which there is no room.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{KeyedBuckets, Limit};
    /// use tollgate_http::{Policy, Quota, Refusal};
    ///
    /// let policy = Policy::new("client", Limit::per_second(2))?;
    /// let clients =
    ///     KeyedBuckets::<u64, 1, _>::with_clock(policy.limit(), 1, ManualClock::new())?;
    /// clients.try_take(&7, 2)?;
    /// let refused = clients.try_take(&8, 1).unwrap_err();
    /// let [quota] = Quota::each_refused_key([&policy], &refused);
    /// assert!(matches!(quota.refusal(), Some(Refusal::NoRoom(Some(_)))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "keys")]
    pub fn each_refused_key<const N: usize>(policies: [&'a Policy; N], refused: &KeyRefused<N>) -> [Self; N] {
        match refused {
            KeyRefused::Bucket(refused) => Self::each_refused(policies, refused),
            KeyRefused::NoRoom(none) => {
                policies.map(|policy| Self::refused(policy, None, Refusal::NoRoom(none.wait())))
            }
        }
    }

    /// Describes each stream of one limit of a [`Gate`](tollgate::Gate), granted or refused.
    ///
    /// There is one policy for each stream.
    ///
    /// ```
    /// use tollgate::clock::ManualClock;
    /// use tollgate::{Gate, Limit, TokenBucket};
    /// use tollgate_http::{Policy, Quota};
    ///
    /// let clock = ManualClock::new();
    /// let policies = [
    ///     [Policy::new("client", Limit::per_second(10))?],
    ///     [Policy::new("service", Limit::per_second(5).empty())?],
    /// ];
    /// let client = TokenBucket::with_clock(policies[0][0].limit(), &clock)?;
    /// let service = TokenBucket::with_clock(policies[1][0].limit(), &clock)?;
    /// let refused = Gate::new().and(&client, 1).and(&service, 1).try_take().unwrap_err();
    /// let quotas: Vec<_> = policies
    ///     .iter()
    ///     .zip(refused.limits())
    ///     .flat_map(|(policies, seen)| Quota::each_seen(policies, seen))
    ///     .collect();
    /// assert_eq!(quotas[0], Quota::granted(&policies[0][0], 10));
    /// assert_eq!(quotas[1].refusal().and_then(|refusal| refusal.retry_after()), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each_seen(policies: &'a [Policy], seen: LimitSeen<'a>) -> impl Iterator<Item = Self> {
        let streams = policies.iter().zip(seen.available()).enumerate();
        streams.map(move |(stream, (policy, available))| {
            let wait = seen.wait_of(stream);
            let refusal = seen.reason().and_then(|reason| match reason {
                Reason::NotYet if seen.is_paused() => Some(Refusal::Paused(wait)),
                Reason::NotYet if wait == Some(Duration::ZERO) => None,
                Reason::NotYet => Some(wait.map_or(Refusal::Unknown, Refusal::Wait)),
                Reason::Never(never) => (never.stream == stream).then_some(Refusal::Never),
                Reason::NoRoom => Some(Refusal::NoRoom(wait)),
                Reason::Away => Some(Refusal::Away(wait)),
                _ => Some(Refusal::Closed),
            });
            match refusal {
                Some(refusal) => Self::refused(policy, *available, refusal),
                None => Self::granted(policy, *available).again_in(wait),
            }
        })
    }

    /// Returns the policy.
    ///
    /// ```
    /// use tollgate_http::{Policy, Quota};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
    /// assert_eq!(Quota::granted(&policy, 7).policy().name(), "client");
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn policy(&self) -> &'a Policy {
        self.policy
    }

    /// Returns the whole tokens that were available; `None` if nobody knows.
    ///
    /// ```
    /// use tollgate_http::{Policy, Quota};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
    /// assert_eq!(Quota::granted(&policy, 7).available(), Some(7));
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn available(&self) -> Option<u64> {
        self.available
    }

    /// Returns why the policy refused; `None` if it did not.
    ///
    /// ```
    /// use tollgate_http::{Policy, Quota};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
    /// assert_eq!(Quota::granted(&policy, 7).refusal(), None);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal
    }

    /// Returns how long an equal request has to wait for this policy: zero unless it refused, or an
    /// attempt left it too little. `None` if no wait helps, or if nobody knows.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tollgate_http::{Policy, Quota, Refusal};
    ///
    /// let policy = Policy::new("client", tollgate::Limit::per_second(10))?;
    /// assert_eq!(Quota::granted(&policy, 7).wait(), Some(Duration::ZERO));
    /// let wait = Duration::from_millis(300);
    /// assert_eq!(Quota::refused(&policy, 0, Refusal::Wait(wait)).wait(), Some(wait));
    /// assert_eq!(Quota::refused(&policy, 7, Refusal::Never).wait(), None);
    /// # Ok::<(), tollgate_http::PolicyError>(())
    /// ```
    pub fn wait(&self) -> Option<Duration> {
        self.refusal.map_or(self.again_in, |refusal| refusal.wait())
    }

    /// Returns the same in whole seconds; `None` for no time, too.
    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.wait().filter(|wait| self.refusal.is_some() || !wait.is_zero()).map(whole_seconds)
    }

    /// Returns `r` and `t`: what is available, and the window in which that is the rate. `None` if
    /// there is no limit, or nobody knows.
    pub(crate) fn effective(&self) -> Option<(u64, Option<u64>)> {
        let (available, terms) = (self.available?, self.policy.terms()?);
        let (r, t) = terms.effective(available);
        // The next token comes at once, unless there is none or a debt.
        let next = self.full_in.and_then(|full_in| terms.first_in(full_in));
        Some((r, t.map(|t| t.max(next.unwrap_or(0)))))
    }

    /// Returns the seconds until all is available again; `None` as [`effective`](Self::effective),
    /// and for a rate of 0.
    pub(crate) fn full_after(&self) -> Option<u64> {
        let full = self.policy.terms()?.full_after(self.available?)?;
        let said = self.full_in.filter(|full_in| !full_in.is_zero()).map_or(0, whole_seconds);
        // A wait is longer where others wait, where tokens are owed, and in a pause.
        let wait = self.retry_after().unwrap_or(0);
        Some(full.max(said).max(wait))
    }
}
