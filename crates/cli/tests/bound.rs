//! What a reader of `tollgate pace` gets in any window of time, on a clock that the test moves.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tollgate::clock::{ManualClock, Time};
use tollgate::{Clock, Limit, Rate};
use tollgate_cli::pace::copy::{End, copy};
use tollgate_cli::pace::meter::{Meter, Reading};
use tollgate_cli::pace::paced_limit::paced_limit;
use tollgate_cli::pace::pacer::Pacer;

/// Values that are used again and again.
struct Cycle<T>(Vec<T>, usize);

impl<T: Copy> Cycle<T> {
    fn next(&mut self) -> T {
        self.1 += 1;
        self.0[(self.1 - 1) % self.0.len()]
    }
}

/// An input that gives a part at a time, after a while; an interrupted call gives 0 bytes.
struct Source<'t> {
    clock: &'t ManualClock,
    rest: &'t [u8],
    parts: Cycle<(usize, u64)>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (most, micros) = self.parts.next();
        self.clock.advance(Duration::from_micros(micros));
        if most == 0 && !self.rest.is_empty() {
            return Err(if micros % 2 == 0 { ErrorKind::Interrupted } else { ErrorKind::WouldBlock }.into());
        }
        let len = most.max(1).min(self.rest.len()).min(buffer.len());
        buffer[..len].copy_from_slice(&self.rest[..len]);
        self.rest = &self.rest[len..];
        Ok(len)
    }
}

