//! Owns an example for each rule. Each dies without its rule; `proof/killers` takes the rules of
//! the line out. The last two rows are rules of the words.
//!
//! | rule | example |
//! |---|---|
//! | who waits forgets first what a full bucket forfeited | `an_idle_bucket_promises_no_more_than_it_holds` |
//! | the ceiling has a grace | `who_comes_within_the_grace_loses_nothing` |
//! | a use forgets what is above its ceiling | `who_comes_too_late_leaves_no_more_than_a_full_bucket` |
//! | the ceiling holds the amount | `an_oversized_amount_accrues_whole` |
//! | takers stay out until the last timer | `takers_stay_out_until_the_last_timer_is_overdue` |
//! | they stay out no longer than D after it | `one_who_never_comes_keeps_takers_out_for_a_while_only` |
//! | D is ten milliseconds at least | `a_late_timer_is_not_overtaken_even_without_a_grace` |
//! | nobody lapses who was not called | `after_a_stall_nobody_loses_its_turn` |
//! | all who are due are called at once | `a_call_reaches_all_who_are_due` |
//! | who listens is not called again | `who_has_come_is_not_called_again` |
//! | who calls waits for D | `who_calls_comes_when_the_called_are_deaf` |
//! | an overdue first is called by any step | `a_step_calls_a_first_that_is_overdue` |
//! | the second is told of room | `behind_one_who_is_deaf_leavers_make_room` |
//! | the line is folded | `a_stream_that_overflows_meanwhile_is_foreseen` |
//! | nobody is foreseen before those ahead | `nobody_is_promised_an_instant_before_those_ahead` |
//! | a forecast that came true too late is made anew | `a_charge_makes_later_promises_later` |
//! | leavers make a forecast worth making anew | `who_enters_behind_leavers_is_promised_their_room` |
//! | nobody is refused for a forecast that is too late | `a_deadline_is_judged_without_those_who_left` |
//! | a deadline that cannot be met is refused | `a_deadline_that_became_impossible_is_refused_at_once` |
//! | a wait ends by its deadline | `a_wait_behind_others_ends_at_its_deadline` |
//! | a late poll is served up to J late | `a_late_poll_is_served_within_the_grace_only` |
//! | a reservation does not lapse | `a_reservation_behind_one_who_is_deaf_stays` |
//! | a change refuses | `a_change_refuses_those_who_cannot_be_served_in_time` |
//! | a change tells | `a_faster_rate_wakes_those_who_would_sleep_far_too_long` |
//! | a change forgets what nobody can use | `what_overflowed_before_a_change_is_not_in_a_larger_bucket` |
//! | a put-back never takes | `a_put_back_takes_nothing_from_one_who_waits_for_more` |
//! | a charge forgets nothing while somebody waits | `a_charge_costs_no_more_than_its_amount` |

use std::vec::Vec;

use crate::wait::line::grace::Grace;
use crate::wait::line::tests::world::Answer::{Closed, Firm, Refused, Served, Sleeps};
use crate::wait::line::tests::world::{World, limit};

const FOREVER: u64 = u64::MAX;

/// A token a nanosecond, of which an empty bucket holds ten.
fn empty(late: u64) -> World<1> {
    World::new([limit(1, 1, 10).empty()], late)
}

/// The same for two streams.
fn two(capacities: [u64; 2]) -> World<2> {
    World::new(capacities.map(|capacity| limit(1, 1, capacity).empty()), 0)
}

/// Callers 1, 2, .. who ask for these amounts at 0; and what they are told.
fn enter_all<const N: usize>(world: &mut World<N>, amounts: &[[u64; N]]) -> Vec<u64> {
    let enter = |(who, amounts): (usize, &[u64; N])| match world.enter(0, 1 + who as u32, *amounts, FOREVER, false) {
        Sleeps(at) => at,
        other => panic!("{who} waits, but {other:?}"),
    };
    amounts.iter().enumerate().map(enter).collect()
}

#[test]
fn waiters_are_served_one_after_the_other_at_the_instants_they_were_promised() {
    let mut world = empty(0);
    assert_eq!(enter_all(&mut world, &[[3], [10], [1]]), [3, 13, 14]);
    for (who, at) in [(1, 3), (2, 13), (3, 14)] {
        assert_eq!(world.visit(at, who), Some(Served));
    }
    assert!(world.woken.is_empty());
}

