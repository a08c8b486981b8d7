//! Owns the replay: it decides every request, in order and at its time. Never prints.

use std::time::{Duration, Instant};

use tollgate::clock::{ManualClock, Time};
use tollgate::keyed::KeyRefused;
use tollgate::limit::LimitError;
use tollgate::{KeyedBuckets, Limit, Refused};

use crate::replay::log::Log;
use crate::replay::memory;

/// The most limits that a client has.
pub(crate) const MOST: usize = 8;

/// The verdict on a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Verdict {
    Granted,
    /// By the limit of this number.
    Refused(u8),
    /// It is larger than the capacity of the limit of this number.
    Never(u8),
    /// The client is new, and the table has no place for another.
    NoRoom,
}

/// The verdicts on a log.
#[derive(Debug)]
pub(crate) struct Verdicts {
    /// One for each request.
    pub(crate) each: Vec<Verdict>,
    /// The clients that have a bucket at the end, and the most that had one at any time.
    pub(crate) len: usize,
    pub(crate) most: usize,
    pub(crate) took: Duration,
    /// Resident bytes before the buckets were made, and after the last request.
    pub(crate) memory: Option<[u64; 2]>,
}

/// The limits of every client, and what a request takes of each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Limits {
    /// One request each.
    pub(crate) requests: Vec<Limit>,
    /// The size of the request.
    pub(crate) bytes: Option<Limit>,
}

impl Limits {
    /// All limits; that of bytes is the last.
    pub(crate) fn all(&self) -> Vec<Limit> {
        self.requests.iter().copied().chain(self.bytes).collect()
    }

    /// Decides every request of a log, each client by a bucket of its own with a stream for each
    /// limit.
    ///
    /// A request takes from all streams or from none.
    pub(crate) fn decide(&self, log: &Log, max_keys: usize) -> Result<Verdicts, LimitError> {
        let all = self.all();
        match all[..] {
            [limit] => {
                let sized = self.bytes.is_some();
                let sheet = Sheet::of(log);
                let buckets = KeyedBuckets::<u32, 1, _>::with_clock(limit, max_keys, ManualClock::new())?;
                let take = |at, client: u32, size| {
                    let amount = if sized { size } else { 1 };
                    verdict(buckets.at(at).try_take(&client, amount).map(|_| ()))
                };
                Ok(sheet.decide(log, || buckets.len(), take))
            }
            _ => match all.len() {
                2 => self.several::<2>(log, max_keys),
                3 => self.several::<3>(log, max_keys),
                4 => self.several::<4>(log, max_keys),
                5 => self.several::<5>(log, max_keys),
                6 => self.several::<6>(log, max_keys),
                7 => self.several::<7>(log, max_keys),
                8 => self.several::<MOST>(log, max_keys),
                count => unreachable!("{count} limits, which the arguments rule out"),
            },
        }
    }
}

macro_rules! several {
    ($($n:literal)*) => {$(
        impl Several<$n> for Limits {
            fn several_of(&self, log: &Log, max_keys: usize) -> Result<Verdicts, LimitError> {
                let all = self.all();
                let limits: [Limit; $n] = std::array::from_fn(|i| all[i]);
                let sheet = Sheet::of(log);
                let buckets = KeyedBuckets::<u32, $n, _>::with_clock(limits, max_keys, ManualClock::new())?;
                let requests = self.requests.len();
                let take = |at, client: u32, size| {
                    let amounts = std::array::from_fn(|i| if i < requests { 1 } else { size });
                    verdict(buckets.at(at).try_take(&client, amounts).map(|_| ()))
                };
                Ok(sheet.decide(log, || buckets.len(), take))
            }
        }
    )*};
}

/// The replay with this number of streams.
trait Several<const N: usize> {
    fn several_of(&self, log: &Log, max_keys: usize) -> Result<Verdicts, LimitError>;
}

several!(2 3 4 5 6 7 8);

impl Limits {
    fn several<const N: usize>(&self, log: &Log, max_keys: usize) -> Result<Verdicts, LimitError>
    where
        Self: Several<N>,
    {
        self.several_of(log, max_keys)
    }
}

