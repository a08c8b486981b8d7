//! Owns a run of the killers: which faults are tried, which verdicts of earlier runs are kept, and
//! what is printed.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use crate::copy::Copy;
use crate::fault::{Fault, Sources};
use crate::judge::{Kind, Verdict, passes, try_fault};
use crate::kept::{self, Kept};
use crate::models::Models;
use crate::{copy, faults, sites};

/// Copies that are worked on at once; a build and a model each keep one core busy.
const WORKERS: usize = 2;

/// Tries all faults, or those of these ids, and says which survived. A verdict of an earlier run is
/// kept while all that it depends on stands; the word `--fresh` has every fault tried.
pub fn run(repository: &Path, words: &[String]) -> ExitCode {
    let (flags, ids): (Vec<&str>, Vec<&str>) = words.iter().map(String::as_str).partition(|word| word.starts_with('-'));
    let result = match flags[..] {
        [] => trial(repository, &ids, false),
        ["--fresh"] => trial(repository, &ids, true),
        _ => Err("usage: cargo xtask killers [--fresh] [ID...]".to_owned()),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("killers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn trial(repository: &Path, ids: &[&str], is_fresh: bool) -> Result<bool, String> {
    let started = Instant::now();
    let sources = read_sources(&repository.join("src")).map_err(|error| format!("src: {error}"))?;
    let models = Models::read(repository, &sources).map_err(|error| format!("loom-tests/tests: {error}"))?;
    if let Some(id) = ids.iter().find(|id| faults::all().all(|fault| fault.id != **id)) {
        return Err(format!("no fault {id}"));
    }
    let is_chosen = |id: &str| ids.is_empty() || ids.contains(&id);
    let chosen: Vec<&Fault> = faults::all().filter(|fault| is_chosen(fault.id)).collect();
    let mut stale = stale(&sources, &models);
    // Of some, the rest of the list need not be of these sources: it may be that others are at work
    // on it.
    stale.retain(|line| ids.is_empty() || line.split_once(": ").is_some_and(|(id, _)| is_chosen(id)));
    if !stale.is_empty() {
        return Err(format!("the list of faults is not of these sources:\n  {}", stale.join("\n  ")));
    }

    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
    let folder = target.join("killers");
    let build = copy::manifest(repository).and_then(|manifest| kept::build(repository, manifest));
    let build = build.map_err(|error| format!("how it is built: {error}"))?;
    let kept = Kept::new(folder.join("verdicts"), &build, &sources, &models, is_fresh);
    let kept = kept.map_err(|error| format!("kept verdicts: {error}"))?;

    let files: Vec<&str> = models.suite().filter(|_| ids.is_empty()).collect();
    println!("without a fault: {} files of models", files.len());
    let (known, files): (Vec<_>, Vec<_>) = files.into_iter().partition(|file| kept.pass(file).is_some());
    let mut suite = Duration::ZERO;
    for file in known {
        let time = kept.pass(file).unwrap_or_default();
        println!("without a fault: {file} passes [{:.0} s] [kept]", time.as_secs_f64());
        suite += time;
    }
    let mut verdicts: Vec<Verdict> = chosen.iter().filter_map(|fault| kept.verdict(fault, &sources)).collect();
    for verdict in &verdicts {
        say(verdict);
    }
    let untried: Vec<&Fault> =
        chosen.iter().copied().filter(|fault| verdicts.iter().all(|verdict| verdict.id != fault.id)).collect();

    if !files.is_empty() || !untried.is_empty() {
        let copies: Result<Vec<Copy>, io::Error> =
            (0..WORKERS).map(|worker| Copy::new(repository, folder.join(worker.to_string()), &sources)).collect();
        let copies = copies.map_err(|error| format!("a copy of the sources: {error}"))?;
        let passed = in_parallel(&copies, files, |copy, file| {
            let time = passes(copy, file)?;
            println!("without a fault: {file} passes [{:.0} s]", time.as_secs_f64());
            kept.keep_pass(file, time).map_err(|error| format!("{file}: cannot be kept: {error}"))?;
            Ok::<_, String>(time)
        });
        for time in passed {
            suite += time?;
        }
        verdicts.extend(in_parallel(&copies, untried, |copy, fault| {
            let verdict = try_fault(copy, fault, &sources, &models);
            say(&verdict);
            if let Err(error) = kept.keep(&verdict, fault, &sources) {
                println!("{}: its verdict cannot be kept: {error}", fault.id);
            }
            verdict
        }));
    }
    let place = |verdict: &Verdict| chosen.iter().position(|fault| fault.id == verdict.id);
    verdicts.sort_by_key(place);
    Ok(sum_up(&verdicts, suite, &sources, started))
}

fn say(verdict: &Verdict) {
    println!("fault: {} {} [{:.0} s]{}", verdict.id, verdict.text, verdict.time.as_secs_f64(), mark(verdict));
}

fn mark(verdict: &Verdict) -> &'static str {
    if verdict.is_kept { " [kept]" } else { "" }
}

/// Why the list cannot be applied to these sources; nothing if it can.
fn stale(sources: &Sources, models: &Models) -> Vec<String> {
    let mut stale: Vec<String> = Vec::new();
    for (i, fault) in faults::all().enumerate() {
        if let Err(error) = fault.applied(sources) {
            stale.push(format!("{}: {error}", fault.id));
        }
        if let Some(model) = fault.expect.model().filter(|model| !models.has(model)) {
            stale.push(format!("{}: no model {model}", fault.id));
        }
        if faults::all().take(i).any(|other| other.id == fault.id) {
            stale.push(format!("{}: twice in the list", fault.id));
        }
    }
    let sites = sites::sites(sources);
    stale.extend(sites::untouched(&sites, sources).iter().map(|site| format!("no fault touches {site}")));
    stale
}

fn sum_up(verdicts: &[Verdict], suite: Duration, sources: &Sources, started: Instant) -> bool {
    println!("\nfaults");
    let width = verdicts.iter().map(|verdict| verdict.id.len()).max().unwrap_or(0);
    for verdict in verdicts {
        let Verdict { id, text, time, .. } = verdict;
        println!("  {id:width$}  {:5.1} s  {text}{}", time.as_secs_f64(), mark(verdict));
    }
    let sites = sites::sites(sources);
    let covered = sites.len() - sites::untouched(&sites, sources).len();
    let count = |kind| verdicts.iter().filter(|verdict| verdict.kind == kind).count();
    println!("sites: {}, covered: {covered}", sites.len());
    println!(
        "faults: {}, killed: {}, harmless or no fault, and survived: {}, SURVIVED or not tried: {}, in {:.0} s",
        verdicts.len(),
        count(Kind::Killed),
        count(Kind::Spared),
        count(Kind::Wrong),
        started.elapsed().as_secs_f64()
    );
    let trials: Duration = verdicts.iter().map(|verdict| verdict.time).sum();
    println!(
        "kept: {}; all trials, kept ones included: {:.0} s of {WORKERS} workers, and {:.0} s without a fault",
        verdicts.iter().filter(|verdict| verdict.is_kept).count(),
        trials.as_secs_f64(),
        suite.as_secs_f64()
    );
    count(Kind::Wrong) == 0
}

/// Works through `jobs` with one thread for each copy; the answers are in the order of the jobs.
fn in_parallel<J: Send, A: Send>(copies: &[Copy], jobs: Vec<J>, work: impl Fn(&Copy, J) -> A + Sync) -> Vec<A> {
    let queue = Mutex::new(jobs.into_iter().enumerate().collect::<VecDeque<_>>());
    let answers = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for copy in copies {
            scope.spawn(|| {
                loop {
                    let Some((i, job)) = queue.lock().expect("no worker panics").pop_front() else { break };
                    let answer = work(copy, job);
                    answers.lock().expect("no worker panics").insert(i, answer);
                }
            });
        }
    });
    answers.into_inner().expect("no worker panicked").into_values().collect()
}

/// The files of `src/`.
pub(crate) fn read_sources(folder: &Path) -> io::Result<Sources> {
    fn read(folder: &Path, below: &str, sources: &mut Sources) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                read(&entry.path(), &format!("{name}/"), sources)?;
            } else {
                sources.insert(name, fs::read_to_string(entry.path())?);
            }
        }
        Ok(())
    }
    let mut sources = Sources::new();
    read(folder, "", &mut sources)?;
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Expect;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn every_fault_can_be_put_into_the_sources_and_every_site_is_touched() {
        let sources = read_sources(&root().join("src")).unwrap();
        let models = Models::read(&root(), &sources).unwrap();
        assert_eq!(stale(&sources, &models), Vec::<String>::new());
    }

    #[test]
    fn one_fault_is_none_and_forty_are() {
        assert_eq!(faults::all().filter(|fault| matches!(fault.expect, Expect::NoOp)).count(), 1);
        assert!(faults::all().filter(|fault| matches!(fault.expect, Expect::Killed(_))).count() >= 40);
    }
}
