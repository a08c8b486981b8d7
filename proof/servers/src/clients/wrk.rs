//! Owns load over HTTP/1 by wrk, and its figures. Never judges them.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use super::tools;
use crate::Outcome;

/// Says the figures at the end; per request, nothing of Lua runs.
const SUMMARY: &str = r#"
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("figures requests=%d micros=%d bytes=%d", summary.requests, summary.duration, summary.bytes))
  io.write(string.format(" connect=%d read=%d write=%d timeout=%d", e.connect, e.read, e.write, e.timeout))
  io.write(string.format(" refused=%d p50=%d p99=%d", e.status, latency:percentile(50), latency:percentile(99)))
  local sum = { ok = 0, limited = 0, other = 0, short = 0 }
  for _, thread in ipairs(threads or {}) do
    for name, count in pairs(sum) do sum[name] = count + (thread:get(name) or 0) end
  end
  for name, count in pairs(sum) do io.write(string.format(" %s=%d", name, count)) end
  io.write("\n")
end
"#;

/// Asks for several clients in turn, and looks at each response.
const COUNTING: &str = r#"
threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  ok, limited, other, short, turn, requests = 0, 0, 0, 0, 0, {}
  clients, bytes = tonumber(args[1]), tonumber(args[2])
  for client = 1, clients do
    requests[client] = wrk.format("GET", nil, { ["X-Forwarded-For"] = "192.0.2." .. client })
  end
end
function request()
  turn = turn % clients + 1
  return requests[turn]
end
function response(status, headers, body)
  if status == 200 then
    ok = ok + 1
    if #body ~= bytes then short = short + 1 end
  elseif status == 429 then limited = limited + 1
  else other = other + 1 end
end
"#;

/// What wrk saw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Figures {
    pub requests: u64,
    pub time: Duration,
    /// Responses with a status of 400 or more.
    pub refused: u64,
    /// Connections that failed, and what failed on them.
    pub failed: u64,
    pub median: Duration,
    pub percentile_99: Duration,
    /// Responses of 200, of 429, and of another status; and those of 200 with less content.
    pub counts: Option<Counts>,
}

/// Responses by status, where each was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    pub ok: u64,
    pub limited: u64,
    pub other: u64,
    pub short: u64,
}

/// Asks for one client as fast as it can.
///
/// # Errors
///
/// If there is no wrk, or it says no figures.
pub fn fast(url: &str, connections: u64, time: Duration) -> Outcome<Figures> {
    run("fast.lua", SUMMARY, url, connections, time, &[])
}

/// Asks for several clients in turn as fast as it can, and looks at each response.
///
/// # Errors
///
/// As [`fast`].
pub fn counting(url: &str, connections: u64, time: Duration, clients: u64, bytes: u64) -> Outcome<Figures> {
    let words = [clients.to_string(), bytes.to_string()];
    let figures = run("counting.lua", &format!("{COUNTING}{SUMMARY}"), url, connections, time, &words)?;
    Ok(figures)
}

fn run(name: &str, script: &str, url: &str, connections: u64, time: Duration, words: &[String]) -> Outcome<Figures> {
    let folder = tools::folder();
    fs::create_dir_all(&folder)?;
    let file = folder.join(name);
    fs::write(&file, script)?;
    let mut command = tools::command("wrk")?;
    command.args(["--threads", "1", "--timeout", "10s", "--connections", &connections.to_string()]);
    command.args(["--duration", &format!("{}s", time.as_secs().max(1))]).arg("--script").arg(&file);
    command.args(["--header", "X-Forwarded-For: 192.0.2.1", url, "--"]).args(words);
    let output = command.stdin(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("figures "));
    let Some(line) = line.filter(|_| output.status.success()) else {
        return Err(format!("wrk: {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    };
    line.parse()
}

impl FromStr for Figures {
    type Err = Box<dyn std::error::Error + Send + Sync>;

    fn from_str(line: &str) -> Outcome<Self> {
        let mut numbers = BTreeMap::new();
        for word in line.split_whitespace() {
            let (name, number) = word.split_once('=').ok_or_else(|| format!("wrk: {word:?}"))?;
            numbers.insert(name, number.parse::<u64>()?);
        }
        let number = |name: &str| numbers.get(name).copied().ok_or_else(|| format!("wrk: no {name}"));
        let mut failed = 0;
        for name in ["connect", "read", "write", "timeout"] {
            failed += number(name)?;
        }
        let counts =
            Counts { ok: number("ok")?, limited: number("limited")?, other: number("other")?, short: number("short")? };
        let is_counted = counts.ok + counts.limited + counts.other > 0;
        Ok(Self {
            requests: number("requests")?,
            time: Duration::from_micros(number("micros")?),
            refused: number("refused")?,
            failed,
            median: Duration::from_micros(number("p50")?),
            percentile_99: Duration::from_micros(number("p99")?),
            counts: is_counted.then_some(counts),
        })
    }
}
