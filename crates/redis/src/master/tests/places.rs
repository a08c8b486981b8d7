//! Owns joining, trips and changes on real engines. Never a model.

use std::time::Duration;

use engines::{Kind, Options, Server};
use tollgate::{Limit, Rate};

use crate::engine::{Engine, EngineWarning, Evictions};
use crate::error::FleetError;
use crate::master::answer::Verdict;
use crate::master::ask::Ask;
use crate::master::master::Master;

pub(super) type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

pub(super) const LIMIT: Limit = Limit::per_hour(1).capacity(100);

pub(super) fn server(kind: Kind) -> Server {
    Server::start(kind, Options::default()).expect("the engine starts")
}

pub(super) async fn joined<const N: usize>(
    server: &Server,
    limits: [Limit; N],
    creates: bool,
) -> Result<Master<N>, FleetError> {
    Master::join(&Engine::open(server.url())?, "orders", limits, None, creates).await
}

pub(super) async fn taken<const N: usize>(master: &mut Master<N>, need: [u64; N]) -> Result<Verdict<N>, FleetError> {
    let ask = Ask { need, want: need, back: [0; N], reserve: false };
    master.ask(&ask).await.map(|answer| answer.verdict).map_err(|error| error.into_error())
}

pub(super) fn granted<const N: usize>(tokens: [u64; N]) -> Verdict<N> {
    Verdict::Granted { tokens, after: Duration::ZERO }
}

#[tokio::test]
async fn one_limit_is_shared_and_counted_to_the_token() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let (mut a, mut b) = (joined(&server, [LIMIT], true).await?, joined(&server, [LIMIT], true).await?);
        assert_eq!(taken(&mut a, [60]).await?, granted([60]));
        assert!(matches!(taken(&mut b, [41]).await?, Verdict::NotYet { stream: 0, .. }));
        let returns = Ask { need: [0], want: [0], back: [10], reserve: false };
        assert_eq!(b.ask(&returns).await.map_err(|error| error.into_error())?.level, [50]);
        assert_eq!(taken(&mut b, [50]).await?, granted([50]));
        assert_eq!(taken(&mut b, [101]).await?, Verdict::Never { stream: 0, capacity: 100 });
    }
    Ok(())
}

#[tokio::test]
async fn a_limit_beyond_the_numbers_of_lua_is_exact() -> Outcome {
    let wide = Limit::new(Rate::new(7, Duration::from_nanos(1_000_000_000_000_037))?, 4_000_000);
    for kind in Kind::ALL {
        let server = server(kind);
        let mut place = joined(&server, [wide, LIMIT], true).await?;
        assert_eq!(taken(&mut place, [3_999_999, 1]).await?, granted([3_999_999, 1]));
        assert!(matches!(taken(&mut place, [2, 1]).await?, Verdict::NotYet { stream: 0, .. }));
        assert_eq!(taken(&mut place, [1, 99]).await?, granted([1, 99]));
    }
    Ok(())
}

#[tokio::test]
async fn what_the_engine_forgot_begins_at_the_lowest() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let mut place = joined(&server, [LIMIT], true).await?;
        assert_eq!(taken(&mut place, [1]).await?, granted([1]));
        let epoch = place.ask(&Ask { need: [0], want: [0], back: [0], reserve: false }).await;
        server.cli(&["FLUSHALL"])?;
        server.cli(&["SCRIPT", "FLUSH"])?;
        let answer = place.ask(&Ask { need: [0], want: [100], back: [0], reserve: false }).await;
        let (epoch, answer) = (epoch.map_err(|e| e.into_error())?.epoch, answer.map_err(|e| e.into_error())?);
        assert_eq!((answer.verdict, answer.level), (granted([0]), [-1]));
        assert!(answer.epoch > epoch);
    }
    Ok(())
}

#[tokio::test]
async fn a_change_of_limits_reaches_all_and_keeps_what_is_owed() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let (mut a, mut b) = (joined(&server, [LIMIT], true).await?, joined(&server, [LIMIT], true).await?);
        assert_eq!(taken(&mut a, [90]).await?, granted([90]));
        let more = LIMIT.capacity(1000);
        assert_eq!(b.set_limits([more]).await?.revision, 2);
        // What was there stays there, and no more than that.
        assert!(matches!(taken(&mut a, [11]).await?, Verdict::NotYet { .. }));
        assert_eq!((a.terms().revision, a.terms().limits), (2, [more]));
        assert_eq!(taken(&mut a, [10]).await?, granted([10]));
        // Who joins later, with the limits of then, gets those of now.
        let mut late = joined(&server, [LIMIT], false).await?;
        assert_eq!(late.terms().limits, [more]);
        assert!(matches!(taken(&mut late, [1]).await?, Verdict::NotYet { .. }));
    }
    Ok(())
}

#[tokio::test]
async fn limits_that_differ_are_named() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        joined(&server, [LIMIT], true).await?;
        let other = LIMIT.capacity(101);
        let error = joined(&server, [other], false).await.expect_err("limits differ");
        assert_eq!(error, FleetError::LimitsDiffer { ours: vec![other], theirs: vec![LIMIT] });
    }
    Ok(())
}

#[tokio::test]
async fn each_key_has_its_own_level() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let keys = Master::join_keys(&Engine::open(server.url())?, "clients", [LIMIT], None, true).await?;
        for client in 0..40 {
            let mut place = keys.of_key(&format!("client {client}"));
            assert_eq!(taken(&mut place, [100]).await?, granted([100]));
            assert!(matches!(taken(&mut place, [1]).await?, Verdict::NotYet { .. }));
        }
        let mut all = keys.clone();
        all.set_limits([LIMIT.capacity(7)]).await?;
        assert!(matches!(taken(&mut keys.of_key("client 7"), [8]).await?, Verdict::Never { capacity: 7, .. }));
        assert_eq!(taken(&mut keys.of_key("another"), [7]).await?, granted([7]));
    }
    Ok(())
}

