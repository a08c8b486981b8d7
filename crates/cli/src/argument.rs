//! Owns how limits, sizes and times are read from arguments. Never decides what a job does with
//! them.
//!
//! Each function is a value parser for clap, which adds the name of the argument to the message.

use std::time::Duration;

use tollgate::{Limit, Rate};

/// Reads a limit that a bucket can keep.
///
/// # Errors
///
/// The place in the text and the rule that it breaks, on one line.
///
/// ```
/// use tollgate::Limit;
/// use tollgate_cli::argument::limit;
///
/// assert_eq!(limit("1000/s capacity 50"), Ok(Limit::per_second(1000).capacity(50)));
/// let rule = "a period is an optional whole number and a unit (ns, us, ms, s, min, h, d, w)";
/// assert_eq!(limit("5/fortnight"), Err(format!("at \"fortnight\": {rule}")));
/// assert_eq!(limit("5/s capacity 0"), Err("a capacity is at least 1 token".to_owned()));
/// ```
pub fn limit(text: &str) -> Result<Limit, String> {
    let limit: Limit = text.parse().map_err(|error| rule_of(text, &format!("{error:#}")))?;
    limit.check().map_err(|error| error.rule.to_string())?;
    Ok(limit)
}

/// Reads a number of bytes, with the suffixes of a limit.
///
/// # Errors
///
/// The rule that the text breaks.
///
/// ```
/// use tollgate_cli::argument::bytes;
///
/// assert_eq!([bytes("1GiB"), bytes("1_000"), bytes("1.5k")], [Ok(1 << 30), Ok(1000), Ok(1500)]);
/// assert!(bytes("1Gb").unwrap_err().contains("bits may be meant here"));
/// assert!(bytes("1/s").is_err() && bytes("-1").is_err() && bytes("0.5").is_err());
/// ```
pub fn bytes(text: &str) -> Result<u64, String> {
    let rule = "a size is a whole number of bytes, with one of k M G T Ki Mi Gi Ti or none";
    // The notation of amounts is that of rates.
    let rate: Rate = match format!("{text}/s").parse() {
        Ok(rate) => rate,
        Err(error) => {
            let why = format!("{error:#}");
            return Err(if text.contains('/') { rule.to_owned() } else { rule_of(&format!("{text}/s"), &why) });
        }
    };
    if rate.period() == Duration::from_secs(1) && !text.contains('/') {
        Ok(rate.tokens())
    } else {
        Err(rule.to_owned())
    }
}

/// Reads a time with a unit, such as `10ms`, `2s` or `1.5min`; longer than 0.
///
/// # Errors
///
/// The rule that the text breaks.
///
/// ```
/// use std::time::Duration;
/// use tollgate_cli::argument::time;
///
/// assert_eq!([time("10ms"), time("2 days")], [Ok(Duration::from_millis(10)), Ok(Duration::from_secs(172_800))]);
/// let rule = "a time is a whole number and a unit (ns, us, ms, s, min, h, d, w), as in 10ms or 2min";
/// assert_eq!(time("10"), Err(rule.to_owned()));
/// assert_eq!(time("0s"), Err("a time is longer than 0".to_owned()));
/// assert_eq!(time("99999w"), Err("a time is at most 584 years".to_owned()));
/// ```
pub fn time(text: &str) -> Result<Duration, String> {
    let rule = "a time is a whole number and a unit (ns, us, ms, s, min, h, d, w), as in 10ms or 2min";
    // A period as in a rate, which may leave out the number, as in `1/s`. A time may not.
    if !text.trim_start().starts_with(|letter: char| letter.is_ascii_digit()) {
        return Err(rule.to_owned());
    }
    match format!("1/{text}").parse::<Rate>() {
        Ok(rate) => Ok(rate.period()),
        Err(error) if error.to_string().ends_with("the period must not be zero") => {
            Err("a time is longer than 0".to_owned())
        }
        Err(error) if error.to_string().contains("the period, times 10") => {
            Err("a time is at most 584 years".to_owned())
        }
        Err(_) => Err(rule.to_owned()),
    }
}

/// The message without the text, which clap says itself.
fn rule_of(text: &str, message: &str) -> String {
    message.strip_prefix(&format!("{text:?}, ")).unwrap_or(message).to_owned()
}
