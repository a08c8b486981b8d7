//! Owns a cluster of three masters and a replica, and its fail-overs. Never what is stored in it.

use std::time::Duration;

use crate::Outcome;
use crate::kind::Kind;
use crate::options::Options;
use crate::process::until;
use crate::server::{Server, free_port};

const SLOTS: [(u32, u32); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];
const MOST: Duration = Duration::from_secs(30);
/// How long a node may be silent before others say that it has failed.
const SILENCE: u32 = 500;

/// Three masters, and a replica of the one that holds a key.
#[derive(Debug)]
pub struct Cluster {
    nodes: Vec<Server>,
    /// The two nodes that hold the key in turn; the first is its master now.
    pair: [usize; 2],
}

impl Cluster {
    /// Starts a cluster in which the master of a key has a replica, and waits until all is linked.
    ///
    /// # Errors
    ///
    /// That there is no such engine, or that the cluster does not come to be.
    pub fn start(kind: Kind, key: &str) -> Outcome<Self> {
        let node = || {
            let config = [
                ("cluster-enabled", "yes".to_owned()),
                ("cluster-port", free_port()?.to_string()),
                ("cluster-node-timeout", SILENCE.to_string()),
                ("cluster-replica-validity-factor", "0".to_owned()),
                ("cluster-announce-ip", "127.0.0.1".to_owned()),
            ];
            let config = config.map(|(name, value)| (name.to_owned(), value));
            Server::start(kind, Options { config: config.into(), ..Options::default() })
        };
        let nodes = (0..4).map(|_| node()).collect::<Outcome<Vec<_>>>()?;
        for (place, (first, last)) in SLOTS.into_iter().enumerate() {
            nodes[place].cli(&["cluster", "addslotsrange", &first.to_string(), &last.to_string()])?;
            nodes[place].cli(&["cluster", "set-config-epoch", &(place + 1).to_string()])?;
        }
        for node in &nodes[1..] {
            let bus = node.cli(&["config", "get", "cluster-port"])?;
            let bus = bus.lines().last().ok_or("no cluster-port")?;
            nodes[0].cli(&["cluster", "meet", "127.0.0.1", &node.port().to_string(), bus])?;
        }
        let slot: u32 = nodes[0].cli(&["cluster", "keyslot", key])?.parse()?;
        let master = SLOTS.iter().position(|(_, last)| slot <= *last).ok_or("no such slot")?;
        let cluster = Self { nodes, pair: [master, 3] };
        until("the nodes know each other", MOST, || {
            let mut all = true;
            for node in &cluster.nodes {
                let known = node.cli(&["cluster", "info"])?;
                all &= known.contains("cluster_known_nodes:4") && known.contains("cluster_state:ok");
            }
            Ok(all)
        })?;
        let id = cluster.master().cli(&["cluster", "myid"])?;
        // The nodes have met; that the replica knows its master may take a moment more.
        until("the replica follows", MOST, || Ok(cluster.replica().cli(&["cluster", "replicate", &id]).is_ok()))?;
        cluster.replica().wait_for_link()?;
        cluster.wait_until_all_know()?;
        Ok(cluster)
    }

    /// Returns the addresses of all nodes.
    pub fn urls(&self) -> Vec<String> {
        self.nodes.iter().map(Server::url).collect()
    }

    /// Returns the master of the key.
    pub fn master(&self) -> &Server {
        &self.nodes[self.pair[0]]
    }

    /// Returns the replica of the master of the key.
    pub fn replica(&self) -> &Server {
        &self.nodes[self.pair[1]]
    }

    /// Kills the master of the key.
    ///
    /// # Errors
    ///
    /// That it does not run.
    pub fn kill_master(&mut self) -> Outcome<()> {
        self.nodes[self.pair[0]].kill()
    }

    /// Waits until the replica has become the master, and the cluster serves all slots again.
    ///
    /// # Errors
    ///
    /// That it does not become one.
    pub fn wait_for_fail_over(&mut self) -> Outcome<()> {
        until("the replica is promoted", MOST, || {
            let state = self.replica().cli(&["cluster", "info"])?;
            Ok(is_master(self.replica())? && state.contains("cluster_state:ok"))
        })?;
        self.pair.swap(0, 1);
        Ok(())
    }

    /// Starts the killed node again, and waits until it follows the master of the key.
    ///
    /// # Errors
    ///
    /// That it does not start, or does not follow.
    pub fn restart_killed(&mut self) -> Outcome<()> {
        self.nodes[self.pair[1]].restart()?;
        until("the old master follows", MOST, || Ok(!is_master(self.replica())?))?;
        self.replica().wait_for_link()?;
        self.wait_until_all_know()
    }

    /// Has the replica take over from a master that runs, and waits until it has.
    ///
    /// # Errors
    ///
    /// That it does not.
    pub fn fail_over(&mut self) -> Outcome<()> {
        self.replica().cli(&["cluster", "failover"])?;
        self.wait_for_fail_over()?;
        until("the old master follows", MOST, || Ok(!is_master(self.replica())?))
    }

    /// Waits until the replica is one in the eyes of all.
    fn wait_until_all_know(&self) -> Outcome<()> {
        let id = self.replica().cli(&["cluster", "myid"])?;
        until("all know the replica", MOST, || {
            for node in &self.nodes {
                let table = node.cli(&["cluster", "nodes"])?;
                let line = table.lines().find(|line| line.starts_with(&id));
                if !line.is_some_and(|line| line.contains("slave") && !line.contains("fail")) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
    }
}

fn is_master(node: &Server) -> Outcome<bool> {
    Ok(node.info("replication", "role")?.as_deref() == Some("master"))
}
