//! throttle-net 2.0 checks several dimensions, debits them one by one, and rolls back if a later
//! one refuses.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lessons::{Hand, lesson};
use throttle_net::{Decision, Limiter, ManualClock, MultiLimiter, Throttle};
use tollgate::{Limit, MultiBucket};

type Meanwhile = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A dimension whose next debit waits until something else has happened.
///
/// It stands for a thread that loses its processor there.
struct Slow(Throttle<Arc<ManualClock>>, Meanwhile);

impl Limiter for Slow {
    fn peek(&self, cost: u32) -> Decision {
        self.0.peek(cost)
    }

    fn acquire_cost(&self, cost: u32) -> Decision {
        let meanwhile = self.1.lock().unwrap().take();
        if let Some(meanwhile) = meanwhile {
            meanwhile();
        }
        Limiter::acquire_cost(&self.0, cost)
    }

    fn available(&self) -> u32 {
        self.0.available()
    }

    fn capacity(&self) -> u32 {
        self.0.capacity()
    }

    fn refund(&self, cost: u32) {
        self.0.refund(cost);
    }

    fn reserve(&self, cost: u32, max_wait: Duration) -> Option<Duration> {
        self.0.reserve(cost, max_wait)
    }
}

/// Two callers, one of whom fits, are both refused.
///
/// One request and ten bytes are available. The large caller wants all of both. Before it has both,
/// another caller takes a byte, so that the large one no longer fits. Then the other caller wants a
/// request and a byte, which fits.
#[test]
fn who_fits_is_granted_and_nobody_sees_half_a_debit() {
    let hook = Meanwhile::default();
    let clock = Arc::new(ManualClock::new());
    let dimension = |n| Throttle::per_duration(n, Duration::from_secs(3600)).with_clock(clock.clone());
    let limiter = MultiLimiter::builder()
        .dimension("requests", dimension(1))
        .dimension("bytes", Slow(dimension(10), hook.clone()))
        .build();
    let seen = Arc::new(Mutex::new(None));
    let (other, report) = (limiter.clone(), seen.clone());
    *hook.lock().unwrap() = Some(Box::new(move || {
        assert!(other.try_acquire_costs(&[("bytes", 1)]));
        let available = [other.available("requests").unwrap(), other.available("bytes").unwrap()];
        let fits = other.try_acquire_costs(&[("requests", 1), ("bytes", 1)]);
        *report.lock().unwrap() = Some((available, fits));
    }));
    let large = limiter.try_acquire_costs(&[("requests", 1), ("bytes", 10)]);
    let (available, small) = seen.lock().unwrap().unwrap();
    let left = [limiter.available("requests").unwrap(), limiter.available("bytes").unwrap()];
    // Others saw the request as taken, although no caller got it.
    assert_eq!((large, small, available, left), (false, false, [0, 9], [1, 9]));

    let hand = Arc::new(Hand::default());
    let limits = [Limit::per_hour(1), Limit::per_hour(10)];
    let bucket = Arc::new(MultiBucket::with_clock(limits, hand.clone()).unwrap());
    let ours = Arc::new(Mutex::new(None));
    let (other, report) = (bucket.clone(), ours.clone());
    hand.stall_next_reader(move || {
        other.try_take([0, 1]).unwrap();
        let available = other.available();
        *report.lock().unwrap() = Some((available, other.try_take([1, 1]).is_ok()));
    });
    let large = bucket.try_take([1, 10]).is_ok();
    let (seen, small) = ours.lock().unwrap().unwrap();
    assert_eq!((large, small, seen, bucket.available()), (false, true, [1, 9], [0, 8]));

    lesson(
        "throttle-net 2.0.0",
        true,
        format!(
            "two callers, one of whom fits, are both refused; outsiders see {available:?} while {left:?} are there"
        ),
        format!("who fits is granted; outsiders see {seen:?}"),
    );
}
