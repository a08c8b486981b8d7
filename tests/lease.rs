//! A lease spends what it has fetched without the bucket; the bound has one term more, and nobody
//! but its holder gives anything back.

mod common;

use std::cell::Cell;
use std::thread;
use std::time::Duration;

use common::{Naive, Random, nanos};
use portable_atomic::{AtomicU64, Ordering::Relaxed};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Clock, Lease, Limit, MultiBucket, Never, Rate, Refused, TokenBucket};

const MILLISECOND: u64 = 1_000_000;
const HOUR: u64 = 3600 * 1000 * MILLISECOND;

/// A limit that never refills: what has left it shows.
fn budget(tokens: u64) -> Limit {
    Limit::per_second(0).capacity(tokens)
}

/// A clock that counts its readings.
#[derive(Default)]
struct Counting {
    now: Cell<u64>,
    readings: Cell<u64>,
}

impl Clock for Counting {
    fn now(&self) -> Time {
        self.readings.set(self.readings.get() + 1);
        nanos(self.now.get())
    }
}

/// What a lease of either kind can do, at the clock's time or at one that is supplied.
trait Verbs<const N: usize> {
    fn try_take(&mut self, at: Option<Time>, amounts: [u64; N]) -> Result<(), Refused<N>>;
    fn take_up_to(&mut self, at: Option<Time>, max: u64, per_item: [u64; N]) -> u64;
    fn put_back(&mut self, at: Option<Time>, amounts: [u64; N]);
    fn give_back(&mut self, at: Option<Time>);
    fn held(&self) -> [u64; N];
}

impl<C: Clock> Verbs<1> for Lease<&TokenBucket<C>> {
    fn try_take(&mut self, at: Option<Time>, [n]: [u64; 1]) -> Result<(), Refused> {
        match at {
            Some(now) => self.at(now).try_take(n),
            None => self.try_take(n),
        }
    }

    fn take_up_to(&mut self, at: Option<Time>, max: u64, per_item: [u64; 1]) -> u64 {
        assert_eq!(per_item, [1], "one stream has no items of several tokens");
        match at {
            Some(now) => self.at(now).take_up_to(max),
            None => self.take_up_to(max),
        }
    }

    fn put_back(&mut self, at: Option<Time>, [n]: [u64; 1]) {
        match at {
            Some(now) => self.at(now).put_back(n),
            None => self.put_back(n),
        }
    }

    fn give_back(&mut self, at: Option<Time>) {
        match at {
            Some(now) => self.at(now).give_back(),
            None => self.give_back(),
        }
    }

    fn held(&self) -> [u64; 1] {
        [self.held()]
    }
}

impl<const N: usize, C: Clock, const S: usize> Verbs<N> for Lease<&MultiBucket<N, C, S>, N> {
    fn try_take(&mut self, at: Option<Time>, amounts: [u64; N]) -> Result<(), Refused<N>> {
        match at {
            Some(now) => self.at(now).try_take(amounts),
            None => self.try_take(amounts),
        }
    }

    fn take_up_to(&mut self, at: Option<Time>, max: u64, per_item: [u64; N]) -> u64 {
        match at {
            Some(now) => self.at(now).take_items(max, per_item),
            None => self.take_items(max, per_item),
        }
    }

    fn put_back(&mut self, at: Option<Time>, amounts: [u64; N]) {
        match at {
            Some(now) => self.at(now).put_back(amounts),
            None => self.put_back(amounts),
        }
    }

    fn give_back(&mut self, at: Option<Time>) {
        match at {
            Some(now) => self.at(now).give_back(),
            None => self.give_back(),
        }
    }

    fn held(&self) -> [u64; N] {
        self.held()
    }
}

/// One stream of a lease, as the documentation tells it.
#[derive(Clone, Copy, Debug)]
struct Plain {
    held: u64,
    most: u64,
    fetched: u64,
    since: u64,
    expiry: u64,
}

impl Plain {
    fn chunk(&self, t: u64) -> u64 {
        let age = t.saturating_sub(self.since);
        let next = if age < self.expiry / 2 { self.fetched * 2 } else { self.fetched / 2 };
        next.max(1).min(self.most)
    }
}

fn available(bucket: &Naive, t: u64) -> u64 {
    bucket.items(t, t, 1, u64::MAX).0
}

