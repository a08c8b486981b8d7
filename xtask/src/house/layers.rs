//! Owns the rule of layers: imports in `src` go down only, by the path that defines the name.
//!
//! | layer | its rooms |
//! |---|---|
//! | 8 | `lib.rs` |
//! | 7 | `gate` |
//! | 6 | `keyed`, `adaptive`, `deadline`, `io`, `stream` |
//! | 5 | `bucket` |
//! | 4 | `wait`, `lease` |
//! | 3 | `state` |
//! | 2 | `limit` |
//! | 1 | `decision` |
//! | 0 | `clock` |
//! | below | `sync` |
//!
//! A file, up to its tests, may name what is in its own room and in the layers below, never another
//! room of its own layer, and never the crate's root. `decision` may name `clock::time` and nothing
//! else below it: it decides without a clock and without an atomic. Only `sync` names atomics.

use super::Files;

/// From the bottom; the rooms of a layer do not know each other.
const LAYERS: [&[&str]; 9] = [
    &["sync"],
    &["clock"],
    &["decision"],
    &["limit"],
    &["state"],
    &["wait", "lease"],
    &["bucket"],
    &["keyed", "adaptive", "deadline", "io", "stream"],
    &["gate"],
];

/// Where atomics come from.
const ATOMICS: [&str; 2] = ["sync::atomic", "portable_atomic"];

pub(super) fn violations(files: &Files) -> Vec<String> {
    let mut violations = Vec::new();
    for (name, text) in files {
        let Some(file) = name.strip_prefix("src/").filter(|file| file.ends_with(".rs") && *file != "lib.rs") else {
            continue;
        };
        // Tests of a file may build what they need from any room.
        let tests = ["\n#[cfg(test)]\nmod ", "\n#[cfg(all(test"].iter().filter_map(|tests| text.find(tests)).min();
        let code = killers::blanked(&text[..tests.unwrap_or(text.len())]);
        let mut say = |place: usize, what: String| {
            let line = code[..place].matches('\n').count() + 1;
            violations.push(format!("{name}:{line}: {what}"));
        };
        let room = file.split_once('/').map_or("", |(room, _)| room);
        if layer(room).is_none() {
            say(0, format!("no layer has a room {room:?}"));
            continue;
        }
        for (place, path) in imports(&code) {
            if let Some(what) = wrong(room, &path, files) {
                say(place, format!("{room} names crate::{}: {what}", path.join("::")));
            }
        }
        for atomics in ATOMICS.iter().filter(|_| room != "sync") {
            for (place, _) in code.match_indices(atomics) {
                say(place, format!("{room} names {atomics}: only sync names atomics"));
            }
        }
        for (place, _) in code.match_indices("super::super::") {
            say(place, "super::super: name the path from the crate".to_owned());
        }
    }
    violations
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// Why a file of `room` must not name this path, if so.
fn wrong(room: &str, path: &[String], files: &Files) -> Option<String> {
    let of = path.first().map_or("", String::as_str);
    let Some(above) = layer(of) else {
        return Some("nothing imports from the crate's root".to_owned());
    };
    let below = layer(room).expect("checked before");
    if of != room && above == below {
        return Some(format!("{of} and {room} are one layer, and do not know each other"));
    }
    if above > below {
        return Some(format!("{of} is above {room}"));
    }
    if room == "decision" && of != room && !(of == "clock" && path.get(1).is_some_and(|file| file == "time")) {
        return Some("decision knows no clock and no atomic, only clock::time".to_owned());
    }
    // The face of `sync` is another one under each switch.
    if of == "sync" {
        return None;
    }
    let (module, name) = resolved(path, files);
    match (module, name) {
        (Some(text), Some(name)) if name != "*" && !defines(text, name) => {
            Some("not the path that defines it".to_owned())
        }
        (None, _) => Some("there is no such module".to_owned()),
        _ => None,
    }
}

/// The text of the innermost module of the path, and the first name behind it.
fn resolved<'a>(path: &'a [String], files: &'a Files) -> (Option<&'a str>, Option<&'a str>) {
    let mut found = (None, None);
    for depth in 1..=path.len() {
        let folder = path[..depth].join("/");
        let text = files.get(&format!("src/{folder}.rs")).or_else(|| files.get(&format!("src/{folder}/mod.rs")));
        let Some(text) = text else { break };
        found = (Some(text.as_str()), path.get(depth).map(String::as_str));
    }
    found
}

/// Whether a module declares the name itself.
fn defines(text: &str, name: &str) -> bool {
    let code = killers::blanked(text);
    let kinds = ["struct", "enum", "union", "trait", "fn", "const", "static", "type", "mod", "macro_rules!"];
    code.match_indices(name).any(|(place, _)| {
        let before = code[..place].trim_end();
        let is_whole = !code[place + name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        is_whole && before.len() < place && kinds.iter().any(|kind| before.ends_with(kind))
    })
}

/// All paths that begin with `crate::`, without it, and where each is; groups are taken apart.
fn imports(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut imports = Vec::new();
    for (place, word) in code.match_indices("crate::") {
        if !code[..place].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            branches(code, place + word.len(), &mut Vec::new(), &mut imports);
        }
    }
    imports
}

