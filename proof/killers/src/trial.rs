//! Owns the trial of the models: one small fault at a time, put into a copy of the sources, and
//! which model notices.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use crate::copy::{Copy, Outcome};
use crate::fault::{Expect, Fault, Sources};
use crate::{faults, sites};

/// Copies that are worked on at once; a build and a model each keep one core busy.
const WORKERS: usize = 2;
/// A model that is expected to kill takes a minute at most where it passes.
const MODEL_LIMIT: Duration = Duration::from_secs(300);
/// All models of one file.
const FILE_LIMIT: Duration = Duration::from_secs(600);

/// Tries all faults, or those of these ids, and says which survived.
pub fn run(repository: &Path, ids: &[String]) -> ExitCode {
    match trial(repository, ids) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("killers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What became of one fault.
struct Verdict {
    id: &'static str,
    text: String,
    kind: Kind,
    time: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Killed,
    /// It survived, as it must: it is harmless, or no fault.
    Spared,
    /// A survivor, a killed no-op, or a fault that could not be tried.
    Wrong,
}

fn trial(repository: &Path, ids: &[String]) -> Result<bool, String> {
    let started = Instant::now();
    let sources = read_sources(&repository.join("src")).map_err(|error| format!("src: {error}"))?;
    let models = read_models(repository, &sources).map_err(|error| format!("loom-tests/tests: {error}"))?;
    if let Some(id) = ids.iter().find(|id| faults::all().all(|fault| fault.id != **id)) {
        return Err(format!("no fault {id}"));
    }
    let is_chosen = |id: &str| ids.is_empty() || ids.iter().any(|chosen| chosen == id);
    let chosen: Vec<&Fault> = faults::all().filter(|fault| is_chosen(fault.id)).collect();
    let mut stale = stale(&sources, &models);
    // Of some, the rest of the list need not be of these sources: it may be that others are at work
    // on it.
    stale.retain(|line| ids.is_empty() || line.split_once(": ").is_some_and(|(id, _)| is_chosen(id)));
    if !stale.is_empty() {
        return Err(format!("the list of faults is not of these sources:\n  {}", stale.join("\n  ")));
    }

    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
    let copies: Result<Vec<Copy>, io::Error> = (0..WORKERS)
        .map(|worker| Copy::new(repository, target.join("killers").join(worker.to_string()), &sources))
        .collect();
    let copies = copies.map_err(|error| format!("a copy of the sources: {error}"))?;

    let files: Vec<&str> = suite(&models).filter(|_| ids.is_empty()).collect();
    println!("without a fault: {} files of models", files.len());
    for outcome in in_parallel(&copies, files, passes) {
        outcome?;
    }

    let verdicts = in_parallel(&copies, chosen, |copy, fault| {
        let started = Instant::now();
        let (kind, text) = try_fault(copy, fault, &sources, &models);
        let verdict = Verdict { id: fault.id, text, kind, time: started.elapsed() };
        println!("fault: {} {} [{:.0} s]", verdict.id, verdict.text, verdict.time.as_secs_f64());
        verdict
    });
    Ok(sum_up(&verdicts, &sources, started))
}

/// Why the list cannot be applied to these sources; nothing if it can.
fn stale(sources: &Sources, models: &BTreeMap<String, Vec<String>>) -> Vec<String> {
    let mut stale: Vec<String> = Vec::new();
    for (i, fault) in faults::all().enumerate() {
        if let Err(error) = fault.applied(sources) {
            stale.push(format!("{}: {error}", fault.id));
        }
        if let Expect::Killed(model) | Expect::Harmless { model, .. } = fault.expect {
            let (file, name) = split(model);
            if !models.get(file).is_some_and(|names| names.iter().any(|known| known == name)) {
                stale.push(format!("{}: no model {model}", fault.id));
            }
        }
        if faults::all().take(i).any(|other| other.id == fault.id) {
            stale.push(format!("{}: twice in the list", fault.id));
        }
    }
    let sites = sites::sites(sources);
    stale.extend(sites::untouched(&sites, sources).iter().map(|site| format!("no fault touches {site}")));
    stale
}

/// Without a fault everything passes, or there is nothing to be learnt.
fn passes(copy: &Copy, file: &str) -> Result<(), String> {
    let started = Instant::now();
    match copy.run(file, None, FILE_LIMIT).map_err(|error| error.to_string())? {
        Outcome::Passed => {
            println!("without a fault: {file} passes [{:.0} s]", started.elapsed().as_secs_f64());
            Ok(())
        }
        outcome => Err(format!("{file} does not pass without a fault: {}", told(&outcome))),
    }
}

fn try_fault(copy: &Copy, fault: &Fault, sources: &Sources, models: &BTreeMap<String, Vec<String>>) -> (Kind, String) {
    let changed = fault.applied(sources).expect("checked for staleness");
    if let Err(error) = copy.write(&changed) {
        return (Kind::Wrong, format!("could not be tried: {error}"));
    }
    let verdict = judge(copy, fault, models);
    let originals = changed.into_keys().map(|name| (name.clone(), sources[&name].clone())).collect();
    match copy.write(&originals) {
        Ok(()) => verdict,
        Err(error) => (Kind::Wrong, format!("could not be taken out again: {error}")),
    }
}

/// Runs the expected model first, and the whole suite only if that one does not notice.
fn judge(copy: &Copy, fault: &Fault, models: &BTreeMap<String, Vec<String>>) -> (Kind, String) {
    let run = |file: &str, name: Option<&str>, limit| match copy.run(file, name, limit) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Broken(error.to_string()),
    };
    let first = match fault.expect {
        Expect::Killed(model) | Expect::Harmless { model, .. } => {
            let (file, name) = split(model);
            Some((model, run(file, Some(name), MODEL_LIMIT)))
        }
        Expect::NoOp => None,
    };
    let note = match (&fault.expect, &first) {
        (_, Some((_, outcome @ (Outcome::NotBuilt(_) | Outcome::Broken(_))))) => {
            return (Kind::Wrong, format!("NOT TRIED: {}", told(outcome)));
        }
        (Expect::Harmless { reason, .. }, Some((_, Outcome::Passed))) => {
            return (Kind::Spared, format!("survived, as it must: {reason}"));
        }
        (Expect::Harmless { .. }, Some((model, outcome))) => {
            return (Kind::Wrong, format!("is not harmless: {model}: {}", told(outcome)));
        }
        (_, Some((model, Outcome::Failed { why, .. }))) => return (Kind::Killed, format!("killed by {model} ({why})")),
        (_, Some((model, outcome))) => format!(" (expected {model}, which {})", told(outcome)),
        (_, None) => String::new(),
    };
    let mut note = note;
    for file in suite(models) {
        match run(file, None, FILE_LIMIT) {
            Outcome::Passed => {}
            Outcome::Failed { models, why } => {
                let text = format!("killed by {file}::{}{note} ({why})", models.join(&format!(", {file}::")));
                return match fault.expect {
                    Expect::NoOp => (Kind::Wrong, format!("{text}, which must not be: nothing was changed")),
                    _ => (Kind::Killed, text),
                };
            }
            outcome => note.push_str(&format!(" ({file} {})", told(&outcome))),
        }
    }
    match fault.expect {
        Expect::NoOp if note.is_empty() => (Kind::Spared, "SURVIVED, as it must: nothing was changed".to_owned()),
        _ => (Kind::Wrong, format!("SURVIVED{note}")),
    }
}

/// What a survivor has to survive: all models, and the tests inside the crate.
fn suite(models: &BTreeMap<String, Vec<String>>) -> impl Iterator<Item = &str> {
    models.keys().map(String::as_str).filter(|file| !file.starts_with("tests/"))
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Passed => "passes".to_owned(),
        Outcome::Failed { models, why } => format!("fails in {}: {why}", models.join(", ")),
        Outcome::NotBuilt(error) => format!("does not compile: {error}"),
        Outcome::TimedOut => "is not done in time".to_owned(),
        Outcome::Broken(error) => format!("ends without a report: {error}"),
    }
}

