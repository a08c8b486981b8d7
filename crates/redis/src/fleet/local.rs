//! Owns what one process has of a fleet's bucket: what it holds, who waits, and what decides while
//! the engine is away. Never speaks to the engine.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, Semaphore};
use tollgate::clock::{BootClock, Time};
use tollgate::{Clock, Limit, MultiBucket, Never};

use super::away::{self, Away};
use super::figures::FleetFigures;
use super::nap;
use super::refused::FleetRefused;
use crate::error::FleetError;
use crate::lease::account::Account;
use crate::lease::holder::Holder;
use crate::lease::pool::Pool;
use crate::lease::step::Standing;
use crate::lease::still::Still;
use crate::master::terms::Terms;

/// Where taken tokens came from, for their way back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Source {
    /// From what the process holds.
    Held,
    /// From the process's share, while the engine is away.
    Share,
    /// From nowhere: the engine is away, and all is allowed.
    Nowhere,
}

/// How a call is decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// Streams that are left out do not matter.
    Take,
    /// A stream in debt refuses, also one that is left out.
    Admit,
}

/// Whether a call is noted as demand, so that tokens are fetched for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Asks {
    /// It comes once.
    Once,
    /// It is noted already.
    Noted,
}

/// One process's side of a fleet's bucket.
pub(crate) struct Local<const N: usize> {
    pub(crate) pool: Pool<N>,
    pub(crate) holder: Mutex<Holder<N>>,
    /// A call above one of these is refused, whatever is held.
    capacities: [AtomicU64; N],
    /// The line of those who wait. It has one place to wake in: that of the first.
    line: Semaphore,
    /// How many stand in it.
    waiting: AtomicUsize,
    /// Tells the first of the line to look again.
    pub(crate) changed: Notify,
    /// Tells the driver that somebody asks.
    pub(crate) asked: Notify,
    away: Away,
    /// Decides while the engine is away, if the choice is a share.
    share: Option<MultiBucket<N, BootClock>>,
    refused: AtomicU64,
    /// Whether an outage is under way that somebody has seen.
    is_away: AtomicBool,
    is_closing: AtomicBool,
}

impl<const N: usize> Local<N> {
    /// An engine that is away is tried again at least so often.
    const RETRY: Duration = Duration::from_millis(500);

    pub(crate) fn new(holder: Holder<N>, away: Away) -> Result<Self, FleetError> {
        let limits = holder.terms().limits;
        Ok(Self {
            pool: Pool::new(),
            holder: Mutex::new(holder),
            capacities: limits.map(|limit| AtomicU64::new(limit.capacity)),
            line: Semaphore::new(1),
            waiting: AtomicUsize::new(0),
            changed: Notify::new(),
            asked: Notify::new(),
            away,
            share: away::share(away, limits)?,
            refused: AtomicU64::new(0),
            is_away: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
        })
    }

    /// The time by the clock that counts while the system is suspended.
    #[inline]
    pub(crate) fn now() -> Time {
        BootClock::new().now()
    }

    /// Takes from what is held, behind those who wait.
    #[inline]
    pub(crate) fn take(&self, manner: Manner, amounts: &[u64; N]) -> Result<Source, FleetRefused> {
        // ORDERING: Relaxed. It orders nothing: a caller that does not see one who has just come
        // was first.
        if self.waiting.load(Relaxed) == 0 && self.take_held(manner, amounts) {
            return Ok(Source::Held);
        }
        self.take_otherwise(manner, amounts)
    }

    /// Takes from what is held, whoever waits.
    #[inline]
    fn take_held(&self, manner: Manner, amounts: &[u64; N]) -> bool {
        self.is_within(amounts)
            && self.held(|pool| match manner {
                Manner::Take => pool.try_take(*amounts).is_ok(),
                Manner::Admit => pool.admit(*amounts).is_ok(),
            })
    }

    /// Looks at what is held, once what has expired is gone.
    #[inline]
    fn held<T>(&self, look: impl FnOnce(&MultiBucket<N, Still>) -> T) -> T {
        let now = Self::now();
        if !self.pool.is_fresh(now) {
            self.holder.lock().expire(&self.pool, now);
        }
        look(self.pool.bucket())
    }

    /// What is held of each stream.
    pub(crate) fn available(&self) -> [u64; N] {
        self.held(|pool| pool.available())
    }

