//! Owns the decisions of a server that is not tollgate's: a bucket, or fixed windows. Never writes
//! a header field.

use std::time::Duration;

/// The length of a fixed window, which begins at whole multiples of it since 1970. What is used of
/// windows is measured in multiples of it.
pub const WINDOW: Duration = Duration::from_secs(5);

/// How a server limits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// A token bucket.
    Bucket,
    /// So many requests in each window.
    Windows,
}

/// A limiter in its plainest form.
#[derive(Clone, Copy, Debug)]
pub struct Limiter {
    rule: Rule,
    rate: f64,
    capacity: f64,
    /// The tokens of a bucket, or what is left of a window; less than 0 after its limit fell.
    level: f64,
    at: Duration,
}

/// What a limiter answers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Verdict {
    pub rule: Rule,
    pub granted: bool,
    /// What a full bucket holds, or a window allows.
    pub limit: u64,
    /// The whole seconds in which a quota comes back, and the quota.
    pub window: u64,
    pub quota: u64,
    /// What is left of it.
    pub left: u64,
    /// The time until a request can be granted.
    pub next: Duration,
    /// The time until all is left again.
    pub full: Duration,
    pub rate: f64,
}

impl Limiter {
    /// Begins full.
    pub fn new(rule: Rule, rate: u64, capacity: u64, now: Duration) -> Self {
        let mut limiter = Self { rule, rate: 0.0, capacity: 0.0, level: 0.0, at: now };
        limiter.change(rate, capacity, now);
        limiter.level = limiter.capacity;
        limiter
    }

    /// Changes the limit. What was used of it stays used.
    pub fn change(&mut self, rate: u64, capacity: u64, now: Duration) {
        self.advance(now);
        let rate = rate as f64;
        let capacity = match self.rule {
            Rule::Bucket => capacity as f64,
            Rule::Windows => rate * WINDOW.as_secs_f64(),
        };
        match self.rule {
            Rule::Bucket => self.level = self.level.min(capacity),
            Rule::Windows => self.level += capacity - self.capacity,
        }
        (self.rate, self.capacity) = (rate, capacity);
    }

    /// Decides on one request.
    pub fn ask(&mut self, now: Duration) -> Verdict {
        self.advance(now);
        let granted = self.level >= 1.0;
        if granted {
            self.level -= 1.0;
        }
        let (next, full, window) = match self.rule {
            Rule::Bucket => {
                let after = |tokens: f64| Duration::from_secs_f64((tokens - self.level).max(0.0) / self.rate);
                (after(1.0), after(self.capacity), (self.capacity / self.rate).floor().max(1.0))
            }
            Rule::Windows => {
                let end = WINDOW * (index(now) + 1);
                let next = if self.level >= 1.0 { Duration::ZERO } else { end - now };
                (next, end - now, WINDOW.as_secs_f64())
            }
        };
        Verdict {
            rule: self.rule,
            granted,
            limit: self.capacity as u64,
            window: window as u64,
            quota: (self.rate * window) as u64,
            left: self.level.max(0.0) as u64,
            next,
            full,
            rate: self.rate,
        }
    }

    fn advance(&mut self, now: Duration) {
        // The decisions are in the order of this lock, the readings of the clock may not be.
        let now = now.max(self.at);
        match self.rule {
            Rule::Bucket => {
                let refilled = (now - self.at).as_secs_f64() * self.rate;
                self.level = (self.level + refilled).min(self.capacity);
            }
            Rule::Windows if index(now) > index(self.at) => self.level = self.capacity,
            Rule::Windows => {}
        }
        self.at = now;
    }
}

/// The number of a window.
fn index(now: Duration) -> u32 {
    (now.as_secs() / WINDOW.as_secs()) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    fn granted(limiter: &mut Limiter, now: Duration) -> u64 {
        (0..10_000).take_while(|_| limiter.ask(now).granted).count() as u64
    }

    #[test]
    fn a_bucket_grants_its_capacity_and_then_its_rate() {
        let mut bucket = Limiter::new(Rule::Bucket, 100, 20, NOW);
        assert_eq!(granted(&mut bucket, NOW), 20);
        let refused = bucket.ask(NOW);
        assert_eq!((refused.granted, refused.left, refused.next), (false, 0, Duration::from_millis(10)));
        assert_eq!(
            (refused.full, refused.limit, refused.window, refused.quota),
            (Duration::from_millis(200), 20, 1, 100)
        );
        assert_eq!(granted(&mut bucket, NOW + Duration::from_millis(50)), 5);
        bucket.change(50, 10, NOW + Duration::from_secs(60));
        assert_eq!(granted(&mut bucket, NOW + Duration::from_secs(60)), 10);
    }

    #[test]
    fn a_window_grants_its_quota_whatever_was_left_of_the_last() {
        let mut windows = Limiter::new(Rule::Windows, 100, 1, NOW);
        let ms = |ms| NOW + Duration::from_millis(ms);
        assert!(windows.ask(ms(0)).granted);
        assert_eq!(granted(&mut windows, ms(4999)), 499);
        assert_eq!(windows.ask(ms(4000)).next, Duration::from_secs(1), "{windows:?}");
        assert_eq!(granted(&mut windows, ms(5000)), 500);
    }

    #[test]
    fn what_was_used_of_a_window_stays_used_when_its_quota_changes() {
        let mut windows = Limiter::new(Rule::Windows, 100, 1, NOW);
        (0..300).for_each(|_| assert!(windows.ask(NOW).granted));
        windows.change(50, 1, NOW);
        assert_eq!(granted(&mut windows, NOW), 0);
        windows.change(100, 1, NOW);
        assert_eq!(granted(&mut windows, NOW), 200);
        windows.change(50, 1, NOW);
        assert_eq!(granted(&mut windows, NOW + WINDOW), 250);
    }
}
