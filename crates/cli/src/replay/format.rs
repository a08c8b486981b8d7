//! Owns the forms of a line: what its client, its time and its size are. Never more than one line.

use std::fmt;

use serde_json::Value;

use crate::error::Error;
use crate::replay::field::{Client, Field};
use crate::replay::stamp;

/// The form of the lines of a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Format {
    /// The common or combined log of a web server.
    Combined,
    /// A JSON object in each line.
    Json,
    /// Columns between white space.
    Columns,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Combined => "lines of the common or combined log",
            Self::Json => "lines of JSON",
            Self::Columns => "lines of columns",
        })
    }
}

/// The fields of the combined log, from the one before its time on.
const NAMES: [(&str, i32); 8] = [
    ("user", -1),
    ("request", 1),
    ("method", 1),
    ("path", 1),
    ("status", 2),
    ("bytes", 3),
    ("referer", 4),
    ("user-agent", 5),
];

/// The keys of JSON lines under which servers write these parts, the most telling first.
const ADDRESSES: [&str; 9] = [
    "remote_addr",
    "client_ip",
    "clientip",
    "remote_ip",
    "request.client_ip",
    "request.remote_ip",
    "source_ip",
    "client",
    "ip",
];
const TIMES: [&str; 8] = ["time", "ts", "timestamp", "@timestamp", "time_local", "time_iso8601", "msec", "datetime"];
const SIZES: [&str; 5] = ["body_bytes_sent", "bytes_sent", "bytes", "size", "length"];

/// What is read of each line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub(crate) key: Field,
    /// `None`: not at all.
    pub(crate) size: Option<Field>,
    pub(crate) time: Option<Field>,
    pub(crate) sized: bool,
}

/// One line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) client: Client,
    /// In nanoseconds since 1970.
    pub(crate) at: Option<i64>,
    pub(crate) size: u64,
}

impl Format {
    /// Tells the form by a line.
    pub(crate) fn of(line: &str) -> Self {
        if line.trim_start().starts_with('{') && serde_json::from_str::<Value>(line).is_ok() {
            Self::Json
        } else if stamp::bracketed(line).is_some() {
            Self::Combined
        } else {
            Self::Columns
        }
    }

    /// Tells the form by the first of these lines that has one beside columns.
    pub(crate) fn of_lines(lines: &[String]) -> Self {
        let told = lines.iter().map(|line| Self::of(line)).find(|form| *form != Self::Columns);
        told.unwrap_or(Self::Columns)
    }

    /// Checks that lines of this form can have what is wanted.
    pub(crate) fn check(self, wanted: &Wanted) -> Result<(), Error> {
        let named = [("--key", Some(&wanted.key)), ("--size", wanted.size.as_ref()), ("--time", wanted.time.as_ref())];
        for (option, field) in named {
            let rule = match (self, field) {
                (Self::Json, Some(Field::Column(_))) => "lines of JSON have keys, and no columns",
                (Self::Combined, Some(Field::Name(_))) if option == "--time" => {
                    "the time of the combined log is found by its brackets, or in a column that is named by number"
                }
                (Self::Columns, Some(Field::Name(_))) => "lines of columns have no names: name the column's number",
                (Self::Combined, Some(Field::Name(name))) if NAMES.iter().all(|(known, _)| known != name) => {
                    "a field of the combined log is ip, user, request, method, path, status, bytes, referer or \
                     user-agent, or a column's number"
                }
                _ => continue,
            };
            return Err(Error::argument(format_args!("{option} {:?}", field.expect("matched").to_string()), rule));
        }
        if self == Self::Columns && wanted.sized && wanted.size.is_none() {
            return Err(Error::argument("--bytes", "name the column of the size with --size"));
        }
        Ok(())
    }

    /// Reads a line, or says what it lacks.
    pub(crate) fn read(self, line: &str, wanted: &Wanted) -> Result<Entry, String> {
        match self {
            Self::Json => Json::parse(line)?.read(wanted),
            Self::Combined | Self::Columns => Text { line, combined: self == Self::Combined }.read(wanted),
        }
    }
}

struct Json(Value);

impl Json {
    fn parse(line: &str) -> Result<Self, String> {
        match serde_json::from_str(line) {
            Ok(value @ Value::Object(_)) => Ok(Self(value)),
            Ok(_) => Err("it is no JSON object".into()),
            Err(_) => Err("it is no JSON".into()),
        }
    }

