//! Tokens are neither created nor lost, whatever two threads do to one bucket.
#![cfg(loom)]

use std::sync::Arc;

use loom_tests::thread;
use loom_tests::{THREE_THREADS, model, multi_bucket, token_bucket};

model! {
    /// Two threads race for the last token: exactly one gets it.
    ///
    /// Two threads, two takes each; exhaustive. Fails if the compare-exchange in
    /// `Word::update` becomes a load and a store.
    the_last_token_goes_to_exactly_one_thread, None, 10, [(0, 2, 0), (1, 1, 0), (2, 0, 0)], || {
        let bucket = token_bucket(2);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || (0..2).filter(|_| bucket.try_take(1).is_ok()).count())
        };
        let mine = (0..2).filter(|_| bucket.try_take(1).is_ok()).count();
        (mine, other.join().unwrap(), bucket.available())
    }
}

model! {
    /// Two threads take, and each is told what its own step left.
    ///
    /// Two threads, one take each; exhaustive. Fails if what is left is read by a second look.
    a_grant_tells_what_its_own_step_left, None, 2, [(1, 2), (2, 1)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(1).map(|granted| granted.remaining()).unwrap())
        };
        let mine = bucket.try_take(1).map(|granted| granted.remaining()).unwrap();
        (mine, other.join().unwrap())
    }
}

model! {
    /// The same with two streams.
    ///
    /// Two threads, one take each; exhaustive. Fails if what is left is read by a second look.
    a_grant_of_two_streams_tells_what_its_own_step_left, None, 4, [([1, 2], [2, 5]), ([2, 5], [1, 2])], || {
        let bucket = multi_bucket::<2, 2>([3, 8]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 3]).map(|granted| granted.remaining_each()).unwrap())
        };
        let mine = bucket.try_take([1, 3]).map(|granted| granted.remaining_each()).unwrap();
        (mine, other.join().unwrap())
    }
}

model! {
    /// Tokens that come back while another thread takes are counted once.
    ///
    /// Two threads, two calls and one; exhaustive. Fails if the compare-exchange in
    /// `Word::update` becomes a load and a store.
    a_put_back_racing_a_take_is_counted_once, None, 5, [(true, 1), (false, 3)], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(2).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(2).is_ok())
        };
        bucket.put_back(1);
        bucket.put_back(1);
        let granted = other.join().unwrap();
        (granted, bucket.available())
    }
}

model! {
    /// Two simultaneous put-backs both count.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Word::update`
    /// becomes a load and a store.
    two_put_backs_both_count, None, 2, [5], || {
        let bucket = token_bucket(9);
        assert!(bucket.try_take(8).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.put_back(2))
        };
        bucket.put_back(2);
        other.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A partial take and an all-or-nothing take add up to the initial tokens.
    ///
    /// Two threads, one call each; exhaustive. Fails if `take_up_to` decides on one value of the
    /// word and swaps another.
    a_partial_take_gets_what_the_other_left, None, 2, [(3, false, 0), (1, true, 0)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(2).is_ok())
        };
        let mine = bucket.take_up_to(5);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// Three threads race for two tokens: exactly two of them get one.
    ///
    /// Three threads, one take each. Fails if the compare-exchange in `Word::update`
    /// becomes a load and a store.
    two_tokens_go_to_two_of_three_threads, Some(THREE_THREADS), 6, [[false, true, true], [true, false, true], [true, true, false]], || {
        let bucket = token_bucket(2);
        let others = [(), ()].map(|()| {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(1).is_ok())
        });
        let mine = bucket.try_take(1).is_ok();
        let [first, second] = others.map(|other| other.join().unwrap());
        [mine, first, second]
    }
}

model! {
    /// Both streams are debited together, once for each grant.
    ///
    /// Two threads, two takes and one; exhaustive. Fails if the compare-exchange in
    /// `Epoch::publish` becomes a load and a store.
    the_last_tokens_of_two_streams_go_together, None, 100, [(1, true, [0, 2]), (2, false, [0, 2])], || {
        let bucket = multi_bucket::<2, 3>([2, 4]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        let mine = (0..2).filter(|_| bucket.try_take([1, 1]).is_ok()).count();
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// Tokens of two streams that come back while another thread takes are counted once.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    a_put_back_to_two_streams_racing_a_take_is_counted_once, None, 20, [(true, [2, 1]), (true, [2, 2])], || {
        let bucket = multi_bucket::<2, 3>([4, 2]);
        assert!(bucket.try_take([3, 1]).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([1, 1]).is_ok())
        };
        bucket.put_back([2, 5]);
        let granted = other.join().unwrap();
        (granted, bucket.available())
    }
}

model! {
    /// A partial take of items and an all-or-nothing take add up to the initial tokens.
    ///
    /// Two threads, one call each; exhaustive. Fails if the compare-exchange in `Epoch::publish`
    /// becomes a load and a store.
    whole_items_get_what_the_other_left, None, 20, [(3, false, [0, 1]), (1, true, [0, 3])], || {
        let bucket = multi_bucket::<2, 3>([3, 7]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take([2, 2]).is_ok())
        };
        let mine = bucket.take_items(9, [1, 2]);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// A put-back of more than was ever taken fills the bucket, less later takes.
    ///
    /// Two threads, one call each; exhaustive. Fails if the amount in `Meter::put_back` is not cut
    /// off at the capacity.
    a_put_back_of_everything_fills_up, None, 2, [(true, 3), (true, 2)], || {
        let bucket = token_bucket(3);
        assert!(bucket.try_take(2).is_ok());
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.try_take(1).is_ok())
        };
        bucket.put_back(u64::MAX);
        (other.join().unwrap(), bucket.available())
    }
}

model! {
    /// A batch is one step: a take comes before both requests, or after both.
    ///
    /// The take never finds what only the first request left.
    ///
    /// Two threads, a batch of two and a take; exhaustive. Fails if `verbs::take_in_order` takes
    /// one request after the other.
    a_batch_is_one_step, None, 2, [(2, 0, 0), (0, 2, 1)], || {
        let bucket = token_bucket(3);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_up_to(2))
        };
        let mine = bucket.take_in_order(&[2, 1]);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}

model! {
    /// A batch over two streams is one step.
    ///
    /// Two threads, a batch of two and a take; exhaustive. Fails if `Versions::take_in_order` takes
    /// one request after the other.
    a_batch_of_two_streams_is_one_step, None, 20, [(2, 0, [0, 1]), (0, 2, [1, 2])], || {
        let bucket = multi_bucket::<2, 3>([3, 4]);
        let other = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_items(2, [1, 1]))
        };
        let mine = bucket.take_in_order(&[[2, 1], [1, 2]]);
        let other = other.join().unwrap();
        (mine, other, bucket.available())
    }
}
