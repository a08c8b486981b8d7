//! Owns engines that are not as they should be, and texts that nobody wrote. Never a limit that
//! holds.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::Limit;

use super::places::{LIMIT, Outcome, granted, joined, server, taken};
use crate::engine::Engine;
use crate::error::FleetError;
use crate::master::answer::Verdict;
use crate::master::ask::Ask;
use crate::master::master::{Master, terms};

/// Gives these back, and takes nothing.
const fn back(tokens: u64) -> Ask<1> {
    Ask { need: [0], want: [0], back: [tokens], reserve: false }
}

#[tokio::test]
async fn a_state_lives_as_long_as_it_takes_to_fill_and_a_head_stays() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        // Full in 101 hours from the lowest, and after one token in one.
        let mut place = joined(&server, [LIMIT], true).await?;
        assert_eq!(taken(&mut place, [1]).await?, granted([1]));
        let lives: i64 = server.cli(&["PTTL", "tollgate:{orders}:s"])?.parse()?;
        assert!((3600 * 101 - 60..=3600 * 101).contains(&(lives / 1000)), "{lives} ms");
        assert_eq!(server.cli(&["PTTL", "tollgate:{orders}"])?, "-1");
    }
    Ok(())
}

#[tokio::test]
async fn keys_leave_the_engine_once_they_are_full() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let limit = Limit::per_second(100).capacity(50);
        let keys = Master::join_keys(&Engine::open(server.url())?, "clients", [limit], None, true).await?;
        assert_eq!(server.cli(&["DBSIZE"])?, "16");
        for client in 0..100 {
            assert_eq!(taken(&mut keys.of_key(&format!("client {client}")), [50]).await?, granted([50]));
        }
        assert!(server.cli(&["DBSIZE"])?.parse::<u32>()? > 16);
        // The engine removes what has expired when it is looked for, and a little at a time.
        for _ in 0..100 {
            server.cli(&["KEYS", "*"])?;
            if server.cli(&["DBSIZE"])? == "16" {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(server.cli(&["DBSIZE"])?, "16");
        assert_eq!(taken(&mut keys.of_key("client 7"), [50]).await?, granted([50]));
    }
    Ok(())
}

