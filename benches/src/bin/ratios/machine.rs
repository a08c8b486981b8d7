//! Owns the description of the machine and the build. It never guesses: what it cannot find is
//! unknown.

use std::fs;
use std::process::Command;

use benches::record::Machine;

pub(crate) fn machine() -> Machine {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, name)| name);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    Machine {
        id: Machine::ID.to_owned(),
        cpu: cpu.unwrap_or("unknown").to_owned(),
        cores: std::thread::available_parallelism().map_or(0, usize::from),
        rustc: said_by("rustc", &["--version"]),
        commit: said_by("git", &["-C", env!("CARGO_MANIFEST_DIR"), "describe", "--always", "--dirty"]),
        date: said_by("date", &["-u", "+%Y-%m-%d %H:%M UTC"]),
        load: load.split_whitespace().take(3).collect::<Vec<_>>().join(" "),
    }
}

fn said_by(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output().ok().filter(|output| output.status.success());
    output.map_or_else(|| "unknown".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
