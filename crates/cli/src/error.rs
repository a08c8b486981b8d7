//! Owns why a job was not done. Never decides it.

use std::fmt;
use std::io;

/// Why a job was not done, or not to its end.
///
/// ```
/// use tollgate_cli::error::Error;
///
/// let error = Error::argument("--lines \"0/s capacity 5\"", "a rate of 0 lets nothing through");
/// assert_eq!(error.to_string(), "--lines \"0/s capacity 5\": a rate of 0 lets nothing through");
/// ```
#[derive(Debug)]
pub enum Error {
    /// An argument is wrong, and nothing was done: exit status 2.
    Argument {
        /// The argument with its value.
        argument: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// The job could not be done, or not to its end: exit status 1.
    Failed {
        /// What could not be done.
        what: String,
        /// Why.
        why: io::Error,
    },
}

impl Error {
    /// Makes the error for a wrong argument.
    pub fn argument(argument: impl fmt::Display, rule: impl fmt::Display) -> Self {
        Self::Argument { argument: argument.to_string(), rule: rule.to_string() }
    }

    /// Makes the error for what could not be done.
    pub fn failed(what: impl fmt::Display, why: io::Error) -> Self {
        Self::Failed { what: what.to_string(), why }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Argument { argument, rule } => format!("{argument}: {rule}"),
            Self::Failed { what, why } => format!("{what}: {why}"),
        };
        // A name may hold a line break; a message is one line.
        let shown = |letter: char| if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
        f.write_str(&text.chars().map(shown).collect::<String>())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line() {
        let error = Error::failed("cannot read \"a\nb\u{1b}[2J\"", io::Error::other("gone"));
        assert_eq!(error.to_string(), "cannot read \"a\u{fffd}b\u{fffd}[2J\": gone");
    }
}