#[test]
fn an_idle_bucket_promises_no_more_than_it_holds() {
    let mut world = World::new([limit(1, 1, 10)], 1);
    assert_eq!(world.enter(1000, 1, [30], FOREVER, false), Sleeps(1020));
}

#[test]
fn who_comes_within_the_grace_loses_nothing() {
    let mut world = World::new([limit(1, 1, 1).empty()], 5);
    enter_all(&mut world, &[[1]; 6]);
    for who in 1..=6 {
        assert_eq!(world.visit(6, who), Some(Served), "{who}");
    }
}

#[test]
fn who_comes_too_late_leaves_no_more_than_a_full_bucket() {
    let mut world = empty(0);
    enter_all(&mut world, &[[5]]);
    assert_eq!(world.visit(100, 1), Some(Served));
    assert!(!world.try_take(100, [7]));
}

#[test]
fn an_oversized_amount_accrues_whole() {
    let mut world = empty(0);
    assert_eq!(enter_all(&mut world, &[[30]]), [30]);
    assert_eq!(world.visit(30, 1), Some(Served));
    assert_eq!(world.enter(30, 2, [1], FOREVER, false), Sleeps(31));
}

#[test]
fn takers_stay_out_until_the_last_timer_is_overdue() {
    let mut world = empty(1);
    // The first never comes, but the tokens of those behind it are promised to them.
    assert_eq!(enter_all(&mut world, &[[1], [10]]), [1, 11]);
    assert!((0..=13).all(|now| !world.try_take(now, [1])));
    assert_eq!(world.visit(13, 2), Some(Sleeps(15)));
    assert_eq!(world.visit(15, 2), Some(Served));
}

#[test]
fn one_who_never_comes_keeps_takers_out_for_a_while_only() {
    let mut world = empty(1);
    enter_all(&mut world, &[[1]]);
    assert_eq!([3, 4].map(|now| world.try_take(now, [1])), [false, true]);
}

#[test]
fn a_late_timer_is_not_overtaken_even_without_a_grace() {
    let mut world = World::with_grace([limit(1, 1, 10).empty()], Grace::new(0));
    enter_all(&mut world, &[[10]]);
    assert!(!world.try_take(1_000_000, [10]));
}

#[test]
fn after_a_stall_nobody_loses_its_turn() {
    let mut world = empty(2);
    enter_all(&mut world, &[[1]; 5]);
    for who in (1..=5).rev() {
        assert!(world.visit(100, who).is_some(), "{who} is still in the line");
    }
    for who in 2..=5 {
        assert_eq!(world.visit(101, who), Some(Served));
    }
}

#[test]
fn a_call_reaches_all_who_are_due() {
    let mut world = empty(0);
    enter_all(&mut world, &[[20], [1], [1], [1], [1]]);
    world.leave(0, 1);
    world.woken.clear();
    // Their timers are far away, as the first left: but they are due.
    world.enter(8, 9, [1], FOREVER, false);
    world.woken.sort_unstable();
    assert_eq!(world.woken, [4, 5], "the first two were told when room was made");
}

#[test]
fn who_has_come_is_not_called_again() {
    let mut world = empty(0);
    enter_all(&mut world, &[[1], [1], [1]]);
    world.visit(3, 2);
    world.visit(3, 3);
    assert_eq!(world.woken, [1]);
}

#[test]
fn who_calls_comes_when_the_called_are_deaf() {
    let mut world = empty(3);
    enter_all(&mut world, &[[1], [1]]);
    assert_eq!(world.visit(2, 2), Some(Sleeps(5)));
    assert_eq!(world.woken, [1]);
    assert_eq!(world.visit(5, 2), Some(Served));
    assert_eq!(world.visit(5, 1), None, "who did not come enters anew");
}

#[test]
fn a_step_calls_a_first_that_is_overdue() {
    let mut world = empty(1);
    enter_all(&mut world, &[[1], [10]]);
    world.put_back(5, [1]);
    assert_eq!(world.woken, [1]);
}

