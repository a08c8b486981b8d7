//! Owns the loop between the input and the output. Never decides how much may go: the pacer does.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use tollgate::Clock;

use crate::pace::meter::{Meter, Phase};
use crate::pace::pacer::{Pace, Pacer};

/// The most bytes in memory.
pub const BUFFER: usize = 256 << 10;

/// How long a stream that is not ready is left alone, if somebody made it non-blocking.
const NOT_READY: Duration = Duration::from_millis(5);

/// Why a copy ended well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// The input has ended.
    Input,
    /// The reader of the output has closed it.
    Closed,
}

/// Why a copy ended early.
#[derive(Debug)]
pub enum CopyError {
    /// The input failed.
    Read(io::Error),
    /// The output failed.
    Write(io::Error),
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "cannot read: {error}"),
            Self::Write(error) => write!(f, "cannot write: {error}"),
        }
    }
}

impl std::error::Error for CopyError {}

/// Copies to the end, as fast as the pacer allows.
///
/// What was read is written before more is read, so memory is bounded by [`BUFFER`], and what is
/// allowed never waits for more input. `sleep` blocks for a time, and may return late.
///
/// # Errors
///
/// [`CopyError`] for an input or an output that fails. What was read and not written is lost.
///
/// ```
/// use tollgate::Limit;
/// use tollgate::clock::ManualClock;
/// use tollgate_cli::pace::copy::{End, copy};
/// use tollgate_cli::pace::meter::Meter;
/// use tollgate_cli::pace::pacer::Pacer;
///
/// let clock = ManualClock::new();
/// let mut pacer = Pacer::new([Limit::per_second(2).empty(), Limit::UNLIMITED], b'\n', &clock)?;
/// let mut out = Vec::new();
/// let sleep = |time| {
///     clock.advance(time);
/// };
/// let end = copy(&mut &b"a\nb\nc"[..], &mut out, &mut pacer, &Meter::new(&clock), sleep)?;
/// assert_eq!((end, out.as_slice()), (End::Input, &b"a\nb\nc"[..]));
/// assert_eq!(clock.advance(Default::default()).as_nanos(), 1_500_000_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn copy<C: Clock, M: Clock>(
    input: &mut impl Read,
    output: &mut impl Write,
    pacer: &mut Pacer<C>,
    meter: &Meter<M>,
    mut sleep: impl FnMut(Duration),
) -> Result<End, CopyError> {
    let mut buffer = vec![0; BUFFER];
    loop {
        meter.enter(Phase::Input);
        let mut rest = match input.read(&mut buffer) {
            Ok(0) => return Ok(End::Input),
            Ok(read) => &buffer[..read],
            Err(error) if again(&error, &mut sleep) => continue,
            Err(error) => return Err(CopyError::Read(error)),
        };
        while !rest.is_empty() {
            let allowed = match pacer.next(rest) {
                Pace::Now(bytes) => &rest[..bytes],
                Pace::After(wait, stream) => {
                    meter.enter(Phase::Limit(stream));
                    sleep(wait);
                    continue;
                }
            };
            meter.enter(Phase::Output);
            match output.write(allowed) {
                Ok(0) => return Err(CopyError::Write(ErrorKind::WriteZero.into())),
                Ok(written) => {
                    let lines = pacer.wrote(&allowed[..written]);
                    meter.count(lines, written as u64);
                    rest = &rest[written..];
                }
                Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(End::Closed),
                Err(error) if again(&error, &mut sleep) => {}
                Err(error) => return Err(CopyError::Write(error)),
            }
        }
    }
}

/// Whether a call is to be made again: a signal interrupted it, or its stream is not ready.
fn again(error: &io::Error, sleep: &mut impl FnMut(Duration)) -> bool {
    match error.kind() {
        ErrorKind::Interrupted => true,
        ErrorKind::WouldBlock => {
            sleep(NOT_READY);
            true
        }
        _ => false,
    }
}
