//! Random plays on buckets with a line, beside an exact line in plain sight: the same callers are
//! served, at the same nanosecond.
#![cfg(feature = "std")]

mod common;
mod crowd;

use std::collections::VecDeque;

use common::{Random, nanos};
use crowd::{Alarms, Crowd, GRACE};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Granted, Limit, MultiBucket, Rate, Refused, TokenBucket};

/// A stream of the exact line. Tokens are counted in `1 / period`.
struct Stream {
    tokens: i128,
    period: i128,
    capacity: i128,
    spent: i128,
}

/// A line in exact arithmetic, as the rules have it.
struct Book<const N: usize> {
    streams: [Stream; N],
    now: i128,
    line: VecDeque<(usize, [i128; N])>,
    served: Vec<(Time, usize)>,
}

impl<const N: usize> Book<N> {
    fn new(limits: [Limit; N]) -> Self {
        let streams = limits.map(|limit| {
            let (tokens, period) = (limit.rate.tokens().into(), limit.rate.period().as_nanos() as i128);
            Stream { tokens, period, capacity: i128::from(limit.capacity) * period, spent: 0 }
        });
        Self { streams, now: 0, line: VecDeque::new(), served: vec![] }
    }

    fn units(&self, amounts: [u64; N]) -> [i128; N] {
        std::array::from_fn(|i| i128::from(amounts[i]) * self.streams[i].period)
    }

    /// What a full bucket has forfeited, counting from what has accrued.
    fn floor(&self, i: usize) -> i128 {
        self.streams[i].tokens * self.now - self.streams[i].capacity
    }

    fn is_waited_for(&self, i: usize) -> bool {
        self.line.iter().any(|(_, n)| n[i] > 0)
    }

    /// Forgets what full streams have forfeited, where nobody waits.
    fn forfeit(&mut self, n: &[i128; N]) {
        for i in (0..N).filter(|i| n[*i] > 0) {
            if !self.is_waited_for(i) {
                self.streams[i].spent = self.streams[i].spent.max(self.floor(i));
            }
        }
    }

    fn spend(&mut self, n: [i128; N]) {
        (0..N).for_each(|i| self.streams[i].spent += n[i]);
    }

    /// The first place whose tokens are there; only who shares no stream with one ahead counts.
    fn next(&self) -> Option<(i128, usize)> {
        let shares = |one: &[i128; N], other: &[i128; N]| (0..N).any(|i| one[i] > 0 && other[i] > 0);
        let ready = |i: usize, n: i128| {
            let stream = &self.streams[i];
            (stream.spent + n + stream.tokens - 1).div_euclid(stream.tokens)
        };
        let firsts = self
            .line
            .iter()
            .enumerate()
            .filter(|(place, (_, n))| self.line.iter().take(*place).all(|(_, other)| !shares(n, other)));
        let instants = firsts.map(|(place, (_, n))| {
            let at = (0..N).filter(|i| n[*i] > 0).map(|i| ready(i, n[i])).max().unwrap();
            (at.max(self.now), place)
        });
        instants.min()
    }

    /// Serves all who can be served until then. While somebody waits, what accrues in the grace,
    /// and a nanosecond, is not forfeited.
    fn run(&mut self, until: u64) {
        while let Some((at, place)) = self.next().filter(|(at, _)| *at <= until.into()) {
            self.now = at;
            let (who, n) = self.line.remove(place).unwrap();
            for i in (0..N).filter(|i| n[*i] > 0) {
                let kept = self.streams[i].tokens * (GRACE.as_nanos() as i128 + 1);
                self.streams[i].spent = self.streams[i].spent.max(self.floor(i) - kept);
            }
            self.spend(n);
            self.served.push((nanos(at as u64), who));
        }
        self.now = until.into();
    }

    fn come(&mut self, who: usize, n: [i128; N]) {
        self.forfeit(&n);
        self.line.push_back((who, n));
    }