fn verdict<const N: usize>(taken: Result<(), KeyRefused<N>>) -> Verdict {
    match taken {
        Ok(()) => Verdict::Granted,
        Err(KeyRefused::NoRoom(_)) => Verdict::NoRoom,
        Err(KeyRefused::Bucket(Refused::Never(never))) => Verdict::Never(never.stream as u8),
        Err(KeyRefused::Bucket(refused)) => Verdict::Refused(refused.stream() as u8),
    }
}

/// A place for the verdicts, which is resident before the buckets are made.
struct Sheet {
    each: Vec<Verdict>,
    before: Option<u64>,
}

impl Sheet {
    fn of(log: &Log) -> Self {
        // What is written is resident.
        let each = vec![Verdict::NoRoom; log.requests.len()];
        Self { each, before: memory::resident() }
    }

    fn decide(mut self, log: &Log, len: impl Fn() -> usize, take: impl Fn(Time, u32, u64) -> Verdict) -> Verdicts {
        let mut most = 0;
        let start = Instant::now();
        for (request, verdict) in log.requests.iter().zip(&mut self.each) {
            *verdict = take(request.at, request.client, request.size);
            most = most.max(len());
        }
        let took = start.elapsed();
        let memory = self.before.zip(memory::resident()).map(|(before, after)| [before, after]);
        Verdicts { each: self.each, len: len(), most, took, memory }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::replay::field::{Client, Field};
    use crate::replay::format::Format;
    use crate::replay::log::Request;
    use crate::replay::log::tests::{read, reading};

    fn limits(requests: &[&str], bytes: Option<&str>) -> Limits {
        let limit = |text: &&str| text.parse::<Limit>().unwrap();
        Limits { requests: requests.iter().map(limit).collect(), bytes: bytes.as_ref().map(limit) }
    }

    fn log(requests: Vec<Request>) -> Log {
        let clients = requests.iter().map(|request| request.client).max().map_or(0, |most| most + 1);
        let clients = (0..clients).map(|i| Client::Name(i.to_string())).collect();
        let (late, latest, malformed) = (0, 0, 0);
        Log { requests, clients, format: Format::Columns, first: Some(0), late, latest, malformed, shown: Vec::new() }
    }

    /// The level of a limit, as a fraction whose denominator is the period: exact, and obvious.
    struct Naive {
        tokens: u128,
        period: u128,
        capacity: u128,
        level: u128,
        at: u128,
    }

    impl Naive {
        fn new(limit: Limit) -> Self {
            let period = limit.rate.period().as_nanos();
            let [capacity, level] = [limit.capacity, limit.start()].map(|tokens| u128::from(tokens) * period);
            Self { tokens: limit.rate.tokens().into(), period, capacity, level, at: 0 }
        }

        fn refill(&mut self, at: u128) {
            self.level = self.capacity.min(self.level + self.tokens * (at - self.at));
            self.at = at;
        }
    }

    /// Decides as the definition says: all streams have the amounts, or none gives any.
    fn naive(limits: &Limits, log: &Log) -> Vec<bool> {
        let mut kept: HashMap<u32, Vec<Naive>> = HashMap::new();
        let decide = |request: &Request| {
            let streams =
                kept.entry(request.client).or_insert_with(|| limits.all().into_iter().map(Naive::new).collect());
            let amount = |i: usize| u128::from(if i < limits.requests.len() { 1 } else { request.size });
            streams.iter_mut().for_each(|stream| stream.refill(request.at.as_nanos().into()));
            let all = streams.iter().enumerate().all(|(i, stream)| stream.level >= amount(i) * stream.period);
            for (i, stream) in streams.iter_mut().enumerate().filter(|_| all) {
                stream.level -= amount(i) * stream.period;
            }
            all
        };
        log.requests.iter().map(decide).collect()
    }

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }

