//! Owns what a fault is, and how it is put into the text of the sources; it fails where the text is
//! not what the list says.

use std::collections::BTreeMap;
use std::ops::Range;

/// The files of `src/` by their path below it.
pub(crate) type Sources = BTreeMap<String, String>;

/// A small change for the worse, and who must notice.
pub(crate) struct Fault {
    pub(crate) id: &'static str,
    pub(crate) edits: &'static [Edit],
    pub(crate) expect: Expect,
}

/// What must become of a fault. A model is `file::name` in `loom-tests/tests`; `lib::path::name`
/// and `tests/file::name` are tests of the crate.
#[derive(Debug)]
pub(crate) enum Expect {
    /// This model fails; it is run first.
    Killed(&'static str),
    /// It changes nothing that could be observed, for the reason given; this model, the likeliest
    /// to notice, passes.
    Harmless { model: &'static str, reason: &'static str },
    /// Nothing was changed: the whole suite passes, or the harness kills whatever it is given.
    NoOp,
}

impl Expect {
    /// The model that runs first.
    pub(crate) fn model(&self) -> Option<&'static str> {
        match *self {
            Self::Killed(model) | Self::Harmless { model, .. } => Some(model),
            Self::NoOp => None,
        }
    }
}

/// One place where the text is replaced.
pub(crate) struct Edit {
    file: &'static str,
    within: &'static str,
    old: &'static str,
    new: &'static str,
}

/// In `file`, from the one occurrence of `within` to the end of the item that it begins, the one
/// occurrence of `old` becomes `new`.
pub(crate) const fn edit(file: &'static str, within: &'static str, old: &'static str, new: &'static str) -> Edit {
    Edit { file, within, old, new }
}

impl Edit {
    /// Where `old` is in the file.
    fn place(&self, text: &str) -> Result<Range<usize>, String> {
        let Self { file, within, old, .. } = self;
        let start = once(text, within).map_err(|count| format!("{file}: {count} times {within:?}"))?;
        let after = &text[start + within.len()..];
        let line = text[..start + within.len()].rfind('\n').map_or(0, |newline| newline + 1);
        let indent: String = text[line..].chars().take_while(|c| *c == ' ').collect();
        let end = after.find(&format!("\n{indent}}}")).map_or(text.len(), |end| start + within.len() + end);
        let found = once(&text[start..end], old);
        let place = start + found.map_err(|count| format!("{file}, in {within:?}: {count} times {old:?}"))?;
        Ok(place..place + old.len())
    }
}

fn once(text: &str, part: &str) -> Result<usize, usize> {
    match text.match_indices(part).map(|(place, _)| place).collect::<Vec<_>>()[..] {
        [place] => Ok(place),
        ref places => Err(places.len()),
    }
}

impl Fault {
    /// The files that the fault changes, as it makes them.
    pub(crate) fn applied(&self, sources: &Sources) -> Result<Sources, String> {
        let mut changed = Sources::new();
        for edit in self.edits {
            let name = edit.file;
            let text = changed.get(name).or_else(|| sources.get(name)).ok_or_else(|| format!("no file {name}"))?;
            let place = edit.place(text)?;
            let text = [&text[..place.start], edit.new, &text[place.end..]].concat();
            changed.insert(name.to_owned(), text);
        }
        if changed.iter().all(|(name, text)| sources[name] == *text) {
            return Err("it changes nothing".to_owned());
        }
        Ok(changed)
    }

    /// The stretches of the sources that it replaces, without what old and new text have in common
    /// at either end.
    pub(crate) fn touched(&self, sources: &Sources) -> Vec<(&'static str, Range<usize>)> {
        let places = self.edits.iter().filter_map(|Edit { file, old, new, .. }| {
            let text = sources.get(*file)?;
            // An edit inside what another edit of the same fault has put there is not in the
            // sources.
            let place = self.edits.iter().find(|edit| edit.file == *file && edit.old == *old)?.place(text).ok()?;
            let head = common(old.chars(), new.chars());
            let tail = common(old[head..].chars().rev(), new[head..].chars().rev());
            Some((*file, place.start + head..place.end - tail))
        });
        places.collect()
    }
}

/// Bytes of the characters that both begin with.
fn common(one: impl Iterator<Item = char>, other: impl Iterator<Item = char>) -> usize {
    one.zip(other).take_while(|(one, other)| one == other).map(|(one, _)| one.len_utf8()).sum()
}
