//! Stripes mint nothing, hide nothing, and are empty when they must be: after a pause, and while
//! somebody waits.
//!
//! A stripe is chosen by the order in which threads first fetch. A thread that has not fetched uses
//! the last stripe, and so do all of them where there is one.
#![cfg(loom)]

use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use loom_tests::{limit, model, thread};
use tollgate::Clock;
use tollgate::bucket::StripedBucket;
use tollgate::clock::ManualClock;
use tollgate::wait::Timer;

/// What a stripe holds at most.
const CHUNK: u64 = 4;

const HOUR: Duration = Duration::from_secs(3600);

/// A timer whose sleeps never end.
struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        pending()
    }
}

/// So many stripes of `CHUNK` each, which are full, and a bucket that begins with so much.
fn full<const N: usize>(stripes: u64, left: u64) -> Arc<StripedBucket<N, ManualClock>> {
    let capacity = 8 * CHUNK * stripes;
    let clock = ManualClock::new();
    let bucket = StripedBucket::with_chunk([limit(capacity); N], clock, stripes as usize, [CHUNK; N]).unwrap();
    let inside = capacity - CHUNK * stripes;
    bucket.at(bucket.clock().now()).try_take([inside - left; N]).expect("it is full");
    assert_eq!((bucket.lent(), bucket.available()), ([CHUNK * stripes; N], [left + CHUNK * stripes; N]));
    Arc::new(bucket)
}

/// Empty stripes, of which this thread has the first, and a bucket with so much. The next take of
/// one token on that stripe fetches `ahead` more, a power of two.
fn fetching<const N: usize>(stripes: u64, ahead: u64, left: u64) -> Arc<StripedBucket<N, ManualClock>> {
    let capacity = 8 * CHUNK * stripes;
    let inside = capacity - CHUNK * stripes;
    let limits = [limit(capacity).starting_with(inside); N];
    let bucket = StripedBucket::with_chunk(limits, ManualClock::new(), stripes as usize, [CHUNK; N]).unwrap();
    // A plain take on the last stripe, and where that is not the first, a fetch that makes it this
    // thread's and a plain take there. Then fetches that double, and are used up.
    let fetches = (1..ahead).filter(|next| next.is_power_of_two()).map(|next| 1 + next).sum::<u64>();
    let used = if stripes == 1 { 1 } else { 3 } + fetches;
    for _ in 0..used {
        bucket.try_take([1; N]).expect("there are so many");
    }
    bucket.at(bucket.clock().now()).try_take([inside - used - left; N]).expect("there are so many");
    assert_eq!((bucket.lent(), bucket.available()), ([0; N], [left; N]));
    Arc::new(bucket)
}

model! {
    /// After a pause nothing is granted, whatever was under way.
    ///
    /// Two threads: a take that fetches, and a pause and a take; at most one preemption. Fails
    /// if a pause does not void the stripes, or if what was fetched before it is deposited after.
    nothing_is_granted_from_a_stripe_after_a_pause, Some(1), 10, [(true, false, 10, 0, 9), (false, false, 10, 0, 10)], || {
        let bucket = fetching::<1>(1, 1, 10);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).is_ok())
        };
        bucket.pause_for(HOUR);
        let mine = bucket.try_take([1]).is_ok();
        let taken = taker.join().unwrap();
        let after = (0..10).filter(|_| bucket.try_take([1]).is_err()).count();
        let [lent] = bucket.lent();
        bucket.resume();
        (taken, mine, after, lent, bucket.available()[0])
    }
}

model! {
    /// The same beside a take from a stripe that is full, and after a close.
    ///
    /// Two threads: a take from a stripe, and a close and a take; exhaustive. Fails if a close does
    /// not void the stripes.
    nothing_is_granted_from_a_stripe_after_a_close, None, 10, [(true, false, 0, 8), (false, false, 0, 9)], || {
        let bucket = full::<1>(1, 5);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).is_ok())
        };
        bucket.close();
        let mine = bucket.try_take([1]).is_ok();
        let taken = taker.join().unwrap();
        let [lent] = bucket.lent();
        (taken, mine, lent, bucket.available()[0])
    }
}

model! {
    /// The same where the credits of three streams lie in cells. What the taker has in its hand
    /// when the stripe is voided does not count; the next take finds it, and it goes home.
    ///
    /// Two threads: a take from a stripe, and a close and a take; at most two preemptions.
    /// Fails if cells count whatever their ticket.
    nothing_is_granted_from_three_streams_after_a_close, Some(2), 10, [(true, false, false, [8; 3]), (false, false, false, [9; 3])], || {
        let bucket = full::<3>(1, 5);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1; 3]).is_ok())
        };
        bucket.close();
        let mine = bucket.try_take([1; 3]).is_ok();
        let taken = taker.join().unwrap();
        let after = bucket.try_take([1; 3]).is_ok();
        (taken, mine, after, bucket.available())
    }
}

