//! Owns the pipeline: `pace`, the program behind it, and nginx. Never judges.

use std::io::{BufWriter, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::server::nginx::{Nginx, Style};

/// The longest time until the last request is logged.
const LOGGED: Duration = Duration::from_secs(5);

/// A pipeline: so many URLs, paced, before an nginx.
#[derive(Clone, Debug)]
pub struct Pipeline {
    /// The command `tollgate`.
    pub tollgate: PathBuf,
    /// The binary of this package.
    pub program: PathBuf,
    /// What nginx grants, in requests a second.
    pub rate: u64,
    /// The burst that nginx grants beyond the first request.
    pub burst: u64,
    /// The limit that `pace` is told.
    pub pace: String,
    pub lines: u64,
}

/// What nginx logged.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Logged {
    pub granted: u64,
    pub refused: u64,
    pub time: Duration,
}

impl Pipeline {
    /// Runs it, and returns what nginx logged.
    ///
    /// # Errors
    ///
    /// What could not be started, or ended otherwise than well.
    pub fn run(&self) -> Outcome<Logged> {
        let style = Style { status: 429, retry_after: None, delays: false };
        let nginx = Nginx::start(style, self.rate, self.burst)?;
        let begun = Instant::now();
        let mut pace = Kept(self.pace_command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let (urls, paced) = (pace.0.stdin.take().ok_or("no input")?, pace.0.stdout.take().ok_or("no output")?);
        let mut fetch = Kept(Command::new(&self.program).arg("fetch").stdin(paced).stdout(Stdio::null()).spawn()?);
        write_urls(urls, nginx.address(), self.lines)?;
        for (name, child) in [("tollgate pace", &mut pace), ("clients fetch", &mut fetch)] {
            let status = child.0.wait()?;
            if !status.success() {
                return Err(format!("{name}: {status}").into());
            }
        }
        let time = begun.elapsed();
        // nginx logs a request after it has answered it.
        let mut answers = nginx.answers()?;
        let answered = Instant::now();
        while (answers.len() as u64) < self.lines && answered.elapsed() < LOGGED {
            std::thread::sleep(Duration::from_millis(10));
            answers = nginx.answers()?;
        }
        let granted = answers.iter().filter(|answer| answer.granted).count() as u64;
        Ok(Logged { granted, refused: answers.len() as u64 - granted, time })
    }

    fn pace_command(&self) -> Command {
        let mut command = Command::new(&self.tollgate);
        command.args(["pace", "--quiet", "--lines", &self.pace]);
        command
    }
}

fn write_urls(urls: impl Write, address: SocketAddr, lines: u64) -> Outcome<()> {
    let mut urls = BufWriter::new(urls);
    for line in 0..lines {
        writeln!(urls, "http://{address}/{line}")?;
    }
    Ok(urls.flush()?)
}

/// A process that does not outlive its owner.
struct Kept(Child);

impl Drop for Kept {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// Builds the command `tollgate` as it is released, and returns where it is.
///
/// # Errors
///
/// That it does not build.
pub fn tollgate() -> Outcome<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let mut build = Command::new(cargo);
    build.args(["build", "--release", "--quiet", "--package", "tollgate-cli", "--bin", "tollgate"]);
    build.args(["--message-format", "json", "--manifest-path"]).arg(manifest).stderr(Stdio::inherit());
    let output = build.output().map_err(|error| format!("cargo: {error}"))?;
    if !output.status.success() {
        return Err(format!("{build:?}: {}", output.status).into());
    }
    let messages = String::from_utf8(output.stdout)?;
    let name = messages.lines().rev().find_map(|line| line.split_once("\"executable\":\"")?.1.split('"').next());
    Ok(name.ok_or("cargo names no executable")?.into())
}
