//! Owns the tests of single rules, each against a holder without a world. Never a random number.

use std::time::Duration;

use tollgate::Limit;
use tollgate::clock::Time;

use super::engine::terms;
use crate::lease::chunk::slices;
use crate::lease::holder::Holder;
use crate::lease::pool::Pool;
use crate::lease::settings::Settings;
use crate::lease::step::{Failure, Standing, Step};
use crate::master::answer::{Answer, Verdict};
use crate::master::ask::Ask;

const MS: Duration = Duration::from_millis(1);

struct Case {
    pool: Pool<1>,
    holder: Holder<1>,
    now: Time,
    epoch: u64,
    /// What the engine has left, in its answers.
    left: i64,
}

impl Case {
    /// A process of a fleet at 100 tokens a second, of capacity 100.
    fn new() -> Self {
        let terms = terms(1, [Limit::per_second(100).capacity(100)]);
        let now = Time::from_nanos(1_000_000_000);
        Self { pool: Pool::new(), holder: Holder::new(terms, Settings::default(), now), now, epoch: 1, left: 0 }
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
    }

    fn wait(&mut self, amount: u64) -> bool {
        self.holder.wanted(&self.pool, self.now, [amount], true)
    }

    fn step(&mut self) -> Step<1> {
        self.holder.step(&self.pool, self.now)
    }

    /// Steps until there is an ask, for at most ten seconds.
    fn ask(&mut self) -> Ask<1> {
        let end = self.now.after(MS * 10_000);
        loop {
            match self.step() {
                Step::Ask(ask) => return ask,
                Step::WaitUntil(at) if at <= end => self.now = at,
                step => panic!("no ask, but {step:?}"),
            }
        }
    }

    fn answer(&mut self, verdict: Verdict<1>) {
        let sent = self.now;
        self.pass(MS);
        let answer = Answer { epoch: self.epoch, terms: self.holder.terms(), verdict, level: [self.left] };
        self.holder.answered(&self.pool, sent, self.now, answer);
    }

    fn grant(&mut self, tokens: u64, after: Duration) {
        self.answer(Verdict::Granted { tokens: [tokens], after });
    }

    fn refuse(&mut self, wait: Duration) {
        self.answer(Verdict::NotYet { stream: 0, wait });
    }

    /// Asks for so much, and gets it.
    fn hold(&mut self, tokens: u64) {
        self.wait(tokens);
        let ask = self.ask();
        assert!(ask.need[0] <= tokens);
        self.grant(tokens, Duration::ZERO);
        self.holder.unwanted([tokens]);
    }

    fn take(&mut self, amount: u64) -> bool {
        if !self.pool.is_fresh(self.now) {
            self.holder.expire(&self.pool, self.now);
        }
        self.pool.bucket().try_take([amount]).is_ok()
    }

    fn lost(&self) -> u64 {
        self.holder.account(&self.pool).lost[0]
    }
}

#[test]
fn first_ask_needs_what_was_asked_for() {
    let mut case = Case::new();
    case.wait(7);
    let ask = case.ask();
    assert_eq!((ask.need, ask.back, ask.reserve), ([7], [0], true));
}

#[test]
fn driver_is_woken_once_until_it_steps() {
    let mut case = Case::new();
    assert_eq!(case.step(), Step::Idle);
    assert!(case.wait(1));
    assert!(!case.wait(1));
    assert!(matches!(case.step(), Step::Ask(_)));
    assert!(!case.wait(1), "a trip is under way");
}

#[test]
fn grant_is_usable_until_a_term_after_it_was_asked_for() {
    let mut case = Case::new();
    case.hold(10);
    assert!(case.take(1));
    case.pass(MS * 998);
    assert!(case.take(1));
    case.pass(MS);
    assert!(!case.take(1));
    let account = case.holder.account(&case.pool);
    assert_eq!((account.used, account.held), ([2], [8]));
}

#[test]
fn reservation_is_not_usable_before_it_is_paid() {
    let mut case = Case::new();
    case.wait(5);
    case.ask();
    case.grant(5, MS * 50);
    for passed in 1..=50 {
        case.pass(MS);
        // A token is paid every 10 ms, the last after 50.
        let paid = passed / 10;
        assert!(case.pool.bucket().available()[0] <= paid);
        case.step();
    }
    assert!(case.take(5));
}

