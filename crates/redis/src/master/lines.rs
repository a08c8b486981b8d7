//! Owns the terms as they stand in the head: the lines of all streams, their revision, and the
//! arithmetic that they are counted in. Never a level.

use super::line::Line;
use super::malformed::Malformed;
use super::terms::Terms;

/// How a script counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Form {
    /// In Lua's numbers: all below 2^53.
    Native,
    /// In limbs.
    Wide,
}

impl Form {
    fn letter(self) -> &'static str {
        match self {
            Self::Native => "n",
            Self::Wide => "w",
        }
    }
}

/// Terms as they are counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Lines<const N: usize> {
    pub(crate) revision: u64,
    pub(crate) form: Form,
    pub(crate) lines: [Line; N],
}

impl<const N: usize> Lines<N> {
    /// Counts terms, natively if all that may occur fits. No debt is deeper than `deepest` tokens.
    pub(crate) fn of(terms: &Terms<N>, deepest: [u64; N]) -> Self {
        let lines = std::array::from_fn(|i| Line::of(terms.limits[i], Some(terms.debts[i])));
        let native = lines.iter().zip(deepest).all(|(line, deepest): (&Line, u64)| line.is_native(deepest));
        let form = if native { Form::Native } else { Form::Wide };
        Self { revision: terms.revision, form, lines }
    }

    /// The terms that are counted so.
    pub(crate) fn terms(&self) -> Option<Terms<N>> {
        let mut limits = [tollgate::Limit::UNLIMITED; N];
        for (limit, line) in limits.iter_mut().zip(&self.lines) {
            *limit = line.limit()?;
        }
        Some(Terms { revision: self.revision, limits, debts: self.lines.map(|line| line.debt) })
    }

    /// Microseconds from the lowest to full, of the slowest stream.
    pub(crate) fn fill(&self) -> u64 {
        self.lines.iter().map(Line::fill).max().unwrap_or(0)
    }

    pub(crate) fn lowest(&self) -> [i128; N] {
        self.lines.map(|line| line.lowest())
    }

    /// As the head has it: "REVISION FORM", and of each line num, den, capacity, debt, fill.
    pub(crate) fn write(&self) -> String {
        let mut text = format!("{} {}", self.revision, self.form.letter());
        for line in &self.lines {
            let Line { num, den, capacity, debt } = line;
            text.push_str(&format!(" {num} {den} {capacity} {debt} {}", line.fill()));
        }
        text
    }

    /// Reads what [`write`](Self::write) wrote.
    pub(crate) fn read(text: &str) -> Result<Self, Malformed> {
        Self::parsed(text).filter(|lines| lines.write() == text).ok_or_else(|| Malformed::new("head", text))
    }

    fn parsed(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let revision = words.next()?.parse().ok()?;
        let form = match words.next()? {
            "n" => Form::Native,
            "w" => Form::Wide,
            _ => return None,
        };
        let mut lines = [Line { num: 0, den: 1, capacity: 0, debt: 0 }; N];
        for line in &mut lines {
            let (num, den) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let (capacity, debt) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            *line = Line { num, den, capacity, debt };
            words.next()?;
            // A line of zero or of too much would fail in arithmetic, further on.
            if den == 0 || num >= 1 << 74 || !line.fits() || form == Form::Native && !line.is_native(0) {
                return None;
            }
        }
        words.next().is_none().then_some(Self { revision, form, lines })
    }
}
/// How many streams terms have, as a head has them.
pub(crate) fn streams(text: &str) -> Option<usize> {
    let words = text.split(' ').count().checked_sub(2)?;
    (words > 0 && words % 5 == 0).then_some(words / 5)
}
