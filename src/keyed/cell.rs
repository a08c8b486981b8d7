//! Owns the state of one key: its words, and that they begin and end. It knows neither the key nor
//! the group that it lies in.
//!
//! A cell is used for one key after another:
//!
//! ```text
//! vacant --claim--> claimed --open--> open, without words --first take--> open, with words --close, if full--> vacant
//!            <--withdraw--
//! ```
//!
//! Whoever claims it owns it until it is opened, and writes down whose it is. It is opened when its
//! key has been put in, by anybody. Its words are worked out by the first verb that finds it open,
//! and put in together with what that verb takes: so they are no older than the end of whatever
//! cell the key had before. It is closed in the same step that proves that it is still full, so no
//! take is lost.
//!
//! A thread may stand still between reading a cell and changing it, until the cell is another
//! key's. So no two states of a cell are the same, whatever keys it had: what is compared and
//! swapped says so by itself. How: at [`Word`], and for several streams in [`Epoch`].

use crate::state::epoch::{Epoch, Stamp};
use crate::state::slots::Slots;
use crate::state::words::{Slot, State};
use crate::sync::{Acquire, AtomicU64, Backoff, Relaxed, Release};

/// The cell is no longer the key's that was looked for, or not yet: it is to be looked up anew.
#[derive(Debug)]
pub struct Closed;

/// What a verb made of the words: its answer, or the words that it did not change; of one version.
pub(crate) type Changed<R, const N: usize> = Result<R, [u64; N]>;

/// A claim that was seen, to be opened by whoever knows that its key has been put in.
#[derive(Clone, Copy, Debug)]
pub struct Claimed(u64);

/// The `spent` words of a key, all of which change in one step.
pub trait Cell<const N: usize>: Send + Sync {
    fn vacant() -> Self;

    /// Whether the cell, which was vacant, is now the caller's.
    fn try_claim(&self) -> bool;

    /// Gives back what the caller has claimed, and not opened.
    fn withdraw(&self);

    /// The claim, if there is one that was not opened.
    fn claimed(&self) -> Option<Claimed>;

    /// Opens what was claimed, unless somebody else has.
    fn open(&self, claimed: Claimed);

    fn is_open(&self) -> bool;

    /// The words, of one version; `None` if it has none yet. `mine` says, from what it finds after
    /// the words were read, whether they are those of the key.
    fn read(&self, mine: impl Fn() -> bool) -> Result<Option<[u64; N]>, Closed>;