    /// Returns the value under a key, or under keys with points between them.
    fn at(&self, key: &str) -> Option<&Value> {
        self.0.get(key).or_else(|| key.split('.').try_fold(&self.0, |value, key| value.get(key)))
    }

    fn read(&self, wanted: &Wanted) -> Result<Entry, String> {
        let client = match &wanted.key {
            Field::Name(key) => {
                let name =
                    self.at(key).and_then(text).ok_or_else(|| format!("no key {key:?} with a text or a number"))?;
                Client::Name(name)
            }
            _ => {
                let address = |key: &&str| self.at(key).and_then(text).and_then(|text| Client::at(&text));
                ADDRESSES.iter().find_map(address).ok_or("no address under a known key")?
            }
        };
        let time = |value: &Value| match value {
            Value::Number(number) => number.as_f64().and_then(stamp::since_1970),
            Value::String(text) => stamp::any(text),
            _ => None,
        };
        let at = match &wanted.time {
            Some(Field::Name(key)) => self.at(key).and_then(time),
            _ => TIMES.iter().find_map(|key| self.at(key).and_then(time)),
        };
        let size = match (wanted.sized, &wanted.size) {
            (false, _) => 0,
            (true, Some(Field::Name(key))) => {
                self.at(key).and_then(size).ok_or_else(|| format!("no size under the key {key:?}"))?
            }
            (true, _) => SIZES.iter().find_map(|key| self.at(key).and_then(size)).ok_or("no size under a known key")?,
        };
        Ok(Entry { client, at, size })
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        // Header fields are often arrays of the one value that was sent.
        Value::Array(values) => match &values[..] {
            [value] if !value.is_array() => text(value),
            _ => None,
        },
        _ => None,
    }
}

fn size(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| size_of(value.as_str()?))
}

/// Reads a size; `-` is none.
fn size_of(text: &str) -> Option<u64> {
    if text == "-" { Some(0) } else { text.parse().ok() }
}

struct Text<'a> {
    line: &'a str,
    combined: bool,
}

impl<'a> Text<'a> {
    fn column(&self, column: usize) -> Option<&'a str> {
        self.line.split_whitespace().nth(column - 1)
    }

    fn read(&self, wanted: &Wanted) -> Result<Entry, String> {
        // A line is cut into the fields of its form only where one is asked for by name.
        let is_named = |field: &Field| matches!(field, Field::Name(_));
        let by_name = is_named(&wanted.key) || wanted.size.as_ref().is_some_and(is_named);
        let fields = if self.combined && (by_name || wanted.sized) { fields(self.line) } else { Vec::new() };
        let found = |field: &Field| match field {
            Field::Address => None,
            Field::Column(column) => self.column(*column),
            Field::Name(name) => named(&fields, name),
        };
        let client = match &wanted.key {
            Field::Address => self.line.split_whitespace().find_map(Client::at).ok_or("no field is an address")?,
            field => Client::Name(found(field).ok_or_else(|| format!("no field {field}"))?.into()),
        };
        let at = match &wanted.time {
            // A date and a time may be two columns.
            Some(Field::Column(column)) => self.column(*column).and_then(|text| {
                stamp::any(text).or_else(|| stamp::any(&format!("{text} {}", self.column(column + 1)?)))
            }),
            _ => stamp::bracketed(self.line).or_else(|| self.leading_time()),
        };
        let size = match (wanted.sized, &wanted.size) {
            (false, _) => 0,
            (true, field) => {
                let field = field.clone().unwrap_or(Field::Name("bytes".into()));
                found(&field).and_then(size_of).ok_or_else(|| format!("no size in field {field}"))?
            }
        };
        Ok(Entry { client, at, size })
    }

    /// Reads a time at the beginning of the line, in one or two columns.
    fn leading_time(&self) -> Option<i64> {
        let mut columns = self.line.split_whitespace();
        let first = columns.next()?.trim_start_matches('[');
        let dated = |text: &str| stamp::dated(text.trim_end_matches(']'));
        dated(first).or_else(|| dated(&format!("{first} {}", columns.next()?)))
    }
}

