//! Owns the axes around a drawing of text. Never what is drawn inside.

use crate::draw::axis::Axis;
use crate::draw::look::{Color, Look};
use crate::draw::span::ascii;

/// A character of a drawing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Cell {
    pub(crate) glyph: char,
    pub(crate) color: Option<Color>,
}

impl Cell {
    pub(crate) const EMPTY: Self = Self { glyph: ' ', color: None };
}

/// The rectangle in which something is drawn, with its axes.
#[derive(Debug)]
pub(crate) struct Frame<'a> {
    pub(crate) x: &'a Axis,
    pub(crate) y: &'a Axis,
    pub(crate) look: Look,
    /// The cells, by rows from the top.
    pub(crate) rows: Vec<Vec<Cell>>,
}

impl<'a> Frame<'a> {
    /// Makes an empty drawing of `height` rows, as wide as the look has it.
    pub(crate) fn new(x: &'a Axis, y: &'a Axis, height: usize, look: Look) -> Self {
        let columns = look.width.saturating_sub(label_width(y) + 2).max(8);
        Self { x, y, look, rows: vec![vec![Cell::EMPTY; columns]; height] }
    }

    pub(crate) fn width(&self) -> usize {
        self.rows[0].len()
    }

    pub(crate) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Writes the drawing between its axes.
    pub(crate) fn write(&self) -> String {
        let [tick, side, corner, line, below] =
            if self.look.ascii { ['+', '|', '+', '-', '+'] } else { ['┤', '│', '└', '─', '┬'] };
        let (labels, height) = (label_width(self.y), self.height());
        let mut text = String::new();
        for (row, cells) in self.rows.iter().enumerate() {
            // The tick that lies in this row; the line at the bottom has that of 0.
            let label = self.y.ticks.iter().skip(1).find(|(at, _)| self.row_of(*at) == row);
            let (label, side) = label.map_or(("", side), |(_, label)| (label, tick));
            text.push_str(&format!("{label:>labels$} {side}"));
            let mut from = 0;
            let end = cells.iter().rposition(|cell| cell.glyph != ' ').map_or(0, |last| last + 1);
            while from < end {
                let same = cells[from..end].iter().take_while(|cell| cell.color == cells[from].color).count();
                let run: String = cells[from..from + same].iter().map(|cell| cell.glyph).collect();
                text.push_str(&self.look.paint(&run, cells[from].color));
                from += same;
            }
            text.push('\n');
        }
        debug_assert!(height > 0);
        let mut axis = vec![line; self.width()];
        let mut names = vec![' '; labels + 2 + self.width()];
        // The last place of a label so far.
        let mut used = 0;
        for (at, label) in &self.x.ticks {
            let column = self.column_of(*at);
            axis[column] = below;
            let label: Vec<char> = if self.look.ascii { ascii(label) } else { label.clone() }.chars().collect();
            let from =
                (labels + 2 + column).saturating_sub(label.len() / 2).min(names.len().saturating_sub(label.len()));
            if from >= used && label.len() <= names.len() {
                names[from..from + label.len()].copy_from_slice(&label);
                used = from + label.len() + 1;
            }
        }
        let zero = &self.y.ticks[0].1;
        text.push_str(&format!("{zero:>labels$} {corner}{}\n", axis.into_iter().collect::<String>()));
        text.push_str(names.into_iter().collect::<String>().trim_end());
        text.push('\n');
        text
    }

    /// Returns the row in which an amount above 0 lies.
    pub(crate) fn row_of(&self, amount: f64) -> usize {
        let from_below = (self.y.share(amount) * self.height() as f64).ceil() as usize;
        self.height() - from_below.clamp(1, self.height())
    }

    /// Returns the column in which a time lies.
    fn column_of(&self, time: f64) -> usize {
        ((self.x.share(time) * self.width() as f64) as usize).min(self.width() - 1)
    }
}

/// Returns the width of the longest label of the axis on the left.
fn label_width(y: &Axis) -> usize {
    y.ticks.iter().map(|(_, label)| label.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::amount::Unit;

    const PLAIN: Look = Look { width: 40, ascii: true, colored: false };

    #[test]
    fn axes_have_ticks_in_rows_and_columns_of_their_values() {
        let (x, y) = (Axis::time(60_000_000_000, 3), Axis::amounts(100.0, Unit::Plain, 2));
        let mut frame = Frame::new(&x, &y, 4, PLAIN);
        frame.rows[0][35 - 1] = Cell { glyph: '*', color: None };
        let expected = "\
100 +                                  *
    |
 50 +
    |
  0 ++----------------+----------------+
     0              30 s           1 min
";
        assert_eq!(frame.write(), expected);
    }

    #[test]
    fn a_frame_is_as_wide_as_the_look_and_no_label_covers_another() {
        for width in [40, 80, 200] {
            let (x, y) = (Axis::time(3_600_000_000_000, 4), Axis::amounts(1e9, Unit::Bytes, 5));
            let look = Look { width, ascii: false, colored: false };
            let text = Frame::new(&x, &y, 5, look).write();
            let widths: Vec<_> = text.lines().map(|line| line.chars().count()).collect();
            assert_eq!(widths.iter().max(), Some(&width), "{text}");
            let names = text.lines().last().unwrap();
            // A label that has no room is left out, never cut.
            let labels: Vec<_> = names.split("  ").filter(|label| !label.trim().is_empty()).collect();
            assert!(
                labels[0].trim() == "0"
                    && labels.iter().all(|label| x.ticks.iter().any(|(_, all)| all == label.trim())),
                "{text}"
            );
            assert!(labels.len() == x.ticks.len() || width == 40, "{text}");
        }
    }

    #[test]
    fn a_label_without_room_is_left_out() {
        let (x, y) = (Axis::time(3_600_000_000_000, 12), Axis::amounts(1e9, Unit::Bytes, 5));
        let text = Frame::new(&x, &y, 5, PLAIN).write();
        assert_eq!(text.lines().last(), Some("         0 10 min 25 min  40 min  55 min"), "{text}");
    }

    #[test]
    fn a_color_stands_around_its_run_only() {
        let (x, y) = (Axis::time(10, 1), Axis::amounts(1.0, Unit::Plain, 1));
        let look = Look { colored: true, ..PLAIN };
        let mut frame = Frame::new(&x, &y, 1, look);
        for cell in &mut frame.rows[0][1..3] {
            *cell = Cell { glyph: '#', color: Some(Color(34)) };
        }
        assert_eq!(frame.write().lines().next(), Some("1 + \u{1b}[34m##\u{1b}[0m"));
    }
}
