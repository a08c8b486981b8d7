//! Owns one limit of any type, from which bytes are paid: its lease and its waits. Never counts
//! what is paid and not passed; that is the account's.

use core::future::{Future, Pending, pending};
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::io;
use std::sync::Arc;
use std::thread;

use pin_project_lite::pin_project;

use crate::bucket::bucket::Bucket;
use crate::bucket::owned::SharedBucket;
use crate::decision::refused::Refused;
use crate::io::sizes::{Sizes, accrues};
use crate::lease::lease::Lease;
use crate::limit::amounts::Amounts;
use crate::state::store::Store;
use crate::wait::patient::{AGAIN, Patient, PatientTake, is_unknown};
use crate::wait::timer::Timer;

/// Why a limit did not pay.
#[derive(Debug)]
pub(crate) enum Unpaid {
    /// It pays after a wait. So many bytes of the stream that is short refill in 10 ms.
    NotYet(u64),
    /// So many bytes are above the capacity.
    Never(u64, io::Error),
    /// No wait helps: the bucket is closed, or its bounds on waiting are reached.
    Refused(io::Error),
}

impl Unpaid {
    /// Why so many bytes were not paid.
    fn new<const N: usize>(bytes: u64, refused: Refused<N>) -> Self {
        let error = io::Error::new(io::ErrorKind::QuotaExceeded, refused);
        if matches!(refused, Refused::Never(_)) { Self::Never(bytes, error) } else { Self::Refused(error) }
    }
}

/// A limit of any type. All amounts are bytes.
pub(crate) trait Purse {
    /// Looks at the limits as they are, with a chunk that the caller chose.
    fn look(self: Pin<&mut Self>, chosen: Option<u64>) -> Sizes;

    /// Sets in which time a fetch has to be used up for the next to be larger.
    fn expire_after(self: Pin<&mut Self>, after: Duration);

    /// Takes so many bytes now, and what the lease has fetched ahead. Says how many.
    fn take(self: Pin<&mut Self>, bytes: u64) -> Result<u64, Unpaid>;

    /// Whether a wait is in progress.
    fn waits(&self) -> bool;

    /// Waits in turn for so many bytes, or goes on with the wait in progress. Says how many it
    /// took.
    fn poll_wait(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: u64) -> Poll<Result<u64, Unpaid>>;

    /// Waits in turn on this thread, and takes.
    fn wait(self: Pin<&mut Self>, bytes: u64) -> Result<(), Unpaid>;

    /// Completes once the sleep in progress is over, or a new one of this length.
    fn poll_sleep(self: Pin<&mut Self>, context: &mut Context<'_>, sleep: Duration) -> Poll<()>;

    /// Gives back these bytes. Ends the wait and the sleep.
    fn give_back(self: Pin<&mut Self>, bytes: u64);
}

/// The purse of a bucket.
pub(crate) type BucketPurse<B, T, const N: usize> =
    SleepingPurse<Kept<B, T, N>, PatientTake<B, T, N>, <T as Timer>::Sleep>;

pin_project! {
    /// What a purse keeps, and what it waits for.
    pub(crate) struct SleepingPurse<K, W, S> {
        kept: K,
        #[pin]
        wait: W,
        // Until what is held expires.
        #[pin]
        sleep: Option<S>,
    }
}

/// A bucket, and what a byte takes of it.
pub(crate) struct Kept<B: Bucket<N>, T, const N: usize> {
    bucket: Arc<B>,
    per_byte: [u64; N],
    /// Fetches ahead as its holder needs it: see [`Lease`](crate::Lease#how-it-fetches).
    lease: Lease<Arc<B>, N>,
    most_ahead: u64,
    expiry: Duration,
    timer: T,
    /// The bytes that the wait in progress is for.
    awaited: u64,
}

impl<B: Bucket<N>, T, const N: usize> Kept<B, T, N> {
    /// What so many bytes take. More than a `u64` counts is never granted.
    fn tokens(&self, bytes: u64) -> B::Amounts {
        B::Amounts::from_array(self.per_byte.map(|each| each.saturating_mul(bytes)))
    }

    /// Takes whole bytes out of what the lease has fetched ahead.
    fn ahead(&mut self) -> u64 {
        let held = self.lease.held().to_array();
        let bytes = held.iter().zip(&self.per_byte).filter_map(|(held, each)| held.checked_div(*each)).min();
        let bytes = bytes.unwrap_or(0);
        // It holds as many: this takes nothing of the bucket.
        if bytes > 0 && self.lease.try_take(self.tokens(bytes)).is_ok() { bytes } else { 0 }
    }

