//! Owns the table of counts: how it is written, read and compared, and how a count is made of what
//! callgrind says.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// How much more a case may take before it counts as worse, in percent.
pub(crate) const TOLERANCE: f64 = 3.0;

/// Instructions for a call, by case, and the compiler that generated them.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Table {
    pub(crate) rustc: String,
    pub(crate) target: String,
    pub(crate) counts: BTreeMap<String, f64>,
}

impl Table {
    pub(crate) fn same_compiler(&self, other: &Self) -> bool {
        (&self.rustc, &self.target) == (&other.rustc, &other.target)
    }
}

/// JSON, a line for each case in the order of their names, so that a change reads well.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{{\n  \"rustc\": \"{}\",\n  \"target\": \"{}\",\n  \"counts\": {{", self.rustc, self.target)?;
        let lines: Vec<String> =
            self.counts.iter().map(|(case, count)| format!("    \"{case}\": {count:.2}")).collect();
        writeln!(f, "{}\n  }}\n}}", lines.join(",\n"))
    }
}

/// What `Display` writes; of JSON, no more than that.
impl FromStr for Table {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut table = Self { rustc: String::new(), target: String::new(), counts: BTreeMap::new() };
        for line in text.lines().map(|line| line.trim().trim_end_matches(',')) {
            let Some((name, value)) = line.split_once(": ") else { continue };
            let name = name.trim_matches('"');
            match name {
                "rustc" => table.rustc = value.trim_matches('"').to_owned(),
                "target" => table.target = value.trim_matches('"').to_owned(),
                "counts" => {}
                _ => {
                    let count: f64 = value.parse().map_err(|_| format!("{name}: {value} is not a count"))?;
                    if !(count.is_finite() && count > 0.0) {
                        return Err(format!("{name}: {value} is not a count"));
                    }
                    table.counts.insert(name.to_owned(), count);
                }
            }
        }
        let complete = !(table.rustc.is_empty() || table.target.is_empty() || table.counts.is_empty());
        complete.then_some(table).ok_or_else(|| "not a table of counts".to_owned())
    }
}

/// The instructions of a whole run, from callgrind's file.
pub(crate) fn total(file: &str) -> Option<u64> {
    file.lines().find_map(|line| line.strip_prefix("summary: "))?.split_whitespace().next()?.parse().ok()
}

/// Of one call, from two runs that are `calls` calls apart, to a hundredth.
pub(crate) fn per_call(few: u64, many: u64, calls: u64) -> f64 {
    let hundredths = (many.saturating_sub(few) as f64 / calls as f64 * 100.0).round();
    hundredths / 100.0
}

/// The cases that take more than is tolerated: name, before, now.
pub(crate) fn regressions<'a>(before: &Table, now: &'a Table) -> Vec<(&'a str, f64, f64)> {
    let worse = |(case, count): (&'a String, &f64)| {
        let was = *before.counts.get(case)?;
        (*count > was * (1.0 + TOLERANCE / 100.0)).then_some((case.as_str(), was, *count))
    };
    now.counts.iter().filter_map(worse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: &[(&str, f64)]) -> Table {
        let counts = counts.iter().map(|(case, count)| ((*case).to_owned(), *count)).collect();
        Table { rustc: "1.95.0".to_owned(), target: "x86_64-unknown-linux-gnu".to_owned(), counts }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let table = table(&[("one-granted", 30.0), ("floor", 5.75)]);
        assert_eq!(table.to_string().parse(), Ok(table.clone()));
        let expected = "{\n  \"rustc\": \"1.95.0\",\n  \"target\": \"x86_64-unknown-linux-gnu\",\n  \"counts\": {\n    \
                        \"floor\": 5.75,\n    \"one-granted\": 30.00\n  }\n}\n";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn what_is_no_table_is_refused() {
        for (text, error) in [
            ("", "not a table of counts"),
            ("{\n \"rustc\": \"1\",\n \"target\": \"t\"\n}", "not a table of counts"),
            ("{\n \"floor\": five\n}", "floor: five is not a count"),
            ("{\n \"floor\": 0\n}", "floor: 0 is not a count"),
            ("{\n \"floor\": NaN\n}", "floor: NaN is not a count"),
        ] {
            assert_eq!(text.parse::<Table>(), Err(error.to_owned()));
        }
    }

    #[test]
    fn the_total_is_found_in_what_callgrind_writes() {
        assert_eq!(total("version: 1\nevents: Ir\nsummary: 364613\n\ntotals: 364613\n"), Some(364_613));
        assert_eq!(total("events: Ir Dr\nsummary: 12 7\n"), Some(12));
        assert_eq!(total("events: Ir\n"), None);
    }

    #[test]
    fn a_count_is_the_difference_of_two_runs() {
        assert_eq!(per_call(364_613, 939_657, 100_000), 5.75);
        assert_eq!(per_call(5, 4, 100_000), 0.0);
    }

    #[test]
    fn more_than_three_percent_is_a_regression_and_less_is_not() {
        let before = table(&[("a", 100.0), ("b", 100.0), ("c", 100.0), ("gone", 1.0)]);
        let now = table(&[("a", 103.0), ("b", 103.01), ("c", 50.0), ("new", 1000.0)]);
        assert_eq!(regressions(&before, &now), [("b", 100.0, 103.01)]);
    }

    #[test]
    fn another_compiler_or_target_is_another_baseline() {
        let before = table(&[("a", 1.0)]);
        assert!(before.same_compiler(&table(&[("b", 2.0)])));
        assert!(!before.same_compiler(&Table { rustc: "1.96.0".to_owned(), ..before.clone() }));
        assert!(!before.same_compiler(&Table { target: "aarch64".to_owned(), ..before.clone() }));
    }

    #[test]
    fn the_committed_baseline_can_be_read() {
        let text = std::fs::read_to_string(crate::step::root().join("benches/counts.json")).unwrap();
        let table: Table = text.parse().unwrap();
        assert_eq!(table.to_string(), text);
    }
}
