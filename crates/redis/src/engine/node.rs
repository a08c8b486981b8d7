//! Owns one server: its address, and a connection to it while there is one. Never sends a call
//! twice.

use std::fmt;
#[cfg(feature = "tls")]
use std::fs;
use std::path::Path;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, Pipeline};
use redis::{ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::Mutex;

use super::call_error::CallError;
use super::settings::Settings;
use crate::error::FleetError;

/// Where a server is, and as whom it is talked to.
#[derive(Clone)]
pub(super) struct Address {
    info: ConnectionInfo,
}

impl Address {
    /// Reads an address as text.
    pub(super) fn read(text: &str) -> Result<Self, FleetError> {
        let info = text.into_connection_info().map_err(|error| {
            // A password is nobody's business.
            let address = match (text.find("://"), text.rfind('@')) {
                (Some(scheme), Some(at)) if scheme + 3 <= at => format!("{}…{}", &text[..scheme + 3], &text[at..]),
                _ => text.to_owned(),
            };
            FleetError::Address { address, why: plain(&error) }
        })?;
        Ok(Self { info })
    }

    /// The same user's way to another server of the cluster, as a redirection names it.
    pub(super) fn at(&self, place: &str) -> Option<Self> {
        let (named, port) = place.rsplit_once(':')?;
        let port = port.parse().ok()?;
        // A server that does not know its name leaves it out.
        let host = |own: &str| if named.is_empty() { own.to_owned() } else { named.to_owned() };
        let addr = match self.info.addr() {
            ConnectionAddr::Tcp(own, _) => ConnectionAddr::Tcp(host(own), port),
            ConnectionAddr::TcpTls { host: own, insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host: host(own), port, insecure: *insecure, tls_params: tls_params.clone() }
            }
            _ => return None,
        };
        Some(Self { info: self.info.clone().set_addr(addr) })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.info.addr().fmt(f)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// One server.
pub(super) struct Node {
    pub(super) address: Address,
    settings: Settings,
    /// The connection, and which one it is.
    connection: Mutex<(u64, Option<MultiplexedConnection>)>,
}

impl Node {
    pub(super) fn new(address: Address, settings: Settings) -> Self {
        Self { address, settings, connection: Mutex::new((0, None)) }
    }

    /// Sends commands in one go, once, and returns what the last of them says.
    pub(super) async fn send(&self, commands: &Pipeline) -> Result<Value, CallError> {
        let (number, mut connection) = self.connected().await.map_err(CallError::unsent)?;
        let last = commands.cmd_iter().count();
        let said = connection.send_packed_commands(commands, last - 1, 1).await;
        let error = match said {
            Ok(mut values) => match values.pop() {
                Some(Value::ServerError(error)) => RedisError::from(error),
                Some(value) => return Ok(value),
                None => (ErrorKind::Parse, "an answer without a value").into(),
            },
            Err(error) => error,
        };
        if is_told(&error) {
            return Err(CallError::unsent(self.told(&error)));
        }
        let mut current = self.connection.lock().await;
        if current.0 == number {
            current.1 = None;
        }
        Err(CallError::lost(FleetError::NoAnswer { address: self.address.to_string(), why: plain(&error) }))
    }

    async fn connected(&self) -> Result<(u64, MultiplexedConnection), FleetError> {
        let mut current = self.connection.lock().await;
        if let (number, Some(connection)) = &*current {
            return Ok((*number, connection.clone()));
        }
        let client = self.client()?;
        let times = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.settings.connect_within))
            .set_response_timeout(Some(self.settings.answer_within));
        let connecting = client.get_multiplexed_async_connection_with_config(&times);
        // The crate's own limit does not cover all that is said first.
        let limit = self.settings.connect_within.saturating_add(self.settings.answer_within);
        let connection = match tokio::time::timeout(limit, connecting).await {
            Ok(connected) => connected.map_err(|error| self.told(&error))?,
            Err(_) => {
                let why = format!("none within {limit:?}");
                return Err(FleetError::Unreachable { address: self.address.to_string(), why });
            }
        };
        *current = (current.0 + 1, Some(connection.clone()));
        Ok((current.0, connection))
    }

    fn client(&self) -> Result<Client, FleetError> {
        let mut user = self.address.info.redis_settings().clone();
        if let Some(name) = &self.settings.user {
            user = user.set_username(name);
        }
        if let Some(password) = &self.settings.password {
            user = user.set_password(password);
        }
        let info = self.address.info.clone().set_redis_settings(user);
        let refused = |error: &RedisError| FleetError::Address { address: self.address.to_string(), why: plain(error) };
        match &self.settings.authority {
            None => {
                #[cfg(feature = "tls")]
                provide();
                Client::open(info).map_err(|error| refused(&error))
            }
            Some(file) => trusting(info, file),
        }
    }

    /// What an error is to those who joined.
    fn told(&self, error: &RedisError) -> FleetError {
        let (address, said) = (self.address.to_string(), plain(error));
        match (error.kind(), error.code()) {
            (ErrorKind::AuthenticationFailed, _) | (_, Some("WRONGPASS" | "NOAUTH")) => {
                FleetError::Password { address, said }
            }
            (_, Some("READONLY")) => FleetError::ReadOnly { address },
            (_, Some("OOM")) => FleetError::OutOfMemory { address },
            // What a script may not do is said without a code.
            (ErrorKind::Server(ServerErrorKind::NoPerm), _) => FleetError::Permission { said },
            _ if is_forbidden_to_scripts(&said) => FleetError::Permission { said },
            (ErrorKind::Server(_) | ErrorKind::Extension, _) => FleetError::Engine { said },
            _ => FleetError::Unreachable { address, why: said },
        }
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Whether the engine said it. A script writes once, at its end, so it has then written nothing.
fn is_told(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed)
}

/// Whether a script lacks a right: as Redis 7 says it, and as Valkey 8 does.
fn is_forbidden_to_scripts(said: &str) -> bool {
    ["The user executing the script can't", "ACL failure in script"].iter().any(|words| said.contains(words))
}

/// What an error says, in one line.
pub(super) fn plain(error: &RedisError) -> String {
    let text = match (error.code(), error.detail()) {
        (Some(code), Some(detail)) => format!("{code} {detail}"),
        (Some(code), None) => code.to_owned(),
        _ => error.to_string(),
    };
    text.lines().next().unwrap_or_default().to_owned()
}

/// A client that trusts the certificates of a file.
#[cfg(feature = "tls")]
fn trusting(info: ConnectionInfo, file: &Path) -> Result<Client, FleetError> {
    let unusable = |why: String| FleetError::Authority { file: file.display().to_string(), why };
    provide();
    let root_cert = Some(fs::read(file).map_err(|error| unusable(error.to_string()))?);
    let certificates = redis::TlsCertificates { client_tls: None, root_cert };
    Client::build_with_tls(info, certificates).map_err(|error| unusable(plain(&error)))
}

#[cfg(not(feature = "tls"))]
fn trusting(_: ConnectionInfo, file: &Path) -> Result<Client, FleetError> {
    let why = "this build has no TLS: its feature `tls` is off".to_owned();
    Err(FleetError::Authority { file: file.display().to_string(), why })
}

/// Has TLS compute by `ring`, unless the program has chosen.
#[cfg(feature = "tls")]
fn provide() {
    // An error says that it has.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// A pipeline of one command.
pub(super) fn alone(command: Cmd) -> Pipeline {
    let mut commands = Pipeline::new();
    commands.add_command(command);
    commands
}
