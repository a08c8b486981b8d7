//! Owns the state of one key: its words, and that they begin and end. It knows neither the key nor the map that it lies in.
//!
//! A cell lies in the map before it has words: they are worked out by the first verb that finds it there, and put in together with what that verb takes. So
//! they are no older than the removal of whatever cell the key had before, and nobody finds a new cell full and removes it before it was of use.
//!
//! A cell that is to be removed is closed first, by whoever found it full, in the same step that proves that it still is. From then on nobody changes it:
//! a caller that finds it closed takes it out of the map, if nobody else has, and looks its key up anew. So no take is lost, and a thread that stops
//! between closing and removing holds up nobody.

use crate::epoch::{Epoch, Stamp};
use crate::slot::{Slot, State};
use crate::slots::Slots;
use crate::sync::{Acquire, AtomicU64, Backoff, Relaxed, Release, fence};

/// The cell has been closed: its key is to be looked up anew.
#[derive(Debug)]
pub struct Closed;

/// What a verb made of the words: its answer, or the words that it did not change; of one version.
pub(crate) type Changed<R, const N: usize> = Result<R, [u64; N]>;

/// The `spent` words of a key, all of which change in one step.
pub trait Cell<const N: usize>: Send + Sync {
    /// A cell without words.
    fn unborn() -> Self;

    /// The words, of one version; `None` if it has none yet.
    fn read(&self) -> Result<Option<[u64; N]>, Closed>;

