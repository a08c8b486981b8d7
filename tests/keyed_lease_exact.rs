//! Leases, reservations, waits and gates of keys against a model that never evicts: equal levels
//! after each operation, while keys come and go and their limits change.
//!
//! Every rate is whole tokens a nanosecond, so nothing is rounded. `TOLLGATE_KEYED_LEASE_SEEDS`
//! sets the number of plays of each test; the default is 60. No key is paused here: what comes back
//! in a pause is capped at what a key never seen has in one, which the model does not follow.
#![cfg(feature = "keys")]

mod common;

use std::cell::Cell;
use std::future::{Future, Pending, pending};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use common::Random;
use tollgate::clock::ManualClock;
use tollgate::keyed::KeyRefused;
use tollgate::wait::Timer;
use tollgate::{Clock, Gate, KeyedBuckets, Limit, MultiBucket, Rate, Refused};

const KEYS: usize = 4;

static NAMES: [u64; KEYS] = [0, 1, 2, 3];

thread_local! {
    static TIERS: [Cell<usize>; KEYS] = const { [const { Cell::new(0) }; KEYS] };
}

fn tier_of(key: &u64) -> usize {
    TIERS.with(|tiers| tiers[*key as usize].get())
}

/// A timer whose sleeps never end.
#[derive(Clone, Copy)]
struct Never;

impl Timer for Never {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        pending()
    }
}

fn limit((rate, capacity): (i64, i64)) -> Limit {
    Limit::new(Rate::per_second(rate as u64 * 1_000_000_000), capacity as u64)
}

fn some_limit(random: &mut Random) -> (i64, i64) {
    ((random.below(4) as i64 - 1).max(0), 1 + random.below(60) as i64)
}

#[derive(Clone, Copy, Debug)]
struct Naive {
    rate: i64,
    capacity: i64,
    level: i64,
}

/// A bucket in whole tokens and nanoseconds.
#[derive(Clone, Copy, Debug)]
struct Model<const N: usize> {
    streams: [Naive; N],
    at: i64,
    own: bool,
    paused: i64,
}

impl<const N: usize> Model<N> {
    fn new(limits: [(i64, i64); N], now: i64) -> Self {
        let streams = limits.map(|(rate, capacity)| Naive { rate, capacity, level: capacity });
        Self { streams, at: now, own: false, paused: 0 }
    }

    fn pass(&mut self, now: i64) {
        let from = self.at.max(self.paused.min(now));
        for stream in &mut self.streams {
            stream.level = (stream.level + stream.rate * (now - from)).min(stream.capacity);
        }
        self.at = now;
    }

    fn change(&mut self, limits: [(i64, i64); N]) {
        for (stream, (rate, capacity)) in self.streams.iter_mut().zip(limits) {
            *stream = Naive { rate, capacity, level: stream.level.min(capacity) };
        }
    }

    fn take(&mut self, amounts: [i64; N]) {
        (0..N).for_each(|i| self.streams[i].level -= amounts[i]);
    }

    /// No more comes back than a key never seen has, which `unseen` says.
    fn give(&mut self, amounts: [i64; N], unseen: &Self, is_held: bool) {
        for (i, amount) in amounts.into_iter().enumerate() {
            let Naive { level, capacity, .. } = self.streams[i];
            let most = if is_held { capacity } else { unseen.streams[i].level.min(capacity) };
            self.streams[i].level = level.max((level + amount).min(most));
        }
    }

    fn levels(&self) -> [i64; N] {
        self.streams.map(|stream| stream.level)
    }

    fn has(&self, amounts: [i64; N]) -> bool {
        (0..N).all(|i| amounts[i] <= self.streams[i].level || amounts[i] == 0)
    }

    fn fits(&self, amounts: [i64; N]) -> bool {
        (0..N).all(|i| amounts[i] <= self.streams[i].capacity)
    }
}

type Waiting<'t, const N: usize> = Pin<Box<dyn Future<Output = Result<(), KeyRefused<N>>> + 't>>;

