//! Owns what the driver is told, and what it tells. Never does it.

use tollgate::clock::Time;

use crate::master::ask::Ask;

/// What the driver does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Step<const N: usize> {
    /// Makes a trip, and says how it went: `answered` or `failed`. Then it steps again at once; and
    /// while the trip is under way whenever an instant comes that a step has named.
    Ask(Ask<N>),
    /// Sleeps until this instant, or until it is woken, and steps again.
    WaitUntil(Time),
    /// Nothing is held and nobody asks: sleeps until it is woken.
    Idle,
}

/// How a trip failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// The engine has certainly not seen it.
    Unsent,
    /// The engine may have seen it.
    Lost,
}

/// Whether the engine answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It answered the last trip, or has not been silent for long.
    InContact,
    /// It has not answered since the first trip that failed, which began then.
    Away { since: Time },
}
