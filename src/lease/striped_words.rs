//! Owns the words of a bucket whose tokens lie on stripes, too. It never decides who is served.

use crate::clock::time::Time;
use crate::decision::awaited::Awaited;
use crate::decision::inherit::Inherit;
use crate::decision::limits::Limits;
use crate::decision::revision::Revision;
use crate::lease::share::Share;
use crate::lease::stripes::Stripes;
use crate::limit::limit::{Limit, limits_of};
use crate::limit::limit_error::LimitError;
use crate::state::multi::{SLOTS, Versions};
use crate::state::store::{Carried, Change, Revised, Store};
use crate::sync::Lock;

/// The versions of a bucket without the share of its stripes, and these.
#[derive(Debug)]
pub struct StripedWords<const N: usize> {
    pub(crate) versions: Versions<N, SLOTS>,
    pub(crate) stripes: Stripes<N>,
    /// The limits as they were configured. Who changes how the capacity is parted has the lock;
    /// takers never do.
    configured: Lock<[Limit; N]>,
    /// The most tokens that one stripe was given leave to hold.
    most: [u64; N],
}

impl<const N: usize> StripedWords<N> {
    pub(crate) fn new(
        configured: [Limit; N],
        stripes: usize,
        most: [u64; N],
        origin: Time,
    ) -> Result<Self, LimitError> {
        limits_of(configured, origin)?;
        let share = Share::new(configured, stripes, &most);
        let versions = Versions::new(share.limits, origin)?;
        let stripes = Stripes::new(&share, &configured, stripes);
        Ok(Self { versions, stripes, configured: Lock::new(configured), most })
    }

    pub(crate) fn configured(&self) -> [Limit; N] {
        *self.configured.lock()
    }

    /// Changes the limits, and parts the capacity anew. No stripe gets anything meanwhile.
    pub(crate) fn set_limits(
        &self,
        clock: impl Fn() -> Time,
        limits: [Limit; N],
        awaited: impl Fn() -> Awaited<N>,
    ) -> Result<(), LimitError> {
        // What is refused brings nothing home.
        limits_of(limits, Time::ZERO)?;
        let share = Share::new(limits, self.stripes.len(), &self.most);
        let mut configured = self.configured.lock();
        let before = self.shut(clock());
        let changed = self.versions.set_limits(&clock, share.limits, Inherit::Keep, awaited);
        self.stripes.set_chunks(if changed.is_ok() { &share.chunks } else { &before });
        changed.map_err(|error| as_configured(error, &limits))?;
        *configured = limits;
        Ok(())
    }

    /// Brings all credits home, and lets no stripe get any. Returns what one could hold.
    fn shut(&self, now: Time) -> [u64; N] {
        let before = self.stripes.set_chunks(&[0; N]);
        self.stripes.recall(&self.versions, now);
        before
    }
}

/// The error with the limit that the caller named.
fn as_configured<const N: usize>(error: LimitError, configured: &[Limit; N]) -> LimitError {
    LimitError { limit: configured[error.stream], ..error }
}

impl<const N: usize> Store<N> for StripedWords<N> {
    const LENDS: bool = true;

    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        Store::update(&self.versions, pause, change, refuse)
    }

    #[inline(always)]
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        self.versions.read(look)
    }

    #[inline(always)]
    fn bring_home(&self, now: Time, amounts: &[u64; N]) -> bool {
        if self.stripes.are_settled() {
            return false;
        }
        // No more than fits, so that nothing is lost. What is owed counts as missing.
        let missing = self.versions.read(|limits, spent| {
            let (owed, available) = (limits.debts(spent, limits.elapsed(now)), limits.available_at(spent, now));
            let wanted = |i: usize| amounts[i].min(limits.streams[i].capacity()).saturating_add(owed[i]);
            core::array::from_fn(|i| wanted(i).saturating_sub(available[i]))
        });
        missing != [0; N] && self.stripes.bring_home(&self.versions, now, &missing)
    }

    #[inline(always)]
    fn carried(&self) -> Carried {
        self.stripes.carried()
    }

    #[inline(always)]
    fn is_settled_since(&self, before: Carried) -> bool {
        self.stripes.is_settled_since(before)
    }

    fn lent(&self) -> [u64; N] {
        self.stripes.credits()
    }

    fn recall(&self, now: Time) {
        self.stripes.recall(&self.versions, now);
    }

    fn whole<R>(&self, now: Time, step: impl FnOnce() -> R) -> R {
        let _changes = self.configured.lock();
        let before = self.shut(now);
        let done = step();
        self.stripes.set_chunks(&before);
        done
    }
}

impl<const N: usize> Revised<N> for StripedWords<N> {
    /// Whoever waits is in line now, and nothing lies on stripes from here on.
    fn touch(&self, now: Time) {
        self.stripes.recall(&self.versions, now);
        self.versions.touch(now);
    }

    fn read_revised(&self) -> (Revision<N>, [u64; N]) {
        self.versions.read_revised()
    }

    fn update_revised(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        self.versions.update_revised(change)
    }
}
