//! Keys come and go beside takes: no debit is lost and no token granted twice, in one cell or the
//! next.
#![cfg(loom)]

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{THREE_THREADS, limit, model};
use tollgate::KeyedBuckets;
use tollgate::clock::{ManualClock, Time};
use tollgate::keyed::Streams;

/// The bound on preemptions of models in which two threads add keys.
///
/// Each thread looks at all cells, so without the bound they take hours.
const TWO_ADDING: usize = 2;

/// A hasher that gives equal hashes in every execution.
type Hasher = BuildHasherDefault<DefaultHasher>;

type Keyed<const N: usize> = Arc<KeyedBuckets<u8, N, ManualClock, Hasher>>;

/// Makes keys of a token a nanosecond, up to `capacity`, at most `max_keys`.
fn one(capacity: u64, max_keys: usize) -> Keyed<1> {
    Arc::new(KeyedBuckets::with_hasher(limit(capacity), max_keys, ManualClock::new(), Hasher::new()).unwrap())
}

fn two(capacity: [u64; 2]) -> Keyed<2> {
    Arc::new(KeyedBuckets::with_hasher(capacity.map(limit), 9, ManualClock::new(), Hasher::new()).unwrap())
}

fn beside<const N: usize, R: 'static>(
    keys: &Keyed<N>,
    call: impl FnOnce(&Keyed<N>) -> R + 'static,
) -> thread::JoinHandle<R>
where
    [u64; N]: Streams<N>,
{
    let keys = Arc::clone(keys);
    thread::spawn(move || call(&keys))
}

fn at(nanos: u64) -> Time {
    Time::from_nanos(nanos)
}

model! {
    /// The first use of a key by two threads makes one bucket.
    ///
    /// Together they are granted its capacity.
    ///
    /// Two threads, one take each. Fails if an existing key is added again.
    a_key_begins_once, Some(TWO_ADDING), 5, [(true, false, 1), (false, true, 1)], || {
        let keys = one(3, 9);
        let other = beside(&keys, |keys| keys.try_take(&7, 2).is_ok());
        let own = keys.try_take(&7, 2).is_ok();
        (own, other.join().unwrap(), keys.available(&7))
    }
}

model! {
    /// The first use of a key of two streams by two threads makes one bucket.
    ///
    /// Two threads, one take each. Fails if an existing key is added again.
    a_key_of_two_streams_begins_once, Some(TWO_ADDING), 5, [(true, false, [1, 2]), (false, true, [1, 2])], || {
        let keys = two([3, 3]);
        let other = beside(&keys, |keys| keys.try_take(&7, [2, 1]).is_ok());
        let own = keys.try_take(&7, [2, 1]).is_ok();
        (own, other.join().unwrap(), keys.available(&7))
    }
}

model! {
    /// A take beside the eviction of its full key is not lost.
    ///
    /// It is in the old bucket, and keeps that bucket, or in the new one. 2 of 3 tokens are gone,
    /// and a second take is refused.
    ///
    /// Two threads; exhaustive. Fails if the compare-exchange in `Word::update` or `Word::close`
    /// becomes a load and a store, or if a closed cell is used.
    a_take_beside_the_removal_of_its_key_is_not_lost, None, 10, [(true, 1, 1)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, |keys| keys.at(at(1)).shrink());
        let taken = keys.at(at(1)).try_take(&7, 2).is_ok();
        other.join().unwrap();
        assert!(keys.at(at(1)).try_take(&7, 2).is_err());
        (taken, keys.at(at(1)).available(&7), keys.len())
    }
}

model! {
    /// A take of two streams beside the eviction of its full key is not lost.
    ///
    /// Two threads; exhaustive. Fails if the compare-exchange in `Epoch::publish` becomes a load
    /// and a store, or if a closed cell is used.
    a_take_of_two_streams_beside_the_removal_of_its_key_is_not_lost, None, 10, [(true, [1, 2], 1)], || {
        let keys = two([3, 3]);
        keys.at(at(0)).try_take(&7, [1, 1]).unwrap();
        let other = beside(&keys, |keys| keys.at(at(1)).shrink());
        let taken = keys.at(at(1)).try_take(&7, [2, 1]).is_ok();
        other.join().unwrap();
        assert!(keys.at(at(1)).try_take(&7, [2, 1]).is_err());
        (taken, keys.at(at(1)).available(&7), keys.len())
    }
}

