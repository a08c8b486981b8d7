//! Owns one caller's share of the line of a key, through which it waits or has a place. Never
//! decides whose turn it is.

use core::hash::{BuildHasher, Hash};
use core::ops::Deref;
use core::task::Waker;
use std::sync::Arc;

use crate::clock::clock::Clock;
use crate::clock::time::Time;
use crate::decision::revision::Revision;
use crate::decision::wait_bounds::WaitBounds;
use crate::keyed::key_line::KeyLine;
use crate::keyed::keyed_buckets::KeyedBuckets;
use crate::keyed::lines::{LineSteps, bounded};
use crate::keyed::streams::{Shape, Streams};
use crate::keyed::tier::{Kept, Tiers};
use crate::state::limits_changed::LimitsChanged;
use crate::state::store::{Change, Waitable};
use crate::wait::line::entry::{Ask, Ticket};
use crate::wait::line::standing::{Queue, Standing};
use crate::wait::waits::Waits;

/// A share of the line of a key, through a reference to all keys or an `Arc`. On drop it goes.
pub(crate) struct KeyQueue<B, K, const N: usize, C, H, F>
where
    [u64; N]: Streams<N>,
    B: Deref<Target = KeyedBuckets<K, N, C, H, F>>,
    K: Hash,
    C: Clock,
    H: BuildHasher,
    F: Tiers,
{
    buckets: B,
    line: Option<Arc<KeyLine<N>>>,
}

type Steps<'t, K, const N: usize, H, F> = LineSteps<'t, K, N, <[u64; N] as Shape<N>>::Words, <F as Kept>::Tag, H>;

impl<B, K, const N: usize, C, H, F> KeyQueue<B, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    B: Deref<Target = KeyedBuckets<K, N, C, H, F>>,
    K: Hash,
    C: Clock,
    H: BuildHasher,
    F: Tiers,
{
    pub(crate) fn new(buckets: B, line: Arc<KeyLine<N>>) -> Self {
        Self { buckets, line: Some(line) }
    }

    fn line(&self) -> &Arc<KeyLine<N>> {
        self.line.as_ref().expect("until it is dropped")
    }

    fn steps(&self, now: Time) -> Steps<'_, K, N, H, F> {
        LineSteps { table: &self.buckets.table, line: self.line(), now }
    }
}

impl<B, K, const N: usize, C, H, F> Drop for KeyQueue<B, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    B: Deref<Target = KeyedBuckets<K, N, C, H, F>>,
    K: Hash,
    C: Clock,
    H: BuildHasher,
    F: Tiers,
{
    fn drop(&mut self) {
        if let Some(line) = self.line.take() {
            self.buckets.table.leave(line, self.buckets.clock.now());
        }
    }
}

impl<B, K, const N: usize, C, H, F> Queue<N> for KeyQueue<B, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    B: Deref<Target = KeyedBuckets<K, N, C, H, F>> + Sync,
    K: Hash + Send + Sync,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + Sync,
{
    fn enter(&self, now: Time, ask: &Ask<N>, bounds: &WaitBounds<N>, waker: Option<&Waker>) -> Standing<N> {
        self.steps(now).enter(now, ask, bounds, waker)
    }

    fn visit(&self, now: Time, ask: &Ask<N>, ticket: Ticket, waker: Option<&Waker>) -> Standing<N> {
        self.steps(now).visit(now, ask, ticket, waker)
    }

    fn leave(&self, now: Time, ticket: Ticket) {
        self.steps(now).leave(now, ticket);
    }

    fn ready_at(&self, ticket: Ticket) -> Option<Time> {
        self.steps(Time::ZERO).ready_at(ticket)
    }

    fn stands(&self, ticket: Ticket) -> Standing<N> {
        self.steps(Time::ZERO).stands(ticket)
    }

    fn keep(&self, now: Time, ticket: Ticket) {
        self.steps(now).keep(now, ticket);
    }

    fn is_listened_to(&self, now: Time, amounts: &[u64; N]) -> bool {
        self.steps(now).is_listened_to(now, amounts)
    }

    /// The line of a key is never closed.
    fn close(&self, _: Time) {}
}

impl<B, K, const N: usize, C, H, F> Waits<N> for KeyQueue<B, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    B: Deref<Target = KeyedBuckets<K, N, C, H, F>> + Sync,
    K: Hash + Send + Sync,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + Sync,
{
    fn queue(&self) -> &dyn Queue<N> {
        self
    }
}

impl<B, K, const N: usize, C, H, F> Waitable<N> for KeyQueue<B, K, N, C, H, F>
where
    [u64; N]: Streams<N>,
    B: Deref<Target = KeyedBuckets<K, N, C, H, F>> + Sync,
    K: Hash + Send + Sync,
    C: Clock + Sync,
    H: BuildHasher + Sync,
    F: Tiers + Sync,
{
    fn now(&self) -> Time {
        self.buckets.clock.now()
    }

    fn read(&self) -> (Revision<N>, [u64; N]) {
        self.buckets.table.read_in_line(self.line(), |terms, spent| (terms.revision, *spent))
    }

    fn wait_bounds(&self) -> &WaitBounds<N> {
        &self.buckets.wait_bounds
    }

    fn limits_changed(&self) -> Option<&LimitsChanged> {
        Some(&self.buckets.table.limits_changed)
    }

    fn update(&self, change: &Change<'_, N>) -> Result<(), (Revision<N>, [u64; N])> {
        let now = self.buckets.clock.now();
        self.buckets.table.update_in_line(
            self.line(),
            |terms, spent| bounded(terms, now, spent, |revision, spent| Some((change(revision, spent)?, ()))),
            |terms, spent| (terms.revision, *spent),
        )
    }
}
