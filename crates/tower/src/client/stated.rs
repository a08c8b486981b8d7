//! Owns what one response states of a policy, and of which kind that says it is. Pure.

use std::time::Duration;

use tollgate_http::client::Allowance;

/// What a response states of a policy that counts requests.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Stated {
    /// What is left.
    pub(crate) left: Option<u64>,
    pub(crate) reset: Option<Duration>,
    /// The most that a client may have.
    pub(crate) capacity: u64,
    /// Tokens a second, if the policy has a window.
    pub(crate) rate: Option<f64>,
    quota: u64,
}

/// How a policy counts, so far as is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// It refills all the time.
    Bucket,
    /// All is available again at an instant, and nothing before.
    Window,
    Unknown,
}

/// Times of a server's date are off by so much.
const BLUR: Duration = Duration::from_secs(2);

impl Stated {
    /// Returns what is stated of requests; `None` of other units, and where no quota is stated.
    pub(crate) fn of(allowance: &Allowance) -> Option<Self> {
        let quota = allowance.quota.filter(|&quota| quota > 0 && allowance.unit.is_none())?;
        let capacity = allowance.burst.filter(|&burst| burst > 0).unwrap_or(quota);
        let rate = allowance.window.map(|window| quota as f64 / window.as_secs_f64());
        let stated = Self { left: allowance.available, reset: allowance.reset, capacity, rate, quota };
        // It takes a rate, or what is left and when there is more.
        (rate.is_some() || stated.left.is_some() && stated.reset.is_some()).then_some(stated)
    }

    /// Returns the window of the quota, or the time that is left of it.
    pub(crate) fn window(&self) -> Duration {
        let window = self.rate.map_or(0.0, |rate| self.quota as f64 / rate);
        Duration::try_from_secs_f64(window).unwrap_or(Duration::MAX / 4).max(self.reset.unwrap_or_default())
    }