fn expire<const N: usize>(bucket: &mut [Naive; N], lease: &mut [Plain; N], t: u64) {
    for (bucket, stream) in bucket.iter_mut().zip(lease) {
        if t.saturating_sub(stream.since) >= stream.expiry {
            bucket.put_back(t, stream.held);
            stream.held = 0;
        }
    }
}

/// How many items are granted; they are counted one by one.
fn take<const N: usize>(
    bucket: &mut [Naive; N],
    lease: &mut [Plain; N],
    capacities: [u64; N],
    t: u64,
    max: u64,
    per_item: [u64; N],
) -> u64 {
    let items = |there: [u64; N]| {
        (0..=max).rev().find(|items| (0..N).all(|i| per_item[i] * items <= there[i])).expect("none always fits")
    };
    let mut granted = items(lease.map(|stream| stream.held));
    if granted < max {
        expire(bucket, lease, t);
        granted = 0;
        if (0..N).all(|i| per_item[i] <= capacities[i]) {
            granted = items(std::array::from_fn(|i| lease[i].held + available(&bucket[i], t)));
        }
        for i in 0..N {
            let missing = (per_item[i] * granted).saturating_sub(lease[i].held);
            if missing > 0 {
                let taken = missing.max(lease[i].chunk(t).min(available(&bucket[i], t)));
                bucket[i].take(t, taken);
                lease[i].held += taken;
                lease[i].fetched = taken.min(lease[i].most);
                lease[i].since = t;
            }
        }
    }
    for i in 0..N {
        lease[i].held -= per_item[i] * granted;
    }
    granted
}

/// A change: when, how much of each stream was used or put back, and what was outstanding before
/// it.
#[derive(Clone, Copy, Debug)]
struct Change<const N: usize> {
    at: u64,
    used: [u64; N],
    put_back: [u64; N],
    outstanding: [u64; N],
}

