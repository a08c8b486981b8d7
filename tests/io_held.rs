//! What a payer holds, when it goes back, and how a limit that does not pay is an error.
#![cfg(all(feature = "io", feature = "tokio"))]

mod common;
mod paced;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::Duration;

use tollgate::clock::{ManualClock, TokioClock};
use tollgate::wait::Timer;
use tollgate::{Limit, Refused, TokenBucket};

const MS: Duration = Duration::from_millis(1);

fn bucket(limit: Limit) -> Arc<TokenBucket<TokioClock>> {
    Arc::new(TokenBucket::with_clock(limit, TokioClock::new()).unwrap())
}

/// A bucket that never refills.
fn fixed(tokens: u64) -> Arc<TokenBucket<ManualClock>> {
    Arc::new(TokenBucket::with_clock(Limit::per_second(0).capacity(tokens), ManualClock::new()).unwrap())
}

fn refusal<const N: usize>(error: &io::Error) -> Option<Refused<N>> {
    error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
}

fn bucket_of_tokio(tokens: u64) -> Arc<TokenBucket<TokioClock>> {
    bucket(Limit::per_second(0).capacity(tokens))
}

/// Sleeps that never end.
#[derive(Clone, Copy)]
struct Endless;

impl Timer for Endless {
    type Sleep = std::future::Pending<()>;

    fn sleep(&self, _: Duration) -> Self::Sleep {
        std::future::pending()
    }
}

/// A clock that stands still, and counts its readings.
#[derive(Default)]
struct Counting(AtomicU64);

impl tollgate::Clock for Counting {
    fn now(&self) -> tollgate::clock::Time {
        self.0.fetch_add(1, SeqCst);
        tollgate::clock::Time::ZERO
    }
}

