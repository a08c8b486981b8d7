//! The line loses nobody: who enters, leaves, puts back or closes at once with others. A sleep
//! never ends by itself here, so a missed wake is a deadlock.
#![cfg(loom)]

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use loom::sync::Notify;
use loom_tests::{limit, model, thread, token_bucket};
use tollgate::clock::{ManualClock, Time};
use tollgate::wait::Timer;
use tollgate::{Granted, Limit, MultiBucket, Refused, TokenBucket};

/// The waker of a task.
struct Alarm(Notify);

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// A timer whose sleeps never end.
struct Never;

impl Timer for Never {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

/// A wait that can be given to another thread.
struct Task {
    wait: Pin<Box<dyn Future<Output = Result<Granted, Refused>> + Send>>,
    alarm: Arc<Alarm>,
}

impl Task {
    /// Waits for so many tokens, and has been polled once.
    fn waiting(bucket: &Arc<TokenBucket<ManualClock>>, n: u64) -> Self {
        let bucket = Arc::clone(bucket);
        let wait = Box::pin(async move { bucket.take_on(n, Never).await });
        let mut task = Self { wait, alarm: Arc::new(Alarm(Notify::new())) };
        assert!(task.poll().is_pending());
        task
    }

    fn poll(&mut self) -> Poll<Result<(), Refused>> {
        let waker = Waker::from(Arc::clone(&self.alarm));
        self.wait.as_mut().poll(&mut Context::from_waker(&waker)).map_ok(drop)
    }

    /// Polls when woken, until it is ready.
    fn finish(mut self) -> Result<(), Refused> {
        loop {
            self.alarm.0.wait();
            if let Poll::Ready(answer) = self.poll() {
                return answer;
            }
        }
    }
}

fn empty(capacity: u64) -> Arc<TokenBucket<ManualClock>> {
    let bucket = token_bucket(capacity);
    bucket.try_take(capacity).expect("a full bucket");
    bucket
}

model! {
    /// A put-back beside an entry is seen by it, or wakes it.
    ///
    /// Two threads, one call each; exhaustive. Fails if the orderings of `Word::touch` and of the
    /// compare-exchange in `Word::update` are Relaxed. Fails if an entry does not look again.
    a_put_back_beside_an_entry_wakes_it, None, 10, [0], || {
        let bucket = empty(1);
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_blocking(1).unwrap())
        };
        bucket.put_back(1);
        waiter.join().unwrap();
        bucket.available()
    }
}

model! {
    /// The same where the words are published in versions.
    ///
    /// Two threads, one call each; at most two preemptions.
    a_put_back_beside_an_entry_of_several_streams_wakes_it, Some(2), 10, [[0]], || {
        let bucket = Arc::new(MultiBucket::<1, _, 3>::with_slots([limit(1).empty()], ManualClock::new()).unwrap());
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_blocking([1]).unwrap())
        };
        bucket.put_back([1]);
        waiter.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A taker that begins after an entry stays out.
    ///
    /// Two threads: one waits for two tokens, then another puts one back and asks for it; at
    /// most two preemptions. Fails if `until` is not stored, or not looked at.
    a_taker_that_begins_after_an_entry_stays_out, Some(2), 1, [(false, true)], || {
        let bucket = empty(2);
        let first = Task::waiting(&bucket, 2);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                bucket.put_back(1);
                let took = bucket.try_take(1).is_ok();
                bucket.put_back(1);
                took
            })
        };
        let served = first.finish().is_ok();
        (taker.join().unwrap(), served)
    }
}

model! {
    /// A put-back that finds the lock held leaves a mark, which the holder serves.
    ///
    /// Two threads: one leaves the line, the other puts a token back for the first in it;
    /// at most three preemptions, as all take six minutes. Fails if the mark is not served, or is
    /// served before the lock is free.
    a_put_back_that_finds_the_lock_held_is_served, Some(3), 10, [true], || {
        let bucket = empty(1);
        let (first, second) = (Task::waiting(&bucket, 1), Task::waiting(&bucket, 1));
        let putter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.put_back(1))
        };
        drop(second);
        let served = first.finish().is_ok();
        putter.join().unwrap();
        served
    }
}

