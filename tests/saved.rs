//! What a bucket has outlives its process: nothing is gained by a restart, and little is lost.

#![cfg(feature = "std")]

use std::time::{Duration, SystemTime};

use proptest::prelude::*;
use tollgate::bucket::SavedBucket;
use tollgate::clock::{ManualClock, Time, WallTime};
use tollgate::limit::{Inherit, LimitRule};
use tollgate::{LeakyBucket, Limit, MultiBucket, Rate, TokenBucket};

const SECOND: u64 = 1_000_000_000;
const YEAR: u64 = 365 * 24 * 3600 * SECOND;
const NOON: u64 = 1_800_000_000 * SECOND;

/// Exact rates, rates that are not, a coarse unit, the fastest, none, and no limit.
const LIMITS: [&str; 11] = [
    "1000/s",
    "7/s capacity 3",
    "5/min",
    "1/3s capacity 10",
    "333/s",
    "1MiB/s capacity 4KiB",
    "1001/h",
    "1/s capacity 4398046511103",
    "64GiB/s capacity 1",
    "0/s capacity 100",
    "unlimited",
];

fn limit(text: &str) -> Limit {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn wall(nanos: u64) -> WallTime {
    WallTime::from_unix_nanos(NOON + nanos)
}

/// The levels of what was saved, each as units and the units of a token.
fn levels<const N: usize>(saved: &SavedBucket<N>) -> [(i64, u64); N] {
    saved.levels().tokens()
}

/// What any bucket does here, at times that the test supplies.
trait Kept<const N: usize>: Sized {
    /// A bucket that was built at an instant of its clock.
    fn built(limits: [Limit; N], at: u64) -> Self;
    fn take_at(&self, now: u64, amounts: [u64; N]) -> bool;
    fn owe_at(&self, now: u64, amounts: [u64; N]);
    fn pause_at(&self, now: u64, nanos: u64);
    fn save_at(&self, now: u64, wall: WallTime) -> SavedBucket<N>;
    fn restore_at(&self, now: u64, saved: &SavedBucket<N>, wall: WallTime);
}

fn clock_at(nanos: u64) -> ManualClock {
    let clock = ManualClock::new();
    clock.set(Time::from_nanos(nanos));
    clock
}

impl Kept<1> for TokenBucket<ManualClock> {
    fn built([limit]: [Limit; 1], at: u64) -> Self {
        Self::with_clock(limit, clock_at(at)).unwrap()
    }
    fn take_at(&self, now: u64, [n]: [u64; 1]) -> bool {
        self.at(Time::from_nanos(now)).try_take(n).is_ok()
    }
    fn owe_at(&self, now: u64, [n]: [u64; 1]) {
        let _ = self.at(Time::from_nanos(now)).charge(n);
    }
    /// Its limit is fixed.
    fn pause_at(&self, _: u64, _: u64) {}
    fn save_at(&self, now: u64, wall: WallTime) -> SavedBucket<1> {
        self.at(Time::from_nanos(now)).save(wall)
    }
    fn restore_at(&self, now: u64, saved: &SavedBucket<1>, wall: WallTime) {
        self.at(Time::from_nanos(now)).restore(saved, wall).unwrap();
    }
}

impl<const N: usize> Kept<N> for MultiBucket<N, ManualClock> {
    fn built(limits: [Limit; N], at: u64) -> Self {
        Self::with_clock(limits, clock_at(at)).unwrap()
    }
    fn take_at(&self, now: u64, amounts: [u64; N]) -> bool {
        self.at(Time::from_nanos(now)).try_take(amounts).is_ok()
    }
    fn owe_at(&self, now: u64, amounts: [u64; N]) {
        let _ = self.at(Time::from_nanos(now)).charge(amounts);
    }
    fn pause_at(&self, now: u64, nanos: u64) {
        self.at(Time::from_nanos(now)).pause_for(Duration::from_nanos(nanos));
    }
    fn save_at(&self, now: u64, wall: WallTime) -> SavedBucket<N> {
        self.at(Time::from_nanos(now)).save(wall)
    }
    fn restore_at(&self, now: u64, saved: &SavedBucket<N>, wall: WallTime) {
        self.at(Time::from_nanos(now)).restore(saved, wall).unwrap();
    }
}

impl Kept<1> for LeakyBucket<ManualClock> {
    fn built([limit]: [Limit; 1], at: u64) -> Self {
        Self::empty_with_clock(limit, clock_at(at)).unwrap()
    }
    fn take_at(&self, now: u64, [n]: [u64; 1]) -> bool {
        self.at(Time::from_nanos(now)).try_add(n).is_ok()
    }
    fn owe_at(&self, now: u64, n: [u64; 1]) {
        let _ = self.as_tokens().at(Time::from_nanos(now)).charge(n);
    }
    fn pause_at(&self, now: u64, nanos: u64) {
        self.as_tokens().at(Time::from_nanos(now)).pause_for(Duration::from_nanos(nanos));
    }
    fn save_at(&self, now: u64, wall: WallTime) -> SavedBucket<1> {
        self.at(Time::from_nanos(now)).save(wall)
    }
    fn restore_at(&self, now: u64, saved: &SavedBucket<1>, wall: WallTime) {
        self.at(Time::from_nanos(now)).restore(saved, wall).unwrap();
    }
}

#[derive(Clone, Debug)]
enum Step {
    Take(u64),
    Charge(u64),
    Pause(u64),
    Pass(u64),
}

/// Twenty of them are within the shortest idle limit of these, which is 4 years.
fn nanos() -> impl Strategy<Value = u64> {
    prop_oneof![0..10_u64, 0..SECOND, 0..1000 * SECOND, Just(YEAR / 6)]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..200_u64).prop_map(Step::Take),
        1 => (0..20_000_u64).prop_map(Step::Charge),
        1 => nanos().prop_map(Step::Pause),
        3 => nanos().prop_map(Step::Pass),
    ];
    prop::collection::vec(step, 0..12)
}

