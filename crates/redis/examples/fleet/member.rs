//! Owns one process of the fleet: what it does, and how the others see it. It knows no other.

use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tollgate_redis::{Away, Engine, FleetBucket, FleetError};

use crate::{Options, TERM};

const ANSWER: Duration = Duration::from_secs(10);
const REPORT: Duration = Duration::from_millis(50);

/// A process of the fleet. Dropped, it is killed.
pub(crate) struct Member {
    process: Process,
    words: Mutex<Option<ChildStdin>>,
    lines: mpsc::Receiver<String>,
    /// The tokens that it said it took.
    taken: Arc<AtomicU64>,
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Member {
    /// Starts this program again, and waits until it has joined.
    pub(crate) fn start(options: &Options, url: &str, name: &str, number: usize) -> Result<Self, Box<dyn Error>> {
        let seconds = options.run_for.as_secs_f64().to_string();
        let rate = options.limit.rate.to_string();
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--engine", url, "--rate", &rate, "--seconds", &seconds])
            .args(["--member-of", name, "--member", &number.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // What is wrong it says to this program.
            .stderr(Stdio::null())
            .spawn()
            .map(Process)?;
        let (words, output) = (process.0.stdin.take(), process.0.stdout.take().ok_or("no output")?);
        let (told, lines) = mpsc::channel();
        let taken = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&taken);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                match line.parse() {
                    // ORDERING: Relaxed. It counts.
                    Ok(number) => counted.store(number, Relaxed),
                    Err(_) => _ = told.send(line),
                }
            }
        });
        let member = Self { process, words: Mutex::new(words), lines, taken };
        match member.lines.recv_timeout(ANSWER) {
            Ok(line) if line == "ready" => Ok(member),
            Ok(line) => Err(line.into()),
            Err(_) => Err(format!("process {number} did not join the limit at {url}").into()),
        }
    }

    /// Has it begin.
    pub(crate) fn go(&self) -> io::Result<()> {
        let mut words = self.words.lock().expect("nobody panics with it");
        words.as_mut().map_or(Ok(()), |words| writeln!(words, "go"))
    }

    /// What it has taken.
    pub(crate) fn taken(&self) -> Result<u64, Box<dyn Error>> {
        match self.lines.try_recv() {
            Err(mpsc::TryRecvError::Disconnected) => Err("a process has ended early".into()),
            // ORDERING: Relaxed. It counts.
            _ => Ok(self.taken.load(Relaxed)),
        }
    }

    /// Waits until it has ended, and returns all that it took.
    pub(crate) fn end(mut self) -> Result<u64, Box<dyn Error>> {
        // It ends when its input does.
        drop(self.words.lock().expect("nobody panics with it").take());
        let begun = Instant::now();
        while self.process.0.try_wait()?.is_none() {
            if begun.elapsed() > ANSWER {
                return Err("a process does not end".into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        // The reader has the last line once it sees the end.
        while self.lines.recv_timeout(ANSWER).is_ok() {}
        // ORDERING: Relaxed. It counts.
        Ok(self.taken.load(Relaxed))
    }
}

/// What a process of the fleet does, until its input ends.
pub(crate) fn take(options: &Options, name: &str, number: usize) -> Result<(), Box<dyn Error>> {
    let fleet = match join(options, name) {
        Ok(fleet) => fleet,
        Err(error) => return Ok(say(&error.to_string())?),
    };
    say("ready")?;
    let (ended, end) = mpsc::channel();
    io::stdin().read_line(&mut String::new())?;
    thread::spawn(move || {
        io::stdin().lines().for_each(drop);
        let _ = ended.send(());
    });

    let begun = Instant::now();
    let third = options.run_for / 3;
    let rests = number == 0;
    let (mut taken, mut said) = (0_u64, Instant::now());
    while end.try_recv().is_err() {
        if said.elapsed() >= REPORT {
            say(&taken.to_string())?;
            said = Instant::now();
        }
        if rests && (third..2 * third).contains(&begun.elapsed()) {
            thread::sleep(Duration::from_millis(5));
        } else {
            // It ends within a tenth of a second.
            taken += u64::from(fleet.take_blocking_timeout([1], Duration::from_millis(100)).is_ok());
        }
    }
    say(&taken.to_string())?;
    fleet.close_blocking();
    Ok(())
}

fn join(options: &Options, name: &str) -> Result<FleetBucket<1>, FleetError> {
    let engine = Engine::open(options.engine.as_deref().unwrap_or_default())?;
    let joining = FleetBucket::join(&engine, name, [options.limit]).when_away(Away::Refuse);
    joining.term(TERM).create().connect_blocking()
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
