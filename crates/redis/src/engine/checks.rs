//! Owns what is asked of a server before it is used. Never a limit.

use redis::{Value, cmd};

use super::connection::Connection;
use super::settings::Evictions;
use super::warning::EngineWarning;
use crate::error::FleetError;
use crate::master::script::Script;
use crate::master::seat::Request;

/// Finds the server that has a key, and checks it. Says what is not as it should be, and whether
/// scripts may ask who the server is.
pub(super) async fn check(
    connection: &Connection,
    key: &str,
    evictions: Evictions,
) -> Result<(Vec<EngineWarning>, bool), FleetError> {
    let look = |fence: &str| Request {
        script: Script::Look,
        keys: vec![key.as_bytes().to_vec()],
        args: vec![fence.as_bytes().to_vec()],
    };
    let mut warnings = Vec::new();
    let fenced = match connection.call(&look("info")).await {
        Ok(_) => true,
        // Without INFO all else must work.
        Err(fenced) => match (connection.call(&look("none")).await, fenced.error) {
            (Ok(_), FleetError::Permission { said } | FleetError::Engine { said }) => {
                warnings.push(EngineWarning::Unfenced { said });
                false
            }
            // What is wrong without INFO, too.
            (Err(error), _) => return Err(error.error),
            (Ok(_), error) => return Err(error),
        },
    };
    hear_of_others(connection, key).await;
    match said(connection, key, "server").await? {
        Err(said) => {
            warnings.push(EngineWarning::Unchecked { said });
            return Ok((warnings, fenced));
        }
        // Valkey names its own version beside the one of Redis that it is like.
        Ok(server) => {
            let version = field(&server, "redis_version").unwrap_or_default();
            let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
            if major < 7 {
                return Err(FleetError::TooOld { version: version.to_owned() });
            }
        }
    }
    if let Ok(memory) = said(connection, key, "memory").await? {
        let policy = field(&memory, "maxmemory_policy").unwrap_or_default().to_owned();
        // Without a limit of memory nothing is evicted.
        let is_bounded = field(&memory, "maxmemory").is_some_and(|bytes| bytes != "0");
        if policy != "noeviction" && is_bounded {
            match evictions {
                Evictions::Refuse => return Err(FleetError::Evicts { policy }),
                Evictions::Warn => warnings.push(EngineWarning::Evicts { policy }),
            }
        }
    }
    Ok((warnings, fenced))
}

/// Learns of all servers of a cluster, so that one that was not named is asked when others are
/// away. Without the right to ask, redirections name them.
async fn hear_of_others(connection: &Connection, key: &str) {
    let mut slots = cmd("CLUSTER");
    slots.arg("SLOTS");
    // A server that is no cluster refuses.
    if let Ok(Value::Array(ranges)) = connection.ask(key, slots).await {
        connection.hear_of(key, ranges.iter().flat_map(places));
    }
}

/// Where the servers of a range of slots are: its first, its last, and of each server its name,
/// its port, and more.
fn places(range: &Value) -> Vec<String> {
    let Value::Array(parts) = range else { return Vec::new() };
    let place = |server: &Value| match server {
        Value::Array(words) => match &words[..] {
            // One that does not know its name is where the one is that was asked.
            [Value::Nil, Value::Int(port), ..] => Some(format!(":{port}")),
            [Value::BulkString(name), Value::Int(port), ..] if name != b"?" => {
                Some(format!("{}:{port}", String::from_utf8_lossy(name)))
            }
            _ => None,
        },
        _ => None,
    };
    parts.iter().skip(2).filter_map(place).collect()
}

/// What INFO says of a section, or why it says nothing.
async fn said(connection: &Connection, key: &str, section: &str) -> Result<Result<String, String>, FleetError> {
    let mut info = cmd("INFO");
    info.arg(section);
    match connection.ask(key, info).await {
        Ok(Value::BulkString(bytes)) => Ok(Ok(String::from_utf8_lossy(&bytes).into_owned())),
        Ok(Value::VerbatimString { text, .. }) => Ok(Ok(text)),
        Ok(other) => Ok(Err(format!("INFO answers {other:?}"))),
        Err(error) => match error.error {
            FleetError::Permission { said } | FleetError::Engine { said } => Ok(Err(said)),
            error => Err(error),
        },
    }
}

/// A field of what INFO says.
fn field<'a>(said: &'a str, name: &str) -> Option<&'a str> {
    said.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_cluster_are_found_in_what_it_says() {
        let server = |name: Value, port| Value::Array(vec![name, Value::Int(port), Value::BulkString(b"id".to_vec())]);
        let named = |name: &str| Value::BulkString(name.as_bytes().to_vec());
        let servers = [server(named("10.0.0.1"), 7000), server(Value::Nil, 7001), server(named("?"), 7002)];
        let range = Value::Array([vec![Value::Int(0), Value::Int(5460)], servers.to_vec()].concat());
        assert_eq!(places(&range), ["10.0.0.1:7000", ":7001"]);
        assert!(places(&Value::Nil).is_empty());
        assert!(places(&Value::Array(vec![Value::Int(0)])).is_empty());
    }

    #[test]
    fn fields_of_info_are_found_by_their_whole_names() {
        let said = "maxmemory_policy:noeviction\r\nmaxmemory:0\r\n";
        assert_eq!(field(said, "maxmemory"), Some("0"));
        assert_eq!(field(said, "maxmemory_policy"), Some("noeviction"));
        assert_eq!(field(said, "policy"), None);
    }
}
