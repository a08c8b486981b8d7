//! Owns how one item is paid: at once, or after a wait in turn. Never knows the item.

use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use std::boxed::Box;
use std::sync::Arc;

use crate::bucket::bucket::Bucket;
use crate::decision::refused::{Never, Refused};
use crate::limit::amounts::Amounts;
use crate::wait::patient::{Patient, PatientTake};
use crate::wait::timer::Timer;

/// What pays for the items of a stream or a sink: a bucket, and a timer for its waits.
///
/// It allocates at its first wait, and so never moves what it waits in: a stream that may be moved
/// still may. It is only named to store a stream or a sink.
pub struct Toll<B: Bucket<N>, T: Timer, const N: usize = 1> {
    bucket: Arc<B>,
    timer: T,
    /// What the item takes that is to be paid.
    cost: [u64; N],
    wait: Option<Pin<Box<PatientTake<B, T, N>>>>,
}

impl<B: Bucket<N>, T: Timer + Clone, const N: usize> Toll<B, T, N> {
    pub(crate) const fn new(bucket: Arc<B>, timer: T) -> Self {
        Self { bucket, timer, cost: [0; N], wait: None }
    }

    /// Sets what the next item takes.
    pub(crate) fn set_cost(&mut self, cost: B::Amounts) {
        self.cost = cost.to_array();
    }

    /// Whether so much may be paid at all.
    pub(crate) fn check(&self, cost: B::Amounts) -> Result<(), Never> {
        self.bucket.wait_for(cost).map(drop)
    }

    /// Pays for the item, now or in turn.
    pub(crate) fn poll_pay(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refused<N>>> {
        let Self { bucket, timer, cost, wait } = self;
        if !wait.as_ref().is_some_and(|wait| wait.waits()) {
            match bucket.try_take(B::Amounts::from_array(*cost)) {
                Ok(_) => return Poll::Ready(Ok(())),
                Err(Refused::NotYet(_)) => {}
                Err(refused) => return Poll::Ready(Err(refused)),
            }
        }
        let wait = wait.get_or_insert_with(|| Box::pin(Patient::new()));
        Poll::Ready(ready!(wait.as_mut().poll_take(context, (bucket, *cost, timer))))
    }
}

impl<B: Bucket<N>, T: Timer, const N: usize> fmt::Debug for Toll<B, T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waits = self.wait.as_ref().is_some_and(|wait| wait.waits());
        f.debug_struct("Toll").field("cost", &self.cost).field("waits", &waits).finish_non_exhaustive()
    }
}
