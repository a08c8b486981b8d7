//! Owns the table of machines: what each shows, what it needs, and what is run on it.

use std::path::Path;
use std::process::Command;

use debian::Debian;

pub(super) struct Machine {
    pub(super) name: &'static str,
    pub(super) triple: &'static str,
    pub(super) shows: &'static str,
    /// Its standard library.
    library: Library,
    /// The processor's architecture as GNU and as Debian call it; none where nothing is linked, or
    /// the machine's own `cc` links it.
    links: Option<(&'static str, &'static str)>,
    /// What runs its programs; none where this machine does.
    emulator: Option<&'static str>,
    flags: &'static [&'static str],
    /// The words of a `cargo` command each, for the package `tollgate` unless they name another.
    pub(super) jobs: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Library {
    /// Built by Debian, for one of its architectures.
    Debian(&'static str),
    /// Built here from Debian's sources: these crates, for which the compiler must be allowed what
    /// is not stable.
    Source(&'static str),
}

/// The compiler and what it needs of libraries that a machine seldom has.
const COMPILER: [&str; 9] = [
    "rustc-web",
    "cargo-web",
    "libstd-rust-web-1.85",
    "libstd-rust-web-dev",
    "libllvm19",
    "libz3-4",
    "libedit2",
    "libpcre3",
    "libhttp-parser2.9",
];

const BUILD: &str = "build --no-default-features";
const TEST_LIB: &str = "test --no-default-features --lib";
/// The library and what is in `tests`; the examples are for machines with atomics of 64 bits.
const TEST: &str = "test --lib --test *";

pub(super) const MACHINES: [Machine; 8] = [
    Machine {
        name: "msrv",
        triple: "x86_64-unknown-linux-gnu",
        shows: "the oldest compiler there may be, 1.85",
        library: Library::Debian("amd64"),
        links: None,
        emulator: None,
        flags: &[],
        jobs: &[
            BUILD,
            "build --no-default-features --features alloc",
            "build --no-default-features --features std",
            "build --no-default-features --features serde",
            "build --all-features",
            "test --all-features --lib --tests",
            "build --package tollgate-http --all-features",
            "build --package tollgate-tower --all-features",
        ],
    },
    Machine {
        name: "i686",
        triple: "i686-unknown-linux-gnu",
        shows: "32 bits, run by this processor itself",
        library: Library::Debian("i386"),
        links: Some(("i686-linux-gnu", "i386")),
        emulator: None,
        flags: &[],
        jobs: &[BUILD, TEST_LIB, TEST],
    },
    Machine {
        name: "armv7",
        triple: "armv7-unknown-linux-gnueabihf",
        shows: "32-bit ARM with 64-bit atomics",
        library: Library::Debian("armhf"),
        links: Some(("arm-linux-gnueabihf", "armhf")),
        emulator: Some("qemu-arm"),
        flags: &[],
        jobs: &[BUILD, TEST_LIB, TEST],
    },
    Machine {
        name: "s390x",
        triple: "s390x-unknown-linux-gnu",
        shows: "big-endian, 64 bits",
        library: Library::Debian("s390x"),
        links: Some(("s390x-linux-gnu", "s390x")),
        emulator: Some("qemu-s390x"),
        flags: &[],
        jobs: &[BUILD, TEST_LIB, TEST],
    },
    Machine {
        name: "armv5",
        triple: "armv5te-unknown-linux-gnueabi",
        shows: "no 64-bit atomics: the kernel's helper stands in",
        library: Library::Source("std,panic_unwind,test"),
        links: Some(("arm-linux-gnueabi", "armel")),
        emulator: Some("qemu-arm"),
        flags: &[],
        jobs: &[BUILD, TEST_LIB, TEST],
    },
    Machine {
        name: "armv5-locks",
        triple: "armv5te-unknown-linux-gnueabi",
        shows: "no 64-bit atomics and no helper: the locks of portable-atomic stand in",
        library: Library::Source("std,panic_unwind,test"),
        links: Some(("arm-linux-gnueabi", "armel")),
        emulator: Some("qemu-arm"),
        flags: &["--cfg", "portable_atomic_no_outline_atomics"],
        jobs: &[TEST_LIB, TEST],
    },
    Machine {
        name: "thumbv7em",
        triple: "thumbv7em-none-eabihf",
        shows: "bare: `no_std`, there is no `alloc`, no 64-bit atomics; built only",
        library: Library::Source("core"),
        links: None,
        emulator: None,
        flags: &[],
        jobs: &[BUILD],
    },
    Machine {
        name: "thumbv6m",
        triple: "thumbv6m-none-eabi",
        shows: "bare, and no compare-and-exchange: interrupts are disabled instead; built only",
        library: Library::Source("core"),
        links: None,
        emulator: None,
        flags: &["--cfg", "portable_atomic_unsafe_assume_single_core"],
        jobs: &[BUILD],
    },
];

impl Machine {
    /// Debian's packages that it needs, as `name` or `name:architecture`.
    pub(super) fn packages(&self) -> Vec<String> {
        let mut packages = COMPILER.map(str::to_owned).to_vec();
        match self.library {
            Library::Debian("amd64") => {}
            Library::Debian(architecture) => packages.push(format!("libstd-rust-web-dev:{architecture}")),
            Library::Source(_) => packages.push("rust-web-src".to_owned()),
        }
        if let Some((_, architecture)) = self.links {
            packages.extend(["clang-19", "libclang-cpp19", "lld-19"].map(str::to_owned));
            packages.extend(["libc6-dev", "libgcc-12-dev"].map(|package| format!("{package}:{architecture}")));
        }
        if self.emulator.is_some() {
            packages.extend(["qemu-user", "libcapstone4"].map(str::to_owned));
        }
        packages
    }

    pub(super) fn command(&self, debian: &Debian, job: &str) -> Command {
        let program = |name: &str| debian.root().join("usr/bin").join(name);
        let mut command = Command::new(program("cargo"));
        command.args(job.split_whitespace()).args(["--locked", "--target", self.triple]);
        if !job.contains("--package") {
            command.args(["--package", "tollgate"]);
        }
        if job.starts_with("test") {
            command.arg("--no-fail-fast");
        }
        if let Some(emulator) = self.emulator {
            command.arg("--config").arg(format!("target.{}.runner = [{:?}]", self.triple, program(emulator)));
        }
        if let Library::Source(crates) = self.library {
            command.arg(format!("-Zbuild-std={crates}")).env("RUSTC_BOOTSTRAP", "1");
        }
        command.envs([("RUSTC", program("rustc")), ("RUSTDOC", program("rustdoc"))]);
        command.env("LD_LIBRARY_PATH", debian.libraries()).env("CARGO_TARGET_DIR", debian.folder().join("build"));
        command.env("CARGO_ENCODED_RUSTFLAGS", self.rustflags(&debian.root(), &program("clang-19")).join("\x1f"));
        // Emulation is slow. Overflow is checked nevertheless.
        command.envs([
            ("CARGO_PROFILE_DEV_OPT_LEVEL", "1"),
            ("CARGO_PROFILE_DEV_DEBUG", "0"),
            ("CARGO_INCREMENTAL", "0"),
        ]);
        command
    }

    /// Programs are linked statically, so that neither this machine nor the emulator has to find a
    /// foreign library.
    fn rustflags(&self, sysroot: &Path, clang: &Path) -> Vec<String> {
        let mut flags: Vec<String> = self.flags.iter().map(|&flag| flag.to_owned()).collect();
        if let Some((gnu, _)) = self.links {
            flags.push(format!("-Clinker={}", clang.display()));
            flags.push(format!("-Clink-args=--target={gnu} -fuse-ld=lld"));
            flags.push(format!("-Clink-arg=--sysroot={}", sysroot.display()));
            flags.push("-Ctarget-feature=+crt-static".to_owned());
        }
        flags
    }
}
