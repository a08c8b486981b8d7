//! Who waits for whom at a gate: a thread is stopped at each point of a call, and others go through
//! the same limits beside it. It keeps what it took from narrow limits, and mints nothing.

use std::sync::{Arc, Mutex};
use std::thread;

use freeze_points::{Point, count, freeze, ice, patiently, watched};
use tollgate_freeze::clock::ManualClock;
use tollgate_freeze::{Gate, KeyedBuckets, Limit, MultiBucket, TokenBucket};

const CAPACITY: u64 = 100;
const ALICE: u64 = 7;
const BOB: u64 = 8;

/// A key's limit, one for its team, and one of two streams for the service.
struct Limits {
    clients: KeyedBuckets<u64, 1, ManualClock>,
    team: TokenBucket<ManualClock>,
    service: MultiBucket<2, ManualClock>,
    /// What the call that is stopped came to.
    granted: Mutex<Option<bool>>,
}

impl Limits {
    fn new() -> Self {
        let limit = || Limit::per_second(1).capacity(CAPACITY);
        let clients = KeyedBuckets::with_clock(limit(), 100, ManualClock::new()).expect("a limit");
        // Known keys are decided on beside others.
        for key in [ALICE, BOB] {
            clients.try_take(&key, 1).expect("it is full");
        }
        let team = TokenBucket::with_clock(limit(), ManualClock::new()).expect("a limit");
        team.try_take(1).expect("it is full");
        let service = MultiBucket::with_clock([limit(), limit()], ManualClock::new()).expect("limits");
        service.try_take([1, 1]).expect("it is full");
        Self { clients, team, service, granted: Mutex::new(None) }
    }

    /// Takes from all three, or from none.
    fn pass(&self, key: u64, n: u64) -> bool {
        let gate = Gate::new().and(self.clients.bucket(&key), n).and(&self.team, n).and(&self.service, [n, n]);
        gate.try_take().is_ok()
    }

    /// What was taken of each limit since `new`.
    fn taken(&self) -> [u64; 3] {
        let [one, two] = self.service.available();
        assert_eq!(one, two, "the streams of a bucket go together");
        let team = self.team.available();
        [self.clients.available(&ALICE), team, one].map(|left| CAPACITY - 1 - left)
    }
}

type Call = (&'static str, fn(&Limits));

/// Calls beside the one that is stopped. All but the first take as much as they put back.
const OTHERS: [Call; 5] = [
    ("another client's call", |limits| assert!(limits.pass(BOB, 1))),
    ("a call of the client that is put back", |limits| {
        let gate = Gate::new().and(limits.clients.bucket(&ALICE), 1).and(&limits.team, 1).and(&limits.service, [1, 1]);
        gate.try_take().expect("there is plenty").put_back();
    }),
    ("a call that is refused", |limits| assert!(!limits.pass(ALICE, CAPACITY))),
    ("a look", |limits| {
        assert!(Gate::new().and(limits.clients.bucket(&ALICE), 1).and(&limits.service, [1, 1]).peek().is_ok());
    }),
    ("a take and a put-back of the service", |limits| {
        limits.service.try_take([1, 1]).expect("there is plenty");
        limits.service.put_back([1, 1]);
    }),
];

/// What a stop at one point showed.
struct Stop {
    before: Point,
    /// What was taken when the thread stood.
    taken: [u64; 3],
    /// Which of the others waited for it.
    waiting: Vec<&'static str>,
    limits: Arc<Limits>,
}

/// Stops `victim` at each of its points, does `beside` with the limits, and wakes it.
fn each_stop(victim: fn(&Limits), beside: fn(&Limits) -> Vec<&'static str>) -> Vec<Stop> {
    let points = count(|| {
        let limits = Limits::new();
        victim(&limits);
    })
    .points;
    assert!(points > 5, "{points} points");
    let stopped_at = |point| {
        let limits = Arc::new(Limits::new());
        let (ice, observer, keeper) = ice();
        let thread = thread::spawn({
            let limits = Arc::clone(&limits);
            move || freeze(ice, point, || victim(&limits))
        });
        let stopped = observer.recv().expect("it has as many points as when they were counted");
        let taken = limits.taken();
        let waiting = beside(&limits);
        drop(keeper);
        thread.join().expect("it finishes");
        Stop { before: stopped.before, taken, waiting, limits }
    };
    (0..points).map(stopped_at).collect()
}

fn take(limits: &Limits) {
    let granted = watched(|| limits.pass(ALICE, 1));
    *limits.granted.lock().expect("no panic") = Some(granted);
}

fn others(limits: &Limits) -> Vec<&'static str> {
    let waits = |other: &fn(&Limits)| patiently(10_000, || true, || other(limits)).is_err();
    OTHERS.iter().filter(|(_, other)| waits(other)).map(|(name, _)| *name).collect()
}

fn seen(stops: &[Stop]) -> Vec<[u64; 3]> {
    let mut seen: Vec<_> = stops.iter().map(|stop| stop.taken).collect();
    seen.dedup();
    seen
}

#[test]
fn a_thread_that_is_stopped_in_a_gate_delays_nobody_and_keeps_only_what_narrow_limits_gave() {
    let stops = each_stop(take, others);
    for stop in &stops {
        assert!(stop.waiting.is_empty(), "before {:?}: {:?}", stop.before, stop.waiting);
        // It went on where it stood: its own take, and that of another client.
        assert_eq!(*stop.limits.granted.lock().expect("no panic"), Some(true));
        assert_eq!(stop.limits.taken(), [1, 2, 2]);
    }
    // Narrow to wide, and each as a whole.
    assert_eq!(seen(&stops), [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]);
}

/// While it is stopped, others take all that the service has. Then it gives back, or it was
/// granted.
#[test]
fn a_thread_that_wakes_late_gives_back_what_narrow_limits_gave() {
    let drain = |limits: &Limits| {
        let left = limits.service.available()[0];
        limits.service.try_take([left, left]).expect("it is there");
        Vec::new()
    };
    let stops = each_stop(take, drain);
    for stop in &stops {
        let granted = stop.limits.granted.lock().expect("no panic").expect("it finished");
        let own = u64::from(granted);
        assert_eq!(stop.limits.taken(), [own, own, CAPACITY - 1], "before {:?}: {granted}", stop.before);
        // It is granted if, and only if, it had taken from the widest.
        assert_eq!(granted, stop.taken[2] == 1, "before {:?}", stop.before);
    }
    assert!(stops.iter().any(|stop| stop.taken == [1, 1, 0]) && stops.iter().any(|stop| stop.taken == [1, 1, 1]));
}

#[test]
fn a_thread_that_is_stopped_while_it_puts_back_delays_nobody_and_mints_nothing() {
    let put_back = |limits: &Limits| {
        let gate = Gate::new().and(limits.clients.bucket(&ALICE), 1).and(&limits.team, 1).and(&limits.service, [1, 1]);
        let granted = gate.try_take().expect("there is plenty");
        watched(|| granted.put_back());
    };
    let stops = each_stop(put_back, others);
    for stop in &stops {
        assert!(stop.waiting.is_empty(), "before {:?}: {:?}", stop.before, stop.waiting);
        assert_eq!(stop.limits.taken(), [0, 1, 1], "what is left is another client's");
    }
    assert_eq!(seen(&stops), [[1, 1, 1], [1, 1, 0], [1, 0, 0], [0, 0, 0]]);
}
