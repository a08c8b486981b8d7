//! Owns the table of the loom models: threads, calls, the bound on preemptions, executions.
//!
//! Threads, bound and executions are measured: each model prints them in a line. The calls are what
//! its doc comment says, and that comment is held against the run. Below its first paragraph stands
//! a sentence on its size:
//!
//! ```text
//! Two threads, one take each; exhaustive.
//! Three threads: two takes of one each and a read, two slots.
//! ```
//!
//! It begins with the number of threads. It says `exhaustive` or `one execution` if, and only if,
//! nothing bounds the preemptions.

use std::collections::BTreeMap;
use std::fs;

use crate::step::root;

const NUMBERS: [&str; 3] = ["One thread", "Two threads", "Three threads"];

/// The text of each file of models, by its name.
fn texts() -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(root().join("loom-tests/tests")).into_iter().flatten().flatten() {
        let file = entry.path().file_stem().unwrap_or_default().to_string_lossy().into_owned();
        texts.insert(file, fs::read_to_string(entry.path()).unwrap_or_default());
    }
    texts
}

/// What a doc comment says of a model.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    threads: usize,
    /// `None` if the sentence says nothing of them.
    calls: Option<String>,
    is_exhaustive: bool,
}

/// What a model printed.
#[derive(Debug, PartialEq, Eq)]
struct Ran<'a> {
    /// `file::name`.
    name: &'a str,
    threads: usize,
    bound: &'a str,
    executions: &'a str,
    seconds: &'a str,
}

/// Prints the table of the models that ran, and whether their docs say what they are.
pub(super) fn print(printed: &str) -> bool {
    let ran: Vec<Ran<'_>> = printed.lines().filter_map(ran).collect();
    if ran.is_empty() {
        // A run of some tests may have no model.
        return true;
    }
    let is_bounded_by_hand = std::env::var_os("LOOM_MAX_PREEMPTIONS").is_some();
    let (rows, wrong) = rows(&ran, &texts(), is_bounded_by_hand);
    println!("\nmodels");
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..6).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    let exhaustive = ran.iter().filter(|model| model.bound == "none").count();
    println!("models: {}, of which {exhaustive} exhaustive", ran.len());
    for what in &wrong {
        println!("{what}");
    }
    wrong.is_empty()
}

/// A row for each model below the headings, and what the docs say wrongly.
fn rows(
    ran: &[Ran<'_>],
    texts: &BTreeMap<String, String>,
    is_bounded_by_hand: bool,
) -> (Vec<[String; 6]>, Vec<String>) {
    let mut rows = vec![["model", "threads", "preemptions", "executions", "seconds", "calls"].map(str::to_owned)];
    let mut wrong = Vec::new();
    for model in ran {
        let (file, name) = model.name.split_once("::").unwrap_or(("", model.name));
        let said = texts.get(file).and_then(|text| said(text, name));
        let mut say = |what: &str| wrong.push(format!("loom-tests/tests/{file}.rs: {name}: {what}"));
        let is_exhaustive = model.bound == "none";
        match &said {
            None => say("its docs have no sentence that begins with the number of threads"),
            Some(said) if said.threads != model.threads => {
                say(&format!("its docs say {} threads, but it had {}", said.threads, model.threads));
            }
            Some(said) if said.is_exhaustive != is_exhaustive && !is_bounded_by_hand => {
                say(if is_exhaustive {
                    "nothing bounds its preemptions, but its docs do not say \"exhaustive\""
                } else {
                    "its docs say that it is exhaustive, but its preemptions are bounded"
                });
            }
            Some(_) => {}
        }
        let calls = said.and_then(|said| said.calls).unwrap_or_else(|| "not said".to_owned());
        let (threads, bound, executions) = (model.threads.to_string(), model.bound, model.executions);
        let cells = [model.name, threads.as_str(), bound, executions, model.seconds, calls.as_str()];
        rows.push(cells.map(str::to_owned));
    }
    (rows, wrong)
}

/// Reads `model FILE::NAME threads=2 preemptions=none executions=12 outcomes=2 seconds=0.1`.
fn ran(line: &str) -> Option<Ran<'_>> {
    // The runner may have begun a line of its own before it.
    let (_, line) = line.split_once("model ")?;
    let mut words = line.split(' ');
    let name = words.next()?;
    let fields: BTreeMap<&str, &str> = words.filter_map(|word| word.split_once('=')).collect();
    let field = |name: &str| fields.get(name).copied();
    Some(Ran {
        name,
        threads: field("threads")?.parse().ok()?,
        bound: field("preemptions")?,
        executions: field("executions")?,
        seconds: field("seconds")?,
    })
}

