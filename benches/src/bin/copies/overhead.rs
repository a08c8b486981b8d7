//! Owns what a copy costs whose limits do not bind, against the same copy without. Never waits.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tollgate::io::{Payer, ThrottledRead, ThrottledWrite};
use tollgate::wait::TokioTimer;
use tollgate::{Limit, MultiBucket, TokenBucket};

use crate::memory::Memory;

/// Rounds of each case, one way and the other by turns.
const ROUNDS: u64 = 100;

/// One way to copy so many bytes through a buffer.
type Copy<'a> = Box<dyn FnMut(u64, &mut [u8]) -> io::Result<u64> + 'a>;

/// Limits that never bind.
struct Limits {
    connection: Arc<TokenBucket>,
    all: Arc<MultiBucket<2>>,
}

impl Limits {
    fn new() -> Self {
        let limit = "1TiB/s".parse::<Limit>().expect("a limit");
        let connection = TokenBucket::new(limit).expect("a good limit");
        let all = MultiBucket::new([limit; 2]).expect("good limits");
        Self { connection: Arc::new(connection), all: Arc::new(all) }
    }

    fn one(&self) -> Payer {
        Payer::blocking().and(Arc::clone(&self.connection), 1)
    }

    fn three(&self) -> Payer {
        self.one().and(Arc::clone(&self.all), [1, 1])
    }

    fn one_in_a_task(&self) -> Payer<TokioTimer> {
        Payer::new().and(Arc::clone(&self.connection), 1)
    }
}

pub(crate) fn run(bytes: u64) {
    let limits = Limits::new();
    println!("copies of {bytes} bytes, no limit binds: processor time; quartiles of {ROUNDS} rounds, by turns");
    println!("| copy | buffer | GB/s without | with, in all | quartiles |");
    println!("|---|---|---|---|---|");
    for buffer in [8, 64, 256] {
        let plain: Copy = Box::new(|bytes, buffer| copy(Memory::new(bytes), Memory::new(u64::MAX), buffer));
        let reads: Copy = Box::new(|bytes, buffer| {
            copy(ThrottledRead::new(Memory::new(bytes), limits.one()), Memory::new(u64::MAX), buffer)
        });
        let writes: Copy = Box::new(|bytes, buffer| {
            copy(Memory::new(bytes), ThrottledWrite::new(Memory::new(u64::MAX), limits.one()), buffer)
        });
        let three: Copy = Box::new(|bytes, buffer| {
            copy(ThrottledRead::new(Memory::new(bytes), limits.three()), Memory::new(u64::MAX), buffer)
        });
        compare(
            "memory to memory",
            bytes,
            buffer,
            plain,
            [("reads", reads), ("writes", writes), ("reads, three limits", three)],
        );
    }
    for buffer in [8, 64, 256] {
        let (zero, null) = (File::open("/dev/zero"), OpenOptions::new().write(true).open("/dev/null"));
        let (Ok(zero), Ok(null)) = (zero, null) else { continue };
        let plain: Copy = Box::new(|bytes, buffer| copy((&zero).take(bytes), &null, buffer));
        let reads: Copy =
            Box::new(|bytes, buffer| copy(ThrottledRead::new((&zero).take(bytes), limits.one()), &null, buffer));
        compare("/dev/zero to /dev/null", bytes, buffer, plain, [("reads", reads)]);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    for buffer in [8, 64, 256] {
        let plain: Copy = Box::new(|bytes, buffer| {
            runtime.block_on(copy_in_a_task(Memory::new(bytes), Memory::new(u64::MAX), buffer))
        });
        let reads: Copy = Box::new(|bytes, buffer| {
            let reader = ThrottledRead::new(Memory::new(bytes), limits.one_in_a_task());
            runtime.block_on(copy_in_a_task(reader, Memory::new(u64::MAX), buffer))
        });
        let writes: Copy = Box::new(|bytes, buffer| {
            let writer = ThrottledWrite::new(Memory::new(u64::MAX), limits.one_in_a_task());
            runtime.block_on(copy_in_a_task(Memory::new(bytes), writer, buffer))
        });
        compare("memory to memory, tokio", bytes, buffer, plain, [("reads", reads), ("writes", writes)]);
    }
}

/// Prints the time of each way as a share of that of the plain one.
fn compare<const K: usize>(name: &str, bytes: u64, kilobytes: usize, mut plain: Copy<'_>, ways: [(&str, Copy<'_>); K]) {
    let mut buffer = vec![0; kilobytes << 10];
    let each = bytes / ROUNDS;
    for (way, mut with) in ways {
        let (mut ratios, mut sums) = (Vec::new(), [Duration::ZERO; 2]);
        for round in 0..=ROUNDS {
            let (without, with) = (timed(&mut plain, each, &mut buffer), timed(&mut with, each, &mut buffer));
            // The first warms up.
            if round > 0 {
                sums = [sums[0] + without, sums[1] + with];
                ratios.push(with.as_secs_f64() / without.as_secs_f64());
            }
        }
        ratios.sort_by(f64::total_cmp);
        let [low, median, high] = [1, 2, 3].map(|quarter| ratios[ratios.len() * quarter / 4]);
        let speed = (each * ROUNDS) as f64 / sums[0].as_secs_f64() / 1e9;
        let all = sums[1].as_secs_f64() / sums[0].as_secs_f64();
        println!("| {name}, {way} | {kilobytes} KiB | {speed:.1} | {all:.3} | {low:.3} {median:.3} {high:.3} |");
    }
}

/// The time that this thread has run: other programs do not count.
fn ran() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn timed(copy: &mut Copy<'_>, bytes: u64, buffer: &mut [u8]) -> Duration {
    let start = ran();
    let copied = copy(bytes, buffer).expect("memory does not fail");
    let took = ran() - start;
    assert_eq!(copied, bytes, "all is copied");
    took
}

fn copy(mut from: impl Read, mut to: impl Write, buffer: &mut [u8]) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        let read = from.read(buffer)?;
        if read == 0 {
            return Ok(bytes);
        }
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
    }
}

async fn copy_in_a_task(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    buffer: &mut [u8],
) -> io::Result<u64> {
    let mut bytes = 0;
    loop {
        let read = from.read(buffer).await?;
        if read == 0 {
            return Ok(bytes);
        }
        to.write_all(&buffer[..read]).await?;
        bytes += read as u64;
    }
}