model! {
    /// A reader beside the eviction of a key finds it full, before and after.
    ///
    /// Two threads; exhaustive. Fails if the contents of a closed cell are read as its words.
    a_reader_beside_the_removal_of_its_key_finds_it_full, None, 3, [(3, 0)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, |keys| keys.at(at(1)).available(&7));
        keys.at(at(1)).shrink();
        (other.join().unwrap(), keys.len())
    }
}

model! {
    /// Two threads that evict remove a key once, and both may use its place.
    ///
    /// Two threads. Fails if the count falls twice for a key, by the thread that closed it and by
    /// the one that removed it. Fails if it does not fall at all.
    a_removed_key_makes_room_once, Some(THREE_THREADS), 10, [(true, true, 2)], || {
        let keys = one(2, 2);
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, |keys| {
            keys.at(at(1)).shrink();
            keys.at(at(1)).try_take(&8, 2).is_ok()
        });
        let own = keys.at(at(1)).try_take(&7, 2).is_ok();
        let others = other.join().unwrap();
        assert!(keys.at(at(1)).try_take(&9, 1).is_err());
        (own, others, keys.len())
    }
}

model! {
    /// Of two new keys and a place for one, one is refused.
    ///
    /// Two threads, one take each. Fails if keys are counted by a load and a store, or after they
    /// are added.
    two_keys_in_a_room_for_one_are_not_both_added, Some(TWO_ADDING), 3, [(true, false, 1), (false, true, 1)], || {
        let keys = one(2, 1);
        let other = beside(&keys, |keys| keys.try_take(&8, 1).is_ok());
        let own = keys.try_take(&7, 1).is_ok();
        (own, other.join().unwrap(), keys.len())
    }
}

model! {
    /// A key made anew knows since when it was full.
    ///
    /// It is used up, full again at 3, and evicted at 3. A thread whose clock stands at 1 makes it
    /// anew, and finds what had accrued by 1: one token of three. Or it finds the old bucket, with
    /// as many.
    ///
    /// Two threads; exhaustive. Fails if the closing in `Word::close` is `Relaxed`, or without the
    /// fence in `closed`. Fails if a new key is full at the time of the call.
    a_key_made_anew_knows_since_when_it_was_full, None, 10, [(false, true, 2, 0), (false, true, 2, 1)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 3).unwrap();
        let other = beside(&keys, |keys| {
            keys.at(at(3)).shrink();
            keys.len()
        });
        let too_many = keys.at(at(1)).try_take(&7, 2).is_ok();
        let one = keys.at(at(1)).try_take(&7, 1).is_ok();
        let left = other.join().unwrap();
        (too_many, one, keys.at(at(3)).available(&7), left)
    }
}

model! {
    /// A key that came and went meanwhile does not begin at an older time.
    ///
    /// Two threads use a new key at 0, and one of them evicts it at 3, when it is full again. Only
    /// one of them is granted all tokens of 0. This holds if the other had looked for the key
    /// before it existed, and adds it after its eviction.
    ///
    /// Two threads. Fails if a cell has its words before it lies in the map.
    a_key_that_came_and_went_meanwhile_does_not_begin_at_an_older_time, Some(TWO_ADDING), 10, [(true, false), (false, true)], || {
        let keys = one(3, 9);
        let other = beside(&keys, |keys| {
            let taken = keys.at(at(0)).try_take(&7, 3).is_ok();
            keys.at(at(3)).shrink();
            taken
        });
        let own = keys.at(at(0)).try_take(&7, 3).is_ok();
        (own, other.join().unwrap())
    }
}

model! {
    /// Of two keys evicted together, the record keeps the one that had spent more.
    ///
    /// They are full at 3 and at 1, and two threads that make others evict them at 3. A thread
    /// whose clock stands at 1 makes the first anew, and finds what it had by then.
    ///
    /// Two threads. Fails if the record of evicted keys is updated by a load and a store.
    of_two_keys_that_are_removed_at_once_the_one_that_had_spent_more_is_kept, Some(THREE_THREADS), 10, [(1, 2)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 3).unwrap();
        keys.at(at(0)).try_take(&8, 1).unwrap();
        let other = beside(&keys, |keys| keys.at(at(3)).try_take(&9, 1).unwrap());
        keys.at(at(3)).try_take(&10, 1).unwrap();
        other.join().unwrap();
        // The other thread may have held a turn.
        keys.at(at(3)).shrink();
        (keys.at(at(1)).available(&7), keys.len())
    }
}