/// What the doc comment of a model says of its size.
fn said(text: &str, name: &str) -> Option<Said> {
    let docs: Vec<&str> =
        above(text, name)?.lines().filter_map(|line| line.trim().strip_prefix("///")).map(str::trim).collect();
    let docs = docs.iter().map(|line| if line.is_empty() { "\n" } else { line }).collect::<Vec<_>>().join(" ");
    let (_, size) = docs.split_once('\n')?;
    let sentence = size.split(". ").map(str::trim).find(|sentence| NUMBERS.iter().any(|n| sentence.starts_with(n)))?;
    let sentence = sentence.trim_end_matches('.');
    let (i, number) = NUMBERS.iter().enumerate().find(|(_, number)| sentence.starts_with(**number))?;
    let rest = sentence[number.len()..].trim_start_matches([',', ':', ';']).trim();
    let is_exhaustive = ["exhaustive", "one execution"].iter().any(|word| rest.contains(word));
    let calls = rest.split("; ").next().filter(|calls| !calls.is_empty() && !is_a_bound(calls));
    Some(Said { threads: i + 1, calls: calls.map(str::to_owned), is_exhaustive })
}

/// What stands above the name of a model: of a `model!`, or of a test that explores one.
fn above<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let declared = format!("\n    {name}, ");
    if let Some(block) = text.split("\nmodel! {").skip(1).find(|block| block.contains(&declared)) {
        return block.split(&declared).next();
    }
    let above = text.split(&format!("\nfn {name}(")).next().filter(|above| above.len() < text.len())?;
    above.rsplit("\n\n").next()
}

fn is_a_bound(words: &str) -> bool {
    words == "exhaustive" || words == "one execution" || words.starts_with("at most ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
model! {
    /// One gets it.
    ///
    /// Two threads, one take each, and a
    /// reset; exhaustive. Fails if it is not.
    last_token, None, 2, [1], || 1
}

model! {
    /// Three threads go on.
    ///
    /// They are Three. Three threads: two takes and a read; at most 3 preemptions.
    all, Some(3), 2, [1], || 1
}

model! {
    /// Two threads agree.
    unsaid, None, 2, [1], || 1
}

model! {
    /// A key stays.
    ///
    /// Two threads; exhaustive.
    no_calls, None, 2, [1], || 1
}
";

    fn wrong(line: &str) -> Vec<String> {
        let texts = BTreeMap::from([("a".to_owned(), TEXT.to_owned())]);
        rows(&[ran(line).unwrap()], &texts, false).1
    }

    #[test]
    fn a_doc_comment_says_the_size_of_its_model() {
        let said = |name| said(TEXT, name);
        let calls = |calls: &str| Some(calls.to_owned());
        let last = Said { threads: 2, calls: calls("one take each, and a reset"), is_exhaustive: true };
        assert_eq!(said("last_token"), Some(last));
        assert_eq!(said("all"), Some(Said { threads: 3, calls: calls("two takes and a read"), is_exhaustive: false }));
        assert_eq!(said("unsaid"), None, "the first paragraph is the claim");
        assert_eq!(said("no_calls"), Some(Said { threads: 2, calls: None, is_exhaustive: true }));
    }

    #[test]
    fn a_line_of_a_run_is_read_behind_what_the_runner_prints() {
        let line = "test all ... model a::all threads=3 preemptions=3 executions=70 outcomes=1 seconds=0.5";
        let expected = Ran { name: "a::all", threads: 3, bound: "3", executions: "70", seconds: "0.5" };
        assert_eq!(ran(line), Some(expected));
        assert_eq!(ran("running 3 tests"), None);
    }

    #[test]
    fn docs_that_say_what_is_not_so_are_found() {
        let line = |name: &str, threads, bound: &str| {
            format!("model a::{name} threads={threads} preemptions={bound} executions=1 outcomes=1 seconds=0.1")
        };
        assert!(wrong(&line("last_token", 2, "none")).is_empty());
        assert!(wrong(&line("all", 3, "3")).is_empty());
        assert!(wrong(&line("last_token", 3, "none"))[0].ends_with("its docs say 2 threads, but it had 3"));
        assert!(wrong(&line("last_token", 2, "2"))[0].contains("its preemptions are bounded"));
        assert!(wrong(&line("all", 3, "none"))[0].contains("do not say \"exhaustive\""));
        assert!(wrong(&line("unsaid", 2, "none"))[0].contains("no sentence"));
    }

    #[test]
    fn every_model_says_its_size_as_it_is_declared() {
        let mut count = 0;
        for (file, text) in texts() {
            for block in text.split("\nmodel! {").skip(1) {
                let is_name = |line: &&str| line.trim().starts_with(|c: char| c.is_ascii_lowercase());
                let declared = block.lines().find(is_name);
                let mut words = declared.unwrap_or_default().trim().split(", ");
                let (name, bound) = (words.next().unwrap(), words.next().unwrap());
                let said = said(&text, name).unwrap_or_else(|| panic!("{file}::{name}: no number of threads"));
                assert_eq!(said.is_exhaustive, bound == "None", "{file}::{name}: {said:?}");
                count += 1;
            }
        }
        assert!(count >= 100, "{count} models");
    }
}