#[test]
fn behind_one_who_is_deaf_leavers_make_room() {
    let mut world = empty(0);
    enter_all(&mut world, &[[1], [100], [1]]);
    world.leave(0, 2);
    assert_eq!(world.woken, [3]);
    assert_eq!(world.visit(0, 3), Some(Sleeps(2)));
}

#[test]
fn a_stream_that_overflows_meanwhile_is_foreseen() {
    let mut world = two([20, 5]);
    // When the first is served, its second stream holds 6, of which it takes one.
    assert_eq!(enter_all(&mut world, &[[20, 1], [0, 5], [0, 5]]), [20, 20, 25]);
}

#[test]
fn nobody_is_promised_an_instant_before_those_ahead() {
    let mut world = two([20, 5]);
    assert_eq!(enter_all(&mut world, &[[20, 1], [0, 2]]), [20, 20]);
    world.charge(0, [1, 0]);
    assert_eq!(world.visit(20, 2), Some(Sleeps(21)));
}

#[test]
fn a_charge_makes_later_promises_later() {
    let mut world = two([10, 10]);
    enter_all(&mut world, &[[5, 0], [1, 0]]);
    world.charge(1, [10, 0]);
    assert_eq!(world.enter(1, 3, [1, 0], FOREVER, false), Sleeps(17));
    assert_eq!(world.visit(5, 1), Some(Sleeps(15)));
    assert_eq!(world.visit(6, 2), Some(Sleeps(16)));
}

#[test]
fn a_waiter_that_comes_too_early_is_told_its_instant() {
    let mut world = empty(0);
    enter_all(&mut world, &[[5], [1]]);
    world.charge(1, [10]);
    assert_eq!(world.visit(6, 2), Some(Sleeps(16)));
}

#[test]
fn who_enters_behind_leavers_is_promised_their_room() {
    let mut world = two([10, 10]);
    enter_all(&mut world, &[[1, 0]; 100]);
    (2..99).for_each(|who| world.leave(0, who));
    assert_eq!(world.enter(0, 101, [1, 0], FOREVER, false), Sleeps(4));
}

#[test]
fn a_deadline_is_judged_without_those_who_left() {
    let mut world = two([10, 10]);
    enter_all(&mut world, &[[10, 1], [30, 1], [1, 0], [1, 0]]);
    world.leave(0, 2);
    assert_eq!(world.enter(0, 4, [5, 0], 16, false), Refused);
    assert_eq!(world.enter(0, 5, [5, 0], 17, false), Sleeps(17));
}

#[test]
fn a_deadline_that_cannot_be_met_is_refused_at_once() {
    let mut world = empty(1);
    assert_eq!(world.enter(0, 1, [5], 4, false), Refused);
    assert_eq!(world.enter(0, 2, [5], 5, false), Sleeps(5));
}

#[test]
fn a_deadline_that_became_impossible_is_refused_at_once() {
    let mut world = empty(1);
    world.enter(0, 1, [5], 8, false);
    world.charge(3, [5]);
    assert_eq!(world.visit(5, 1), Some(Refused));
}

#[test]
fn a_wait_behind_others_ends_at_its_deadline() {
    let mut world = empty(5);
    enter_all(&mut world, &[[5]]);
    world.enter(0, 2, [2], 7, false);
    assert_eq!(world.visit(7, 2), Some(Refused));
}

#[test]
fn a_late_poll_is_served_within_the_grace_only() {
    for (now, answer) in [(6, Served), (7, Refused)] {
        let mut world = empty(1);
        world.enter(0, 1, [5], 5, false);
        assert_eq!(world.visit(now, 1), Some(answer));
    }
}

#[test]
fn a_change_refuses_those_who_cannot_be_served_in_time() {
    let mut world = empty(0);
    world.enter(0, 1, [10], 12, false);
    world.change(1, [limit(1, 10, 10)], None);
    assert_eq!(world.woken, [1]);
    assert_eq!(world.visit(1, 1), None);
    assert_eq!(world.enter(1, 1, [10], 12, false), Refused);
}

#[test]
fn a_pause_refuses_those_who_cannot_be_served_in_time() {
    let mut world = empty(0);
    world.enter(0, 1, [10], 12, false);
    world.change(1, [limit(1, 1, 10)], Some(3));
    assert_eq!(world.woken, [1]);
    assert_eq!(world.enter(1, 1, [10], 12, false), Refused);
}

