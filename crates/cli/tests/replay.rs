//! What `tollgate replay` says of logs, in every form that it reads.

mod common;

use std::fs;
use std::io::Write;
use std::path::Path;

use common::{assert_done, assert_failed, run, shell, text};
use flate2::Compression;
use flate2::write::GzEncoder;

/// Sixty seconds: each second a request of `steady`, and at the tenth second fifty of `flood`.
fn requests() -> Vec<(u64, &'static str, u64)> {
    let mut requests: Vec<_> = (0..60).map(|second| (second, "192.0.2.1", 100)).collect();
    requests.extend((0..50).map(|_| (10, "203.0.113.9", 1000)));
    requests.sort_by_key(|request| request.0);
    requests
}

fn combined() -> String {
    let line = |(second, client, size): (u64, &str, u64)| {
        format!(
            "{client} - - [10/Oct/2000:13:55:{second:02} -0700] \"GET / HTTP/1.0\" 200 {size} \"-\" \"a {client}\"\n"
        )
    };
    requests().into_iter().map(line).collect()
}

fn json() -> String {
    let line = |(second, client, size): (u64, &str, u64)| {
        format!(
            "{{\"ts\": {}, \"request\": {{\"remote_ip\": \"{client}\"}}, \"size\": {size}}}\n",
            971_211_300 + second
        )
    };
    requests().into_iter().map(line).collect()
}

fn columns() -> String {
    let line = |(second, client, size): (u64, &str, u64)| format!("2000-10-10 20:55:{second:02} {size} {client}\n");
    requests().into_iter().map(line).collect()
}

fn replay(file: &Path, args: &[&str]) -> String {
    let output = run(&[&["replay", file.to_str().unwrap()], args].concat(), b"");
    assert_done(&output);
    text(&output.stdout)
}

/// What stands behind a name in the summary, and in the lines that belong to it.
fn said(report: &str, name: &str) -> Vec<String> {
    let mut lines = report.lines().skip_while(|line| !line.starts_with(&format!("{name} ")));
    let first = lines.next().unwrap_or_else(|| panic!("no {name} in {report}"));
    let more = lines.take_while(|line| line.starts_with("           "));
    std::iter::once(first).chain(more).map(|line| line[11..].to_owned()).collect()
}

/// The rows of the table: client, requests, refused.
fn rows(report: &str) -> Vec<(String, u64, u64)> {
    let table = report.lines().skip_while(|line| !line.starts_with("client ")).skip(1);
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[0].to_owned(), words[1].parse().unwrap(), words[2].parse().unwrap())
    };
    table.map(row).collect()
}

#[test]
fn every_form_of_one_log_has_the_same_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(combined().as_bytes()).unwrap();
    let forms: [(Vec<u8>, &[&str]); 5] = [
        (combined().into(), &[]),
        (combined().into(), &["--key", "1", "--format", "combined"]),
        (compressed.finish().unwrap(), &["--key", "ip"]),
        (json().into(), &["--key", "request.remote_ip"]),
        (columns().into(), &["--key", "4", "--size", "3"]),
    ];
    for (log, args) in forms {
        fs::write(&file, log).unwrap();
        // The flood has 20 tokens, and one in a second; 4000 bytes are four of its requests.
        let sized = args.contains(&"--size");
        if !sized {
            let report = replay(&file, &[&["--limit", "1/s capacity 20"], args].concat());
            assert_eq!(rows(&report), [("203.0.113.9".to_owned(), 50, 30)], "{args:?}: {report}");
            assert_eq!(said(&report, "refused"), ["30 (27.3 %)", "30 by A"], "{args:?}");
            assert_eq!(said(&report, "granted"), ["80 (72.7 %)"], "{args:?}");
            assert!(said(&report, "log")[0].starts_with("110 requests in 59 s, from 2000-10-10T20:5"), "{report}");
        }
        let limits = ["--limit", "1/s capacity 20", "--bytes", "100B/s capacity 4kB"];
        let report = replay(&file, &[&limits[..], args].concat());
        assert_eq!(said(&report, "refused"), ["46 (41.8 %)", "46 by B"], "{args:?}: {report}");
        assert_eq!(rows(&report), [("203.0.113.9".to_owned(), 50, 46)], "{args:?}");
    }
}

#[test]
fn the_standard_input_is_read_and_a_pipe_may_be_closed() {
    let output = run(&["replay", "--limit", "1/s capacity 20", "-"], combined().as_bytes());
    assert_done(&output);
    assert!(text(&output.stdout).contains("\n203.0.113.9 "));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("log"), combined()).unwrap();
    let output = shell("{ tollgate replay --limit 1/s log; echo $? >&2; } | true", folder.path());
    assert_eq!(text(&output.stderr), "0\n");
}

