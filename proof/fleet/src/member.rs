//! Owns a worker in a process of its own, as its runner sees it. Never works itself.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;
use crate::worker::orders::Orders;

const ANSWER: Duration = Duration::from_secs(30);

/// A worker that runs, until this is dropped or this process ends.
#[derive(Debug)]
pub struct Member {
    process: Child,
    words: ChildStdin,
    lines: Receiver<String>,
    number: usize,
}

/// What a worker says of itself: numbers by name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Said(BTreeMap<String, i128>);

impl Said {
    /// Returns a number.
    ///
    /// # Errors
    ///
    /// That the worker did not say it.
    pub fn number(&self, name: &str) -> Outcome<i128> {
        Ok(*self.0.get(name).ok_or_else(|| format!("a worker did not say {name}: {self:?}"))?)
    }
}

impl Member {
    /// Starts a worker, and waits until it has joined.
    ///
    /// # Errors
    ///
    /// What it wrote instead.
    pub fn start(program: &Path, orders: &Orders) -> Outcome<Self> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).arg("worker").args(orders.words());
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (words, output) = (process.stdin.take().ok_or("no input")?, process.stdout.take().ok_or("no output")?);
        let (told, lines) = channel();
        std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|l| told.send(l)));
        let member = Self { process, words, lines, number: orders.member };
        member.line("ready")?;
        Ok(member)
    }

    /// Returns its number.
    pub fn number(&self) -> usize {
        self.number
    }

    /// Has it begin its load.
    ///
    /// # Errors
    ///
    /// That it does not answer.
    pub fn go(&mut self) -> Outcome<()> {
        self.say("go")
    }

    /// Has it end its load.
    ///
    /// # Errors
    ///
    /// That it does not answer.
    pub fn halt(&mut self) -> Outcome<()> {
        self.say("halt")
    }

    /// Asks for its numbers.
    ///
    /// # Errors
    ///
    /// That it does not answer.
    pub fn figures(&mut self) -> Outcome<Said> {
        self.say("figures")?;
        self.said("figures")
    }

    /// Has it give back what it holds, and say its numbers for the last time.
    ///
    /// # Errors
    ///
    /// That it does not answer.
    pub fn close(&mut self) -> Outcome<Said> {
        self.say("close")?;
        self.said("closed")
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    ///
    /// That it has ended.
    pub fn kill(&mut self) -> Outcome<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Stops it (SIGSTOP).
    ///
    /// # Errors
    ///
    /// That it has ended.
    pub fn stop(&self) -> Outcome<()> {
        Ok(kill_process(Pid::from_child(&self.process), Signal::STOP)?)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// That it has ended.
    pub fn cont(&self) -> Outcome<()> {
        Ok(kill_process(Pid::from_child(&self.process), Signal::CONT)?)
    }

    fn say(&mut self, word: &str) -> Outcome<()> {
        Ok(writeln!(self.words, "{word}").map_err(|error| format!("worker {}: {error}", self.number))?)
    }

    fn said(&self, name: &str) -> Outcome<Said> {
        let line = self.line(name)?;
        let pairs = line.split_whitespace().filter_map(|word| word.split_once('='));
        pairs.map(|(name, number)| Ok((name.to_owned(), number.parse()?))).collect::<Outcome<_>>().map(Said)
    }

    /// The rest of the next line, which must begin so.
    fn line(&self, beginning: &str) -> Outcome<String> {
        match self.lines.recv_timeout(ANSWER) {
            Ok(line) => match line.strip_prefix(beginning) {
                Some(rest) => Ok(rest.to_owned()),
                None => Err(format!("worker {}: {line}", self.number).into()),
            },
            Err(RecvTimeoutError::Timeout) => Err(format!("worker {}: no {beginning}", self.number).into()),
            Err(RecvTimeoutError::Disconnected) => Err(format!("worker {} has ended", self.number).into()),
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}
