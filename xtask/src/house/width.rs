//! Owns the rule of width: comments and prose are at most 100 columns wide.
//!
//! In Rust files it holds for lines with a comment, in Markdown files for all lines. Exempt are
//! tables, fenced code, and a line that is one word, such as an address. In a comment, too.

use super::Files;

const WIDEST: usize = 100;

pub(super) fn violations(files: &Files) -> Vec<String> {
    let mut violations = Vec::new();
    for (name, text) in files {
        let wide = if name.ends_with(".md") { in_prose(text) } else { in_comments(text) };
        violations.extend(wide.iter().map(|(line, columns)| format!("{name}:{line}: {columns} columns")));
    }
    violations
}

/// The lines of a Markdown text that are too wide, with their widths.
fn in_prose(text: &str) -> Vec<(usize, usize)> {
    let mut prose = Prose::default();
    text.lines().zip(1..).filter(|(line, _)| prose.is_bound(line)).filter_map(|(line, i)| too_wide(line, i)).collect()
}

/// The lines of a Rust text with a comment that are too wide, with their widths.
fn in_comments(text: &str) -> Vec<(usize, usize)> {
    let blanked = killers::blanked(text);
    let mut prose = Prose::default();
    let mut wide = Vec::new();
    for ((line, code), i) in text.lines().zip(blanked.lines()).zip(1..) {
        if code.trim_end().len() == line.trim_end().len() {
            // No comment: a fence of a comment above has ended.
            prose = Prose::default();
            continue;
        }
        let words = line.trim_start().trim_start_matches(['/', '!']).trim_start();
        let is_whole = code.trim().is_empty();
        if !is_whole || prose.is_bound(words) {
            wide.extend(too_wide(line, i));
        }
    }
    wide
}

fn too_wide(line: &str, number: usize) -> Option<(usize, usize)> {
    let columns = line.trim_end().chars().count();
    (columns > WIDEST).then_some((number, columns))
}

/// Whether lines of Markdown are prose, one after the other.
#[derive(Default)]
struct Prose {
    in_fence: bool,
}

impl Prose {
    /// Whether the rule holds for this line.
    fn is_bound(&mut self, line: &str) -> bool {
        let line = line.trim();
        if line.starts_with("```") || line.starts_with("~~~") {
            self.in_fence = !self.in_fence;
            return false;
        }
        let is_one_word = line.split_whitespace().nth(1).is_none();
        !self.in_fence && !line.starts_with('|') && !is_one_word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(columns: usize) -> String {
        "word ".repeat(columns / 5)
    }

    fn found(name: &str, text: String) -> Vec<String> {
        violations(&Files::from([(name.to_owned(), text)]))
    }

    #[test]
    fn a_comment_of_101_columns_is_too_wide() {
        for slashes in ["//", "///", "//!"] {
            let words = "w ".repeat(60);
            let line = |columns: usize| format!("{slashes} {}x\n", &words[..columns - slashes.len() - 2]);
            assert_eq!(found("src/a.rs", format!("\n{}", line(101))), ["src/a.rs:2: 101 columns"]);
            assert!(found("src/a.rs", format!("\n{}", line(100))).is_empty());
        }
    }

    #[test]
    fn a_comment_behind_code_is_too_wide_and_code_is_not() {
        let code = format!("    let text = \"{}\";", wide(100));
        assert!(found("src/a.rs", code.clone()).is_empty());
        assert_eq!(found("src/a.rs", format!("{code} // why")).len(), 1);
        assert!(found("src/a.rs", format!("let text = \"http://a {}\";", wide(100))).is_empty());
    }

    #[test]
    fn prose_is_too_wide_and_tables_and_fences_are_not() {
        let wide = wide(120);
        assert_eq!(found("README.md", format!("# Title\n\n- {wide}\n")).len(), 1);
        assert!(found("README.md", format!("| a | {wide} |\n")).is_empty());
        assert!(found("README.md", format!("```text\n{wide}\n```\n")).is_empty());
        assert_eq!(found("README.md", format!("```text\nx\n```\n{wide}\n")).len(), 1);
        assert!(found("README.md", format!("[link]:https://{}\n", "a".repeat(120))).is_empty());
        assert!(found("src/a.rs", format!("/// ```\n/// {wide}\n/// ```\nfn f() {{}}\n")).is_empty());
        assert_eq!(found("src/a.rs", format!("/// ```\n/// x\n/// ```\n/// {wide}\nfn f() {{}}\n")).len(), 1);
    }
}
