//! Owns drawings as SVG. Never what they show, and never a drawing of text.

use std::error::Error;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{KeyPointHint, Ranged, ValueFormatter};
use plotters::prelude::*;

use crate::draw::axis::Axis;
use crate::draw::bars::Bars;
use crate::draw::lines::{Lines, Stroke};

const SIZE: (u32, u32) = (900, 460);
const TEXT: RGBColor = RGBColor(0x33, 0x33, 0x33);
const GRID: RGBColor = RGBColor(0xe4, 0xe4, 0xe4);
/// One for each of eight limits and for all of them: told apart on white, the first six also by
/// those who see no red or no green.
const COLORS: [RGBColor; 9] = [
    RGBColor(0x1f, 0x6f, 0xb4),
    RGBColor(0xe0, 0x7b, 0x00),
    RGBColor(0x8e, 0x44, 0xad),
    RGBColor(0x2e, 0x8b, 0x57),
    RGBColor(0x00, 0x9f, 0xb7),
    RGBColor(0xc0, 0x39, 0x2b),
    RGBColor(0x7a, 0x4b, 0x2a),
    RGBColor(0xe3, 0x6b, 0xae),
    RGBColor(0x22, 0x22, 0x22),
];
const GRANTED: RGBColor = COLORS[0];
const REFUSED: RGBColor = COLORS[5];

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Ticks, Ticks>>;

/// An axis as plotters asks for it: its range, and where its ticks stand.
#[derive(Clone)]
struct Ticks(Axis);

impl Ranged for Ticks {
    type FormatOption = plotters::coord::ranged1d::NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = self.0.share(*value).clamp(-0.1, 1.1);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.0.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> std::ops::Range<f64> {
        0.0..self.0.end
    }
}

impl ValueFormatter<f64> for Ticks {
    fn format_ext(&self, value: &f64) -> String {
        self.0.label(*value).into()
    }
}

/// Draws the lines. What lies above the axis is cut.
pub(crate) fn lines(lines: &Lines) -> Result<String, Box<dyn Error>> {
    drawn(|root| {
        let mut chart = begin(root, &lines.title, &lines.x, &lines.y)?;
        for (number, series) in lines.series.iter().enumerate() {
            let color = COLORS[number % COLORS.len()];
            let (drawn, name, style) = match series.stroke {
                Stroke::Steps => {
                    let (style, points) = (color.stroke_width(2), below(&steps(&series.points), lines.y.end));
                    let name = format!("{}  {}", series.mark, series.name);
                    (chart.draw_series(LineSeries::new(points, style))?, name, style)
                }
                Stroke::Dots => {
                    let (style, points) = (TEXT.stroke_width(1), below(&series.points, lines.y.end));
                    let line = DashedLineSeries::new(points, 2, 5, style);
                    (chart.draw_series(line)?, series.name.clone(), style)
                }
            };
            let ends = |(x, y): (i32, i32)| [(x, y), (x + 18, y)];
            match (series.name.is_empty(), series.stroke) {
                (true, _) => {}
                (false, Stroke::Steps) => {
                    drawn.label(name).legend(move |at| PathElement::new(ends(at), style));
                }
                (false, Stroke::Dots) => {
                    drawn
                        .label(name)
                        .legend(move |at| plotters::element::DashedPathElement::new(ends(at), 2, 5, style));
                }
            }
        }
        finish(root, chart)
    })
}

/// Draws the bars.
pub(crate) fn bars(bars: &Bars) -> Result<String, Box<dyn Error>> {
    drawn(|root| draw_bars(root, bars))
}

