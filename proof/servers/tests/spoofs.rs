//! A client that lies about its address gets no fresh bucket, directly or behind real proxies.

use std::net::SocketAddr;
use std::path::Path;

use servers::Outcome;
use servers::clients::curl::Curl;
use servers::clients::proxy::Proxy;
use servers::clients::server::Server;
use servers::server::settings::Settings;

/// What a client may send to be taken for somebody else.
const LIES: [&[&str]; 12] = [
    &[],
    &["X-Forwarded-For: 6.6.6.6"],
    &["X-Forwarded-For: 6.6.6.7, 6.6.6.8"],
    &["X-Forwarded-For: 6.6.6.9", "X-Forwarded-For: 6.6.7.1"],
    &["X-Forwarded-For: 6.6.7.2, 127.0.0.2"],
    &["X-Forwarded-For: 6.6.7.3:80"],
    &["X-Forwarded-For: 2001:db8:6::6"],
    &["X-Forwarded-For: \"6.6.7.4"],
    &["X-Forwarded-For: 6.6.7.5,"],
    &["Forwarded: for=6.6.7.6"],
    &["Forwarded: for=6.6.7.7", "X-Forwarded-For: 6.6.7.8"],
    &["X-Real-IP: 6.6.7.9", "CF-Connecting-IP: 6.6.8.1", "X-Client-IP: 6.6.8.2", "True-Client-IP: 6.6.8.3"],
];

/// One request for each client, and no more for an hour. Only proxies at one address are trusted.
fn start() -> Outcome<Server> {
    let settings = Settings {
        client: "1/h capacity 1".parse()?,
        service: "1000/s".parse()?,
        trusted: vec![format!("{}/32", Proxy::ADDRESS)],
        ..Settings::default()
    };
    Server::start(Path::new(env!("CARGO_BIN_EXE_servers")), &settings)
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/bytes/1")
}

fn lying(address: &str, lies: &[&str]) -> Curl {
    lies.iter().fold(Curl::at(address), |curl, lie| curl.field(lie))
}

/// One client is granted once, whatever it says; another one is granted, too, so that it is not
/// the proxy that counts.
fn no_lie_helps(through: SocketAddr, client: &str, other: &str) -> Outcome<()> {
    for version in ["--http1.1", "--http1.0"] {
        for (i, lies) in LIES.iter().enumerate() {
            let response = lying(client, lies).words(&[version]).get(&url(through))?;
            let expected = if i == 0 && version == "--http1.1" { 200 } else { 429 };
            assert_eq!(response.status, expected, "{client} through {through} says {lies:?}: {response}");
        }
    }
    assert_eq!(Curl::at(other).get(&url(through))?.status, 200, "{other} through {through}");
    Ok(())
}

#[test]
fn an_untrusted_peer_is_the_client_whatever_it_says() -> Outcome<()> {
    let server = start()?;
    no_lie_helps(server.address("full"), "127.0.0.1", "127.0.0.3")
}

#[test]
fn behind_nginx_the_address_that_it_appended_counts() -> Outcome<()> {
    let server = start()?;
    let proxy = Proxy::nginx(server.address("full"))?;
    no_lie_helps(proxy.plain, "127.0.0.4", "127.0.0.5")?;
    no_lie_helps(proxy.with_port, "127.0.0.6", "127.0.0.7")
}

#[test]
fn behind_haproxy_the_address_that_it_appended_counts() -> Outcome<()> {
    let server = start()?;
    let proxy = Proxy::haproxy(server.address("full"))?;
    no_lie_helps(proxy.plain, "127.0.0.4", "127.0.0.5")?;
    no_lie_helps(proxy.with_port, "127.0.0.6", "127.0.0.7")
}

/// What the lies are worth: the peer believes one of them, so the attack is one.
#[test]
fn the_peer_believes_a_lie_that_nginx_passes_on() -> Outcome<()> {
    let server = start()?;
    let proxy = Proxy::nginx(server.address("peer"))?;
    let statuses = |lies: &[&str]| lying("127.0.0.4", lies).get(&url(proxy.plain)).map(|response| response.status);
    assert_eq!((statuses(&[])?, statuses(&[])?), (200, 429));
    assert_eq!(statuses(&["X-Forwarded-For: 6.6.6.6"])?, 200);
    Ok(())
}

#[test]
fn an_ipv6_client_has_one_bucket_for_its_network() -> Outcome<()> {
    let server = start()?;
    let url = server.url("full", 1);
    let through = |client: &str| {
        let curl = Curl::at(Proxy::ADDRESS).field(&format!("X-Forwarded-For: {client}"));
        curl.get(&url).map(|response| response.status)
    };
    assert_eq!(through("2001:db8:1:2::a")?, 200);
    for same in
        ["2001:db8:1:2::b", "2001:db8:1:2:ffff:ffff:ffff:ffff", "[2001:db8:1:2:3::4]:443", "\"[2001:db8:1:2::5]\""]
    {
        assert_eq!(through(same)?, 429, "{same}");
        assert_eq!(through(&format!("6.6.6.6, {same}"))?, 429, "{same}");
    }
    assert_eq!(through("2001:db8:1:3::a")?, 200);
    // The same client by its IPv4 address, mapped or not.
    assert_eq!((through("192.0.2.1")?, through("::ffff:192.0.2.1")?), (200, 429));
    Ok(())
}
