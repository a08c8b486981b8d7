//! What users do with paced bytes: slow limits and large buffers, proxies, limits that change while
//! a read was given up, and writers that rest.
#![cfg(all(feature = "io", feature = "tokio"))]

mod common;
mod paced;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::task::Poll;
use std::time::Duration;

use paced::{Inner, Manner, byte, once};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tollgate::clock::{ManualClock, TokioClock};
use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
use tollgate::{Limit, MultiBucket, Never, Rate, Refused, TokenBucket};

const MS: Duration = Duration::from_millis(1);

fn bucket(limit: Limit) -> Arc<MultiBucket<1, TokioClock>> {
    Arc::new(MultiBucket::with_clock([limit], TokioClock::new()).unwrap())
}

/// A bucket that never refills.
fn fixed(tokens: u64) -> Arc<TokenBucket<ManualClock>> {
    Arc::new(TokenBucket::with_clock(Limit::per_second(0).capacity(tokens), ManualClock::new()).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_large_buffer_waits_no_longer_than_a_small_one() {
    for rate in [1, 100, 1000, 40_000, 1_000_000] {
        let mut waits = Vec::new();
        for buffer in [1, 100, 8192, 1 << 20] {
            let bucket = bucket(Limit::per_second(rate).capacity(1_000_000).empty());
            let mut reader = ThrottledRead::new(tokio::io::repeat(7), Payer::new().and(bucket, [1]));
            let start = Instant::now();
            assert!(reader.read(&mut vec![0; buffer]).await.unwrap() > 0);
            waits.push(start.elapsed());
        }
        assert_eq!(waits, [(10 * MS).max(Duration::from_secs(1) / rate as u32); 4], "{rate}/s");
    }
}

#[tokio::test(start_paused = true)]
async fn buffers_of_all_sizes_get_equal_shares_of_a_slow_limit() {
    for rate in [1000, 10_000, 40_000] {
        let bucket = bucket(Limit::per_second(rate).empty());
        let sums = [1, 10, 100, 1000, 65_536].map(|buffer| {
            let payer = Payer::new().and(Arc::clone(&bucket), [1]);
            let mut reader = ThrottledRead::new(tokio::io::repeat(7), payer);
            let sum = Arc::new(AtomicU64::new(0));
            let read = Arc::clone(&sum);
            tokio::spawn(async move {
                let mut out = vec![0; buffer];
                loop {
                    read.fetch_add(reader.read(&mut out).await.unwrap() as u64, SeqCst);
                }
            });
            sum
        });
        tokio::time::sleep(Duration::from_secs(60)).await;
        let sums = sums.map(|sum| sum.load(SeqCst));
        assert!(sums.iter().sum::<u64>() >= 59 * rate, "{rate}/s: {sums:?}");
        assert!(sums.iter().all(|sum| sum.abs_diff(12 * rate) <= rate), "{rate}/s: {sums:?}");
    }
}

/// A quota that refills slowly, and has tokens, says nothing of how long to wait for the other.
#[tokio::test(start_paused = true)]
async fn a_quota_beside_a_rate_slows_no_buffer() {
    for buffer in [1, 100, 8192] {
        let day = Duration::from_secs(24 * 3600);
        let limits = [Limit::new(Rate::new(100_000, day).unwrap(), 100_000), Limit::per_second(50_000).empty()];
        let bucket = Arc::new(MultiBucket::with_clock(limits, TokioClock::new()).unwrap());
        let mut reader = ThrottledRead::new(tokio::io::repeat(7), Payer::new().and(bucket, [1, 1]));
        let (start, mut out, mut bytes, mut reads) = (Instant::now(), vec![0; buffer], 0, 0);
        while bytes < 20_000 {
            bytes += reader.read(&mut out).await.unwrap();
            reads += 1;
        }
        assert!(reads <= 20_000 / buffer + 100, "{buffer}: {reads} reads");
        assert!((400 * MS..=410 * MS).contains(&start.elapsed()), "{buffer}: {:?}", start.elapsed());
    }
}

/// A wait for all of a large buffer would be refused, where a byte comes in 10 ms.
#[tokio::test(start_paused = true)]
async fn a_bound_on_waiting_is_not_reached_by_a_large_buffer() {
    let bucket = TokenBucket::with_clock(Limit::per_second(100).capacity(4000), TokioClock::new()).unwrap();
    let payer = Payer::new().and(Arc::new(bucket.with_max_wait(20 * MS)), 1);
    let mut reader = ThrottledRead::new(tokio::io::repeat(7), payer);
    let (start, mut out, mut bytes) = (Instant::now(), vec![0; 65_536], 0);
    while bytes < 4500 {
        bytes += reader.read(&mut out).await.unwrap();
    }
    assert!((4990 * MS..=5100 * MS).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[test]
fn a_byte_that_takes_more_than_a_bucket_counts_is_refused_as_never() {
    for each in [1001, 1 << 61, 1 << 62, u64::MAX] {
        let bucket = Arc::new(TokenBucket::with_clock(Limit::per_second(1000), ManualClock::new()).unwrap());
        let mut reader = ThrottledRead::new(&[7; 5][..], Payer::blocking().and(bucket, each));
        let error = io::Read::read(&mut reader, &mut [0; 5]).unwrap_err();
        let refused = error.get_ref().and_then(|inner| inner.downcast_ref()).copied();
        let never = Never { stream: 0, requested: each, capacity: 1000 };
        assert_eq!(refused, Some(Refused::<1>::Never(never)));
    }
}

/// At a rate of 0 it asks again and again, for as many bytes as it began with.
#[tokio::test(start_paused = true)]
async fn a_wait_that_a_new_limit_made_too_large_goes_on_for_less() {
    let bucket = bucket(Limit::per_second(0).capacity(100_000).empty());
    let payer = Payer::new().and(Arc::clone(&bucket), [1]).chunk(100_000);
    let mut reader = ThrottledRead::new(tokio::io::repeat(7), payer);
    assert!(timeout(2 * MS, reader.read(&mut vec![0; 65_536])).await.is_err());
    bucket.set_limit(Limit::per_second(1_000_000).capacity(20_000)).unwrap();
    let start = Instant::now();
    assert_eq!(reader.read(&mut [0; 4]).await.unwrap(), 4);
    assert!(start.elapsed() <= 110 * MS, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_flush_or_a_shutdown_gives_back_what_a_writer_holds() {
    let bucket = bucket(Limit::per_second(1_000_000).capacity(100_000));
    let payer = || Payer::new().and(Arc::clone(&bucket), [1]);
    let inner = || Inner::new(Manner::Whole, u64::MAX, 0);
    for way in 0..5 {
        let mut writer = ThrottledWrite::new(inner(), payer());
        for _ in 0..40 {
            io::Write::write_all(&mut writer, &[7; 500]).unwrap();
        }
        assert!(writer.payer().held() > 0, "a busy writer has paid ahead");
        match way {
            0 => AsyncWriteExt::flush(&mut writer).await.unwrap(),
            1 => writer.shutdown().await.unwrap(),
            2 => smol::io::AsyncWriteExt::flush(&mut writer).await.unwrap(),
            3 => smol::io::AsyncWriteExt::close(&mut writer).await.unwrap(),
            _ => io::Write::flush(&mut writer).unwrap(),
        }
        assert_eq!((writer.payer().held(), bucket.available()), (0, [80_000]), "way {way}");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Of the stream that has more, more may be fetched ahead than the other has bytes for.
#[test]
fn a_flush_gives_back_what_is_left_on_the_lease_of_several_streams() {
    for bytes in (10..1000).step_by(10) {
        let limits = [100_000, 1000].map(|tokens| Limit::per_second(0).capacity(tokens));
        let bucket = Arc::new(MultiBucket::with_clock(limits, ManualClock::new()).unwrap());
        let payer = Payer::blocking().and(Arc::clone(&bucket), [1, 1]).chunk(400);
        let mut writer = ThrottledWrite::new(io::sink(), payer);
        for _ in 0..bytes / 10 {
            io::Write::write_all(&mut writer, &[7; 10]).unwrap();
        }
        io::Write::flush(&mut writer).unwrap();
        assert_eq!(bucket.available(), [100_000 - bytes, 1000 - bytes]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_flush_keeps_the_place_of_a_write_that_was_given_up() {
    let bucket = bucket(Limit::per_second(1000).empty());
    let payer = || Payer::new().and(Arc::clone(&bucket), [1]).chunk(100);
    let mut first = ThrottledWrite::new(Vec::new(), payer());
    let mut second = ThrottledWrite::new(Vec::new(), payer());
    let start = Instant::now();
    assert!(timeout(10 * MS, AsyncWriteExt::write(&mut first, &[7; 50])).await.is_err());
    AsyncWriteExt::flush(&mut first).await.unwrap();
    let mut second = Box::pin(AsyncWriteExt::write(&mut second, &[7; 50]));
    assert!(once(&mut second).is_pending());
    AsyncWriteExt::write(&mut first, &[7; 50]).await.unwrap();
    assert_eq!(start.elapsed(), 50 * MS);
    second.await.unwrap();
    assert_eq!(start.elapsed(), 100 * MS);
}

#[tokio::test(start_paused = true)]
async fn giving_back_leaves_the_line() {
    let bucket = bucket(Limit::per_second(1000).empty());
    let mut large = ThrottledRead::new(tokio::io::repeat(7), Payer::new().and(Arc::clone(&bucket), [1]).chunk(1000));
    let start = Instant::now();
    assert!(timeout(MS, large.read(&mut [0; 500])).await.is_err());
    large.payer_mut().give_back();
    let mut small = ThrottledRead::new(tokio::io::repeat(7), Payer::new().and(bucket, [1]));
    assert_eq!(small.read(&mut [0; 5]).await.unwrap(), 5);
    assert_eq!(start.elapsed(), 10 * MS);
}

/// What passes while the sleep is in progress keeps the payment until it passed for as long again.
#[tokio::test(start_paused = true)]
async fn a_payment_is_kept_for_the_expiry_after_the_last_byte() {
    let bucket = Arc::new(TokenBucket::with_clock(Limit::per_second(0).capacity(1000), TokioClock::new()).unwrap());
    let (mut peer, stream) = tokio::io::duplex(64);
    let mut reader = ThrottledRead::new(stream, Payer::new().and(Arc::clone(&bucket), 1).chunk(300));
    let reading = tokio::spawn(async move {
        let mut out = [0; 150];
        while reader.read(&mut out).await.unwrap() > 0 {}
    });
    tokio::time::sleep(70 * MS).await;
    peer.write_all(b"x").await.unwrap();
    tokio::time::sleep(90 * MS).await; // 160 ms after the payment, and 90 ms after the byte
    assert!(bucket.available() <= 850, "{}", bucket.available());
    tokio::time::sleep(150 * MS).await;
    assert_eq!(bucket.available(), 999);
    reading.abort();
}

/// What is shown of a `BufRead` is paid, and what is held beside it goes back at the end, or later.
#[tokio::test(start_paused = true)]
async fn what_a_reader_of_lines_holds_goes_back() {
    let bucket = Arc::new(TokenBucket::with_clock(Limit::per_second(0).capacity(1000), TokioClock::new()).unwrap());
    let (mut peer, stream) = tokio::io::duplex(64);
    let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(300);
    let mut reader = ThrottledRead::new(tokio::io::BufReader::new(stream), payer);
    let mut line = String::new();
    for _ in 0..10 {
        peer.write_all(b"line\n").await.unwrap();
        reader.read_line(&mut line).await.unwrap();
    }
    assert!(reader.payer().held() > 0, "it has paid ahead");
    assert!(timeout(Duration::from_secs(1), reader.read_line(&mut line)).await.is_err());
    assert_eq!((reader.payer().held(), bucket.available()), (0, 950));
    for _ in 0..10 {
        peer.write_all(b"line\n").await.unwrap();
        reader.read_line(&mut line).await.unwrap();
    }
    drop(peer);
    assert!(reader.payer().held() > 0, "it has paid ahead");
    assert_eq!(reader.read_line(&mut line).await.unwrap(), 0);
    assert_eq!((reader.payer().held(), bucket.available()), (0, 900));
}

#[tokio::test(start_paused = true)]
async fn a_read_into_no_room_keeps_what_is_held() {
    let bucket = fixed(100);
    let (_silent, stream) = tokio::io::duplex(64);
    let mut reader = ThrottledRead::new(stream, Payer::new().and(Arc::clone(&bucket), 1));
    assert!(timeout(MS, reader.read(&mut [0; 10])).await.is_err());
    assert_eq!(reader.read(&mut []).await.unwrap(), 0);
    assert_eq!((reader.payer().held(), bucket.available()), (10, 90));
}

#[tokio::test(start_paused = true)]
async fn a_raised_limit_is_noticed_by_a_reader_that_never_waits() {
    let bucket = bucket(Limit::per_second(100_000).capacity(1 << 30));
    let mut reader = ThrottledRead::new(tokio::io::repeat(7), Payer::new().and(Arc::clone(&bucket), [1]));
    let mut out = vec![0; 1 << 20];
    assert_eq!(reader.read(&mut out).await.unwrap(), 1000);
    bucket.set_limit(Limit::per_second(1 << 30)).unwrap();
    let mut reads = 1;
    while reader.read(&mut out).await.unwrap() == 1000 {
        reads += 1;
    }
    assert!(reads <= 200, "{reads} reads by the old limit");
}

/// A chunk and an expiry count for limits that are added before and after.
#[test]
fn the_order_of_chunk_and_expiry_and_limits_is_of_no_matter() {
    let limit = Limit::per_second(1 << 20).capacity(1 << 20);
    for after in [false, true] {
        let bucket = Arc::new(TokenBucket::with_clock(limit, ManualClock::new()).unwrap());
        let hour = Duration::from_secs(3600);
        let payer = match after {
            true => Payer::blocking().chunk(512).expire_after(hour).and(Arc::clone(&bucket), 1),
            false => Payer::blocking().and(Arc::clone(&bucket), 1).chunk(512).expire_after(hour),
        };
        let mut writer = ThrottledWrite::new(io::sink(), payer);
        assert_eq!(io::Write::write(&mut writer, &[7; 1024]).unwrap(), 256, "half a chunk");
        let mut most = 0;
        for number in 0..300 {
            bucket.clock().advance(Duration::from_secs(1));
            io::Write::write_all(&mut writer, &[7; 10]).unwrap();
            most = most.max(if number < 200 { 0 } else { writer.payer().held() });
        }
        // It uses within an hour what it fetches: so it fetches ahead.
        assert!(most > 100, "{most} held");
    }
}

/// So at a rate of 0 it sees neither the end nor a peer that hung up. A `BufRead` does.
#[tokio::test(start_paused = true)]
async fn a_read_pays_before_it_looks() {
    let empty = bucket(Limit::per_second(0).capacity(10).empty());
    let payer = || Payer::new().and(Arc::clone(&empty), [1]);
    let hour = Duration::from_secs(3600);
    assert!(timeout(hour, ThrottledRead::new(&b""[..], payer()).read(&mut [0; 5])).await.is_err());
    let mut lines = ThrottledRead::new(&b""[..], payer()).lines();
    assert_eq!(timeout(hour, lines.next_line()).await.unwrap().unwrap(), None);
}

/// Ten clients echo through a proxy: each within a limit of its own, all within one, both ways.
#[tokio::test(start_paused = true)]
async fn a_proxy_of_connections_and_a_total_loses_no_byte_and_no_token() {
    let total = bucket(Limit::per_second(200_000).capacity(20_000));
    let (start, mut clients) = (Instant::now(), Vec::new());
    for first in 0..10 {
        let narrow = bucket(Limit::per_second(30_000).capacity(3000));
        let payer = || Payer::new().and(Arc::clone(&narrow), [1]).and(Arc::clone(&total), [1]);
        let (client, outside) = tokio::io::duplex(4096);
        let (mut inside, server) = tokio::io::duplex(4096);
        let mut outside = ThrottledRead::new(ThrottledWrite::new(outside, payer()), payer());
        tokio::spawn(async move {
            let (mut read, mut write) = tokio::io::split(server);
            tokio::io::copy(&mut read, &mut write).await.unwrap();
            write.shutdown().await.unwrap();
        });
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut outside, &mut inside).await });
        clients.push(tokio::spawn(async move {
            let data: Vec<u8> = (first..first + 50_000).map(byte).collect();
            let (mut read, mut write) = tokio::io::split(client);
            let sent = async {
                write.write_all(&data).await.unwrap();
                write.shutdown().await.unwrap();
            };
            let mut echo = Vec::new();
            tokio::join!(sent, async { read.read_to_end(&mut echo).await.unwrap() });
            assert!(echo == data);
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    // 1 MB in all, at 200 kB/s, and 20 kB at once. Nobody holds anything now.
    assert!((4900 * MS..=4960 * MS).contains(&start.elapsed()), "{:?}", start.elapsed());
    tokio::time::sleep(100 * MS).await;
    assert_eq!(total.available(), [20_000]);
}

/// A task that has other things to do polls a silent reader often: it takes no more for that.
#[tokio::test(start_paused = true)]
async fn an_idle_direction_costs_the_busy_one_nothing() {
    let bucket = bucket(Limit::per_second(1_000_000).capacity(100_000).empty());
    let (client, one) = tokio::io::duplex(1 << 16);
    let (two, mut server) = tokio::io::duplex(1 << 16);
    let mut one = ThrottledRead::new(one, Payer::new().and(Arc::clone(&bucket), [1]));
    let mut two = ThrottledRead::new(two, Payer::new().and(bucket, [1]));
    let (_silent, mut write) = tokio::io::split(client);
    tokio::spawn(async move { tokio::io::copy_bidirectional(&mut one, &mut two).await });
    tokio::spawn(async move { while write.write_all(&[7; 8192]).await.is_ok() {} });
    let (start, mut out, mut bytes) = (Instant::now(), vec![0; 1 << 16], 0);
    while start.elapsed() < Duration::from_secs(30) {
        bytes += server.read(&mut out).await.unwrap();
    }
    let share = bytes as f64 / (1e6 * start.elapsed().as_secs_f64());
    assert!((0.99..=1.0).contains(&share), "{share}");
}

/// Any poll may panic inside the reader: what was paid stays, and pays for the next read.
#[tokio::test(start_paused = true)]
async fn a_reader_that_panics_loses_no_token() {
    struct Panics;
    impl tokio::io::AsyncRead for Panics {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            panic!("inside")
        }
    }
    let bucket = fixed(100);
    let mut reader = ThrottledRead::new(Panics, Payer::new().and(Arc::clone(&bucket), 1));
    let panicked = poll_fn(|context| {
        let read = std::panic::AssertUnwindSafe(|| {
            let mut out = [0; 10];
            tokio::io::AsyncRead::poll_read(Pin::new(&mut reader), context, &mut tokio::io::ReadBuf::new(&mut out))
        });
        Poll::Ready(std::panic::catch_unwind(read).is_err())
    });
    assert!(panicked.await);
    assert_eq!((reader.payer().held(), bucket.available()), (10, 90));
    drop(reader);
    assert_eq!(bucket.available(), 100);
}
