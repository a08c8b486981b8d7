//! Owns the packages of Debian, bookworm: fetched with an `apt` of their own and unpacked under
//! `target`, never installed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

use crate::step::root;

const SOURCE: &str =
    "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n";
const ARCHITECTURES: &str = "amd64,i386,armhf,armel,s390x";

pub(super) struct Debian {
    folder: PathBuf,
}

impl Debian {
    pub(super) fn new() -> Self {
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder));
        Self { folder: target.join("cross") }
    }

    /// Where all packages are unpacked: those of several architectures share it, as they would a
    /// machine.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.join("debian")
    }

    /// The shared libraries of the programs that run on this machine.
    pub(super) fn libraries(&self) -> String {
        let folder = |name: &str| self.root().join(name).display().to_string();
        format!("{}:{}", folder("usr/lib/x86_64-linux-gnu"), folder("lib/x86_64-linux-gnu"))
    }

    pub(super) fn builds(&self) -> PathBuf {
        self.folder.join("build")
    }

    /// Those of the packages that are not unpacked.
    pub(super) fn lacks(&self, packages: impl IntoIterator<Item = String>) -> Vec<String> {
        let packages: BTreeSet<String> = packages.into_iter().collect();
        packages.into_iter().filter(|package| !self.mark(package).exists()).collect()
    }

    /// Downloads and unpacks those of the packages that are not there.
    pub(super) fn fetch(&self, packages: impl IntoIterator<Item = String>) -> Result<(), String> {
        let lacks = self.lacks(packages);
        if lacks.is_empty() {
            println!("nothing is missing");
            return Ok(());
        }
        let apt = self.folder.join("apt");
        configure(&apt).map_err(|error| format!("{}: {error}", apt.display()))?;
        println!("the lists of packages: about 45 MB");
        succeed(&mut apt_get(&apt, &["update"]))?;

        let uris = apt_get(&apt, &["download", "--print-uris"]).args(&lacks).stderr(Stdio::inherit()).output();
        let uris = String::from_utf8_lossy(&uris.map_err(|error| format!("apt-get: {error}"))?.stdout).into_owned();
        let bytes: u64 = uris.lines().filter_map(|line| line.split(' ').nth(2)?.parse::<u64>().ok()).sum();
        println!("{} packages: {} MB", lacks.len(), bytes / 1_000_000);
        let downloads = apt.join("downloads");
        let told = |error: io::Error| format!("{}: {error}", self.folder.display());
        fs::create_dir_all(&downloads).map_err(told)?;
        succeed(apt_get(&apt, &["download"]).args(&lacks).current_dir(&downloads))?;
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
}

fn configure(apt: &Path) -> io::Result<()> {
    for folder in ["state/lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(apt.join(folder))?;
    }
    fs::write(apt.join("sources.list"), SOURCE)?;
    fs::write(apt.join("status"), "")
}

/// An `apt` that knows nothing of the machine's packages, and that the machine's knows nothing of.
fn apt_get(apt: &Path, words: &[&str]) -> Command {
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
    let architectures = format!("APT::Architectures={ARCHITECTURES}");
    // Root downloads as root: the user that `apt` would change to may not write below `target`.
    for option in ["Dir::Etc::sourceparts=-", &architectures, "Acquire::Languages=none", "APT::Sandbox::User=root"] {
        command.args(["-o", option]);
    }
    command
}

fn succeed(command: &mut Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{command:?}: {status}")),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}
