//! Owns the kinds of buckets that are measured, each through its public interface. Never a clock.

use std::hint::black_box;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use tollgate::bucket::{Handle, StripedBucket};
use tollgate::{Gate, KeyedBuckets, Lease, Limit, MultiBucket, TokenBucket};

/// A way of deciding, which any number of threads share.
pub(crate) trait Contestant: Sync + Sized {
    /// What a thread keeps between its calls.
    type Own<'a>
    where
        Self: 'a;

    /// Makes one that grants `takes` times, and then refuses for at least an hour.
    ///
    /// `None`: it grants for longer than any measurement.
    fn new(takes: Option<u64>) -> Self;

    /// Returns how often one that is made for `takes` takes grants in all.
    fn grants(takes: u64) -> u64 {
        takes
    }

    /// Makes what the thread of this number keeps.
    fn own(&self, thread: usize) -> Self::Own<'_>;

    /// Makes one decision, and returns whether it granted.
    fn decide(&self, own: &mut Self::Own<'_>) -> bool;
}

/// What a decision takes of each stream: one request, and twenty bytes.
const EACH: [u64; 2] = [1, 20];

/// The capacity of what is never empty. A billion calls a second would need 36 years.
const ENDLESS: u64 = 1 << 60;

/// The limit of a stream of which `takes` takes of `each` are left, or any number.
fn limit(takes: Option<u64>, each: u64) -> Limit {
    match takes {
        None => Limit::per_second(1_000_000_000).capacity(ENDLESS),
        // Nothing refills within an hour.
        Some(takes) => Limit::per_day(1).capacity((takes * each).max(each)).starting_with(takes * each),
    }
}

fn limits<const N: usize>(takes: Option<u64>) -> [Limit; N] {
    std::array::from_fn(|i| limit(takes, EACH[i]))
}

/// The amounts, hidden from the optimizer.
#[inline(always)]
fn amounts<const N: usize>() -> [u64; N] {
    std::array::from_fn(|i| black_box(EACH[i]))
}

const KEPT: &str = "a limit that a bucket can keep";

/// A [`TokenBucket`].
pub(crate) struct One(TokenBucket);

impl Contestant for One {
    type Own<'a> = ();

    fn new(takes: Option<u64>) -> Self {
        Self(TokenBucket::new(limit(takes, EACH[0])).expect(KEPT))
    }

    fn own(&self, _: usize) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(black_box(EACH[0])).is_ok()
    }
}

/// A [`MultiBucket`].
pub(crate) struct Several<const N: usize>(MultiBucket<N>);

impl<const N: usize> Contestant for Several<N> {
    type Own<'a> = ();

    fn new(takes: Option<u64>) -> Self {
        Self(MultiBucket::new(limits(takes)).expect(KEPT))
    }

    fn own(&self, _: usize) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(amounts()).is_ok()
    }
}

/// A [`Handle`] of a [`MultiBucket`] for each thread.
pub(crate) struct Handles<const N: usize>(MultiBucket<N>);

impl<const N: usize> Contestant for Handles<N> {
    type Own<'a> = Handle<'a, N>;

    fn new(takes: Option<u64>) -> Self {
        Self(MultiBucket::new(limits(takes)).expect(KEPT))
    }

    fn own(&self, _: usize) -> Self::Own<'_> {
        self.0.handle().expect("far fewer threads than handles")
    }

    #[inline(always)]
    fn decide(&self, handle: &mut Self::Own<'_>) -> bool {
        handle.try_take(amounts()).is_ok()
    }
}

/// A [`Lease`] of a [`TokenBucket`] for each thread, of 64 tokens at a time.
pub(crate) struct Leases(TokenBucket);

impl Contestant for Leases {
    type Own<'a> = Lease<&'a TokenBucket>;

    fn new(takes: Option<u64>) -> Self {
        Self(One::new(takes).0)
    }

    fn own(&self, _: usize) -> Self::Own<'_> {
        self.0.lease(64)
    }

    #[inline(always)]
    fn decide(&self, lease: &mut Self::Own<'_>) -> bool {
        lease.try_take(black_box(EACH[0])).is_ok()
    }
}

/// A [`StripedBucket`].
pub(crate) struct Striped<const N: usize>(StripedBucket<N>);

impl<const N: usize> Contestant for Striped<N> {
    type Own<'a> = ();

    fn new(takes: Option<u64>) -> Self {
        Self(StripedBucket::new(limits(takes)).expect(KEPT))
    }

    fn own(&self, _: usize) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        self.0.try_take(amounts()).is_ok()
    }
}

/// [`KeyedBuckets`], of so many keys that are asked in turn.
pub(crate) struct Keyed<const KEYS: u64>(KeyedBuckets<u64>);

impl<const KEYS: u64> Contestant for Keyed<KEYS> {
    type Own<'a> = u64;

    fn new(takes: Option<u64>) -> Self {
        let limit = match takes.map(|takes| takes.div_ceil(KEYS)) {
            None => limit(None, EACH[0]),
            Some(each) => limit(Some(each.max(1)), EACH[0]),
        };
        let buckets = KeyedBuckets::new(limit, 2 * KEYS as usize).expect(KEPT);
        // All keys are known before they are measured, and those without takes are empty.
        if takes.is_none_or(|takes| takes == 0) {
            assert!((0..KEYS).all(|key| buckets.try_take(&key, EACH[0]).is_ok()), "they were full");
        }
        Self(buckets)
    }

