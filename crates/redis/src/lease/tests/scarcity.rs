//! Owns the tests of tokens that are hours apart, and of streams of which one is short. Never of
//! tokens that abound.

use std::time::Duration;

use tollgate::clock::Time;
use tollgate::{Limit, Rate};

use super::engine::terms;
use super::process::Load;
use super::random::runs;
use super::world::{Deed, World};
use crate::lease::holder::Holder;
use crate::lease::pool::Pool;
use crate::lease::settings::Settings;
use crate::lease::step::Step;
use crate::master::answer::{Answer, Verdict};
use crate::master::ask::Ask;

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// So many processes wait in turn at a rate; returns what each used in so many tokens' time.
fn waits_in_turn(limit: Limit, term: Duration, processes: usize, tokens: u64) -> (Vec<u64>, World<1>) {
    let mut world = World::new(processes as u64, [limit]);
    world.settings = Settings::of_term(term);
    world.audits = [super::audit::Audit::new(limit, term)];
    for _ in 0..processes {
        world.join([1], Load::Waiters(4));
    }
    let token = limit.rate.period() / limit.rate.tokens() as u32;
    // What was there at the start is used first.
    let start = token * (limit.capacity + 2 * processes as u64) as u32;
    world.run_for(start);
    let before: Vec<u64> = world.processes.iter().map(|process| process.used[0]).collect();
    world.run_for(token * tokens as u32);
    world.assert_account();
    world.assert_line();
    world.assert_bounds();
    let used = world.processes.iter().zip(before).map(|(process, before)| process.used[0] - before).collect();
    (used, world)
}

#[test]
fn nobody_starves_at_a_token_a_second_a_minute_or_five_a_day() {
    let minute = Rate::new(1, Duration::from_secs(60)).unwrap();
    let day = Rate::new(5, DAY).unwrap();
    let limits = [
        (Limit::per_second(1).capacity(1), MS * 1000, runs(200)),
        (Limit::new(minute, 1), MS * 1000, runs(60)),
        (Limit::new(day, 5), MS * 60_000, runs(50)),
    ];
    for (limit, term, tokens) in limits {
        for processes in [1, 3, 8] {
            let (used, world) = waits_in_turn(limit, term, processes, tokens);
            let most_trips = world.processes.iter().map(|process| process.most_trips_in_a_second).max().unwrap();
            let sum: u64 = used.iter().sum();
            println!("{limit:?} {processes}: {sum} of {tokens}, {used:?}, {most_trips} trips in a second at most");
            assert!(sum + 2 >= tokens, "{limit:?}: {sum} of {tokens}");
            let share = tokens / processes as u64;
            assert!(used.iter().all(|used| used * 3 >= share * 2), "{limit:?}: shares {used:?}");
            assert!(most_trips <= 20, "{most_trips} trips in a second");
        }
    }
}

#[test]
fn who_waits_for_hours_goes_by_other_limits_within_a_term_and_a_bit() {
    let slow = Limit::new(Rate::new(5, DAY).unwrap(), 5);
    let fast = Limit::new(Rate::new(500_000, DAY).unwrap(), 5);
    let mut world = World::new(4, [slow]);
    for _ in 0..3 {
        world.join([1], Load::Waiters(4));
    }
    world.at(MS * 9_000_000, Deed::Limits([fast]));
    world.run_for(MS * 9_000_000);
    let before: Vec<u64> = world.processes.iter().map(|process| process.used[0]).collect();
    // A term until each asks, and then a few tokens each, of six a second.
    world.run_for(world.settings.term + MS * 2000);
    for (process, before) in world.processes.iter().zip(before) {
        assert_eq!(process.holder.terms().revision, 2);
        assert!(process.used[0] > before, "{} used before and after", before);
    }
    world.assert_account();
}

#[test]
fn process_that_waits_for_hours_wakes_not_more_than_thrice_a_term() {
    let limit = Limit::new(Rate::new(5, DAY).unwrap(), 5);
    let mut world = World::new(4, [limit]);
    for _ in 0..3 {
        world.join([1], Load::Waiters(4));
    }
    world.run_for(MS * 60_000);
    let steps = |world: &World<1>| world.processes.iter().map(|process| process.steps).max().unwrap();
    let before = steps(&world);
    world.run_for(MS * 600_000);
    let steps = steps(&world) - before;
    // A step and its timer count as two each.
    assert!(steps <= 600 * 8, "{steps} in 600 terms");
}