model! {
    /// Two who leave at once make room for the one behind them.
    ///
    /// Two threads, one drop each; at most three preemptions, as all take more than six minutes.
    /// Fails if who leaves tells nobody.
    two_who_leave_at_once_make_room_for_the_next, Some(3), 2, [true], || {
        let bucket = empty(2);
        bucket.put_back(1);
        let waiting = [2, 2, 1].map(|n| Task::waiting(&bucket, n));
        let [first, second, third] = waiting;
        let leaver = thread::spawn(move || drop(first));
        drop(second);
        let served = third.finish().is_ok();
        leaver.join().unwrap();
        served
    }
}

model! {
    /// Two who leave one after the other, while the lock is held, both count.
    ///
    /// Two threads: one drops two waits, the other puts a token back for the third; at most three
    /// preemptions. Fails if the orderings of `Departures::push` or `pop_all` are Relaxed.
    two_who_leave_one_after_the_other_both_count, Some(3), 10, [true], || {
        let bucket = empty(2);
        let [first, second, third] = [2, 2, 1].map(|n| Task::waiting(&bucket, n));
        let leaver = thread::spawn(move || {
            drop(first);
            drop(second);
        });
        bucket.put_back(1);
        let served = third.finish().is_ok();
        leaver.join().unwrap();
        served
    }
}

model! {
    /// Who enters beside a take gets the tokens that it left, or waits for them.
    ///
    /// Two threads, one call each, and a put-back of what was taken; at most three preemptions.
    an_entry_beside_a_take_gets_what_is_left, Some(3), 2, [0], || {
        let bucket = token_bucket(1);
        let taker = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || {
                if bucket.try_take(1).is_ok() {
                    bucket.put_back(1);
                }
            })
        };
        bucket.take_blocking(1).unwrap();
        taker.join().unwrap();
        bucket.available()
    }
}

model! {
    /// Who enters beside a close is let go.
    ///
    /// Two threads, one call each; exhaustive. Fails if those in the line are not woken.
    who_enters_beside_a_close_is_let_go, None, 2, [true], || {
        let bucket = empty(1);
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_blocking(1))
        };
        bucket.close();
        let closed = waiter.join().unwrap() == Err(Refused::Closed);
        closed && bucket.try_take(1) == Err(Refused::Closed)
    }
}

model! {
    /// A resume lets one go that enters beside it, or tells it.
    ///
    /// Two threads, one call each; at most two preemptions. Fails if a resume does not go to the
    /// line after it has published the limits.
    who_enters_beside_a_resume_is_told, Some(2), 10, [[2]], || {
        let bucket = Arc::new(MultiBucket::<1, _, 3>::with_slots([limit(3)], ManualClock::new()).unwrap());
        bucket.pause_for(Duration::from_secs(3600));
        let waiter = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.take_blocking([1]).unwrap())
        };
        bucket.resume();
        waiter.join().unwrap();
        bucket.available()
    }
}

model! {
    /// A change of limits beside the hand-over of a reservation: it moves the debt, or the debt is
    /// made under it.
    ///
    /// Two threads: the first of the line leaves, so that the reservation behind it becomes a debt;
    /// another makes the rate a thousand times faster, in other units; at most two preemptions.
    /// Fails if the debt is made of words and limits that are not of one version, or if a change
    /// does not move debts.
    a_change_beside_a_reservation_that_becomes_a_debt_moves_it, Some(2), 10, [(1, 2)], || {
        let bucket = Arc::new(MultiBucket::<1, _, 3>::with_slots([limit(1).empty()], ManualClock::new()).unwrap());
        let first = {
            let bucket = Arc::clone(&bucket);
            let wait = Box::pin(async move { bucket.take_on([1], Never).await });
            let mut first = Task { wait, alarm: Arc::new(Alarm(Notify::new())) };
            assert!(first.poll().is_pending());
            first
        };
        let place = bucket.reserve([1]).unwrap();
        let change = {
            let bucket = Arc::clone(&bucket);
            thread::spawn(move || bucket.set_limits([Limit::per_second(1000).capacity(1)]).unwrap())
        };
        drop(first);
        change.join().unwrap();
        // In milliseconds: when it is paid, and a token more.
        let ready = place.ready_at().unwrap().since(Time::ZERO).as_millis();
        place.commit();
        (ready, bucket.wait_for([1]).unwrap().unwrap().as_millis())
    }
}
