//! Who waits for whom among callers of keyed buckets: a thread is stopped at each point of a call,
//! and each other call is tried beside it.

use std::future::Future;
use std::hash::{BuildHasherDefault, Hasher};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use freeze_points::{Point, count, freeze, ice, patiently, watched};
use tollgate_freeze::clock::ManualClock;
use tollgate_freeze::wait::Timer;
use tollgate_freeze::{KeyedBuckets, Limit};

/// A hash that is the key, so that the test knows the shards: there are two here.
#[derive(Default)]
struct Plain(u64);

impl Hasher for Plain {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, key: &[u8]) {
        self.0 = u64::from_ne_bytes(key.try_into().expect("a key is a u64"));
    }
}

type One = KeyedBuckets<u64, 1, ManualClock, BuildHasherDefault<Plain>>;
type Two = KeyedBuckets<u64, 2, ManualClock, BuildHasherDefault<Plain>>;

/// The keys of a shard: two that are known, and one that is new.
const fn keys(shard: u64) -> [u64; 3] {
    let (mut found, mut len, mut key) = ([0; 3], 0, 0_u64);
    while len < 3 {
        if key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 63 == shard {
            found[len] = key;
            len += 1;
        }
        key += 1;
    }
    found
}

const HERE: [u64; 3] = keys(0);
const THERE: [u64; 3] = keys(1);

fn limit() -> Limit {
    Limit::per_second(1).capacity(10)
}

fn one(max_keys: usize) -> One {
    let keys = One::with_hasher(limit(), max_keys, ManualClock::new(), BuildHasherDefault::default()).expect("a limit");
    [HERE[0], HERE[1], THERE[0], THERE[1]].iter().for_each(|key| keys.try_take(key, 5).map(drop).expect("it is full"));
    keys
}

fn two() -> Two {
    let clock = ManualClock::new();
    let keys = Two::with_hasher([limit(); 2], 100, clock, BuildHasherDefault::default()).expect("limits");
    [HERE[0], HERE[1], THERE[0], THERE[1]]
        .iter()
        .for_each(|key| keys.try_take(key, [5, 5]).map(drop).expect("it is full"));
    keys
}

type Call<B> = (&'static str, fn(&B));

/// For each point of `victim`: which of `others` wait while it is stopped there. Checks that a call
/// that waits finds the victim inside a lock, and that the victim finishes when it is woken.
fn waits<B: Send + Sync + 'static>(
    make: fn() -> B,
    victim: fn(&B),
    others: &[Call<B>],
) -> Vec<(Point, Vec<&'static str>)> {
    let points = count(|| {
        let buckets = make();
        watched(|| victim(&buckets));
    })
    .points;
    let stopped_at = |point| {
        let buckets = Arc::new(make());
        let (ice, observer, keeper) = ice();
        let thread = thread::spawn({
            let buckets = Arc::clone(&buckets);
            move || freeze(ice, point, || watched(|| victim(&buckets)))
        });
        let stopped = observer.recv().expect("it has as many points as when they were counted");
        let waits = |other: &fn(&B)| patiently(10_000, || true, || other(&buckets)).is_err();
        let waiting = others.iter().filter(|(_, other)| waits(other)).map(|(name, _)| *name).collect();
        drop(keeper);
        thread.join().expect("it finishes");
        (stopped.before, waiting)
    };
    (0..points).map(stopped_at).collect()
}

const DECISIONS: [Call<One>; 6] = [
    ("take of the key", |keys| keys.try_take(&HERE[0], 1).map(drop).expect("five are there")),
    ("take of a neighbour", |keys| keys.try_take(&HERE[1], 1).map(drop).expect("five are there")),
    ("refusal", |keys| assert!(keys.try_take(&HERE[0], 10).is_err())),
    ("put_back", |keys| keys.put_back(&HERE[0], 1)),
    ("available", |keys| assert!(keys.available(&HERE[0]) > 0)),
    ("reserve", |keys| keys.bucket(&HERE[1]).reserve(1).expect("no bound").commit()),
];

const ELSEWHERE: [Call<One>; 4] = [
    ("take elsewhere", |keys| keys.try_take(&THERE[0], 1).map(drop).expect("five are there")),
    ("addition elsewhere", |keys| keys.try_take(&THERE[2], 1).map(drop).expect("it is full")),
    ("removal elsewhere", |keys| assert!(keys.remove(&THERE[1]))),
    ("block elsewhere", |keys| keys.block(&THERE[0]).expect("there is room")),
];

