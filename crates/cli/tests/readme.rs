//! The examples of the readme are run, and print what it says.

#![cfg(unix)]

mod common;

use common::{shell, text};

/// A command, and the lines that it prints on both standard streams.
type Example<'t> = (&'t str, Vec<&'t str>);

/// The examples of one block, which are run one after another in one folder.
fn blocks(readme: &str) -> Vec<Vec<Example<'_>>> {
    let mut blocks = Vec::new();
    for block in readme.split("```console\n").skip(1) {
        let (block, _) = block.split_once("\n```").expect("a block ends");
        let mut examples: Vec<Example<'_>> = Vec::new();
        for line in block.lines() {
            match line.strip_prefix("$ ") {
                Some(command) => examples.push((command, Vec::new())),
                None => examples.last_mut().expect("a block begins with a command").1.push(line),
            }
        }
        blocks.push(examples);
    }
    blocks
}

/// Whether a line is what is expected, where `[..]` stands for any text.
fn matches(line: &str, expected: &str) -> bool {
    let mut parts = expected.split("[..]");
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut is_open = false;
    for part in parts {
        is_open = part.is_empty();
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || is_open
}

#[test]
fn examples_print_what_the_readme_says() {
    let readme = include_str!("../README.md");
    let folder = tempfile::tempdir().unwrap();
    let mut run = 0;
    for examples in blocks(readme) {
        let mut status = 0;
        for (command, expected) in examples {
            let output = shell(&format!("(exit {status}); {{ {command}\n}} 2>&1"), folder.path());
            status = output.status.code().unwrap_or(1);
            let printed = text(&output.stdout);
            let lines: Vec<&str> = printed.lines().collect();
            assert_eq!(lines.len(), expected.len(), "{command}\nprinted {printed}");
            for (line, expected) in lines.into_iter().zip(expected) {
                assert!(matches(line, expected), "{command}\nprinted  {line}\nexpected {expected}");
            }
            run += 1;
        }
    }
    assert!(run >= 8, "{run} examples");
}

#[test]
fn a_pattern_stands_for_any_text_and_nothing_else_does() {
    assert!(matches("in 1.5 s: 3 B/s", "in [..]: [..] B/s") && matches("abc", "a[..]") && matches("abc", "abc"));
    assert!(!matches("abc", "ab") && !matches("abc", "[..]b") && !matches("xbc", "a[..]c") && !matches("", "x"));
}
