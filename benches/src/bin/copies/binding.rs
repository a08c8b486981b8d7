//! Owns how much of a rate a copy uses that is bound by it. Never compares.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tollgate::io::{Payer, ThrottledRead};
use tollgate::{Limit, TokenBucket};

use crate::memory::Memory;

const BUFFER: usize = 64 << 10;

pub(crate) fn run(seconds: u64) {
    println!("copies of {seconds} s bound by a limit: bytes passed, of rate * time");
    println!("| limit | capacity | thread | tokio |");
    println!("|---|---|---|---|");
    for (name, rate) in [("1MiB/s", 1_u64 << 20), ("100MiB/s", 100 << 20), ("1GiB/s", 1 << 30)] {
        for (capacity, time) in [("1 s of the rate", 1000), ("20 ms", 20), ("4 ms", 4), ("2 ms", 2), ("1 ms", 1)] {
            let limit = Limit::per_second(rate).capacity(rate * time / 1000).empty();
            let [thread, task] = [on_a_thread(limit, seconds), in_a_task(limit, seconds)]
                .map(|(bytes, took)| bytes as f64 / (rate as f64 * took.as_secs_f64()));
            println!("| {name} | {capacity} | {thread:.4} | {task:.4} |");
        }
    }
}

/// Copies for so long, from a bucket that begins empty.
fn on_a_thread(limit: Limit, seconds: u64) -> (u64, Duration) {
    let bucket = Arc::new(TokenBucket::new(limit).expect("a good limit"));
    let start = Instant::now();
    let from = ThrottledRead::new(Memory::new(u64::MAX), Payer::blocking().and(bucket, 1));
    let bytes = copy_until(from, Memory::new(u64::MAX), start + Duration::from_secs(seconds));
    (bytes, start.elapsed())
}

fn in_a_task(limit: Limit, seconds: u64) -> (u64, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let bucket = Arc::new(TokenBucket::new(limit).expect("a good limit"));
    let start = Instant::now();
    let from = ThrottledRead::new(Memory::new(u64::MAX), Payer::new().and(bucket, 1));
    let end = start + Duration::from_secs(seconds);
    let bytes = runtime.block_on(copy_in_a_task_until(from, Memory::new(u64::MAX), end));
    (bytes, start.elapsed())
}

fn copy_until(mut from: impl Read, mut to: impl Write, end: Instant) -> u64 {
    let (mut buffer, mut bytes) = (vec![0; BUFFER], 0);
    while Instant::now() < end {
        let read = from.read(&mut buffer).expect("memory does not fail");
        to.write_all(&buffer[..read]).expect("memory does not fail");
        bytes += read as u64;
    }
    bytes
}

async fn copy_in_a_task_until(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, end: Instant) -> u64 {
    let (mut buffer, mut bytes) = (vec![0; BUFFER], 0);
    while Instant::now() < end {
        let read = from.read(&mut buffer).await.expect("memory does not fail");
        to.write_all(&buffer[..read]).await.expect("memory does not fail");
        bytes += read as u64;
    }
    bytes
}
