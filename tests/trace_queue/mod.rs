//! Owns the replay of models `shard` and `limiter`: every batch must become what it became, at the
//! instant at which it did.
//!
//! All files are on a grid on which the recorded arithmetic is exact, as ours is but for the last
//! nanosecond where a rate is not: what is let go short of the recording is asked for again a
//! nanosecond later, and counted as a difference.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use tollgate::clock::{ManualClock, Time};
use tollgate::deadline::{DeadlineQueue, Drained, Entry, PushRefusal, ShardedDeadlineQueue};
use tollgate::{Clock, Limit, MultiBucket};

use crate::Tally;
use crate::trace_format::{NANO, Recording, Ticks};
use crate::trace_take::level;

/// A batch that was put in, by its line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Batch {
    deadline: Time,
    id: u64,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Operation {
    Enqueue { t: u64, id: u64, amounts: [u64; 2], deadline: u64, expires: u64 },
    Drain(Recorded),
    Flush(Recorded),
}

/// What the recorded queue let go.
#[derive(Deserialize)]
struct Recorded {
    t: u64,
    admitted: Vec<u64>,
    expired: Vec<u64>,
    available: [f64; 2],
}

/// A queue that waits for a third stream too, which never has a token. See [`Shard::enqueue`].
type Gated = DeadlineQueue<Batch, 3, ManualClock>;

struct Shard<'a> {
    recording: &'a Recording,
    limits: [Limit; 2],
    queue: Gated,
    differences: u64,
}

pub(crate) fn replay_shard(recording: &Recording) -> Result<Tally, String> {
    let limits = recording.limits::<2>()?.0;
    let closed = Limit::per_second(0).capacity(1).empty();
    let clock = ManualClock::starting_at(Time::from_nanos(recording.header.t0));
    let bucket = MultiBucket::with_clock([limits[0], limits[1], closed], clock).unwrap();
    let mut shard = Shard { recording, limits, queue: DeadlineQueue::new(bucket), differences: 0 };
    let operations = recording.operations::<Operation>()?;
    for (line, operation) in &operations {
        shard.replay(operation).map_err(|what| format!("{}:{line}: {what}", recording.file))?;
    }
    Ok(Tally { files: 1, operations: operations.len() as u64, differences: shard.differences, defects: 0 })
}

impl Shard<'_> {
    fn replay(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            &Operation::Enqueue { t, id, amounts, deadline, expires } => {
                self.at(t);
                let [deadline, expires] = [deadline, expires].map(Time::from_nanos);
                self.enqueue(Batch { deadline, id }, amounts, expires)
            }
            Operation::Drain(recorded) => {
                let short = self.let_go(recorded, |queue, now| queue.at(now).drain(usize::MAX))?;
                self.differences += u64::from(short);
                self.check_levels(recorded)
            }
            Operation::Flush(recorded) => {
                let short = self.let_go(recorded, |queue, now| queue.at(now).flush_uncharged())?;
                holds(!short && self.queue.is_empty(), || "a flush left something".into())?;
                self.check_levels(recorded)
            }
        }
    }

    fn at(&self, t: u64) {
        self.queue.bucket().clock().set(Time::from_nanos(t));
    }

    /// A batch larger than a capacity must be given back. In the recording it waits until it
    /// expires or is flushed, and all with a later deadline behind it; so it is put in again, to
    /// wait for the stream that never has a token.
    fn enqueue(&self, batch: Batch, [records, bytes]: [u64; 2], expires: Time) -> Result<(), String> {
        let too_large = [records, bytes].into_iter().zip(self.limits).position(|(n, limit)| n > limit.capacity);
        let refused =
            self.queue.push(Entry::new(batch, [records, bytes, 0]).deadline(batch.deadline).expires(expires)).err();
        let given_back = refused.map(|refused| match refused.reason {
            PushRefusal::Never(never) => (refused.item, Some(never.stream)),
            _ => (refused.item, None),
        });
        holds(given_back == too_large.map(|stream| (batch, Some(stream))), || format!("given back: {given_back:?}"))?;
        if given_back.is_some() {
            self.queue
                .push(Entry::new(batch, [0, 0, 1]).deadline(batch.deadline).expires(expires))
                .map_err(|refused| refused.to_string())?;
        }
        Ok(())
    }

    /// `true` if it took a nanosecond more for what was recorded.
    fn let_go(&self, recorded: &Recorded, verb: fn(&Gated, Time) -> Option<Drained<Batch>>) -> Result<bool, String> {
        self.at(recorded.t);
        let mut drained = verb(&self.queue, Time::from_nanos(recorded.t)).ok_or("nobody else drains")?;
        let short = drained.admitted.len() < recorded.admitted.len();
        if short {
            let later = Time::from_nanos(recorded.t).after(NANO);
            holds(drained.next == Some(later), || format!("differs by more than a nanosecond: {drained:?}"))?;
            drained.admitted.extend(verb(&self.queue, later).ok_or("nobody else drains")?.admitted);
        }
        let ids = |batches: &[Batch]| batches.iter().map(|batch| batch.id).collect::<Vec<_>>();
        // The recording lists these by deadline, the queue by expiry.
        drained.expired.sort();
        let here = (ids(&drained.expired), ids(&drained.admitted));
        let holds_here = (&here.0, &here.1) == (&recorded.expired, &recorded.admitted) && drained.never.is_empty();
        holds(holds_here, || {
            format!("expired and admitted {here:?}, not {:?}", (&recorded.expired, &recorded.admitted))
        })?;
        Ok(short)
    }

    /// A stream that was full when a batch was a nanosecond late has forfeited that nanosecond.
    fn check_levels(&self, recorded: &Recorded) -> Result<(), String> {
        let (_, measures) = self.recording.limits::<2>()?;
        for (stream, measure) in measures.iter().enumerate() {
            let (least, most) = level(self.queue.bucket(), Time::from_nanos(recorded.t), stream, measure.scale);
            let there = measure.scale.level(recorded.available[stream]);
            let off = measure.uncertainty() + i128::from(self.differences) * measure.scale.nano;
            holds(there + off >= least && there - off <= most, || {
                format!("stream {stream} holds {least} to {most}, not {there} by {off}")
            })?;
        }
        Ok(())
    }
}

