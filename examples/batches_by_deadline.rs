//! Producers queue records with deadlines, and a driver sends them in batches to each shard.
//!
//! Each shard takes 1000 records and 300 kB a second, and the records come a little faster. A batch
//! is one write of at most 100 records. It goes when it is full, when a deadline passes, or after
//! 20 ms. Records that waited for half a second expire. One shard is paused for a while, as after a
//! refusal by its peer; the other one goes on.
//!
//! ```text
//! cargo run --release --features tokio --example batches_by_deadline
//! ```

#[path = "common/command.rs"]
mod command;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::interval;
use tollgate::deadline::{Drained, Entry, ShardedDeadlineQueue};
use tollgate::wait::TokioTimer;
use tollgate::{Clock, Limit, MultiBucket};

use command::Usage;

const RECORDS: usize = 2500;
const LINGER: Duration = Duration::from_millis(20);
const MOST_OF_A_BATCH: usize = 100;

type Failure = Box<dyn Error + Send + Sync>;
type Shards = ShardedDeadlineQueue<usize, String, 2>;

/// A shard's connection, and what became of its records.
struct Peer {
    wire: TcpStream,
    sent: usize,
    expired: usize,
    batches: usize,
}

const USAGE: Usage = Usage::plain("Producers queue records with deadlines, and a driver sends them in batches.");

fn main() -> ExitCode {
    command::run(&USAGE, command::no_arguments, |()| serve())
}

#[tokio::main]
async fn serve() -> Result<(), Failure> {
    let limits = [Limit::per_second(1000).capacity(100), Limit::per_second(300_000).capacity(30_000)];
    let shards = Arc::new(Shards::new(move |_, clock| MultiBucket::with_clock(limits, clock)));
    let (mut peers, mut sinks) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (wire, sink) = connect().await?;
        peers.push(Arc::new(Mutex::new(Peer { wire, sent: 0, expired: 0, batches: 0 })));
        sinks.push(sink);
    }
    let start = shards.clock().now();
    let producer = tokio::spawn(produce(Arc::clone(&shards)));

    // It ends when the producer has closed the queue, and nothing is left in it.
    shards.run(TokioTimer, LINGER, MOST_OF_A_BATCH, |shard, batch| send(Arc::clone(&peers[shard]), batch)).await;
    producer.await??;

    let seconds = shards.clock().now().since(start).as_secs_f64();
    println!("{:>6}{:>8}{:>10}{:>10}{:>10}{:>10}", "shard", "sent", "received", "expired", "batches", "at most");
    for (shard, (peer, sink)) in peers.into_iter().zip(sinks).enumerate() {
        let Peer { wire, sent, expired, batches } = Arc::into_inner(peer).expect("no batch is under way").into_inner();
        drop(wire);
        let received = sink.await??;
        let most = limits[0].capacity as f64 + limits[0].rate.tokens() as f64 * seconds;
        println!("{shard:>6}{sent:>8}{received:>10}{expired:>10}{batches:>10}{most:>10.0}");
        assert_eq!((received, sent + expired), (sent, RECORDS), "each record once");
        assert!(sent as f64 <= most);
    }
    Ok(())
}

/// Writes the admitted records at once. Expired ones were never sent.
async fn send(peer: Arc<Mutex<Peer>>, batch: Drained<String>) {
    let mut peer = peer.lock().await;
    peer.expired += batch.expired.len();
    if !batch.admitted.is_empty() {
        peer.wire.write_all(batch.admitted.concat().as_bytes()).await.expect("the peer reads to the end");
        peer.sent += batch.admitted.len();
        peer.batches += 1;
    }
}

/// Queues a record for each shard every few hundred microseconds, and pauses one for a while.
async fn produce(shards: Arc<Shards>) -> Result<(), Failure> {
    let mut ticks = interval(Duration::from_millis(4));
    for i in 0..RECORDS {
        if i % 5 == 0 {
            ticks.tick().await;
        }
        for shard in 0..2 {
            let now = shards.clock().now();
            let record = format!("{i} {}\n", "x".repeat(100 + 61 * i % 300));
            let amounts = [1, record.len() as u64];
            // Every tenth record is urgent: it leaves first, and its batch does not linger.
            let wait = Duration::from_millis(if i % 10 == 0 { 5 } else { 200 });
            let entry = Entry::new(record, amounts).deadline(now.after(wait));
            shards.push(shard, entry.expires(now.after(Duration::from_millis(500))))?;
        }
        if i == RECORDS / 2 {
            shards.with_bucket(&1, |bucket| bucket.pause_for(Duration::from_millis(300)))?;
        }
    }
    shards.close();
    Ok(())
}

/// Connects to a sink that counts lines until the connection ends.
async fn connect() -> io::Result<(TcpStream, JoinHandle<io::Result<usize>>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let wire = TcpStream::connect(listener.local_addr()?).await?;
    wire.set_nodelay(true)?;
    let (accepted, _) = listener.accept().await?;
    let sink = tokio::spawn(async move {
        let (mut lines, mut line, mut count) = (BufReader::new(accepted), Vec::new(), 0);
        while lines.read_until(b'\n', &mut line).await? > 0 {
            count += 1;
            line.clear();
        }
        Ok(count)
    });
    Ok((wire, sink))
}
