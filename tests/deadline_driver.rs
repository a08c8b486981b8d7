//! A driver hands out every item once: in batches, when they are due, until the queue is closed.
#![cfg(feature = "std")]

mod common;

use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::nanos;
use tollgate::clock::{ManualClock, Time};
use tollgate::deadline::{DeadlineQueue, Drained, Entry, ShardedDeadlineQueue};
use tollgate::wait::Timer;
use tollgate::{Clock, Limit, MultiBucket};

const TENTH: u64 = 100_000_000;
const HOUR: Duration = Duration::from_secs(3600);

/// Ten a second, up to ten.
fn ten() -> Limit {
    Limit::per_second(10)
}

type Queue<'a> = DeadlineQueue<u64, 1, &'a ManualClock>;

fn queue(clock: &ManualClock, limit: Limit) -> Queue<'_> {
    DeadlineQueue::new(MultiBucket::with_clock([limit], clock).unwrap())
}

fn push(queue: &Queue<'_>, items: impl IntoIterator<Item = u64>) {
    for item in items {
        queue.push(Entry::new(item, [1])).unwrap();
    }
}

/// A timer on a clock that is moved by hand. It never wakes its task: the test polls it.
#[derive(Clone, Copy)]
struct Hand<'a>(&'a ManualClock);

struct HandSleep<'a>(&'a ManualClock, Time);

impl<'a> Timer for Hand<'a> {
    type Sleep = HandSleep<'a>;

    fn sleep(&self, duration: Duration) -> HandSleep<'a> {
        HandSleep(self.0, self.0.now().after(duration))
    }
}

impl Future for HandSleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.now() >= self.1 { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A task that is polled only when it was woken, or when its timer has passed.
struct Task<F> {
    future: Pin<Box<F>>,
    wakes: Arc<Wakes>,
    ended: bool,
}

impl<F: Future<Output = ()>> Task<F> {
    fn new(future: F) -> Self {
        let wakes = Arc::new(Wakes(AtomicUsize::new(1)));
        Self { future: Box::pin(future), wakes, ended: false }
    }

    /// Polls it as long as it is woken. Says whether it has ended.
    fn run(&mut self) -> bool {
        while !self.ended && self.wakes.0.swap(0, Relaxed) > 0 {
            self.poll();
        }
        self.ended
    }

    /// Polls it as a timer would.
    fn poll(&mut self) {
        let waker = Waker::from(Arc::clone(&self.wakes));
        self.ended |= self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
    }

    /// Moves the clock to this time, as a timer would that wakes the task then.
    fn at(&mut self, clock: &ManualClock, now: u64) -> bool {
        clock.set(nanos(now));
        self.poll();
        self.run()
    }
}

/// What a driver handed out, and when.
#[derive(Default)]
struct Sent(RefCell<Vec<(u64, Vec<u64>)>>);

impl Sent {
    fn add(&self, clock: &ManualClock, batch: Drained<u64>) {
        assert!(!batch.is_empty() && batch.never.is_empty());
        let items = batch.expired.into_iter().chain(batch.admitted).collect();
        self.0.borrow_mut().push((clock.now().as_nanos() / TENTH, items));
    }

    fn take(&self) -> Vec<(u64, Vec<u64>)> {
        self.0.take()
    }
}

/// Starts a driver, in tenths of a second.
macro_rules! driver {
    ($queue:expr, $clock:expr, $sent:expr, $linger:expr, $max:expr) => {
        Task::new($queue.run(Hand($clock), Duration::from_nanos($linger * TENTH), $max, |batch| {
            $sent.add($clock, batch);
            ready(())
        }))
    };
}

#[test]
fn a_batch_goes_when_it_is_full_or_has_lingered() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    let mut driver = driver!(queue, &clock, sent, 5, 3);
    push(&queue, [1, 2]);
    assert!(!driver.run() && sent.take().is_empty());
    push(&queue, [3, 4]);
    driver.run();
    assert_eq!(sent.take(), [(0, vec![1, 2, 3])]);
    // The fourth came when the first did.
    driver.at(&clock, 5 * TENTH - 1);
    assert_eq!(sent.take(), []);
    driver.at(&clock, 5 * TENTH);
    assert_eq!(sent.take(), [(5, vec![4])]);
    clock.set(nanos(6 * TENTH));
    push(&queue, [5]);
    driver.run();
    driver.at(&clock, 11 * TENTH - 1);
    assert_eq!(sent.take(), []);
    driver.at(&clock, 11 * TENTH);
    assert_eq!(sent.take(), [(11, vec![5])]);
}

