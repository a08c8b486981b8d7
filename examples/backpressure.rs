//! Producers drop a record immediately if the bucket cannot grant it before its deadline.
//!
//! Records arrive twice as fast as the limit allows. Without a deadline they would queue up for
//! ever. Here the producer calls `take_timeout` with the rest of the record's 50 ms. The answer is
//! immediate: a place in the line that is in time, or a refusal. A dropped record costs no token.
//! The other records go to a peer.
//!
//! ```text
//! cargo run --release --features tokio --example backpressure
//! ```

#[path = "common/command.rs"]
mod command;

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::ops::AddAssign;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};
use tollgate::{Clock, Limit, MultiBucket, Refused};

use command::Usage;

const PRODUCERS: usize = 8;
const RECORDS_EACH: usize = 500;
/// The time between two records of a producer.
///
/// Together the producers offer 2000 records and about 500 kB a second.
const EVERY: Duration = Duration::from_millis(4);
const WORTH_SENDING: Duration = Duration::from_millis(50);

type Failure = Box<dyn Error + Send + Sync>;

/// A number of records and their bytes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
struct Count([u64; 2]);

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.0[0] += other.0[0];
        self.0[1] += other.0[1];
    }
}

/// The outcome of a producer's records.
#[derive(Default)]
struct Sent {
    admitted: Count,
    dropped: Count,
    /// The longest time from a record's arrival until it was written.
    longest: Duration,
}

const USAGE: Usage = Usage::plain("Producers drop a record at once if the bucket cannot grant it before its deadline.");

fn main() -> ExitCode {
    command::run(&USAGE, command::no_arguments, |()| serve())
}

#[tokio::main]
async fn serve() -> Result<(), Failure> {
    let limits = [Limit::per_second(1000).capacity(50), Limit::per_second(300_000).capacity(15_000)];
    let bucket = Arc::new(MultiBucket::new(limits)?);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let peer = tokio::spawn(peer(listener));

    let start = bucket.clock().now();
    let mut producers = JoinSet::new();
    for number in 0..PRODUCERS {
        producers.spawn(produce(number, bucket.clone(), address));
    }
    let mut sent = Sent::default();
    while let Some(one) = producers.join_next().await {
        let one = one??;
        sent.admitted += one.admitted;
        sent.dropped += one.dropped;
        sent.longest = sent.longest.max(one.longest);
    }
    let seconds = bucket.clock().now().since(start).as_secs_f64();
    let received = peer.await??;

    println!("{PRODUCERS} producers, {seconds:.2} s, longest from arrival to sending {} ms", sent.longest.as_millis());
    println!(
        "{:>8}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}",
        "", "admitted", "at most", "received", "dropped", "rate", "limit"
    );
    for (stream, name) in ["records", "bytes"].into_iter().enumerate() {
        let (admitted, limit) = (sent.admitted.0[stream], limits[stream]);
        let rate = admitted as f64 / seconds;
        let [received, dropped] = [received.0[stream], sent.dropped.0[stream]];
        let most = limit.capacity as f64 + limit.rate.tokens() as f64 * seconds;
        let limit = limit.rate.to_string();
        println!("{name:>8}{admitted:>10}{most:>10.0}{received:>10}{dropped:>10}{rate:>10.0}/s{limit:>12}");
        assert!(admitted as f64 <= most, "{admitted} {name} were admitted, and the bound is {most}");
    }
    assert_eq!(received, sent.admitted, "the peer received what was admitted, and nothing else");
    let offered = sent.admitted.0[0] + sent.dropped.0[0];
    assert_eq!(offered, (PRODUCERS * RECORDS_EACH) as u64, "every record was admitted or dropped");
    Ok(())
}

/// Gets a record every few milliseconds, and sends it if that is in time.
async fn produce(number: usize, bucket: Arc<MultiBucket<2>>, address: SocketAddr) -> Result<Sent, Failure> {
    let mut peer = TcpStream::connect(address).await?;
    peer.set_nodelay(true)?;
    let mut sent = Sent::default();
    let mut arrivals = interval(EVERY);
    for i in 0..RECORDS_EACH {
        // The record may have arrived while the producer waited for the one before. Its time counts
        // from its arrival.
        let arrived = arrivals.tick().await;
        let left = (arrived + WORTH_SENDING).saturating_duration_since(Instant::now());
        let record = format!("{number} {i} {}\n", "x".repeat(100 + 61 * i % 300));
        let amounts = [1, record.len() as u64];
        match bucket.take_timeout(amounts, left).await {
            Ok(_) => {
                peer.write_all(record.as_bytes()).await?;
                sent.admitted += Count(amounts);
                sent.longest = sent.longest.max(arrived.elapsed());
            }
            Err(Refused::NotYet(_)) => sent.dropped += Count(amounts),
            Err(never) => return Err(never.into()),
        }
    }
    Ok(sent)
}

/// Counts the arriving lines and bytes until every producer has closed its connection.
async fn peer(listener: TcpListener) -> io::Result<Count> {
    let mut connections = JoinSet::new();
    for _ in 0..PRODUCERS {
        let (stream, _) = listener.accept().await?;
        connections.spawn(async move {
            let (mut lines, mut line, mut count) = (BufReader::new(stream), Vec::new(), Count::default());
            while lines.read_until(b'\n', &mut line).await? > 0 {
                count += Count([1, line.len() as u64]);
                line.clear();
            }
            io::Result::Ok(count)
        });
    }
    let mut received = Count::default();
    while let Some(count) = connections.join_next().await {
        received += count??;
    }
    Ok(received)
}