/// Four leases and bare calls do random things to one bucket and to the exact model, and agree in
/// everything, step by step. The first lease stops after a third of the steps, and spends what it
/// holds an hour later. With `stale`, supplied times may be old.
fn run<const N: usize, L: Verbs<N>>(
    seed: u64,
    limits: [Limit; N],
    stale: bool,
    clock: &ManualClock,
    lease: impl Fn([u64; N], Duration) -> L,
    bucket_available: impl Fn(Time) -> [u64; N],
    bucket_take: impl Fn(Time, [u64; N]) -> bool,
) -> Vec<Change<N>> {
    const STEPS: u64 = 600;
    let mut random = Random(seed);
    let capacities = limits.map(|limit| limit.capacity);
    let mut bucket = limits.map(Naive::new);
    let token = limits.map(|limit| limit.rate.period().as_nanos() as u64 / limit.rate.tokens());
    let token = token.into_iter().max().unwrap();
    let mut changes: Vec<Change<N>> = Vec::new();
    let (mut leases, mut plain, mut used) = (Vec::new(), Vec::new(), [[0u64; N]; 4]);
    for _ in 0..4 {
        let most = std::array::from_fn(|i| random.below(capacities[i] + 3));
        let expiry = random.below(8 * token);
        leases.push(lease(most, Duration::from_nanos(expiry)));
        let stream = |i: usize| Plain { held: 0, most: most[i].min(capacities[i]), fetched: 0, since: 0, expiry };
        plain.push(std::array::from_fn::<_, N, _>(stream));
    }
    for step in 0..STEPS {
        let stopped = (STEPS / 3..STEPS * 2 / 3).contains(&step);
        if step == STEPS * 2 / 3 {
            clock.advance(Duration::from_nanos(HOUR));
        }
        if random.below(2) == 0 {
            clock.advance(Duration::from_nanos(random.below(token)));
        }
        let now = clock.now().as_nanos();
        let who = if step == STEPS * 2 / 3 { 0 } else { random.below(5) as usize };
        if who == 0 && stopped {
            continue;
        }
        let outstanding = std::array::from_fn(|i| plain.iter().map(|lease: &[Plain; N]| lease[i].held).sum());
        let mut change = Change { at: now, used: [0; N], put_back: [0; N], outstanding };
        let amounts: [u64; N] = std::array::from_fn(|i| match random.below(16) {
            0 => capacities[i] + random.below(2),
            _ => random.below(4),
        });
        let state = format!("seed {seed}, step {step}, {limits:?}, lease {who} of {plain:?}, {amounts:?} at {now}");
        if who == 4 {
            let granted = bucket_take(nanos(now), amounts);
            let fits = (0..N).all(|i| amounts[i] <= available(&bucket[i], now));
            assert_eq!(granted, fits, "a bare take: {state}");
            if granted {
                (0..N).for_each(|i| bucket[i].take(now, amounts[i]));
                change.used = amounts;
            }
        } else {
            let (lease, plain, used) = (&mut leases[who], &mut plain[who], &mut used[who]);
            // After its hour the first lease spends what it holds, which no reading of a clock
            // forbids.
            let supplied = step != STEPS * 2 / 3 && random.below(3) == 0;
            let t = if supplied && stale && random.below(2) == 0 { random.below(now + 1) } else { now };
            let at = supplied.then_some(nanos(t));
            if supplied {
                expire(&mut bucket, plain, t);
            }
            match random.below(8) {
                0 if supplied || random.below(4) == 0 => {
                    let last = plain.iter().map(|stream| stream.since).max().unwrap();
                    lease.give_back(at);
                    for i in 0..N {
                        bucket[i].put_back(if supplied { t } else { last }, plain[i].held);
                        (plain[i].held, plain[i].fetched) = (0, 0);
                    }
                }
                1 => {
                    let last = plain.iter().map(|stream| stream.since).max().unwrap();
                    change.put_back = std::array::from_fn(|i| amounts[i].min(used[i]));
                    lease.put_back(at, change.put_back);
                    for i in 0..N {
                        used[i] -= change.put_back[i];
                        let kept = change.put_back[i].min(plain[i].most - plain[i].held);
                        plain[i].held += kept;
                        bucket[i].put_back(if supplied { t } else { last }, change.put_back[i] - kept);
                    }
                }
                2 => {
                    let (max, per_item) = (random.below(6), if N == 1 { [1; N] } else { amounts });
                    let items = lease.take_up_to(at, max, per_item);
                    assert_eq!(items, take(&mut bucket, plain, capacities, t, max, per_item), "items: {state}");
                    change.used = per_item.map(|each| each * items);
                }
                _ => {
                    let answer = lease.try_take(at, amounts);
                    let granted = take(&mut bucket, plain, capacities, t, 1, amounts) == 1;
                    assert_eq!(answer.is_ok(), granted, "{state}");
                    match answer {
                        Ok(()) => change.used = amounts,
                        Err(Refused::Never(never)) => {
                            let stream = (0..N).find(|i| amounts[*i] > capacities[*i]).unwrap();
                            let (requested, capacity) = (amounts[stream], capacities[stream]);
                            assert_eq!(never, Never { stream, requested, capacity }, "{state}");
                        }
                        Err(Refused::Closed | Refused::Cancelled) => panic!("nobody closes it: {state}"),
                        Err(Refused::NotYet(refusal)) => {
                            let wait = |i: usize| bucket[i].wait(t, amounts[i].saturating_sub(plain[i].held)).unwrap();
                            let longest = (0..N).map(wait).max().unwrap();
                            assert_eq!(refusal.wait().unwrap().as_nanos() as i128, longest, "{state}");
                            assert_eq!(wait(refusal.stream()), longest, "{state}");
                        }
                    }
                }
            }
            (0..N).for_each(|i| used[i] += change.used[i]);
        }
        for (lease, plain) in leases.iter().zip(&plain) {
            assert_eq!(lease.held(), plain.map(|stream| stream.held), "held: {state}");
            assert!(plain.iter().all(|stream| stream.held <= stream.most), "{state}");
        }
        assert_eq!(bucket_available(nanos(now)), bucket.each_ref().map(|b| available(b, now)), "{state}");
        changes.push(change);
    }
    drop(leases);
    let now = clock.now().as_nanos();
    for lease in plain {
        let last = lease.iter().map(|stream| stream.since).max().unwrap();
        (0..N).for_each(|i| bucket[i].put_back(last, lease[i].held));
    }
    assert_eq!(bucket_available(nanos(now)), bucket.map(|b| available(&b, now)), "seed {seed}: after all leases ended");
    changes
}

