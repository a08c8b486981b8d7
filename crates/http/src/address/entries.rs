//! Owns how a line of a list is cut into entries, from the right. Never what an entry says.
//!
//! A client chooses the left end of a line, and trusted proxies append the right end. So an entry
//! is found without a look at anything that stands left of it.

/// The entries of one line, the last first. A line has at least one entry, which may be empty.
#[derive(Clone, Debug)]
pub(super) struct Entries<'a> {
    rest: Option<&'a [u8]>,
    /// Whether a comma between quotes is part of an entry.
    quoted: bool,
}

impl<'a> Entries<'a> {
    /// Cuts at every comma.
    pub(super) const fn plain(line: &'a [u8]) -> Self {
        Self { rest: Some(line), quoted: false }
    }

    /// Cuts at the commas that are not between quotes.
    pub(super) const fn quoted(line: &'a [u8]) -> Self {
        Self { rest: Some(line), quoted: true }
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        let comma = if self.quoted { comma_outside_quotes(rest) } else { rest.iter().rposition(|byte| *byte == b',') };
        let (left, entry) = match comma {
            Some(comma) => (Some(&rest[..comma]), &rest[comma + 1..]),
            None => (None, rest),
        };
        self.rest = left;
        Some(trimmed(entry))
    }
}

/// Where the last comma is that is not between quotes, seen from the right.
fn comma_outside_quotes(line: &[u8]) -> Option<usize> {
    let mut inside = false;
    for (place, byte) in line.iter().enumerate().rev() {
        match byte {
            // From the right, the first quote closes, and one without a backslash opens.
            b'"' if inside && is_escaped(line, place) => (),
            b'"' => inside = !inside,
            b',' if !inside => return Some(place),
            _ => (),
        }
    }
    None
}

/// Whether an odd number of backslashes stands before this place.
fn is_escaped(line: &[u8], place: usize) -> bool {
    line[..place].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// Leaves out the spaces and tabs around it.
pub(super) fn trimmed(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = text.iter().position(is_text).unwrap_or(text.len());
    let end = text.iter().rposition(is_text).map_or(start, |last| last + 1);
    &text[start..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(line: &str) -> Vec<&str> {
        Entries::quoted(line.as_bytes()).map(|entry| std::str::from_utf8(entry).unwrap()).collect()
    }

    #[test]
    fn entries_come_from_the_right_without_the_space_around_them() {
        let line: Vec<&[u8]> = Entries::plain(b" a ,\tb,, c\t").collect();
        assert_eq!(line, [&b"c"[..], b"", b"b", b"a"]);
        assert_eq!(Entries::plain(b"").collect::<Vec<_>>(), [b""]);
        assert_eq!(Entries::plain(b",").count(), 2);
    }

    #[test]
    fn commas_and_escaped_quotes_between_quotes_belong_to_their_entry() {
        assert_eq!(quoted(r#"a, b="x,y", c"#), ["c", r#"b="x,y""#, "a"]);
        assert_eq!(quoted(r#"a, b="x\",\"y""#), [r#"b="x\",\"y""#, "a"]);
        assert_eq!(quoted(r#"a, b="x,\\""#), [r#"b="x,\\""#, "a"]);
        assert_eq!(quoted(r#"a, b="\\\",""#), [r#"b="\\\",""#, "a"]);
    }

    #[test]
    fn an_open_quote_on_the_left_takes_nothing_from_the_right() {
        assert_eq!(quoted(r#"x=", a, b="1,2""#)[..2], [r#"b="1,2""#, "a"]);
        assert_eq!(quoted(r#"\", a"#)[0], "a");
    }
}