fn polled<R>(wait: &mut Pin<Box<dyn Future<Output = R> + '_>>) -> Poll<R> {
    wait.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// One play, for streams of which `$amounts` makes what the verbs take, and `$numbers` numbers.
macro_rules! play {
    ($name:ident, $n:literal, $limits:expr, $amounts:expr, $numbers:expr) => {
        fn $name(seed: u64, steps: u32) -> [u64; 16] {
            const N: usize = $n;
            let (limits, amounts, numbers) = ($limits, $amounts, $numbers);
            let mut counts = [0_u64; 16];
            let mut random = Random(seed);
            let random = &mut random;
            TIERS.with(|tiers| tiers.iter().for_each(|tier| tier.set(0)));
            let clock = ManualClock::new();
            let of: [[(i64, i64); N]; 2] = std::array::from_fn(|_| std::array::from_fn(|_| some_limit(random)));
            let max_keys = 2 + random.below(4) as usize;
            let keys = KeyedBuckets::<u64, N, _>::with_clock(limits(of[0]), max_keys, &clock).unwrap();
            let keys = keys.with_tiers([limits(of[1])], tier_of as fn(&u64) -> usize).unwrap();
            let wide = [(2, 80); N];
            let service = MultiBucket::with_clock(wide.map(limit), &clock).unwrap();
            let mut service_model = Model::<N>::new(wide, 0);
            let mut unseen: [Model<N>; 2] = of.map(|of| Model::new(of, 0));
            let mut models: [Model<N>; KEYS] = [unseen[0]; KEYS];
            let mut tiers = [0_usize; KEYS];
            let buckets: [_; KEYS] = std::array::from_fn(|key| keys.bucket(&NAMES[key]));
            let mut leases = Vec::new();
            let mut places = Vec::new();
            let mut lines: [Vec<(i64, [i64; N], Waiting<'_, N>)>; KEYS] = std::array::from_fn(|_| Vec::new());
            let mut to_pass = 0;
            // One whose pause or whose own limits ended stays apart, and in its tier, until there
            // is room for it.
            let mut was_apart = [false; KEYS];
            for step in 0..steps {
                let at = |last: &str| format!("seed {seed} step {step}: {last}");
                // Who waits comes at each instant: for one who comes late, more may have accrued.
                let passes = to_pass > 0;
                if passes {
                    let waits = lines.iter().any(|line| !line.is_empty());
                    let passed = if waits { 1 } else { to_pass };
                    to_pass -= passed;
                    clock.advance(Duration::from_nanos(passed));
                } else if random.below(3) == 0 {
                    to_pass = random.below(30);
                }
                let now = clock.now().as_nanos() as i64;
                models.iter_mut().chain(&mut unseen).for_each(|model| model.pass(now));
                service_model.pass(now);
                let key = random.below(KEYS as u64) as usize;
                let name = &NAMES[key];
                let most = 12 + random.below(30);
                let asked: [i64; N] = std::array::from_fn(|_| (random.below(most) as i64 - 3).max(0));
                let tokens = amounts(asked.map(|amount| amount as u64));
                let is_held = |model: &Model<N>| model.own || model.paused > now;
                let known = |key: u64| keys.iter().any(|(known, _)| known == key);
                let lacks_room = keys.len() >= max_keys && !known(key as u64);
                let in_line = !lines[key].is_empty();
                let model = models[key];
                let (tier, paused) = (tiers[key], model.paused > now);
                let op = if passes { 16 } else { random.below(16) };
                let mut last = format!("op {op} key {key} asked {asked:?} {model:?} paused {paused}");
                let never_seen = unseen[tier];
                let levels = |key: usize| -> [i64; N] {
                    let (there, debt) = (numbers(keys.available(&NAMES[key])), numbers(keys.debt(&NAMES[key])));
                    std::array::from_fn(|i| there[i] as i64 - debt[i] as i64)
                };
                let give = |models: &mut [Model<N>; KEYS], key: usize, amounts: [i64; N]| {
                    let unseen = unseen[tiers[key]];
                    let is_held = is_held(&models[key]);
                    let mut apart = models[key];
                    models[key].give(amounts, &unseen, is_held);
                    // One whose pause is over may stand apart still, where it could not have gone.
                    apart.give(amounts, &unseen, true);
                    if was_apart[key] && !is_held && levels(key) == apart.levels() {
                        models[key] = apart;
                    }
                };
                match op {
                    0 => match keys.try_take(name, tokens) {
                        Ok(_) => {
                            assert!(model.has(asked), "{}", at(&last));
                            assert!(asked == [0; N] || !paused, "{}", at(&last));
                            models[key].take(asked);
                            counts[0] += 1;
                        }
                        Err(KeyRefused::NoRoom(_)) => assert!(lacks_room, "{}", at(&last)),
                        Err(_) => assert!(paused || in_line || !model.has(asked), "{}", at(&last)),
                    },
                    1 => {
                        let most: [i64; N] = std::array::from_fn(|_| random.below(20) as i64);
                        let expiry = random.below(60) as i64;
                        let lease = buckets[key].lease(amounts(most.map(|most| most as u64)));
                        let lease = lease.expire_after(Duration::from_nanos(expiry as u64));
                        leases.push((key, lease, most, expiry, [0_i64; N], [0_i64; N]));
                    }
                    2..=5 if !leases.is_empty() => {
                        let index = random.below(leases.len() as u64) as usize;
                        let (key, lease, most, expiry, since, used) = &mut leases[index];
                        let key = *key;
                        let held: [i64; N] = numbers(lease.held()).map(|held| held as i64);
                        let lacks_room = keys.len() >= max_keys && !known(key as u64);
                        let (in_line, paused) = (!lines[key].is_empty(), models[key].paused > now);
                        last = format!("{last} lease of {key} held {held:?} most {most:?} {:?}", models[key]);
                        let taken = lease.try_take(tokens);
                        let after: [i64; N] = numbers(lease.held()).map(|held| held as i64);
                        if (0..N).all(|i| asked[i] <= held[i]) {
                            assert!(taken.is_ok(), "{}", at(&last));
                            assert_eq!(after, std::array::from_fn(|i| held[i] - asked[i]), "{}", at(&last));
                            (0..N).for_each(|i| used[i] += asked[i]);
                            counts[1] += 1;
                        } else {
                            let gone: [i64; N] =
                                std::array::from_fn(|i| if now - since[i] >= *expiry { held[i] } else { 0 });
                            let before = models[key];
                            give(&mut models, key, gone);
                            counts[2] += u64::from(gone != [0; N]);
                            let held: [i64; N] = std::array::from_fn(|i| held[i] - gone[i]);
                            let model = models[key];
                            let short = |i: usize| asked[i] > held[i];
                            match taken {
                                Ok(()) => {
                                    let fetched: [i64; N] = std::array::from_fn(|i| after[i] + asked[i] - held[i]);
                                    for i in 0..N {
                                        let level = model.streams[i].level;
                                        assert!(fetched[i] >= 0, "{fetched:?} {}", at(&last));
                                        assert!(fetched[i] == 0 || short(i), "{fetched:?} {}", at(&last));
                                        assert!(fetched[i] == 0 || fetched[i] <= level, "{fetched:?} {}", at(&last));
                                        let bound = most[i].min(model.streams[i].capacity);
                                        assert!(after[i] <= bound.max(held[i]), "{after:?} {}", at(&last));
                                        if fetched[i] > 0 {
                                            since[i] = now;
                                        }
                                    }
                                    let fetches = fetched != [0; N];
                                    assert!(!(fetches && (paused || !model.fits(asked))), "{}", at(&last));
                                    models[key].take(fetched);
                                    let mut apart = before;
                                    apart.give(gone, &unseen[tiers[key]], true);
                                    apart.take(fetched);
                                    if was_apart[key] && !paused && levels(key) == apart.levels() {
                                        models[key] = apart;
                                    }
                                    (0..N).for_each(|i| used[i] += asked[i]);
                                    counts[3] += 1;
                                }
                                Err(refused) => {
                                    assert_eq!(after, held, "{}", at(&last));
                                    let missing: [i64; N] = std::array::from_fn(|i| (asked[i] - held[i]).max(0));
                                    let why = paused || in_line || !model.has(missing) || !model.fits(asked);
                                    let no_room = matches!(refused, KeyRefused::NoRoom(_));
                                    let lacks_room = lacks_room || was_apart[key] && keys.len() >= max_keys;
                                    assert!(why || no_room && lacks_room, "{refused} {}", at(&last));
                                    assert!(!no_room || lacks_room && model.has(missing), "{refused} {}", at(&last));
                                    let waits =
                                        (0..N).filter(|i| missing[*i] > model.streams[*i].level.max(0)).map(|i| {
                                            let Naive { rate, level, .. } = model.streams[i];
                                            (rate > 0).then(|| (missing[i] - level + rate - 1) / rate)
                                        });
                                    let wait: Option<i64> =
                                        waits.collect::<Option<Vec<_>>>().and_then(|waits| waits.into_iter().max());
                                    match refused {
                                        KeyRefused::Bucket(Refused::NotYet(not_yet)) if !paused && !in_line => {
                                            let wait = wait.map(|wait| Duration::from_nanos(wait as u64));
                                            assert_eq!(not_yet.wait(), wait, "{}", at(&last));
                                        }
                                        KeyRefused::Bucket(Refused::Never(_)) => {
                                            assert!(!model.fits(asked), "{}", at(&last));
                                        }
                                        _ => {}
                                    }
                                    counts[4] += 1;
                                }
                            }
                        }
                    }
                    6 if !leases.is_empty() => {
                        let index = random.below(leases.len() as u64) as usize;
                        let key = leases[index].0;
                        let held: [i64; N] = numbers(leases[index].1.held()).map(|held| held as i64);
                        match random.below(3) {
                            0 => {
                                leases[index].1.give_back();
                                give(&mut models, key, held);
                            }
                            1 => {
                                drop(leases.swap_remove(index));
                                give(&mut models, key, held);
                            }
                            _ => {
                                let (_, lease, most, _, _, used) = &mut leases[index];
                                let back: [i64; N] = std::array::from_fn(|i| asked[i].min(used[i]));
                                lease.put_back(amounts(back.map(|back| back as u64)));
                                let after: [i64; N] = numbers(lease.held()).map(|held| held as i64);
                                for i in 0..N {
                                    assert!(after[i] <= held[i].max(most[i]), "{}", at(&last));
                                    used[i] -= back[i];
                                }
                                give(&mut models, key, std::array::from_fn(|i| held[i] + back[i] - after[i]));
                            }
                        }
                        last = format!("{last} back to {key}: {held:?}");
                        counts[5] += 1;
                    }
                    7 => {
                        keys.remove(name);
                        let paused = model.paused > now;
                        let full = |model: &Model<N>| model.streams.map(|stream| stream.capacity);
                        if model.own {
                            let full = full(&model);
                            (0..N).for_each(|i| models[key].streams[i].level = full[i]);
                        } else if paused {
                            (0..N).for_each(|i| {
                                let stream = &mut models[key].streams[i];
                                stream.level = never_seen.streams[i].level.min(stream.capacity);
                            });
                        } else if known(key as u64) || in_line {
                            (0..N).for_each(|i| models[key].streams[i] = never_seen.streams[i]);
                        } else {
                            models[key] = Model { own: false, ..never_seen };
                        }
                        counts[6] += 1;
                    }
                    8 => {
                        let other = 1 - tier;
                        let stays = was_apart[key] && keys.len() >= max_keys;
                        if !paused && !model.own && !stays && !in_line {
                            // One whose pause is over may go at this call.
                            let may_go = was_apart[key] && model.levels() == never_seen.levels();
                            let there = known(key as u64);
                            TIERS.with(|tiers| tiers[key].set(other));
                            tiers[key] = other;
                            let there = there && !(may_go && levels(key) == unseen[other].levels());
                            if there {
                                models[key].change(unseen[other].streams.map(|stream| (stream.rate, stream.capacity)));
                            } else {
                                models[key] = unseen[other];
                            }
                        }
                    }
                    9 => {
                        let tier = random.below(2) as usize;
                        let next: [(i64, i64); N] = std::array::from_fn(|_| some_limit(random));
                        // Who waits for more than a lowered capacity may use what lies above it.
                        let waits = lines.iter().any(|line| !line.is_empty());
                        if !waits && keys.set_tier_limits(tier, limits(next)).is_ok() {
                            unseen[tier].change(next);
                            let of_tier = |key: &usize| tiers[*key] == tier && !models[*key].own;
                            let of_tier: Vec<usize> = (0..KEYS).filter(of_tier).collect();
                            of_tier.into_iter().for_each(|key| models[key].change(next));
                            counts[7] += 1;
                        }
                    }
                    10 if !in_line => {
                        was_apart[key] = true;
                        let next: [(i64, i64); N] = std::array::from_fn(|_| some_limit(random));
                        if model.own && random.below(2) == 0 {
                            if keys.clear_key_limits(name).is_ok() {
                                models[key].change(never_seen.streams.map(|stream| (stream.rate, stream.capacity)));
                                models[key].own = false;
                            }
                        } else if keys.set_key_limits(name, limits(next)).is_ok() {
                            models[key].change(next);
                            models[key].own = true;
                        }
                    }
                    12 if lines[key].len() < 3 => {
                        let bucket = buckets[key];
                        let mut wait: Waiting<'_, N> =
                            Box::pin(async move { bucket.take_on(tokens, Never).await.map(|_| ()) });
                        match polled(&mut wait) {
                            Poll::Ready(Ok(())) => {
                                assert!(model.has(asked) && (!paused || asked == [0; N]), "{}", at(&last));
                                models[key].take(asked);
                            }
                            Poll::Ready(Err(_)) => {}
                            Poll::Pending => {
                                let since = lines[key].first().map_or(now, |(since, ..)| *since);
                                lines[key].push((since, asked, wait));
                                counts[8] += 1;
                            }
                        }
                    }
                    13 if !in_line => match buckets[key].reserve(tokens) {
                        Ok(place) => {
                            models[key].take(asked);
                            if !paused && asked != [0; N] {
                                let waits = (0..N).filter(|i| asked[*i] > 0).map(|i| {
                                    let Naive { rate, level, .. } = models[key].streams[i];
                                    match (level, rate) {
                                        (0.., _) => Some(0),
                                        (_, 0) => None,
                                        _ => Some((-level + rate - 1) / rate),
                                    }
                                });
                                let wait = waits.collect::<Option<Vec<_>>>().and_then(|waits| waits.into_iter().max());
                                let wait = wait.map(|wait| Duration::from_nanos(wait as u64));
                                assert_eq!(place.remaining(), wait, "{}", at(&last));
                            }
                            places.push((key, asked, place));
                            counts[9] += 1;
                        }
                        Err(KeyRefused::NoRoom(_)) => assert!(lacks_room, "{}", at(&last)),
                        Err(_) => {}
                    },
                    14 if !places.is_empty() => {
                        let index = random.below(places.len() as u64) as usize;
                        let (key, amounts, place) = places.swap_remove(index);
                        last = format!("{last} ends a place of {amounts:?} of {key} {:?}", models[key]);
                        counts[10] += 1;
                        match random.below(4) {
                            0 => {
                                place.cancel();
                                give(&mut models, key, amounts);
                            }
                            1 => {
                                let has_come = place.remaining() == Some(Duration::ZERO);
                                drop(place);
                                if !has_come {
                                    give(&mut models, key, amounts);
                                }
                            }
                            2 => place.commit(),
                            _ => {
                                let used = asked.map(|used| used as u64);
                                if place.into_estimate().settle(used).is_ok() {
                                    let more = std::array::from_fn(|i| (asked[i] - amounts[i]).max(0));
                                    models[key].take(more);
                                    give(&mut models, key, std::array::from_fn(|i| (amounts[i] - asked[i]).max(0)));
                                }
                            }
                        }
                    }
                    15 => {
                        let gate = Gate::new().and(buckets[key], tokens).and(&service, asked.map(|n| n as u64));
                        match gate.try_take() {
                            Ok(granted) => {
                                assert!(model.has(asked) && service_model.has(asked), "{}", at(&last));
                                counts[11] += 1;
                                if random.below(2) == 0 {
                                    models[key].take(asked);
                                    granted.put_back();
                                    give(&mut models, key, asked);
                                } else {
                                    models[key].take(asked);
                                    service_model.take(asked);
                                }
                            }
                            Err(_) => {
                                let granted = model.has(asked) && service_model.has(asked) && !paused;
                                assert!(!granted || in_line || lacks_room, "{}", at(&last));
                                counts[12] += 1;
                            }
                        }
                    }
                    16 => {}
                    _ => {
                        if let Some(line) = lines.iter_mut().find(|line| !line.is_empty()) {
                            let index = random.below(line.len() as u64) as usize;
                            drop(line.remove(index));
                        }
                    }
                }
                for key in 0..KEYS {
                    loop {
                        let (model, line) = (&mut models[key], &mut lines[key]);
                        let mut served = None;
                        for (index, (since, amounts, wait)) in line.iter_mut().enumerate() {
                            match polled(wait) {
                                Poll::Pending => {}
                                Poll::Ready(Ok(())) => {
                                    served = Some((index, *since, *amounts));
                                    break;
                                }
                                Poll::Ready(Err(_)) => {
                                    served = Some((index, now, [0; N]));
                                    break;
                                }
                            }
                        }
                        let Some((index, since, amounts)) = served else {
                            if let Some((_, first, _)) = line.first() {
                                let waits = model.paused > now || !model.has(*first);
                                assert!(waits, "first in line {first:?} of {key} {model:?} {}", at(&last));
                            }
                            break;
                        };
                        drop(line.remove(index));
                        assert!(model.has(amounts), "served {amounts:?} of {key} {model:?} {}", at(&last));
                        model.take(amounts);
                        // What accrued to a full stream while somebody waited is not lost.
                        for (stream, level) in model.streams.iter_mut().zip(levels(key)) {
                            let most = stream.level + stream.rate * (now - since);
                            if (stream.level..=most).contains(&level) {
                                stream.level = level;
                            }
                        }
                        counts[13] += 1;
                    }
                    let model = &models[key];
                    if model.paused <= now {
                        assert_eq!(
                            levels(key),
                            model.levels(),
                            "key {key} {model:?} {:?} {}",
                            lines[key].iter().map(|(_, asked, _)| asked).collect::<Vec<_>>(),
                            at(&last)
                        );
                    }
                }
                let there: [i64; N] = service.available().map(|there| there as i64);
                assert_eq!(there, service_model.levels(), "{}", at(&last));
            }
            counts
        }
    };
}

play!(play_one, 1, |[limit_of]: [(i64, i64); 1]| limit(limit_of), |[n]: [u64; 1]| n, |n: u64| [n]);
play!(play_two, 2, |limits: [(i64, i64); 2]| limits.map(limit), |n: [u64; 2]| n, |n: [u64; 2]| n);

fn seeds() -> u64 {
    std::env::var("TOLLGATE_KEYED_LEASE_SEEDS")
        .map_or(60, |seeds| seeds.parse().expect("TOLLGATE_KEYED_LEASE_SEEDS is a number"))
}

fn all(play: impl Fn(u64, u32) -> [u64; 16]) {
    let mut counts = [0; 16];
    for seed in 0..seeds() {
        let of_play = play(seed, 1000);
        (0..16).for_each(|i| counts[i] += of_play[i]);
    }
    assert!(counts[..14].iter().all(|count| *count > 0), "{counts:?}");
}

#[test]
fn one_stream_of_a_key_agrees_with_a_model_that_never_evicts() {
    all(play_one);
}

#[test]
fn two_streams_of_a_key_agree_with_a_model_that_never_evicts() {
    all(play_two);
}

/// What a call that waits comes to.
type Call<'t> = Pin<Box<dyn Future<Output = bool> + 't>>;

/// Keys and a service that begin empty, gain a token each nanosecond, and are never full. So what
/// they have is the time less what was used, to the last token.
#[test]
fn what_gates_and_places_of_keys_hold_comes_back_when_they_are_left_at_any_poll() {
    let mut counts = [0_u64; 8];
    for seed in 0..seeds() {
        let mut random = Random(seed);
        let clock = ManualClock::new();
        let limit = Limit::new(Rate::per_second(1_000_000_000), 1 << 40).empty();
        let keys = KeyedBuckets::<u64, 1, _>::with_clock(limit, 2, &clock).unwrap();
        let service = MultiBucket::with_clock([limit], &clock).unwrap();
        let buckets = [0, 1].map(|key| keys.bucket(&NAMES[key]));
        let (mut used, mut of_service, mut now) = ([0_i64; 2], 0_i64, 0_i64);
        let mut calls: Vec<(usize, u64, bool, Call<'_>)> = Vec::new();
        let mut places = Vec::new();
        for step in 0..1000 {
            let key = random.below(2) as usize;
            let (bucket, n) = (buckets[key], 1 + random.below(9));
            let timeout = Duration::from_nanos(random.below(60));
            let gate = Gate::new().and(bucket, n).and(&service, [n]);
            match random.below(12) {
                0 => calls.push((key, n, true, Box::pin(async move { gate.take_on(Never).await.is_ok() }))),
                1 => {
                    let wait = gate.take_timeout_on(timeout, Never);
                    calls.push((key, n, true, Box::pin(async move { wait.await.is_ok() })));
                }
                2 => calls.push((key, n, false, Box::pin(async move { bucket.take_on(n, Never).await.is_ok() }))),
                3 if gate.try_take().is_ok() => {
                    used[key] += n as i64;
                    of_service += n as i64;
                    counts[0] += 1;
                }
                4 => {
                    counts[1] += u64::from(keys.try_take(&NAMES[key], 1).is_ok_and(|_| {
                        used[key] += 1;
                        true
                    }));
                }
                5 => places.extend(buckets[key].reserve(n).ok().map(|place| (key, n, place))),
                6 if !places.is_empty() => {
                    let index = random.below(places.len() as u64) as usize;
                    let (key, n, place) = places.swap_remove(index);
                    counts[2] += 1;
                    match random.below(4) {
                        0 => place.cancel(),
                        1 => drop(place.cancel_on_drop()),
                        2 => {
                            place.commit();
                            used[key] += n as i64;
                        }
                        _ => {
                            // What comes back before its turn may find the key whole, and is lost.
                            let least = if place.remaining() == Some(Duration::ZERO) { 0 } else { n };
                            let actual = least + random.below(n + 4);
                            let settled = place.into_estimate().settle([actual]);
                            used[key] += if settled.is_ok() { actual } else { n } as i64;
                        }
                    }
                }
                7 if !calls.is_empty() => {
                    drop(calls.swap_remove(random.below(calls.len() as u64) as usize));
                    counts[3] += 1;
                }
                8..=10 => {
                    clock.advance(Duration::from_nanos(1));
                    now += 1;
                }
                _ => {}
            }
            let few = random.below(4) == 0;
            calls.retain_mut(|(key, n, gates, call)| match if few { Poll::Pending } else { polled(call) } {
                Poll::Pending => true,
                Poll::Ready(granted) => {
                    if granted {
                        used[*key] += *n as i64;
                        of_service += if *gates { *n as i64 } else { 0 };
                        counts[4] += 1;
                    }
                    counts[5] += u64::from(!granted);
                    false
                }
            });
            if random.below(40) == 0 || step == 999 {
                calls.clear();
                places.drain(..).for_each(|(_, _, place)| place.cancel());
                clock.advance(Duration::from_nanos(10_000));
                now += 10_000;
                let there = [0, 1].map(|key: usize| keys.available(&NAMES[key]) as i64);
                assert_eq!(there, used.map(|used| now - used), "seed {seed} step {step}");
                assert_eq!(service.available(), [(now - of_service) as u64], "seed {seed} step {step}");
                assert!([0, 1].iter().all(|key| keys.try_take(key, 1).is_ok()), "seed {seed} step {step}");
                let rest = [0, 1].map(|key: usize| keys.take_up_to(&NAMES[key], u64::MAX, 1));
                used = std::array::from_fn(|key| used[key] + 1 + rest[key] as i64);
                let rest = service.take_items(u64::MAX, [1]);
                of_service += rest as i64;
                assert_eq!((used, of_service), ([now; 2], now), "seed {seed} step {step}");
                counts[6] += 1;
            }
        }
    }
    assert!(counts[..7].iter().all(|count| *count > 0), "{counts:?}");
}