model! {
    /// The same beside a fetch of three streams.
    ///
    /// Two threads: a take that fetches, and a close and a take; at most one preemption. Fails if
    /// what was fetched before a close is deposited after it, and counts.
    nothing_that_was_fetched_is_granted_from_three_streams_after_a_close, Some(1), 10, [(true, false, false, [9; 3]), (false, false, false, [10; 3])], || {
        let bucket = fetching::<3>(1, 1, 10);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1; 3]).is_ok())
        };
        bucket.close();
        let mine = bucket.try_take([1; 3]).is_ok();
        let taken = taker.join().unwrap();
        let after = bucket.try_take([1; 3]).is_ok();
        (taken, mine, after, bucket.available())
    }
}

model! {
    /// Who enters the line beside a fetch gets what the take leaves: what was fetched beside it
    /// does not stay on the stripe, and who waits is told.
    ///
    /// Two threads: a wait for all tokens but one, and a take that fetches; at most two
    /// preemptions. A missed wake is a deadlock. Fails if an entry does not void the stripes, or if
    /// who waits is not told of what a voided fetch puts back.
    who_enters_beside_a_fetch_gets_the_rest, Some(2), 10, [(true, 0, 0)], || {
        let bucket = fetching::<1>(1, 1, 5);
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_blocking([4]).unwrap())
        };
        let took = bucket.try_take([1]).is_ok();
        waiter.join().unwrap();
        (took, bucket.available()[0], bucket.lent()[0])
    }
}

/// Waits for so many tokens, of which there are fewer, and has been polled once.
fn waiting(bucket: &Arc<StripedBucket<1, ManualClock>>, n: u64) -> Pin<Box<dyn Future<Output = bool>>> {
    let bucket = Arc::clone(bucket);
    let mut wait: Pin<Box<dyn Future<Output = bool>>> =
        Box::pin(async move { bucket.take_on([n], Never).await.is_ok() });
    assert!(is_pending(&mut wait));
    wait
}

fn is_pending(wait: &mut Pin<Box<dyn Future<Output = bool>>>) -> bool {
    wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

model! {
    /// While somebody waits nothing lies on a stripe, whatever was under way.
    ///
    /// Two threads: a take that fetches, and a wait; at most two preemptions. Fails if an entry
    /// does not void the stripes, or before it says that somebody waits; if the ordering of
    /// `Stripe::claim` or of `Stripe::void` is Relaxed; or if a fetch looks who waits before it has
    /// the claim.
    nothing_lies_on_a_stripe_while_somebody_waits, Some(2), 10, [(true, 0, 4), (false, 0, 5)], || {
        let bucket = fetching::<1>(1, 1, 5);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).is_ok())
        };
        let _waits = waiting(&bucket, 6);
        let took = taker.join().unwrap();
        (took, bucket.lent()[0], bucket.available()[0])
    }
}

model! {
    /// What was fetched before a close is not deposited under the claim of another, which that
    /// gives up as it sees the close.
    ///
    /// Two threads: a take that fetches, and a close and a take; at most two preemptions. Fails if
    /// a claim holds whatever its ticket.
    nothing_is_deposited_under_the_claim_of_another, Some(2), 10, [(true, false, 0, 4), (false, false, 0, 5)], || {
        let bucket = fetching::<1>(1, 1, 5);
        let closer = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                bucket.close();
                bucket.try_take([1]).is_ok()
            })
        };
        let mine = bucket.try_take([1]).is_ok();
        let other = closer.join().unwrap();
        (mine, other, bucket.lent()[0], bucket.available()[0])
    }
}

model! {
    /// A smaller share beside a fetch leaves nothing on stripes.
    ///
    /// Two threads: a take that fetches, and a change of limits under which there are no stripes;
    /// at most two preemptions. Fails if a change does not set the chunks before it voids.
    a_smaller_share_beside_a_fetch_leaves_nothing, Some(2), 10, [([0], [0], [9])], || {
        let bucket = fetching::<1>(1, 1, 10);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).unwrap())
        };
        bucket.set_limits([limit(8 * CHUNK - 1)]).unwrap();
        taker.join().unwrap();
        (bucket.share(), bucket.lent(), bucket.available())
    }
}