fn draw_bars(root: &Area<'_>, bars: &Bars) -> Result<(), Box<dyn Error>> {
    let mut chart = begin(root, &bars.title, &bars.x, &bars.y)?;
    let each = bars.x.end / bars.bins.len().max(1) as f64;
    let part = |number: usize, color: RGBColor| {
        bars.bins.iter().enumerate().filter(move |(_, bin)| bin[number] > 0).map(move |(i, bin)| {
            let below = if number == 0 { 0 } else { bin[0] };
            let [from, to] = [i, i + 1].map(|i| i as f64 * each);
            let corners = [(from, below as f64), (to, below.saturating_add(bin[number]) as f64)];
            Rectangle::new(corners, color.filled())
        })
    };
    for (number, color) in [GRANTED, REFUSED].into_iter().enumerate() {
        let drawn = chart.draw_series(part(number, color))?.label(bars.names[number].clone());
        drawn.legend(move |(x, y)| Rectangle::new([(x, y - 4), (x + 18, y + 4)], color.filled()));
    }
    finish(root, chart)
}

/// Returns what `draw` draws.
fn drawn(draw: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn Error>>) -> Result<String, Box<dyn Error>> {
    let mut text = String::new();
    draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area())?;
    Ok(text)
}

/// Turns points into corners: level up to the next point, and up.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let corners = points.windows(2).flat_map(|pair| [pair[0], (pair[1].0, pair[0].1)]);
    corners.chain(points.last().copied()).collect()
}

/// Cuts a rising line where it leaves the axis.
fn below(points: &[(f64, f64)], end: f64) -> Vec<(f64, f64)> {
    let mut below: Vec<_> = points.iter().copied().take_while(|point| point.1 <= end).collect();
    if let (Some(last), Some(next)) = (below.last().copied(), points.get(below.len())) {
        let share = (end - last.1) / (next.1 - last.1);
        below.push((last.0 + share * (next.0 - last.0), end));
    }
    below
}

fn begin<'a, 'b>(root: &'a Area<'b>, title: &str, x: &Axis, y: &Axis) -> Result<Chart<'a, 'b>, Box<dyn Error>> {
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(root)
        .caption(title, ("sans-serif", 18).into_font().color(&TEXT))
        .margin(14)
        .margin_right(46)
        .x_label_area_size(34)
        .y_label_area_size(70)
        .build_cartesian_2d(Ticks(x.clone()), Ticks(y.clone()))?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(TEXT)
        .label_style(("sans-serif", 13).into_font().color(&TEXT))
        .draw()?;
    Ok(chart)
}

fn finish<'a, 'b: 'a>(root: &Area<'b>, mut chart: Chart<'a, 'b>) -> Result<(), Box<dyn Error>> {
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(GRID)
        .label_font(("sans-serif", 13).into_font().color(&TEXT))
        .draw()?;
    root.present()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_have_two_corners_for_each_point_but_the_last() {
        let corners = steps(&[(0.0, 1.0), (2.0, 3.0), (4.0, 3.0)]);
        assert_eq!(corners, [(0.0, 1.0), (2.0, 1.0), (2.0, 3.0), (4.0, 3.0), (4.0, 3.0)]);
    }

    #[test]
    fn a_line_is_cut_where_it_leaves_the_axis() {
        assert_eq!(below(&[(0.0, 1.0), (10.0, 11.0)], 6.0), [(0.0, 1.0), (5.0, 6.0)]);
        assert_eq!(below(&[(0.0, 1.0), (0.0, 1e30), (4.0, 1e30)], 2.0), [(0.0, 1.0), (0.0, 2.0)]);
        assert_eq!(below(&[(0.0, 1.0), (4.0, 2.0)], 2.0), [(0.0, 1.0), (4.0, 2.0)]);
    }

    #[test]
    fn names_are_text_and_no_markup() {
        let (x, y) = (Axis::time(10, 2), Axis::amounts(4.0, crate::draw::amount::Unit::Plain, 2));
        let names = ["granted".into(), "refused".into()];
        let text = bars(&Bars { title: "a<b>&\"c".into(), x, y, names, bins: vec![[1, 2]] }).unwrap();
        assert!(text.contains("a&lt;b&gt;&amp;") && !text.contains("<b>"), "{text}");
    }
}
