//! Owns what a thread of a worker writes down as it goes: tokens by the millisecond, in a file of
//! its own. Never holds back more than the last millisecond, so a killed process has told the rest.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use super::bins::Bins;
use crate::{Outcome, now_ms};

/// A file that grows by 16 bytes a millisecond in which tokens came.
#[derive(Debug)]
pub struct Diary {
    file: File,
    ms: u64,
    tokens: u64,
}

impl Diary {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// That it cannot be written.
    pub fn begin(file: &Path) -> Outcome<Self> {
        Ok(Self { file: File::create(file)?, ms: 0, tokens: 0 })
    }

    /// Notes tokens now.
    ///
    /// # Errors
    ///
    /// That the file cannot be written.
    pub fn note(&mut self, tokens: u64) -> Outcome<()> {
        self.note_at(now_ms(), tokens)
    }

    /// Notes tokens of a millisecond.
    ///
    /// # Errors
    ///
    /// That the file cannot be written.
    pub fn note_at(&mut self, ms: u64, tokens: u64) -> Outcome<()> {
        if ms != self.ms {
            self.flush()?;
            self.ms = ms;
        }
        self.tokens += tokens;
        Ok(())
    }

    /// Writes down the millisecond that is under way.
    ///
    /// # Errors
    ///
    /// That the file cannot be written.
    pub fn flush(&mut self) -> Outcome<()> {
        if self.tokens > 0 {
            let mut record = [0; 16];
            record[..8].copy_from_slice(&self.ms.to_le_bytes());
            record[8..].copy_from_slice(&self.tokens.to_le_bytes());
            self.file.write_all(&record)?;
            self.tokens = 0;
        }
        Ok(())
    }
}

/// Reads all files of a folder whose name begins so.
///
/// # Errors
///
/// That a file cannot be read.
pub fn read(folder: &Path, beginning: &str) -> Outcome<Bins> {
    let mut bins = Bins::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(beginning) {
            for record in fs::read(entry.path())?.chunks_exact(16) {
                let (ms, tokens) = record.split_at(8);
                bins.add(u64::from_le_bytes(ms.try_into()?), u64::from_le_bytes(tokens.try_into()?));
            }
        }
    }
    Ok(bins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_flushed_is_read_and_files_add_up() -> Outcome<()> {
        let folder = tempfile::tempdir()?;
        let begun = now_ms();
        for name in ["uses-1-0", "uses-1-1", "uses-12-0", "returned-1"] {
            let mut diary = Diary::begin(&folder.path().join(name))?;
            for _ in 0..1000 {
                diary.note(2)?;
            }
            diary.flush()?;
        }
        let bins = read(folder.path(), "uses-1-")?;
        assert_eq!((bins.sum(), bins.between(begun, now_ms() + 1)), (4000, 4000));
        assert_eq!(read(folder.path(), "uses-")?.sum(), 6000);
        Ok(())
    }
}
