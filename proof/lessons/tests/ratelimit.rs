//! ratelimit 2.0 loses fractions at every poll, and changes limits in two stores.

use std::sync::Arc;
use std::time::{Duration, Instant};

use lessons::{Hand, lesson, percent, together};
use tollgate::{Limit, MultiBucket, Rate, TokenBucket};

struct Theirs(Arc<Hand>);

impl ratelimit::Clock for Theirs {
    fn elapsed(&self) -> Duration {
        self.0.duration()
    }
}

fn theirs(rate: u64, hand: &Arc<Hand>) -> ratelimit::Builder<Theirs> {
    ratelimit::Builder::with_clock(rate, Theirs(hand.clone()))
}

fn ours(limit: Limit, hand: &Arc<Hand>) -> MultiBucket<1, Arc<Hand>> {
    MultiBucket::with_clock([limit.empty()], hand.clone()).unwrap()
}

/// Returns the number of grants until the first refusal.
fn drained(take: impl Fn() -> bool) -> u64 {
    std::iter::repeat_with(take).take_while(|granted| *granted).count() as u64
}

/// The peer counts in millionths of a token, and loses smaller fractions.
///
/// It moves its timestamp to the present at every refill.
#[test]
fn any_polling_pattern_earns_exactly_the_rate() {
    // At 1/s a millionth of a token takes a microsecond. The poll comes just before the second one.
    const POLL: Duration = Duration::from_nanos(1_999);
    const SECONDS: u64 = 4;
    let hand = Arc::new(Hand::default());
    let theirs = theirs(1, &hand).max_tokens(SECONDS).build().unwrap();
    let ours = TokenBucket::with_clock(Limit::per_second(1).capacity(SECONDS).empty(), hand.clone()).unwrap();
    let mut earned = (0, 0);
    let mut polls = 0_u64;
    while hand.nanos() < SECONDS * 1_000_000_000 {
        hand.advance(POLL);
        polls += 1;
        earned.0 += u64::from(theirs.try_wait().is_ok());
        earned.1 += u64::from(ours.try_take(1).is_ok());
    }
    assert_eq!(earned, (SECONDS / 2, SECONDS));
    lesson(
        "ratelimit 2.0.0",
        true,
        format!("{polls} polls, 1999 ns apart, at 1/s earn {} of {SECONDS} tokens", earned.0),
        format!("{} of {SECONDS}", earned.1),
    );
}

/// The peer credits the time since the last refill at the newest rate.
#[test]
fn a_change_of_limits_is_not_retroactive() {
    const CAPACITY: u64 = 1_000_000;
    let hand = Arc::new(Hand::default());
    let theirs = theirs(1, &hand).max_tokens(CAPACITY).build().unwrap();
    let ours = ours(Limit::per_second(1).capacity(CAPACITY), &hand);
    hand.advance(Duration::from_secs(10));
    theirs.set_rate(1000);
    ours.set_limit(Limit::per_second(1000).capacity(CAPACITY)).unwrap();
    let earned = drained(|| theirs.try_wait().is_ok());
    let mine = drained(|| ours.try_take([1]).is_ok());
    assert_eq!((earned, mine), (10_000, 10));
    lesson("ratelimit 2.0.0", true, format!("10 s at 1/s, then set_rate(1000): {earned} tokens"), mine);
}

/// A refill of the peer may see half a change: it has two words.
///
/// They are the rate and the period.
#[test]
fn rate_and_period_change_together() {
    const CAPACITY: u64 = u32::MAX as u64;
    let (before, after) = ((60_000, Duration::from_secs(60)), (1000, Duration::from_secs(1)));
    let hand = Arc::new(Hand::default());
    let theirs = Arc::new(theirs(before.0, &hand).period(before.1).max_tokens(CAPACITY).build().unwrap());
    let limit = |(tokens, period)| Limit::new(Rate::new(tokens, period).unwrap(), CAPACITY);
    let ours = Arc::new(ours(limit(before), &hand));
    hand.advance(Duration::from_secs(10));
    // An equal rate with another period, after a taker has read the old rate and before it reads
    // the period. In ours, after it has read the clock and before it reads the limits.
    let changed = theirs.clone();
    hand.stall_next_reader(move || changed.set_rate_per(after.0, after.1));
    assert!(theirs.try_wait().is_ok());
    let earned = theirs.available() + 1;
    let changed = ours.clone();
    hand.stall_next_reader(move || changed.set_limit(limit(after)).unwrap());
    assert!(ours.try_take([1]).is_ok());
    let mine = ours.available()[0] + 1;
    assert_eq!((ours.limit(), earned, mine), (limit(after), 600_000, 10_000));
    lesson(
        "ratelimit 2.0.0",
        true,
        format!(
            "60000/min becomes 1000/s while a taker is between rate and period: {earned} tokens in 10 s, {} of them due",
            percent(10_000, earned)
        ),
        mine,
    );
}

/// A refill that read the old cap undoes a lowered cap.
///
/// It adds tokens up to the old cap, after a change cut them to the new one. No user code runs in
/// between, so showing it takes threads and luck. The test prints the peer's figures without
/// asserting them. It asserts ours, in as many races.
#[test]
fn a_lowered_capacity_stays_lowered() {
    const BATCH: usize = 512;
    const PATIENCE: Duration = Duration::from_secs(8);
    let (hand, wide) = (Arc::new(Hand::default()), Limit::per_second(1000));
    // The two threads begin at many distances, and some of these collide.
    let apart = |thread, i| (0..if thread == 0 { i % 16 } else { i / 16 % 16 }).for_each(|_| std::hint::spin_loop());
    let (started, mut races, mut over, mut most) = (Instant::now(), 0, 0, 0);
    while over == 0 && started.elapsed() < PATIENCE {
        hand.set(0);
        let theirs: Vec<_> = (0..BATCH).map(|_| theirs(1000, &hand).build().unwrap()).collect();
        hand.set(1_000_000_000);
        together(&theirs, |thread, i, limiter| {
            apart(thread, i);
            if thread == 0 {
                let _ = limiter.try_wait();
            } else {
                limiter.set_max_tokens(1);
            }
        });
        for after in theirs.iter().map(|theirs| drained(|| theirs.try_wait().is_ok())) {
            (races, over, most) = (races + 1, over + u64::from(after > 1), after.max(most));
        }
    }
    let mut mine = 0;
    for _ in 0..races / BATCH {
        hand.set(0);
        let ours: Vec<_> = (0..BATCH).map(|_| ours(wide, &hand)).collect();
        hand.set(1_000_000_000);
        together(&ours, |thread, i, bucket| {
            apart(thread, i);
            if thread == 0 {
                let _ = bucket.try_take([1]);
            } else {
                bucket.set_limit(wide.capacity(1)).unwrap();
            }
        });
        mine = ours.iter().map(|ours| drained(|| ours.try_take([1]).is_ok())).max().unwrap_or(0).max(mine);
        assert!(mine <= 1, "{mine} from a capacity of 1");
    }
    lesson(
        "ratelimit 2.0.0",
        over > 0,
        format!(
            "a cap lowered to 1 beside a taker: up to {most} grants at one instant afterwards, in {over} of {races} races"
        ),
        format!("never more than {mine} in {races} races"),
    );
}
