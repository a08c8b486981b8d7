//! Owns the rule of length: no file of sources, of the core or a crate beside it, is longer than
//! 500 lines.

use super::Files;

const MOST: usize = 500;

pub(super) fn violations(files: &Files) -> Vec<String> {
    let is_source = |name: &str| name.starts_with("src/") || name.starts_with("crates/") && name.contains("/src/");
    let lengths = files.iter().filter(|(name, _)| is_source(name) && name.ends_with(".rs"));
    let lengths = lengths.map(|(name, text)| (name, text.lines().count()));
    lengths
        .filter(|(_, lines)| *lines > MOST)
        .map(|(name, lines)| format!("{name}:{}: {lines} lines", MOST + 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_501_lines_is_too_long() {
        let file = |name: &str, lines| (name.to_owned(), "x\n".repeat(lines));
        let files = Files::from([
            file("crates/x/src/e.rs", 501),
            file("crates/x/tests/f.rs", 900),
            file("src/a.rs", 500),
            file("src/b/c.rs", 501),
            file("tests/d.rs", 900),
        ]);
        assert_eq!(violations(&files), ["crates/x/src/e.rs:501: 501 lines", "src/b/c.rs:501: 501 lines"]);
    }
}
