//! No take, no refusal and no wait allocates; the growth of slots does, once, and only when the
//! slots inside a bucket run out, and so does the list of those who wait on limits that can change,
//! once for each bucket.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tollgate::clock::{ManualClock, Monotonic, Time};
use tollgate::wait::Timer;
use tollgate::{Clock, Gate, Lease, Limit, MultiBucket, TokenBucket};

/// The system's allocator, which counts for each thread by itself, so that tests do not disturb
/// each other.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes that this thread allocated and did not free.
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

// SAFETY: every method passes its arguments on to `System` unchanged, and counting neither
// allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        add(layout.size() as i64);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        add(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        add(size as i64 - layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        add(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
}

fn add(bytes: i64) {
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

/// How often this thread allocates during the call.
fn allocations<R>(call: impl FnOnce() -> R) -> u64 {
    let before = ALLOCATIONS.get();
    black_box(call());
    ALLOCATIONS.get() - before
}

#[test]
fn allocations_are_counted() {
    assert_eq!(allocations(|| Box::new(1)), 1);
    assert_eq!(allocations(|| vec![0u64; 1000]), 1);
    assert_eq!(allocations(|| 1), 0);
}

#[cfg(feature = "std")]
#[test]
fn no_take_from_stripes_allocates() {
    let limits = [Limit::per_second(100_000), Limit::per_second(1 << 20)];
    let bucket = tollgate::bucket::StripedBucket::with_stripes(limits, ManualClock::new(), 4).unwrap();
    let used = allocations(|| {
        for _ in 0..200 {
            black_box(bucket.try_take([700, 7]).is_ok());
        }
        black_box((bucket.take_items(9, [1, 1]), bucket.available(), bucket.wait_for([1, 1]).is_ok()));
        bucket.put_back([5, 5]);
        bucket.reset([1000, 1000]);
        bucket.pause();
    });
    assert_eq!(used, 0);
}

#[test]
fn no_call_of_a_token_bucket_or_a_lease_allocates() {
    for text in ["1000/s", "1MiB/s", "0/s"] {
        let limit = Limit::new(text.parse().unwrap(), 100);
        let mut bucket = None;
        let made = allocations(|| bucket = TokenBucket::with_clock(limit, Monotonic::new(ManualClock::new())).ok());
        let bucket = bucket.unwrap();
        let used = allocations(|| {
            for n in [1, 99, 1, 101, u64::MAX, 0] {
                if let Err(refused) = black_box(bucket.try_take(n)) {
                    black_box((refused.wait(), refused.stream()));
                }
            }
            bucket.put_back(50);
            assert!(bucket.wait_for(5).is_ok());
            black_box((bucket.take_up_to(70), bucket.available(), bucket.clock().now()));
            black_box((bucket.take_in_order(&[1, 2, 200]), lease(bucket.lease(16))));
            bucket.reset(100);
        });
        assert_eq!((made, used), (0, 0), "{limit}");
        assert_eq!(bucket.available(), 100);
    }
}

fn lease<C: Clock>(mut lease: Lease<&TokenBucket<C>>) {
    for n in [1, 1, 1, 50, 101, 0] {
        black_box((lease.try_take(n).is_ok(), lease.take_up_to(n)));
    }
    lease.put_back(20);
    black_box(lease.at(Time::MAX).held());
    lease.give_back();
}

fn multi_lease<const N: usize, C: Clock>(mut lease: Lease<&MultiBucket<N, C>, N>) {
    for n in [1, 1, 1, 50, 101, 0] {
        black_box((lease.try_take([n; N]).is_ok(), lease.take_items(3, [n; N])));
    }
    lease.put_back([20; N]);
    black_box(lease.at(Time::MAX).held());
    lease.give_back();
}

fn multi_bucket<const N: usize>() {
    let bucket = MultiBucket::with_clock([Limit::per_second(333).capacity(100); N], ManualClock::new()).unwrap();
    let mut handle = None;
    let checked_out = allocations(|| handle = bucket.handle().ok());
    let handle = handle.unwrap();
    let mut refusals = 0;
    let used = allocations(|| {
        for n in [1, 98, 1, 1, 101, u64::MAX, 0] {
            for answer in [bucket.try_take([n; N]), handle.try_take([n; N])] {
                if let Err(refused) = answer {
                    refusals += 1;
                    black_box((refused.wait(), refused.stream()));
                }
            }
        }
        bucket.put_back([50; N]);
        handle.put_back([1; N]);
        black_box((bucket.take_items(7, [5; N]), handle.take_items(7, [1; N])));
        assert!(bucket.wait_for([5; N]).is_ok() && bucket.snapshot().check([9; N]).is_ok());
        black_box(bucket.available());
        black_box((bucket.take_in_order(&[[1; N], [2; N]]), handle.take_in_order(&[[1; N], [200; N]])));
        multi_lease(bucket.lease([16; N]));
        bucket.reset([100; N]);
    });
    assert_eq!((checked_out, used), (0, 0), "{N} streams");
    assert_eq!(refusals, 9, "{N} streams");
    assert_eq!(allocations(|| drop(handle)), 0, "{N} streams");
}

#[test]
fn no_call_of_a_multi_bucket_a_handle_or_a_lease_allocates() {
    multi_bucket::<1>();
    multi_bucket::<2>();
    multi_bucket::<8>();
}

/// A bucket with one slot inside has none to prepare the next version in: the first take must link
/// a block.
#[test]
#[cfg(feature = "alloc")]
fn a_bucket_out_of_slots_grows_once_and_never_again_for_as_many_callers() {
    let bucket = MultiBucket::<2, _, 1>::with_slots([Limit::per_second(1000); 2], ManualClock::new()).unwrap();
    assert_eq!(allocations(|| bucket.try_take([0, 0])), 0, "a call that writes nothing needs no slot");
    assert_eq!(allocations(|| bucket.try_take([2000, 1])), 0, "nor does a refusal");
    let first = allocations(|| bucket.try_take([1, 1]));
    assert!((1..=2).contains(&first), "the first take: {first} allocations");
    let next = allocations(|| (0..100).all(|_| bucket.try_take([1, 1]).is_ok()));
    assert_eq!(next, 0, "the takes after it");
    assert_eq!(bucket.available(), [899, 899]);
}

#[test]
#[cfg(feature = "alloc")]
fn handles_beyond_the_slots_inside_grow_the_bucket_by_doubling() {
    let bucket = MultiBucket::<1, _, 1>::with_slots([Limit::per_second(1000)], ManualClock::new()).unwrap();
    let (mut handles, mut growths) = (Vec::with_capacity(100), 0);
    for _ in 0..100 {
        growths += u64::from(allocations(|| handles.push(bucket.handle().unwrap())) > 0);
    }
    // Blocks of 2, 4, 8, 16, 32 and 64 slots beside the one inside.
    assert_eq!(growths, 6);
    let used =
        allocations(|| handles.iter_mut().all(|handle| handle.try_take([1]).is_ok() && bucket.try_take([1]).is_ok()));
    assert_eq!((used, bucket.available()), (0, [800]));
    handles.clear();
    let again = allocations(|| {
        for _ in 0..100 {
            handles.push(bucket.handle().unwrap());
        }
    });
    assert_eq!(again, 0, "slots that were given back are used again");
}

#[test]
#[cfg(feature = "keys")]
fn no_call_for_a_known_key_allocates() {
    use tollgate::KeyedBuckets;

    let limit = Limit::per_second(1000).capacity(100);
    let one = KeyedBuckets::<String, 1, _>::with_clock(limit, 10, ManualClock::new()).unwrap();
    let two = KeyedBuckets::<String, 2, _>::with_clock([limit; 2], 10, ManualClock::new()).unwrap();
    assert!(allocations(|| (one.try_take("alice", 1).is_ok(), two.try_take("alice", [1, 1]).is_ok())) > 0, "it is new");
    let used = allocations(|| {
        for n in [1, 50, 101, u64::MAX, 0] {
            black_box((one.try_take("alice", n).is_ok(), two.try_take("alice", [n, 1]).is_ok()));
        }
        black_box((one.take_up_to("alice", 7, 2), two.take_up_to("alice", 7, [2, 1])));
        one.put_back("alice", 50);
        two.put_back("alice", [50, 50]);
        assert!(one.wait_for("alice", 100).is_ok() && two.wait_for("alice", [100, 1]).is_ok());
        black_box((one.available("alice"), two.available("alice"), one.available("bob"), one.len()));
        // Nor does one that is refused, or that is not there to be given back to.
        black_box((one.try_take("bob", 101).is_ok(), two.try_take("bob", [1, 101]).is_ok()));
        one.put_back("bob", 1);
    });
    assert_eq!(used, 0);
}

/// A timer that does not allocate itself.
struct Hand<'a>(&'a ManualClock);

