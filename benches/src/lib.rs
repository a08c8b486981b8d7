//! Owns the parts that all measurements share: contestants as the smallest possible adapters, and
//! the loops over them. It never times a call through a pointer.
//!
//! A loop over a contestant is monomorphic.

use std::hint::black_box;

pub mod floors;
pub mod locked;
pub mod ours;
pub mod peers;
pub mod probe;
pub mod record;
pub mod striped;
pub mod threads;
pub mod ticks;

/// A way of deciding, which any number of threads share.
pub trait Contestant: Sync {
    /// What a thread keeps between its calls: its time, or a handle.
    type Own<'a>
    where
        Self: 'a;

    fn own(&self) -> Self::Own<'_>;

    /// Makes one decision, and returns whether it granted.
    fn decide(&self, own: &mut Self::Own<'_>) -> bool;
}

/// A contestant that can refuse, made so that its answers are known.
pub trait Limiter: Contestant + Sized {
    /// Makes one that grants every take, for longer than any measurement.
    fn granting() -> Self;

    /// Makes one that grants `takes` times, and then refuses for at least an hour.
    ///
    /// For 0 it is drained.
    fn holding(takes: u32) -> Self;
}

/// The amounts of a decision: one request, and some of each other stream.
///
/// They are small: a peer whose token is a whole nanosecond refills them before the next decision.
pub const EACH: [u32; 8] = [1, 20, 20, 20, 20, 20, 20, 20];

/// The rate of granting contestants in tokens a second, and the capacity of drained ones.
const FAST: u32 = 1_000_000_000;
const ROOM: u32 = 30_000;

/// Returns [`EACH`] for `N` streams, hidden from the optimizer.
#[inline(always)]
fn amounts<const N: usize>() -> [u64; N] {
    std::array::from_fn(|i| if i == 0 { EACH[0].into() } else { black_box(EACH[i].into()) })
}

/// Decides `calls` times, and returns the number of grants.
#[inline(never)]
pub fn run<C: Contestant>(contestant: &C, calls: u64) -> u64 {
    let mut own = contestant.own();
    (0..calls).map(|_| u64::from(contestant.decide(&mut own))).sum()
}