#[test]
fn the_drawing_shows_when_requests_were_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (file, svg) = (folder.path().join("log"), folder.path().join("replay.svg"));
    fs::write(&file, combined()).unwrap();
    let args = ["--limit", "1/s capacity 20", "--ascii", "--svg", svg.to_str().unwrap()];
    let report = replay(&file, &args);
    assert!(report.is_ascii() && report.contains("requests in each 1 s, from the first on"), "{report}");
    let rows: Vec<&str> = report.lines().skip_while(|line| !line.starts_with("requests in")).skip(1).take(10).collect();
    let columns = |glyph| -> Vec<usize> {
        let mut found: Vec<usize> =
            rows.iter().flat_map(|row| row.match_indices(glyph).map(|(at, _)| at - 4)).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    // A second is 76/60 columns; that of the flood is the eleventh.
    let refused = columns("x");
    assert!(!refused.is_empty() && refused.iter().all(|at| at * 60 / 76 == 10), "{refused:?} in {report}");
    assert_eq!(columns("#").len(), 76, "{report}");
    assert!(rows[0].starts_with("60 +") || rows[0].starts_with("80 +"), "{report}");
    let svg = fs::read_to_string(&svg).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    // One bar of refusals, and its sample beside the name.
    assert_eq!(svg.matches("fill=\"#C0392B\"").count(), 2, "{svg}");
    assert_eq!(svg.matches("fill=\"#1F6FB4\"").count(), 61, "{svg}");
}

#[test]
fn malformed_lines_and_disorder_are_stated_and_the_rest_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let mut lines: Vec<String> = combined().lines().map(str::to_owned).collect();
    lines.swap(0, 5);
    lines.insert(3, "nothing".into());
    lines.push("192.0.2.7 - - [no time] \u{1b}[2J".into());
    fs::write(&file, lines.join("\n")).unwrap();
    let report = replay(&file, &["--limit", "1/s capacity 20"]);
    assert_eq!(said(&report, "order"), ["5 lines came after later ones, by at most 5 s; all were sorted by time"]);
    let skipped = [
        "2 lines, the first:",
        "line 4: no field is an address: nothing",
        "line 112: no time: 192.0.2.7 - - [no time] \\u{1b}[2J",
    ];
    assert_eq!(said(&report, "skipped"), skipped);
    assert_eq!(said(&report, "refused"), ["30 (27.3 %)", "30 by A"]);
}

#[test]
fn arguments_that_are_wrong_are_named_with_their_rule() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    fs::write(&file, json()).unwrap();
    let log = file.to_str().unwrap();
    for (args, words) in [
        (&["--limit", "1/s"][..], &["<LOG>"][..]),
        (&[log], &["--limit <LIMIT>"]),
        (&[log, "--limit", "fast"], &["fast", "--limit <LIMIT>"]),
        (&[log, "--limit", "1/s capacity 0"], &["--limit <LIMIT>", "a capacity is at least 1 token"]),
        (&[log, "--limit", "1/s", "--key", "0"], &["--key <FIELD>", "columns count from 1"]),
        (&[log, "--limit", "1/s", "--key", "3"], &["--key \"3\"", "lines of JSON have keys"]),
        (&[log, "--limit", "1/s", "--format", "combined", "--key", "host"], &["--key \"host\"", "user-agent"]),
        (&[log, "--limit", "1/s", "--format", "xml"], &["xml", "--format <FORMAT>", "combined, json, columns"]),
        (&[log, "--limit", "1/s", "--size", "x"], &["--bytes <LIMIT>"]),
        (&[log, "--limit", "1/s", "--max-keys", "0"], &["--max-keys <N>", "1.."]),
        (&[log, "--limit", "1/s", "--pace", "0/s"], &["--pace <RATE>", "a pace is above 0"]),
        (&[log, "--limit", "1/s", "--top", "-1"], &["-1"]),
    ] {
        let output = run(&[&["replay"], args].concat(), b"");
        assert_failed(&output, 2, words);
        assert_eq!(text(&output.stdout), "", "{args:?}");
    }
    let nine = [["--limit", "1/s"]; 9].concat();
    assert_failed(&run(&[&["replay", log], &nine[..]].concat(), b""), 2, &["--limit \"1/s capacity 1\"", "at most 8"]);
}

