//! Owns sequences of operations: all kinds of buckets must answer as the reference does. It never
//! accepts two kinds that differ.
//!
//! ```text
//! input    : streams (1 or 2), origin, a limit for each stream, then operations until the bytes are used up
//! limit    : rate, capacity, start        operation : time, verb, an amount for each stream
//! ```

use std::time::Duration;

use tollgate::clock::{ManualClock, Time};
use tollgate::limit::LimitRule;
use tollgate::{Clock, Limit, MultiBucket, Never, Rate, Refused, TokenBucket};

use crate::bytes::Bytes;
use crate::exact::Exact;

/// Runs the operations encoded in `data`.
///
/// # Panics
///
/// Panics if the reference does not allow an answer.
pub fn operations(data: &[u8]) {
    let mut bytes = Bytes(data);
    let flags = bytes.byte();
    let origin = bytes.pick(&[0, 1, 1_000_000_000, 1 << 62, u64::MAX / 2]);
    if flags & 1 == 0 {
        run::<1>(&mut bytes, origin);
    } else {
        run::<2>(&mut bytes, origin);
    }
}

const RATES: [&str; 16] = [
    "1000/s", "7/s", "5/min", "1/3s", "125MB/s", "1M/s", "9/ns", "1/d", "0/s", "1MiB/s", "333/s", "999.9/s", "12.5G/s",
    "64GiB/s", "10/ns", "1024/ns",
];

fn limit(bytes: &mut Bytes<'_>) -> Limit {
    let rate = match bytes.byte() {
        0..=127 => bytes.pick(&RATES).parse().unwrap(),
        _ => Rate::new(bytes.number(), Duration::from_nanos(bytes.number().max(1))).unwrap(),
    };
    let capacity = match bytes.byte() {
        0..=191 => bytes.number(),
        less => largest(rate).saturating_sub(u64::from(255 - less)),
    };
    let limit = Limit::new(rate, capacity);
    if bytes.byte() & 1 == 0 { limit } else { limit.empty() }
}

/// Returns the largest capacity at this rate; any if the rate allows none.
fn largest(rate: Rate) -> u64 {
    match Limit::new(rate, u64::MAX).check().map_err(|error| error.rule) {
        Err(LimitRule::CapacityTooLarge { most }) => most,
        _ => 1,
    }
}

/// The subjects: all `N` streams without and with a handle, and each stream alone.
struct Subjects<'a, const N: usize> {
    shared: &'a MultiBucket<N, ManualClock>,
    handled: &'a MultiBucket<N, ManualClock>,
    alone: &'a [TokenBucket<ManualClock>; N],
    origin: u64,
}