    /// Why a call would be refused. It takes nothing.
    pub(crate) fn look(&self, manner: Manner, amounts: &[u64; N]) -> Option<FleetRefused> {
        if self.fits_held(manner, amounts) {
            return None;
        }
        let least = u64::from(manner == Manner::Admit);
        match (self.refusal(&amounts.map(|amount| amount.max(least)), Asks::Once), self.away, &self.share) {
            (FleetRefused::Away { .. }, Away::Allow, _) => None,
            (refused @ FleetRefused::Away { .. }, _, Some(share)) => {
                let owes = manner == Manner::Admit && share.debt().iter().any(|debt| *debt > 0);
                let least = amounts.map(|amount| amount.max(u64::from(owes)));
                match share.wait_for(least) {
                    Ok(Some(Duration::ZERO)) => None,
                    Ok(Some(wait)) => Some(FleetRefused::NotYet { stream: 0, wait }),
                    _ => Some(refused),
                }
            }
            (refused, ..) => Some(refused),
        }
    }

    /// Whether what is held would do, behind those who wait.
    pub(crate) fn fits_held(&self, manner: Manner, amounts: &[u64; N]) -> bool {
        // ORDERING: Relaxed, as in `take`.
        if self.waiting.load(Relaxed) > 0 || !self.is_within(amounts) {
            return false;
        }
        self.held(|pool| {
            let owes = manner == Manner::Admit && pool.debt().iter().any(|debt| *debt > 0);
            let fits = |(held, amount): (&u64, &u64)| held >= amount;
            !owes && pool.available().iter().zip(amounts).all(fits)
        })
    }

    /// Whether no amount is above the capacity.
    #[inline]
    fn is_within(&self, amounts: &[u64; N]) -> bool {
        // ORDERING: Relaxed. A call beside a change of limits is decided by the old ones or the
        // new.
        let fits = |(capacity, requested): (&AtomicU64, &u64)| *requested <= capacity.load(Relaxed);
        self.capacities.iter().zip(amounts).all(fits)
    }

    /// What becomes of a call that what is held does not do for.
    #[cold]
    fn take_otherwise(&self, manner: Manner, amounts: &[u64; N]) -> Result<Source, FleetRefused> {
        if manner == Manner::Take && *amounts == [0; N] && !self.is_closing() {
            return Ok(Source::Held);
        }
        // Who is admitted needs a token of each stream that is in debt.
        let least = u64::from(manner == Manner::Admit);
        let refused = self.refusal(&amounts.map(|amount| amount.max(least)), Asks::Once);
        let decided = match refused {
            FleetRefused::Away { .. } => self.take_away(manner, amounts).map_err(|wait| wait.unwrap_or(refused)),
            _ => Err(refused),
        };
        if decided.is_err() {
            self.count_refusal();
        }
        decided
    }

    /// Why a call is refused. It tells the driver what is asked for.
    pub(crate) fn refusal(&self, amounts: &[u64; N], asks: Asks) -> FleetRefused {
        if self.is_closing() {
            return FleetRefused::Closed;
        }
        let now = Self::now();
        let mut holder = self.holder.lock();
        // The limits may have changed if the engine has not been heard of late.
        if let Some((stream, capacity)) = holder.never(now, *amounts) {
            return FleetRefused::Never(Never { stream, requested: amounts[stream], capacity });
        }
        let wakes = asks == Asks::Once && holder.wanted(&self.pool, now, *amounts, false);
        let refused = if is_away(&holder, now) {
            self.goes_away();
            FleetRefused::Away { retry: Self::RETRY }
        } else {
            let held = self.pool.bucket().available();
            let stream = holder.short_stream(now, *amounts);
            let stream = stream.or_else(|| (0..N).find(|i| held[*i] < amounts[*i])).unwrap_or(0);
            // Nobody can say: as if the engine were asked now.
            let wait = holder.ready_in(&self.pool, now, *amounts).unwrap_or(Self::RETRY);
            FleetRefused::NotYet { stream, wait }
        };
        drop(holder);
        if wakes {
            self.asked.notify_one();
        }
        refused
    }

    /// Decides while the engine is away. Says when the share may grant.
    fn take_away(&self, manner: Manner, amounts: &[u64; N]) -> Result<Source, Option<FleetRefused>> {
        match (self.away, &self.share) {
            (Away::Allow, _) => Ok(Source::Nowhere),
            (Away::LocalShare { .. }, Some(share)) => {
                let taken = if manner == Manner::Admit { share.admit(*amounts) } else { share.try_take(*amounts) };
                match taken {
                    Ok(_) => Ok(Source::Share),
                    Err(refused) => {
                        let stream = refused.stream();
                        Err(refused.wait().map(|wait| FleetRefused::NotYet { stream, wait }))
                    }
                }
            }
            _ => Err(None),
        }
    }