/// The formula over every window between two changes, by brute force. Says how often it takes the
/// term of what was outstanding.
fn audit<const N: usize>(limits: [Limit; N], changes: &[Change<N>]) -> Result<u64, String> {
    let mut needed = 0;
    for (stream, limit) in limits.into_iter().enumerate() {
        let model = Naive::new(limit);
        for (i, first) in changes.iter().enumerate() {
            let (mut used, mut put_back) = (0, 0);
            for last in &changes[i..] {
                used += last.used[stream];
                put_back += last.put_back[stream];
                let plain = model.most_in(last.at - first.at) + put_back;
                needed += u64::from(used > plain);
                if used > plain + first.outstanding[stream] {
                    return Err(format!("{limit}: {used} tokens from {first:?} to {last:?}, {put_back} put back"));
                }
            }
        }
    }
    Ok(needed)
}

fn of_token_bucket(seed: u64, limit: Limit, stale: bool) -> Vec<Change<1>> {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
    let lease = |[most]: [u64; 1], expiry| bucket.lease(most).expire_after(expiry);
    let take = |now, [n]: [u64; 1]| bucket.at(now).try_take(n).is_ok();
    run(seed, [limit], stale, &clock, lease, |now| [bucket.at(now).available()], take)
}

fn of_multi_bucket<const N: usize>(seed: u64, limits: [Limit; N], stale: bool) -> Vec<Change<N>> {
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock(limits, &clock).unwrap();
    let lease = |most, expiry| bucket.lease(most).expire_after(expiry);
    let take = |now, amounts| bucket.at(now).try_take(amounts).is_ok();
    run(seed, limits, stale, &clock, lease, |now| bucket.at(now).available(), take)
}

/// Exact rates, so that the model says what must be, and not what may.
fn limits() -> [Limit; 4] {
    [("1000/s", 10), ("7/s", 3), ("1/3s", 20), ("1M/s", 50)]
        .map(|(rate, capacity)| Limit::new(rate.parse().unwrap(), capacity))
}

#[test]
fn it_agrees_with_a_plain_lease_on_an_exact_bucket() {
    for seed in 0..20 {
        for limit in limits().into_iter().chain(limits().map(Limit::empty)) {
            of_token_bucket(seed, limit, true);
        }
        let [thousand, seven, third, million] = limits();
        of_multi_bucket(seed, [seven], true);
        of_multi_bucket(seed, [thousand, million.empty()], true);
        of_multi_bucket(seed, [thousand, seven, third, million], true);
    }
}

#[test]
fn in_every_window_no_more_is_used_than_the_bound_and_what_was_outstanding() {
    let mut needed = 0;
    for seed in 0..8 {
        for limit in limits() {
            needed += audit([limit], &of_token_bucket(seed, limit, false)).unwrap();
        }
        let [thousand, seven, ..] = limits();
        needed += audit([thousand, seven], &of_multi_bucket(seed, [thousand, seven], false)).unwrap();
    }
    assert!(needed > 0, "no window was worth auditing");
}

/// Held for an hour, while the bucket fills up, and then used at one instant together with all that
/// the bucket has.
#[test]
fn what_was_outstanding_may_be_used_beyond_the_plain_bound_to_the_last_token_of_it() {
    let limit = Limit::per_second(10).capacity(100);
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(limit, &clock).unwrap();
    bucket.try_take(40).unwrap();
    let mut lease = bucket.lease(40);
    lease.put_back(40);
    let now = clock.advance(Duration::from_nanos(HOUR)).as_nanos();
    let used = (0..40).filter(|_| lease.try_take(1).is_ok()).count() as u64 + bucket.take_up_to(u64::MAX);
    assert_eq!((used, bucket.available(), lease.held()), (limit.capacity + 40, 0, 0));
    assert!(common::audit(limit, &mut [(now, used)]).is_err());
    let change = Change { at: now, used: [used], put_back: [0], outstanding: [40] };
    assert_eq!(audit([limit], &[change]), Ok(1));
    assert!(audit([limit], &[Change { outstanding: [39], ..change }]).is_err());
}

