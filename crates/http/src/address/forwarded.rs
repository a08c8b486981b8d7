//! Owns what an element of `Forwarded` says of who sent the request: its `for`. Never whether that
//! is believed.

use std::borrow::Cow;

use super::entries::trimmed;

/// The value of `for` in one element, without its quotes.
///
/// There is none if the element has no `for` or has two, or if any part of it is malformed.
pub(super) fn sender(element: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (mut rest, mut sender) = (element, None);
    while !rest.is_empty() {
        rest = trimmed(rest);
        if let Some(after) = rest.strip_prefix(b";") {
            rest = after;
            continue;
        }
        if rest.is_empty() {
            break;
        }
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let name = &rest[..equals];
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return None;
        }
        let (value, after) = value(&rest[equals + 1..])?;
        rest = after;
        if name.eq_ignore_ascii_case(b"for") && sender.replace(value).is_some() {
            return None;
        }
    }
    sender
}

/// A value, and what stands behind it: nothing, or from a semicolon on.
fn value(text: &[u8]) -> Option<(Cow<'_, [u8]>, &[u8])> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        let value = trimmed(&text[..end]);
        let plain = !value.is_empty() && !value.contains(&b'"');
        return plain.then_some((value.into(), &text[end..]));
    };
    let (mut value, mut start) = (Cow::Borrowed(&[][..]), 0);
    loop {
        let end = start + quoted[start..].iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        if value.is_empty() {
            value = (&quoted[start..end]).into();
        } else {
            value.to_mut().extend_from_slice(&quoted[start..end]);
        }
        if quoted[end] == b'"' {
            let after = trimmed(&quoted[end + 1..]);
            let ends = after.is_empty() || after.starts_with(b";");
            return ends.then_some((value, after));
        }
        value.to_mut().push(*quoted.get(end + 1)?);
        start = end + 2;
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(element: &str) -> Option<String> {
        sender(element.as_bytes()).map(|value| String::from_utf8(value.into()).unwrap())
    }

    #[test]
    fn the_sender_is_found_among_other_parameters_in_any_case() {
        for element in [
            "for=192.0.2.1",
            "For=192.0.2.1",
            "FOR=\"192.0.2.1\"",
            "by=203.0.113.1;for=192.0.2.1;proto=https",
            "host=\"a;for=6.6.6.6\" ; for=192.0.2.1",
            "for=192.0.2.1;",
            ";;for=192.0.2.1 ;",
            r#"for="192\.0.2.1";x="\"""#,
            r#"for="\1\92.0.2.\1""#,
        ] {
            assert_eq!(read(element).as_deref(), Some("192.0.2.1"), "{element}");
        }
        assert_eq!(read("for=\"[2001:db8::1]:80\"").as_deref(), Some("[2001:db8::1]:80"));
    }

    #[test]
    fn an_element_that_is_malformed_has_no_sender() {
        for element in [
            "",
            ";",
            "192.0.2.1",
            "by=192.0.2.1",
            "for",
            "for=",
            "=192.0.2.1",
            "for =192.0.2.1",
            "fo r=192.0.2.1",
            "for=192.0.2.1;for=192.0.2.2",
            "for=\"192.0.2.1",
            "for=\"192.0.2.1\\",
            "for=\"192.0.2.1\"x",
            "for=192.0.2.1\"",
            "for=\"192.0.2.1\\\"",
            "for=192.0.2.1;x",
            "for=192.0.2.1;x=\"",
            "\"for=192.0.2.1\"",
        ] {
            assert_eq!(read(element), None, "{element}");
        }
    }
}