#[test]
fn slices_are_never_ahead_of_what_is_paid() {
    let limits = [Limit::per_second(1000).capacity(1000), Limit::per_second(7).capacity(100)];
    for after in [0, 1, 9, 10, 11, 25, 99, 100, 1234].map(|after| MS * after) {
        for tokens in [[0, 0], [1, 0], [90, 1], [2000, 9]] {
            let (mut sum, mut last) = ([0; 2], Duration::ZERO);
            for (slice, ready) in slices(tokens, after, limits) {
                assert!(ready <= after && ready >= last);
                last = ready;
                for i in 0..2 {
                    sum[i] += slice[i];
                    // What is not yet usable must pay for what accrues until all is paid.
                    let unpaid = u128::from(limits[i].rate.tokens()) * (after - ready).as_nanos();
                    let rest = u128::from(tokens[i] - sum[i]) * 1_000_000_000;
                    assert!(slice[i] == 0 || rest >= unpaid, "{tokens:?} after {after:?}: {slice:?} at {ready:?}");
                }
            }
            assert_eq!(sum, tokens);
        }
    }
}

#[test]
fn answer_that_comes_after_a_term_is_not_usable_and_goes_back() {
    let mut case = Case::new();
    case.wait(5);
    case.ask();
    let sent = case.now;
    case.pass(MS * 1000);
    let verdict = Verdict::Granted { tokens: [5], after: Duration::ZERO };
    let answer = Answer { epoch: 1, terms: case.holder.terms(), verdict, level: [0] };
    case.holder.answered(&case.pool, sent, case.now, answer);
    assert!(!case.take(1));
    assert_eq!(case.ask().back, [5]);
}

#[test]
fn tokens_put_back_after_they_expired_are_not_usable() {
    let mut case = Case::new();
    case.hold(10);
    assert!(case.take(10));
    case.pass(MS * 1500);
    case.pool.bucket().put_back([10]);
    assert!(!case.take(1));
    assert_eq!(case.holder.account(&case.pool).used, [0]);
    // Nothing is in force any more when somebody puts back what another had used.
    case.pool.bucket().put_back([3]);
    assert!(!case.take(1));
    assert_eq!(case.holder.account(&case.pool).held, [13]);
}

#[test]
fn debt_is_paid_by_the_next_asks() {
    let mut case = Case::new();
    case.pool.bucket().charge([30]).unwrap();
    let ask = case.ask();
    assert_eq!((ask.need, ask.reserve), ([1], true));
    // Not more at once than a share.
    assert_eq!(ask.want, [11]);
    case.grant(20, Duration::ZERO);
    assert_eq!(case.holder.account(&case.pool).held, [-10]);
    // Whoever waits is served when the debt is paid, too.
    case.wait(4);
    assert_eq!(case.ask().need, [14]);
    case.grant(14, Duration::ZERO);
    assert!(case.take(4));
    assert_eq!(case.holder.account(&case.pool).used, [34]);
}

#[test]
fn part_of_what_is_needed_goes_back_when_the_engine_lacks_the_rest() {
    let mut case = Case::new();
    case.hold(6);
    case.wait(10);
    assert_eq!(case.ask().need, [4]);
    case.refuse(MS * 40);
    let refused = case.now;
    let ask = case.ask();
    assert_eq!((ask.need, ask.back), ([10], [6]));
    assert!(case.now >= refused.after(MS * 40), "asked before the engine can have it");
}

#[test]
fn give_back_goes_at_most_once_and_counts_as_lost_without_an_answer() {
    let mut case = Case::new();
    case.hold(10);
    assert!(case.take(1));
    assert_eq!(case.ask().back, [9]);
    let sent = case.now;
    case.holder.failed(&case.pool, sent, case.now, Failure::Lost);
    assert_eq!(case.lost(), 9);
    assert_eq!(case.step(), Step::Idle);
}

