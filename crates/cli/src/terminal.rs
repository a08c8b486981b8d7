//! Owns what the standard error and the standard output are. Never writes to them.

use std::env;
use std::io::{IsTerminal, stderr, stdout};

/// How wide a line is where nobody says it.
pub const WIDTH: usize = 80;

/// Returns whether the standard error is a terminal.
pub fn is_stderr() -> bool {
    stderr().is_terminal()
}

/// Returns whether the standard output is a terminal.
pub fn is_stdout() -> bool {
    stdout().is_terminal()
}

/// Returns the columns of the terminal that is the standard error, or [`WIDTH`].
pub fn stderr_width() -> usize {
    terminal_size::terminal_size_of(stderr()).map_or(WIDTH, |(width, _)| usize::from(width.0).max(1))
}

/// Returns the columns of the terminal that is the standard output, or [`WIDTH`].
pub fn stdout_width() -> usize {
    terminal_size::terminal_size_of(stdout()).map_or(WIDTH, |(width, _)| usize::from(width.0).max(1))
}

/// Returns whether the terminal obeys no escape sequence, as `TERM=dumb` says.
pub fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// Returns whether the standard output takes colours: it is a terminal that is not dumb, and
/// `NO_COLOR` is unset.
pub fn has_colours() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    is_stdout() && !is_set("NO_COLOR") && !is_dumb()
}
