//! Owns the limits that pay for bytes, narrow to wide. Never says whose turn it is: each limit has
//! a line.

use core::fmt;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::boxed::Box;
use std::io;
use std::sync::Arc;
use std::vec::Vec;

use crate::bucket::bucket::Bucket;
use crate::io::account::Account;
use crate::io::purse::{BucketPurse, OnThreads};
use crate::wait::timer::Timer;
#[cfg(feature = "tokio")]
use crate::wait::timer::TokioTimer;

/// The limits that pay for the bytes of one reader or writer, narrow to wide.
///
/// Each limit is a bucket in an [`Arc`] and what a byte takes of it. A byte passes when all have
/// paid. The narrow limit is asked first, and the widest last: so what a payer holds while it waits
/// is held of narrow limits. Without a limit it paces nothing.
///
/// `T` is a [`Timer`], or `()` for a payer that only waits on threads.
///
/// ```
/// use std::io::Write;
/// use std::sync::Arc;
/// use tollgate::io::{Payer, ThrottledWrite};
/// use tollgate::{Limit, MultiBucket, TokenBucket};
///
/// // The bytes of one connection; and of all, by the second and by the day.
/// let connection = Arc::new(TokenBucket::new("1MiB/s".parse::<Limit>()?)?);
/// let service = MultiBucket::new(["100MiB/s".parse::<Limit>()?, "50GB/day".parse()?])?;
/// let payer = Payer::blocking().and(connection, 1).and(Arc::new(service), [1, 1]);
/// let mut out = ThrottledWrite::new(Vec::new(), payer);
/// out.write_all(&[7; 5000])?;
/// assert_eq!(out.into_inner(), [7; 5000]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a payer paces nothing by itself"]
pub struct Payer<T = ()> {
    accounts: Vec<Account>,
    timer: T,
    chunk: Option<u64>,
    expiry: Duration,
}

const EXPIRY: Duration = Duration::from_millis(100);

impl Payer {
    /// Makes a payer that waits on threads, without a limit.
    ///
    /// ```
    /// use std::io::Read;
    /// use tollgate::io::{Payer, ThrottledRead};
    ///
    /// let mut text = String::new();
    /// ThrottledRead::new("as fast as it gets".as_bytes(), Payer::blocking()).read_to_string(&mut text)?;
    /// assert_eq!(text, "as fast as it gets");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub const fn blocking() -> Self {
        Self { accounts: Vec::new(), timer: (), chunk: None, expiry: EXPIRY }
    }

    /// Adds a limit that is wider than those before, and what a byte takes of it.
    ///
    /// A stream of which a byte takes 0 is left out. It allocates.
    ///
    /// ```
    /// use std::io::Read;
    /// use std::sync::Arc;
    /// use tollgate::io::{Payer, ThrottledRead};
    /// use tollgate::{Limit, MultiBucket};
    ///
    /// // Requests and bytes: a byte takes of the bytes alone.
    /// let bucket = Arc::new(MultiBucket::new([Limit::per_second(10), Limit::per_second(1000)])?);
    /// let payer = Payer::blocking().and(Arc::clone(&bucket), [0, 1]);
    /// std::io::copy(&mut ThrottledRead::new(&[7; 600][..], payer), &mut std::io::sink())?;
    /// assert_eq!(bucket.available()[0], 10);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn and<B, const N: usize>(mut self, bucket: Arc<B>, per_byte: B::Amounts) -> Self
    where
        B: Bucket<N> + Send + 'static,
    {
        let purse = BucketPurse::new(bucket, per_byte, self.expiry, OnThreads);
        self.accounts.push(Account::new(Box::pin(purse), self.chunk));
        self
    }
}

#[cfg(feature = "tokio")]
impl Payer<TokioTimer> {
    /// Makes a payer that waits on tokio's timer, without a limit.
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::sync::Arc;
    ///     use tokio::io::AsyncReadExt;
    ///     use tollgate::io::{Payer, ThrottledRead};
    ///     use tollgate::{Limit, TokenBucket};
    ///
    ///     let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000).empty())?);
    ///     let mut reader = ThrottledRead::new(&b"12345"[..], Payer::new().and(bucket, 1));
    ///     let mut text = String::new();
    ///     reader.read_to_string(&mut text).await?; // 10 ms later
    ///     assert_eq!(text, "12345");
    ///     Ok(())
    /// }
    /// ```
    pub const fn new() -> Self {
        Self::on(TokioTimer)
    }
}

