//! Owns single requests by curl, and what came back. Never retries.

use std::fmt;
use std::net::IpAddr;
use std::process::Stdio;

use super::tools;
use crate::Outcome;

/// One client, with an address of its own.
#[derive(Clone, Debug)]
pub struct Curl {
    address: IpAddr,
    words: Vec<String>,
}

/// A response, as curl saw it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Response {
    pub status: u16,
    /// The status line and the header fields, as they came.
    pub head: String,
    pub body: String,
}

impl Curl {
    /// Makes a client that connects from this address of loopback.
    pub fn from(address: IpAddr) -> Self {
        Self { address, words: Vec::new() }
    }

    /// Makes a client that connects from this address of loopback.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn at(address: &str) -> Self {
        Self::from(address.parse().expect("an address"))
    }

    /// Adds a header field, as `name: value`.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        self.words.extend(["-H".to_owned(), field.to_owned()]);
        self
    }

    /// Adds words to its command.
    #[must_use]
    pub fn words(mut self, words: &[&str]) -> Self {
        self.words.extend(words.iter().map(|&word| word.to_owned()));
        self
    }

    /// Gets a URL.
    ///
    /// # Errors
    ///
    /// If curl is missing, or got no response.
    pub fn get(&self, url: &str) -> Outcome<Response> {
        let mut command = tools::command("curl")?;
        // Without the user's configuration, and without a proxy of the environment.
        command.args(["--disable", "--silent", "--show-error", "--include", "--noproxy", "*", "--max-time", "20"]);
        command.args(["--interface", &self.address.to_string()]).args(&self.words).arg(url);
        let output = command.stdin(Stdio::null()).output()?;
        if !output.status.success() {
            return Err(format!("{command:?}: {} {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
        }
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(|| format!("no response: {text:?}"))?;
        let status = head.split(' ').nth(1).ok_or_else(|| format!("no status: {head:?}"))?.parse()?;
        Ok(Response { status, head: head.to_owned(), body: body.to_owned() })
    }
}

impl Response {
    /// Returns the value of a field, if it came once.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut values = self.head.lines().skip(1).filter_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        });
        values.next().filter(|_| values.next().is_none())
    }
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.lines().try_for_each(|line| writeln!(f, "< {line}"))?;
        write!(f, "{}", &self.body[..self.body.len().min(400)])
    }
}
