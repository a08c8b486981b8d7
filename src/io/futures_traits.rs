//! Owns the traits of `futures-io`, for readers and writers in tasks. Never says what a byte costs.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice, IoSliceMut, SeekFrom};

use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};

use crate::io::prefix::{Prefix, prefix, total};
use crate::io::throttled_read::ThrottledRead;
use crate::io::throttled_write::ThrottledWrite;
use crate::wait::timer::Timer;

impl<R: AsyncRead, T: Timer> AsyncRead for ThrottledRead<R, T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        if buffer.is_empty() {
            return this.inner.poll_read(context, buffer);
        }
        let paid = ready!(this.payer.poll_pay(context, buffer.len()))?;
        let read = this.inner.poll_read(context, &mut buffer[..paid]);
        this.payer.counted(context, read, |read| *read)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let total = total(buffers);
        if total == 0 {
            return this.inner.poll_read_vectored(context, buffers);
        }
        let read = match prefix(buffers, ready!(this.payer.poll_pay(context, total))?) {
            Prefix::Whole(count) => this.inner.poll_read_vectored(context, &mut buffers[..count]),
            Prefix::Part(i, paid) => this.inner.poll_read(context, &mut buffers[i][..paid]),
        };
        this.payer.counted(context, read, |read| *read)
    }
}

impl<R: AsyncBufRead, T: Timer> AsyncBufRead for ThrottledRead<R, T> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let mut this = self.project();
        let shown = match this.inner.as_mut().poll_fill_buf(context) {
            Poll::Ready(buffer) => buffer?.len(),
            Poll::Pending => {
                this.payer.poll_idle(context);
                return Poll::Pending;
            }
        };
        if shown == 0 {
            this.payer.give_back();
            return Poll::Ready(Ok(&[]));
        }
        let paid = ready!(this.payer.poll_pay(context, shown))?;
        let buffer = ready!(this.inner.poll_fill_buf(context))?;
        Poll::Ready(Ok(&buffer[..paid.min(buffer.len())]))
    }

    fn consume(self: Pin<&mut Self>, bytes: usize) {
        let this = self.project();
        if bytes > 0 {
            this.inner.consume(bytes);
            this.payer.pass(bytes);
        }
    }
}

impl<R: AsyncWrite, T> AsyncWrite for ThrottledRead<R, T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write(context, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_write_vectored(context, buffers)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_close(context)
    }
}

impl<R: AsyncSeek, T> AsyncSeek for ThrottledRead<R, T> {
    fn poll_seek(self: Pin<&mut Self>, context: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        self.project().inner.poll_seek(context, to)
    }
}

impl<W: AsyncWrite, T: Timer> AsyncWrite for ThrottledWrite<W, T> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.project();
        if buffer.is_empty() {
            return this.inner.poll_write(context, buffer);
        }
        let paid = ready!(this.payer.poll_pay(context, buffer.len()))?;
        let written = this.inner.poll_write(context, &buffer[..paid]);
        this.payer.counted(context, written, |written| *written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let total = total(buffers);
        if total == 0 {
            return this.inner.poll_write_vectored(context, buffers);
        }
        let written = match prefix(buffers, ready!(this.payer.poll_pay(context, total))?) {
            Prefix::Whole(count) => this.inner.poll_write_vectored(context, &buffers[..count]),
            Prefix::Part(i, paid) => this.inner.poll_write(context, &buffers[i][..paid]),
        };
        this.payer.counted(context, written, |written| *written)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.payer.rest();
        this.inner.poll_flush(context)
    }

    fn poll_close(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.payer.rest();
        this.inner.poll_close(context)
    }
}

impl<W: AsyncRead, T> AsyncRead for ThrottledWrite<W, T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.project().inner.poll_read(context, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.project().inner.poll_read_vectored(context, buffers)
    }
}

impl<W: AsyncBufRead, T> AsyncBufRead for ThrottledWrite<W, T> {
    fn poll_fill_buf(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.project().inner.poll_fill_buf(context)
    }

    fn consume(self: Pin<&mut Self>, bytes: usize) {
        self.project().inner.consume(bytes);
    }
}

impl<W: AsyncSeek, T> AsyncSeek for ThrottledWrite<W, T> {
    fn poll_seek(self: Pin<&mut Self>, context: &mut Context<'_>, to: SeekFrom) -> Poll<io::Result<u64>> {
        self.project().inner.poll_seek(context, to)
    }
}