#[cfg(feature = "tokio")]
impl Default for Payer<TokioTimer> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Timer> Payer<T> {
    /// Makes a payer that waits on any timer, without a limit.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use smol::io::AsyncReadExt;
    /// use tollgate::io::{Payer, ThrottledRead};
    /// use tollgate::wait::timer_fn;
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000).empty())?);
    /// let payer = Payer::on(timer_fn(smol::Timer::after)).and(bucket, 1);
    /// let mut text = String::new();
    /// smol::block_on(ThrottledRead::new(&b"12345"[..], payer).read_to_string(&mut text))?;
    /// assert_eq!(text, "12345");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn on(timer: T) -> Self {
        Self { accounts: Vec::new(), timer, chunk: None, expiry: EXPIRY }
    }

    /// Adds a limit that is wider than those before, and what a byte takes of it. See
    /// [`Payer::and`](Payer::<()>::and).
    pub fn and<B, const N: usize>(mut self, bucket: Arc<B>, per_byte: B::Amounts) -> Self
    where
        B: Bucket<N> + Send + 'static,
        T: Clone + Send + 'static,
        T::Sleep: Send,
    {
        let purse = BucketPurse::new(bucket, per_byte, self.expiry, self.timer.clone());
        self.accounts.push(Account::new(Box::pin(purse), self.chunk));
        self
    }

    /// Pays for up to `want` bytes, at least one, and says for how many.
    #[inline]
    pub(crate) fn poll_pay(&mut self, context: &mut Context<'_>, want: usize) -> Poll<io::Result<usize>> {
        let want = self.most(want);
        let mut paid = want;
        for account in &mut self.accounts {
            ready!(account.poll_pay(context, want))?;
            paid = paid.min(account.paid);
        }
        Poll::Ready(Ok(bytes(paid)))
    }

    /// Sees to it that what is held goes back once nothing passed for some time.
    pub(crate) fn poll_idle(&mut self, context: &mut Context<'_>) {
        for account in &mut self.accounts {
            account.poll_idle(context, self.expiry);
        }
    }

    /// Counts what an operation passed. One that is pending may expire.
    #[inline]
    pub(crate) fn counted<R>(
        &mut self,
        context: &mut Context<'_>,
        done: Poll<io::Result<R>>,
        bytes: impl FnOnce(&R) -> usize,
    ) -> Poll<io::Result<R>> {
        match &done {
            Poll::Ready(Ok(result)) => self.pass(bytes(result)),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => self.poll_idle(context),
        }
        done
    }
}

