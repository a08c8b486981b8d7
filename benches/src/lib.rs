//! Owns what every measurement shares: the contestants, each as small an adapter as it can be, and
//! how they are run.
//!
//! A loop over a contestant is monomorphic: nothing in it is called through a pointer.

use std::hint::black_box;

pub mod floors;
pub mod locked;
pub mod ours;
pub mod peers;
pub mod probe;
pub mod record;
pub mod threads;
pub mod ticks;

/// One way of deciding, which any number of threads share.
pub trait Contestant: Sync {
    /// What a thread keeps between its calls: its time, or a handle.
    type Own<'a>
    where
        Self: 'a;

    fn own(&self) -> Self::Own<'_>;

    /// One decision: whether it was granted.
    fn decide(&self, own: &mut Self::Own<'_>) -> bool;
}

/// A contestant that can refuse, built so that its answer is known.
pub trait Limiter: Contestant + Sized {
    /// Grants whatever is asked of it, for longer than any measurement.
    fn granting() -> Self;

    /// Grants `takes` times, and earns nothing that would show within an hour. Drained, if that
    /// is 0.
    fn holding(takes: u32) -> Self;
}

/// What a decision takes of each stream: one request, and some of everything else.
///
/// Small enough for a peer whose token is a whole nanosecond to earn it back before the next
/// decision.
pub const EACH: [u32; 8] = [1, 20, 20, 20, 20, 20, 20, 20];

/// What the granting ones earn, in tokens per second, and the drained ones may hold at most.
const FAST: u32 = 1_000_000_000;
const ROOM: u32 = 30_000;

/// [`EACH`] as a caller has it: one request, and a number of the others that the compiler knows
/// nothing of.
#[inline(always)]
fn amounts<const N: usize>() -> [u64; N] {
    std::array::from_fn(|i| if i == 0 { EACH[0].into() } else { black_box(EACH[i].into()) })
}

/// Decides `calls` times, and says how many were granted.
#[inline(never)]
pub fn run<C: Contestant>(contestant: &C, calls: u64) -> u64 {
    let mut own = contestant.own();
    (0..calls).map(|_| u64::from(contestant.decide(&mut own))).sum()
}