struct Sleep<'a>(&'a ManualClock, Time);

impl<'a> Timer for Hand<'a> {
    type Sleep = Sleep<'a>;

    fn sleep(&self, duration: Duration) -> Sleep<'a> {
        Sleep(self.0, self.0.now().after(duration))
    }
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.now() >= self.1 { Poll::Ready(()) } else { Poll::Pending }
    }
}

/// What the documentation says of the memory of a line, and that it goes.
#[test]
#[cfg(feature = "keys")]
fn the_line_of_a_key_takes_so_many_bytes_and_is_gone_with_its_last_waiter() {
    let keys = tollgate::KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(1), 100, ManualClock::new()).unwrap();
    keys.try_take(&7, 1).unwrap();
    let live = || LIVE.with(Cell::get);
    let before = live();
    let mut waits: Vec<_> = Vec::with_capacity(100);
    let mut taken = Vec::with_capacity(100);
    for _ in 0..100 {
        let mut wait = Box::pin(keys.bucket(&7).take_on(1, Hand(keys.clock())));
        let boxed = live();
        assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        taken.push(live() - boxed);
        waits.push(wait);
    }
    let (first, further) = (taken[0], taken[1..].iter().sum::<i64>() / 99);
    assert!(first <= 2100 && further <= 450, "{first} bytes, and {further} for each further waiter");
    drop(waits);
    drop(taken);
    assert!(live() <= before, "{} bytes are left", live() - before);
}

