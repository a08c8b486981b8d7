//! Who the client is: its address behind trusted proxies.
//!
//! | type | for |
//! |---|---|
//! | [`Proxies`] | the proxies that are trusted; finds the client of a request |
//! | [`Forwarding`] | the one header field that they write |
//! | [`ProxyError`], [`NetworkRule`] | a network that cannot be trusted |

// Owns the way from a request to the address of its client. Never a bucket, never a response.
//
// - `proxies`: `Proxies`, and the walk from the peer to the client.
// - `forwarding`: `Forwarding`, which field is read, and what an entry of it says.
// - `proxy_error`: `ProxyError` and `NetworkRule`.
// - `network`: one trusted network.
// - `entries`: the entries of a line, from the right.
// - `forwarded`: what an element of `Forwarded` says of its sender.
// - `node`: an address with or without a port.

mod entries;
mod forwarded;
mod forwarding;
mod network;
mod node;
mod proxies;
mod proxy_error;

pub use forwarding::Forwarding;
pub use proxies::Proxies;
pub use proxy_error::{NetworkRule, ProxyError};