/// The units that a restart may lose where a rate is not exact: see the docs of `SavedBucket`.
const ROUNDING: i64 = 4;

/// That the restored bucket has what the other has, but for the rounding of so many restarts.
fn agree<const N: usize>(
    limits: &[Limit; N],
    stopped: &SavedBucket<N>,
    never: &SavedBucket<N>,
    restarts: i64,
) -> Result<(), TestCaseError> {
    prop_assert_eq!(stopped.pause_left(), never.pause_left());
    for (i, ((has, unit), (right, right_unit))) in levels(stopped).into_iter().zip(levels(never)).enumerate() {
        prop_assert_eq!(unit, right_unit);
        let exact = limits[i].precision().unwrap().is_zero();
        let most = if exact { 0 } else { ROUNDING * restarts };
        let lost = i128::from(right) - i128::from(has);
        prop_assert!(
            (0..=i128::from(most)).contains(&lost),
            "{}: {lost} units of 1/{unit} lost, at most {most}",
            limits[i]
        );
    }
    Ok(())
}

/// Comes back from text, and from a format that does not describe itself.
#[cfg(feature = "serde")]
fn written<const N: usize>(saved: &SavedBucket<N>) -> Result<(), TestCaseError> {
    let text = serde_json::to_string(saved).unwrap();
    prop_assert_eq!(&serde_json::from_str::<SavedBucket<N>>(&text).unwrap(), saved);
    let bytes = postcard::to_stdvec(saved).unwrap();
    prop_assert_eq!(&postcard::from_bytes::<SavedBucket<N>>(&bytes).unwrap(), saved);
    Ok(())
}

