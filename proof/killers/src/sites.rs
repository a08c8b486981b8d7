//! Owns the count of the atomic sites: every operation with an ordering outside `sync/`, and
//! whether a fault touches it.

use std::fmt;
use std::ops::Range;

use crate::fault::{Fault, Sources};
use crate::{faults, text};

/// One atomic operation in the sources.
pub(crate) struct Site {
    file: String,
    line: usize,
    place: Range<usize>,
    text: String,
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.file, self.line, self.text)
    }
}

const OPERATIONS: [&str; 7] =
    [".load(", ".store(", ".swap(", ".compare_exchange(", ".compare_exchange_weak(", ".fetch_", "fence("];
const ORDERINGS: [&str; 5] = ["Relaxed", "Acquire", "Release", "AcqRel", "SeqCst"];

/// Every site, in the order of the files.
pub(crate) fn sites(sources: &Sources) -> Vec<Site> {
    let mut sites = Vec::new();
    for (file, text) in sources.iter().filter(|(file, _)| !file.starts_with("sync/")) {
        let code = code(text);
        let mut places: Vec<usize> =
            OPERATIONS.iter().flat_map(|name| code.match_indices(name)).map(|(place, _)| place).collect();
        places.sort_unstable();
        for start in places {
            let receiver = code[..start].trim_end_matches(|c: char| c.is_alphanumeric() || "_.[]".contains(c)).len();
            let place = receiver..call_end(&code, start);
            if ORDERINGS.iter().any(|ordering| code[place.clone()].contains(ordering)) {
                let line = code[..start].matches('\n').count() + 1;
                sites.push(Site { file: file.clone(), line, text: code[place.clone()].to_owned(), place });
            }
        }
    }
    sites
}

impl Site {
    /// The path below `src/`.
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    /// Where it is in its file.
    pub(crate) fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// Whether one of these stretches of the sources lies in it.
    fn is_hit(&self, touched: &[(&str, Range<usize>)]) -> bool {
        let is_in = |place: &Range<usize>| place.start < self.place.end && self.place.start < place.end;
        touched.iter().any(|(file, place)| *file == self.file && is_in(place))
    }

    /// The faults that touch it.
    pub(crate) fn faults<'a>(
        &'a self,
        faults: &'a [&'a Fault],
        sources: &'a Sources,
    ) -> impl Iterator<Item = &'a Fault> {
        faults.iter().copied().filter(|fault| self.is_hit(&fault.touched(sources)))
    }
}

/// The sites that no fault touches.
pub(crate) fn untouched<'a>(sites: &'a [Site], sources: &Sources) -> Vec<&'a Site> {
    let touched: Vec<_> = faults::all().flat_map(|fault| fault.touched(sources)).collect();
    sites.iter().filter(|site| !site.is_hit(&touched)).collect()
}

/// The text up to its tests, with comments blanked out.
pub(crate) fn code(text: &str) -> String {
    let end = ["\n#[cfg(test)]\nmod ", "\n#[cfg(all(test"]
        .iter()
        .filter_map(|tests| text.find(tests))
        .min()
        .unwrap_or(text.len());
    text::blanked(&text[..end])
}

/// The end of the call that begins at `start`: behind the parenthesis that closes it.
fn call_end(code: &str, start: usize) -> usize {
    let mut depth = 0;
    for (offset, byte) in code[start..].bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' if depth == 1 => return start + offset + 1,
            b')' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}