/// An output that takes a part of a write, at an instant within it.
struct Sink<'t> {
    clock: &'t ManualClock,
    text: Vec<u8>,
    /// The instant of each write, and its bytes.
    events: Vec<(Time, usize)>,
    parts: Cycle<(usize, u64, u64)>,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (most, before, after) = self.parts.next();
        self.clock.advance(Duration::from_micros(before));
        let len = most.min(bytes.len());
        if len > 0 {
            self.text.extend(&bytes[..len]);
            self.events.push((self.clock.now(), len));
        }
        self.clock.advance(Duration::from_micros(after));
        if len > 0 { Ok(len) } else { Err(ErrorKind::Interrupted.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// In which world a copy runs.
#[derive(Debug, Clone)]
struct World {
    limits: [Limit; 2],
    text: Vec<u8>,
    /// The bytes of a read, and the microseconds before it.
    reads: Vec<(usize, u64)>,
    /// The bytes of a write, and the microseconds before and after they are taken.
    writes: Vec<(usize, u64, u64)>,
    /// By how many microseconds a sleep is late.
    late: Vec<u64>,
}

/// What came out, and when.
struct Outcome {
    text: Vec<u8>,
    /// The instants of lines that begin, and of bytes, each with its count.
    events: [Vec<(Time, u64)>; 2],
    took: Duration,
    reading: Reading,
}

impl World {
    fn run(&self) -> Outcome {
        let clock = ManualClock::new();
        let source = RefCell::new(Source { clock: &clock, rest: &self.text, parts: Cycle(self.reads.clone(), 0) });
        let mut sink = Sink { clock: &clock, text: vec![], events: vec![], parts: Cycle(self.writes.clone(), 0) };
        let mut pacer = Pacer::new(self.limits, b'\n', &clock).unwrap();
        let meter = Meter::new(&clock);
        let mut late = Cycle(self.late.clone(), 0);
        let sleep = |time: Duration| {
            assert!(time > Duration::ZERO && time < Duration::MAX, "a sleep of {time:?}");
            clock.advance(time + Duration::from_micros(late.next()));
        };
        let end = copy(&mut *source.borrow_mut(), &mut sink, &mut pacer, &meter, sleep).unwrap();
        assert_eq!(end, End::Input);
        let (mut at, mut in_line, mut lines) = (0, false, vec![]);
        for (time, len) in &sink.events {
            let mut begun = 0;
            for byte in &sink.text[at..at + len] {
                begun += u64::from(!in_line);
                in_line = *byte != b'\n';
            }
            lines.push((*time, begun));
            at += len;
        }
        let bytes = sink.events.iter().map(|(time, len)| (*time, *len as u64)).collect();
        let took = clock.now().since(Time::ZERO);
        Outcome { text: sink.text, events: [lines, bytes], took, reading: meter.read() }
    }
}

/// Checks every window from one event to another.
fn check_windows(limit: Limit, events: &[(Time, u64)]) -> Result<(), TestCaseError> {
    if limit.is_unlimited() {
        return Ok(());
    }
    let precision = limit.precision().unwrap();
    for (first, (begin, _)) in events.iter().enumerate() {
        let mut sum = 0;
        for (end, count) in &events[first..] {
            sum += u128::from(*count);
            let time = (end.since(*begin) + precision).as_nanos();
            let refill = u128::from(limit.rate.tokens()) * time / limit.rate.period().as_nanos();
            let bound = u128::from(limit.capacity) + refill;
            prop_assert!(sum <= bound, "{sum} from {begin:?} to {end:?}, where {limit} allows {bound}");
        }
    }
    Ok(())
}

fn limit(most: u64) -> impl Strategy<Value = Limit> {
    let bounded = (1..=most, 1_u64..4, 1..=most / 2, any::<bool>()).prop_map(|(tokens, seconds, capacity, empty)| {
        let limit = Limit::new(Rate::new(tokens, Duration::from_secs(seconds)).unwrap(), capacity);
        if empty { limit.empty() } else { limit }
    });
    prop_oneof![1 => Just(Limit::UNLIMITED), 5 => bounded]
}

fn world() -> impl Strategy<Value = World> {
    let byte = prop_oneof![1 => Just(b'\n'), 4 => any::<u8>()];
    // The last one gives something, so that the input ends.
    let some_read = |least| (least..300_usize, 0..20_000_u64);
    let reads = (vec(some_read(0), 0..8), some_read(1)).prop_map(|(mut reads, last)| {
        reads.push(last);
        reads
    });
    // A write that blocks for longer than any capacity takes to refill.
    let stall = prop_oneof![6 => Just(0), 3 => 0..2000_u64, 1 => 0..3_000_000_u64];
    let writes = vec((1..300_usize, stall.clone(), stall), 1..8);
    let late = vec(prop_oneof![3 => 0..200_u64, 1 => 0..400_000_u64], 1..8);
    ([limit(200), limit(3000)], vec(byte, 0..1500), reads, writes, late)
        .prop_map(|(limits, text, reads, writes, late)| World { limits, text, reads, writes, late })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn every_window_is_bounded_and_every_byte_arrives(world in world()) {
        let outcome = world.run();
        prop_assert_eq!(&outcome.text, &world.text);
        for (limit, events) in world.limits.into_iter().zip(&outcome.events) {
            check_windows(limit, events)?;
        }
        let Reading { lines, bytes, elapsed, spent } = outcome.reading;
        prop_assert_eq!(bytes, world.text.len() as u64);
        let ends = world.text.iter().filter(|byte| **byte == b'\n').count();
        let last = usize::from(world.text.last().is_some_and(|byte| *byte != b'\n'));
        prop_assert_eq!(lines, (ends + last) as u64);
        prop_assert_eq!(elapsed, outcome.took);
        prop_assert_eq!(spent.iter().sum::<Duration>(), elapsed);
    }

    /// Sleeps that are up to 2 ms late and writes that take their time cost nothing: the rest of
    /// the burst makes up for them.
    #[test]
    fn a_backlog_goes_out_at_the_rate(
        tokens in 1_u64..2_000_000,
        stream in 0..2_usize,
        late in vec(0..2000_u64, 1..8),
        micros in 0..100_u64,
    ) {
        let limit = paced_limit(&format!("{tokens}/s")).unwrap();
        let count = (tokens / 2).clamp(3, 50_000);
        let text = match stream {
            0 => b"12345\n".repeat(count as usize),
            _ => vec![b'x'; count as usize],
        };
        let mut limits = [Limit::UNLIMITED; 2];
        limits[stream] = limit;
        let writes = vec![(usize::MAX, micros, 0)];
        let outcome = World { limits, text, reads: vec![(usize::MAX, 0)], writes, late }.run();
        let ideal = (count - limit.capacity.min(count)) as f64 / tokens as f64;
        let took = outcome.took.as_secs_f64();
        // The last sleep is late, a tick is waited for, and the last write takes its time.
        prop_assert!(took <= ideal + 0.003 + 2.0 * micros as f64 * 1e-6, "{took} s, where {ideal} s would do");
    }
}

/// What has come and is allowed goes out at once, a part of a line, too.
#[test]
fn nothing_waits_for_more_input() {
    let clock = ManualClock::new();
    let limits = [Limit::per_second(10).capacity(1), Limit::per_second(1000)];
    let parts = Cycle(vec![(3, 1_000_000), (1, 1_000_000), (2, 1_000_000)], 0);
    let mut source = Source { clock: &clock, rest: b"ab\nc\nd", parts };
    let parts = Cycle(vec![(usize::MAX, 0, 0)], 0);
    let mut sink = Sink { clock: &clock, text: vec![], events: vec![], parts };
    let mut pacer = Pacer::new(limits, b'\n', &clock).unwrap();
    let sleep = |time| panic!("a sleep of {time:?}");
    copy(&mut source, &mut sink, &mut pacer, &Meter::new(&clock), sleep).unwrap();
    let second = |n: u64| Time::from_nanos(n * 1_000_000_000);
    // At the third second an end has come, and the first byte of another line.
    assert_eq!(sink.events, [(second(1), 3), (second(2), 1), (second(3), 2)]);
}

/// A fast copy writes a thousand times a second, and what is allowed waits for no longer.
#[test]
fn what_is_allowed_goes_out_within_a_millisecond() {
    let fast = Limit::per_second(50_000).empty();
    for limits in [[fast, Limit::UNLIMITED], [Limit::UNLIMITED, fast]] {
        let (reads, writes) = (vec![(usize::MAX, 0)], vec![(usize::MAX, 0, 0)]);
        let outcome = World { limits, text: vec![b'\n'; 50_000], reads, writes, late: vec![0] }.run();
        let times: Vec<_> = outcome.events[1].iter().map(|(time, _)| time.as_nanos()).collect();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] <= 1_000_000), "{times:?}");
        assert!((990..=1010).contains(&times.len()), "{} writes in a second", times.len());
    }
}

