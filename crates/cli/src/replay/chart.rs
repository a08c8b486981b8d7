//! Owns what was granted and refused over time, as bars. Never a verdict.

use crate::draw::amount::Unit;
use crate::draw::axis::{Axis, time_step};
use crate::draw::bars::Bars;
use crate::draw::look::Look;
use crate::draw::span::span;
use crate::replay::log::Log;
use crate::replay::verdicts::{Verdict, Verdicts};

const SECOND: u64 = 1_000_000_000;

/// Counts the requests of each span of time, in as many spans as a drawing of this look has room
/// for.
pub(crate) fn bars(log: &Log, verdicts: &Verdicts, look: Look) -> Bars {
    // Labels of up to nine characters stand on the left.
    let columns = look.width.saturating_sub(11).max(8) as u64;
    // Times are often whole seconds, and a bar of less would be empty or full by chance.
    let whole = log.requests.iter().all(|request| request.at.as_nanos() % SECOND == 0);
    let least = if whole { SECOND } else { 1 };
    let each = u64::try_from(time_step(u128::from(log.span() / columns) + 1)).unwrap_or(u64::MAX).max(least);
    let mut bins = vec![[0, 0]; (log.span() / each + 1) as usize];
    for (request, verdict) in log.requests.iter().zip(&verdicts.each) {
        let part = usize::from(*verdict != Verdict::Granted);
        bins[(request.at.as_nanos() / each) as usize][part] += 1;
    }
    let most = bins.iter().map(|bin| bin[0] + bin[1]).max().unwrap_or(0);
    Bars {
        title: format!("requests in each {}, from the first on", span(each.into())),
        x: Axis::time(each.saturating_mul(bins.len() as u64), 6),
        y: Axis::amounts(most as f64, Unit::Plain, 4),
        names: ["granted".into(), "refused".into()],
        bins,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::log::tests::{read, reading};
    use crate::replay::verdicts::Limits;

    #[test]
    fn every_request_is_counted_once_in_the_span_of_its_time() {
        let line = |i: u64| format!("{{\"ip\": \"192.0.2.{}\", \"ts\": {}}}\n", i % 3, 1_000_000 + i * i / 10);
        let text: String = (0..500).map(line).collect();
        let log = read("bars", &text, &reading("ip")).unwrap();
        let limits = Limits { requests: vec!["1/min".parse().unwrap()], bytes: None };
        let verdicts = limits.decide(&log, 100).unwrap();
        let granted = verdicts.each.iter().filter(|verdict| **verdict == Verdict::Granted).count() as u64;
        for width in [40, 80, 1000] {
            let bars = bars(&log, &verdicts, Look { width, ascii: true, colored: false });
            let sum = |part: usize| bars.bins.iter().map(|bin| bin[part]).sum::<u64>();
            assert_eq!([sum(0), sum(1)], [granted, 500 - granted], "{width}");
            assert!(bars.bins.len() <= width && bars.bins.len() > width / 10, "{width}: {}", bars.bins.len());
            assert!(bars.y.end >= bars.bins.iter().map(|bin| bin[0] + bin[1]).max().unwrap() as f64);
        }
        assert!(granted > 0 && granted < 500);
    }

    #[test]
    fn a_log_of_one_second_is_one_bar() {
        let log = read("second", "{\"ip\": \"192.0.2.1\", \"ts\": 5}\n", &reading("ip")).unwrap();
        let verdicts = Limits { requests: vec!["1/s".parse().unwrap()], bytes: None }.decide(&log, 1).unwrap();
        let bars = bars(&log, &verdicts, Look { width: 80, ascii: true, colored: false });
        assert_eq!((bars.bins, &*bars.title), (vec![[1, 0]], "requests in each 1 s, from the first on"));
    }
}