/// Returns a field of the combined log by its name.
fn named<'a>(fields: &[Piece<'a>], name: &str) -> Option<&'a str> {
    let time =
        fields.iter().position(|field| matches!(field, Piece::Bracketed(text) if stamp::common(text).is_some()))?;
    let (_, offset) = NAMES.iter().find(|(known, _)| *known == name)?;
    let (Piece::Bare(text) | Piece::Bracketed(text) | Piece::Quoted(text)) =
        *fields.get(time.checked_add_signed(*offset as isize)?)?;
    match name {
        "method" => text.split_whitespace().next(),
        "path" => text.split_whitespace().nth(1),
        _ => Some(text),
    }
}

/// A field of the combined log, without what stands around it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Piece<'a> {
    Bare(&'a str),
    Bracketed(&'a str),
    Quoted(&'a str),
}

/// Cuts a line at its spaces, but for those in brackets and quotes.
fn fields(line: &str) -> Vec<Piece<'_>> {
    let (mut fields, mut rest) = (Vec::new(), line.trim_start());
    while let Some(first) = rest.chars().next() {
        let end = match first {
            '[' => rest.find(']'),
            '"' => closing_quote(rest),
            _ => None,
        };
        let (field, after) = match end {
            Some(end) if first == '[' => (Piece::Bracketed(&rest[1..end]), end + 1),
            Some(end) => (Piece::Quoted(&rest[1..end]), end + 1),
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (Piece::Bare(&rest[..end]), end)
            }
        };
        fields.push(field);
        rest = rest[after..].trim_start();
    }
    fields
}

