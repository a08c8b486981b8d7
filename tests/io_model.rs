//! Paced bytes against a model, at every poll: a bucket that does not refill has what it began
//! with, less what passed and what is held. All that passes is the data, in order.
#![cfg(all(feature = "io", feature = "tokio"))]

mod common;
mod paced;
mod timers;

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use common::Random;
use paced::{Inner, Manner, byte};
use timers::Again;
use tokio::io::ReadBuf;
use tollgate::clock::ManualClock;
use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
use tollgate::{Limit, MultiBucket, TokenBucket};

const SEEDS: u64 = 400;

/// Two buckets that only put-backs fill: a connection's, and one of two streams for all. A byte
/// takes 1 of the first, and 1 and `each` of the other.
struct Model {
    narrow: Arc<TokenBucket<ManualClock>>,
    wide: Arc<MultiBucket<2, ManualClock>>,
    each: u64,
    fed: [u64; 3],
    passed: u64,
}

const CAPACITY: u64 = 1 << 40;

impl Model {
    fn new(random: &mut Random) -> Self {
        let limit = Limit::per_second(0).capacity(CAPACITY).empty();
        let narrow = Arc::new(TokenBucket::with_clock(limit, ManualClock::new()).unwrap());
        let wide = Arc::new(MultiBucket::with_clock([limit; 2], ManualClock::new()).unwrap());
        Self { narrow, wide, each: 1 + random.below(3), fed: [0; 3], passed: 0 }
    }

    fn payer(&self, chunk: u64) -> Payer<Again> {
        Payer::on(Again).and(self.narrow.clone(), 1).and(self.wide.clone(), [1, self.each]).chunk(chunk)
    }

    /// On a thread nobody feeds the buckets while it waits.
    fn fed_well(&mut self) -> Payer {
        self.feed(1 << 30);
        Payer::blocking().and(self.narrow.clone(), 1).and(self.wide.clone(), [1, self.each])
    }

    fn feed(&mut self, bytes: u64) {
        let all = [bytes, bytes, bytes * self.each];
        self.narrow.put_back(all[0]);
        self.wide.put_back([all[1], all[2]]);
        self.fed = [0, 1, 2].map(|i| self.fed[i] + all[i]);
    }

    /// Between polls: each bucket lacks what passed, and at most `held` bytes more.
    fn check(&self, held: u64, what: &str) {
        let left = [self.narrow.available(), self.wide.available()[0], self.wide.available()[1]];
        for (i, each) in [1, 1, self.each].into_iter().enumerate() {
            let (passed, taken) = (self.passed * each, self.fed[i] - left[i]);
            assert!(taken >= passed, "{what}: {taken} paid and {passed} passed");
            // Less than a byte may be left on the lease of a byte that takes several tokens.
            assert!(taken <= passed + held * each + (each - 1), "{what}: {taken} paid, {passed} passed, {held} held");
        }
    }

    fn check_end(&self, what: &str) {
        self.check(0, what);
        assert_eq!(self.narrow.available(), self.fed[0] - self.passed, "{what}");
    }
}

/// How bytes are read in a task, one poll at a time.
#[derive(Clone, Copy, Debug)]
enum Reads {
    Tokio,
    Futures,
    FuturesVectored,
}

fn poll_read(
    reads: Reads,
    reader: &mut (impl tokio::io::AsyncRead + futures_io::AsyncRead + Unpin),
    out: &mut [u8],
) -> Poll<io::Result<usize>> {
    let context = &mut Context::from_waker(Waker::noop());
    let reader = Pin::new(reader);
    match reads {
        Reads::Tokio => {
            let mut buffer = ReadBuf::new(out);
            tokio::io::AsyncRead::poll_read(reader, context, &mut buffer).map_ok(|()| buffer.filled().len())
        }
        Reads::Futures => futures_io::AsyncRead::poll_read(reader, context, out),
        Reads::FuturesVectored => {
            let (one, two) = out.split_at_mut(out.len() / 3);
            let buffers = &mut [IoSliceMut::new(one), IoSliceMut::new(two)];
            futures_io::AsyncRead::poll_read_vectored(reader, context, buffers)
        }
    }
}

#[test]
fn a_read_polled_in_any_way_loses_no_byte_and_no_token() {
    for seed in 0..SEEDS {
        for reads in [Reads::Tokio, Reads::Futures, Reads::FuturesVectored] {
            let what = &format!("seed {seed}, {reads:?}");
            let mut random = Random(seed);
            let mut model = Model::new(&mut random);
            let inner = Inner::new(Manner::Flaky, 3000, seed);
            let chunk = 1 + random.below(300);
            let mut reader = ThrottledRead::new(inner.clone(), model.payer(chunk));
            let mut data = Vec::new();
            // Some polls, and then it is dropped, wherever it stands; or to the end.
            let polls = if seed % 2 == 0 { random.below(200) } else { u64::MAX };
            for _ in 0..polls {
                if random.below(3) == 0 {
                    model.feed(random.below(200));
                }
                let mut out = vec![0; 1 + random.below(400) as usize];
                let polled = poll_read(reads, &mut reader, &mut out);
                model.passed = inner.passed();
                model.check(reader.payer().held(), what);
                assert!(reader.payer().held() <= chunk, "{what}: {} held of {chunk}", reader.payer().held());
                match polled {
                    Poll::Ready(Ok(0)) => {
                        assert_eq!(data.len(), 3000, "{what}");
                        assert_eq!(reader.payer().held(), 0, "{what}: at the end");
                        break;
                    }
                    Poll::Ready(Ok(read)) => data.extend_from_slice(&out[..read]),
                    Poll::Ready(Err(error)) => assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{what}"),
                    Poll::Pending => {}
                }
                assert_eq!(data.len() as u64, inner.passed(), "{what}");
            }
            drop(reader);
            model.check_end(what);
            assert!(data.iter().zip(0..).all(|(out, place)| *out == byte(place)), "{what}");
            assert!(inner.seen().largest as u64 <= chunk.div_ceil(2), "{what}: {}", inner.seen().largest);
        }
    }
}

