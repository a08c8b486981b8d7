//! Owns when progress is written, and what a signal does. Never touches the copy.

use std::io::{Write, stderr};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tollgate::Clock;

use crate::error::Error;
use crate::pace::args::{Args, When};
use crate::pace::input::is_standard;
use crate::pace::meter::Meter;
use crate::pace::progress::Progress;
use crate::pace::recent::Recent;
use crate::pace::signals;
use crate::terminal;

/// A thread that writes to the standard error.
#[derive(Debug)]
pub struct Reporter {
    events: Sender<Event>,
    thread: JoinHandle<()>,
}

enum Event {
    /// The copy has ended.
    Ended,
    /// This signal has come.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no signals"))]
    Signal(i32),
}

/// What is shown, and where.
struct Screen<C> {
    meter: Arc<Meter<C>>,
    progress: Progress,
    recent: Recent,
    is_terminal: bool,
    shows_progress: bool,
    shows_summary: bool,
}

impl Reporter {
    /// Begins to report, and to mind signals.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] if signals cannot be minded.
    pub fn start<C>(args: &Args, meter: Arc<Meter<C>>, progress: Progress) -> Result<Self, Error>
    where
        C: Clock + Send + Sync + 'static,
    {
        let is_terminal = terminal::is_stderr();
        let is_stdout = args.output.as_deref().is_none_or(is_standard);
        let to_terminal = is_stdout && terminal::is_stdout();
        let shows_progress = !args.quiet
            && match args.progress {
                When::Auto => is_terminal && !to_terminal,
                When::Always => true,
                When::Never => false,
            };
        let shows_summary = !args.quiet;
        let screen = Screen { meter, progress, recent: Recent::default(), is_terminal, shows_progress, shows_summary };
        let (events, received) = mpsc::channel();
        let to_report = events.clone();
        // A reporter that has gone leaves the end to the signal.
        let tell = move |signal| drop(to_report.send(Event::Signal(signal)));
        signals::mind(tell).map_err(|error| Error::failed("cannot mind signals", error))?;
        let interval = args.interval;
        let thread = thread::spawn(move || screen.report(&received, interval));
        Ok(Self { events, thread })
    }

    /// Ends the reports: the last one is the summary, if there were any.
    pub fn end(self) {
        // If the thread has gone, there is nothing to end.
        let _ = self.events.send(Event::Ended);
        let _ = self.thread.join();
    }
}

impl<C: Clock> Screen<C> {
    fn report(mut self, events: &Receiver<Event>, interval: Duration) {
        loop {
            let event = match self.shows_progress {
                true => events.recv_timeout(interval),
                false => events.recv().map_err(RecvTimeoutError::from),
            };
            match event {
                Err(RecvTimeoutError::Timeout) => self.show_progress(),
                Ok(Event::Signal(signal)) => {
                    if self.shows_summary {
                        self.meter.hold();
                        self.show_summary(&format!("ended by {}: ", signals::name(signal)));
                    }
                    signals::end_by(signal);
                }
                Ok(Event::Ended) | Err(RecvTimeoutError::Disconnected) => {
                    if self.shows_progress {
                        self.show_summary("");
                    }
                    return;
                }
            }
        }
    }

    fn show_progress(&mut self) {
        let now = self.meter.read();
        let recent = self.recent.push(now);
        let width = if self.is_terminal { terminal::stderr_width() } else { usize::MAX };
        let line = self.progress.line(&now, &recent, width);
        // Nobody is left to tell that the standard error is closed.
        let _ = match self.is_terminal {
            true => write!(stderr(), "{}", over(&line, width)),
            false => writeln!(stderr(), "{line}"),
        };
    }

    fn show_summary(&self, why: &str) {
        let over = match self.shows_progress && self.is_terminal {
            true => over("", terminal::stderr_width()),
            false => String::new(),
        };
        let _ = writeln!(stderr(), "{over}tollgate: {why}{}", self.progress.summary(&self.meter.read()));
    }
}

/// Writes a text over the line of progress. A dumb terminal clears no line, so spaces do.
fn over(text: &str, width: usize) -> String {
    if !terminal::is_dumb() {
        return format!("\r{text}\x1b[K");
    }
    let end = if text.is_empty() { "\r" } else { "" };
    format!("\r{text:<0$}{end}", width.saturating_sub(1))
}
