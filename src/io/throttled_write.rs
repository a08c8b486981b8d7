//! Owns the writer that pays for what it writes, with the traits of the standard library. Never
//! says what a byte costs.

use std::io::{self, BufRead, IoSlice, IoSliceMut, Read, Seek, SeekFrom, Write};

use pin_project_lite::pin_project;

use crate::io::payer::Payer;
use crate::io::prefix::{Prefix, prefix, total};

pin_project! {
    /// A writer whose bytes are paid before they are written.
    ///
    /// It has the traits of the writer: [`Write`], which waits on the thread, and for tasks those
    /// of `futures-io` and, with the feature `tokio`, of tokio. Reading and seeking pass through,
    /// and cost nothing. So do flushing and shutting down.
    ///
    /// A write passes at most what is paid: see [`Payer::chunk`]. What a short write leaves pays
    /// for the next; a flush or a shutdown gives it back. Every poll of a task may be the last.
    /// Dropped anywhere, it loses no byte and no token.
    ///
    /// # Errors
    ///
    /// As [`ThrottledRead`](crate::io::ThrottledRead#errors).
    ///
    /// ```
    /// use std::io::Write;
    /// use std::sync::Arc;
    /// use tollgate::io::{Payer, ThrottledWrite};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new("1MiB/s".parse::<Limit>()?)?);
    /// let mut out = ThrottledWrite::new(Vec::new(), Payer::blocking().and(Arc::clone(&bucket), 1));
    /// out.write_all(b"some bytes")?;
    /// assert_eq!(out.into_inner(), b"some bytes");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A socket that is limited both ways:
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::sync::Arc;
    ///     use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///     use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
    ///     use tollgate::{Limit, TokenBucket};
    ///
    ///     let down = Arc::new(TokenBucket::new("1MiB/s".parse::<Limit>()?)?);
    ///     let up = Arc::new(TokenBucket::new("64KiB/s".parse::<Limit>()?)?);
    ///     let (socket, mut peer) = tokio::io::duplex(64); // a TcpStream, say
    ///     let socket = ThrottledWrite::new(socket, Payer::new().and(up, 1));
    ///     let mut socket = ThrottledRead::new(socket, Payer::new().and(down, 1));
    ///     socket.write_all(b"ping").await?;
    ///     peer.write_all(b"pong").await?;
    ///     let mut answer = [0; 4];
    ///     socket.read_exact(&mut answer).await?;
    ///     assert_eq!(&answer, b"pong");
    ///     Ok(())
    /// }
    /// ```
    #[derive(Debug)]
    pub struct ThrottledWrite<W, T = ()> {
        #[pin]
        pub(crate) inner: W,
        pub(crate) payer: Payer<T>,
    }
}

impl<W, T> ThrottledWrite<W, T> {
    /// Makes a writer whose bytes `payer` pays for.
    pub const fn new(inner: W, payer: Payer<T>) -> Self {
        Self { inner, payer }
    }

    /// Returns the inner writer.
    pub const fn get_ref(&self) -> &W {
        &self.inner
    }

    /// Returns the inner writer. What is written to it directly is not paid.
    pub const fn get_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Returns the inner writer. What is paid and was not written goes back.
    pub fn into_inner(self) -> W {
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

impl<W: Write, T> Write for ThrottledWrite<W, T> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return self.inner.write(buffer);
        }
        let paid = self.payer.pay(buffer.len())?;
        let written = self.inner.write(&buffer[..paid])?;
        self.payer.pass(written);
        Ok(written)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let total = total(buffers);
        if total == 0 {
            return self.inner.write_vectored(buffers);
        }
        let written = match prefix(buffers, self.payer.pay(total)?) {
            Prefix::Whole(count) => self.inner.write_vectored(&buffers[..count])?,
            Prefix::Part(i, paid) => self.inner.write(&buffers[i][..paid])?,
        };
        self.payer.pass(written);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.payer.rest();
        self.inner.flush()
    }
}

impl<W: Read, T> Read for ThrottledWrite<W, T> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.inner.read_vectored(buffers)
    }
}

impl<W: BufRead, T> BufRead for ThrottledWrite<W, T> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.inner.consume(bytes);
    }
}

impl<W: Seek, T> Seek for ThrottledWrite<W, T> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}