    /// Whether the limits are the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        (self.capacity, self.quota, self.rate) == (other.capacity, other.quota, other.rate)
    }

    /// Returns what is used of the capacity.
    fn used(&self) -> Option<u64> {
        Some(self.capacity.saturating_sub(self.left?))
    }

    /// Returns between which rates a bucket refills whose reset is when it is full.
    pub(crate) fn rates(&self) -> Option<(f64, f64)> {
        let (used, reset) = (self.used()? as f64, self.reset?.as_secs_f64());
        let rounded = 1.0 + BLUR.as_secs_f64();
        let most = if reset > rounded { used / (reset - rounded) } else { f64::MAX };
        (used > 0.0 && reset > 0.0).then(|| (used / reset, most))
    }

    /// Returns the kind of a policy that states its rate.
    ///
    /// A bucket says either how long what is left lasts, or how long it takes to be full, or when
    /// there is one. All are functions of what is left.
    pub(crate) fn kind(&self, rate: f64) -> Kind {
        let (Some(left), Some(used), Some(reset)) = (self.left, self.used(), self.reset) else { return Kind::Unknown };
        let reset = reset.as_secs_f64();
        // The stated quota is rounded down.
        let most = rate * (self.quota + 1) as f64 / self.quota as f64;
        let fits = |tokens: u64| {
            let tokens = tokens as f64;
            reset >= (tokens / most).floor() && reset <= (tokens / rate).ceil().max(1.0)
        };
        let is_bucket = fits(left) || fits(used) || left == 0 && fits(1);
        if is_bucket { Kind::Unknown } else { Kind::Window }
    }

    /// Returns the kind of a policy that states no rate, by an earlier statement, and `None` if the
    /// two are too much alike.
    ///
    /// The reset of a bucket grows with what is used. That of a window falls meanwhile.
    pub(crate) fn kind_since(&self, earlier: &Self) -> Option<Kind> {
        let (used, reset) = (self.used()?, self.reset?);
        let (used_before, reset_before) = (earlier.used()?, earlier.reset?);
        if reset.abs_diff(reset_before) < BLUR {
            return None;
        }
        let is_longer = reset > reset_before;
        Some(match used.cmp(&used_before) {
            std::cmp::Ordering::Equal => Kind::Unknown,
            order if order.is_gt() == is_longer => Kind::Bucket,
            _ => Kind::Window,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(quota: u64, window: u64, left: u64, reset: u64) -> Stated {
        let mut allowance = Allowance::default();
        (allowance.quota, allowance.available) = (Some(quota), Some(left));
        allowance.window = Some(Duration::from_secs(window)).filter(|_| window > 0);
        allowance.reset = Some(Duration::from_secs(reset));
        Stated::of(&allowance).unwrap()
    }

    #[test]
    fn only_policies_of_requests_with_enough_said_are_followed() {
        let full = Allowance::default();
        assert_eq!(Stated::of(&full), None);
        let with = |change: fn(&mut Allowance)| {
            let mut allowance = Allowance::default();
            allowance.quota = Some(7);
            allowance.available = Some(1);
            allowance.reset = Some(Duration::from_secs(1));
            change(&mut allowance);
            Stated::of(&allowance).is_some()
        };
        assert!(with(|_| ()));
        assert!(with(|it| (it.available, it.window) = (None, Some(Duration::from_secs(1)))));
        assert!(!with(|it| it.unit = Some("content-bytes".to_owned())));
        assert!(!with(|it| it.quota = Some(0)));
        assert!(!with(|it| it.available = None));
        assert!(!with(|it| it.reset = None));
    }

    /// The rates and capacities of the field's own table, in what `tollgate-http` writes.
    #[test]
    fn no_bucket_that_states_its_rate_is_taken_for_a_window() {
        for (rate, capacity) in [(10.0, 100), (1.0 / 12.0, 20), (1.0 / 3.0, 1), (1000.0, 50), (2.5, 3), (7.3, 11)] {
            let window = (f64::from(capacity) / rate).floor().max((1.0 / rate).ceil()).max(1.0);
            let quota = (rate * window).floor().max(1.0) as u64;
            for left in 0..=capacity {
                let lasts = (f64::from(left.max(1)) / rate).ceil().max(1.0) as u64;
                let full = (f64::from(capacity - left) / rate).ceil() as u64;
                let capacity = u64::try_from(capacity).unwrap();
                let mut stated = stated(quota, window as u64, left as u64, lasts);
                stated.capacity = capacity;
                assert_eq!(stated.kind(stated.rate.unwrap()), Kind::Unknown, "{rate} {capacity} {left}");
                stated.reset = Some(Duration::from_secs(full));
                assert_eq!(stated.kind(stated.rate.unwrap()), Kind::Unknown, "{rate} {capacity} {left}");
            }
        }
    }

    #[test]
    fn a_window_shows_when_its_time_and_its_quota_do_not_agree() {
        let kind = |left, reset| stated(100, 60, left, reset).kind(100.0 / 60.0);
        assert_eq!([kind(90, 50), kind(50, 57), kind(0, 30)], [Kind::Window; 3]);
        // By chance they agree.
        assert_eq!(kind(50, 30), Kind::Unknown);
    }

    #[test]
    fn the_reset_of_a_bucket_grows_with_its_use_and_that_of_a_window_falls() {
        let bare = |left, reset| stated(100, 0, left, reset);
        let before = bare(50, 10);
        let kind = |left, reset| bare(left, reset).kind_since(&before);
        assert_eq!([kind(30, 14), kind(90, 2)], [Some(Kind::Bucket); 2]);
        assert_eq!([kind(30, 8), kind(99, 20)], [Some(Kind::Window); 2]);
        assert_eq!([kind(30, 9), kind(30, 11), kind(49, 10)], [None; 3]);
        assert_eq!(kind(50, 8), Some(Kind::Unknown));
    }
}