/// Each time one waits, and a reservation behind it is committed; the next one comes before it is
/// served, so somebody always waits.
#[test]
fn a_committed_reservation_takes_no_memory_once_it_is_paid_though_others_wait() {
    let bucket = TokenBucket::with_clock(Limit::per_second(1000).empty(), ManualClock::new()).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    let mut first = Box::pin(bucket.take_on(1, Hand(bucket.clock())));
    assert!(first.as_mut().poll(&mut context).is_pending());
    let mut live = Vec::with_capacity(2);
    for turn in 0..2000 {
        bucket.reserve(1).unwrap().commit();
        let mut next = Box::pin(bucket.take_on(1, Hand(bucket.clock())));
        assert!(next.as_mut().poll(&mut context).is_pending());
        bucket.clock().advance(Duration::from_millis(2));
        assert!(first.as_mut().poll(&mut context).is_ready());
        first = next;
        if turn == 999 || turn == 1999 {
            live.push(LIVE.get());
        }
    }
    assert_eq!(live[0], live[1]);
}

#[test]
fn no_wait_allocates_except_in_its_timer() {
    let clock = ManualClock::new();
    let limit = Limit::per_second(10).empty();
    let single = TokenBucket::with_clock(limit, &clock).unwrap();
    let double = MultiBucket::with_clock([limit; 2], &clock).unwrap();
    let mut context = Context::from_waker(Waker::noop());
    // The line, the lists of those who are told of changes and who are woken, and room for a few in
    // each.
    for _ in 0..2 {
        let timer = Hand(&clock);
        let mut first = pin!(single.take_on(1, &timer));
        let mut second = pin!(single.take_on(1, &timer));
        let mut both = pin!(double.take_on([1, 1], &timer));
        let mut ready = pin!(double.until_available_on([1, 1], &timer));
        assert!(first.as_mut().poll(&mut context).is_pending() && second.as_mut().poll(&mut context).is_pending());
        assert!(both.as_mut().poll(&mut context).is_pending() && ready.as_mut().poll(&mut context).is_pending());
        // Without a line it is a debt, whose instant stays.
        if cfg!(feature = "std") {
            double.put_back([1, 1]);
            assert!(both.poll(&mut context).is_ready());
        }
    }
    let used = allocations(|| {
        let (timer, minute) = (Hand(&clock), Duration::from_secs(60));
        let mut one = pin!(single.take_timeout_on(3, minute, &timer));
        let mut ready = pin!(double.until_available_on([1, 2], &timer));
        let mut two = pin!(double.take_on([1, 3], &timer));
        assert!(ready.as_mut().poll(&mut context).is_pending());
        assert!(one.as_mut().poll(&mut context).is_pending() && two.as_mut().poll(&mut context).is_pending());
        {
            let mut cancelled = pin!(single.take_on(1, &timer));
            assert!(cancelled.as_mut().poll(&mut context).is_pending());
        }
        assert!(black_box(pin!(single.take_timeout_on(1, Duration::ZERO, &timer)).poll(&mut context)).is_ready());
        clock.advance(minute);
        assert!(one.poll(&mut context).is_ready() && ready.poll(&mut context).is_ready());
        assert!(two.poll(&mut context).is_ready());
    });
    assert_eq!(used, 0);
}