#[test]
fn a_deadline_ends_the_linger_and_an_expiry_is_handed_out_when_it_comes() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    let mut driver = driver!(queue, &clock, sent, 1000, 100);
    queue.push(Entry::new(1, [1]).deadline(nanos(3 * TENTH))).unwrap();
    driver.run();
    driver.at(&clock, 3 * TENTH - 1);
    assert_eq!(sent.take(), []);
    driver.at(&clock, 3 * TENTH);
    assert_eq!(sent.take(), [(3, vec![1])]);
    queue.bucket().pause();
    queue.push(Entry::new(2, [1]).expires(nanos(4 * TENTH))).unwrap();
    driver.run();
    driver.at(&clock, 4 * TENTH);
    assert_eq!(sent.take(), [(4, vec![2])]);
}

/// Every deadline has passed, and ten items go in a tenth of a second.
#[test]
fn where_tokens_are_short_deadlines_that_passed_do_not_make_small_batches() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, Limit::per_second(100).capacity(50).empty());
    for item in 0..30 {
        queue.push(Entry::new(item, [1]).deadline(nanos(0))).unwrap();
    }
    let mut driver = driver!(queue, &clock, sent, 1, 100);
    driver.run();
    for hundredth in 1..=31 {
        driver.at(&clock, hundredth * TENTH / 10);
    }
    // The first has never been asked for, so its deadline counts.
    assert_eq!(sent.take().into_iter().map(|(_, items)| items.len()).collect::<Vec<_>>(), [1, 10, 10, 9]);
    // A deadline that passes later ends the linger, also of those behind.
    clock.set(nanos(4 * TENTH));
    queue.bucket().reset([0]);
    push(&queue, [30]);
    queue.push(Entry::new(31, [2]).deadline(nanos(4 * TENTH))).unwrap();
    driver.run();
    driver.at(&clock, 4 * TENTH + TENTH / 5);
    assert_eq!(sent.take(), [(4, vec![31])]);
    queue.push(Entry::new(32, [1]).deadline(nanos(4 * TENTH + TENTH / 2))).unwrap();
    driver.run();
    driver.at(&clock, 4 * TENTH + TENTH / 2);
    assert_eq!(sent.take(), [(4, vec![32, 30])]);
}

/// A capacity of 10 is refilled in a second, and the linger is a hundred. To linger for all of it
/// would lose 990 of 1000 tokens.
#[test]
fn lingering_ends_when_the_bucket_holds_all_that_it_can_grant_at_once() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    push(&queue, 0..1000);
    let mut driver = driver!(queue, &clock, sent, 1000, 500);
    driver.run();
    for second in 1..=99 {
        driver.at(&clock, 10 * second * TENTH);
    }
    let sent = sent.take();
    assert_eq!(sent.len(), 100);
    assert!(sent.into_iter().flat_map(|(_, items)| items).eq(0..1000));
}

#[test]
fn a_driver_that_sleeps_is_woken_by_limits_pauses_and_tokens_that_come_back() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    queue.bucket().try_take([10]).unwrap();
    let mut driver = driver!(queue, &clock, sent, 0, 100);
    push(&queue, [1]);
    driver.run();
    assert_eq!(sent.take(), []);
    queue.put_back([1]);
    driver.run();
    assert_eq!(sent.take(), [(0, vec![1])]);
    // It sleeps for a tenth of a second, and then for a hundredth.
    push(&queue, [2]);
    driver.run();
    queue.bucket().set_limits([Limit::per_second(100).capacity(10)]).unwrap();
    driver.run();
    driver.at(&clock, TENTH / 10);
    assert_eq!(sent.take(), [(0, vec![2])]);
    // It sleeps for good, and then not at all.
    queue.bucket().pause();
    push(&queue, [3]);
    driver.run();
    clock.advance(HOUR);
    driver.poll();
    assert_eq!(sent.take(), []);
    queue.bucket().resume();
    driver.run();
    clock.advance(Duration::from_secs(1));
    driver.poll();
    assert_eq!(sent.take().len(), 1);
}