#[test]
fn what_was_used_is_held_and_is_available_adds_up_to_what_accrued() {
    // A token a nanosecond, and never full.
    let clock = ManualClock::new();
    let limit = Limit::new(Rate::per_second(1_000_000_000), 1 << 40).empty();
    let bucket = MultiBucket::with_clock([limit; 2], &clock).unwrap();
    let mut random = Random(7);
    let mut leases = [(); 5].map(|()| bucket.lease([1 << 30, 40]).expire_after(Duration::from_nanos(300)));
    let mut used = [0; 2];
    for step in 0..20_000 {
        clock.advance(Duration::from_nanos(random.below(20)));
        let lease = &mut leases[random.below(5) as usize];
        let amounts = [random.below(5), random.below(5)];
        match random.below(20) {
            0 => lease.give_back(),
            1 => _ = lease.at(clock.now()),
            2 => {
                let items = lease.take_items(4, amounts);
                used = std::array::from_fn(|i| used[i] + items * amounts[i]);
            }
            3 => {
                let returned: [u64; 2] = std::array::from_fn(|i| amounts[i].min(used[i]));
                lease.put_back(returned);
                used = std::array::from_fn(|i| used[i] - returned[i]);
            }
            _ if lease.try_take(amounts).is_ok() => used = std::array::from_fn(|i| used[i] + amounts[i]),
            _ => (),
        }
        let (available, accrued) = (bucket.available(), clock.now().as_nanos());
        for i in 0..2 {
            let held: u64 = leases.iter().map(|lease| lease.held()[i]).sum();
            assert_eq!(used[i] + held + available[i], accrued, "step {step}, stream {i}: {held} held");
        }
    }
    assert!(used.iter().all(|used| *used > 10_000), "{used:?}");
}

#[test]
fn a_decision_from_what_is_held_reads_no_clock_and_writes_nothing_to_the_bucket() {
    let clock = Counting::default();
    let single = TokenBucket::with_clock(budget(100), &clock).unwrap();
    let double = MultiBucket::with_clock([budget(100), budget(100)], &clock).unwrap();
    let (mut one, mut two) = (single.lease(50), double.lease([50, 50]));
    one.put_back(50);
    two.put_back([50, 50]);
    let (readings, available) =
        (clock.readings.get(), (single.at(Time::ZERO).available(), double.at(Time::ZERO).snapshot().sequence()));
    for _ in 0..10 {
        assert!(one.try_take(1).is_ok() && two.try_take([1, 2]).is_ok());
    }
    assert_eq!((one.take_up_to(5), two.take_items(5, [1, 1])), (5, 5));
    one.put_back(3);
    two.put_back([3, 3]);
    assert!(one.try_take(0).is_ok() && two.try_take([0, 0]).is_ok());
    assert_eq!((one.held(), two.held()), (38, [38, 28]));
    assert_eq!(clock.readings.get(), readings);
    assert_eq!((single.at(Time::ZERO).available(), double.at(Time::ZERO).snapshot().sequence()), available);
}

#[test]
fn a_fetch_reads_the_clock_once_and_is_one_publication() {
    let clock = Counting::default();
    let bucket = MultiBucket::with_clock([budget(100), budget(1000)], &clock).unwrap();
    let mut lease = bucket.lease([50, 500]);
    let readings = clock.readings.get();
    lease.try_take([1, 100]).unwrap();
    assert_eq!((clock.readings.get() - readings, bucket.at(Time::ZERO).snapshot().sequence()), (1, 1));
    assert_eq!(lease.take_items(2, [1, 100]), 2);
    assert_eq!((clock.readings.get() - readings, bucket.at(Time::ZERO).snapshot().sequence()), (2, 2));
    assert!(lease.try_take([1, 2000]).is_err());
    assert_eq!((clock.readings.get() - readings, bucket.at(Time::ZERO).snapshot().sequence()), (3, 2));
}

