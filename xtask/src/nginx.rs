//! Owns the check of an adaptive client against a real nginx: it is fetched, started on loopback
//! and stopped. Never installs it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use debian::Debian;

use crate::step::{self, Step};

/// What nginx grants, in requests a second.
const LIMIT: u64 = 100;
const START: Duration = Duration::from_secs(5);

/// Runs the client for some seconds of unpaused time against nginx.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (fetch, retry_after, burst) = match words[..] {
        [] => (false, 1, LIMIT / 10),
        ["--fetch"] => (true, 1, LIMIT / 10),
        ["--retry-after", seconds] => match seconds.parse() {
            Ok(seconds) => (false, seconds, LIMIT / 10),
            Err(error) => return failed(&format!("{seconds}: {error}")),
        },
        ["--burst", burst] => match burst.parse() {
            Ok(burst) => (false, 1, burst),
            Err(error) => return failed(&format!("{burst}: {error}")),
        },
        _ => return failed("the options are --fetch, --retry-after SECONDS and --burst N"),
    };
    let debian = Debian::new("nginx", "amd64");
    if fetch {
        if let Err(error) = debian.fetch(["nginx".to_owned()]) {
            return failed(&error);
        }
    }
    let Some(program) = debian.program("nginx") else {
        return failed("there is no nginx; --fetch downloads it from Debian and unpacks it under target");
    };
    match Server::start(&debian, &program, retry_after, burst) {
        Ok(server) => {
            println!("{}: {LIMIT}/s, burst {burst}, Retry-After: {retry_after}", program.display());
            let words = format!(
                "run --quiet --release --example adaptive_client -- --seconds 30 --limit {LIMIT} --capacity {} --server {}",
                burst.clamp(1, 5),
                server.address
            );
            step::run_alone(Step::cargo("adaptive_client", &words))
        }
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(error: &str) -> ExitCode {
    eprintln!("nginx: {error}");
    ExitCode::from(2)
}

/// A running nginx, which is stopped at the end.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts nginx in the foreground, and waits until it listens.
    fn start(debian: &Debian, program: &Path, retry_after: u64, burst: u64) -> io::Result<Self> {
        let folder = debian.folder();
        // A port that is free now.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        fs::create_dir_all(folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration(address, folder, retry_after, burst))?;
        let mut command = debian.command(program);
        command.arg("-c").arg(&file).arg("-e").arg(folder.join("error.log"));
        let server = Self { child: command.stdin(Stdio::null()).spawn()?, address };
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if begun.elapsed() > START {
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{address} does not answer")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One process: neither master nor workers, so nothing is left behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn configuration(address: SocketAddr, folder: &Path, retry_after: u64, burst: u64) -> String {
    let folder = folder.display();
    let burst = if burst == 0 { String::new() } else { format!(" burst={burst} nodelay") };
    format!(
        "daemon off;
master_process off;
pid {folder}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    limit_req_zone $binary_remote_addr zone=all:1m rate={LIMIT}r/s;
    limit_req_status 429;
    limit_req_log_level info;
    server {{
        listen {address};
        location / {{
            limit_req zone=all{burst};
            add_header Retry-After {retry_after} always;
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

    #[test]
    fn a_burst_of_nothing_is_left_out() {
        let text = |burst| configuration(SocketAddr::from(([127, 0, 0, 1], 80)), Path::new("x"), 5, burst);
        assert!(text(0).contains("limit_req zone=all;") && text(7).contains("zone=all burst=7 nodelay;"));
        assert!(text(0).contains("Retry-After 5 always"));
    }
}
