//! Faults in the verbs of the buckets and in handles.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

const WORD_UPDATE: &str = "fn update<R>(&self, change: impl Fn(u64)";

pub(super) const FAULTS: &[Fault] = &[
    // The loop over versions.
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
    // Places in the queue.
    Fault {
        id: "charge-only-what-is-there",
        edits: &[edit("bucket/token.rs", "pub fn charge(self", "limits.furthest_debts()", "[0; 1]")],
        expect: Killed("reservation::a_charge_racing_a_take_comes_before_or_after_it"),
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
];