    /// Each key has the same number of takes.
    fn grants(takes: u64) -> u64 {
        takes.div_ceil(KEYS) * KEYS
    }

    /// Threads begin at different keys.
    fn own(&self, thread: usize) -> u64 {
        (thread as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) % KEYS
    }

    #[inline(always)]
    fn decide(&self, key: &mut u64) -> bool {
        *key = if *key + 1 >= KEYS { 0 } else { *key + 1 };
        self.0.try_take(&*key, black_box(EACH[0])).is_ok()
    }
}

/// A [`Gate`]: the bucket of a key, and one for all.
pub(crate) struct Gated {
    clients: KeyedBuckets<u64>,
    all: TokenBucket,
}

impl Contestant for Gated {
    type Own<'a> = ();

    fn new(takes: Option<u64>) -> Self {
        let clients = KeyedBuckets::new(limit(None, EACH[0]), 10).expect(KEPT);
        Self { clients, all: One::new(takes).0 }
    }

    fn own(&self, _: usize) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        Gate::new()
            .and(self.clients.bucket(&7), black_box(EACH[0]))
            .and(&self.all, black_box(EACH[0]))
            .try_take()
            .is_ok()
    }
}

/// Two counters in a mutex of the standard library: the plain way, as a neighbor.
pub(crate) struct Locked {
    /// The tokens of each stream, and when they were counted.
    state: Mutex<([f64; 2], Instant)>,
    /// Tokens a second, and the capacity.
    limits: [(f64, f64); 2],
}

impl Contestant for Locked {
    type Own<'a> = ();

    fn new(takes: Option<u64>) -> Self {
        let limits = limits::<2>(takes);
        let tokens = limits.map(|limit| limit.start() as f64);
        let rate = |limit: Limit| limit.rate.tokens() as f64 / limit.rate.period().as_secs_f64();
        let limits = limits.map(|limit| (rate(limit), limit.capacity as f64));
        Self { state: Mutex::new((tokens, Instant::now())), limits }
    }

    fn own(&self, _: usize) {}

    #[inline(always)]
    fn decide(&self, (): &mut ()) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock().expect("no holder panics");
        // Another thread may have read the clock later and come sooner.
        let passed = now.saturating_duration_since(state.1).as_secs_f64();
        let amounts = amounts::<2>();
        let filled: [f64; 2] = std::array::from_fn(|i| {
            let (rate, capacity) = self.limits[i];
            (state.0[i] + rate * passed).min(capacity)
        });
        let grants = (0..2).all(|i| filled[i] >= amounts[i] as f64);
        let taken = |i: usize| if grants { filled[i] - amounts[i] as f64 } else { filled[i] };
        *state = (std::array::from_fn(taken), state.1.max(now));
        grants
    }
}

/// Calls between two looks at the clock.
const BATCH: u64 = 64;

/// What threads did in a window.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Done {
    /// Nanoseconds for a decision, all threads together: half as many for twice the decisions.
    pub(crate) nanos: f64,
    pub(crate) calls: u64,
    pub(crate) granted: u64,
}

/// Lets so many threads decide for the length of a window.
pub(crate) fn window<C: Contestant>(contestant: &C, threads: usize, length: Duration) -> Done {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    let start = std::sync::Barrier::new(threads);
    let work = |thread: usize| {
        // If the system cannot keep it on a core, its own choice will do.
        if let Some(core) = cores.get(thread).filter(|_| threads <= cores.len()) {
            core_affinity::set_for_current(*core);
        }
        let mut own = contestant.own(thread);
        start.wait();
        let begun = Instant::now();
        let (mut calls, mut granted) = (0_u64, 0_u64);
        loop {
            for _ in 0..BATCH {
                granted += u64::from(contestant.decide(&mut own));
            }
            calls += BATCH;
            let passed = begun.elapsed();
            if passed >= length {
                return (calls, granted, passed);
            }
        }
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let work = &work;
        let workers: Vec<_> = (0..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        workers.into_iter().map(|worker| worker.join().expect("no contestant panics")).collect()
    });
    // Each thread counts by its own time: with more threads than cores they do not end together.
    let rate: f64 = done.iter().map(|(calls, _, passed)| *calls as f64 / passed.as_nanos().max(1) as f64).sum();
    let calls = done.iter().map(|done| done.0).sum();
    Done { nanos: 1.0 / rate, calls, granted: done.iter().map(|done| done.1).sum() }
}

/// Checks the answers of a contestant before it is timed.
pub(crate) fn check<C: Contestant>() -> Result<(), String> {
    const TAKES: u64 = 100;
    let granted = |takes, calls| {
        let contestant = C::new(takes);
        let mut own = contestant.own(0);
        (0..calls).map(|_| u64::from(contestant.decide(&mut own))).sum::<u64>()
    };
    let all = C::grants(TAKES);
    let found = [granted(None, 2 * all), granted(Some(TAKES), 2 * all), granted(Some(0), 2 * all)];
    let expected = [2 * all, all, 0];
    if found == expected {
        return Ok(());
    }
    let [endless, some, none] = found;
    Err(format!(
        "of {} calls it granted {endless} where it had any number, {some} where it had {all}, {none} where it had none",
        2 * all
    ))
}
