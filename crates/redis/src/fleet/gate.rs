//! Owns the steps of a gate on a fleet's limit. Never speaks to the engine.

use std::time::Duration;

use tollgate::clock::Time;
use tollgate::gate::steps::{Found, Moment, Steps, Taken};
use tollgate::wait::Timer;
use tollgate::{Clock, Limit};

use super::fleet_bucket::FleetBucket;
use super::local::{Manner, Source};
use super::refused::FleetRefused;

/// The time of a gate plays no part: what is held expires by the clock that counts while the system
/// is suspended.
impl<const N: usize, C: Clock + Sync> Steps for FleetBucket<N, C> {
    type Clock = C;
    type Amounts = [u64; N];
    type Tokens = [u64; N];
    type Configured = [Limit; N];
    type Refused = FleetRefused;
    type Held = Source;

    fn tokens(amounts: [u64; N]) -> [u64; N] {
        amounts
    }

    fn clock(&self) -> &C {
        self.gate_clock()
    }

    fn configured(&self) -> [Limit; N] {
        self.limits()
    }

    fn owed(&self) -> [u64; N] {
        self.debt()
    }

    fn fits(&self, at: Moment, tokens: &[u64; N]) -> bool {
        self.local().look(manner(at), tokens).is_none()
    }

    fn look(&self, at: Moment, tokens: &[u64; N]) -> Found<[u64; N], FleetRefused> {
        let refused = self.local().look(manner(at), tokens);
        Found { left: self.local().available(), refused }
    }

    fn take(&self, at: Moment, tokens: &[u64; N]) -> Result<Taken<[u64; N], Source>, Found<[u64; N], FleetRefused>> {
        let taken = self.local().take(manner(at), tokens);
        let left = self.local().available();
        match taken {
            Ok(held) => Ok(Taken { left, held }),
            Err(refused) => Err(Found { left, refused: Some(refused) }),
        }
    }

    fn put_back(&self, _: Time, tokens: &[u64; N], held: Source) {
        self.local().put_back(tokens, held);
    }

    fn settle(&self, _: Time, taken: &[u64; N], used: &[u64; N], held: Source) -> Result<(), FleetRefused> {
        self.local().settle(taken, used, held)
    }

    async fn wait_on<T: Timer<Sleep: Send> + Send>(
        &self,
        tokens: [u64; N],
        timeout: Duration,
        timer: T,
    ) -> Result<Source, FleetRefused> {
        self.local().take_in_turn(tokens, self.deadline(timeout), move |nap| timer.sleep(nap)).await
    }

    fn wait_blocking(&self, tokens: [u64; N], timeout: Duration) -> Result<Source, FleetRefused> {
        self.block_on(self.local().take_in_turn(tokens, self.deadline(timeout), tokio::time::sleep))
    }
}

/// How the gate decides.
pub(crate) fn manner(at: Moment) -> Manner {
    if at.admits() { Manner::Admit } else { Manner::Take }
}
