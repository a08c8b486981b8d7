//! Owns what the terminal shows while the processes run. It never counts.

use std::io::{IsTerminal, Write, stdout};

use tollgate::Rate;

use crate::Sample;

const WIDTH: f64 = 50.0;

/// Bars that move, where the output is a terminal; else a line a second.
pub(crate) struct Display {
    /// Tokens a second.
    rate: f64,
    is_live: bool,
}

impl Display {
    pub(crate) fn new(rate: Rate) -> Self {
        Self { rate: rate.tokens() as f64 / rate.period().as_secs_f64(), is_live: stdout().is_terminal() }
    }

    /// Shows the last sample. What cannot be written is not shown.
    pub(crate) fn show(&self, samples: &[Sample]) {
        let shares = shares(samples, samples.len() - 1);
        let now = samples.last().map_or(0.0, |sample| sample.seconds);
        let mut text = String::new();
        if self.is_live {
            if samples.len() > 2 {
                text = format!("\x1b[{}A", shares.len());
            }
            for (number, share) in shares.iter().enumerate() {
                let bar = "#".repeat((WIDTH * share / self.rate).clamp(0.0, WIDTH) as usize);
                text += &format!("\x1b[2K{now:6.1} s  process {number:2}  {share:9.0}/s  {bar}\n");
            }
        } else if samples.len() % 4 == 1 {
            let shares: String = shares.iter().map(|share| format!("{share:8.0}/s")).collect();
            text = format!("{now:6.1} s{shares}\n");
        }
        let _ = stdout().write_all(text.as_bytes());
    }
}

/// What each process took a second, over the four samples before this one.
pub(crate) fn shares(samples: &[Sample], at: usize) -> Vec<f64> {
    let (now, before) = (&samples[at], &samples[at.saturating_sub(4)]);
    let seconds = (now.seconds - before.seconds).max(1e-9);
    now.taken.iter().zip(&before.taken).map(|(now, before)| (now - before) as f64 / seconds).collect()
}