/// How bytes are written in a task, one poll at a time.
#[derive(Clone, Copy, Debug)]
enum Writes {
    Tokio,
    TokioVectored,
    Futures,
    FuturesVectored,
}

fn poll_write(
    writes: Writes,
    writer: &mut (impl tokio::io::AsyncWrite + futures_io::AsyncWrite + Unpin),
    data: &[u8],
) -> Poll<io::Result<usize>> {
    let context = &mut Context::from_waker(Waker::noop());
    let writer = Pin::new(writer);
    let (one, two) = data.split_at(data.len() / 3);
    let buffers = &[IoSlice::new(one), IoSlice::new(two)];
    match writes {
        Writes::Tokio => tokio::io::AsyncWrite::poll_write(writer, context, data),
        Writes::TokioVectored => tokio::io::AsyncWrite::poll_write_vectored(writer, context, buffers),
        Writes::Futures => futures_io::AsyncWrite::poll_write(writer, context, data),
        Writes::FuturesVectored => futures_io::AsyncWrite::poll_write_vectored(writer, context, buffers),
    }
}

#[test]
fn a_write_polled_in_any_way_loses_no_byte_and_no_token() {
    let data: Vec<u8> = (0..3000).map(byte).collect();
    for seed in 0..SEEDS {
        for writes in [Writes::Tokio, Writes::TokioVectored, Writes::Futures, Writes::FuturesVectored] {
            let what = &format!("seed {seed}, {writes:?}");
            let mut random = Random(seed);
            let mut model = Model::new(&mut random);
            let inner = Inner::new(Manner::Flaky, u64::MAX, seed);
            let chunk = 1 + random.below(300);
            let mut writer = ThrottledWrite::new(inner.clone(), model.payer(chunk));
            let mut done = 0;
            let polls = if seed % 2 == 0 { random.below(200) } else { u64::MAX };
            for _ in 0..polls {
                if random.below(3) == 0 {
                    model.feed(random.below(200));
                }
                let end = data.len().min(done + 1 + random.below(400) as usize);
                let polled = poll_write(writes, &mut writer, &data[done..end]);
                model.passed = inner.passed();
                model.check(writer.payer().held(), what);
                assert!(writer.payer().held() <= chunk, "{what}");
                if let Poll::Ready(Ok(written)) = polled {
                    done += written;
                }
                assert_eq!(done as u64, inner.passed(), "{what}");
                if done == data.len() {
                    break;
                }
            }
            drop(writer);
            model.check_end(what);
            assert_eq!(inner.seen().written, data[..done], "{what}");
            assert!(inner.seen().largest as u64 <= chunk.div_ceil(2), "{what}");
        }
    }
}

#[test]
fn on_a_thread_no_byte_and_no_token_is_lost_either() {
    let data: Vec<u8> = (0..3000).map(byte).collect();
    for seed in 0..SEEDS {
        let what = &format!("seed {seed}");
        let mut random = Random(seed);
        let mut model = Model::new(&mut random);
        let chunk = 1 + random.below(300);

        let inner = Inner::new(Manner::Flaky, 3000, seed);
        let mut reader = ThrottledRead::new(inner.clone(), model.fed_well().chunk(chunk));
        let (mut read, mut vectored) = (Vec::new(), false);
        loop {
            let mut out = vec![0; 1 + random.below(400) as usize];
            let done = if vectored {
                let (one, two) = out.split_at_mut(random.below(10) as usize % 2);
                reader.read_vectored(&mut [IoSliceMut::new(one), IoSliceMut::new(two)])
            } else {
                reader.read(&mut out)
            };
            vectored = !vectored;
            model.passed = inner.passed();
            model.check(reader.payer().held(), what);
            assert!(reader.payer().held() <= chunk, "{what}");
            match done {
                Ok(0) => break,
                Ok(done) => read.extend_from_slice(&out[..done]),
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::Interrupted),
            }
        }
        assert_eq!(read, data, "{what}");
        drop(reader);
        model.check_end(what);

        let inner = Inner::new(Manner::Flaky, u64::MAX, seed);
        let mut writer = ThrottledWrite::new(inner.clone(), model.fed_well().chunk(chunk));
        let (before, mut done) = (model.passed, 0);
        while done < data.len() {
            let end = data.len().min(done + 1 + random.below(400) as usize);
            let (one, two) = data[done..end].split_at((end - done) / 3);
            let written = match random.below(2) {
                0 => writer.write(&data[done..end]),
                _ => writer.write_vectored(&[IoSlice::new(one), IoSlice::new(two)]),
            };
            model.passed = before + inner.passed();
            model.check(writer.payer().held(), what);
            match written {
                Ok(written) => done += written,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::Interrupted),
            }
        }
        assert_eq!(inner.seen().written, data, "{what}");
        assert!(inner.seen().largest as u64 <= chunk.div_ceil(2), "{what}");
        drop(writer);
        model.check_end(what);
    }
}
