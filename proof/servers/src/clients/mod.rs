//! What talks to the servers: clients and proxies that are not ours.
//!
//! * `tools`: where they are, on this machine or from Debian.
//! * `kept`: a process that ends with its owner.
//! * `server`: the servers of this package, in a process of their own.
//! * `curl`: one request at a time.
//! * `proxy`: nginx and haproxy.
//! * `wrk`: load over HTTP/1.
//! * `h2load`: load over HTTP/2.

pub mod curl;
pub mod h2load;
mod kept;
pub mod proxy;
pub mod server;
pub mod tools;
pub mod wrk;
