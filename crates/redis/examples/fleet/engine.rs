//! Owns a server on loopback that the example starts, and ends. It never stores a file.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const START: Duration = Duration::from_secs(10);

/// A server. Dropped, it is killed.
pub(crate) struct Engine {
    process: Child,
    port: u16,
}

impl Engine {
    /// Starts this server, or the first that the search path has.
    pub(crate) fn start(server: Option<&Path>) -> Result<Self, Box<dyn Error>> {
        let server = server.map(Path::to_owned).or_else(found).ok_or(
            "there is no redis-server and no valkey-server on the search path; say --server PATH or --engine URL",
        )?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = Command::new(&server)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| format!("{}: {error}", server.display()))?;
        let mut engine = Self { process, port };
        let begun = Instant::now();
        while !engine.answers() {
            if let Some(status) = engine.process.try_wait()? {
                return Err(format!("{} ended: {status}", server.display()).into());
            }
            if begun.elapsed() > START {
                return Err(format!("{} does not answer", server.display()).into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(engine)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn answers(&self) -> bool {
        let mut answer = [0; 5];
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok_and(|mut stream| {
            stream.write_all(b"PING\r\n").and_then(|()| stream.read_exact(&mut answer)).is_ok() && &answer == b"+PONG"
        })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A server of the search path.
fn found() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    let all = ["redis-server", "valkey-server"];
    all.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(|file| file.is_file())
}
