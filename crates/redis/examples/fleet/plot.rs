//! Owns the plot of the shares over time. It never changes one.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;
use tollgate::Rate;

use crate::Sample;
use crate::display::shares;

const LIMIT: RGBColor = RGBColor(0xc0, 0x39, 0x2b);
const SUM: RGBColor = RGBColor(0x55, 0x55, 0x55);

/// Writes an SVG to `file`, and makes its folder if it is missing.
pub(crate) fn draw(file: &Path, samples: &[Sample], rate: Rate) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let rate = rate.tokens() as f64 / rate.period().as_secs_f64();
    let end = samples.last().map_or(1.0, |sample| sample.seconds).max(1.0);
    let shares: Vec<(f64, Vec<f64>)> =
        (1..samples.len()).map(|at| (samples[at].seconds, shares(samples, at))).collect();
    let root = SVGBackend::new(file, (860, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("processes that share one limit; the first rests in the middle", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(60)
        .build_cartesian_2d(0.0..end, 0.0..1.25 * rate)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc("tokens per second")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    let mut line = |name: String, color: RGBColor, points: Vec<(f64, f64)>| -> Result<(), Box<dyn Error>> {
        let series = chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        Ok(())
    };
    line("the limit".into(), LIMIT, vec![(0.0, rate), (end, rate)])?;
    line("all".into(), SUM, shares.iter().map(|(at, shares)| (*at, shares.iter().sum())).collect())?;
    let processes = samples.first().map_or(0, |sample| sample.taken.len());
    for number in 0..processes {
        let (r, g, b) = Palette99::pick(number + 1).to_backend_color().rgb;
        let points = shares.iter().map(|(at, shares)| (*at, shares[number])).collect();
        line(format!("process {number}"), RGBColor(r, g, b), points)?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::MiddleRight)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 13))
        .draw()?;
    root.present()?;
    Ok(())
}
