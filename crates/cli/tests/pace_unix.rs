//! The command `tollgate pace`, as a process of Unix: signals, pipes, terminals.

#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, assert_done, assert_failed, ended, expect, output_of, shell, signal, text, tollgate};

/// A copy of this input, and the standard error behind the first line of progress with these words.
fn started(args: &[&str], input: Stdio, words: &str) -> (Child, BufReader<ChildStderr>) {
    let mut child = tollgate(args).args(["--progress", "always", "-i", "10ms"]).stdin(input).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let (mut line, start) = (String::new(), Instant::now());
    while !line.contains(words) {
        line.clear();
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("no progress shows {words:?}");
        }
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended before {words:?}");
    }
    (child, stderr)
}

/// The last line of the standard error of a copy that ends by this signal.
fn last_words(mut child: Child, stderr: BufReader<ChildStderr>, number: i32) -> String {
    assert_eq!(ended(&mut child).signal(), Some(number), "a shell sees the signal");
    stderr.lines().last().unwrap().unwrap()
}

#[test]
fn a_signal_ends_it_with_a_summary_wherever_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "one\ntwo\n").unwrap();
    for (name, number) in [("INT", 2), ("TERM", 15)] {
        let summary = format!("tollgate: ended by SIG{name}: 4 bytes, 1 line in ");
        // For a token.
        let input = File::open(folder.path().join("in")).unwrap();
        let (child, stderr) = started(&["pace", "--lines", "5/day"], input.into(), "4 B  ");
        signal(&child, name);
        let line = last_words(child, stderr, number);
        assert!(line.starts_with(&summary) && line.contains("; limited by lines for "), "{line:?}");
        // For input.
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"one\n").unwrap();
        let (child, stderr) = started(&["pace", "--lines", "9/s"], OwnedFd::from(theirs).into(), "4 B  ");
        signal(&child, name);
        let line = last_words(child, stderr, number);
        assert!(line.starts_with(&summary) && line.contains("; limited by input for "), "{line:?}");
        // For its reader, who does not read.
        let input = File::open("/dev/zero").unwrap();
        let (child, stderr) = started(&["pace", "-b", "1G/s"], input.into(), "limited by output");
        signal(&child, name);
        let line = last_words(child, stderr, number);
        assert!(line.contains(&format!(": ended by SIG{name}: ")) && line.contains("; limited by output"), "{line:?}");
    }
}

#[test]
fn the_summary_of_a_signal_is_the_only_line_without_progress_and_none_is_quiet() {
    for (option, lines) in [("--progress=auto", 1), ("--progress=never", 1), ("--quiet", 0)] {
        let mut child = tollgate(&["pace", "--lines", "5/day", option]).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"one\ntwo\n").unwrap();
        // It minds signals before it reads.
        assert_eq!(expect(child.stdout.as_mut().unwrap(), 4), b"one\n");
        signal(&child, "INT");
        let output = output_of(child);
        assert_eq!(output.status.signal(), Some(2));
        let stderr = text(&output.stderr);
        assert_eq!(stderr.lines().count(), lines, "{stderr:?}");
        assert!(stderr.lines().all(|line| line.starts_with("tollgate: ended by SIGINT: ")), "{stderr:?}");
    }
}

#[test]
fn a_shell_counts_the_signal_as_143() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "one\ntwo\n").unwrap();
    let copy = "tollgate pace -l 5/day <in >out & job=$!";
    let line = format!("{copy}; until test -s out; do sleep 0.05; done; kill -TERM $job; wait $job; echo $?");
    let output = shell(&line, folder.path());
    assert_eq!(text(&output.stdout), "143\n", "{output:?}");
    assert_eq!(fs::read(folder.path().join("out")).unwrap(), b"one\n");
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let mut child =
        tollgate(&["pace", "-l", "1G/s", "-b", "1G/s"]).stdin(File::open("/dev/zero").unwrap()).spawn().unwrap();
    expect(child.stdout.as_mut().unwrap(), 100);
    drop(child.stdout.take());
    let output = output_of(child);
    assert_done(&output);
    assert_eq!(text(&output.stderr), "");

    let folder = tempfile::tempdir().unwrap();
    let output = shell("yes | tollgate pace -l 100/s | head -n 3", folder.path());
    assert_done(&output);
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("y\ny\ny\n".into(), String::new()));
}

#[test]
fn a_full_disk_is_status_1_and_named() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "one\n").unwrap();
    let output = shell("tollgate pace -l 1/s in >/dev/full", folder.path());
    assert_failed(&output, 1, &["tollgate: cannot write to the standard output: ", "No space left on device"]);
    let output = shell("tollgate pace -l 1/s in -o /dev/full", folder.path());
    assert_failed(&output, 1, &["tollgate: cannot write to \"/dev/full\": ", "No space left on device"]);
    let output = shell("tollgate pace -l 1/s <.", folder.path());
    assert_failed(&output, 1, &["tollgate: cannot read the standard input: ", "s a directory"]);
    let output = shell("tollgate pace -l 1/s <&-", folder.path());
    assert!(matches!(output.status.code(), Some(0 | 1)), "a closed input: {output:?}");
}