mod tasks {
    use std::future::poll_fn;
    use std::io;
    use std::pin::Pin;
    use std::sync::Arc;
    use std::task::Poll;
    use std::time::Duration;

    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt, ReadBuf};
    use tokio::time::{Instant, timeout};
    use tollgate::clock::TokioClock;
    use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
    use tollgate::{Limit, MultiBucket, Never, Refused, TokenBucket};

    use super::paced::once;
    use super::{MS, bucket, bucket_of_tokio, fixed, refusal};

    #[tokio::test(start_paused = true)]
    async fn a_silent_peer_holds_at_most_a_chunk_and_it_goes_back() {
        let bucket = bucket(Limit::per_second(0).capacity(1000));
        let (mut peer, stream) = tokio::io::duplex(64);
        let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(300);
        let mut reader = ThrottledRead::new(stream, payer);
        let mut out = [0; 1000];
        let reading = tokio::spawn(async move {
            let read = reader.read(&mut out).await.unwrap();
            (reader, read)
        });
        tokio::time::sleep(99 * MS).await;
        assert_eq!(bucket.available(), 850, "half a chunk is held");
        tokio::time::sleep(2 * MS).await;
        assert_eq!(bucket.available(), 1000, "after the expiry nothing is");
        tokio::time::sleep(Duration::from_secs(1000)).await;
        // The peer speaks at last: it is read, and paid.
        peer.write_all(b"12345").await.unwrap();
        let (reader, read) = reading.await.unwrap();
        assert_eq!((read, bucket.available() + reader.payer().held()), (5, 995));
        drop(reader);
        assert_eq!(bucket.available(), 995);
    }

    #[tokio::test(start_paused = true)]
    async fn a_writer_that_is_stuck_holds_at_most_a_chunk_and_it_goes_back() {
        let bucket = bucket(Limit::per_second(0).capacity(1000));
        let (mut peer, stream) = tokio::io::duplex(64);
        let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(300).expire_after(20 * MS);
        let mut writer = ThrottledWrite::new(stream, payer);
        let writing = tokio::spawn(async move { writer.write_all(&[7; 100]).await });
        tokio::time::sleep(10 * MS).await;
        assert_eq!(bucket.available(), 900);
        tokio::time::sleep(30 * MS).await;
        assert_eq!(bucket.available(), 1000 - 64, "64 are written, and the others went back");
        let mut out = [0; 100];
        peer.read_exact(&mut out).await.unwrap();
        writing.await.unwrap().unwrap();
        assert_eq!(bucket.available(), 900);
    }

    /// What passed lately keeps the rest of the payment for the next read.
    #[tokio::test(start_paused = true)]
    async fn tokens_expire_only_while_nothing_passes() {
        let bucket = bucket(Limit::per_second(0).capacity(1000));
        let (mut peer, stream) = tokio::io::duplex(64);
        let mut reader = ThrottledRead::new(stream, Payer::new().and(Arc::clone(&bucket), 1).chunk(300));
        let reading = tokio::spawn(async move {
            let mut out = [0; 150];
            loop {
                assert!(reader.read(&mut out).await.unwrap() > 0);
            }
        });
        for passed in 0..8 {
            tokio::time::sleep(70 * MS).await;
            let held = 1000 - passed - bucket.available();
            assert!((150..=300).contains(&held), "{held}");
            peer.write_all(b"x").await.unwrap();
        }
        tokio::time::sleep(200 * MS).await;
        assert_eq!(bucket.available(), 992);
        reading.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_costs_nothing_and_gives_all_back() {
        let bucket = bucket(Limit::per_second(0).capacity(1000));
        let mut reader = ThrottledRead::new(&[7; 400][..], Payer::new().and(Arc::clone(&bucket), 1).chunk(256));
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert_eq!((all.len(), reader.payer().held(), bucket.available()), (400, 0, 600));

        let bucket = fixed(1000);
        let mut reader = ThrottledRead::new(&[7; 400][..], Payer::blocking().and(Arc::clone(&bucket), 1).chunk(256));
        assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), 400);
        assert_eq!((reader.payer().held(), bucket.available()), (0, 600));

        // A bucket without a token lets an end through where nothing is to be paid.
        let mut lines = ThrottledRead::new(io::BufReader::new(&b""[..]), Payer::blocking().and(fixed(1), 1));
        assert_eq!(io::BufRead::fill_buf(&mut lines).unwrap(), b"");
    }

    #[tokio::test]
    async fn seeking_passes_through_and_what_is_read_again_is_paid_again() {
        let bucket = fixed(100);
        let data = io::Cursor::new([1, 2, 3, 4, 5]);
        let mut reader = ThrottledRead::new(data.clone(), Payer::blocking().and(Arc::clone(&bucket), 1));
        let mut out = [0; 5];
        io::Read::read_exact(&mut reader, &mut out).unwrap();
        assert_eq!(io::Seek::seek(&mut reader, io::SeekFrom::Start(3)).unwrap(), 3);
        io::Read::read_exact(&mut reader, &mut out[..2]).unwrap();
        assert_eq!((out, bucket.available() + reader.payer().held()), ([4, 5, 3, 4, 5], 93));

        let mut reader = ThrottledRead::new(data, Payer::new().and(Arc::clone(&bucket), 1));
        assert_eq!(reader.seek(io::SeekFrom::End(-1)).await.unwrap(), 4);
        assert_eq!(reader.read_u8().await.unwrap(), 5);
        let mut writer = ThrottledWrite::new(io::Cursor::new(vec![0; 9]), Payer::blocking());
        assert_eq!(io::Seek::seek(&mut writer, io::SeekFrom::End(0)).unwrap(), 9);
    }

    /// Lines cost what they are, and a line may be longer than a chunk.
    #[tokio::test(start_paused = true)]
    async fn lines_are_paid_as_they_are_shown() {
        let text = "one\ntwo, which is longer\n\nfour";
        let bucket = fixed(1000);
        let payer = Payer::blocking().and(Arc::clone(&bucket), 1).chunk(8);
        let mut reader = ThrottledRead::new(io::BufReader::with_capacity(16, text.as_bytes()), payer);
        let mut line = String::new();
        io::BufRead::read_line(&mut reader, &mut line).unwrap();
        assert_eq!((line.as_str(), bucket.available() + reader.payer().held()), ("one\n", 996));
        assert!(io::BufRead::fill_buf(&mut reader).unwrap().len() <= 4);
        assert_eq!(
            io::BufRead::lines(reader).map(Result::unwrap).collect::<Vec<_>>(),
            ["two, which is longer", "", "four"]
        );
        assert_eq!(bucket.available(), 1000 - text.len() as u64);

        let bucket = bucket_of_tokio(text.len() as u64);
        let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(8);
        let reader = ThrottledRead::new(tokio::io::BufReader::with_capacity(16, text.as_bytes()), payer);
        let mut lines = reader.lines();
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            seen.push(line);
        }
        drop(lines);
        assert_eq!((seen.join("\n").as_str(), bucket.available()), (text, 0));

        let bucket = bucket_of_tokio(text.len() as u64);
        let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(8);
        let inner = smol::io::BufReader::with_capacity(16, text.as_bytes());
        let mut reader = ThrottledRead::new(inner, payer);
        let (mut all, mut line) = (String::new(), String::new());
        while smol::io::AsyncBufReadExt::read_line(&mut reader, &mut line).await.unwrap() > 0 {
            all.push_str(&line);
            line.clear();
        }
        drop(reader);
        assert_eq!((all.as_str(), bucket.available()), (text, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_bucket_is_an_error_with_the_refusal_and_loses_no_byte() {
        let bucket = bucket(Limit::per_second(1000).capacity(100));
        let mut reader = ThrottledRead::new(&[7; 400][..], Payer::new().and(Arc::clone(&bucket), 1));
        let mut out = [0; 50];
        assert_eq!(reader.read(&mut out).await.unwrap(), 50);
        bucket.try_take(bucket.available()).unwrap();
        reader.payer_mut().give_back();
        bucket.try_take(bucket.available()).unwrap();
        // It waits, and is told.
        let closing = tokio::spawn({
            let bucket = Arc::clone(&bucket);
            async move {
                tokio::time::sleep(5 * MS).await;
                bucket.close();
            }
        });
        let error = reader.read(&mut out).await.unwrap_err();
        closing.await.unwrap();
        assert_eq!((error.kind(), refusal(&error)), (io::ErrorKind::QuotaExceeded, Some(Refused::<1>::Closed)));
        assert_eq!(error.to_string(), Refused::<1>::Closed.to_string());
        assert_eq!(reader.read(&mut out).await.unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        assert_eq!(reader.into_inner().len(), 350);

        let closed = fixed(10);
        closed.close();
        let mut writer = ThrottledWrite::new(Vec::new(), Payer::blocking().and(closed, 1));
        let error = io::Write::write(&mut writer, &[7; 5]).unwrap_err();
        assert_eq!((error.kind(), refusal(&error)), (io::ErrorKind::QuotaExceeded, Some(Refused::<1>::Closed)));
        assert_eq!(writer.into_inner(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_that_never_fits_is_an_error_that_says_so() {
        let limits = [Limit::per_second(1000), Limit::per_second(3)];
        let bucket = Arc::new(MultiBucket::with_clock(limits, TokioClock::new()).unwrap());
        let never = Refused::<2>::Never(Never { stream: 1, requested: 4, capacity: 3 });
        let mut reader = ThrottledRead::new(&[7; 4][..], Payer::new().and(bucket.clone(), [1, 4]));
        let error = timeout(MS, reader.read(&mut [0; 4])).await.unwrap().unwrap_err();
        assert_eq!((error.kind(), refusal(&error)), (io::ErrorKind::QuotaExceeded, Some(never)));
        let mut reader = ThrottledRead::new(&[7; 4][..], Payer::blocking().and(bucket.clone(), [1, 4]));
        assert_eq!(refusal(&io::Read::read(&mut reader, &mut [0; 4]).unwrap_err()), Some(never));
        assert_eq!(bucket.available(), [1000, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bound_on_waiting_is_an_error_with_the_wait() {
        let limit = Limit::per_second(1000).capacity(1000).empty();
        let bucket = TokenBucket::with_clock(limit, TokioClock::new()).unwrap().with_max_wait(5 * MS);
        let mut reader = ThrottledRead::new(&[7; 400][..], Payer::new().and(Arc::new(bucket), 1));
        let error = reader.read(&mut [0; 400]).await.unwrap_err();
        let wait = refusal::<1>(&error).and_then(|refused| refused.wait());
        assert_eq!((error.kind(), wait), (io::ErrorKind::QuotaExceeded, Some(10 * MS)));
    }

    /// A capacity that shrinks below what a read waits for, and below what it asks for.
    #[tokio::test(start_paused = true)]
    async fn a_capacity_below_the_chunk_neither_fails_a_read_nor_stalls_it() {
        let bucket = MultiBucket::with_clock([Limit::per_second(1000).empty()], TokioClock::new()).unwrap();
        let bucket = Arc::new(bucket);
        let mut reader = ThrottledRead::new(&[7; 5000][..], Payer::new().and(bucket.clone(), [1]).chunk(1000));
        let mut out = [0; 1000];
        let reading = async { reader.read(&mut out).await.map(|read| (read, Instant::now())) };
        let start = Instant::now();
        let shrinking = async {
            tokio::time::sleep(50 * MS).await;
            bucket.set_limit(Limit::per_second(1000).capacity(10)).unwrap();
        };
        let (read, ()) = tokio::join!(reading, shrinking);
        let (read, at) = read.unwrap();
        // What is waited for already is served as it was.
        assert_eq!((read, at - start), (500, 500 * MS));
        let (start, mut bytes) = (Instant::now(), 0);
        while bytes < 1000 {
            bytes += reader.read(&mut out).await.unwrap();
        }
        assert!((980 * MS..=1010 * MS).contains(&start.elapsed()), "{:?}", start.elapsed());
        // It grows again: the next payments are larger.
        bucket.set_limit(Limit::per_second(1_000_000).capacity(100_000)).unwrap();
        let start = Instant::now();
        while reader.read(&mut out).await.unwrap() > 0 {}
        assert!(start.elapsed() < 100 * MS, "{:?}", start.elapsed());
    }

    /// It waits for what 10 ms refill at the new rate, not at the old one.
    #[tokio::test(start_paused = true)]
    async fn a_rate_that_fell_is_noticed_at_the_next_wait() {
        let limit = |rate| Limit::per_second(rate).capacity(1 << 20).empty();
        let bucket = Arc::new(MultiBucket::with_clock([limit(100 << 20)], TokioClock::new()).unwrap());
        let mut reader = ThrottledRead::new(tokio::io::repeat(7), Payer::new().and(bucket.clone(), [1]));
        let mut out = vec![0; 1 << 20];
        assert_eq!(reader.read(&mut out).await.unwrap(), 512 << 10);
        bucket.set_limit(limit(1000)).unwrap();
        bucket.try_take(bucket.available()).unwrap();
        let start = Instant::now();
        assert_eq!(reader.read(&mut out).await.unwrap(), 10);
        assert!(start.elapsed() <= 10 * MS, "{:?}", start.elapsed());
    }

    /// At a rate of 0, and in a pause without an end, it waits; it goes on within 100 ms.
    #[tokio::test(start_paused = true)]
    async fn a_rate_of_0_and_a_pause_are_waited_for() {
        let bucket = MultiBucket::with_clock([Limit::per_second(0).capacity(100).empty()], TokioClock::new()).unwrap();
        let bucket = Arc::new(bucket);
        let mut reader = ThrottledRead::new(&[7; 400][..], Payer::new().and(bucket.clone(), [1]));
        let mut out = [0; 10];
        assert!(timeout(Duration::from_secs(3600), reader.read(&mut out)).await.is_err());
        bucket.set_limit(Limit::per_second(1000).capacity(100)).unwrap();
        let start = Instant::now();
        assert_eq!(reader.read(&mut out).await.unwrap(), 10);
        assert!(start.elapsed() <= 120 * MS, "{:?}", start.elapsed());

        bucket.pause_for(Duration::from_secs(7));
        let start = Instant::now();
        reader.read_exact(&mut [0; 60]).await.unwrap();
        assert!((7000 * MS..=7100 * MS).contains(&start.elapsed()), "{:?}", start.elapsed());
        bucket.pause();
        assert!(timeout(Duration::from_secs(3600), reader.read_exact(&mut [0; 200])).await.is_err());
        bucket.resume();
        assert!(timeout(Duration::from_secs(1), reader.read(&mut out)).await.is_ok());
    }

    /// Dropped in its wait, it leaves the line at once: the next is served as if it had never come.
    #[tokio::test(start_paused = true)]
    async fn a_reader_dropped_in_its_wait_leaves_the_line() {
        let bucket = bucket(Limit::per_second(1000).capacity(1000).empty());
        let mut large = Box::pin(async {
            let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(1000);
            ThrottledRead::new(&[7; 1000][..], payer).read(&mut [0; 1000]).await
        });
        assert!(once(&mut large).is_pending());
        let mut small = ThrottledRead::new(&[7; 10][..], Payer::new().and(Arc::clone(&bucket), 1));
        let start = Instant::now();
        assert!(timeout(9 * MS, small.read(&mut [0; 10])).await.is_err());
        drop(large);
        assert_eq!(small.read(&mut [0; 10]).await.unwrap(), 10);
        assert_eq!(start.elapsed(), 10 * MS);
    }

    /// A read that is given up for good, by a reader that is kept.
    #[tokio::test(start_paused = true)]
    async fn giving_back_leaves_the_line() {
        let bucket = bucket(Limit::per_second(1000).capacity(1000).empty());
        let payer = Payer::new().and(Arc::clone(&bucket), 1).chunk(1000);
        let mut large = ThrottledRead::new(&[7; 1000][..], payer);
        assert!(timeout(MS, large.read(&mut [0; 1000])).await.is_err());
        large.payer_mut().give_back();
        let mut small = ThrottledRead::new(&[7; 10][..], Payer::new().and(Arc::clone(&bucket), 1));
        let start = Instant::now();
        assert_eq!(small.read(&mut [0; 10]).await.unwrap(), 10);
        assert_eq!(start.elapsed(), 9 * MS);
    }

    /// The narrow limit pays first: who waits for the wide one holds the narrow one's alone.
    #[tokio::test(start_paused = true)]
    async fn the_widest_limit_pays_last() {
        let narrow = bucket(Limit::per_second(0).capacity(1000));
        let wide = bucket(Limit::per_second(0).capacity(1000));
        wide.try_take(1000).unwrap();
        let payer = Payer::new().and(Arc::clone(&narrow), 1).and(Arc::clone(&wide), 1);
        let mut reader = ThrottledRead::new(&[7; 10][..], payer);
        assert!(timeout(MS, reader.read(&mut [0; 10])).await.is_err());
        assert_eq!((narrow.available(), reader.payer().held()), (990, 10));
        drop(reader);
        assert_eq!(narrow.available(), 1000);

        let payer = Payer::new().and(Arc::clone(&wide), 1).and(Arc::clone(&narrow), 1);
        let mut reader = ThrottledRead::new(&[7; 10][..], payer);
        assert!(timeout(MS, reader.read(&mut [0; 10])).await.is_err());
        assert_eq!((narrow.available(), reader.payer().held()), (1000, 0));
    }

    /// A payer may wait in one task and go on in another: the last waker is the one that is woken.
    #[tokio::test(start_paused = true)]
    async fn a_wait_goes_on_in_another_task() {
        let bucket = bucket(Limit::per_second(1000).empty());
        let mut reader = ThrottledRead::new(&[7; 10][..], Payer::new().and(bucket, 1));
        let first = poll_fn(|context| {
            Poll::Ready(tokio::io::AsyncRead::poll_read(
                Pin::new(&mut reader),
                context,
                &mut ReadBuf::new(&mut [0; 10]),
            ))
        });
        assert!(tokio::spawn(async { 1 }).await.is_ok() && first.await.is_pending());
        let start = Instant::now();
        let read = tokio::spawn(async move { reader.read(&mut [0; 10]).await }).await.unwrap();
        assert_eq!((read.unwrap(), start.elapsed()), (10, 10 * MS));
    }
}

mod threads {
    use std::io::{self, Read, Write};
    use std::pin::Pin;
    use std::sync::Arc;
    use std::sync::atomic::Ordering::SeqCst;
    use std::task::{Context, Waker};
    use std::thread;
    use std::time::Duration;

    use tokio::io::ReadBuf;
    use tollgate::clock::ManualClock;
    use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
    use tollgate::wait::TokioTimer;
    use tollgate::{Limit, MultiBucket, TokenBucket};

    use super::paced::{Inner, Manner};
    use super::{Counting, Endless, MS, fixed};

    #[test]
    fn flushes_and_what_passes_through_cost_nothing() {
        let empty = fixed(1);
        empty.try_take(1).unwrap();
        let inner = Inner::new(Manner::Whole, u64::MAX, 0);
        let mut writer = ThrottledWrite::new(inner.clone(), Payer::on(TokioTimer).and(Arc::clone(&empty), 1));
        let context = &mut Context::from_waker(Waker::noop());
        writer.flush().unwrap();
        assert!(tokio::io::AsyncWrite::poll_flush(Pin::new(&mut writer), context).is_ready());
        assert!(futures_io::AsyncWrite::poll_flush(Pin::new(&mut writer), context).is_ready());
        assert!(tokio::io::AsyncWrite::poll_shutdown(Pin::new(&mut writer), context).is_ready());
        assert!(futures_io::AsyncWrite::poll_close(Pin::new(&mut writer), context).is_ready());
        assert_eq!(inner.seen().flushes, 3);
        assert_eq!(inner.seen().shutdowns, 2);
        assert_eq!(tokio::io::AsyncWrite::is_write_vectored(&writer), tokio::io::AsyncWrite::is_write_vectored(&inner));
        // Empty buffers, and the other direction.
        assert_eq!(writer.write(&[]).unwrap(), 0);
        assert_eq!(writer.write_vectored(&[]).unwrap(), 0);
        let mut out = [0; 50];
        assert_eq!(Read::read(&mut writer, &mut out).unwrap(), 50);
        let mut buffer = ReadBuf::new(&mut out);
        assert!(tokio::io::AsyncRead::poll_read(Pin::new(&mut writer), context, &mut buffer).is_ready());
        assert!(futures_io::AsyncRead::poll_read(Pin::new(&mut writer), context, &mut [0; 3]).is_ready());

        let mut reader = ThrottledRead::new(inner.clone(), Payer::on(TokioTimer).and(Arc::clone(&empty), 1));
        reader.flush().unwrap();
        assert!(tokio::io::AsyncWrite::poll_flush(Pin::new(&mut reader), context).is_ready());
        assert!(futures_io::AsyncWrite::poll_flush(Pin::new(&mut reader), context).is_ready());
        assert!(tokio::io::AsyncWrite::poll_shutdown(Pin::new(&mut reader), context).is_ready());
        assert!(futures_io::AsyncWrite::poll_close(Pin::new(&mut reader), context).is_ready());
        assert_eq!(inner.seen().flushes, 6);
        assert_eq!(inner.seen().shutdowns, 4);
        assert_eq!(Read::read(&mut reader, &mut []).unwrap(), 0);
        assert_eq!(reader.write(&[7; 50]).unwrap(), 50);
        assert!(tokio::io::AsyncWrite::poll_write(Pin::new(&mut reader), context, &[7; 50]).is_ready());
        assert!(futures_io::AsyncWrite::poll_write(Pin::new(&mut reader), context, &[7; 50]).is_ready());
        assert!(tokio::io::AsyncWrite::is_write_vectored(&reader));
        assert_eq!(empty.available(), 0);
    }

    #[test]
    fn empty_buffers_move_no_token() {
        let payer = |bucket: &Arc<TokenBucket<ManualClock>>| Payer::blocking().and(bucket.clone(), 1).chunk(200);
        let bucket = fixed(1000);
        let mut reader = ThrottledRead::new(io::repeat(7).take(30), payer(&bucket));
        assert_eq!(reader.read(&mut [0; 50]).unwrap(), 30);
        let mut room = [0; 30];
        let mut writer = ThrottledWrite::new(&mut room[..], payer(&bucket));
        assert_eq!(writer.write(&[7; 50]).unwrap(), 30);
        for _ in 0..3 {
            assert_eq!(reader.read(&mut []).unwrap() + reader.read_vectored(&mut []).unwrap(), 0);
            assert_eq!(writer.write(&[]).unwrap() + writer.write_vectored(&[]).unwrap(), 0);
            assert_eq!((reader.payer().held(), writer.payer().held()), (20, 20));
        }
    }

    /// What was paid before a close passes.
    #[test]
    fn what_is_held_passes_before_an_error() {
        let bucket = fixed(100);
        let inner = io::repeat(7).take(30);
        let mut reader = ThrottledRead::new(inner, Payer::blocking().and(Arc::clone(&bucket), 1).chunk(100));
        assert_eq!(reader.read(&mut [0; 50]).unwrap(), 30);
        bucket.close();
        *reader.get_mut() = io::repeat(7).take(30);
        assert_eq!(reader.read(&mut [0; 50]).unwrap(), 20);
        assert_eq!(reader.read(&mut [0; 50]).unwrap_err().kind(), io::ErrorKind::QuotaExceeded);
        assert_eq!(reader.get_ref().limit(), 10);
    }

    #[test]
    fn a_thread_waits_through_a_rate_of_0() {
        let bucket = Arc::new(TokenBucket::new(Limit::per_second(0).capacity(100).empty()).unwrap());
        let mut reader = ThrottledRead::new(&[7; 400][..], Payer::blocking().and(bucket.clone(), 1));
        let reading = thread::spawn(move || reader.read(&mut [0; 10]).unwrap());
        thread::sleep(20 * MS);
        assert!(!reading.is_finished());
        // Just what it waits for. It asks ten times a second; this thread gives it a minute.
        bucket.put_back(10);
        for _ in 0..6000 {
            if reading.is_finished() {
                break;
            }
            thread::sleep(10 * MS);
        }
        assert!(reading.is_finished() && reading.join().unwrap() == 10);
        assert_eq!(bucket.available(), 0);
    }

    /// Polls that find nothing give nothing back and take nothing more.
    #[test]
    fn a_poll_that_finds_nothing_moves_no_token() {
        let bucket = fixed(1000);
        let inner = Inner::new(Manner::Silent, u64::MAX, 0);
        let mut reader = ThrottledRead::new(inner, Payer::on(Endless).and(Arc::clone(&bucket), 1).chunk(200));
        let context = &mut Context::from_waker(Waker::noop());
        for _ in 0..100 {
            let read = futures_io::AsyncRead::poll_read(Pin::new(&mut reader), context, &mut [0; 60]);
            assert!(read.is_pending());
            assert_eq!((bucket.available(), reader.payer().held()), (940, 60));
        }
    }

    /// Small writes are paid for ahead where tokens abound: most touch no bucket.
    #[test]
    fn many_small_writes_make_few_payments_and_an_idle_writer_holds_little() {
        let clock = ManualClock::new();
        let limit = Limit::per_second(1 << 30);
        let counting = Arc::new(TokenBucket::with_clock(limit, Counting::default()).unwrap());
        let mut writer = ThrottledWrite::new(io::sink(), Payer::blocking().and(Arc::clone(&counting), 1));
        for _ in 0..10_000 {
            writer.write_all(&[7; 100]).unwrap();
        }
        let readings = counting.clock().0.load(SeqCst);
        assert!(readings < 100, "{readings} readings of the clock");
        assert!(writer.payer().held() <= 1 << 20);
        drop(writer);
        assert_eq!(counting.available(), (1 << 30) - 1_000_000);

        // A write a second fetches no more than it needs.
        let slow = Arc::new(TokenBucket::with_clock(limit, clock).unwrap());
        let mut writer = ThrottledWrite::new(io::sink(), Payer::blocking().and(Arc::clone(&slow), 1));
        for _ in 0..100 {
            writer.write_all(&[7; 100]).unwrap();
            slow.clock().advance(Duration::from_secs(1));
        }
        assert!(writer.payer().held() <= 100, "{}", writer.payer().held());
    }

    /// Nothing was refused, so nothing but the count of payments says that it is time to look.
    #[test]
    fn a_limit_that_grew_is_noticed_within_65_payments() {
        let limit = Limit::per_second(1000).capacity(1 << 20);
        let bucket = Arc::new(MultiBucket::with_clock([limit], ManualClock::new()).unwrap());
        let mut reader = ThrottledRead::new(io::repeat(7), Payer::blocking().and(bucket.clone(), [1]));
        let mut out = vec![0; 64 << 10];
        assert_eq!(reader.read(&mut out).unwrap(), 512);
        bucket.set_limit(Limit::per_second(1 << 30).capacity(1 << 30)).unwrap();
        bucket.clock().advance(Duration::from_secs(1));
        // A payment may be for twice as much as a read gets.
        assert!((0..200).any(|_| reader.read(&mut out).unwrap() == 64 << 10));
    }
}
