//! Keys come and go beside takes: no debit is lost, and none is granted twice, by one cell or by
//! the next.
#![cfg(loom)]

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use loom::thread;
use loom_tests::{THREE_THREADS, limit, model};
use tollgate::KeyedBuckets;
use tollgate::clock::{ManualClock, Time};
use tollgate::keyed::Streams;

/// The bound on preemptions where two threads put in keys: each looks at all cells, so without it
/// they take hours.
const TWO_ADDING: usize = 2;

/// The same in every execution.
type Hasher = BuildHasherDefault<DefaultHasher>;

type Keyed<const N: usize> = Arc<KeyedBuckets<u8, N, ManualClock, Hasher>>;

/// A token a nanosecond, up to `capacity`, and room for so many keys.
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
    /// The first use of a key by two threads makes one bucket: together they are granted its
    /// capacity.
    ///
    /// Two threads, one take each. Fails if a key that is there already is put in again.
    a_key_begins_once, Some(TWO_ADDING), 5, [(true, false, 1), (false, true, 1)], || {
        let keys = one(3, 9);
        let other = beside(&keys, |keys| keys.try_take(&7, 2).is_ok());
        let own = keys.try_take(&7, 2).is_ok();
        (own, other.join().unwrap(), keys.available(&7))
    }
}

model! {
    /// The same over two streams.
    ///
    /// Two threads, one take each. Fails if a key that is there already is put in again.
    a_key_of_two_streams_begins_once, Some(TWO_ADDING), 5, [(true, false, [1, 2]), (false, true, [1, 2])], || {
        let keys = two([3, 3]);
        let other = beside(&keys, |keys| keys.try_take(&7, [2, 1]).is_ok());
        let own = keys.try_take(&7, [2, 1]).is_ok();
        (own, other.join().unwrap(), keys.available(&7))
    }
}

model! {
    /// A take beside the removal of its key, which is full, is in the old bucket, and keeps it
    /// there, or in the new one: 2 of 3 are gone, and a second take fails.
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
    /// The same over two streams.
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
    /// A reader beside the removal of a key finds it full, before and after.
    ///
    /// Two threads; exhaustive. Fails if what a closed cell holds is taken for its words.
    a_reader_beside_the_removal_of_its_key_finds_it_full, None, 3, [(3, 0)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 1).unwrap();
        let other = beside(&keys, |keys| keys.at(at(1)).available(&7));
        keys.at(at(1)).shrink();
        (other.join().unwrap(), keys.len())
    }
}

model! {
    /// Two threads that look for keys to remove remove one once, and both may use what room that
    /// makes.
    ///
    /// Two threads. Fails if a key is counted out by whoever closed it and by whoever removed it,
    /// or by nobody.
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
    /// Two new keys and room for one: one of them is refused.
    ///
    /// Two threads, one take each. Fails if keys are counted by a load and a store, or after they
    /// are put in.
    two_keys_in_a_room_for_one_are_not_both_added, Some(TWO_ADDING), 3, [(true, false, 1), (false, true, 1)], || {
        let keys = one(2, 1);
        let other = beside(&keys, |keys| keys.try_take(&8, 1).is_ok());
        let own = keys.try_take(&7, 1).is_ok();
        (own, other.join().unwrap(), keys.len())
    }
}

model! {
    /// A key is used up, is full again at 3, and is removed at 3. A thread whose clock stands at 1
    /// makes it anew, and finds in it what had accrued by 1: one token of three. Or it finds the
    /// old one, with the same in it.
    ///
    /// Two threads; exhaustive. Fails if the closing in `Word::close` is `Relaxed`, without the
    /// fence in `closed`, or if a new key is full at the time of the call.
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
    /// Two threads use a new key at 0, and one of them removes it at 3, when it is full again. Only
    /// one of them is granted all there was at 0, also if the other had looked for the key before
    /// it was there, and puts it in when it is gone again.
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
    /// Two keys are full at 3 and at 1, and two threads that make others remove them at 3. A thread
    /// whose clock stands at 1 makes the first anew, and finds what it had by then.
    ///
    /// Two threads. Fails if what the removed ones had spent is kept by a load and a store.
    of_two_keys_that_are_removed_at_once_the_one_that_had_spent_more_is_kept, Some(THREE_THREADS), 10, [(1, 2)], || {
        let keys = one(3, 9);
        keys.at(at(0)).try_take(&7, 3).unwrap();
        keys.at(at(0)).try_take(&8, 1).unwrap();
        let other = beside(&keys, |keys| keys.at(at(3)).try_take(&9, 1).unwrap());
        keys.at(at(3)).try_take(&10, 1).unwrap();
        other.join().unwrap();
        // A turn may have been in the hands of the other.
        keys.at(at(3)).shrink();
        (keys.at(at(1)).available(&7), keys.len())
    }
}

