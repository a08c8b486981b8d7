//! Owns the soak: many threads on one bucket, and all its grants. It never judges them.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use tollgate::clock::Time;
use tollgate::{Clock, Limit, MultiBucket, TokenBucket};

use crate::random::Random;
use crate::windows::Call;

/// The plan of a soak's threads.
#[derive(Clone, Copy, Debug)]
pub struct Plan<const N: usize> {
    pub limits: [Limit; N],
    /// The largest request.
    pub most: [u64; N],
    /// One grant in this many is put back; 0 for none.
    pub put_back: u64,
}

/// The way of a call to the bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Shared,
    /// Through a handle for each thread.
    Handles,
}

/// All grants and put-backs of one stream.
#[derive(Clone, Default, Debug)]
pub struct Record {
    pub grants: Vec<Call>,
    pub put_backs: Vec<Call>,
}

/// A take at a given time, which returns whether it was granted.
type Take<'a, const N: usize> = Box<dyn FnMut(Time, [u64; N]) -> bool + 'a>;

/// The way of one thread to a bucket.
struct Caller<'a, const N: usize> {
    clock: &'a dyn Clock,
    take: Take<'a, N>,
    put_back: Box<dyn Fn(Time, [u64; N]) + 'a>,
}

/// Soaks a `TokenBucket`.
pub fn token_bucket(plan: Plan<1>, threads: usize, time: Duration) -> [Record; 1] {
    let bucket = TokenBucket::new(plan.limits[0]).expect("a limit in range");
    run(plan, threads, time, || Caller {
        clock: bucket.clock(),
        take: Box::new(|now, [n]| bucket.at(now).try_take(n).is_ok()),
        put_back: Box::new(|now, [n]| bucket.at(now).put_back(n)),
    })
}

/// Soaks a `MultiBucket`.
pub fn multi_bucket<const N: usize>(plan: Plan<N>, way: Way, threads: usize, time: Duration) -> [Record; N] {
    let bucket = MultiBucket::new(plan.limits).expect("limits in range");
    run(plan, threads, time, || Caller {
        clock: bucket.clock(),
        take: match way {
            Way::Shared => Box::new(|now, amounts| bucket.at(now).try_take(amounts).is_ok()),
            Way::Handles => {
                let handle = bucket.handle().expect("enough slots");
                Box::new(move |now, amounts| handle.at(now).try_take(amounts).is_ok())
            }
        },
        put_back: Box::new(|now, amounts| bucket.at(now).put_back(amounts)),
    })
}

fn run<'a, const N: usize>(
    plan: Plan<N>,
    threads: usize,
    time: Duration,
    caller: impl Fn() -> Caller<'a, N> + Sync,
) -> [Record; N] {
    let stop = AtomicBool::new(false);
    let mut records = std::array::from_fn(|_| Record::default());
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads)
            .map(|thread| {
                let (caller, stop) = (&caller, &stop);
                scope.spawn(move || work(plan, caller(), Random::new(thread as u64), stop))
            })
            .collect();
        thread::sleep(time);
        stop.store(true, Relaxed);
        for thread in threads {
            let more = thread.join().expect("no call panics");
            for (record, more) in records.iter_mut().zip(more) {
                record.grants.extend(more.grants);
                record.put_backs.extend(more.put_backs);
            }
        }
    });
    records
}

fn work<const N: usize>(plan: Plan<N>, caller: Caller<'_, N>, mut random: Random, stop: &AtomicBool) -> [Record; N] {
    let Caller { clock, mut take, put_back } = caller;
    let mut records = std::array::from_fn(|_| Record::default());
    // The second reading costs as much as the call. Only the placing of put-backs needs it.
    let over = |at: Time| if plan.put_back == 0 { at } else { clock.now() }.as_nanos();
    while !stop.load(Relaxed) {
        let amounts = plan.most.map(|most| random.between(1, most));
        let now = clock.now();
        // Sometimes the reading is stale when it is used.
        if random.one_in(64) {
            thread::yield_now();
        }
        if !take(now, amounts) {
            continue;
        }
        let over_at = over(now);
        for (record, tokens) in records.iter_mut().zip(amounts) {
            record.grants.push(Call { at: now.as_nanos(), over: over_at, tokens });
        }
        if plan.put_back > 0 && random.one_in(plan.put_back) {
            let now = clock.now();
            put_back(now, amounts);
            let over_at = over(now);
            for (record, tokens) in records.iter_mut().zip(amounts) {
                record.put_backs.push(Call { at: now.as_nanos(), over: over_at, tokens });
            }
        }
    }
    records
}
