//! Owns the check of the crate's promise: in every window, `granted <= capacity + rate * (window +
//! e)`. It never decides by a float.

use std::time::Duration;

use tollgate::Limit;
use tollgate::limit::LimitError;

/// A grant, or an arrival at the sink: tokens of each stream at one instant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) nanos: u64,
    pub(crate) amounts: [u64; 2],
}

/// The bound of one stream.
///
/// `rate` is `tokens / period`, and `e` is the [precision](tollgate::Limit::precision) of the
/// limit.
///
/// The unit is `1 / period` tokens, so nothing is rounded. A capacity is below 2^62 and a period
/// below 2^64. So the sums fit an `i128` for fewer than 2^60 tokens in fewer than 2^60 nanoseconds.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    tokens: i128,
    period: i128,
    capacity: i128,
    precision: i128,
}

/// The result of checking all windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Audit {
    /// The tokens by which the worst window exceeds the bound, as a fraction.
    ///
    /// A negative value is headroom. `None` without events.
    pub(crate) worst: Option<(i128, i128)>,
    /// The number of events at which a window over the bound ends.
    pub(crate) violations: u64,
}

impl Bound {
    pub(crate) fn of(limit: Limit) -> Result<Self, LimitError> {
        Ok(Self {
            tokens: i128::from(limit.rate.tokens()),
            period: limit.rate.period().as_nanos() as i128,
            capacity: i128::from(limit.capacity),
            precision: limit.precision()?.as_nanos() as i128,
        })
    }

    /// Returns the most tokens that the bound allows in this window, rounded down.
    pub(crate) fn most_in(&self, window: Duration) -> u64 {
        let nanos = window.as_nanos() as i128 + self.precision;
        u64::try_from(self.capacity + self.tokens * nanos / self.period).unwrap_or(u64::MAX)
    }

    /// Checks every window that begins and ends with an event.
    ///
    /// A longer window without a further event holds no more tokens. One pass is enough: let
    /// `sum(k)` be the tokens up to and including event `k`. The worst window that ends at `j`
    /// exceeds the bound by
    ///
    /// ```text
    /// sum(j) - rate * t(j) - min over i <= j of (sum(i - 1) - rate * t(i)) - capacity - rate * e
    /// ```
    ///
    /// `events` are in order of time.
    pub(crate) fn audit(&self, events: &[Event], stream: usize) -> Audit {
        let allowance = self.capacity * self.period + self.tokens * self.precision;
        let mut audit = Audit::default();
        let mut sum = 0;
        let mut lowest = i128::MAX;
        let mut worst = i128::MIN;
        for event in events {
            let amount = i128::from(event.amounts[stream]);
            if amount == 0 {
                continue;
            }
            let accrued = self.tokens * i128::from(event.nanos);
            lowest = lowest.min(sum * self.period - accrued);
            sum += amount;
            let excess = sum * self.period - accrued - lowest - allowance;
            worst = worst.max(excess);
            audit.violations += u64::from(excess > 0);
            audit.worst = Some((worst, self.period));
        }
        audit
    }
}

