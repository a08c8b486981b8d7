//! Owns a process that ends with its owner, on a panic too. Never starts it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Child;
use std::time::{Duration, Instant};
use std::{fs, thread};

use crate::Outcome;

const START: Duration = Duration::from_secs(10);

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Kept(pub(super) Child);

impl Kept {
    /// Waits until it listens at an address.
    pub(super) fn listens(&mut self, address: SocketAddr) -> Outcome<()> {
        let begun = Instant::now();
        while TcpStream::connect(address).is_err() {
            if let Some(status) = self.0.try_wait()? {
                return Err(format!("it ended before it listened at {address}: {status}").into());
            }
            if begun.elapsed() > START {
                return Err(format!("{address} does not answer").into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The memory that is resident, in KiB.
    pub(super) fn resident(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        Ok(line.trim().trim_end_matches(" kB").parse()?)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is free now.
pub(super) fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}
