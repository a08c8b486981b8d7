//! Owns whole fields: their lines, joined, as a list or a dictionary. Never half of a field.

use http::{HeaderMap, HeaderName};

use crate::structured::item::Item;
use crate::structured::reader::Reader;

/// Returns all lines of a field as one; `None` if there are none, or if one is not ASCII text.
pub(crate) fn joined(fields: &HeaderMap, name: &HeaderName) -> Option<String> {
    let mut text = String::new();
    for line in fields.get_all(name) {
        let line = line.to_str().ok()?.trim_matches([' ', '\t']);
        if !text.is_empty() && !line.is_empty() {
            text.push_str(", ");
        }
        text.push_str(line);
    }
    (!text.is_empty()).then_some(text)
}

/// Reads a list of one or more members; `None` if there is a fault anywhere.
pub(crate) fn list(text: &str) -> Option<Vec<Item>> {
    members(text, Reader::member)
}

/// Reads a dictionary of one or more members; `None` if there is a fault anywhere.
pub(crate) fn dictionary(text: &str) -> Option<Vec<(String, Item)>> {
    members(text, Reader::entry)
}

fn members<'t, T>(text: &'t str, read: impl Fn(&mut Reader<'t>) -> Option<T>) -> Option<Vec<T>> {
    let mut reader = Reader::new(text);
    let mut members = vec![read(&mut reader)?];
    while reader.next_member()? {
        members.push(read(&mut reader)?);
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::answer::name::Name;
    use crate::structured::item::Value;

    fn values(text: &str) -> Option<Vec<Value>> {
        Some(list(text)?.into_iter().map(|item| item.value).collect())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let text = r#"  1,-2 ,	3.25, "a\"\\b", tok/en:*, :aGk=:, ?1, @1659578233, %"f%c3%bc", (1 "b";x);y=2, ()  "#;
        let text_of = |text: &str| Value::Text(text.into());
        let mut expected =
            vec![Value::Integer(1), Value::Integer(-2), Value::Decimal(3250), text_of("a\"\\b"), text_of("tok/en:*")];
        expected.extend(std::iter::repeat_n(Value::Other, 6));
        assert_eq!(values(text), Some(expected));
    }

    #[test]
    fn parameters_are_read_and_the_last_of_one_name_counts() {
        let items = list(r#""a";q=1; w=2;q=3;flag;*k.-_=tok"#).expect("a list");
        assert_eq!(items[0].count(&["q"]), Some(3));
        assert_eq!(items[0].count(&["none", "w"]), Some(2));
        assert_eq!(items[0].parameter("flag"), Some(&Value::Other));
        assert_eq!(items[0].parameter("*k.-_"), Some(&Value::Text("tok".into())));
    }

    #[test]
    fn integers_have_at_most_15_digits() {
        assert_eq!(values("999999999999999"), Some(vec![Value::Integer(999_999_999_999_999)]));
        assert_eq!(values("-999999999999999"), Some(vec![Value::Integer(-999_999_999_999_999)]));
        assert_eq!(values("999999999999.999"), Some(vec![Value::Decimal(999_999_999_999_999)]));
        for fault in ["1000000000000000", "1000000000000.0", "0.0001"] {
            assert_eq!(values(fault), None, "{fault}");
        }
    }

    #[test]
    fn one_fault_voids_the_field() {
        let faults = [
            "",
            " ",
            ",",
            "1,",
            "1,,2",
            "1 2",
            "1;",
            "1;Q=2",
            "1;q=",
            "-",
            "1.",
            ".5",
            "\"a",
            "\"a\\n\"",
            "\"\u{7f}\"",
            "(1",
            "(1\"a\")",
            ":a",
            ":a-b:",
            "?2",
            "?",
            "@1.5",
            "%a",
            "%\"%C3\"",
            "%\"%ff\"",
            "é",
            "=",
            "1=2",
        ];
        for fault in faults {
            assert_eq!(list(fault), None, "{fault}");
        }
        for fault in ["", "1", "a=", "a=1,", "A=1", "a=1 b=2", "a=(1"] {
            assert_eq!(dictionary(fault), None, "{fault}");
        }
    }

    #[test]
    fn dictionaries_are_read() {
        let read = dictionary("limit=10, b;x=1,c=(1 2)").expect("a dictionary");
        assert_eq!(read.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["limit", "b", "c"]);
        assert_eq!(read[0].1.value, Value::Integer(10));
        assert_eq!(read[1].1.count(&["x"]), Some(1));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in r#"([ -~\t]|[a-z0-9";=,():%?@. ]){0,60}"#) {
            let _ = (list(&text), dictionary(&text));
        }

        #[test]
        fn a_name_is_read_as_it_was_written(name in "[ -~]{1,40}") {
            let mut text = String::new();
            Name::new(name.clone()).expect("printable").quote_into(&mut text);
            prop_assert_eq!(values(&text), Some(vec![Value::Text(name)]));
        }
    }
}
