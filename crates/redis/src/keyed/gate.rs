//! Owns the steps of a gate on one key of a fleet's limits. Never speaks to the engine.

use std::time::Duration;

use tollgate::clock::Time;
use tollgate::gate::steps::{Found, Moment, Steps, Taken};
use tollgate::wait::Timer;
use tollgate::{Clock, Limit};

use super::fleet_key::FleetKey;
use crate::fleet::gate::manner;
use crate::fleet::local::{Local, Source};
use crate::fleet::refused::FleetRefused;

impl<K, const N: usize, C: Clock + Send + Sync> Steps for FleetKey<K, N, C> {
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

    fn look(&self, at: Moment, tokens: &[u64; N]) -> Found<[u64; N], FleetRefused> {
        match self.local() {
            Ok(local) => {
                let refused = local.look(manner(at), tokens);
                Found { left: local.available(), refused }
            }
            Err(refused) => Found { left: [0; N], refused: Some(refused) },
        }
    }

    fn take(&self, at: Moment, tokens: &[u64; N]) -> Result<Taken<[u64; N], Source>, Found<[u64; N], FleetRefused>> {
        let taken = self.local().and_then(|local| Ok((local.take(manner(at), tokens)?, local.available())));
        match taken {
            Ok((held, left)) => Ok(Taken { left, held }),
            Err(refused) => Err(Found { left: self.available(), refused: Some(refused) }),
        }
    }

    fn put_back(&self, _: Time, tokens: &[u64; N], held: Source) {
        self.put_back_to(tokens, held);
    }

    fn settle(&self, _: Time, taken: &[u64; N], used: &[u64; N], held: Source) -> Result<(), FleetRefused> {
        self.local()?.settle(taken, used, held)
    }

    async fn wait_on<T: Timer<Sleep: Send> + Send>(
        &self,
        tokens: [u64; N],
        timeout: Duration,
        timer: T,
    ) -> Result<Source, FleetRefused> {
        let deadline = Local::<N>::now().after(timeout);
        self.local()?.take_in_turn(tokens, deadline, move |nap| timer.sleep(nap)).await
    }

    fn wait_blocking(&self, tokens: [u64; N], timeout: Duration) -> Result<Source, FleetRefused> {
        self.block_on(self.take_until(tokens, Local::<N>::now().after(timeout)))
    }
}
