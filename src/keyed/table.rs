//! Owns the groups that cells lie in: which of them a key is in, and whose turn it is to be looked
//! at. It never looks into a cell.

use std::boxed::Box;

use crate::keyed::cell::{Cell, Closed};
use crate::keyed::group::{CELLS, Full, Group, Owned};
use crate::sync::{AtomicU64, PublishOnce, Relaxed};

/// How many keys there are in a group where there are as many as there may be, on average: so few
/// that a group hardly ever overflows. 74 of 124 cells; that 125 come together happens once in
/// 10^7, by the distribution of Poisson.
const KEYS: usize = if cfg!(loom) { 9 } else { 74 };

/// Room for a number of keys, in groups that are made when the first key comes to them.
pub(crate) struct Table<C> {
    groups: Box<[PublishOnce<Group<C>>]>,
    /// The next cell to be looked at, counted through all groups, again and again.
    next: AtomicU64,
}

impl<C> Table<C> {
    pub(crate) fn new(keys: usize) -> Self {
        let groups = keys.div_ceil(KEYS).max(1);
        Self { groups: (0..groups).map(|_| PublishOnce::new()).collect(), next: AtomicU64::new(0) }
    }

    fn place(&self, hash: u64) -> &PublishOnce<Group<C>> {
        &self.groups[((u128::from(hash) * self.groups.len() as u128) >> 64) as usize]
    }

    /// As [`Group::find`].
    #[inline]
    pub(crate) fn find<R>(&self, hash: u64, look: impl Fn(&C, Owned<'_>) -> Result<R, Closed>) -> Option<R> {
        self.place(hash).get()?.find(hash, look)
    }

    /// As [`Group::put_in`]; where there is no vacant cell, `close` is called for all cells that
    /// the key could have before that is so.
    pub(crate) fn put_in<const N: usize>(&self, hash: u64, close: impl Fn(&Group<C>, usize)) -> Result<bool, Full>
    where
        C: Cell<N>,
    {
        let group = self.place(hash).get_or_publish(Group::new);
        group.put_in(hash).or_else(|Full| {
            (0..CELLS).for_each(|index| close(group, index));
            group.put_in(hash)
        })
    }

    /// Calls `visit` for so many cells, those whose turn it is.
    pub(crate) fn in_turn(&self, cells: u64, visit: impl Fn(&Group<C>, usize)) {
        let all = (self.groups.len() * CELLS) as u64;
        // ORDERING: Relaxed. Whose turn it is: any will do, so nothing dies without it; no two
        // threads get the same.
        let first = self.next.fetch_add(cells, Relaxed);
        for cell in (0..cells).map(|i| (first.wrapping_add(i) % all) as usize) {
            if let Some(group) = self.groups[cell / CELLS].get() {
                visit(group, cell % CELLS);
            }
        }
    }

    /// Calls `visit` for every cell that there is.
    pub(crate) fn all(&self, mut visit: impl FnMut(&Group<C>, usize)) {
        for group in self.groups.iter().filter_map(PublishOnce::get) {
            (0..CELLS).for_each(|index| visit(group, index));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::keyed::cell::Word;

    #[test]
    fn every_cell_has_its_turn() {
        let table = Table::<Word>::new(2 * KEYS);
        let counted = |cells| {
            let count = core::cell::Cell::new(0);
            table.in_turn(cells, |_, _| count.set(count.get() + 1));
            count.get()
        };
        assert_eq!(counted(2 * CELLS as u64), 0);
        // One in the lower half of all hashes, one in the upper.
        assert!(matches!(table.put_in(1, |_, _| ()), Ok(true)));
        assert_eq!(counted(2 * CELLS as u64), CELLS);
        assert!(matches!(table.put_in(u64::MAX, |_, _| ()), Ok(true)));
        assert_eq!(counted(2 * CELLS as u64), 2 * CELLS);
        let mut all = 0;
        table.all(|_, _| all += 1);
        assert_eq!(all, 2 * CELLS);
    }

    #[test]
    fn where_a_group_is_full_all_of_it_is_looked_at() {
        let table = Table::<Word>::new(1);
        for key in 0..CELLS as u64 {
            assert!(matches!(table.put_in(2 * key, |_, _| panic!("there is room")), Ok(true)));
        }
        assert!(matches!(table.put_in(4, |_, _| panic!("it is there")), Ok(false)));
        assert!(matches!(table.put_in(u64::MAX, |_, _| ()), Err(Full)));
        let looked_at = core::cell::Cell::new(0);
        assert!(table.put_in(u64::MAX, |_, _| looked_at.set(looked_at.get() + 1)).is_err());
        assert_eq!(looked_at.get(), CELLS);
    }
}
