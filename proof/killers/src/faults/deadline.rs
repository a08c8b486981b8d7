//! Faults in deadline queues.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    Fault {
        id: "deadline-drain-of-one-key-removes-no-shard",
        edits: &[edit("deadline/sharded.rs", "pub fn drain(", "self.try_remove_idle(now, LOOKED_AT);", "")],
        expect: Killed("tests/deadline_queue::drains_of_other_keys_remove_idle_shards_a_few_at_a_time"),
    },
    Fault {
        id: "deadline-drain-of-all-leaves-idle-shards",
        edits: &[edit(
            "deadline/sharded.rs",
            "pub(crate) fn remove_idle_of_all",
            "self.len().div_ceil(LOOKED_AT_OF_ALL)",
            "1",
        )],
        expect: Killed("tests/deadline_queue::a_drain_of_all_removes_all_idle_shards_and_no_others"),
    },
    Fault {
        id: "deadline-shard-in-use-is-removed",
        edits: &[edit(
            "deadline/shards.rs",
            "fn is_idle",
            "Arc::get_mut(&mut self.queue).is_some_and(|queue|",
            "Some(&self.queue).is_some_and(|queue|",
        )],
        expect: Killed("tests/deadline_queue::a_bucket_that_is_in_use_is_not_removed_under_its_user"),
    },
    Fault {
        id: "deadline-shard-with-other-limits-is-removed",
        edits: &[edit(
            "deadline/shards.rs",
            "fn is_idle",
            "queue.bucket().limits() == made && queue",
            "(queue.bucket().limits() == made || true) && queue",
        )],
        expect: Killed(
            "tests/deadline_queue::a_shard_that_was_paused_changed_or_closed_is_as_it_was_left_however_long_it_idles",
        ),
    },
    Fault {
        id: "deadline-shard-with-a-closed-bucket-is-removed",
        edits: &[edit(
            "deadline/queue.rs",
            "pub(crate) fn is_idle",
            "empty && !self.is_bucket_closed() &&",
            "empty &&",
        )],
        expect: Killed(
            "tests/deadline_queue::a_shard_that_was_paused_changed_or_closed_is_as_it_was_left_however_long_it_idles",
        ),
    },
    Fault {
        id: "deadline-shard-made-after-close-is-open",
        edits: &[edit("deadline/shards.rs", "pub(crate) fn get_or_insert", "queue.close();", "")],
        expect: Killed("tests/deadline_queue::shards_that_are_made_after_close_are_closed"),
    },
    Fault {
        id: "deadline-closed-bucket-admits-all",
        edits: &[edit(
            "deadline/backlog.rs",
            "pub(crate) fn drain<R>(",
            "refused @ (Refused::NotYet(_) | Refused::Closed)",
            "refused @ Refused::NotYet(_)",
        )],
        expect: Killed("tests/deadline_queue::a_closed_bucket_admits_nothing_but_what_is_for_nothing"),
    },
    Fault {
        id: "deadline-drain-has-no-maximum",
        edits: &[edit("deadline/backlog.rs", "pub(crate) fn drain<R>(", "if drained.count() == max {", "if false {")],
        expect: Killed("tests/deadline_queue::a_drain_lets_at_most_its_maximum_go_and_says_that_more_may"),
    },
    Fault {
        id: "deadline-drain-has-no-maximum-for-what-expired",
        edits: &[edit("deadline/backlog.rs", "pub(crate) fn drain<R>(", "drained.count() < max && ", "")],
        expect: Killed("tests/deadline_queue::a_drain_lets_at_most_its_maximum_go_and_says_that_more_may"),
    },
    Fault {
        id: "deadline-ties-go-in-any-order",
        edits: &[edit(
            "deadline/backlog.rs",
            "pub(crate) fn push(",
            "self.arrivals += 1;",
            "self.arrivals = self.arrivals.wrapping_sub(1);",
        )],
        expect: Killed("tests/deadline_queue::the_smallest_deadline_goes_first_and_ties_go_in_order_of_arrival"),
    },
    Fault {
        id: "deadline-expiry-stays-behind",
        edits: &[edit(
            "deadline/backlog.rs",
            "pub(crate) fn drain<R>(",
            "self.by_expiry.remove(&(expires, arrival));",
            "let _ = (expires, arrival);",
        )],
        expect: Killed("lib::deadline::backlog::tests::both_orders_hold_the_items_that_wait_and_no_others"),
    },
    Fault {
        id: "deadline-linger-outlasts-a-full-capacity",
        edits: &[edit("deadline/backlog.rs", "fn full(", "is_full |= (0..N).any(|i| more[i] >= capacities[i]);", "")],
        expect: Killed("tests/deadline_driver::lingering_ends_when_the_bucket_holds_all_that_it_can_grant_at_once"),
    },
    Fault {
        id: "deadline-linger-begins-anew-at-the-maximum",
        edits: &[edit(
            "deadline/backlog.rs",
            "pub(crate) fn drain<R>(",
            "drained.next = Some(now);\n",
            "drained.next = Some(now);\n self.since = Some(Since::Shortage(now));\n",
        )],
        expect: Killed(
            "lib::deadline::backlog::tests::linger_counts_from_the_first_push_and_from_the_last_batch_that_left_something",
        ),
    },
    Fault {
        id: "deadline-linger-outlasts-a-deadline",
        edits: &[edit(
            "deadline/backlog.rs",
            "pub(crate) fn due(",
            "Since::Push(since) => since.after(batching.linger).min(deadline),",
            "Since::Push(since) => since.after(batching.linger),",
        )],
        expect: Killed("tests/deadline_driver::a_deadline_ends_the_linger_and_an_expiry_is_handed_out_when_it_comes"),
    },
    Fault {
        id: "deadline-that-passed-makes-a-batch-of-each-token",
        edits: &[edit(
            "deadline/backlog.rs",
            "pub(crate) fn due(",
            "Since::Shortage(since) if deadline <= since =>",
            "Since::Shortage(since) if deadline <= since && deadline > since =>",
        )],
        expect: Killed("tests/deadline_driver::where_tokens_are_short_deadlines_that_passed_do_not_make_small_batches"),
    },
    Fault {
        id: "deadline-push-wakes-nobody",
        edits: &[edit("deadline/queue.rs", "pub(crate) fn push_at", "self.notify();", "")],
        expect: Killed("tests/deadline_driver::a_driver_with_nothing_to_do_is_not_woken_and_a_push_wakes_it_once"),
    },
    Fault {
        id: "deadline-put-back-wakes-nobody",
        edits: &[edit("deadline/queue.rs", "pub fn put_back", "self.notify();", "")],
        expect: Killed(
            "tests/deadline_driver::a_driver_that_sleeps_is_woken_by_limits_pauses_and_tokens_that_come_back",
        ),
    },
    Fault {
        id: "deadline-close-wakes-nobody",
        edits: &[edit("deadline/queue.rs", "pub fn close", "self.notify();", "")],
        expect: Killed(
            "tests/deadline_driver::a_closed_queue_is_emptied_without_lingering_as_the_bucket_grants_and_the_driver_ends",
        ),
    },
    Fault {
        id: "deadline-limits-wake-nobody",
        edits: &[edit(
            "deadline/driver.rs",
            "pub async fn run",
            "notified_or(changed, limits_changed)",
            "{ let _ = limits_changed; changed }",
        )],
        expect: Killed(
            "tests/deadline_driver::a_driver_that_sleeps_is_woken_by_limits_pauses_and_tokens_that_come_back",
        ),
    },
    Fault {
        id: "deadline-lingers-after-close",
        edits: &[edit(
            "deadline/driver.rs",
            "pub(crate) fn step",
            "if closed { Duration::ZERO } else { batching.linger }",
            "batching.linger",
        )],
        expect: Killed(
            "tests/deadline_driver::a_closed_queue_is_emptied_without_lingering_as_the_bucket_grants_and_the_driver_ends",
        ),
    },
    Fault {
        id: "deadline-driver-outlives-its-bucket",
        edits: &[edit("deadline/driver.rs", "pub(crate) fn step", "if self.is_bucket_closed() {", "if false {")],
        expect: Killed("tests/deadline_driver::a_driver_ends_when_its_bucket_is_closed_and_leaves_the_items"),
    },
    Fault {
        id: "deadline-driver-holds-a-batch-while-it-sleeps",
        edits: &[edit(
            "deadline/driver.rs",
            "pub async fn run",
            "Step::Batch(batch) => each(batch).await,",
            "Step::Batch(batch) => {\n timer.sleep(Duration::from_nanos(1)).await;\n each(batch).await;\n }",
        )],
        expect: Killed(
            "tests/deadline_driver::a_driver_that_is_dropped_anywhere_has_lost_nothing_that_it_did_not_hand_out",
        ),
    },
    Fault {
        id: "deadline-drain-that-was-sought-wakes-nobody",
        edits: &[edit("deadline/queue.rs", "pub(crate) fn hold<R>", "if sought {", "if false && sought {")],
        expect: Killed("lib::deadline::queue::tests::a_drain_that_another_thread_sought_wakes_it_at_its_end"),
    },
    Fault {
        id: "deadline-drain-wakes-itself",
        edits: &[edit("deadline/queue.rs", "pub(crate) fn hold<R>", "if sought {", "if sought || true {")],
        expect: Killed("lib::deadline::queue::tests::a_drain_that_another_thread_sought_wakes_it_at_its_end"),
    },
    Fault {
        id: "deadline-items-that-came-are-stranded",
        edits: &[edit("deadline/queue.rs", "pub(crate) fn let_go", "drained.next = Some(now);", "")],
        expect: Killed(
            "lib::deadline::queue::tests::while_one_drains_others_are_told_so_and_what_they_push_brings_it_back_at_once",
        ),
    },
    Fault {
        id: "deadline-bucket-that-was-reached-wakes-nobody",
        edits: &[edit("deadline/sharded.rs", "pub fn with_bucket", "queue.notify();", "")],
        expect: Killed("tests/deadline_driver::shards_are_driven_each_by_its_own_limits_and_idle_ones_go"),
    },
    Fault {
        id: "deadline-shards-close-wakes-nobody",
        edits: &[edit("deadline/sharded.rs", "pub fn close", "shard.queue.close();", "")],
        expect: Killed("tests/deadline_driver::shards_are_driven_each_by_its_own_limits_and_idle_ones_go"),
    },
    Fault {
        id: "deadline-next-forgets-the-expiry",
        edits: &[edit(
            "deadline/queue.rs",
            "pub(crate) fn next_at",
            "fits.into_iter().chain(expiry).min()",
            "fits.or(expiry)",
        )],
        expect: Killed("tests/deadline_queue::next_follows_pushes_takes_pauses_and_limits_without_a_drain"),
    },
];
