//! Owns a source and a sink in memory, for threads and for tasks. Never waits.

use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A megabyte that is read from again and again up to an end, or written to.
pub(crate) struct Memory {
    data: Box<[u8]>,
    at: usize,
    left: u64,
}

impl Memory {
    pub(crate) fn new(bytes: u64) -> Self {
        let data = (0..1_u32 << 20).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        Self { data, at: 0, left: bytes }
    }

    /// The place of the next bytes, at most so many.
    fn next(&mut self, most: usize) -> &mut [u8] {
        let start = if self.at + most <= self.data.len() { self.at } else { 0 };
        let len = most.min(self.data.len()).min(usize::try_from(self.left).unwrap_or(usize::MAX));
        (self.at, self.left) = (start + len, self.left - len as u64);
        &mut self.data[start..start + len]
    }
}

impl Read for Memory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let next = self.next(buffer.len());
        buffer[..next.len()].copy_from_slice(next);
        Ok(next.len())
    }
}

impl Write for Memory {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let next = self.next(buffer.len());
        next.copy_from_slice(&buffer[..next.len()]);
        Ok(next.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Memory {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let next = self.next(buffer.remaining());
        buffer.put_slice(next);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(buffer))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
