//! Owns where the cells of keys lie, so many to a group, and how a key is found and put in; what is
//! in a cell it does not know.
//!
//! A key is known by its hash. It lies as near to where its hash begins as there was a vacant cell,
//! so its first line of memory is mostly the only one.
//!
//! # No key is put in twice
//!
//! Whoever puts in a key claims a vacant cell and writes the key's hash beside it. Then it loads
//! the group's epoch, looks once more whether the key is there, and publishes its cell by one
//! compare-and-swap of that epoch. Each key that is put in moves the epoch, so success means that
//! none was put in since it was loaded, and that the look was a good one. A cell that was published
//! is opened by whoever sees it first, before the epoch moves on: a thread that stops before it
//! does that, or anywhere else, holds up nobody, and keeps one cell at most.
//!
//! The epoch never names a cell that was closed after it was published: else the next claim of it
//! would be taken for one that was put in. So it is moved on before such a cell is closed. Whoever
//! moves it on has opened the cell that it names then, which may be the same cell for another key
//! already; and what he closes is what he read before that, or nothing.

use crate::keyed::cell::{Cell, Closed};
use crate::state::epoch::{Epoch, Stamp};
use crate::sync::{Acquire, AtomicU32, AtomicU64, Relaxed, Release, fence};

/// Cells that are looked at together: with one stream, a line of memory. Under loom, where each
/// costs executions, there is one to a line, and as many as the models have keys at once.
const NEAR: usize = if cfg!(loom) { 1 } else { 4 };

const LINES: usize = if cfg!(loom) { 2 } else { 31 };

/// Cells of a group.
pub(crate) const CELLS: usize = NEAR * LINES;

/// The index by which the epoch names no cell.
const NONE: usize = Stamp::SLOTS - 1;

/// One cell, and whose it is.
#[derive(Debug)]
#[repr(C)]
struct Entry<C> {
    /// The key's hash, but for the lowest bit: whether tokens were given back since the key was put
    /// in. Means nothing while the cell is vacant.
    hash: AtomicU64,
    cell: C,
}

const GIVEN_BACK: u64 = 1;

/// Cells, and what they are found and put in by: for one stream, 32 lines of memory.
#[derive(Debug)]
#[repr(C, align(64))]
pub(crate) struct Group<C> {
    lines: [[Entry<C>; NEAR]; LINES],
    /// How often a key was put in, or the epoch moved out of the way, and which cell it was put
    /// into.
    epoch: Epoch,
    /// How many lines from its own any key has ever been put in.
    reach: AtomicU32,
}

/// What hashes are told apart by.
#[inline]
const fn identity(hash: u64) -> u64 {
    hash & !GIVEN_BACK
}

/// The line that a key is looked for in after so many others. The group was chosen by the highest
/// bits of its hash.
#[inline]
const fn line(hash: u64, others: usize) -> usize {
    let own = ((hash as u32 as u64 * LINES as u64) >> 32) as usize;
    (own + others) % LINES
}

impl<C> Group<C> {
    pub(crate) fn new<const N: usize>() -> Self
    where
        C: Cell<N>,
    {
        let vacant = |_| Entry { hash: AtomicU64::new(0), cell: C::vacant() };
        let lines = core::array::from_fn(|_| core::array::from_fn(vacant));
        let epoch = Epoch::new();
        epoch.publish(epoch.load(), NONE);
        Self { lines, epoch, reach: AtomicU32::new(0) }
    }