#[test]
fn a_refused_request_debits_nothing_and_names_the_stream_and_the_wait() {
    let bucket = MultiBucket::with_clock([Limit::per_second(10), Limit::per_second(100)], ManualClock::new()).unwrap();
    bucket.try_take([10, 100]).unwrap();
    let mut lease = bucket.lease([5, 50]);
    bucket.put_back([3, 0]);
    lease.put_back([2, 20]);
    // In use within the expiry, so that nothing of it goes back.
    let mut lease = lease.expire_after(Duration::MAX);
    let before = bucket.snapshot();
    for (amounts, stream, wait) in [([6, 21], 0, 100), ([5, 45], 1, 250), ([7, 50], 1, 300), ([7, 40], 0, 200)] {
        let refused = lease.try_take(amounts).unwrap_err();
        assert_eq!((refused.stream(), refused.wait()), (stream, Some(Duration::from_millis(wait))), "{amounts:?}");
    }
    let never = |stream, requested, capacity| Err(Refused::Never(Never { stream, requested, capacity }));
    assert_eq!(lease.try_take([11, 1]), never(0, 11, 10));
    assert_eq!(lease.try_take([1, u64::MAX]), never(1, u64::MAX, 100));
    assert_eq!(lease.take_items(9, [1, 101]), 0);
    let after = bucket.snapshot();
    assert_eq!((after.sequence(), after.available()), (before.sequence(), before.available()));
    assert_eq!(lease.held(), [2, 20]);
    // At the stated time it succeeds, and a nanosecond before it does not.
    assert!(lease.at(nanos(99_999_999)).try_take([6, 21]).is_err());
    assert_eq!(lease.at(nanos(100_000_000)).try_take([6, 21]), Ok(()));
}

/// Here and in the bucket there is more than the capacity; a request for as much is refused all the
/// same, as the bucket would.
#[test]
fn a_request_above_the_capacity_is_refused_as_never_however_much_is_held() {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(Limit::per_second(10), &clock).unwrap();
    bucket.try_take(10).unwrap();
    let mut lease = bucket.lease(u64::MAX).expire_after(Duration::MAX);
    lease.put_back(u64::MAX);
    clock.advance(Duration::from_secs(1));
    assert_eq!((lease.held(), bucket.available()), (10, 10), "the cap is clamped to the capacity");
    assert_eq!(lease.try_take(11), Err(Refused::Never(Never { stream: 0, requested: 11, capacity: 10 })));
    assert_eq!(lease.take_up_to(15), 15);
}

#[test]
fn expiry_is_looked_at_by_a_fetch_and_by_a_supplied_time_only() {
    let clock = ManualClock::starting_at(nanos(5));
    let bucket = TokenBucket::with_clock(budget(100), &clock).unwrap();
    let mut lease = bucket.lease(50);
    let hold = |lease: &mut Lease<&TokenBucket<_>>| {
        lease.give_back();
        lease.try_take(10).unwrap();
        lease.put_back(10);
        assert_eq!(lease.held(), 10);
    };
    hold(&mut lease);
    clock.advance(Duration::from_nanos(HOUR));
    assert!(lease.try_take(3).is_ok() && lease.take_up_to(2) == 2);
    lease.put_back(1);
    assert_eq!(lease.held(), 6, "spent long after it expired");
    let available = bucket.available();
    assert!(lease.try_take(7).is_ok());
    assert_eq!((lease.held(), bucket.available()), (0, available + 6 - 7), "given up, and seven fetched");

    hold(&mut lease);
    let fetched = clock.now().as_nanos();
    assert_eq!(lease.at(nanos(fetched + 100 * MILLISECOND - 1)).held(), 10);
    assert_eq!(lease.at(nanos(fetched - 1)).held(), 10, "an old now is no time at all");
    assert_eq!(lease.at(nanos(fetched + 100 * MILLISECOND)).held(), 0);
}

#[test]
fn expired_tokens_come_back_once() {
    let clock = ManualClock::new();
    let bucket = MultiBucket::with_clock([budget(100), budget(100)], &clock).unwrap();
    let mut lease = bucket.lease([50, 50]);
    lease.try_take([20, 0]).unwrap();
    lease.put_back([20, 0]);
    clock.advance(Duration::from_millis(60));
    lease.try_take([0, 20]).unwrap();
    lease.put_back([0, 20]);
    assert_eq!((bucket.available(), bucket.snapshot().sequence()), ([80, 80], 2));
    clock.advance(Duration::from_millis(40));
    // Each stream by itself.
    assert_eq!(lease.at(clock.now()).held(), [0, 20]);
    assert_eq!((bucket.available(), bucket.snapshot().sequence()), ([100, 80], 3));
    assert_eq!(lease.at(clock.now()).held(), [0, 20]);
    assert_eq!((bucket.available(), bucket.snapshot().sequence()), ([100, 80], 3));
    clock.advance(Duration::from_millis(60));
    assert!(lease.try_take([0, 101]).is_err(), "a refusal gives up what has expired, too");
    assert_eq!((bucket.available(), bucket.snapshot().sequence()), ([100, 100], 4));
    drop(lease);
    assert_eq!((bucket.available(), bucket.snapshot().sequence()), ([100, 100], 4));
}

