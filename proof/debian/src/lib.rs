//! Owns the packages of Debian, bookworm: fetched with an `apt` of their own and unpacked under
//! `target`. Never installs one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

const SOURCE: &str = "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian";

/// A folder of unpacked packages, those of several architectures in one, as on a machine.
#[derive(Clone, Debug)]
pub struct Debian {
    folder: PathBuf,
    architectures: &'static str,
    suites: &'static [&'static str],
}

impl Debian {
    /// Chooses the folder `target/NAME`, and Debian's architectures, with commas between them.
    pub fn new(name: &str, architectures: &'static str) -> Self {
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder));
        Self { folder: target.join(name), architectures, suites: &["bookworm"] }
    }

    /// Takes from the backports what bookworm itself lacks.
    #[must_use]
    pub fn with_backports(self) -> Self {
        Self { suites: &["bookworm", "bookworm-backports"], ..self }
    }

    /// Returns `target/NAME`.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns where all packages are unpacked.
    pub fn root(&self) -> PathBuf {
        self.folder.join("debian")
    }

    /// Returns the shared libraries of the programs that run on this machine, as
    /// `LD_LIBRARY_PATH` has them.
    pub fn libraries(&self) -> String {
        let machine = format!("{}-linux-gnu", env::consts::ARCH);
        let folder = |name: &str| self.root().join(name).join(&machine).display().to_string();
        format!("{}:{}", folder("usr/lib"), folder("lib"))
    }

    /// Finds a program that was unpacked, or else one of the machine.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        let unpacked = ["usr/bin", "usr/sbin"].map(|folder| self.root().join(folder));
        let path = env::var_os("PATH").unwrap_or_default();
        let installed = env::split_paths(&path);
        let usual = ["/usr/sbin", "/usr/bin"].map(PathBuf::from);
        let folders = unpacked.into_iter().chain(installed).chain(usual);
        folders.map(|folder| folder.join(name)).find(|program| program.is_file())
    }

    /// Makes a command of a program, and shows it its libraries if it was unpacked.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if program.starts_with(self.root()) {
            command.env("LD_LIBRARY_PATH", self.libraries());
        }
        command
    }

    /// Returns those of the packages that are not unpacked.
    pub fn lacks(&self, packages: impl IntoIterator<Item = String>) -> Vec<String> {
        let packages: BTreeSet<String> = packages.into_iter().collect();
        packages.into_iter().filter(|package| !self.mark(package).exists()).collect()
    }

    /// Downloads and unpacks those of the packages that are not there.
    ///
    /// # Errors
    ///
    /// What failed, and why: there is no `apt-get`, no network, no such package.
    pub fn fetch(&self, packages: impl IntoIterator<Item = String>) -> Result<(), String> {
        let lacks = self.lacks(packages);
        if lacks.is_empty() {
            println!("nothing is missing");
            return Ok(());
        }
        let apt = self.folder.join("apt");
        configure(&apt, self.suites).map_err(|error| format!("{}: {error}", apt.display()))?;
        println!("the lists of packages: about 9 MB for each of {}", self.architectures);
        succeed(&mut self.apt_get(&apt, &["update"]))?;

        let uris = self.apt_get(&apt, &["download", "--print-uris"]).args(&lacks).stderr(Stdio::inherit()).output();
        let uris = String::from_utf8_lossy(&uris.map_err(|error| format!("apt-get: {error}"))?.stdout).into_owned();
        let bytes: u64 = uris.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok()).sum();
        println!("{} packages: {} MB", lacks.len(), bytes / 1_000_000);
        let downloads = apt.join("downloads");
        let told = |error: io::Error| format!("{}: {error}", self.folder.display());
        fs::create_dir_all(&downloads).map_err(told)?;
        succeed(self.apt_get(&apt, &["download"]).args(&lacks).current_dir(&downloads))?;
        for file in fs::read_dir(&downloads).map_err(told)? {
            succeed(Command::new("dpkg-deb").arg("--extract").arg(file.map_err(told)?.path()).arg(self.root()))?;
        }
        fs::create_dir_all(self.mark("")).map_err(told)?;
        lacks.iter().try_for_each(|package| fs::write(self.mark(package), "")).map_err(told)?;
        fs::remove_dir_all(&downloads).map_err(told)
    }

    /// The file that says that a package is unpacked.
    fn mark(&self, package: &str) -> PathBuf {
        self.folder.join("unpacked").join(package)
    }

    /// An `apt` that knows nothing of the machine's packages, and that the machine's knows nothing
    /// of.
    fn apt_get(&self, apt: &Path, words: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        command.arg("-qq").args(words);
        for (option, file) in [
            ("Dir::Etc::sourcelist", "sources.list"),
            ("Dir::State", "state"),
            ("Dir::State::status", "status"),
            ("Dir::Cache", "cache"),
        ] {
            command.arg("-o").arg(format!("{option}={}", apt.join(file).display()));
        }
        let architectures = format!("APT::Architectures={}", self.architectures);
        // Root downloads as root: the user that `apt` would change to may not write below `target`.
        for option in ["Dir::Etc::sourceparts=-", &architectures, "Acquire::Languages=none", "APT::Sandbox::User=root"]
        {
            command.args(["-o", option]);
        }
        command
    }
}

/// The repository.
fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn configure(apt: &Path, suites: &[&str]) -> io::Result<()> {
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    let sources: String = suites.iter().map(|suite| format!("{SOURCE} {suite} main\n")).collect();
    fs::write(apt.join("sources.list"), sources)?;
    fs::write(apt.join("status"), "")
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
