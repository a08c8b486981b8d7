//! Owns the records: the lines of some files, in memory, so that reading never limits the demand.
//! It never cuts or decodes a record.

use std::error::Error;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::arguments::BadValue;

/// The largest input in bytes. The program keeps it in memory.
const MOST_BYTES: u64 = 1 << 30;

/// The records of some files, one after the other. Each ends with a newline, so none is empty.
pub(crate) struct Input {
    files: usize,
    text: Vec<u8>,
    /// The end of each record in `text`.
    ends: Vec<usize>,
}

impl Input {
    /// Reads the lines of these files; without files, of files of this repository.
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, Box<dyn Error>> {
        let own = if paths.is_empty() { repository_files()? } else { Vec::new() };
        let paths = if paths.is_empty() { &own } else { paths };
        let mut text = Vec::new();
        for path in paths {
            let bad = |rule| BadValue { option: "--input", value: path.display().to_string(), rule };
            let rest = MOST_BYTES - text.len() as u64;
            let read = File::open(path).and_then(|file| file.take(rest).read_to_end(&mut text));
            read.map_err(|error| bad(format!("cannot read it: {error}")))?;
            if text.last().is_some_and(|last| *last != b'\n') {
                text.push(b'\n');
            }
            if text.len() as u64 >= MOST_BYTES {
                return Err(bad(format!(
                    "the input must be less than {MOST_BYTES} bytes: the program keeps it in memory"
                ))
                .into());
            }
        }
        let ends: Vec<usize> = (1..=text.len()).filter(|end| text[end - 1] == b'\n').collect();
        if ends.is_empty() {
            let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
            return Err(BadValue { option: "--input", value: names.join(" "), rule: "holds no records".into() }.into());
        }
        Ok(Self { files: paths.len(), text, ends })
    }

    /// Returns the number of records; at least one.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Returns the number of input files.
    pub(crate) fn files(&self) -> usize {
        self.files
    }

    /// Returns all records from number `first` on, in an endless cycle.
    pub(crate) fn cycle_from(&self, first: usize) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).cycle().skip(first).map(|index| {
            let start = if index == 0 { 0 } else { self.ends[index - 1] };
            &self.text[start..self.ends[index]]
        })
    }
}

/// Finds the Rust and Markdown files of the repository that this was compiled in.
fn repository_files() -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf(), root.join("src"), root.join("examples")];
    while let Some(folder) = folders.pop() {
        // A missing folder has no files: a package need not carry its examples.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() && folder != root {
                folders.push(path);
            } else if path.is_file() && path.extension().is_some_and(|extension| extension == "rs" || extension == "md")
            {
                files.push(path);
            }
        }
    }
    if files.is_empty() {
        return Err(
            format!("found no files of the repository in {}; name input files with --input", root.display()).into()
        );
    }
    files.sort();
    Ok(files)
}
