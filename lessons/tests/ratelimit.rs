//! ratelimit 2.0: fractions lost at every poll, and limits that change in two stores.

use std::sync::Arc;
use std::time::Duration;

use lessons::{Hand, later, lesson, percent};
use tollgate::{Limit, TokenBucket};

struct Theirs(Arc<Hand>);

impl ratelimit::Clock for Theirs {
    fn elapsed(&self) -> Duration {
        self.0.duration()
    }
}

fn theirs(rate: u64, hand: &Arc<Hand>) -> ratelimit::Builder<Theirs> {
    ratelimit::Builder::with_clock(rate, Theirs(hand.clone()))
}

/// It counts in millionths of a token, and moves its timestamp to the present at every refill: what was left below a millionth is gone.
#[test]
fn any_polling_pattern_earns_exactly_the_rate() {
    // At 1/s a millionth of a token takes a microsecond: poll just before the second one.
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

/// The time since the last refill is credited at whatever rate is set when the refill happens. Ours: DESIGN section 3.
#[test]
fn later_a_change_of_limits_is_not_retroactive() {
    let hand = Arc::new(Hand::default());
    let limiter = theirs(1, &hand).max_tokens(1_000_000).build().unwrap();
    hand.advance(Duration::from_secs(10));
    limiter.set_rate(1000);
    let mut earned = 0;
    while limiter.try_wait().is_ok() {
        earned += 1;
    }
    assert_eq!(earned, 10_000);
    later("ratelimit 2.0.0", format!("FAULT SHOWN: 10 s at 1/s, then set_rate(1000): {earned} tokens"), "section 3");
}

/// Rate and period are two words: a refill may see the one before and the other after a change. Ours: DESIGN section 3.
#[test]
fn later_rate_and_period_change_together() {
    let hand = Arc::new(Hand::default());
    let limiter =
        theirs(60_000, &hand).period(Duration::from_secs(60)).max_tokens(u64::from(u32::MAX)).build().unwrap();
    let limiter = Arc::new(limiter);
    hand.advance(Duration::from_secs(10));
    // The same rate in other words, while a taker has read the old rate and not yet the period.
    let changed = limiter.clone();
    hand.stall_next_reader(move || changed.set_rate_per(1000, Duration::from_secs(1)));
    assert!(limiter.try_wait().is_ok());
    let earned = limiter.available() + 1;
    assert_eq!(earned, 600_000);
    later(
        "ratelimit 2.0.0",
        format!(
            "FAULT SHOWN: 60000/min becomes 1000/s while a taker is between rate and period: {earned} tokens in 10 s, {} of them due",
            percent(10_000, earned)
        ),
        "section 3",
    );
}
