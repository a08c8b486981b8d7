//! How signals end `tollgate pace`, where its streams do not take what it says.

#![cfg(unix)]

mod common;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use common::{ended, expect, shell, signal, text, tollgate};

/// A stream that takes nothing more, and its other end.
fn full() -> (UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    theirs.set_nonblocking(true).unwrap();
    let error = loop {
        if let Err(error) = (&theirs).write(&[b'x'; 4096]) {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    theirs.set_nonblocking(false).unwrap();
    (ours, theirs)
}

#[test]
fn one_signal_ends_it_where_the_standard_error_takes_nothing() {
    // With progress, which waits already when the signal comes, and without.
    for progress in ["always", "never"] {
        let (_unread, stderr) = full();
        let mut child = tollgate(&["pace", "--lines", "5/day", "--progress", progress, "--interval", "10ms"])
            .stdin(Stdio::piped())
            .stderr(Stdio::from(OwnedFd::from(stderr)))
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"one\ntwo\n").unwrap();
        expect(child.stdout.as_mut().unwrap(), 4);
        thread::sleep(Duration::from_millis(50));
        signal(&child, "TERM");
        assert_eq!(ended(&mut child).signal(), Some(15), "{progress}");
    }
}

/// A shell without job control lets a command that ends in `&` ignore SIGINT.
#[test]
fn a_signal_that_was_ignored_from_the_start_is_ignored() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("in"), "one\ntwo\n").unwrap();
    let copy = "tollgate pace -l '5/s capacity 1' <in >out & job=$!; until test -s out; do sleep 0.01; done";
    let output = shell(&format!("{copy}; kill -INT $job; wait $job; echo $?"), folder.path());
    assert_eq!((text(&output.stdout), text(&output.stderr)), ("0\n".into(), String::new()));
    assert_eq!(fs::read(folder.path().join("out")).unwrap(), b"one\ntwo\n");
}

/// The summary waits for its reader, so a copy that went on would be ahead of it.
#[test]
fn the_summary_of_a_signal_counts_every_byte_that_went_out() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // One that is ended before its reader comes, as on a very busy machine, has no summary.
    let summed = (0..20).any(|_| {
        let (mut ours, stderr) = full();
        let mut child = tollgate(&["pace", "--lines", "1M/s capacity 1", "/dev/zero", "-d", r"\0", "-o"])
            .arg(&out)
            .stderr(Stdio::from(OwnedFd::from(stderr)))
            .spawn()
            .unwrap();
        while fs::metadata(&out).map_or(0, |file| file.len()) < 100 {
            thread::sleep(Duration::from_millis(1));
        }
        signal(&child, "INT");
        thread::sleep(Duration::from_millis(300));
        let mut said = Vec::new();
        ours.read_to_end(&mut said).unwrap();
        assert_eq!(ended(&mut child).signal(), Some(2));
        let written = fs::read(&out).unwrap().len();
        fs::remove_file(&out).unwrap();
        let said = text(&said);
        let Some((_, summary)) = said.split_once("tollgate: ended by SIGINT: ") else { return false };
        let counted = summary.split(' ').next().unwrap().replace(',', "");
        assert_eq!(counted.parse(), Ok(written), "{summary}");
        true
    });
    assert!(summed, "no summary in 20 copies");
}
