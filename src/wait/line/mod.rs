//! Owns the line in which callers wait for tokens: who is first, when, and who is to be woken.
//! It never reads a clock. Only `departures` and `queue` use atomics.
//!
//! The line stands inside a short lock. Its caller reads the clock and the words, asks for one
//! step, and does what the step says: a compare-and-swap, a sleep, a refusal. If the
//! compare-and-swap fails, the caller reads the words again and asks for the same step again.
//!
//! 1. `grace`: how late a waiter may come, and how late is too late.
//! 2. `moment`: the words and limits at one instant; what they say about amounts.
//! 3. `forecast`: the instants at which waiters are served, one after the other.
//! 4. `entry`: one waiter, and the ticket that finds it.
//! 5. `roster`: the entries in the order of arrival, one list for each stream.
//! 6. `waiting_line`: the steps.
//! 7. `timing`: the part of the steps that decides who comes when.
//! 8. `departures`: those who left while the lock was held.
//! 9. `queue`: the line of a bucket in memory, and its lock.
//! 10. `queued_words`: the words behind it, as takers see them.
//! 11. `wakers`: who is woken, outside of the lock.
//! 12. `turn`: one caller's wait.
//! 13. `place`: a reservation's place, and the wait for it.
//! 14. `standing`: what callers ask of a line, and what they are told.

pub(crate) mod departures;
pub(crate) mod entry;
pub(crate) mod forecast;
pub(crate) mod grace;
pub(crate) mod moment;
pub(crate) mod place;
pub(crate) mod queue;
mod queued_words;
pub(crate) mod roster;
pub(crate) mod standing;
pub(crate) mod timing;
pub(crate) mod turn;
pub(crate) mod waiting_line;
pub(crate) mod wakers;

#[cfg(all(test, not(loom)))]
mod tests;
