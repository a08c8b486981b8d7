//! Owns the steps of a gate on the bucket of a key. Never finds a key.

use core::hash::{BuildHasher, Hash};
use core::time::Duration;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::gate::limited::{Cause, Found, Moment, Steps, Taken};
use crate::gate::plain::{fit, found, is_nothing, looks_at_nothing, next};
use crate::gate::refused::Reason;
use crate::gate::wait::ready;
use crate::keyed::key_form::KeyForm;
use crate::keyed::key_refused::KeyRefused;
use crate::keyed::keyed_bucket::KeyedBucket;
use crate::keyed::keyed_wait::Begun;
use crate::keyed::overflow::{Overflow, Source};
use crate::keyed::streams::{Amounts, Shape, Streams};
use crate::keyed::table::{Failed, Reading};
use crate::keyed::terms::Terms;
use crate::keyed::tier::{TierOf, Tiers};
use crate::limit::limit::Limit;
use crate::state::store::Waitable;
use crate::wait::estimate::Estimate;
use crate::wait::holder::Holder;
use crate::wait::reservation::give_back;
use crate::wait::take::Wait;
use crate::wait::timer::Timer;

impl<Q, K, const N: usize, C, H, F> Steps for KeyedBucket<'_, Q, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    K: Hash + Send + Sync,
    Q: KeyForm<K> + Sync + ?Sized,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + TierOf<Q> + Sync,
{
    type Clock = C;
    type Amounts = Amounts<N>;
    type Tokens = [u64; N];
    type Configured = [Limit; N];
    type Refused = KeyRefused<N>;
    type Held = Source;

    fn tokens(amounts: Amounts<N>) -> [u64; N] {
        <[u64; N]>::array(amounts)
    }

    fn clock(&self) -> &C {
        self.buckets.clock()
    }

    fn configured(&self) -> [Limit; N] {
        let (table, tier) = (&self.buckets.table, self.buckets.tiers.tier_of(self.key));
        table.read(self.key, tier, self.buckets.clock.now(), |terms, _| terms.configured)
    }

    fn owed(&self) -> [u64; N] {
        <[u64; N]>::array(self.buckets.debt(self.key))
    }

    fn fits(&self, at: Moment, tokens: &[u64; N]) -> bool {
        let (table, tier) = (&self.buckets.table, self.buckets.tiers.tier_of(self.key));
        looks_at_nothing(at, tokens)
            || table.read_behind(self.key, tier, at.now, &takes(at, tokens), |terms, spent| {
                fit(terms.limits(), at, spent, tokens)
            }) && table.known_no_room(self.key, at.now).is_none()
    }

    fn look(&self, at: Moment, tokens: &[u64; N]) -> Found<[u64; N], KeyRefused<N>> {
        let (table, tier) = (&self.buckets.table, self.buckets.tiers.tier_of(self.key));
        let look = |terms: &Terms<N>, spent: &[u64; N]| of_terms(terms, at, spent, tokens);
        let found = table.read_behind(self.key, tier, at.now, &takes(at, tokens), look);
        let no_room = || table.known_no_room(self.key, at.now).filter(|_| !is_nothing(tokens)).map(KeyRefused::NoRoom);
        Found { refused: found.refused.or_else(no_room), ..found }
    }

    fn take(&self, at: Moment, tokens: &[u64; N]) -> Result<Taken<[u64; N], Source>, Found<[u64; N], KeyRefused<N>>> {
        if is_nothing(tokens) {
            let found = self.look(at, tokens);
            return if found.refused.is_some() {
                Err(found)
            } else {
                Ok(Taken { left: found.left, held: Source::Own })
            };
        }
        let (table, tier) = (&self.buckets.table, self.buckets.tiers.tier_of(self.key));
        let reading = Reading { now: at.now, clock: at.is_read.then_some(&self.buckets.clock) };
        let change = |terms: &Terms<N>, now: Time, spent: &[u64; N]| {
            let limits: &Limits<N> = terms.limits();
            if limits.paused_at(now) {
                return None;
            }
            let next = next(limits, Moment { now, ..at }, spent, tokens)?;
            Some((next, limits.available(&next, limits.elapsed(now))))
        };
        let refuse =
            |terms: &Terms<N>, now: Time, spent: &[u64; N]| of_terms(terms, Moment { now, ..at }, spent, tokens);
        match (table.update_own(self.key, tier, reading, &takes(at, tokens), change, refuse), &table.overflow) {
            (Ok(left), _) => Ok(Taken { left, held: Source::Own }),
            (Err(Failed::Refused(found)), _) => Err(found),
            (Err(Failed::NoRoom(_)), Some(overflow)) => Overflow::update(overflow, tier, at.now, change, refuse)
                .map(|left| Taken { left, held: Source::Overflow }),
            (Err(Failed::NoRoom(refusal)), None) => Err(Found { left: [0; N], refused: Some(refusal.into()) }),
        }
    }

    fn put_back(&self, now: Time, tokens: &[u64; N], held: Source) {
        match held {
            Source::Own => self.buckets.at(now).put_back(self.key, <[u64; N]>::amounts(*tokens)),
            Source::Overflow => give_back(self.waitable(held), now, tokens),
        }
    }

    fn settle(&self, now: Time, taken: &[u64; N], used: &[u64; N], held: Source) -> Result<(), KeyRefused<N>> {
        Ok(Estimate::new(Holder::Borrowed(self.waitable(held)), now, *taken).settle(*used)?)
    }

    async fn wait_on<T: Timer<Sleep: Send> + Send>(
        &self,
        tokens: [u64; N],
        timeout: Duration,
        timer: T,
    ) -> Result<Source, KeyRefused<N>> {
        match self.begin(Waitable::now(self), tokens, timeout)? {
            Begun::Granted(_) => Ok(Source::Own),
            Begun::Waits(turn) => Ok(Wait::new(turn, timer).await.map(|_| Source::Own)?),
            Begun::Shared(place) => Ok(ready(place, timer).await.map(|()| Source::Overflow)?),
        }
    }

    fn wait_blocking(&self, tokens: [u64; N], timeout: Duration) -> Result<Source, KeyRefused<N>> {
        let now = Waitable::now(self);
        match self.begin(now, tokens, timeout)? {
            Begun::Granted(_) => Ok(Source::Own),
            Begun::Waits(turn) => Ok(turn.wait_blocking(now, None).map(|_| Source::Own)?),
            Begun::Shared(mut place) => Ok(place.wait().map(|()| Source::Overflow)?),
        }
    }
}

