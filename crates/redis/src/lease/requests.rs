//! Owns who waits, and who was refused. Never decides who is served.

use std::collections::VecDeque;

use tollgate::clock::Time;

use super::ledger::plus;

/// The amounts that were asked of the pool and that it did not have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Requests<const N: usize> {
    /// Those who wait, in the order in which they came.
    waiting: VecDeque<[u64; N]>,
    /// The sum of those who wait.
    sum: [u128; N],
    /// Somebody who was refused, and did not wait.
    refused: Option<Refused<N>>,
    /// All that was refused since somebody looked.
    unseen: [u64; N],
    /// How often the engine has refused what the first in the line needs.
    pub(super) tries: u32,
    /// The largest amounts of late: what one request is.
    pub(super) typical: [u64; N],
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Refused<const N: usize> {
    amounts: [u64; N],
    sum: [u64; N],
    at: Time,
}

impl<const N: usize> Requests<N> {
    pub(super) fn new() -> Self {
        let (waiting, zero) = (VecDeque::new(), [0; N]);
        Self { waiting, sum: [0; N], refused: None, unseen: zero, tries: 0, typical: zero }
    }

    pub(super) fn wait(&mut self, amounts: [u64; N]) {
        self.waiting.push_back(amounts);
        self.sum = std::array::from_fn(|i| self.sum[i] + u128::from(amounts[i]));
        self.typical = amounts;
    }

    /// Forgets one who waited for these amounts.
    pub(super) fn leave(&mut self, amounts: [u64; N]) {
        let Some(at) = self.waiting.iter().position(|waiting| *waiting == amounts) else { return };
        self.waiting.remove(at);
        self.sum = std::array::from_fn(|i| self.sum[i] - u128::from(amounts[i]));
        if at == 0 {
            self.tries = 0;
        }
    }

    /// Notes a refusal: the first since the last grant is what is needed.
    pub(super) fn refuse(&mut self, now: Time, amounts: [u64; N]) {
        self.unseen = plus(self.unseen, amounts);
        self.typical = amounts;
        let refused = self.refused.get_or_insert(Refused { amounts, sum: [0; N], at: now });
        refused.sum = plus(refused.sum, amounts);
        refused.at = refused.at.max(now);
        // The smallest is what is needed; the rest is wanted.
        if (0..N).all(|i| amounts[i] <= refused.amounts[i]) {
            refused.amounts = amounts;
        }
    }

    /// What is needed next: what the first waits for, or else what was refused.
    pub(super) fn needed(&self) -> Option<[u64; N]> {
        self.waiting.front().copied().or(self.refused.map(|refused| refused.amounts))
    }

    /// Whether somebody waits.
    pub(super) fn is_waited(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The sum of what is waited for and was refused.
    pub(super) fn sum(&self) -> [u64; N] {
        let waiting = self.sum.map(|sum| u64::try_from(sum).unwrap_or(u64::MAX));
        plus(waiting, self.refused.map_or([0; N], |refused| refused.sum))
    }

    /// Takes what was refused since the last call.
    pub(super) fn take_unseen(&mut self) -> [u64; N] {
        std::mem::replace(&mut self.unseen, [0; N])
    }

    /// Something was granted: who was refused may try again.
    pub(super) fn granted(&mut self) {
        self.refused = None;
    }

    /// Forgets refusals before `since`.
    pub(super) fn forget_before(&mut self, since: Time) {
        self.refused = self.refused.filter(|refused| refused.at >= since);
    }
}
