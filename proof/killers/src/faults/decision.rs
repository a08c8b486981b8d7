//! Faults in what is decided: levels, debts, bounds, and what a change of limits does with them.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    // The loop over versions.
    Fault {
        id: "streams-debited-where-they-fit",
        edits: &[edit("decision/limits.rs", "fn take(", "amounts[i])?;", "amounts[i]).unwrap_or(spent[i]);")],
        expect: Killed("opposite::one_of_two_is_granted_where_one_fits"),
    },
    // The arithmetic, as far as threads and a moving clock can tell.
    Fault {
        id: "put-back-fills-above-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "fn give_back",
            "if filled < ceiling { filled } else { ceiling }",
            "filled",
        )],
        expect: Killed("time::a_put_back_gives_nothing_to_a_stale_now"),
    },
    Fault {
        id: "put-back-of-any-amount",
        edits: &[edit(
            "decision/meter.rs",
            "fn put_back",
            "if n < self.capacity() { n } else { self.capacity() }",
            "n",
        )],
        expect: Killed("conservation::a_put_back_of_everything_fills_up"),
    },
    Fault {
        id: "put-back-raises-what-is-spent",
        edits: &[edit("decision/meter.rs", "fn give_back", "units == 0 || level >= ceiling", "units == 0")],
        expect: Killed("time::a_put_back_takes_nothing_from_a_stale_now"),
    },
    Fault {
        id: "level-above-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "const fn level",
            "if level > self.ceiling as i64 { self.ceiling as i64 } else { level }",
            "level",
        )],
        expect: Killed("time::idle_time_fills_no_further_than_the_capacity"),
    },
    Fault {
        id: "level-of-a-stale-now-is-full",
        edits: &[edit(
            "decision/meter.rs",
            "const fn level",
            "level > self.ceiling as i64",
            "level as u64 > self.ceiling",
        )],
        expect: Killed("time::a_stale_now_mints_nothing"),
    },
    Fault {
        id: "take-forgets-what-was-forfeited",
        edits: &[edit(
            "decision/meter.rs",
            "const fn take(",
            "Some(self.refill.at(elapsed).wrapping_sub((level - need) as u64))",
            "Some(spent.wrapping_add(need as u64))",
        )],
        expect: Killed("time::idle_time_fills_no_further_than_the_capacity"),
    },
    Fault {
        id: "take-one-unit-too-many",
        edits: &[edit("decision/meter.rs", "const fn take(", "need > level {", "need > level + 1 {")],
        expect: Killed("smoke::either_thread_wins_the_last_token"),
    },
    Fault {
        id: "reset-above-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "fn reset",
            "if tokens < self.capacity() { tokens } else { self.capacity() }",
            "tokens",
        )],
        expect: Killed("reset::a_reset_beside_a_take_comes_before_or_after_it"),
    },
    // Places in the queue.
    Fault {
        id: "owe-past-the-bound",
        edits: &[edit(
            "decision/meter.rs",
            "const fn owe(",
            "left < -(most as i64)",
            "left < -(most as i64) && units == 0",
        )],
        expect: Killed("reservation::the_bound_of_the_queue_holds_whoever_is_first"),
    },
    Fault {
        id: "owe-one-unit-too-many",
        edits: &[edit("decision/meter.rs", "const fn owe(", "left < -(most as i64)", "left < -(most as i64) - 1")],
        expect: Killed("lib::decision::meter::tests::a_debt_is_paid_off_by_time_and_not_before"),
    },
    Fault {
        id: "owe-wraps",
        edits: &[edit("decision/meter.rs", "const fn owe(", "saturating_sub", "wrapping_sub")],
        expect: Killed(
            "lib::decision::meter::tests::a_now_that_is_ninety_days_old_is_granted_nothing_while_the_furthest_debt_is_owed",
        ),
    },
    Fault {
        id: "owe-forgets-what-was-forfeited",
        edits: &[edit(
            "decision/meter.rs",
            "const fn owe(",
            "Some(self.refill.at(elapsed).wrapping_sub(left as u64))",
            "Some(spent.wrapping_add(units))",
        )],
        expect: Killed("lib::decision::meter::tests::a_debt_is_paid_off_by_time_and_not_before"),
    },
    Fault {
        id: "owe-what-is-not-asked-of",
        edits: &[edit("decision/meter.rs", "const fn owe(", "if units == 0 {", "if false {")],
        expect: Killed("tests/queue::each_stream_has_its_own_largest_debt"),
    },
    Fault {
        id: "furthest-debt-too-far",
        edits: &[edit(
            "decision/meter.rs",
            "const fn furthest_debt",
            "if room < Self::MOST_UNITS { room as u64 } else { Self::MOST_UNITS as u64 - 1 }",
            "{ let _ = room; Self::MOST_UNITS as u64 - 1 }",
        )],
        expect: Killed(
            "lib::decision::meter::tests::a_now_that_is_ninety_days_old_is_granted_nothing_while_the_furthest_debt_is_owed",
        ),
    },
    Fault {
        id: "give-back-nothing-to-a-debt",
        edits: &[edit(
            "decision/meter.rs",
            "const fn give_back",
            "units == 0 || level >= ceiling",
            "units == 0 || level < 0 || level >= ceiling",
        )],
        expect: Killed("reservation::two_cancels_both_count"),
    },
    Fault {
        id: "give-back-no-more-than-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "const fn give_back",
            "level + units as i64;",
            "level + if (units as i64) < ceiling { units as i64 } else { ceiling };",
        )],
        expect: Killed("reservation::two_cancels_both_count"),
    },
    Fault {
        id: "place-a-nanosecond-early",
        edits: &[edit("decision/meter.rs", "const fn remaining(", "{ remaining as u64 }", "{ remaining as u64 - 1 }")],
        expect: Killed("reservation::two_reservations_get_two_places"),
    },
    Fault {
        id: "missing-as-in-a-signed-word",
        edits: &[edit(
            "decision/meter.rs",
            "const fn missing(",
            "need.wrapping_sub(level) as u64",
            "need.saturating_sub(level) as u64",
        )],
        expect: Killed("tests/queue::a_refusal_of_the_furthest_debts_tells_the_whole_wait"),
    },
    Fault {
        id: "queue-of-any-wait",
        edits: &[edit(
            "decision/limits.rs",
            "fn most_owed",
            "u64::try_from(stream.accrues_within(elapsed, wait)).unwrap_or(u64::MAX).min(most)",
            "{ let _ = wait; most }",
        )],
        expect: Killed("tests/queue::the_longest_wait_is_exact_to_a_nanosecond"),
    },
    Fault {
        id: "queue-past-the-end-of-time",
        edits: &[edit(
            "decision/limits.rs",
            "fn most_owed",
            ".min(end_of_time)",
            ".min({ let _ = end_of_time; u64::MAX - elapsed })",
        )],
        expect: Killed("tests/queue::no_reservation_is_made_past_the_end_of_time"),
    },
    Fault {
        id: "queue-of-any-debt",
        edits: &[edit(
            "decision/limits.rs",
            "fn most_owed",
            "stream.units(bounds.max_debt[i]).unwrap_or(u64::MAX).min(stream.furthest_debt())",
            "stream.furthest_debt()",
        )],
        expect: Killed("tests/queue::the_largest_debt_is_exact_to_a_token"),
    },
    Fault {
        id: "settle-only-what-is-there",
        edits: &[edit(
            "decision/limits.rs",
            "fn settle(",
            "shortage, stream.furthest_debt())?",
            "shortage, 0).unwrap_or(spent[i])",
        )],
        expect: Killed("tests/estimate::a_shortage_beyond_the_capacity_is_owed"),
    },
    Fault {
        id: "settle-where-it-can",
        edits: &[edit(
            "decision/limits.rs",
            "fn settle(",
            "shortage, stream.furthest_debt())?",
            "shortage, stream.furthest_debt()).unwrap_or(spent[i])",
        )],
        expect: Killed("tests/estimate::an_estimate_that_cannot_be_settled_stays_taken"),
    },
    // Limits that change.
    Fault {
        id: "inherit-above-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "pub(crate) fn inherit(",
            "(kept + more).min(self.ceiling.into())",
            "(kept + more)",
        )],
        expect: Killed("tests/set_limits::what_is_kept_is_no_more_than_the_new_capacity"),
    },
    Fault {
        id: "inherit-retroactively",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn next(",
            "let origin = self.limits.at(elapsed);",
            "let origin = self.limits.origin;",
        )],
        expect: Killed("tests/set_limits::a_raised_rate_is_not_applied_to_the_past"),
    },
    // Pauses.
    Fault {
        id: "pause-refills",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn paused(",
            "self.limits.from(until, true)",
            "self.limits.from(instant, true)",
        )],
        expect: Killed("tests/pause::the_level_is_there_again_at_the_end_however_long_it_takes"),
    },
    Fault {
        id: "pause-shortened-by-another",
        edits: &[edit("decision/revision.rs", "pub(crate) fn paused(", "if until <= instant {", "if until <= now {")],
        expect: Killed("set_limits::of_two_pauses_the_later_end_wins_whichever_is_first"),
    },
    Fault {
        id: "pause-ended-by-new-limits",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn next(",
            "(true, self.pause, self.began)",
            "(false, self.pause, self.began)",
        )],
        expect: Killed("set_limits::limits_change_in_a_pause_and_it_stays"),
    },
    Fault {
        id: "resume-at-the-end",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn resumed(",
            "let origin = now.max(self.began);",
            "let origin = self.limits.origin;",
        )],
        expect: Killed("tests/pause::a_pause_makes_reservations_later_by_what_it_takes_and_a_resume_earlier_again"),
    },
    Fault {
        id: "place-in-a-pause-is-ready-at-once",
        edits: &[edit("decision/revision.rs", "pub(crate) fn ready_at(", "made >= self.pause", "made > self.pause")],
        expect: Killed("tests/pause::a_reservation_made_in_a_pause_is_ready_at_its_end_whenever_that_is"),
    },
    Fault {
        id: "queue-over-a-pause-of-any-length",
        edits: &[edit("decision/limits.rs", "fn most_owed", ".checked_sub(pause)?", ".saturating_sub(pause)")],
        expect: Killed("tests/pause::nobody_is_let_into_the_queue_for_longer_than_the_bound"),
    },
];