/// What those who wait for the key may keep it from taking.
fn takes<const N: usize>(at: Moment, tokens: &[u64; N]) -> [u64; N] {
    if at.admits { tokens.map(|amount| amount.max(1)) } else { *tokens }
}

/// What the words of a key say.
fn of_terms<const N: usize>(
    terms: &Terms<N>,
    at: Moment,
    spent: &[u64; N],
    tokens: &[u64; N],
) -> Found<[u64; N], KeyRefused<N>> {
    let Found { left, refused } = found(terms.limits(), at, spent, tokens);
    Found { left, refused: refused.map(KeyRefused::Bucket) }
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
    /// The bucket that tokens came from, and go back to.
    fn waitable(&self, source: Source) -> &dyn Waitable<N> {
        match source {
            Source::Own => self,
            Source::Overflow => &self.overflow,
        }
    }
}

impl<const N: usize> Cause for KeyRefused<N> {
    fn reason(&self) -> Reason {
        match self {
            Self::Bucket(refused) => refused.reason(),
            Self::NoRoom(_) => Reason::NoRoom,
        }
    }

    fn known_wait(&self) -> Option<Duration> {
        self.wait()
    }

    fn wait_of(&self, stream: usize) -> Option<Duration> {
        match self {
            Self::Bucket(refused) => refused.wait_of(stream),
            Self::NoRoom(_) => self.wait(),
        }
    }

    fn stream(&self) -> usize {
        match self {
            Self::Bucket(refused) => Refused::stream(refused),
            Self::NoRoom(_) => 0,
        }
    }

    fn is_paused(&self) -> bool {
        match self {
            Self::Bucket(refused) => refused.is_paused(),
            Self::NoRoom(_) => false,
        }
    }
}
