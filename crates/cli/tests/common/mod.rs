//! Owns how tests run the command. Never knows what a test claims.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Longer than anything takes, so that a command that hangs fails its test.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The command with these arguments, and no standard stream inherited.
pub(crate) fn tollgate(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command with this input to its end.
pub(crate) fn run(args: &[&str], input: &[u8]) -> Output {
    let mut child = tollgate(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        // A command may end before it has read all.
        let _ = stdin.write_all(&input);
    });
    let output = output_of(child);
    writer.join().unwrap();
    output
}

/// Waits for a child to end; kills one that does not.
pub(crate) fn output_of(mut child: Child) -> Output {
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let err = thread::spawn(move || read_all(&mut err));
    let out = thread::spawn(move || read_all(&mut out));
    let status = ended(&mut child);
    Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() }
}

fn read_all(from: &mut Option<impl Read>) -> Vec<u8> {
    let mut all = Vec::new();
    if let Some(from) = from {
        from.read_to_end(&mut all).unwrap();
    }
    all
}

/// Waits for a child to end; kills one that does not, and fails.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the command did not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads exactly so many bytes; fails if they do not come.
pub(crate) fn expect(from: &mut (impl Read + Send), len: usize) -> Vec<u8> {
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(move || {
            let mut bytes = vec![0; len];
            let mut at = 0;
            while at < len {
                match from.read(&mut bytes[at..]).unwrap() {
                    0 => break,
                    read => at += read,
                }
            }
            bytes.truncate(at);
            sender.send(bytes).unwrap();
        });
        // Aborts rather than panics: the scope would wait for the reader for ever.
        receiver.recv_timeout(PATIENCE).unwrap_or_else(|_| {
            eprintln!("{len} bytes did not come");
            std::process::abort()
        })
    })
}

/// Sends a signal by its name.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success(), "kill -s {name}: {status}");
}

/// Runs a line in a shell that knows the command `tollgate`, in a folder.
pub(crate) fn shell(line: &str, folder: &Path) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_tollgate")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("PATH", path).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    output_of(command.spawn().unwrap())
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The last words of a process that ended well.
pub(crate) fn assert_done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// The exit status, and what stands on the standard error.
pub(crate) fn assert_failed(output: &Output, status: i32, words: &[&str]) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{stderr}");
    for words in words {
        assert!(stderr.contains(words), "{words:?} is missing in {stderr:?}");
    }
}
