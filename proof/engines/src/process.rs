//! Owns processes that end with this one, and with their owner. Never knows what they are.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

type Order = (Command, Sender<std::io::Result<Child>>);

/// A process that is killed when this is dropped, or when this process ends.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a command.
    ///
    /// The kernel kills it when the thread that started it ends. So one thread starts all, and
    /// never ends.
    pub(crate) fn start(command: &Command) -> Outcome<Self> {
        static STARTER: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();
        let starter = STARTER.get_or_init(|| {
            let (orders, taken) = channel::<Order>();
            std::thread::spawn(move || {
                for (mut command, answer) in taken {
                    _ = answer.send(command.spawn());
                }
            });
            Mutex::new(orders)
        });
        let mut bound = Command::new("setpriv");
        bound.args(["--pdeathsig", "KILL"]).arg(command.get_program()).args(command.get_args());
        for (key, value) in command.get_envs() {
            match value {
                Some(value) => bound.env(key, value),
                None => bound.env_remove(key),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            bound.current_dir(folder);
        }
        bound.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (answer, started) = channel();
        starter.lock().unwrap_or_else(PoisonError::into_inner).send((bound, answer))?;
        Ok(Self(started.recv()?.map_err(|error| format!("setpriv, of util-linux: {error}"))?))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Outcome<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }

    /// Kills it, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> Outcome<bool> {
        Ok(self.0.try_wait()?.is_some())
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// The CPU time of all its threads that run: to the nanosecond, as the scheduler counts it.
    pub(crate) fn cpu_time(&self) -> Outcome<Duration> {
        let mut sum = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.0.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            sum += text.split(' ').next().ok_or("an empty schedstat")?.parse::<u64>()?;
        }
        Ok(Duration::from_nanos(sum))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        _ = self.kill();
    }
}

/// Runs a command to its end, which must come in this time, with an input.
pub(crate) fn output(mut command: Command, input: &[u8], most: Duration) -> Outcome<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("no input")?.write_all(input)?;
    let (mut out, mut err) = (child.stdout.take().ok_or("no output")?, child.stderr.take().ok_or("no output")?);
    let mut output = Output { status: Default::default(), stdout: Vec::new(), stderr: Vec::new() };
    std::thread::scope(|scope| {
        let stdout = &mut output.stdout;
        let reader = scope.spawn(move || out.read_to_end(stdout));
        let stderr = &mut output.stderr;
        let errors = scope.spawn(move || err.read_to_end(stderr));
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > most {
                child.kill()?;
                child.wait()?;
                return Err(format!("{command:?} did not end in {most:?}").into());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        reader.join().map_err(|_| "a reader panicked")??;
        errors.join().map_err(|_| "a reader panicked")??;
        Outcome::Ok(())
    })?;
    output.status = child.wait()?;
    Ok(output)
}

/// Waits until something is so, or says that it did not come to be.
pub(crate) fn until(what: &str, most: Duration, mut is_so: impl FnMut() -> Outcome<bool>) -> Outcome<()> {
    let begun = Instant::now();
    while !is_so()? {
        if begun.elapsed() > most {
            return Err(format!("{what}: not within {most:?}").into());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}
