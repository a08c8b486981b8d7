//! Owns how a fault is judged: it is put into a copy, the model that must notice runs first, and
//! the whole suite only if that one does not notice.

use std::time::{Duration, Instant};

use crate::copy::{Copy, Outcome};
use crate::fault::{Expect, Fault, Sources};
use crate::models::{Models, split};

/// A model that is expected to kill takes a minute at most where it passes.
const MODEL_LIMIT: Duration = Duration::from_secs(300);
/// All models of one file.
const FILE_LIMIT: Duration = Duration::from_secs(600);

/// What became of one fault.
pub(crate) struct Verdict {
    pub(crate) id: &'static str,
    pub(crate) text: String,
    pub(crate) kind: Kind,
    pub(crate) reach: Reach,
    pub(crate) time: Duration,
    /// It is that of an earlier run.
    pub(crate) is_kept: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Killed,
    /// It survived, as it must: it is harmless, or no fault.
    Spared,
    /// A survivor, a killed no-op, or a fault that could not be tried.
    Wrong,
}

/// What a verdict rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reach {
    /// The model that is expected.
    Model,
    /// All models.
    Suite,
    /// Something was not tried, or not to its end.
    Nothing,
}

/// Without a fault everything passes, or there is nothing to be learnt. Says how long it took.
pub(crate) fn passes(copy: &Copy, file: &str) -> Result<Duration, String> {
    let started = Instant::now();
    match copy.run(file, None, FILE_LIMIT).map_err(|error| error.to_string())? {
        Outcome::Passed => Ok(started.elapsed()),
        outcome => Err(format!("{file} does not pass without a fault: {}", told(&outcome))),
    }
}

pub(crate) fn try_fault(copy: &Copy, fault: &Fault, sources: &Sources, models: &Models) -> Verdict {
    let started = Instant::now();
    let changed = fault.applied(sources).expect("checked for staleness");
    let (kind, reach, text) = match copy.write(&changed) {
        Ok(()) => judge(copy, fault, models),
        Err(error) => (Kind::Wrong, Reach::Nothing, format!("could not be tried: {error}")),
    };
    let originals = changed.into_keys().map(|name| (name.clone(), sources[&name].clone())).collect();
    let (kind, reach, text) = match copy.write(&originals) {
        Ok(()) => (kind, reach, text),
        Err(error) => (Kind::Wrong, Reach::Nothing, format!("could not be taken out again: {error}")),
    };
    Verdict { id: fault.id, text, kind, reach, time: started.elapsed(), is_kept: false }
}

/// Runs the expected model first, and the whole suite only if that one does not notice.
fn judge(copy: &Copy, fault: &Fault, models: &Models) -> (Kind, Reach, String) {
    let run = |file: &str, name: Option<&str>, limit| match copy.run(file, name, limit) {
        Ok(outcome) => outcome,
        Err(error) => Outcome::Broken(error.to_string()),
    };
    let first = fault.expect.model().map(|model| {
        let (file, name) = split(model);
        (model, run(file, Some(name), MODEL_LIMIT))
    });
    let note = match (&fault.expect, &first) {
        (_, Some((_, outcome @ (Outcome::NotBuilt(_) | Outcome::Broken(_))))) => {
            return (Kind::Wrong, Reach::Nothing, format!("NOT TRIED: {}", told(outcome)));
        }
        (Expect::Harmless { reason, .. }, Some((_, Outcome::Passed))) => {
            return (Kind::Spared, Reach::Model, format!("survived, as it must: {reason}"));
        }
        (Expect::Harmless { .. }, Some((model, outcome))) => {
            return (
                Kind::Wrong,
                reach(&[outcome], Reach::Model),
                format!("is not harmless: {model}: {}", told(outcome)),
            );
        }
        (_, Some((model, Outcome::Failed { why, .. }))) => {
            return (Kind::Killed, Reach::Model, format!("killed by {model} ({why})"));
        }
        (_, Some((model, outcome))) => format!(" (expected {model}, which {})", told(outcome)),
        (_, None) => String::new(),
    };
    let mut note = note;
    let mut outcomes: Vec<Outcome> = first.into_iter().map(|(_, outcome)| outcome).collect();
    for file in models.suite() {
        match run(file, None, FILE_LIMIT) {
            Outcome::Passed => {}
            Outcome::Failed { models, why } => {
                let text = format!("killed by {file}::{}{note} ({why})", models.join(&format!(", {file}::")));
                let reach = reach(&outcomes.iter().collect::<Vec<_>>(), Reach::Suite);
                return match fault.expect {
                    Expect::NoOp => (Kind::Wrong, reach, format!("{text}, which must not be: nothing was changed")),
                    _ => (Kind::Killed, reach, text),
                };
            }
            outcome => {
                note.push_str(&format!(" ({file} {})", told(&outcome)));
                outcomes.push(outcome);
            }
        }
    }
    let reach = reach(&outcomes.iter().collect::<Vec<_>>(), Reach::Suite);
    match fault.expect {
        Expect::NoOp if note.is_empty() => {
            (Kind::Spared, reach, "SURVIVED, as it must: nothing was changed".to_owned())
        }
        _ => (Kind::Wrong, reach, format!("SURVIVED{note}")),
    }
}

/// `reach`, unless one of the outcomes might be another on a quieter machine.
fn reach(outcomes: &[&Outcome], reach: Reach) -> Reach {
    let is_told = |outcome: &&Outcome| matches!(outcome, Outcome::Passed | Outcome::Failed { .. });
    if outcomes.iter().all(is_told) { reach } else { Reach::Nothing }
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
