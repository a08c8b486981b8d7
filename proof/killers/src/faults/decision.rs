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
    // What an answer says.
    Fault {
        id: "grant-tells-the-words-before",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn take_here",
            "let spent = limits.take(spent, limits.elapsed(now), &amounts)?;\n            Some((spent, Granted::new(limits, &spent, now, 0)))",
            "let next = limits.take(spent, limits.elapsed(now), &amounts)?;\n            Some((next, Granted::new(limits, spent, now, 0)))",
        )],
        expect: Killed("conservation::a_grant_tells_what_its_own_step_left"),
    },
    Fault {
        id: "grant-tells-a-second-look",
        edits: &[
            edit("bucket/verbs.rs", "pub(crate) fn take_here", "    store.update(", "    let taken = store.update("),
            edit(
                "bucket/verbs.rs",
                "pub(crate) fn take_here",
                "&amounts, pause),\n    )",
                "&amounts, pause),\n    );\n    taken.map(|_: Granted<N>| take_nothing(store, now))",
            ),
        ],
        expect: Killed("conservation::a_grant_of_two_streams_tells_what_its_own_step_left"),
    },
    Fault {
        id: "keyed-grant-tells-the-words-before",
        edits: &[edit(
            "keyed/keyed_buckets_at.rs",
            "pub fn try_take<",
            "let spent = limits.take(spent, elapsed, &amounts)?;\n                    Some((spent, Granted::new(limits, &spent, now, 0)))",
            "let next = limits.take(spent, elapsed, &amounts)?;\n                    Some((next, Granted::new(limits, spent, now, 0)))",
        )],
        expect: Killed("tests/granted::each_grant_of_many_threads_tells_another_remainder_and_together_they_tell_all"),
    },
    Fault {
        id: "grant-in-line-tells-the-words-before",
        edits: &[edit("wait/line/queue.rs", "fn enter(", "&limits, &words, now", "&limits, &spent, now")],
        expect: Killed("tests/granted::those_who_waited_are_told_what_is_left_too"),
    },
    Fault {
        id: "grant-in-a-pause-tells-tokens",
        edits: &[edit("decision/granted.rs", "fn remaining_each(", "self.pause > 0", "false")],
        expect: Killed("tests/granted::a_grant_of_nothing_tells_of_a_debt_and_of_a_pause"),
    },
    Fault {
        id: "full-without-the-pause",
        edits: &[edit(
            "decision/seen.rs",
            "fn full_after(",
            "refill::duration(wait + ahead as u128)",
            "refill::duration(wait)",
        )],
        expect: Killed("tests/granted::a_grant_of_nothing_tells_of_a_debt_and_of_a_pause"),
    },
    Fault {
        id: "full-without-what-is-ahead",
        edits: &[edit(
            "decision/granted.rs",
            "fn reset_after_each(",
            "self.pause.max(self.origin.nanos_since(self.now))",
            "self.pause",
        )],
        expect: Killed("tests/granted::a_grant_before_its_limits_begin_counts_the_time_until_they_do"),
    },
    Fault {
        id: "refusal-in-a-pause-had-tokens",
        edits: &[edit("decision/refused.rs", "pub fn available_each(", "self.pause > 0", "false")],
        expect: Killed("tests/granted::a_refusal_in_a_pause_or_in_debt_had_nothing"),
    },
    Fault {
        id: "waits-are-those-of-the-first-stream",
        edits: &[edit("decision/refused.rs", "fn nanos(", "self.units[stream]", "self.units[stream.min(0)]")],
        expect: Killed("tests/granted::a_refusal_says_what_each_stream_had_and_how_long_it_waits"),
    },
    Fault {
        id: "retry-after-rounded-down",
        edits: &[edit("decision/refused.rs", "const fn whole_seconds(", "(wait.subsec_nanos() > 0) as u64", "0")],
        expect: Killed("tests/granted::retry_after_is_in_whole_seconds_rounded_up_and_at_least_one"),
    },
    Fault {
        id: "admit-looks-at-no-debt-of-others",
        edits: &[edit(
            "decision/limits.rs",
            "fn admit(",
            "self.streams[i].level(spent[i], elapsed) < 0",
            "amounts[i] > 0 && self.streams[i].level(spent[i], elapsed) < 0",
        )],
        expect: Killed("tests/admit::bytes_that_are_charged_after_the_response_are_bounded_by_one_response_more"),
    },
    Fault {
        id: "admit-waits-a-unit-too-long",
        edits: &[edit("decision/limits.rs", "fn not_admitted(", "spent[i].wrapping_sub(1)", "spent[i]")],
        expect: Killed(
            "tests/admit::a_stream_in_debt_refuses_also_for_nothing_until_the_nanosecond_in_which_it_is_paid",
        ),
    },
    Fault {
        id: "admit-of-nothing-is-not-looked-at",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn admit<",
            "    if store.keeps_out(now) {",
            "    if all_zero(&amounts) {\n        return Ok(take_nothing(store, now));\n    }\n    if store.keeps_out(now) {",
        )],
        expect: Killed(
            "tests/admit::a_stream_in_debt_refuses_also_for_nothing_until_the_nanosecond_in_which_it_is_paid",
        ),
    },
    Fault {
        id: "admit-past-those-who-wait",
        edits: &[edit("bucket/verbs.rs", "pub(crate) fn admit<", "amounts.map(|amount| amount.max(1))", "amounts")],
        expect: Killed("tests/admit::nobody_is_admitted_past_those_who_wait_for_any_stream"),
    },
    Fault {
        id: "debt-rounded-down",
        edits: &[edit(
            "decision/meter.rs",
            "const fn debt(",
            "level.unsigned_abs().div_ceil(self.unit)",
            "level.unsigned_abs() / self.unit",
        )],
        expect: Killed("tests/admit::a_debt_is_in_whole_tokens_rounded_up_on_every_bucket"),
    },
    // The arithmetic, as far as threads and a moving clock can tell.
    Fault {
        id: "put-back-fills-above-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "fn give_back",
            "if units < missing { units } else { missing }",
            "{ let _ = missing; units }",
        )],
        expect: Killed("time::a_put_back_gives_nothing_to_a_stale_now"),
    },
    Fault {
        id: "put-back-whose-units-wrap",
        edits: &[edit("decision/meter.rs", "fn put_back", "saturating_mul", "wrapping_mul")],
        expect: Killed("tests/debts::what_is_put_back_fills_also_where_its_units_would_wrap_to_none"),
    },
    Fault {
        id: "put-back-no-more-than-the-capacity",
        edits: &[edit(
            "decision/meter.rs",
            "fn put_back",
            "n.saturating_mul(self.unit)",
            "if n < self.capacity() { n * self.unit } else { self.ceiling }",
        )],
        expect: Killed("tests/debts::what_was_charged_can_be_put_back_whole_however_far_in_debt"),
    },
    Fault {
        id: "put-back-raises-what-is-spent",
        edits: &[edit(
            "decision/meter.rs",
            "fn give_back",
            "return spent;",
            "return if units == 0 { spent } else { self.refill.at(elapsed).wrapping_sub(self.ceiling) };",
        )],
        expect: Killed("time::a_put_back_takes_nothing_from_a_stale_now"),
    },
    Fault {
        id: "put-back-to-a-full-bucket",
        edits: &[edit("decision/meter.rs", "fn give_back", "units == 0 || level >= ceiling", "units == 0")],
        expect: Killed("lib::decision::meter::tests::taking_moves_spent_from_where_the_full_bucket_stands"),
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
            "Some(self.refill.at(elapsed).wrapping_sub(level.wrapping_sub(need) as u64))",
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
            "fn units_held",
            "if tokens < self.capacity() && !self.is_unlimited() { tokens.wrapping_mul(self.unit) } else { self.ceiling }",
            "tokens.wrapping_mul(self.unit)",
        )],
        expect: Killed("reset::a_reset_beside_a_take_comes_before_or_after_it"),
    },
    // Streams without a limit.
    Fault {
        id: "unlimited-pays-no-reservation",
        edits: &[edit("decision/inherited.rs", "fn inherit(", "added: paid", "added: 0 * paid")],
        expect: Killed("tests/unlimited::a_change_to_unlimited_pays_what_is_owed"),
    },
    Fault {
        id: "unlimited-is-left-empty",
        edits: &[edit(
            "decision/inherited.rs",
            "fn inherit(",
            "{ self.units_held(start) } else { self.ceiling }",
            "{ self.units_held(start) } else { 0 }",
        )],
        expect: Killed("tests/unlimited::what_was_taken_without_a_limit_is_not_owed_under_one"),
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
            "ceiling.wrapping_sub(level) as u64;",
            "if level < 0 { self.ceiling } else { ceiling.wrapping_sub(level) as u64 };",
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
            "decision/seen.rs",
            "const fn missing(",
            "units.wrapping_sub(level as u64)",
            "(units as i64).saturating_sub(level) as u64",
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
        edits: &[edit("decision/limits.rs", "fn settle(", "units, most)?", "units, most * 0).unwrap_or(spent[i])")],
        expect: Killed("tests/estimate::a_shortage_beyond_the_capacity_is_owed"),
    },
    Fault {
        id: "settle-where-it-can",
        edits: &[edit("decision/limits.rs", "fn settle(", "units, most)?", "units, most).unwrap_or(spent[i])")],
        expect: Killed("tests/estimate::an_estimate_that_cannot_be_settled_stays_taken"),
    },
    // Limits that change.
    Fault {
        id: "inherit-above-the-capacity",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) fn inherit(",
            "(kept + added).min(most.1)",
            "(kept + added).min(most.1.max(i128::MAX))",
        )],
        expect: Killed("tests/set_limits::what_is_kept_is_no_more_than_the_new_capacity"),
    },
    Fault {
        id: "inherit-a-debt-rounded-down",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) fn inherit(",
            "(level * unit).div_euclid(old_unit)",
            "level * unit / old_unit",
        )],
        expect: Killed("tests/debts::nobody_gains_by_a_change"),
    },
    Fault {
        id: "inherit-a-debt-as-far-as-it-fits",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) fn inherit(",
            "let level = (kept + added).min(most.1);",
            "let level = (kept + added).clamp(-i128::from(self.furthest_debt()), most.1);",
        )],
        expect: Killed("tests/debts::a_change_to_a_limit_that_cannot_keep_the_debt_is_refused_and_changes_nothing"),
    },
    Fault {
        id: "inherit-adds-what-the-capacity-grows-by",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) fn inherit(",
            "self.capacity().saturating_sub(highest)",
            "self.capacity().saturating_sub(old.capacity())",
        )],
        expect: Killed("tests/inherit::the_bound_holds_in_every_window_for_every_policy_and_any_clocks"),
    },
    Fault {
        id: "inherit-forgets-the-largest-capacity",
        edits: &[edit(
            "decision/succession.rs",
            "pub(crate) fn new(",
            "highest[i].max(capacities[i])",
            "capacities[i]",
        )],
        expect: Killed("tests/inherit::growing_and_shrinking_in_turns_gains_nothing"),
    },
    Fault {
        id: "inherit-keeps-the-largest-capacity-over-a-reset",
        edits: &[edit(
            "decision/succession.rs",
            "pub(crate) fn new(",
            "Some(Inherit::Reset) => capacities",
            "Some(Inherit::Reset) if N > 8 => capacities",
        )],
        expect: Killed("tests/inherit::after_a_reset_the_capacity_of_it_counts_as_the_largest"),
    },
    Fault {
        id: "inherit-scales-without-a-bound",
        edits: &[edit("decision/inherited.rs", "pub(crate) fn inherit(", "- kept).min(room)", "- kept)")],
        expect: Killed("tests/inherit::what_accrued_while_the_capacity_was_small_is_not_scaled_up"),
    },
    Fault {
        id: "inherit-adds-nothing-to-a-debt",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) fn inherit(",
            "Inherit::Additive => room,",
            "Inherit::Additive => if level < 0 { 0 } else { room },",
        )],
        expect: Killed("tests/inherit::what_a_policy_adds_has_no_jump_at_a_level_of_0"),
    },
    Fault {
        id: "inherit-moves-no-place",
        edits: &[edit(
            "decision/succession.rs",
            "pub(crate) fn of(",
            "wrapping_add(inherited.added)",
            "wrapping_add(0)",
        )],
        expect: Killed("tests/inherit::what_is_added_pays_off_a_debt_and_those_who_wait_come_nearer_by_as_much"),
    },
    Fault {
        id: "change-overtaken-by-what-was-there",
        edits: &[edit("decision/succession.rs", "pub(crate) fn is_overtaken(", "&& level(i) < 0", "")],
        expect: Killed(
            "lib::decision::succession::tests::a_reading_is_not_overtaken_by_tokens_that_were_there_nor_by_a_debt_of_old",
        ),
    },
    Fault {
        id: "change-overtaken-by-a-debt-of-old",
        edits: &[edit(
            "decision/succession.rs",
            "pub(crate) fn is_overtaken(",
            "spent[i].wrapping_sub(seen[i]) as i64 > 0 && ",
            "seen[i] < u64::MAX && ",
        )],
        expect: Killed(
            "lib::decision::succession::tests::a_reading_is_not_overtaken_by_tokens_that_were_there_nor_by_a_debt_of_old",
        ),
    },
    Fault {
        id: "inherit-at-a-rate-of-0-in-units-of-its-own",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn succeeded(",
            "limits.following(&self.limits).from(",
            "limits.from(",
        )],
        expect: Killed("tests/debts::a_visit_to_a_rate_of_0_keeps_every_part_of_a_token"),
    },
    Fault {
        id: "inherit-at-a-rate-of-0-in-units-without-room",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) const fn following(",
            "if old.unit < finest { old.unit } else { finest }",
            "{ let _ = finest; old.unit }",
        )],
        expect: Killed(
            "lib::decision::inherited::tests::a_rate_of_0_is_counted_in_the_units_before_it_or_in_the_finest_that_fit",
        ),
    },
    Fault {
        id: "place-of-64-bits",
        edits: &[edit(
            "decision/meter.rs",
            "pub(crate) const fn wait_from_start(",
            "self.units_of(ahead)",
            "{ let units = self.units_of(ahead); if units >> 64 > 0 { u64::MAX as u128 } else { units } }",
        )],
        expect: Killed("tests/debts::the_instant_of_a_place_is_right_beyond_65_years"),
    },
    Fault {
        id: "inherit-retroactively",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn succeeded(",
            "let origin = self.limits.at(elapsed);",
            "let origin = self.limits.origin;",
        )],
        expect: Killed("tests/set_limits::a_raised_rate_is_not_applied_to_the_past"),
    },
    // Pauses.
    Fault {
        id: "pause-keeps-a-debt-as-far-as-anybody-may-owe",
        edits: &[edit(
            "decision/inherited.rs",
            "pub(crate) fn settled(",
            "self.level_up_to(spent, elapsed, most) as u64",
            "{ let (level, most) = (self.level_up_to(spent, elapsed, most), -(self.furthest_debt() as i64)); if level < most { most } else { level } } as u64",
        )],
        expect: Killed("tests/debts::a_pause_keeps_every_debt_to_the_unit_however_old_the_reading"),
    },
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
        edits: &[edit("decision/revision.rs", "pub(crate) fn succeeded(", "(true, self.pause)", "(false, self.pause)")],
        expect: Killed("set_limits::limits_change_in_a_pause_and_it_stays"),
    },
    Fault {
        id: "resume-at-the-end",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn resumed(",
            "let origin = self.instant(now);",
            "let origin = self.limits.origin;",
        )],
        expect: Killed("tests/pause::a_pause_makes_reservations_later_by_what_it_takes_and_a_resume_earlier_again"),
    },
    Fault {
        id: "change-in-a-pause-is-forgotten-by-a-resume",
        edits: &[edit(
            "decision/revision.rs",
            "pub(crate) fn succeeded(",
            "self.instant(now), pause",
            "self.began, pause",
        )],
        expect: Killed("tests/pause::a_resume_at_a_reading_from_before_a_change_of_limits_is_at_that_change"),
    },
    Fault {
        id: "pause-from-before-the-last-change",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn pause_for(",
            "old.instant(now).after(duration)",
            "now.after(duration)",
        )],
        expect: Killed("tests/pause::a_pause_at_a_reading_from_before_a_change_of_limits_begins_at_that_change"),
    },
    Fault {
        id: "place-in-a-pause-is-ready-at-once",
        edits: &[edit("decision/revision.rs", "pub(crate) fn ready_at(", "made >= self.pause", "made > self.pause")],
        expect: Killed("tests/pause::a_reservation_made_in_a_pause_is_ready_at_its_end_whenever_that_is"),
    },
    Fault {
        id: "queue-over-a-pause-of-any-length",
        edits: &[edit("decision/limits.rs", "fn most_owed", ".checked_sub(ahead)?", ".saturating_sub(ahead)")],
        expect: Killed("tests/pause::nobody_is_let_into_the_queue_for_longer_than_the_bound"),
    },
];
