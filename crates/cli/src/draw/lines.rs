//! Owns lines over time, as text. Never where they come from.

use crate::draw::axis::Axis;
use crate::draw::frame::{Cell, Frame};
use crate::draw::look::{COLORS, Color, Look};

/// Lines over one time axis.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Lines {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
}

/// One line.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Series {
    /// The letter that stands on the line.
    pub(crate) mark: char,
    /// Empty for a line that is not listed below the drawing.
    pub(crate) name: String,
    pub(crate) stroke: Stroke,
    /// Times and amounts, in order. What lies above the axis is cut.
    pub(crate) points: Vec<(f64, f64)>,
}

/// How a line goes from point to point.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stroke {
    /// Level, up to the next point, and up.
    Steps,
    /// Straight, in dots.
    Dots,
}

/// The dots of a Braille cell, by row and column.
const BRAILLE: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// A picture of dots over a frame.
struct Dots {
    /// Dots in a cell: across and down.
    across: usize,
    down: usize,
    width: usize,
    height: usize,
    /// The series of each dot, a bit for each.
    dots: Vec<u32>,
}

impl Dots {
    fn new(frame: &Frame<'_>) -> Self {
        let [across, down] = if frame.look.ascii { [1, 1] } else { [2, 4] };
        let (width, height) = (frame.width() * across, frame.height() * down);
        Self { across, down, width, height, dots: vec![0; width * height] }
    }

    fn set(&mut self, column: usize, row: usize, series: usize) {
        self.dots[row * self.width + column] |= 1 << series;
    }

    /// Returns the column and the row of a point, both from the top left; negative rows lie above.
    fn place(&self, x: f64, y: f64) -> (usize, i64) {
        let column = ((x * self.width as f64) as usize).min(self.width - 1);
        // An amount of 0 lies in the lowest row.
        let above = ((y * self.height as f64).ceil() as i64 - 1).max(0);
        (column, self.height as i64 - 1 - above)
    }

    fn draw(&mut self, lines: &Lines, number: usize) {
        let series = &lines.series[number];
        let place = |dots: &Self, (time, amount): (f64, f64)| dots.place(lines.x.share(time), lines.y.share(amount));
        let Some(first) = series.points.first() else { return };
        let mut at = place(self, *first);
        self.dot(at, number);
        for point in &series.points[1..] {
            let next = place(self, *point);
            match series.stroke {
                Stroke::Steps => {
                    (at.0..=next.0).for_each(|column| self.dot((column, at.1), number));
                    // From below to above.
                    (next.1.max(-1)..=at.1).for_each(|row| self.dot((next.0, row), number));
                }
                Stroke::Dots => {
                    let columns = next.0 - at.0;
                    for column in (at.0..=next.0).filter(|column| column % 3 == 0) {
                        let share = (column - at.0) as f64 / columns.max(1) as f64;
                        let row = at.1 + ((next.1 - at.1) as f64 * share).round() as i64;
                        self.dot((column, row), number);
                    }
                }
            }
            at = next;
        }
    }

    fn dot(&mut self, (column, row): (usize, i64), series: usize) {
        if let Ok(row) = usize::try_from(row) {
            self.set(column, row, series);
        }
    }
}

impl Lines {
    /// Returns the color of a series; dotted ones have none.
    fn color(&self, number: usize) -> Option<Color> {
        match self.series[number].stroke {
            Stroke::Steps => Some(COLORS[number % COLORS.len()]),
            Stroke::Dots => None,
        }
    }

    /// Draws the lines in `height` rows, with their names below.
    pub(crate) fn write(&self, height: usize, look: Look) -> String {
        let mut frame = Frame::new(&self.x, &self.y, height, look);
        let mut dots = Dots::new(&frame);
        let order = |stroke| (0..self.series.len()).filter(move |number| self.series[*number].stroke == stroke);
        (0..self.series.len()).for_each(|number| dots.draw(self, number));
        for row in 0..frame.height() {
            for column in 0..frame.width() {
                frame.rows[row][column] = self.cell(&dots, row, column, look);
            }
        }
        if !look.ascii && order(Stroke::Steps).count() > 1 {
            order(Stroke::Steps).for_each(|number| self.mark(&mut frame, &dots, number));
        }
        let mut text = format!("{}\n{}", self.title, frame.write());
        for (number, series) in self.series.iter().enumerate().filter(|(_, series)| !series.name.is_empty()) {
            let stroke = match series.stroke {
                Stroke::Dots => "..".to_string(),
                Stroke::Steps => format!("{}{}", series.mark, if look.ascii { series.mark } else { '─' }),
            };
            text.push_str(&format!("  {}  {}\n", look.paint(&stroke, self.color(number)), series.name));
        }
        text
    }

    /// Returns the character of one cell: all its dots.
    ///
    /// Lines that lie on one another have the cells in turn, dotted ones only where no other is.
    fn cell(&self, dots: &Dots, row: usize, column: usize, look: Look) -> Cell {
        let (mut bits, mut series) = (0, 0);
        for (down, braille) in BRAILLE.iter().enumerate().take(dots.down) {
            for (across, bit) in braille.iter().enumerate().take(dots.across) {
                let at = (row * dots.down + down) * dots.width + column * dots.across + across;
                if dots.dots[at] != 0 {
                    bits |= bit;
                    series |= dots.dots[at];
                }
            }
        }
        let here = |stroke| {
            let is = move |number: &usize| series >> number & 1 == 1 && self.series[*number].stroke == stroke;
            (0..self.series.len()).filter(is)
        };
        let steps: Vec<_> = here(Stroke::Steps).collect();
        let number = if steps.is_empty() { here(Stroke::Dots).next() } else { Some(steps[column % steps.len()]) };
        let Some(number) = number else { return Cell::EMPTY };
        let glyph = match (look.ascii, self.series[number].stroke) {
            (true, Stroke::Dots) => '.',
            (true, Stroke::Steps) => self.series[number].mark,
            (false, _) => char::from_u32(0x2800 + bits).unwrap_or('*'),
        };
        Cell { glyph, color: self.color(number) }
    }