    /// Looks for the cell of a key, and lets `look` look into it, with whose it was then. `None` if
    /// there is none.
    #[inline]
    pub(crate) fn find<R>(&self, hash: u64, look: impl Fn(&C, Owned<'_>) -> Result<R, Closed>) -> Option<R> {
        let identity_of_key = identity(hash);
        let mut others = 0;
        loop {
            let entries = &self.lines[line(hash, others)];
            // All of them are compared before anything is decided by it: where in its line a key
            // lies nobody can predict.
            let mut here = entries.iter().enumerate().fold(0_u32, |here, (i, entry)| {
                let owned = Owned { hash: &entry.hash, identity: identity_of_key };
                here | u32::from(owned.still()) << i
            });
            while here != 0 {
                let Some(entry) = entries.get(here.trailing_zeros() as usize) else { break };
                if let Ok(found) = look(&entry.cell, Owned { hash: &entry.hash, identity: identity_of_key }) {
                    return Some(found);
                }
                here &= here - 1;
            }
            others += 1;
            // ORDERING: Relaxed. A key that is being put in meanwhile need not be found; one that
            // was put in before is no further than `put_in` had said before that. Dies without it:
            // loom-tests/keys.rs, `two_keys_in_one_group_are_both_there`.
            if others > self.reach.load(Relaxed) as usize {
                return None;
            }
        }
    }

    /// Lets `look` look into one cell, with whose it is.
    pub(crate) fn at<R>(&self, index: usize, look: impl FnOnce(&C, Owned<'_>) -> Result<R, Closed>) -> Option<R> {
        let Entry { hash, cell } = self.entry(index)?;
        // ORDERING: Relaxed. Whosever it is, the words that are read afterwards are asked whose
        // they are. Dies without it: src/keyed/group.rs,
        // `what_was_given_back_is_known_until_the_key_goes`.
        look(cell, Owned { hash, identity: identity(hash.load(Relaxed)) }).ok()
    }

    fn entry(&self, index: usize) -> Option<&Entry<C>> {
        self.lines.as_flattened().get(index)
    }

    /// Puts a key in, unless it is there. `Ok` says whether it was this call; an error, that there
    /// is no vacant cell.
    pub(crate) fn put_in<const N: usize>(&self, hash: u64) -> Result<bool, Full>
    where
        C: Cell<N>,
    {
        let claim = |others| {
            let line = line(hash, others);
            let near = self.lines[line].iter().position(|entry| entry.cell.try_claim())?;
            Some((others, line * NEAR + near))
        };
        let Some((others, index)) = (0..LINES).find_map(claim) else {
            // Somebody else may have put it into the last one.
            self.settled();
            return if self.is_there(hash) { Ok(false) } else { Err(Full) };
        };
        let Some(entry) = self.entry(index) else { return Err(Full) };
        // ORDERING: Release pairs with the Acquire in `is_there`: whoever finds another key in a
        // cell knows since when the one before it was full, as the claim knows it. Dies without it:
        // loom-tests/keys.rs, `a_key_that_was_given_back_to_and_moved_knows_what_it_had_spent`. Not
        // a store, which loom does not put in one order with what is done to the hash by those who
        // still take it for that of the last key:
        // `a_key_that_comes_while_the_last_one_is_looked_at_is_there`.
        entry.hash.swap(identity(hash), Release);
        // ORDERING: Relaxed. Published by the epoch, with the key. Dies as a load and a store:
        // loom-tests/keys.rs, `two_keys_in_one_group_are_both_there`.
        self.reach.fetch_max(others as u32, Relaxed);
        loop {
            let seen = self.settled();
            if self.is_there(hash) {
                entry.cell.withdraw();
                return Ok(false);
            }
            if self.epoch.publish(seen, index) {
                self.settled();
                return Ok(true);
            }
        }
    }

    /// The epoch, and the cell that it names is open.
    fn settled<const N: usize>(&self) -> Stamp
    where
        C: Cell<N>,
    {
        loop {
            let seen = self.epoch.load();
            let Some((cell, claimed)) =
                self.entry(seen.index()).and_then(|Entry { cell, .. }| Some((cell, cell.claimed()?)))
            else {
                return seen;
            };
            // The claim was seen after the epoch: if that still names its cell, it is the one that
            // was published, and not one that came after it.
            if self.epoch.validate(seen) {
                cell.open(claimed);
                return seen;
            }
        }
    }

    /// Whether a cell of this key is open. Good for the epoch that was settled before it, if that
    /// has not moved on.
    fn is_there<const N: usize>(&self, hash: u64) -> bool
    where
        C: Cell<N>,
    {
        // ORDERING: Relaxed. As far as any key is that was put in before the epoch was loaded, by
        // its Acquire. Dies without it: loom-tests/keys.rs,
        // `a_key_that_lies_further_is_not_put_in_again`.
        let reach = self.reach.load(Relaxed) as usize;
        (0..=reach).flat_map(|others| &self.lines[line(hash, others)]).any(|entry| {
            // ORDERING: Acquire pairs with the Release in `put_in`. Dies without it:
            // loom-tests/keys.rs, `a_key_that_moved_knows_since_when_it_was_full`.
            identity(entry.hash.load(Acquire)) == identity(hash) && entry.cell.is_open()
        })
    }

    /// Closes one cell if its words are what `full` wants; `full` also hears whether tokens were
    /// given back to its key. Whether it was this call.
    ///
    /// The words are read before anything else is looked at, and nothing is done to other words: by
    /// then the cell may be another key's.
    pub(crate) fn close<const N: usize>(&self, index: usize, full: impl Fn(&[u64; N], bool) -> bool) -> bool
    where
        C: Cell<N>,
    {
        let Some(Entry { hash, cell }) = self.entry(index) else { return false };
        cell.close(|spent| {
            // ORDERING: Relaxed. After the words, by the Acquire in `Word::load`: who sees words
            // that were given back to sees that they were. Where that is not seen here, it is
            // below. Dies if neither looks: loom-tests/keys.rs,
            // `a_word_that_was_gone_back_from_does_not_come_again`.
            let given_back = hash.load(Relaxed) & GIVEN_BACK != 0;
            if !full(spent, given_back) {
                return None;
            }
            // ORDERING: Release, for what `full` wrote; pairs with the Acquire in `give_back`. One
            // of the two comes first: it is seen here that tokens were given back, or they are
            // given back to no less than what `full` wrote. Dies without it: loom-tests/keys.rs,
            // `a_key_that_is_given_back_to_beside_its_removal_stays`.
            if !given_back && hash.fetch_add(0, Release) & GIVEN_BACK != 0 {
                return None;
            }
            loop {
                // Settled, as it may name the same cell for another key by now, which would never
                // be opened else.
                let seen = self.settled();
                if seen.index() != index {
                    return Some(seen.sequence());
                }
                // Moved on, as the epoch must not name a cell that is vacant.
                self.epoch.publish(seen, NONE);
            }
        })
    }
}

/// There is no vacant cell in the group.
#[derive(Debug)]
pub(crate) struct Full;

/// Whose a cell was when it was found.
#[derive(Clone, Copy)]
pub(crate) struct Owned<'a> {
    hash: &'a AtomicU64,
    identity: u64,
}

impl Owned<'_> {
    /// Whether it still is. Asked after the words were read, it says whose those are.
    #[inline]
    pub(crate) fn still(self) -> bool {
        // ORDERING: Relaxed. After the words, by the Acquire in `Word::load` or in `Epoch::load`,
        // which pairs with the Release of whoever opened the cell: a key that came later is seen.
        // Dies without it: loom-tests/keys.rs, `a_cell_that_is_another_keys_by_now_is_left_alone`.
        identity(self.hash.load(Relaxed)) == self.identity
    }

