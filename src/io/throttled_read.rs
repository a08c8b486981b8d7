//! Owns the reader that pays for what it reads, with the traits of the standard library. Never says
//! what a byte costs.

use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use pin_project_lite::pin_project;

use crate::io::payer::Payer;
use crate::io::prefix::{Prefix, prefix, total};

pin_project! {
    /// A reader whose bytes are paid before they are read.
    ///
    /// It has the traits of the reader: [`Read`] and [`BufRead`], which wait on the thread, and for
    /// tasks those of `futures-io` and, with the feature `tokio`, of tokio. Writing and seeking
    /// pass through, and cost nothing.
    ///
    /// * A read gets at most what is paid: see [`Payer::chunk`]. What it leaves pays for the next.
    /// * The end of the input costs nothing, and gives back what is held.
    /// * In [`BufRead`], a byte is paid before it is shown.
    /// * Every poll of a task may be the last. Dropped anywhere, it loses no byte and no token.
    /// * A read that is given up, as in a `select!`, keeps its place in the line for the next.
    ///
    /// # Errors
    ///
    /// Those of the reader, which cost nothing. A limit that does not pay is an error of the kind
    /// [`QuotaExceeded`](io::ErrorKind::QuotaExceeded). The [`Refused`](crate::Refused) is inside:
    ///
    /// | refusal | cause |
    /// |---|---|
    /// | `Closed` | the bucket was closed; what was paid before is read first |
    /// | `Never` | a byte takes more than the capacity |
    /// | `NotYet` | a bound on waiting, such as `with_max_wait`, is reached |
    ///
    /// After an error nothing is lost, and the reader may be used again. What was paid is held for
    /// the next read, as after a `WouldBlock`.
    ///
    /// ```
    /// use std::io::{ErrorKind, Read};
    /// use std::sync::Arc;
    /// use tollgate::io::{Payer, ThrottledRead};
    /// use tollgate::{Limit, Refused, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000))?);
    /// let payer = Payer::blocking().and(Arc::clone(&bucket), 1);
    /// let mut reader = ThrottledRead::new(&b"some bytes"[..], payer);
    /// let mut some = [0; 4];
    /// reader.read_exact(&mut some)?;
    /// bucket.close();
    /// reader.payer_mut().give_back();
    /// let error = reader.read(&mut some).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::QuotaExceeded);
    /// let refused = error.get_ref().and_then(|inner| inner.downcast_ref());
    /// assert_eq!(refused, Some(&Refused::<1>::Closed));
    /// assert_eq!(reader.into_inner(), b" bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[derive(Debug)]
    pub struct ThrottledRead<R, T = ()> {
        #[pin]
        pub(crate) inner: R,
        pub(crate) payer: Payer<T>,
    }
}

impl<R, T> ThrottledRead<R, T> {
    /// Makes a reader whose bytes `payer` pays for.
    pub const fn new(inner: R, payer: Payer<T>) -> Self {
        Self { inner, payer }
    }

    /// Returns the inner reader.
    pub const fn get_ref(&self) -> &R {
        &self.inner
    }

    /// Returns the inner reader. What is read from it directly is not paid.
    pub const fn get_mut(&mut self) -> &mut R {
        &mut self.inner
    }

    /// Returns the inner reader. What is paid and was not read goes back.
    pub fn into_inner(self) -> R {
        self.inner
    }

    /// Returns what pays.
    pub const fn payer(&self) -> &Payer<T> {
        &self.payer
    }

    /// Returns what pays, to give back what it holds.
    pub const fn payer_mut(&mut self) -> &mut Payer<T> {
        &mut self.payer
    }
}

impl<R: Read, T> Read for ThrottledRead<R, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return self.inner.read(buffer);
        }
        let paid = self.payer.pay(buffer.len())?;
        let read = self.inner.read(&mut buffer[..paid])?;
        self.payer.pass(read);
        Ok(read)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let total = total(buffers);
        if total == 0 {
            return self.inner.read_vectored(buffers);
        }
        let read = match prefix(buffers, self.payer.pay(total)?) {
            Prefix::Whole(count) => self.inner.read_vectored(&mut buffers[..count])?,
            Prefix::Part(i, paid) => self.inner.read(&mut buffers[i][..paid])?,
        };
        self.payer.pass(read);
        Ok(read)
    }
}

impl<R: BufRead, T> BufRead for ThrottledRead<R, T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let shown = self.inner.fill_buf()?.len();
        if shown == 0 {
            self.payer.give_back();
            return Ok(&[]);
        }
        let paid = self.payer.pay(shown)?;
        let buffer = self.inner.fill_buf()?;
        Ok(&buffer[..paid.min(buffer.len())])
    }

    fn consume(&mut self, bytes: usize) {
        if bytes > 0 {
            self.inner.consume(bytes);
            self.payer.pass(bytes);
        }
    }
}

impl<R: Write, T> Write for ThrottledRead<R, T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.inner.write(buffer)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        self.inner.write_vectored(buffers)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<R: Seek, T> Seek for ThrottledRead<R, T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