model! {
    /// A take beside two threads that evict is not lost.
    ///
    /// A thread takes, another evicts, and a third makes a key, whose turn makes it look at the
    /// others. Each token is granted once.
    ///
    /// Three threads. Fails if a turn is lost or doubled, or a closed cell is used.
    a_take_beside_two_that_remove_is_not_lost, Some(TWO_ADDING), 100, [(1, 1, 2)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let others = [
            beside(&keys, |keys| keys.at(at(1)).shrink()),
            beside(&keys, |keys| keys.at(at(1)).try_take(&8, 2).unwrap()),
        ];
        keys.at(at(1)).try_take(&7, 2).unwrap();
        let [(), ()] = others.map(|other| other.join().unwrap());
        (keys.at(at(1)).available(&7), keys.at(at(1)).available(&8), keys.len())
    }
}

/// Returns the cache line of its group in which a key is looked for first.
///
/// Under loom `keyed/group.rs` has two such lines.
fn line(key: u8) -> u64 {
    Hasher::new().hash_one(key) >> 31 & 1
}

/// Returns a key that is looked for on the line of 7.
fn beside_seven() -> u8 {
    (8..).find(|key| line(*key) == line(7)).unwrap()
}

model! {
    /// Two keys that want one cell both find a place.
    ///
    /// One goes to the next cell.
    ///
    /// Two threads. Fails if a claim is a load and a store. Fails if the search for a key ends
    /// before the last place where it may be added.
    two_keys_in_one_group_are_both_there, Some(TWO_ADDING), 5, [(true, true, 1, 2, 2)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        let other = beside(&keys, move |keys| keys.try_take(&eight, 1).is_ok());
        let own = keys.try_take(&7, 2).is_ok();
        (own, other.join().unwrap(), keys.available(&7), keys.available(&eight), keys.len())
    }
}

model! {
    /// A take from an evicted key takes nothing from the next key in its cell.
    ///
    /// Two threads. Fails if the owner of the words is not checked after they are read, or if a
    /// cell is opened by less than a Release.
    a_cell_that_is_another_keys_by_now_is_left_alone, Some(TWO_ADDING), 5, [(true, true, 1, 2, 2)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, move |keys| {
            keys.at(at(1)).shrink();
            keys.at(at(1)).try_take(&eight, 1).is_ok()
        });
        let own = keys.at(at(1)).try_take(&7, 2).is_ok();
        let others = other.join().unwrap();
        (own, others, keys.at(at(1)).available(&7), keys.at(at(1)).available(&eight), keys.len())
    }
}

model! {
    /// A key that moved knows since when it was full.
    ///
    /// It is used up, full again at 3, and evicted at 3; another key comes to its cell. A thread
    /// whose clock stands at 1 makes it anew elsewhere, and finds no more than had accrued by 1.
    ///
    /// Two threads. Fails if the hash beside a cell is written or read by less than Release and
    /// Acquire.
    a_key_that_moved_knows_since_when_it_was_full, Some(TWO_ADDING), 5, [(false, true)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 3).unwrap();
        let other = beside(&keys, |keys| keys.at(at(1)).try_take(&7, 2).is_ok());
        keys.at(at(3)).shrink();
        let own = keys.at(at(3)).try_take(&eight, 1).is_ok();
        (other.join().unwrap(), own)
    }
}

/// Returns a key that is looked for first on another line than 7.
fn elsewhere() -> u8 {
    (8..).find(|key| line(*key) != line(7)).unwrap()
}

model! {
    /// A cell that one thread claimed in vain serves the next key.
    ///
    /// Two threads add one key, so one of them claims a cell in vain. A third key gets it.
    ///
    /// Two threads. Fails if the cell is not given back.
    what_one_thread_did_not_need_the_next_one_gets, Some(TWO_ADDING), 5, [(true, true, true, 2)], || {
        let keys = one(3, 9);
        let other = beside(&keys, |keys| keys.try_take(&7, 1).is_ok());
        let own = keys.try_take(&7, 1).is_ok();
        let others = other.join().unwrap();
        (own, others, keys.try_take(&elsewhere(), 1).is_ok(), keys.len())
    }
}

model! {
    /// A claim of the cell that the epoch names is not mistaken for its key.
    ///
    /// The key that was added last is evicted, and the epoch names its cell. Two threads add
    /// another key in that cell: it begins once.
    ///
    /// Two threads, one take of 2 of 3 each. Fails if the claim is opened before the key is added:
    /// if the epoch still names the cell, or is not checked again.
    a_claim_of_a_cell_that_went_is_not_taken_for_the_last_one, Some(TWO_ADDING), 5, [(true, false, 1), (false, true, 1)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, move |keys| {
            keys.at(at(1)).shrink();
            keys.at(at(1)).try_take(&eight, 2).is_ok()
        });
        let own = keys.at(at(1)).try_take(&eight, 2).is_ok();
        (own, other.join().unwrap(), keys.at(at(1)).available(&eight))
    }
}

