//! Owns levels at an instant, as a state or the head holds them. Never the terms that they are
//! counted in.

use super::lines::{Form, Lines};
use super::malformed::Malformed;

/// Where level 0 is written in the wide form: 10^41, as its levels are never negative.
const ZERO_TOP: i128 = 1_000_000;
/// 10^35: the value of the topmost of six limbs.
const TOP: i128 = 100_000_000_000_000_000_000_000_000_000_000_000;

/// Levels in units, at a time of the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Levels<const N: usize> {
    pub(crate) time: u64,
    pub(crate) units: [i128; N],
}

impl<const N: usize> Levels<N> {
    /// The levels at a later time. A time before `self.time` changes nothing.
    pub(crate) fn at(&self, lines: &Lines<N>, now: u64) -> Self {
        let passed = now.saturating_sub(self.time);
        let units = std::array::from_fn(|i| lines.lines[i].after(self.units[i], passed));
        Self { time: self.time.max(now), units }
    }

    /// The levels at `now`, counted in `new` from then on. Nothing is forgiven.
    pub(crate) fn translated(&self, old: &Lines<N>, new: &Lines<N>, now: u64) -> Self {
        let Self { time, units } = self.at(old, now);
        Self { time, units: std::array::from_fn(|i| old.lines[i].translated(units[i], &new.lines[i])) }
    }

    /// After a step back of the clock by more than the tolerance the levels count from `now`.
    pub(crate) fn anchored(self, now: u64, tolerance: u64) -> Self {
        if self.time > now.saturating_add(tolerance) { Self { time: now, ..self } } else { self }
    }

    /// The levels as text, with blanks between.
    pub(crate) fn write(&self, form: Form) -> String {
        let words: [String; N] = self.units.map(|units| write_units(units, form));
        words.join(" ")
    }

    /// Reads the levels of a time.
    pub(crate) fn read(time: u64, text: &str, form: Form) -> Option<Self> {
        let mut words = text.split(' ');
        let mut units = [0; N];
        for unit in &mut units {
            *unit = read_units(words.next()?, form)?;
        }
        words.next().is_none().then_some(Self { time, units })
    }
}

/// A level as a script writes it.
pub(crate) fn write_units(units: i128, form: Form) -> String {
    match form {
        Form::Native => units.to_string(),
        // Its low limbs are those of the level from the next multiple of the topmost limb below.
        Form::Wide => format!("{:07}{:035}", ZERO_TOP + units.div_euclid(TOP), units.rem_euclid(TOP)),
    }
}

/// Reads a level that a script wrote.
pub(crate) fn read_units(text: &str, form: Form) -> Option<i128> {
    match form {
        Form::Native => text.parse().ok(),
        Form::Wide => {
            let is_written = text.len() == 42 && text.bytes().all(|digit| digit.is_ascii_digit());
            let (top, low) = text.split_at_checked(7).filter(|_| is_written)?;
            let (top, low) = (top.parse::<i128>().ok()? - ZERO_TOP, low.parse::<i128>().ok()?);
            // Towards zero first: the least level is a limb's value above what fits.
            let (top, low) = if top < 0 { (top + 1, low - TOP) } else { (top, low) };
            top.checked_mul(TOP)?.checked_add(low)
        }
    }
}

/// What is held of one bucket or key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct State<const N: usize> {
    pub(crate) epoch: u64,
    /// Of the terms that the levels are counted in.
    pub(crate) revision: u64,
    pub(crate) levels: Levels<N>,
}

impl<const N: usize> State<N> {
    pub(crate) fn write(&self, form: Form) -> String {
        let Self { epoch, revision, levels } = self;
        format!("{epoch} {revision} {}|{}", levels.time, levels.write(form))
    }

    /// Reads a state. `form_of` knows the form of a revision: `None` if it is forgotten. Then the
    /// levels are unknown, too.
    pub(crate) fn read(text: &str, form_of: impl Fn(u64) -> Option<Form>) -> Result<(u64, Option<Self>), Malformed> {
        let parsed = || {
            let (front, levels) = text.split_once('|')?;
            let mut words = front.split(' ');
            let (epoch, revision) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let time = words.next()?.parse().ok()?;
            if words.next().is_some() {
                return None;
            }
            let Some(form) = form_of(revision) else { return Some((epoch, None)) };
            let levels = Levels::read(time, levels, form)?;
            Some((epoch, Some(Self { epoch, revision, levels })))
        };
        parsed().ok_or_else(|| Malformed::new("state", text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_come_back_as_they_were_written() {
        for units in [0, 1, -1, 9_999_999, TOP - 1, TOP, -TOP, -TOP - 1, i128::MAX, i128::MIN + 1] {
            for form in [Form::Native, Form::Wide] {
                assert_eq!(read_units(&write_units(units, form), form), Some(units), "{units} {form:?}");
            }
        }
        assert_eq!(write_units(-1, Form::Wide), "099999999999999999999999999999999999999999");
        assert_eq!(write_units(7, Form::Wide), "100000000000000000000000000000000000000007");
    }

    #[test]
    fn what_no_script_wrote_is_refused() {
        for text in ["", "x", "1", "+00000000000000000000000000000000000000001"] {
            assert_eq!(read_units(text, Form::Wide), None, "{text}");
        }
        for text in ["", "1 2 3", "1 2 3|", "1 2 3|4 5", "1 2|4", "a 2 3|4", "1 2 3 4|4"] {
            assert!(State::<1>::read(text, |_| Some(Form::Native)).is_err(), "{text}");
        }
    }
}