/// A line counts when its first byte goes out, and only then.
#[test]
fn a_line_without_an_end_waits_for_its_bytes_only() {
    let limits = [Limit::per_hour(1).capacity(1), Limit::per_second(1000).capacity(1000)];
    let text = vec![b'x'; 5000];
    let outcome = World { limits, text, reads: vec![(700, 0)], writes: vec![(usize::MAX, 0, 0)], late: vec![0] }.run();
    assert_eq!(outcome.took, Duration::from_secs(4));
    assert_eq!(outcome.reading.lines, 1);
}

#[test]
fn a_second_line_waits_for_its_token_and_its_end_does_not() {
    let limits = [Limit::per_second(1).capacity(1), Limit::UNLIMITED];
    let text = b"first\nsecond\n".to_vec();
    let outcome = World { limits, text, reads: vec![(usize::MAX, 0)], writes: vec![(4, 0, 0)], late: vec![0] }.run();
    let bytes: Vec<_> = outcome.events[1].iter().map(|(time, len)| (time.as_nanos() / 1_000_000_000, *len)).collect();
    assert_eq!(bytes, [(0, 4), (0, 2), (1, 4), (1, 3)]);
}

#[test]
fn the_meter_says_which_limit_was_waited_for() {
    let wait = |lines: &str, bytes: &str| {
        let limits = [paced_limit(lines).unwrap(), paced_limit(bytes).unwrap()];
        let text = b"123456789\n".repeat(100);
        let outcome = World { limits, text, reads: vec![(99, 3)], writes: vec![(90, 3, 3)], late: vec![0] }.run();
        outcome.reading.spent.map(|time| time.as_millis())
    };
    let [_, lines, bytes, _] = wait("10/s", "1MB/s");
    assert!(lines > 9700 && bytes < 10, "{lines} ms for lines, {bytes} ms for bytes");
    let [_, lines, bytes, _] = wait("1000/s", "100/s");
    assert!(lines < 10 && bytes > 9800, "{lines} ms for lines, {bytes} ms for bytes");
}

/// Every wake is 5 ms late, as on a busy machine.
#[test]
fn late_wakes_cost_less_than_a_hundredth_of_a_limit_without_a_capacity() {
    for text in ["1/s", "1.9/s", "2/s", "9/s", "19/s", "20/s", "29/s", "50/s", "1000/s", "1M/s"] {
        let clock = ManualClock::new();
        let limit = paced_limit(text).unwrap();
        let mut pacer = Pacer::new([limit, Limit::UNLIMITED], b'\n', &clock).unwrap();
        let rate = limit.rate.tokens() as f64 / limit.rate.period().as_secs_f64();
        let lines = 50 + 3 * rate as usize;
        let input = vec![b'\n'; lines];
        let sleep = |time| {
            clock.advance(time + Duration::from_millis(5));
        };
        let ended = copy(&mut &input[..], &mut io::sink(), &mut pacer, &Meter::new(&clock), sleep).unwrap();
        assert_eq!(ended, End::Input);
        let took = clock.now().since(Time::ZERO).as_secs_f64();
        let least = (lines as u64 - limit.capacity) as f64 / rate;
        assert!(took >= least * 0.999 && took <= least / 0.99, "{text}: {took} s for {least} s");
    }
}