#[test]
fn a_drop_gives_back_everything_and_reads_no_clock() {
    let clock = Counting::default();
    clock.now.set(7 * MILLISECOND);
    let single = TokenBucket::with_clock(Limit::per_second(1000).capacity(100), &clock).unwrap();
    let double = MultiBucket::with_clock([Limit::per_second(1000).capacity(100); 2], &clock).unwrap();
    let (mut one, mut two) = (single.lease(50), double.lease([50, 9]));
    for _ in 0..20 {
        one.try_take(1).unwrap();
        two.try_take([1, 1]).unwrap();
    }
    let at = nanos(8 * MILLISECOND);
    assert_eq!((one.held(), single.at(at).available()), (11, 100 - 31 + 1));
    assert_eq!((two.held(), double.at(at).available()), ([11, 4], [70, 77]));
    clock.now.set(8 * MILLISECOND);
    let readings = clock.readings.get();
    drop((one, two));
    assert_eq!(clock.readings.get(), readings);
    assert_eq!((single.at(at).available(), double.at(at).available()), (81, [81, 81]));
    // Whoever has been idle for long finds the capacity, and no more.
    assert_eq!((single.at(nanos(HOUR)).available(), double.at(nanos(HOUR)).available()), (100, [100, 100]));
}

#[test]
fn a_late_drop_lifts_nothing_above_the_capacity() {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(Limit::per_second(1000).capacity(100), &clock).unwrap();
    for stopped in [10 * MILLISECOND, 60 * MILLISECOND, HOUR] {
        bucket.reset(100);
        let mut lease = bucket.lease(50);
        lease.try_take(50).unwrap();
        lease.put_back(50);
        clock.advance(Duration::from_nanos(stopped));
        drop(lease);
        assert_eq!(bucket.take_up_to(u64::MAX), 100, "after {stopped} ns");
        assert_eq!(bucket.available(), 0, "after {stopped} ns");
    }
}

#[test]
fn a_leaked_lease_costs_its_tokens_and_nothing_else() {
    let bucket = MultiBucket::<2, _, 2>::with_slots([Limit::per_second(1000); 2], ManualClock::new()).unwrap();
    for leaked in 1..=50 {
        let mut lease = bucket.lease([10, 5]);
        bucket.try_take([10, 5]).unwrap();
        lease.put_back([10, 5]);
        std::mem::forget(lease);
        assert_eq!(bucket.available(), [1000 - 10 * leaked, 1000 - 5 * leaked]);
    }
    let mut lease = bucket.lease([10, 5]);
    assert_eq!(lease.take_items(u64::MAX, [1, 1]), 500);
    drop(lease);
    assert_eq!(bucket.at(nanos(HOUR)).available(), [1000, 1000]);
}

#[test]
fn the_chunk_follows_the_demand_and_never_exceeds_the_cap() {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(budget(1000), &clock).unwrap();
    let mut lease = bucket.lease(10);
    // Spends what is held, and one more; says how much was fetched for that.
    let fetched = |lease: &mut Lease<&TokenBucket<_>>, after: u64| {
        clock.advance(Duration::from_millis(after));
        let (before, held) = (bucket.available(), lease.held());
        lease.try_take(held).unwrap();
        lease.try_take(1).unwrap();
        assert_eq!(lease.held() + 1, before - bucket.available());
        before - bucket.available()
    };
    assert_eq!([0, 1, 2, 49, 1, 1].map(|after| fetched(&mut lease, after)), [1, 2, 4, 8, 10, 10], "a busy holder");
    assert_eq!([50, 99, 1000, 3000].map(|after| fetched(&mut lease, after)), [5, 2, 1, 1], "an idle holder");
    assert_eq!([1, 1, 1].map(|after| fetched(&mut lease, after)), [2, 4, 8], "busy again");
    lease.give_back();
    assert_eq!([1, 1].map(|after| fetched(&mut lease, after)), [1, 2], "after it was given back");
    lease.give_back();
    lease.try_take(30).unwrap();
    assert_eq!((lease.held(), fetched(&mut lease, 1)), (0, 10), "a request above the cap goes to the bucket");
    // Where the bucket has less than the chunk, the next is made from what it had.
    lease.try_take(lease.held()).unwrap();
    bucket.reset(3);
    assert_eq!(fetched(&mut lease, 1), 3);
    bucket.reset(100);
    assert_eq!(fetched(&mut lease, 1), 6);
}

