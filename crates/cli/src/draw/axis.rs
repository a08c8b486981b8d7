//! Owns where the ticks of an axis stand and what they say. Never what is drawn between them.

use crate::draw::amount::Unit;
use crate::draw::span::{DAY, HOUR, MINUTE, SECOND, YEAR, span};

/// An axis from 0 to its end, with a tick at 0 and at every step.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Axis {
    pub(crate) end: f64,
    /// Positions and labels, in order.
    pub(crate) ticks: Vec<(f64, String)>,
}

/// Steps of time that people count in, beyond the powers of ten of a second.
const TIMES: [u128; 19] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
];

impl Axis {
    /// An axis of amounts that reaches at least `most`, with about `steps` steps.
    pub(crate) fn amounts(most: f64, unit: Unit, steps: usize) -> Self {
        let most = most.max(1.0);
        let step = amount_step(most / steps.max(1) as f64, unit);
        let count = (most / step).ceil().max(1.0);
        let ticks = (0..=count as usize).map(|i| (i as f64 * step, unit.short(i as f64 * step)));
        Self { end: count * step, ticks: ticks.collect() }
    }

    /// An axis of time that ends exactly at `nanos`, with at most `steps` steps.
    pub(crate) fn time(nanos: u64, steps: usize) -> Self {
        let step = time_step(u128::from(nanos).div_ceil(steps.max(1) as u128));
        let count = u128::from(nanos) / step;
        let ticks = (0..=count).map(|i| ((i * step) as f64, if i == 0 { "0".into() } else { span(i * step) }));
        Self { end: nanos as f64, ticks: ticks.collect() }
    }

    /// Returns the label of the tick that stands closest.
    pub(crate) fn label(&self, at: f64) -> &str {
        let distance = |tick: &&(f64, String)| (tick.0 - at).abs();
        let closest = self.ticks.iter().min_by(|a, b| distance(a).total_cmp(&distance(b)));
        closest.map_or("", |(_, label)| label)
    }

    /// Returns where `value` lies, as a share of the axis.
    pub(crate) fn share(&self, value: f64) -> f64 {
        value / self.end
    }
}

/// Returns the smallest round step that is at least `least`, and at least one token.
fn amount_step(least: f64, unit: Unit) -> f64 {
    match unit {
        Unit::Bytes => 2_f64.powf(least.max(1.0).log2().ceil()),
        Unit::Plain => {
            let power = 10_f64.powf(least.max(1.0).log10().floor());
            let round = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
            round.into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
        }
    }
}

/// Returns the smallest round time that is at least `least` nanoseconds.
pub(crate) fn time_step(least: u128) -> u128 {
    if least <= SECOND {
        let powers = (0..=9).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_u128.pow(power)));
        return powers.into_iter().find(|step| *step >= least).unwrap_or(SECOND).min(SECOND);
    }
    if let Some(step) = TIMES.into_iter().find(|step| *step >= least) {
        return step;
    }
    // Hundreds of days, and years.
    let days = [1, 2, 5, 10, 20, 50, 100, 200].map(|days| days * DAY);
    let years = (0..24).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_u128.pow(power) * YEAR));
    days.into_iter().chain(years).find(|step| *step >= least).unwrap_or(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_of_amounts_covers_the_most_in_round_steps() {
        for most in [0.0, 1.0, 3.0, 7.0, 50.0, 199.0, 201.0, 12_345.0, 1e9, 3.7e19] {
            for unit in [Unit::Plain, Unit::Bytes] {
                let axis = Axis::amounts(most, unit, 5);
                assert!(axis.end >= most && axis.end <= 2.5 * most.max(1.0), "{most} {unit:?}: {axis:?}");
                assert!((2..=7).contains(&axis.ticks.len()), "{most}: {axis:?}");
                assert_eq!(axis.ticks.last().unwrap().0, axis.end);
                let mut labels: Vec<_> = axis.ticks.iter().map(|(_, label)| label).collect();
                labels.dedup();
                assert_eq!(labels.len(), axis.ticks.len(), "{axis:?}");
            }
        }
        let labels = |axis: Axis| axis.ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(Axis::amounts(200.0, Unit::Plain, 4)), ["0", "50", "100", "150", "200"]);
        assert_eq!(labels(Axis::amounts(3e6, Unit::Bytes, 4)), ["0 B", "1 MiB", "2 MiB", "3 MiB"]);
    }

    #[test]
    fn an_axis_of_time_ends_where_it_is_told_to() {
        for nanos in [1, 7, 1_000, 150_000_000, 1_000_000_000, 61_000_000_000, 86_400_000_000_000, u64::MAX] {
            let axis = Axis::time(nanos, 5);
            assert_eq!(axis.end, nanos as f64);
            assert!((1..=6).contains(&axis.ticks.len()), "{nanos}: {axis:?}");
            assert!(axis.ticks.last().unwrap().0 <= axis.end);
        }
        let labels = |nanos| Axis::time(nanos, 6).ticks.into_iter().map(|(_, label)| label).collect::<Vec<_>>();
        assert_eq!(labels(60_000_000_000), ["0", "10 s", "20 s", "30 s", "40 s", "50 s", "1 min"]);
        let decade = labels(10 * 365 * 86_400 * SECOND as u64);
        assert_eq!(decade, ["0", "2 years", "4 years", "6 years", "8 years", "10 years"]);
        assert_eq!(labels(150_000_000), ["0", "50 ms", "100 ms", "150 ms"]);
    }

    #[test]
    fn the_label_of_a_place_is_that_of_the_closest_tick() {
        let axis = Axis::amounts(100.0, Unit::Plain, 4);
        assert_eq!((axis.label(49.9), axis.label(100.0), axis.label(0.0)), ("50", "100", "0"));
        assert_eq!(axis.share(25.0), 0.25);
    }
}
