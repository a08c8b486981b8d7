//! Owns which servers are the engine, and how they are talked to. Never a connection.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::checks;
use super::connection::Connection;
use super::node::Address;
use super::settings::{Evictions, Settings};
use super::warning::EngineWarning;
use crate::error::FleetError;

/// The Redis or Valkey that holds limits: a server, or a cluster of servers.
///
/// It connects when a fleet is joined, and once for each fleet. A call that may have been done is
/// never sent again: what was taken twice would be lost, and what was given back twice would be
/// granted twice.
///
/// | addresses | |
/// |---|---|
/// | `redis://host:port` | plain; port 6379 unless said |
/// | `rediss://host:port` | TLS |
/// | `redis://user:password@host` | with a password; `redis://:password@host` without a user |
/// | `unix:///path` | a socket of this machine |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tollgate_redis::Engine;
///
/// let one = Engine::open("redis://10.0.0.1")?;
/// let three = Engine::cluster(["redis://10.0.0.1", "redis://10.0.0.2", "redis://10.0.0.3"])?;
/// let patient = one.clone().answer_within(Duration::from_secs(2));
/// assert!(format!("{three:?}").contains("10.0.0.2"));
/// # let _ = patient;
/// # Ok::<(), tollgate_redis::FleetError>(())
/// ```
#[derive(Clone)]
pub struct Engine {
    addresses: Arc<[Address]>,
    settings: Settings,
    warnings: Arc<Mutex<Vec<EngineWarning>>>,
}

impl Engine {
    /// Names a server.
    ///
    /// # Errors
    ///
    /// [`FleetError::Address`] if the address is not one of an engine.
    pub fn open(address: impl AsRef<str>) -> Result<Self, FleetError> {
        Self::cluster([address])
    }

    /// Names servers of a cluster, or a master and its replicas.
    ///
    /// Servers of a cluster that are not named are found when a fleet is joined. Replicas outside a
    /// cluster are not: name all that may become the master.
    ///
    /// # Errors
    ///
    /// [`FleetError::Address`] if an address is not one of an engine, or there is none.
    pub fn cluster<A: AsRef<str>>(addresses: impl IntoIterator<Item = A>) -> Result<Self, FleetError> {
        let addresses: Result<Vec<_>, _> = addresses.into_iter().map(|text| Address::read(text.as_ref())).collect();
        let addresses = addresses?;
        if addresses.is_empty() {
            return Err(FleetError::Address { address: String::new(), why: "no address".to_owned() });
        }
        Ok(Self { addresses: addresses.into(), settings: Settings::default(), warnings: Arc::default() })
    }

    /// Sets the user, instead of the one in the address.
    #[must_use]
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.settings.user = Some(user.into());
        self
    }

    /// Sets the password, instead of the one in the address.
    #[must_use]
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.settings.password = Some(password.into());
        self
    }

    /// Trusts the certificates that an authority in this PEM file vouches for, and no others.
    #[must_use]
    pub fn authority(mut self, file: impl Into<PathBuf>) -> Self {
        self.settings.authority = Some(file.into());
        self
    }

    /// Limits how long connecting takes. Default: 1 s.
    #[must_use]
    pub fn connect_within(mut self, time: Duration) -> Self {
        self.settings.connect_within = time;
        self
    }

    /// Limits how long one answer takes. Default: 500 ms.
    #[must_use]
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.settings.answer_within = time;
        self
    }

    /// Says what to do if the engine evicts keys. Default: [`Evictions::Refuse`].
    #[must_use]
    pub fn evictions(mut self, evictions: Evictions) -> Self {
        self.settings.evictions = evictions;
        self
    }

    /// Waits for the engine's clock to catch up if it steps back by up to `time`. Default: 2 s.
    ///
    /// After a longer step limits count from its new time. Neither grants anything twice.
    #[must_use]
    pub fn clock_tolerance(mut self, time: Duration) -> Self {
        self.settings.tolerance = time;
        self
    }

    /// Returns what was not as it should be when a fleet was joined.
    pub fn warnings(&self) -> Vec<EngineWarning> {
        self.warnings.lock().clone()
    }

    /// The tolerance of the clock, in microseconds.
    pub(crate) fn tolerance(&self) -> u64 {
        u64::try_from(self.settings.tolerance.as_micros()).unwrap_or(u64::MAX).min(1 << 52)
    }

    /// Connects to the server that has this key, and checks it. Says whether its scripts can be
    /// fenced.
    pub(crate) async fn connect(&self, key: &str) -> Result<(Connection, bool), FleetError> {
        let connection = Connection::new(self.addresses.iter().cloned(), self.settings.clone());
        let (warnings, fenced) = checks::check(&connection, key, self.settings.evictions).await?;
        let mut known = self.warnings.lock();
        for warning in warnings {
            if !known.contains(&warning) {
                known.push(warning);
            }
        }
        drop(known);
        Ok((connection, fenced))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("addresses", &self.addresses).field("settings", &self.settings).finish()
    }
}
