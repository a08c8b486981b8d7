//! Owns calls of scripts: by whichever server has the key, at most once each. Never a server's
//! connection.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use redis::{Cmd, Pipeline, Value, cmd};

use super::call_error::CallError;
use super::node::{Address, Node, alone};
use super::settings::Settings;
use crate::error::FleetError;
use crate::master::reply::Reply;
use crate::master::script::Script;
use crate::master::seat::Request;

/// Redirections that a call follows.
const MOST_REDIRECTIONS: usize = 5;

/// The hashes of the scripts, as EVALSHA takes them.
static HASHES: LazyLock<HashMap<Script, String>> = LazyLock::new(|| {
    Script::ALL.into_iter().map(|script| (script, redis::Script::new(script.text()).get_hash().to_owned())).collect()
});

/// The servers of an engine. Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    settings: Settings,
    /// Those that were named, then those that were heard of.
    nodes: Mutex<Vec<Arc<Node>>>,
    /// Which of them had a key last. A partition's keys are always together.
    routes: Mutex<HashMap<Vec<u8>, Arc<Node>>>,
}

impl Connection {
    pub(super) fn new(addresses: impl Iterator<Item = Address>, settings: Settings) -> Self {
        let nodes = addresses.map(|address| Arc::new(Node::new(address, settings.clone()))).collect();
        let shared = Shared { settings, nodes: Mutex::new(nodes), routes: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Calls a script on the server that has its keys.
    ///
    /// A call that certainly was not done goes to the next server: one that was not reached, has
    /// not got the key, or does not know the script. One that may have been done does not.
    pub(crate) async fn call(&self, request: &Request) -> Result<Reply, CallError> {
        let Request { script, keys, args } = request;
        let command = |name: &str, what: &str| {
            let mut command = cmd(name);
            command.arg(what).arg(keys.len()).arg(keys).arg(args);
            command
        };
        let called = self.send(&keys[0], || command("EVALSHA", &HASHES[script])).await;
        match called {
            Err(CallError { is_unsent: true, error: FleetError::Engine { said } }) if said.starts_with("NOSCRIPT") => {
                self.send(&keys[0], || command("EVAL", script.text())).await
            }
            called => called,
        }
        .map(reply)
    }

    /// Sends a command to the server that has a key, and says what it says.
    pub(super) async fn send(&self, key: &[u8], command: impl Fn() -> Cmd) -> Result<Value, CallError> {
        let mut tried = Vec::new();
        let mut next = self.route(key);
        let mut asks = false;
        let mut left = MOST_REDIRECTIONS;
        loop {
            let mut commands = Pipeline::new();
            if asks {
                commands.add_command(cmd("ASKING"));
            }
            commands.add_command(command());
            let error = match next.send(&commands).await {
                Ok(value) => {
                    if !asks {
                        self.shared.routes.lock().insert(key.to_vec(), next);
                    }
                    return Ok(value);
                }
                Err(error) if error.is_unsent => error,
                Err(error) => {
                    self.shared.routes.lock().remove(key);
                    return Err(error);
                }
            };
            let redirected = match &error.error {
                FleetError::Engine { said } => redirected(said),
                _ => None,
            };
            if let Some((asked, place)) = redirected {
                let Some(address) = next.address.at(place).filter(|_| left > 0) else { return Err(error) };
                (left, asks, next) = (left - 1, asked, self.node(address));
            } else if matches!(error.error, FleetError::Unreachable { .. } | FleetError::ReadOnly { .. }) {
                // Another server knows who has the key now, or has it.
                self.shared.routes.lock().remove(key);
                tried.push(next.address.to_string());
                let nodes = self.shared.nodes.lock().clone();
                match nodes.into_iter().find(|node| !tried.contains(&node.address.to_string())) {
                    Some(node) => (asks, next) = (false, node),
                    None => return Err(error),
                }
            } else {
                return Err(error);
            }
        }
    }

    /// Sends a command to the server that has a key, outside any script.
    pub(super) async fn ask(&self, key: &str, command: Cmd) -> Result<Value, CallError> {
        let node = self.route(key.as_bytes());
        node.send(&alone(command)).await
    }

    /// Keeps servers in mind, by their places as the server of the key names them.
    pub(super) fn hear_of(&self, key: &str, places: impl Iterator<Item = String>) {
        let speaker = self.route(key.as_bytes());
        for address in places.filter_map(|place| speaker.address.at(&place)) {
            self.node(address);
        }
    }

    fn route(&self, key: &[u8]) -> Arc<Node> {
        let known = self.shared.routes.lock().get(key).cloned();
        known.unwrap_or_else(|| Arc::clone(&self.shared.nodes.lock()[0]))
    }

    /// The server at an address, known or new.
    fn node(&self, address: Address) -> Arc<Node> {
        let mut nodes = self.shared.nodes.lock();
        if let Some(node) = nodes.iter().find(|node| node.address.to_string() == address.to_string()) {
            return Arc::clone(node);
        }
        let node = Arc::new(Node::new(address, self.shared.settings.clone()));
        nodes.push(Arc::clone(&node));
        node
    }
}

/// Where an answer sends a call, and whether for this once: "MOVED 3999 127.0.0.1:6381".
fn redirected(said: &str) -> Option<(bool, &str)> {
    let mut words = said.split(' ');
    let asks = match words.next()? {
        "MOVED" => false,
        "ASK" => true,
        _ => return None,
    };
    Some((asks, words.nth(1)?))
}

/// What a script said.
pub(crate) fn reply(value: Value) -> Reply {
    match value {
        Value::Int(number) => Reply::Number(number),
        Value::BulkString(bytes) => Reply::Text(bytes),
        Value::SimpleString(text) => Reply::Text(text.into_bytes()),
        Value::Array(values) => Reply::List(values.into_iter().map(reply).collect()),
        other => Reply::Other(format!("{other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirections_are_read() {
        assert_eq!(redirected("MOVED 3999 127.0.0.1:6381"), Some((false, "127.0.0.1:6381")));
        assert_eq!(redirected("ASK 3999 :6381"), Some((true, ":6381")));
        assert_eq!(redirected("MOVED 3999"), None);
        assert_eq!(redirected("LOADING the data set"), None);
    }

    #[test]
    fn a_server_that_leaves_out_its_name_is_the_one_that_was_asked() {
        let address = Address::read("rediss://:secret@cache.example:7000").expect("an address");
        let at = |place| address.at(place).map(|address| address.to_string());
        assert_eq!(at(":7001").as_deref(), Some("cache.example:7001"));
        assert_eq!(at("10.0.0.2:7002").as_deref(), Some("10.0.0.2:7002"));
        assert_eq!(at("::1:7002").as_deref(), Some("::1:7002"));
        assert_eq!(at("nowhere"), None);
        assert!(!format!("{address:?}").contains("secret"));
    }
}
