//! Owns what the servers are told. Never serves.

use std::time::Duration;

use tollgate::Limit;
use tollgate::gate::Charge;
use tollgate_http::address::{Forwarding, Proxies};

use crate::Outcome;

/// Limits, proxies and the longest wait.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Requests of each client.
    pub client: Limit,
    /// Bytes of each client.
    pub client_bytes: Limit,
    /// Requests of all clients.
    pub service: Limit,
    /// How long a request may wait in turn.
    pub wait: Duration,
    /// The networks that are trusted to write `X-Forwarded-For`.
    pub trusted: Vec<String>,
    /// Whether the servers know the addresses of their peers.
    pub knows_peers: bool,
    /// When a client's limit counts a request that does not pass.
    pub charge: Charge,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            client: Limit::per_second(100).capacity(20),
            client_bytes: Limit::per_second(1 << 30),
            service: Limit::per_second(300).capacity(60),
            wait: Duration::ZERO,
            trusted: vec!["127.0.0.0/8".to_owned()],
            knows_peers: true,
            charge: Charge::OnAttempt,
        }
    }
}

/// The options, for the help of the binary.
pub const OPTIONS: &str = "\
  --client LIMIT   requests of each client: \"100/s capacity 20\" unless told
  --bytes LIMIT    bytes of each client: \"1GiB/s\" unless told
  --service LIMIT  requests of all clients: \"300/s capacity 60\" unless told
  --wait MS        how long a request may wait in turn, in milliseconds: 0 unless told
  --trust NETWORK  a network of proxies, again for more: 127.0.0.0/8 unless told
  --unknown-peers  the servers do not know the addresses of their peers
  --on-admission   a client's limit counts only what passes";

impl Settings {
    /// Reads the words of the command `serve`.
    pub fn read(mut words: lexopt::Parser) -> Outcome<Self> {
        use lexopt::prelude::*;
        let mut settings = Self::default();
        let mut trusted = Vec::new();
        while let Some(word) = words.next()? {
            match word {
                Long("client") => settings.client = words.value()?.parse()?,
                Long("bytes") => settings.client_bytes = words.value()?.parse()?,
                Long("service") => settings.service = words.value()?.parse()?,
                Long("wait") => settings.wait = Duration::from_millis(words.value()?.parse()?),
                Long("trust") => trusted.push(words.value()?.string()?),
                Long("unknown-peers") => settings.knows_peers = false,
                Long("on-admission") => settings.charge = Charge::OnAdmission,
                other => return Err(other.unexpected().into()),
            }
        }
        if !trusted.is_empty() {
            settings.trusted = trusted;
        }
        Ok(settings)
    }

    /// Returns them as the words that `read` reads.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["--client".to_owned(), self.client.to_string()];
        words.extend(["--bytes".to_owned(), self.client_bytes.to_string()]);
        words.extend(["--service".to_owned(), self.service.to_string()]);
        words.extend(["--wait".to_owned(), self.wait.as_millis().to_string()]);
        for network in &self.trusted {
            words.extend(["--trust".to_owned(), network.clone()]);
        }
        if !self.knows_peers {
            words.push("--unknown-peers".to_owned());
        }
        if self.charge == Charge::OnAdmission {
            words.push("--on-admission".to_owned());
        }
        words
    }

    pub(super) fn proxies(&self) -> Outcome<Proxies> {
        Ok(Proxies::trusting(Forwarding::XForwardedFor, &self.trusted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        let settings = Settings {
            client: "5/h capacity 1000000".parse().unwrap(),
            wait: Duration::from_millis(1234),
            trusted: vec!["10.0.0.0/8".to_owned(), "::1".to_owned()],
            knows_peers: false,
            charge: Charge::OnAdmission,
            ..Settings::default()
        };
        let read = Settings::read(lexopt::Parser::from_args(settings.words())).unwrap();
        assert_eq!(format!("{read:?}"), format!("{settings:?}"));
        assert!(Settings::read(lexopt::Parser::from_args(["--client", "fast"])).is_err());
    }
}