impl Audit {
    /// Returns the worst excess in tokens, for display.
    ///
    /// The verdict is in [`violations`](Self::violations).
    pub(crate) fn worst_tokens(&self) -> Option<f64> {
        self.worst.map(|(excess, period)| excess as f64 / period as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tollgate::clock::{ManualClock, Time};
    use tollgate::{MultiBucket, Rate};

    /// Checks the bound by its definition: it sums up every window anew.
    fn by_definition(limit: Limit, events: &[Event], stream: usize) -> Audit {
        let (tokens, period) = (i128::from(limit.rate.tokens()), limit.rate.period().as_nanos() as i128);
        let precision = limit.precision().unwrap().as_nanos() as i128;
        let mut audit = Audit::default();
        for (j, last) in events.iter().enumerate() {
            let excesses = events[..=j].iter().enumerate().map(|(i, first)| {
                let granted: u64 = events[i..=j].iter().map(|event| event.amounts[stream]).sum();
                let window = i128::from(last.nanos - first.nanos);
                i128::from(granted) * period - i128::from(limit.capacity) * period - tokens * (window + precision)
            });
            let worst = excesses.max().unwrap();
            audit.violations += u64::from(worst > 0);
            audit.worst = audit.worst.max(Some((worst, period)));
        }
        audit
    }

    /// Draws a number below `below` by Marsaglia's xorshift; equal in every run.
    fn random(state: &mut u64, below: u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state % below
    }

    fn limits() -> [Limit; 4] {
        [
            Limit::per_second(1_000_000_000).capacity(3),
            Limit::per_second(333_333_333).capacity(2),
            Limit::new(Rate::new(3, Duration::from_nanos(7)).unwrap(), 1),
            Limit::per_second(0).capacity(5),
        ]
    }

    #[test]
    fn one_pass_agrees_with_the_definition() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let mut broken = 0;
        for round in 0..4000 {
            let limit = limits()[round % 4];
            let mut nanos = random(&mut state, 1000);
            let events: Vec<Event> = (0..random(&mut state, 30))
                .map(|_| {
                    nanos += random(&mut state, 5);
                    Event { nanos, amounts: [1 + random(&mut state, 3), 1 + random(&mut state, 2)] }
                })
                .collect();
            for stream in 0..2 {
                let audit = Bound::of(limit).unwrap().audit(&events, stream);
                assert_eq!(audit, by_definition(limit, &events, stream), "{limit}, stream {stream}, {events:?}");
                broken += usize::from(audit.violations > 0);
            }
        }
        assert!(broken > 1000 && broken < 7000, "both verdicts must be seen: {broken} of 8000 broken");
    }

    #[test]
    fn what_a_bucket_grants_passes_and_one_token_more_does_not() {
        let limits = [Limit::per_second(1000).capacity(10), Limit::per_second(1 << 20).capacity(4096)];
        let bucket = MultiBucket::with_clock(limits, ManualClock::new()).unwrap();
        let bounds = limits.map(|limit| Bound::of(limit).unwrap());
        let mut state = 42;
        let mut nanos = 0;
        let mut events = Vec::new();
        for _ in 0..100_000 {
            nanos += random(&mut state, 200_000);
            let amounts = [1, 1 + random(&mut state, 400)];
            if bucket.at(Time::from_nanos(nanos)).try_take(amounts).is_ok() {
                events.push(Event { nanos, amounts });
            }
        }
        assert!(events.len() > 1000);
        // The remaining tokens are taken at the end, so that the last window is as full as
        // possible.
        let amounts = bucket.at(Time::from_nanos(nanos)).available();
        bucket.at(Time::from_nanos(nanos)).try_take(amounts).unwrap();
        events.push(Event { nanos, amounts });
        for (stream, bound) in bounds.iter().enumerate() {
            let audit = bound.audit(&events, stream);
            assert_eq!(audit.violations, 0, "stream {stream}: {:?} tokens over", audit.worst_tokens());
            // A token and the refill of a nanosecond are more than the headroom: the bucket was
            // emptied.
            let mut too_many = events.clone();
            too_many.push(Event { nanos, amounts: [2, 2] });
            assert_eq!(bound.audit(&too_many, stream).violations, 1, "stream {stream}");
        }
    }

    #[test]
    fn events_of_one_instant_are_one_window() {
        let bound = Bound::of(Limit::per_second(1).capacity(2)).unwrap();
        let one = Event { nanos: 7, amounts: [1, 0] };
        assert_eq!(bound.audit(&[one; 2], 0), Audit { worst: Some((0, 1_000_000_000)), violations: 0 });
        assert_eq!(bound.audit(&[one; 3], 0), Audit { worst: Some((1_000_000_000, 1_000_000_000)), violations: 1 });
        assert_eq!(bound.audit(&[one; 3], 1), Audit::default());
    }
}
