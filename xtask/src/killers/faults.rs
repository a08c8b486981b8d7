//! Owns the list of faults: each one small, each with the model that must notice it, or with the
//! reason why nobody can.

use super::fault::Expect::{Harmless, Killed, NoOp};
use super::fault::{Fault, edit};

const UPDATE: &str = "fn update_under<V: Copy, R, E>(\n        &self,\n        spare";
const WORD_UPDATE: &str = "fn update<R>(&self, change: impl Fn(u64)";
const CLAIM_GROWN: &str = "#[cfg(feature = \"alloc\")]\n    fn claim_grown";
const GET_GROWN: &str = "#[cfg(feature = \"alloc\")]\n    fn get_grown";
const A_PICTURE: &str = "nothing to weaken: only `Debug` looks at it";

pub(crate) const FAULTS: &[Fault] = &[
    // First, since it takes the longest.
    Fault { id: "no-op", edits: &[edit("state/epoch.rs", "fn validate", "fence(Acquire);", "fence(Acquire); ")], expect: NoOp },
    // The epoch.
    Fault {
        id: "epoch-load-relaxed",
        edits: &[edit("state/epoch.rs", "fn load", "self.0.load(Acquire)", "self.0.load(Relaxed)")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "epoch-publish-relaxed",
        edits: &[edit("state/epoch.rs", "pub(crate) fn publish", "Release, Relaxed", "Relaxed, Relaxed")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "epoch-publish-as-load-and-store",
        edits: &[edit(
            "state/epoch.rs",
            "pub(crate) fn publish",
            "self.0.compare_exchange(seen.0, seen.next(index).0, Release, Relaxed).is_ok()",
            "let same = self.0.load(Relaxed) == seen.0;
        if same {
            self.0.store(seen.next(index).0, Release);
        }
        same",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "epoch-publish-whatever-is-current",
        edits: &[edit(
            "state/epoch.rs",
            "pub(crate) fn publish",
            "self.0.compare_exchange(seen.0, seen.next(index).0, Release, Relaxed).is_ok()",
            "self.0.swap(seen.next(index).0, Release);
        true",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "epoch-publish-same-sequence",
        edits: &[edit("state/epoch.rs", "const fn next", "wrapping_add(1)", "wrapping_add(0)")],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "epoch-validate-without-fence",
        edits: &[edit("state/epoch.rs", "fn validate", "fence(Acquire);", "")],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "epoch-validate-load-before-fence",
        edits: &[
            edit("state/epoch.rs", "fn validate", "fence(Acquire);", "let now = self.0.load(Relaxed);\n        fence(Acquire);"),
            edit("state/epoch.rs", "fn validate", "self.0.load(Relaxed) == seen.0", "now == seen.0"),
        ],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "epoch-validate-always",
        edits: &[edit("state/epoch.rs", "fn validate", "self.0.load(Relaxed) == seen.0", "seen == seen")],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "epoch-validate-only-the-slot",
        edits: &[edit(
            "state/epoch.rs",
            "fn validate",
            "self.0.load(Relaxed) == seen.0",
            "Stamp(self.0.load(Relaxed)).index() == seen.index()",
        )],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "epoch-debug",
        edits: &[edit("state/epoch.rs", "impl fmt::Debug for Epoch", "self.0.load(Relaxed)", "0")],
        expect: Harmless { model: "smoke::either_thread_wins_the_last_token_of_two_streams", reason: A_PICTURE },
    },
    // A slot.
    Fault {
        id: "slot-write-without-fence",
        edits: &[edit("state/words.rs", "fn write", "fence(Release);", "")],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "slot-write-fence-after-the-stores",
        edits: &[
            edit("state/words.rs", "fn write", "fence(Release);", ""),
            edit(
                "state/words.rs",
                "fn write",
                "word.store(spent, Relaxed);\n        }",
                "word.store(spent, Relaxed);\n        }\n        fence(Release);",
            ),
        ],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "slot-write-all-words-but-the-first",
        edits: &[edit("state/words.rs", "fn write", ".zip(state.spent)", ".zip(state.spent).skip(1)")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "slot-write-no-words",
        edits: &[edit("state/words.rs", "fn write", "word.store(spent, Relaxed);", "let _ = (word, spent);")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "slot-write-no-limits",
        edits: &[edit("state/words.rs", "fn write", "self.limits.store(state.limits, Relaxed);", "")],
        expect: Killed("set_limits::a_change_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "slot-read-no-limits",
        edits: &[edit("state/words.rs", "fn read", "self.limits.load(Relaxed)", "0")],
        expect: Killed("set_limits::a_change_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "slot-read-one-word-for-all",
        edits: &[edit("state/words.rs", "fn read", "self.spent[i].load(Relaxed)", "self.spent[i / N].load(Relaxed)")],
        expect: Killed("opposite::one_of_two_is_granted_where_one_fits"),
    },
    Fault {
        id: "slot-current-unclaimed",
        edits: &[edit("state/words.rs", "fn current", "Claim::claimed()", "Claim::free()")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    // The claim.
    Fault {
        id: "claim-relaxed",
        edits: &[edit("state/claim.rs", "fn try_claim", "CLAIMED, Acquire, Relaxed", "CLAIMED, Relaxed, Relaxed")],
        expect: Killed("snapshot::a_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "claim-as-load-and-store",
        edits: &[edit(
            "state/claim.rs",
            "fn try_claim",
            "self.0.compare_exchange(FREE, CLAIMED, Acquire, Relaxed).is_ok()",
            "let free = self.0.load(Acquire) == FREE;
        if free {
            self.0.store(CLAIMED, Relaxed);
        }
        free",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "claim-lost-is-won",
        edits: &[edit(
            "state/claim.rs",
            "fn try_claim",
            "self.0.compare_exchange(FREE, CLAIMED, Acquire, Relaxed).is_ok()",
            "let _ = self.0.compare_exchange(FREE, CLAIMED, Acquire, Relaxed);
        true",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "claim-without-looking-first",
        edits: &[edit(
            "state/claim.rs",
            "fn try_claim",
            "if self.0.load(Relaxed) != FREE {\n            return false;\n        }",
            "",
        )],
        expect: Harmless {
            model: "conservation::whole_items_get_what_the_other_left",
            reason: "only a hint that keeps the line shared: the compare-exchange decides",
        },
    },
    Fault {
        id: "claim-released-relaxed",
        edits: &[edit("state/claim.rs", "fn release", "self.0.store(FREE, Release);", "self.0.store(FREE, Relaxed);")],
        expect: Killed("snapshot::a_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "claim-never-released",
        edits: &[edit("state/claim.rs", "fn release", "self.0.store(FREE, Release);", "")],
        expect: Killed("slots::a_slot_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "claim-debug",
        edits: &[edit("state/claim.rs", "impl fmt::Debug for Claim", "self.0.load(Relaxed)", "FREE")],
        expect: Harmless { model: "smoke::either_thread_wins_the_last_token_of_two_streams", reason: A_PICTURE },
    },
    // Slots and how they grow.
    Fault {
        id: "slots-first-is-never-claimed",
        edits: &[edit("state/slots.rs", "pub(crate) fn claim(", "[slot, ..] if slot.claim().try_claim() => Some(0),", "")],
        expect: Killed("lib::state::slots::tests::the_lowest_free_slot_is_claimed"),
    },
    Fault {
        id: "growth-index-one-too-high",
        edits: &[edit("state/slots.rs", CLAIM_GROWN, "Some(base + offset)", "Some(base + offset + 1)")],
        expect: Killed("growth::three_takers_share_what_grows"),
    },
    Fault {
        id: "growth-every-claim-gets-the-first-slot",
        edits: &[edit("state/slots.rs", CLAIM_GROWN, "Some(base + offset)", "Some(base)")],
        expect: Killed("growth::either_thread_installs_the_block"),
    },
    Fault {
        id: "growth-slot-not-claimed",
        edits: &[edit("state/slots.rs", CLAIM_GROWN, "slot.claim().try_claim()", "{ let _ = slot; true }")],
        expect: Killed("growth::either_thread_installs_the_block"),
    },
    Fault {
        id: "growth-published-before-it-is-free",
        edits: &[
            edit(
                "state/slots.rs",
                CLAIM_GROWN,
                "len.min(Stamp::SLOTS - base)));",
                "len.min(Stamp::SLOTS - base)));
            block.slots.iter().for_each(|slot| slot.claim().release());",
            ),
            edit(
                "state/slots.rs",
                "pub(super) fn new(len: usize)",
                "T::free()",
                "{ let slot = T::free(); slot.claim().try_claim(); slot }",
            ),
        ],
        expect: Killed("growth::either_thread_installs_the_block"),
    },
    Fault {
        id: "growth-base-not-advanced",
        edits: &[edit("state/slots.rs", CLAIM_GROWN, "= (base + len, 2 * len", "= (base, 2 * len")],
        expect: Killed("growth::handles_reach_into_the_second_block"),
    },
    Fault {
        id: "growth-blocks-of-one-size",
        edits: &[edit("state/slots.rs", CLAIM_GROWN, "= (base + len, 2 * len", "= (base + len, len")],
        expect: Killed("lib::state::slots::tests::every_index_is_claimed_once_and_then_none"),
    },
    Fault {
        id: "growth-block-one-slot-short",
        edits: &[edit("state/slots.rs", "pub(super) fn new(len: usize)", "(0..len)", "(1..len)")],
        expect: Killed("lib::state::slots::tests::every_index_is_claimed_once_and_then_none"),
    },
    Fault {
        id: "growth-found-in-the-first-block",
        edits: &[edit("state/slots.rs", GET_GROWN, "index >= base + len", "index > base + len")],
        expect: Killed("lib::state::slots::tests::every_index_is_claimed_once_and_then_none"),
    },
    Fault {
        id: "growth-found-one-slot-for-all",
        edits: &[edit("state/slots.rs", GET_GROWN, ".get(index - base)", ".get((index - base) / len)")],
        expect: Killed("growth::either_thread_installs_the_block"),
    },
    // The loop over versions.
    Fault {
        id: "read-without-validation",
        edits: &[edit("state/multi.rs", "fn read<V>", "if self.shared.epoch.validate(seen) {", "{")],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "read-before-validated-and-again-after",
        edits: &[edit("state/multi.rs", "fn read<V>", "return (state, limits, seen);", "return (slot.read(), limits, seen);")],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "read-validated-by-a-newer-stamp",
        edits: &[edit(
            "state/multi.rs",
            "fn read<V>",
            "let state = slot.read();",
            "let state = slot.read();\n let seen = self.shared.epoch.load();",
        )],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "update-keep-without-validation",
        edits: &[edit("state/multi.rs", UPDATE, "if epoch.validate(seen) {", "{")],
        expect: Killed("refusal::a_refusal_is_true_of_one_version"),
    },
    Fault {
        id: "update-decided-before-the-stamp",
        edits: &[edit(
            "state/multi.rs",
            UPDATE,
            "let state = current.read();",
            "let state = current.read();\n let seen = epoch.load();",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "update-without-a-claim",
        edits: &[edit("state/multi.rs", UPDATE, "spare.or_else(|| slots.claim())", "spare.or(Some(1))")],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "update-claim-given-up-before-it-is-used",
        edits: &[edit("state/multi.rs", UPDATE, "slot.write(&State", "crate::slots::Claimable::claim(slot).release();\n slot.write(&State")],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "update-not-written",
        edits: &[edit("state/multi.rs", UPDATE, "slot.write(&State { spent, ..state });", "let _ = (slot, spent);")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "update-written-after-it-is-published",
        edits: &[
            edit("state/multi.rs", UPDATE, "slot.write(&State { spent, ..state });", ""),
            edit(
                "state/multi.rs",
                UPDATE,
                "if epoch.publish(seen, index) {",
                "if epoch.publish(seen, index) {\n slot.write(&State { spent, ..state });",
            ),
        ],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "update-lost-race-is-granted",
        edits: &[edit(
            "state/multi.rs",
            UPDATE,
            "if epoch.publish(seen, index) {",
            "let won = epoch.publish(seen, index);\n if !won {\n return Ok(answer);\n }\n {",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "update-lost-race-is-refused",
        edits: &[
            edit(
                "state/multi.rs",
                "pub(crate) fn try_take",
                "self.update(",
                "let laps = core::cell::Cell::new(0);\n self.update(",
            ),
            edit(
                "state/multi.rs",
                "pub(crate) fn try_take",
                "&amounts)?, ())),",
                "&amounts).filter(|_| laps.replace(1) == 0)?, ())),",
            ),
        ],
        expect: Killed("opposite::both_are_granted_where_both_fit"),
    },
    Fault {
        id: "update-lost-race-not-decided-anew",
        edits: &[edit(
            "state/multi.rs",
            UPDATE,
            "if epoch.publish(seen, index) {",
            "let mut seen = seen;\n while !epoch.publish(seen, index) {\n seen = epoch.load();\n }\n {",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "update-old-slot-released-before-publishing",
        edits: &[
            edit(
                "state/multi.rs",
                UPDATE,
                "if epoch.publish(seen, index) {",
                "slots.release(seen.index());\n if epoch.publish(seen, index) {",
            ),
            edit("state/multi.rs", UPDATE, "*spare = Some(seen.index());", "*spare = None;"),
        ],
        expect: Killed("snapshot::a_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "update-spare-not-swapped",
        edits: &[edit("state/multi.rs", UPDATE, "*spare = Some(seen.index());", "")],
        expect: Killed("handle::a_late_reader_sees_through_the_slot_of_a_handle"),
    },
    Fault {
        id: "update-old-slot-forgotten",
        edits: &[edit("state/multi.rs", UPDATE, "*spare = Some(seen.index());", "*spare = None;")],
        expect: Killed("slots::a_slot_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "call-keeps-its-slot",
        edits: &[edit("state/multi.rs", "fn retire(&self", "self.shared.slots.release(index);", "let _ = index;")],
        expect: Killed("slots::a_slot_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "refusal-publishes",
        edits: &[
            edit("state/multi.rs", "pub(crate) fn try_take", "self.update(", "let taken = self.update("),
            edit(
                "state/multi.rs",
                "pub(crate) fn try_take",
                "Some((limits.take(spent, limits.elapsed(now), &amounts)?, ())),",
                "match limits.take(spent, limits.elapsed(now), &amounts) {
                Some(next) => Some((next, Ok(()))),
                None => Some((*spent, Err(limits.refusal(spent, limits.elapsed(now), &amounts)))),
            },",
            ),
            edit("state/multi.rs", "pub(crate) fn try_take", "behind(pause),\n        )", "behind(pause),\n        );\n        taken?"),
        ],
        expect: Killed("refusal::a_refusal_leaves_no_trace_in_two_streams"),
    },
    Fault {
        id: "streams-debited-one-by-one",
        edits: &[edit(
            "bucket/multi.rs",
            "impl<const N: usize, const S: usize> MultiBucketAt<'_, N, S> {",
            "let taken = self.bucket.try_take(&mut spare, self.now, amounts);",
            "let mut taken = Ok(());
        for i in 0..N {
            let one = core::array::from_fn(|j| if j == i { amounts[j] } else { 0 });
            taken = self.bucket.try_take(&mut spare, self.now, one);
            if taken.is_err() {
                self.put_back(core::array::from_fn(|j| if j < i { amounts[j] } else { 0 }));
                break;
            }
        }",
        )],
        expect: Killed("opposite::a_taker_that_does_not_fit_is_in_nobodys_way"),
    },
    Fault {
        id: "streams-debited-where-they-fit",
        edits: &[edit("decision/limits.rs", "fn take(", "amounts[i])?;", "amounts[i]).unwrap_or(spent[i]);")],
        expect: Killed("opposite::one_of_two_is_granted_where_one_fits"),
    },
    Fault {
        id: "snapshot-with-another-sequence",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn snapshot(&self, now: Time)",
            "sequence: stamp.sequence()",
            "sequence: { let _ = stamp; self.shared.epoch.load().sequence() }",
        )],
        expect: Killed("snapshot::the_sequence_is_that_of_the_levels"),
    },
    Fault {
        id: "reset-in-place",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn reset(&self, spare",
            "let _ = self.update(spare, |_| 0, move |limits, _| Some((reset(limits), ())), |_, _, _| ());",
            "let _ = spare;
        let (_, limits, stamp) = self.read(|| self.limits, RevisionSlot::limits);
        let spent = reset(&limits);
        let slot = self.shared.slots.get(stamp.index()).expect(\"current\");
        slot.write(&State { spent, ..slot.read() });",
        )],
        expect: Killed("reset::a_reset_of_two_streams_is_one_step"),
    },
    Fault {
        id: "items-counted-in-one-version-and-taken-in-another",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn take_up_to(&self, spare",
            "let taken = self.update(
            spare,
            move |limits| limits.pause_left(now),
            move |limits, spent| limits.take_up_to(spent, limits.elapsed(now), &per_item, max),",
            "let (state, limits, _) = self.read(|| self.limits, RevisionSlot::limits);
        let first = limits.take_up_to(&state.spent, limits.elapsed(now), &per_item, max).map_or(0, |(_, items)| items);
        let taken = self.update(
            spare,
            |_| 0,
            move |limits, spent| Some((limits.take_up_to(spent, limits.elapsed(now), &per_item, max)?.0, first)),",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    // Handles.
    Fault {
        id: "handle-drop-keeps-the-slot",
        edits: &[edit("bucket/handle.rs", "fn drop", "self.bucket.retire(self.spare);", "")],
        expect: Killed("slots::the_slot_of_a_dropped_handle_is_used_again"),
    },
    Fault {
        id: "handle-drop-releases-twice",
        edits: &[edit(
            "bucket/handle.rs",
            "fn drop",
            "self.bucket.retire(self.spare);",
            "self.bucket.retire(self.spare);\n self.bucket.retire(self.spare);",
        )],
        expect: Killed("handle::a_handle_gives_its_slot_back_once"),
    },
    Fault {
        id: "handle-slot-released-at-once",
        edits: &[edit(
            "bucket/handle.rs",
            "pub(crate) fn new(bucket",
            "Ok(handle)",
            "bucket.retire(spare);\n Ok(handle)",
        )],
        expect: Killed("handle::a_handle_gives_its_slot_back_once"),
    },
    Fault {
        id: "handle-takes-the-last-slot",
        edits: &[edit(
            "bucket/handle.rs",
            "pub(crate) fn new(bucket",
            "bucket.retire(Some(bucket.claim().ok_or(HandlesExhausted(()))?));",
            "",
        )],
        expect: Killed("tests/multi::handles_run_out_with_an_error_and_callers_without_one_go_on"),
    },
    // One word.
    Fault {
        id: "word-load-and-store",
        edits: &[edit(
            "bucket/token.rs",
            WORD_UPDATE,
            "match self.spent.compare_exchange_weak(spent, next, Relaxed, Relaxed) {",
            "self.spent.store(next, Relaxed);
            match Ok(spent) {",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token"),
    },
    Fault {
        id: "word-lost-race-is-granted",
        edits: &[edit("bucket/token.rs", WORD_UPDATE, "Err(seen) => spent = seen,", "Err(_) => return Ok(answer),")],
        expect: Killed("smoke::either_thread_wins_the_last_token"),
    },
    Fault {
        id: "word-lost-race-is-refused",
        edits: &[edit("bucket/token.rs", WORD_UPDATE, "Err(seen) => spent = seen,", "Err(seen) => return Err(seen),")],
        expect: Killed("conservation::two_tokens_go_to_two_of_three_threads"),
    },
    Fault {
        id: "word-begins-as-built",
        edits: &[edit(
            "bucket/token.rs",
            WORD_UPDATE,
            "let mut spent = self.spent.load(Relaxed);",
            "let [mut spent] = self.limits.start();",
        )],
        expect: Killed("conservation::a_put_back_racing_a_take_is_counted_once"),
    },
    Fault {
        id: "word-refusal-writes",
        edits: &[edit(
            "bucket/token.rs",
            WORD_UPDATE,
            "else { return Err(spent) };",
            "else {\n self.spent.store(spent, Relaxed);\n return Err(spent);\n };",
        )],
        expect: Killed("refusal::a_refusal_leaves_no_trace"),
    },
    Fault {
        id: "word-counted-in-one-value-and-taken-from-another",
        edits: &[
            edit(
                "bucket/token.rs",
                "pub fn take_up_to(self",
                "bucket.update(|spent| limits.take_up_to(&[spent], elapsed, &[1], max)).unwrap_or(0)",
                "let first = limits.take_up_to(&[bucket.spent.load(Relaxed)], elapsed, &[1], max).map_or(0, |(_, taken)| taken);
        let taken = bucket.update(|spent| {
            let (next, _) = limits.take_up_to(&[spent], elapsed, &[1], max)?;
            Some((next, first))
        });
        taken.unwrap_or(0)",
            ),
        ],
        expect: Killed("conservation::a_partial_take_gets_what_the_other_left"),
    },
    Fault {
        id: "word-available-as-built",
        edits: &[edit(
            "bucket/token.rs",
            "pub fn available(self)",
            "let spent = self.bucket.spent.load(Relaxed);",
            "let [spent] = self.bucket.limits.start();",
        )],
        expect: Killed("conservation::the_last_token_goes_to_exactly_one_thread"),
    },
    Fault {
        id: "word-wait-as-built",
        edits: &[edit(
            "bucket/token.rs",
            "pub fn wait_for(self",
            "let spent = self.bucket.spent.load(Relaxed);",
            "let [spent] = self.bucket.limits.start();",
        )],
        expect: Killed("refusal::a_wait_is_that_of_one_value_of_the_word"),
    },
    // The arithmetic, as far as threads and a moving clock can tell.
    Fault {
        id: "put-back-fills-above-the-capacity",
        edits: &[edit("decision/meter.rs", "fn give_back", "if filled < ceiling { filled } else { ceiling }", "filled")],
        expect: Killed("time::a_put_back_gives_nothing_to_a_stale_now"),
    },
    Fault {
        id: "put-back-of-any-amount",
        edits: &[edit("decision/meter.rs", "fn put_back", "if n < self.capacity() { n } else { self.capacity() }", "n")],
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
        edits: &[edit("decision/meter.rs", "const fn level", "level > self.ceiling as i64", "level as u64 > self.ceiling")],
        expect: Killed("time::a_stale_now_mints_nothing"),
    },
    Fault {
        id: "take-forgets-what-was-forfeited",
        edits: &[edit(
            "decision/meter.rs",
            "const fn take(",
            "Some(self.line.at(elapsed).wrapping_sub((level - need) as u64))",
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
        edits: &[edit("decision/meter.rs", "fn reset", "if tokens < self.capacity() { tokens } else { self.capacity() }", "tokens")],
        expect: Killed("reset::a_reset_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "elapsed-wraps-before-the-origin",
        edits: &[edit("clock/time.rs", "fn nanos_since", "saturating_sub", "wrapping_sub")],
        expect: Killed("time::a_clock_behind_the_origin_mints_nothing"),
    },
    // Places in the queue.
    Fault {
        id: "owe-past-the-bound",
        edits: &[edit("decision/meter.rs", "const fn owe(", "left < -(most as i64)", "left < -(most as i64) && units == 0")],
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
            "Some(self.line.at(elapsed).wrapping_sub(left as u64))",
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
        edits: &[edit("decision/limits.rs", "fn most_owed", ".min(end_of_time)", ".min({ let _ = end_of_time; u64::MAX - elapsed })")],
        expect: Killed("tests/queue::no_reservation_is_made_past_the_end_of_time"),
    },
    Fault {
        id: "queue-of-any-debt",
        edits: &[edit(
            "decision/limits.rs",
            "fn most_owed",
            "stream.units(queue.max_debt[i]).unwrap_or(u64::MAX).min(stream.furthest_debt())",
            "stream.furthest_debt()",
        )],
        expect: Killed("tests/queue::the_largest_debt_is_exact_to_a_token"),
    },
    Fault {
        id: "place-of-another-attempt",
        edits: &[edit(
            "wait/reservation.rs",
            "fn owe<",
            "owed.set(Some((*revision, next)));",
            "owed.set(owed.get().or(Some((*revision, next))));",
        )],
        expect: Killed("reservation::two_reservations_get_two_places"),
    },
    Fault {
        id: "place-decided-on-one-version-and-written-to-another",
        edits: &[edit(
            "wait/reservation.rs",
            "fn owe<",
            "let next = limits.owe(",
            "let next = if let Some((_, ends)) = owed.get() { Some(ends) } else { None };
        let next = if next.is_some() { next } else { limits.owe(spent, limits.elapsed(now), &limits.units(amounts).ok()?, &bounds(limits)?) }?;
        let _ = limits.owe(",
        )],
        expect: Killed("reservation::two_reservations_of_two_streams_get_two_places"),
    },
    Fault {
        id: "place-bound-checked-on-the-first-version-only",
        edits: &[edit(
            "wait/reservation.rs",
            "fn owe<",
            "&bounds(limits)?)?;",
            "&if owed.get().is_none() { bounds(limits)? } else { [i64::MAX as u64; N] })?;",
        )],
        expect: Killed("reservation::the_bound_of_the_queue_holds_whoever_is_first"),
    },
    Fault {
        id: "place-stream-by-stream",
        edits: &[edit(
            "wait/reservation.rs",
            "fn owe<",
            "let done = bucket.update(&|revision, spent| {
        let limits = &revision.limits;
        allow(limits).ok()?;
        let next = limits.owe(spent, limits.elapsed(now), &limits.units(amounts).ok()?, &bounds(limits)?)?;
        owed.set(Some((*revision, next)));
        Some(next)
    });",
            "let mut done = Ok(());
    for i in 0..N {
        let one = core::array::from_fn(|j| if j == i { amounts[j] } else { 0 });
        done = bucket.update(&|revision, spent| {
            let limits = &revision.limits;
            allow(limits).ok()?;
            let next = limits.owe(spent, limits.elapsed(now), &limits.units(&one).ok()?, &bounds(limits)?)?;
            let mut so_far = owed.get().map_or([0; N], |(_, ends)| ends);
            so_far[i] = next[i];
            owed.set(Some((*revision, so_far)));
            Some(next)
        });
    }",
        )],
        // Two steps for each thread are too many for a model without a bound.
        expect: Killed("tests/queue::each_stream_has_its_own_largest_debt"),
    },
    Fault {
        id: "commit-gives-back",
        edits: &[edit("wait/reservation.rs", "pub fn commit(", "self.amounts = [0; N];", "let _ = &mut self;")],
        expect: Killed("reservation::two_reservations_get_two_places"),
    },
    Fault {
        id: "cancel-gives-back-twice",
        edits: &[edit(
            "wait/reservation.rs",
            "fn drop(",
            "give_back(self.bucket, self.now, &self.amounts);",
            "give_back(self.bucket, self.now, &self.amounts);\n give_back(self.bucket, self.now, &self.amounts);",
        )],
        expect: Killed("reservation::two_cancels_both_count"),
    },
    Fault {
        id: "cancel-gives-nothing-back",
        edits: &[edit("wait/reservation.rs", "fn drop(", "give_back(self.bucket, self.now, &self.amounts);", "")],
        expect: Killed("reservation::a_cancel_racing_a_take_frees_its_tokens_once"),
    },
    Fault {
        id: "cancel-gives-back-one-stream",
        edits: &[edit(
            "wait/reservation.rs",
            "pub(crate) fn give_back<",
            "amounts.iter().any(|amount| *amount > 0)",
            "amounts.iter().all(|amount| *amount > 0)",
        )],
        expect: Killed("tests/reservation::cancels_in_every_order_conserve_tokens"),
    },
    Fault {
        id: "place-as-an-estimate-gives-back-too",
        edits: &[edit(
            "wait/reservation.rs",
            "pub fn into_estimate(",
            "mem::replace(&mut self.amounts, [0; N])",
            "self.amounts",
        )],
        expect: Killed("tests/reservation::a_dropped_reservation_gives_back_and_a_committed_one_does_not"),
    },
    Fault {
        id: "settle-in-two-steps",
        edits: &[edit(
            "wait/estimate.rs",
            "pub fn settle(",
            "let settled = self.bucket.update(&|Revision { limits, .. }, spent| {
            let (taken, used) = (limits.units_back(&taken), limits.units(&actual).ok()?);
            limits.settle(spent, limits.elapsed(now), &taken, &used)
        });",
            "let mut settled = Ok(());
        for i in 0..N {
            settled = self.bucket.update(&|Revision { limits, .. }, spent| {
                let one = |of: &[u64; N]| core::array::from_fn(|j| if j == i { of[j] } else { 0 });
                let (taken, used) = (limits.units_back(&one(&taken)), limits.units(&one(&actual)).ok()?);
                limits.settle(spent, limits.elapsed(now), &taken, &used)
            });
        }",
        )],
        expect: Killed("reservation::two_streams_are_settled_in_one_step"),
    },
    Fault {
        id: "settle-and-give-back",
        edits: &[edit(
            "wait/estimate.rs",
            "pub fn settle(",
            "mem::replace(&mut self.amounts, [0; N])",
            "{ let _ = mem::replace(&mut self.keep, false); self.amounts }",
        )],
        expect: Killed("reservation::two_streams_are_settled_in_one_step"),
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
    Fault {
        id: "estimate-given-back-twice",
        edits: &[edit(
            "wait/estimate.rs",
            "fn drop(",
            "give_back(self.bucket, self.now, &self.amounts);",
            "give_back(self.bucket, self.now, &self.amounts);\n give_back(self.bucket, self.now, &self.amounts);",
        )],
        expect: Killed("reservation::a_dropped_estimate_comes_back_once"),
    },
    Fault {
        id: "estimate-kept-and-given-back",
        edits: &[edit("wait/estimate.rs", "fn drop(", "if !self.keep {", "if !self.keep || N > 0 {")],
        expect: Killed("reservation::a_dropped_estimate_comes_back_once"),
    },
    Fault {
        id: "charge-only-what-is-there",
        edits: &[edit("bucket/token.rs", "pub fn charge(self", "limits.furthest_debts()", "[0; 1]")],
        expect: Killed("reservation::a_charge_racing_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "charge-two-streams-only-what-is-there",
        edits: &[edit("state/multi.rs", "pub(crate) fn charge(", "limits.furthest_debts()", "[0; N]")],
        expect: Killed("reservation::a_charge_of_two_streams_racing_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "place-keeps-a-slot",
        edits: &[edit("state/multi.rs", "fn update_revised", "self.retire(spare);", "")],
        expect: Killed("tests/reservation::nothing_that_waits_keeps_a_slot"),
    },
    Fault {
        id: "place-of-a-stale-word",
        edits: &[edit(
            "bucket/token.rs",
            "impl<C: Clock + Sync> Bucket<1> for TokenBucket<C> {",
            "self.state\n            .update(|spent| change(&revision, &[spent]).map(|next| (next, ())))",
            "let spent = self.state.spent.load(Relaxed);
        let next = change(&revision, &[spent]).ok_or((revision, [spent]))?;
        self.state.update(|_| Some((next, ())))",
        )],
        expect: Killed("reservation::two_reservations_get_two_places"),
    },
    // Leases and batches.
    Fault {
        id: "lease-holds-more-than-it-fetched",
        edits: &[edit("lease/chunk.rs", "fn fetch(", "self.held[i] += taken[i];", "self.held[i] += taken[i] + 1;")],
        expect: Killed("lease::two_leases_share_the_last_tokens"),
    },
    Fault {
        id: "lease-fetches-what-another-got",
        edits: &[edit(
            "lease/chunk.rs",
            "fn fetch(",
            "let fetch = |limits: &Limits<N>, spent: &[u64; N]| {",
            "let first = lender.update(|_, _| None::<([u64; N], ())>, |_, spent| *spent).unwrap_err();
        let fetch = |limits: &Limits<N>, spent: &[u64; N]| {
            let _ = spent;
            let spent = &first;",
        )],
        expect: Killed("lease::two_leases_share_the_last_tokens"),
    },
    Fault {
        id: "lease-drop-gives-back-twice",
        edits: &[edit(
            "lease/lease.rs",
            "fn drop",
            "self.give_back();",
            "let held = self.holding.held;\n self.give_back();\n self.holding.held = held;\n self.give_back();",
        )],
        expect: Killed("lease::what_a_dropped_lease_gives_back_is_there_once"),
    },
    Fault {
        id: "lease-drop-keeps-what-is-left",
        edits: &[edit("lease/lease.rs", "fn drop", "self.give_back();", "")],
        expect: Killed("lease::what_a_dropped_lease_gives_back_is_there_once"),
    },
    // Limits that change.
    Fault {
        id: "revision-write-without-fence",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "fence(Release);", "")],
        expect: Killed("set_limits::a_late_refusal_sees_through_a_revision_that_is_used_again"),
    },
    Fault {
        id: "revision-write-no-origin",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "self.origin.store(revision.limits.origin.as_nanos(), Relaxed);", "")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-number",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "self.number.store(revision.number, Relaxed);", "")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-words",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "word.store(value, Relaxed);", "let _ = (word, value);")],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "revision-read-no-origin",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn limits(", "self.origin.load(Relaxed)", "0")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-beginning",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "self.began.store(revision.began.as_nanos(), Relaxed);", "")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-pause",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "self.pause.store(revision.pause, Relaxed);", "")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-no-pause",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn limits(", "closed: manner >> CLOSED & 1 == 1", "closed: false")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-nothing-of-its-place",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn revision(", ".map(|word| word.load(Relaxed))", ".map(|_| 0)")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-one-word-for-all",
        edits: &[edit("state/revision_slot.rs", "fn word(", "self.streams[i][word as usize].load(Relaxed)", "self.streams[i][word as usize / WORDS].load(Relaxed)")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "later-limits-without-validation",
        edits: &[edit(
            "state/multi.rs",
            "fn read<V>",
            "if self.shared.epoch.validate(seen) {",
            "if state.limits != FIRST_LIMITS || self.shared.epoch.validate(seen) {",
        )],
        expect: Killed("set_limits::a_late_refusal_sees_through_a_revision_that_is_used_again"),
    },
    Fault {
        id: "limits-read-apart-from-the-words",
        edits: &[edit("state/multi.rs", "pub(crate) fn snapshot(&self, now: Time)", "limits,\n            written,", "limits,\n            written: { let _ = written; self.written() },")],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "change-clock-before-the-epoch",
        edits: &[edit("state/multi.rs", "fn change(", "let seen = epoch.load();\n            let now = clock();", "let now = clock();\n            let seen = epoch.load();")],
        expect: Killed("set_limits::a_change_is_no_older_than_what_it_has_seen"),
    },
    Fault {
        id: "change-lost-race-is-done",
        edits: &[edit("state/multi.rs", "fn change(", "if epoch.publish(seen, version) {", "let _ = epoch.publish(seen, version);\n {")],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    Fault {
        id: "change-not-settled-anew",
        edits: &[edit("state/multi.rs", "fn change(", "if epoch.publish(seen, version) {", "let mut seen = seen;\n while !epoch.publish(seen, version) {\n seen = epoch.load();\n }\n {")],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    Fault {
        id: "change-limits-not-written",
        edits: &[edit("state/multi.rs", "fn change(", "of_limits.write(&next, &written);", "let _ = (of_limits, &next);")],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "change-limits-written-after-they-are-published",
        edits: &[edit("state/multi.rs", "fn change(", "of_limits.write(&next, &written);", ""), edit("state/multi.rs", "fn change(", "if epoch.publish(seen, version) {", "if epoch.publish(seen, version) {\n of_limits.write(&next, &written);")],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "change-names-the-first-limits",
        edits: &[edit("state/multi.rs", "fn change(", "limits: revision as u32 + 1", "limits: FIRST_LIMITS + 0 * revision as u32")],
        expect: Killed("set_limits::a_change_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "change-old-limits-forgotten",
        edits: &[edit("state/multi.rs", "fn change(", "self.retire_revision(state.limits.checked_sub(1).map(|index| index as usize));", "")],
        expect: Killed("set_limits::a_revision_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "change-old-slot-forgotten",
        edits: &[edit("state/multi.rs", "fn change(", "self.retire(Some(seen.index()));", "")],
        expect: Killed("set_limits::a_revision_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "change-without-a-claim",
        edits: &[edit("state/multi.rs", "fn change(", "(self.revisions.claim(), slots.claim())", "(self.revisions.claim().map(|_| 0), slots.claim())")],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    Fault {
        id: "inherit-above-the-capacity",
        edits: &[edit("decision/meter.rs", "pub(crate) fn inherit(", "(kept + more).min(self.ceiling.into())", "(kept + more)")],
        expect: Killed("tests/set_limits::what_is_kept_is_no_more_than_the_new_capacity"),
    },
    Fault {
        id: "inherit-retroactively",
        edits: &[edit("decision/revision.rs", "pub(crate) fn next(", "let origin = self.limits.at(elapsed);", "let origin = self.limits.origin;")],
        expect: Killed("tests/set_limits::a_raised_rate_is_not_applied_to_the_past"),
    },
    // Those who sleep.
    Fault {
        id: "change-wakes-nobody",
        edits: &[edit("state/multi.rs", "pub(crate) fn set_limits(", "self.bell.ring();", "")],
        expect: Killed("waking::who_waits_until_it_is_ready_beside_a_change_is_woken"),
    },
    Fault {
        id: "change-wakes-before-it-is-published",
        edits: &[
            edit("state/multi.rs", "pub(crate) fn set_limits(", "self.bell.ring();", ""),
            edit("state/multi.rs", "pub(crate) fn set_limits(", "let limits = Limits::new(written, Time::ZERO)?;", "let limits = Limits::new(written, Time::ZERO)?;\n self.bell.ring();"),
        ],
        expect: Killed("waking::who_waits_until_it_is_ready_beside_a_change_is_woken"),
    },
    Fault {
        id: "resume-wakes-nobody",
        edits: &[edit("state/multi.rs", "pub(crate) fn resume(", "self.bell.ring();", "")],
        expect: Killed("waking::a_thread_that_falls_asleep_beside_a_resume_is_woken"),
    },
    Fault {
        id: "sleeper-looks-before-it-listens",
        edits: &[edit(
            "state/limits_changed.rs",
            "pub(crate) fn sleep<E>(",
            "listen!(&self.event => listener);\n        let Some(sleep) = left()? else { return Ok(false) };",
            "let Some(sleep) = left()? else { return Ok(false) };\n listen!(&self.event => listener);",
        )],
        expect: Killed("waking::a_thread_that_falls_asleep_beside_a_resume_is_woken"),
    },
    Fault {
        id: "sleeping-task-looks-before-it-listens",
        edits: &[edit(
            "wait/waiting.rs",
            "pub(crate) async fn sleep_on<",
            "listen!(bell.event() => listener);\n            let Some(sleep) = left(&mut nap)?.map(|sleep| timer.sleep(sleep)) else { return Ok(()) };",
            "let Some(sleep) = left(&mut nap)?.map(|sleep| timer.sleep(sleep)) else { return Ok(()) };\n listen!(bell.event() => listener);",
        )],
        expect: Killed("waking::a_task_that_falls_asleep_beside_a_resume_is_woken"),
    },
    // Pauses.
    Fault {
        id: "pause-grants-what-is-there",
        edits: &[edit("state/multi.rs", "pub(crate) fn try_take", "move |limits| limits.pause_left(now),", "|_| 0,")],
        expect: Killed("set_limits::a_pause_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "pause-grants-items",
        edits: &[edit("state/multi.rs", "pub(crate) fn take_up_to(&self, spare", "move |limits| limits.pause_left(now),", "|_| 0,")],
        expect: Killed("tests/pause::while_paused_nothing_is_granted_by_any_verb"),
    },
    Fault {
        id: "pause-lends",
        edits: &[edit("lease/chunk.rs", "pub(crate) fn fetch(", "|limits| limits.pause_left(now)", "|_| 0")],
        expect: Killed("tests/pause::a_lease_spends_what_it_holds_and_fetches_nothing"),
    },
    Fault {
        id: "pause-refills",
        edits: &[edit("decision/revision.rs", "pub(crate) fn paused(", "self.limits.from(until, true)", "self.limits.from(instant, true)")],
        expect: Killed("tests/pause::the_level_is_there_again_at_the_end_however_long_it_takes"),
    },
    Fault {
        id: "pause-shortened-by-another",
        edits: &[edit("decision/revision.rs", "pub(crate) fn paused(", "if until <= instant {", "if until <= now {")],
        expect: Killed("set_limits::of_two_pauses_the_later_end_wins_whichever_is_first"),
    },
    Fault {
        id: "pause-ended-by-new-limits",
        edits: &[edit("decision/revision.rs", "pub(crate) fn next(", "(true, self.pause, self.began)", "(false, self.pause, self.began)")],
        expect: Killed("set_limits::limits_change_in_a_pause_and_it_stays"),
    },
    Fault {
        id: "resume-at-the-end",
        edits: &[edit("decision/revision.rs", "pub(crate) fn resumed(", "let origin = now.max(self.began);", "let origin = self.limits.origin;")],
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
    Fault {
        id: "place-not-moved-by-a-change",
        edits: &[edit("wait/reservation.rs", "pub fn ready_at(", "revision.number == self.revision", "revision.number >= self.revision")],
        expect: Killed("tests/set_limits::a_reservation_becomes_ready_earlier_if_the_rate_is_raised_and_later_if_it_is_lowered"),
    },
    // Clocks.
    Fault {
        id: "manual-advance-load-and-store",
        edits: &[edit(
            "clock/manual.rs",
            "pub fn advance",
            "match self.0.compare_exchange_weak(now, next.as_nanos(), Relaxed, Relaxed) {",
            "self.0.store(next.as_nanos(), Relaxed);
            match Ok(now) {",
        )],
        expect: Killed("time::two_advances_both_count"),
    },
    Fault {
        id: "manual-advance-from-zero",
        edits: &[edit("clock/manual.rs", "pub fn advance", "let mut now = self.0.load(Relaxed);", "let mut now = 0;")],
        expect: Harmless {
            model: "time::two_advances_both_count",
            reason: "where it is not the value, the compare-exchange fails and says what is",
        },
    },
    Fault {
        id: "manual-set-nothing",
        edits: &[edit("clock/manual.rs", "pub fn set", "self.0.store(now.as_nanos(), Relaxed);", "let _ = now;")],
        expect: Killed("time::a_monotonic_clock_never_goes_back"),
    },
    Fault {
        id: "manual-stands-still",
        edits: &[edit("clock/manual.rs", "impl Clock for ManualClock", "self.0.load(Relaxed)", "0")],
        expect: Killed("time::two_advances_both_count"),
    },
    Fault {
        id: "monotonic-load-and-store",
        edits: &[edit(
            "clock/monotonic.rs",
            "impl<C: Clock> Clock for Monotonic<C>",
            "newest = self.newest.fetch_max(read, Relaxed).max(read);",
            "self.newest.store(read, Relaxed);\n newest = read;",
        )],
        expect: Killed("time::a_monotonic_clock_never_goes_back"),
    },
    Fault {
        id: "monotonic-shows-what-it-read",
        edits: &[edit(
            "clock/monotonic.rs",
            "impl<C: Clock> Clock for Monotonic<C>",
            "Time::from_nanos(newest)",
            "{ let _ = newest;\n Time::from_nanos(read) }",
        )],
        expect: Killed("time::a_monotonic_clock_never_goes_back"),
    },
    Fault {
        id: "monotonic-shows-what-was-newest",
        edits: &[edit(
            "clock/monotonic.rs",
            "impl<C: Clock> Clock for Monotonic<C>",
            "fetch_max(read, Relaxed).max(read)",
            "fetch_max(read, Relaxed)",
        )],
        expect: Killed("time::a_monotonic_clock_never_goes_back"),
    },
    Fault {
        id: "monotonic-forgets-at-the-origin",
        edits: &[edit(
            "clock/monotonic.rs",
            "impl<C: Clock> Clock for Monotonic<C>",
            "let mut newest = self.newest.load(Relaxed);",
            "let mut newest = 0;",
        )],
        expect: Killed("time::a_monotonic_clock_never_goes_back"),
    },
    // The factor of an adaptive bucket.
    Fault {
        id: "adaptive-limit-not-looked-at-again",
        edits: &[edit("adaptive/adaptive.rs", "fn apply", "self.epoch.validate(seen)", "seen == seen")],
        expect: Killed("adaptive::the_last_factor_stays"),
    },
    Fault {
        id: "adaptive-limit-that-seems-right",
        edits: &[edit("adaptive/adaptive.rs", "fn apply", "new || self.bucket", "self.bucket")],
        expect: Killed("adaptive::the_last_factor_stays"),
    },
    Fault {
        id: "adaptive-every-outcome-is-an-event",
        edits: &[edit("adaptive/steps.rs", "pub(crate) fn next", "throttled && now >= self.attentive", "throttled")],
        expect: Killed("adaptive::two_that_are_throttled_at_once_are_one_event"),
    },
];
