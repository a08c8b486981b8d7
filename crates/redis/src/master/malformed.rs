//! Owns the error of a text or a reply of the engine that nobody wrote. Never mends one.

use std::fmt;

/// What the engine holds or says is not what this version of the crate writes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Malformed {
    /// What was read: "head", "state", "reply".
    pub(crate) what: &'static str,
    /// As it was found, shortened.
    pub(crate) found: String,
}

impl Malformed {
    /// Names what was read, and shows the beginning of what was found.
    pub(crate) fn new(what: &'static str, found: impl fmt::Debug) -> Self {
        let mut found = format!("{found:?}");
        if let Some((end, _)) = found.char_indices().nth(200) {
            found.truncate(end);
            found.push('…');
        }
        Self { what, found }
    }
}