#[test]
fn with_a_cap_of_0_every_decision_goes_to_the_bucket() {
    let bucket = MultiBucket::with_clock([budget(10), budget(10)], ManualClock::new()).unwrap();
    let mut lease = bucket.lease([0, 0]);
    for taken in 1..=5 {
        lease.try_take([1, 2]).unwrap();
        assert_eq!((lease.held(), bucket.available()), ([0, 0], [10 - taken, 10 - 2 * taken]));
        assert_eq!(bucket.snapshot().sequence(), taken);
    }
    lease.put_back([1, 1]);
    assert_eq!((lease.held(), bucket.available()), ([0, 0], [6, 1]));
}

#[test]
fn what_expires_at_once_is_fetched_one_by_one_and_what_never_does_stays() {
    let clock = ManualClock::new();
    let bucket = TokenBucket::with_clock(budget(100), &clock).unwrap();
    let mut lease = bucket.lease(50).expire_after(Duration::ZERO);
    for taken in 1..=10 {
        lease.try_take(1).unwrap();
        assert_eq!((lease.held(), bucket.available()), (0, 100 - taken));
    }
    let mut lease = bucket.lease(50).expire_after(Duration::MAX);
    lease.put_back(9);
    assert_eq!(lease.at(Time::from_nanos(u64::MAX - 1)).held(), 9);
}

#[test]
fn only_the_streams_that_are_short_are_fetched() {
    let bucket = MultiBucket::with_clock([budget(100), budget(100)], ManualClock::new()).unwrap();
    bucket.try_take([0, 20]).unwrap();
    let mut lease = bucket.lease([50, 50]);
    lease.put_back([0, 20]);
    for step in 1..=7 {
        lease.try_take([1, 1]).unwrap();
        assert_eq!((lease.held()[1], bucket.available()[1]), (20 - step, 80));
    }
    assert_eq!(bucket.available()[0], 93);
}

#[test]
fn leases_on_real_threads_conserve_tokens() {
    const TOKENS: u64 = 200_000;
    let single = TokenBucket::with_clock(budget(TOKENS), ManualClock::new()).unwrap();
    let double = MultiBucket::with_clock([budget(TOKENS), budget(2 * TOKENS)], ManualClock::new()).unwrap();
    let (of_single, of_double) = (AtomicU64::new(0), AtomicU64::new(0));
    thread::scope(|scope| {
        for seed in 0..8 {
            let (single, double, of_single, of_double) = (&single, &double, &of_single, &of_double);
            scope.spawn(move || {
                let mut random = Random(seed);
                let (mut one, mut two) = (single.lease(64), double.lease([64, 100]));
                for _ in 0..30_000 {
                    match random.below(64) {
                        0 => {
                            one.give_back();
                            two.give_back();
                        }
                        // An old lease ends, and a new one begins.
                        1 => (one, two) = (single.lease(random.below(100)), double.lease([random.below(100), 50])),
                        2 => _ = of_double.fetch_add(two.take_items(3, [1, 2]), Relaxed),
                        _ => {
                            of_single.fetch_add(u64::from(one.try_take(1).is_ok()), Relaxed);
                            of_double.fetch_add(u64::from(two.try_take([1, 2]).is_ok()), Relaxed);
                        }
                    }
                }
            });
        }
    });
    let (of_single, of_double) = (of_single.into_inner(), of_double.into_inner());
    assert!(of_single > TOKENS / 2 && of_double > TOKENS / 2);
    assert_eq!(of_single + single.available(), TOKENS);
    assert_eq!([of_double, 2 * of_double], std::array::from_fn(|i| [TOKENS, 2 * TOKENS][i] - double.available()[i]));
}
