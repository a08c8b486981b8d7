//! Owns the check that all examples begin and end alike. It never looks at what they do.
//!
//! | arguments | exit status | printed |
//! |---|---|---|
//! | `--help`, `-h` | 0 | the usage, to stdout |
//! | an option that is not there, a value that is none | 2 | one line to stderr that names it |
//! | a file that is missing, or cannot be written | 1 | one line to stderr that names it |

use std::path::Path;
use std::process::{Command, ExitCode};

use crate::step;

/// An example, arguments, the exit status, and what the line on stderr names.
type Case = (&'static str, &'static [&'static str], i32, &'static str);

const MISSING: &str = "no/such/file";

/// Wrong values, and files that are not there.
const CASES: [Case; 16] = [
    ("adaptive_client", &["--seconds", "soon"], 2, "--seconds \"soon\""),
    ("adaptive_client", &["--server", "nowhere"], 2, "--server \"nowhere\""),
    ("adaptive_client", &["--seconds", "0.5", "--plot", "Cargo.toml/plot.svg"], 1, "Cargo.toml/plot.svg"),
    ("fleet", &["--processes", "1"], 2, "--processes \"1\""),
    ("fleet", &["--rate", "fast"], 2, "--rate \"fast\""),
    ("fleet", &["--server", MISSING], 1, MISSING),
    ("fleet", &["--engine", "nowhere"], 1, "nowhere"),
    ("producers", &["--threads", "0"], 2, "--threads \"0\""),
    ("producers", &["--to"], 2, "--to"),
    ("producers", &["--input", MISSING], 1, MISSING),
    ("throttled_copy", &["fast"], 2, "RATE \"fast\""),
    ("throttled_copy", &["1MB/s", "one"], 2, "one"),
    ("throttled_copy", &["1MB/s", MISSING, "copy"], 1, MISSING),
    ("throttled_copy", &["1MB/s", "Cargo.toml", "no/such/folder/copy"], 1, "no/such/folder/copy"),
    ("waiters", &["--seconds", "-3"], 2, "--seconds \"-3\""),
    ("waiters", &["--seconds"], 2, "--seconds"),
];

/// Builds all examples, and runs each as the table above says.
pub(crate) fn run() -> ExitCode {
    let build =
        "build --release --package tollgate --package tollgate-redis --examples --all-features --message-format short";
    if step::run_alone(step::Step::cargo("examples", build)) != ExitCode::SUCCESS {
        return ExitCode::FAILURE;
    }
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), std::path::PathBuf::from);
    let folder = step::root().join(target).join("release/examples");
    let names = names();
    let mut wrong = Vec::new();
    for name in &names {
        for help in ["--help", "-h"] {
            wrong.extend(run_one(&folder, name, &[help], 0, &format!("Usage: {name}")));
        }
        wrong.extend(run_one(&folder, name, &["--no-such-option"], 2, "--no-such-option"));
    }
    for (name, arguments, status, named) in CASES {
        wrong.extend(run_one(&folder, name, arguments, status, named));
    }
    println!("{} examples, {} runs", names.len(), 3 * names.len() + CASES.len());
    wrong.iter().for_each(|line| println!("  {line}"));
    if wrong.is_empty() && names.len() > 5 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What is wrong with one run, if anything is.
fn run_one(folder: &Path, name: &str, arguments: &[&str], status: i32, named: &str) -> Option<String> {
    let run = format!("{name} {}", arguments.join(" "));
    let output = match Command::new(folder.join(name)).args(arguments).current_dir(step::root()).output() {
        Ok(output) => output,
        Err(error) => return Some(format!("{run}: cannot be run: {error}")),
    };
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    judge(name, status, named, output.status.code(), &stdout, &stderr).map(|what| format!("{run}: {what}"))
}

fn judge(name: &str, status: i32, named: &str, code: Option<i32>, stdout: &str, stderr: &str) -> Option<String> {
    if code != Some(status) {
        return Some(format!("ended with {code:?}, not {status}: {stderr}"));
    }
    if status == 0 {
        return (!stdout.contains(named) || !stderr.is_empty()).then(|| format!("no {named:?} in {stdout:?}"));
    }
    let one_line = stderr.starts_with(&format!("{name}: ")) && stderr.lines().count() == 1;
    (!one_line || !stderr.contains(named)).then(|| format!("no line that names {named:?}: {stderr:?}"))
}

/// The examples of the repository, by the files that cargo finds.
fn names() -> Vec<String> {
    let folders = ["examples", "crates/redis/examples"].map(|folder| step::root().join(folder));
    let mut names: Vec<String> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("a folder of examples"))
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs") || path.join("main.rs").is_file())
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_right_if_its_status_is_and_its_line_names_what_is_wrong() {
        let judge = |status, named, code, stdout, stderr| judge("copy", status, named, code, stdout, stderr);
        assert_eq!(judge(0, "Usage: copy", Some(0), "It copies.\n\nUsage: copy\n", ""), None);
        assert_eq!(judge(1, "a.txt", Some(1), "", "copy: cannot open a.txt: it is missing\n"), None);
        for (status, code, stdout, stderr) in [
            (0, Some(0), "It copies.", ""),
            (0, Some(1), "Usage: copy a.txt", ""),
            (2, Some(1), "", "copy: a.txt\n"),
            (1, None, "", "copy: a.txt\n"),
            (1, Some(1), "", "copy: it is missing\n"),
            (1, Some(1), "", "Error: a.txt is missing\n"),
            (1, Some(1), "", "copy: a.txt\nhere\n"),
            (1, Some(1), "copy: a.txt", ""),
        ] {
            assert!(judge(status, "a.txt", code, stdout, stderr).is_some(), "{status}, {code:?}, {stdout}, {stderr}");
        }
    }

    #[test]
    fn every_case_is_of_an_example() {
        let names = names();
        assert!(names.iter().any(|name| name == "producers") && !names.iter().any(|name| name == "common"));
        for (name, ..) in CASES {
            assert!(names.iter().any(|known| known == name), "{name}");
        }
    }
}