model! {
    /// A key added while the last one is checked exists once.
    ///
    /// A key is evicted while another thread checks whether it is full. The next key is added to
    /// its cell before that cell is opened.
    ///
    /// Two threads. Fails if the epoch moves on before the cell that it names is opened.
    a_key_that_comes_while_the_last_one_is_looked_at_is_there, Some(TWO_ADDING), 5, [(true, 2, 1)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, move |keys| {
            keys.at(at(1)).shrink();
            keys.at(at(1)).try_take(&eight, 1).is_ok()
        });
        keys.at(at(1)).shrink();
        let others = other.join().unwrap();
        (others, keys.at(at(1)).available(&eight), keys.len())
    }
}

model! {
    /// A key that lies on the next line is not added again.
    ///
    /// Another key held its place, and is evicted later. A thread that looked for the key before,
    /// and adds it afterwards, finds it.
    ///
    /// Two threads, one take of 2 of 3 each. Nothing is left if one thread claims the last cell and
    /// the other, without a place, evicts 7: 8 then begins with no less spent. Fails if the search
    /// for a key ends before the last place where it may be added.
    a_key_that_lies_further_is_not_put_in_again, Some(TWO_ADDING), 5, [(true, false, 0), (true, false, 1), (false, true, 1)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, move |keys| {
            let taken = keys.at(at(0)).try_take(&eight, 2).is_ok();
            keys.at(at(1)).shrink();
            taken
        });
        let own = keys.at(at(0)).try_take(&eight, 2).is_ok();
        (own, other.join().unwrap(), keys.at(at(0)).available(&eight))
    }
}

model! {
    /// A word that a put-back left does not come again.
    ///
    /// A thread is about to take from a key that is empty at 0. At 2 a put-back fills the key, and
    /// another key comes. In that cell, the first token of the other key would make an equal word,
    /// and the take would debit it.
    ///
    /// Two threads. Fails if a key with a put-back is evicted before it would be full with a
    /// capacity more spent.
    a_word_that_was_gone_back_from_does_not_come_again, Some(TWO_ADDING), 5, [(true, 3, 2), (true, 1, 2)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 3).unwrap();
        let other = beside(&keys, move |keys| {
            keys.at(at(2)).put_back(&7, 3);
            keys.at(at(2)).shrink();
            keys.at(at(2)).try_take(&eight, 1).unwrap();
        });
        let own = keys.at(at(2)).try_take(&7, 2).is_ok();
        other.join().unwrap();
        (own, keys.at(at(2)).available(&7), keys.at(at(2)).available(&eight))
    }
}

model! {
    /// A put-back to a key beside its eviction keeps the key.
    ///
    /// The key is full at 1. A token is taken and put back beside its eviction, so its word is as
    /// before. The key stays, or is made anew; it is not evicted as a key without a put-back.
    ///
    /// Two threads. Fails if neither sees the other: the put-back, or the record of the eviction.
    a_key_that_is_given_back_to_beside_its_removal_stays, Some(TWO_ADDING), 5, [(2, 1), (3, 1)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, |keys| keys.at(at(1)).shrink());
        keys.at(at(1)).try_take(&7, 1).unwrap();
        keys.at(at(1)).put_back(&7, 1);
        other.join().unwrap();
        (keys.at(at(1)).available(&7), keys.len())
    }
}

model! {
    /// A key with a put-back that moved knows what it had spent.
    ///
    /// It is evicted at 5, when it would be full with a capacity more spent. Made anew, it has no
    /// more than before.
    ///
    /// Two threads. Fails if the hash beside a cell is written by less than Release.
    a_key_that_was_given_back_to_and_moved_knows_what_it_had_spent, Some(TWO_ADDING), 5, [(false, true)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        keys.at(at(0)).try_take(&7, 3).unwrap();
        keys.at(at(0)).put_back(&7, 1);
        let other = beside(&keys, |keys| keys.at(at(1)).try_take(&7, 3).is_ok());
        keys.at(at(5)).shrink();
        let own = keys.at(at(5)).try_take(&eight, 1).is_ok();
        (other.join().unwrap(), own)
    }
}