#[test]
fn give_back_that_was_never_sent_is_sent_again() {
    let mut case = Case::new();
    case.hold(10);
    assert_eq!(case.ask().back, [10]);
    let sent = case.now;
    case.holder.failed(&case.pool, sent, case.now, Failure::Unsent);
    assert_eq!(case.lost(), 0);
    assert_eq!(case.ask().back, [10]);
}

#[test]
fn give_back_that_nobody_takes_for_two_terms_is_lost() {
    let mut case = Case::new();
    case.hold(10);
    let mut tries = 0;
    loop {
        assert!(case.now < Time::ZERO.after(MS * 6000), "{tries} tries");
        match case.step() {
            Step::Ask(ask) => {
                assert_eq!(ask.back, [10]);
                let sent = case.now;
                case.holder.failed(&case.pool, sent, case.now, Failure::Unsent);
                tries += 1;
            }
            Step::WaitUntil(at) => case.now = at,
            Step::Idle => break,
        }
    }
    assert!(tries > 3, "{tries} tries");
    assert_eq!(case.lost(), 10);
}

#[test]
fn tokens_of_an_older_epoch_stay_usable_and_are_not_given_back() {
    let mut case = Case::new();
    case.hold(10);
    case.epoch = 2;
    case.hold(20);
    assert!(case.take(12));
    let ask = case.ask();
    assert_eq!(ask.back, [18]);
    assert_eq!(case.lost(), 0);

    let mut case = Case::new();
    case.hold(10);
    case.epoch = 2;
    case.wait(20);
    case.ask();
    case.refuse(MS * 5000);
    case.pass(MS * 1500);
    assert!(!case.take(1));
    assert_eq!(case.lost(), 10);
}

#[test]
fn estimate_is_the_promised_instant_the_wait_or_the_next_trip() {
    let mut case = Case::new();
    case.wait(5);
    case.ask();
    case.grant(5, MS * 50);
    assert_eq!(case.holder.ready_in(&case.pool, case.now, [5]), Some(MS * 50));
    assert!(case.holder.ready_in(&case.pool, case.now, [101]).is_none());
    case.pass(MS * 50);
    case.step();
    assert_eq!(case.holder.ready_in(&case.pool, case.now, [5]), Some(Duration::ZERO));

    let mut case = Case::new();
    case.wait(5);
    case.ask();
    case.refuse(MS * 300);
    let wait = case.holder.ready_in(&case.pool, case.now, [5]).unwrap();
    assert!(wait >= MS * 300 && wait < MS * 340, "{wait:?}");
}

#[test]
fn estimate_is_none_while_the_engine_is_away() {
    let mut case = Case::new();
    case.wait(5);
    let first = case.now;
    for _ in 0..5 {
        case.ask();
        let sent = case.now;
        case.pass(MS * 10);
        case.holder.failed(&case.pool, sent, case.now, Failure::Unsent);
    }
    assert_eq!(case.holder.standing(case.now), Standing::Away { since: first.after(Duration::ZERO) });
    assert_eq!(case.holder.ready_in(&case.pool, case.now, [5]), None);
    // It tries again within half a second.
    let failed = case.now;
    case.ask();
    assert!(case.now <= failed.after(MS * 500));
}

#[test]
fn close_gives_back_all_that_is_held_and_promised() {
    let mut case = Case::new();
    case.hold(10);
    assert!(case.take(3));
    case.wait(20);
    case.ask();
    case.grant(13, MS * 60);
    let ask = case.holder.close(&case.pool, case.now).unwrap();
    assert_eq!(ask.back, [20]);
    assert!(!case.take(1));
    assert!(case.holder.close(&case.pool, case.now).is_none());
}

#[test]
fn what_expired_before_a_new_epoch_is_not_given_back_to_it() {
    let mut case = Case::new();
    case.hold(10);
    case.pass(MS * 400);
    case.wait(20);
    case.ask();
    let sent = case.now;
    // What is held expires while the trip is under way.
    case.pass(MS * 700);
    assert!(!case.take(1));
    let verdict = Verdict::NotYet { stream: 0, wait: MS };
    let answer = Answer { epoch: 2, terms: case.holder.terms(), verdict, level: [0] };
    case.holder.answered(&case.pool, sent, case.now, answer);
    assert_eq!(case.lost(), 10);
    assert_eq!(case.ask().back, [0]);
}

