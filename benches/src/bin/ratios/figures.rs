//! Owns the list of figures: what is compared with what, and the target. It never times a case for
//! a ratio.

use std::time::Duration;

use benches::probe::Distance;
use benches::record::{Distances, Figure, Tails};

use crate::cases::{Case, Whose};
use crate::rounds::Rounds;

/// A comparison: id, our case, reference case, target.
type Comparison = (&'static str, &'static str, &'static str, Option<f64>);

const COMPARISONS: &[Comparison] = &[
    ("one-granted", "one-granted", "floor", Some(1.3)),
    ("one-refused", "one-refused", "floor", Some(0.6)),
    ("one-clock-granted-vs-governor", "one-clock-granted", "governor-clock-granted", Some(1.05)),
    ("one-clock-refused-vs-governor", "one-clock-refused", "governor-clock-refused", Some(1.05)),
    ("one-clock-2t-vs-governor", "one-clock-2t", "governor-clock-2t", Some(1.05)),
    ("one-clock-refused-vs-clock", "one-clock-refused", "clock", Some(1.15)),
    ("tiered-granted-vs-governor", "tiered-granted", "governor-clock-granted", Some(0.65)),
    ("tiered-refused-vs-governor", "tiered-refused", "governor-clock-refused", Some(1.08)),
    ("recent-granted-vs-governor", "recent-granted", "governor-clock-granted", None),
    #[cfg(any(target_os = "linux", target_os = "android"))]
    ("coarse-granted-vs-governor", "coarse-granted", "governor-clock-granted", None),
    ("two-handle", "handle-2", "floor", Some(1.6)),
    ("two-self", "self-2", "floor", Some(2.6)),
    ("two-refused", "self-2-refused", "floor", Some(0.8)),
    ("eight-handle", "handle-8", "floor", Some(3.5)),
    ("two-clock-handle-vs-governors", "handle-2-clock", "governors-2-clock", Some(0.65)),
    ("two-clock-self-vs-governors", "self-2-clock", "governors-2-clock", Some(0.8)),
    ("two-clock-2t-vs-governors", "self-2-clock-2t", "governors-2-clock-2t", Some(0.6)),
    ("two-handle-vs-mutex", "handle-2", "mutex-2", Some(0.75)),
    ("two-self-vs-mutex", "self-2", "mutex-2", Some(1.05)),
    ("two-2t-vs-mutex", "self-2-2t", "mutex-2-2t", Some(1.0)),
    ("two-16t-vs-mutex", "self-2-16t", "mutex-2-16t", Some(0.7)),
    ("two-vs-throttle-net", "self-2-clock", "throttle-net-2-clock", Some(0.15)),
    ("striped", "striped-1", "governor-clock-granted", Some(0.62)),
    ("striped-2t-vs-governor", "striped-1-2t", "governor-clock-2t", Some(0.25)),
    ("striped-2t-vs-self", "striped-1-2t", "self-1-clock-2t", Some(0.25)),
    ("striped-2t-vs-token-bucket", "striped-1-2t", "one-clock-2t", None),
    ("striped-two-vs-self", "striped-2", "self-2-clock", Some(0.45)),
    ("striped-two-vs-mutex", "striped-2", "mutex-2-clock", Some(0.52)),
    ("striped-two-2t-vs-governors", "striped-2-2t", "governors-2-clock-2t", Some(0.12)),
    ("striped-two-2t-vs-mutex", "striped-2-2t", "mutex-2-clock-2t", Some(0.16)),
    ("striped-two-2t-vs-self", "striped-2-2t", "self-2-clock-2t", None),
    ("striped-four", "striped-4", "self-4-clock", Some(0.35)),
    ("striped-four-2t", "striped-4-2t", "self-4-clock-2t", Some(0.25)),
    ("striped-refused", "striped-1-refused", "self-1-clock-refused", Some(1.08)),
    ("striped-two-refused", "striped-2-refused", "self-2-clock-refused", Some(1.2)),
    ("striped-scarce", "striped-1-scarce", "self-1-clock-scarce", Some(1.08)),
    ("striped-two-scarce", "striped-2-scarce", "self-2-clock-scarce", Some(1.2)),
    ("lease", "lease", "floor", Some(0.3)),
    ("two-lease", "lease-2", "floor", None),
    ("batch-of-64", "batch-64", "floor", None),
    ("one-self", "self-1", "floor", None),
    ("one-handle", "handle-1", "floor", None),
    ("three-self", "self-3", "floor", None),
    ("three-handle", "handle-3", "floor", None),
    ("four-self", "self-4", "floor", None),
    ("four-handle", "handle-4", "floor", None),
    ("eight-self", "self-8", "floor", None),
    ("two-self-vs-wide", "self-2", "wide-floor", None),
    ("two-handle-vs-wide", "handle-2", "wide-floor", None),
    ("later-one-self", "later-self-1", "self-1", Some(1.08)),
    ("later-two-self", "later-self-2", "self-2", Some(1.12)),
    ("later-two-refused", "later-self-2-refused", "self-2-refused", Some(1.3)),
    ("later-two-clock-refused", "later-self-2-clock-refused", "self-2-clock-refused", Some(1.3)),
    ("later-two-told-refused", "later-told-2-refused", "told-2-refused", Some(1.3)),
    ("two-told", "told-2", "self-2", None),
    ("later-one-handle", "later-handle-1", "handle-1", Some(1.08)),
    ("later-two-handle", "later-handle-2", "handle-2", Some(1.12)),
    ("later-one-put-back", "later-put-back-1", "put-back-1", Some(1.08)),
    ("later-two-put-back", "later-put-back-2", "put-back-2", Some(1.12)),
    ("later-one-up-to", "later-up-to-1", "up-to-1", Some(1.08)),
    ("later-two-up-to", "later-up-to-2", "up-to-2", Some(1.12)),
    ("later-one-2t", "later-self-1-2t", "self-1-2t", Some(1.08)),
    ("later-two-2t", "later-self-2-2t", "self-2-2t", Some(1.12)),
    ("later-two-refused-2t", "later-self-2-refused-2t", "self-2-refused-2t", Some(1.3)),
    ("later-eight-self", "later-self-8", "self-8", None),
    ("one-granted-vs-governor-free", "one-granted", "governor-free-granted", None),
    ("one-refused-vs-governor-free", "one-refused", "governor-free-refused", None),
    ("one-granted-vs-better-bucket", "one-granted", "better-bucket-granted", None),
    ("one-refused-vs-better-bucket", "one-refused", "better-bucket-refused", None),
    ("one-clock-2t-think-vs-governor", "one-clock-2t-think", "governor-clock-2t-think", None),
    ("two-2t-think-vs-mutex", "self-2-2t-think", "mutex-2-2t-think", None),
];

/// The figures whose single calls are timed, too.
const TAILED: [&str; 2] = ["two-2t-vs-mutex", "two-16t-vs-mutex"];

/// Returns the comparisons, then each case in terms of the floor with as many threads.
pub(crate) fn all(cases: &[Case], rounds: &Rounds, tails: Duration) -> Vec<Figure> {
    let compared = COMPARISONS.iter().filter_map(|(id, ours, reference, target)| {
        let pair = [ours, reference].map(|name| index(cases, name));
        let mut figure = figure(id, cases, rounds, pair, *target)?;
        figure.tails = TAILED.contains(id).then(|| pair.map(|i| &cases[i])).and_then(|pair| timed(pair, tails));
        Some(figure)
    });
    let placed = cases.iter().enumerate().filter_map(|(i, case)| {
        let floor = match case.sample.threads() {
            1 => "floor".to_owned(),
            threads => format!("floor-{threads}t"),
        };
        let whose = match case.whose {
            Whose::Ours => "ours",
            Whose::Peer => "peer",
            Whose::Floor => "floor",
        };
        figure(&format!("{whose}/{}", case.name), cases, rounds, [i, index(cases, &floor)], None)
    });
    compared.chain(placed).collect()
}

fn index(cases: &[Case], name: &str) -> usize {
    cases.iter().position(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// Computes one figure; `None` if no round counts.
fn figure(id: &str, cases: &[Case], rounds: &Rounds, pair: [usize; 2], target: Option<f64>) -> Option<Figure> {
    let [case, reference] = pair;
    let ratios = rounds.ratios(case, reference, None);
    let ratio = rounded(ratios.median()?);
    let at = |distance| rounds.ratios(case, reference, Some(distance));
    let [near, far] = [at(Distance::Near), at(Distance::Far)];
    let distances = (cases[case].sample.threads() == 2).then(|| Distances {
        near: near.median().map(rounded),
        near_rounds: near.len(),
        far: far.median().map(rounded),
        far_rounds: far.len(),
    });
    Some(Figure {
        id: id.to_owned(),
        ratio,
        target,
        met: target.map(|target| ratio <= target),
        quartiles: ratios.quartiles()?.map(rounded),
        rounds: ratios.len(),
        ns: rounded(rounds.nanos(case).median()?),
        reference: cases[reference].name.to_owned(),
        reference_ns: rounded(rounds.nanos(reference).median()?),
        distances,
        tails: None,
    })
}

/// Times the single calls of both cases in turn, since the machine changes meanwhile.
fn timed([ours, reference]: [&Case; 2], time: Duration) -> Option<Tails> {
    const TURNS: u32 = 4;
    let [ours, reference] = [ours.latencies.as_ref()?, reference.latencies.as_ref()?];
    let mut seen: Option<[hdrhistogram::Histogram<u64>; 2]> = None;
    for _ in 0..TURNS {
        let turn = [ours(time / TURNS), reference(time / TURNS)];
        match &mut seen {
            None => seen = Some(turn),
            Some(all) => all.iter_mut().zip(turn).for_each(|(all, turn)| all.add(turn).expect("the same bounds")),
        }
    }
    let [ours, reference] = seen?;
    let p999 = |seen: &hdrhistogram::Histogram<u64>| seen.value_at_quantile(0.999);
    Some(Tails { p999: p999(&ours), max: ours.max(), reference_p999: p999(&reference), reference_max: reference.max() })
}

/// Rounds a ratio to its three significant digits.
fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_compares_two_cases_of_the_same_number_of_threads() {
        let cases = crate::cases::all();
        for (id, ours, reference, _) in COMPARISONS {
            let [ours, reference] = [ours, reference].map(|name| cases[index(&cases, name)].sample.threads());
            assert_eq!(ours, reference, "{id}");
        }
    }

    #[test]
    fn names_are_taken_once() {
        let cases = crate::cases::all();
        for (i, case) in cases.iter().enumerate() {
            assert!(cases[..i].iter().all(|other| other.name != case.name), "{}", case.name);
        }
        for (i, comparison) in COMPARISONS.iter().enumerate() {
            assert!(COMPARISONS[..i].iter().all(|other| other.0 != comparison.0), "{}", comparison.0);
        }
    }
}