    /// Begins with an empty lease, of another size.
    fn lease_anew(&mut self) {
        let most = self.tokens(self.most_ahead);
        self.lease = Arc::clone(&self.bucket).lease_owned(most).expire_after(self.expiry);
    }
}

impl<B: Bucket<N>, T: Timer, const N: usize> BucketPurse<B, T, N> {
    pub(crate) fn new(bucket: Arc<B>, per_byte: B::Amounts, expiry: Duration, timer: T) -> Self {
        let nothing = B::Amounts::from_array([0; N]);
        let lease = Arc::clone(&bucket).lease_owned(nothing).expire_after(expiry);
        let per_byte = per_byte.to_array();
        let kept = Kept { bucket, per_byte, lease, most_ahead: 0, expiry, timer, awaited: 0 };
        Self { kept, wait: Patient::new(), sleep: None }
    }
}

impl<B: Bucket<N>, T: Timer + Clone, const N: usize> Purse for BucketPurse<B, T, N> {
    fn look(self: Pin<&mut Self>, chosen: Option<u64>) -> Sizes {
        let kept = self.project().kept;
        let sizes = kept.bucket.store().read(|limits, _| Sizes::new(limits, &kept.per_byte, chosen));
        if sizes.ahead != kept.most_ahead {
            kept.most_ahead = sizes.ahead;
            kept.lease_anew();
        }
        sizes
    }

    fn expire_after(self: Pin<&mut Self>, after: Duration) {
        let kept = self.project().kept;
        kept.expiry = after;
        kept.lease_anew();
    }

    fn take(self: Pin<&mut Self>, bytes: u64) -> Result<u64, Unpaid> {
        let kept = self.project().kept;
        let amounts = kept.tokens(bytes);
        match kept.lease.try_take(amounts) {
            Ok(()) => Ok(bytes + kept.ahead()),
            Err(Refused::NotYet(not_yet)) => {
                let (store, short) = (kept.bucket.store(), not_yet.stream());
                Err(Unpaid::NotYet(store.read(|limits, _| accrues(&limits.streams[short], kept.per_byte[short]))))
            }
            Err(refused) => Err(Unpaid::new(bytes, refused)),
        }
    }

    fn waits(&self) -> bool {
        self.wait.waits()
    }

    fn poll_wait(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: u64) -> Poll<Result<u64, Unpaid>> {
        let this = self.project();
        let kept = this.kept;
        if !this.wait.waits() {
            kept.awaited = bytes;
        }
        let amounts = kept.tokens(kept.awaited).to_array();
        let taken = ready!(this.wait.poll_take(context, (&kept.bucket, amounts, &kept.timer)));
        Poll::Ready(taken.map(|()| kept.awaited).map_err(|refused| Unpaid::new(kept.awaited, refused)))
    }

    fn wait(self: Pin<&mut Self>, bytes: u64) -> Result<(), Unpaid> {
        let kept = self.project().kept;
        loop {
            match kept.bucket.take_blocking(kept.tokens(bytes)) {
                Ok(_) => return Ok(()),
                Err(refused) if is_unknown(&refused) => thread::sleep(AGAIN),
                Err(refused) => return Err(Unpaid::new(bytes, refused)),
            }
        }
    }

    fn poll_sleep(self: Pin<&mut Self>, context: &mut Context<'_>, sleep: Duration) -> Poll<()> {
        let mut this = self.project();
        if this.sleep.is_none() {
            this.sleep.set(Some(this.kept.timer.sleep(sleep)));
        }
        if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
            let _ = ready!(sleep.poll(context));
        }
        this.sleep.set(None);
        Poll::Ready(())
    }

    fn give_back(self: Pin<&mut Self>, bytes: u64) {
        let mut this = self.project();
        this.wait.leave();
        this.sleep.set(None);
        if bytes > 0 {
            this.kept.bucket.put_back(this.kept.tokens(bytes));
        }
        this.kept.lease.give_back();
    }
}

/// The timer of a payer on threads, whose purses never sleep in a task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnThreads;

impl Timer for OnThreads {
    type Sleep = Pending<()>;

    fn sleep(&self, _: Duration) -> Pending<()> {
        pending()
    }
}
