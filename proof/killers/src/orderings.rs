//! Holds the comment at every atomic site against the list of faults: what a comment says dies,
//! does.
//!
//! A comment that begins with `ORDERING:` stands above the statement with the site. Where it says
//! `both` or `all` in its first sentence, it holds to the end of the block, or to the next such
//! comment. It says one of two things.
//!
//! - What dies: a file and a test in it, as in "Dies without it: loom-tests/reset.rs,
//!   `a_name`.". The file is `loom-tests/X.rs`, `tests/X.rs` or `src/ROOM/X.rs`. The test must
//!   exist, and a fault at one of the sites must be killed by one of the tests that are named.
//! - `Nothing dies`, in these words and with no test: then every fault at its sites must be in the
//!   list as harmless.

use std::ops::Range;
use std::path::Path;

use crate::fault::{Expect, Fault, Sources};
use crate::models::Models;
use crate::sites::{self, Site};
use crate::{faults, trial};

/// What the comments at the atomic sites of the repository say that is not so, each as
/// `file:line: what`.
///
/// # Errors
///
/// If the sources or the models cannot be read.
pub fn orderings(repository: &Path) -> Result<Vec<String>, String> {
    let sources = trial::read_sources(&repository.join("src")).map_err(|error| format!("src: {error}"))?;
    let models = Models::read(repository, &sources).map_err(|error| format!("loom-tests/tests: {error}"))?;
    let faults: Vec<&Fault> = faults::all().collect();
    Ok(violations(&sources, &models, &faults))
}

/// A comment and the code for which it speaks.
struct Comment {
    line: usize,
    words: String,
    /// From its end to the end of the statement, or of the block.
    code: Range<usize>,
}

fn violations(sources: &Sources, models: &Models, faults: &[&Fault]) -> Vec<String> {
    let sites = sites::sites(sources);
    let mut violations = Vec::new();
    for (file, text) in sources.iter().filter(|(file, _)| !file.starts_with("sync/")) {
        let comments = comments(text);
        let mut sites_of: Vec<Vec<&Site>> = comments.iter().map(|_| Vec::new()).collect();
        for site in sites.iter().filter(|site| site.file() == file) {
            // The nearest one above it.
            match comments.iter().rposition(|comment| comment.code.contains(&site.place().start)) {
                Some(nearest) => sites_of[nearest].push(site),
                None => violations.push(format!("{site}: no ORDERING comment above its statement")),
            }
        }
        for (comment, sites) in comments.iter().zip(&sites_of) {
            let at = format!("src/{file}:{}", comment.line);
            if sites.is_empty() {
                violations.push(format!("{at}: an ORDERING comment above no atomic operation"));
            } else {
                violations
                    .extend(wrong(&comment.words, sites, sources, models, faults).map(|what| format!("{at}: {what}")));
            }
        }
    }
    violations
}

/// What is wrong with the words of a comment, if something is.
fn wrong(words: &str, sites: &[&Site], sources: &Sources, models: &Models, faults: &[&Fault]) -> Option<String> {
    let named = named(words);
    let says_nothing = words.to_lowercase().contains("nothing dies");
    let touching: Vec<&Fault> = sites.iter().flat_map(|site| site.faults(faults, sources)).collect();
    let killed: Vec<(&str, &str)> = touching
        .iter()
        .filter_map(|fault| match fault.expect {
            Expect::Killed(model) => Some((fault.id, model)),
            Expect::Harmless { .. } | Expect::NoOp => None,
        })
        .collect();
    let list = || killed.iter().map(|(id, model)| format!("{id} by {model}")).collect::<Vec<_>>().join(", ");
    if let Some(model) = named.iter().find(|model| !models.has(model)) {
        return Some(format!("names {model}, which does not exist"));
    }
    match (named.is_empty(), says_nothing) {
        (true, false) => Some("names no test that dies, and does not say \"Nothing dies\"".to_owned()),
        (true, true) if !killed.is_empty() => Some(format!("says that nothing dies, but killed is {}", list())),
        (false, _) if killed.is_empty() => {
            Some(format!("names {}, but no fault at its sites is killed", named.join(", ")))
        }
        (false, _) if !killed.iter().any(|(_, model)| named.iter().any(|named| named == model)) => {
            Some(format!("names {}, but killed is {}", named.join(", "), list()))
        }
        _ => None,
    }
}

/// The tests that a comment names, as the list of faults names them.
fn named(words: &str) -> Vec<String> {
    let mut named = Vec::new();
    for (place, _) in words.match_indices(".rs, `") {
        let start = words[..place].rfind(|c: char| c.is_whitespace() || c == '(').map_or(0, |space| space + 1);
        let path = &words[start..place];
        let name = words[place + ".rs, `".len()..].split('`').next().unwrap_or_default();
        let model = if let Some(file) = path.strip_prefix("loom-tests/") {
            format!("{}::{name}", file.trim_start_matches("tests/"))
        } else if let Some(file) = path.strip_prefix("src/") {
            format!("lib::{}::tests::{name}", file.trim_end_matches("/mod").replace('/', "::"))
        } else {
            format!("{path}::{name}")
        };
        named.push(model);
    }
    named
}

