//! Owns what can be said of a limit in numbers. Never a drawing.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use tollgate::Limit;
use tollgate_http::{Headers, Name, Policy, Quota, Reset};

use crate::draw::amount::{Unit, four_digits};
use crate::draw::span::{DAY, HOUR, MINUTE, SECOND, span};
use crate::draw::table::Table;

/// What is written where there is nothing to say.
const NONE: &str = "-";

/// The windows of the table.
const WINDOWS: [(&str, u128); 4] =
    [("in any second", SECOND), ("in any minute", MINUTE), ("in any hour", HOUR), ("in any day", DAY)];

/// Returns the most that is granted in any window of so many nanoseconds, `C + r * (w + e)`.
///
/// `None` if there is no limit. The limit is one that a bucket can keep.
pub(crate) fn most_in(limit: Limit, nanos: u128) -> Option<u128> {
    if limit.is_unlimited() {
        return None;
    }
    let precision = limit.precision().map_or(0, |precision| precision.as_nanos());
    let refill = u128::from(limit.rate.tokens()) * (nanos + precision) / limit.rate.period().as_nanos();
    Some(u128::from(limit.capacity) + refill)
}

/// Returns the nanoseconds in which a bucket fills, rounded up; `None` if it never does.
pub(crate) fn fill_time(limit: Limit) -> Option<u128> {
    if limit.is_unlimited() {
        return Some(0);
    }
    let tokens = u128::from(limit.rate.tokens());
    let units = u128::from(limit.capacity) * limit.rate.period().as_nanos();
    (tokens > 0).then(|| units.div_ceil(tokens))
}

/// Returns the letters of limits, in order.
pub(crate) fn marks() -> impl Iterator<Item = char> {
    'A'..='Z'
}

/// Returns what all of a limit's tokens are, if they are the same.
pub(crate) fn common_unit(limits: &[Limit]) -> Option<Unit> {
    // What has no limit counts whatever the others count.
    let mut units = limits.iter().filter(|limit| !limit.is_unlimited()).map(|limit| Unit::of(*limit));
    let first = units.next().unwrap_or(Unit::Plain);
    units.all(|unit| unit == first).then_some(first)
}

/// Makes the table, a column for each limit, and one for all of them if they count the same.
pub(crate) fn table(limits: &[Limit]) -> Table {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut row = |name: &str, cell: &dyn Fn(Limit) -> String| {
        rows.push(std::iter::once(name.into()).chain(limits.iter().map(|limit| cell(*limit))).collect());
    };
    row("rate", &|limit| if limit.is_unlimited() { "no limit".into() } else { limit.rate.to_string() });
    row("capacity", &|limit| amount(limit, most_in(limit, 0).map(|_| limit.capacity.into())));
    row("begins with", &|limit| amount(limit, most_in(limit, 0).map(|_| limit.start().into())));
    row("fills in", &|limit| match fill_time(limit) {
        None => "never".into(),
        Some(_) if limit.is_unlimited() => NONE.into(),
        Some(nanos) => span(nanos),
    });
    row("a token every", &interval);
    for (name, nanos) in WINDOWS {
        row(name, &|limit| amount(limit, most_in(limit, nanos)));
    }
    row("precision", &|limit| match limit.precision() {
        _ if limit.is_unlimited() => NONE.into(),
        Ok(Duration::ZERO) | Err(_) => "exact".into(),
        Ok(precision) => span(precision.as_nanos()),
    });
    row("may stay idle", &|limit| match limit.idle_limit() {
        Ok(idle) if idle < Duration::MAX && !limit.is_unlimited() => span(idle.as_nanos()),
        _ => "no limit".into(),
    });
    let mut head: Vec<String> =
        std::iter::once(String::new()).chain(marks().take(limits.len()).map(String::from)).collect();
    if limits.len() == 1 {
        head[1] = String::new();
    }
    if let (Some(unit), true) = (common_unit(limits), limits.len() > 1) {
        head.push("together".into());
        for row in &mut rows {
            row.push(together(limits, unit, &row[0]));
        }
    }
    Table { head, rows }
}

