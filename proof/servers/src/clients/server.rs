//! Owns the servers of this package in a process of their own. Never serves.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Command, Stdio};

use super::curl::Curl;
use super::kept::Kept;
use super::tools;
use crate::Outcome;
use crate::server::admissions::{Admission, Outcomes};
use crate::server::settings::Settings;

/// Servers that run, until this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Kept,
    addresses: BTreeMap<String, SocketAddr>,
}

/// What the desk says of the limits of a client, or of all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    pub requests: u64,
    pub debt: u64,
}

impl Server {
    /// Starts the binary of this package, and waits until all its servers listen.
    ///
    /// # Errors
    ///
    /// That it does not start.
    pub fn start(program: &Path, settings: &Settings) -> Outcome<Self> {
        Self::of(Command::new(program), settings)
    }

    /// Starts it with an allocator that gives back what is freed, so that memory can be compared.
    ///
    /// That of glibc keeps what 10,000 connections have freed, as no more than holes.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start), and if there is no such allocator.
    pub fn start_thrifty(program: &Path, settings: &Settings) -> Outcome<Self> {
        let mut command = Command::new(program);
        command.env("LD_PRELOAD", tools::allocator()?);
        command.env("MALLOC_CONF", "dirty_decay_ms:0,muzzy_decay_ms:0,narenas:1,tcache:false");
        Self::of(command, settings)
    }

    fn of(mut command: Command, settings: &Settings) -> Outcome<Self> {
        // It ends when its input does, even if this program is killed.
        command.arg("serve").args(settings.words()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Kept(command.spawn()?);
        let mut addresses = BTreeMap::new();
        let output = process.0.stdout.take().ok_or("no standard output")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            match line.split_once(' ') {
                Some((name, address)) => _ = addresses.insert(name.to_owned(), address.parse()?),
                None if line == "ready" => return Ok(Self { process, addresses }),
                None => break,
            }
        }
        Err("the servers ended before they were ready".into())
    }

    /// Returns the address of a server.
    ///
    /// # Panics
    ///
    /// If none has this name.
    pub fn address(&self, name: &str) -> SocketAddr {
        self.addresses[name]
    }

    /// Returns the address of the content of so many bytes.
    pub fn url(&self, name: &str, bytes: u64) -> String {
        format!("http://{}/bytes/{bytes}", self.address(name))
    }

    /// Returns what was admitted, in no order.
    ///
    /// # Errors
    ///
    /// If the desk does not answer, or a request reached the handler that was not decided.
    pub fn admissions(&self) -> Outcome<Vec<Admission>> {
        let undecided = self.ask("undecided")?;
        if undecided != "0" {
            return Err(format!("{undecided} requests reached the handler without a decision").into());
        }
        self.ask("admissions")?.lines().map(str::parse).collect()
    }

    /// Returns how many requests ended how.
    ///
    /// # Errors
    ///
    /// If the desk does not answer.
    pub fn outcomes(&self) -> Outcome<Outcomes> {
        self.ask("outcomes")?.parse()
    }

    /// Returns what all clients share.
    ///
    /// # Errors
    ///
    /// If the desk does not answer.
    pub fn service(&self) -> Outcome<Level> {
        let numbers = numbers(&self.ask("service")?)?;
        let [requests, debt] = numbers[..] else { return Err(format!("{numbers:?}").into()) };
        Ok(Level { requests, debt })
    }

    /// Returns the requests of a client, and its bytes.
    ///
    /// # Errors
    ///
    /// If the desk does not answer.
    pub fn client(&self, address: &str) -> Outcome<(Level, Level)> {
        let numbers = numbers(&self.ask(&format!("client/{address}"))?)?;
        let [requests, bytes, debt, bytes_debt] = numbers[..] else { return Err(format!("{numbers:?}").into()) };
        Ok((Level { requests, debt }, Level { requests: bytes, debt: bytes_debt }))
    }

    /// Returns the memory of the process that is resident, in KiB.
    ///
    /// # Errors
    ///
    /// Where there is no `/proc`.
    pub fn resident(&self) -> Outcome<u64> {
        self.process.resident()
    }

    fn ask(&self, what: &str) -> Outcome<String> {
        let url = format!("http://{}/{what}", self.address("desk"));
        let response = Curl::from(Ipv4Addr::LOCALHOST.into()).get(&url)?;
        if response.status != 200 {
            return Err(format!("{what}: {} {}", response.status, response.body).into());
        }
        Ok(response.body)
    }
}

fn numbers(text: &str) -> Outcome<Vec<u64>> {
    Ok(text.split(' ').map(str::parse).collect::<Result<_, _>>()?)
}
