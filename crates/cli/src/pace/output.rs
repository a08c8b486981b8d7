//! Owns what is written to: a file or the standard output. Never buffers.

use std::fs::{File, OpenOptions};
use std::io::{self, Write, stdout};
use std::path::Path;

use crate::error::Error;
use crate::pace::input::{Identity, Input, is_standard};

/// An open output.
#[derive(Debug)]
pub struct Output {
    file: File,
    name: String,
}

impl Output {
    /// Opens a file and empties it, or takes the standard output, which may be called `-`.
    ///
    /// # Errors
    ///
    /// [`Error::Argument`] for an output that is one of the inputs: nothing is emptied then.
    /// [`Error::Failed`] if it cannot be opened.
    pub fn open(path: Option<&Path>, input: &Input) -> Result<Self, Error> {
        let path = path.filter(|path| !is_standard(path));
        let name = path.map_or_else(|| "the standard output".to_owned(), |path| format!("{path:?}"));
        let failed = |error| Error::failed(format_args!("cannot write to {name}"), error);
        let file = match path {
            Some(path) => OpenOptions::new().write(true).create(true).truncate(false).open(path),
            None => standard_output(),
        };
        let file = file.map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if Identity::of(&metadata).is_some_and(|identity| input.has(identity)) {
            let argument = path.map_or_else(|| name.clone(), |path| format!("--output {path:?}"));
            return Err(Error::argument(argument, "the output must not be an input: it would read what it writes"));
        }
        if path.is_some() && metadata.is_file() {
            file.set_len(0).map_err(failed)?;
        }
        Ok(Self { file, name })
    }

    /// Returns the name of the output.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The standard output without a buffer.
fn standard_output() -> io::Result<File> {
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&stdout()).try_clone_to_owned()?;
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&stdout()).try_clone_to_owned()?;
    Ok(handle.into())
}
