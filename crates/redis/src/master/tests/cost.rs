//! Owns what a decision costs the engine's processor, as the system counts it. Never a bound on
//! it.

use std::env;
use std::time::Duration;

use engines::{Kind, Options, Server};
use redis::{Client, Pipeline, cmd};
use tollgate::{Limit, Rate};

use crate::engine::connection::reply;
use crate::master::answer::Verdict;
use crate::master::ask::Ask;
use crate::master::flow::{Flow, Goal, Next};
use crate::master::seat::{Request, Seat};
use crate::master::terms::Terms;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Calls of each kind, unless `TOLLGATE_ASKS` says how many.
const CALLS: u64 = 2_000;

/// A server, and what it is asked.
struct Desk {
    server: Server,
    connection: redis::aio::MultiplexedConnection,
    calls: u64,
}

impl Desk {
    async fn new(kind: Kind) -> Outcome<Self> {
        let server = Server::start(kind, Options::default())?;
        let connection = Client::open(server.url())?.get_multiplexed_async_connection().await?;
        let calls = env::var("TOLLGATE_ASKS").ok().and_then(|calls| calls.parse().ok()).unwrap_or(CALLS);
        Ok(Self { server, connection, calls })
    }

    /// Microseconds of the server's processor for a call of a script.
    async fn cost(&mut self, text: &str, keys: &[Vec<u8>], args: &[Vec<u8>]) -> Outcome<f64> {
        let hash: String = cmd("SCRIPT").arg("LOAD").arg(text).query_async(&mut self.connection).await?;
        let before = self.server.cpu_time()?;
        for _ in 0..self.calls / 100 {
            let mut calls = Pipeline::new();
            for _ in 0..100 {
                calls.cmd("EVALSHA").arg(&hash).arg(keys.len()).arg(keys).arg(args);
            }
            calls.exec_async(&mut self.connection).await?;
        }
        let spent = self.server.cpu_time()? - before;
        Ok(spent.as_secs_f64() * 1e6 / self.calls as f64)
    }

    /// Microseconds of a trip, and what it is told at first.
    async fn trip<const N: usize>(&mut self, limit: Limit, need: u64) -> Outcome<(f64, Verdict<N>)> {
        let terms = Terms { revision: 1, limits: [limit; N], debts: [1; N] };
        let mut seat = Seat::new(&format!("{N} {limit} {need}"), None, terms)?;
        self.reach(&mut seat, Goal::Create).await?;
        let ask = Ask { need: [need; N], want: [need; N], back: [0; N], reserve: false };
        let (verdict, Request { script, keys, args }) = self.reach(&mut seat, Goal::Ask { key: None, ask }).await?;
        Ok((self.cost(script.text(), &keys, &args).await?, verdict.ok_or("no answer")?))
    }

    async fn reach<const N: usize>(
        &mut self,
        seat: &mut Seat<N>,
        goal: Goal<N>,
    ) -> Outcome<(Option<Verdict<N>>, Request)> {
        let (mut flow, mut request) = Flow::begin(seat, goal);
        loop {
            let mut call = cmd("EVAL");
            call.arg(request.script.text()).arg(request.keys.len()).arg(&request.keys).arg(&request.args);
            match flow.replied(seat, &reply(call.query_async(&mut self.connection).await?))? {
                Next::Send(next) => request = next,
                Next::Answered(answer) => return Ok((Some(answer.verdict), request)),
                Next::Done => return Ok((None, request)),
            }
        }
    }
}

#[tokio::test]
async fn each_kind_of_decision_is_counted() -> Outcome<()> {
    for kind in Kind::ALL {
        let mut desk = Desk::new(kind).await?;
        let native = Limit::per_second(1_000_000).capacity(1_000_000_000);
        let wide = Limit::new(Rate::new(1_000_000_007, Duration::from_nanos(1_000_000_009))?, 1 << 50);
        let mut rows = vec![("an empty script".to_owned(), desk.cost("return 1", &[], &[]).await?)];
        let info = "return redis.call('INFO', 'replication')";
        rows.push(("INFO alone".to_owned(), desk.cost(info, &[], &[]).await?));
        for (name, limit) in [("native", native), ("wide", wide)] {
            let granted = [
                desk.trip::<1>(limit, 1).await.map(|(cost, verdict)| (1, cost, format!("{verdict:?}")))?,
                desk.trip::<2>(limit, 1).await.map(|(cost, verdict)| (2, cost, format!("{verdict:?}")))?,
                desk.trip::<4>(limit, 1).await.map(|(cost, verdict)| (4, cost, format!("{verdict:?}")))?,
            ];
            for (n, cost, verdict) in granted {
                assert!(verdict.starts_with("Granted"), "{verdict}");
                rows.push((format!("{name}, {n} streams"), cost));
            }
            let (cost, verdict) = desk.trip::<1>(limit, limit.capacity + 1).await?;
            assert!(matches!(verdict, Verdict::Never { .. }), "{verdict:?}");
            rows.push((format!("{name}, refused"), cost));
        }
        println!("{kind}: microseconds of its processor for a call");
        for (what, cost) in rows {
            println!("| {what} | {cost:.1} |");
        }
    }
    Ok(())
}