    /// The one loop: works out what the words become, and puts that in if nobody else was faster. `change` may see torn words, and may run many times.
    /// `full` is called for the words of a cell that has none.
    fn update<R>(
        &self,
        full: impl Fn() -> [u64; N],
        change: impl Fn(&[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, Closed>;

    /// Closes the cell if `full` says so of its words, and they are still the same. `true` for the one call that closed it. A cell without words stays.
    fn close(&self, full: impl Fn(&[u64; N]) -> bool) -> bool;

    fn is_closed(&self) -> bool {
        self.read().is_err()
    }
}

/// The cell of one stream, 8 bytes.
///
/// | value | meaning |
/// |---|---|
/// | `CLOSED` | closed, for good |
/// | `UNBORN` | no words yet |
/// | any other | units spent, modulo 2^64; see `stream.rs` |
///
/// The word is the whole state, so `Relaxed` is enough for all takes. Closing alone is more: whoever sees the cell closed makes a new one, and must then
/// know what the old one had spent (`evicted.rs`).
#[derive(Debug)]
pub struct Word(AtomicU64);

/// Nobody has spent that much within 2^62 units of the beginning; a verb that arrives at it later leaves a unit or two more spent.
const CLOSED: u64 = 1 << 63;
const UNBORN: u64 = CLOSED + 1;

impl Word {
    /// What is written for `spent`: never what means something else.
    const fn open(spent: u64) -> u64 {
        if matches!(spent, CLOSED | UNBORN) { UNBORN + 1 } else { spent }
    }
}

impl Cell<1> for Word {
    fn unborn() -> Self {
        Self(AtomicU64::new(UNBORN))
    }

    #[inline]
    fn read(&self) -> Result<Option<[u64; 1]>, Closed> {
        // ORDERING: Relaxed. Read once, and as good as any moment of the call; what means closed is followed up behind the fence. What means
        // unborn needs none: who finds the cell in the map finds all that whoever put it there knew.
        match self.0.load(Relaxed) {
            CLOSED => Err(closed()),
            UNBORN => Ok(None),
            spent => Ok(Some([spent])),
        }
    }

    #[inline]
    fn update<R>(
        &self,
        full: impl Fn() -> [u64; 1],
        change: impl Fn(&[u64; 1]) -> Option<([u64; 1], R)>,
    ) -> Result<Changed<R, 1>, Closed> {
        // ORDERING: Relaxed. As in `read`.
        let mut word = self.0.load(Relaxed);
        loop {
            let spent = match word {
                CLOSED => return Err(closed()),
                UNBORN => full(),
                spent => [spent],
            };
            let (next, changed) = match change(&spent) {
                Some((next, answer)) => (next, Ok(answer)),
                None if word != UNBORN => return Ok(Err(spent)),
                // Refused, but a cell that nobody takes from must be there to be closed.
                None => (spent, Err(spent)),
            };
            // ORDERING: Relaxed, both. A grant orders no other memory; a failure's value is all that is kept of it, unless it means closed, and then
            // the fence follows. Dies as a load and a store: loom-tests/keys.rs, `a_take_beside_the_removal_of_its_key_is_not_lost`.
            match self.0.compare_exchange_weak(word, Self::open(next[0]), Relaxed, Relaxed) {
                Ok(_) => return Ok(changed),
                Err(seen) => word = seen,
            }
        }
    }

    fn close(&self, full: impl Fn(&[u64; 1]) -> bool) -> bool {
        let Ok(Some([spent])) = self.read() else { return false };
        // ORDERING: success Release pairs with the fence in `closed`: who sees the cell closed sees what it had spent, which `full` has noted.
        // Dies without it: loom-tests/keys.rs, `a_key_made_anew_knows_since_when_it_was_full`. Failure Relaxed: nothing is kept.
        full(&[spent]) && self.0.compare_exchange(spent, CLOSED, Release, Relaxed).is_ok()
    }
}

/// The answer to a word that means closed.
#[cold]
fn closed() -> Closed {
    // ORDERING: Acquire, after the load that saw the cell closed; pairs with the Release in `Word::close`.
    // Dies without it: loom-tests/keys.rs, `a_key_made_anew_knows_since_when_it_was_full`.
    fence(Acquire);
    Closed
}

/// The cell of several streams, `32 + 16 N` bytes: the versions of a `MultiBucket`, in two slots, without its limits.
///
/// The epoch publishes as it does there. Before the first version it names no slot, and after the last one another that there is not. When more than one thread
/// is inside a take of the same key, further slots are linked.
#[derive(Debug)]
pub struct Versions<const N: usize> {
    epoch: Epoch,
    slots: Slots<Slot<N>, 2>,
}

/// The last two indices that a stamp can name. No version ever lies in their slots.
const NO_SLOT_ANY_MORE: usize = Stamp::SLOTS - 1;
const NO_SLOT_YET: usize = Stamp::SLOTS - 2;

impl<const N: usize> Versions<N> {
    /// What the epoch names, which may be outdated, and the words torn, until it is validated or published.
    #[inline]
    fn seen(&self) -> Result<(Stamp, Option<[u64; N]>), Closed> {
        loop {
            let seen = self.epoch.load();
            match seen.index() {
                NO_SLOT_ANY_MORE => return Err(Closed),
                NO_SLOT_YET => return Ok((seen, None)),
                index => {
                    if let Some(slot) = self.slots.get(index) {
                        return Ok((seen, Some(slot.read().spent)));
                    }
                }
            }
        }
    }
}

impl<const N: usize> Cell<N> for Versions<N> {
    fn unborn() -> Self {
        let cell = Self { epoch: Epoch::new(), slots: Slots::new() };
        cell.epoch.publish(cell.epoch.load(), NO_SLOT_YET);
        cell
    }

    fn read(&self) -> Result<Option<[u64; N]>, Closed> {
        loop {
            let (seen, spent) = self.seen()?;
            if self.epoch.validate(seen) {
                return Ok(spent);
            }
        }
    }

    #[inline]
    fn update<R>(
        &self,
        full: impl Fn() -> [u64; N],
        change: impl Fn(&[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, Closed> {
        let backoff = Backoff::new();
        let mut spare = None;
        let changed = loop {
            let (seen, words) = match self.seen() {
                Ok(seen) => seen,
                Err(closed) => break Err(closed),
            };
            let spent = words.unwrap_or_else(&full);
            let (next, changed) = match change(&spent) {
                Some((next, answer)) => (next, Ok(answer)),
                None if words.is_some() => {
                    if self.epoch.validate(seen) {
                        break Ok(Err(spent));
                    }
                    continue;
                }
                // Refused, but a cell that nobody takes from must be there to be closed.
                None => (spent, Err(spent)),
            };
            spare = spare.or_else(|| self.slots.claim().filter(|index| *index < NO_SLOT_YET));
            let Some((index, slot)) = spare.and_then(|index| Some((index, self.slots.get(index)?))) else {
                backoff.snooze();
                continue;
            };
            slot.write(&State { limits: 0, spent: next });
            if self.epoch.publish(seen, index) {
                spare = words.map(|_| seen.index());
                break Ok(changed);
            }
            backoff.spin();
        };
        if let Some(index) = spare {
            self.slots.release(index);
        }
        changed
    }

    fn close(&self, full: impl Fn(&[u64; N]) -> bool) -> bool {
        // What is read may be torn; then the epoch has moved on, and publishing fails.
        let Ok((seen, Some(spent))) = self.seen() else { return false };
        full(&spent) && self.epoch.publish(seen, NO_SLOT_ANY_MORE)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn begins_once_and_ends_once<const N: usize, C: Cell<N>>() {
        let cell = C::unborn();
        let full = || [6; N];
        let add = |spent: &[u64; N]| Some((spent.map(|word| word + 1), "done"));
        assert_eq!(cell.read().unwrap(), None);
        assert!(!cell.close(|_| true));
        assert_eq!(cell.update(full, add).unwrap(), Ok("done"));
        assert_eq!(cell.read().unwrap(), Some([7; N]));
        assert!(!cell.close(|spent| *spent != [7; N]) && !cell.is_closed());
        assert_eq!(cell.update(full, add).unwrap(), Ok("done"));
        assert_eq!(cell.update(full, |_| None::<([u64; N], ())>).unwrap(), Err([8; N]));
        assert!(cell.close(|spent| *spent == [8; N]) && cell.is_closed());
        assert!(!cell.close(|_| true));
        assert!(cell.read().is_err() && cell.update(full, add).is_err());
        assert!(cell.update(full, |_| None::<([u64; N], ())>).is_err());
    }

    #[test]
    fn a_cell_begins_once_and_ends_once() {
        begins_once_and_ends_once::<1, Word>();
        begins_once_and_ends_once::<2, Versions<2>>();
        begins_once_and_ends_once::<8, Versions<8>>();
    }

    fn is_there_to_be_closed<const N: usize, C: Cell<N>>() {
        let cell = C::unborn();
        assert_eq!(cell.update(|| [6; N], |_| None::<([u64; N], ())>).unwrap(), Err([6; N]));
        assert_eq!(cell.read().unwrap(), Some([6; N]));
        assert!(cell.close(|_| true));
    }

    #[test]
    fn a_cell_whose_first_take_is_refused_is_there_to_be_closed() {
        is_there_to_be_closed::<1, Word>();
        is_there_to_be_closed::<2, Versions<2>>();
    }

    #[test]
    fn no_verb_closes_a_cell_by_what_it_writes() {
        let cell = Word::unborn();
        for word in [CLOSED, UNBORN] {
            assert_eq!(cell.update(|| [0], |_| Some(([word], ()))).unwrap(), Ok(()));
            assert_eq!(cell.read().unwrap(), Some([UNBORN + 1]));
        }
    }

    #[test]
    fn a_cell_of_several_streams_keeps_its_slots() {
        let cell = Versions::<2>::unborn();
        for _ in 0..10 {
            assert!(cell.update(|| [0; 2], |spent| Some((*spent, ()))).unwrap().is_ok());
        }
        assert!(matches!(cell.slots.claim(), Some(0 | 1)));
        assert_eq!(cell.slots.claim(), Some(2));
    }

    #[test]
    fn a_cell_is_a_word_or_two_versions_and_an_epoch() {
        assert_eq!(size_of::<Word>(), 8);
        assert_eq!(size_of::<Versions<2>>(), 64);
        assert_eq!(size_of::<Versions<8>>(), 160);
    }
}