    /// Says that tokens are about to be given back to this key, if it still is the one. What
    /// `close` had been told to write before is seen afterwards.
    pub(crate) fn give_back(self) {
        // ORDERING: Acquire, both, pairs with the Release in `close`. Before the words, by the
        // fence. If it fails, it has been said, which is no less, or the cell is another key's.
        // Dies without it: loom-tests/keys.rs,
        // `a_key_that_is_given_back_to_beside_its_removal_stays`.
        let _ = self.hash.compare_exchange(self.identity, self.identity | GIVEN_BACK, Acquire, Acquire);
        // ORDERING: Release, before the compare-and-swap of the words; pairs with the Acquire in
        // `Word::load`: who sees them lowered sees that they were. Nothing dies without it, since
        // loom runs the two in this order; a machine need not.
        fence(Release);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::vec::Vec;

    use crate::keyed::cell::{Versions, Word};

    fn take<const N: usize, C: Cell<N>>(group: &Group<C>, hash: u64) -> bool {
        let take = |cell: &C, owned: Owned<'_>| {
            cell.update(|| owned.still(), || [5; N], |spent| Some((spent.map(|word| word + 1), ())))
        };
        group.find(hash, take).is_some()
    }

    fn holds_as_many_keys_as_it_has_cells<const N: usize, C: Cell<N>>() {
        let group = Group::<C>::new();
        // All of them begin in one line.
        let keys = |i: usize| (i as u64) << 32 | 2;
        for i in 0..CELLS {
            assert!(!take(&group, keys(i)));
            assert!(
                matches!(group.put_in(keys(i)), Ok(true)) && matches!(group.put_in(keys(i)), Ok(false) | Err(Full))
            );
            assert!(take(&group, keys(i)));
        }
        assert!(matches!(group.put_in(keys(CELLS)), Err(Full)) && !take(&group, keys(CELLS)));
        assert!((0..CELLS).all(|i| take(&group, keys(i))));
        // Those that go make room for as many.
        let closed = (0..CELLS).filter(|i| group.close(*i, |_, given_back| !given_back && i % 2 == 0)).count();
        assert_eq!(closed, CELLS / 2);
        let left: Vec<usize> = (0..CELLS).filter(|i| take(&group, keys(*i))).collect();
        assert_eq!(left.len(), CELLS / 2);
        assert!((0..closed).all(|i| matches!(group.put_in(keys(CELLS + i)), Ok(true))));
        assert!(matches!(group.put_in(keys(9 * CELLS)), Err(Full)));
        assert!(left.iter().all(|i| take(&group, keys(*i))));
    }

