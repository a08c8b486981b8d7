//! Owns the replay: it decides every request, in order and at its time. It never prints:
//! `report.rs` does.

use std::time::{Duration, Instant};

use tollgate::clock::ManualClock;
use tollgate::keyed::KeyRefused;
use tollgate::limit::LimitError;
use tollgate::{KeyedBuckets, Limit};

use crate::log::{Client, Log};
use crate::memory;

/// The verdict on a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Verdict {
    // Not 0, so that the memory of the verdicts is resident from the beginning.
    Granted = 1,
    Refused,
    /// The client is new, and the table has no place for another.
    NoRoom,
}

pub(crate) struct Replay {
    /// One verdict for each request.
    pub(crate) verdicts: Vec<Verdict>,
    /// The number of clients that have a bucket at the end.
    pub(crate) len: usize,
    /// The most clients that had a bucket at any time.
    pub(crate) most: usize,
    pub(crate) took: Duration,
    /// Resident bytes before the buckets were made, and after the last request.
    pub(crate) memory: Option<[u64; 2]>,
}

impl Replay {
    pub(crate) fn of(log: &Log<'_>, limit: Limit, max_keys: usize) -> Result<Self, LimitError> {
        let mut verdicts = vec![Verdict::Granted; log.requests.len()];
        let mut most = 0;
        let before = memory::resident();
        let start = Instant::now();
        let buckets = KeyedBuckets::<Client<'_>, 1, _>::with_clock(limit, max_keys, ManualClock::new())?;
        for (request, verdict) in log.requests.iter().zip(&mut verdicts) {
            *verdict = match buckets.at(request.at).try_take(&request.client, 1) {
                Ok(_) => Verdict::Granted,
                Err(KeyRefused::Bucket(_)) => Verdict::Refused,
                Err(KeyRefused::NoRoom(_)) => Verdict::NoRoom,
            };
            most = most.max(buckets.len());
        }
        let took = start.elapsed();
        let memory = before.zip(memory::resident()).map(|(before, after)| [before, after]);
        Ok(Self { verdicts, len: buckets.len(), most, took, memory })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::log::Request;
    use tollgate::TokenBucket;
    use tollgate::clock::Time;

    /// Eviction changes no decision.
    ///
    /// Each client is refused exactly where a bucket of its own, kept for ever, refuses.
    #[test]
    fn clients_are_refused_as_by_buckets_that_are_kept() {
        let limit = Limit::per_second(1).capacity(3);
        let names: Vec<String> = (0..5000).map(|i| format!("client {i}")).collect();
        // 40 a second: the first clients often, the others rarely.
        let requests = (0..40_000_u64).map(|i| {
            let name = if i % 8 == 0 { i % 5 } else { i * i % 4999 };
            let field = names[name as usize].as_str();
            Request { client: Client::Name(field), field, at: Time::from_nanos(i * 25_000_000) }
        });
        let log = Log { requests: requests.collect(), skipped: 0, timed: true };
        let replay = Replay::of(&log, limit, 1000).unwrap();

        let mut kept = HashMap::new();
        for (request, verdict) in log.requests.iter().zip(&replay.verdicts) {
            let bucket = kept
                .entry(request.client)
                .or_insert_with(|| TokenBucket::with_clock(limit, ManualClock::new()).unwrap());
            let expected = match bucket.at(request.at).try_take(1) {
                Ok(_) => Verdict::Granted,
                Err(_) => Verdict::Refused,
            };
            assert_eq!(*verdict, expected, "{request:?}");
        }
        assert!(replay.verdicts.contains(&Verdict::Refused));
        assert!(kept.len() > 2000 && replay.most <= 1000, "{} clients, {} at once", kept.len(), replay.most);
    }

    #[test]
    fn a_client_without_room_is_told_from_one_that_asks_too_much() {
        let field = ["a", "b", "a"];
        let request = |field| Request { client: Client::Name(field), field, at: Time::ZERO };
        let log = Log { requests: field.map(request).into(), skipped: 0, timed: true };
        let replay = Replay::of(&log, Limit::per_second(1), 1).unwrap();
        assert_eq!(replay.verdicts, [Verdict::Granted, Verdict::NoRoom, Verdict::Refused]);
        assert_eq!((replay.len, replay.most), (1, 1));
    }
}
