//! Owns what stands behind the verbs of a bucket: its words, its clock, and what waits on it. Never
//! decides.

use crate::clock::time::Time;
use crate::decision::limits::Limits;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::limit::amounts::Amounts;
use crate::state::limits_changed::LimitsChanged;

/// Words in memory, the limits that they are counted in, and one step that changes them.
pub trait Store<const N: usize> {
    /// Changes the words to what `change` makes of them and of their limits. If that is nothing,
    /// nothing is written, and `refuse` answers, with the words of one version. So it does while
    /// `pause` says that some of a pause is left.
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E>;

    /// Shows `look` the words of one version, and their limits. It may run several times.
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V;
}

/// What its verbs need of a bucket of `N` streams.
pub trait Stored<const N: usize> {
    /// What its verbs take and say: `u64` for one stream, or an array.
    type Amounts: Amounts<N>;

    type Store: Store<N>;

    fn store(&self) -> &Self::Store;

    fn now(&self) -> Time;
}

/// A bucket that callers can wait on.
pub trait Waits<const N: usize> {
    fn waitable(&self) -> &dyn Waitable<N>;
}

/// What the words become, counted in these limits; `None` if nothing.
pub(crate) type Change<'c, const N: usize> = dyn Fn(&Revision<N>, &[u64; N]) -> Option<[u64; N]> + 'c;

/// A bucket of `N` streams as those who wait need it, whatever its clock and its slots.
pub trait Waitable<const N: usize>: Sync {
    fn now(&self) -> Time;

    /// The limits as they are.
    fn revision(&self) -> Revision<N>;

    fn wait_bounds(&self) -> &WaitBounds<N>;

    /// What notifies sleepers of a change of limits; `None` if limits never change.
    fn limits_changed(&self) -> Option<&LimitsChanged>;

    /// Changes the words in one step to what `change` makes of them and of the limits that they are
    /// counted in; `Err` with both, of one version, if it makes nothing of them.
    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])>;
}