/// Others may make the standard input non-blocking: it is shared with them.
#[test]
fn streams_that_do_not_block_are_waited_for() {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let child = tollgate(&["pace", "-l", "1G/s"]).stdin(Stdio::from(OwnedFd::from(theirs))).spawn().unwrap();
    thread::sleep(Duration::from_millis(100));
    ours.write_all(b"late\n").unwrap();
    drop(ours);
    let output = output_of(child);
    assert_done(&output);
    assert_eq!(output.stdout, b"late\n");

    let (mut ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let mut child = tollgate(&["pace", "-b", "1G/s"])
        .stdin(Stdio::piped())
        .stdout(Stdio::from(OwnedFd::from(theirs)))
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || stdin.write_all(&vec![b'x'; 4 << 20]).unwrap());
    thread::sleep(Duration::from_millis(200));
    assert_eq!(expect(&mut ours, 4 << 20).len(), 4 << 20);
    writer.join().unwrap();
    assert_eq!(ended(&mut child).code(), Some(0));
}

#[test]
fn a_line_without_an_end_needs_no_memory_of_its_own() {
    let mut child = tollgate(&["pace", "-l", "1/s", "-b", "100G/s"]).stdin(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let most = 100 << 20;
    let reader = thread::spawn(move || {
        let mut buffer = vec![0; 1 << 20];
        let mut sum = 0;
        while sum < most {
            match stdout.read(&mut buffer).unwrap() {
                0 => break,
                read => sum += read,
            }
        }
        (sum, stdout)
    });
    let chunk = vec![b'x'; 1 << 20];
    for _ in 0..most / chunk.len() {
        stdin.write_all(&chunk).unwrap();
    }
    let (sum, _stdout) = reader.join().unwrap();
    assert_eq!(sum, most);
    if cfg!(target_os = "linux") {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(kib < 32 << 10, "{kib} KiB");
    }
    drop(stdin);
    assert_eq!(ended(&mut child).code(), Some(0));
}

/// What a terminal of so many columns shows of a copy; `None` where there is no `script` of
/// util-linux, which every Debian has.
fn on_a_terminal(columns: u16, command: &str) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "123\n".repeat(60)).unwrap();
    fs::write(folder.path().join("job.sh"), format!("stty rows 24 cols {columns}\nexport TERM=xterm\n{command}\n"))
        .unwrap();
    if !shell("command -v script && script --version", folder.path()).status.success() {
        return None;
    }
    let output = shell("script -qec 'sh job.sh' /dev/null", folder.path());
    assert_done(&output);
    Some(text(&output.stdout))
}

#[test]
fn a_terminal_shows_progress_on_one_line_that_fits() {
    for columns in [100, 40] {
        let command = "tollgate pace -l '100/s capacity 1' -i 50ms <in >out";
        let Some(shown) = on_a_terminal(columns, command) else { return };
        let lines: Vec<&str> = shown.trim_end().split('\r').filter(|line| !line.is_empty()).collect();
        let (summary, progress) = lines.split_last().unwrap();
        assert!(progress.len() > 3, "{shown:?}");
        for line in progress {
            let line = line.strip_suffix("\x1b[K").unwrap();
            assert!(line.len() < usize::from(columns) && !line.contains('\n'), "{line:?}");
            assert!(line.contains(" B  ") && line.contains("  0:00:0"), "{line:?}");
        }
        assert!(summary.starts_with("\x1b[Ktollgate: 240 bytes, 60 lines in "), "{shown:?}");
        if columns == 100 {
            let last = progress.last().unwrap();
            assert!(last.contains("/s of 100/s  ") && last.contains("%  ETA 0:00:00"), "{last:?}");
            assert!(last.contains("  limited by lines"), "{last:?}");
        }
    }
}

#[test]
fn a_dumb_terminal_gets_no_escape_sequence() {
    let command = "TERM=dumb tollgate pace -l '100/s capacity 1' -i 50ms <in >out";
    let Some(shown) = on_a_terminal(60, command) else { return };
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let lines: Vec<&str> = shown.trim_end().split('\r').filter(|line| !line.is_empty()).collect();
    let (summary, lines) = lines.split_last().unwrap();
    assert!(summary.starts_with("tollgate: 240 bytes, 60 lines in "), "{shown:?}");
    // What was longer is overwritten, and the last line is cleared.
    assert!(lines.len() > 3 && lines.iter().all(|line| line.len() == 59), "{shown:?}");
    assert_eq!(lines.last().unwrap().trim(), "", "{shown:?}");
}

#[test]
fn a_terminal_shows_no_progress_if_quiet_or_if_it_shows_the_copy() {
    let Some(shown) = on_a_terminal(80, "tollgate pace -q -l '200/s capacity 1' -i 20ms <in >out") else { return };
    assert_eq!(shown, "");
    let shown = on_a_terminal(80, "tollgate pace -l '200/s capacity 1' -i 20ms <in").unwrap();
    assert_eq!(shown, "123\r\n".repeat(60));
    let shown = on_a_terminal(80, "tollgate pace --progress never -l '200/s capacity 1' -i 20ms <in >out").unwrap();
    assert_eq!(shown, "");
}