#[test]
fn a_faster_rate_wakes_those_who_would_sleep_far_too_long() {
    let mut world = empty(0);
    enter_all(&mut world, &[[10]; 4]);
    world.change(1, [limit(9, 1, 10)], None);
    world.woken.sort_unstable();
    assert_eq!(world.woken, [1, 2, 3, 4]);
}

#[test]
fn a_small_change_wakes_the_first_only() {
    let mut world = empty(0);
    enter_all(&mut world, &[[10]; 4]);
    world.change(1, [limit(3, 2, 10)], None);
    assert_eq!(world.woken, [1]);
}

#[test]
fn what_overflowed_before_a_change_is_not_in_a_larger_bucket() {
    let mut world = empty(1);
    enter_all(&mut world, &[[5]]);
    world.change(500, [limit(1, 1, 1000)], None);
    assert!(!world.try_take(600, [600]));
}

#[test]
fn a_put_back_takes_nothing_from_one_who_waits_for_more() {
    let mut world = empty(1);
    enter_all(&mut world, &[[30]]);
    world.put_back(25, [1]);
    assert_eq!(world.visit(30, 1), Some(Served));
}

#[test]
fn a_charge_costs_no_more_than_its_amount() {
    let mut world = empty(1);
    enter_all(&mut world, &[[30]]);
    world.charge(25, [1]);
    assert_eq!(world.visit(30, 1), Some(Sleeps(31)));
}

#[test]
fn a_reservation_is_a_debt_as_soon_as_it_is_first() {
    let mut world = empty(0);
    assert_eq!(world.enter(0, 1, [5], FOREVER, true), Firm(5));
    assert_eq!(world.enter(0, 2, [1], FOREVER, false), Sleeps(6));
    assert_eq!(world.enter(0, 3, [2], FOREVER, true), Sleeps(8));
    assert_eq!(world.visit(6, 2), Some(Served));
    assert_eq!(world.firm[&3].0, 8);
    world.woken.clear();
    // One that is given back makes room.
    assert_eq!(world.enter(6, 4, [1], FOREVER, false), Sleeps(9));
    world.leave(6, 3);
    assert_eq!(world.woken, [4]);
    assert_eq!(world.visit(7, 4), Some(Served));
}

#[test]
fn a_reservation_behind_one_who_is_deaf_stays() {
    let mut world = empty(0);
    enter_all(&mut world, &[[1]]);
    assert_eq!(world.enter(0, 2, [1], FOREVER, true), Sleeps(2));
    assert_eq!(world.enter(0, 3, [1], FOREVER, false), Sleeps(3));
    assert_eq!(world.visit(3, 3), Some(Sleeps(5)));
    // The first lapses, then the reservation is a debt, and then the third is told.
    world.woken.clear();
    world.visit(5, 3);
    assert_eq!((world.firm[&2].0, world.woken.contains(&3)), (5, true));
    assert_eq!(world.visit(5, 3), Some(Served));
}

#[test]
fn who_leaves_makes_room_at_once() {
    let mut world = empty(0);
    assert_eq!(enter_all(&mut world, &[[8], [1]]), [8, 9]);
    world.leave(0, 1);
    assert_eq!(world.woken, [2]);
    assert_eq!(world.visit(1, 2), Some(Served));
}

#[test]
fn what_comes_back_is_for_the_first() {
    let mut world = empty(0);
    enter_all(&mut world, &[[8]]);
    world.put_back(2, [6]);
    assert!(!world.try_take(2, [1]));
    assert_eq!(world.woken, [1]);
    assert_eq!(world.visit(2, 1), Some(Served));
}

#[test]
fn a_closed_line_lets_everybody_go_and_nobody_in() {
    let mut world = empty(0);
    enter_all(&mut world, &[[8], [1]]);
    world.close(1);
    world.woken.sort_unstable();
    assert_eq!(world.woken, [1, 2]);
    assert_eq!([1, 2].map(|who| world.visit(1, who)), [Some(Closed); 2]);
    assert_eq!(world.enter(20, 3, [1], FOREVER, false), Closed);
    assert!(!world.try_take(1000, [1]));
}
