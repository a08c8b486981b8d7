//! Owns what those who wait ask of a line, and what they are told. Never touches its lock.

use core::task::Waker;

use crate::clock::time::Time;
use crate::decision::granted::Granted;
use crate::decision::refused::Refused;
use crate::decision::wait_bounds::WaitBounds;
use crate::wait::line::entry::{Ask, Ticket};

/// How a wait stands.
#[derive(Clone, Copy, Debug)]
pub enum Standing<const N: usize> {
    Served(Granted<N>),
    Refused(Refused<N>),
    /// Nobody came when it was called: it is to enter again.
    Gone,
    /// It comes again at this instant.
    Sleeps {
        ticket: Ticket,
        at: Time,
        /// Whether its owner was told of another instant so far, or of none.
        anew: bool,
        /// Whether the clock is as it was when the owner came last.
        still: bool,
    },
    /// Its reservation is a debt, which is paid at this instant.
    Firm(Ticket, Time),
}

/// The line of a bucket, whatever its words.
pub trait Queue<const N: usize>: Sync {
    fn enter(&self, now: Time, ask: &Ask<N>, bounds: &WaitBounds<N>, waker: Option<&Waker>) -> Standing<N>;

    fn visit(&self, now: Time, ask: &Ask<N>, ticket: Ticket, waker: Option<&Waker>) -> Standing<N>;

    /// Leaves, and gives back what was taken. Never blocks.
    fn leave(&self, now: Time, ticket: Ticket);

    /// When a reservation is ready, if it does not wait any more. Never blocks.
    fn ready_at(&self, ticket: Ticket) -> Option<Time>;

    /// How a wait stands, without a step.
    fn stands(&self, ticket: Ticket) -> Standing<N>;

    /// Lets a reservation be used when it is ready. Never blocks.
    fn keep(&self, now: Time, ticket: Ticket);

    /// Whether those who wait keep others out.
    fn is_listened_to(&self, now: Time, amounts: &[u64; N]) -> bool;

    fn close(&self, now: Time);
}