model! {
    /// A reset beside a fetch sets the level, and leaves nothing on stripes that was there before.
    /// What the fetch had in its hand meanwhile is put back.
    ///
    /// Two threads: a take that fetches, and a reset; at most two preemptions. Fails if a reset
    /// does not void the stripes, or if one is filled meanwhile.
    a_reset_beside_a_fetch_sets_the_level, Some(2), 10, [([7], [1]), ([7], [0]), ([8], [0]), ([9], [0])], || {
        let bucket = fetching::<1>(1, 1, 10);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).unwrap())
        };
        bucket.reset([8]);
        taker.join().unwrap();
        (bucket.available(), bucket.lent())
    }
}

model! {
    /// A stripe holds its chunk and no more, and is used again after a pause.
    ///
    /// One thread; one execution. Fails if a fetch asks for more than there is room for.
    a_stripe_holds_its_chunk_and_no_more, None, 1, [(4, 4, [2])], || {
        let bucket = fetching::<1>(1, 4, 20);
        let take = |n| bucket.try_take([n]).map(|()| bucket.lent()[0]).unwrap();
        let most = || [1, 2, 1, 2, 1, 2].map(take).into_iter().max().unwrap();
        let before = most();
        bucket.pause_for(HOUR);
        bucket.resume();
        (before, most(), bucket.available())
    }
}

model! {
    /// The same of three streams.
    ///
    /// One thread; one execution. Fails if cells that were voided never count again.
    a_stripe_of_three_streams_holds_its_chunk_and_no_more, None, 1, [([4; 3], [4; 3], [8; 3])], || {
        let bucket = fetching::<3>(1, 4, 20);
        let most = || (0..6).map(|_| bucket.try_take([1; 3]).map(|()| bucket.lent()).unwrap()).max().unwrap();
        let before = most();
        bucket.pause_for(HOUR);
        bucket.resume();
        (before, most(), bucket.available())
    }
}

model! {
    /// A deposit beside a thief that finds the stripe empty is found by the next one.
    ///
    /// Two threads: a take that fetches, and one that no bucket grants; exhaustive. Then another
    /// thread asks for all. Fails if the bit is not set after a deposit, or not set again by a
    /// thief that clears it.
    a_deposit_beside_a_thief_is_found, None, 10, [(true, false, [0])], || {
        let bucket = fetching::<1>(2, 1, 5);
        let thief = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([6]).is_ok())
        };
        let took = bucket.try_take([1]).is_ok();
        let stole = thief.join().unwrap();
        bucket.try_take([4]).expect("nothing is hidden");
        (took, stole, bucket.available())
    }
}

model! {
    /// The same of three streams.
    ///
    /// Two threads: a take that fetches, and one that no bucket grants; at most two preemptions.
    a_deposit_of_three_streams_beside_a_thief_is_found, Some(2), 10, [(true, false, [0; 3])], || {
        let bucket = fetching::<3>(2, 1, 5);
        let thief = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([6; 3]).is_ok())
        };
        let took = bucket.try_take([1; 3]).is_ok();
        let stole = thief.join().unwrap();
        bucket.try_take([4; 3]).expect("nothing is hidden");
        (took, stole, bucket.available())
    }
}

model! {
    /// A take from a stripe beside a thief that needs the other stripe, too: one of them gets it,
    /// and nothing is lost.
    ///
    /// Two threads, one call each; at most one preemption. Fails if a change of the word is a load
    /// and a store.
    a_take_beside_a_thief_gets_what_is_there, Some(1), 10, [(true, false, [5]), (false, true, [2])], || {
        let bucket = full::<1>(2, 0);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([3]).is_ok())
        };
        let stole = bucket.try_take([6]).is_ok();
        let took = taker.join().unwrap();
        (took, stole, bucket.available())
    }
}

model! {
    /// Two takes from one stripe.
    ///
    /// Two threads, one call each; exhaustive. Fails if a change of the word is a load and a store.
    two_takes_share_a_stripe, None, 2, [(true, false, [1]), (false, true, [2])], || {
        let bucket = full::<1>(1, 0);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([3]).is_ok())
        };
        let mine = bucket.try_take([2]).is_ok();
        let other = other.join().unwrap();
        (other, mine, bucket.available())
    }
}

