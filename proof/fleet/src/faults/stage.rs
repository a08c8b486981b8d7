//! Owns the servers, the relays and the fleet that a fault befalls. Never brings one about.

use std::path::{Path, PathBuf};
use std::time::Duration;

use engines::{Cluster, Kind, Options, Server};
use tempfile::TempDir;
use tollgate::Limit;

use super::fault::Fault;
use crate::Outcome;
use crate::member::Member;
use crate::relay::Relay;
use crate::worker::orders::{Load, Orders};

const NAME: &str = "orders";
/// The processes of a fleet that a fault befalls.
pub(super) const MEMBERS: usize = 4;
pub(super) const TERM: Duration = Duration::from_secs(1);
/// A capacity of ten terms: where it is granted twice, the bound breaks by nine.
pub(super) const LIMIT: Limit = Limit::per_second(1000).capacity(10_000);

/// What a fault befalls.
#[derive(Debug)]
pub(super) struct Stage {
    /// The fleet.
    pub(super) members: Vec<Member>,
    /// What stands between the fleet and the servers: for each half of the fleet one.
    pub(super) relays: Vec<Relay>,
    /// The master, and a replica if the fault needs one.
    pub(super) servers: Vec<Server>,
    pub(super) cluster: Option<Cluster>,
    /// The diaries.
    pub(super) folder: TempDir,
    program: PathBuf,
    /// Where masters are trusted: the fence cannot be read, or somebody begins with a full bucket.
    fenced: bool,
}

impl Stage {
    /// Starts all, with a bucket that begins full.
    pub(super) fn set(program: &Path, kind: Kind, fenced: bool, fault: Fault) -> Outcome<Self> {
        let mut stage = Self {
            members: Vec::new(),
            relays: Vec::new(),
            servers: Vec::new(),
            cluster: None,
            folder: tempfile::tempdir()?,
            program: program.to_owned(),
            fenced,
        };
        let mut authority = None;
        let urls: Vec<Vec<String>> = if fault == Fault::Cluster {
            let cluster = stage.cluster.insert(Cluster::start(kind, &format!("{{{NAME}}}"))?);
            vec![cluster.urls()]
        } else {
            let options = Options {
                aof: fault == Fault::KilledAof,
                stepped_clock: matches!(fault, Fault::ClockForward | Fault::ClockBack),
                tls: fault == Fault::TlsPassword,
                password: (fault == Fault::TlsPassword).then(|| "secret".to_owned()),
                ..Options::default()
            };
            let master = Server::start(kind, options)?;
            if matches!(fault, Fault::LaggingReplica | Fault::SplitBrain) {
                let replica = Server::start(kind, Options::default())?;
                replica.replicate(&master)?;
                stage.servers.push(replica);
            }
            if fault == Fault::TlsPassword {
                authority = Some(master.authority());
            }
            stage.servers.insert(0, master);
            let master = &stage.servers[0];
            for _ in 0..2 {
                stage.relays.push(Relay::to(master.port())?);
            }
            let url = if fenced {
                master.url()
            } else {
                stage.servers.iter().try_for_each(blind)?;
                format!("redis://app:secret@127.0.0.1:{}/", master.port())
            };
            let url = |relay: &Relay| url.replace(&master.port().to_string(), &relay.port().to_string());
            stage.relays.iter().map(|relay| vec![url(relay)]).collect()
        };
        for member in 0..MEMBERS {
            let resp3 = |url: &String| format!("{url}{}protocol=resp3", if url.contains('?') { "&" } else { "?" });
            let mut urls = urls[member % urls.len()].clone();
            if fault == Fault::TlsPassword {
                urls = urls.iter().map(resp3).collect();
            }
            let orders = Orders { urls, authority: authority.clone(), member, ..stage.orders() };
            // One that uses less than it holds: what has expired is at hand as it goes on.
            let is_paced = fault == Fault::ProcessStopped && member == 0;
            let load = if is_paced { Load::Paced(200) } else { Load::Hungry };
            let orders = Orders { creates: member == 0, load, ..orders };
            stage.members.push(Member::start(program, &orders)?);
        }
        Ok(stage)
    }

    fn orders(&self) -> Orders {
        Orders {
            urls: Vec::new(),
            authority: None,
            name: NAME.into(),
            limit: LIMIT,
            term: TERM,
            threads: 1,
            load: Load::Hungry,
            creates: true,
            folder: self.folder.path().to_owned(),
            member: MEMBERS,
        }
    }

    /// Without the fence, has a master that has lost everything begin full, before anybody asks it.
    pub(super) fn begin_full(&mut self, lose: impl FnOnce(&mut Server) -> Outcome<()>) -> Outcome<()> {
        if self.fenced {
            return lose(self.master()?);
        }
        // Nobody gets through until it has begun.
        self.relays.iter().for_each(|relay| relay.point_at(1));
        lose(self.master()?)?;
        blind(self.master()?)?;
        let port = self.master()?.port();
        let orders = Orders { urls: vec![format!("redis://127.0.0.1:{port}/")], ..self.orders() };
        drop(Member::start(&self.program, &orders)?);
        self.relays.iter().for_each(|relay| relay.point_at(port));
        Ok(())
    }

    /// The server that is the master at first.
    pub(super) fn master(&mut self) -> Outcome<&mut Server> {
        Ok(self.servers.first_mut().ok_or("no master")?)
    }

    pub(super) fn replica(&self) -> Outcome<&Server> {
        Ok(self.servers.get(1).ok_or("no replica")?)
    }

    pub(super) fn cluster(&mut self) -> Outcome<&mut Cluster> {
        Ok(self.cluster.as_mut().ok_or("no cluster")?)
    }
}

/// Lets in a user whose scripts may not run INFO: nobody learns that another server answers.
fn blind(server: &Server) -> Outcome<()> {
    server.cli(&["acl", "setuser", "app", "on", ">secret", "~*", "&*", "+@all", "-info"]).map(drop)
}
