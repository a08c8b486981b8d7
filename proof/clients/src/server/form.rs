//! Owns the generations of header fields, written by hand. Never decides, and never uses
//! `tollgate-http`, which reads them on the other side.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};

use super::limiter::{Rule, Verdict};

/// What a server says of its limit, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// Draft 11: the quota available, and the time in which it is the rate.
    Draft11,
    /// Drafts 8 to 10: what remains, and the time until all is there again.
    Draft8,
    /// Draft 7: `limit=100, remaining=50, reset=5`.
    Draft7,
    /// Three fields, the limit with a window.
    TripleWithWindow,
    Triple,
    XDelta,
    XEpoch,
    XEpochMillis,
    /// `X-Rate-Limit-...`.
    XApart,
    RetryAfter,
    RetryAfterDate,
    /// The status alone.
    Bare,
}

impl Form {
    pub const ALL: [Self; 12] = [
        Self::Draft11,
        Self::Draft8,
        Self::Draft7,
        Self::TripleWithWindow,
        Self::Triple,
        Self::XDelta,
        Self::XEpoch,
        Self::XEpochMillis,
        Self::XApart,
        Self::RetryAfter,
        Self::RetryAfterDate,
        Self::Bare,
    ];

    /// Returns the lines that a response gets.
    pub fn lines(self, verdict: &Verdict, now: SystemTime) -> Vec<(&'static str, String)> {
        let Verdict { rule, granted, limit, window, quota, left, next, full, rate } = *verdict;
        let policy = format!("\"own\";q={quota};w={window}");
        let reset = ceil(full);
        let epoch = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default() + full;
        let x = |reset: u64| {
            vec![
                ("x-ratelimit-limit", limit.to_string()),
                ("x-ratelimit-remaining", left.to_string()),
                ("x-ratelimit-reset", reset.to_string()),
            ]
        };
        match self {
            Self::Draft11 => {
                let t = match (granted, rule) {
                    (false, _) => ceil(next),
                    (true, Rule::Windows) => reset,
                    (true, Rule::Bucket) => (left.max(1) as f64 / rate).ceil() as u64,
                };
                vec![("ratelimit-policy", policy), ("ratelimit", format!("\"own\";r={left};t={t}"))]
            }
            Self::Draft8 => vec![("ratelimit-policy", policy), ("ratelimit", format!("\"own\";r={left};t={reset}"))],
            Self::Draft7 => vec![
                ("ratelimit-policy", format!("{quota};w={window}")),
                ("ratelimit", format!("limit={quota}, remaining={left}, reset={reset}")),
            ],
            Self::TripleWithWindow => vec![
                ("ratelimit-limit", format!("{quota}, {quota};w={window}")),
                ("ratelimit-remaining", left.to_string()),
                ("ratelimit-reset", reset.to_string()),
            ],
            Self::Triple => vec![
                ("ratelimit-limit", limit.to_string()),
                ("ratelimit-remaining", left.to_string()),
                ("ratelimit-reset", reset.to_string()),
            ],
            Self::XDelta => x(reset),
            Self::XEpoch => x(ceil(epoch)),
            Self::XEpochMillis => x(epoch.as_micros().div_ceil(1000) as u64),
            Self::XApart => vec![
                ("x-rate-limit-limit", limit.to_string()),
                ("x-rate-limit-remaining", left.to_string()),
                ("x-rate-limit-reset", reset.to_string()),
            ],
            _ if granted => Vec::new(),
            Self::RetryAfter => vec![("retry-after", ceil(next).max(1).to_string())],
            // A date has whole seconds, and its reader subtracts a `Date` that is rounded down.
            Self::RetryAfterDate => {
                let at = SystemTime::UNIX_EPOCH + Duration::from_secs(ceil(since(now) + next));
                vec![("retry-after", httpdate::fmt_http_date(at))]
            }
            Self::Bare => Vec::new(),
        }
    }

    pub(crate) fn write(self, verdict: &Verdict, now: SystemTime, fields: &mut HeaderMap) {
        for (name, value) in self.lines(verdict, now) {
            let value = HeaderValue::from_str(&value).expect("ASCII");
            fields.insert(HeaderName::from_static(name), value);
        }
    }
}

fn since(now: SystemTime) -> Duration {
    now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn ceil(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a second after 1,700,000,000, of a bucket of 100 at 10/s, or a window of 50.
    fn lines(form: Form, rule: Rule, granted: bool, left: u64) -> String {
        let (limit, window) = if rule == Rule::Bucket { (100, 10) } else { (50, 5) };
        let full = Duration::from_millis(if rule == Rule::Bucket { (100 - left) * 100 } else { 4500 });
        let next = if granted { Duration::ZERO } else { Duration::from_millis(1100) };
        let verdict = Verdict { rule, granted, limit, window, quota: 10 * window, left, next, full, rate: 10.0 };
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_500);
        let lines = form.lines(&verdict, now);
        lines.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_generation_says_what_it_should() {
        use Form::*;
        let bucket = |form| lines(form, Rule::Bucket, true, 55);
        let refused = |form| lines(form, Rule::Bucket, false, 0);
        let policy = "ratelimit-policy: \"own\";q=100;w=10\nratelimit: ";
        assert_eq!(bucket(Draft11), format!("{policy}\"own\";r=55;t=6"));
        assert_eq!(refused(Draft11), format!("{policy}\"own\";r=0;t=2"));
        assert_eq!(bucket(Draft8), format!("{policy}\"own\";r=55;t=5"));
        assert_eq!(bucket(Draft7), "ratelimit-policy: 100;w=10\nratelimit: limit=100, remaining=55, reset=5");
        let triple = "ratelimit-limit: 100\nratelimit-remaining: 55\nratelimit-reset: 5";
        assert_eq!(bucket(Triple), triple);
        assert_eq!(bucket(TripleWithWindow), triple.replace("limit: 100", "limit: 100, 100;w=10"));
        assert_eq!(bucket(XDelta), format!("x-{triple}").replace('\n', "\nx-"));
        assert_eq!(bucket(XEpoch), bucket(XDelta).replace("reset: 5", "reset: 1700000005"));
        assert_eq!(bucket(XEpochMillis), bucket(XDelta).replace("reset: 5", "reset: 1700000005000"));
        assert_eq!(bucket(XApart), bucket(XDelta).replace("ratelimit", "rate-limit"));
        assert_eq!([bucket(RetryAfter), bucket(RetryAfterDate), bucket(Bare), refused(Bare)], [""; 4]);
        assert_eq!(refused(RetryAfter), "retry-after: 2");
        // `Date` says 22:13:20.
        assert_eq!(refused(RetryAfterDate), "retry-after: Tue, 14 Nov 2023 22:13:22 GMT");
    }

    #[test]
    fn a_window_says_when_it_ends() {
        let windows = |form| lines(form, Rule::Windows, true, 20);
        assert_eq!(windows(Form::Draft11), "ratelimit-policy: \"own\";q=50;w=5\nratelimit: \"own\";r=20;t=5");
        assert_eq!(windows(Form::Triple), "ratelimit-limit: 50\nratelimit-remaining: 20\nratelimit-reset: 5");
    }
}
