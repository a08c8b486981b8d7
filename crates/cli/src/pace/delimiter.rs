//! Owns how the end of a line is written as an argument. Never looks for one.

/// The byte that ends a line of text.
pub const LINE_FEED: u8 = b'\n';

/// Reads a byte: a character of ASCII, or an escape.
///
/// # Errors
///
/// The rule that the text breaks.
///
/// ```
/// use tollgate_cli::pace::delimiter::delimiter;
///
/// let bytes = [";", r"\n", r"\0", r"\xfF", r"\\"].map(delimiter);
/// assert_eq!(bytes, [Ok(b';'), Ok(b'\n'), Ok(0), Ok(255), Ok(b'\\')]);
/// let rule = r"a delimiter is one byte: a character of ASCII, or \n, \r, \t, \0, \\ or \xHH";
/// assert_eq!(delimiter("ab"), Err(rule.to_owned()));
/// ```
pub fn delimiter(text: &str) -> Result<u8, String> {
    let byte = match text.as_bytes() {
        [byte @ 0..=127] => Some(*byte),
        br"\n" => Some(b'\n'),
        br"\r" => Some(b'\r'),
        br"\t" => Some(b'\t'),
        br"\0" => Some(0),
        br"\\" => Some(b'\\'),
        [b'\\', b'x', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => {
            u8::from_str_radix(&text[2..], 16).ok()
        }
        _ => None,
    };
    byte.ok_or_else(|| r"a delimiter is one byte: a character of ASCII, or \n, \r, \t, \0, \\ or \xHH".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_byte_is_refused() {
        for text in ["", "é", r"\q", r"\x4", r"\x444", r"\xgg", r"\x+4", "\n\n"] {
            assert!(delimiter(text).is_err(), "{text:?}");
        }
    }
}
