//! Those who wait while the whole process stands still: afterwards they do not all go at once, and
//! nobody loses its turn.
#![cfg(feature = "std")]

mod common;
mod crowd;

use std::collections::VecDeque;
use std::time::Duration;

use crowd::{Alarms, Crowd, GRACE, audit_with_grace};
use tollgate::clock::{ManualClock, Time};
use tollgate::{Clock, Limit, MultiBucket, TokenBucket};

const STALL: Duration = Duration::from_secs(3);

/// Which of those who are awake is polled next.
type Order = fn(&mut VecDeque<usize>) -> Option<usize>;

/// The executor may poll in any order, once all alarms have rung together.
const ORDERS: [Order; 3] = [VecDeque::pop_front, VecDeque::pop_back, |queue| queue.remove(queue.len() / 2)];

/// Lets 1000 callers of `one` wait at 100/s, and nobody be polled for three seconds.
fn stall<const N: usize>(crowd: &mut Crowd<'_, N>, clock: &ManualClock, capacity: u64, order: Order) {
    let limit = Limit::per_second(100).capacity(capacity).empty();
    crowd.run(Time::ZERO.after(Duration::from_secs(1)));
    assert_eq!(crowd.served.len(), 100, "{limit}: they went on before");
    clock.advance(STALL);
    let before = crowd.served.len();
    crowd.ring_and_poll(order);
    let at_once = (crowd.served.len() - before) as u64;
    // What a full bucket holds, and what accrues in the grace and a nanosecond.
    assert_eq!(at_once, capacity + 1, "{limit}");
    crowd.run_out();
    assert!(crowd.served.iter().map(|(who, _)| *who).eq(0..1000), "{limit}: in the order of arrival");
    let uses: Vec<_> = crowd.served.iter().map(|(_, at)| (at.as_nanos(), 1)).collect();
    audit_with_grace(limit, GRACE, &uses).unwrap();
    // After the stall nothing is lost: the rest go as fast as tokens accrue.
    let left = 1000 - 100 - at_once;
    assert_eq!(clock.now().as_nanos(), 4_000_000_000 + left * 10_000_000 - 1, "{limit}");
}

#[test]
fn after_a_stall_the_bound_holds_at_use_and_all_are_served_in_order() {
    for capacity in [1, 10, 100] {
        for order in ORDERS {
            let limit = Limit::per_second(100).capacity(capacity).empty();
            let clock = ManualClock::new();
            let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
            let mut crowd = Crowd::new(&alarms);
            (0..1000).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
            stall(&mut crowd, &clock, capacity, order);

            let clock = ManualClock::new();
            let alarms = Alarms::new(&clock);
            let bucket = MultiBucket::with_clock([limit, Limit::per_second(1000)], &clock).unwrap();
            let mut crowd = Crowd::new(&alarms);
            (0..1000).for_each(|_| _ = crowd.come(bucket.take_on([1, 1], &alarms)));
            stall(&mut crowd, &clock, capacity, order);
        }
    }
}

/// A real stall of a real process: this program once more, stopped by a signal.
#[cfg(unix)]
mod stopped {
    use std::cell::Cell;
    use std::io::{BufRead, BufReader, Read};
    use std::process::{Child, Command, Stdio};
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;
    use std::thread;
    use std::time::Instant;

    use super::*;

    const IS_CHILD: &str = "TOLLGATE_IS_STOPPED";
    const NAME: &str = "stopped::after_a_stop_of_the_process_the_bound_holds_at_use";

    fn limit() -> Limit {
        Limit::per_second(500).capacity(10).empty()
    }

    thread_local!(static READ: Cell<u64> = const { Cell::new(0) });

    /// A clock that keeps each thread's last reading: the one that decided.
    struct Kept(Instant);

    impl Clock for Kept {
        fn now(&self) -> Time {
            READ.set(self.0.elapsed().as_nanos() as u64);
            Time::from_nanos(READ.get())
        }
    }

    /// 64 threads take again and again, until the input ends; prints when each take was decided.
    fn child() {
        let bucket = TokenBucket::with_clock(limit(), Kept(Instant::now())).unwrap();
        let (is_over, (tell, told)) = (AtomicBool::new(false), std::sync::mpsc::channel());
        let uses = thread::scope(|scope| {
            let takers: Vec<_> = (0..64)
                .map(|_| {
                    let tell = tell.clone();
                    let (bucket, is_over) = (&bucket, &is_over);
                    scope.spawn(move || {
                        let mut uses = vec![];
                        while !is_over.load(Relaxed) {
                            bucket.take_blocking(1).unwrap();
                            uses.push(READ.get());
                            tell.send(()).unwrap();
                        }
                        uses
                    })
                })
                .collect();
            told.iter().take(100).for_each(drop);
            println!("\nready");
            std::io::stdin().read_to_end(&mut vec![]).unwrap();
            // And as many after the stop.
            told.try_iter().for_each(drop);
            told.iter().take(100).for_each(drop);
            is_over.store(true, Relaxed);
            takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect::<Vec<_>>()
        });
        let uses: Vec<_> = uses.iter().map(u64::to_string).collect();
        println!("\nuses {}", uses.join(" "));
    }

