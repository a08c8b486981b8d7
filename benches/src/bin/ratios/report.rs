//! Owns the printed report: the machine, the probe, the table, and the lines for other programs. It
//! never computes a figure.

use benches::probe::Distance;
use benches::record::{Figure, Machine};

use crate::rounds::Rounds;
use crate::spread::Spread;

pub(crate) fn print_machine(machine: &Machine) {
    let Machine { cpu, cores, rustc, commit, date, load, .. } = machine;
    println!("cpu     {cpu}\ncores   {cores}\nrustc   {rustc}\ncommit  {commit}\ndate    {date}\nload    {load}");
}

pub(crate) fn print_distances(rounds: &Rounds) {
    let rounds_at = |distance| rounds.distances.iter().filter(|at| **at == distance).count();
    let trips =
        |distance| -> Spread { rounds.probes.iter().copied().filter(|trip| Distance::of(*trip) == distance).collect() };
    println!("\n{} rounds; a line to the other core and back:", rounds.distances.len());
    for (name, distance) in [("near", Distance::Near), ("far", Distance::Far)] {
        let trips = trips(distance);
        if let (Some(median), Some([lower, upper])) = (trips.median(), trips.quartiles()) {
            let rounds = rounds_at(Some(distance));
            println!("  {name:4} {median:6.0} ns ({lower:.0} to {upper:.0}) in {rounds} rounds");
        }
    }
    println!("  in {} rounds it changed: two threads were not counted in them", rounds_at(None));
}

pub(crate) fn print_table(figures: &[Figure]) {
    let width = figures.iter().map(|figure| figure.id.len()).max().unwrap_or(0);
    println!(
        "\n{:width$}  {:>9}  {:>9}  {:>7}  {:>15}  {:>6}  met  reference",
        "id", "ns", "ref ns", "ratio", "quartiles", "target"
    );
    for figure in figures {
        let Figure { id, ratio, target, met, quartiles: [lower, upper], ns, reference, reference_ns, .. } = figure;
        let target = target.map_or_else(String::new, |target| format!("{target:.2}"));
        let met = met.map_or("", |met| if met { "yes" } else { "NO" });
        let quartiles = format!("{lower:.3}..{upper:.3}");
        println!(
            "{id:width$}  {ns:9.2}  {reference_ns:9.2}  {ratio:7.3}  {quartiles:>15}  {target:>6}  {met:3}  {reference}"
        );
    }
    println!();
    for Figure { id, distances, target, .. } in figures {
        if let (Some(distances), Some(_)) = (distances, target) {
            let shown = |ratio: Option<f64>| ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}"));
            let [near, far] = [distances.near, distances.far].map(shown);
            println!(
                "{id}: near {near} ({} rounds), far {far} ({} rounds)",
                distances.near_rounds, distances.far_rounds
            );
        }
    }
    for Figure { id, tails, .. } in figures {
        if let Some(tails) = tails {
            println!(
                "{id}: of single calls the 99.9th percentile is {} ns, the longest {} ns; of the reference {} and {} ns",
                tails.p999, tails.max, tails.reference_p999, tails.reference_max
            );
        }
    }
}

/// Returns one line of JSON for the machine, and one for each figure.
pub(crate) fn lines(machine: &Machine, figures: &[Figure]) -> String {
    let figures = figures.iter().map(|figure| serde_json::to_string(figure).expect("only numbers and words"));
    let machine = serde_json::to_string(machine).expect("only numbers and words");
    std::iter::once(machine).chain(figures).map(|line| line + "\n").collect()
}