#[test]
fn a_closed_queue_is_emptied_without_lingering_as_the_bucket_grants_and_the_driver_ends() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten().capacity(2));
    let mut driver = driver!(queue, &clock, sent, 1000, 100);
    push(&queue, [1]);
    driver.run();
    assert_eq!(sent.take(), []);
    push(&queue, [2, 3]);
    driver.run();
    assert_eq!(sent.take(), [(0, vec![1, 2])]);
    queue.close();
    assert!(!driver.run(), "one waits for a token");
    assert!(driver.at(&clock, TENTH));
    assert_eq!(sent.take(), [(1, vec![3])]);
    assert!(driver!(queue, &clock, sent, 1000, 100).run(), "another one finds it closed and empty");
}

#[test]
fn a_driver_ends_when_its_bucket_is_closed_and_leaves_the_items() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    push(&queue, [1]);
    queue.bucket().close();
    assert!(driver!(queue, &clock, sent, 0, 100).run());
    assert_eq!((sent.take(), queue.flush_uncharged().unwrap().admitted), (vec![], vec![1]));
}

#[test]
fn a_maximum_of_0_counts_as_1() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    push(&queue, [1, 2]);
    queue.close();
    assert!(driver!(queue, &clock, sent, 0, 0).run());
    assert_eq!(sent.take(), [(0, vec![1]), (0, vec![2])]);
}

/// The driver is dropped after each number of polls, with a handler that takes two polls.
#[test]
fn a_driver_that_is_dropped_anywhere_has_lost_nothing_that_it_did_not_hand_out() {
    for polls in 0..20 {
        let clock = ManualClock::new();
        let queue = queue(&clock, ten());
        push(&queue, 0..10);
        let handed = RefCell::new(vec![]);
        {
            let mut driver = pin!(queue.run(Hand(&clock), Duration::ZERO, 2, |batch| {
                handed.borrow_mut().extend(batch.admitted);
                let mut first = true;
                std::future::poll_fn(move |_| if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) })
            }));
            for _ in 0..polls {
                assert!(driver.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            }
        }
        let mut all = handed.into_inner();
        assert_eq!(all.len(), 2 * polls.min(5), "a batch a poll");
        all.extend(queue.flush_uncharged().unwrap().admitted);
        assert!(all.into_iter().eq(0..10), "{polls} polls");
    }
}

/// So does one whose handler never completes.
#[test]
fn while_a_batch_is_under_way_no_other_is_drained_but_by_another_driver() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    push(&queue, 0..4);
    let mut stuck = Task::new(queue.run(Hand(&clock), Duration::ZERO, 2, |batch| {
        sent.add(&clock, batch);
        pending()
    }));
    stuck.run();
    push(&queue, [4]);
    stuck.poll();
    assert_eq!(sent.take(), [(0, vec![0, 1])]);
    driver!(queue, &clock, sent, 0, 2).run();
    assert_eq!(sent.take(), [(0, vec![2, 3]), (0, vec![4])]);
}

/// A driver that wakes itself, or that a push does not wake, shows here.
#[test]
fn a_driver_with_nothing_to_do_is_not_woken_and_a_push_wakes_it_once() {
    let (clock, sent) = (ManualClock::new(), Sent::default());
    let queue = queue(&clock, ten());
    let mut driver = driver!(queue, &clock, sent, 10, 100);
    for item in 0..5 {
        driver.run();
        assert_eq!(driver.wakes.0.load(Relaxed), 0);
        push(&queue, [item]);
        assert_eq!(driver.wakes.0.load(Relaxed), 1);
    }
}

/// So a driver may be spawned on a runtime with several threads.
#[test]
fn drivers_are_send_if_the_timer_and_the_items_are() {
    fn is_send(_: impl Send) {}
    let clock = ManualClock::new();
    let shards = ShardedDeadlineQueue::<u64, u64, 1, _>::with_clock(&clock, |_, clock| {
        MultiBucket::with_clock([Limit::per_second(10)], clock)
    });
    is_send(queue(&clock, ten()).run(Hand(&clock), HOUR, 1, |_| ready(())));
    is_send(shards.run(Hand(&clock), HOUR, 1, |_, _| ready(())));
}