const ALONE: [Call<One>; 11] = [
    ("addition", |keys| keys.try_take(&HERE[2], 1).map(drop).expect("it is full")),
    ("removal", |keys| assert!(keys.remove(&HERE[1]))),
    ("retain", |keys| keys.retain(|key, _| *key != HERE[1])),
    ("shrink", |keys| keys.shrink()),
    ("block", |keys| keys.block(&HERE[1]).expect("there is room")),
    ("pause", |keys| keys.pause_for(&HERE[1], Duration::from_secs(1)).expect("there is room")),
    ("resume", |keys| keys.resume(&HERE[1])),
    ("limits of a key", |keys| keys.set_key_limits(&HERE[1], limit()).expect("there is room")),
    ("change of limits", |keys| keys.set_limits(limit()).expect("as before")),
    ("check of limits", |keys| keys.check_limits(limit()).expect("as before")),
    ("tier", |keys| assert_eq!(keys.add_tier(limit()).expect("as before"), 1)),
];

/// The words of the documentation: a thread that is stopped while it decides on one stream delays
/// only what holds its shard alone.
#[test]
fn a_thread_that_is_stopped_while_it_decides_delays_no_decision() {
    for (_, victim) in DECISIONS {
        let free = waits(|| one(100), victim, &[&DECISIONS[..], &ELSEWHERE].concat());
        assert!(free.iter().all(|(_, waiting)| waiting.is_empty()), "{free:?}");
    }
    // The experiment can fail: between lock and unlock all of these wait.
    let held = waits(|| one(100), DECISIONS[0].1, &ALONE);
    assert!(held.iter().any(|(before, waiting)| *before == Point::Unlock && waiting.len() == ALONE.len()), "{held:?}");
    assert!(held.iter().all(|(before, waiting)| *before != Point::Lock || waiting.is_empty()), "{held:?}");
}

/// A thread that is stopped while it adds, removes or blocks delays its shard, and no other.
#[test]
fn a_thread_that_is_stopped_while_it_adds_delays_only_its_shard() {
    let victims: [fn(&One); 3] = [
        |keys| keys.try_take(&HERE[2], 1).map(drop).expect("it is full"),
        |keys| assert!(keys.remove(&HERE[0])),
        |keys| keys.block(&HERE[0]).expect("there is room"),
    ];
    for victim in victims {
        let free = waits(|| one(100), victim, &ELSEWHERE);
        assert!(free.iter().all(|(_, waiting)| waiting.is_empty()), "{free:?}");
        let held = waits(|| one(100), victim, &DECISIONS);
        assert!(held.iter().any(|(_, waiting)| waiting.contains(&"take of the key")), "{held:?}");
    }
}

/// At the bound it may also delay a shard in which it looks for room, and lets that go before it
/// adds the key.
#[test]
fn a_thread_that_is_stopped_while_it_makes_room_delays_that_shard_too() {
    fn full_there() -> One {
        let keys = one(4);
        [HERE[0], HERE[1]].iter().for_each(|key| keys.charge(key, 50).expect("no bound"));
        keys.clock().advance(Duration::from_secs(6));
        keys
    }
    let victim = |keys: &One| keys.try_take(&HERE[2], 1).map(drop).expect("there is room in the other shard");
    let decisions: [Call<One>; 2] =
        [("refusal here", |keys| assert!(keys.try_take(&HERE[0], 1).is_err())), ELSEWHERE[0]];
    let held = waits(full_there, victim, &decisions);
    let both = |waiting: &[&str]| waiting.len() == decisions.len();
    assert!(held.iter().any(|(before, waiting)| *before == Point::Unlock && both(waiting)), "{held:?}");
    let last = held.iter().rev().take_while(|(_, waiting)| !both(waiting));
    assert!(last.filter(|(_, waiting)| *waiting == ["refusal here"]).count() > 1, "{held:?}");
    assert!(held.iter().all(|(_, waiting)| *waiting != [ELSEWHERE[0].0]), "{held:?}");
}