#[test]
fn what_cannot_be_read_or_written_is_status_1() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    fs::write(&file, "a b\n").unwrap();
    let log = file.to_str().unwrap();
    for (args, words) in [
        (&["no/such/log"][..], &["cannot read the log \"no/such/log\""][..]),
        (&[log], &["no line can be replayed with --key ip; the first: no field is an address"]),
        (&[log, "--key", "1", "--svg", "no/such/a.svg"], &["cannot write --svg \"no/such/a.svg\""]),
    ] {
        assert_failed(&run(&[&["replay", "--limit", "1/s"], args].concat(), b""), 1, words);
    }
    // The end of a compressed log is missing.
    let mut compressed = GzEncoder::new(Vec::new(), Compression::default());
    compressed.write_all(combined().as_bytes()).unwrap();
    let mut bytes = compressed.finish().unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&file, bytes).unwrap();
    assert_failed(&run(&["replay", "--limit", "1/s", log], b""), 1, &["cannot read the log ", "log\": "]);
}

/// Squid and syslog begin with a number and a name of a month, and many programs with a bracket.
#[test]
fn a_time_that_is_asked_for_is_found_or_missed_but_never_made_up() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let limit = ["--limit", "1/s"];
    for (log, args) in [
        ("[2000-10-10T20:55:00Z] 192.0.2.1\n[2000-10-10T20:56:00Z] 192.0.2.1\n", &[][..]),
        ("[2000-10-10 20:55:00] 192.0.2.1\n[2000-10-10 20:56:00] 192.0.2.1\n", &[]),
        ("971211300.000 5 192.0.2.1\n971211360.000 5 192.0.2.1\n", &["--time", "1"]),
        ("x 10/Oct/2000:13:55:00 -0700 192.0.2.1\nx 10/Oct/2000:13:56:00 -0700 192.0.2.1\n", &["--time", "2"]),
        ("\u{feff}2000-10-10 20:55:00 192.0.2.1\n2000-10-10 20:56:00 192.0.2.1\n", &[]),
        (&combined().lines().step_by(59).map(|line| format!("{line}\n")).collect::<String>(), &["--time", "4"]),
    ] {
        fs::write(&file, log).unwrap();
        let report = replay(&file, &[&limit[..], args].concat());
        assert!(said(&report, "log")[0].contains(", from 2000-10-10T20:55:00Z on;"), "{log}: {report}");
        assert_eq!(said(&report, "granted"), ["2 (100.0 %)"], "{log}: {report}");
    }
    fs::write(&file, "971211300.000 5 192.0.2.1\n").unwrap();
    let log = file.to_str().unwrap();
    let report = replay(&file, &limit);
    assert!(said(&report, "log")[0].starts_with("1 request in 0 s, no times that are known, so at 100/s: see --time"));
    let output = run(&[&["replay", log, "--time", "3"], &limit[..]].concat(), b"");
    assert_failed(&output, 1, &["no line that can be replayed has a time in --time 3"]);
    fs::write(&file, combined()).unwrap();
    let output = run(&[&["replay", log, "--time", "status"], &limit[..]].concat(), b"");
    assert_failed(&output, 2, &["--time \"status\"", "by its brackets"]);
}

#[test]
fn a_header_field_that_is_an_array_of_one_names_the_client() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    let line = |agents: &str| format!("{{\"ts\": 5, \"request\": {{\"headers\": {{\"User-Agent\": {agents}}}}}}}\n");
    let lines = [r#"["curl"]"#, r#"["curl"]"#, r#"["a", "b"]"#, "[]", r#"[["curl"]]"#];
    fs::write(&file, lines.map(line).concat()).unwrap();
    let report = replay(&file, &["--limit", "1/s", "--key", "request.headers.User-Agent"]);
    assert_eq!(rows(&report), [("curl".to_owned(), 2, 1)], "{report}");
    assert_eq!(said(&report, "skipped")[0], "3 lines, the first:");
}

/// As those of a table of buckets do, whose clients come one after the other.
#[test]
fn buckets_that_begin_empty_fill_from_the_first_request_of_the_log_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    fs::write(&file, "2000-10-10 20:55:00 192.0.2.1\n2000-10-10 20:55:03 192.0.2.2\n2000-10-10 20:55:03 192.0.2.2\n")
        .unwrap();
    let report = replay(&file, &["--limit", "1/2s capacity 5 empty"]);
    assert_eq!(rows(&report), [("192.0.2.1".to_owned(), 1, 1), ("192.0.2.2".to_owned(), 2, 1)], "{report}");
}
