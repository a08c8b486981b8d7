//! Bad input gets a clear answer, and hurts nobody else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use servers::Outcome;
use servers::clients::curl::Curl;
use servers::clients::server::Server;
use servers::server::settings::Settings;

fn start(settings: &Settings) -> Outcome<Server> {
    Server::start(Path::new(env!("CARGO_BIN_EXE_servers")), settings)
}

/// Sends fields as they are, and returns the status line of the response.
fn raw(address: SocketAddr, fields: &[u8]) -> Outcome<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let head = [b"GET /bytes/1 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n", fields, b"\r\n"].concat();
    let mut response = Vec::new();
    // A server that refuses the head answers before it has read all, and resets the connection.
    let _ = stream.write_all(&head);
    let _ = stream.read_to_end(&mut response);
    Ok(String::from_utf8_lossy(&response).lines().next().unwrap_or_default().to_owned())
}

#[test]
fn malformed_addresses_count_as_the_proxy_that_wrote_them() -> Outcome<()> {
    let server = start(&Settings { client: "1/h capacity 20".parse()?, ..Settings::default() })?;
    let long = [b"X-Forwarded-For: ".to_vec(), b"1.2.3.4 ".repeat(900), b"\r\n".to_vec()].concat();
    let many = [b"X-Forwarded-For: 6.6.6.6".to_vec(), b", 127.0.0.1".repeat(600), b"\r\n".to_vec()].concat();
    let fields: [&[u8]; 14] = [
        b"X-Forwarded-For:\r\n",
        b"X-Forwarded-For: ,,,,\r\n",
        b"X-Forwarded-For: \xff\xfe\x80\r\n",
        b"X-Forwarded-For: 192.0.2.1, \xe2\x82\xac\r\n",
        b"X-Forwarded-For: 256.1.1.1\r\n",
        b"X-Forwarded-For: 1.2.3\r\n",
        b"X-Forwarded-For: 192.0.2.1:99999999\r\n",
        b"X-Forwarded-For: [::1\r\n",
        b"X-Forwarded-For: ::1%eth0\r\n",
        b"X-Forwarded-For: unknown\r\n",
        b"X-Forwarded-For: 192.0.2.1; DROP TABLE\r\n",
        b"X-Forwarded-For: \"192.0.2.1\r\n",
        &long,
        &many,
    ];
    for (before, field) in (1..).zip(fields) {
        let field_shown = String::from_utf8_lossy(&field[..field.len().min(60)]);
        assert_eq!(raw(server.address("full"), field)?, "HTTP/1.1 200 OK", "{field_shown}");
        let (proxy, _) = server.client("127.0.0.1")?;
        assert_eq!(proxy.requests, 20 - before, "{field_shown}");
    }
    // What hyper refuses does not reach the limits: one field of 1 MB, and a byte that none may
    // hold.
    let huge = [b"X-Forwarded-For: ".to_vec(), vec![b'1'; 1 << 20], b"\r\n".to_vec()].concat();
    assert_eq!(raw(server.address("full"), &huge)?, "HTTP/1.1 431 Request Header Fields Too Large");
    assert_eq!(raw(server.address("full"), b"X-Forwarded-For: a\0b\r\n")?, "HTTP/1.1 400 Bad Request");
    assert_eq!(server.client("127.0.0.1")?.0.requests, 6);
    assert_eq!(server.outcomes()?.all(), 14);
    Ok(())
}

#[test]
fn a_server_that_does_not_know_its_peers_says_so() -> Outcome<()> {
    let server = start(&Settings { knows_peers: false, ..Settings::default() })?;
    for fields in ["X-Forwarded-For: 192.0.2.1", "x: y"] {
        let response = Curl::at("127.0.0.1").field(fields).get(&server.url("full", 1))?;
        assert_eq!(response.status, 500);
        assert_eq!(response.field("content-type"), Some("application/problem+json"));
        assert!(response.body.contains("does not say whose it is, as the limit client has to know"), "{response}");
    }
    assert!(server.admissions()?.is_empty());
    Ok(())
}

#[test]
fn an_absurd_cost_is_refused_for_good_and_takes_nothing() -> Outcome<()> {
    let settings = Settings { client: "100/s".parse()?, client_bytes: "1000/s".parse()?, ..Settings::default() };
    for wait in [Duration::ZERO, Duration::from_secs(1)] {
        let server = start(&Settings { wait, ..settings.clone() })?;
        let get = |field: &str| Curl::at("127.0.0.1").field(field).get(&server.url("full", 1));
        for (field, status) in [
            ("x-estimate: 1001", 413),
            ("x-estimate: 18446744073709551615", 413),
            ("x-requests: 101", 429),
            ("x-requests: 9223372036854775808", 429),
            ("x-requests: 18446744073709551615", 429),
        ] {
            let response = get(field)?;
            // It never fits, so no time to come back is told.
            assert_eq!((response.status, response.field("retry-after")), (status, None), "{field}: {response}");
        }
        let (requests, bytes) = server.client("127.0.0.1")?;
        assert_eq!((requests.requests, bytes.requests), (100, 1000));
        // Not a number: it costs what the handler takes for it, 1.
        assert_eq!(get("x-requests: -1")?.status, 200);
        assert_eq!(get("x-requests: 99999999999999999999999")?.status, 200);
        // Nothing is asked for, so nothing is taken; but bytes are settled.
        assert_eq!(get("x-requests: 0")?.status, 200);
    }
    Ok(())
}

#[test]
fn a_client_that_sends_nonsense_breaks_only_its_connection() -> Outcome<()> {
    let server = start(&Settings::default())?;
    let head = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice();
    for nonsense in [b"\x16\x03\x01\x02\x00".as_slice(), b"GET\r\n\r\n", &[head, &[0xff; 200]].concat(), &[0; 500]] {
        let mut stream = TcpStream::connect(server.address("full"))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(nonsense)?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let _ = stream.read_to_end(&mut Vec::new());
    }
    assert_eq!(Curl::at("127.0.0.1").get(&server.url("full", 1))?.status, 200);
    assert_eq!(server.outcomes()?.all(), 1);
    Ok(())
}