fn run<const N: usize>(bytes: &mut Bytes<'_>, origin: u64) {
    let limits: [Limit; N] = std::array::from_fn(|_| limit(bytes));
    let clock = || ManualClock::starting_at(Time::from_nanos(origin));
    if let Some(stream) = limits.iter().position(|limit| limit.check().is_err()) {
        let error = MultiBucket::with_clock(limits, clock()).map(|_| ()).unwrap_err();
        assert_eq!((error.stream, error.limit), (stream, limits[stream]));
        return;
    }
    let shared = MultiBucket::with_clock(limits, clock()).unwrap();
    let handled = MultiBucket::with_clock(limits, clock()).unwrap();
    let alone = limits.map(|limit| TokenBucket::with_clock(limit, clock()).unwrap());
    let subjects = Subjects { shared: &shared, handled: &handled, alone: &alone, origin };
    let handle = handled.handle().unwrap();
    let mut models = limits.map(Exact::new);
    let (mut newest, mut waited) = (0, 0);

    while !bytes.is_empty() {
        // If the last changes of the streams are too far apart, no time suits both. Then nothing
        // can be asked.
        let latest = u64::MAX - origin;
        let from = models.iter().map(|model| model.times().0).max().unwrap();
        let to = models.iter().map(|model| model.times().1).min().unwrap().min(latest);
        if from > to {
            return subjects.revive(&mut models, newest);
        }
        let t = match bytes.byte() {
            0..=63 => newest,
            64..=127 => newest.saturating_add(bytes.number()),
            // As late as the last refusal said, or a nanosecond too early.
            128..=175 => newest.saturating_add(waited).saturating_sub(u64::from(bytes.byte() & 1)),
            176..=207 => newest.saturating_sub(bytes.number()),
            208..=223 => bytes.raw(),
            224..=239 => to.saturating_sub(u64::from(bytes.byte() & 1)),
            _ => from,
        };
        let t = t.clamp(from, to);
        newest = newest.max(t);
        // A time before construction counts as the instant of construction.
        let now = Time::from_nanos(if t == 0 { origin.saturating_sub(u64::from(bytes.byte())) } else { origin + t });

        let verb = bytes.byte();
        let through_handle = verb & 128 != 0;
        let available = subjects.available(now, &models, t);
        let amounts: [u64; N] = std::array::from_fn(|i| match bytes.byte() {
            small @ 0..=99 => u64::from(small),
            100..=149 => available[i],
            150..=179 => available[i].saturating_add(1),
            180..=199 => models[i].capacity,
            200..=209 => models[i].capacity + 1,
            210..=219 => models[i].capacity / 2,
            _ => bytes.number(),
        });
        let were = models.clone();
        let state = || format!("{amounts:?} at {t} ns of {limits:?}: available {available:?}, {were:?}");

        match verb % 8 {
            0..=3 => {
                let before = shared.at(now).snapshot();
                let told = before.wait_for(amounts);
                let answer = shared.at(now).try_take(amounts);
                let through =
                    if through_handle { handle.at(now).try_take(amounts) } else { handled.at(now).try_take(amounts) };
                assert_eq!(answer, through, "{}", state());
                assert_eq!(answer.map(drop), before.check(amounts), "{}", state());
                let sequence = shared.at(now).snapshot().sequence();
                match answer {
                    Ok(granted) => {
                        assert_eq!(granted.remaining_each(), shared.at(now).available(), "{}", state());
                        let allowed = (0..N).all(|i| models[i].items(t, amounts[i], 1).1 == 1);
                        assert!(allowed, "granted; {}", state());
                        assert_eq!(told, Ok(Some(Duration::ZERO)), "{}", state());
                        assert_eq!(sequence, before.sequence() + u64::from(amounts != [0; N]), "{}", state());
                        for i in 0..N {
                            assert_eq!(
                                alone[i].at(now).try_take(amounts[i]).map(drop),
                                Ok(()),
                                "stream {i}; {}",
                                state()
                            );
                            models[i].take(t, amounts[i]);
                        }
                    }
                    Err(Refused::Closed | Refused::Cancelled) => panic!("nobody closes it; {}", state()),
                    Err(Refused::Never(never)) => {
                        let stream = (0..N).find(|&i| amounts[i] > models[i].capacity).expect("a stream too small");
                        let said = Never { stream, requested: amounts[stream], capacity: models[stream].capacity };
                        assert_eq!((never, told), (said, Err(never)), "{}", state());
                        assert_eq!(sequence, before.sequence(), "{}", state());
                        assert!(matches!(alone[stream].at(now).try_take(amounts[stream]), Err(Refused::Never(_))));
                    }
                    Err(Refused::NotYet(refused)) => {
                        assert!((0..N).any(|i| models[i].items(t, amounts[i], 1).0 == 0), "refused; {}", state());
                        assert_eq!(told, Ok(refused.wait()), "{}", state());
                        assert_eq!(sequence, before.sequence(), "{}", state());
                        let stream = refused.stream();
                        let one = alone[stream].at(now).try_take(amounts[stream]).unwrap_err();
                        assert_eq!(one.wait(), refused.wait(), "stream {stream}; {}", state());
                        check_wait(&models, t, amounts, refused.wait(), stream, &state);
                        assert_eq!(refused.available_each(), before.available(), "{}", state());
                        assert_eq!(refused.waits()[stream], refused.wait(), "{}", state());
                        let nanos = refused.wait().map_or(u128::MAX, |wait| wait.as_nanos());
                        // The stated wait is the least that suffices by the bucket's own refill, to
                        // the nanosecond, exact or not.
                        if u128::from(t).saturating_add(nanos) <= u128::from(to) {
                            let wait = Duration::from_nanos(nanos as u64);
                            let then = now.after(wait);
                            let then = if t == 0 { Time::from_nanos(origin).after(wait) } else { then };
                            let just = Time::from_nanos(then.as_nanos() - 1);
                            assert_eq!(
                                shared.at(then).wait_for(amounts),
                                Ok(Some(Duration::ZERO)),
                                "in time; {}",
                                state()
                            );
                            let early = shared.at(just).wait_for(amounts);
                            assert_eq!(early, Ok(Some(Duration::from_nanos(1))), "early; {}", state());
                        }
                        waited = u64::try_from(nanos).unwrap_or(u64::MAX);
                    }
                }
            }
            4 | 5 => {
                let max = bytes.number();
                let items = shared.at(now).take_items(max, amounts);
                let through = if through_handle {
                    handle.at(now).take_items(max, amounts)
                } else {
                    handled.at(now).take_items(max, amounts)
                };
                assert_eq!(items, through, "up to {max}; {}", state());
                let least = (0..N).map(|i| models[i].items(t, amounts[i], max).0).min().unwrap();
                let most = (0..N).map(|i| models[i].items(t, amounts[i], max).1).min().unwrap();
                assert!((least..=most).contains(&items), "{items} items, up to {max}; {}", state());
                for i in 0..N {
                    // One stream counts tokens, not items.
                    let n = amounts[i].checked_mul(items).expect("no more than the capacity");
                    if verb & 64 == 0 {
                        assert_eq!(alone[i].at(now).take_up_to(n), n, "stream {i}; {}", state());
                    } else {
                        assert_eq!(alone[i].at(now).try_take(n).map(drop), Ok(()), "stream {i}; {}", state());
                    }
                    models[i].take(t, n);
                }
            }
            6 => {
                shared.at(now).put_back(amounts);
                if through_handle {
                    handle.at(now).put_back(amounts);
                } else {
                    handled.at(now).put_back(amounts);
                }
                for i in 0..N {
                    alone[i].at(now).put_back(amounts[i]);
                    models[i].put_back(t, amounts[i]);
                }
            }
            _ => {
                if verb & 64 == 0 {
                    subjects.reset(&mut models, t, now, amounts);
                } else {
                    // At any time at all, as long as the answers are ignored.
                    let (anywhen, max) = (Time::from_nanos(bytes.raw()), bytes.number());
                    let _ = shared.at(anywhen).try_take(amounts).map_err(|refused| refused.to_string());
                    let _ = handle.at(anywhen).take_items(max, amounts);
                    let _ = (shared.at(anywhen).available(), shared.at(anywhen).wait_for(amounts));
                    shared.at(anywhen).put_back(amounts);
                    for (one, n) in alone.iter().zip(amounts) {
                        one.at(anywhen).put_back(n);
                        let _ = one.at(anywhen).try_take(n).map_err(|refused| refused.to_string());
                        assert!(one.at(anywhen).take_up_to(max) <= max);
                    }
                    subjects.revive(&mut models, t);
                }
            }
        }
        // A caller that was away while the others took finds their state.
        subjects.available(now, &models, t);
    }
    assert_eq!(format!("{shared:?}"), format!("{handled:?}"));
    assert_eq!(shared.clock().now(), Time::from_nanos(origin));
}