model! {
    /// Two threads fetch for one stripe: the second one takes from the bucket, or from what the
    /// first one fetched. The stripe never holds more than its chunk.
    ///
    /// Two threads, one call each; exhaustive. Fails if both have the claim.
    two_fetchers_fill_a_stripe_once, None, 10, [([3], [8]), ([4], [8])], || {
        let bucket = fetching::<1>(1, 4, 10);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1]).unwrap())
        };
        bucket.try_take([1]).unwrap();
        other.join().unwrap();
        (bucket.lent(), bucket.available())
    }
}

model! {
    /// The same of three streams.
    ///
    /// A fetch that finds the cells in the hand of the other goes home.
    ///
    /// Two threads, one call each; at most two preemptions. Fails if the Release of
    /// `Stripe::give_up` is Relaxed, or if both have the claim.
    two_fetchers_of_three_streams_fill_a_stripe_once, Some(2), 10, [([0; 3], [8; 3]), ([3; 3], [8; 3]), ([4; 3], [8; 3])], || {
        let bucket = fetching::<3>(1, 4, 10);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1; 3]).unwrap())
        };
        bucket.try_take([1; 3]).unwrap();
        other.join().unwrap();
        (bucket.lent(), bucket.available())
    }
}

model! {
    /// A fetch beside a thief of the same stripe loses and mints nothing.
    ///
    /// Two threads: a take that fetches, and one that takes all but two; exhaustive.
    a_fetch_beside_a_thief_loses_nothing, None, 10, [(true, true, [1]), (true, false, [9])], || {
        let bucket = fetching::<1>(2, 4, 10);
        let thief = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([8]).is_ok())
        };
        let took = bucket.try_take([1]).is_ok();
        let stole = thief.join().unwrap();
        (took, stole, bucket.available())
    }
}

model! {
    /// Of two who need both stripes, one is granted: they do not refuse each other.
    ///
    /// Two threads, one call each; at most one preemption.
    of_two_who_need_both_stripes_one_is_granted, Some(1), 10, [(true, false, [2]), (false, true, [1])], || {
        let bucket = full::<1>(2, 0);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([6]).is_ok())
        };
        let mine = bucket.try_take([7]).is_ok();
        let other = other.join().unwrap();
        (other, mine, bucket.available())
    }
}

model! {
    /// Who needs what lies on one stripe gets it beside one who needs more than there is, and who
    /// brings all of it home.
    ///
    /// Two threads, one call each; at most two preemptions. Fails if a refusal does not look who
    /// carries tokens, or before it looks at the bucket.
    who_needs_one_stripe_is_not_refused_by_who_needs_more, Some(2), 10, [(true, false, [1])], || {
        let bucket = full::<1>(1, 0);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([5]).is_ok())
        };
        // In the plain way of a take whose stripe is short.
        let mine = bucket.try_take([3]).is_ok();
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// Three streams are taken together or not at all.
    ///
    /// Two threads, one call each on one stripe; at most three preemptions. Fails if the orderings
    /// of the mark are Relaxed, or if it does not keep the other out.
    three_streams_are_taken_together_or_not_at_all, Some(3), 10, [(true, false, [1; 3]), (false, true, [2; 3])], || {
        let bucket = full::<3>(1, 0);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([3; 3]).is_ok())
        };
        let mine = bucket.try_take([2; 3]).is_ok();
        let other = other.join().unwrap();
        (other, mine, bucket.available())
    }
}

model! {
    /// Who needs both stripes of three streams, beside one who takes from one of them.
    ///
    /// Two threads, one call each; at most one preemption.
    three_streams_beside_a_thief_lose_nothing, Some(1), 10, [(true, false, [5; 3]), (false, true, [2; 3])], || {
        let bucket = full::<3>(2, 0);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([3; 3]).is_ok())
        };
        let stole = bucket.try_take([6; 3]).is_ok();
        let took = taker.join().unwrap();
        (took, stole, bucket.available())
    }
}

model! {
    /// Who enters the line beside a take of three streams gets what that leaves, at the next take
    /// at the latest.
    ///
    /// Two threads: a wait for all tokens but one, and two takes from the stripe; at most one
    /// preemption. A missed wake is a deadlock. Fails if cells count whatever their ticket, or if
    /// what does not count is not brought home.
    who_enters_beside_a_take_of_three_streams_gets_the_rest, Some(1), 10, [(true, [0; 3])], || {
        let bucket = full::<3>(1, 5);
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_blocking([8; 3]).unwrap())
        };
        let took = bucket.try_take([1; 3]).is_ok();
        let next = bucket.try_take([2; 3]).is_ok();
        if next {
            bucket.put_back([2; 3]);
        }
        waiter.join().unwrap();
        (took, bucket.available())
    }
}
