//! Owns a program that asks for each URL of its input as it comes. It never waits for a response
//! before it reads on, so it asks as evenly as its lines come.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use http::Uri;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::load::client::{get, hyper};
use crate::server::served::is_refusal;

/// What became of the lines.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Fetched {
    pub granted: u64,
    pub refused: u64,
    /// No URL, no server, or another status.
    pub failed: u64,
}

impl fmt::Display for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { granted, refused, failed } = self;
        write!(f, "{granted} granted, {refused} refused, {failed} failed")
    }
}

/// Asks for each line of the input.
///
/// # Errors
///
/// An input that cannot be read.
pub async fn fetch(input: impl Read + Send + 'static) -> Outcome<Fetched> {
    // A thread reads: a line is there as soon as it has come.
    let (send, mut lines) = mpsc::unbounded_channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(input).lines() {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    let (hyper, mut fetched, mut requests) = (hyper(), Fetched::default(), JoinSet::new());
    loop {
        tokio::select! {
            line = lines.recv() => {
                let Some(line) = line else { break };
                let line = line?;
                let hyper = hyper.clone();
                requests.spawn(async move { get(hyper, line.parse::<Uri>()?).await });
            }
            Some(response) = requests.join_next() => fetched.count(response?),
        }
    }
    while let Some(response) = requests.join_next().await {
        fetched.count(response?);
    }
    reader.join().map_err(|_| "the reader panicked")?;
    Ok(fetched)
}

impl Fetched {
    fn count(&mut self, response: Outcome<http::StatusCode>) {
        match response {
            Ok(status) if status.is_success() => self.granted += 1,
            Ok(status) if is_refusal(status) => self.refused += 1,
            Ok(_) => self.failed += 1,
            Err(error) => {
                eprintln!("clients: {error}");
                self.failed += 1;
            }
        }
    }
}