/// Saves a bucket after these steps, and restores it a while later into one that was built
/// elsewhere on the line of its own clock; then the two go on.
fn goes_on<const N: usize, B: Kept<N>>(
    limits: [Limit; N],
    steps: &[Step],
    [away, built, idle]: [u64; 3],
    later: &[u64],
) -> Result<(), TestCaseError> {
    let never = B::built(limits, 7);
    let mut now = 7;
    for step in steps {
        match *step {
            Step::Take(n) => drop(never.take_at(now, [n; N])),
            Step::Charge(n) => never.owe_at(now, [n; N]),
            Step::Pause(nanos) => never.pause_at(now, nanos),
            Step::Pass(nanos) => now += nanos,
        }
    }
    let saved = never.save_at(now, wall(now));
    #[cfg(feature = "serde")]
    written(&saved)?;
    prop_assert_eq!(saved.limits(), limits);

    now += away;
    let stopped = B::built(limits, built);
    let mut here = built + idle;
    stopped.restore_at(here, &saved, wall(now));
    agree(&limits, &stopped.save_at(here, wall(now)), &never.save_at(now, wall(now)), 1)?;
    for nanos in later {
        (now, here) = (now + nanos, here + nanos);
        agree(&limits, &stopped.save_at(here, wall(now)), &never.save_at(now, wall(now)), 1)?;
    }
    Ok(())
}

fn limit_of(i: usize) -> Limit {
    limit(LIMITS[i])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 400 }))]

    #[test]
    fn a_restored_bucket_goes_on_as_one_that_never_stopped(
        which in 0..LIMITS.len(),
        steps in steps(),
        times in [nanos(), nanos(), nanos()],
        later in prop::collection::vec(nanos(), 0..5),
    ) {
        let limits = [limit_of(which)];
        goes_on::<1, TokenBucket<ManualClock>>(limits, &steps, times, &later)?;
        goes_on::<1, LeakyBucket<ManualClock>>(limits, &steps, times, &later)?;
    }

    #[test]
    fn several_streams_go_on_together(
        which in [0..LIMITS.len(), 0..LIMITS.len(), 0..LIMITS.len()],
        steps in steps(),
        times in [nanos(), nanos(), nanos()],
        later in prop::collection::vec(nanos(), 0..5),
    ) {
        goes_on::<3, MultiBucket<3, ManualClock>>(which.map(limit_of), &steps, times, &later)?;
    }

    /// Of tokens, not of time: nothing else happens between the two.
    #[test]
    fn under_other_limits_a_level_is_rounded_down_and_a_debt_stays_whole(
        which in [0..LIMITS.len() - 1, 0..LIMITS.len() - 1],
        taken in 0..20_000_u64,
        away in nanos(),
    ) {
        let [before, after] = which.map(limit_of);
        let old = TokenBucket::built([before], 0);
        old.owe_at(0, [taken]);
        let new = TokenBucket::built([after], 0);
        let saved = old.save_at(0, wall(0));
        let right = levels(&old.save_at(away, wall(away)))[0];
        match new.at(Time::ZERO).restore(&saved, wall(away)) {
            Ok(()) => {
                let (has, unit) = levels(&new.save_at(0, wall(away)))[0];
                let right = (i128::from(right.0) * i128::from(unit)).div_euclid(right.1.into());
                let right = right.min(i128::from(after.capacity) * i128::from(unit));
                let most = if before.precision().unwrap().is_zero() { 0 } else { i128::from(unit / right_unit(before)) + 1 };
                let lost = right - i128::from(has);
                prop_assert!((0..=2 * most).contains(&lost), "{before} to {after}: {lost} lost");
            }
            Err(error) => prop_assert!(matches!(error.rule, LimitRule::DebtTooLarge { .. }), "{error}"),
        }
    }
}

fn right_unit(limit: Limit) -> u64 {
    levels(&TokenBucket::built([limit], 0).save_at(0, wall(0)))[0].1
}

