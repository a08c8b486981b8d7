//! Owns a real nginx with `limit_req`: it is fetched, started on loopback, reconfigured and
//! stopped. Never installs it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use debian::Debian;
use rustix::process::Signal;
use tempfile::TempDir;

use super::process::Process;
use super::tally::Answer;
use crate::Outcome;

const START: Duration = Duration::from_secs(5);

/// How it refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Style {
    /// 429, or 503 as by default.
    pub status: u16,
    /// The seconds that a refusal says in `Retry-After`.
    pub retry_after: Option<u64>,
    /// Delays requests to its rate before it refuses any.
    pub delays: bool,
}

/// A running nginx, with a master and one worker.
#[derive(Debug)]
pub struct Nginx {
    /// Ends before the folder does.
    process: Process,
    folder: TempDir,
    address: SocketAddr,
    style: Style,
}

impl Nginx {
    /// Starts it, and waits until it listens.
    ///
    /// # Errors
    ///
    /// If there is no nginx, and how to get one; or why it does not start.
    pub fn start(style: Style, rate: u64, burst: u64) -> Outcome<Self> {
        let debian = debian();
        let program = debian.program("nginx").ok_or("no nginx: `cargo run --release -p clients -- tools` gets it")?;
        let folder = tempfile::tempdir()?;
        // A port that is free now.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration(address, folder.path(), style, rate, burst))?;
        let mut command = debian.command(&program);
        command.arg("-p").arg(folder.path()).arg("-e").arg(folder.path().join("error.log")).arg("-c").arg(&file);
        let nginx = Self { process: Process::start(&command)?, folder, address, style };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > START {
                return Err(format!("nginx does not listen at {address}: {}", nginx.complaints()).into());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(nginx)
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Rewrites its configuration, and lets it reload.
    ///
    /// A new worker takes over the zone and what it counted. The old one ends its connections.
    ///
    /// # Errors
    ///
    /// What could not be written, or told.
    pub fn change(&self, rate: u64, burst: u64) -> Outcome<()> {
        let file = self.folder.path().join("nginx.conf");
        fs::write(file, configuration(self.address, self.folder.path(), self.style, rate, burst))?;
        self.process.signal(Signal::HUP)
    }

    /// Reads what it answered, from its log.
    ///
    /// # Errors
    ///
    /// A log that cannot be read.
    pub fn answers(&self) -> Outcome<Vec<Answer>> {
        let log = fs::read_to_string(self.folder.path().join("access.log")).unwrap_or_default();
        // A last line may be half written.
        let whole = log.rfind('\n').map_or("", |end| &log[..end]);
        whole.lines().filter_map(|line| answer(line).transpose()).collect()
    }

    /// Returns the end of its log of errors.
    fn complaints(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
        log.lines().rev().take(3).collect::<Vec<_>>().join("; ")
    }
}

/// Returns where nginx is unpacked, if this machine has none.
pub fn debian() -> Debian {
    Debian::new("nginx", "amd64")
}

/// Reads a line of the log: the time in seconds with three decimals, and the status.
///
/// A client that hung up has no answer.
fn answer(line: &str) -> Outcome<Option<Answer>> {
    let wrong = || format!("the log of nginx says {line:?}");
    let (time, status) = line.split_once(' ').ok_or_else(wrong)?;
    let (seconds, millis) = time.split_once('.').ok_or_else(wrong)?;
    let number = |digits: &str| digits.parse().map_err(|_| wrong());
    let at = Duration::from_secs(number(seconds)?) + Duration::from_millis(number(millis)?);
    match status {
        "204" => Ok(Some(Answer { at, granted: true })),
        "429" | "503" => Ok(Some(Answer { at, granted: false })),
        "499" => Ok(None),
        _ => Err(wrong().into()),
    }
}

fn configuration(address: SocketAddr, folder: &Path, style: Style, rate: u64, burst: u64) -> String {
    let folder = folder.display();
    let Style { status, retry_after, delays } = style;
    // A burst of 0 is none.
    let nodelay = if delays { "" } else { " nodelay" };
    let burst = if burst == 0 { String::new() } else { format!(" burst={burst}{nodelay}") };
    // Only a refusal has it: a field without a value is not sent.
    let retry_after = retry_after.map_or_else(String::new, |seconds| format!("{status} {seconds};"));
    format!(
        "daemon off;
user root root;
worker_processes 1;
pid {folder}/pid;
events {{ worker_connections 512; }}
http {{
    log_format answers '$msec $status';
    access_log {folder}/access.log answers;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    map $status $retry_after {{ {retry_after} default \"\"; }}
    limit_req_zone $binary_remote_addr zone=all:1m rate={rate}r/s;
    limit_req_status {status};
    limit_req_log_level info;
    server {{
        listen {address};
        location / {{
            limit_req zone=all{burst};
            add_header Retry-After $retry_after always;
            root {folder}/empty;
            try_files /none =204;
        }}
    }}
}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(style: Style, burst: u64) -> String {
        configuration(SocketAddr::from(([127, 0, 0, 1], 80)), Path::new("x"), style, 50, burst)
    }

    #[test]
    fn a_style_is_written() {
        let style = Style { status: 429, retry_after: Some(3), delays: false };
        let of = text(style, 7);
        assert!(of.contains("zone=all burst=7 nodelay;") && of.contains("{ 429 3; default"), "{of}");
        let of = text(Style { status: 503, retry_after: None, delays: true }, 7);
        assert!(of.contains("zone=all burst=7;") && of.contains("limit_req_status 503;"), "{of}");
        assert!(text(style, 0).contains("limit_req zone=all;"));
    }

    #[test]
    fn a_log_is_read() {
        let at = Duration::from_millis(1_700_000_000_123);
        assert_eq!(answer("1700000000.123 204").unwrap(), Some(Answer { at, granted: true }));
        assert_eq!(answer("1700000000.123 503").unwrap(), Some(Answer { at, granted: false }));
        assert_eq!(answer("1700000000.123 499").unwrap(), None);
        assert!(answer("1700000000.123 404").is_err() && answer("204").is_err());
        assert!(answer("x1.123 204").unwrap_err().to_string().contains("x1.123 204"));
    }
}
