//! Owns the traits of tokio, for readers and writers in tasks. Never says what a byte costs.

use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::io::{self, IoSlice, SeekFrom};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};

use crate::io::prefix::{Prefix, prefix, total};
use crate::io::throttled_read::ThrottledRead;
use crate::io::throttled_write::ThrottledWrite;
use crate::wait::timer::Timer;

impl<R: AsyncRead, T: Timer> AsyncRead for ThrottledRead<R, T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let room = buffer.remaining();
        if room == 0 {
            return this.inner.poll_read(context, buffer);
        }
        let paid = ready!(this.payer.poll_pay(context, room))?;
        let read = if paid >= room {
            let before = buffer.filled().len();
            this.inner.poll_read(context, buffer).map_ok(|()| buffer.filled().len() - before)
        } else {
            // What is not initialized yet is zeroed once: only unsafe code can say that it was
            // filled.
            let mut part = ReadBuf::new(buffer.initialize_unfilled_to(paid));
            let read = this.inner.poll_read(context, &mut part).map_ok(|()| part.filled().len());
            if let Poll::Ready(Ok(read)) = read {
                buffer.advance(read);
            }
            read
        };
        this.payer.counted(context, read, |read| *read).map_ok(drop)
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

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_shutdown(context)
    }
}

impl<R: AsyncSeek, T> AsyncSeek for ThrottledRead<R, T> {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.project().inner.start_seek(to)
    }

    fn poll_complete(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.project().inner.poll_complete(context)
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

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.payer.rest();
        this.inner.poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        this.payer.rest();
        this.inner.poll_shutdown(context)
    }
}

impl<W: AsyncRead, T> AsyncRead for ThrottledWrite<W, T> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.project().inner.poll_read(context, buffer)
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
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        self.project().inner.start_seek(to)
    }

    fn poll_complete(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.project().inner.poll_complete(context)
    }
}
