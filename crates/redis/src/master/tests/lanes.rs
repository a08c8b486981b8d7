//! Owns many fleets on one engine at once: one call of each in a round trip. Never what they do.

use std::collections::HashMap;

use engines::Server;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Pipeline, Value, cmd};

use super::lane::{Lane, Sent, Tally};
use crate::engine::connection::reply;
use crate::master::reply::Reply;
use crate::master::script::Script;

/// A fault that is planted in the scripts: a text that stands there, and what it becomes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) from: &'static str,
    pub(super) to: &'static str,
}

/// Lanes of any number of streams.
trait Runs {
    fn next(&mut self) -> Sent;
    fn replied(&mut self, reply: &Reply, lives: &str) -> Result<(), String>;
    fn agreed(&self) -> u64;
    fn tally(&self) -> &Tally;
}

impl<const N: usize> Runs for Lane<N> {
    fn next(&mut self) -> Sent {
        Self::next(self)
    }

    fn replied(&mut self, reply: &Reply, lives: &str) -> Result<(), String> {
        Self::replied(self, reply, lives)
    }

    fn agreed(&self) -> u64 {
        self.agreed
    }

    fn tally(&self) -> &Tally {
        &self.tally
    }
}

/// Rounds after which lanes begin anew, with other limits.
const ROUNDS: u64 = 400;
/// Lanes of each number of streams.
const LANES: u64 = 40;

/// Has lanes ask until so many asks were answered as the model says, and says what they met.
///
/// # Errors
///
/// The first disagreement, or what failed.
pub(super) async fn agree(server: &Server, seed: u64, asks: u64, faults: &[Fault]) -> Result<Tally, String> {
    let mut connection = connected(server).await?;
    let mut hashes = HashMap::new();
    for script in Script::ALL {
        let text = moved(script.text(), faults);
        let loaded: Result<String, _> = cmd("SCRIPT").arg("LOAD").arg(text).query_async(&mut connection).await;
        hashes.insert(script, loaded.map_err(|error| error.to_string())?);
    }
    let (mut agreed, mut tally) = (0, Tally::new());
    let mut seed = seed << 20;
    while agreed < asks {
        let mut lanes: Vec<Box<dyn Runs>> = Vec::new();
        for _ in 0..LANES {
            lanes.push(Box::new(Lane::<1>::new(seed)));
            lanes.push(Box::new(Lane::<2>::new(seed + 1)));
            lanes.push(Box::new(Lane::<3>::new(seed + 2)));
            lanes.push(Box::new(Lane::<4>::new(seed + 3)));
            seed += 4;
        }
        for _ in 0..ROUNDS {
            round(&mut connection, &mut lanes, &hashes).await?;
            if agreed + lanes.iter().map(|lane| lane.agreed()).sum::<u64>() >= asks {
                break;
            }
        }
        agreed += lanes.iter().map(|lane| lane.agreed()).sum::<u64>();
        for (what, times) in lanes.iter().flat_map(|lane| lane.tally()) {
            *tally.entry(*what).or_default() += times;
        }
        let flushed: Result<(), _> = cmd("FLUSHALL").query_async(&mut connection).await;
        flushed.map_err(|error| error.to_string())?;
    }
    tally.insert("asks", agreed);
    Ok(tally)
}

async fn connected(server: &Server) -> Result<MultiplexedConnection, String> {
    let client = Client::open(server.url()).map_err(|error| error.to_string())?;
    let patient = AsyncConnectionConfig::new().set_response_timeout(Some(std::time::Duration::from_secs(20)));
    client.get_multiplexed_async_connection_with_config(&patient).await.map_err(|error| error.to_string())
}

async fn round(
    connection: &mut MultiplexedConnection,
    lanes: &mut [Box<dyn Runs>],
    hashes: &HashMap<Script, String>,
) -> Result<(), String> {
    let (mut calls, mut places) = (Pipeline::new(), Vec::new());
    for lane in lanes.iter_mut() {
        let Sent { copies, request, now, fence } = lane.next();
        for (from, to) in copies {
            calls.cmd("COPY").arg(from).arg(to).arg("REPLACE");
        }
        places.push(calls.cmd_iter().count());
        let mut keys = request.keys;
        if keys.len() < 2 {
            keys.push(Vec::new());
        }
        keys.extend([now.to_string().into_bytes(), fence.into_bytes()]);
        calls.cmd("EVALSHA").arg(&hashes[&request.script]).arg(keys.len()).arg(keys).arg(request.args);
    }
    let count = calls.cmd_iter().count();
    let said = connection.send_packed_commands(&calls, 0, count).await.map_err(|error| error.to_string())?;
    for (lane, place) in lanes.iter_mut().zip(places) {
        match &said[place] {
            Value::Array(values) if values.len() == 2 => {
                let Value::BulkString(lives) = &values[1] else { return Err(format!("{:?}", said[place])) };
                lane.replied(&reply(values[0].clone()), &String::from_utf8_lossy(lives))?;
            }
            other => return Err(format!("{other:?}")),
        }
    }
    Ok(())
}

/// A script on a clock and a server that the test names: keys 3 and 4. It answers with what the
/// script says, and with the time to live that it sets.
///
/// # Panics
///
/// If a line that is to be replaced, or a planted fault, is not in any script.
fn moved(text: &str, faults: &[Fault]) -> String {
    let mut moved = String::from("local lived = ''\nlocal function script()\n");
    for line in text.lines() {
        let line = match line {
            line if line.ends_with("-- the clock") => "local now = tonumber(KEYS[3])".to_owned(),
            line if line.ends_with("-- the fence") => {
                "local fence = ARGV[1] == 'info' and KEYS[4] or 'none'".to_owned()
            }
            line => line.to_owned(),
        };
        moved.push_str(&line);
        moved.push('\n');
    }
    for Fault { name, from, to } in faults {
        let planted = moved.replacen(from, to, 1);
        let is_known = Script::ALL.iter().any(|script| script.text().contains(from));
        assert!(is_known, "no script has the text that {name:?} replaces");
        moved = planted;
    }
    // In the time of the test nothing expires.
    let sets = [
        ("redis.call('SET', KEYS[2], text, 'PX', string.format('%.0f', lives))", "string.format('%.0f', lives)"),
        ("redis.call('SET', KEYS[2], ARGV[7], 'PX', ARGV[8])", "ARGV[8]"),
    ];
    for (set, lives) in sets {
        let stays = format!("{}; lived = {lives}", set.replace(&format!("'PX', {lives}"), "'PX', '1000000000'"));
        moved = moved.replace(set, &stays);
    }
    moved = moved.replace("redis.call('DEL', KEYS[2])", "redis.call('DEL', KEYS[2]); lived = '0'");
    moved.push_str("end\nlocal said = script()\nif said.err then return said end\nreturn { said, lived }\n");
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_that_are_to_be_replaced_are_there() {
        for script in Script::ALL {
            let moved = moved(script.text(), &[]);
            assert!(!moved.contains("'TIME'") && !moved.contains("'INFO'"), "{moved}");
            assert!(moved.contains("lived = ") && !moved.contains("'PX', string") && !moved.contains("'PX', ARGV"));
        }
    }
}
