//! The command `tollgate pace`, as a process.

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{assert_done, assert_failed, expect, output_of, run, text, tollgate};

/// Bytes of all values, with lines of all lengths.
fn bytes(len: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn every_byte_goes_through_a_pipe_and_from_files_into_a_file() {
    let input = bytes(3 << 20);
    let output = run(&["pace", "--bytes", "1G/s", "--lines", "unlimited"], &input);
    assert_done(&output);
    assert!(output.stdout == input, "the copy differs");
    assert_eq!(text(&output.stderr), "", "quiet where the standard error is no terminal");

    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (file(folder.path(), "a", &input[..1000]), file(folder.path(), "b", &input[2000..]));
    let out = file(folder.path(), "out", &[7; 5 << 20]);
    assert_done(&run(&["pace", "-l", "1G/s", &a, "-", &b, "-o", &out], &input[1000..2000]));
    assert!(fs::read(&out).unwrap() == input, "the copy differs, or the old content was not removed");
}

#[test]
fn a_wrong_argument_is_status_2_and_named_with_its_rule() {
    let cases: &[(&[&str], &[&str])] = &[
        (&["pace"], &["--lines <LIMIT>", "--bytes <LIMIT>", "required"]),
        (&["pace", "-l", "5/fortnight"], &["'5/fortnight'", "--lines <LIMIT>", "at \"fortnight\": a period is"]),
        (&["pace", "-b", "8Mb/s"], &["'8Mb/s'", "--bytes <LIMIT>", "bits may be meant here"]),
        (&["pace", "-b", "0/s capacity 5"], &["--bytes <LIMIT>", "a rate of 0 never lets the rest through"]),
        (&["pace", "-l", "5/s capacity 0"], &["--lines <LIMIT>", "a capacity is at least 1 token"]),
        (&["pace", "-l", "1/s", "-d", "ab"], &["'ab'", "--delimiter <BYTE>", "a delimiter is one byte"]),
        (&["pace", "-l", "1/s", "-d", ";", "-0"], &["--delimiter <BYTE>", "cannot be used with", "--null"]),
        (&["pace", "-l", "1/s", "-s", "big"], &["'big'", "--size <SIZE>", "an amount is a decimal number"]),
        (&["pace", "-l", "1/s", "-i", "0s"], &["'0s'", "--interval <TIME>", "a time is longer than 0"]),
        (&["pace", "-l", "1/s", "-i", "9ms"], &["'9ms'", "--interval <TIME>", "an interval is at least 10ms"]),
        (&["pace", "-l", "1/s", "--progress", "maybe"], &["'maybe'", "--progress <WHEN>", "auto, always, never"]),
        (&["pacing"], &["unrecognized subcommand 'pacing'"]),
    ];
    for (args, words) in cases {
        let output = run(args, b"never read\n");
        assert_failed(&output, 2, words);
        assert_eq!(output.stdout, b"", "{args:?} did something");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_status_1_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (good, out) = (file(folder.path(), "good", b"good\n"), file(folder.path(), "out", b"old\n"));
    let missing = folder.path().join("missing");
    let output = run(&["pace", "-l", "1G/s", &good, missing.to_str().unwrap(), "-o", &out], b"");
    assert_failed(&output, 1, &["tollgate: cannot read \"", "missing\": "]);
    assert_eq!(fs::read(&out).unwrap(), b"old\n");

    let output = run(&["pace", "-l", "1G/s", folder.path().to_str().unwrap()], b"");
    assert_failed(&output, 1, &["tollgate: cannot read \"", "is a directory"]);
    let output = run(&["pace", "-l", "1G/s", "-o", folder.path().to_str().unwrap()], b"");
    assert_failed(&output, 1, &["tollgate: cannot write to \""]);
}

#[test]
fn an_output_that_is_an_input_is_refused_and_not_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let same = file(folder.path(), "same", b"content\n");
    let rule = "the output must not be an input";
    assert_failed(&run(&["pace", "-l", "1G/s", &same, "-o", &same], b""), 2, &["\"", "same\": ", rule]);
    // A copy of itself would fill the disk, so its limit is small.
    let mut appending = tollgate(&["pace", "-l", "5/day", &same]);
    appending.stdout(fs::OpenOptions::new().append(true).open(&same).unwrap());
    assert_failed(&output_of(appending.spawn().unwrap()), 2, &["the standard output: ", rule]);
    assert_eq!(fs::read(&same).unwrap(), b"content\n");
}

/// A reader may be slow, but never gets more than this since before the command began.
#[test]
fn a_reader_never_has_more_than_the_burst_and_the_refill() {
    for (args, per_second, burst) in [
        (["--lines", "200/s"], 200_u128, 20_u128),
        (["--lines", "200/s capacity 5 empty"], 200, 5),
        (["--bytes", "400/s"], 400, 40),
    ] {
        let start = Instant::now();
        let mut child = tollgate(&["pace", args[0], args[1]])
            .stdin(fs::File::open("/dev/zero").unwrap())
            .arg("--null")
            .spawn()
            .unwrap();
        let mut stdout = child.stdout.take().unwrap();
        for got in 1..=120_u128 {
            expect(&mut stdout, 1);
            let allowed = burst + per_second * start.elapsed().as_nanos() / 1_000_000_000;
            assert!(got <= allowed, "{args:?}: {got} where {allowed} are allowed");
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

/// A line goes out while the input stays open.
#[test]
fn a_line_that_is_allowed_goes_out_at_once() {
    use std::io::Write;

    let mut child = tollgate(&["pace", "--lines", "1000/s"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    for line in ["one\n", "two\n", "a prompt without an end: "] {
        stdin.write_all(line.as_bytes()).unwrap();
        assert_eq!(text(&expect(&mut stdout, line.len())), line);
    }
    drop(stdin);
    assert_eq!(common::ended(&mut child).code(), Some(0));
}

#[test]
fn records_end_where_they_are_said_to_end() {
    for (args, input) in [
        (&["-0"][..], &b"a\nb\0c\0"[..]),
        (&["--delimiter", ";"], b"a\0b;c;"),
        (&["--delimiter", r"\xff"], b"a\nb\xffc"),
    ] {
        let args = [&["pace", "--lines", "1G/s", "--progress", "always"], args].concat();
        let output = run(&args, input);
        assert_done(&output);
        assert_eq!(output.stdout, input);
        let stderr = text(&output.stderr);
        assert!(stderr.contains(" 2 records in "), "{args:?}: {stderr}");
    }
}

#[test]
fn progress_on_request_is_a_line_each_time_without_a_terminal() {
    let args = ["pace", "--lines", "50/s capacity 1", "--progress", "always", "-i", "20ms", "-s", "80"];
    let output = run(&args, &b"123\n".repeat(20));
    assert_done(&output);
    let stderr = text(&output.stderr);
    let lines: Vec<&str> = stderr.lines().collect();
    assert!(lines.len() > 2 && !stderr.contains(['\r', '\x1b']), "{stderr:?}");
    let (summary, progress) = lines.split_last().unwrap();
    assert!(progress.iter().all(|line| line.contains(" of 50/s  0:00:0") && line.contains("%")), "{stderr}");
    assert!(progress.iter().any(|line| line.ends_with("  limited by lines")), "{stderr}");
    assert!(summary.starts_with("tollgate: 80 bytes, 20 lines in "), "{stderr}");
    assert!(summary.contains("; limited by lines for "), "{stderr}");
}

/// What was read of a file before is not to be read again.
#[test]
fn the_size_of_a_file_is_what_is_left_of_it() {
    use std::io::{Seek, SeekFrom};

    let folder = tempfile::tempdir().unwrap();
    let name = file(folder.path(), "in", &b"123\n".repeat(40));
    let mut left = fs::File::open(&name).unwrap();
    left.seek(SeekFrom::Start(120)).unwrap();
    let args = ["pace", "--lines", "10/s capacity 1", "--progress", "always", "-i", "10ms"];
    let output = tollgate(&args).stdin(left).output().unwrap();
    assert_done(&output);
    let stderr = text(&output.stderr);
    assert!(stderr.contains("tollgate: 40 bytes, 10 lines in "), "{stderr}");
    let mut shares = 0;
    for line in stderr.lines().filter(|line| line.contains('%') && line.contains(" B  ")) {
        let bytes: u64 = line.split(' ').next().unwrap().parse().unwrap();
        assert!(line.contains(&format!("  {}%  ETA ", bytes * 100 / 40)), "{line}");
        shares += 1;
    }
    assert!(shares > 0, "{stderr}");
}

/// Time passes while the process waits, and it is not spent in a loop.
#[test]
fn a_copy_that_waits_sleeps() {
    let mut child = tollgate(&["pace", "--lines", "1/h"]).stdin(std::process::Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"one\ntwo\n").unwrap();
    assert_eq!(expect(child.stdout.as_mut().unwrap(), 4), b"one\n");
    std::thread::sleep(Duration::from_millis(300));
    if cfg!(target_os = "linux") {
        // Fields 14 and 15: hundredths of a second of the processor.
        let stat = fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
        assert!(ticks < 10, "{ticks} hundredths of a second");
    }
    assert!(child.try_wait().unwrap().is_none(), "the second line waits for an hour");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_output_called_minus_is_the_standard_output() {
    let output = run(&["pace", "-l", "1000/s", "-o", "-"], b"one\n");
    assert_done(&output);
    assert_eq!(output.stdout, b"one\n");
}
