//! Draws the charts of the README from the lines that `ratios --json FILE` wrote.
//!
//! They show ours beside peers, in terms of the floor.
//!
//! `cargo xtask charts FILE`

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::record::{Figure, Machine};
use plotters::prelude::*;

/// A chart: its file name, its title, what its bars are long in, and its bars.
///
/// A bar is an id of the record and its label.
type Chart = (&'static str, &'static str, Unit, &'static [(&'static str, &'static str)]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// The floor with as many threads.
    Floors,
    Nanoseconds,
}

use Unit::{Floors, Nanoseconds};

const CHARTS: [Chart; 4] = [
    (
        "cores",
        "nanoseconds a granted decision, all threads together: less is better",
        Nanoseconds,
        &[
            ("peer/governor-clock-granted", "one stream, 1 thread: governor"),
            ("ours/one-clock-granted", "one stream, 1 thread: TokenBucket"),
            ("ours/striped-1", "one stream, 1 thread: StripedBucket"),
            ("peer/governor-clock-2t", "one stream, 2 threads: governor"),
            ("ours/one-clock-2t", "one stream, 2 threads: TokenBucket"),
            ("ours/striped-1-2t", "one stream, 2 threads: StripedBucket"),
            ("peer/governors-2-clock", "two streams, 1 thread: two governors"),
            ("peer/mutex-2-clock", "two streams, 1 thread: a mutex"),
            ("ours/self-2-clock", "two streams, 1 thread: MultiBucket"),
            ("ours/striped-2", "two streams, 1 thread: StripedBucket"),
            ("peer/governors-2-clock-2t", "two streams, 2 threads: two governors"),
            ("peer/mutex-2-clock-2t", "two streams, 2 threads: a mutex"),
            ("ours/self-2-clock-2t", "two streams, 2 threads: MultiBucket"),
            ("ours/striped-2-2t", "two streams, 2 threads: StripedBucket"),
        ],
    ),
    (
        "one-stream",
        "one stream, one thread: a decision, in load-and-CAS on one word",
        Floors,
        &[
            ("floor/clock", "reading the clock, no decision"),
            ("ours/one-granted", "tollgate, time supplied, granted"),
            ("ours/one-refused", "tollgate, time supplied, refused"),
            ("peer/better-bucket-granted", "better-bucket, time supplied, granted"),
            ("peer/better-bucket-refused", "better-bucket, time supplied, refused"),
            ("ours/one-clock-granted", "tollgate, granted"),
            ("ours/one-clock-refused", "tollgate, refused"),
            ("peer/governor-clock-granted", "governor, granted"),
            ("peer/governor-clock-refused", "governor, refused"),
            ("peer/better-bucket-clock-granted", "better-bucket, granted"),
            ("peer/better-bucket-clock-refused", "better-bucket, refused"),
            ("peer/leaky-bucket-clock-granted", "leaky-bucket, granted"),
            ("peer/leaky-bucket-clock-refused", "leaky-bucket, refused"),
            ("peer/ratelimit-clock-granted", "ratelimit, granted"),
            ("peer/ratelimit-clock-refused", "ratelimit, refused"),
            ("peer/throttle-net-clock-granted", "throttle-net, granted"),
            ("peer/throttle-net-clock-refused", "throttle-net, refused"),
        ],
    ),
    (
        "two-streams",
        "two streams, one thread: a granted decision, in load-and-CAS on one word",
        Floors,
        &[
            ("floor/wide-floor", "CAS of 128 bits, no decision"),
            ("ours/handle-2", "tollgate, handle, time supplied"),
            ("ours/self-2", "tollgate, time supplied"),
            ("peer/mutex-2", "mutex, time supplied"),
            ("ours/handle-2-clock", "tollgate, handle"),
            ("ours/self-2-clock", "tollgate"),
            ("peer/governors-2-clock", "two governors in turn"),
            ("peer/throttle-net-2-clock", "throttle-net"),
        ],
    ),
    (
        "threads",
        "one bucket, many threads: a granted decision, in load-and-CAS by as many",
        Floors,
        &[
            ("ours/one-clock-2t", "2 threads, one stream: tollgate"),
            ("peer/governor-clock-2t", "2 threads, one stream: governor"),
            ("ours/self-2-clock-2t", "2 threads, two streams: tollgate"),
            ("peer/governors-2-clock-2t", "2 threads, two streams: two governors in turn"),
            ("ours/self-2-2t", "2 threads, two streams, time supplied: tollgate"),
            ("peer/mutex-2-2t", "2 threads, two streams, time supplied: mutex"),
            ("ours/self-2-16t", "16 threads, two streams, time supplied: tollgate"),
            ("peer/mutex-2-16t", "16 threads, two streams, time supplied: mutex"),
        ],
    ),
];

