//! Owns one state for each server, in a map that is bounded. Never decides on a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tollgate::Limit;
use tollgate::clock::TokioClock;

use super::server::Server;
use super::server_state::{AnyPolicy, ServerState};

/// The states of servers, by key.
pub(crate) struct Servers {
    known: Mutex<Known>,
    clock: TokioClock,
}

struct Known {
    servers: HashMap<String, (Arc<Server>, u64)>,
    /// What all share for which there is no room.
    other: Option<Arc<Server>>,
    uses: u64,
}

impl Servers {
    pub(crate) fn new() -> Self {
        let known = Known { servers: HashMap::new(), other: None, uses: 0 };
        Self { known: Mutex::new(known), clock: TokioClock::new() }
    }

    pub(crate) const fn clock(&self) -> TokioClock {
        self.clock
    }

    /// Returns the state of a server. Beyond `most`, that of the one used least recently goes, if
    /// it is idle and not paused.
    pub(crate) fn of(&self, key: String, most: usize, adapt: Option<&(Limit, AnyPolicy)>) -> Arc<Server> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.uses += 1;
        let uses = known.uses;
        if let Some((server, used)) = known.servers.get_mut(&key) {
            *used = uses;
            return Arc::clone(server);
        }
        let new = |name| Arc::new(Server::new(name, ServerState::new(adapt, self.clock), self.clock));
        if known.servers.len() >= most {
            // Nobody else can come to hold it while the map is locked.
            let is_unused = |server: &Arc<Server>| Arc::strong_count(server) == 1 && server.is_idle();
            let unused = known.servers.iter().filter(|(_, (server, _))| is_unused(server));
            let Some(oldest) = unused.min_by_key(|(_, (_, used))| *used).map(|(key, _)| key.clone()) else {
                return Arc::clone(known.other.get_or_insert_with(|| new("other servers".to_owned())));
            };
            known.servers.remove(&oldest);
        }
        let server = new(key.clone());
        known.servers.insert(key, (Arc::clone(&server), uses));
        server
    }

    pub(crate) fn count(&self) -> usize {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).servers.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_a_request_holds_is_not_forgotten_although_it_is_idle() {
        let servers = Servers::new();
        let of = |key: &str| servers.of(key.to_owned(), 1, None);
        let held = of("a");
        assert!(held.is_idle());
        assert_eq!(of("b").name, "other servers");
        assert!(Arc::ptr_eq(&held, &of("a")));
        drop(held);
        assert_eq!((of("b").name.as_str(), servers.count()), ("b", 1));
    }
}
