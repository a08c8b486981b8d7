//! Owns the limit of a paced stream: its burst is small unless it is written. Never holds state.

use std::time::Duration;

use tollgate::{Limit, Rate};

use crate::argument;

/// The default burst, as the time that it takes to refill.
pub const BURST: Duration = Duration::from_millis(100);

/// Reads a limit. Without a capacity, it has that of [`BURST`], and at least 2 from 2/s on.
///
/// With a capacity of 1, no line can make up for the one before, which went late by as much as the
/// process woke late. Below 2/s, that is too little to count.
///
/// # Errors
///
/// The rule that the text breaks. A rate of 0 is refused, as the copy would never end.
///
/// ```
/// use tollgate::Limit;
/// use tollgate_cli::pace::paced_limit::paced_limit;
///
/// assert_eq!(paced_limit("1000/s"), Ok(Limit::per_second(1000).capacity(100)));
/// assert_eq!(paced_limit("19/s"), Ok(Limit::per_second(19).capacity(2)));
/// assert_eq!(paced_limit("5/min empty"), Ok(Limit::per_minute(5).capacity(1).empty()));
/// assert_eq!(paced_limit("1000/s burst 1000"), Ok(Limit::per_second(1000)));
/// assert_eq!(paced_limit("unlimited"), Ok(Limit::UNLIMITED));
/// assert_eq!(paced_limit("0/s capacity 5"), Err("a rate of 0 never lets the rest through".to_owned()));
/// ```
pub fn paced_limit(text: &str) -> Result<Limit, String> {
    let limit = match argument::limit(text) {
        Ok(limit) => limit,
        // The default capacity of the notation may be more than a bucket holds, or 0.
        Err(error) => match text.parse::<Limit>() {
            Ok(limit) if !has_capacity(text) => limit,
            _ => return Err(error),
        },
    };
    if limit.rate.tokens() == 0 {
        return Err("a rate of 0 never lets the rest through".to_owned());
    }
    if limit.is_unlimited() || has_capacity(text) {
        return Ok(limit);
    }
    let least = refill(limit.rate, Duration::from_secs(1)).clamp(1, 2);
    let limit = limit.capacity(refill(limit.rate, BURST).max(least));
    limit.check().map_err(|error| error.rule.to_string())?;
    Ok(limit)
}

/// The whole tokens that refill in this time.
pub(crate) fn refill(rate: Rate, time: Duration) -> u64 {
    let tokens = u128::from(rate.tokens()) * time.as_nanos() / rate.period().as_nanos();
    u64::try_from(tokens).unwrap_or(u64::MAX)
}

/// Whether the text of a limit says a capacity. No other part of one is such a word.
fn has_capacity(text: &str) -> bool {
    text.split(|letter: char| !letter.is_alphabetic()).any(|word| matches!(word, "capacity" | "burst"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_of_the_start_stays() {
        let limit = paced_limit("1000/s starting with 30").unwrap();
        assert_eq!((limit.capacity, limit.start()), (100, 30));
        assert_eq!(
            paced_limit("1000/s starting with 101"),
            Err("a bucket starts with at most its capacity".to_owned())
        );
    }

    #[test]
    fn a_fast_and_a_slow_rate_have_a_burst_that_a_bucket_keeps() {
        assert_eq!(paced_limit("1T/s").unwrap().capacity, 100_000_000_000);
        assert_eq!(paced_limit("1/w").unwrap().capacity, 1);
        assert_eq!(paced_limit("0.001/s").unwrap().capacity, 1);
        assert_eq!(["1.9/s", "2/s", "29/s", "30/s"].map(|text| paced_limit(text).unwrap().capacity), [1, 2, 2, 3]);
        assert_eq!(paced_limit("999.9/s").unwrap().capacity, 99);
    }

    #[test]
    fn a_rate_of_nothing_says_so_and_not_that_its_capacity_is_nothing() {
        assert_eq!(paced_limit("0/s").unwrap_err(), "a rate of 0 never lets the rest through");
    }
}
