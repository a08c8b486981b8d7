//! Owns the rules of the house: what the text of the repository must look like. No rule has an
//! exception list; a violation says where, what, and which rule.

mod layers;
mod length;
mod width;

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use crate::step::root;

/// Text by its path in the repository.
type Files = BTreeMap<String, String>;

/// A named rule: what breaks it, each as `file:line: what`.
type Rule = (&'static str, fn(&Files) -> Vec<String>);

const RULES: [Rule; 3] = [
    ("imports in src go down only, by the defining path", layers::violations),
    ("comments and prose are at most 100 columns wide", width::violations),
    ("no file in src is longer than 500 lines", length::violations),
];

/// Prints what breaks the rules, and whether nothing does.
pub(crate) fn check() -> bool {
    let files = match files() {
        Ok(files) => files,
        Err(error) => {
            println!("the files of the repository: {error}");
            return false;
        }
    };
    let mut results: Vec<(&str, Vec<String>)> = RULES.iter().map(|(name, rule)| (*name, rule(&files))).collect();
    results.push((
        "every ordering names what dies without it",
        match killers::orderings(&root()) {
            Ok(violations) => violations,
            Err(error) => vec![error],
        },
    ));
    for (name, violations) in &results {
        println!("{name}: {}", if violations.is_empty() { "yes" } else { "NO" });
        for violation in violations {
            println!("  {violation}");
        }
    }
    results.iter().all(|(_, violations)| violations.is_empty())
}

/// All text files that git knows, or would: without test data, and without what fuzzing has found.
fn files() -> Result<Files, String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let output = git.output().map_err(|error| format!("git ls-files: {error}"))?;
    if !output.status.success() {
        return Err(format!("git ls-files: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let names = String::from_utf8_lossy(&output.stdout).into_owned();
    let is_read = |name: &&str| {
        let is_data =
            ["fuzz/regressions/", "fuzz/seeds/", "tests/regressions/"].iter().any(|data| name.starts_with(data));
        !is_data && (name.ends_with(".rs") || name.ends_with(".md"))
    };
    let mut files = Files::new();
    for name in names.lines().filter(is_read) {
        // One that is deleted and not yet committed is still listed.
        if let Ok(text) = fs::read_to_string(root().join(name)) {
            files.insert(name.to_owned(), text);
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_the_repository_are_found_and_data_is_not() {
        let files = files().unwrap();
        assert!(files.contains_key("src/lib.rs") && files.contains_key("README.md"));
        assert!(files.keys().all(|name| !name.starts_with("fuzz/regressions")));
    }
}