/// Finds the quote that ends the text which the first one begins; one behind a backslash does not.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().enumerate().skip(1).find_map(|(at, byte)| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMBINED: &str = "2001:db8::7 - frank [10/Oct/2000:13:55:36 -0700] \"GET /a?b=\\\"c HTTP/1.0\" 200 2326 \
                            \"http://www.example.com/start\" \"Mozilla/4.08 [en] (Win98)\"";
    const TIME: i64 = 971_211_336_000_000_000;

    fn wanted(key: &str) -> Wanted {
        Wanted { key: Field::key(key).unwrap(), size: None, time: None, sized: false }
    }

    fn name(text: &str) -> Client {
        Client::Name(text.into())
    }

    #[test]
    fn the_form_of_a_log_is_told_by_its_line() {
        assert_eq!(Format::of(COMBINED), Format::Combined);
        assert_eq!(Format::of("192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 200 1"), Format::Combined);
        assert_eq!(Format::of(" {\"ip\": \"192.0.2.1\"}"), Format::Json);
        assert_eq!(Format::of("{not json}"), Format::Columns);
        assert_eq!(Format::of_lines(&["# a log".into(), String::new(), COMBINED.into()]), Format::Combined);
        assert_eq!(Format::of_lines(&["a b".into(), "{}".into(), COMBINED.into()]), Format::Json);
        assert_eq!(Format::of_lines(&[]), Format::Columns);
        assert_eq!(Format::of("2024-01-02 03:04:05 install bash"), Format::Columns);
    }

    #[test]
    fn every_field_of_the_combined_log_is_found_by_its_name() {
        for (key, client) in [
            ("ip", Client::at("2001:db8::1").unwrap()),
            ("user", name("frank")),
            ("request", name("GET /a?b=\\\"c HTTP/1.0")),
            ("method", name("GET")),
            ("path", name("/a?b=\\\"c")),
            ("status", name("200")),
            ("bytes", name("2326")),
            ("referer", name("http://www.example.com/start")),
            ("user-agent", name("Mozilla/4.08 [en] (Win98)")),
            ("1", name("2001:db8::7")),
            ("9", name("200")),
        ] {
            let entry = Format::Combined.read(COMBINED, &wanted(key)).unwrap();
            assert_eq!((entry.client, entry.at, entry.size), (client, Some(TIME), 0), "{key}");
        }
        let sized = Wanted { sized: true, ..wanted("ip") };
        assert_eq!(Format::Combined.read(COMBINED, &sized).unwrap().size, 2326);
        let none = "192.0.2.1 - - [10/Oct/2000:13:55:36 -0700] \"GET / HTTP/1.0\" 304 -";
        assert_eq!(Format::Combined.read(none, &sized).unwrap().size, 0);
        let by_column = Wanted { size: Some(Field::Column(10)), ..sized };
        assert_eq!(Format::Combined.read(COMBINED, &by_column).unwrap().size, 2326);
    }

    #[test]
    fn keys_of_json_are_found_at_the_top_and_below() {
        let line = "{\"ts\": 971211336.5, \"request\": {\"remote_ip\": \"192.0.2.1\", \"headers\": {\"x\": 7}}, \
                    \"a.b\": true, \"size\": 12}";
        let entry = Format::Json.read(line, &Wanted { sized: true, ..wanted("ip") }).unwrap();
        assert_eq!(entry, Entry { client: Client::at("192.0.2.1").unwrap(), at: Some(TIME + 500_000_000), size: 12 });
        for (key, client) in [("request.headers.x", "7"), ("a.b", "true"), ("request.remote_ip", "192.0.2.1")] {
            assert_eq!(Format::Json.read(line, &wanted(key)).unwrap().client, name(client));
        }
        let nginx = "{\"time_local\": \"10/Oct/2000:13:55:36 -0700\", \"u\": \"frank\", \"sent\": \"5\"}";
        let named = Wanted { size: Some(Field::Name("sent".into())), sized: true, ..wanted("u") };
        let entry = Format::Json.read(nginx, &named).unwrap();
        assert_eq!(entry, Entry { client: name("frank"), at: Some(TIME), size: 5 });
        let timed = Wanted { time: Some(Field::Name("when".into())), ..wanted("u") };
        assert_eq!(Format::Json.read(nginx, &timed).unwrap().at, None);
    }

    #[test]
    fn columns_have_their_time_in_front_or_where_it_is_said() {
        let line = "2000-10-10 20:55:36 install bash 5";
        let sized = Wanted { size: Some(Field::Column(5)), sized: true, ..wanted("4") };
        assert_eq!(
            Format::Columns.read(line, &sized).unwrap(),
            Entry { client: name("bash"), at: Some(TIME), size: 5 }
        );
        assert_eq!(Format::Columns.read("2000-10-10T20:55:36Z a", &wanted("2")).unwrap().at, Some(TIME));
        let later = Wanted { time: Some(Field::Column(2)), ..wanted("1") };
        assert_eq!(Format::Columns.read("a 971211336", &later).unwrap().at, Some(TIME));
        assert_eq!(Format::Columns.read("a 2000-10-10 20:55:36", &later).unwrap().at, Some(TIME));
        assert_eq!(Format::Columns.read("a b", &wanted("1")).unwrap().at, None);
    }

    #[test]
    fn a_line_says_what_it_lacks() {
        let sized = |key| Wanted { sized: true, ..wanted(key) };
        for (format, line, wanted, lack) in [
            (Format::Combined, "a b c", wanted("ip"), "no field is an address"),
            (Format::Combined, "a b c", wanted("user"), "no field user"),
            (Format::Combined, "192.0.2.1 b", sized("ip"), "no size in field bytes"),
            (Format::Columns, "a b", wanted("3"), "no field 3"),
            (Format::Json, "{", wanted("ip"), "it is no JSON"),
            (Format::Json, "[1]", wanted("ip"), "it is no JSON object"),
            (Format::Json, "{\"a\": {}}", wanted("a"), "no key \"a\" with a text or a number"),
            (Format::Json, "{\"a\": 1}", wanted("ip"), "no address under a known key"),
            (Format::Json, "{\"a\": 1}", sized("a"), "no size under a known key"),
        ] {
            assert_eq!(format.read(line, &wanted), Err(lack.into()), "{line}");
        }
    }

    #[test]
    fn what_a_form_does_not_have_is_named() {
        for (format, wanted, start) in [
            (Format::Json, wanted("3"), "--key \"3\": lines of JSON have keys"),
            (Format::Columns, wanted("user"), "--key \"user\": lines of columns have no names"),
            (Format::Combined, wanted("host"), "--key \"host\": a field of the combined log is ip, user"),
            (Format::Columns, Wanted { sized: true, ..wanted("1") }, "--bytes: name the column of the size"),
            (Format::Json, Wanted { time: Some(Field::Column(1)), ..wanted("a") }, "--time \"1\": "),
        ] {
            let error = format.check(&wanted).unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}");
        }
        assert!(Format::Json.check(&wanted("ip")).is_ok() && Format::Columns.check(&wanted("ip")).is_ok());
    }
}