impl<const N: usize> Subjects<'_, N> {
    /// Returns the available tokens, equal in all kinds of buckets and in the models.
    fn available(&self, now: Time, models: &[Exact; N], t: u64) -> [u64; N] {
        let available = self.shared.at(now).available();
        assert_eq!(available, self.handled.at(now).available());
        for i in 0..N {
            assert_eq!(available[i], self.alone[i].at(now).available(), "stream {i} at {t} ns of {models:?}");
            let (least, most) = models[i].items(t, 1, u64::MAX);
            let range = least..=most;
            assert!(range.contains(&available[i]), "{available:?}, not {range:?}: stream {i} at {t} ns of {models:?}");
        }
        available
    }

    fn reset(&self, models: &mut [Exact; N], t: u64, now: Time, tokens: [u64; N]) {
        self.shared.at(now).reset(tokens);
        self.handled.at(now).reset(tokens);
        for i in 0..N {
            self.alone[i].at(now).reset(tokens[i]);
            models[i].reset(t, tokens[i]);
        }
    }

    /// Resets all buckets and models, which makes them as new.
    fn revive(&self, models: &mut [Exact; N], t: u64) {
        let now = Time::from_nanos(self.origin + t);
        self.reset(models, t, now, [u64::MAX; N]);
        assert_eq!(self.available(now, models, t), models.each_ref().map(|model| model.capacity));
    }
}

/// Checks that the wait is that of the named stream, and that none is longer.
fn check_wait<const N: usize>(
    models: &[Exact; N],
    t: u64,
    amounts: [u64; N],
    wait: Option<Duration>,
    stream: usize,
    state: &impl Fn() -> String,
) {
    let waits: [Option<u128>; N] = std::array::from_fn(|i| models[i].wait(t, amounts[i]));
    if let Some(never) = waits.iter().position(Option::is_none) {
        assert_eq!((wait, stream), (None, never), "{waits:?}; {}", state());
        return;
    }
    let wait = wait.expect("every stream refills");
    let waits = waits.map(Option::unwrap_or_default);
    let longest = *waits.iter().max().unwrap();
    let slack = models.iter().map(|model| model.slack(u128::from(t) + longest)).max().unwrap();
    assert!(wait.as_nanos().abs_diff(longest) <= slack, "a wait of {wait:?}, not {longest} ns; {}", state());
    assert!(waits[stream] + 2 * slack >= longest, "stream {stream}, {waits:?}; {}", state());
    if models.iter().all(Exact::is_exact) {
        let first = waits.iter().position(|wait| *wait == longest);
        assert_eq!(Some(stream), first, "{waits:?}; {}", state());
    }
}