    /// Gives tokens back, wherever they came from. While the engine is away, none go to it.
    pub(crate) fn put_back_any(&self, amounts: &[u64; N]) {
        // ORDERING: Relaxed. A call beside the end of an outage gives back to either side.
        let is_elsewhere = self.away != Away::Refuse && self.is_away.load(Relaxed);
        let source = if is_elsewhere { Source::Share } else { Source::Held };
        self.put_back(amounts, source);
    }

    /// Gives tokens back to where they came from.
    pub(crate) fn put_back(&self, amounts: &[u64; N], source: Source) {
        match source {
            Source::Held => {
                self.pool.bucket().put_back(*amounts);
                self.look_again();
                // What comes back late expires at once: the driver gives it back.
                if !self.pool.is_fresh(Self::now()) {
                    self.asked.notify_one();
                }
            }
            Source::Share => self.share.iter().for_each(|share| share.put_back(*amounts)),
            Source::Nowhere => {}
        }
    }

    /// Takes tokens that were used already.
    pub(crate) fn charge(&self, amounts: &[u64; N], source: Source) -> Result<(), FleetRefused> {
        let charged = match (source, &self.share) {
            (Source::Held, _) => self.pool.bucket().charge(*amounts),
            (Source::Share, Some(share)) => share.charge(*amounts),
            _ => Ok(()),
        };
        // A debt is paid by what is fetched, also if nobody asks.
        self.asked.notify_one();
        // It is more than 2^61 tokens, or more than the share's bucket can owe.
        charged.map_err(|refused| match refused {
            tollgate::Refused::Never(never) => FleetRefused::Never(never),
            _ => FleetRefused::Closed,
        })
    }

    /// Replaces what was taken by what was used.
    pub(crate) fn settle(&self, taken: &[u64; N], used: &[u64; N], source: Source) -> Result<(), FleetRefused> {
        self.charge(&std::array::from_fn(|i| used[i].saturating_sub(taken[i])), source)?;
        self.put_back(&std::array::from_fn(|i| taken[i].saturating_sub(used[i])), source);
        Ok(())
    }

    /// Has the first of the line look again. A notice that comes before the first sleeps is kept.
    pub(crate) fn look_again(&self) {
        self.changed.notify_one();
    }

    /// Waits in turn. `nap` sleeps. Dropped before it is ready, it has taken nothing.
    pub(crate) async fn take_in_turn<S: Future>(
        &self,
        amounts: [u64; N],
        deadline: Time,
        mut nap: impl FnMut(Duration) -> S,
    ) -> Result<Source, FleetRefused> {
        // ORDERING: Relaxed, as in `take`.
        if self.waiting.load(Relaxed) == 0 && self.take_held(Manner::Take, &amounts) {
            return Ok(Source::Held);
        }
        let place = Place::enter(self, amounts);
        let end = nap(deadline.since(Self::now()));
        let served = nap::within(end, place.served(deadline, &mut nap)).await;
        let served = served.unwrap_or_else(|| Err(self.refusal(&amounts, Asks::Noted)));
        if served.is_err() {
            self.count_refusal();
        }
        served
    }

    /// Begins to close: nobody takes any more, and the driver gives back what is held.
    pub(crate) fn close(&self) {
        // ORDERING: Relaxed. The line's closing and the notice synchronize by themselves.
        self.is_closing.store(true, Relaxed);
        // Whatever comes back to what is held is not taken any more. ORDERING: Relaxed, as above.
        self.capacities.iter().for_each(|capacity| capacity.store(0, Relaxed));
        self.line.close();
        self.changed.notify_one();
        self.asked.notify_one();
    }

    pub(crate) fn is_closing(&self) -> bool {
        // ORDERING: Relaxed. A take beside a close may still be granted.
        self.is_closing.load(Relaxed)
    }

    /// Goes by other terms from now on, unless it knows later ones.
    pub(crate) fn learn(&self, terms: Terms<N>) {
        self.holder.lock().learn(terms, Self::now());
        self.limits_changed();
    }

