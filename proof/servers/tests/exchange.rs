//! What curl sees of a grant and of a refusal, over HTTP/1 and HTTP/2.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use servers::Outcome;
use servers::clients::curl::Curl;
use servers::clients::server::Server;
use servers::server::settings::Settings;

const PROGRAM: &str = env!("CARGO_BIN_EXE_servers");

fn start(settings: &Settings) -> Outcome<Server> {
    Server::start(Path::new(PROGRAM), settings)
}

fn settings() -> Outcome<Settings> {
    Ok(Settings {
        client: "20/min capacity 2".parse()?,
        client_bytes: "1000/s capacity 5000".parse()?,
        service: "100/s".parse()?,
        ..Settings::default()
    })
}

#[test]
fn a_grant_advertises_its_limits_and_a_refusal_says_when_to_come_back() -> Outcome<()> {
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let server = start(&settings()?)?;
        let curl = Curl::at("127.0.0.1").words(&[version]).field("x-forwarded-for: 192.0.2.7");
        let response = curl.get(&server.url("full", 100))?;
        println!("{response}\n");
        assert_eq!((response.status, response.body.len()), (200, 100), "{version}");
        let policy = r#""client-requests";q=2;w=6, "client-bytes";q=5000;qu="content-bytes";w=5, "service";q=100;w=1"#;
        assert_eq!(response.field("ratelimit-policy"), Some(policy));
        let left = r#""client-requests";r=1;t=3, "client-bytes";r=4999;t=5, "service";r=99;t=1"#;
        assert_eq!(response.field("ratelimit"), Some(left));
        assert_eq!(response.field("retry-after"), None);

        assert_eq!(curl.get(&server.url("full", 100))?.status, 200);
        let response = curl.get(&server.url("full", 100))?;
        println!("{response}\n");
        assert_eq!(response.status, 429);
        assert_eq!(response.field("content-type"), Some("application/problem+json"));
        assert!(response.body.contains("quota-exceeded") && response.body.contains("client-requests"));
        let limits = response.field("ratelimit").unwrap_or_default();
        let seconds: u64 = response.field("retry-after").ok_or("no Retry-After")?.parse()?;
        assert!((1..=3).contains(&seconds));
        // `t` is until the first token comes, as `Retry-After` is.
        assert!(limits.starts_with(&format!(r#""client-requests";r=0;t={seconds}, "#)), "{limits}");
        // It is refused until then, and granted then.
        let refused = Instant::now();
        thread::sleep(Duration::from_secs(seconds).saturating_sub(refused.elapsed()));
        assert_eq!(curl.get(&server.url("full", 0))?.status, 200, "{version}");
        assert_eq!(server.outcomes()?.refused, 1);
    }
    Ok(())
}

#[test]
fn bytes_that_were_sent_bind_the_next_request() -> Outcome<()> {
    let server = start(&Settings { client: "100/s".parse()?, ..settings()? })?;
    let curl = Curl::at("127.0.0.1").field("x-forwarded-for: 192.0.2.8");
    assert_eq!(curl.get(&server.url("full", 9000))?.body.len(), 9000);
    // 4000 bytes are owed, at 1000 a second.
    let (_, bytes) = server.client("192.0.2.8")?;
    assert!(bytes.requests == 0 && (1..=4000).contains(&bytes.debt), "{bytes:?}");
    let response = curl.get(&server.url("full", 1))?;
    assert_eq!(response.status, 429);
    let seconds: u64 = response.field("retry-after").ok_or("no Retry-After")?.parse()?;
    assert!((1..=5).contains(&seconds), "{seconds}");
    assert!(response.body.contains("client-bytes") && !response.body.contains("client-requests"));
    // Others do not pay for it.
    let other = Curl::at("127.0.0.1").field("x-forwarded-for: 192.0.2.9");
    assert_eq!(other.get(&server.url("full", 1))?.status, 200);
    Ok(())
}

#[test]
fn a_response_to_head_costs_no_bytes() -> Outcome<()> {
    let server = start(&settings()?)?;
    let curl = Curl::at("127.0.0.1").words(&["--head"]).field("x-forwarded-for: 192.0.2.7");
    let response = curl.get(&server.url("full", 3000))?;
    assert_eq!((response.status, response.field("content-length")), (200, Some("3000")));
    let (requests, bytes) = server.client("192.0.2.7")?;
    assert_eq!((requests.requests, bytes.requests, bytes.debt), (1, 5000, 0));
    Ok(())
}

#[test]
fn requests_that_wait_in_turn_are_granted_and_one_that_cannot_be_in_time_is_refused_at_once() -> Outcome<()> {
    let settings = Settings {
        client: "5/s capacity 1".parse()?,
        wait: Duration::from_millis(500),
        client_bytes: "1GiB/s".parse()?,
        ..settings()?
    };
    let server = start(&settings)?;
    let url = server.url("full", 10);
    let statuses: Vec<Outcome<(u16, Duration)>> = thread::scope(|scope| {
        let get = || {
            let begun = Instant::now();
            let curl = Curl::at("127.0.0.1").field("x-forwarded-for: 192.0.2.7");
            curl.get(&url).map(|response| (response.status, begun.elapsed()))
        };
        let requests: Vec<_> = (0..10).map(|_| scope.spawn(get)).collect();
        requests.into_iter().map(|request| request.join().unwrap()).collect()
    });
    let outcomes = server.outcomes()?;
    let granted = statuses.iter().filter(|status| matches!(status, Ok((200, _)))).count() as u64;
    // One at once, and two or three after 200 and 400 ms, as they come one after the other.
    assert!(outcomes.waited >= 2 && outcomes.admitted() == granted && outcomes.refused >= 1, "{outcomes:?}");
    assert_eq!(outcomes.all(), 10, "{statuses:?}");
    Ok(())
}