fn holds(claim: bool, what: impl Fn() -> String) -> Result<(), String> {
    if claim { Ok(()) } else { Err(what()) }
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
enum Put {
    Put { t: u64, id: u64, shard: i64, amounts: [u64; 2], deadline: u64, outcome: Outcome, at: u64 },
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Admitted,
    Expired,
}

type Shards<'a> = ShardedDeadlineQueue<i64, u64, 2, &'a ManualClock>;

/// What became of the batches, by their numbers.
#[derive(Default)]
struct Ends {
    recorded: BTreeMap<u64, End>,
    /// The recorded ends, still to come, of batches that were put in.
    expected: BTreeSet<(Time, Outcome, u64)>,
    differences: u64,
}

struct End {
    line: usize,
    shard: i64,
    outcome: Outcome,
    at: Time,
}

/// Shards that have become idle are removed as they are in use, which must not show.
pub(crate) fn replay_limiter(recording: &Recording) -> Result<Tally, String> {
    let limits = recording.limits::<2>()?.0;
    let Some(Ticks { drain_interval_ns, expiration_ns, end }) = recording.header.ticks else {
        return Err(format!("{}:1: no drain_interval_ns, expiration_ns and end", recording.file));
    };
    let hand = ManualClock::starting_at(Time::from_nanos(recording.header.t0));
    let shards = Shards::with_clock(&hand, move |_, clock| MultiBucket::with_clock(limits, clock));
    let puts = recording.operations::<Put>()?;
    let mut ends = Ends::default();
    for &(line, Put::Put { id, shard, outcome, at, .. }) in &puts {
        ends.recorded.insert(id, End { line, shard, outcome, at: Time::from_nanos(at) });
    }
    let fails = |what| format!("{}:{what}", recording.file);
    let mut tick = puts.first().map_or(end, |(_, Put::Put { t, .. })| t + drain_interval_ns);
    for &(_, Put::Put { t, id, shard, amounts, deadline, outcome, at }) in &puts {
        while tick <= t {
            ends.tick(&shards, tick).map_err(fails)?;
            tick += drain_interval_ns;
        }
        hand.set(Time::from_nanos(t));
        let [deadline, expires] = [deadline, t + expiration_ns].map(Time::from_nanos);
        shards
            .push(shard, Entry::new(id, amounts).deadline(deadline).expires(expires))
            .map_err(|refused| fails(format!(" {refused}")))?;
        ends.expected.insert((Time::from_nanos(at), outcome, id));
        ends.follow(&hand, Some(shard), || shards.drain(&shard, usize::MAX).into_iter().collect()).map_err(fails)?;
    }
    while tick <= end {
        ends.tick(&shards, tick).map_err(fails)?;
        tick += drain_interval_ns;
    }
    match ends.expected.first() {
        None => Ok(Tally { files: 1, operations: puts.len() as u64, differences: ends.differences, defects: 0 }),
        Some((_, _, id)) => Err(fails(format!("{}: nothing became of it", ends.recorded[id].line))),
    }
}

impl Ends {
    fn tick(&mut self, shards: &Shards<'_>, tick: u64) -> Result<(), String> {
        let hand = shards.clock();
        hand.set(Time::from_nanos(tick));
        self.follow(hand, None, || {
            shards.drain_all(usize::MAX).shards.into_iter().map(|(_, drained)| drained).collect()
        })
    }

    /// Drains one shard or all, and once more a nanosecond later if something is short of the
    /// recording.
    fn follow(
        &mut self,
        hand: &ManualClock,
        shard: Option<i64>,
        drain: impl Fn() -> Vec<Drained<u64>>,
    ) -> Result<(), String> {
        let now = hand.now();
        self.check(now, drain())?;
        if self.due(now, shard).is_some() {
            hand.advance(NANO);
            self.check(now, drain())?;
            self.differences += 1;
        }
        match self.due(now, shard) {
            Some(End { line, outcome, at, .. }) => Err(format!("{line}: not {outcome:?} at {at:?}")),
            None => Ok(()),
        }
    }

    /// What the recording let go by now, and these shards have not.
    fn due(&self, now: Time, shard: Option<i64>) -> Option<&End> {
        let past = self.expected.iter().take_while(|(at, ..)| *at <= now);
        past.map(|(_, _, id)| &self.recorded[id]).find(|end| shard.is_none_or(|shard| shard == end.shard))
    }

    fn check(&mut self, now: Time, drained: Vec<Drained<u64>>) -> Result<(), String> {
        for Drained { expired, admitted, .. } in drained {
            let expired = expired.into_iter().map(|id| (id, Outcome::Expired));
            for (id, here) in admitted.into_iter().map(|id| (id, Outcome::Admitted)).chain(expired) {
                let End { line, outcome, at, .. } = self.recorded[&id];
                holds(self.expected.remove(&(now, here, id)), || {
                    format!("{line}: {here:?} at {now:?}, not {outcome:?} at {at:?}")
                })?;
            }
        }
        Ok(())
    }
}