/// A restart loop mints nothing, and loses no more than its number of restarts says.
fn restart_loop<const N: usize, B: Kept<N>>(limits: [Limit; N], gap: u64, takes: bool) {
    let never = B::built(limits, 0);
    never.owe_at(0, [13; N]);
    let mut stopped = B::built(limits, 0);
    stopped.owe_at(0, [13; N]);
    let (mut here, mut now) = (0, 0);
    for restart in 1..=1000 {
        let built = restart * 1_234_567 % 9999;
        let saved = stopped.save_at(here, wall(now));
        now += gap;
        (stopped, here) = (B::built(limits, built), built + 3);
        stopped.restore_at(here, &saved, wall(now));
        if takes && stopped.take_at(here, [1; N]) {
            assert!(never.take_at(now, [1; N]), "minted by restart {restart}");
        }
        agree(&limits, &stopped.save_at(here, wall(now)), &never.save_at(now, wall(now)), restart as i64).unwrap();
    }
}

#[test]
fn a_thousand_restarts_mint_nothing() {
    for text in LIMITS {
        let limit = limit(text);
        for gap in [0, 1, 999, SECOND / 700, 3 * SECOND] {
            // One whose level is never full in between: else the two begin anew at other instants.
            let large = if limit.is_unlimited() { limit } else { limit.capacity(limit.capacity.max(10_000)) };
            restart_loop::<1, TokenBucket<ManualClock>>([limit], gap, false);
            restart_loop::<1, LeakyBucket<ManualClock>>([limit], gap, true);
            restart_loop::<3, MultiBucket<3, ManualClock>>([limit, large, Limit::per_second(7)], gap, true);
        }
    }
}

/// The bound over all its lives: it is restarted again and again, and asked all the time.
#[test]
fn the_bound_holds_over_a_thousand_restarts() {
    for text in ["10/s", "333/s", "1001/h capacity 5"] {
        let limit = limit(text);
        let mut bucket = TokenBucket::built([limit], 0);
        let (mut now, mut here, mut granted) = (0_u64, 0, 0);
        for restart in 0..1000 {
            granted += bucket.at(Time::from_nanos(here)).take_items(u64::MAX, 1);
            let saved = bucket.save_at(here, wall(now));
            now += 7_654_321 * (restart % 50);
            (bucket, here) = (TokenBucket::built([limit], restart), restart + 77);
            bucket.restore_at(here, &saved, wall(now));
        }
        granted += bucket.at(Time::from_nanos(here)).take_items(u64::MAX, 1);
        let (tokens, period) = (u128::from(limit.rate.tokens()), limit.rate.period().as_nanos());
        let most = u128::from(limit.capacity) + tokens * u128::from(now) / period;
        assert!(u128::from(granted) <= most && u128::from(granted) + 2 >= most, "{limit}: {granted} of {most}");
    }
}

#[test]
fn no_time_passes_where_the_wall_clock_went_backwards() {
    for text in LIMITS {
        let old = MultiBucket::built([limit(text)], 0);
        old.owe_at(0, [9]);
        old.pause_at(0, 5 * SECOND);
        let saved = old.save_at(SECOND, wall(YEAR));
        let new = MultiBucket::built([limit(text)], 3);
        new.restore_at(9, &saved, wall(0));
        let again = new.save_at(9, wall(0));
        assert_eq!((again.levels(), again.pause_left()), (saved.levels(), saved.pause_left()), "{text}");
    }
}

#[test]
fn after_ages_a_bucket_is_full_and_no_more() {
    let last = WallTime::from_unix_nanos(u64::MAX);
    for text in LIMITS {
        let old = MultiBucket::built([limit(text)], 0);
        let full = old.save_at(0, wall(0)).levels();
        old.owe_at(0, [15]);
        let saved = old.save_at(0, WallTime::from_unix_nanos(0));
        let new = MultiBucket::built([limit(text)], 0);
        new.restore_at(0, &saved, last);
        let right = if text.starts_with("0/s") { saved.levels() } else { full };
        assert_eq!(new.save_at(0, last).levels(), right, "{text}");
    }
    // What lies outside the range of the wall clock counts as its end.
    assert_eq!(WallTime::from(SystemTime::UNIX_EPOCH - Duration::from_secs(9)), WallTime::from_unix_nanos(0));
    assert_eq!(WallTime::from(SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 35)), last);
}