const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb4);
const PEER: RGBColor = RGBColor(0x9a, 0x9a, 0x9a);
const FLOOR: RGBColor = RGBColor(0xd9, 0xd9, 0xd9);
const TEXT: RGBColor = RGBColor(0x33, 0x33, 0x33);

const WIDTH: i32 = 860;
const BAR: i32 = 16;
const STEP: i32 = 24;
/// The left end of the bars, their greatest length, the heights above and below.
const LEFT: i32 = 350;
const LONGEST: i32 = 390;
const ABOVE: i32 = 44;
const BELOW: i32 = 52;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [file] = &words[..] else {
        eprintln!("usage: charts FILE, where FILE is what ratios --json FILE has written");
        return ExitCode::from(2);
    };
    match draw_all(Path::new(file)) {
        Ok(paths) => {
            paths.iter().for_each(|path| println!("{}", path.display()));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("charts: {file}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn draw_all(file: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let text = std::fs::read_to_string(file)?;
    let mut lines = text.lines();
    let machine: Machine = serde_json::from_str(lines.next().ok_or("it is empty")?)?;
    let figures = lines.map(serde_json::from_str).collect::<Result<Vec<Figure>, _>>()?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts");
    std::fs::create_dir_all(&folder)?;
    let draw_one = |(name, title, unit, bars): &Chart| {
        let path = folder.join(name).with_extension("svg");
        draw(&path, title, *unit, &found(bars, &figures)?, &machine)?;
        Ok(path)
    };
    CHARTS.iter().map(draw_one).collect()
}

/// Finds the figure of each bar.
fn found<'a>(
    bars: &[(&'static str, &'static str)],
    figures: &'a [Figure],
) -> Result<Vec<(&'static str, &'a Figure)>, String> {
    let find = |(id, label): &(_, &'static str)| {
        let figure = figures.iter().find(|figure| figure.id == *id);
        Ok((*label, figure.ok_or_else(|| format!("it has no figure {id}"))?))
    };
    bars.iter().map(find).collect()
}

fn draw(
    path: &Path,
    title: &str,
    unit: Unit,
    bars: &[(&str, &Figure)],
    machine: &Machine,
) -> Result<(), Box<dyn Error>> {
    let height = ABOVE + STEP * bars.len() as i32 + BELOW;
    let area = SVGBackend::new(path, (WIDTH as u32, height as u32)).into_drawing_area();
    area.fill(&WHITE)?;
    let text = |size: i32| ("sans-serif", size).into_font().color(&TEXT);
    area.draw(&Text::new(title, (14, 12), text(20)))?;
    // A ratio in this chart's unit.
    let scale = |figure: &Figure| if unit == Floors { 1.0 } else { figure.reference_ns };
    let reach = |figure: &Figure| scale(figure) * figure.ratio.max(figure.quartiles[1]);
    let largest = bars.iter().map(|(_, figure)| reach(figure)).fold(1.0, f64::max);
    let length = |value: f64| (value / largest * f64::from(LONGEST)).round() as i32;
    for (row, (label, figure)) in bars.iter().enumerate() {
        let top = ABOVE + STEP * row as i32;
        let color = match figure.id.split('/').next() {
            Some("ours") => OURS,
            Some("peer") => PEER,
            _ => FLOOR,
        };
        let end = LEFT + length(scale(figure) * figure.ratio);
        area.draw(&Text::new(*label, (14, top + 2), text(16)))?;
        area.draw(&Rectangle::new([(LEFT, top), (end, top + BAR)], color.filled()))?;
        // The middle half of all rounds.
        let [lower, upper] = figure.quartiles.map(|ratio| LEFT + length(scale(figure) * ratio));
        let middle = top + BAR / 2;
        area.draw(&PathElement::new([(lower, middle), (upper, middle)], TEXT))?;
        let value = match unit {
            Floors => format!("{:.1}  ({:.0} ns)", figure.ratio, figure.ns),
            Nanoseconds => format!("{:.1} ns", scale(figure) * figure.ratio),
        };
        area.draw(&Text::new(value, (end.max(upper) + 6, top + 2), text(16)))?;
    }
    let spread = "of each bar, the stroke spans the quartiles";
    let note = match unit {
        Floors => {
            let floor = LEFT + length(1.0);
            area.draw(&PathElement::new([(floor, ABOVE - 6), (floor, height - BELOW)], TEXT))?;
            format!("the line is at 1; {spread}")
        }
        Nanoseconds => format!("the clock is read where the kind reads one; {spread}"),
    };
    area.draw(&Text::new(note, (14, height - 46), text(15)))?;
    let Machine { cpu, cores, rustc, commit, date, .. } = machine;
    let machine = format!("{cpu}, {cores} cores; {rustc}; {date}; commit {commit}; cargo xtask ratios");
    area.draw(&Text::new(machine, (14, height - 26), text(15)))?;
    area.present()?;
    Ok(())
}
