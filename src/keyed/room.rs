//! Owns how many keys there are, and from when on one of them may go; never knows a key.

use std::boxed::Box;

use crossbeam_utils::CachePadded;

use crate::keyed::shard::NEVER;
use crate::sync::{AtomicU64, Relaxed, SeqCst, fence};

/// For each shard a bound, no later than the first instant at which one of its keys may go; and
/// one word for all shards.
///
/// | `hopeless` | meaning |
/// |---|---|
/// | 0 | unknown |
/// | up to 2^63 - 1 | before this instant no key of any shard may go |
/// | 2^63 and a turn | somebody is looking for that instant |
///
/// A bound rises only under the lock of its shard held alone, so a call that lowers it under the
/// same lock is not lost. `hopeless` has no lock. A thread that raises it puts its turn in first,
/// reads all bounds, and then swaps the turn for the least of them. One that lowers a bound looks
/// at `hopeless` after, and clears it where it says more than that bound.
pub(crate) struct Room {
    max_keys: usize,
    bounds: Box<[AtomicU64]>,
    /// On a line of its own, as it is written for every key that comes or goes.
    len: CachePadded<AtomicU64>,
    hopeless: CachePadded<AtomicU64>,
    turns: AtomicU64,
}

const TURN: u64 = 1 << 63;

impl Room {
    pub(crate) fn new(max_keys: usize, shards: usize) -> Self {
        Self {
            max_keys,
            bounds: (0..shards).map(|_| AtomicU64::new(NEVER)).collect(),
            len: CachePadded::new(AtomicU64::new(0)),
            hopeless: CachePadded::new(AtomicU64::new(0)),
            turns: AtomicU64::new(0),
        }
    }

    pub(crate) fn max_keys(&self) -> usize {
        self.max_keys
    }

    pub(crate) fn len(&self) -> usize {
        // ORDERING: Relaxed. A count orders nothing, and the answer may change at once. Dies if it
        // is not read: loom-tests/keys.rs, `room_for_one_is_given_once`.
        self.len.load(Relaxed) as usize
    }

    /// Counts one more key, unless there are as many as there may be.
    pub(crate) fn claim(&self) -> bool {
        let one_more = |len| (len < self.max_keys as u64).then_some(len + 1);
        // ORDERING: Relaxed, both. The count is one word, and the lock of the shard orders what it
        // counts. The partner is `release`. Dies as a load and a store: loom-tests/keys.rs,
        // `room_for_one_is_given_once`.
        self.len.fetch_update(Relaxed, Relaxed, one_more).is_ok()
    }

    /// Counts `keys` fewer.
    pub(crate) fn release(&self, keys: usize) {
        if keys > 0 {
            // ORDERING: Relaxed. As in `claim`, its partner. Dies as a load and a store:
            // loom-tests/keys.rs, `two_removals_are_both_counted`.
            self.len.fetch_sub(keys as u64, Relaxed);
        }
    }

    /// The bound of a shard.
    pub(crate) fn bound(&self, shard: usize) -> u64 {
        // ORDERING: Relaxed. A bound that is too low costs a search in vain. The fences in `lower`
        // and `remember` keep one that is too high from being believed. Dies if it is not read:
        // loom-tests/keys.rs, `the_lower_of_two_bounds_stays`.
        self.bounds[shard].load(Relaxed)
    }

    /// Sets the bound of a shard, whose lock the caller holds alone, after a look at all its keys.
    pub(crate) fn raise(&self, shard: usize, bound: u64) {
        // ORDERING: Relaxed. Calls that lower it hold the lock of the shard, too: the partner is
        // that lock. Dies without it: tests/keyed.rs, `a_refusal_says_when_there_may_be_room`.
        self.bounds[shard].store(bound, Relaxed);
    }

    /// Says that a key of this shard may go from `bound` on. The caller holds its lock.
    pub(crate) fn lower(&self, shard: usize, bound: u64) {
        // ORDERING: Relaxed. It only says that nothing is to be lowered. Nothing dies: a bound
        // rises under the lock of its shard alone.
        if self.bounds[shard].load(Relaxed) <= bound {
            return;
        }
        // ORDERING: Relaxed. The fence below orders it before the load of `hopeless`. Dies as a
        // load and a store: loom-tests/keys.rs, `the_lower_of_two_bounds_stays`.
        self.bounds[shard].fetch_min(bound, Relaxed);
        // ORDERING: SeqCst. Pairs with the fence in `remember`. Either this call sees the turn, and
        // clears it, or the search sees the lower bound. Dies without it: loom-tests/keys.rs,
        // `tokens_that_come_back_end_a_hopeless_flood`.
        fence(SeqCst);
        // ORDERING: Relaxed, both. They come after the fence. Its partner is the compare-and-swap
        // in `remember`. Dies without the swap: loom-tests/keys.rs,
        // `tokens_that_come_back_end_a_hopeless_flood`.
        if self.hopeless.load(Relaxed) > bound {
            // Not a store: loom would let that compare-and-swap read a value from before it.
            self.hopeless.swap(0, Relaxed);
        }
    }

    /// The instant before which no key may go, if there are as many keys as there may be and that
    /// instant is known and later than `now`.
    pub(crate) fn hopeless_until(&self, now: u64) -> Option<u64> {
        // ORDERING: Relaxed. It refuses, at worst, a key that could come in at this very moment.
        // Dies if it is not read: tests/keyed.rs, `a_refusal_says_when_there_may_be_room`.
        let hopeless = self.hopeless.load(Relaxed);
        let known = hopeless > now && hopeless < TURN;
        // The count is looked at last: its line is written for every key that comes or goes.
        (known && self.len() >= self.max_keys).then_some(hopeless)
    }

    /// Calls `make_room` for the shards in which a key may go at `now`, until it returns `true`.
    ///
    /// It begins after `here`, and calls it for `most` of them. Returns whether one made room.
    ///
    /// If the bounds of all shards lie ahead, it remembers the least.
    pub(crate) fn search(&self, here: usize, now: u64, most: usize, mut make_room: impl FnMut(usize) -> bool) -> bool {
        let shards = self.bounds.len();
        let mut tried = 0;
        for shard in (here + 1..shards).chain(0..here) {
            if self.bound(shard) <= now {
                if make_room(shard) {
                    return true;
                }
                tried += 1;
                if tried == most {
                    return false;
                }
            }
        }
        self.remember(now);
        false
    }

    /// Remembers the least bound of all shards, if that lies ahead.
    #[cold]
    fn remember(&self, now: u64) {
        // ORDERING: Relaxed. A turn differs from the others, and says nothing else. Nothing dies in
        // two threads: two searches of one turn need a third thread that lowers.
        let turn = TURN | self.turns.fetch_add(1, Relaxed);
        // ORDERING: Relaxed. The fence below orders it before the loads of the bounds. Dies without
        // it: tests/keyed.rs, `a_refusal_says_when_there_may_be_room`.
        self.hopeless.store(turn, Relaxed);
        // ORDERING: SeqCst. Pairs with the fence in `lower`. Dies without it: loom-tests/keys.rs,
        // `tokens_that_come_back_end_a_hopeless_flood`.
        fence(SeqCst);
        let first = (0..self.bounds.len()).map(|shard| self.bound(shard)).min().unwrap_or(NEVER);
        if first > now {
            // ORDERING: Relaxed, both. A call that lowered a bound unseen has cleared the turn, and
            // this fails. Dies as a store: loom-tests/keys.rs,
            // `tokens_that_come_back_end_a_hopeless_flood`.
            let _ = self.hopeless.compare_exchange(turn, first, Relaxed, Relaxed);
        }
    }
}
