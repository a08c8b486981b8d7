//! Owns the count of the tokens that firm reservations hold, so that a reset leaves them owed.
//! Never changes a word.
//!
//! | step | order |
//! |---|---|
//! | a reservation is made | it is counted, then the words owe it |
//! | it is given back | the words have it, then it is not counted any more |
//! | a reset | reads the words, then the count, then swaps the words |
//!
//! So whoever resets words that owe a reservation finds it counted. One that is counted before the
//! words owe it, or after, matters not: no more than their debt stays owed.

use crate::sync::{Acquire, AtomicU64, Relaxed, Release, const_fn, fence, filled};

/// Tokens of each stream that firm reservations hold.
#[derive(Debug)]
pub(crate) struct Held<const N: usize>([AtomicU64; N]);

impl<const N: usize> Held<N> {
    const_fn! {
        pub(crate) const fn new() -> Self {
            Self(filled![AtomicU64::new(0); N])
        }
    }

    /// Counts these amounts, before the words owe them.
    pub(crate) fn hold(&self, amounts: &[u64; N]) {
        for (held, amount) in self.0.iter().zip(amounts).filter(|(_, amount)| **amount > 0) {
            // ORDERING: Relaxed. Partner is the load in `tokens`; the fence below publishes it with
            // the word that the caller changes next. Dies if it is not counted: tests/reset.rs,
            // `a_firm_reservation_stays_owed`.
            held.fetch_add(*amount, Relaxed);
        }
        // ORDERING: Release. Partner is the fence in `tokens`: whoever reads the word that owes
        // them reads this count, or a later one. Dies without it: loom-tests/reset.rs,
        // `a_reset_beside_a_reservation_leaves_it_owed`.
        fence(Release);
    }

    /// Counts these amounts no more, after the words have them again.
    pub(crate) fn let_go(&self, amounts: &[u64; N]) {
        for (held, amount) in self.0.iter().zip(amounts).filter(|(_, amount)| **amount > 0) {
            // ORDERING: Relaxed. Partner is the load in `tokens`. Who finds them counted no more
            // swaps the words after that. By then the words have them again, so a swap of older
            // words fails. Dies if they stay counted: tests/reset.rs,
            // `only_reservations_that_are_held_stay_owed`.
            held.fetch_sub(*amount, Relaxed);
        }
    }

    /// The tokens that are held; for words that were read before.
    pub(crate) fn tokens(&self) -> [u64; N] {
        // ORDERING: Acquire. Partner is the fence in `hold`, by way of the word. Dies without it:
        // loom-tests/reset.rs, `a_reset_beside_a_reservation_leaves_it_owed`.
        fence(Acquire);
        // ORDERING: Relaxed. Partners are the additions in `hold` and `let_go`; the fence above
        // orders it. Dies as 0: tests/reset.rs, `a_firm_reservation_stays_owed`.
        core::array::from_fn(|i| self.0[i].load(Relaxed))
    }
}
