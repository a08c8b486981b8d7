//! Owns the verbs of one key of a fleet's limits. Never decides: what the process has of it does.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::{DefaultClock, Time};

use super::fleet_keyed::FleetKeyed;
use super::keys::Keys;
use crate::fleet::driver;
use crate::fleet::local::{Local, Manner, Source};
use crate::fleet::refused::FleetRefused;
use crate::fleet::strict::Strict;

/// The limit of one key: [`FleetKeyed::key`](crate::FleetKeyed::key).
///
/// The verbs are those of a [`FleetBucket`](crate::FleetBucket).
pub struct FleetKey<K = String, const N: usize = 1, C = DefaultClock> {
    keyed: FleetKeyed<K, N, C>,
    key: Box<str>,
}

impl<K, const N: usize, C> FleetKey<K, N, C> {
    pub(super) fn new(keyed: FleetKeyed<K, N, C>, key: Box<str>) -> Self {
        Self { keyed, key }
    }

    pub(super) fn gate_clock(&self) -> &C {
        self.keyed.gate_clock()
    }

    fn keys(&self) -> &Arc<Keys<N>> {
        self.keyed.keys()
    }

    /// What this process has of the key, from now on.
    pub(super) fn local(&self) -> Result<Arc<Local<N>>, FleetRefused> {
        if self.keys().is_closing() {
            return Err(FleetRefused::Closed);
        }
        self.keys().find_or_add(&self.key).ok_or(FleetRefused::NoRoom { wait: self.keys().room_in() })
    }

    /// What this process has of the key, if it is in use.
    pub(super) fn found(&self) -> Option<Arc<Local<N>>> {
        self.keys().find(&self.key)
    }

    /// Returns the key's text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Takes from what this process holds of the key:
    /// [`FleetBucket::try_take`](crate::FleetBucket::try_take). Of a key that was not in use
    /// nothing is held.
    ///
    /// # Errors
    ///
    /// [`FleetRefused`], also if there is [no room](FleetRefused::NoRoom) for another key.
    pub fn try_take(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.local()?.take(Manner::Take, &amounts).map(|_| ())
    }

    /// Waits in turn, for as long as it takes, and takes:
    /// [`FleetBucket::take`](crate::FleetBucket::take).
    ///
    /// # Errors
    ///
    /// As there, and if there is [no room](FleetRefused::NoRoom) for another key.
    pub async fn take(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.take_until(amounts, Time::MAX).await.map(|_| ())
    }

    /// Waits in turn for at most `timeout`, and takes:
    /// [`FleetBucket::take_timeout`](crate::FleetBucket::take_timeout).
    ///
    /// # Errors
    ///
    /// As there, and if there is [no room](FleetRefused::NoRoom) for another key.
    pub async fn take_timeout(&self, amounts: [u64; N], timeout: Duration) -> Result<(), FleetRefused> {
        self.take_until(amounts, Local::<N>::now().after(timeout)).await.map(|_| ())
    }

    pub(super) async fn take_until(&self, amounts: [u64; N], deadline: Time) -> Result<Source, FleetRefused> {
        self.local()?.take_in_turn(amounts, deadline, driver::sleep).await
    }

    /// Waits on this thread in turn for at most `timeout`, and takes.
    ///
    /// # Errors
    ///
    /// As [`take_timeout`](Self::take_timeout).
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn take_blocking_timeout(&self, amounts: [u64; N], timeout: Duration) -> Result<(), FleetRefused> {
        self.block_on(self.take_timeout(amounts, timeout))
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.keys().runtime.block_on(future)
    }

    /// Gives back tokens that were taken and not used:
    /// [`FleetBucket::put_back`](crate::FleetBucket::put_back).
    pub fn put_back(&self, amounts: [u64; N]) {
        if let Ok(local) = self.local() {
            local.put_back_any(&amounts);
        }
    }

    /// Gives them back to where they came from. Nobody has them if the key left meanwhile, and
    /// there is no room for it.
    pub(super) fn put_back_to(&self, amounts: &[u64; N], source: Source) {
        if let Ok(local) = self.local() {
            local.put_back(amounts, source);
        }
    }

    /// Takes tokens unconditionally, for work that is done already:
    /// [`FleetBucket::charge`](crate::FleetBucket::charge).
    ///
    /// # Errors
    ///
    /// As there, and if there is [no room](FleetRefused::NoRoom) for another key.
    pub fn charge(&self, amounts: [u64; N]) -> Result<(), FleetRefused> {
        self.local()?.charge(&amounts, Source::Held)
    }

    /// Returns the tokens that this process holds of the key.
    pub fn available(&self) -> [u64; N] {
        self.found().map_or([0; N], |local| local.available())
    }

    /// Returns the tokens that this process owes for the key.
    pub fn debt(&self) -> [u64; N] {
        self.found().map_or([0; N], |local| local.debt())
    }

    /// Returns the limits of every key.
    pub fn limits(&self) -> [Limit; N] {
        self.found().map_or_else(|| self.keys().master.terms().limits, |local| local.limits())
    }

    /// Decides each call by a round trip to the engine: nothing is held.
    pub fn strict(&self) -> Strict<'_, N> {
        Strict::new(self.keys().master.of_key(&self.key))
    }
}

impl<K, const N: usize, C: Clone> Clone for FleetKey<K, N, C> {
    fn clone(&self) -> Self {
        Self { keyed: self.keyed.clone(), key: self.key.clone() }
    }
}

impl<K, const N: usize, C> fmt::Debug for FleetKey<K, N, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetKey").field("key", &self.key).field("held", &self.available()).finish_non_exhaustive()
    }
}
