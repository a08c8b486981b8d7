//! Faults in the line of waiters: each takes a rule out.

use crate::fault::Expect::{Harmless, Killed};
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "line-forgets-nothing-when-somebody-enters",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn enter(",
            "if words != moment.spent {",
            "if words != moment.spent && false {",
        )],
        expect: Killed("lib::wait::line::tests::rules::an_idle_bucket_promises_no_more_than_it_holds"),
    },
    Fault {
        id: "line-without-a-grace",
        edits: &[edit("decision/meter.rs", "pub(crate) fn ceiling_for(", "gained.min(1 << 60)", "gained.min(0)")],
        expect: Killed("lib::wait::line::tests::rules::who_comes_within_the_grace_loses_nothing"),
    },
    Fault {
        id: "line-use-without-a-ceiling",
        edits: &[edit(
            "wait/line/moment.rs",
            "pub(crate) fn debit(",
            "self.place(i).max(-self.ceiling(i, units, grace))",
            "self.place(i).max(if grace.late == 0 { i128::MIN } else { i128::MIN })",
        )],
        expect: Killed("lib::wait::line::tests::rules::who_comes_too_late_leaves_no_more_than_a_full_bucket"),
    },
    Fault {
        id: "line-ceiling-without-the-amount",
        edits: &[edit("decision/meter.rs", "pub(crate) fn ceiling_for(", ".max(units)", ".max(units * 0)")],
        expect: Killed("lib::wait::line::tests::rules::an_oversized_amount_accrues_whole"),
    },
    Fault {
        id: "line-takers-wait-for-the-first-only",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn until(",
            "self.roster.last_timer(i)",
            "self.roster.head(i).map(|head| self.roster.get(head).timer)",
        )],
        expect: Killed("lib::wait::line::tests::rules::takers_stay_out_until_the_last_timer_is_overdue"),
    },
    Fault {
        id: "line-takers-wait-for-ever",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn until(",
            "after(after(last, self.grace.deaf), 1)",
            "after(last, u64::MAX).max(NEVER)",
        )],
        expect: Killed("lib::wait::line::tests::rules::one_who_never_comes_keeps_takers_out_for_a_while_only"),
    },
    Fault {
        id: "line-takers-in-time-overtake",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn until(",
            "after(after(last, self.grace.deaf), 1)",
            "after(last, self.grace.deaf)",
        )],
        expect: Killed("lib::wait::line::tests::rules::one_who_never_comes_keeps_takers_out_for_a_while_only"),
    },
    Fault {
        id: "line-deaf-at-once",
        edits: &[edit(
            "wait/line/grace.rs",
            "pub(crate) const fn new(",
            "if late > least { late } else { least }",
            "if late > least { late } else { late }",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_late_timer_is_not_overtaken_even_without_a_grace"),
    },
    Fault {
        id: "line-lapses-without-a-call",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(super) fn lapse(",
            "let Contact::Called(called) = entry.contact else { break };",
            "let called = entry.timer;",
        )],
        expect: Killed("lib::wait::line::tests::rules::after_a_stall_nobody_loses_its_turn"),
    },
    Fault {
        id: "line-reservation-lapses",
        edits: &[edit("wait/line/timing.rs", "pub(super) fn lapse(", "entry.ask.aim == Aim::Reserve ||", "")],
        expect: Killed("lib::wait::line::tests::rules::a_reservation_behind_one_who_is_deaf_stays"),
    },
    Fault {
        id: "line-larger-bucket-keeps-what-overflowed",
        edits: &[edit(
            "decision/awaited.rs",
            "pub(crate) fn most(",
            "old.ceiling_for(i128::from(first) * i128::from(old.unit()), self.grace)",
            "old.ceiling_for(i128::from(first) * i128::from(old.unit()), self.grace).max(1 << 60)",
        )],
        expect: Killed("lib::wait::line::tests::rules::what_overflowed_before_a_change_is_not_in_a_larger_bucket"),
    },
    Fault {
        id: "line-calls-only-whose-timer-has-come",
        edits: &[edit(
            "wait/line/timing.rs",
            "fn call_before(",
            "entry.contact == Contact::Came && entry.timer",
            "entry.timer",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_call_reaches_all_who_are_due"),
    },
    Fault {
        id: "line-calls-who-has-come",
        edits: &[edit(
            "wait/line/timing.rs",
            "fn call_before(",
            "entry.contact == Contact::Came",
            "entry.contact == Contact::Firm",
        )],
        expect: Killed("lib::wait::line::tests::rules::who_has_come_is_not_called_again"),
    },
    Fault {
        id: "line-who-calls-comes-at-once",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(super) fn come_due(",
            "Some(lapse) => lapse,",
            "Some(_) => after(moment.now, 1),",
        )],
        expect: Killed("lib::wait::line::tests::rules::who_calls_comes_when_the_called_are_deaf"),
    },
    Fault {
        id: "line-overdue-first-is-not-called",
        edits: &[edit(
            "wait/line/timing.rs",
            "fn attend(",
            "overdue && !matches!",
            "overdue && self.left > usize::MAX - 1 && !matches!",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_step_calls_a_first_that_is_overdue"),
    },
    Fault {
        id: "line-second-is-not-told",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(crate) fn advance(",
            "self.watch(moment, second);",
            "let _ = second;",
        )],
        expect: Killed("lib::wait::line::tests::rules::behind_one_who_is_deaf_leavers_make_room"),
    },
    Fault {
        id: "line-not-folded",
        edits: &[edit(
            "wait/line/forecast.rs",
            "pub(crate) fn fold(",
            "self.place[i].max(cut)",
            "self.place[i].max(cut.min(i128::MIN))",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_stream_that_overflows_meanwhile_is_foreseen"),
    },
    Fault {
        id: "line-promises-before-those-ahead",
        edits: &[edit(
            "wait/line/forecast.rs",
            "pub(crate) fn fold(",
            "self.last[i] = at;",
            "self.last[i] = self.last[i].min(at);",
        )],
        expect: Killed("lib::wait::line::tests::rules::nobody_is_promised_an_instant_before_those_ahead"),
    },
    Fault {
        id: "line-forecast-is-not-made-anew-for-who-enters",
        edits: &[edit("wait/line/timing.rs", "pub(super) fn promise(", "!self.is_foreseen(moment)", "false")],
        expect: Killed("lib::wait::line::tests::rules::a_charge_makes_later_promises_later"),
    },
    Fault {
        id: "line-forecast-is-not-made-anew-for-who-comes",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(super) fn come_due(",
            "!self.is_foreseen(moment)",
            "!self.is_foreseen(moment) && false",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_waiter_that_comes_too_early_is_told_its_instant"),
    },
    Fault {
        id: "line-leavers-leave-their-room-empty",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(super) fn promise(",
            "self.left > self.roster.len() / 2 + 8",
            "self.left > usize::MAX - 1",
        )],
        expect: Killed("lib::wait::line::tests::rules::who_enters_behind_leavers_is_promised_their_room"),
    },
    Fault {
        id: "line-deadline-judged-by-a-late-forecast",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(super) fn promise(",
            "self.roster.len() > 0",
            "self.roster.len() > usize::MAX - 1",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_deadline_is_judged_without_those_who_left"),
    },
    Fault {
        id: "line-lets-in-who-cannot-be-served-in-time",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn enter(",
            "at > ask.deadline ||",
            "at > ask.deadline.max(NEVER) ||",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_deadline_that_cannot_be_met_is_refused_at_once"),
    },
    Fault {
        id: "line-first-waits-past-its-deadline",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn visit(",
            "at > ask.deadline ||",
            "at > ask.deadline.max(NEVER) ||",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_deadline_that_became_impossible_is_refused_at_once"),
    },
    Fault {
        id: "line-others-wait-past-their-deadline",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn visit(",
            "        if moment.now >= ask.deadline {\n            return self.refuse(index, self.roster",
            "        if moment.now >= ask.deadline.max(NEVER) {\n            return self.refuse(index, self.roster",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_wait_behind_others_ends_at_its_deadline"),
    },
    Fault {
        id: "line-serves-however-late",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "fn is_over(",
            "after(deadline, self.grace.late)",
            "after(deadline.max(NEVER), self.grace.late)",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_late_poll_is_served_within_the_grace_only"),
    },
    Fault {
        id: "line-change-refuses-nobody",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(crate) fn retime(",
            "at > ask.deadline",
            "at > ask.deadline.max(NEVER)",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_change_refuses_those_who_cannot_be_served_in_time"),
    },
    Fault {
        id: "line-change-tells-nobody",
        edits: &[edit("wait/line/timing.rs", "pub(crate) fn retime(", "sleeps > waits * 2", "sleeps < waits")],
        expect: Killed("lib::wait::line::tests::rules::a_faster_rate_wakes_those_who_would_sleep_far_too_long"),
    },
    Fault {
        id: "line-change-tells-everybody",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(crate) fn retime(",
            "timer > after(at, self.grace.slack) && (timer == NEVER || sleeps > waits * 2)",
            "timer > at || sleeps > waits * 2",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_small_change_wakes_the_first_only"),
    },
    Fault {
        id: "line-closed-serves-on",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn close(",
            "self.closed = true;",
            "self.closed = false;",
        )],
        expect: Killed("lib::wait::line::tests::rules::a_closed_line_lets_everybody_go_and_nobody_in"),
    },
    Fault {
        id: "line-put-back-sees-no-entry",
        edits: &[edit("state/word.rs", "pub(crate) fn update<R>(", "Acquire, Relaxed", "Relaxed, Relaxed")],
        expect: Killed("line::a_put_back_beside_an_entry_wakes_it"),
    },
    Fault {
        id: "line-entry-shows-nothing",
        edits: &[edit("state/word.rs", "fn touch(", "fetch_add(0, Release)", "fetch_add(0, Relaxed)")],
        expect: Killed("line::a_put_back_beside_an_entry_wakes_it"),
    },
    Fault {
        id: "line-until-is-not-stored",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn show(",
            "line.until[i].store(queue.until(i).as_nanos(), Relaxed);",
            "let _ = line;",
        )],
        expect: Killed("line::a_taker_that_begins_after_an_entry_stays_out"),
    },
    Fault {
        id: "line-waiting-is-not-stored",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn show(",
            "shared.waiting[i].store(queue.waiting(i), Relaxed);",
            "let _ = shared;",
        )],
        expect: Killed("line::a_put_back_beside_an_entry_wakes_it"),
    },
    Fault {
        id: "line-until-is-not-looked-at",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn until(&self, i: usize)",
            "Time::from_nanos(self.until[i].load(Relaxed))",
            "Time::from_nanos(i as u64)",
        )],
        expect: Killed("line::a_taker_that_begins_after_an_entry_stays_out"),
    },
    Fault {
        id: "line-nobody-seems-to-wait",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn waiting<",
            "shared.waiting[i].load(Relaxed)",
            "{ let _ = (shared, i); 0 }",
        )],
        expect: Killed("line::a_put_back_beside_an_entry_wakes_it"),
    },
    Fault {
        id: "line-mark-is-only-loaded",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn serve_mark(",
            "shared.mark.fetch_or(0, AcqRel)",
            "shared.mark.load(Relaxed)",
        )],
        expect: Killed("line::a_put_back_that_finds_the_lock_held_is_served"),
    },
    Fault {
        id: "line-mark-is-taken-without-its-words",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn serve_mark(",
            "shared.mark.swap(0, AcqRel);",
            "shared.mark.store(0, Relaxed);",
        )],
        expect: Killed("line::a_put_back_that_finds_the_lock_held_is_served"),
    },
    Fault {
        id: "line-mark-is-not-left",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn leave_mark(",
            "shared.mark.fetch_or(1, AcqRel);",
            "shared.mark.load(Relaxed);",
        )],
        expect: Killed("line::a_put_back_that_finds_the_lock_held_is_served"),
    },
    Fault {
        id: "line-closed-is-not-seen",
        edits: &[edit("wait/line/queue.rs", "fn is_closed(", "until.load(Relaxed)", "{ let _ = until; 0 }")],
        expect: Killed("line::who_enters_beside_a_close_is_let_go"),
    },
    Fault {
        id: "line-departure-keeps-no-neighbour",
        edits: &[edit("wait/line/departures.rs", "fn push(", "seat.before.store(last, Relaxed)", "let _ = seat")],
        expect: Killed("line::two_who_leave_one_after_the_other_both_count"),
    },
    Fault {
        id: "line-departure-is-not-published",
        edits: &[edit(
            "wait/line/departures.rs",
            "fn push(",
            "parting.word(), Release, Relaxed",
            "parting.word(), Relaxed, Relaxed",
        )],
        expect: Killed("line::two_who_leave_one_after_the_other_both_count"),
    },
    Fault {
        id: "line-departure-is-not-acquired",
        edits: &[edit(
            "wait/line/departures.rs",
            "fn pop_all(",
            "self.last.swap(0, Acquire)",
            "self.last.swap(0, Relaxed)",
        )],
        expect: Killed("line::two_who_leave_one_after_the_other_both_count"),
    },
    Fault {
        id: "line-departure-has-no-neighbour",
        edits: &[edit("wait/line/departures.rs", "fn pop_all(", "self.at(parting.index).before.load(Relaxed)", "0")],
        expect: Killed("line::two_who_leave_one_after_the_other_both_count"),
    },
    Fault {
        id: "line-ready-is-not-stored",
        edits: &[edit(
            "wait/line/departures.rs",
            "fn set_ready(",
            "self.at(index).ready.store(at.as_nanos().saturating_add(1), Relaxed)",
            "let _ = (index, at)",
        )],
        expect: Killed(
            "tests/line_reservation::a_reservation_behind_others_is_used_if_it_is_dropped_after_its_instant",
        ),
    },
    Fault {
        id: "line-ready-is-not-read",
        edits: &[edit(
            "wait/line/departures.rs",
            "fn ready_at(",
            "self.at(index).ready.load(Relaxed)",
            "{ let _ = index; 0_u64 }",
        )],
        expect: Killed(
            "tests/line_reservation::a_reservation_behind_others_is_used_if_it_is_dropped_after_its_instant",
        ),
    },
    Fault {
        id: "line-seat-stays-ready",
        edits: &[edit(
            "wait/line/departures.rs",
            "fn seat(",
            "seats[place(index).1].ready.store(0, Relaxed)",
            "let _ = (seats, index)",
        )],
        expect: Killed("tests/line_reservation::a_reservation_in_a_used_seat_is_not_ready_by_that"),
    },
    Fault {
        id: "line-settles-as-if-nobody-waited",
        edits: &[edit(
            "decision/limits.rs",
            "pub(crate) fn settle(",
            "if waited(i) { Meter::owe_behind }",
            "if false && waited(i) { Meter::owe_behind }",
        )],
        expect: Killed("tests/line_level::a_shortage_that_is_settled_leaves_what_accrued_to_those_who_wait"),
    },
    Fault {
        id: "line-charges-as-if-nobody-waited",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn charge<",
            "store.is_waited_for(*i)",
            "store.is_waited_for(*i) && *i > N",
        )],
        expect: Killed("tests/line_level::a_charge_leaves_what_accrued_to_those_who_wait"),
    },
    Fault {
        id: "line-departure-guesses-the-last",
        edits: &[edit("wait/line/departures.rs", "fn push(", "self.last.load(Relaxed)", "0")],
        expect: Harmless {
            model: "line::two_who_leave_one_after_the_other_both_count",
            reason: "the compare-exchange checks the value: another costs a lap",
        },
    },
    Fault {
        id: "line-first-is-not-stored",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn show(",
            "shared.first[i].store(queue.first_wants(i), Relaxed);",
            "shared.first[i].store(0, Relaxed);",
        )],
        expect: Killed("tests/line_level::a_change_leaves_what_the_first_may_use"),
    },
    Fault {
        id: "line-change-cuts-what-the-first-may-use",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn awaited(",
            "shared.first[i].load(Relaxed)",
            "{ let _ = (shared, i); 0 }",
        )],
        expect: Killed("tests/line_level::a_change_leaves_what_the_first_may_use"),
    },
    Fault {
        id: "line-change-cuts-at-a-lowered-capacity",
        edits: &[edit(
            "decision/awaited.rs",
            "pub(crate) fn most_after(",
            "_ => Meter::MOST_UNITS as i128 - 1,",
            "_ => new.ceiling().into(),",
        )],
        expect: Killed(
            "tests/line_level::one_that_waits_for_more_than_a_lowered_capacity_is_served_however_often_limits_change",
        ),
    },
    Fault {
        id: "line-who-comes-late-takes-others-for-deaf",
        edits: &[edit(
            "wait/line/timing.rs",
            "pub(super) fn lapse(",
            "if late {",
            "if late && self.left > usize::MAX - 1 {",
        )],
        expect: Killed("tests/line_stall::a_stall_just_after_a_call_costs_the_called_one_nothing"),
    },
    Fault {
        id: "line-look-takes",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn visit(",
            "let looks = ask.aim == Aim::Look;",
            "let looks = ask.aim == Aim::Reserve;",
        )],
        expect: Killed("tests/waiting::who_waits_for_readiness_stands_in_line_and_takes_nothing"),
    },
    Fault {
        id: "line-debts-stay-where-they-were",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn postpone(",
            "if at != entry.at {",
            "if at != entry.at && self.left > usize::MAX - 1 {",
        )],
        expect: Killed("tests/line_reservation::a_change_moves_reservations_made_behind_others_as_it_moves_all"),
    },
    Fault {
        id: "line-debt-that-is-paid-earlier-is-not-told",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn postpone(",
            "if at < entry.at {",
            "if at < entry.at && self.left > usize::MAX - 1 {",
        )],
        expect: Killed("tests/line_reservation::a_reservation_behind_others_is_waited_for_and_is_then_used"),
    },
    Fault {
        id: "line-reservation-waited-for-is-given-back",
        edits: &[edit("wait/reservation_wait.rs", "pub async fn wait_on", "self.used = true;", "self.used = false;")],
        expect: Killed("tests/waiting::a_reservation_that_was_waited_for_is_used_whatever_comes_after"),
    },
    Fault {
        id: "line-waker-takes-the-clock-for-still",
        edits: &[edit("wait/line/turn.rs", "Waiter for Turn<", "still && slept && !anew", "still")],
        expect: Killed("tests/line_book::who_is_woken_twice_at_one_instant_does_not_oversleep"),
    },
    Fault {
        id: "timeout-by-the-clock-of-who-changed-the-limits",
        edits: &[edit(
            "decision/limits.rs",
            "pub(crate) fn ahead_of(",
            "self.pause_left(now).max(self.origin.nanos_since(now))",
            "self.pause_left(now)",
        )],
        expect: Killed("tests/time::a_timeout_holds_by_the_clock_of_the_caller_whatever_the_limits_count_from"),
    },
    Fault {
        id: "line-resume-tells-nobody",
        edits: &[edit("bucket/changing.rs", "fn resume_from(", "self.retime(clock());", "let _ = clock;")],
        expect: Killed("line::who_enters_beside_a_resume_is_told"),
    },
    Fault {
        id: "line-debt-of-other-limits",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn advance(",
            "(other.number == revision.number && *seen == spent).then_some(debt.words)",
            "(other.number >= revision.number && *seen == spent).then_some(debt.words)",
        )],
        expect: Killed("line::a_change_beside_a_reservation_that_becomes_a_debt_moves_it"),
    },
    // What an attack from outside found.
    Fault {
        id: "line-takers-know-the-last-of-the-line-only",
        edits: &[edit(
            "wait/line/roster.rs",
            "pub(crate) fn last_timer(",
            "[head, last_timed, latest]",
            "[if head == latest { last_timed } else { last_timed }]",
        )],
        expect: Killed("tests/line_stall::nobody_overtakes_one_that_a_pause_or_a_charge_makes_later_than_those_behind"),
    },
    Fault {
        id: "line-second-wakes-itself",
        edits: &[edit("wait/line/timing.rs", "fn watch(", ".max(lapse)", ".max(lapse.min(moment.now))")],
        expect: Killed(
            "tests/line_book::who_waits_for_one_that_was_called_is_not_woken_by_itself_however_long_the_grace",
        ),
    },
    Fault {
        id: "line-never-is-believed",
        edits: &[edit("wait/line/timing.rs", "pub(super) fn promise(", "|| at == NEVER", "|| at > NEVER")],
        expect: Killed("tests/line_level::one_without_a_deadline_is_not_refused_because_of_those_who_have_left"),
    },
    Fault {
        id: "line-reservation-stands-until-it-is-ready",
        edits: &[edit(
            "wait/line/forecast.rs",
            "pub(crate) fn out(",
            "if ask.aim != Aim::Reserve {",
            "if ask.aim != Aim::Reserve || at >= moment.now {",
        )],
        expect: Killed("tests/line_level::a_deadline_behind_a_reservation_counts_from_when_that_is_first"),
    },
    Fault {
        id: "line-batch-is-kept-out-as-a-whole",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn take_in_order<",
            "requests.take(most)",
            "requests.take(if most < usize::MAX { 0 } else { most })",
        )],
        expect: Killed("tests/line_level::a_batch_ends_at_the_first_request_that_others_keep_out"),
    },
    Fault {
        id: "line-waker-dropped-under-the-lock",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn depart(",
            "if let Some(waker) = queue.keep(ticket) {\n                    dropped.push(waker);",
            "if let Some(waker) = queue.keep(ticket) {\n                    drop(waker);",
        )],
        expect: Killed("tests/line_leaving::a_waker_may_close_the_bucket_as_it_is_dropped"),
    },
    Fault {
        id: "line-wakes-nobody-behind-a-panic",
        edits: &[edit(
            "wait/line/wakers.rs",
            "impl Drop for Rest",
            "while let Some(waker) = self.0.pop() {",
            "while let Some(waker) = self.0.pop().filter(|_| false) {",
        )],
        expect: Killed("tests/line_leaving::one_whose_waker_panics_keeps_no_others_from_being_woken"),
    },
    Fault {
        id: "line-lease-overtakes",
        edits: &[edit(
            "lease/chunk.rs",
            "pub(crate) fn fetch(",
            "store.refusal_in_line(now, *per_item)",
            "store.refusal_in_line(now, *per_item).filter(|_| false)",
        )],
        expect: Killed("tests/line_level::a_lease_fetches_nothing_while_others_wait_nor_from_a_closed_bucket"),
    },
    Fault {
        id: "line-refusal-waits-for-nothing",
        edits: &[edit(
            "wait/line/queued_words.rs",
            "fn refusal_in_line(",
            "if behind.wait() != Some(Duration::ZERO) {",
            "if behind.wait() != Some(Duration::ZERO) || stream < N {",
        )],
        expect: Killed(
            "tests/line_level::whatever_refuses_beside_those_who_wait_says_a_wait_and_a_stream_that_is_used",
        ),
    },
    Fault {
        id: "line-keeps-takers-out-of-an-unlimited-stream",
        edits: &[edit(
            "wait/line/queued_words.rs",
            "fn refusal_in_line(",
            "self.line.ahead(now, scarce)?",
            "self.line.ahead(now, scarce).unwrap_or((ahead, stream))",
        )],
        expect: Killed("tests/unlimited::who_waits_for_another_stream_keeps_nobody_out"),
    },
    Fault {
        id: "line-lets-nobody-in-beside-waiters-for-an-unlimited-stream",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn enter(",
            "let scarce = moment.limits.scarce(&ask.amounts);",
            "let scarce = ask.amounts;",
        )],
        expect: Killed("tests/unlimited::who_waits_for_another_stream_keeps_nobody_out"),
    },
    Fault {
        id: "line-sums-in-one-word",
        edits: &[
            edit(
                "wait/line/roster.rs",
                "pub(crate) fn push(",
                "list.tokens += u128::from(entry.ask.amounts[i]);",
                "list.tokens = u128::from((list.tokens as u64).saturating_add(entry.ask.amounts[i]));",
            ),
            edit(
                "wait/line/roster.rs",
                "pub(crate) fn unlink(",
                "list.tokens -= u128::from(amount);",
                "list.tokens = u128::from((list.tokens as u64).wrapping_sub(amount));",
            ),
        ],
        expect: Killed("tests/unlimited::those_who_wait_with_the_largest_amounts_come_and_go_like_others"),
    },
    // A level that is set while others hold reservations, and while they wait.
    Fault {
        id: "reset-forgives-firm-reservations",
        edits: &[edit(
            "decision/meter.rs",
            "pub(crate) const fn reset_owing",
            "if owed < held { owed } else { held }",
            "if owed < held { 0 } else { 0 }",
        )],
        expect: Killed("tests/reset::what_is_used_after_a_reset_is_the_level_and_what_accrues"),
    },
    Fault {
        id: "reset-leaves-every-debt",
        edits: &[edit(
            "decision/meter.rs",
            "pub(crate) const fn reset_owing",
            "if owed < held { owed } else { held }",
            "if owed < held { owed } else { owed }",
        )],
        expect: Killed("tests/reset::what_is_owed_for_work_already_done_is_forgiven"),
    },
    Fault {
        id: "reset-tells-nobody",
        edits: &[edit("bucket/verbs.rs", "pub(crate) fn reset", "store.eased(now);", "")],
        expect: Killed("tests/reset::a_higher_level_is_told_to_the_first_and_nobody_overtakes"),
    },
    Fault {
        id: "held-not-counted",
        edits: &[edit(
            "wait/held.rs",
            "pub(crate) fn hold(",
            "held.fetch_add(*amount, Relaxed);",
            "let _ = (held, amount);",
        )],
        expect: Killed("tests/reset::a_firm_reservation_stays_owed"),
    },
    Fault {
        id: "held-without-its-release",
        edits: &[edit("wait/held.rs", "pub(crate) fn hold(", "fence(Release);", "")],
        expect: Killed("reset::a_reset_beside_a_reservation_leaves_it_owed"),
    },
    Fault {
        id: "held-without-its-acquire",
        edits: &[edit("wait/held.rs", "pub(crate) fn tokens(", "fence(Acquire);", "")],
        expect: Killed("reset::a_reset_beside_a_reservation_leaves_it_owed"),
    },
    Fault {
        id: "held-read-as-none",
        edits: &[edit("wait/held.rs", "pub(crate) fn tokens(", "self.0[i].load(Relaxed)", "i as u64 * 0")],
        expect: Killed("tests/reset::a_firm_reservation_stays_owed"),
    },
    Fault {
        id: "held-for-ever",
        edits: &[edit(
            "wait/held.rs",
            "pub(crate) fn let_go(",
            "held.fetch_sub(*amount, Relaxed);",
            "let _ = (held, amount);",
        )],
        expect: Killed("tests/reset::only_reservations_that_are_held_stay_owed"),
    },
    Fault {
        id: "held-until-it-is-given-back",
        edits: &[edit(
            "wait/reservation.rs",
            "fn give_up(",
            "give_back(&*self.bucket, self.now, &self.amounts);\n        self.bucket.let_go(&self.amounts);",
            "self.bucket.let_go(&self.amounts);\n        give_back(&*self.bucket, self.now, &self.amounts);",
        )],
        expect: Killed("reset::a_reset_beside_a_cancelled_reservation_forgives_nothing"),
    },
    Fault {
        id: "line-firm-reservations-are-not-held",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn advance(",
            "stays = queue.firm_amounts(ticket).is_some();",
            "stays = queue.firm_amounts(ticket).is_none();",
        )],
        expect: Killed("tests/reset::a_reservation_that_became_firm_behind_others_stays_owed"),
    },
    Fault {
        id: "line-kept-reservations-stay-held",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn depart(",
            "if let Some(amounts) = queue.firm_amounts(ticket) {\n                    self.held().let_go(&amounts);\n                }",
            "",
        )],
        expect: Killed("tests/reset::a_reservation_that_became_firm_behind_others_stays_owed"),
    },
    Fault {
        id: "line-cancelled-reservations-stay-held",
        edits: &[edit(
            "wait/line/queue.rs",
            "fn depart(",
            "let _ = self.words().update(|_| 0, back, |_, _, _| ());\n                self.held().let_go(&amounts);",
            "let _ = self.words().update(|_| 0, back, |_, _, _| ());",
        )],
        expect: Killed("tests/reset::a_reservation_that_became_firm_behind_others_stays_owed"),
    },
];
