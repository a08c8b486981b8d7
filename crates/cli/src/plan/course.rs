//! Owns what a bucket grants over time to one who always asks. Never a formula: it asks the bucket.

use std::time::Duration;

use tollgate::clock::{ManualClock, Time};
use tollgate::limit::{LimitError, LimitRule};
use tollgate::{Limit, MultiBucket, TokenBucket};

/// The most limits that one bucket of this command has.
pub(crate) const MOST: usize = 8;

/// All that was granted up to a time, in nanoseconds from the making of the bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Point {
    pub(crate) at: u64,
    pub(crate) granted: u128,
}

/// How a course is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Span {
    /// Nanoseconds.
    pub(crate) over: u64,
    /// The least number of points, where the bucket has more steps.
    pub(crate) samples: u64,
    /// A course ends early once it has granted more than this.
    pub(crate) top: u128,
}

/// The most often that a bucket is asked in one course.
pub(crate) const MOST_ASKED: u64 = 1_000_000;

/// Why there is no course.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoCourse {
    /// No bucket keeps a limit that breaks this rule.
    Limit(LimitRule),
    /// The bucket would be asked more than [`MOST_ASKED`] times, so that it is never full.
    Long,
}

impl From<LimitError> for NoCourse {
    fn from(error: LimitError) -> Self {
        Self::Limit(error.rule)
    }
}

/// Takes all that one limit has, at every step.
///
/// The steps are the instants at which a token accrues, where these are fewer than the samples.
/// Else there are about as many points as samples. The bucket is asked often enough that it never
/// stands full.
pub(crate) fn alone(limit: Limit, span: Span) -> Result<Vec<Point>, NoCourse> {
    let bucket = TokenBucket::with_clock(limit, ManualClock::new())?;
    let wait = |at, n| bucket.at(at).wait_for(n).unwrap_or(None);
    course(span, limit.capacity, |at| bucket.at(at).take_up_to(u64::MAX), wait)
}

/// Takes all that several limits let pass, one token of each at a time, as streams of one bucket.
pub(crate) fn together(limits: &[Limit], span: Span) -> Result<Vec<Point>, NoCourse> {
    fn of<const N: usize>(limits: &[Limit], span: Span) -> Result<Vec<Point>, NoCourse> {
        let limits = std::array::from_fn::<_, N, _>(|i| limits[i]);
        let bucket = MultiBucket::with_clock(limits, ManualClock::new())?;
        let wait = |at, n| bucket.at(at).wait_for([n; N]).unwrap_or(None);
        let least = limits.iter().map(|limit| limit.capacity).min().unwrap_or(1);
        course(span, least, |at| bucket.at(at).take_items(u64::MAX, [1; N]), wait)
    }
    match limits.len() {
        2 => of::<2>(limits, span),
        3 => of::<3>(limits, span),
        4 => of::<4>(limits, span),
        5 => of::<5>(limits, span),
        6 => of::<6>(limits, span),
        7 => of::<7>(limits, span),
        8 => of::<MOST>(limits, span),
        count => unreachable!("{count} limits, which the arguments rule out"),
    }
}