/// Returns what all limits together grant, in the row of this name.
fn together(limits: &[Limit], unit: Unit, row: &str) -> String {
    let least = |most: &dyn Fn(Limit) -> Option<u128>| {
        let least = limits.iter().filter_map(|limit| most(*limit)).min();
        least.map_or("no limit".into(), |least| unit.whole(least))
    };
    if row == "begins with" {
        return least(&|limit| most_in(limit, 0).map(|_| limit.start().into()));
    }
    if row == "capacity" {
        return least(&|limit| most_in(limit, 0).map(|_| limit.capacity.into()));
    }
    match WINDOWS.iter().find(|(name, _)| *name == row) {
        Some((_, nanos)) => least(&|limit| most_in(limit, *nanos)),
        None => NONE.into(),
    }
}

fn amount(limit: Limit, amount: Option<u128>) -> String {
    amount.map_or("no limit".into(), |amount| Unit::of(limit).whole(amount))
}

/// Writes the time from token to token.
fn interval(limit: Limit) -> String {
    let (tokens, period) = (limit.rate.tokens(), limit.rate.period().as_nanos());
    if tokens == 0 || limit.is_unlimited() {
        return NONE.into();
    }
    let nanos = period as f64 / tokens as f64;
    if nanos < 1000.0 { format!("{} ns", four_digits(nanos)) } else { span(nanos.round() as u128) }
}

