//! Owns how figures are written: as a table, and as JSON. Never measures.

use serde_json::json;

use crate::bench::kind::KINDS;
use crate::bench::machine::Machine;
use crate::bench::rounds::{Figure, Plan};
use crate::draw::table::Table;
use crate::figures;

/// What was measured.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) machine: &'a Machine,
    pub(crate) plan: Plan,
    pub(crate) threads: &'a [usize],
    pub(crate) figures: &'a [Figure],
}

impl Report<'_> {
    /// Writes a table of the granted calls and one of the refused.
    pub(crate) fn text(&self, width: usize) -> String {
        let Machine { cpu, cores, rustc, load } = self.machine;
        let load = load.as_deref().unwrap_or("unknown");
        let mut text = format!("{cpu}, {cores} cores; {rustc}; load {load}\n");
        if let Some(warning) = self.machine.warning() {
            text.push_str(&format!("Beware: {warning}.\n"));
        }
        for (granted, what) in [(true, "granted"), (false, "refused")] {
            let head = |threads: &usize| format!("{threads} thread{}", if *threads == 1 { "" } else { "s" });
            let head = [what.into(), "streams".into()].into_iter().chain(self.threads.iter().map(head)).collect();
            let row = |(number, kind): (usize, &crate::bench::kind::Kind)| {
                let cell = |threads: &usize| {
                    let is = |figure: &&Figure| {
                        let case = figure.case;
                        case.kind == number && case.granted == granted && case.threads == *threads
                    };
                    self.figures.iter().find(is).map_or_else(String::new, cell)
                };
                let cells = self.threads.iter().map(cell);
                [kind.name.to_string(), kind.streams.to_string()].into_iter().chain(cells).collect()
            };
            let is_measured = |number: usize| self.figures.iter().any(|figure| figure.case.kind == number);
            let rows = KINDS.iter().enumerate().filter(|(number, _)| is_measured(*number)).map(row).collect();
            text.push('\n');
            text.push_str(&Table { head, rows }.write(width));
        }
        let window = figures::time(self.plan.window);
        text.push_str(&format!(
            "\nNanoseconds for a decision, the clock included, all threads together: half as many are twice the\n\
             decisions. The median of {} rounds of {window}, and the least and the most of them.\n",
            self.plan.rounds
        ));
        text
    }

    /// Writes one JSON object.
    pub(crate) fn json(&self) -> String {
        let figure = |figure: &Figure| {
            let case = figure.case;
            json!({
                "kind": KINDS[case.kind].name,
                "streams": KINDS[case.kind].streams,
                "granted": case.granted,
                "threads": case.threads,
                "nanoseconds": figure.median,
                "least": figure.least,
                "most": figure.most,
            })
        };
        let Machine { cpu, cores, rustc, load } = self.machine;
        let text = json!({
            "cpu": cpu,
            "cores": cores,
            "rustc": rustc,
            "load": load.as_ref().and_then(|load| load.parse::<f64>().ok()),
            "optimized": !cfg!(debug_assertions),
            "rounds": self.plan.rounds,
            "window_seconds": self.plan.window.as_secs_f64(),
            "figures": self.figures.iter().map(figure).collect::<Vec<_>>(),
        });
        format!("{text:#}\n")
    }
}

fn cell(figure: &Figure) -> String {
    format!("{} ({}-{})", nanos(figure.median), nanos(figure.least), nanos(figure.most))
}

fn nanos(nanos: f64) -> String {
    if nanos < 100.0 { format!("{nanos:.1}") } else { format!("{nanos:.0}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rounds::Case;
    use std::time::Duration;

    fn machine() -> Machine {
        Machine { cpu: "Fast".into(), cores: 2, rustc: "rustc 1.0", load: Some("0.25".into()) }
    }

    fn all() -> Vec<Figure> {
        let mut figures = Vec::new();
        for kind in 0..KINDS.len() {
            for granted in [true, false] {
                for threads in [1, 2] {
                    let median = (1000 * kind + 10 * threads + usize::from(granted)) as f64 + 0.25;
                    let case = Case { kind, granted, threads };
                    figures.push(Figure { case, median, least: median - 1.0, most: median + 100.0 });
                }
            }
        }
        figures
    }

    #[test]
    fn every_figure_stands_in_its_row_and_column() {
        let (machine, figures) = (machine(), all());
        let plan = Plan { rounds: 5, window: Duration::from_millis(40) };
        let report = Report { machine: &machine, plan, threads: &[1, 2], figures: &figures };
        let text = report.text(200);
        assert!(text.starts_with("Fast, 2 cores; rustc 1.0; load 0.25\n"), "{text}");
        assert!(text.contains("The median of 5 rounds of 40 ms"), "{text}");
        let (granted, refused) = text.split_once("\nrefused").unwrap();
        for (number, kind) in KINDS.iter().enumerate() {
            for (part, is) in [(granted, true), (refused, false)] {
                let row = part.lines().find(|line| line.starts_with(kind.name)).unwrap();
                let cells: Vec<_> = figures.iter().filter(|f| f.case.kind == number && f.case.granted == is).collect();
                let [one, two] = [cell(cells[0]), cell(cells[1])];
                assert!(row.contains(&one) && row.ends_with(&two), "{row}: {one}, {two}");
            }
        }
    }

    #[test]
    fn json_has_every_figure_and_the_machine() {
        let (machine, figures) = (machine(), all());
        let plan = Plan { rounds: 5, window: Duration::from_millis(40) };
        let report = Report { machine: &machine, plan, threads: &[1, 2], figures: &figures };
        let value: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!((&value["cpu"], &value["load"], &value["cores"]), (&json!("Fast"), &json!(0.25), &json!(2)));
        let found = value["figures"].as_array().unwrap();
        assert_eq!(found.len(), figures.len());
        assert_eq!(found[1]["kind"], "TokenBucket");
        assert_eq!((&found[1]["threads"], &found[1]["nanoseconds"]), (&json!(2), &json!(21.25)));
    }
}
