//! Owns the replay of model `fifo`: callers who wait at once, served strictly one after the other.

use std::time::Duration;

use serde::Deserialize;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Refused, Reservation};

use crate::Tally;
use crate::trace_format::Recording;
use crate::trace_wait::{Waiting, with_each};

/// A file of model `fifo`.
struct Fifo {
    file: String,
    t0: Time,
    rows: Vec<(usize, Row)>,
}

#[derive(Deserialize, Debug)]
struct Row {
    t: u64,
    amounts: [u64; 1],
    timeout_ns: Option<u64>,
    ok: bool,
    #[serde(default)]
    error: String,
    /// When it was granted or gave up.
    at: u64,
}

impl Row {
    fn timeout(&self) -> Duration {
        self.timeout_ns.map_or(Duration::MAX, Duration::from_nanos)
    }
}

pub(crate) fn replay_fifo(recording: &Recording) -> Result<Tally, String> {
    let Recording { file, header, .. } = recording;
    let ([limit], [measure]) = recording.limits()?;
    if measure.uncertainty() > 0 || header.wait_tol_ns > 0 {
        return Err(format!("{file}:1: not exact"));
    }
    let fifo = Fifo { file: file.clone(), t0: Time::from_nanos(header.t0), rows: recording.operations()? };
    let mut differences = with_each(limit, fifo.t0, |clock, bucket| fifo.one_by_one(clock, bucket))?;
    if fifo.rows.iter().all(|(_, row)| row.timeout_ns.is_none()) {
        differences.extend(with_each(limit, fifo.t0, |clock, bucket| fifo.all_at_once(clock, bucket))?);
    }
    Tally::of(file, fifo.rows.len(), &differences)
}

impl Fifo {
    /// Each request as it comes to the head, which is where its timeout begins.
    fn one_by_one(&self, clock: &ManualClock, bucket: &dyn Waiting) -> Result<u64, String> {
        let mut end = self.t0;
        for (line, row) in &self.rows {
            let start = end.max(Time::from_nanos(row.t));
            clock.set(start);
            let place = bucket.reserve(row.amounts[0], row.timeout());
            // Who has to give up is told so at once; the recorded one waited for its timeout.
            end = match &place {
                Ok(place) => place.ready_at().unwrap(),
                Err(Refused::NotYet(_)) => start.after(row.timeout()),
                Err(_) => start,
            };
            let told = match &place {
                Ok(_) => "",
                Err(Refused::NotYet(_)) => "timeout",
                Err(Refused::Never(_)) => "over_capacity",
                Err(Refused::Closed | Refused::Cancelled) => "closed",
            };
            self.compare(*line, row, told, end)?;
            if let Ok(place) = place {
                clock.set(end);
                place.commit();
            }
        }
        Ok(0)
    }

    /// Each request when it arrives, so that all of them wait at once: the order of the
    /// reservations is the queue.
    fn all_at_once(&self, clock: &ManualClock, bucket: &dyn Waiting) -> Result<u64, String> {
        let mut end = self.t0;
        let mut places: Vec<Reservation<'_>> = Vec::new();
        for (line, row) in &self.rows {
            clock.set(Time::from_nanos(row.t));
            match bucket.reserve(row.amounts[0], Duration::MAX) {
                Ok(place) => {
                    end = place.ready_at().unwrap();
                    self.compare(*line, row, "", end)?;
                    places.push(place);
                }
                // Told at once, where the recorded one told it at the head of the queue.
                Err(Refused::Never(_)) => {
                    end = end.max(Time::from_nanos(row.t));
                    self.compare(*line, row, "over_capacity", end)?;
                }
                Err(refused) => return Err(format!("{}:{line}: {refused}", self.file)),
            }
        }
        places.into_iter().for_each(Reservation::commit);
        Ok(0)
    }

    fn compare(&self, line: usize, row: &Row, told: &str, at: Time) -> Result<(), String> {
        if (told, told.is_empty(), at.as_nanos()) == (row.error.as_str(), row.ok, row.at) {
            return Ok(());
        }
        Err(format!("{}:{line}: ends at {at:?} {told}\n  recorded: {row:?}", self.file))
    }
}
