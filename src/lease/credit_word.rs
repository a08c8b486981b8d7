//! Owns the word of a stripe: its credits, and who may add to them. Pure; never an atomic, never a
//! clock.
//!
//! | bits | what |
//! |---|---|
//! | 0 to 23, 24 to 47 | the credits of the first two streams, where there are no more |
//! | 48 | somebody fetches for this stripe |
//! | 49 to 63 | the ticket: how often the stripe was voided |
//!
//! Whoever voids a stripe changes its ticket, so what was fetched before is not deposited after. A
//! thread would have to stop while the stripe is voided 32,768 times to find its own ticket again.
//! It would then deposit what it fetched before, if that fits: tokens that were debited, so none is
//! minted.

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct CreditWord(pub(crate) u64);

const BITS: usize = 24;
const FETCHING: u64 = 1 << 48;
const TICKET: u64 = 1 << 49;

impl CreditWord {
    /// The most credits that a stripe has of a stream.
    pub(crate) const MOST: u64 = (1 << BITS) - 1;

    /// Of so many streams, the word has the credits itself.
    pub(crate) const fn holds(streams: usize) -> bool {
        streams <= 2
    }

    #[inline(always)]
    pub(crate) const fn credit(self, stream: usize) -> u64 {
        self.0 >> (BITS * stream) & Self::MOST
    }

    /// The word after spending these amounts, or `None` if there are fewer credits.
    #[inline(always)]
    pub(crate) fn spend<const N: usize>(self, amounts: &[u64; N]) -> Option<Self> {
        let mut word = self.0;
        for (i, amount) in amounts.iter().enumerate() {
            if *amount > self.credit(i) {
                return None;
            }
            word -= amount << (BITS * i);
        }
        Some(Self(word))
    }

    /// Whether so many more credits can be counted.
    pub(crate) fn fits<const N: usize>(self, more: &[u64; N]) -> bool {
        (0..N).all(|i| more[i] <= Self::MOST - self.credit(i))
    }

    /// The word with these credits more, which fit.
    pub(crate) fn with<const N: usize>(self, more: &[u64; N]) -> Self {
        Self((0..N).fold(self.0, |word, i| word + (more[i] << (BITS * i))))
    }

    pub(crate) const fn is_claimed(self) -> bool {
        self.0 & FETCHING != 0
    }

    pub(crate) const fn claimed(self) -> Self {
        Self(self.0 | FETCHING)
    }

    pub(crate) const fn unclaimed(self) -> Self {
        Self(self.0 & !FETCHING)
    }

    pub(crate) const fn ticket(self) -> u64 {
        self.0 / TICKET
    }

    /// The word without credits or claim, and with the next ticket.
    pub(crate) const fn voided(self) -> Self {
        Self((self.ticket() + 1).wrapping_mul(TICKET))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: u64 = CreditWord::MOST;

    #[test]
    fn credits_are_spent_on_all_streams_or_on_none() {
        let word = CreditWord(0).with(&[5, MOST]).claimed();
        assert_eq!((word.credit(0), word.credit(1)), (5, MOST));
        let left = word.spend(&[5, MOST - 1]).unwrap();
        assert_eq!((left.credit(0), left.credit(1), left.is_claimed()), (0, 1, true));
        for amounts in [[6, 0], [0, MOST + 1], [u64::MAX, 0], [0, u64::MAX], [1 << 24, 1]] {
            assert_eq!(word.spend(&amounts), None, "{amounts:?}");
        }
        assert_eq!(word.spend(&[0, 0]), Some(word));
    }

    #[test]
    fn credits_of_one_stream_do_not_run_into_the_next() {
        let word = CreditWord(0).with(&[MOST - 2, 1]);
        assert!(word.fits(&[2, MOST - 1]));
        assert!(!word.fits(&[3, 0]) && !word.fits(&[0, MOST]) && !word.fits(&[u64::MAX, 0]));
    }

    #[test]
    fn a_voided_word_has_nothing_but_the_next_ticket() {
        let word = CreditWord(0).with(&[7, 9]).claimed();
        let voided = word.voided();
        assert_eq!((voided.credit(0), voided.credit(1), voided.is_claimed()), (0, 0, false));
        assert_eq!(voided.ticket(), 1);
        assert_eq!(CreditWord(u64::MAX).voided(), CreditWord(0));
    }
}
