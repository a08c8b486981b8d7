//! Owns `tollgate plan`: what limits admit over time. Never a decision of its own: it asks buckets.
//!
//! * `course`: what a bucket grants to one who always asks
//! * `facts`: the table, and the header fields
//! * `picture`: what the drawing shows

mod course;
pub(crate) mod facts;
mod picture;

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tollgate::Limit;

use crate::argument;
use crate::command::LIMITS_AND_STATUS;
use crate::completions::print;
use crate::draw::look::Look;
use crate::draw::span::ascii;
use crate::draw::svg;
use crate::error::Error;
use crate::plan::course::NoCourse;

/// What is wrong with a limit that fills too often in the drawing.
const LONG: &str = "it fills too often in the time that is drawn; choose a shorter one with --over";

/// Rows of the drawing in the terminal.
const ROWS: usize = 16;

/// The arguments of `tollgate plan`.
#[derive(clap::Args, Debug)]
#[command(after_help = LIMITS_AND_STATUS)]
pub struct Args {
    /// The limits, up to eight.
    ///
    /// Several are drawn beside each other, and what they grant together as streams of one bucket.
    #[arg(value_name = "LIMIT", value_parser = argument::limit, required = true)]
    pub limits: Vec<Limit>,
    /// Draws so much time, such as 10min; at most ten years.
    ///
    /// Without it, the drawing shows three times what the slowest limit takes to fill, or more.
    #[arg(long, value_name = "TIME", value_parser = argument::time)]
    pub over: Option<Duration>,
    /// Writes the drawing to this file, too, as SVG.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Draws with ASCII characters only.
    #[arg(long)]
    pub ascii: bool,
}

/// Draws the limits, and lists the facts.
///
/// # Errors
///
/// [`Error::Argument`] for too many limits, or too long a time. [`Error::Failed`] if the drawing
/// cannot be written.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let text = plan(args, Look::of_stdout(args.ascii))?;
    print(text.as_bytes())
}

fn plan(args: &Args, look: Look) -> Result<String, Error> {
    let limits = &args.limits;
    if let Some(limit) = limits.get(course::MOST) {
        return Err(Error::argument(format_args!("LIMIT \"{limit}\""), "a plan shows at most 8 limits"));
    }
    let over = match args.over {
        None => picture::time_for(limits),
        Some(time) => match u64::try_from(time.as_nanos()) {
            Ok(nanos) if nanos <= picture::LONGEST => nanos,
            _ => return Err(Error::argument(format_args!("--over {time:?}"), "a plan shows at most ten years")),
        },
    };
    let lines = picture::picture(limits, over).map_err(|(limit, why)| {
        let argument = format!("LIMIT \"{limit}\"");
        match why {
            NoCourse::Limit(rule) => Error::argument(argument, rule),
            NoCourse::Long => Error::argument(argument, LONG),
        }
    })?;
    if let Some(file) = &args.svg {
        let drawing = svg::lines(&lines).map_err(|error| io::Error::other(error.to_string()));
        let written = drawing.and_then(|drawing| fs::write(file, drawing));
        written.map_err(|error| Error::failed(format_args!("cannot write --svg {file:?}"), error))?;
    }
    let mut text = lines.write(ROWS, look);
    text.push('\n');
    text.push_str(&facts::table(limits).write(look.width));
    if limits.len() > 1 && facts::common_unit(limits).is_none() {
        text.push_str("\nThese limits count different things, so no line shows all of them together.\n");
    }
    let fields = facts::fields(limits);
    if !fields.is_empty() {
        text.push_str("\nThe header fields of a response, while the buckets are full:\n");
        fields.iter().for_each(|field| text.push_str(&format!("  {field}\n")));
    }
    Ok(if look.ascii { ascii(&text) } else { text })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(limits: &[&str]) -> Args {
        let limits = limits.iter().map(|text| argument::limit(text).unwrap()).collect();
        Args { limits, over: None, svg: None, ascii: true }
    }

    const LOOK: Look = Look { width: 80, ascii: true, colored: false };

    #[test]
    fn a_plan_of_every_kind_of_limit_fits_the_width_and_is_ascii_if_asked_for() {
        for text in [
            "1000/s",
            "5/day",
            "1/3s",
            "0/s capacity 5",
            "unlimited",
            "1000/s capacity 50",
            "100/s empty",
            "1MiB/s",
            "10G/s",
            "1000000/s capacity 1",
            "1/s capacity 1000000000000",
        ] {
            let plan = plan(&args(&[text]), LOOK).unwrap();
            assert!(plan.is_ascii(), "{plan}");
            let drawing: Vec<_> = plan.lines().take(ROWS + 3).collect();
            assert!(drawing.iter().all(|line| line.len() <= 80), "{plan}");
            assert!(drawing.iter().any(|line| line.contains("A")), "{plan}");
        }
    }

    #[test]
    fn too_many_limits_and_too_long_a_time_are_named() {
        let error = plan(&args(&["1/s"; 9]), LOOK).unwrap_err();
        assert_eq!(error.to_string(), "LIMIT \"1/s capacity 1\": a plan shows at most 8 limits");
        let over = Some(Duration::from_secs(11 * 365 * 86_400));
        let error = plan(&Args { over, ..args(&["1/s"]) }, LOOK).unwrap_err();
        assert_eq!(error.to_string(), "--over 346896000s: a plan shows at most ten years");
        assert!(matches!(error, Error::Argument { .. }));
    }

    #[test]
    fn a_time_in_which_a_limit_fills_too_often_is_refused() {
        let error =
            plan(&Args { over: Some(Duration::from_secs(60)), ..args(&["1M/s capacity 1"]) }, LOOK).unwrap_err();
        assert_eq!(error.to_string(), format!("LIMIT \"1M/s capacity 1\": {LONG}"));
        assert!(matches!(error, Error::Argument { .. }));
    }

    #[test]
    fn a_drawing_that_cannot_be_written_is_no_argument_error() {
        let svg = Some(PathBuf::from("no/such/folder/plan.svg"));
        let error = plan(&Args { svg, ..args(&["1/s"]) }, LOOK).unwrap_err();
        assert!(matches!(error, Error::Failed { .. }));
        assert!(error.to_string().starts_with("cannot write --svg \"no/such/folder/plan.svg\": "), "{error}");
    }
}
