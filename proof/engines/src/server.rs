//! Owns a server on loopback, and what befalls it. Never what is stored in it.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::kind::Kind;
use crate::options::Options;
use crate::process::{self, Process};
use crate::{Outcome, certificates, clock};

const START: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(10);

/// A server that runs, until this is dropped or this process ends.
///
/// # Examples
///
/// ```no_run
/// # fn main() -> engines::Outcome<()> {
/// use engines::{Kind, Options, Server};
///
/// let server = Server::start(Kind::Valkey8, Options::default())?;
/// assert_eq!(server.cli(&["ping"])?, "PONG");
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Server {
    kind: Kind,
    options: Options,
    port: u16,
    process: Option<Process>,
    folder: TempDir,
}

impl Server {
    /// Starts a server in a folder and on a port of its own, and waits until it answers.
    ///
    /// # Errors
    ///
    /// That there is no such engine, or that it does not start.
    pub fn start(kind: Kind, options: Options) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("tollgate-engine-").tempdir()?;
        if options.tls {
            certificates::write(folder.path())?;
        }
        let mut server = Self { kind, options, port: 0, process: None, folder };
        let mut tries = 0;
        loop {
            // Somebody else may take the port before the server does.
            server.port = free_port()?;
            tries += 1;
            match server.run() {
                Err(_) if tries < 3 => (),
                Err(error) => {
                    let log = server.log();
                    let last = log.lines().rev().take(10).collect::<Vec<_>>().join("\n");
                    return Err(format!("{error}; its log, last line first:\n{last}").into());
                }
                Ok(()) => return Ok(server),
            }
        }
    }

    /// Returns which engine it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns its address as clients write it, with scheme and password.
    pub fn url(&self) -> String {
        let scheme = if self.options.tls { "rediss" } else { "redis" };
        let user = self.options.password.as_ref().map_or_else(String::new, |password| format!(":{password}@"));
        format!("{scheme}://{user}127.0.0.1:{}/", self.port)
    }

    /// Returns the file of the authority that vouches for it, in PEM. Exists with TLS only.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    /// Returns what the server wrote of itself.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Kills it at once (SIGKILL): it saves nothing and says no farewell.
    ///
    /// # Errors
    ///
    /// That it does not run.
    pub fn kill(&mut self) -> Outcome<()> {
        self.process.take().ok_or("the server does not run")?.kill()
    }

    /// Starts it again, on its port: with what its file holds if it has one, else empty.
    ///
    /// # Errors
    ///
    /// That it does not start.
    pub fn restart(&mut self) -> Outcome<()> {
        self.process = None;
        self.run()
    }

    /// Stops it (SIGSTOP): connections stay, and nothing is answered.
    ///
    /// # Errors
    ///
    /// That it does not run.
    pub fn stop(&self) -> Outcome<()> {
        self.running()?.signal(Signal::STOP)
    }

    /// Lets it go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// That it does not run.
    pub fn cont(&self) -> Outcome<()> {
        self.running()?.signal(Signal::CONT)
    }

    /// Steps its wall clock to so many seconds from the machine's, at once.
    ///
    /// # Errors
    ///
    /// That it was not started with a clock that can be stepped.
    pub fn step_clock(&self, seconds: i64) -> Outcome<()> {
        if !self.options.stepped_clock {
            return Err("the clock of this server cannot be stepped".into());
        }
        clock::step(self.folder.path(), seconds)
    }

    /// Makes it a replica of another, and waits until it holds what that one does.
    ///
    /// # Errors
    ///
    /// That it does not become one.
    pub fn replicate(&self, master: &Self) -> Outcome<()> {
        self.cli(&["replicaof", "127.0.0.1", &master.port.to_string()])?;
        self.wait_for_link()
    }

    /// Waits until the link of a replica to its master is up.
    ///
    /// # Errors
    ///
    /// That it does not come up.
    pub fn wait_for_link(&self) -> Outcome<()> {
        process::until("the link of the replica", START, || {
            Ok(self.info("replication", "master_link_status")?.as_deref() == Some("up"))
        })
    }

    /// Waits until a replica has all that its master holds now.
    ///
    /// # Errors
    ///
    /// That it does not get it.
    pub fn catch_up_with(&self, master: &Self) -> Outcome<()> {
        let offset = |server: &Self, field: &str| -> Outcome<u64> {
            Ok(server.info("replication", field)?.ok_or("no offset")?.parse()?)
        };
        let has = offset(master, "master_repl_offset")?;
        process::until("the replica has it all", START, || Ok(offset(self, "slave_repl_offset")? >= has))
    }

    /// Cuts the link of a replica to its master: what is written from now on never reaches it.
    ///
    /// # Errors
    ///
    /// That it does not answer.
    pub fn cut_link(&self) -> Outcome<()> {
        // A port on which nobody listens.
        self.cli(&["replicaof", "127.0.0.1", "1"]).map(drop)
    }

    /// Makes a replica a master, with what has reached it.
    ///
    /// # Errors
    ///
    /// That it does not answer.
    pub fn promote(&self) -> Outcome<()> {
        self.cli(&["replicaof", "no", "one"]).map(drop)
    }

    /// Returns the CPU time that its threads have used since it was started.
    ///
    /// # Errors
    ///
    /// Where there is no `/proc`, or its kernel does not count.
    pub fn cpu_time(&self) -> Outcome<Duration> {
        self.running()?.cpu_time()
    }

    /// Returns the id of its process.
    ///
    /// # Errors
    ///
    /// That it does not run.
    pub fn id(&self) -> Outcome<u32> {
        Ok(self.running()?.id())
    }

    /// Runs a command by the engine's own client and returns what that prints, trimmed.
    ///
    /// # Errors
    ///
    /// What the server answered, or that it did not within ten seconds.
    pub fn cli<S: AsRef<str>>(&self, words: &[S]) -> Outcome<String> {
        let mut command = self.client()?;
        command.args(words.iter().map(AsRef::as_ref));
        told(process::output(command, b"", ANSWER)?)
    }

    /// Returns a field of what INFO says of a section.
    ///
    /// # Errors
    ///
    /// As [`cli`](Self::cli).
    pub fn info(&self, section: &str, field: &str) -> Outcome<Option<String>> {
        let text = self.cli(&["info", section])?;
        Ok(text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).map(|value| value.trim().into()))
    }

    /// Makes a command of the engine's own client, connected to this server.
    ///
    /// # Errors
    ///
    /// That there is no such client.
    pub fn client(&self) -> Outcome<Command> {
        let mut command = self.kind.cli()?;
        command.args(["-e", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(password) = &self.options.password {
            command.args(["--no-auth-warning", "-a", password]);
        }
        if self.options.tls {
            command.arg("--tls").arg("--cacert").arg(self.authority());
        }
        Ok(command)
    }

    /// Starts the process, and waits until it answers.
    fn run(&mut self) -> Outcome<()> {
        let mut process = Process::start(&self.command()?)?;
        process::until("the server answers", START, || {
            if process.has_ended()? {
                return Err("the server ended as it started".into());
            }
            Ok(self.cli(&["ping"]).is_ok_and(|answer| answer == "PONG"))
        })?;
        // Another may have taken the port, and answers in its place.
        let answers = self.info("server", "process_id")?;
        if answers.as_deref() != Some(&*process.id().to_string()) {
            return Err(format!("port {} is another's: process {answers:?}", self.port).into());
        }
        self.process = Some(process);
        Ok(())
    }

    fn command(&self) -> Outcome<Command> {
        let folder = self.folder.path();
        let mut command = self.kind.server()?;
        let file = |name: &str| folder.join(name).display().to_string();
        let port = self.port.to_string();
        let (plain, tls) = if self.options.tls { ("0", &*port) } else { (&*port, "0") };
        let mut words: Vec<(&str, String)> = vec![
            ("bind", "127.0.0.1".into()),
            ("port", plain.into()),
            ("dir", folder.display().to_string()),
            ("logfile", file("log")),
            ("save", String::new()),
            ("daemonize", "no".into()),
            // A replica need not wait for others that might come.
            ("repl-diskless-sync-delay", "0".into()),
            ("appendonly", if self.options.aof { "yes" } else { "no" }.into()),
        ];
        if self.options.tls {
            words.extend([
                ("tls-port", tls.into()),
                ("tls-cert-file", file("server.pem")),
                ("tls-key-file", file("server.key")),
                ("tls-ca-cert-file", file("authority.pem")),
                ("tls-auth-clients", "no".into()),
                ("tls-replication", "yes".into()),
            ]);
        }
        if let Some(password) = &self.options.password {
            words.extend([("requirepass", password.clone()), ("masterauth", password.clone())]);
        }
        if let Some(policy) = &self.options.maxmemory_policy {
            words.push(("maxmemory-policy", policy.clone()));
        }
        for (name, value) in &self.options.config {
            words.push((name, value.clone()));
        }
        for (name, value) in words {
            command.arg(format!("--{name}")).arg(value);
        }
        if let Some(master) = self.options.replica_of {
            command.args(["--replicaof", "127.0.0.1", &master.to_string()]);
        }
        if self.options.stepped_clock {
            clock::prepare(&mut command, folder)?;
        }
        Ok(command)
    }

    fn running(&self) -> Outcome<&Process> {
        Ok(self.process.as_ref().ok_or("the server does not run")?)
    }
}

/// What a client of the command line printed, unless it failed.
fn told(output: std::process::Output) -> Outcome<String> {
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    if output.status.success() {
        return Ok(text);
    }
    Err(format!("{} {}", text, String::from_utf8_lossy(&output.stderr).trim_end()).trim().into())
}

/// A port that is free now.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