    /// Puts the letter of a series on its line, a few times, so that no color is needed.
    fn mark(&self, frame: &mut Frame<'_>, dots: &Dots, number: usize) {
        const TIMES: usize = 4;
        let (width, count) = (frame.width(), self.series.len());
        for time in 0..TIMES {
            let column = ((time * count + number + 1) * width / (TIMES * count + 1)).min(width - 1);
            let in_row = |row: &usize| {
                (0..dots.down * dots.across).any(|dot| {
                    let (down, across) =
                        (row * dots.down + dot / dots.across, column * dots.across + dot % dots.across);
                    dots.dots[down * dots.width + across] >> number & 1 == 1
                })
            };
            if let Some(row) = (0..frame.height()).find(in_row) {
                frame.rows[row][column] = Cell { glyph: self.series[number].mark, color: self.color(number) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::amount::Unit;

    fn lines(series: Vec<Series>) -> Lines {
        let (x, y) = (Axis::time(40, 2), Axis::amounts(4.0, Unit::Plain, 2));
        Lines { title: "tokens".into(), x, y, series }
    }

    fn series(mark: char, stroke: Stroke, points: &[(f64, f64)]) -> Series {
        Series { mark, name: format!("line {mark}"), stroke, points: points.into() }
    }

    const ASCII: Look = Look { width: 44, ascii: true, colored: false };

    #[test]
    fn steps_are_level_and_then_go_up() {
        let steps = series('A', Stroke::Steps, &[(0.0, 1.0), (20.0, 3.0), (40.0, 3.0)]);
        let expected = "\
tokens
4 +
  |                    AAAAAAAAAAAAAAAAAAAAA
2 +                    A
  |AAAAAAAAAAAAAAAAAAAAA
0 ++-------------------+-------------------+
   0                 20 ns             40 ns
  AA  line A
";
        assert_eq!(lines(vec![steps]).write(4, ASCII), expected);
    }

    #[test]
    fn dots_are_straight_and_lie_below_steps() {
        let steps = series('A', Stroke::Steps, &[(0.0, 1.0), (40.0, 1.0)]);
        let dots = series('.', Stroke::Dots, &[(0.0, 1.0), (40.0, 4.0)]);
        let text = lines(vec![steps, dots]).write(4, ASCII);
        let row = |at: usize| text.lines().nth(at).unwrap().to_string();
        assert_eq!(row(4), format!("  |{}", "A".repeat(41)), "{text}");
        assert!(row(1).trim_end().ends_with('.') && row(2).contains(". .") | row(2).contains(".  ."), "{text}");
        assert_eq!(text.matches('.').count() - 3, 11, "dots in rows, and three in the legend: {text}");
    }

    #[test]
    fn lines_that_lie_on_one_another_are_all_seen() {
        let level = |mark| series(mark, Stroke::Steps, &[(0.0, 3.0), (40.0, 3.0)]);
        let three = lines(vec![level('A'), level('B'), level('C')]);
        let row = |text: String| text.lines().nth(2).unwrap()[3..].to_string();
        assert_eq!(row(three.write(4, ASCII)), "ABCABCABCABCABCABCABCABCABCABCABCABCABCAB");
        let text = three.write(4, Look { ascii: false, ..ASCII });
        let marks: String = text.lines().nth(2).unwrap().chars().filter(char::is_ascii_uppercase).collect();
        assert_eq!(marks, "ABCABCABCABC");
    }

    #[test]
    fn what_lies_above_the_axis_is_cut() {
        let steps = series('A', Stroke::Steps, &[(0.0, 2.0), (20.0, 1e30), (40.0, 1e30)]);
        let text = lines(vec![steps]).write(4, ASCII);
        let rows: Vec<_> = text.lines().skip(1).take(4).map(|row| row[3..].trim_end().to_string()).collect();
        let up = format!("{}A", " ".repeat(20));
        assert_eq!(rows, [up.clone(), up, "A".repeat(21), String::new()], "{text}");
    }

    #[test]
    fn several_lines_are_told_apart_without_color() {
        let two = [
            series('A', Stroke::Steps, &[(0.0, 1.0), (40.0, 1.0)]),
            series('B', Stroke::Steps, &[(0.0, 3.0), (40.0, 3.0)]),
        ];
        let look = Look { ascii: false, ..ASCII };
        let text = lines(two.to_vec()).write(4, look);
        let count = |line: usize, mark| text.lines().nth(line).unwrap().matches(mark).count();
        assert_eq!([count(2, 'B'), count(4, 'A'), count(2, 'A'), count(4, 'B')], [4, 4, 0, 0], "{text}");
        assert!(!text.contains('\u{1b}'));
        let colored = lines(two.to_vec()).write(4, Look { colored: true, ..look });
        assert!(colored.contains("\u{1b}[34m") && colored.contains("\u{1b}[33m"), "{colored}");
        // One line needs no letter.
        let alone = lines(two[..1].to_vec()).write(4, look);
        assert_eq!(alone.lines().nth(4).unwrap().matches('A').count(), 0, "{alone}");
    }
}
