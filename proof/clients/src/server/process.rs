//! Owns processes that end with this one, and with their owner. Never knows what they are.

use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};

use rustix::process::{Pid, Signal, kill_process};

use crate::Outcome;

type Order = (Command, Sender<std::io::Result<Child>>);

/// A process that is asked to end when this is dropped, or when this process ends.
#[derive(Debug)]
pub(crate) struct Process(Child);

impl Process {
    /// Starts a command.
    ///
    /// The kernel asks it to end when the thread that started it ends. So one thread starts all,
    /// and never ends.
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
        bound.args(["--pdeathsig", "TERM"]).arg(command.get_program()).args(command.get_args());
        bound.envs(command.get_envs().filter_map(|(key, value)| Some((key, value?))));
        bound.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::inherit());
        let (answer, started) = channel();
        starter.lock().unwrap_or_else(PoisonError::into_inner).send((bound, answer))?;
        Ok(Self(started.recv()?.map_err(|error| format!("setpriv, of util-linux: {error}"))?))
    }

    pub(crate) fn signal(&self, signal: Signal) -> Outcome<()> {
        Ok(kill_process(Pid::from_child(&self.0), signal)?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A master ends its workers before itself.
        _ = self.signal(Signal::TERM);
        _ = self.0.wait();
    }
}
