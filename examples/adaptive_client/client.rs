//! Owns one sender: a kept-alive connection, and a request for each token of the shared bucket. It
//! never reads more of HTTP/1.1 than it needs.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use tollgate::adaptive::Outcome;

use crate::{Client, Counts};

/// Sends requests until the time ends, and tells the policy their outcomes.
///
/// It takes each token in turn with the other threads.
pub(crate) fn send(
    address: SocketAddr,
    client: &Client,
    counts: &Counts,
    done: &AtomicBool,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let mut connection = Connection::open(address)?;
    while !done.load(Relaxed) {
        client.bucket().take_blocking([1])?;
        match connection.get("/")? {
            (200 | 204, _) => {
                counts.admitted.fetch_add(1, Relaxed);
                client.observe(Outcome::Granted);
            }
            (429, retry_after) => {
                counts.refused.fetch_add(1, Relaxed);
                counts.put_off.fetch_add(retry_after.is_some().into(), Relaxed);
                // A `Retry-After` pauses the bucket. Of several pauses, the latest end holds.
                client.observe(Outcome::Refused { retry_after });
            }
            (status, _) => return Err(format!("the server answered {status}").into()),
        }
    }
    Ok(())
}

struct Connection {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { address, stream: BufReader::new(stream) })
    }

    /// Requests `path`, and returns the status and the `Retry-After` in seconds, if any.
    ///
    /// It reads and drops the body.
    fn get(&mut self, path: &str) -> io::Result<(u16, Option<Duration>)> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address);
        self.stream.get_mut().write_all(request.as_bytes())?;
        let status = self.line()?;
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, format!("an answer begins with {status:?}"));
        let code = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).and_then(|code| code.parse().ok());
        let (mut length, mut retry_after) = (0, None);
        loop {
            let header = self.line()?;
            let Some((name, value)) = header.split_once(':') else { break };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| malformed())?;
            } else if name.eq_ignore_ascii_case("retry-after") {
                retry_after = Some(Duration::from_secs(value.trim().parse().map_err(|_| malformed())?));
            }
        }
        io::copy(&mut self.stream.by_ref().take(length), &mut io::sink())?;
        Ok((code.ok_or_else(malformed)?, retry_after))
    }

    /// Reads the next line, without its end.
    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