/// Returns the header fields of a response while all buckets are full, one a line.
///
/// They are those of `tollgate-http`: the newest draft, and `X-RateLimit` of the narrowest.
pub(crate) fn fields(limits: &[Limit]) -> Vec<String> {
    let name =
        |at: usize| if limits.len() == 1 { "limit".to_string() } else { marks().nth(at).unwrap_or('Z').to_string() };
    let policies: Vec<Policy> = limits
        .iter()
        .enumerate()
        .map(|(at, limit)| {
            let policy = Policy::of(Name::new(name(at)).expect("letters"), *limit);
            match Unit::of(*limit) {
                Unit::Bytes => policy.unit(tollgate_http::Unit::ContentBytes),
                Unit::Plain => policy,
            }
        })
        .collect();
    let quotas: Vec<Quota<'_>> =
        policies.iter().map(|policy| Quota::granted(policy, policy.limit().capacity)).collect();
    let mut fields = HeaderMap::new();
    let headers = Headers::DEFAULT.x_ratelimit(Reset::Delta);
    headers.write(&quotas, StatusCode::OK, SystemTime::UNIX_EPOCH, &mut fields);
    let names = ["RateLimit-Policy", "RateLimit", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"];
    let line = |name: &str| {
        let values: Vec<_> =
            fields.get_all(name.to_lowercase()).iter().filter_map(|value| value.to_str().ok()).collect();
        (!values.is_empty()).then(|| format!("{name}: {}", values.join(", ")))
    };
    names.into_iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap()
    }

    /// Returns the cells of a row, without its name.
    fn row(limits: &[&str], name: &str) -> Vec<String> {
        let limits: Vec<_> = limits.iter().map(|text| limit(text)).collect();
        let table = table(&limits);
        let row = table.rows.into_iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("no row {name:?}"));
        row[1..].to_vec()
    }

    #[test]
    fn facts_are_those_of_the_limit() {
        for (text, facts) in [
            (
                "1000/s capacity 50",
                [
                    "1000/s",
                    "50",
                    "50",
                    "50 ms",
                    "1 ms",
                    "1,050",
                    "60,050",
                    "3,600,050",
                    "86,400,050",
                    "exact",
                    "292 years",
                ],
            ),
            ("5/day", ["5/d", "5", "5", "1 d", "4 h 48 min", "5", "5", "5", "10", "exact", "292 years"]),
            ("1/3s", ["1/3s", "1", "1", "3 s", "3 s", "1", "21", "1,201", "28,801", "exact", "292 years"]),
            ("0/s capacity 7", ["0/s", "7", "7", "never", "-", "7", "7", "7", "7", "exact", "no limit"]),
            (
                "100/s empty",
                ["100/s", "100", "0", "1 s", "10 ms", "200", "6,100", "360,100", "8,640,100", "exact", "292 years"],
            ),
            (
                "1MiB/s",
                [
                    "1MiB/s",
                    "1 MiB",
                    "1 MiB",
                    "1 s",
                    "953.7 ns",
                    "2 MiB",
                    "61 MiB",
                    "3.517 GiB",
                    "84.38 GiB",
                    "1 ns",
                    "136 years",
                ],
            ),
            ("10G/s", ["10G/s", "10G", "10G", "1 s", "0.1 ns", "20G", "610G", "36.01T", "864T", "1 ns", "29 years"]),
            (
                "unlimited",
                [
                    "no limit", "no limit", "no limit", "-", "-", "no limit", "no limit", "no limit", "no limit", "-",
                    "no limit",
                ],
            ),
        ] {
            let cells: Vec<String> = table(&[limit(text)]).rows.into_iter().map(|row| row[1].clone()).collect();
            assert_eq!(cells, facts, "{text}");
        }
    }

    #[test]
    fn limits_together_grant_the_least_of_each_window() {
        let two = ["100/min", "1000/h"];
        assert_eq!(row(&two, "in any minute"), ["200", "1,016", "200"]);
        assert_eq!(row(&two, "in any hour"), ["6,100", "2,000", "2,000"]);
        assert_eq!(row(&two, "capacity"), ["100", "1,000", "100"]);
        assert_eq!(row(&["5/s empty", "2/s"], "begins with"), ["0", "2", "0"]);
        assert_eq!(row(&["5/s", "unlimited"], "in any second"), ["10", "no limit", "10"]);
        // A request is no byte, so there is no least of the two.
        assert_eq!(row(&["1000/s", "1MiB/s"], "capacity"), ["1,000", "1 MiB"]);
    }

    /// A bucket is full after its fill time, and not a nanosecond sooner.
    #[test]
    fn a_bucket_is_full_after_its_fill_time() {
        use tollgate::clock::{ManualClock, Time};
        for text in ["7/s capacity 3", "1000/s", "11/min capacity 10", "5/day", "1/3s"] {
            let limit = limit(text);
            let nanos = fill_time(limit).unwrap() as u64;
            let bucket = tollgate::TokenBucket::with_clock(limit.empty(), ManualClock::new()).unwrap();
            let at = |nanos| bucket.at(Time::from_nanos(nanos)).available();
            assert_eq!((at(nanos - 1), at(nanos)), (limit.capacity - 1, limit.capacity), "{text}");
        }
        assert_eq!(fill_time(limit("0/s capacity 3")), None);
    }

    #[test]
    fn the_bound_has_the_precision_in_it() {
        assert_eq!(most_in(limit("10G/s"), SECOND), Some(20_000_000_010));
        assert_eq!(most_in(limit("1000/s"), SECOND), Some(2000));
        assert_eq!(most_in(Limit::UNLIMITED, SECOND), None);
    }

    #[test]
    fn fields_are_those_of_a_full_bucket() {
        let fields_of = |texts: &[&str]| fields(&texts.iter().map(|text| limit(text)).collect::<Vec<_>>());
        assert_eq!(
            fields_of(&["1000/s capacity 50"]),
            [
                "RateLimit-Policy: \"limit\";q=1000;w=1;tollgate-burst=50",
                "RateLimit: \"limit\";r=50;t=1",
                "X-RateLimit-Limit: 50",
                "X-RateLimit-Remaining: 50",
                "X-RateLimit-Reset: 0",
            ]
        );
        let two = fields_of(&["100/min", "1MiB/s"]);
        assert_eq!(two[0], "RateLimit-Policy: \"A\";q=100;w=60, \"B\";q=1048576;qu=\"content-bytes\";w=1");
        assert_eq!(fields_of(&["unlimited"]), Vec::<String>::new());
    }
}
