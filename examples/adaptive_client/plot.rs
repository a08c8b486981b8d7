//! Owns the plot of the rates over time. It never changes a rate.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::{CONFIGURED, Sample};

const ALLOWED: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
const ADMITTED: RGBColor = RGBColor(0x2c, 0x9a, 0x4b);
const LIMIT: RGBColor = RGBColor(0xc0, 0x39, 0x2b);

/// Writes an SVG to `file`, and makes its folder if it is missing.
pub(crate) fn draw(file: &Path, samples: &[Sample], hidden: u64) -> Result<(), Box<dyn Error>> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let end = samples.last().map_or(1.0, |sample| sample.seconds);
    let root = SVGBackend::new(file, (860, 420)).into_drawing_area();
    root.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&root)
        .caption("a client finds a hidden limit", ("sans-serif", 18))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(52)
        .build_cartesian_2d(0.0..end, 0.0..1.1 * CONFIGURED as f64)?;
    chart
        .configure_mesh()
        .x_desc("seconds")
        .y_desc("requests per second")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .y_label_formatter(&|y| format!("{y:.0}"))
        .light_line_style(TRANSPARENT)
        .draw()?;
    let mut line = |name: &str, color: RGBColor, points: Vec<(f64, f64)>| -> Result<(), Box<dyn Error>> {
        let series = chart.draw_series(LineSeries::new(points, color.stroke_width(2)))?;
        series.label(name).legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
        Ok(())
    };
    line("hidden limit", LIMIT, vec![(0.0, hidden as f64), (end, hidden as f64)])?;
    line("client's limit", ALLOWED, samples.iter().map(|sample| (sample.seconds, sample.allowed)).collect())?;
    line("admitted", ADMITTED, samples.iter().map(|sample| (sample.seconds, sample.admitted)).collect())?;
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .label_font(("sans-serif", 14))
        .draw()?;
    root.present()?;
    Ok(())
}