#[test]
fn a_pause_goes_on_and_ends_by_the_wall_clock() {
    let limits = [Limit::per_second(10)];
    let old = MultiBucket::built(limits, 0);
    old.owe_at(0, [10]);
    old.pause_at(0, 3 * SECOND);
    let saved = old.save_at(SECOND, wall(0));
    for (away, left, available) in [(SECOND, 1, 0), (2 * SECOND, 0, 0), (2 * SECOND + SECOND / 2, 0, 5)] {
        // A pause of its own does not stay.
        let new = MultiBucket::built(limits, 0);
        new.pause_at(0, YEAR);
        new.restore_at(5, &saved, wall(away));
        let snapshot = new.at(Time::from_nanos(5)).snapshot();
        assert_eq!((snapshot.pause_left(), snapshot.available()), (Some(Duration::from_secs(left)), [available]));
    }
    let leaky = LeakyBucket::built(limits, 0);
    leaky.restore_at(0, &saved, wall(SECOND));
    assert_eq!(leaky.as_tokens().at(Time::ZERO).pause_left(), Some(Duration::from_secs(1)));

    old.at(Time::from_nanos(SECOND)).pause();
    let endless = old.save_at(SECOND, wall(0));
    let new = MultiBucket::built(limits, 0);
    new.restore_at(0, &endless, wall(YEAR));
    assert_eq!((new.pause_left(), endless.pause_left()), (None, None));
    new.resume();
    assert_eq!(new.available(), [0], "what passed in the pause is no refill");
}

#[test]
fn a_bucket_that_cannot_pause_refuses_a_pause_that_is_not_over() {
    let old = MultiBucket::built([Limit::per_second(10)], 0);
    old.pause_at(0, SECOND);
    let saved = old.save_at(0, wall(0));
    let new = TokenBucket::built([Limit::per_second(10)], 0);
    new.take_at(0, [4]);
    let error = new.at(Time::ZERO).restore(&saved, wall(SECOND - 1)).unwrap_err();
    assert_eq!(error.rule, LimitRule::CannotPause);
    assert_eq!(
        error.to_string(),
        "stream 0, limit 10/s capacity 10: a pause is not over, and a bucket with a fixed limit cannot pause"
    );
    assert_eq!(new.available(), 6, "nothing changed");
    new.restore_at(0, &saved, wall(SECOND));
    assert_eq!(new.available(), 10);
}

#[test]
fn a_debt_that_the_new_limit_cannot_keep_is_named() {
    let limits = [Limit::per_second(5), Limit::per_second(1_000_000).capacity(10)];
    let old = MultiBucket::built(limits, 0);
    old.owe_at(0, [0, 1_000_000_010]);
    let saved = old.save_at(0, wall(0));
    let slow = Limit::per_day(1).capacity(10);
    let new = MultiBucket::built([Limit::per_second(5), slow], 0);
    new.take_at(0, [3, 3]);
    let error = new.at(Time::ZERO).restore(&saved, wall(0)).unwrap_err();
    assert!((error.stream, error.limit) == (1, slow), "{error}");
    assert!(matches!(error.rule, LimitRule::DebtTooLarge { debt: 1_000_000_000, most } if most < 1_000_000_000));
    assert_eq!(new.available(), [2, 7], "nothing changed");
    // As a change of limits would have it.
    assert_eq!(error, old.set_limits([Limit::per_second(5), slow]).unwrap_err());
}

/// The cases of the report: a fraction, and a debt.
#[test]
fn the_next_token_is_as_far_away_as_it_was() {
    let limit = Limit::per_hour(60).capacity(60);
    let minute = 60 * SECOND;
    for (charged, passed, wait) in
        [(60, 59 * SECOND, SECOND), (160, 0, 101 * minute), (160, 59 * SECOND, 101 * minute - 59 * SECOND)]
    {
        let old = TokenBucket::built([limit], 0);
        old.owe_at(0, [charged]);
        let new = TokenBucket::built([limit], 0);
        new.restore_at(0, &old.save_at(passed, wall(0)), wall(0));
        assert_eq!(new.wait_for(1), Ok(Some(Duration::from_nanos(wait))), "{charged}");
    }
}

