//! Owns what the reader's terminal can show. Never what is shown.

use crate::terminal;

/// The least width that a drawing is made for.
const NARROW: usize = 40;

/// How a drawing of text looks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Look {
    /// In characters.
    pub(crate) width: usize,
    pub(crate) ascii: bool,
    pub(crate) colored: bool,
}

/// A color of the terminal's own palette.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Color(pub(crate) u8);

/// Colors of series, in order: those that are read well on dark and on light.
pub(crate) const COLORS: [Color; 6] = [Color(34), Color(33), Color(35), Color(32), Color(36), Color(31)];

impl Look {
    /// Returns the look of the standard output.
    ///
    /// There is no color where it is no terminal, and none with `NO_COLOR`.
    pub(crate) fn of_stdout(ascii: bool) -> Self {
        Self { width: terminal::stdout_width().max(NARROW), ascii, colored: terminal::has_colours() }
    }

    /// Wraps a text into a color, if there are colors.
    pub(crate) fn paint(self, text: &str, color: Option<Color>) -> String {
        match color {
            Some(Color(code)) if self.colored && !text.is_empty() => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            _ => text.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn color_wraps_the_text_if_there_is_color() {
        let look = Look { width: 80, ascii: false, colored: true };
        assert_eq!(look.paint("a", Some(COLORS[0])), "\u{1b}[34ma\u{1b}[0m");
        assert_eq!(look.paint("a", None), "a");
        assert_eq!(Look { colored: false, ..look }.paint("a", Some(COLORS[0])), "a");
    }
}