/// Threads push, and threads drive; tokens are plenty.
#[test]
fn threads_that_drive_hand_out_every_item_once_and_end_when_it_is_closed() {
    let (pushers, each, drivers) = (3, 2_000, 2);
    let queue = DeadlineQueue::new(MultiBucket::new([Limit::per_second(1_000_000)]).unwrap());
    let out = Mutex::new(vec![]);
    thread::scope(|scope| {
        for _ in 0..drivers {
            scope.spawn(|| {
                queue.run_blocking(Duration::from_micros(200), 100, |batch| {
                    assert!((1..=100).contains(&batch.admitted.len()));
                    out.lock().unwrap().extend(batch.admitted);
                });
            });
        }
        let pushing: Vec<_> = (0..pushers)
            .map(|pusher| {
                let queue = &queue;
                scope.spawn(move || {
                    for i in 0..each {
                        queue.push(Entry::new(pusher * each + i, [1])).unwrap();
                    }
                })
            })
            .collect();
        for pushing in pushing {
            pushing.join().unwrap();
        }
        queue.close();
    });
    let mut out = out.into_inner().unwrap();
    out.sort();
    assert!(out.into_iter().eq(0..pushers * each));
}

#[test]
fn a_thread_that_drives_sleeps_for_its_tokens_and_is_woken_by_a_change() {
    let limit = Limit::per_hour(1).capacity(1).empty();
    let queue = DeadlineQueue::new(MultiBucket::new([limit]).unwrap());
    queue.push(Entry::new(1, [1])).unwrap();
    let start = Instant::now();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(20));
            queue.bucket().set_limits([Limit::per_second(100).capacity(1)]).unwrap();
            queue.close();
        });
        queue.run_blocking(HOUR, 10, |batch| assert_eq!(batch.admitted, [1]));
    });
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(30) && took < Duration::from_secs(60), "{took:?}");
    assert!(queue.is_empty());
}

#[test]
fn shards_are_driven_each_by_its_own_limits_and_idle_ones_go() {
    let clock = ManualClock::new();
    let shards = ShardedDeadlineQueue::<u64, u64, 1, _>::with_clock(&clock, |key, clock| {
        MultiBucket::with_clock([Limit::per_second(10).capacity(*key)], clock)
    });
    let sent = RefCell::new(vec![]);
    let mut driver = Task::new(shards.run(Hand(&clock), Duration::from_nanos(TENTH / 2), 2, |key, batch| {
        sent.borrow_mut().push((clock.now().as_nanos() / TENTH, key, batch.admitted));
        ready(())
    }));
    driver.run();
    for key in 1..=2 {
        for item in 0..=2 {
            shards.push(key, Entry::new(item, [1])).unwrap();
        }
    }
    driver.run();
    sent.borrow_mut().sort();
    assert_eq!(sent.take(), [(0, 1, vec![0]), (0, 2, vec![0, 1])]);
    driver.at(&clock, TENTH);
    sent.borrow_mut().sort();
    assert_eq!(sent.take(), [(1, 1, vec![1]), (1, 2, vec![2])]);
    // A pause of the one shard, and its end, reach the driver that sleeps.
    shards.with_bucket(&1, |bucket| bucket.pause()).unwrap();
    driver.run();
    clock.set(nanos(100 * TENTH));
    shards.with_bucket(&1, |_| ()).unwrap();
    driver.run();
    assert_eq!((sent.take(), shards.len()), (vec![], 1));
    shards.with_bucket(&1, |bucket| bucket.reset([1])).unwrap();
    shards.with_bucket(&1, |bucket| bucket.resume()).unwrap();
    driver.run();
    assert_eq!(sent.take(), [(100, 1, vec![2])]);
    driver.at(&clock, 101 * TENTH);
    shards.push(3, Entry::new(9, [3])).unwrap();
    shards.close();
    assert!(driver.run());
    assert_eq!(sent.take(), [(101, 3, vec![9])]);
    assert!(!shards.with_bucket(&3, |bucket| bucket.available() == [3]).unwrap());
}
