//! Owns the kinds of servers, by name, and what each says of its limit.

use std::fmt;
use std::str::FromStr;

use tollgate_http::{Headers, Reset};

use super::form::Form;
use super::limiter::Rule;
use super::nginx::Style;
use crate::Outcome;

/// A kind of server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Kind {
    pub name: &'static str,
    pub(crate) make: Make,
    pub says: Says,
}

/// How a server of a kind is made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Make {
    Nginx(Style),
    Layered(Headers),
    Grpc,
    Own(Rule, Form),
}

/// What a client can read of the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// A quota and its window: the rate.
    Rate,
    /// What is left, and when all is there again.
    Budget,
    /// `Retry-After`, or `RetryInfo` in gRPC, once it has refused.
    Wait,
    /// A status.
    Nothing,
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Rate => "rate",
            Self::Budget => "budget",
            Self::Wait => "wait",
            Self::Nothing => "nothing",
        })
    }
}

impl Kind {
    /// Returns all kinds.
    pub fn all() -> Vec<Self> {
        let nginx = |name, status, retry_after, delays, says| {
            let make = Make::Nginx(Style { status, retry_after, delays });
            Self { name, make, says }
        };
        let layered = |name, headers, says| Self { name, make: Make::Layered(headers), says };
        let own = |name, rule, form, says| Self { name, make: Make::Own(rule, form), says };
        let (none, ietf) = (Headers::none(), Headers::DEFAULT);
        use Form::*;
        use Rule::{Bucket, Windows};
        vec![
            nginx("nginx-429", 429, None, false, Says::Nothing),
            nginx("nginx-429-retry", 429, Some(1), false, Says::Wait),
            nginx("nginx-429-delay", 429, None, true, Says::Nothing),
            nginx("nginx-503", 503, None, false, Says::Nothing),
            nginx("nginx-503-retry", 503, Some(1), false, Says::Wait),
            layered("tower-ietf", ietf, Says::Rate),
            layered("tower-ietf-alone", ietf.retry_after(false), Says::Rate),
            layered("tower-all", Headers::ALL, Says::Rate),
            layered("tower-triple", none.old_triple().retry_after(true), Says::Budget),
            layered("tower-x-delta", none.x_ratelimit(Reset::Delta).retry_after(true), Says::Budget),
            layered("tower-x-epoch", none.x_ratelimit(Reset::Epoch).retry_after(true), Says::Budget),
            layered("tower-retry", none.retry_after(true), Says::Wait),
            layered("tower-bare", none, Says::Nothing),
            Self { name: "tower-grpc", make: Make::Grpc, says: Says::Wait },
            own("bucket-draft11", Bucket, Draft11, Says::Rate),
            own("bucket-draft8", Bucket, Draft8, Says::Rate),
            own("bucket-draft7", Bucket, Draft7, Says::Rate),
            own("bucket-triple-w", Bucket, TripleWithWindow, Says::Rate),
            own("bucket-triple", Bucket, Triple, Says::Budget),
            own("bucket-x-delta", Bucket, XDelta, Says::Budget),
            own("bucket-x-epoch", Bucket, XEpoch, Says::Budget),
            own("bucket-x-epoch-ms", Bucket, XEpochMillis, Says::Budget),
            own("bucket-x-apart", Bucket, XApart, Says::Budget),
            own("bucket-retry", Bucket, RetryAfter, Says::Wait),
            own("bucket-retry-date", Bucket, RetryAfterDate, Says::Wait),
            own("bucket-bare", Bucket, Bare, Says::Nothing),
            own("window-draft11", Windows, Draft11, Says::Rate),
            own("window-draft8", Windows, Draft8, Says::Rate),
            own("window-draft7", Windows, Draft7, Says::Rate),
            own("window-triple-w", Windows, TripleWithWindow, Says::Rate),
            own("window-triple", Windows, Triple, Says::Budget),
            own("window-x-delta", Windows, XDelta, Says::Budget),
            own("window-x-epoch", Windows, XEpoch, Says::Budget),
            own("window-x-epoch-ms", Windows, XEpochMillis, Says::Budget),
            own("window-x-apart", Windows, XApart, Says::Budget),
            own("window-retry", Windows, RetryAfter, Says::Wait),
            own("window-retry-date", Windows, RetryAfterDate, Says::Wait),
            own("window-bare", Windows, Bare, Says::Nothing),
        ]
    }

    /// Returns the kinds whose names begin so.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn beginning(name: &str) -> Outcome<Vec<Self>> {
        let kinds: Vec<_> = Self::all().into_iter().filter(|kind| kind.name.starts_with(name)).collect();
        if kinds.is_empty() {
            return Err(format!("no kind of server begins with {name:?}; `clients kinds` lists them").into());
        }
        Ok(kinds)
    }

    /// Whether it speaks gRPC.
    pub(crate) fn is_grpc(&self) -> bool {
        self.make == Make::Grpc
    }

    /// Whether it can stand further away: nginx cannot.
    pub fn has_latency(&self) -> bool {
        !matches!(self.make, Make::Nginx(_))
    }

    /// Whether its burst matters: the quota of a window is that of its rate.
    pub fn has_burst(&self) -> bool {
        !matches!(self.make, Make::Own(Rule::Windows, _))
    }
}

impl FromStr for Kind {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(name: &str) -> Outcome<Self> {
        let found = Self::all().into_iter().find(|kind| kind.name == name);
        found.ok_or_else(|| format!("no kind of server is named {name:?}; `clients kinds` lists them").into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        let names: BTreeSet<_> = Kind::all().iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), Kind::all().len());
        Kind::all().iter().for_each(|kind| assert_eq!(kind.name.parse::<Kind>().unwrap(), *kind));
        assert!("nginx".parse::<Kind>().unwrap_err().to_string().contains("nginx"));
        assert_eq!(Kind::beginning("nginx").unwrap().len(), 5);
        assert!(Kind::beginning("apache").is_err());
    }

    #[test]
    fn each_form_is_spoken_by_a_bucket_and_by_windows() {
        for rule in [Rule::Bucket, Rule::Windows] {
            for form in Form::ALL {
                assert!(Kind::all().iter().any(|kind| kind.make == Make::Own(rule, form)), "{rule:?} {form:?}");
            }
        }
    }
}
