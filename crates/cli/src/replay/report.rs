//! Owns the printed report. Never decides a request.

use std::fmt::Write;

use tollgate::Rate;

use crate::draw::span::span;
use crate::draw::table::Table;
use crate::figures;
use crate::replay::field::printable;
use crate::replay::log::Log;
use crate::replay::stamp;
use crate::replay::verdicts::{Limits, Verdict, Verdicts};

/// How a log was replayed.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) log: &'a Log,
    pub(crate) limits: &'a Limits,
    pub(crate) max_keys: usize,
    pub(crate) verdicts: &'a Verdicts,
    pub(crate) pace: Rate,
}

/// Clients from which on the memory of each is worth a figure.
const MANY: usize = 10_000;

/// The longest name in the table.
const NAME: usize = 40;

impl Report<'_> {
    /// Writes what was read, and what came of it.
    pub(crate) fn summary(&self) -> String {
        let Self { log, verdicts, .. } = self;
        let count = |is: &dyn Fn(Verdict) -> bool| verdicts.each.iter().filter(|verdict| is(**verdict)).count();
        let requests = log.requests.len();
        let mut text = String::new();
        let mut line = |name: &str, value: String| writeln!(text, "{name:<10} {value}").expect("a string takes it");

        let times = match log.first {
            Some(first) => format!("from {} on", stamp::written(first)),
            None => format!("no times that are known, so at {}: see --time", self.pace),
        };
        let all = counted(requests as u64, "request");
        line("log", format!("{all} in {}, {times}; {}", span(log.span().into()), log.format));
        if log.late > 0 {
            let (late, latest) = (counted(log.late, "line"), span(log.latest.into()));
            line("order", format!("{late} came after later ones, by at most {latest}; all were sorted by time"));
        }
        if log.malformed > 0 {
            line("skipped", format!("{}, the first:", counted(log.malformed, "line")));
            for shown in &log.shown {
                line("", format!("line {}: {}: {}", shown.number, shown.lack, short(&printable(&shown.line), 50)));
            }
        }
        for (i, limit) in self.limits.all().iter().enumerate() {
            let what = if i < self.limits.requests.len() { "requests" } else { "bytes" };
            line(if i == 0 { "limits" } else { "" }, format!("{} {limit}, {what} of each client", mark(i)));
        }
        let granted = count(&|verdict| verdict == Verdict::Granted);
        line("granted", format!("{} ({})", figures::count(granted as u64), share(granted, requests)));
        let refused = requests - granted;
        line("refused", format!("{} ({})", figures::count(refused as u64), share(refused, requests)));
        for i in 0..self.limits.all().len() {
            let by = count(&|verdict| verdict == Verdict::Refused(i as u8));
            let never = count(&|verdict| verdict == Verdict::Never(i as u8));
            if by > 0 {
                line("", format!("{} by {}", figures::count(by as u64), mark(i)));
            }
            if never > 0 {
                line("", format!("{} that are larger than the capacity of {}", figures::count(never as u64), mark(i)));
            }
        }
        let no_room = count(&|verdict| verdict == Verdict::NoRoom);
        if no_room > 0 {
            let most = figures::count(self.max_keys as u64);
            line(
                "",
                format!("{} as the table was full of {most} clients: see --max-keys", figures::count(no_room as u64)),
            );
        }
        let tallies = self.tallies();
        let clients = tallies.iter().filter(|tally| tally[0] > 0).count();
        let limited = tallies.iter().filter(|tally| tally[1] > 0).count();
        line(
            "clients",
            format!(
                "{}, of which {} were refused; at most {} had a bucket at a time, and {} at the end",
                figures::count(clients as u64),
                figures::count(limited as u64),
                figures::count(verdicts.most as u64),
                figures::count(verdicts.len as u64)
            ),
        );
        let rate = requests as f64 / verdicts.took.as_secs_f64().max(1e-9);
        line("replay", format!("{} decisions a second on one thread; {}", figures::number(rate), self.memory()));
        text
    }

    fn memory(&self) -> String {
        let Some([before, after]) = self.verdicts.memory else { return "memory is not known on this system".into() };
        let grown = after.saturating_sub(before) as f64;
        let most = self.verdicts.most;
        // An empty table has a size, too, which says nothing of a client.
        let each =
            if most < MANY { String::new() } else { format!(", {:.0} bytes for each client", grown / most as f64) };
        format!("the buckets took {}{each}", figures::bytes(grown))
    }

    /// Returns the requests of each client, and those that were refused.
    fn tallies(&self) -> Vec<[u64; 2]> {
        let mut tallies = vec![[0, 0]; self.log.clients.len()];
        for (request, verdict) in self.log.requests.iter().zip(&self.verdicts.each) {
            let tally = &mut tallies[request.client as usize];
            tally[0] += 1;
            tally[1] += u64::from(*verdict != Verdict::Granted);
        }
        tallies
    }

    /// Lists the clients that were refused most often.
    pub(crate) fn table(&self, top: usize, width: usize) -> String {
        let mut refused: Vec<_> =
            self.tallies().into_iter().zip(&self.log.clients).filter(|(tally, _)| tally[1] > 0).collect();
        if refused.is_empty() {
            return "no client would have been refused\n".into();
        }
        refused.sort_unstable_by(|(a, one), (b, other)| b[1].cmp(&a[1]).then_with(|| one.cmp(other)));
        let head = ["client", "requests", "refused", "share"].map(String::from).to_vec();
        let row = |([requests, refused], client): &([u64; 2], &_)| {
            let name = short(&format!("{client}"), NAME);
            vec![
                name,
                figures::count(*requests),
                figures::count(*refused),
                share(*refused as usize, *requests as usize),
            ]
        };
        let table = Table { head, rows: refused.iter().take(top).map(row).collect() };
        let all = counted(refused.len() as u64, "client");
        format!("{all} would have been refused; the most often refused first:\n\n{}", table.write(width))
    }
}