    /// Decides by the limits of the holder from now on.
    pub(crate) fn limits_changed(&self) {
        let limits = &self.limits();
        if self.is_closing() {
            return;
        }
        for (capacity, limit) in self.capacities.iter().zip(limits) {
            // ORDERING: Relaxed, as in `never`.
            capacity.store(limit.capacity, Relaxed);
        }
        if let (Some(share), Ok(limits)) = (&self.share, away::shares(self.away, limits)) {
            // Limits that no bucket can have keep the old share.
            let _ = share.set_limits(limits);
        }
    }

    /// The engine is away. If nobody has seen it yet, the share begins empty.
    pub(crate) fn goes_away(&self) {
        // ORDERING: Relaxed. The caller holds the lock of the holder, as in `is_back`.
        if !self.is_away.swap(true, Relaxed) {
            self.share.iter().for_each(|share| share.reset([0; N]));
        }
    }

    /// The engine has answered. The caller holds the lock of the holder.
    pub(crate) fn is_back(&self) {
        // ORDERING: Relaxed, as in `goes_away`: the lock orders the two.
        self.is_away.store(false, Relaxed);
    }

    fn count_refusal(&self) {
        // ORDERING: Relaxed. It counts.
        self.refused.fetch_add(1, Relaxed);
    }

    /// What became of every token.
    pub(crate) fn figures(&self) -> FleetFigures<N> {
        let now = Self::now();
        let holder = self.holder.lock();
        let Account { granted, used, returned, lost, held, trips } = holder.account(&self.pool);
        let away = match holder.standing(now) {
            Standing::Away { since } => now.since(since),
            Standing::InContact => Duration::ZERO,
        };
        let (epoch, revision) = (holder.epoch(), holder.terms().revision);
        // ORDERING: Relaxed. It counts.
        let refused = self.refused.load(Relaxed);
        FleetFigures { granted, used, returned, lost, held, trips, refused, epoch, revision, away }
    }

    /// What is owed of each stream.
    pub(crate) fn debt(&self) -> [u64; N] {
        self.pool.bucket().debt()
    }

    /// The limits that the engine last said.
    pub(crate) fn limits(&self) -> [Limit; N] {
        self.holder.lock().terms().limits
    }
}

/// Whether the engine does not answer.
pub(super) fn is_away<const N: usize>(holder: &Holder<N>, now: Time) -> bool {
    matches!(holder.standing(now), Standing::Away { .. })
}

impl<const N: usize> fmt::Debug for Local<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Local").field("away", &self.away).field("is_closing", &self.is_closing).finish_non_exhaustive()
    }
}

/// A place in the line. Dropped, it is free.
struct Place<'a, const N: usize> {
    local: &'a Local<N>,
    amounts: [u64; N],
}

impl<'a, const N: usize> Place<'a, N> {
    fn enter(local: &'a Local<N>, amounts: [u64; N]) -> Self {
        // ORDERING: Relaxed, as in `take`.
        local.waiting.fetch_add(1, Relaxed);
        let wakes = local.holder.lock().wanted(&local.pool, Local::<N>::now(), amounts, true);
        if wakes {
            local.asked.notify_one();
        }
        Self { local, amounts }
    }

    /// Waits until it is first, and then until it is served.
    async fn served<S: Future>(
        &self,
        deadline: Time,
        nap: &mut impl FnMut(Duration) -> S,
    ) -> Result<Source, FleetRefused> {
        let Self { local, amounts } = self;
        let _first = local.line.acquire().await.map_err(|_| FleetRefused::Closed)?;
        let mut has_waited = false;
        loop {
            if local.take_held(Manner::Take, amounts) {
                return Ok(Source::Held);
            }
            match local.refusal(amounts, Asks::Noted) {
                FleetRefused::NotYet { wait, .. } if has_waited && wait > deadline.since(Local::<N>::now()) => {
                    return Err(local.refusal(amounts, Asks::Noted));
                }
                FleetRefused::NotYet { .. } => local.changed.notified().await,
                refused @ FleetRefused::Away { .. } => match local.take_away(Manner::Take, amounts) {
                    Ok(source) => return Ok(source),
                    Err(Some(FleetRefused::NotYet { wait, .. })) => {
                        nap::within(nap(wait), local.changed.notified()).await;
                    }
                    Err(_) => return Err(refused),
                },
                refused => return Err(refused),
            }
            has_waited = true;
        }
    }
}

impl<const N: usize> Drop for Place<'_, N> {
    fn drop(&mut self) {
        self.local.holder.lock().unwanted(self.amounts);
        // ORDERING: Relaxed, as in `take`.
        self.local.waiting.fetch_sub(1, Relaxed);
    }
}
