//! Owns counts over time as stacked bars, as text. Never what is counted.

use crate::draw::axis::Axis;
use crate::draw::frame::{Cell, Frame};
use crate::draw::look::{Color, Look};

/// Two counts for each span of time, one above the other.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Bars {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    /// What the lower and the upper part of a bar count.
    pub(crate) names: [String; 2],
    /// Spans of equal length, in order.
    pub(crate) bins: Vec<[u64; 2]>,
}

const COLORS: [Color; 2] = [Color(34), Color(31)];
/// In eighths of a row, from one.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

impl Bars {
    /// Draws the bars in `height` rows, with their names below.
    pub(crate) fn write(&self, height: usize, look: Look) -> String {
        let mut frame = Frame::new(&self.x, &self.y, height, look);
        let (width, count) = (frame.width(), self.bins.len().max(1));
        for column in 0..width {
            let [lower, upper] = self.bins.get(column * count / width).copied().unwrap_or_default();
            self.bar(&mut frame, column, lower, upper, look);
        }
        let mut text = format!("{}\n{}", self.title, frame.write());
        let glyphs = if look.ascii { ['#', 'x'] } else { ['█', '▒'] };
        for (i, name) in self.names.iter().enumerate() {
            let sample = look.paint(&String::from_iter([glyphs[i]; 2]), Some(COLORS[i]));
            text.push_str(&format!("  {sample}  {name}\n"));
        }
        text
    }

    /// Draws one column: whole rows, and of the topmost part what is left of a row.
    fn bar(&self, frame: &mut Frame<'_>, column: usize, lower: u64, upper: u64, look: Look) {
        let height = frame.height();
        let rows = |count: u64| self.y.share(count as f64) * height as f64;
        let (granted, all) = (rows(lower), rows(lower.saturating_add(upper)));
        // The middle of a row decides whose it is, but for the topmost: no refusal goes unseen.
        let first = granted.round().min(all.ceil() - 1.0);
        for row in 0..height {
            let below = (height - 1 - row) as f64;
            let is_upper = upper > 0 && below >= first && below < all;
            let cell = if is_upper {
                Cell { glyph: if look.ascii { 'x' } else { '▒' }, color: Some(COLORS[1]) }
            } else if below < granted {
                let eighths = (((granted - below) * 8.0).ceil() as usize).clamp(1, 8);
                let glyph = if look.ascii { '#' } else { EIGHTHS[eighths - 1] };
                Cell { glyph, color: Some(COLORS[0]) }
            } else {
                Cell::EMPTY
            };
            frame.rows[row][column] = cell;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::amount::Unit;

    fn bars(bins: Vec<[u64; 2]>) -> Bars {
        let (x, y) = (Axis::time(4_000_000_000, 2), Axis::amounts(4.0, Unit::Plain, 2));
        let names = ["granted".into(), "refused".into()];
        Bars { title: "requests".into(), x, y, names, bins }
    }

    #[test]
    fn the_upper_part_stands_on_the_lower() {
        let look = Look { width: 40, ascii: true, colored: false };
        let text = bars(vec![[4, 0], [2, 1], [0, 2], [0, 0]]).write(4, look);
        let row = |at: usize| text.lines().nth(at).unwrap()[3..].chars().step_by(10).collect::<String>();
        assert_eq!([row(1), row(2), row(3), row(4)].map(|row| row.trim_end().to_string()), ["#", "#x", "##x", "##x"]);
        assert!(text.ends_with("  ##  granted\n  xx  refused\n"), "{text}");
    }

    #[test]
    fn a_small_count_is_seen_beside_a_large_one() {
        let (x, y) = (Axis::time(4, 2), Axis::amounts(1e6, Unit::Plain, 2));
        let names = ["granted".into(), "refused".into()];
        for ascii in [true, false] {
            let look = Look { width: 40, ascii, colored: false };
            for (bin, glyph) in [([1, 0], if ascii { '#' } else { '▁' }), ([0, 1], if ascii { 'x' } else { '▒' })] {
                let text = Bars {
                    title: String::new(),
                    x: x.clone(),
                    y: y.clone(),
                    names: names.clone(),
                    bins: vec![bin, [1_000_000, 0]],
                };
                let text = text.write(4, look);
                assert!(text.lines().nth(4).unwrap().contains(glyph), "{text}");
            }
            // A refusal on top of many grants.
            let (x, y) = (x.clone(), y.clone());
            let bins = vec![[999_999, 1], [500_000, 0]];
            let text = Bars { title: String::new(), x, y, names: names.clone(), bins }.write(4, look);
            let rows = |at: usize| text.lines().nth(at).unwrap().matches(if ascii { 'x' } else { '▒' }).count();
            assert!(rows(1) > 10 && rows(2) == 0, "{text}");
        }
    }

    #[test]
    fn every_bin_has_its_share_of_the_columns() {
        let look = Look { width: 40, ascii: true, colored: false };
        let text = bars((0..4).map(|i| [i, 0]).collect()).write(4, look);
        let lowest = text.lines().nth(4).unwrap();
        // Of 40 columns, the label of the axis takes one, and the axis two.
        let columns: usize = 37;
        assert_eq!(lowest.matches('#').count(), columns - columns.div_ceil(4), "{text}");
    }
}
