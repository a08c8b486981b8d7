//! Faults in the lines of keys: who is told, what a share keeps, and which keys stay.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

const GIVE_BACK: &str = "tests/line_leaving::a_late_give_back_leaves_the_first_its_turn";
const NOT_EVICTED: &str = "tests/keyed_line::a_key_that_is_waited_for_is_not_evicted";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "keyed-line-put-back-tells-nobody",
        edits: &[edit(
            "keyed/table.rs",
            "fn known<Q, R, E, A>(",
            "self.tell(Told::Eased(line), reading.again());",
            "self.leave(line, reading.again());",
        )],
        expect: Killed("keys_line::a_put_back_beside_the_first_who_waits_wakes_it"),
    },
    Fault {
        id: "keyed-line-removal-tells-nobody",
        edits: &[edit(
            "keyed/upkeep.rs",
            "entry.words.store(terms.unseen(now));",
            "self.tell(Told::Eased(line), now);",
            "self.leave(line, now);",
        )],
        expect: Killed("keys_line::a_removal_beside_the_first_who_waits_wakes_it"),
    },
    Fault {
        id: "keyed-line-end-of-a-pause-tells-nobody",
        edits: &[edit(
            "keyed/holding.rs",
            "fn told<Q>(",
            "self.tell(Told::Limited(vec![line]), now)",
            "self.leave(line, now)",
        )],
        expect: Killed("keys_line::a_resume_beside_the_first_who_waits_wakes_it"),
    },
    Fault {
        id: "keyed-line-takers-do-not-look",
        edits: &[edit(
            "keyed/key_line.rs",
            "pub(crate) fn behind(",
            "self.line.ahead(now, scarce)?;",
            "self.line.ahead(now, scarce).filter(|_| false)?;",
        )],
        expect: Killed("keys_line::a_taker_of_a_key_that_begins_after_a_wait_stays_out"),
    },
    Fault {
        id: "keyed-line-stays-after-its-last-waiter",
        edits: &[edit(
            "keyed/lines.rs",
            "pub(crate) fn leave(",
            "Arc::strong_count(&line) > 2",
            "Arc::strong_count(&line) > 1",
        )],
        expect: Killed("keys_line::a_line_is_gone_after_its_last_waiter_and_a_put_back_beside_it"),
    },
    Fault {
        id: "keyed-line-goes-with-the-first-who-leaves",
        edits: &[edit(
            "keyed/lines.rs",
            "pub(crate) fn leave(",
            "Arc::strong_count(&line) > 2",
            "Arc::strong_count(&line) > 200",
        )],
        expect: Killed("keys_line::who_hangs_up_beside_a_put_back_passes_the_tokens_on"),
    },
    Fault {
        id: "keyed-line-change-of-limits-tells-nobody",
        edits: &[edit(
            "keyed/changes.rs",
            "pub(crate) fn change(",
            "self.tell(Told::Limited(lines), reading.again());",
            "lines.into_iter().for_each(|line| self.leave(line, reading.again()));",
        )],
        expect: Killed("tests/keyed_line::a_change_of_limits_tells_those_who_wait_for_a_key"),
    },
    Fault {
        id: "keyed-line-key-has-no-place",
        edits: &[edit("keyed/shard.rs", "pub(crate) fn len(&self) -> usize {", "|apart| apart.waited.len()", "|_| 0")],
        expect: Killed(NOT_EVICTED),
    },
    Fault {
        id: "keyed-line-share-is-kept-for-ever",
        edits: &[edit(
            "keyed/key_queue.rs",
            "fn drop(&mut self) {",
            "self.buckets.table.leave(line, self.buckets.clock.now());",
            "drop(line);",
        )],
        expect: Killed(NOT_EVICTED),
    },
    Fault {
        id: "keyed-line-move-to-a-tier-tells-nobody",
        edits: &[edit(
            "keyed/table.rs",
            "pub(super) fn change_apart<R, E>(",
            "moved.then(||",
            "(moved && now > Time::MAX).then(||",
        )],
        expect: Killed("tests/keyed_line::a_key_that_moves_to_another_tier_takes_those_who_wait_along"),
    },
    Fault {
        id: "keyed-line-is-lost-in-a-pause",
        edits: &[edit(
            "keyed/holding.rs",
            "let waited = shard.apart",
            "(Some(entry), Some(line))",
            "{ drop(line); (Some(entry), None) }",
        )],
        expect: Killed("tests/keyed_line::a_pause_and_a_block_of_a_key_hold_those_who_wait_and_its_end_wakes_them"),
    },
    Fault {
        id: "keyed-line-shares-what-who-enters-makes",
        edits: &[edit(
            "keyed/key_line.rs",
            "pub(crate) fn new(",
            "line.shared(Grace::default());",
            "let _ = Grace::default();",
        )],
        expect: Killed("keys_line::a_put_back_beside_the_first_who_waits_wakes_it"),
    },
    Fault {
        id: "keyed-line-a-change-tells-the-first-alone",
        edits: &[edit(
            "keyed/lines.rs",
            "pub(super) fn tell(",
            "shares.iter().for_each",
            "shares.iter().take(1).for_each",
        )],
        expect: Killed("tests/keyed_line::a_change_of_limits_tells_those_who_wait_for_every_key"),
    },
    Fault {
        id: "keyed-line-of-a-key-apart-is-not-seen",
        edits: &[edit(
            "keyed/lines.rs",
            "pub(crate) fn has_line<Q>(",
            "apart.line(hash, key)",
            "apart.find_waited(hash, key)",
        )],
        expect: Killed("tests/keyed_line::those_who_wait_for_a_key_with_its_own_limits_come_before_a_reservation"),
    },
    Fault {
        id: "keyed-line-never-knows-when-a-reservation-is-ready",
        edits: &[edit(
            "keyed/key_queue.rs",
            "fn ready_at(&self",
            "self.steps(Time::ZERO).ready_at(ticket)",
            "self.steps(Time::ZERO).ready_at(ticket).filter(|_| false)",
        )],
        expect: Killed(
            "tests/keyed_line::a_reservation_of_a_key_behind_others_is_used_if_it_is_dropped_after_its_instant",
        ),
    },
    Fault {
        id: "keyed-wait-for-the-overflow-forgets-its-timeout",
        edits: &[edit(
            "keyed/keyed_wait.rs",
            "fn share(",
            "amounts, timeout, false)?",
            "amounts, timeout.max(Duration::MAX), false)?",
        )],
        expect: Killed(
            "tests/keyed_line::a_wait_for_the_overflow_that_takes_too_long_is_refused_at_once_and_owes_nothing",
        ),
    },
    Fault {
        id: "keyed-wait-looks-in-a-pause",
        edits: &[edit("keyed/keyed_wait.rs", "fn look(", "limits.pause_left(now) };", "limits.pause_left(now) * 0 };")],
        expect: Killed(
            "tests/keyed_line::who_waits_for_nothing_waits_for_nobody_and_who_looks_waits_for_the_end_of_a_pause",
        ),
    },
    Fault {
        id: "keyed-line-taker-is-told-to-come-at-once",
        edits: &[edit("keyed/key_line.rs", "pub(crate) fn behind(", ".clamp(1, FAR)", ".clamp(0, FAR)")],
        expect: Killed("tests/keyed_line::a_taker_of_a_key_that_is_kept_out_is_never_told_to_come_at_once"),
    },
    Fault {
        id: "line-serves-in-a-pause",
        edits: &[edit(
            "wait/line/moment.rs",
            "pub(crate) fn serves(",
            "!self.limits.paused_at(self.now) && self.place(i)",
            "self.place(i)",
        )],
        expect: Killed("tests/keyed_line::nobody_who_waits_for_a_key_is_served_in_a_pause_though_the_tokens_are_there"),
    },
    Fault {
        id: "keyed-line-lets-down-in-silence",
        edits: &[edit(
            "wait/line/waiting_line.rs",
            "pub(crate) fn let_down(",
            "self.woken.extend(waker);",
            "drop(waker);",
        )],
        expect: Killed("tests/keyed_line::who_waits_on_a_reservation_of_a_key_that_is_let_down_is_woken"),
    },
    Fault {
        id: "keyed-line-move-is-not-told-by-the-end-of-no-pause",
        edits: &[edit(
            "keyed/holding.rs",
            "pub(crate) fn resume<Q>(",
            "settled.moved)",
            "settled.moved && now > Time::MAX)",
        )],
        expect: Killed("tests/keyed_line::each_call_that_moves_a_key_to_another_tier_tells_those_who_wait"),
    },
    Fault {
        id: "keyed-line-what-comes-back-cuts-off",
        edits: &[edit(
            "keyed/lines.rs",
            "pub(crate) fn bounded<",
            "terms.capped_from(spent, &next, now)",
            "terms.capped(&next, now)",
        )],
        expect: Killed("tests/keyed_line::what_comes_back_to_a_key_with_more_than_one_never_seen_takes_nothing_away"),
    },
    Fault {
        id: "apart-place-stays-taken-after-a-panic",
        edits: &[edit("keyed/holding.rs", "impl Drop for Claimed<", "self.0.fetch_sub(1, Relaxed);", "")],
        expect: Killed("tests/keyed_line::a_hash_or_a_comparison_that_panics_leaves_those_who_wait_where_they_are"),
    },
    Fault {
        id: "apart-pause-that-outlives-own-limits-is-forgotten",
        edits: &[edit("keyed/holding.rs", "pub(crate) fn clear_own<Q>(", "self.may_end(end);", "let _ = end;")],
        expect: Killed("tests/keyed_limits::a_pause_of_a_key_that_had_its_own_limits_takes_no_place_when_it_is_over"),
    },
    // What comes back late, for all lines.
    Fault {
        id: "give-back-told-at-the-time-of-the-take",
        edits: &[edit(
            "wait/reservation.rs",
            "pub(crate) fn give_back<",
            "bucket.eased(bucket.now());",
            "bucket.eased(now);",
        )],
        expect: Killed(GIVE_BACK),
    },
    Fault {
        id: "lease-give-back-told-at-the-time-of-the-fetch",
        edits: &[edit(
            "lease/chunk.rs",
            "pub(crate) fn put_back<const N: usize>(",
            "store.eased(clock());",
            "{\n let _ = clock;\n store.eased(now);\n }",
        )],
        expect: Killed(GIVE_BACK),
    },
];
