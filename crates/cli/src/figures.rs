//! Owns how numbers are shown to people. Never reads one.

use std::time::Duration;

/// Writes a count with a comma before every three digits.
///
/// ```
/// use tollgate_cli::figures::count;
/// assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
/// ```
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes a number of bytes with three digits and a unit; below 1 KiB exactly.
///
/// ```
/// use tollgate_cli::figures::bytes;
/// assert_eq!([bytes(0.0), bytes(1023.0), bytes(1024.0)], ["0 B", "1023 B", "1.00 KiB"]);
/// assert_eq!([bytes(12.5 * 1048576.0), bytes(2e15)], ["12.5 MiB", "1.78 PiB"]);
/// ```
pub fn bytes(number: f64) -> String {
    if number < 1023.5 {
        return format!("{number:.0} B");
    }
    scaled(number, 1024.0, &["KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB"])
}

/// Writes a number with at most three digits that count, and for thousands a suffix.
///
/// ```
/// use tollgate_cli::figures::number;
/// assert_eq!([number(0.0), number(0.0167), number(5.0), number(99.96)], ["0", "0.0167", "5", "100"]);
/// assert_eq!([number(999.6), number(1234.0), number(1e6)], ["1.00 k", "1.23 k", "1.00 M"]);
/// ```
pub fn number(number: f64) -> String {
    if number >= 999.5 {
        return scaled(number, 1000.0, &["k", "M", "G", "T", "P", "E"]);
    }
    let decimals = match number {
        0.0 => 0,
        _ => (2.0 - number.log10().floor()).clamp(0.0, 9.0) as usize,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Divides by `step` until three digits are left of the point.
fn scaled(number: f64, step: f64, units: &[&str]) -> String {
    let mut number = number / step;
    let mut units = units.iter();
    let mut unit = units.next().expect("there is a first unit");
    // What would be shown as a whole step belongs to the next unit.
    while number >= step - 0.5 {
        match units.next() {
            Some(next) => (number, unit) = (number / step, next),
            None => break,
        }
    }
    let decimals = if number >= 99.95 {
        0
    } else if number >= 9.995 {
        1
    } else {
        2
    };
    format!("{number:.decimals$} {unit}")
}

/// Writes a time as hours, minutes and seconds, and with days from one day on.
///
/// ```
/// use std::time::Duration;
/// use tollgate_cli::figures::clock;
/// let shown = |seconds| clock(Duration::from_secs(seconds));
/// assert_eq!([shown(0), shown(75), shown(86_399)], ["0:00:00", "0:01:15", "23:59:59"]);
/// assert_eq!(shown(90_061), "1d 1:01:01");
/// ```
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let day = if days > 0 { format!("{days}d ") } else { String::new() };
    format!("{day}{hours}:{minutes:02}:{:02}", seconds % 60)
}

/// Writes a time with at most three digits that count and the unit that fits.
///
/// ```
/// use std::time::Duration;
/// use tollgate_cli::figures::time;
/// let shown = |nanos| time(Duration::from_nanos(nanos));
/// assert_eq!([shown(0), shown(999), shown(1_500), shown(100_000_000)], ["0 s", "999 ns", "1.5 us", "100 ms"]);
/// assert_eq!([shown(2_000_000_000), shown(90_000_000_000)], ["2 s", "1.5 min"]);
/// assert_eq!(time(Duration::from_secs(90 * 86_400)), "90 days");
/// assert_eq!(time(Duration::from_secs(292 * 31_557_600)), "292 years");
/// ```
pub fn time(time: Duration) -> String {
    const UNITS: [(f64, &str); 8] = [
        (1e-9, "ns"),
        (1e-6, "us"),
        (1e-3, "ms"),
        (1.0, "s"),
        (60.0, "min"),
        (3600.0, "h"),
        (86_400.0, "days"),
        (31_557_600.0, "years"),
    ];
    let seconds = time.as_secs_f64();
    if seconds == 0.0 {
        return "0 s".to_owned();
    }
    let fits = |(unit, name): &&(f64, &str)| {
        // 100 days rather than 0.27 years, 90 s as 1.5 min.
        seconds >= if *name == "years" { 2.0 * unit } else { unit * 0.9995 }
    };
    let (unit, name) = UNITS.iter().rev().find(fits).unwrap_or(&UNITS[0]);
    format!("{} {name}", number(seconds / unit))
}
