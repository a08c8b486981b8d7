//! Owns what the drawing of limits shows. Never how it is drawn.

use tollgate::Limit;

use crate::draw::amount::Unit;
use crate::draw::axis::{Axis, time_step};
use crate::draw::lines::{Lines, Series, Stroke};
use crate::plan::course::{self, NoCourse, Point, Span};
use crate::plan::facts::{common_unit, fill_time, marks, most_in};

/// The points of a line, where the bucket has more steps.
const SAMPLES: u64 = 1000;

/// Fill times that are drawn if no time was asked for.
const FILLS: u128 = 3;

/// The longest time that is drawn: the buckets are asked more often than their idle limits.
pub(crate) const LONGEST: u64 = 10 * 365 * 86_400 * 1_000_000_000;

/// How often the lowest line fits below the top, where others are higher.
const LOWEST: f64 = 5.0;

/// What is higher than any drawing.
const ABOVE: f64 = 1e300;

/// Returns the time that shows a few fills of the slowest limit, in a round number.
pub(crate) fn time_for(limits: &[Limit]) -> u64 {
    let slowest = limits.iter().filter_map(|limit| fill_time(*limit)).max().unwrap_or(0);
    let fills = if slowest == 0 { 60_000_000_000 } else { time_step(FILLS * slowest) };
    u64::try_from(fills).unwrap_or(LONGEST).min(LONGEST)
}

/// Asks the buckets of these limits for all they have, for `over` nanoseconds.
///
/// # Errors
///
/// The limit for which there is no course, and why.
pub(crate) fn picture(limits: &[Limit], over: u64) -> Result<Lines, (Limit, NoCourse)> {
    let unit = common_unit(limits);
    let finite = || limits.iter().filter(|limit| !limit.is_unlimited());
    let last = |limit: &Limit| most_in(*limit, over.into()).unwrap_or(0) as f64;
    let highest = finite().map(last).fold(1.0, f64::max);
    // A limit that never refills stays low, and is no reason to cut the others.
    let lowest = finite().filter(|limit| limit.rate.tokens() > 0).map(last).fold(f64::INFINITY, f64::min);
    let y = Axis::amounts(highest.min(LOWEST * lowest.max(1.0)), unit.unwrap_or(Unit::Plain), 5);
    let span = Span { over, samples: SAMPLES, top: y.end as u128 };

    let mut series = Vec::new();
    for (limit, mark) in limits.iter().zip(marks()) {
        let points = match limit.is_unlimited() {
            true => vec![(0.0, 0.0), (0.0, ABOVE)],
            false => places(&course::alone(*limit, span).map_err(|why| (*limit, why))?),
        };
        let name = name_of(*limit, &points, y.end);
        series.push(Series { mark, name, stroke: Stroke::Steps, points });
    }
    if let (Some(_), Some(first), 2..) = (unit, finite().next(), limits.len()) {
        let points = places(&course::together(limits, span).map_err(|why| (*first, why))?);
        let name = "all of them, as streams of one bucket".into();
        series.push(Series { mark: '*', name, stroke: Stroke::Steps, points });
    }
    let bounds: Vec<_> = limits.iter().filter_map(|limit| bound(*limit, over)).collect();
    let count = bounds.len();
    let named = |(i, points)| {
        let name = match (i + 1 == count, limits.len()) {
            (false, _) => "",
            (true, 1) => "the bound C + r * w",
            (true, _) => "the bound C + r * w of each",
        };
        Series { mark: '.', name: name.into(), stroke: Stroke::Dots, points }
    };
    series.extend(bounds.into_iter().enumerate().map(named));
    let what = if unit == Some(Unit::Bytes) { "bytes" } else { "tokens" };
    let title = format!("{what} granted to one who always asks, from the start on");
    Ok(Lines { title, x: Axis::time(over, 6), y, series })
}

fn places(course: &[Point]) -> Vec<(f64, f64)> {
    course.iter().map(|point| (point.at as f64, point.granted as f64)).collect()
}

/// The two ends of the line `C + r * w`.
fn bound(limit: Limit, over: u64) -> Option<Vec<(f64, f64)>> {
    let capacity = limit.capacity as f64;
    let refill = limit.rate.tokens() as f64 * over as f64 / limit.rate.period().as_nanos() as f64;
    (!limit.is_unlimited()).then(|| vec![(0.0, capacity), (over as f64, capacity + refill)])
}

/// Says which limit a line is of, and where it went.
fn name_of(limit: Limit, points: &[(f64, f64)], top: f64) -> String {
    match points.last() {
        _ if limit.is_unlimited() => format!("{limit}: all that is asked for, at once"),
        Some(last) if last.1 > top => format!("{limit}, which leaves the drawing"),
        _ => limit.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(texts: &[&str]) -> Vec<Limit> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn of(texts: &[&str]) -> Lines {
        let limits = limits(texts);
        picture(&limits, time_for(&limits)).unwrap()
    }

    #[test]
    fn the_time_is_a_few_fills_of_the_slowest_limit() {
        for (texts, seconds) in [
            (&["1000/s capacity 50"][..], 0.2),
            (&["1000/s"], 5.0),
            (&["100/min", "1000/h"], 3.0 * 3600.0),
            (&["5/day"], 5.0 * 86_400.0),
            (&["0/s capacity 5"], 60.0),
            (&["unlimited"], 60.0),
            (&["1/s capacity 1000000000000"], 10.0 * 365.0 * 86_400.0),
        ] {
            assert_eq!(time_for(&limits(texts)) as f64 / 1e9, seconds, "{texts:?}");
        }
    }

    #[test]
    fn a_drawing_has_a_line_for_each_limit_for_all_and_for_the_bound() {
        let marks = |lines: &Lines| lines.series.iter().map(|series| series.mark).collect::<String>();
        assert_eq!(marks(&of(&["1000/s"])), "A.");
        assert_eq!(marks(&of(&["100/min", "1000/h"])), "AB*..");
        assert_eq!(marks(&of(&["100/min", "unlimited"])), "AB*.");
        // A byte is no request.
        assert_eq!(marks(&of(&["100/min", "1MiB/s"])), "AB..");
        assert_eq!(marks(&of(&["unlimited"])), "A");
        assert_eq!(of(&["1MiB/s"]).title, "bytes granted to one who always asks, from the start on");
    }

    /// The dotted line is the bound itself: no step lies above it.
    #[test]
    fn no_step_crosses_the_bound() {
        for text in ["1/3s", "5/day", "7/s capacity 3", "1000/s"] {
            let lines = of(&[text]);
            let [steps, bound] = &lines.series[..] else { panic!("{lines:?}") };
            let [first, last] = bound.points[..] else { panic!("{bound:?}") };
            for (at, granted) in &steps.points {
                let most = first.1 + (last.1 - first.1) * at / last.0;
                assert!(*granted <= most * (1.0 + 1e-12), "{text}: {granted} at {at}, of {most}");
            }
        }
    }

    #[test]
    fn the_lowest_line_is_seen_beside_the_highest() {
        let lines = of(&["1000/s", "5/day"]);
        assert_eq!(lines.series[1].points.last(), Some(&(432e12, 30.0)));
        assert!(lines.y.end <= 200.0, "{:?}", lines.y);
        assert_eq!(lines.series[0].points.last(), Some(&(0.0, 1000.0)));
        assert_eq!(lines.series[0].name, "1000/s capacity 1000, which leaves the drawing");
        assert_eq!(lines.series[1].name, "5/d capacity 5");
        // What never refills does not count as the lowest.
        assert!(of(&["10/s", "0/s capacity 1"]).y.end >= 50.0);
    }
}