/// Writes a count and its noun.
fn counted(count: u64, noun: &str) -> String {
    format!("{} {noun}{}", figures::count(count), if count == 1 { "" } else { "s" })
}

/// The letter of a limit.
fn mark(number: usize) -> char {
    crate::plan::facts::marks().nth(number).unwrap_or('Z')
}

/// Cuts a text after so many characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.into();
    }
    text.chars().take(most - 3).chain("...".chars()).collect()
}

fn share(part: usize, whole: usize) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::log::tests::{read, reading};

    fn report(name: &str, text: &str, limits: &Limits, max_keys: usize, top: usize) -> [String; 2] {
        let log = read(name, text, &reading("1")).unwrap();
        let verdicts = limits.decide(&log, max_keys).unwrap();
        let pace = "100/s".parse().unwrap();
        let report = Report { log: &log, limits, max_keys, verdicts: &verdicts, pace };
        [report.summary(), report.table(top, 80)]
    }

    fn requests(texts: &[&str]) -> Limits {
        Limits { requests: texts.iter().map(|text| text.parse().unwrap()).collect(), bytes: None }
    }

    #[test]
    fn those_who_were_refused_are_named_with_all_their_requests() {
        let text = "a\n".repeat(4) + "b\n" + &"c\n".repeat(6);
        let [summary, table] = report("named", &text, &requests(&["1/h capacity 3"]), 10, 10);
        let rows: Vec<Vec<&str>> = table.lines().skip(3).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows, [vec!["c", "6", "3", "50.0", "%"], vec!["a", "4", "1", "25.0", "%"]], "{table}");
        for part in [
            "log        11 requests in 100 ms, no times that are known, so at 100/s: see --time; lines of columns\n",
            "limits     A 1/h capacity 3, requests of each client\n",
            "granted    7 (63.6 %)\n",
            "refused    4 (36.4 %)\n           4 by A\n",
            "clients    3, of which 2 were refused; at most 3 had a bucket at a time, and 3 at the end\n",
        ] {
            assert!(summary.contains(part), "{part:?} in {summary}");
        }
        assert!(!summary.contains("skipped") && !summary.contains("order"), "{summary}");
        let [_, one] = report("top", &text, &requests(&["1/h capacity 3"]), 10, 1);
        assert!(one.contains("\nc ") && !one.contains("\na "), "{one}");
    }

    #[test]
    fn each_limit_has_its_own_refusals() {
        let text = "a\n".repeat(9);
        let [summary, _] = report("each", &text, &requests(&["1/h capacity 7", "1/h capacity 5"]), 10, 10);
        assert!(summary.contains("refused    4 (44.4 %)\n           4 by B\n"), "{summary}");
        assert!(summary.contains("\n           B 1/h capacity 5, requests of each client\n"), "{summary}");
    }

    #[test]
    fn a_full_table_malformed_lines_and_order_are_stated() {
        let text = "{\"k\": \"a\", \"ts\": 9}\n{\"k\": \"b\", \"ts\": 5}\nx\n";
        let log = read("stated", text, &reading("k")).unwrap();
        let limits = requests(&["1/h"]);
        let verdicts = limits.decide(&log, 1).unwrap();
        let report =
            Report { log: &log, limits: &limits, max_keys: 1, verdicts: &verdicts, pace: "1/s".parse().unwrap() };
        let summary = report.summary();
        for part in [
            "log        2 requests in 4 s, from 1970-01-01T00:00:05Z on; lines of JSON\n",
            "order      1 line came after later ones, by at most 4 s; all were sorted by time\n",
            "skipped    1 line, the first:\n           line 3: it is no JSON: x\n",
            "           1 as the table was full of 1 clients: see --max-keys\n",
        ] {
            assert!(summary.contains(part), "{part:?} in {summary}");
        }
    }

    #[test]
    fn nobody_refused_is_said() {
        let [_, table] = report("nobody", "a\nb\n", &requests(&["5/s"]), 10, 10);
        assert_eq!(table, "no client would have been refused\n");
    }

    #[test]
    fn a_name_is_short() {
        assert_eq!(short(&"x".repeat(100), 40), format!("{}...", "x".repeat(37)));
        assert_eq!(short("x", 40), "x");
    }
}
