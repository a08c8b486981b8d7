//! Owns the serialized forms of rates and limits. It never reads text itself.
//!
//! | value | formats that people read | other formats |
//! |---|---|---|
//! | `Rate` | text | text |
//! | `Limit` | text; read as text or as a table | its fields, in order |
//!
//! A format that people do not read is often one that does not say what comes next, so it has one
//! form alone.

use core::fmt;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::limit::limit::Limit;
use crate::limit::limit_error::LimitError;
use crate::limit::parse_error::ParseError;
use crate::limit::rate::Rate;
use crate::limit::reader::Reader;

/// A parse error on one line: messages of formats embed it.
fn custom<E: Error>(error: ParseError) -> E {
    E::custom(format_args!("{error:#}"))
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Rate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a rate as text, such as \"1000/s\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Rate, E> {
                text.parse().map_err(custom)
            }
        }

        deserializer.deserialize_str(Written)
    }
}

/// A limit in a format that people do not read.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(rename = "Limit", deny_unknown_fields)]
struct Fields {
    rate: Rate,
    capacity: u64,
    starts_with: Option<u64>,
}

/// A limit as a table. The capacity is what the rate brings in its period, unless set.
#[derive(serde::Deserialize)]
#[serde(rename = "Limit", deny_unknown_fields)]
struct Table {
    rate: Rate,
    #[serde(default, alias = "burst")]
    capacity: Option<Tokens>,
    #[serde(default)]
    starts: Start,
}

impl Serialize for Limit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let Self { rate, capacity, starts_with } = *self;
        Fields { rate, capacity, starts_with }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let limit = if deserializer.is_human_readable() {
            deserializer.deserialize_any(TextOrTable)?
        } else {
            let Fields { rate, capacity, starts_with } = Fields::deserialize(deserializer)?;
            Self { rate, capacity, starts_with }
        };
        match limit.check() {
            Ok(()) => Ok(limit),
            // Its stream is not known here: whoever reads the limit knows its place.
            Err(LimitError { rule, .. }) => Err(D::Error::custom(format_args!("limit {limit}: {rule}"))),
        }
    }
}

struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = Limit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a limit as text, such as \"1000/s capacity 50\", or as a table with a rate")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Limit, E> {
        text.parse().map_err(custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Limit, A::Error> {
        let Table { rate, capacity, starts } = Table::deserialize(MapAccessDeserializer::new(map))?;
        let limit = Limit::from(rate);
        let Tokens(capacity) = capacity.unwrap_or(Tokens(limit.capacity));
        Ok(Limit { capacity, starts_with: starts.0, ..limit })
    }
}

/// A whole number of tokens: a number, or text with a suffix.
struct Tokens(u64);

impl<'de> Deserialize<'de> for Tokens {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Tokens;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number of tokens, or text such as \"4MiB\"")
            }

            fn visit_u64<E: Error>(self, tokens: u64) -> Result<Tokens, E> {
                Ok(Tokens(tokens))
            }

            fn visit_i64<E: Error>(self, tokens: i64) -> Result<Tokens, E> {
                tokens_of(tokens, &self)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Tokens, E> {
                Reader::tokens_of(text).map(Tokens).map_err(custom)
            }
        }

        deserializer.deserialize_any(Written)
    }
}

fn tokens_of<E: Error>(tokens: i64, expected: &dyn serde::de::Expected) -> Result<Tokens, E> {
    match u64::try_from(tokens) {
        Ok(tokens) => Ok(Tokens(tokens)),
        Err(_) => Err(E::invalid_value(serde::de::Unexpected::Signed(tokens), expected)),
    }
}

/// What a bucket begins with, as `Limit::starts_with` has it.
#[derive(Default)]
struct Start(Option<u64>);

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Written;

        impl Visitor<'_> for Written {
            type Value = Start;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"full\", \"empty\", or a number of tokens")
            }

            fn visit_u64<E: Error>(self, tokens: u64) -> Result<Start, E> {
                Ok(Start(Some(tokens)))
            }

            fn visit_i64<E: Error>(self, tokens: i64) -> Result<Start, E> {
                tokens_of(tokens, &self).map(|Tokens(tokens)| Start(Some(tokens)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Start, E> {
                match text {
                    "full" => Ok(Start(None)),
                    "empty" => Ok(Start(Some(0))),
                    _ => Reader::tokens_of(text).map(|tokens| Start(Some(tokens))).map_err(custom),
                }
            }
        }

        deserializer.deserialize_any(Written)
    }
}
