//! Faults in the table of keys: cells, groups, terms, and what was evicted.

use crate::fault::Expect::{Harmless, Killed};
use crate::fault::{Fault, edit};

const WORD_CELL: &str = "impl Cell<1> for Word {";
const WORD_CELL_WITHDRAW: &str = "fn withdraw(&self) {
        // ORDERING";
const WORD_CELL_OPEN: &str = "fn open(&self, Claimed(word): Claimed)";
const WORD_CELL_UPDATE: &str = "change: impl Fn(&[u64; 1]) -> Option<([u64; 1], R)>,";
const WORD_CELL_CLOSE: &str = "fn close(&self, full: impl FnOnce(&[u64; 1]) -> Option<u64>) -> bool {";
const GROUP_PUT_IN: &str = "pub(crate) fn put_in<const N: usize>";
const GROUP_CLOSE: &str = "pub(crate) fn close<const N: usize>";
const KEYS_ADD: &str = "fn add(&self";

pub(super) const FAULTS: &[Fault] = &[
    // Keys: the cell.
    Fault {
        id: "cell-load-relaxed",
        edits: &[edit("keyed/cell.rs", "fn load(&self) -> u64", "self.0.load(Acquire)", "self.0.load(Relaxed)")],
        expect: Killed("keys::a_cell_that_is_another_keys_by_now_is_left_alone"),
    },
    Fault {
        id: "cell-claim-as-load-and-store",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL,
            "self.0.compare_exchange(word, Self::state(CLAIMED, word), Acquire, Relaxed).is_ok()",
            "{
                self.0.store(Self::state(CLAIMED, word), Relaxed);
                true
            }",
        )],
        expect: Killed("keys::two_keys_in_one_group_are_both_there"),
    },
    Fault {
        id: "cell-never-withdrawn",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL_WITHDRAW,
            "self.0.store(Self::state(VACANT, word), Release);",
            "let _ = word;",
        )],
        expect: Killed("keys::what_one_thread_did_not_need_the_next_one_gets"),
    },
    Fault {
        id: "cell-withdrawn-without-looking",
        edits: &[edit("keyed/cell.rs", WORD_CELL_WITHDRAW, "self.0.load(Relaxed)", "0")],
        expect: Killed("lib::keyed::cell::tests::a_cell_is_not_opened_by_an_old_claim"),
    },
    Fault {
        id: "cell-open-relaxed",
        edits: &[edit("keyed/cell.rs", WORD_CELL_OPEN, "Release, Relaxed", "Relaxed, Relaxed")],
        expect: Killed("keys::a_cell_that_is_another_keys_by_now_is_left_alone"),
    },
    Fault {
        id: "cell-open-whatever-is-there",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL_OPEN,
            "let _ = self.0.compare_exchange(word, Self::state(UNBORN, word), Release, Relaxed);",
            "self.0.store(Self::state(UNBORN, word), Release);",
        )],
        expect: Killed("keys::a_key_begins_once"),
    },
    Fault {
        id: "cell-update-as-load-and-store",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL_UPDATE,
            "self.0.compare_exchange_weak(word, Self::spent(next), Relaxed, Relaxed).is_ok()",
            "{
                let same = self.0.load(Relaxed) == word;
                if same {
                    self.0.store(Self::spent(next), Release);
                }
                same
            }",
        )],
        expect: Killed("keys::a_take_beside_the_removal_of_its_key_is_not_lost"),
    },
    Fault {
        id: "cell-update-into-a-vacant-cell",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL_UPDATE,
            "Says::Vacant | Says::Claimed => return Err(Closed),",
            "Says::Vacant | Says::Claimed => full(),",
        )],
        expect: Killed("keys::a_take_beside_the_removal_of_its_key_is_not_lost"),
    },
    Fault {
        id: "cell-update-without-asking-whose",
        edits: &[edit("keyed/cell.rs", WORD_CELL_UPDATE, "if !mine() {", "if false {")],
        expect: Killed("keys::a_cell_that_is_another_keys_by_now_is_left_alone"),
    },
    Fault {
        id: "cell-close-relaxed",
        edits: &[edit("keyed/cell.rs", WORD_CELL_CLOSE, "Release, Relaxed", "Relaxed, Relaxed")],
        expect: Killed("keys::a_key_made_anew_knows_since_when_it_was_full"),
    },
    Fault {
        id: "cell-close-as-load-and-store",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL_CLOSE,
            "self.0.compare_exchange(word, Self::state(VACANT, times), Release, Relaxed).is_ok()",
            "{
                let same = self.0.load(Relaxed) == word;
                if same {
                    self.0.store(Self::state(VACANT, times), Release);
                }
                same
            }",
        )],
        expect: Killed("keys::a_take_beside_the_removal_of_its_key_is_not_lost"),
    },
    Fault {
        id: "cell-versions-update-a-vacant-cell",
        edits: &[edit(
            "keyed/cell.rs",
            "let mut spare = None;\n        let changed = loop {",
            "let Ok((seen, words)) = self.seen() else { break Err(Closed) };",
            "let (seen, words) = self.seen().unwrap_or_else(|_| (self.epoch.load(), Some([0; N])));",
        )],
        expect: Killed("keys::a_take_of_two_streams_beside_the_removal_of_its_key_is_not_lost"),
    },
    // Keys: the group.
    Fault {
        id: "group-key-looked-for-on-its-own-line-alone",
        edits: &[edit(
            "keyed/group.rs",
            "pub(crate) fn find<R>",
            "others > self.reach.load(Relaxed) as usize",
            "others > 0",
        )],
        expect: Killed("keys::two_keys_in_one_group_are_both_there"),
    },
    Fault {
        id: "group-hash-written-relaxed",
        edits: &[edit(
            "keyed/group.rs",
            GROUP_PUT_IN,
            "entry.hash.swap(identity(hash), Release)",
            "entry.hash.swap(identity(hash), Relaxed)",
        )],
        expect: Killed("keys::a_key_that_was_given_back_to_and_moved_knows_what_it_had_spent"),
    },
    Fault {
        id: "group-reach-not-noted",
        edits: &[edit(
            "keyed/group.rs",
            GROUP_PUT_IN,
            "self.reach.fetch_max(others as u32, Relaxed);",
            "let _ = others;",
        )],
        expect: Killed("keys::two_keys_in_one_group_are_both_there"),
    },
    Fault {
        id: "group-put-in-without-looking",
        edits: &[edit(
            "keyed/group.rs",
            GROUP_PUT_IN,
            "if self.is_there(hash) {\n                entry",
            "if false {\n                entry",
        )],
        expect: Killed("keys::a_key_begins_once"),
    },
    Fault {
        id: "group-put-in-over-what-was-not-seen",
        edits: &[edit(
            "keyed/group.rs",
            GROUP_PUT_IN,
            "self.epoch.publish(seen, index)",
            "self.epoch.publish(self.settled(), index) && seen == seen",
        )],
        expect: Killed("keys::a_key_begins_once"),
    },
    Fault {
        id: "group-claim-opened-before-it-is-put-in",
        edits: &[edit("keyed/group.rs", "fn settled<const N: usize>", "if self.epoch.validate(seen) {", "if true {")],
        expect: Killed("keys::a_claim_of_a_cell_that_went_is_not_taken_for_the_last_one"),
    },
    Fault {
        id: "group-epoch-not-settled",
        edits: &[edit(
            "keyed/group.rs",
            "fn settled<const N: usize>",
            "cell.open(claimed);",
            "let _ = (cell, claimed);",
        )],
        expect: Killed("keys::a_key_begins_once"),
    },
    Fault {
        id: "group-looked-through-as-far-as-the-own-line",
        edits: &[edit("keyed/group.rs", "fn is_there<const N: usize>", "self.reach.load(Relaxed) as usize", "0")],
        expect: Killed("keys::a_key_that_lies_further_is_not_put_in_again"),
    },
    Fault {
        id: "group-hash-read-relaxed",
        edits: &[edit(
            "keyed/group.rs",
            "fn is_there<const N: usize>",
            "entry.hash.load(Acquire)",
            "entry.hash.load(Relaxed)",
        )],
        expect: Killed("keys::a_key_that_moved_knows_since_when_it_was_full"),
    },
    Fault {
        id: "group-given-back-forgotten",
        edits: &[
            edit("keyed/group.rs", GROUP_CLOSE, "hash.load(Relaxed) & GIVEN_BACK != 0", "false"),
            edit("keyed/group.rs", GROUP_CLOSE, "!given_back && hash.fetch_add(0, Release) & GIVEN_BACK != 0", "false"),
        ],
        expect: Killed("keys::a_word_that_was_gone_back_from_does_not_come_again"),
    },
    Fault {
        id: "group-closed-while-the-epoch-names-it",
        edits: &[edit("keyed/group.rs", GROUP_CLOSE, "seen.index() != index", "seen == seen")],
        expect: Killed("keys::a_claim_of_a_cell_that_went_is_not_taken_for_the_last_one"),
    },
    Fault {
        id: "group-whose-it-is-not-read",
        edits: &[edit("keyed/group.rs", "pub(crate) fn at<R>", "hash.load(Relaxed)", "0")],
        expect: Killed("lib::keyed::group::tests::what_was_given_back_is_known_until_the_key_goes"),
    },
    Fault {
        id: "group-owned-by-whoever",
        edits: &[edit(
            "keyed/group.rs",
            "pub(crate) fn still",
            "identity(self.hash.load(Relaxed)) == self.identity",
            "true",
        )],
        expect: Killed("keys::a_cell_that_is_another_keys_by_now_is_left_alone"),
    },
    Fault {
        id: "group-given-back-not-said",
        edits: &[edit(
            "keyed/group.rs",
            "pub(crate) fn give_back",
            "let _ = self.hash.compare_exchange(self.identity, self.identity | GIVEN_BACK, Acquire, Acquire);",
            "",
        )],
        expect: Killed("keys::a_word_that_was_gone_back_from_does_not_come_again"),
    },
    Fault {
        id: "group-given-back-without-fence",
        edits: &[edit("keyed/group.rs", "pub(crate) fn give_back", "fence(Release);", "")],
        expect: Harmless {
            model: "keys::a_key_that_is_given_back_to_beside_its_removal_stays",
            reason: "under loom: the two read-modify-writes of a hash, and that of the words, happen in the order in which loom runs them; a machine may swap the two of one thread",
        },
    },
    Fault {
        id: "group-given-back-seen-relaxed",
        edits: &[edit("keyed/group.rs", "pub(crate) fn give_back", "Acquire, Acquire", "Relaxed, Relaxed")],
        expect: Killed("keys::a_key_that_is_given_back_to_beside_its_removal_stays"),
    },
    Fault {
        id: "group-looked-at-relaxed",
        edits: &[edit("keyed/group.rs", GROUP_CLOSE, "hash.fetch_add(0, Release)", "hash.fetch_add(0, Relaxed)")],
        expect: Killed("keys::a_key_that_is_given_back_to_beside_its_removal_stays"),
    },
    Fault {
        id: "group-given-back-meanwhile",
        edits: &[edit(
            "keyed/group.rs",
            GROUP_CLOSE,
            "!given_back && hash.fetch_add(0, Release) & GIVEN_BACK != 0",
            "false",
        )],
        expect: Killed("lib::keyed::group::tests::a_key_that_is_given_back_to_while_it_is_looked_at_stays"),
    },
    Fault {
        id: "group-full-without-looking-whether-it-is-there",
        edits: &[edit(
            "keyed/group.rs",
            GROUP_PUT_IN,
            "return if self.is_there(hash) { Ok(false) } else { Err(Full) };",
            "return Err(Full);",
        )],
        expect: Killed("lib::keyed::table::tests::where_a_group_is_full_all_of_it_is_looked_at"),
    },
    Fault {
        id: "group-moved-on-before-it-is-opened",
        edits: &[edit("keyed/group.rs", GROUP_CLOSE, "self.settled()", "self.epoch.load()")],
        expect: Killed("keys::a_key_that_comes_while_the_last_one_is_looked_at_is_there"),
    },
    Fault {
        id: "cell-begins-with-the-last-word",
        edits: &[edit(
            "keyed/cell.rs",
            WORD_CELL_UPDATE,
            "if begins && [next] == spent",
            "if false && [next] == spent",
        )],
        expect: Killed("lib::keyed::cell::tests::no_key_begins_with_the_word_that_the_last_one_ended_with"),
    },
    // Keys: how many there are, and what those had spent that went.
    Fault {
        id: "table-everybody-looks-at-the-first",
        edits: &[edit("keyed/table.rs", "pub(crate) fn in_turn", "self.next.fetch_add(cells, Relaxed)", "0_u64")],
        expect: Harmless {
            model: "keys::a_removed_key_makes_room_once",
            reason: "which cells are looked at changes when keys go, not what they hold",
        },
    },
    Fault {
        id: "keys-len",
        edits: &[edit(
            "keyed/keys.rs",
            "pub(crate) fn len",
            "self.count.load(Relaxed)",
            "self.count.fetch_add(0, Relaxed)",
        )],
        expect: Harmless { model: "keys::a_key_begins_once", reason: "only a number to look at" },
    },
    Fault {
        id: "keys-full-at-the-time-of-the-call",
        edits: &[edit("keyed/evicted.rs", "fn least", "self.0[i].load(Relaxed)", "unused[i]")],
        expect: Killed("keys::a_key_made_anew_knows_since_when_it_was_full"),
    },
    Fault {
        id: "keys-words-back-before-the-evicted",
        edits: &[edit("keyed/evicted.rs", "fn behind", "self.0[i].load(Relaxed)", "words[i].wrapping_sub(1)")],
        expect: Killed("lib::keyed::evicted::tests::the_most_that_was_spent_is_kept"),
    },
    Fault {
        id: "keys-count-as-load-and-store",
        edits: &[edit(
            "keyed/keys.rs",
            KEYS_ADD,
            "let counted = self.count.fetch_update(Relaxed, Relaxed, |count| (count < self.most).then_some(count + 1));",
            "let count = self.count.load(Relaxed);
        let counted = if count < self.most { Ok(self.count.store(count + 1, Relaxed)) } else { Err(()) };",
        )],
        expect: Killed("keys::two_keys_in_a_room_for_one_are_not_both_added"),
    },
    Fault {
        id: "keys-full-since-is-forgotten",
        edits: &[edit(
            "keyed/evicted.rs",
            "fn note",
            "word.fetch_update(Relaxed, Relaxed, |seen| (!is_ahead(seen, *spent)).then_some(*spent))",
            "(word, spent)",
        )],
        expect: Killed("keys::a_key_made_anew_knows_since_when_it_was_full"),
    },
    Fault {
        id: "keys-evicted-as-load-and-store",
        edits: &[edit(
            "keyed/evicted.rs",
            "fn note",
            "word.fetch_update(Relaxed, Relaxed, |seen| (!is_ahead(seen, *spent)).then_some(*spent))",
            "Some(word.load(Relaxed)).filter(|seen| !is_ahead(*seen, *spent)).map(|_| word.store(*spent, Relaxed))",
        )],
        expect: Killed("keys::of_two_keys_that_are_removed_at_once_the_one_that_had_spent_more_is_kept"),
    },
    Fault {
        id: "keys-evicted-pushed-back",
        edits: &[edit(
            "keyed/key_tier.rs",
            "fn close_full_in",
            "later(spent[i], Evicted::<N>::oldest(unused[i]))",
            "spent[i]",
        )],
        expect: Killed("tests/keyed::keys_that_were_idle_for_a_month_do_not_make_the_evicted_forgotten"),
    },
    Fault {
        id: "keys-not-counted-out",
        edits: &[edit("keyed/keys.rs", "fn uncount", "self.count.fetch_sub(1, Relaxed);", "")],
        expect: Killed("keys::a_removed_key_makes_room_once"),
    },
    Fault {
        id: "keys-counted-out-by-whoever-looked",
        edits: &[edit(
            "keyed/keys.rs",
            "fn close_full(&self, tier: &Tier<N>, group: &Group<CellOf<N>>, index: usize, now: Time) {",
            "if tier.close_full(group, index, now) {",
            "tier.close_full(group, index, now);\n {",
        )],
        expect: Killed("keys::a_removed_key_makes_room_once"),
    },
    // Keys: their limits.
    Fault {
        id: "terms-place-is-not-written",
        edits: &[edit(
            "keyed/terms_slot.rs",
            "pub(crate) fn write",
            "word.store(value, Relaxed);",
            "let _ = (word, value);",
        )],
        expect: Killed("key_limits::a_take_beside_a_change_is_decided_on_one_of_the_limits"),
    },
    Fault {
        id: "terms-place-is-not-read",
        edits: &[edit(
            "keyed/terms_slot.rs",
            "pub(crate) fn terms",
            "[0, 1, 2, 3].map(|word: usize| self.places[i][word].load(Relaxed))",
            "[0, 0, 0, 0]",
        )],
        expect: Killed("key_limits::a_take_beside_a_change_is_decided_on_one_of_the_limits"),
    },
    Fault {
        id: "terms-without-validation",
        edits: &[edit(
            "keyed/key_limits.rs",
            "fn read_at<V>",
            "self.epoch.validate(seen).then_some(value)",
            "Some(value)",
        )],
        expect: Killed("key_limits::a_late_reader_sees_through_terms_that_are_used_again"),
    },
    Fault {
        id: "key-limits-not-looked-at",
        edits: &[edit("keyed/key_limits.rs", "pub(crate) fn first", "self.epoch.load().index() == FIRST", "true")],
        expect: Killed("key_limits::after_a_change_nobody_is_granted_on_the_old_limits"),
    },
    Fault {
        id: "key-limits-published-over-what-was-not-seen",
        edits: &[edit(
            "keyed/key_limits.rs",
            "pub(crate) fn change",
            "self.epoch.publish(seen, index)",
            "self.epoch.publish(self.epoch.load(), index)",
        )],
        expect: Killed("key_limits::two_changes_at_once_are_one_after_the_other"),
    },
    Fault {
        id: "keys-put-back-into-a-key-that-is-not-there",
        edits: &[edit(
            "keyed/keys.rs",
            "fn change_known_or_add",
            "!(0..N).any(|i| is_later(next[i], full[i]))",
            "true",
        )],
        expect: Killed("keys::a_key_begins_once"),
    },
];
