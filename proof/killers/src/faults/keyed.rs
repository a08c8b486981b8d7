//! Faults in the room of keys: counts, bounds, words, additions, and changes of limits.

use crate::fault::Expect::{Harmless, Killed};
use crate::fault::{Fault, edit};

const LOWER: &str = "pub(crate) fn lower(&self, shard: usize, bound: u64) {";
const REMEMBER: &str = "fn remember(&self, now: u64) {";
const SAYS_WHEN: &str = "tests/keyed::a_refusal_says_when_there_may_be_room";
const TOKENS_COME_BACK: &str = "keys::tokens_that_come_back_end_a_hopeless_flood";

pub(super) const FAULTS: &[Fault] = &[
    // Room: the count of keys.
    Fault {
        id: "room-claim-as-load-and-store",
        edits: &[edit(
            "keyed/room.rs",
            "pub(crate) fn claim(&self) -> bool {",
            "self.len.fetch_update(Relaxed, Relaxed, one_more).is_ok()",
            "{
                let next = one_more(self.len.load(Relaxed));
                next.into_iter().for_each(|next| self.len.store(next, Relaxed));
                next.is_some()
            }",
        )],
        expect: Killed("keys::room_for_one_is_given_once"),
    },
    Fault {
        id: "room-release-as-load-and-store",
        edits: &[edit(
            "keyed/room.rs",
            "pub(crate) fn release(&self, keys: usize) {",
            "self.len.fetch_sub(keys as u64, Relaxed);",
            "self.len.store(self.len.load(Relaxed) - keys as u64, Relaxed);",
        )],
        expect: Killed("keys::two_removals_are_both_counted"),
    },
    // Room: the bounds of the shards, and the word for all.
    Fault {
        id: "room-lower-as-load-and-store",
        edits: &[edit(
            "keyed/room.rs",
            LOWER,
            "self.bounds[shard].fetch_min(bound, Relaxed);",
            "self.bounds[shard].store(self.bounds[shard].load(Relaxed).min(bound), Relaxed);",
        )],
        expect: Killed("keys::the_lower_of_two_bounds_stays"),
    },
    Fault {
        id: "room-lower-without-fence",
        edits: &[edit("keyed/room.rs", LOWER, "fence(SeqCst);", "")],
        expect: Killed(TOKENS_COME_BACK),
    },
    Fault {
        id: "room-lower-clears-nothing",
        edits: &[edit("keyed/room.rs", LOWER, "self.hopeless.swap(0, Relaxed);", "")],
        expect: Killed(TOKENS_COME_BACK),
    },
    Fault {
        id: "room-lower-sees-no-turn",
        edits: &[edit("keyed/room.rs", LOWER, "self.hopeless.load(Relaxed) > bound", "false")],
        expect: Killed(TOKENS_COME_BACK),
    },
    Fault {
        id: "room-remember-without-fence",
        edits: &[edit("keyed/room.rs", REMEMBER, "fence(SeqCst);", "")],
        expect: Killed(TOKENS_COME_BACK),
    },
    Fault {
        id: "room-remember-stores-what-it-found",
        edits: &[edit(
            "keyed/room.rs",
            REMEMBER,
            "let _ = self.hopeless.compare_exchange(turn, first, Relaxed, Relaxed);",
            "self.hopeless.store(first, Relaxed);",
        )],
        expect: Killed(TOKENS_COME_BACK),
    },
    Fault {
        id: "room-len-is-not-read",
        edits: &[edit("keyed/room.rs", "pub(crate) fn len(&self) -> usize {", "self.len.load(Relaxed)", "0")],
        expect: Killed("keys::room_for_one_is_given_once"),
    },
    Fault {
        id: "room-bound-is-not-read",
        edits: &[edit(
            "keyed/room.rs",
            "pub(crate) fn bound(&self",
            "self.bounds[shard].load(Relaxed)",
            "NEVER - shard as u64",
        )],
        expect: Killed("keys::the_lower_of_two_bounds_stays"),
    },
    Fault {
        id: "room-bound-is-not-raised",
        edits: &[edit(
            "keyed/room.rs",
            "pub(crate) fn raise(&self",
            "self.bounds[shard].store(bound, Relaxed);",
            "let _ = (shard, bound);",
        )],
        expect: Killed(SAYS_WHEN),
    },
    Fault {
        id: "room-lower-without-looking",
        edits: &[edit("keyed/room.rs", LOWER, "self.bounds[shard].load(Relaxed) <= bound", "false")],
        expect: Harmless {
            model: "keys::the_lower_of_two_bounds_stays",
            reason: "the fetch_min after it changes nothing where the bound is lower",
        },
    },
    Fault {
        id: "room-hopeless-is-never-seen",
        edits: &[edit("keyed/room.rs", "pub(crate) fn hopeless_until(&self", "self.hopeless.load(Relaxed)", "0")],
        expect: Killed(SAYS_WHEN),
    },
    Fault {
        id: "room-turn-as-load-and-store",
        edits: &[edit(
            "keyed/room.rs",
            REMEMBER,
            "self.turns.fetch_add(1, Relaxed)",
            "{
                let turn = self.turns.load(Relaxed);
                self.turns.store(turn + 1, Relaxed);
                turn
            }",
        )],
        expect: Harmless {
            model: TOKENS_COME_BACK,
            reason: "two searches of one turn need a third thread that lowers a bound between them",
        },
    },
    Fault {
        id: "room-turn-is-not-put-in",
        edits: &[edit("keyed/room.rs", REMEMBER, "self.hopeless.store(turn, Relaxed);", "")],
        expect: Killed(SAYS_WHEN),
    },
    // The words of a key.
    Fault {
        id: "words-are-not-read",
        edits: &[edit("keyed/words.rs", "impl Words<1> for AtomicU64 {", "[self.load(Relaxed)]", "[0]")],
        expect: Killed("keys::two_takes_of_one_key_are_both_counted"),
    },
    Fault {
        id: "words-are-not-stored",
        edits: &[edit(
            "keyed/words.rs",
            "impl Words<1> for AtomicU64 {",
            "(*self).store(word, Relaxed);",
            "let _ = word;",
        )],
        expect: Killed("keys::a_take_beside_a_change_is_decided_on_one_of_the_limits"),
    },
    Fault {
        id: "words-swap-as-load-and-store",
        edits: &[edit(
            "keyed/words.rs",
            "impl Words<1> for AtomicU64 {",
            "self.compare_exchange_weak(seen[0], next[0], Relaxed, Relaxed)",
            "{
                let now = self.load(Relaxed);
                let same = now == seen[0];
                if same {
                    self.store(next[0], Relaxed);
                }
                if same { Ok(now) } else { Err(now) }
            }",
        )],
        expect: Killed("keys::two_takes_of_one_key_are_both_counted"),
    },
    Fault {
        id: "put-back-lowers-no-bound",
        edits: &[edit("keyed/table.rs", "fn note(&self", "is_lower(next, seen)", "is_lower(next, seen) && index > 2")],
        expect: Killed(TOKENS_COME_BACK),
    },
    // Keys that are added.
    Fault {
        id: "addition-without-looking-again",
        edits: &[edit(
            "keyed/upkeep.rs",
            "pub(super) fn add<Q",
            "if let Some(settled) = self.settle(&mut alone, sought, now)",
            "if let Some(settled) = self.settle(&mut alone, sought, now).filter(|_| false)",
        )],
        expect: Killed("keys::the_first_use_by_two_threads_makes_one_bucket"),
    },
    Fault {
        id: "addition-on-the-first-reading",
        edits: &[edit(
            "keyed/table.rs",
            "pub(crate) fn again(self) -> Time {",
            "self.clock.map_or(self.now, |clock| self.now.max(clock.now()))",
            "self.now",
        )],
        expect: Killed("keys::a_reading_from_before_an_eviction_adds_no_full_bucket"),
    },
    Fault {
        id: "removal-is-not-counted",
        edits: &[edit("keyed/alone.rs", "fn drop(&mut self", "self.room.release(", "let _ = (")],
        expect: Killed("keys::a_removal_ends_a_hopeless_flood"),
    },
    // Keys that are held apart.
    Fault {
        id: "apart-claim-as-load-and-store",
        edits: &[edit(
            "keyed/holding.rs",
            "fn claim_apart(&self",
            "self.held.fetch_update(Relaxed, Relaxed, one_more).is_ok()",
            "{
                let next = one_more(self.held.load(Relaxed));
                next.into_iter().for_each(|next| self.held.store(next, Relaxed));
                next.is_some()
            }",
        )],
        expect: Killed("keys::a_key_is_held_apart_once_where_one_may_be"),
    },
    Fault {
        id: "apart-release-as-load-and-store",
        edits: &[edit(
            "keyed/holding.rs",
            "fn put_among(&self",
            "self.held.fetch_sub(1, Relaxed);",
            "self.held.store(self.held.load(Relaxed) - 1, Relaxed);",
        )],
        expect: Killed("keys::two_keys_that_are_let_go_are_both_counted"),
    },
    Fault {
        id: "apart-end-is-not-read",
        edits: &[edit("keyed/holding.rs", "fn claim_apart(&self", "self.first_end.load(Relaxed)", "0")],
        expect: Harmless {
            model: "keys::a_pause_beside_a_scan_is_not_forgotten",
            reason: "it only saves a look at all shards, and before that instant a look finds nothing",
        },
    },
    Fault {
        id: "apart-turn-as-load-and-store",
        edits: &[edit(
            "keyed/holding.rs",
            "fn claim_apart(&self",
            "self.lineages.fetch_add(1, Relaxed)",
            "{
                let lineage = self.lineages.load(Relaxed);
                self.lineages.store(lineage + 1, Relaxed);
                lineage
            }",
        )],
        expect: Harmless {
            model: "keys::a_pause_beside_a_scan_is_not_forgotten",
            reason: "two scans of one turn need a third thread that registers a pause between them",
        },
    },
    Fault {
        id: "apart-turn-is-not-put-in",
        edits: &[edit("keyed/holding.rs", "fn claim_apart(&self", "self.first_end.store(turn, Relaxed);", "")],
        expect: Harmless {
            model: "keys::a_pause_beside_a_scan_is_not_forgotten",
            reason: "it only saves a look at all shards, and before that instant a look finds nothing",
        },
    },
    Fault {
        id: "apart-scan-stores-what-it-found",
        edits: &[edit(
            "keyed/holding.rs",
            "fn claim_apart(&self",
            "let _ = self.first_end.compare_exchange(turn, first.min(NEVER), Relaxed, Relaxed);",
            "self.first_end.store(first.min(NEVER), Relaxed);",
        )],
        expect: Killed("keys::a_pause_beside_a_scan_is_not_forgotten"),
    },
    Fault {
        id: "apart-pause-sees-no-turn",
        edits: &[edit("keyed/holding.rs", "fn may_end(&self", "self.first_end.load(Relaxed) > end", "false")],
        expect: Killed("keys::a_pause_beside_a_scan_is_not_forgotten"),
    },
    Fault {
        id: "apart-pause-clears-nothing",
        edits: &[edit("keyed/holding.rs", "fn may_end(&self", "self.first_end.swap(0, Relaxed);", "")],
        expect: Killed("keys::a_pause_beside_a_scan_is_not_forgotten"),
    },
    Fault {
        id: "apart-lineage-as-load-and-store",
        edits: &[edit(
            "keyed/holding.rs",
            "pub(crate) fn hold<Q>(",
            "self.lineages.fetch_add(1, Relaxed)",
            "{
                let lineage = self.lineages.load(Relaxed);
                self.lineages.store(lineage + 1, Relaxed);
                lineage
            }",
        )],
        expect: Harmless {
            model: "keys::a_key_is_held_apart_once_where_one_may_be",
            reason: "a lineage tells one stay apart of a key from another stay of that key, not two keys",
        },
    },
    // Limits that change.
    Fault {
        id: "debts-bound-is-not-read",
        edits: &[edit(
            "keyed/terms.rs",
            "pub(crate) fn get(&self) -> [u64; N] {",
            "self.0[i].load(Relaxed)",
            "u64::MAX - (i + self.0.len()) as u64",
        )],
        expect: Killed("keys::a_debt_beside_a_change_is_refused_or_kept"),
    },
    Fault {
        id: "debts-bound-is-not-set",
        edits: &[edit(
            "keyed/terms.rs",
            "pub(crate) fn set(&self",
            "word.store(tokens, Relaxed);",
            "let _ = (word, tokens);",
        )],
        expect: Killed("keys::a_debt_beside_a_change_is_refused_or_kept"),
    },
    Fault {
        id: "change-bounds-no-debts",
        edits: &[edit(
            "keyed/changes.rs",
            "pub(crate) fn change(",
            "self.bound_debts(*tier, core::array::from_fn(|i| most[i].min(new[i])));",
            "let _ = (tier, most);",
        )],
        expect: Killed("keys::a_debt_beside_a_change_is_refused_or_kept"),
    },
    Fault {
        id: "change-translates-no-word",
        edits: &[edit(
            "keyed/changes.rs",
            "fn change_shard(",
            "old[tier].translate(&terms[tier], &mut entry.words, now);",
            "let _ = (tier, entry);",
        )],
        expect: Killed("keys::a_take_beside_a_change_is_decided_on_one_of_the_limits"),
    },
    Fault {
        id: "change-lowers-no-bound",
        edits: &[edit("keyed/changes.rs", "fn change_shard(", "self.room.lower(index, bound);", "")],
        expect: Killed("keys::a_change_that_refills_sooner_ends_a_hopeless_flood"),
    },
    // The lock's twin under loom: if these survived, no model would show a missing fence.
    Fault {
        id: "lock-taken-relaxed",
        edits: &[edit(
            "sync/rw_lock.rs",
            "fn try_take(",
            "fetch_update(Acquire, Relaxed, next)",
            "fetch_update(Relaxed, Relaxed, next)",
        )],
        expect: Killed("keys::a_put_back_beside_a_sweep_lowers_the_bound"),
    },
    Fault {
        id: "lock-shared-released-relaxed",
        edits: &[edit("sync/rw_lock.rs", "Drop for ReadGuard", "fetch_sub(1, Release)", "fetch_sub(1, Relaxed)")],
        expect: Killed("keys::a_take_beside_a_change_is_decided_on_one_of_the_limits"),
    },
    Fault {
        id: "lock-alone-released-relaxed",
        edits: &[edit("sync/rw_lock.rs", "Drop for WriteGuard", "store(0, Release)", "store(0, Relaxed)")],
        expect: Killed("keys::a_reading_from_before_an_eviction_adds_no_full_bucket"),
    },
];