    /// Goes with the test, however that ends.
    struct Killed(Child);

    impl Drop for Killed {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    fn send(signal: &str, process: &Child) {
        let status = Command::new("sh").args(["-c", &format!("kill -{signal} {}", process.id())]).status().unwrap();
        assert!(status.success());
    }

    #[test]
    fn after_a_stop_of_the_process_the_bound_holds_at_use() {
        if std::env::var_os(IS_CHILD).is_some() {
            return child();
        }
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.args([NAME, "--exact", "--nocapture"]).env(IS_CHILD, "");
        let mut child = Killed(program.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap());
        let mut lines = BufReader::new(child.0.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line == "ready"));
        send("STOP", &child.0);
        thread::sleep(STALL);
        send("CONT", &child.0);
        drop(child.0.stdin.take());
        let uses = lines.find_map(|line| line.strip_prefix("uses ").map(str::to_owned)).unwrap();
        assert!(child.0.wait().unwrap().success());
        let mut uses: Vec<_> = uses.split(' ').map(|at| (at.parse().unwrap(), 1)).collect();
        uses.sort_unstable();
        assert!(uses.len() >= 200, "{}", uses.len());
        let longest = uses.windows(2).map(|pair| pair[1].0 - pair[0].0).max().unwrap();
        // A thread may run on for a moment when the signal has been sent.
        assert!(longest >= STALL.as_nanos() as u64 / 2, "it stood still for {longest} ns only");
        audit_with_grace(limit(), GRACE, &uses).unwrap();
    }
}

#[test]
fn a_stall_just_after_a_call_costs_the_called_one_nothing() {
    let limit = Limit::per_second(100).empty();
    let clock = ManualClock::new();
    let (alarms, bucket) = (Alarms::new(&clock), TokenBucket::with_clock(limit, &clock).unwrap());
    let mut crowd = Crowd::new(&alarms);
    (0..3).for_each(|_| _ = crowd.come(bucket.take_on(1, &alarms)));
    crowd.poll();
    // The second is polled before the first, and calls it.
    clock.advance(Duration::from_millis(20));
    alarms.ring();
    let mut once = true;
    crowd.poll_by(|queue| {
        let second = std::mem::take(&mut once).then(|| queue.iter().position(|who| *who == 1).unwrap());
        second.and_then(|second| queue.remove(second))
    });
    clock.advance(STALL);
    alarms.ring();
    crowd.poll_by(VecDeque::pop_back);
    crowd.run_out();
    assert!(crowd.served.iter().map(|(who, _)| *who).eq(0..3), "{:?}", crowd.served);
}

/// One who waits for ten tokens at ten a second, and is polled each millisecond, with takers beside
/// it all the time: when it was served, in milliseconds, and how many takers were let in before.
fn served_beside_takers(bucket: &MultiBucket<1, &ManualClock>, alarms: &Alarms<'_>, late: impl Fn()) -> (u64, u64) {
    let mut crowd = Crowd::new(alarms);
    crowd.come(bucket.take_on([10], alarms));
    crowd.poll();
    let place = bucket.reserve([1]).unwrap();
    late();
    let mut let_in = 0;
    for millis in 1..20_000 {
        bucket.clock().advance(Duration::from_millis(1));
        alarms.ring();
        crowd.poll();
        if crowd.served.len() == 1 {
            drop(place);
            return (millis, let_in);
        }
        let_in += u64::from(bucket.try_take([1]).is_ok());
    }
    panic!("it was never served, and {let_in} takers were");
}

#[test]
fn nobody_overtakes_one_that_a_pause_or_a_charge_makes_later_than_those_behind() {
    let bucket = |clock| MultiBucket::with_clock([Limit::per_second(10).empty()], clock).unwrap();
    let clock = ManualClock::new();
    let paused = bucket(&clock);
    let alarms = Alarms::new(&clock);
    assert_eq!(served_beside_takers(&paused, &alarms, || paused.pause_for(Duration::from_secs(5))), (6000, 0));
    let clock = ManualClock::new();
    let charged = bucket(&clock);
    let alarms = Alarms::new(&clock);
    assert_eq!(served_beside_takers(&charged, &alarms, || charged.charge([100]).unwrap()), (11_000, 0));
}