model! {
    /// One thread takes, one removes, and one makes a key whose turn makes it look at the others:
    /// all is granted once.
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

/// The line of its group in which a key is looked for first, as `keyed/group.rs` has it under
/// loom: two of them.
fn line(key: u8) -> u64 {
    Hasher::new().hash_one(key) >> 31 & 1
}

/// A key that is looked for where 7 is.
fn beside_seven() -> u8 {
    (8..).find(|key| line(*key) == line(7)).unwrap()
}

model! {
    /// Two threads put in two keys that want the same cell: one goes to the next, and both are
    /// there.
    ///
    /// Two threads. Fails if a claim is a load and a store, or if a key is not looked for as far as
    /// one has been put in.
    two_keys_in_one_group_are_both_there, Some(TWO_ADDING), 5, [(true, true, 1, 2, 2)], || {
        let keys = one(3, 9);
        let eight = beside_seven();
        let other = beside(&keys, move |keys| keys.try_take(&eight, 1).is_ok());
        let own = keys.try_take(&7, 2).is_ok();
        (own, other.join().unwrap(), keys.available(&7), keys.available(&eight), keys.len())
    }
}

model! {
    /// A thread takes from a key while that goes, and another comes to its cell: it takes nothing
    /// from the other.
    ///
    /// Two threads. Fails if it is not asked whose the words are after they were read, or if a cell
    /// is opened by less than a Release.
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
    /// A key is used up, is full again at 3, and goes at 3; another key comes to its cell. A thread
    /// whose clock stands at 1 makes it anew, elsewhere, and finds no more in it than had accrued
    /// by 1.
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

/// A key that is looked for first where 7 is not.
fn elsewhere() -> u8 {
    (8..).find(|key| line(*key) != line(7)).unwrap()
}

model! {
    /// Two threads put in the same key, so one of them has claimed a cell for nothing; a third key
    /// gets it.
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
    /// A key goes whose cell the epoch names, as the last one that was put in. Another claims the
    /// cell, and two threads put that in at once: it begins once.
    ///
    /// Two threads, one take of 2 of 3 each. Fails if the claim is opened before it is put in: if
    /// the epoch still names the cell, or is not looked at again.
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
    /// A key goes while another thread looks whether it is full, and the next key has been put into
    /// its cell, but not been opened: that is there, once.
    ///
    /// Two threads. Fails if the epoch is moved on though the cell that it names has not been
    /// opened.
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
    /// A key lies on the next line, as another one had its own, which goes then. Who had looked for
    /// it before, and puts it in afterwards, finds it.
    ///
    /// Two threads, one take of 2 of 3 each. Nothing is left where one has claimed the last cell,
    /// so that there was no room for the other, which then removed 7: 8 begins with no less spent.
    /// Fails if a key that is put in is not looked for as far as one has been put in.
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
    /// A thread is about to take from a key of which nothing is left at 0. At 2 it is given back to
    /// until it is full, and another key comes. Were that one in the same cell, its first token
    /// would make the same word, and the take would be from it.
    ///
    /// Two threads. Fails if a key goes, that was given back to, before it would be full with a
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
    /// A key is full at 1. A token is taken and given back beside its removal: then it is not
    /// removed as one that was never given back to, though its word is the same again. It stays, or
    /// it is made anew.
    ///
    /// Two threads. Fails if it is not seen, by one of the two, that the other one was there: that
    /// tokens were given back, or what was written down of the key.
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
    /// The same of a key that was given tokens back: it goes at 5, when it would be full with a
    /// capacity more spent, and is found anew with no more than it had.
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