/// Two streams, of which the engine has refused 5 of the second.
fn barred() -> (Pool<2>, Holder<2>, Time) {
    let limits = [Limit::per_second(1000).capacity(1000), Limit::per_second(10).capacity(10)];
    let now = Time::from_nanos(1_000_000_000);
    let (pool, mut holder) = (Pool::new(), Holder::new(terms(1, limits), Settings::default(), now));
    holder.wanted(&pool, now, [1, 5], true);
    assert!(matches!(holder.step(&pool, now), Step::Ask(ask) if ask.need == [1, 5]));
    let verdict = Verdict::NotYet { stream: 1, wait: MS * 600 };
    holder.answered(&pool, now, now.after(MS), Answer { epoch: 1, terms: holder.terms(), verdict, level: [900, 0] });
    holder.unwanted([1, 5]);
    (pool, holder, now.after(MS))
}

/// When the next trip is made for these amounts, after the refusal.
fn goes(amounts: [u64; 2]) -> Duration {
    let (pool, mut holder, refused) = barred();
    let mut now = refused;
    holder.wanted(&pool, now, amounts, true);
    loop {
        match holder.step(&pool, now) {
            Step::Ask(ask) => {
                assert_eq!(ask.need, amounts);
                return now.since(refused);
            }
            Step::WaitUntil(at) => now = at,
            Step::Idle => panic!("somebody waits"),
        }
    }
}

#[test]
fn bar_holds_for_as_much_or_more_of_the_stream_that_was_short() {
    assert!(goes([1, 5]) >= MS * 600, "as much");
    assert!(goes([1, 6]) >= MS * 600, "more");
    assert!(goes([1, 4]) < MS * 200, "less may be there");
    assert!(goes([7, 0]) < MS * 200, "the other stream was not short");
}

#[test]
fn refusal_names_the_stream_that_the_engine_was_short_of() {
    let (_, holder, now) = barred();
    assert_eq!(holder.short_stream(now, [1, 1]), Some(1));
    assert_eq!(holder.short_stream(now, [1, 0]), None);
    assert_eq!(holder.short_stream(now.after(MS * 600), [1, 1]), None, "the wait is over");
}

/// One stream of five a day, of which the engine has refused 1 until four hours from now.
fn hours_away(waiting: bool) -> (Pool<1>, Holder<1>, Time) {
    let limit = Limit::new(Rate::new(5, DAY).unwrap(), 5);
    let now = Time::from_nanos(1_000_000_000);
    let (pool, mut holder) = (Pool::new(), Holder::new(terms(1, [limit]), Settings::default(), now));
    holder.wanted(&pool, now, [1], waiting);
    assert!(matches!(holder.step(&pool, now), Step::Ask(ask) if ask.need == [1]));
    let verdict = Verdict::NotYet { stream: 0, wait: MS * 14_400_000 };
    holder.answered(&pool, now, now.after(MS), Answer { epoch: 1, terms: holder.terms(), verdict, level: [-1] });
    (pool, holder, now.after(MS))
}

/// Steps until there is an ask; `None` if nothing is left to do.
fn next_ask(pool: &Pool<1>, holder: &mut Holder<1>, now: &mut Time) -> Option<Ask<1>> {
    loop {
        match holder.step(pool, *now) {
            Step::Ask(ask) => return Some(ask),
            Step::WaitUntil(at) => *now = at,
            Step::Idle => return None,
        }
    }
}

#[test]
fn who_waits_for_hours_goes_at_once_when_another_has_given_back() {
    let (pool, mut holder, mut now) = hours_away(true);
    let refused = now;
    for (level, need) in [(-1, 0), (0, 0), (1, 1)] {
        let ask = next_ask(&pool, &mut holder, &mut now).expect("somebody waits");
        assert_eq!((ask.need, ask.want), ([0], [0]), "it only looks");
        let verdict = Verdict::Granted { tokens: [0], after: Duration::ZERO };
        let answer = Answer { epoch: 1, terms: holder.terms(), verdict, level: [level] };
        holder.answered(&pool, now, now.after(MS), answer);
        now = now.after(MS);
        assert!(holder.scarce, "a look that finds little does not make tokens abound");
        if need > 0 {
            let ask = next_ask(&pool, &mut holder, &mut now).expect("somebody waits");
            assert_eq!(ask.need, [need]);
        }
    }
    assert!(now.since(refused) < MS * 3500, "a term each, and no hours");
}

#[test]
fn who_was_refused_hours_before_there_is_something_makes_no_trips() {
    let (pool, mut holder, mut now) = hours_away(false);
    let refused = now;
    assert_eq!(next_ask(&pool, &mut holder, &mut now), None);
    assert!(now.since(refused) <= MS * 2000, "idle after {:?}", now.since(refused));
    // The wait that is told stays as the engine promised.
    let wait = holder.ready_in(&pool, now, [1]).unwrap();
    assert!(now.after(wait) >= refused.after(MS * 14_400_000));
}