    fn try_take(&mut self, n: [i128; N]) -> bool {
        let fits = |i: usize| {
            let spent = self.streams[i].spent.max(self.floor(i)) + n[i];
            !self.is_waited_for(i) && spent <= self.streams[i].tokens * self.now
        };
        let takes = (0..N).all(|i| n[i] == 0 || fits(i));
        if takes {
            self.charge(n);
        }
        takes
    }

    fn charge(&mut self, n: [i128; N]) {
        self.forfeit(&n);
        self.spend(n);
    }

    fn put_back(&mut self, n: [i128; N]) {
        for (i, n) in n.into_iter().enumerate() {
            let full = self.streams[i].spent.min(self.floor(i));
            self.streams[i].spent = (self.streams[i].spent - n).max(full);
        }
    }
}

/// A bucket that is played on.
trait Played<const N: usize> {
    fn take<'t>(
        &'t self,
        n: [u64; N],
        timer: &'t Alarms<'_>,
    ) -> impl Future<Output = Result<Granted<N>, Refused<N>>> + 't;
    fn takes(&self, n: [u64; N]) -> bool;
    fn put_back(&self, n: [u64; N]);
    fn charge(&self, n: [u64; N]);
}

impl Played<1> for TokenBucket<&ManualClock> {
    fn take<'t>(&'t self, [n]: [u64; 1], timer: &'t Alarms<'_>) -> impl Future<Output = Result<Granted, Refused>> + 't {
        Self::take_on(self, n, timer)
    }

    fn takes(&self, [n]: [u64; 1]) -> bool {
        self.try_take(n).is_ok()
    }

    fn put_back(&self, [n]: [u64; 1]) {
        Self::put_back(self, n);
    }

    fn charge(&self, [n]: [u64; 1]) {
        Self::charge(self, n).unwrap();
    }
}

impl<const N: usize> Played<N> for MultiBucket<N, &ManualClock> {
    fn take<'t>(
        &'t self,
        n: [u64; N],
        timer: &'t Alarms<'_>,
    ) -> impl Future<Output = Result<Granted<N>, Refused<N>>> + 't {
        Self::take_on(self, n, timer)
    }

    fn takes(&self, n: [u64; N]) -> bool {
        self.try_take(n).is_ok()
    }

    fn put_back(&self, n: [u64; N]) {
        Self::put_back(self, n);
    }

    fn charge(&self, n: [u64; N]) {
        Self::charge(self, n).unwrap();
    }
}

/// Random amounts, not all 0.
fn amounts<const N: usize>(random: &mut Random, limits: &[Limit; N]) -> [u64; N] {
    let mut amounts = limits.map(|limit| {
        let is_used = N == 1 || random.below(3) > 0;
        if is_used { 1 + random.below(limit.capacity) } else { 0 }
    });
    amounts[0] = if amounts == [0; N] { 1 } else { amounts[0] };
    amounts
}

