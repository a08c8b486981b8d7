//! Owns a server of any kind: where it is, its limit, and what it answered.

use std::net::SocketAddr;
use std::time::Duration;

use super::kind::{Kind, Make};
use super::layered::Layered;
use super::nginx::Nginx;
use super::own::Own;
use super::tally::Answer;
use crate::Outcome;

/// A server that runs, until this is dropped.
#[derive(Debug)]
pub struct Running(Inner);

#[derive(Debug)]
enum Inner {
    Nginx(Nginx),
    Layered(Layered),
    Own(Own),
}

impl Running {
    /// Starts a server that grants so many requests a second, and at most `capacity` at once.
    ///
    /// # Errors
    ///
    /// Why it does not start.
    pub async fn start(kind: Kind, rate: u64, capacity: u64, latency: Duration) -> Outcome<Self> {
        Ok(Self(match kind.make {
            // Its burst is what it grants beyond the first.
            Make::Nginx(style) => Inner::Nginx(Nginx::start(style, rate, capacity - 1)?),
            Make::Layered(headers) => Inner::Layered(Layered::start(headers, rate, capacity, latency).await?),
            Make::Grpc => Inner::Layered(Layered::start_grpc(rate, capacity, latency).await?),
            Make::Own(rule, form) => Inner::Own(Own::start(rule, form, rate, capacity, latency).await?),
        }))
    }

    /// Returns where it listens.
    pub fn address(&self) -> SocketAddr {
        match &self.0 {
            Inner::Nginx(nginx) => nginx.address(),
            Inner::Layered(layered) => layered.served.address,
            Inner::Own(own) => own.served.address,
        }
    }

    /// Changes its limit.
    ///
    /// # Errors
    ///
    /// What could not be written, or is no limit.
    pub fn change(&self, rate: u64, capacity: u64) -> Outcome<()> {
        match &self.0 {
            Inner::Nginx(nginx) => nginx.change(rate, capacity - 1)?,
            Inner::Layered(layered) => layered.change(rate, capacity)?,
            Inner::Own(own) => own.change(rate, capacity),
        }
        Ok(())
    }

    /// Returns what it answered.
    ///
    /// # Errors
    ///
    /// A log that cannot be read.
    pub fn answers(&self) -> Outcome<Vec<Answer>> {
        match &self.0 {
            Inner::Nginx(nginx) => nginx.answers(),
            Inner::Layered(layered) => Ok(layered.served.tally.answers()),
            Inner::Own(own) => Ok(own.served.tally.answers()),
        }
    }
}