/// What reservations and estimates took is part of the level; those who wait took nothing.
#[test]
fn what_is_owed_is_saved_and_those_who_wait_are_not() {
    let bucket = TokenBucket::built([Limit::per_second(10)], 0);
    let _estimate = bucket.estimate(4).unwrap();
    let _firm = bucket.reserve(9).unwrap();
    let (_, unit) = levels(&bucket.save_at(0, wall(0)))[0];
    assert_eq!(levels(&bucket.save_at(0, wall(0))), [(-3 * unit as i64, unit)]);
    let mut waits = std::pin::pin!(bucket.take_on(5, tollgate::wait::timer_fn(|_| std::future::pending::<()>())));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(Future::poll(waits.as_mut(), &mut context).is_pending());
    assert_eq!(levels(&bucket.save_at(0, wall(0))), [(-3 * unit as i64, unit)]);
}

/// With the saved limits first, any rule of inheritance holds.
#[test]
fn another_rule_of_inheritance_is_a_change_after_the_restart() {
    let old = MultiBucket::built([Limit::per_second(100)], 0);
    old.take_at(0, [50]);
    let saved = old.save_at(0, wall(0));
    let new = MultiBucket::built(saved.limits(), 0);
    new.restore_at(0, &saved, wall(0));
    new.set_limits_with([Limit::per_second(200)], Inherit::Proportional).unwrap();
    assert_eq!(new.available(), [100]);
}

#[test]
fn a_stream_without_a_limit_is_saved_as_one_and_begins_full_under_another() {
    let free = TokenBucket::built([Limit::UNLIMITED], 0);
    let bound = TokenBucket::built([Limit::per_second(10)], 0);
    bound.owe_at(0, [50]);
    let (saved, owed) = (free.save_at(0, wall(0)), bound.save_at(0, wall(0)));
    bound.restore_at(0, &saved, wall(0));
    assert_eq!(bound.available(), 10);
    free.restore_at(0, &owed, wall(0));
    assert_eq!(free.available(), u64::MAX);
}

#[cfg(feature = "serde")]
#[test]
fn the_written_form_is_this() {
    let limits = [Limit::per_second(10), limit("1MiB/s capacity 4KiB empty"), Limit::UNLIMITED];
    let bucket = MultiBucket::built(limits, 0);
    bucket.owe_at(0, [13, 1, 1]);
    bucket.pause_at(0, 5);
    let text = r#"{"saved_at":1800000000000000000,"limits":["10/s capacity 10","1MiB/s capacity 4KiB empty","unlimited"],"levels":[[-300000000,100000000],[-2048,2048],[0,0]],"pause":{"nanos":5}}"#;
    let saved = bucket.save_at(0, wall(0));
    assert_eq!(serde_json::to_string(&saved).unwrap(), text);
    assert_eq!(toml::from_str::<SavedBucket<3>>(&toml::to_string(&saved).unwrap()).unwrap(), saved);
    for (from, to) in [("\"pause\"", "\"paws\""), (",[0,0]]", "]"), (",[0,0]]", ",[0,0],[0,0]]"), ("10/s", "9e99/s")] {
        let wrong = text.replace(from, to);
        assert!(serde_json::from_str::<SavedBucket<3>>(&wrong).is_err(), "{wrong}");
    }
    assert!(serde_json::from_str::<SavedBucket<2>>(text).is_err());
}

#[test]
fn the_systems_wall_clock_dates_what_is_saved() {
    let limit = Limit::new(Rate::per_second(0), 10);
    let bucket = TokenBucket::new(limit).unwrap();
    bucket.try_take(3).unwrap();
    let before = WallTime::from(SystemTime::now());
    let saved = bucket.save();
    assert!(before <= saved.saved_at() && saved.saved_at() <= SystemTime::now().into());
    let new = TokenBucket::new(limit).unwrap();
    new.restore(&saved).unwrap();
    assert_eq!(new.available(), 7);
}