impl<T> Payer<T> {
    /// Sets how many bytes a payer holds at most. Half of it passes at once.
    ///
    /// It is never more than the capacity of a limit. Default: what refills in 20 ms, from 1 KiB to
    /// 1 MiB.
    ///
    /// By default a wait is for what refills in 10 ms, whatever the buffer. With a chosen chunk it
    /// is for the buffer, up to half a chunk: a larger chunk means fewer and longer waits.
    ///
    /// ```
    /// use std::io::Read;
    /// use std::sync::Arc;
    /// use tollgate::io::{Payer, ThrottledRead};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_second(1_000_000))?);
    /// let payer = Payer::blocking().and(bucket, 1).chunk(512);
    /// let mut reader = ThrottledRead::new(std::io::repeat(7), payer);
    /// assert_eq!(reader.read(&mut [0; 1024])?, 256);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn chunk(mut self, bytes: u64) -> Self {
        self.chunk = Some(bytes);
        for account in &mut self.accounts {
            account.choose(bytes);
        }
        self
    }

    /// Sets how long a task holds what it does not use. Default: 100 ms.
    ///
    /// What a reader has paid goes back once it has waited for so long, or up to twice as long, for
    /// its inner reader; so with a writer. The task is woken once for it, and pays again when there
    /// is something to pass. A flush or a shutdown gives back at once. A thread inside its reader
    /// gives nothing back, nor does what nobody polls.
    ///
    /// ```
    /// #[tokio::main(flavor = "current_thread")]
    /// async fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     use std::sync::Arc;
    ///     use std::time::Duration;
    ///     use tokio::io::AsyncReadExt;
    ///     use tollgate::io::{Payer, ThrottledRead};
    ///     use tollgate::{Limit, TokenBucket};
    ///
    ///     let bucket = Arc::new(TokenBucket::new(Limit::per_second(0).capacity(100))?);
    ///     let payer = Payer::new().and(Arc::clone(&bucket), 1).expire_after(Duration::from_millis(2));
    ///     let (_silent, stream) = tokio::io::duplex(64);
    ///     let mut reader = ThrottledRead::new(stream, payer);
    ///     tokio::spawn(async move { reader.read_u8().await });
    ///     tokio::time::sleep(Duration::from_millis(50)).await;
    ///     assert_eq!(bucket.available(), 100);
    ///     Ok(())
    /// }
    /// ```
    pub fn expire_after(mut self, after: Duration) -> Self {
        // A sleep of no time would end again and again.
        self.expiry = after.max(Duration::from_micros(1));
        for account in &mut self.accounts {
            account.expire_after(self.expiry);
        }
        self
    }

    /// Returns the bytes that are paid and have not passed, of the limit that holds most.
    ///
    /// ```
    /// use std::io::Read;
    /// use std::sync::Arc;
    /// use tollgate::io::{Payer, ThrottledRead};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_second(1000).capacity(100))?);
    /// let payer = Payer::blocking().and(bucket, 1);
    /// let mut reader = ThrottledRead::new(std::io::repeat(7).take(30), payer);
    /// assert_eq!(reader.read(&mut [0; 50])?, 30); // 50 are paid
    /// assert_eq!(reader.payer().held(), 20);
    /// assert_eq!(reader.read(&mut [0; 50])?, 0); // the end
    /// assert_eq!(reader.payer().held(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn held(&self) -> u64 {
        self.accounts.iter().map(|account| account.paid).max().unwrap_or(0)
    }

    /// Gives all held bytes back, and leaves the line that it waits in, as on drop.
    ///
    /// ```
    /// use std::io::Read;
    /// use std::sync::Arc;
    /// use tollgate::io::{Payer, ThrottledRead};
    /// use tollgate::{Limit, TokenBucket};
    ///
    /// let bucket = Arc::new(TokenBucket::new(Limit::per_second(0).capacity(100))?);
    /// let payer = Payer::blocking().and(Arc::clone(&bucket), 1);
    /// let mut reader = ThrottledRead::new(std::io::repeat(7).take(30), payer);
    /// reader.read(&mut [0; 50])?;
    /// reader.payer_mut().give_back();
    /// assert_eq!(bucket.available(), 70);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn give_back(&mut self) {
        for account in &mut self.accounts {
            account.give_back();
        }
    }

    /// The bytes that may be asked for at once.
    #[inline]
    fn most(&self, want: usize) -> u64 {
        let want = u64::try_from(want).unwrap_or(u64::MAX);
        self.accounts.iter().fold(want, |want, account| want.min(account.sizes.piece))
    }

    /// Pays on this thread for up to `want` bytes, at least one, and says for how many.
    #[inline]
    pub(crate) fn pay(&mut self, want: usize) -> io::Result<usize> {
        let want = self.most(want);
        let mut paid = want;
        for account in &mut self.accounts {
            account.pay(want)?;
            paid = paid.min(account.paid);
        }
        Ok(bytes(paid))
    }

    /// Gives back what is held, as the caller says that nothing follows soon.
    pub(crate) fn rest(&mut self) {
        for account in &mut self.accounts {
            account.rest();
        }
    }

    /// Counts bytes that passed. None means the end: all goes back.
    #[inline]
    pub(crate) fn pass(&mut self, bytes: usize) {
        if bytes == 0 {
            return self.give_back();
        }
        for account in &mut self.accounts {
            account.pass(bytes as u64);
        }
    }
}

/// A number of bytes that is no more than the length of a buffer.
fn bytes(paid: u64) -> usize {
    usize::try_from(paid).unwrap_or(usize::MAX)
}

impl<T> fmt::Debug for Payer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payer")
            .field("limits", &self.accounts.len())
            .field("held", &self.held())
            .finish_non_exhaustive()
    }
}
