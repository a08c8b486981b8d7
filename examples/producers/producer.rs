//! Owns a producer's loop: ask for a record, then send it or wait as the refusal says. It never
//! sends a record without a grant.

use std::error::Error;
use std::thread;
use std::time::Duration;

use hdrhistogram::Histogram;
use tollgate::clock::Time;
use tollgate::{Clock, MultiBucket, Never, Refused};

use crate::audit::Event;
use crate::input::Input;
use crate::progress::Admitted;
use crate::sink::Wire;

/// One producer of those that share the bucket.
pub(crate) struct Producer<'a> {
    pub(crate) bucket: &'a MultiBucket<2>,
    pub(crate) input: &'a Input,
    /// The first record; each producer goes through all records.
    pub(crate) first: usize,
    pub(crate) wire: Wire,
    /// The instant from which no decision is made.
    pub(crate) deadline: Time,
    pub(crate) admitted: &'a Admitted,
}

impl Producer<'_> {
    /// Offers records until the deadline.
    ///
    /// It stops earlier if no record of the whole input fits the capacity.
    ///
    /// It sends granted records before it sleeps, and always at the end. After an error, some
    /// granted records were not sent.
    pub(crate) fn run(mut self, tally: &mut Tally) -> Result<(), Box<dyn Error + Send + Sync>> {
        let clock = self.bucket.clock();
        let handle = self.bucket.handle()?;
        let mut skipped_in_a_row = 0;

        'records: for record in self.input.cycle_from(self.first) {
            let amounts = [1, record.len() as u64];
            tally.offered(amounts);
            loop {
                // `handle.try_take` would read the clock itself. Reading it here tells the audit
                // the time of the decision.
                let now = clock.now();
                if now >= self.deadline {
                    break 'records;
                }
                let decision = handle.at(now).try_take(amounts);
                tally.decided_in(clock.now().since(now));
                match decision {
                    Ok(_) => {
                        tally.granted(now, amounts);
                        self.admitted.add(amounts);
                        self.wire.send(record)?;
                        skipped_in_a_row = 0;
                        break;
                    }
                    Err(Refused::NotYet(refusal)) => {
                        tally.refused(refusal.stream());
                        self.wire.flush()?;
                        thread::sleep(refusal.wait().unwrap_or(Duration::MAX).min(self.deadline.since(now)));
                    }
                    Err(Refused::Closed | Refused::Cancelled) => break 'records,
                    Err(Refused::Never(refusal)) => {
                        tally.skipped(refusal);
                        skipped_in_a_row += 1;
                        if skipped_in_a_row == self.input.len() {
                            break 'records;
                        }
                        break;
                    }
                }
            }
        }
        self.wire.close()?;
        Ok(())
    }
}

/// The outcome of a producer's offers.
pub(crate) struct Tally {
    /// Offered records and bytes; each record counts once, however often the producer asked.
    pub(crate) offered: [u64; 2],
    /// Refused decisions, by the stream that the refusal named.
    pub(crate) refused: [u64; 2],
    /// Records above the capacity, counted in every round, and the largest of them.
    pub(crate) skipped: u64,
    pub(crate) largest_skipped: u64,
    /// Nanoseconds of each decision, including its reading of the clock.
    pub(crate) latency: Histogram<u64>,
    /// Each grant with its decision time: 24 bytes each, a gigabyte for 45 million.
    pub(crate) grants: Vec<Event>,
}

/// The most grants to reserve space for. More grants let the space grow between two decisions.
const MOST_RESERVED: u64 = 1 << 18;

impl Tally {
    /// Makes an empty tally with space for this many grants.
    pub(crate) fn expecting(grants: u64) -> Self {
        let grants = Vec::with_capacity(grants.min(MOST_RESERVED) as usize);
        Self { grants, ..Self::default() }
    }

    fn offered(&mut self, amounts: [u64; 2]) {
        self.offered[0] += amounts[0];
        self.offered[1] += amounts[1];
    }

    fn decided_in(&mut self, latency: Duration) {
        self.latency.saturating_record(latency.as_nanos() as u64);
    }

    fn granted(&mut self, now: Time, amounts: [u64; 2]) {
        self.grants.push(Event { nanos: now.as_nanos(), amounts });
    }

    fn refused(&mut self, stream: usize) {
        self.refused[stream] += 1;
    }

    fn skipped(&mut self, refusal: Never) {
        self.skipped += 1;
        self.largest_skipped = self.largest_skipped.max(refusal.requested);
    }

    /// Adds the tally of another producer.
    pub(crate) fn add(&mut self, mut other: Self) {
        for stream in 0..2 {
            self.offered[stream] += other.offered[stream];
            self.refused[stream] += other.refused[stream];
        }
        self.skipped += other.skipped;
        self.largest_skipped = self.largest_skipped.max(other.largest_skipped);
        self.latency += &other.latency;
        self.grants.append(&mut other.grants);
    }
}

impl Default for Tally {
    fn default() -> Self {
        // Two digits, up to a minute: 60 kB for each producer.
        let latency = Histogram::new_with_max(60_000_000_000, 2).expect("valid bounds");
        Self { offered: [0; 2], refused: [0; 2], skipped: 0, largest_skipped: 0, latency, grants: Vec::new() }
    }
}
