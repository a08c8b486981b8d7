//! Owns what is started for a process that joins the limits of keys. Never decides.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dashmap::DashMap;
use tokio::runtime::Handle;
use tokio_util::task::TaskTracker;

use super::fleet_keyed::FleetKeyed;
use super::keys::Keys;
use crate::error::FleetError;
use crate::fleet::away::{self, Away};
use crate::fleet::connect::{run_on_thread, runtime};
use crate::fleet::joining::{self, Joining};
use crate::master::master::Master;

impl<K, const N: usize, C> Joining<joining::Keys<K>, N, Away, C> {
    /// Connects on the runtime of tokio that runs this task. It must run for as long as the limits
    /// are used.
    ///
    /// # Errors
    ///
    /// [`FleetError`]: its variants say what to do.
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio.
    pub async fn connect(self) -> Result<FleetKeyed<K, N, C>, FleetError> {
        self.joined(Handle::current()).await
    }

    /// Connects on a thread of its own, for a program without a runtime.
    ///
    /// The thread ends once the limits are closed or dropped.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and if no thread can be started.
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn connect_blocking(self) -> Result<FleetKeyed<K, N, C>, FleetError> {
        let runtime = runtime()?;
        let joined = runtime.block_on(self.joined(runtime.handle().clone()))?;
        let drivers = joined.keys().drivers.clone();
        run_on_thread(runtime, async move { drivers.wait().await })?;
        Ok(joined)
    }

    async fn joined(self, runtime: Handle) -> Result<FleetKeyed<K, N, C>, FleetError> {
        let settings = self.settings()?;
        let Self { joins, engine, name, limits, debts, away, starts_full, observer, clock, .. } = self;
        // A share that no bucket can have is refused now, not at the first key.
        away::share(away, limits)?;
        let keys = Keys {
            master: Master::join_keys(&engine, &name, limits, debts, starts_full).await?,
            name: name.into(),
            settings,
            away,
            most: joins.most(),
            observer,
            runtime,
            drivers: TaskTracker::new(),
            in_use: DashMap::new(),
            is_closing: AtomicBool::new(false),
        };
        Ok(FleetKeyed::new(Arc::new(keys), clock))
    }
}
