//! Owns how each fault comes about, and when it is over. Never judges.

use std::thread::sleep;
use std::time::Duration;

use super::fault::{Fault, OVERLAP};
use super::stage::Stage;
use crate::{Outcome, now_ms};

const PAUSE: Duration = Duration::from_secs(2);
const HOUR: i64 = 3600;

/// What is known once a fault is over.
#[derive(Clone, Debug, Default)]
pub(super) struct Over {
    /// The milliseconds since which everything is back.
    pub(super) back: Vec<u64>,
    /// The member that was killed.
    pub(super) killed: Option<usize>,
    /// A member that could only use what had expired, and the milliseconds of it.
    pub(super) suspended: Option<(usize, u64, u64)>,
}

impl Over {
    fn now() -> Self {
        Self { back: vec![now_ms()], ..Self::default() }
    }
}

/// Prepares what must be so before the load begins.
pub(super) fn prepare(stage: &mut Stage, fault: Fault) -> Outcome<()> {
    if fault == Fault::LaggingReplica {
        // The replica has a full bucket, and learns nothing of what is taken.
        stage.replica()?.catch_up_with(&stage.servers[0])?;
        stage.replica()?.cut_link()?;
    }
    Ok(())
}

/// Brings it about, and returns once it is over.
pub(super) fn strike(stage: &mut Stage, fault: Fault) -> Outcome<Over> {
    match fault {
        Fault::None => {}
        Fault::KilledEmpty | Fault::KilledAof => stage.begin_full(|master| {
            master.kill()?;
            sleep(Duration::from_millis(300));
            master.restart()?;
            Ok(())
        })?,
        Fault::Stopped => {
            stage.master()?.stop()?;
            sleep(PAUSE);
            stage.master()?.cont()?;
        }
        Fault::ScriptFlush => _ = stage.master()?.cli(&["script", "flush"])?,
        Fault::FlushAll => stage.begin_full(|master| master.cli(&["flushall"]).map(drop))?,
        Fault::Connections | Fault::TlsPassword => {
            for _ in 0..10 {
                stage.master()?.cli(&["client", "kill", "type", "normal"])?;
                sleep(Duration::from_millis(50));
            }
        }
        Fault::HalfWay => half_way(stage)?,
        Fault::ProcessKilled => {
            stage.members[0].kill()?;
            return Ok(Over { killed: Some(0), ..Over::now() });
        }
        Fault::ProcessStopped => return process_stopped(stage),
        Fault::ClockForward => stage.master()?.step_clock(HOUR)?,
        Fault::ClockBack => stage.master()?.step_clock(-HOUR)?,
        Fault::LaggingReplica => {
            stage.master()?.kill()?;
            let replica = stage.replica()?;
            replica.promote()?;
            stage.relays.iter().for_each(|relay| relay.point_at(replica.port()));
        }
        Fault::SplitBrain => {
            let replica = stage.replica()?;
            replica.cut_link()?;
            replica.promote()?;
            let port = replica.port();
            stage.relays[0].point_at(port);
            sleep(OVERLAP);
            stage.master()?.kill()?;
            stage.relays[1].point_at(port);
        }
        Fault::Cluster => {
            let cluster = stage.cluster()?;
            cluster.kill_master()?;
            cluster.wait_for_fail_over()?;
            let promoted = now_ms();
            sleep(Duration::from_millis(1200));
            let cluster = stage.cluster()?;
            cluster.restart_killed()?;
            cluster.fail_over()?;
            return Ok(Over { back: vec![promoted, now_ms()], ..Over::default() });
        }
    }
    Ok(Over::now())
}

/// Cuts connections, each after a request and before its answer.
fn half_way(stage: &Stage) -> Outcome<()> {
    for relay in &stage.relays {
        relay.swallow(5);
    }
    let begun = now_ms();
    while stage.relays.iter().any(|relay| relay.swallowed() < 5) {
        if now_ms() - begun > 10_000 {
            return Err("no answer came to be swallowed".into());
        }
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Suspends a member until what it holds has expired, and the engine, too, as it goes on: so it
/// could only use what has expired.
fn process_stopped(stage: &mut Stage) -> Outcome<Over> {
    stage.members[0].stop()?;
    sleep(PAUSE);
    stage.master()?.stop()?;
    stage.members[0].cont()?;
    let from = now_ms();
    sleep(Duration::from_millis(200));
    let to = now_ms();
    stage.master()?.cont()?;
    Ok(Over { suspended: Some((0, from, to)), ..Over::now() })
}
