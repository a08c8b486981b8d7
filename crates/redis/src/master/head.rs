//! Owns the head of a partition: what all its processes agree on, and what an absent state counts
//! as. Never a state of a bucket or a key.

use super::lines::Lines;
use super::malformed::Malformed;
use super::state::{Levels, State};
use super::terms::Terms;

/// Earlier terms that a head keeps. A state in still earlier ones counts as the lowest.
pub(crate) const REVISIONS_KEPT: usize = 8;

/// Terms that held before.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Past<const N: usize> {
    lines: Lines<N>,
    until: u64,
}

/// What all processes of a partition agree on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Head<const N: usize> {
    /// Grows whenever states may have been lost. States of another epoch count as absent.
    pub(crate) epoch: u64,
    /// The identity of the server that the head was written by.
    pub(crate) fence: String,
    pub(crate) lines: Lines<N>,
    /// What an absent state counts as.
    pub(crate) absent: Levels<N>,
    /// A line that no state is below, where a change of limits may have left one below the lowest.
    low: Option<Levels<N>>,
    /// Terms that states may still be counted in, oldest first.
    past: Vec<Past<N>>,
}

impl<const N: usize> Head<N> {
    /// A first head, which starts with `units`. `epoch` is the last one that is known.
    pub(crate) fn new(lines: Lines<N>, fence: &str, now: u64, epoch: u64, units: [i128; N]) -> Self {
        let absent = Levels { time: now, units };
        Self { epoch: now.max(epoch + 1), fence: fence.to_owned(), lines, absent, low: None, past: Vec::new() }
    }

    /// The levels that no state is below.
    fn lowest_at(&self, now: u64) -> Levels<N> {
        let lowest = Levels { time: now, units: self.lines.lowest() };
        let Some(low) = self.low else { return lowest };
        let low = low.at(&self.lines, now);
        Levels { time: low.time, units: std::array::from_fn(|i| low.units[i].min(lowest.units[i])) }
    }

    /// Starts a new epoch if another server answers, and counts from `now` if the clock stepped
    /// back. Returns whether there was anything to do.
    pub(crate) fn mend(&mut self, fence: &str, now: u64, tolerance: u64) -> bool {
        let (lost, ahead) = (fence != "none" && fence != self.fence, self.absent.time > now.saturating_add(tolerance));
        if lost || ahead {
            self.low = self.low.map(|low| low.anchored(now, tolerance));
        }
        if lost {
            fence.clone_into(&mut self.fence);
            self.epoch = now.max(self.epoch + 1);
            self.absent = Levels { time: now, ..self.lowest_at(now) };
        }
        self.absent = self.absent.anchored(now, tolerance);
        lost || ahead
    }

    /// The head under other terms, from `now` on.
    pub(crate) fn changed(&self, terms: &Terms<N>, now: u64) -> Self {
        let low = self.lowest_at(now);
        let counted = Lines::of(terms, [0; N]);
        let low = low.translated(&self.lines, &counted, now);
        let deepest = std::array::from_fn(|i| {
            let tokens = counted.lines[i].tokens(low.units[i]);
            tokens.min(0).unsigned_abs()
        });
        let lines = Lines::of(terms, deepest);
        let is_below = low.units.iter().zip(lines.lowest()).any(|(low, lowest)| *low < lowest);
        let mut past = self.past.clone();
        past.push(Past { lines: self.lines, until: now });
        past.drain(..past.len().saturating_sub(REVISIONS_KEPT));
        let absent = self.absent.translated(&self.lines, &lines, now);
        Self { epoch: self.epoch, fence: self.fence.clone(), lines, absent, low: is_below.then_some(low), past }
    }

    /// Whether a state says that it was written in the present terms. A script hands out no such
    /// state, unless it cannot read it.
    pub(crate) fn is_present(&self, text: &str) -> bool {
        text.split([' ', '|']).nth(1) == Some(&*self.lines.revision.to_string())
    }

    /// A state that was written in earlier terms, in the present ones.
    pub(crate) fn translated(&self, text: &str, now: u64) -> Result<State<N>, Malformed> {
        let place = |revision| self.past.iter().position(|past| past.lines.revision == revision);
        let (epoch, state) = State::read(text, |revision| Some(self.past[place(revision)?].lines.form))?;
        let known = state.and_then(|state| Some((state.levels, place(state.revision)?)));
        let levels = match known {
            Some((levels, first)) => {
                let next = self.past[first..].iter().skip(1).map(|past| &past.lines).chain([&self.lines]);
                let steps = self.past[first..].iter().zip(next);
                steps.fold(levels, |levels, (past, next)| levels.translated(&past.lines, next, past.until))
            }
            None => Levels { time: now, ..self.lowest_at(now) },
        };
        Ok(State { epoch, revision: self.lines.revision, levels })
    }

    /// Milliseconds for which a state of these levels is not what an absent one counts as.
    pub(crate) fn lives(&self, levels: &Levels<N>, now: u64) -> u64 {
        let ahead = levels.time.saturating_sub(now);
        let missing = levels.at(&self.lines, now);
        let streams = self.lines.lines.iter().zip(missing.units);
        let full = streams.map(|(line, units)| line.time_of(line.full() - units)).max().unwrap_or(0);
        let full = if full > 0 { full + ahead } else { 0 };
        let young = (self.absent.time + self.lines.fill()).saturating_sub(now);
        full.max(young).min(super::line::FOREVER).div_ceil(1000)
    }

    pub(crate) fn write(&self) -> String {
        let Self { epoch, fence, lines, absent, low, past } = self;
        let form = lines.form;
        let low = low.map_or("-".to_owned(), |low| format!("{} {}", low.time, low.write(form)));
        let past: Vec<String> = past.iter().map(|past| format!("{} {}", past.until, past.lines.write())).collect();
        let (terms, levels) = (lines.write(), absent.write(form));
        format!("1 {epoch} {} {fence}|{terms}|{levels}|{low}|{}", absent.time, past.join(";"))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Malformed> {
        Self::parsed(text).filter(|head| head.write() == text).ok_or_else(|| Malformed::new("head", text))
    }

    fn parsed(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let mut front = parts.next()?.split(' ');
        if front.next()? != "1" {
            return None;
        }
        let (epoch, since) = (front.next()?.parse().ok()?, front.next()?.parse().ok()?);
        let fence = front.next()?.to_owned();
        let lines = Lines::read(parts.next()?).ok()?;
        let absent = Levels::read(since, parts.next()?, lines.form)?;
        let low = match parts.next()? {
            "-" => None,
            low => {
                let (time, levels) = low.split_once(' ')?;
                Some(Levels::read(time.parse().ok()?, levels, lines.form)?)
            }
        };
        let mut past = Vec::new();
        for entry in parts.next()?.split(';').filter(|entry| !entry.is_empty()) {
            let (until, lines) = entry.split_once(' ')?;
            past.push(Past { until: until.parse().ok()?, lines: Lines::read(lines).ok()? });
        }
        Some(Self { epoch, fence, lines, absent, low, past })
    }
}
