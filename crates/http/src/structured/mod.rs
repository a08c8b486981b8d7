//! Owns the reading of structured fields (RFC 9651). Never the meaning of one.
//!
//! * `item.rs`: values with parameters.
//! * `reader.rs`: a cursor over the text of a field, value by value.
//! * `field.rs`: whole fields: lists, dictionaries, and lines that are joined.

pub(crate) mod field;
pub(crate) mod item;
mod reader;