/// Reads a path, or a group in braces, from `at`; says where it ends.
fn branches(code: &str, mut at: usize, path: &mut Vec<String>, imports: &mut Vec<(usize, Vec<String>)>) -> usize {
    let depth = path.len();
    let space = |at: usize| at + code[at..].len() - code[at..].trim_start().len();
    at = space(at);
    if code[at..].starts_with('{') {
        at += 1;
        loop {
            at = space(at);
            match code[at..].chars().next() {
                Some(',') => at += 1,
                Some('}') | None => return at + 1,
                // A group of a `use` holds nothing but paths.
                Some(_) => at = as_end(code, branches(code, at, path, imports)),
            }
        }
    }
    let start = at;
    loop {
        let word = &code[at..];
        let len = if word.starts_with('*') {
            1
        } else {
            word.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(word.len())
        };
        if len == 0 {
            break;
        }
        path.push(word[..len].to_owned());
        at += len;
        if !code[at..].starts_with("::") {
            break;
        }
        at += 2;
        if code[space(at)..].starts_with('{') {
            at = branches(code, at, path, imports);
            path.truncate(depth);
            return at;
        }
    }
    // `module::{self}` names the module.
    let named = path.strip_suffix(&["self".to_owned()]).unwrap_or(path);
    imports.push((start, named.to_vec()));
    path.truncate(depth);
    at.max(start + 1)
}

/// Behind an `as Name`, where there is one.
fn as_end(code: &str, at: usize) -> usize {
    let Some(rest) = code.get(at..) else { return code.len() };
    let end = rest.find([',', '}']).unwrap_or(rest.len());
    if rest.trim_start().starts_with("as ") { at + end } else { at }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(name: &str, text: &str) -> Files {
        let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        Files::from([
            file("src/lib.rs", "pub use bucket::token::Token;"),
            file("src/sync/mod.rs", "pub(crate) use portable_atomic::AtomicU64;"),
            file("src/clock/mod.rs", "pub(crate) mod time; pub(crate) mod manual;"),
            file("src/clock/time.rs", "pub struct Time(u64);"),
            file("src/clock/manual.rs", "pub struct Manual;"),
            file("src/limit/mod.rs", "pub(crate) mod rate; pub use rate::Rate;"),
            file("src/limit/rate.rs", "pub struct Rate; pub(crate) const fn whole() {}"),
            file("src/lease/mod.rs", "pub(crate) mod chunk;"),
            file("src/lease/chunk.rs", "pub(crate) struct Chunk;"),
            file("src/bucket/token.rs", "pub struct Token;"),
            file(name, text),
        ])
    }

    fn found(name: &str, text: &str) -> Vec<String> {
        violations(&files(name, text))
    }

    #[test]
    fn imports_that_go_down_by_the_defining_path_are_right() {
        let text = "use crate::clock::time::Time;\nuse crate::limit::rate::{self, Rate, whole as all};\nuse crate::sync::{AtomicU64, fence};\n";
        assert!(found("src/state/a.rs", text).is_empty());
        assert!(found("src/decision/a.rs", "use crate::clock::time::Time;").is_empty());
        assert!(found("src/wait/a.rs", "fn f() { crate::limit::rate::whole() }").is_empty());
        assert!(found("src/wait/a.rs", "// crate::bucket::token::Token").is_empty());
    }

    #[test]
    fn an_import_that_goes_up_is_found() {
        let up = ["src/limit/a.rs:2: limit names crate::bucket::token::Token: bucket is above limit"];
        assert_eq!(found("src/limit/a.rs", "\nuse crate::bucket::token::Token;"), up);
        assert_eq!(found("src/limit/a.rs", "\nfn f(_: crate::bucket::token::Token) {}"), up);
        assert_eq!(found("src/limit/a.rs", "\nuse crate::{clock::time::Time, bucket::token::Token};"), up);
        assert_eq!(found("src/limit/a.rs", "\nuse crate::bucket::{token::{Token}};"), up);
        assert_eq!(found("src/limit/a.rs", "mod tests {\n    use crate::bucket::token::Token;\n}"), up);
    }

    #[test]
    fn rooms_of_one_layer_do_not_know_each_other() {
        let what = "wait names crate::lease::chunk::Chunk: lease and wait are one layer, and do not know each other";
        assert_eq!(found("src/wait/a.rs", "use crate::lease::chunk::Chunk;"), [format!("src/wait/a.rs:1: {what}")]);
    }

    #[test]
    fn nothing_imports_from_the_root_or_by_another_path() {
        assert_eq!(found("src/gate/a.rs", "use crate::{Token, limit::rate::Rate};").len(), 1);
        assert_eq!(found("src/gate/a.rs", "use crate::limit::Rate;").len(), 1);
        assert_eq!(found("src/gate/a.rs", "use crate::bucket::none::Rate;").len(), 1);
        assert_eq!(found("src/gate/a.rs", "use super::super::limit::rate::Rate;").len(), 1);
    }

    #[test]
    fn a_decision_knows_time_and_no_clock() {
        assert_eq!(found("src/decision/a.rs", "use crate::clock::manual::Manual;").len(), 1);
        assert_eq!(found("src/decision/a.rs", "use crate::sync::AtomicU64;").len(), 1);
    }

    #[test]
    fn only_sync_names_atomics_and_every_room_has_a_layer() {
        assert_eq!(found("src/state/a.rs", "use core::sync::atomic::AtomicU64;").len(), 1);
        assert_eq!(found("src/attic/a.rs", "").len(), 1);
        assert_eq!(found("src/attic.rs", "").len(), 1);
    }
}
