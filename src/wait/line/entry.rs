//! Owns what is kept of one waiter.

extern crate alloc;
use alloc::boxed::Box;

use crate::clock::time::Time;
use crate::decision::due::Due;

/// What a caller asks for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<const N: usize> {
    /// Tokens of each stream; not all 0.
    pub(crate) amounts: [u64; N],
    /// The wait ends by then.
    pub(crate) deadline: Time,
    pub(crate) aim: Aim,
}

/// What becomes of the tokens when it is the caller's turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Aim {
    /// They are taken at use, as the caller comes.
    Take,
    /// They are there as the caller comes, and stay.
    Look,
    /// The line takes them itself, ahead of time, as soon as the entry is first.
    Reserve,
}

/// Finds an entry. Its slot is the owner's until that has come or left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ticket {
    pub(crate) index: u32,
    /// The low half of the turn: tells the entry from later ones in the same slot.
    pub(crate) turn: u32,
}

/// What the line knows about whether a waiter still listens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Contact {
    /// Its timer has not come, or nobody asked.
    Quiet,
    /// It was woken then, because it could be served.
    Called(Time),
    /// It has come since its timer or its call, and could not be served.
    Came,
    /// Its reservation is a debt, and it is no longer in the line.
    Firm,
    /// It is out of the line. Its owner does not know yet.
    Gone,
}

/// Neighbours in the list of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) before: u32,
    pub(crate) behind: u32,
}

/// One waiter.
#[derive(Debug)]
pub(crate) struct Entry<W, const N: usize> {
    pub(crate) ask: Ask<N>,
    /// How many entered before it.
    pub(crate) turn: u64,
    /// The words after it is served, by the last forecast.
    pub(crate) words: [u64; N],
    /// When it is served, by the last forecast.
    pub(crate) at: Time,
    /// When it is out of the line, by the last forecast: a reservation is as soon as it is first.
    pub(crate) out: Time,
    /// When its waiter comes by itself.
    pub(crate) timer: Time,
    /// What its owner was told of that as it came last, and when it came.
    pub(crate) told: Time,
    pub(crate) came: Option<Time>,
    pub(crate) contact: Contact,
    /// Its owner left: its slot is free once it is a debt, or out of the line.
    pub(crate) kept: bool,
    pub(crate) links: [Link; N],
    pub(crate) waker: Option<W>,
    /// Of a reservation that is a debt.
    pub(crate) due: Option<Box<Due<N>>>,
}

impl<W, const N: usize> Entry<W, N> {
    pub(crate) fn uses(&self, i: usize) -> bool {
        self.ask.amounts[i] > 0
    }
}