/// Asks at every sample, or at the next token if that is later; and sooner, if the bucket would be
/// full before.
///
/// `least` is the smallest capacity. As long as its stream is what refuses, the bucket is asked
/// before that stream is full. Where another one refuses, a full stream loses nothing that could
/// have been taken.
fn course(
    span: Span,
    least: u64,
    take: impl Fn(Time) -> u64,
    wait: impl Fn(Time, u64) -> Option<Duration>,
) -> Result<Vec<Point>, NoCourse> {
    let Span { over, samples, top } = span;
    let each = (over / samples.max(1)).max(1);
    let (mut points, mut at, mut granted) = (Vec::new(), 0, 0);
    // The next sample that is to be a point.
    let mut sample = 0;
    for _ in 0..MOST_ASKED {
        let now = Time::from_nanos(at);
        let taken = u128::from(take(now));
        granted += taken;
        if at >= sample && (taken > 0 || at == 0) || at == over || granted > top {
            points.push(Point { at, granted });
            sample = (at / each).saturating_add(1).saturating_mul(each);
        }
        if at == over || granted > top {
            return Ok(points);
        }
        // A token that never comes is not waited for.
        let after = |n| {
            let wait = wait(now, n).and_then(|wait| u64::try_from(wait.as_nanos()).ok());
            wait.and_then(|wait| at.checked_add(wait)).unwrap_or(over)
        };
        at = after(1).max(sample.min(after(least))).min(over);
    }
    Err(NoCourse::Long)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::facts::most_in;

    const SECOND: u64 = 1_000_000_000;

    fn limit(text: &str) -> Limit {
        text.parse().unwrap()
    }

    fn span(over: u64, samples: u64) -> Span {
        Span { over, samples, top: u128::MAX }
    }

    fn points(course: &[Point]) -> Vec<(u64, u128)> {
        course.iter().map(|point| (point.at, point.granted)).collect()
    }

    #[test]
    fn few_steps_are_where_tokens_accrue() {
        let third = 3 * SECOND;
        let course = alone(limit("1/3s"), span(10 * SECOND, 100)).unwrap();
        assert_eq!(points(&course), [(0, 1), (third, 2), (2 * third, 3), (3 * third, 4), (10 * SECOND, 4)]);
        let course = alone(limit("0/s capacity 5"), span(SECOND, 100)).unwrap();
        assert_eq!(points(&course), [(0, 5), (SECOND, 5)]);
        let course = alone(limit("2/s empty"), span(SECOND, 100)).unwrap();
        assert_eq!(points(&course), [(0, 0), (SECOND / 2, 1), (SECOND, 2)]);
    }

    #[test]
    fn many_steps_are_as_many_as_asked_for() {
        for text in ["1000000/s", "10G/s", "1MiB/s"] {
            let course = alone(limit(text), span(SECOND, 100)).unwrap();
            assert!((99..=102).contains(&course.len()), "{text}: {}", course.len());
            assert_eq!(course.last().unwrap().at, SECOND);
        }
    }

    /// The drawn steps reach the line C + r * w, and never cross it.
    #[test]
    fn a_bucket_grants_its_capacity_and_what_refills() {
        for text in [
            "1000/s",
            "5/day",
            "1/3s",
            "0/s capacity 5",
            "1000/s capacity 50",
            "1MiB/s",
            "10G/s",
            "7/s capacity 3",
            "16.6667/s",
        ] {
            let limit = limit(text);
            for over in [SECOND, 60 * SECOND, 7200 * SECOND] {
                for point in alone(limit, span(over, 200)).unwrap() {
                    let most = most_in(limit, point.at.into()).unwrap();
                    assert!(point.granted <= most, "{text} at {}: {} of {most}", point.at, point.granted);
                    // What refills in the precision may be missing, and the token that it begins.
                    let precise = u128::from(limit.rate.tokens()) / limit.rate.period().as_nanos();
                    assert!(point.granted + 2 * precise + 1 >= most, "{text} at {}: {point:?} of {most}", point.at);
                }
            }
        }
    }

    /// Streams of one bucket grant the least of what each would grant.
    #[test]
    fn several_limits_grant_the_least_of_them() {
        let sets: [&[&str]; 4] = [
            &["100/min", "1000/h"],
            &["10/s", "100/min capacity 50", "300/h"],
            &["5/s", "unlimited"],
            &["1/s", "2/s", "3/s", "4/s", "5/s", "6/s", "7/s", "0/s capacity 40"],
        ];
        for texts in sets {
            let limits: Vec<_> = texts.iter().map(|text| limit(text)).collect();
            let over = 3 * 3600 * SECOND;
            let together = together(&limits, span(over, 500)).unwrap();
            for point in &together {
                let least = limits.iter().filter_map(|limit| most_in(*limit, point.at.into())).min().unwrap();
                assert_eq!(point.granted, least, "{texts:?} at {}", point.at);
            }
            assert_eq!(together.last().unwrap().at, over);
        }
    }

    #[test]
    fn a_limit_that_no_bucket_keeps_is_an_error() {
        let error = alone(limit("1/s").capacity(0), span(SECOND, 10)).unwrap_err();
        assert!(matches!(error, NoCourse::Limit(_)));
    }

    #[test]
    fn a_course_ends_once_it_is_above_the_top() {
        let course = alone(limit("1/s"), Span { over: 1000 * SECOND, samples: 100, top: 20 }).unwrap();
        assert_eq!(course.last().map(|point| (point.at, point.granted)), Some((20 * SECOND, 21)));
    }

    #[test]
    fn a_bucket_that_would_have_to_be_asked_for_ever_is_not() {
        let error = alone(limit("1000000/s capacity 1"), span(60 * SECOND, 100)).unwrap_err();
        assert_eq!(error, NoCourse::Long);
        // Where a slow limit refuses, the fast one may be full.
        let limits = ["1000000/s capacity 1", "1/s capacity 1"].map(limit);
        let course = together(&limits, span(60 * SECOND, 100)).unwrap();
        assert_eq!(course.last().unwrap().granted, 61);
    }
}
