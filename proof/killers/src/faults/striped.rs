//! Faults in stripes.

use crate::fault::Expect::{Harmless, Killed};
use crate::fault::{Fault, edit};

const STRIPE: &str = "lease/stripe.rs";
const STRIPES: &str = "lease/stripes.rs";

const A_HINT: &str = "only a hint of how far to fetch: what is fetched is debited, and capped by the chunk";

pub(super) const FAULTS: &[Fault] = &[
    // The word of a stripe.
    Fault {
        id: "stripe-ahead-is-not-read",
        edits: &[edit(STRIPE, "pub(crate) fn ahead(", "self.ahead.load(Relaxed)", "(self.ahead.load(Relaxed).min(1))")],
        expect: Harmless { model: "striped::a_deposit_beside_a_thief_is_found", reason: A_HINT },
    },
    Fault {
        id: "stripe-ahead-is-not-stored",
        edits: &[edit(
            STRIPE,
            "pub(crate) fn set_ahead(",
            "self.ahead.store(ahead, Relaxed)",
            "self.ahead.store(ahead.min(1), Relaxed)",
        )],
        expect: Harmless { model: "striped::a_deposit_beside_a_thief_is_found", reason: A_HINT },
    },
    Fault {
        id: "stripe-rest-is-not-read",
        edits: &[edit(STRIPE, "pub(crate) fn rest(", "Rest(self.rest.load(Relaxed))", "Rest::NONE")],
        expect: Harmless { model: "striped::a_deposit_beside_a_thief_is_found", reason: A_HINT },
    },
    Fault {
        id: "stripe-rest-is-not-stored",
        edits: &[edit(STRIPE, "pub(crate) fn set_rest(", "self.rest.store(rest.0, Relaxed);", "let _ = rest;")],
        expect: Harmless { model: "striped::a_deposit_beside_a_thief_is_found", reason: A_HINT },
    },
    Fault {
        id: "stripe-claim-relaxed",
        edits: &[edit(STRIPE, "pub(crate) fn claim(", "claimed().0, Acquire,", "claimed().0, Relaxed,")],
        expect: Killed("striped::nothing_lies_on_a_stripe_while_somebody_waits"),
    },
    Fault {
        id: "stripe-void-relaxed",
        edits: &[edit(STRIPE, "pub(crate) fn void(", "voided().0, Release,", "voided().0, Relaxed,")],
        expect: Killed("striped::nothing_lies_on_a_stripe_while_somebody_waits"),
    },
    Fault {
        id: "stripe-give-up-relaxed",
        edits: &[edit(STRIPE, "pub(crate) fn give_up(", "unclaimed().0, Release,", "unclaimed().0, Relaxed,")],
        expect: Killed("striped::two_fetchers_of_three_streams_fill_a_stripe_once"),
    },
    Fault {
        id: "stripe-deposit-relaxed",
        edits: &[edit(STRIPE, "pub(crate) fn deposit(", "unclaimed().0, Acquire,", "unclaimed().0, Relaxed,")],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripe-look-of-a-thief-relaxed",
        edits: &[edit(STRIPE, "pub(crate) fn is_empty(", "fetch_add(0, Release)", "fetch_add(0, Relaxed)")],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripe-look-of-a-thief-is-a-load",
        edits: &[edit(STRIPE, "pub(crate) fn is_empty(", "fetch_add(0, Release)", "load(Relaxed)")],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripe-is-not-read",
        edits: &[edit(
            STRIPE,
            "fn load(&self) -> CreditWord {",
            "CreditWord(self.word.load(Relaxed))",
            "CreditWord((self.word.load(Relaxed) * 0))",
        )],
        expect: Killed("striped::two_takes_share_a_stripe"),
    },
    Fault {
        id: "stripe-change-is-a-store",
        edits: &[edit(
            STRIPE,
            "fn swap(",
            "self.word.compare_exchange_weak(seen.0, change(seen)?.0, Relaxed, Relaxed)",
            "Ok::<u64, u64>(self.word.swap(change(seen)?.0, Relaxed))",
        )],
        expect: Killed("striped::two_takes_share_a_stripe"),
    },
    Fault {
        id: "stripe-claim-is-no-exchange",
        edits: &[edit(
            STRIPE,
            "pub(crate) fn claim(",
            "self.word.compare_exchange_weak(seen.0, seen.claimed().0, Acquire, Relaxed)",
            "Ok::<u64, u64>(self.word.fetch_or(CreditWord(0).claimed().0, Acquire))",
        )],
        expect: Killed("striped::two_fetchers_of_three_streams_fill_a_stripe_once"),
    },
    Fault {
        id: "stripe-claim-holds-whatever-its-ticket",
        edits: &[edit(STRIPE, "fn is_of(", "&& self.ticket() == claim.0", "&& (claim.0 == claim.0)")],
        expect: Killed("striped::nothing_is_deposited_under_the_claim_of_another"),
    },
    Fault {
        id: "stripe-void-keeps-claim-and-ticket",
        edits: &[edit(
            "lease/credit_word.rs",
            "pub(crate) const fn voided(",
            "Self((self.ticket() + 1).wrapping_mul(TICKET))",
            "Self(self.0 & (u64::MAX << 48))",
        )],
        expect: Killed("lib::lease::credit_word::tests::a_voided_word_has_nothing_but_the_next_ticket"),
    },
    Fault {
        id: "stripe-void-keeps-the-credits",
        edits: &[edit(
            "lease/credit_word.rs",
            "pub(crate) const fn voided(",
            "Self((self.ticket() + 1).wrapping_mul(TICKET))",
            "Self((self.ticket() + 1).wrapping_mul(TICKET) | self.0 & Self::MOST)",
        )],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_close"),
    },
    Fault {
        id: "stripe-deposit-that-does-not-fit",
        edits: &[edit(
            "lease/credit_word.rs",
            "pub(crate) fn fits<",
            "more[i] <= Self::MOST - self.credit(i)",
            "more[i] <= Self::MOST",
        )],
        expect: Killed("lib::lease::credit_word::tests::credits_of_one_stream_do_not_run_into_the_next"),
    },
    Fault {
        id: "stripe-thief-gets-what-it-misses",
        edits: &[edit(
            STRIPE,
            "pub(crate) fn steal(",
            "stolen.map_or([0; N], |word| part(&self.credits_of(word), missing))",
            "stolen.map_or([0; N], |_| *missing)",
        )],
        expect: Killed("striped::a_take_beside_a_thief_gets_what_is_there"),
    },
    // The cells.
    Fault {
        id: "stripe-cells-count-whatever-their-ticket",
        edits: &[edit(
            STRIPE,
            "fn cells_ticket(",
            "self.cells_ticket.load(Relaxed)",
            "self.load().ticket() + 0 * self.cells_ticket.load(Relaxed)",
        )],
        expect: Killed("striped::nothing_is_granted_from_three_streams_after_a_close"),
    },
    Fault {
        id: "stripe-cells-never-count-again",
        edits: &[edit(STRIPE, "fn take_out(", "self.cells_ticket.store(self.load().ticket(), Relaxed);", "")],
        expect: Killed("striped::a_stripe_of_three_streams_holds_its_chunk_and_no_more"),
    },
    Fault {
        id: "stripe-mark-relaxed",
        edits: &[edit(STRIPE, "fn try_lock(", "compare_exchange(0, 1, Acquire,", "compare_exchange(0, 1, Relaxed,")],
        expect: Killed("striped::three_streams_are_taken_together_or_not_at_all"),
    },
    Fault {
        id: "stripe-mark-is-taken-off-relaxed",
        edits: &[edit(STRIPE, "fn unlock(", "store(0, Release)", "store(0, Relaxed)")],
        expect: Killed("striped::three_streams_are_taken_together_or_not_at_all"),
    },
    Fault {
        id: "stripe-mark-keeps-nobody-out",
        edits: &[edit(
            STRIPE,
            "fn try_lock(",
            "self.mark.compare_exchange(0, 1, Acquire, Relaxed).is_ok()",
            "self.mark.swap(1, Acquire) < 2",
        )],
        expect: Killed("striped::three_streams_are_taken_together_or_not_at_all"),
    },
    Fault {
        id: "stripe-cells-are-not-read",
        edits: &[edit(STRIPE, "fn cell(", "self.cells[i].load(Relaxed)", "(self.cells[i].load(Relaxed) * 0)")],
        expect: Killed("striped::three_streams_are_taken_together_or_not_at_all"),
    },
    Fault {
        id: "stripe-cells-are-not-stored",
        edits: &[edit(STRIPE, "fn set_cell(", "self.cells[i].store(credits, Relaxed)", "let _ = (i, credits)")],
        expect: Killed("striped::three_streams_are_taken_together_or_not_at_all"),
    },
    Fault {
        id: "stripe-what-does-not-count-is-lost",
        edits: &[edit("bucket/striped.rs", "pub fn try_take(", "self.put_back(homeless)", "drop(homeless)")],
        expect: Killed("striped::nothing_is_granted_from_three_streams_after_a_close"),
    },
    // Which stripes have credits.
    Fault {
        id: "stripes-bit-is-not-set-after-a-deposit",
        edits: &[edit(STRIPES, "fn deposit(", "Ok(()) => self.mark(index),", "Ok(()) => {}")],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-bit-is-taken-for-set",
        edits: &[edit(
            STRIPES,
            "fn mark(&self, index: usize) {",
            "self.marks.holding.load(Relaxed) & bit == 0",
            "(self.marks.holding.load(Relaxed)) & bit != 0",
        )],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-bit-is-not-written",
        edits: &[edit(
            STRIPES,
            "fn mark(&self, index: usize) {",
            "self.marks.holding.fetch_or(bit, Relaxed)",
            "self.marks.holding.fetch_or(0, Relaxed)",
        )],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-bit-is-set-before-the-deposit",
        edits: &[
            edit(
                STRIPES,
                "fn deposit(",
                "match self.each[index].deposit(claim, more) {",
                "self.mark(index);\n        match self.each[index].deposit(claim, more) {",
            ),
            edit(STRIPES, "fn deposit(", "Ok(()) => self.mark(index),", "Ok(()) => {}"),
        ],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-look-empty",
        edits: &[edit(STRIPES, "pub(crate) fn is_settled_since(", "holding == 0 && ", "holding < u64::MAX && ")],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-thief-passes-all-over",
        edits: &[edit(
            STRIPES,
            "fn steal(",
            "!all && self.marks.holding.load(Relaxed) & (1 << index) == 0",
            "(self.marks.holding.load(Relaxed) & (1 << index)) < u64::MAX",
        )],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-bit-is-cleared-after-the-look",
        edits: &[
            edit(STRIPES, "fn unmark(", "self.marks.holding.fetch_and(!bit, Release);", ""),
            edit(
                STRIPES,
                "fn unmark(",
                "if !self.each[index].is_empty() {",
                "let empty = self.each[index].is_empty();
        self.marks.holding.fetch_and(!bit, Release);
        if !empty {",
            ),
        ],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-bit-is-not-set-again",
        edits: &[edit(
            STRIPES,
            "fn unmark(",
            "self.marks.holding.fetch_or(bit, Relaxed)",
            "self.marks.holding.fetch_or(0, Relaxed)",
        )],
        expect: Killed("striped::a_deposit_beside_a_thief_is_found"),
    },
    Fault {
        id: "stripes-thief-keeps-what-it-stole",
        edits: &[edit(STRIPES, "fn steal(", "put_back(store, now, || now, &brought);", "")],
        expect: Killed("striped::a_take_beside_a_thief_gets_what_is_there"),
    },
    Fault {
        id: "stripes-thief-does-not-look-who-carries",
        edits: &[edit(
            STRIPES,
            "fn steal(",
            "self.marks.carried.load(Relaxed) & CARRYING > 1",
            "(self.marks.carried.load(Relaxed) & CARRYING) > u64::MAX / 2",
        )],
        expect: Harmless {
            model: "striped::a_deposit_beside_a_thief_is_found",
            reason: "it matters only while a thread has stopped between clearing a bit and looking again",
        },
    },
    Fault {
        id: "stripes-plain-take-does-not-look-at-stripes",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn are_settled(",
            "self.marks.holding.load(Acquire)",
            "(self.marks.holding.load(Acquire) * 0)",
        )],
        expect: Killed("tests/striped::a_thread_that_never_fetched_gets_what_others_left"),
    },
    Fault {
        id: "stripes-plain-take-does-not-look-who-carries",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn are_settled(",
            "self.marks.carried.load(Relaxed) & CARRYING == 0",
            "(self.marks.carried.load(Relaxed) & CARRYING) < CARRYING",
        )],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    // What comes home while a refusal looks.
    Fault {
        id: "stripes-carrier-is-not-counted",
        edits: &[
            edit(STRIPES, "fn carry<", "self.marks.carried.fetch_add(1, Relaxed);", ""),
            edit(STRIPES, "fn carry<", "self.marks.carried.fetch_add(CARRYING, Release);", ""),
        ],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    Fault {
        id: "stripes-carrier-is-counted-when-it-is-home",
        edits: &[
            edit(STRIPES, "fn carry<", "self.marks.carried.fetch_add(1, Relaxed);", ""),
            edit(STRIPES, "fn carry<", "fetch_add(CARRYING, Release)", "fetch_add(CARRYING + 1, Release)"),
        ],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    Fault {
        id: "stripes-carrier-is-home-at-once",
        edits: &[
            edit(STRIPES, "fn carry<", "fetch_add(1, Relaxed)", "fetch_add(1 + CARRYING, Relaxed)"),
            edit(STRIPES, "fn carry<", "self.marks.carried.fetch_add(CARRYING, Release);", ""),
        ],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    Fault {
        id: "stripes-carried-is-not-looked-at",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn is_settled_since(",
            "self.marks.carried.load(Relaxed) == before.0",
            "(self.marks.carried.load(Relaxed)) >= before.0",
        )],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    Fault {
        id: "stripes-carried-is-not-read",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn carried(",
            "self.marks.carried.load(Relaxed)",
            "(self.marks.carried.load(Relaxed) * 0)",
        )],
        expect: Harmless {
            model: "striped::who_needs_one_stripe_is_not_refused_by_who_needs_more",
            reason: "a refusal after anything came home looks again in vain, and says the same",
        },
    },
    Fault {
        id: "stripes-carried-is-written-relaxed",
        edits: &[edit(STRIPES, "fn carry<", "fetch_add(CARRYING, Release)", "fetch_add(CARRYING, Relaxed)")],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    Fault {
        id: "stripes-bit-is-cleared-relaxed",
        edits: &[edit(STRIPES, "fn unmark(", "fetch_and(!bit, Release)", "fetch_and(!bit, Relaxed)")],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    Fault {
        id: "stripes-bit-is-read-relaxed",
        edits: &[edit(STRIPES, "pub(crate) fn is_settled_since(", "holding.load(Acquire)", "holding.load(Relaxed)")],
        expect: Killed("striped::who_needs_one_stripe_is_not_refused_by_who_needs_more"),
    },
    // Fetches.
    Fault {
        id: "stripes-chunk-is-not-capped",
        edits: &[edit(
            STRIPES,
            "fn room(",
            "self.chunks[i].load(Relaxed).saturating_sub(credits[i])",
            "(self.chunks[i].load(Relaxed).max(1000)).saturating_sub(credits[i])",
        )],
        expect: Killed("striped::a_stripe_holds_its_chunk_and_no_more"),
    },
    Fault {
        id: "stripes-chunk-is-filled-on-top",
        edits: &[edit(STRIPES, "fn room(", ".saturating_sub(credits[i])", ".saturating_sub(0 * credits[i])")],
        expect: Killed("striped::a_stripe_holds_its_chunk_and_no_more"),
    },
    Fault {
        id: "stripes-plain-take-is-a-hint",
        edits: &[edit(STRIPES, "pub(crate) fn has_granted(", "self.chunks[0].load(Relaxed) > 0", "true")],
        expect: Harmless { model: "striped::a_deposit_beside_a_thief_is_found", reason: A_HINT },
    },
    Fault {
        id: "stripes-fetch-looks-who-waits-before-the-claim",
        edits: &[
            edit(
                STRIPES,
                "pub(crate) fn fetch(",
                "let Some(claim) = stripe.claim()",
                "let out = store.keeps_out(now) || (0..N).any(|i| store.is_waited_for(i));
        let Some(claim) = stripe.claim()",
            ),
            edit(
                STRIPES,
                "pub(crate) fn fetch(",
                "let taken = if is_waited_for {",
                "let _ = is_waited_for;
        let taken = if out {",
            ),
        ],
        expect: Killed("striped::nothing_lies_on_a_stripe_while_somebody_waits"),
    },
    Fault {
        id: "stripes-fetch-in-a-pause",
        edits: &[edit(STRIPES, "fn take(store", "|limits| limits.pause_left(now)", "|_| 0")],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_pause"),
    },
    Fault {
        id: "stripes-fetch-mints",
        edits: &[edit(STRIPES, "pub(crate) fn fetch(", "amount * (taken - 1)", "amount * taken")],
        expect: Killed("striped::two_fetchers_fill_a_stripe_once"),
    },
    Fault {
        id: "stripes-voided-fetch-is-lost",
        edits: &[edit(
            STRIPES,
            "fn deposit(",
            "Err(homeless) => put_back(store, now, || now, &homeless)",
            "Err(homeless) => put_back(store, now, &homeless.map(|_| 0))",
        )],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_pause"),
    },
    Fault {
        id: "stripes-voided-fetch-is-not-told",
        edits: &[edit(
            STRIPES,
            "fn deposit(",
            "Err(homeless) => put_back(store, now, || now, &homeless)",
            "Err(homeless) => {
                let back = |limits: &Limits<N>, spent: &[u64; N]| {
                    Some((limits.put_back(spent, limits.elapsed(now), &homeless)?, ()))
                };
                let _ = store.update(|_| 0, back, |_, _, _| ());
            }",
        )],
        expect: Killed("striped::who_enters_beside_a_fetch_gets_the_rest"),
    },
    // Who voids.
    Fault {
        id: "stripes-recall-loses-what-it-finds",
        edits: &[edit(STRIPES, "pub(crate) fn recall(", "put_back(store, now, || now, &brought);", "")],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_close"),
    },
    Fault {
        id: "striped-entry-does-not-recall",
        edits: &[edit("lease/striped_words.rs", "fn touch(", "self.stripes.recall(&self.versions, now);", "")],
        expect: Killed("striped::nothing_lies_on_a_stripe_while_somebody_waits"),
    },
    Fault {
        id: "striped-entry-recalls-before-it-is-seen",
        edits: &[
            edit("wait/line/queue.rs", "fn enter(", "self.words().touch(now);", ""),
            edit(
                "wait/line/queue.rs",
                "fn enter(",
                "self.show(self.line(), shared, queue);",
                "self.words().touch(now);
                    self.show(self.line(), shared, queue);",
            ),
        ],
        expect: Killed("striped::nothing_lies_on_a_stripe_while_somebody_waits"),
    },
    Fault {
        id: "striped-pause-does-not-recall",
        edits: &[edit("bucket/striped_changing.rs", "pub fn pause_for(", "self.queued.recall(now);", "")],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_pause"),
    },
    Fault {
        id: "striped-pause-recalls-before-it-begins",
        edits: &[
            edit("bucket/striped_changing.rs", "pub fn pause_for(", "self.queued.recall(now);", ""),
            edit(
                "bucket/striped_changing.rs",
                "pub fn pause_for(",
                "self.queued.words.versions.pause_for(",
                "self.queued.recall(self.clock.now());
        self.queued.words.versions.pause_for(",
            ),
        ],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_pause"),
    },
    Fault {
        id: "striped-close-does-not-recall",
        edits: &[edit("wait/line/queue.rs", "fn close(", "self.words().recall(now);", "")],
        expect: Killed("striped::nothing_is_granted_from_a_stripe_after_a_close"),
    },
    Fault {
        id: "striped-reset-does-not-shut",
        edits: &[edit(
            "lease/striped_words.rs",
            "fn whole<R>(",
            "let before = self.shut(now);",
            "let before = self.stripes.set_chunks(&[0; N]);\n        let _ = now;",
        )],
        expect: Killed("striped::a_reset_beside_a_fetch_sets_the_level"),
    },
    Fault {
        id: "striped-reset-leaves-the-chunks",
        edits: &[
            edit(
                "lease/striped_words.rs",
                "fn whole<R>(",
                "let before = self.shut(now);",
                "self.stripes.recall(&self.versions, now);",
            ),
            edit("lease/striped_words.rs", "fn whole<R>(", "self.stripes.set_chunks(&before);", ""),
        ],
        expect: Killed("striped::a_reset_beside_a_fetch_sets_the_level"),
    },
    Fault {
        id: "striped-change-keeps-the-chunks",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn set_chunks(",
            "self.chunks[i].swap(chunks[i], Relaxed)",
            "self.chunks[i].swap(chunks[i].max(1), Relaxed)",
        )],
        expect: Killed("striped::a_smaller_share_beside_a_fetch_leaves_nothing"),
    },
    Fault {
        id: "striped-change-voids-before-it-sets-the-chunks",
        edits: &[
            edit(
                "lease/striped_words.rs",
                "fn shut(",
                "let before = self.stripes.set_chunks(&[0; N]);",
                "self.stripes.recall(&self.versions, now);",
            ),
            edit(
                "lease/striped_words.rs",
                "fn shut(",
                "self.stripes.recall(&self.versions, now);\n        before",
                "self.stripes.set_chunks(&[0; N])",
            ),
        ],
        expect: Killed("striped::a_smaller_share_beside_a_fetch_leaves_nothing"),
    },
    Fault {
        id: "striped-share-is-not-read",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn share(",
            "self.chunks[i].load(Relaxed)",
            "(self.chunks[i].load(Relaxed).max(1))",
        )],
        expect: Killed("striped::a_smaller_share_beside_a_fetch_leaves_nothing"),
    },
    // What is said and promised.
    Fault {
        id: "striped-share-is-not-carved",
        edits: &[edit(
            "lease/share.rs",
            "pub(crate) fn new(",
            "limit.capacity - chunks[i] * stripes",
            "limit.capacity - 0 * stripes",
        )],
        expect: Killed("lib::lease::share::tests::the_bucket_and_the_stripes_have_the_capacity_together"),
    },
    Fault {
        id: "striped-refusal-brings-nothing-home",
        edits: &[edit(
            "bucket/verbs.rs",
            "fn with_what_comes_home<",
            "!store.bring_home(now, amounts)",
            "!store.bring_home(now, &[0; N])",
        )],
        expect: Killed("striped::of_two_who_need_both_stripes_one_is_granted"),
    },
    Fault {
        id: "striped-refusal-stands-after-what-came-home",
        edits: &[edit(
            "bucket/verbs.rs",
            "fn with_what_comes_home<",
            "if decided.is_ok() || store.is_settled_since(before) {",
            "if decided.is_ok() || store.is_settled_since(before) || true {",
        )],
        expect: Killed("striped::of_two_who_need_both_stripes_one_is_granted"),
    },
    Fault {
        id: "striped-available-without-what-is-lent",
        edits: &[edit(
            "bucket/verbs.rs",
            "pub(crate) fn available<",
            "saturating_add(lent[i])",
            "saturating_add(0 * lent[i])",
        )],
        expect: Killed("striped::two_fetchers_fill_a_stripe_once"),
    },
    Fault {
        id: "striped-fetch-beside-who-is-overdue",
        edits: &[edit(
            STRIPES,
            "pub(crate) fn fetch(",
            "store.keeps_out(now) || (0..N).any(|i| store.is_waited_for(i));",
            "store.keeps_out(now);",
        )],
        expect: Killed("tests/striped::while_one_who_waits_is_overdue_takes_are_plain"),
    },
    Fault {
        id: "striped-more-comes-home-than-fits",
        edits: &[edit(
            "lease/striped_words.rs",
            "fn bring_home(",
            "amounts[i].min(limits.streams[i].capacity())",
            "amounts[i]",
        )],
        expect: Killed("tests/striped::more_than_the_capacity_less_the_share_is_never"),
    },
    Fault {
        id: "striped-threads-share-a-stripe",
        edits: &[edit(
            "sync/thread_index.rs",
            "/// Gives this thread an index if it has none.",
            "NEXT.fetch_add(1, Relaxed)",
            "NEXT.fetch_add(0, Relaxed)",
        )],
        expect: Killed("tests/striped::threads_have_stripes_of_their_own"),
    },
];
