//! Owns the line in which callers wait for tokens: who is first, when, and who is to be woken.
//! Never an atomic, never a clock, never a waker's code.
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

pub(crate) mod entry;
pub(crate) mod forecast;
pub(crate) mod grace;
pub(crate) mod moment;
pub(crate) mod queue;
pub(crate) mod roster;
pub(crate) mod timing;
pub(crate) mod turn;
pub(crate) mod waiting_line;

#[cfg(all(test, not(loom)))]
mod tests;