/// A thread that is stopped while it changes limits delays one shard at a time.
#[test]
fn a_thread_that_is_stopped_while_it_changes_limits_delays_one_shard() {
    let decisions: [Call<One>; 2] = [DECISIONS[0], ELSEWHERE[0]];
    let held = waits(|| one(100), |keys| keys.set_limits(limit()).expect("as before"), &decisions);
    assert!(held.iter().all(|(_, waiting)| waiting.len() < 2), "{held:?}");
    for (name, _) in decisions {
        assert!(held.iter().any(|(_, waiting)| waiting.contains(&name)), "{name}: {held:?}");
    }
}

/// At the bound a call only tries the locks of other shards.
#[test]
fn a_new_key_at_the_bound_waits_for_no_other_shard() {
    let flood: [Call<One>; 1] = [("new key", |keys| assert!(keys.try_take(&THERE[2], 1).is_err()))];
    let victims: [fn(&One); 2] = [DECISIONS[0].1, |keys| assert!(keys.try_take(&HERE[2], 1).is_err())];
    for victim in victims {
        let free = waits(|| one(4), victim, &flood);
        assert!(free.iter().all(|(_, waiting)| waiting.is_empty()), "{free:?}");
    }
}

/// With several streams, a thread that is stopped in any call delays its shard, and no other.
#[test]
fn a_thread_that_is_stopped_with_several_streams_delays_only_its_shard() {
    let elsewhere: [Call<Two>; 2] = [
        ("take elsewhere", |keys| keys.try_take(&THERE[0], [1, 1]).map(drop).expect("five are there")),
        ("addition elsewhere", |keys| keys.try_take(&THERE[2], [1, 1]).map(drop).expect("it is full")),
    ];
    let victim = |keys: &Two| keys.try_take(&HERE[0], [1, 1]).map(drop).expect("five are there");
    let free = waits(two, victim, &elsewhere);
    assert!(free.iter().all(|(_, waiting)| waiting.is_empty()), "{free:?}");
    let held =
        waits(two, victim, &[("take", |keys| keys.try_take(&HERE[0], [1, 1]).map(drop).expect("five are there"))]);
    assert!(held.iter().any(|(_, waiting)| !waiting.is_empty()), "{held:?}");
}

/// A timer whose sleeps never end.
struct Never;

impl Timer for Never {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

type Wait = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keys, and one who waits for ten tokens of the first.
struct Waited {
    keys: Arc<One>,
    wait: Mutex<Wait>,
}

fn poll(wait: &mut Wait) {
    assert!(wait.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
}

/// Waits for ten tokens of the first key, and has been polled once.
fn wait(keys: &Arc<One>) -> Wait {
    let keys = Arc::clone(keys);
    let mut wait: Wait = Box::pin(async move {
        let _ = keys.bucket(&HERE[0]).take_on(10, Never).await;
    });
    poll(&mut wait);
    wait
}

fn waited() -> Waited {
    let keys = Arc::new(one(100));
    Waited { wait: Mutex::new(wait(&keys)), keys }
}

/// A thread that is stopped in the line of a key, as one who waits there comes, delays no decision:
/// not on that key, and not on others. Who comes to that line waits.
#[test]
fn a_thread_that_is_stopped_in_the_line_of_a_key_delays_no_decision() {
    let victim = |waited: &Waited| poll(&mut waited.wait.lock().expect("nobody panics"));
    let free = waits(
        waited,
        victim,
        &[
            ("refusal", |waited| assert!(waited.keys.try_take(&HERE[0], 1).is_err())),
            ("take of a neighbour", |waited| waited.keys.try_take(&HERE[1], 1).map(drop).expect("five are there")),
            ("put_back to a neighbour", |waited| waited.keys.put_back(&HERE[1], 1)),
            ("available", |waited| assert!(waited.keys.available(&HERE[0]) > 0)),
            ("take elsewhere", |waited| waited.keys.try_take(&THERE[0], 1).map(drop).expect("five are there")),
            ("addition elsewhere", |waited| waited.keys.try_take(&THERE[2], 1).map(drop).expect("it is full")),
        ],
    );
    assert!(free.iter().all(|(_, waiting)| waiting.is_empty()), "{free:?}");
    let held = waits(waited, victim, &[("another who waits", |waited| drop(wait(&waited.keys)))]);
    assert!(held.iter().any(|(_, waiting)| !waiting.is_empty()), "{held:?}");
}