#[test]
fn chunks_leave_three_quarters_of_what_is_left_to_others() {
    for left in [0, 40, 80] {
        let mut case = Case::new();
        case.left = left;
        case.wait(1);
        case.ask();
        case.grant(1, Duration::ZERO);
        for _ in 0..90 {
            case.wait(1);
        }
        // A share of 100 ms, and one token, and a quarter.
        assert_eq!(case.ask().want, [11 + left as u64 / 4], "{left} left");
    }
}

#[test]
fn chunk_grows_only_if_the_first_shortage_follows_the_last_grant_at_once() {
    let wants = |shortages: &[u64]| {
        let mut case = Case::new();
        case.left = 80;
        case.wait(1);
        case.ask();
        // Nobody can take of it before 30 ms.
        case.grant(6, MS * 30);
        case.holder.unwanted([1]);
        let start = case.now;
        for at in shortages {
            case.now = start.after(MS * *at as u32);
            case.step();
            while case.take(1) {}
            case.wait(1);
        }
        case.ask().want[0]
    };
    // Four times the last grant, or what is asked for.
    assert_eq!(wants(&[31]), 24);
    assert_eq!(wants(&[31, 90]), 24, "the first shortage counts");
    assert!(wants(&[60]) < 10, "too late");
    assert!(wants(&[10, 60]) < 10, "a shortage before it was ready does not count");
}

#[test]
fn driver_that_wakes_late_goes_at_once() {
    let mut case = Case::new();
    case.wait(1);
    case.ask();
    case.refuse(MS * 30);
    loop {
        match case.step() {
            Step::Ask(ask) => break assert_eq!(ask.need, [1]),
            Step::WaitUntil(at) => case.now = at.after(MS * 3),
            Step::Idle => panic!("somebody waits"),
        }
        assert!(case.now < Time::from_nanos(1_100_000_000), "its turn never comes");
    }
}

#[test]
fn limits_learned_between_trips_count_from_then_on_and_older_ones_do_not() {
    let mut case = Case::new();
    let later = terms(3, [Limit::per_second(100).capacity(5)]);
    case.holder.learn(later, case.now);
    assert_eq!(case.holder.never(case.now, [6]), Some((0, 5)));
    case.pass(MS * 900);
    case.holder.learn(terms(2, [Limit::per_second(100).capacity(50)]), case.now);
    assert_eq!(case.holder.terms(), later);
    // The engine was heard of again.
    case.pass(MS * 900);
    assert_eq!(case.holder.never(case.now, [6]), Some((0, 5)));
    case.pass(MS * 100);
    assert_eq!(case.holder.never(case.now, [6]), None, "the limits may have changed");
}

#[test]
fn tokens_collected_for_a_give_back_are_lost_when_the_epoch_changes() {
    let mut case = Case::new();
    case.hold(10);
    case.wait(90);
    case.ask();
    let sent = case.now;
    // What is held expires, to be given back, while the trip is under way.
    case.pass(MS * 1000);
    case.step();
    let verdict = Verdict::Granted { tokens: [80], after: MS * 100 };
    let answer = Answer { epoch: 2, terms: case.holder.terms(), verdict, level: [0] };
    case.holder.answered(&case.pool, sent, case.now, answer);
    let account = case.holder.account(&case.pool);
    assert_eq!((account.granted, account.lost, account.returned), ([90], [10], [0]));
    let ask = case.holder.close(&case.pool, case.now).unwrap();
    assert_eq!(ask.back, [80], "the new epoch never granted the others");
}

#[test]
fn nothing_is_fetched_again_without_use() {
    let mut case = Case::new();
    case.hold(40);
    assert!(case.take(40));
    case.pass(MS * 25);
    case.step();
    // It uses 100 ms' worth of many tokens; and then nothing of the two that it is granted.
    case.wait(1);
    assert!(case.ask().want[0] > 4);
    case.grant(2, Duration::ZERO);
    case.holder.unwanted([1]);
    loop {
        match case.step() {
            Step::Ask(ask) => break assert_eq!((ask.want, ask.back), ([0], [2])),
            Step::WaitUntil(at) => case.now = at,
            Step::Idle => panic!("two tokens are held"),
        }
    }
}
