//! Owns the replay of model `keyed`: every row asks the bucket of its key, in one `KeyedBuckets`,
//! with and without evictions between the rows.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use tollgate::clock::{ManualClock, Monotonic, Time};
use tollgate::keyed::KeyRefused;
use tollgate::{Clock, KeyedBuckets, Never, Refused};

use crate::Tally;
use crate::trace_format::{Asked, Recording, Row, Take};
use crate::trace_take::{Bucket, Step, Supplied, Verbs};

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Operation {
    Consume { t: u64, key: String, amounts: [u64; 1], ok: bool, available: [f64; 1], slack: Option<f64> },
}

/// The bucket of one key, at times that the caller supplies.
struct OfKey<'a, C> {
    keys: &'a KeyedBuckets<String, 1, C>,
    key: &'a str,
}

fn refused(refused: KeyRefused) -> Refused {
    match refused {
        KeyRefused::Bucket(refused) => refused,
        KeyRefused::NoRoom(refusal) => panic!("{refusal}"),
    }
}

impl<C: Clock> Bucket<1> for OfKey<'_, C> {
    fn take_at(&self, now: Time, [n]: [u64; 1]) -> Result<(), Refused> {
        self.keys.at(now).try_take(self.key, n).map_err(refused).map(drop)
    }

    fn put_back_at(&self, now: Time, [n]: [u64; 1]) {
        self.keys.at(now).put_back(self.key, n);
    }

    fn available_at(&self, now: Time) -> [u64; 1] {
        [self.keys.at(now).available(self.key)]
    }

    fn wait_at(&self, now: Time, [n]: [u64; 1]) -> Result<Option<Duration>, Never> {
        self.keys.at(now).wait_for(self.key, n)
    }
}

impl<C: Clock> Verbs<1> for &OfKey<'_, C> {
    fn try_take(&mut self, [n]: [u64; 1]) -> Result<(), Refused> {
        self.keys.try_take(self.key, n).map_err(refused).map(drop)
    }

    fn available(&self) -> [u64; 1] {
        [self.keys.available(self.key)]
    }

    fn wait_for(&self, [n]: [u64; 1]) -> Result<Option<Duration>, Never> {
        self.keys.wait_for(self.key, n)
    }
}

pub(crate) fn replay_keyed(recording: &Recording) -> Result<Tally, String> {
    let (limits, measures) = recording.limits()?;
    let (mut keys, mut rows) = (Vec::new(), Vec::new());
    for (line, operation) in recording.operations()? {
        let Operation::Consume { t, key, amounts, ok, available, slack } = operation;
        rows.push(Row { line, t: Time::from_nanos(t), asked: Some(Asked { amounts, ok, slack }), available });
        keys.push(key);
    }
    let (t0, clock_regresses) = (Time::from_nanos(recording.header.t0), recording.header.clock_regresses);
    let take = Take { file: recording.file.clone(), t0, limits, measures, clock_regresses, rows };
    let differences = if clock_regresses {
        vec![at_newest(&take, &keys)?]
    } else {
        vec![agree(&take, &keys, false)?, agree(&take, &keys, true)?]
    };
    Tally::of(&take.file, take.rows.len(), &differences)
}

/// Replays all rows, and says how many decisions differed by a nanosecond of accrual. If
/// `evicting`, whatever is full is removed before every row.
fn agree(take: &Take<1>, keys: &[String], evicting: bool) -> Result<u64, String> {
    let hand = ManualClock::starting_at(take.t0);
    let buckets = KeyedBuckets::with_clock(take.limits[0], keys.len(), &hand).map_err(|error| error.to_string())?;
    let mut differences = 0;
    for (row, key) in take.rows.iter().zip(keys) {
        hand.set(row.t);
        let bucket = OfKey { keys: &buckets, key };
        // A key that is removed is full at any time, a nanosecond ago as well.
        let doubtful = step(take, row, &bucket, row.t).doubtful(row.asked.expect("every row is a take").amounts);
        if evicting {
            buckets.shrink();
        }
        differences += follow(take, row, &bucket, row.t, doubtful, &mut &bucket)?;
    }
    Ok(differences)
}

/// The same where times go back: what was recorded kept the newest time that it had seen for each
/// key, so each has a [`Monotonic`].
fn at_newest(take: &Take<1>, keys: &[String]) -> Result<u64, String> {
    let hand = ManualClock::starting_at(take.t0);
    let buckets = KeyedBuckets::with_clock(take.limits[0], keys.len(), &hand).map_err(|error| error.to_string())?;
    let mut clocks = HashMap::new();
    let mut differences = 0;
    for (row, key) in take.rows.iter().zip(keys) {
        hand.set(row.t);
        let clock: &Monotonic<_> = clocks.entry(key).or_insert_with(|| Monotonic::new(&hand));
        let bucket = OfKey { keys: &buckets, key };
        let now = clock.now();
        let doubtful = step(take, row, &bucket, now).doubtful(row.asked.expect("every row is a take").amounts);
        differences += follow(take, row, &bucket, now, doubtful, &mut Supplied { bucket: &bucket, clock })?;
    }
    Ok(differences)
}

fn step<'a, C: Clock>(
    take: &'a Take<1>,
    row: &'a Row<1>,
    bucket: &'a OfKey<'a, C>,
    now: Time,
) -> Step<'a, 1, OfKey<'a, C>> {
    Step { take, row, bucket, now }
}

fn follow<C: Clock>(
    take: &Take<1>,
    row: &Row<1>,
    bucket: &OfKey<'_, C>,
    now: Time,
    doubtful: bool,
    verbs: &mut impl Verbs<1>,
) -> Result<u64, String> {
    let step = step(take, row, bucket, now);
    let differs = step.decide_if(row.asked.expect("every row is a take"), doubtful, verbs)?;
    step.check_levels()?;
    Ok(u64::from(differs))
}
