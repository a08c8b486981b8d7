//! Owns what is code in the text of a source file, and what is comment; never parses further.

/// The code without comments, with one space for every run of white space; literals stay.
///
/// Two texts with the same code behave alike: a comment and the layout change nothing but the
/// numbers of lines.
pub(crate) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for (kind, part) in parts(text) {
        match kind {
            Part::Literal => code.push_str(part),
            Part::Comment | Part::Code => {
                let part = if kind == Part::Comment { " " } else { part };
                for c in part.chars() {
                    match (c.is_whitespace(), code.is_empty() || code.ends_with(' ')) {
                        (true, true) => {}
                        (true, false) => code.push(' '),
                        (false, _) => code.push(c),
                    }
                }
            }
        }
    }
    code.truncate(code.trim_end().len());
    code
}

/// The text with each comment blanked out, so that every byte of code stays where it is.
#[must_use]
pub fn blanked(text: &str) -> String {
    let mut blanked = String::with_capacity(text.len());
    for (kind, part) in parts(text) {
        match kind {
            Part::Comment => blanked.extend(part.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' })),
            Part::Literal | Part::Code => blanked.push_str(part),
        }
    }
    blanked
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Part {
    Comment,
    /// A string or a character, with its quotes.
    Literal,
    Code,
}

/// Cuts the text into comments, literals and the code between them.
fn parts(text: &str) -> Vec<(Part, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < text.len() {
        let rest = &text[at..];
        let found = comment(rest).map(|len| (Part::Comment, len));
        let found = found.or_else(|| literal(text, at).map(|len| (Part::Literal, len)));
        if let Some((kind, len)) = found {
            parts.push((Part::Code, &text[start..at]));
            parts.push((kind, &rest[..len]));
            at += len;
            start = at;
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    parts.push((Part::Code, &text[start..]));
    parts
}

/// The length of the comment that `rest` begins with.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let tail = &rest.as_bytes()[at..];
        match tail {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    Some(rest.len())
}

/// The length of the literal that begins at `at`.
fn literal(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    let behind_a_word = text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    if rest.starts_with('"') {
        return Some(quoted(rest, '"'));
    }
    if let Some(raw) = rest.strip_prefix('r').filter(|_| !behind_a_word || text[..at].ends_with('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let end = format!("\"{}", &raw[..hashes]);
            let body = 1 + hashes + 1;
            return Some(rest[body..].find(&end).map_or(rest.len(), |found| body + found + end.len()));
        }
    }
    // A lifetime has no second quote right behind its first character.
    let mut chars = rest.strip_prefix('\'')?.chars();
    match (chars.next()?, chars.next()?) {
        ('\\', _) => Some(quoted(rest, '\'')),
        (c, '\'') => Some(2 + c.len_utf8()),
        _ => None,
    }
}

/// The length of what stands between two quotes, where a backslash hides what follows it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (place, c) in rest.char_indices().skip(1) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if c == quote => return place + c.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_layout_are_not_code() {
        let one = "/// Doc.\nfn f() { // why\n    g(1) /* a /* nested */ one */\n}\n";
        let other = "fn f() {\n  g(1)\n\n}\n";
        assert_eq!(code(one), code(other));
    }

    #[test]
    fn what_looks_like_a_comment_in_a_literal_is_code() {
        for (one, other) in [
            ("\"http://a\"", "\"http://b\""),
            ("r#\"say \"//a\"\"#", "r#\"say \"//b\"\"#"),
            ("b\"//a\"", "b\"//b\""),
            ("br\"\\\"; // a\n x", "br\"\\\"; // a\n y"),
            ("('\"', '\"', a)", "('\"', '\"', b)"),
            ("('\\'', \"//a\")", "('\\'', \"//b\")"),
            ("fn f<'a>(x: &'a str) -> a", "fn f<'a>(x: &'a str) -> b"),
            ("\"two  spaces\"", "\"two spaces\""),
        ] {
            assert_ne!(code(one), code(other), "{one}");
        }
    }

    #[test]
    fn blanking_moves_no_code() {
        let text = "a(); // é\nb(\"//\"); /* c */ d();\n";
        let blanked = blanked(text);
        assert_eq!(blanked.len(), text.len());
        assert_eq!(blanked.find("d()"), text.find("d()"));
        assert!(!blanked.contains('é') && blanked.contains("\"//\""));
    }
}