#[tokio::test]
async fn another_server_is_noticed_by_the_script() -> Outcome {
    for kind in Kind::ALL {
        let (master, replica) = (server(kind), server(kind));
        replica.replicate(&master)?;
        let mut place = joined(&master, [LIMIT], true).await?;
        replica.catch_up_with(&master)?;
        replica.cut_link()?;
        assert_eq!(taken(&mut place, [100]).await?, granted([100]));
        replica.promote()?;
        let mut after = joined(&replica, [LIMIT], true).await?;
        let answer = after.ask(&Ask { need: [0], want: [100], back: [0], reserve: false }).await;
        assert_eq!(answer.map(|answer| answer.verdict).map_err(|error| error.into_error())?, granted([0]));
    }
    Ok(())
}

#[tokio::test]
async fn a_password_tls_and_a_new_protocol_are_spoken() -> Outcome {
    for kind in Kind::ALL {
        let options = Options { password: Some("open sesame".into()), tls: true, ..Options::default() };
        let server = Server::start(kind, options)?;
        let address = format!("rediss://127.0.0.1:{}/?protocol=resp3", server.port());
        let engine = Engine::open(&address)?.authority(server.authority()).password("open sesame");
        let mut place = Master::join(&engine, "orders", [LIMIT], None, true).await?;
        assert_eq!(taken(&mut place, [100]).await?, granted([100]));
        let wrong = engine.clone().password("sesame");
        let error = Master::join(&wrong, "orders", [LIMIT], None, true).await.expect_err("a wrong password");
        assert!(matches!(error, FleetError::Password { .. }), "{error}");
        let stranger = Engine::open(&address)?.password("open sesame");
        let error = Master::join(&stranger, "orders", [LIMIT], None, true).await.expect_err("an unknown authority");
        assert!(matches!(error, FleetError::Unreachable { .. }), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_named() -> Outcome {
    let mut server = server(Kind::Redis7);
    let mut place = joined(&server, [LIMIT], true).await?;
    server.kill()?;
    let error = joined(&server, [LIMIT], true).await.expect_err("nobody listens");
    assert!(matches!(&error, FleetError::Unreachable { address, .. } if address.contains("127.0.0.1")), "{error}");
    // The first call may have been done, as far as anybody knows; the second was certainly not.
    let ask = Ask { need: [1], want: [1], back: [0], reserve: false };
    assert!(!place.ask(&ask).await.expect_err("killed").is_unsent());
    assert!(place.ask(&ask).await.expect_err("killed").is_unsent());
    server.restart()?;
    assert_eq!(taken(&mut place, [0]).await?, granted([0]));
    assert!(matches!(taken(&mut place, [1]).await?, Verdict::NotYet { .. }), "it has forgotten all");
    for address in ["", "redis", "http://localhost", "redis://", "redis://host:port"] {
        assert!(matches!(Engine::open(address), Err(FleetError::Address { .. })), "{address}");
    }
    Ok(())
}

#[tokio::test]
async fn evictions_are_refused_or_warned_of() -> Outcome {
    for kind in Kind::ALL {
        let config = vec![("maxmemory".into(), "100mb".into())];
        let maxmemory_policy = Some("allkeys-lru".into());
        let server = Server::start(kind, Options { maxmemory_policy, config, ..Options::default() })?;
        let error = joined(&server, [LIMIT], true).await.expect_err("it evicts");
        assert_eq!(error, FleetError::Evicts { policy: "allkeys-lru".into() });
        let engine = Engine::open(server.url())?.evictions(Evictions::Warn);
        let mut place = Master::join(&engine, "orders", [LIMIT], None, true).await?;
        assert_eq!(taken(&mut place, [1]).await?, granted([1]));
        assert_eq!(engine.warnings(), [EngineWarning::Evicts { policy: "allkeys-lru".into() }]);
    }
    Ok(())
}

#[tokio::test]
async fn a_user_who_may_not_do_what_is_needed_is_told() -> Outcome {
    for kind in Kind::ALL {
        let server = server(kind);
        let user = |name: &str, rules: &[&str]| {
            let words = [&["ACL", "SETUSER", name, "on", ">word", "~tollgate:*"], rules].concat();
            server.cli(&words).map(|_| Engine::open(server.url()).expect("an address").user(name).password("word"))
        };
        let unfenced = user("blind", &["+@all", "-info"])?;
        let mut place = Master::join(&unfenced, "orders", [LIMIT], None, true).await?;
        assert_eq!(taken(&mut place, [100]).await?, granted([100]));
        let warnings = unfenced.warnings();
        assert!(
            matches!(warnings[..], [EngineWarning::Unfenced { .. }, EngineWarning::Unchecked { .. }]),
            "{warnings:?}"
        );
        for rules in [["+@all", "-evalsha"], ["+@all", "-time"], ["+@all", "-get"]] {
            let engine = user(rules[1].trim_start_matches('-'), &rules)?;
            let error = Master::join(&engine, "orders", [LIMIT], None, true).await.expect_err("forbidden");
            assert!(matches!(error, FleetError::Permission { .. } | FleetError::Engine { .. }), "{rules:?}: {error:?}");
        }
    }
    Ok(())
}