    #[test]
    fn a_group_holds_as_many_keys_as_it_has_cells() {
        holds_as_many_keys_as_it_has_cells::<1, Word>();
        holds_as_many_keys_as_it_has_cells::<2, Versions<2>>();
    }

    #[test]
    fn what_was_given_back_is_known_until_the_key_goes() {
        let group = Group::<Word>::new();
        let given_back = |index| {
            let seen = core::cell::Cell::new(None);
            assert!(!group.close(index, |_, given_back| {
                seen.set(Some(given_back));
                false
            }));
            seen.get()
        };
        assert!(matches!(group.put_in(1 << 40), Ok(true)) && take(&group, 1 << 40));
        let index = (0..CELLS).find(|index| given_back(*index).is_some()).unwrap();
        assert_eq!(given_back(index), Some(false));
        let owned = group.at(index, |_, owned| Ok::<_, Closed>(owned.still().then(|| owned.give_back()))).flatten();
        assert!(owned.is_some());
        assert_eq!(given_back(index), Some(true));
        assert!(take(&group, 1 << 40) && group.close(index, |_, _| true));
        assert!(matches!(group.put_in(2 << 40), Ok(true)) && take(&group, 2 << 40));
        assert_eq!(given_back(index), Some(false));
    }

    const SEVEN: u64 = 7 << 40;
    const EIGHT: u64 = 8 << 40;

    /// A group of one key, which has taken one, and its cell.
    fn of_seven<const N: usize, C: Cell<N>>() -> (Group<C>, usize) {
        let group = Group::<C>::new();
        assert!(matches!(group.put_in(SEVEN), Ok(true)) && take(&group, SEVEN));
        let index = group.epoch.load().index();
        (group, index)
    }

    /// As `put_in`, as far as the key's claim.
    fn claim<const N: usize, C: Cell<N>>(group: &Group<C>, index: usize, hash: u64) {
        let entry = group.entry(index).unwrap();
        assert!(entry.cell.try_claim());
        entry.hash.store(hash, Relaxed);
    }

    fn a_cell_that_went_while_it_was_looked_at<const N: usize, C: Cell<N>>() {
        // Another key has been put in, and nobody has opened it yet.
        let (group, index) = of_seven::<N, C>();
        assert!(!group.close(index, |_, _| {
            assert!(group.close(index, |_, _| true));
            claim(&group, index, EIGHT);
            assert!(group.epoch.publish(group.settled(), index));
            true
        }));
        assert!(take(&group, EIGHT));
        // The same, and it has words that would be full.
        let (group, index) = of_seven::<N, C>();
        assert!(!group.close(index, |_, _| {
            assert!(group.close(index, |_, _| true));
            assert!(matches!(group.put_in(EIGHT), Ok(true)) && take(&group, EIGHT) && take(&group, EIGHT));
            true
        }));
        assert!(take(&group, EIGHT));
        // It has been claimed, but not put in.
        let (group, index) = of_seven::<N, C>();
        assert!(!group.close(index, |_, _| {
            assert!(group.close(index, |_, _| true));
            claim(&group, index, EIGHT);
            true
        }));
        group.settled();
        assert!(!take(&group, EIGHT));
    }

    #[test]
    fn a_cell_that_is_another_keys_when_it_is_to_be_closed_is_left_alone() {
        a_cell_that_went_while_it_was_looked_at::<1, Word>();
        a_cell_that_went_while_it_was_looked_at::<2, Versions<2>>();
    }

    #[test]
    fn a_key_that_is_given_back_to_while_it_is_looked_at_stays() {
        let (group, index) = of_seven::<1, Word>();
        let give_back = |cell: &Word, owned: Owned<'_>| {
            owned.give_back();
            cell.update(|| owned.still(), || [5], |[spent]| Some(([spent - 1], ())))
        };
        assert!(!group.close(index, |_, given_back| {
            assert!(!given_back && take(&group, SEVEN) && group.find(SEVEN, give_back).is_some());
            true
        }));
        assert!(group.close(index, |_, given_back| given_back));
    }

    #[test]
    fn a_group_of_one_stream_is_32_lines() {
        assert_eq!((size_of::<Group<Word>>(), align_of::<Group<Word>>()), (2048, 64));
    }
}
