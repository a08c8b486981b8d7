//! Faults in the verbs of the buckets and in handles.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    // The loop over versions.
    Fault {
        id: "streams-debited-one-by-one",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn take_here",
            "store.update(",
            "for i in 0..N {\n        let one: [u64; N] = core::array::from_fn(|j| if j == i { amounts[j] } else { 0 });\n        let taken = store.update(\n            |_| 0,\n            |limits, spent| Some((limits.take(spent, limits.elapsed(now), &one)?, ())),\n            |limits, spent, pause| limits.refusal(spent, limits.elapsed(now), &one).behind(pause),\n        );\n        if taken.is_err() {\n            put_back(store, now, core::array::from_fn(|j| if j < i { amounts[j] } else { 0 }));\n            return taken;\n        }\n    }\n    return Ok(());\n    #[allow(unreachable_code)]\n    store.update(",
        )],
        expect: Killed("opposite::a_taker_that_does_not_fit_is_in_nobodys_way"),
    },
    // Handles.
    Fault {
        id: "handle-drop-keeps-the-slot",
        edits: &[edit(
            "bucket/handle.rs",
            "Drop for Handle",
            "self.bucket.queued.words.give_back(self.slot.get());",
            "",
        )],
        expect: Killed("slots::the_slot_of_a_dropped_handle_is_used_again"),
    },
    Fault {
        id: "handle-drop-releases-twice",
        edits: &[edit(
            "bucket/handle.rs",
            "Drop for Handle",
            "self.bucket.queued.words.give_back(self.slot.get());",
            "self.bucket.queued.words.give_back(self.slot.get());\n self.bucket.queued.words.give_back(self.slot.get());",
        )],
        expect: Killed("handle::a_handle_gives_its_slot_back_once"),
    },
    Fault {
        id: "handle-slot-released-at-once",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn check_out",
            "self.words.claim()",
            "let claimed = self.words.claim()?;\n self.words.retire(Some(claimed));\n Some(claimed)",
        )],
        expect: Killed("handle::a_handle_gives_its_slot_back_once"),
    },
    Fault {
        id: "handle-takes-the-last-slot",
        edits: &[edit(
            "bucket/handle.rs",
            "pub(crate) fn new(bucket",
            "words.give_back(words.check_out().ok_or(HandlesExhausted(()))?);",
            "",
        )],
        expect: Killed("tests/multi::handles_run_out_with_an_error_and_callers_without_one_go_on"),
    },
    // One word.
    Fault {
        id: "word-load-and-store",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "match self.spent.compare_exchange_weak(spent, next, Acquire, Relaxed) {",
            "self.spent.store(next, Relaxed);\n            match Ok(spent) {",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token"),
    },
    Fault {
        id: "word-load-and-store-of-a-single-token",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "match self.spent.compare_exchange_weak(spent, next, Acquire, Relaxed) {",
            "self.spent.store(next, Relaxed);\n            match Ok(spent) {",
        )],
        expect: Killed("conservation::the_last_token_goes_to_exactly_one_thread"),
    },
    Fault {
        id: "word-lost-race-is-granted",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "Err(seen) => spent = seen,",
            "Err(_) => return Ok(answer),",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token"),
    },
    Fault {
        id: "word-lost-race-is-refused",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "Err(seen) => spent = seen,",
            "Err(seen) => return Err(seen),",
        )],
        expect: Killed("conservation::two_tokens_go_to_two_of_three_threads"),
    },
    Fault {
        id: "word-begins-as-built",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "let mut spent = self.spent.load(Relaxed);",
            "let [mut spent] = self.limits.reset(0, &self.limits.capacities());",
        )],
        expect: Killed("conservation::a_put_back_racing_a_take_is_counted_once"),
    },
    Fault {
        id: "word-read-twice",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "let Some(([next], answer)) = change(spent) else { return Err(spent) };",
            "let Some((_, answer)) = change(spent) else { return Err(spent) };\n            spent = self.spent.load(Relaxed);\n            let Some(([next], _)) = change(spent) else { return Err(spent) };",
        )],
        expect: Killed("conservation::a_partial_take_gets_what_the_other_left"),
    },
    Fault {
        id: "word-refusal-writes",
        edits: &[edit(
            "state/word.rs",
            "pub(crate) fn update<R>(&self, change: impl Fn(u64)",
            "else { return Err(spent) };",
            "else {\n self.spent.store(spent, Relaxed);\n return Err(spent);\n };",
        )],
        expect: Killed("refusal::a_refusal_leaves_no_trace"),
    },
    Fault {
        id: "word-counted-in-one-value-and-taken-from-another",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn take_items",
            "let taken = store.update(\n        move |limits| limits.pause_left(now),\n        move |limits, spent| limits.take_items(spent, limits.elapsed(now), &per_item, max),",
            "let first = store.read(|limits, spent| limits.take_items(spent, limits.elapsed(now), &per_item, max).map_or(0, |(_, items)| items));\n    let taken = store.update(\n        |_| 0,\n        move |limits, spent| Some((limits.take_items(spent, limits.elapsed(now), &per_item, max)?.0, first)),",
        )],
        expect: Killed("conservation::a_partial_take_gets_what_the_other_left"),
    },
    Fault {
        id: "word-available-as-built",
        edits: &[edit(
            "state/word.rs",
            "fn read<V>",
            "look(&self.limits, &[self.spent.load(Relaxed)])",
            "look(&self.limits, &self.limits.reset(0, &self.limits.capacities()))",
        )],
        expect: Killed("conservation::the_last_token_goes_to_exactly_one_thread"),
    },
    Fault {
        id: "word-wait-as-built",
        edits: &[edit(
            "state/word.rs",
            "fn read<V>",
            "look(&self.limits, &[self.spent.load(Relaxed)])",
            "look(&self.limits, &self.limits.reset(0, &self.limits.capacities()))",
        )],
        expect: Killed("refusal::a_wait_is_that_of_one_value_of_the_word"),
    },
    // Places in the queue.
    Fault {
        id: "charge-only-what-is-there",
        edits: &[edit("bucket/verbs.rs", "pub(crate) fn charge", "limits.furthest_debts()", "[0; N]")],
        expect: Killed("reservation::a_charge_racing_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "place-of-a-stale-word",
        edits: &[edit(
            "state/word.rs",
            "fn update_revised(",
            "let changed = self.update(|spent| change(&revision, &[spent]).map(|next| (next, ())));",
            "let spent = Store::read(self, |_, spent| spent[0]);\n        let next = change(&revision, &[spent]).ok_or((revision, [spent]))?;\n        let changed = self.update(|_| Some((next, ())));",
        )],
        expect: Killed("reservation::two_reservations_get_two_places"),
    },
    // What is saved and restored.
    Fault {
        id: "restore-begins-a-line-between-two-units",
        edits: &[edit(
            "decision/saving.rs",
            "pub(crate) const fn holding",
            "self.refill.at_rounded_up(elapsed)",
            "self.refill.at(elapsed)",
        )],
        expect: Killed("lib::decision::saving::tests::a_line_that_begins_between_two_units_gains_none_of_them_early"),
    },
    Fault {
        id: "restore-counts-a-pause-as-refill",
        edits: &[edit(
            "state/saved_bucket.rs",
            "pub(crate) fn aged",
            "pause => (away.saturating_sub(pause), ",
            "pause => (away, ",
        )],
        expect: Killed("tests/saved::a_pause_goes_on_and_ends_by_the_wall_clock"),
    },
    Fault {
        id: "restore-forgives-a-debt-that-does-not-fit",
        edits: &[edit(
            "decision/saving.rs",
            "pub(crate) fn after",
            "return Err(LimitRule::DebtTooLarge { debt, most: most / self.unit });",
            "let _ = LimitRule::DebtTooLarge { debt, most: most / self.unit };\n            return Ok(0);",
        )],
        expect: Killed("tests/saved::a_debt_that_the_new_limit_cannot_keep_is_named"),
    },
    Fault {
        id: "restore-rounds-up",
        edits: &[edit(
            "decision/saving.rs",
            "pub(crate) fn held",
            "(units * unit).div_euclid(old)",
            "-(-units * unit).div_euclid(old)",
        )],
        expect: Killed("tests/saved::under_other_limits_a_level_is_rounded_down_and_a_debt_stays_whole"),
    },
    Fault {
        id: "restore-above-the-old-capacity",
        edits: &[edit(
            "decision/saving.rs",
            "pub(crate) fn after",
            "(old.held(level) + refilled).min(old.ceiling.into())",
            "old.held(level) + refilled",
        )],
        expect: Killed("tests/saved::under_other_limits_a_level_is_rounded_down_and_a_debt_stays_whole"),
    },
    Fault {
        id: "restore-of-one-tells-nobody",
        edits: &[edit("bucket/saving.rs", "impl<C: Clock> TokenBucket<C> {", "self.queued.eased(now);", "")],
        expect: Killed("tests/reset::what_is_restored_is_told_to_the_first"),
    },
    Fault {
        id: "restore-of-several-tells-nobody",
        edits: &[edit(
            "bucket/saving.rs",
            "impl<const N: usize, C: Clock, const S: usize> MultiBucket<N, C, S> {",
            "self.retime(clock());",
            "",
        )],
        expect: Killed("tests/reset::what_is_restored_is_told_to_the_first"),
    },
    Fault {
        id: "a-wall-clock-that-went-back-counts",
        edits: &[edit(
            "clock/wall_time.rs",
            "pub const fn since",
            "self.0.saturating_sub(earlier.0)",
            "self.0.abs_diff(earlier.0)",
        )],
        expect: Killed("tests/saved::no_time_passes_where_the_wall_clock_went_backwards"),
    },
    // Two readings of the clock.
    Fault {
        id: "tiered-coarse-only",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn try_take",
            "Err(Refused::NotYet(_)) => {}",
            "Err(Refused::NotYet(_)) if false => {}",
        )],
        expect: Killed("tests/tiered::a_full_bucket_refuses_nothing_that_the_precise_clock_would_grant"),
    },
    Fault {
        id: "tiered-precise-first",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn try_take",
            "Some(rough) = bucket.rough()",
            "Some(rough) = bucket.rough().map(|_| bucket.now())",
        )],
        expect: Killed("tests/tiered::a_grant_reads_the_coarse_clock_and_a_refusal_both"),
    },
    Fault {
        id: "tiered-forgets-a-refusal",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn try_take",
            "set_refused(decided.is_err());",
            "set_refused(false);",
        )],
        expect: Killed("tests/tiered::after_a_refusal_a_threads_next_take_decides_on_the_precise_reading"),
    },
    Fault {
        id: "tiered-remembers-a-refusal-for-good",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn try_take",
            "set_refused(decided.is_err());",
            "set_refused(was_refused() || decided.is_err());",
        )],
        expect: Killed("tests/tiered::after_a_refusal_a_threads_next_take_decides_on_the_precise_reading"),
    },
    Fault {
        id: "tiered-asks-again-what-can-never-be",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn try_take",
            "Err(Refused::NotYet(_)) => {}",
            "Err(_) => {}",
        )],
        expect: Killed("tests/tiered::a_refusal_for_good_reads_the_coarse_clock_alone"),
    },
    Fault {
        id: "tiered-admits-by-the-coarse-reading-only",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn admit",
            "Err(Refused::NotYet(_)) => {}",
            "Err(Refused::NotYet(_)) if false => {}",
        )],
        expect: Killed("tests/tiered::a_bucket_that_is_not_full_answers_as_on_the_precise_clock"),
    },
    Fault {
        id: "tiered-items-by-the-coarse-reading-only",
        edits: &[edit(
            "bucket/two_readings.rs",
            "pub(crate) fn take_items",
            "if verbs::takes_all_items(bucket.store(), rough, max, per_item) {
            return max;
        }",
            "return verbs::take_items(bucket.store(), rough, max, per_item);",
        )],
        expect: Killed(
            "tests/tiered::a_capacity_below_what_refills_in_a_tick_loses_throughput_on_the_coarse_clock_alone",
        ),
    },
    Fault {
        id: "tiered-items-a-part-for-all",
        edits: &[edit("bucket/verbs.rs", "pub(crate) fn takes_all_items", ".filter(|(_, items)| *items == max)", "")],
        expect: Killed("tests/tiered::a_bucket_that_is_not_full_answers_as_on_the_precise_clock"),
    },
    Fault {
        id: "handle-without-a-rough-reading",
        edits: &[edit("bucket/handle.rs", "fn rough(&self) -> Option<Time> {", "self.bucket.clock().rough()", "None")],
        expect: Killed("tests/tiered::a_grant_reads_the_coarse_clock_and_a_refusal_both"),
    },
];
