//! Ten thousand clients that hang up while they wait in turn: nothing is lost, and nothing is kept.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use servers::Outcome;
use servers::clients::server::Server;
use servers::server::admissions::Outcomes;
use servers::server::settings::Settings;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tollgate::gate::Charge;

const CAPACITY: u64 = 1_000_000;
const ROUNDS: u64 = 5;

/// As many as the open files of this process allow, but no more than 10,000.
fn connections() -> u64 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    files.map_or(1000, |files: u64| files.saturating_sub(300).min(10_000))
}

/// Connects from an address of its own for each round, so that no port is used up.
async fn ask(server: SocketAddr, round: u64) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from(([127, 0, 1, round as u8], 0)))?;
    let mut stream = socket.connect(server).await?;
    // All are one client: its limit is held while they wait at the service.
    stream.write_all(b"GET /bytes/9 HTTP/1.1\r\nhost: a\r\nx-forwarded-for: 192.0.2.1\r\n\r\n").await?;
    Ok(stream)
}

/// Waits until the server has decided on so many.
fn decided(server: &Server, all: u64) -> Outcome<Outcomes> {
    let begun = Instant::now();
    loop {
        let outcomes = server.outcomes()?;
        if outcomes.all() >= all {
            return Ok(outcomes);
        }
        if begun.elapsed() > Duration::from_secs(20) {
            return Err(format!("{outcomes:?}, and not {all}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// It refills nothing of a client's during the test, so that its level is exact.
fn start(charge: Charge) -> Outcome<Server> {
    let settings = Settings {
        client: format!("1/h capacity {CAPACITY}").parse()?,
        service: "200/s capacity 1".parse()?,
        wait: Duration::from_secs(90),
        charge,
        ..Settings::default()
    };
    Server::start_thrifty(Path::new(env!("CARGO_BIN_EXE_servers")), &settings)
}

/// Lets so many ask at once, and hang up when all are in line or were admitted. Returns the memory
/// of the server while they stand there.
fn ask_and_hang_up(server: &Server, round: u64, connections: u64, held_before: u64) -> Outcome<u64> {
    let address = server.address("full");
    // The sockets belong to this runtime.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let streams = runtime.block_on(async {
        let mut streams = Vec::new();
        for _ in 0..connections {
            streams.push(ask(address, round).await?);
        }
        Ok::<_, std::io::Error>(streams)
    })?;
    // The server has read all heads when the client's limit has given each its token.
    let begun = Instant::now();
    while server.client("192.0.2.1")?.0.requests > CAPACITY - held_before - connections {
        if begun.elapsed() > Duration::from_secs(20) {
            return Err(format!("{:?} after {connections} requests", server.client("192.0.2.1")?).into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    let in_line = server.resident()?;
    // Half of them end their connections, and half reset them.
    for (i, stream) in streams.into_iter().enumerate() {
        if i % 2 == 0 {
            stream.set_zero_linger()?;
        }
        drop(stream);
    }
    Ok(in_line)
}

#[test]
fn attempts_of_those_who_hang_up_count_where_they_are_told_to() -> Outcome<()> {
    let server = start(Charge::OnAttempt)?;
    ask_and_hang_up(&server, 99, 500, 0)?;
    let outcomes = decided(&server, 500)?;
    assert!(outcomes.cancelled >= 100 && outcomes.all() == 500, "{outcomes:?}");
    assert_eq!(server.client("192.0.2.1")?.0.requests, CAPACITY - 500);
    Ok(())
}

#[test]
fn those_who_hang_up_in_line_leave_no_debt_and_no_place_and_memory_is_flat() -> Outcome<()> {
    let server = start(Charge::OnAdmission)?;
    let connections = connections();
    println!("hang-ups: {ROUNDS} rounds of {connections} connections");
    let mut resident = vec![server.resident()?];
    let mut before = Outcomes::default();
    for round in 1..=ROUNDS {
        let peak = ask_and_hang_up(&server, round, connections, before.admitted())?;
        let outcomes = decided(&server, round * connections)?;
        let cancelled = outcomes.cancelled - before.cancelled;
        assert!(cancelled >= connections * 3 / 5, "too few hung up in line: {outcomes:?}");
        assert_eq!((outcomes.all(), outcomes.refused), (round * connections, 0), "{outcomes:?}");
        // What was not admitted came back, exactly.
        let (client, bytes) = server.client("192.0.2.1")?;
        assert_eq!((client.requests, client.debt), (CAPACITY - outcomes.admitted(), 0), "{outcomes:?}");
        assert_eq!(bytes.debt, 0);
        // Nobody is in line: the service refills within 5 ms, and then owes nothing.
        std::thread::sleep(Duration::from_millis(50));
        let service = server.service()?;
        assert_eq!((service.requests, service.debt), (1, 0));
        resident.push(server.resident()?);
        println!(
            "hang-ups: round {round}: {cancelled} hung up in line, {} were admitted; resident {} KiB after, {peak} in line",
            outcomes.admitted() - before.admitted(),
            resident[round as usize],
        );
        before = outcomes;
    }
    // 30,000 connections lie between these rounds, of which each needs 20 KiB in line. The server
    // keeps its log of those that were admitted.
    let grown = resident[ROUNDS as usize].saturating_sub(resident[2]);
    println!("hang-ups: resident KiB after each round: {resident:?}; grown from round 2 to {ROUNDS}: {grown} KiB");
    assert!(grown < 1024, "{resident:?}");
    Ok(())
}
