//! Owns what the buckets have in common where no call is hot: waiting, and settling what was estimated.

use crate::Time;
use crate::limits::Limits;
use crate::queue::Queue;

/// A bucket of `N` streams, whatever its clock and its slots.
pub(crate) trait Bucket<const N: usize>: Sync {
    fn now(&self) -> Time;

    fn limits(&self) -> &Limits<N>;

    fn queue(&self) -> &Queue<N>;

    /// Changes the words in one step to what `change` makes of them; `Err` with the words, of one version, if it makes nothing of them.
    fn update(&self, change: &dyn Fn(&[u64; N]) -> Option<[u64; N]>) -> Result<(), [u64; N]>;
}
