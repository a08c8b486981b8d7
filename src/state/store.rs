//! Owns what the buckets have in common where no call is hot: waiting, and settling what was
//! estimated.

use crate::clock::time::Time;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::state::limits_changed::LimitsChanged;

/// What the words become, counted in these limits; `None` if nothing.
pub(crate) type Change<'c, const N: usize> = dyn Fn(&Revision<N>, &[u64; N]) -> Option<[u64; N]> + 'c;

/// A bucket of `N` streams, whatever its clock and its slots.
pub(crate) trait Bucket<const N: usize>: Sync {
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