/// The comments on orderings in a file, in its order.
fn comments(text: &str) -> Vec<Comment> {
    let code = sites::code(text);
    let mut comments: Vec<Comment> = Vec::new();
    let (mut at, mut open) = (0, None::<Comment>);
    for (line, number) in text.split_inclusive('\n').zip(1..) {
        let words = line.trim().strip_prefix("//").map(str::trim);
        let begins = words.is_some_and(|words| words.starts_with("ORDERING:")) && at < code.len();
        if begins || words.is_none() {
            comments.extend(open.take());
        }
        if begins {
            open = Some(Comment { line: number, words: String::new(), code: 0..0 });
        }
        at += line.len();
        if let (Some(comment), Some(words)) = (&mut open, words) {
            comment.words = format!("{} {words}", comment.words);
            comment.code = at..at;
        }
    }
    comments.extend(open);
    let starts: Vec<usize> = comments.iter().map(|comment| comment.code.start).collect();
    for (i, comment) in comments.iter_mut().enumerate() {
        let next = starts.get(i + 1).copied().unwrap_or(code.len());
        let (statement, block) = ends(&code, comment.code.start);
        let first = comment.words.split_once(". ").map_or(comment.words.as_str(), |(first, _)| first);
        let speaks_for_more = first.split(|c: char| !c.is_alphanumeric()).any(|word| word == "both" || word == "all");
        comment.code.end = if speaks_for_more { block.min(next).max(statement.min(block)) } else { statement };
    }
    comments
}

/// The end of the statement that begins behind `start`, and of the block that it is in.
fn ends(code: &str, start: usize) -> (usize, usize) {
    let mut depth = 0;
    let mut statement = None;
    for (offset, byte) in code[start..].bytes().enumerate() {
        let end = start + offset + 1;
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return (statement.unwrap_or(end), end),
            b')' | b']' | b'}' => {
                depth -= 1;
                // A block ends a statement, unless something is done with it.
                let goes_on = code[end..].trim_start().starts_with(['.', '?', ';', ',', '=', '&', '|', ')', ']']);
                let goes_on = goes_on || code[end..].trim_start().starts_with("else");
                if byte == b'}' && depth == 0 && !goes_on {
                    statement = statement.or(Some(end));
                }
            }
            b';' if depth == 0 => statement = statement.or(Some(end)),
            _ => {}
        }
    }
    (statement.unwrap_or(code.len()), code.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::edit;

    const KILLED: Fault = Fault {
        id: "relaxed",
        edits: &[edit("a.rs", "fn f", "load(Acquire)", "load(Relaxed)")],
        expect: Expect::Killed("smoke::m"),
    };
    const HARMLESS: Fault =
        Fault { expect: Expect::Harmless { model: "smoke::m", reason: "a hint" }, id: "harmless", ..KILLED };

    fn found(words: &str, fault: &Fault) -> Vec<String> {
        let text = format!("fn f() {{\n    {words}\n    self.word.load(Acquire)\n}}\n");
        let sources = Sources::from([("a.rs".to_owned(), text)]);
        violations(&sources, &Models::named([("smoke", &["m", "n"]), ("lib", &["a::tests::t"])]), &[fault])
    }

    #[test]
    fn a_comment_that_names_the_killer_or_says_that_nothing_dies_is_right() {
        assert!(found("// ORDERING: Acquire. Dies without it: loom-tests/smoke.rs,\n    // `m`.", &KILLED).is_empty());
        assert!(found("// ORDERING: Acquire. A hint. Nothing dies.", &HARMLESS).is_empty());
        let unit = Fault { expect: Expect::Killed("lib::a::tests::t"), ..KILLED };
        assert!(found("// ORDERING: Acquire. Dies: src/a.rs, `t`.", &unit).is_empty());
    }

    #[test]
    fn a_site_without_a_comment_is_found() {
        assert!(found("// Why not.", &KILLED)[0].ends_with("no ORDERING comment above its statement"));
        assert!(found("// ORDERING: Acquire.\n    g();", &KILLED).len() == 2, "that of another statement");
    }

    #[test]
    fn nothing_dies_must_match_the_list() {
        let what = "src/a.rs:2: says that nothing dies, but killed is relaxed by smoke::m";
        assert_eq!(found("// ORDERING: Acquire. Nothing dies without it.", &KILLED), [what]);
    }

    #[test]
    fn a_model_that_is_named_must_exist_and_kill() {
        let what = |words: &str, fault| found(words, fault).join("\n");
        assert!(what("// ORDERING: see loom-tests/smoke.rs, `o`.", &KILLED).ends_with("which does not exist"));
        assert!(what("// ORDERING: see loom-tests/smoke.rs, `n`.", &KILLED).ends_with("killed is relaxed by smoke::m"));
        assert!(
            what("// ORDERING: see loom-tests/smoke.rs, `m`.", &HARMLESS).ends_with("no fault at its sites is killed")
        );
        assert!(what("// ORDERING: Acquire. As in `g`.", &KILLED).contains("names no test"));
    }

    #[test]
    fn one_comment_speaks_for_more_than_a_statement_only_if_it_says_so() {
        let text = |count: &str| {
            format!(
                "fn f() {{\n // ORDERING: Relaxed{count}. loom-tests/smoke.rs, `m`.\n a.load(Acquire);\n b.load(Relaxed);\n}}\n"
            )
        };
        let found = |count: &str| {
            let sources = Sources::from([("a.rs".to_owned(), text(count))]);
            violations(&sources, &Models::named([("smoke", &["m"])]), &[&KILLED])
        };
        assert!(found(", both").is_empty());
        assert_eq!(found(""), ["src/a.rs:4: b.load(Relaxed): no ORDERING comment above its statement"]);
    }
}
