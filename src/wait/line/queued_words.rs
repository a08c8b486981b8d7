//! Owns words behind a line, as those see them who do not wait. Never takes the lock of the line.

use core::time::Duration;

use crate::clock::time::Time;
use crate::decision::awaited::Awaited;
use crate::decision::limits::Limits;
use crate::decision::refused::Refused;
use crate::state::store::{Carried, Revised, Store};
use crate::wait::line::queue::{InLine, Queued, eased, waiting};

impl<S: Revised<N>, const N: usize> Queued<S, N> {
    /// Whether nobody is let in any more, for good.
    pub(crate) fn is_closed(&self) -> bool {
        InLine::is_closed(self)
    }

    /// What the first of those who wait may use, for a change of limits.
    pub(crate) fn awaited(&self, grace: Duration) -> Awaited<N> {
        InLine::awaited(self, grace)
    }

    /// Tells those who wait, and those who hold reservations, that the limits changed.
    pub(crate) fn retime(&self, now: Time) {
        InLine::retime(self, now);
    }
}

impl<S: Revised<N>, const N: usize> Store<N> for Queued<S, N> {
    const LENDS: bool = S::LENDS;

    #[inline(always)]
    fn update<R, E>(
        &self,
        pause: impl Fn(&Limits<N>) -> u64,
        change: impl Fn(&Limits<N>, &[u64; N]) -> Option<([u64; N], R)>,
        refuse: impl Fn(&Limits<N>, &[u64; N], u64) -> E,
    ) -> Result<R, E> {
        self.words.update(pause, change, refuse)
    }

    #[inline(always)]
    fn read<V>(&self, look: impl Fn(&Limits<N>, &[u64; N]) -> V) -> V {
        self.words.read(look)
    }

    #[inline(always)]
    fn keeps_out(&self, now: Time) -> bool {
        (0..N).any(|i| now < self.line.until(i))
    }

    #[cold]
    #[inline(never)]
    fn refusal_in_line(&self, now: Time, amounts: [u64; N]) -> Option<Refused<N>> {
        let (ahead, stream) = self.line.ahead(now, amounts)?;
        if self.is_closed() {
            return Some(Refused::Closed);
        }
        // Those who wait keep nobody out of a stream without a limit.
        let scarce = self.words.read(|limits, _| limits.scarce(&amounts));
        let (ahead, stream) = if scarce == amounts { (ahead, stream) } else { self.line.ahead(now, scarce)? };
        Some(self.words.read(|limits, spent| match limits.check(&amounts) {
            Err(never) => never.into(),
            Ok(()) => {
                let behind = limits.behind(spent, now, &amounts, &ahead);
                if behind.wait() != Some(Duration::ZERO) {
                    return behind.into();
                }
                // What there is now is for those who wait, until they are overdue.
                behind.lasting(stream, self.line.until(stream).nanos_since(now)).into()
            }
        }))
    }

    fn is_waited_for(&self, stream: usize) -> bool {
        waiting(&self.line)[stream] > 0
    }

    fn held_tokens(&self) -> [u64; N] {
        self.held().tokens()
    }

    #[inline(always)]
    fn eased(&self, now: Time) {
        let line = &self.line;
        if let Some(shared) = line.shared.get() {
            eased(self, line, shared, now);
        }
    }

    #[inline(always)]
    fn bring_home(&self, now: Time, amounts: &[u64; N]) -> bool {
        let brought = self.words.bring_home(now, amounts);
        if brought {
            self.eased(now);
        }
        brought
    }

    #[inline(always)]
    fn carried(&self) -> Carried {
        self.words.carried()
    }

    #[inline(always)]
    fn is_settled_since(&self, before: Carried) -> bool {
        self.words.is_settled_since(before)
    }

    #[inline(always)]
    fn recall(&self, now: Time) {
        self.words.recall(now);
        self.eased(now);
    }

    #[inline(always)]
    fn lent(&self) -> [u64; N] {
        self.words.lent()
    }

    #[inline(always)]
    fn whole<R>(&self, now: Time, step: impl FnOnce() -> R) -> R {
        self.words.whole(now, step)
    }
}
