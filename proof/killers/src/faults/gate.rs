//! Faults in gates: one decision over several buckets.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

const TAKE: &str = "fn take(&self, (narrower, at): &Self::Moments) -> Result<Self::Holds, Self::Looks> {";
const GIVE_BACK: &str = "fn give_back(&self, (narrower, hold): &Self::Holds) {";
const PUT_BACK: &str = "fn put_back(&self, (narrower, hold): &Self::Holds) {";
const ATTEMPT: &str = "fn attempt(&self, (narrower, look): &mut Self::Looks) -> bool {";

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "gate-widest-first",
        edits: &[
            edit(
                "gate/list.rs",
                TAKE,
                "let holds = match self.narrower.take(narrower) {",
                "let holds = match Ok(()) {",
            ),
            edit(
                "gate/list.rs",
                TAKE,
                "=> Ok((holds, Hold { at, taken: self.tokens, left, held })),",
                "=> match self.narrower.take(narrower) {
                    Ok(holds) => Ok((holds, Hold { at, taken: self.tokens, left, held })),
                    Err(looks) => {
                        let () = holds;
                        self.limit.put_back(at.now, &self.tokens, held);
                        Err((looks, Look::of(at, self.limit.look(at, &self.tokens))))
                    }
                },",
            ),
            edit("gate/list.rs", TAKE, "self.narrower.give_back(&holds);", ""),
        ],
        expect: Killed("gate::a_gate_that_is_refused_never_holds_the_widest"),
    },
    Fault {
        id: "gate-lost-race-keeps-what-it-took",
        edits: &[edit("gate/list.rs", TAKE, "self.narrower.give_back(&holds);", "let _ = holds;")],
        expect: Killed("gate::gates_in_opposite_orders_may_both_lose_and_lose_no_token"),
    },
    Fault {
        id: "gate-lost-race-gives-back-the-first-first",
        edits: &[
            edit("gate/list.rs", GIVE_BACK, "self.narrower.give_back(narrower);", ""),
            edit(
                "gate/list.rs",
                GIVE_BACK,
                "if self.charge == Charge::OnAdmission {",
                "self.narrower.give_back(narrower);\n        if self.charge == Charge::OnAdmission {",
            ),
        ],
        expect: Killed("tests/gate_races::a_lost_race_gives_back_the_last_first"),
    },
    Fault {
        id: "gate-puts-back-the-first-first",
        edits: &[
            edit("gate/list.rs", PUT_BACK, "self.narrower.put_back(narrower);", ""),
            edit(
                "gate/list.rs",
                PUT_BACK,
                "self.put_one_back(hold);",
                "self.narrower.put_back(narrower);\n        self.put_one_back(hold);",
            ),
        ],
        expect: Killed("tests/gate::what_is_put_back_goes_back_the_widest_first"),
    },
    Fault {
        id: "gate-does-not-look",
        edits: &[edit("gate/gate.rs", "pub(crate) fn try_take<", "if limits.fit(&moments) {", "if true {")],
        expect: Killed("tests/gate::a_refusal_writes_nothing_to_any_limit"),
    },
    Fault {
        id: "gate-peek-always-grants",
        edits: &[edit(
            "gate/gate.rs",
            "pub(crate) fn peek<",
            "if looks.all_grant() {",
            "if looks.all_grant() || true {",
        )],
        expect: Killed("tests/gate::a_gate_agrees_with_exact_buckets_that_are_taken_from_all_or_nothing"),
    },
    Fault {
        id: "gate-look-ignores-the-line",
        edits: &[edit("gate/plain.rs", "fn look<const N: usize>(", "refused: in_line.or(refused)", "refused")],
        expect: Killed("tests/gate_races::a_look_overtakes_nobody_and_a_refusal_writes_nothing"),
    },
    Fault {
        id: "gate-first-look-ignores-the-line",
        edits: &[edit(
            "gate/plain.rs",
            "fn fits<const N: usize>(",
            "if refusal_in_line(store, at, amounts).is_some() {",
            "if false {",
        )],
        expect: Killed("tests/gate_races::a_look_overtakes_nobody_and_a_refusal_writes_nothing"),
    },
    Fault {
        id: "gate-reads-no-clock",
        edits: &[edit(
            "gate/list.rs",
            "fn moments(&self, manner: Manner) -> Self::Moments {",
            "supplied.unwrap_or_else(|| self.limit.clock().now())",
            "supplied.unwrap_or(crate::clock::time::Time::ZERO)",
        )],
        expect: Killed("tests/gate::limits_are_each_decided_at_their_own_clock"),
    },
    Fault {
        id: "gate-refusal-says-what-the-look-saw",
        edits: &[edit(
            "gate/list.rs",
            TAKE,
            "Look::of(at, found)))",
            "Look::of(at, Found { left: self.tokens, ..found })))",
        )],
        expect: Killed("tests/gate_races::a_lost_race_gives_back_what_narrow_limits_gave"),
    },
    Fault {
        id: "gate-wait-forgets-the-attempt",
        edits: &[edit(
            "gate/seen.rs",
            "impl<T: AsRef<[u64]>, R: Cause> Entry for Look<T, R> {",
            "self.found.refused.as_ref().map_or(Some(Duration::ZERO), Cause::known_wait)",
            "self.refused().map_or(Some(Duration::ZERO), Cause::known_wait)",
        )],
        expect: Killed("tests/gate::the_wait_of_a_refusal_counts_the_attempt"),
    },
    Fault {
        id: "gate-stream-waits-as-long-as-its-limit",
        edits: &[edit(
            "gate/limited.rs",
            "impl<const N: usize> Cause for",
            "refusal.waits()[stream]",
            "refusal.wait()",
        )],
        expect: Killed("tests/gate::each_stream_of_a_refusal_says_its_own_wait"),
    },
    Fault {
        id: "gate-correction-begins-anew",
        edits: &[edit(
            "gate/list.rs",
            "impl<L: Limits, B: Steps> Limits for",
            "hold.taken = tokens;",
            "let _ = tokens;",
        )],
        expect: Killed("tests/gate::a_correction_begins_where_the_last_one_ended"),
    },
    Fault {
        id: "gate-correction-that-failed-counts",
        edits: &[edit("gate/list.rs", "impl<L: Limits, B: Steps> Limits for", "if refused.is_none() {", "if true {")],
        expect: Killed("tests/gate::a_correction_begins_where_the_last_one_ended"),
    },
    Fault {
        id: "gate-key-names-another-tier",
        edits: &[edit(
            "gate/key.rs",
            "fn configured(",
            "table.read(self.key, tier,",
            "table.read(self.key, (tier + 1) % self.buckets.tiers(),",
        )],
        expect: Killed("tests/gate_owned::a_limit_of_a_gate_names_the_limits_of_the_keys_own_tier"),
    },
    Fault {
        id: "gate-wait-is-not-the-longest",
        edits: &[edit("gate/refused.rs", "pub fn wait(", "Some(longest.max(wait?))", "Some(longest.min(wait?))")],
        expect: Killed("tests/gate::a_gate_agrees_with_exact_buckets_that_are_taken_from_all_or_nothing"),
    },
    Fault {
        id: "gate-attempt-does-not-count",
        edits: &[edit("gate/gate.rs", "pub(crate) fn try_take<", "limits.attempt(&mut looks);", "let _ = &mut looks;")],
        expect: Killed("tests/gate::an_attempt_counts_up_to_the_first_limit_that_refuses"),
    },
    Fault {
        id: "gate-attempt-counts-behind-a-refusal",
        edits: &[edit(
            "gate/list.rs",
            ATTEMPT,
            "if !self.narrower.attempt(narrower) ||",
            "if !(self.narrower.attempt(narrower) || true) ||",
        )],
        expect: Killed("tests/gate::an_attempt_counts_up_to_the_first_limit_that_refuses"),
    },
    Fault {
        id: "gate-admission-counts-as-an-attempt",
        edits: &[edit("gate/list.rs", ATTEMPT, "if self.charge == Charge::OnAttempt {", "if true {")],
        expect: Killed("tests/gate::an_attempt_counts_up_to_the_first_limit_that_refuses"),
    },
    Fault {
        id: "gate-attempt-goes-back-on-a-lost-race",
        edits: &[edit("gate/list.rs", GIVE_BACK, "if self.charge == Charge::OnAdmission {", "if true {")],
        expect: Killed("tests/gate_races::a_lost_race_counts_as_an_attempt_where_attempts_count"),
    },
    Fault {
        id: "gate-waits-in-vain",
        edits: &[edit(
            "gate/gate_wait.rs",
            "fn in_time<",
            "if L::may_come(&looks, timeout) =>",
            "if L::may_come(&looks, timeout) || true =>",
        )],
        expect: Killed("tests/gate_waiting::a_wait_that_cannot_end_in_time_is_refused_at_once_and_takes_nothing"),
    },
    Fault {
        id: "gate-waits-in-vain-for-what-never-refills",
        edits: &[edit(
            "gate/wait.rs",
            "fn may_come((narrower",
            "refused.known_wait().is_some_and(",
            "refused.known_wait().is_none_or(",
        )],
        expect: Killed("tests/gate_waiting::what_never_refills_is_refused_at_once_also_without_a_deadline"),
    },
    Fault {
        id: "gate-late-attempt-does-not-count",
        edits: &[edit("gate/gate_wait.rs", "fn in_time<", "limits.attempt(&mut looks);", "let _ = &mut looks;")],
        expect: Killed("tests/gate_waiting::a_wait_that_cannot_end_in_time_is_refused_at_once_and_takes_nothing"),
    },
    Fault {
        id: "gate-deadline-of-its-own-for-each-limit",
        edits: &[edit(
            "gate/wait.rs",
            "let holds = self.narrower.wait_on(",
            "self.limit.wait_on(self.tokens, left(), timer)",
            "self.limit.wait_on(self.tokens, Duration::MAX, timer)",
        )],
        expect: Killed("tests/gate_waiting::one_deadline_holds_for_all_limits"),
    },
    Fault {
        id: "gate-dropped-wait-keeps-what-it-took",
        edits: &[edit("gate/wait.rs", "for GiveBack<'_, L> {", "self.limits.give_back(holds);", "let _ = holds;")],
        expect: Killed(
            "tests/gate_waiting::a_wait_that_is_dropped_gives_back_what_narrow_limits_gave_but_for_attempts",
        ),
    },
    Fault {
        id: "gate-dropped-wait-for-a-key-counts-after-its-instant",
        edits: &[edit("gate/wait.rs", "pub(crate) async fn ready<", "place.cancel();", "drop(place);")],
        expect: Killed("tests/gate_waiting::a_wait_for_a_key_that_is_dropped_takes_nothing"),
    },
    Fault {
        id: "gate-overflow-loses-what-comes-back",
        edits: &[edit(
            "gate/key.rs",
            "fn put_back(",
            "Source::Overflow => give_back(self.waitable(held), now, tokens),",
            "Source::Overflow => {}",
        )],
        expect: Killed("tests/gate_races::what_the_overflow_gave_goes_back_there"),
    },
    Fault {
        id: "gate-admits-in-debt",
        edits: &[edit("gate/plain.rs", "pub(crate) fn next<", "if at.admits {", "if false {")],
        expect: Killed("tests/admit::a_gate_admits_nobody_while_a_limit_is_in_debt"),
    },
    Fault {
        id: "gate-looks-for-no-room",
        edits: &[edit("gate/key.rs", "fn look(", ".filter(|_| !is_nothing(tokens))", ".filter(|_| false)")],
        expect: Killed("tests/gate_races::a_key_without_room_is_told_apart_and_narrower_limits_get_theirs_back"),
    },
    Fault {
        id: "no-room-for-a-microsecond-less",
        edits: &[edit("keyed/key_refused.rs", "impl NoRoom", ".since(now) + BOUNDS", ".since(now)")],
        expect: Killed("tests/gate_races::a_key_without_room_is_told_apart_and_narrower_limits_get_theirs_back"),
    },
];
