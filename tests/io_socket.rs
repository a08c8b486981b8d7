//! Paced bytes through a real socket, in real time: what the receiver gets is within the bound, but
//! for what the buffers of the socket hold.
#![cfg(all(feature = "io", feature = "tokio"))]

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
use tollgate::{Limit, TokenBucket};

const RATE: u64 = 8 << 20;
const CAPACITY: u64 = 512 << 10;

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
    (one.unwrap(), other.unwrap().0)
}

/// A window at the receiver may get what was sent before, and lay in buffers: the whole window from
/// the start, which has nothing before it, is the one that bounds what was sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_through_a_socket_is_within_the_bound_at_the_receiver() {
    let (sender, mut receiver) = pair().await;
    let bucket = Arc::new(TokenBucket::new(Limit::per_second(RATE).capacity(CAPACITY)).unwrap());
    let mut sender = ThrottledWrite::new(sender, Payer::new().and(Arc::clone(&bucket), 1));
    let start = Instant::now();
    let sending = tokio::spawn(async move {
        let data: Vec<u8> = (0..4 << 20).map(|i: u32| (i >> 7) as u8).collect();
        sender.write_all(&data).await.unwrap();
        sender.shutdown().await.unwrap();
    });
    let (mut bytes, mut buffer) = (0_u64, vec![0; 64 << 10]);
    loop {
        let read = receiver.read(&mut buffer).await.unwrap();
        if read == 0 {
            break;
        }
        for (place, byte) in (bytes..).zip(&buffer[..read]) {
            assert_eq!(*byte, (place as u32 >> 7) as u8);
        }
        bytes += read as u64;
        // Lateness of this task only adds to the line.
        let line = CAPACITY as f64 + RATE as f64 * (start.elapsed().as_secs_f64() + 0.010);
        assert!(bytes as f64 <= line, "{bytes} bytes, where {line} are allowed after {:?}", start.elapsed());
    }
    sending.await.unwrap();
    assert_eq!(bytes, 4 << 20);
}

/// Both directions by limits of their own, and a third for all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_directions_of_a_socket_have_limits_of_their_own() {
    let (socket, peer) = pair().await;
    let limit = |rate: u64| Arc::new(TokenBucket::new(Limit::per_second(rate).capacity(64 << 10).empty()).unwrap());
    let (up, down, all) = (limit(2 << 20), limit(4 << 20), limit(1 << 30));
    let socket = ThrottledWrite::new(socket, Payer::new().and(up, 1).and(Arc::clone(&all), 1));
    let socket = ThrottledRead::new(socket, Payer::new().and(down, 1).and(all, 1));
    let (mut reads, mut writes) = tokio::io::split(socket);
    let (mut peer_reads, mut peer_writes) = peer.into_split();
    let start = Instant::now();
    let echo = tokio::spawn(async move {
        let (mut sent, mut got) = (vec![1; 1 << 20], vec![0; 512 << 10]);
        let (writing, reading) = tokio::join!(peer_writes.write_all(&sent), peer_reads.read_exact(&mut got));
        writing.unwrap();
        reading.unwrap();
        sent.clear();
        got
    });
    let up = async {
        writes.write_all(&vec![2; 512 << 10]).await.unwrap();
        start.elapsed()
    };
    let down = async {
        let mut got = vec![0; 1 << 20];
        reads.read_exact(&mut got).await.unwrap();
        assert_eq!(got, vec![1; 1 << 20]);
        start.elapsed()
    };
    let (up, down) = tokio::join!(up, down);
    // Each takes a quarter of a second, by a bucket that began empty.
    let least = Duration::from_millis(250 - 11);
    assert!(up >= least && down >= least, "{up:?} up, {down:?} down");
    assert_eq!(echo.await.unwrap(), vec![2; 512 << 10]);
}