fn sum_up(verdicts: &[Verdict], sources: &Sources, started: Instant) -> bool {
    println!("\nfaults");
    let width = verdicts.iter().map(|verdict| verdict.id.len()).max().unwrap_or(0);
    for Verdict { id, text, time, .. } in verdicts {
        println!("  {id:width$}  {:5.1} s  {text}", time.as_secs_f64());
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

/// `file::name` in its two parts.
fn split(model: &str) -> (&str, &str) {
    model.split_once("::").expect("a model is file::name")
}

fn read_sources(folder: &Path) -> io::Result<Sources> {
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

/// The names of the models by file; under `lib` and `tests/file`, tests of the crate.
fn read_models(repository: &Path, sources: &Sources) -> io::Result<BTreeMap<String, Vec<String>>> {
    let mut models = BTreeMap::new();
    for (folder, prefix) in [("loom-tests/tests", ""), ("tests", "tests/")] {
        for entry in fs::read_dir(repository.join(folder))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let file = format!("{prefix}{}", path.file_stem().unwrap_or_default().to_string_lossy());
                models.insert(file, names(&fs::read_to_string(&path)?).map(str::to_owned).collect());
            }
        }
    }
    let tests = sources.iter().flat_map(|(file, text)| {
        let module = file.trim_end_matches(".rs").replace('/', "::");
        let tests = text.split_once("\nmod tests {").map_or("", |(_, tests)| tests);
        names(tests).map(move |name| format!("{module}::tests::{name}"))
    });
    models.insert("lib".to_owned(), tests.collect());
    Ok(models)
}

/// What is declared by `model!` or by `fn`.
fn names(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let line = line.trim_start();
        let name = line.strip_prefix("fn ").and_then(|line| line.split_once('('));
        let (name, _) = name.or_else(|| line.split_once(", "))?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    #[test]
    fn every_fault_can_be_put_into_the_sources_and_every_site_is_touched() {
        let sources = read_sources(&root().join("src")).unwrap();
        let models = read_models(&root(), &sources).unwrap();
        assert_eq!(stale(&sources, &models), Vec::<String>::new());
    }

    #[test]
    fn one_fault_is_none_and_forty_are() {
        assert_eq!(faults::all().filter(|fault| matches!(fault.expect, Expect::NoOp)).count(), 1);
        assert!(faults::all().filter(|fault| matches!(fault.expect, Expect::Killed(_))).count() >= 40);
    }
}
