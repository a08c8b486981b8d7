//! Owns what is read: files and the standard input, one after another. Never reads ahead.

use std::collections::VecDeque;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, stdin};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// The inputs, of which one is open.
#[derive(Debug)]
pub struct Input {
    /// Those that are still to be opened.
    paths: VecDeque<PathBuf>,
    open: Option<File>,
    /// The name of what was opened last.
    name: String,
    /// The bytes of all inputs, if that is known.
    size: Option<u64>,
    identities: Vec<Identity>,
}

/// What tells a file from all others of this machine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Identity(u64, u64);

impl Identity {
    /// That of a regular file; `None` for others, which may well be read and written at once.
    #[cfg(unix)]
    pub(crate) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        metadata.is_file().then(|| Self(metadata.dev(), metadata.ino()))
    }

    /// Unknown here.
    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }
}

impl Input {
    /// Looks for all files, and opens none; of no file, the input is the standard input.
    ///
    /// # Errors
    ///
    /// [`Error::Failed`] for a file that is not there, or is a folder.
    pub fn find(files: &[PathBuf]) -> Result<Self, Error> {
        let standard = [PathBuf::from("-")];
        let files = if files.is_empty() { &standard } else { files };
        let (mut sizes, mut identities) = (Some(0_u64), Vec::new());
        for path in files {
            let known =
                sizes_up(path).map_err(|error| Error::failed(format_args!("cannot read {}", name(path)), error))?;
            sizes = sizes.zip(known.0).and_then(|(sum, size)| sum.checked_add(size));
            identities.extend(known.1);
        }
        // A file of the kernel, as in /proc, says 0 and holds more.
        let size = sizes.filter(|size| *size > 0);
        Ok(Self { paths: files.iter().cloned().collect(), open: None, name: name(&files[0]), size, identities })
    }

    /// Returns the bytes that are to be read, if all inputs are regular files.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// Returns the name of the input that was read last.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this is one of the inputs.
    pub(crate) fn has(&self, identity: Identity) -> bool {
        self.identities.contains(&identity)
    }

    fn open_next(&mut self, path: &Path) -> io::Result<()> {
        self.name = name(path);
        self.open = Some(if is_standard(path) { standard_input()? } else { File::open(path)? });
        Ok(())
    }
}

impl Read for Input {
    /// Reads from the first input that has not ended. After an error, its name is that input's.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(open) = &mut self.open {
                match open.read(buffer)? {
                    0 => self.open = None,
                    read => return Ok(read),
                }
            }
            match self.paths.pop_front() {
                Some(path) => self.open_next(&path)?,
                None => return Ok(0),
            }
        }
    }
}

/// Whether a path names a standard stream.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn name(path: &Path) -> String {
    if is_standard(path) { "the standard input".to_owned() } else { format!("{path:?}") }
}

/// The bytes that are to be read from a file, and which file it is.
fn sizes_up(path: &Path) -> io::Result<(Option<u64>, Option<Identity>)> {
    if !is_standard(path) {
        let metadata = fs::metadata(path)?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        return Ok((metadata.is_file().then_some(metadata.len()), Identity::of(&metadata)));
    }
    let mut file = standard_input()?;
    let metadata = file.metadata()?;
    let size = match metadata.is_file() {
        true => Some(metadata.len().saturating_sub(file.stream_position()?)),
        false => None,
    };
    Ok((size, Identity::of(&metadata)))
}

/// The standard input without a buffer.
fn standard_input() -> io::Result<File> {
    #[cfg(unix)]
    let handle = std::os::fd::AsFd::as_fd(&stdin()).try_clone_to_owned()?;
    #[cfg(windows)]
    let handle = std::os::windows::io::AsHandle::as_handle(&stdin()).try_clone_to_owned()?;
    Ok(handle.into())
}