/// One play on a new bucket.
fn play<const N: usize>(seed: u64, limits: [Limit; N], clock: &ManualClock, bucket: &impl Played<N>) {
    let (mut random, mut log) = (Random(seed), vec![]);
    let alarms = Alarms::new(clock);
    let (mut crowd, mut book, mut at) = (Crowd::new(&alarms), Book::new(limits), 0);
    let check = |crowd: &Crowd<'_, N>, book: &Book<N>, log: &[String]| {
        let mut served: Vec<_> = crowd.served.iter().map(|(who, at)| (*at, *who)).collect();
        let mut expected = book.served.clone();
        // Those who share no stream go in any order.
        served.sort_unstable();
        expected.sort_unstable();
        assert_eq!(served, expected, "{limits:?}, seed {seed}: {log:#?}");
    };
    let token = (limits[0].rate.period().as_nanos() as u64).div_ceil(limits[0].rate.tokens());
    for _ in 0..random.below(40) {
        let longest = [token / 2, 5 * token, 40 * token][random.below(3) as usize];
        at += random.below(longest);
        let (n, what) = (amounts(&mut random, &limits), random.below(12));
        let units = book.units(n);
        if what > 1 {
            crowd.run(nanos(at));
            book.run(at);
        }
        let waiting = book.line.len() as u64;
        match what {
            0 | 1 => {
                log.push(format!("until {at}: everything stands still"));
                clock.set(nanos(at));
                crowd.ring_and_poll(VecDeque::pop_front);
                book.now = at.into();
            }
            2 => {
                log.push(format!("{at}: {n:?} come back"));
                bucket.put_back(n);
                book.put_back(units);
            }
            3 => {
                log.push(format!("{at}: {n:?} are charged"));
                bucket.charge(n);
                book.charge(units);
            }
            4 => {
                log.push(format!("{at}: try_take({n:?})"));
                assert_eq!(bucket.takes(n), book.try_take(units), "{limits:?}, seed {seed}: {log:#?}");
            }
            5 | 6 if waiting > 0 => {
                let (who, _) = book.line.remove(random.below(waiting) as usize).unwrap();
                log.push(format!("{at}: {who} hangs up"));
                crowd.leave(who);
            }
            _ => {
                let who = crowd.come(bucket.take(n, &alarms));
                log.push(format!("{at}: {who} comes for {n:?}"));
                book.come(who, units);
            }
        }
        crowd.poll();
        book.run(at);
        check(&crowd, &book, &log);
    }
    crowd.run_out();
    book.run(u64::MAX / 4);
    check(&crowd, &book, &log);
    assert_eq!(crowd.waiting(), 0, "{limits:?}, seed {seed}: {log:#?}");
}

/// Rates of tokens that are whole units, and small and large capacities, by a seed.
fn limit(seed: u64) -> Limit {
    let rates = [Rate::per_second(100), Rate::per_second(7), Rate::per_minute(5), Rate::per_second(50)];
    Limit::new(rates[seed as usize % 4], [1, 2, 5, 20][seed as usize / 4 % 4]).empty()
}

#[test]
fn a_line_serves_whom_an_exact_one_serves_at_the_same_nanosecond() {
    for seed in 0..3000 {
        let clock = ManualClock::new();
        play(seed, [limit(seed)], &clock, &TokenBucket::with_clock(limit(seed), &clock).unwrap());
    }
}

#[test]
fn a_line_for_two_streams_serves_whom_an_exact_one_serves_at_the_same_nanosecond() {
    for seed in 0..3000 {
        let (clock, limits) = (ManualClock::new(), [limit(seed), limit(seed / 16)]);
        play(seed, limits, &clock, &MultiBucket::with_clock(limits, &clock).unwrap());
    }
}

#[test]
fn who_is_woken_twice_at_one_instant_does_not_oversleep() {
    let clock = ManualClock::new();
    let limit = Limit::per_second(100_000).capacity(1).empty();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
    let mut crowd = Crowd::new(&alarms);
    (0..2).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
    crowd.run(nanos(5_000));
    // Both promises become later by 10 us.
    bucket.charge(1).unwrap();
    crowd.run_out();
    assert_eq!(crowd.served, [(0, nanos(20_000)), (1, nanos(30_000))]);
}

#[test]
fn who_waits_for_one_that_was_called_is_not_woken_by_itself_however_long_the_grace() {
    let clock = ManualClock::new();
    let limit = Limit::per_second(100).empty();
    let bucket = TokenBucket::with_clock(limit, &clock).unwrap().with_grace(std::time::Duration::from_secs(10));
    let alarms = Alarms::new(&clock);
    let mut deaf = Box::pin(bucket.take_on(1, &alarms));
    assert!(deaf.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending());
    let mut crowd = Crowd::new(&alarms);
    crowd.come(bucket.take_on(1, &alarms));
    crowd.poll();
    clock.advance(std::time::Duration::from_millis(20));
    alarms.ring();
    let mut polls = 0;
    crowd.poll_by(|queue| {
        polls += 1;
        assert!(polls < 10, "it wakes itself");
        queue.pop_front()
    });
}