#[tokio::test]
async fn what_nobody_wrote_is_an_error_and_never_a_grant() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let mut place = joined(&server, [LIMIT], true).await?;
        let (head, state) = ("tollgate:{orders}", "tollgate:{orders}:s");
        assert_eq!(taken(&mut place, [1]).await?, granted([1]));
        let (good_head, good_state) = (server.cli(&["GET", head])?, server.cli(&["GET", state])?);
        let parts: Vec<&str> = good_head.split('|').collect();
        let with = |place: usize, part: &str| {
            let mut parts = parts.clone();
            parts[place] = part;
            parts.join("|")
        };
        let front = good_state.split_once('|').ok_or("no levels")?.0;
        for (key, good, bad) in [
            (head, &good_head, "x".to_owned()),
            (head, &good_head, "2 9 9 f||||".to_owned()),
            (head, &good_head, with(2, "")),
            (head, &good_head, with(2, "many")),
            (head, &good_head, with(2, "1 2")),
            (head, &good_head, with(1, "1 n 0 0 0 0 0")),
            (state, &good_state, "x".to_owned()),
            (state, &good_state, "1|".to_owned()),
            (state, &good_state, format!("{front}|")),
            (state, &good_state, format!("{front}|many")),
            (state, &good_state, format!("{front}|360000000000 1")),
        ] {
            server.cli(&["SET", key, &bad])?;
            let error = taken(&mut place, [1]).await.expect_err(&bad);
            assert!(matches!(error, FleetError::Malformed { .. }), "{bad}: {error}");
            server.cli(&["SET", key, good])?;
        }
        // A state in terms that nobody remembers is as low as can be.
        server.cli(&["SET", state, &good_state.replacen(" 1 ", " 7 ", 1)])?;
        assert!(matches!(taken(&mut place, [1]).await?, Verdict::NotYet { .. }));
        server.cli(&["DEL", state])?;
        server.cli(&["LPUSH", state, "x"])?;
        let error = taken(&mut place, [1]).await.expect_err("a list");
        assert!(matches!(&error, FleetError::Engine { said } if said.contains("WRONGTYPE")), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn debts_that_were_set_outlive_a_change_of_limits() -> Outcome {
    let server = server(Kind::Redis7);
    let engine = Engine::open(server.url())?;
    let mut place = Master::join(&engine, "orders", [LIMIT], Some([9]), true).await?;
    assert_eq!(place.set_limits([LIMIT.capacity(200)]).await?.debts, [9]);
    let mut keys = Master::join_keys(&engine, "clients", [LIMIT], Some([9]), true).await?;
    assert_eq!(keys.set_limits([LIMIT.capacity(200)]).await?.debts, [9]);
    let mut unset = Master::join(&engine, "others", [Limit::per_second(100)], None, true).await?;
    assert_eq!(unset.set_limits([Limit::per_second(1000)]).await?.debts, [100]);
    Ok(())
}

#[tokio::test]
async fn a_change_that_ended_half_way_is_mended_by_another() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let engine = Engine::open(server.url())?;
        let join = || Master::join_keys(&engine, "clients", [LIMIT], None, true);
        let (mut keys, old) = (join().await?, join().await?);
        let (lost, kept) = (LIMIT.capacity(7), LIMIT.capacity(8));
        assert_eq!(keys.spread_limits(terms([lost], None)?, 8).await?.revision, 2);
        // Whoever joins half-way carries the later limits on.
        assert_eq!(join().await?.terms().limits, [lost]);
        let mut again = join().await?;
        again.spread_limits(terms([kept], None)?, 5).await?;
        // Who knows the change that ended half-way only, and who knows none, call it again.
        for mut place in [keys, old] {
            assert_eq!(place.set_limits([kept]).await?.limits, [kept]);
            for client in 0..40 {
                let mut client = place.of_key(&format!("client {client}"));
                assert!(matches!(taken(&mut client, [9]).await?, Verdict::Never { capacity: 8, .. }));
            }
            assert_eq!(join().await?.terms(), place.terms());
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_replica_is_named_and_its_master_is_used_if_it_is_named_too() -> Outcome {
    for kind in Kind::ALL {
        let (master, replica) = (server(kind), server(kind));
        replica.replicate(&master)?;
        let error = joined(&replica, [LIMIT], true).await.expect_err("a replica takes no writes");
        let address = format!("127.0.0.1:{}", replica.port());
        assert_eq!(error, FleetError::ReadOnly { address });
        let both = Engine::cluster([replica.url(), master.url()])?;
        let mut place = Master::join(&both, "orders", [LIMIT], None, true).await?;
        assert_eq!(taken(&mut place, [100]).await?, granted([100]));
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_whose_memory_is_full_is_named_and_loses_nothing() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let mut place = joined(&server, [LIMIT], true).await?;
        assert_eq!(taken(&mut place, [60]).await?, granted([60]));
        server.cli(&["CONFIG", "SET", "maxmemory", "1"])?;
        let error = place.ask(&back(10)).await.expect_err("no memory");
        // Nothing was done, so what was to come back may be sent again.
        assert!(error.is_unsent());
        assert_eq!(error.into_error(), FleetError::OutOfMemory { address: format!("127.0.0.1:{}", server.port()) });
        server.cli(&["CONFIG", "SET", "maxmemory", "0"])?;
        assert_eq!(place.ask(&back(10)).await.map_err(|error| error.into_error())?.level, [50]);
    }
    Ok(())
}

#[tokio::test]
async fn the_rights_that_the_error_names_are_the_ones_that_are_needed() -> Outcome {
    const RIGHTS: [&str; 6] = ["+eval", "+evalsha", "+get", "+set", "+del", "+time"];
    for kind in Kind::ALL {
        let server = server(kind);
        let works = async |name: &str, without: Option<&str>| {
            server.cli(&["FLUSHALL"]).expect("it answers");
            server.cli(&["SCRIPT", "FLUSH"]).expect("it answers");
            let rights = RIGHTS.into_iter().filter(|right| Some(*right) != without);
            let rules: Vec<&str> =
                ["ACL", "SETUSER", name, "on", ">word", "~tollgate:*"].into_iter().chain(rights).collect();
            server.cli(&rules).expect("a user");
            let engine = Engine::open(server.url())?.user(name).password("word");
            let limit = Limit::per_second(1000).capacity(10);
            let mut place = Master::join(&engine, "orders", [limit], None, true).await?;
            taken(&mut place, [5]).await?;
            // What comes back makes it full, once an absent state counts as full.
            tokio::time::sleep(Duration::from_millis(150)).await;
            place.ask(&back(10)).await.map_err(|error| error.into_error())?;
            Ok::<_, FleetError>(engine.warnings().len())
        };
        assert_eq!(works("all", None).await?, 2, "INFO is warned of");
        for right in RIGHTS {
            let error = works(&right[1..], Some(right)).await.expect_err(right);
            assert!(matches!(error, FleetError::Permission { .. }), "{right}: {error:?}");
            assert!(error.to_string().contains(&right[1..]), "{error}");
        }
    }
    Ok(())
}

/// A server that says what it is told to, in answer to INFO and to scripts, for as long as somebody
/// is connected.
fn pretender(info: &'static str, script: &'static str) -> Result<Engine, Box<dyn std::error::Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let engine = Engine::open(format!("redis://{}", listener.local_addr()?))?;
    thread::spawn(move || listener.accept().and_then(|(stream, _)| pretend(stream, info, script)));
    Ok(engine)
}

fn pretend(stream: TcpStream, info: &str, script: &str) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let number = |stream: &mut BufReader<TcpStream>| -> std::io::Result<Option<usize>> {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        Ok(line.get(1..).and_then(|digits| digits.trim_end().parse().ok()))
    };
    while let Some(words) = number(&mut stream)? {
        let mut first = String::new();
        for place in 0..words {
            let mut word = vec![0; number(&mut stream)?.unwrap_or(0) + 2];
            stream.read_exact(&mut word)?;
            if place == 0 {
                first = String::from_utf8_lossy(&word).trim_end().to_uppercase();
            }
        }
        let answer = match &*first {
            "INFO" => format!("${}\r\n{info}\r\n", info.len()),
            "EVALSHA" => script.to_owned(),
            "CLUSTER" => "-ERR no cluster\r\n".to_owned(),
            _ => "+OK\r\n".to_owned(),
        };
        stream.get_mut().write_all(answer.as_bytes())?;
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_too_old_or_has_no_identity_is_refused() -> Outcome {
    let old = pretender("redis_version:6.2.14", "*4\r\n:0\r\n:1\r\n$1\r\nf\r\n$0\r\n\r\n")?;
    let error = Master::join(&old, "orders", [LIMIT], None, true).await.expect_err("too old");
    assert_eq!(error, FleetError::TooOld { version: "6.2.14".to_owned() });
    let nobody = pretender("redis_version:7.0.0", "*4\r\n:0\r\n:1\r\n$0\r\n\r\n$0\r\n\r\n")?;
    let error = Master::join(&nobody, "orders", [LIMIT], None, true).await.expect_err("no identity");
    assert_eq!(error, FleetError::NoIdentity);
    let strange = pretender("redis_version:7.0.0", "*1\r\n+what\r\n")?;
    let error = Master::join(&strange, "orders", [LIMIT], None, true).await.expect_err("a strange reply");
    assert!(matches!(error, FleetError::Malformed { what: "reply", .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn an_authority_that_does_not_vouch_for_the_engine_is_told() -> Outcome {
    for kind in Kind::ALL {
        let options = || Options { tls: true, ..Options::default() };
        let (server, other) = (Server::start(kind, options())?, Server::start(kind, options())?);
        let engine = Engine::open(server.url())?.authority(other.authority());
        let error = Master::join(&engine, "orders", [LIMIT], None, true).await.expect_err("a wrong authority");
        let FleetError::Unreachable { why, .. } = &error else { panic!("{error:?}") };
        assert!(why.contains("certificate"), "{why}");
        let file = engine.authority("/nowhere/authority.pem");
        let error = Master::join(&file, "orders", [LIMIT], None, true).await.expect_err("no file");
        assert!(error.to_string().starts_with("authority /nowhere/authority.pem: No such file"), "{error}");
    }
    Ok(())
}
