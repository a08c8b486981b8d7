//! Owns the bytes of a log, line by line, compressed or not. Never what a line says.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// The longest line, in bytes. What is longer is cut there, so that no line fills the memory.
const LONGEST: u64 = 1 << 20;

/// The lines of a file, or of the standard input.
pub(crate) struct Lines {
    bytes: Box<dyn BufRead>,
    line: Vec<u8>,
}

impl Lines {
    /// Opens a file; `-` is the standard input. One that gzip made is decompressed.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        match path.as_os_str() == "-" {
            true => Self::of(Box::new(io::stdin())),
            false => Self::of(Box::new(File::open(path)?)),
        }
    }

    fn of(mut bytes: Box<dyn Read>) -> io::Result<Self> {
        let mut start = Vec::new();
        (&mut bytes).take(2).read_to_end(&mut start)?;
        let compressed = start == [0x1f, 0x8b];
        let all = BufReader::with_capacity(1 << 16, Cursor::new(start).chain(bytes));
        let bytes: Box<dyn BufRead> = match compressed {
            true => Box::new(BufReader::with_capacity(1 << 16, MultiGzDecoder::new(all))),
            false => Box::new(all),
        };
        Ok(Self { bytes, line: Vec::new() })
    }

    /// Reads the next line, without its end. Invalid UTF-8 is replaced.
    pub(crate) fn next(&mut self) -> io::Result<Option<std::borrow::Cow<'_, str>>> {
        self.line.clear();
        if (&mut self.bytes).take(LONGEST).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.last() != Some(&b'\n') && self.line.len() as u64 == LONGEST {
            self.bytes.skip_until(b'\n')?;
        }
        let end = self.line.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
        Ok(Some(String::from_utf8_lossy(&self.line[..end])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut lines = Lines::of(Box::new(Cursor::new(bytes.to_vec()))).unwrap();
        std::iter::from_fn(|| lines.next().unwrap().map(|line| line.into_owned())).collect()
    }

    #[test]
    fn lines_come_without_their_ends() {
        assert_eq!(lines(b"a b\r\n\nc"), ["a b", "", "c"]);
        assert_eq!(lines(b"\xff\n"), ["\u{fffd}"]);
        assert_eq!(lines(b""), Vec::<String>::new());
        assert_eq!(lines(b"a"), ["a"]);
    }

    #[test]
    fn a_compressed_log_of_several_parts_is_read_to_its_end() {
        let part = |text: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        assert_eq!(lines(&[part(b"a\nb\n"), part(b"c\n")].concat()), ["a", "b", "c"]);
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_the_next_is_read() {
        let long = LONGEST as usize;
        for more in [0, 1, 3 * long] {
            let text = [vec![b'x'; long + more], b"\nnext\n".to_vec()].concat();
            let found: Vec<_> = lines(&text).iter().map(String::len).collect();
            assert_eq!(found, [long, 4], "{more}");
        }
    }
}
