//! Owns how a process joins a fleet: what it says. Never connects.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::DefaultClock;

use super::away::Away;
use super::watch::FleetObserver;
use crate::engine::Engine;
use crate::error::FleetError;
use crate::lease::settings::Settings;

/// It has not been said what decides while the engine is away.
#[derive(Clone, Copy, Debug)]
pub struct Undecided;

/// It joins a [`FleetBucket`](crate::FleetBucket).
#[derive(Clone, Copy, Debug)]
pub struct OneBucket;

/// It joins a [`FleetKeyed`](crate::FleetKeyed).
#[derive(Clone, Copy, Debug)]
pub struct Keys<K> {
    most: usize,
    key: PhantomData<fn(K)>,
}

impl<K> Keys<K> {
    pub(crate) fn new() -> Self {
        Self { most: 100_000, key: PhantomData }
    }

    pub(crate) fn most(&self) -> usize {
        self.most
    }
}

/// How a process joins a fleet: [`FleetBucket::join`](crate::FleetBucket::join),
/// [`FleetKeyed::join`](crate::FleetKeyed::join).
///
/// `connect` is there once [`when_away`](Self::when_away) has been said.
#[must_use]
pub struct Joining<J, const N: usize, A = Away, C = DefaultClock> {
    pub(crate) joins: J,
    pub(crate) engine: Engine,
    pub(crate) name: String,
    pub(crate) limits: [Limit; N],
    pub(crate) debts: Option<[u64; N]>,
    pub(crate) away: A,
    pub(crate) term: Duration,
    pub(crate) starts_full: bool,
    pub(crate) observer: Option<Arc<dyn FleetObserver>>,
    pub(crate) clock: C,
}

impl<J, const N: usize> Joining<J, N, Undecided> {
    pub(crate) fn new(joins: J, engine: &Engine, name: String, limits: [Limit; N]) -> Self {
        Self {
            joins,
            engine: engine.clone(),
            name,
            limits,
            debts: None,
            away: Undecided,
            term: Duration::from_secs(1),
            starts_full: false,
            observer: None,
            clock: DefaultClock::new(),
        }
    }
}

impl<J, const N: usize, A, C> Joining<J, N, A, C> {
    /// Says what decides while the engine is away. There is no default.
    pub fn when_away(self, away: Away) -> Joining<J, N, Away, C> {
        let Self { joins, engine, name, limits, debts, away: _, term, starts_full, observer, clock } = self;
        Joining { joins, engine, name, limits, debts, away, term, starts_full, observer, clock }
    }

    /// Says for how long a lease may be used, counted from before it was asked for. Default: 1 s.
    ///
    /// It is the time within which a change of limits is everywhere, and a factor of
    /// [the bound](crate::FleetBucket#the-bound). From 100 ms to 60 s.
    pub fn term(mut self, term: Duration) -> Self {
        self.term = term;
        self
    }

    /// Says how many tokens of each stream may be promised ahead while they are short. Default:
    /// what accrues in 100 ms, at least 1.
    ///
    /// It is also how far below zero the level begins after a loss.
    pub fn debts(mut self, tokens: [u64; N]) -> Self {
        self.debts = Some(tokens);
        self
    }

    /// Has a limit that the engine does not know yet begin as [`Limit`] says: full, unless told.
    ///
    /// Else it begins at its lowest, as after a loss: the engine may have forgotten it. Say it
    /// where the limit is made for the first time, such as in a tool, and not in each process: one
    /// that starts after a loss would grant the burst again.
    pub fn create(mut self) -> Self {
        self.starts_full = true;
        self
    }

    /// Has an observer told what happens.
    pub fn observer(mut self, observer: impl FleetObserver) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Says the type of clock of the other limits of a [`Gate`](tollgate::Gate). It tells this
    /// limit nothing.
    pub fn gate_clock<D>(self, clock: D) -> Joining<J, N, A, D> {
        let Self { joins, engine, name, limits, debts, away, term, starts_full, observer, clock: _ } = self;
        Joining { joins, engine, name, limits, debts, away, term, starts_full, observer, clock }
    }
}

impl<K, const N: usize, A, C> Joining<Keys<K>, N, A, C> {
    /// Bounds the keys that have tokens in this process at one time. Default: 100,000.
    ///
    /// A key leaves once nobody has asked for it for a term. While there is no room, calls for
    /// other keys are refused.
    pub fn max_keys(mut self, keys: usize) -> Self {
        self.joins.most = keys;
        self
    }
}

impl<J, const N: usize, A, C> Joining<J, N, A, C> {
    /// The times of the term.
    pub(crate) fn settings(&self) -> Result<Settings, FleetError> {
        if !(Duration::from_millis(100)..=Duration::from_secs(60)).contains(&self.term) {
            return Err(FleetError::Term(self.term));
        }
        Ok(Settings::of_term(self.term))
    }
}

impl<J, const N: usize, A: fmt::Debug, C> fmt::Debug for Joining<J, N, A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, limits, away, term, .. } = self;
        let mut shown = f.debug_struct("Joining");
        shown
            .field("name", name)
            .field("limits", limits)
            .field("away", away)
            .field("term", term)
            .finish_non_exhaustive()
    }
}
