//! Owns the printed report. It never decides a request.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::net::Ipv6Addr;

use crate::arguments::Arguments;
use crate::log::{Client, Log};
use crate::replay::{Replay, Verdict};

/// The requests of a refused client.
struct Tally<'a> {
    field: &'a str,
    requests: u64,
    refused: u64,
}

pub(crate) fn report(arguments: &Arguments, log: &Log<'_>, replay: &Replay) -> String {
    let requests = log.requests.len();
    let count = |verdict| replay.verdicts.iter().filter(|given| **given == verdict).count();
    let (refused, no_room) = (count(Verdict::Refused), count(Verdict::NoRoom));
    let span = log.requests.last().map_or(0.0, |last| last.at.as_nanos() as f64 / 1e9);
    let times = if log.timed { "by the log's times".into() } else { format!("no times, so at {}", arguments.pace) };
    let decided = requests as f64 / replay.took.as_secs_f64();
    // The buckets are gone by now. These are all clients that had one.
    let served = log.requests.iter().zip(&replay.verdicts).filter(|(_, verdict)| **verdict != Verdict::NoRoom);
    let clients: HashSet<_> = served.map(|(request, _)| request.client).collect();

    let mut text = String::new();
    let mut line = |name: &str, value: String| writeln!(text, "{name:<14} {value}").expect("a string takes it");
    line("log", format!("{requests} requests in {span:.0} s, {times}; {} lines without the field", log.skipped));
    line("limit", format!("{} for each client; at most {} clients at any time", arguments.limit, arguments.max_keys));
    line(
        "refused",
        format!("{refused} by their limit ({}), {no_room} because the table was full", share(refused, requests)),
    );
    line(
        "clients",
        format!(
            "{}; {} have a bucket at the end, at most {} at any time; evicted when full again: {}",
            clients.len(),
            replay.len,
            replay.most,
            clients.len() - replay.len
        ),
    );
    line("memory", memory(replay));
    line("decisions", format!("{:.1} million a second, one thread", decided / 1e6));
    text.push_str(&table(log, replay, arguments.top));
    text
}

fn memory(replay: &Replay) -> String {
    let Some([before, after]) = replay.memory else { return "not known on this system".into() };
    let grown = after.saturating_sub(before);
    format!(
        "{} KiB resident before, {} KiB after: {} KiB, {:.0} bytes for each client at the maximum",
        before / 1024,
        after / 1024,
        grown / 1024,
        grown as f64 / replay.most.max(1) as f64
    )
}

/// Lists the clients that were refused most often.
fn table(log: &Log<'_>, replay: &Replay, top: usize) -> String {
    let mut tallies: HashMap<Client<'_>, Tally<'_>> = HashMap::new();
    for (request, _) in log.requests.iter().zip(&replay.verdicts).filter(|(_, verdict)| **verdict == Verdict::Refused) {
        let tally = tallies.entry(request.client).or_insert(Tally { field: request.field, requests: 0, refused: 0 });
        tally.refused += 1;
    }
    for request in &log.requests {
        if let Some(tally) = tallies.get_mut(&request.client) {
            tally.requests += 1;
        }
    }
    let all = tallies.len();
    let mut tallies: Vec<_> = tallies.into_iter().collect();
    tallies.sort_unstable_by(|(_, a), (_, b)| b.refused.cmp(&a.refused).then(a.field.cmp(b.field)));
    if tallies.is_empty() {
        return "no client would have been refused\n".into();
    }
    let mut text = format!("{all} clients would have been refused; the most often refused first:\n");
    text += &format!("{:<40}{:>12}{:>12}{:>10}\n", "client", "requests", "refused", "share");
    for (client, tally) in tallies.into_iter().take(top) {
        let share = share(tally.refused as usize, tally.requests as usize);
        text += &format!("{:<40}{:>12}{:>12}{share:>10}\n", name(client, tally.field), tally.requests, tally.refused);
    }
    text
}

/// Returns the client's name in the log, in printable characters.
///
/// An IPv6 address counts by its prefix.
fn name(client: Client<'_>, field: &str) -> String {
    let whole = match (client, field.parse::<Ipv6Addr>()) {
        (Client::Address(_), Ok(address)) if address.to_ipv4_mapped().is_none() => {
            format!("{}/64", Ipv6Addr::from_bits(address.to_bits() >> 64 << 64))
        }
        _ => field.escape_debug().to_string(),
    };
    if whole.chars().count() <= 39 { whole } else { whole.chars().take(36).chain("...".chars()).collect() }
}

fn share(part: usize, whole: usize) -> String {
    format!("{:.1} %", part as f64 * 100.0 / whole.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Arguments;
    use lexopt::Parser;

    #[test]
    fn those_who_were_refused_are_named_with_all_their_requests() {
        let text = "a\n".repeat(4) + "b\n" + &"c\n".repeat(6);
        let words = ["-", "--limit", "1/h capacity 3", "--pace", "1000/s"];
        let arguments = Arguments::parse(Parser::from_args(words)).unwrap().unwrap();
        let log = Log::parse(&text, &arguments).unwrap();
        let replay = Replay::of(&log, arguments.limit, arguments.max_keys).unwrap();
        let report = report(&arguments, &log, &replay);
        let rows: Vec<Vec<&str>> = report
            .lines()
            .skip_while(|line| !line.starts_with("client "))
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(rows[1..], [vec!["c", "6", "3", "50.0", "%"], vec!["a", "4", "1", "25.0", "%"]], "{report}");
        assert!(report.contains("4 by their limit (36.4 %), 0 because the table was full"), "{report}");
        assert!(
            report.contains("3; 3 have a bucket at the end, at most 3 at any time; evicted when full again: 0"),
            "{report}"
        );
    }

    #[test]
    fn a_name_is_one_short_line() {
        assert_eq!(name(Client::of("\u{1b}[2J", false), "\u{1b}[2J"), "\\u{1b}[2J");
        assert_eq!(name(Client::of("2001:db8::7:1", true), "2001:db8::7:1"), "2001:db8::/64");
        assert_eq!(name(Client::of("::ffff:192.0.2.1", true), "::ffff:192.0.2.1"), "::ffff:192.0.2.1");
        let long = "x".repeat(100);
        assert_eq!(name(Client::of(&long, true), &long).len(), 39);
    }
}
