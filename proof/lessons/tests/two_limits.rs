//! Two limiters checked in turn lose what the first one granted when the second one refuses.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::{Quota, RateLimiter};
use lessons::{Hand, lesson, percent};
use tollgate::clock::ManualClock;
use tollgate::{Limit, MultiBucket};

/// The rates: requests at 1000/s and jobs at 850/s.
///
/// Each of 10,000 calls, a millisecond apart, wants one of both.
const RATES: [u32; 2] = [1000, 850];
const CALLS: u64 = 10_000;
/// The jobs in 10 s at 850/s.
///
/// That rate is inexact: the last token may be a nanosecond late, as documented.
const JOBS: u64 = 8_500;

struct Tally {
    /// Tokens debited from the first limit.
    debited: u64,
    granted: u64,
}

impl Tally {
    fn of(mut call: impl FnMut() -> (bool, bool)) -> Self {
        let (mut debited, mut granted) = (0, 0);
        for _ in 0..CALLS {
            let (first, both) = call();
            debited += u64::from(first);
            granted += u64::from(both);
        }
        Self { debited, granted }
    }
}

#[test]
fn nothing_is_debited_by_a_refusal() {
    let clock = FakeRelativeClock::default();
    let [first, second] = RATES.map(|rate| {
        let quota = Quota::per_second(NonZeroU32::new(rate).unwrap()).allow_burst(NonZeroU32::new(2).unwrap());
        RateLimiter::direct_with_clock(quota, clock.clone())
    });
    let governor = Tally::of(|| {
        clock.advance(Duration::from_millis(1));
        let debited = first.check().is_ok();
        (debited, debited && second.check().is_ok())
    });

    struct Theirs(Arc<Hand>);
    impl ratelimit::Clock for Theirs {
        fn elapsed(&self) -> Duration {
            self.0.duration()
        }
    }
    let hand = Arc::new(Hand::default());
    let [first, second] = RATES
        .map(|rate| ratelimit::Builder::with_clock(rate.into(), Theirs(hand.clone())).max_tokens(2).build().unwrap());
    let ratelimit = Tally::of(|| {
        hand.advance(Duration::from_millis(1));
        let debited = first.try_wait().is_ok();
        (debited, debited && second.try_wait().is_ok())
    });

    // The capacity is large, so that unused tokens can be counted at the end.
    let limits = RATES.map(|rate| Limit::per_second(rate.into()).capacity(2 * CALLS).empty());
    let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
    let mut ours = Tally::of(|| {
        bucket.clock().advance(Duration::from_millis(1));
        let granted = bucket.try_take([1, 1]).is_ok();
        (granted, granted)
    });
    ours.debited = CALLS - bucket.available()[0];
    assert_eq!(ours.granted, ours.debited);
    assert!((JOBS - 1..=JOBS).contains(&ours.granted), "{}", ours.granted);

    for (peer, theirs) in [("governor 0.10.4 x 2", governor), ("ratelimit 2.0.0 x 2", ratelimit)] {
        let lost = theirs.debited - theirs.granted;
        assert!(lost * 100 >= 14 * theirs.debited, "{peer}: {lost} of {}", theirs.debited);
        lesson(
            peer,
            true,
            format!(
                "{lost} of {} debited from the first limit bought nothing, {}",
                theirs.debited,
                percent(lost, theirs.debited)
            ),
            format!("{} of {}", ours.debited - ours.granted, ours.debited),
        );
    }
}
