//! Faults in the words in memory and in the loops that publish them.

use crate::fault::Expect::{Harmless, Killed, NoOp};
use crate::fault::{Fault, edit};

const CLAIM_GROWN: &str = "#[cfg(feature = \"alloc\")]\n    fn claim_grown";
const GET_GROWN: &str = "#[cfg(feature = \"alloc\")]\n    fn get_grown";
const A_PICTURE: &str = "nothing to weaken: only `Debug` looks at it";

pub(super) const FAULTS: &[Fault] = &[
    // First, since it takes the longest.
    Fault {
        id: "no-op",
        edits: &[edit("state/epoch.rs", "fn validate", "fence(Acquire);", "fence(Acquire); ")],
        expect: NoOp,
    },
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
            edit(
                "state/epoch.rs",
                "fn validate",
                "fence(Acquire);",
                "let now = self.0.load(Relaxed);\n        fence(Acquire);",
            ),
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
        edits: &[edit("state/claim.rs", "pub(crate) fn is_claimed", "self.0.load(Relaxed)", "FREE")],
        expect: Harmless { model: "smoke::either_thread_wins_the_last_token_of_two_streams", reason: A_PICTURE },
    },
    // Slots and how they grow.
    Fault {
        id: "slots-first-is-never-claimed",
        edits: &[edit(
            "state/slots.rs",
            "pub(crate) fn claim(",
            "[slot, ..] if slot.claim().try_claim() => Some(0),",
            "",
        )],
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
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "Decision::Keep(kept) if self.epoch.validate(seen) =>",
            "Decision::Keep(kept) =>",
        )],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "read-before-validated-and-again-after",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "refuse(kept, seen, state)",
            "refuse(kept, seen, &self.slots.get(seen.index()).map_or(*state, |slot| slot.read()))",
        )],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "read-validated-by-a-newer-stamp",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn begin(",
            "Some((seen, self.slots.get(seen.index())?.read()))",
            "let state = self.slots.get(seen.index())?.read();\n Some((self.epoch.load(), state))",
        )],
        expect: Killed("snapshot::a_late_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "update-keep-without-validation",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "Decision::Keep(kept) if self.epoch.validate(seen) =>",
            "Decision::Keep(kept) =>",
        )],
        expect: Killed("refusal::a_refusal_is_true_of_one_version"),
    },
    Fault {
        id: "update-decided-before-the-stamp",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn begin(",
            "Some((seen, self.slots.get(seen.index())?.read()))",
            "let state = self.slots.get(seen.index())?.read();\n Some((self.epoch.load(), state))",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "update-without-a-claim",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "spare.or_else(|| self.slots.claim())",
            "spare.or(Some(1))",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "update-claim-given-up-before-it-is-used",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "slot.write(&next);",
            "crate::state::slots::Claimable::claim(slot).release();\n slot.write(&next);",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    Fault {
        id: "update-not-written",
        edits: &[edit("state/published.rs", "pub(crate) fn conclude<", "slot.write(&next);", "let _ = (slot, next);")],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "update-written-after-it-is-published",
        edits: &[
            edit("state/published.rs", "pub(crate) fn conclude<", "slot.write(&next);", ""),
            edit(
                "state/published.rs",
                "pub(crate) fn conclude<",
                "*spare = Some(seen.index());",
                "slot.write(&next);\n *spare = Some(seen.index());",
            ),
        ],
        expect: Killed("snapshot::a_snapshot_is_never_torn"),
    },
    Fault {
        id: "update-lost-race-is-granted",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "return Err(Miss::Lost);",
            "return Ok(Ok(answer));",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "update-lost-race-is-refused",
        edits: &[
            edit(
                "bucket/verbs.rs",
                "pub(crate) fn take_here",
                "store.update(",
                "let laps = core::cell::Cell::new(0);\n    store.update(",
            ),
            edit(
                "bucket/verbs.rs",
                "pub(crate) fn take_here",
                "&amounts)?;",
                "&amounts).filter(|_| laps.replace(1) == 0)?;",
            ),
        ],
        expect: Killed("opposite::both_are_granted_where_both_fit"),
    },
    Fault {
        id: "update-lost-race-not-decided-anew",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "if !self.epoch.publish(seen, index) {",
            "let mut seen = seen;\n while !self.epoch.publish(seen, index) {\n seen = self.epoch.load();\n }\n if false {",
        )],
        expect: Killed("smoke::either_thread_wins_the_last_token_of_two_streams"),
    },
    Fault {
        id: "update-old-slot-released-before-publishing",
        edits: &[
            edit(
                "state/published.rs",
                "pub(crate) fn conclude<",
                "if !self.epoch.publish(seen, index) {",
                "self.slots.release(seen.index());\n if !self.epoch.publish(seen, index) {",
            ),
            edit("state/published.rs", "pub(crate) fn conclude<", "*spare = Some(seen.index());", "*spare = None;"),
        ],
        expect: Killed("snapshot::a_reader_sees_through_a_slot_that_is_used_again"),
    },
    Fault {
        id: "update-spare-not-swapped",
        edits: &[edit("state/published.rs", "pub(crate) fn conclude<", "*spare = Some(seen.index());", "")],
        expect: Killed("handle::a_late_reader_sees_through_the_slot_of_a_handle"),
    },
    Fault {
        id: "update-old-slot-forgotten",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "*spare = Some(seen.index());",
            "*spare = None;",
        )],
        expect: Killed("slots::a_slot_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "call-keeps-its-slot",
        edits: &[edit("state/published.rs", "pub(crate) fn retire(", "self.slots.release(index);", "let _ = index;")],
        expect: Killed("slots::a_slot_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "refusal-publishes",
        edits: &[
            edit("bucket/verbs.rs", "pub(crate) fn take_here", "store.update(", "let taken = store.update("),
            edit(
                "bucket/verbs.rs",
                "pub(crate) fn take_here",
                "let spent = limits.take(spent, limits.elapsed(now), &amounts)?;\n            Some((spent, Granted::new(limits, &spent, now, 0)))",
                "match limits.take(spent, limits.elapsed(now), &amounts) {\n            Some(next) => Some((next, Ok(Granted::new(limits, &next, now, 0)))),\n            None => Some((*spent, Err(limits.refusal(spent, limits.elapsed(now), &amounts, 0)))),\n        }",
            ),
            edit(
                "bucket/verbs.rs",
                "pub(crate) fn take_here",
                "&amounts, pause),\n    )",
                "&amounts, pause),\n    );\n    taken?",
            ),
        ],
        expect: Killed("refusal::a_refusal_leaves_no_trace_in_two_streams"),
    },
    Fault {
        id: "snapshot-with-another-sequence",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn snapshot(&self, now: Time)",
            "sequence: stamp.sequence()",
            "sequence: { let _ = stamp; self.words.read(|_| Some(())).2.sequence() }",
        )],
        expect: Killed("snapshot::the_sequence_is_that_of_the_levels"),
    },
    Fault {
        id: "reset-of-one-stream-after-the-other",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn reset",
            "let _ = store.whole(now, || store.update(|_| 0, reset, |_, _, _| ()));",
            "for i in 0..N {\n        let one = |limits: &Limits<N>, spent: &[u64; N]| {\n            let (next, ()) = reset(limits, spent)?;\n            let mut words = *spent;\n            words[i] = next[i];\n            Some((words, ()))\n        };\n        let _ = store.update(|_| 0, one, |_, _, _| ());\n    }",
        )],
        expect: Killed("reset::a_reset_of_two_streams_is_one_step"),
    },
    Fault {
        id: "items-counted-in-one-version-and-taken-in-another",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn take_items",
            "let taken = store.update(\n        move |limits| limits.pause_left(now),\n        move |limits, spent| limits.take_items(spent, limits.elapsed(now), &per_item, max),",
            "let first = store.read(|limits, spent| limits.take_items(spent, limits.elapsed(now), &per_item, max).map_or(0, |(_, items)| items));\n    let taken = store.update(\n        |_| 0,\n        move |limits, spent| Some((limits.take_items(spent, limits.elapsed(now), &per_item, max)?.0, first)),",
        )],
        expect: Killed("conservation::whole_items_get_what_the_other_left"),
    },
    // Places in the queue.
    Fault {
        id: "charge-two-streams-only-what-is-there",
        edits: &[edit("bucket/verbs.rs", "pub(crate) fn charge", "limits.furthest_debts()", "[0; N]")],
        expect: Killed("reservation::a_charge_of_two_streams_racing_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "place-keeps-a-slot",
        edits: &[edit("state/multi.rs", "fn update_revised", "self.words.retire(spare);", "")],
        expect: Killed("tests/reservation::nothing_that_waits_keeps_a_slot"),
    },
    // Limits that change.
    Fault {
        id: "revision-write-without-fence",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn write", "fence(Release);", "")],
        expect: Killed("set_limits::a_late_refusal_sees_through_a_revision_that_is_used_again"),
    },
    Fault {
        id: "revision-write-no-origin",
        edits: &[edit(
            "state/revision_slot.rs",
            "pub(crate) fn write",
            "self.origin.store(revision.limits.origin.as_nanos(), Relaxed);",
            "",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-number",
        edits: &[edit(
            "state/revision_slot.rs",
            "pub(crate) fn write",
            "self.number.store(revision.number, Relaxed);",
            "",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-words",
        edits: &[edit(
            "state/revision_slot.rs",
            "pub(crate) fn write",
            "word.store(value, Relaxed);",
            "let _ = (word, value);",
        )],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "revision-read-no-origin",
        edits: &[edit("state/revision_slot.rs", "fn origin(", "self.origin.load(Relaxed)", "0")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-beginning",
        edits: &[edit(
            "state/revision_slot.rs",
            "pub(crate) fn write",
            "self.began.store(revision.began.as_nanos(), Relaxed);",
            "",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-write-no-pause",
        edits: &[edit(
            "state/revision_slot.rs",
            "pub(crate) fn write",
            "self.pause.store(revision.pause, Relaxed);",
            "",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-no-pause",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn revision(", "manner >> PAUSED & 1 == 1", "false")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "later-limits-are-never-paused",
        edits: &[edit("state/limits_name.rs", "const fn is_paused", "name & PAUSED != 0", "name & PAUSED > PAUSED")],
        expect: Killed("tests/pause::while_paused_nothing_is_granted_by_any_verb"),
    },
    Fault {
        id: "later-limits-paused-like-others",
        edits: &[edit("state/limits_name.rs", "const fn of(", "(0, false) => 1,", "(0, _) => 1,")],
        expect: Killed("tests/pause::while_paused_nothing_is_granted_by_any_verb"),
    },
    Fault {
        id: "later-limits-of-the-other-slot",
        edits: &[edit("state/multi.rs", "fn near_limits(", "Some(two.limits(false))", "Some(one.limits(false))")],
        expect: Killed("tests/set_limits::ten_thousand_changes_are_each_seen_and_counted"),
    },
    Fault {
        id: "revision-read-nothing-of-its-place",
        edits: &[edit(
            "state/revision_slot.rs",
            "pub(crate) fn revision(",
            ".map(|word| word.load(Relaxed))",
            ".map(|_| 0)",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-no-number",
        edits: &[edit("state/revision_slot.rs", "pub(crate) fn number(", "self.number.load(Relaxed)", "0")],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-one-word-for-all",
        edits: &[edit(
            "state/revision_slot.rs",
            "fn word(",
            "self.meters[i][word as usize].load(Relaxed)",
            "self.meters[i][word as usize / WORDS].load(Relaxed)",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "revision-read-one-other-word-for-all",
        edits: &[edit(
            "state/revision_slot.rs",
            "fn rest(",
            "self.rest[i][word as usize].load(Relaxed)",
            "self.rest[i][word as usize / RESTS].load(Relaxed)",
        )],
        expect: Killed("lib::state::revision_slot::tests::a_revision_comes_out_as_it_went_in"),
    },
    Fault {
        id: "later-refusal-without-validation",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "Decision::Keep(kept) if self.epoch.validate(seen) =>",
            "Decision::Keep(kept) if state.limits != 0 || self.epoch.validate(seen) =>",
        )],
        expect: Killed("later_limits::a_late_refusal_is_of_one_version"),
    },
    Fault {
        id: "later-lost-race-is-granted",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "return Err(Miss::Lost);",
            "if state.limits != 0 {\n return Ok(Ok(answer));\n }\n return Err(Miss::Lost);",
        )],
        expect: Killed("later_limits::two_takes_are_both_debited"),
    },
    Fault {
        id: "later-lost-race-not-decided-anew",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "if !self.epoch.publish(seen, index) {",
            "let mut seen = seen;\n while state.limits != 0 && !self.epoch.publish(seen, index) {\n seen = self.epoch.load();\n }\n if state.limits == 0 && !self.epoch.publish(seen, index) {",
        )],
        expect: Killed("later_limits::two_takes_are_both_debited"),
    },
    Fault {
        id: "later-without-a-claim",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "spare.or_else(|| self.slots.claim())",
            "spare.or_else(|| if state.limits == 0 { self.slots.claim() } else { Some(1) })",
        )],
        expect: Killed("later_limits::two_takes_are_both_debited"),
    },
    Fault {
        id: "later-not-written",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "slot.write(&next);",
            "if state.limits == 0 {\n slot.write(&next);\n }",
        )],
        expect: Killed("later_limits::two_takes_are_both_debited"),
    },
    Fault {
        id: "later-written-after-it-is-published",
        edits: &[
            edit(
                "state/published.rs",
                "pub(crate) fn conclude<",
                "slot.write(&next);",
                "if state.limits == 0 {\n slot.write(&next);\n }",
            ),
            edit(
                "state/published.rs",
                "pub(crate) fn conclude<",
                "*spare = Some(seen.index());",
                "if state.limits != 0 {\n slot.write(&next);\n }\n *spare = Some(seen.index());",
            ),
        ],
        expect: Killed("later_limits::a_reader_beside_takes_sees_one_version"),
    },
    Fault {
        id: "later-old-slot-released-before-publishing",
        edits: &[
            edit(
                "state/published.rs",
                "pub(crate) fn conclude<",
                "if !self.epoch.publish(seen, index) {",
                "if state.limits != 0 {\n self.slots.release(seen.index());\n }\n if !self.epoch.publish(seen, index) {",
            ),
            edit(
                "state/published.rs",
                "pub(crate) fn conclude<",
                "*spare = Some(seen.index());",
                "*spare = if state.limits == 0 { Some(seen.index()) } else { None };",
            ),
        ],
        expect: Killed("later_limits::a_reader_beside_takes_sees_one_version"),
    },
    Fault {
        id: "later-spare-not-swapped",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "*spare = Some(seen.index());",
            "if state.limits == 0 {\n *spare = Some(seen.index());\n }",
        )],
        expect: Killed("later_limits::a_reader_beside_takes_sees_one_version"),
    },
    Fault {
        id: "limits-read-apart-from-the-words",
        edits: &[edit(
            "state/multi.rs",
            "pub(crate) fn snapshot(&self, now: Time)",
            "limits,\n            configured,",
            "limits,\n            configured: { let _ = configured; self.configured() },",
        )],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "change-uses-a-reading-that-was-overtaken",
        edits: &[edit("state/multi.rs", "fn change(", "readings < MOST_READINGS &&", "readings == 0 &&")],
        expect: Killed("set_limits::a_change_is_no_older_than_what_it_has_seen"),
    },
    Fault {
        id: "change-of-limits-that-were-left",
        edits: &[edit("state/multi.rs", "fn change(", "if !self.is_under(", "if N > 8 && !self.is_under(")],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    Fault {
        id: "change-of-limits-with-the-same-index",
        edits: &[edit("state/multi.rs", "fn is_under(", "slot.number() == old.number", "slot.number() >= old.number")],
        expect: Killed("later_limits::a_change_beside_two_others_sees_that_its_limits_were_left"),
    },
    Fault {
        id: "change-lost-race-is-done",
        edits: &[edit(
            "state/multi.rs",
            "fn change(",
            "Err(miss) => backoff",
            "Err(Miss::Lost) => return Ok(()),\n                Err(miss) => backoff",
        )],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    Fault {
        id: "change-not-settled-anew",
        edits: &[edit(
            "state/published.rs",
            "pub(crate) fn conclude<",
            "if !self.epoch.publish(seen, index) {",
            "let (mut seen, change) = (seen, next.limits != state.limits);\n while change && !self.epoch.publish(seen, index) {\n seen = self.epoch.load();\n }\n if !change && !self.epoch.publish(seen, index) {",
        )],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    Fault {
        id: "change-limits-not-written",
        edits: &[edit(
            "state/multi.rs",
            "fn change(",
            "slot.write(succession.revision(), &configured);",
            "let _ = slot;",
        )],
        expect: Killed("set_limits::a_snapshot_beside_a_change_is_of_one_version"),
    },
    Fault {
        id: "change-places-that-came-nearer-not-written",
        edits: &[edit("state/multi.rs", "fn change(", "if accrued != revision.accrued {", "if N > 8 {")],
        expect: Killed("tests/inherit::what_is_added_pays_off_a_debt_and_those_who_wait_come_nearer_by_as_much"),
    },
    Fault {
        id: "change-names-the-first-limits",
        edits: &[edit(
            "state/multi.rs",
            "fn change(",
            "limits_name::of(index, revision.limits.is_paused())",
            "limits_name::FIRST + 0 * limits_name::of(index, revision.limits.is_paused())",
        )],
        expect: Killed("set_limits::a_change_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "change-old-limits-forgotten",
        edits: &[edit(
            "state/multi.rs",
            "fn change(",
            "Ok(Ok(())) =>",
            "Ok(Ok(())) => None,\n                Ok(Ok(())) =>",
        )],
        expect: Killed("set_limits::a_revision_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "change-old-slot-forgotten",
        edits: &[edit("state/multi.rs", "fn change(", "self.words.retire(spare);", "")],
        expect: Killed("set_limits::a_revision_that_was_replaced_is_used_again"),
    },
    Fault {
        id: "change-that-was-refused-is-done",
        edits: &[edit("state/multi.rs", "fn change(", "Ok(answer) => return answer,", "Ok(_) => return Ok(()),")],
        expect: Killed("tests/debts::a_change_to_a_limit_that_cannot_keep_the_debt_is_refused_and_changes_nothing"),
    },
    Fault {
        id: "pause-keeps-the-slot-of-its-limits",
        edits: &[edit(
            "state/multi.rs",
            "fn change(",
            "Ok(Ok(())) => limits_name::slot(before.limits),",
            "Ok(Ok(())) if limits_name::is_paused(before.limits) => None,\n                Ok(Ok(())) => limits_name::slot(before.limits),",
        )],
        expect: Killed("tests/allocation::a_hundred_pauses_allocate_nothing"),
    },
    Fault {
        id: "change-keeps-its-slot-over-the-clock",
        edits: &[
            edit(
                "state/multi.rs",
                "fn change(",
                "readings += 1;",
                "readings += 1;\n            let held = self.words.claim();",
            ),
            edit(
                "state/multi.rs",
                "fn change(",
                "let (mut spare, claimed) =",
                "self.words.retire(held);\n            let (mut spare, claimed) =",
            ),
        ],
        expect: Killed("lib::state::multi::tests::nothing_is_claimed_while_a_change_reads_the_clock"),
    },
    Fault {
        id: "change-keeps-its-revision-over-the-clock",
        edits: &[
            edit(
                "state/multi.rs",
                "fn change(",
                "readings += 1;",
                "readings += 1;\n            let held = self.revisions.claim();",
            ),
            edit(
                "state/multi.rs",
                "fn change(",
                "let (mut spare, claimed) =",
                "self.revisions.release(held.unwrap_or(0));\n            let (mut spare, claimed) =",
            ),
        ],
        expect: Killed("lib::state::multi::tests::nothing_is_claimed_while_a_change_reads_the_clock"),
    },
    Fault {
        id: "change-without-a-claim",
        edits: &[edit("state/multi.rs", "fn change(", "self.revisions.claim())", "self.revisions.claim().map(|_| 0))")],
        expect: Killed("set_limits::two_changes_come_one_after_the_other"),
    },
    // Those who sleep.
    Fault {
        id: "change-wakes-nobody",
        edits: &[edit("state/multi.rs", "pub(crate) fn set_limits(", "self.limits_changed.notify();", "")],
        expect: Killed("waking::who_waits_for_a_reservation_beside_a_change_is_woken"),
    },
    Fault {
        id: "change-wakes-before-it-is-published",
        edits: &[
            edit("state/multi.rs", "pub(crate) fn set_limits(", "self.limits_changed.notify();", ""),
            edit(
                "state/multi.rs",
                "pub(crate) fn set_limits(",
                "let limits = limits_of(configured, Time::ZERO)?;",
                "let limits = limits_of(configured, Time::ZERO)?;\n self.limits_changed.notify();",
            ),
        ],
        expect: Killed("waking::who_waits_for_a_reservation_beside_a_change_is_woken"),
    },
    Fault {
        id: "resume-wakes-nobody",
        edits: &[edit("state/multi.rs", "pub(crate) fn resume(", "self.limits_changed.notify();", "")],
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
    // Pauses.
    Fault {
        id: "pause-grants-what-is-there",
        edits: &[edit("bucket/verbs.rs", "pub(crate) fn take_here", "move |limits| limits.pause_left(now),", "|_| 0,")],
        expect: Killed("set_limits::a_pause_beside_a_take_comes_before_or_after_it"),
    },
    Fault {
        id: "pause-grants-items",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn take_items",
            "move |limits| limits.pause_left(now),",
            "|_| 0,",
        )],
        expect: Killed("tests/pause::while_paused_nothing_is_granted_by_any_verb"),
    },
];