    /// The one loop: works out what the words become, and puts that in if nobody else was faster.
    /// `change` may see torn words, and may run many times. `full` is called for the words of a
    /// cell that has none.
    fn update<R>(
        &self,
        mine: impl Fn() -> bool,
        full: impl Fn() -> [u64; N],
        change: impl Fn(&[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, Closed>;

    /// Makes the cell vacant if `full` says so of its words, of one version, and they are still the
    /// same when it has said so. `true` for the one call that closed it. A cell that was opened and
    /// has no words stays. `full` answers with how many keys had been put into the group after the
    /// words were read, or more.
    fn close(&self, full: impl FnOnce(&[u64; N]) -> Option<u64>) -> bool;
}

/// The cell of one stream, 8 bytes.
///
/// | value | meaning |
/// |---|---|
/// | 2^63 + 0 to 2^30 - 1 | vacant |
/// | 2^63 + 2^30 and as many | claimed |
/// | 2^63 + 2^31 and as many | open, without words |
/// | any other | units spent, modulo 2^64; see `decision/meter.rs` |
///
/// Nobody has spent 2^63 within 2^62 units of the beginning; a verb that arrives there later, once
/// in 2^64 units, leaves up to 2^32 units more spent: seconds of accrual in centuries.
///
/// The lower 30 bits say how many keys had been put into the group when the cell became vacant, so
/// they differ from one key to the next: a thread that takes an old claim for a new one has stood
/// still for exactly 2^30 keys of its group. That no two words are the same is in
/// `keys.rs`: a key begins with more spent than any key before it ended with, and only
/// what gives back tokens leaves less spent than there was.
#[derive(Debug)]
pub struct Word(AtomicU64);

const STATES: u64 = 1 << 63;
const COUNT: u64 = (1 << 30) - 1;
const VACANT: u64 = 0;
const CLAIMED: u64 = 1;
const UNBORN: u64 = 2;

/// What a word says.
enum Says {
    Vacant,
    Claimed,
    Unborn,
    Spent,
}

impl Word {
    #[inline]
    const fn says(word: u64) -> Says {
        match word.wrapping_sub(STATES) >> 30 {
            VACANT => Says::Vacant,
            CLAIMED => Says::Claimed,
            UNBORN => Says::Unborn,
            _ => Says::Spent,
        }
    }

    /// The same key's word in another state.
    const fn state(state: u64, count: u64) -> u64 {
        STATES + (state << 30) + (count & COUNT)
    }

    /// What is written for `spent`: never what means something else.
    #[inline]
    const fn spent(spent: u64) -> u64 {
        match Self::says(spent) {
            Says::Spent => spent,
            _ => STATES + (3 << 30),
        }
    }

    #[inline]
    fn load(&self) -> u64 {
        // ORDERING: Acquire pairs with the Release in `open`: whoever sees the words of a key, or
        // that it has none yet, sees whose they are. And with the one in `close`: whoever sees a
        // cell vacant knows since when it was full. Dies without it: loom-tests/keys.rs,
        // `a_cell_that_is_another_keys_by_now_is_left_alone`.
        self.0.load(Acquire)
    }
}

impl Cell<1> for Word {
    fn vacant() -> Self {
        Self(AtomicU64::new(Self::state(VACANT, 0)))
    }

    fn try_claim(&self) -> bool {
        let word = self.load();
        // ORDERING: success Acquire pairs with the Release in `close` and in `withdraw`: what the
        // last owner wrote happens before what this one will. Failure Relaxed: nothing is kept.
        // Dies as a load and a store: loom-tests/keys.rs, `two_keys_in_one_group_are_both_there`.
        matches!(Self::says(word), Says::Vacant)
            && self.0.compare_exchange(word, Self::state(CLAIMED, word), Acquire, Relaxed).is_ok()
    }

    fn withdraw(&self) {
        // ORDERING: Relaxed. The caller owns it, and nobody changes a claim that was not put in.
        // Dies without it: src/keyed/cell.rs, `a_cell_is_not_opened_by_an_old_claim`.
        let word = self.0.load(Relaxed);
        // ORDERING: Release pairs with the Acquire in `try_claim`. Dies without the store:
        // loom-tests/keys.rs, `what_one_thread_did_not_need_the_next_one_gets`.
        self.0.store(Self::state(VACANT, word), Release);
    }

    fn claimed(&self) -> Option<Claimed> {
        let word = self.load();
        matches!(Self::says(word), Says::Claimed).then_some(Claimed(word))
    }

    fn open(&self, Claimed(word): Claimed) {
        // ORDERING: success Release pairs with the Acquire in `load`: the owner of the claim wrote
        // whose it is before it was put in, which the caller has seen. Dies without it:
        // loom-tests/keys.rs, `a_cell_that_is_another_keys_by_now_is_left_alone`. Failure Relaxed:
        // somebody else has opened it.
        let _ = self.0.compare_exchange(word, Self::state(UNBORN, word), Release, Relaxed);
    }

    fn is_open(&self) -> bool {
        matches!(Self::says(self.load()), Says::Unborn | Says::Spent)
    }

    #[inline]
    fn read(&self, mine: impl Fn() -> bool) -> Result<Option<[u64; 1]>, Closed> {
        let word = self.load();
        match Self::says(word) {
            Says::Spent if mine() => Ok(Some([word])),
            Says::Unborn if mine() => Ok(None),
            _ => Err(Closed),
        }
    }

    #[inline]
    fn update<R>(
        &self,
        mine: impl Fn() -> bool,
        full: impl Fn() -> [u64; 1],
        change: impl Fn(&[u64; 1]) -> Option<([u64; 1], R)>,
    ) -> Result<Changed<R, 1>, Closed> {
        loop {
            let word = self.load();
            let spent = match Self::says(word) {
                Says::Spent => [word],
                Says::Unborn => full(),
                Says::Vacant | Says::Claimed => return Err(Closed),
            };
            if !mine() {
                return Err(Closed);
            }
            let begins = matches!(Self::says(word), Says::Unborn);
            let ([next], changed) = match change(&spent) {
                Some((next, answer)) => (next, Ok(answer)),
                None if !begins => return Ok(Err(spent)),
                // Refused, but a cell that nobody takes from must be there to be closed.
                None => (spent, Err(spent)),
            };
            // What begins is a unit short at least: the full one may be the word that the last key
            // of the cell had when it went.
            let next = if begins && [next] == spent { next.wrapping_add(1) } else { next };
            // ORDERING: Relaxed, both. A grant orders no other memory; a failure is read anew. That
            // it is a compare-and-swap keeps up what `open` released. Dies as a load and a store:
            // loom-tests/keys.rs, `a_take_beside_the_removal_of_its_key_is_not_lost`.
            if self.0.compare_exchange_weak(word, Self::spent(next), Relaxed, Relaxed).is_ok() {
                return Ok(changed);
            }
        }
    }

    fn close(&self, full: impl FnOnce(&[u64; 1]) -> Option<u64>) -> bool {
        let word = self.load();
        if !matches!(Self::says(word), Says::Spent) {
            return false;
        }
        let Some(times) = full(&[word]) else { return false };
        // ORDERING: success Release pairs with the Acquire in `load` and in `try_claim`: who finds
        // the cell vacant, or in it what was made of that, knows since when it was full, which
        // `full` has written. Dies without it: loom-tests/keys.rs,
        // `a_key_made_anew_knows_since_when_it_was_full`. Failure Relaxed: nothing is kept.
        self.0.compare_exchange(word, Self::state(VACANT, times), Release, Relaxed).is_ok()
    }
}

/// The cell of several streams, `32 + 16 N` bytes: the versions of a `MultiBucket`, in two slots,
/// without its limits.
///
/// The epoch publishes as it does there, and its sequence goes on from key to key. Where there are
/// no words, it names one of three slots that there are not. When more than one thread is inside a
/// take of the same key, further slots are linked.
#[derive(Debug)]
pub struct Versions<const N: usize> {
    epoch: Epoch,
    slots: Slots<Slot<N>, 2>,
}

/// The last three indices that a stamp can name. No version ever lies in their slots.
const NAMES_VACANT: usize = Stamp::SLOTS - 1;
const NAMES_CLAIMED: usize = Stamp::SLOTS - 2;
const NAMES_UNBORN: usize = Stamp::SLOTS - 3;

impl<const N: usize> Versions<N> {
    /// What the epoch names, which may be outdated, and the words torn, until it is validated or
    /// published.
    #[inline]
    fn seen(&self) -> Result<(Stamp, Option<[u64; N]>), Closed> {
        loop {
            let seen = self.epoch.load();
            match seen.index() {
                NAMES_VACANT | NAMES_CLAIMED => return Err(Closed),
                NAMES_UNBORN => return Ok((seen, None)),
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
    fn vacant() -> Self {
        let cell = Self { epoch: Epoch::new(), slots: Slots::new() };
        cell.epoch.publish(cell.epoch.load(), NAMES_VACANT);
        cell
    }

    fn try_claim(&self) -> bool {
        let seen = self.epoch.load();
        seen.index() == NAMES_VACANT && self.epoch.publish(seen, NAMES_CLAIMED)
    }

    fn withdraw(&self) {
        self.epoch.publish(self.epoch.load(), NAMES_VACANT);
    }

    fn claimed(&self) -> Option<Claimed> {
        let seen = self.epoch.load();
        (seen.index() == NAMES_CLAIMED).then_some(Claimed(seen.bits()))
    }

    fn open(&self, Claimed(bits): Claimed) {
        self.epoch.publish(Stamp::of_bits(bits), NAMES_UNBORN);
    }

    fn is_open(&self) -> bool {
        !matches!(self.epoch.load().index(), NAMES_VACANT | NAMES_CLAIMED)
    }

    fn read(&self, mine: impl Fn() -> bool) -> Result<Option<[u64; N]>, Closed> {
        loop {
            let (seen, spent) = self.seen()?;
            if !mine() {
                return Err(Closed);
            }
            if self.epoch.validate(seen) {
                return Ok(spent);
            }
        }
    }

    #[inline]
    fn update<R>(
        &self,
        mine: impl Fn() -> bool,
        full: impl Fn() -> [u64; N],
        change: impl Fn(&[u64; N]) -> Option<([u64; N], R)>,
    ) -> Result<Changed<R, N>, Closed> {
        let backoff = Backoff::new();
        let mut spare = None;
        let changed = loop {
            let Ok((seen, words)) = self.seen() else { break Err(Closed) };
            if !mine() {
                break Err(Closed);
            }
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
            spare = spare.or_else(|| self.slots.claim().filter(|index| *index < NAMES_UNBORN));
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

    fn close(&self, full: impl FnOnce(&[u64; N]) -> Option<u64>) -> bool {
        let Ok((seen, Some(spent))) = self.seen() else { return false };
        // What is full is written down, so it must not be torn.
        let closed = self.epoch.validate(seen) && full(&spent).is_some() && self.epoch.publish(seen, NAMES_VACANT);
        if closed {
            self.slots.release(seen.index());
        }
        closed
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn begins_and_ends_again_and_again<const N: usize, C: Cell<N>>() {
        let (cell, mine, full) = (C::vacant(), || true, || [6; N]);
        let add = |spent: &[u64; N]| Some((spent.map(|word| word + 1), "done"));
        let nothing = |_: &[u64; N]| None::<([u64; N], ())>;
        for times in 0..5 {
            assert!(cell.read(mine).is_err() && cell.update(mine, full, add).is_err() && !cell.close(|_| Some(9)));
            assert!(cell.claimed().is_none() && !cell.is_open());
            assert!(cell.try_claim() && !cell.try_claim());
            cell.withdraw();
            assert!(cell.claimed().is_none() && cell.try_claim());
            assert!(cell.read(mine).is_err() && cell.update(mine, full, add).is_err() && !cell.close(|_| Some(9)));
            assert!(!cell.is_open());
            let claimed = cell.claimed().unwrap();
            cell.open(claimed);
            cell.open(claimed);
            assert!(cell.is_open() && cell.claimed().is_none() && !cell.try_claim());
            assert_eq!(cell.read(mine).unwrap(), None);
            assert!(!cell.close(|_| Some(times)));
            assert_eq!(cell.update(mine, full, add).unwrap(), Ok("done"));
            assert_eq!(cell.read(mine).unwrap(), Some([7; N]));
            assert!(cell.read(|| false).is_err() && cell.update(|| false, full, add).is_err());
            assert!(!cell.close(|spent| (*spent != [7; N]).then_some(times)) && cell.is_open());
            assert_eq!(cell.update(mine, full, add).unwrap(), Ok("done"));
            assert_eq!(cell.update(mine, full, nothing).unwrap(), Err([8; N]));
            assert!(cell.close(|spent| (*spent == [8; N]).then_some(times + 1)));
        }
    }

    fn is_there_to_be_closed<const N: usize, C: Cell<N>>() {
        let cell = C::vacant();
        assert!(cell.try_claim());
        cell.open(cell.claimed().unwrap());
        assert_eq!(cell.update(|| true, || [6; N], |_| None::<([u64; N], ())>).unwrap(), Err([6; N]));
        assert!(cell.read(|| true).unwrap().is_some());
        assert!(cell.close(|_| Some(1)));
    }

    #[test]
    fn a_cell_whose_first_take_is_refused_is_there_to_be_closed() {
        is_there_to_be_closed::<1, Word>();
        is_there_to_be_closed::<2, Versions<2>>();
    }

    #[test]
    fn a_cell_begins_and_ends_again_and_again() {
        begins_and_ends_again_and_again::<1, Word>();
        begins_and_ends_again_and_again::<2, Versions<2>>();
        begins_and_ends_again_and_again::<8, Versions<8>>();
    }

    fn is_not_opened_by_an_old_claim<const N: usize, C: Cell<N>>() {
        let cell = C::vacant();
        assert!(cell.try_claim());
        let old = cell.claimed().unwrap();
        cell.open(old);
        assert!(cell.update(|| true, || [6; N], |spent| Some((*spent, ()))).unwrap().is_ok());
        assert!(cell.close(|_| Some(1)) && cell.try_claim());
        cell.open(old);
        assert!(!cell.is_open() && cell.claimed().is_some());
        // Nor where it was given back in between.
        cell.withdraw();
        assert!(cell.try_claim());
        cell.open(old);
        assert!(!cell.is_open() && cell.claimed().is_some());
    }

    #[test]
    fn a_cell_is_not_opened_by_an_old_claim() {
        is_not_opened_by_an_old_claim::<1, Word>();
        is_not_opened_by_an_old_claim::<2, Versions<2>>();
    }

    #[test]
    fn no_key_begins_with_the_word_that_the_last_one_ended_with() {
        let cell = Word::vacant();
        assert!(cell.try_claim());
        cell.open(cell.claimed().unwrap());
        assert_eq!(cell.update(|| true, || [6], |full| Some((*full, ()))).unwrap(), Ok(()));
        assert_eq!(cell.read(|| true).unwrap(), Some([7]));
    }

    #[test]
    fn no_verb_closes_a_cell_by_what_it_writes() {
        for word in [STATES, STATES + 1, STATES + (1 << 30), STATES + (2 << 30), STATES + (3 << 30) - 1] {
            let cell = Word::vacant();
            assert!(cell.try_claim());
            cell.open(cell.claimed().unwrap());
            assert_eq!(cell.update(|| true, || [0], |_| Some(([word], ()))).unwrap(), Ok(()));
            assert_eq!(cell.read(|| true).unwrap(), Some([STATES + (3 << 30)]));
        }
    }

    #[test]
    fn a_cell_of_several_streams_keeps_its_slots() {
        let cell = Versions::<2>::vacant();
        for times in 0..10 {
            assert!(cell.try_claim());
            cell.open(cell.claimed().unwrap());
            assert!(cell.update(|| true, || [0; 2], |spent| Some((*spent, ()))).unwrap().is_ok());
            assert!(cell.update(|| true, || [0; 2], |spent| Some((*spent, ()))).unwrap().is_ok());
            assert!(cell.close(|_| Some(times)));
        }
        assert_eq!([cell.slots.claim(), cell.slots.claim(), cell.slots.claim()], [Some(0), Some(1), Some(2)]);
    }

    #[test]
    fn a_cell_is_a_word_or_two_versions_and_an_epoch() {
        assert_eq!(size_of::<Word>(), 8);
        assert_eq!(size_of::<Versions<2>>(), 64);
        assert_eq!(size_of::<Versions<8>>(), 160);
    }
}
