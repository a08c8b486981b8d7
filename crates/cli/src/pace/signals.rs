//! Owns which signals end a copy, and that they do. Never writes.

#[cfg(unix)]
pub(crate) use unix::{end_by, mind, name};

#[cfg(unix)]
mod unix {
    use std::io;
    use std::thread;
    use std::time::{Duration, Instant};

    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level;

    /// How long the end may take once a signal has asked for it: what is reported may block.
    const GRACE: Duration = Duration::from_secs(1);

    /// Signals of this time are one: `timeout` sends one to the process, and one to its group.
    const AT_ONCE: Duration = Duration::from_millis(100);

    /// Tells the first signal that asks for an end. The process ends by it after [`GRACE`], or with
    /// a second one, whatever `tell` leads to.
    pub(crate) fn mind(tell: impl FnOnce(i32) + Send + 'static) -> io::Result<()> {
        let ignored = ignored();
        let mut signals = Signals::new([SIGINT, SIGTERM].into_iter().filter(|signal| !ignored(*signal)))?;
        thread::spawn(move || {
            let Some(signal) = signals.forever().next() else { return };
            tell(signal);
            let told = Instant::now();
            while told.elapsed() < GRACE {
                thread::sleep(Duration::from_millis(10));
                if signals.pending().next().is_some() && told.elapsed() > AT_ONCE {
                    break;
                }
            }
            end_by(signal);
        });
        Ok(())
    }

    /// Returns which signals this process was told to ignore when it began, if the system says it.
    ///
    /// A shell without job control tells it so of SIGINT, for commands that end in `&`.
    fn ignored() -> impl Fn(i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
        move |signal| mask.unwrap_or(0) & 1 << (signal - 1) != 0
    }

    /// Ends the process as the signal would have, so that a shell sees it.
    pub(crate) fn end_by(signal: i32) {
        let _ = low_level::emulate_default_handler(signal);
    }

    /// Returns what a signal is called.
    pub(crate) fn name(signal: i32) -> String {
        low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
    }
}

/// There are no signals to mind: Ctrl-C ends the process without a summary.
#[cfg(not(unix))]
pub(crate) fn mind(_: impl FnOnce(i32) + Send + 'static) -> std::io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
pub(crate) fn end_by(_: i32) {}

#[cfg(not(unix))]
pub(crate) fn name(signal: i32) -> String {
    format!("signal {signal}")
}
