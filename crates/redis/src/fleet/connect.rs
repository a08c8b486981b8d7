//! Owns what is started for a process that joins a bucket. Never decides.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use super::away::Away;
use super::driver;
use super::fleet_bucket::FleetBucket;
use super::joining::{Joining, OneBucket};
use super::local::Local;
use super::watch::Watch;
use crate::error::FleetError;
use crate::lease::holder::Holder;
use crate::master::master::Master;

impl<const N: usize, C> Joining<OneBucket, N, Away, C> {
    /// Connects on the runtime of tokio that runs this task. It must run for as long as the limit
    /// is used.
    ///
    /// # Errors
    ///
    /// [`FleetError`]: its variants say what to do.
    ///
    /// # Panics
    ///
    /// Outside a runtime of tokio.
    pub async fn connect(self) -> Result<FleetBucket<N, C>, FleetError> {
        let runtime = Handle::current();
        let (Joined { local, master, watch, closed }, clock) = self.joined().await?;
        runtime.spawn(driver::drive(Arc::clone(&local), master.clone(), watch, Duration::MAX, || false));
        Ok(FleetBucket::new(local, master, closed, runtime, clock))
    }

    /// Connects on a thread of its own, for a program without a runtime.
    ///
    /// The thread ends once the limit is [closed](FleetBucket::close_blocking) or dropped.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), and if no thread can be started.
    ///
    /// # Panics
    ///
    /// On a thread that runs asynchronous tasks.
    pub fn connect_blocking(self) -> Result<FleetBucket<N, C>, FleetError> {
        let runtime = runtime()?;
        let handle = runtime.handle().clone();
        let (Joined { local, master, watch, closed }, clock) = runtime.block_on(self.joined())?;
        run_on_thread(runtime, driver::drive(Arc::clone(&local), master.clone(), watch, Duration::MAX, || false))?;
        Ok(FleetBucket::new(local, master, closed, handle, clock))
    }

    async fn joined(self) -> Result<(Joined<N>, C), FleetError> {
        let settings = self.settings()?;
        let Self { engine, name, limits, debts, away, starts_full, observer, clock, .. } = self;
        let master = Master::join(&engine, &name, limits, debts, starts_full).await?;
        let (terms, now) = (master.terms(), Local::<N>::now());
        let mut holder = Holder::new(terms, settings, now);
        holder.learn(terms, now);
        let local = Arc::new(Local::new(holder, away)?);
        let (watch, closed) = Watch::new(name.into(), observer);
        Ok((Joined { local, master, watch, closed }, clock))
    }
}

/// What stands once a process has joined.
struct Joined<const N: usize> {
    local: Arc<Local<N>>,
    master: Master<N>,
    watch: Watch,
    closed: watch::Receiver<bool>,
}

/// A runtime for a thread of its own.
pub(crate) fn runtime() -> Result<Runtime, FleetError> {
    Builder::new_current_thread().enable_all().build().map_err(|error| FleetError::thread(&error))
}

/// Runs it on a thread that ends with it.
pub(crate) fn run_on_thread(
    runtime: Runtime,
    future: impl Future<Output = ()> + Send + 'static,
) -> Result<(), FleetError> {
    let thread = thread::Builder::new().name("tollgate-redis".into());
    thread.spawn(move || runtime.block_on(future)).map(drop).map_err(|error| FleetError::thread(&error))
}
