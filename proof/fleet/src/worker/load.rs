//! Owns how a worker takes, on each of its threads. Never judges what it gets.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tollgate_redis::{Engine, FleetBucket, StrictError};

use super::orders::{Load, Orders};
use crate::judge::diary::Diary;
use crate::{Outcome, now_ms};

/// For how long a thread sleeps that was refused: the stated wait, within these.
const NAPS: [Duration; 2] = [Duration::from_micros(100), Duration::from_micros(500)];
/// Decisions between two looks at whether it is over.
const STRETCH: u64 = 256;

/// What all threads of a worker got.
#[derive(Debug, Default)]
pub struct Counts {
    taken: AtomicU64,
    decided: AtomicU64,
}

impl Counts {
    /// Returns the tokens that were taken, and the decisions.
    pub fn read(&self) -> (u64, u64) {
        // ORDERING: Relaxed, here and below. They count.
        (self.taken.load(Relaxed), self.decided.load(Relaxed))
    }

    fn add(&self, taken: u64, decided: u64) {
        self.taken.fetch_add(taken, Relaxed);
        self.decided.fetch_add(decided, Relaxed);
    }
}

/// Makes the engine of the orders.
///
/// # Errors
///
/// That an address is none.
pub fn engine(orders: &Orders) -> Outcome<Engine> {
    let engine = Engine::cluster(&orders.urls)?;
    Ok(match &orders.authority {
        Some(file) => engine.authority(file),
        None => engine,
    })
}

/// Starts the threads, which take until it is done.
///
/// # Errors
///
/// That a diary cannot be begun.
pub fn start(
    orders: &Orders,
    fleet: &FleetBucket<1>,
    runtime: &Handle,
    counts: &Arc<Counts>,
    is_done: &Arc<AtomicBool>,
) -> Outcome<Vec<JoinHandle<Outcome<()>>>> {
    let start = |thread: usize| {
        let file = orders.folder.join(format!("uses-{}-{thread}", orders.member));
        let thread = Thread {
            fleet: fleet.clone(),
            runtime: runtime.clone(),
            counts: Arc::clone(counts),
            is_done: Arc::clone(is_done),
            diary: Diary::begin(&file)?,
        };
        let (load, threads) = (orders.load, orders.threads as u64);
        Ok(std::thread::spawn(move || thread.run(load, threads)))
    };
    (0..orders.threads).map(start).collect()
}

struct Thread {
    fleet: FleetBucket<1>,
    runtime: Handle,
    counts: Arc<Counts>,
    is_done: Arc<AtomicBool>,
    diary: Diary,
}

impl Thread {
    fn run(mut self, load: Load, threads: u64) -> Outcome<()> {
        match load {
            Load::Hungry => self.hungry()?,
            Load::Paced(rate) => self.paced(Duration::from_secs(threads) / rate.max(1) as u32)?,
            Load::InTurn(tasks) => self.in_turn(tasks)?,
            Load::Counted => self.counted(),
            Load::Strict => self.strict()?,
        }
        self.diary.flush()
    }

    fn is_done(&self) -> bool {
        // ORDERING: Relaxed. It says all there is to know.
        self.is_done.load(Relaxed)
    }

    fn hungry(&mut self) -> Outcome<()> {
        while !self.is_done() {
            match self.fleet.try_take([1]) {
                Ok(()) => {
                    self.diary.note(1)?;
                    self.counts.add(1, 1);
                }
                Err(refused) => {
                    self.counts.add(0, 1);
                    std::thread::sleep(refused.wait().unwrap_or(NAPS[1]).clamp(NAPS[0], NAPS[1]));
                }
            }
        }
        Ok(())
    }

    fn paced(&mut self, every: Duration) -> Outcome<()> {
        let begun = Instant::now();
        let mut next = Duration::ZERO;
        while !self.is_done() {
            let early = next.saturating_sub(begun.elapsed());
            if !early.is_zero() {
                std::thread::sleep(early.min(Duration::from_millis(20)));
                continue;
            }
            next += every;
            let taken = u64::from(self.fleet.try_take([1]).is_ok());
            if taken > 0 {
                self.diary.note(1)?;
            }
            self.counts.add(taken, 1);
        }
        Ok(())
    }

    /// Tasks that wait in turn. Each notes its own time.
    fn in_turn(&mut self, tasks: u64) -> Outcome<()> {
        let wait = Duration::from_millis(100);
        while !self.is_done() {
            let waits: Vec<_> = (0..tasks)
                .map(|_| {
                    let fleet = self.fleet.clone();
                    self.runtime.spawn(async move { fleet.take_timeout([1], wait).await.ok().map(|()| now_ms()) })
                })
                .collect();
            for wait in waits {
                let taken = self.runtime.block_on(wait)?;
                if let Some(ms) = taken {
                    self.diary.note_at(ms, 1)?;
                }
                self.counts.add(taken.is_some().into(), 1);
            }
        }
        Ok(())
    }

    fn counted(&self) {
        while !self.is_done() {
            let taken = (0..STRETCH).filter(|_| self.fleet.try_take([1]).is_ok()).count();
            self.counts.add(taken as u64, STRETCH);
        }
    }

    fn strict(&self) -> Outcome<()> {
        while !self.is_done() {
            match self.runtime.block_on(self.fleet.strict().try_take([1])) {
                Ok(()) => self.counts.add(1, 1),
                Err(StrictError::Refused(_)) => self.counts.add(0, 1),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}
