//! Owns how a server is started. Never starts it.

/// How a server is started.
///
/// # Examples
///
/// ```
/// let options = engines::Options { password: Some("secret".into()), ..Default::default() };
/// assert!(!options.tls);
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Writes each command to a file, from which a killed server starts again. Without it, it
    /// starts empty.
    pub aof: bool,
    /// What clients must say first.
    pub password: Option<String>,
    /// Speaks TLS only, with a certificate of its own.
    pub tls: bool,
    /// Has a wall clock that [`Server::step_clock`](crate::Server::step_clock) moves.
    pub stepped_clock: bool,
    /// What happens when memory runs short: `noeviction` unless set.
    pub maxmemory_policy: Option<String>,
    /// The port of a master on loopback that it follows.
    pub replica_of: Option<u16>,
    /// Further words of the configuration: a name, and its value.
    pub config: Vec<(String, String)>,
}