#[test]
fn ten_thousand_changes_of_the_limits_allocate_nothing() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(10)], ManualClock::new()).unwrap();
    let set = |n| bucket.set_limits([Limit::per_second(n), Limit::per_second(2 * n)]).unwrap();
    // Both revisions that are ever in use at once lie in the bucket. All that is allocated is the
    // list of those who wait.
    let list = u64::from(cfg!(feature = "std"));
    let first = allocations(|| (1..3).for_each(set));
    let later = allocations(|| {
        for n in 1..10_000 {
            set(n);
            let _ = black_box((bucket.try_take([1, 1]), bucket.snapshot(), bucket.limits()));
        }
    });
    assert_eq!((first, later), (list, 0));
}

/// With `alloc`: a revision that a pause does not give back would soon need a further block.
#[test]
#[cfg(feature = "alloc")]
fn a_hundred_pauses_allocate_nothing() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10)], ManualClock::new()).unwrap();
    let turn = || {
        bucket.pause();
        bucket.set_limit(Limit::per_second(10)).unwrap();
        bucket.resume();
    };
    let _list = allocations(turn);
    assert_eq!(allocations(|| (0..100).for_each(|_| turn())), 0);
}

#[test]
fn no_gate_allocates() {
    let clock = &ManualClock::new();
    let narrow = TokenBucket::with_clock(Limit::per_second(10), clock).unwrap();
    let wide = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(1000)], clock).unwrap();
    let gate = Gate::new().and(&narrow, 1).and(&wide, [1, 500]);
    assert_eq!(allocations(|| gate.peek().is_ok()), 0);
    assert_eq!(allocations(|| assert!(gate.try_take().is_ok())), 0);
    assert_eq!(allocations(|| gate.try_take().unwrap().put_back()), 0);
    assert_eq!(allocations(|| assert!(gate.try_take().is_ok())), 0);
    assert_eq!(allocations(|| assert!(gate.try_take().unwrap_err().wait() > Some(Duration::ZERO))), 0);
    // Those who wait stand in lists, which are made once for each bucket.
    #[cfg(feature = "std")]
    {
        let never = tollgate::wait::timer_fn(|_| std::future::pending::<()>());
        let wait = || {
            let mut wait = pin!(gate.take_on(never));
            assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        };
        wait();
        assert_eq!(allocations(wait), 0);
    }
}

#[cfg(feature = "keys")]
#[test]
fn no_gate_allocates_for_a_key_that_is_known() {
    let clock = &ManualClock::new();
    let clients = tollgate::KeyedBuckets::<u64, 1, _>::with_clock(Limit::per_second(10), 100, clock).unwrap();
    clients.try_take(&7, 1).unwrap();
    let service = TokenBucket::with_clock(Limit::per_second(2), clock).unwrap();
    let gate = || Gate::new().and(clients.bucket(&7), 1).and(&service, 1).try_take().is_ok();
    assert_eq!(allocations(|| assert!(gate() && gate())), 0);
    assert_eq!(allocations(|| assert!(!gate())), 0);
}
