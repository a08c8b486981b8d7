//! Owns where the programs of the engines are: on this machine, or unpacked from Debian. Never
//! starts a server.

use std::fmt;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use debian::Debian;
use rustix::fs::{FlockOperation, flock};

use crate::Outcome;

/// Which engine a server is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// Redis 7, of Debian bookworm: 7.0.
    Redis7,
    /// Valkey 8, of Debian's backports for bookworm: 8.0.
    Valkey8,
}

/// The libraries of both that a machine may lack.
const LIBRARIES: [&str; 5] = ["libatomic1", "libjemalloc2", "liblzf1", "libssl3", "libsystemd0"];

/// The programs of an engine, both of one version.
#[derive(Clone, Debug)]
struct Programs {
    server: PathBuf,
    cli: PathBuf,
    version: String,
}

impl Kind {
    /// Both engines.
    pub const ALL: [Self; 2] = [Self::Redis7, Self::Valkey8];

    /// Reads the name that [`Display`](fmt::Display) writes.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.to_string() == name)
    }

    /// Returns a line that says which server is used, and fetches one if this machine has none.
    ///
    /// # Errors
    ///
    /// What to do, if it can neither be found nor fetched.
    pub fn told(self) -> Outcome<String> {
        let programs = self.programs()?;
        Ok(format!("{self}: {}: {}", programs.server.display(), programs.version))
    }

    /// Makes a command of the server, which finds its libraries.
    ///
    /// # Errors
    ///
    /// As [`told`](Self::told).
    pub fn server(self) -> Outcome<Command> {
        Ok(debian().command(&self.programs()?.server))
    }

    /// Makes a command of the client of the command line.
    pub(crate) fn cli(self) -> Outcome<Command> {
        Ok(debian().command(&self.programs()?.cli))
    }

    fn programs(self) -> Outcome<Programs> {
        static FOUND: [OnceLock<Result<Programs, String>>; 2] = [OnceLock::new(), OnceLock::new()];
        let found = FOUND[self as usize].get_or_init(|| self.get().map_err(|error| error.to_string()));
        Ok(found.clone()?)
    }

    fn get(self) -> Outcome<Programs> {
        let debian = debian();
        fs::create_dir_all(debian.folder())?;
        // Processes may fetch at once.
        let alone = File::create(debian.folder().join("lock"))?;
        flock(&alone, FlockOperation::LockExclusive)?;
        if let Some(programs) = self.found(&debian) {
            return Ok(programs);
        }
        let own = ["server", "tools"].map(|part| format!("{}-{part}", self.word()));
        let fetched = debian.fetch(own.into_iter().chain(LIBRARIES.map(str::to_owned)));
        self.found(&debian).ok_or_else(|| {
            let why = fetched.err().unwrap_or_else(|| "what was unpacked does not start".to_owned());
            format!(
                "there is no {}-server of version {}, and it cannot be fetched: {why}. Install it, or let this machine \
                 reach deb.debian.org and run: cargo run --package engines",
                self.word(),
                self.version()
            )
            .into()
        })
    }

    /// Looks on this machine, and among what was unpacked.
    fn found(self, debian: &Debian) -> Option<Programs> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let unpacked = debian.root().join("usr/bin");
        std::env::split_paths(&path).chain([unpacked]).find_map(|folder| {
            let [server, cli] = ["server", "cli"].map(|part| folder.join(format!("{}-{part}", self.word())));
            let version = told_version(debian, &server)?;
            version.contains(&format!("v={}.", self.version())).then_some(())?;
            told_version(debian, &cli)?;
            Some(Programs { server, cli, version })
        })
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Redis7 => "redis",
            Self::Valkey8 => "valkey",
        }
    }

    const fn version(self) -> u32 {
        match self {
            Self::Redis7 => 7,
            Self::Valkey8 => 8,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.word(), self.version())
    }
}

/// The folder `target/engines`.
pub(crate) fn debian() -> Debian {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    Debian::new("engines", architecture).with_backports()
}

/// What a program says of its version, if it starts.
fn told_version(debian: &Debian, program: &Path) -> Option<String> {
    if !program.is_file() {
        return None;
    }
    let output = debian.command(program).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}
