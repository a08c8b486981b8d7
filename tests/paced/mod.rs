//! Readers and writers for tests of paced bytes: they find nothing, or little, at random, and count
//! what passes.
#![allow(dead_code, reason = "every suite uses a part of it")]

use std::future::Future;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::common::Random;

/// The byte at a place of the data that all readers here have.
pub(crate) const fn byte(place: u64) -> u8 {
    (place.wrapping_mul(2_654_435_761) >> 13) as u8
}

/// What an inner reader or writer saw.
#[derive(Default)]
pub(crate) struct Seen {
    /// The bytes that passed, and those that were written.
    pub(crate) passed: u64,
    pub(crate) written: Vec<u8>,
    /// Calls that transferred, and the most bytes that one was offered.
    pub(crate) calls: u64,
    pub(crate) largest: usize,
    pub(crate) flushes: u64,
    pub(crate) shutdowns: u64,
    /// The waker of the last poll that found nothing.
    pub(crate) waker: Option<Waker>,
}

/// How an inner reader or writer behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Passes all it is offered.
    Whole,
    /// Passes a part, or nothing in a task, at random; some calls are interrupted.
    Flaky,
    /// Never has anything.
    Silent,
}

/// An inner reader and writer.
#[derive(Clone)]
pub(crate) struct Inner {
    pub(crate) seen: Arc<Mutex<Seen>>,
    random: Arc<Mutex<Random>>,
    manner: Manner,
    /// Bytes in all.
    len: u64,
}

impl Inner {
    pub(crate) fn new(manner: Manner, len: u64, seed: u64) -> Self {
        Self { seen: Arc::default(), random: Arc::new(Mutex::new(Random(seed))), manner, len }
    }

    pub(crate) fn passed(&self) -> u64 {
        self.seen().passed
    }

    pub(crate) fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many of so many bytes pass in this call; `None` for nothing yet.
    fn some(&self, offered: usize, in_a_task: bool) -> io::Result<Option<usize>> {
        let mut random = self.random.lock().unwrap();
        let mut seen = self.seen();
        seen.largest = seen.largest.max(offered);
        let most = (offered as u64).min(self.len - seen.passed);
        let some = match self.manner {
            Manner::Silent if in_a_task => return Ok(None),
            Manner::Silent => return Err(io::ErrorKind::WouldBlock.into()),
            Manner::Whole => most,
            Manner::Flaky => match random.below(8) {
                0 | 1 if in_a_task => return Ok(None),
                0 => return Err(io::ErrorKind::Interrupted.into()),
                2..=4 if most > 0 => 1 + random.below(most),
                _ => most,
            },
        };
        seen.calls += 1;
        Ok(Some(some as usize))
    }

    fn fill(&self, buffer: &mut [u8]) {
        let mut seen = self.seen();
        for (place, out) in (seen.passed..).zip(&mut *buffer) {
            *out = byte(place);
        }
        seen.passed += buffer.len() as u64;
    }

    fn keep(&self, buffer: &[u8]) {
        let mut seen = self.seen();
        seen.written.extend_from_slice(buffer);
        seen.passed += buffer.len() as u64;
    }

    /// Finds nothing, and wakes the task at once, unless it is silent.
    fn nothing<T>(&self, context: &Context<'_>) -> Poll<T> {
        self.seen().waker = Some(context.waker().clone());
        if self.manner != Manner::Silent {
            context.waker().wake_by_ref();
        }
        Poll::Pending
    }

    fn poll_in(&self, context: &Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.some(buffer.len(), true)? {
            Some(some) => {
                self.fill(&mut buffer[..some]);
                Poll::Ready(Ok(some))
            }
            None => self.nothing(context),
        }
    }

    fn poll_out(&self, context: &Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        match self.some(buffer.len(), true)? {
            Some(some) => {
                self.keep(&buffer[..some]);
                Poll::Ready(Ok(some))
            }
            None => self.nothing(context),
        }
    }
}

impl Read for Inner {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let some = self.some(buffer.len(), false)?.unwrap_or(0);
        self.fill(&mut buffer[..some]);
        Ok(some)
    }

    fn read_vectored(&mut self, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        let mut left = self.some(buffers.iter().map(|buffer| buffer.len()).sum(), false)?.unwrap_or(0);
        let some = left;
        for buffer in buffers {
            let part = left.min(buffer.len());
            self.fill(&mut buffer[..part]);
            left -= part;
        }
        Ok(some)
    }
}

impl Write for Inner {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let some = self.some(buffer.len(), false)?.unwrap_or(0);
        self.keep(&buffer[..some]);
        Ok(some)
    }

    fn write_vectored(&mut self, buffers: &[IoSlice<'_>]) -> io::Result<usize> {
        let some = self.some(buffers.iter().map(|buffer| buffer.len()).sum(), false)?.unwrap_or(0);
        let mut left = some;
        for buffer in buffers {
            let part = left.min(buffer.len());
            self.keep(&buffer[..part]);
            left -= part;
        }
        Ok(some)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.seen().flushes += 1;
        Ok(())
    }
}

impl AsyncRead for Inner {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let some = self.poll_in(context, buffer.initialize_unfilled());
        some.map_ok(|some| buffer.advance(some))
    }
}

impl AsyncWrite for Inner {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_out(context, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(context, &joined(buffers))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seen().flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seen().shutdowns += 1;
        Poll::Ready(Ok(()))
    }
}

impl futures_io::AsyncRead for Inner {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_in(context, buffer)
    }

    fn poll_read_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut all = vec![0; buffers.iter().map(|buffer| buffer.len()).sum()];
        let some = std::task::ready!(self.poll_in(context, &mut all))?;
        let mut from = &all[..some];
        for buffer in buffers {
            let part = from.len().min(buffer.len());
            buffer[..part].copy_from_slice(&from[..part]);
            from = &from[part..];
        }
        Poll::Ready(Ok(some))
    }
}

impl futures_io::AsyncWrite for Inner {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_out(context, buffer)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_out(context, &joined(buffers))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seen().flushes += 1;
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.seen().shutdowns += 1;
        Poll::Ready(Ok(()))
    }
}

/// Polls once.
pub(crate) fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

fn joined(buffers: &[IoSlice<'_>]) -> Vec<u8> {
    buffers.iter().flat_map(|buffer| buffer.iter().copied()).collect()
}
