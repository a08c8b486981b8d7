//! Owns the time of a line, in the common log format. Pure: it never reads a clock.

const MONTHS: [(&str, i64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// Parses the first `[10/Oct/2000:13:55:36 -0700]` of a line.
///
/// The result is in seconds since the first day of the year 1 began in UTC. A leap second counts as
/// the second after it.
pub(crate) fn seconds(line: &str) -> Option<i64> {
    line.split('[').skip(1).find_map(|rest| bracketed(rest.split_once(']')?.0))
}

fn bracketed(text: &str) -> Option<i64> {
    let (local, zone) = text.split_once(' ')?;
    let mut parts = local.splitn(4, ':');
    let mut date = parts.next()?.splitn(3, '/');
    let (day, month, year) = (digits(date.next()?, 2)?, date.next()?, digits(date.next()?, 4)?);
    let [hour, minute, second] = [digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?];

    let (sign, zone) = match zone.split_at_checked(1)? {
        ("+", zone) => (1, zone),
        ("-", zone) => (-1, zone),
        _ => return None,
    };
    let zone = digits(zone, 4)?;
    let days = days(year, month, day)?;
    let is_a_time = hour < 24 && minute < 60 && second <= 60 && zone / 100 < 24 && zone % 100 < 60;
    let east = sign * (zone / 100 * 3600 + zone % 100 * 60);
    is_a_time.then_some(days * 86_400 + hour * 3600 + minute * 60 + second - east)
}

/// Returns the days from the first day of the year 1 to this one.
fn days(year: i64, month: &str, day: i64) -> Option<i64> {
    let index = MONTHS.iter().position(|(name, _)| *name == month)?;
    let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
    let length = MONTHS[index].1 + if index == 1 { leap } else { 0 };
    if year < 1 || !(1..=length).contains(&day) {
        return None;
    }
    let years = year - 1;
    let before: i64 = MONTHS[..index].iter().map(|(_, days)| days).sum();
    Some(365 * years + years / 4 - years / 100 + years / 400 + before + if index > 1 { leap } else { 0 } + day - 1)
}

/// Parses a number of exactly `count` digits.
fn digits(text: &str, count: usize) -> Option<i64> {
    let all = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if all { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the seconds from January 1, 1970 to `stamp`, as `date -d` prints them.
    fn unix(stamp: &str) -> Option<i64> {
        let line = format!("192.0.2.1 - - [{stamp}] \"GET / HTTP/1.0\" 200 2326");
        Some(seconds(&line)? - seconds("[01/Jan/1970:00:00:00 +0000]")?)
    }

    #[test]
    fn times_are_those_of_the_system() {
        for (stamp, expected) in [
            ("01/Jan/1970:00:00:00 +0000", 0),
            ("10/Oct/2000:13:55:36 -0700", 971_211_336),
            ("29/Feb/2000:23:59:59 +0000", 951_868_799),
            ("01/Mar/2000:00:00:00 +0000", 951_868_800),
            ("28/Feb/1900:23:59:59 +0000", -2_203_891_201),
            ("01/Mar/1900:00:00:00 +0000", -2_203_891_200),
            ("31/Dec/2024:23:59:60 +0000", 1_735_689_600),
            ("01/Jan/2025:05:30:00 +0530", 1_735_689_600),
            ("31/Dec/9999:23:59:59 +0000", 253_402_300_799),
        ] {
            assert_eq!(unix(stamp), Some(expected), "{stamp}");
        }
    }

    #[test]
    fn every_day_of_800_years_is_one_after_the_one_before() {
        let mut expected = days(1600, "Jan", 1).unwrap();
        for year in 1600..2400 {
            for (month, _) in MONTHS {
                for found in (1..=31).filter_map(|day| days(year, month, day)) {
                    assert_eq!(found, expected, "{month} {year}");
                    expected += 1;
                }
            }
        }
        assert_eq!(Some(expected), days(2400, "Jan", 1));
        assert_eq!(expected - days(1600, "Jan", 1).unwrap(), 2 * 146_097);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for stamp in [
            "",
            "10/Oct/2000:13:55:36",
            "10/Oct/2000:13:55:36 0700",
            "10/Oct/2000:13:55:36 -07:00",
            "10/oct/2000:13:55:36 -0700",
            "1/Oct/2000:13:55:36 -0700",
            "29/Feb/1900:13:55:36 -0700",
            "31/Apr/2000:13:55:36 -0700",
            "00/Oct/2000:13:55:36 -0700",
            "10/Oct/0000:13:55:36 -0700",
            "10/Oct/2000:24:00:00 -0700",
            "10/Oct/2000:13:60:36 -0700",
            "10/Oct/2000:13:55:61 -0700",
            "10/Oct/2000:13:55:36 -0760",
            "10/Oct/2000:13:55:+6 -0700",
            "10/Oct/2000:13:55:36 é0700",
        ] {
            assert_eq!(unix(stamp), None, "{stamp}");
        }
        assert_eq!(seconds("no brackets"), None);
        assert_eq!(seconds("[10/Oct/2000:13:55:36 -0700"), None);
    }

    #[test]
    fn other_brackets_do_not_hide_it() {
        let line = "[::1]:443 host [x [10/Oct/2000:13:55:36 -0700] [y]";
        assert_eq!(seconds(line), seconds("[10/Oct/2000:13:55:36 -0700]"));
    }
}