    /// Every verdict is that of an exact model which drops no client.
    #[test]
    fn verdicts_are_those_of_an_exact_model() {
        let sets = [
            limits(&["1/s capacity 3"], None),
            limits(&["5/min"], None),
            limits(&["7/min capacity 2", "40/h"], None),
            limits(&["1/3s", "20/min", "300/h", "0/s capacity 400"], None),
            limits(&["10/min"], Some("1kB/s capacity 20kB")),
            limits(&[], Some("500B/s capacity 9kB")),
            limits(&["2/s", "1/s capacity 9", "8/min", "9/min", "70/h", "100/h", "1000/d"], Some("2kB/s")),
            limits(&["6/min empty"], None),
        ];
        for (seed, limits) in sets.iter().enumerate() {
            let mut random = Random(seed as u64 + 1);
            let (mut at, mut requests) = (0, Vec::new());
            for _ in 0..20_000 {
                // Most come close to one another, some after a long rest.
                at += match random.below(1000) {
                    0 => random.below(300_000_000_000),
                    1..=500 => 0,
                    _ => random.below(50_000_000),
                };
                let (client, size) = (random.below(6) * random.below(8), random.below(6000));
                requests.push(Request { client: client as u32, at: Time::from_nanos(at), size });
            }
            let log = log(requests);
            let verdicts = limits.decide(&log, 1_000_000).unwrap();
            let expected = naive(limits, &log);
            for (i, (verdict, expected)) in verdicts.each.iter().zip(&expected).enumerate() {
                assert_eq!(*verdict == Verdict::Granted, *expected, "{limits:?}, request {i}: {:?}", log.requests[i]);
            }
            let granted = expected.iter().filter(|granted| **granted).count();
            assert!((200..19_800).contains(&granted), "{limits:?} granted {granted} of 20000");
        }
    }

    /// Eviction changes no decision.
    #[test]
    fn a_bound_on_clients_that_suffices_changes_no_verdict() {
        let limits = limits(&["1/s capacity 3"], None);
        // 40 a second: the first clients often, the others rarely.
        let request = |i: u64| {
            let client = if i % 8 == 0 { i % 5 } else { i * i % 4999 };
            Request { client: client as u32, at: Time::from_nanos(i * 25_000_000), size: 0 }
        };
        let log = log((0..40_000).map(request).collect());
        let verdicts = limits.decide(&log, 1000).unwrap();
        let granted: Vec<_> = verdicts.each.iter().map(|verdict| *verdict == Verdict::Granted).collect();
        assert_eq!(granted, naive(&limits, &log));
        assert!(granted.contains(&false) && verdicts.most <= 1000);
    }

    /// Clients that are full again make room for others.
    #[test]
    fn the_most_clients_at_a_time_are_counted_when_they_were_there() {
        // Those of the second hour take the places of most of the first: far fewer are left.
        let request = |client: u64| {
            let hour = client / 13_000 * 3_600_000_000_000;
            Request { client: client as u32, at: Time::from_nanos(hour), size: 0 }
        };
        let log = log((0..18_000).map(request).collect());
        let verdicts = limits(&["1/s"], None).decide(&log, 1_000_000).unwrap();
        assert!(verdicts.most >= 12_000 && verdicts.len < 12_000, "{} and {}", verdicts.most, verdicts.len);
    }

    #[test]
    fn a_refusal_names_the_limit_or_that_it_never_fits_or_that_there_is_no_room() {
        let request = |client, size| Request { client, at: Time::ZERO, size };
        let one = log(vec![request(0, 0), request(1, 0), request(0, 0)]);
        let verdicts = limits(&["1/s"], None).decide(&one, 1).unwrap();
        assert_eq!(verdicts.each, [Verdict::Granted, Verdict::NoRoom, Verdict::Refused(0)]);
        assert_eq!((verdicts.len, verdicts.most), (1, 1));
        let two = log(vec![request(0, 5), request(0, 6), request(0, 11), request(0, 5), request(0, 0)]);
        let verdicts = limits(&["2/s"], Some("10B/s")).decide(&two, 10).unwrap();
        let expected =
            [Verdict::Granted, Verdict::Refused(1), Verdict::Never(1), Verdict::Granted, Verdict::Refused(0)];
        assert_eq!(verdicts.each, expected);
    }

    #[test]
    fn a_log_is_replayed_at_its_own_times() {
        let text = "2024-01-01T00:00:00Z a\n2024-01-01T00:00:01Z a\n2024-01-01T00:00:02Z a\n";
        let log = read("times", text, &reading("2")).unwrap();
        let verdicts = limits(&["1/2s"], None).decide(&log, 10).unwrap();
        assert_eq!(verdicts.each, [Verdict::Granted, Verdict::Refused(0), Verdict::Granted]);
        assert_eq!(Field::key("2"), Ok(Field::Column(2)));
    }
}
