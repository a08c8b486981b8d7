//! Owns the faults and what is expected of each. Never brings one about.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What befalls the engine or the fleet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    None,
    KilledEmpty,
    KilledAof,
    Stopped,
    ScriptFlush,
    FlushAll,
    Connections,
    HalfWay,
    ProcessKilled,
    ProcessStopped,
    ClockForward,
    ClockBack,
    LaggingReplica,
    SplitBrain,
    Cluster,
    TlsPassword,
}

/// How long a scenario is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Form {
    /// A few seconds.
    Short,
    /// Half a minute.
    Long,
}

/// By how much the bound may be exceeded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Allowed {
    Nothing,
    /// A server whose clock jumps ahead has accrued as much; never more than the capacity.
    Capacity,
    /// Both masters grant: the rate once more.
    RateFor(Duration),
}

/// For how long both masters take writes.
pub(super) const OVERLAP: Duration = Duration::from_secs(1);

impl Form {
    /// The load before the fault: the burst is used up by then.
    pub(super) fn before(self) -> Duration {
        match self {
            Self::Short => Duration::from_millis(1200),
            Self::Long => Duration::from_secs(8),
        }
    }

    /// The load after it.
    pub(super) fn after(self) -> Duration {
        match self {
            Self::Short => Duration::from_millis(1500),
            Self::Long => Duration::from_secs(15),
        }
    }
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::None,
        Self::KilledEmpty,
        Self::KilledAof,
        Self::Stopped,
        Self::ScriptFlush,
        Self::FlushAll,
        Self::Connections,
        Self::HalfWay,
        Self::ProcessKilled,
        Self::ProcessStopped,
        Self::ClockForward,
        Self::ClockBack,
        Self::LaggingReplica,
        Self::SplitBrain,
        Self::Cluster,
        Self::TlsPassword,
    ];

    /// Returns whether a master that trusts what it holds breaks the bound here.
    pub fn breaks_without_fence(self) -> bool {
        matches!(self, Self::KilledEmpty | Self::FlushAll | Self::LaggingReplica)
    }

    pub(super) fn allowed(self) -> Allowed {
        match self {
            Self::ClockForward => Allowed::Capacity,
            Self::SplitBrain => Allowed::RateFor(OVERLAP),
            _ => Allowed::Nothing,
        }
    }

    const fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::None => ("none", "no fault"),
            Self::KilledEmpty => ("killed-empty", "server killed, restarted empty"),
            Self::KilledAof => ("killed-aof", "server killed, restarted from its file"),
            Self::Stopped => ("stopped", "server stopped for 2 s"),
            Self::ScriptFlush => ("script-flush", "SCRIPT FLUSH"),
            Self::FlushAll => ("flushall", "FLUSHALL"),
            Self::Connections => ("connections", "connections killed by the server"),
            Self::HalfWay => ("half-way", "connections cut between request and answer"),
            Self::ProcessKilled => ("process-killed", "a process killed"),
            Self::ProcessStopped => ("process-stopped", "a process stopped for 2 s"),
            Self::ClockForward => ("clock-forward", "the server's clock an hour ahead"),
            Self::ClockBack => ("clock-back", "the server's clock an hour back"),
            Self::LaggingReplica => ("lagging-replica", "a lagging replica promoted"),
            Self::SplitBrain => ("split-brain", "both masters take writes for 1 s"),
            Self::Cluster => ("cluster", "a cluster's master killed, then a fail-over back"),
            Self::TlsPassword => ("tls-password", "TLS, password, RESP3; connections killed"),
        }
    }

    /// Returns what befalls whom, in words.
    pub fn told(self) -> &'static str {
        self.name().1
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().0)
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|fault| fault.name().0 == text);
        found.ok_or_else(|| format!("no fault {text:?}; fleet faults --list names them"))
    }
}
