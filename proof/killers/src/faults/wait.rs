//! Faults in reservations, estimates and sleeping.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    // Places in the queue.
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
            "fn give_up(",
            "give_back(&*self.bucket, self.now, &self.amounts);",
            "give_back(&*self.bucket, self.now, &self.amounts);\n give_back(&*self.bucket, self.now, &self.amounts);",
        )],
        expect: Killed("reservation::two_cancels_both_count"),
    },
    Fault {
        id: "cancel-gives-nothing-back",
        edits: &[edit("wait/reservation.rs", "fn give_up(", "give_back(&*self.bucket, self.now, &self.amounts);", "")],
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
        expect: Killed("tests/reservation::a_dropped_reservation_gives_back_before_its_instant_and_is_used_after_it"),
    },
    Fault {
        id: "settle-in-two-steps",
        edits: &[edit(
            "wait/estimate.rs",
            "pub fn settle(",
            "let settled = self.bucket.update(&|Revision { limits, .. }, spent| {
            limits.settle(spent, limits.elapsed(now), &taken, &actual, |i| self.bucket.is_waited_for(i))
        });",
            "let mut settled = Ok(());
        for i in 0..N {
            settled = self.bucket.update(&|Revision { limits, .. }, spent| {
                let one = |of: &[u64; N]| core::array::from_fn(|j| if j == i { of[j] } else { 0 });
                limits.settle(spent, limits.elapsed(now), &one(&taken), &one(&actual), |i| self.bucket.is_waited_for(i))
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
        id: "estimate-given-back-twice",
        edits: &[edit(
            "wait/estimate.rs",
            "fn drop(",
            "give_back(&*self.bucket, self.now, &self.amounts);",
            "give_back(&*self.bucket, self.now, &self.amounts);\n give_back(&*self.bucket, self.now, &self.amounts);",
        )],
        expect: Killed("reservation::a_dropped_estimate_comes_back_once"),
    },
    Fault {
        id: "estimate-kept-and-given-back",
        edits: &[edit("wait/estimate.rs", "fn drop(", "if !self.keep {", "if !self.keep || N > 0 {")],
        expect: Killed("reservation::a_dropped_estimate_comes_back_once"),
    },
    // Together, and in an `Arc`.
    Fault {
        id: "until-ready-keeps-on-drop",
        edits: &[edit("wait/reservation.rs", "fn drop(", "!self.cancel_on_drop && self.has_come()", "self.has_come()")],
        expect: Killed("tests/together::a_task_that_is_dropped_midway_loses_nothing_if_its_reservations_say_so"),
    },
    Fault {
        id: "wait-leaves-unused",
        edits: &[edit("wait/reservation_wait.rs", "pub fn wait(", "self.used = true;", "self.used = false;")],
        expect: Killed("tests/together::a_ready_reservation_is_unused_until_it_is_waited_for"),
    },
    Fault {
        id: "owned-future-counts-its-timeout-from-the-first-poll",
        edits: &[edit(
            "keyed/owned_keyed_bucket.rs",
            "pub fn take_timeout_on<",
            "let deadline = self.buckets.clock.now().after(timeout);
        async move { self.view().take_by(amounts, deadline, timer).await }",
            "async move {
            let deadline = self.buckets.clock.now().after(timeout);
            self.view().take_by(amounts, deadline, timer).await
        }",
        )],
        expect: Killed("tests/owned_keys::a_future_of_an_owned_key_dropped_midway_has_taken_nothing"),
    },
    Fault {
        id: "owned-key-without-room-gives-back-to-itself",
        edits: &[edit(
            "keyed/owned_keyed_bucket.rs",
            "pub fn reserve_within(",
            "(source == Source::Overflow).then_some(view.overflow.tier)",
            "(source == Source::Overflow && N == 0).then_some(view.overflow.tier)",
        )],
        expect: Killed("tests/owned_keys::what_a_key_without_room_owns_goes_back_to_the_overflow"),
    },
    Fault {
        id: "owned-reservation-keeps-what-it-took",
        edits: &[edit(
            "wait/reservation.rs",
            "fn give_up(",
            "give_back(&*self.bucket, self.now, &self.amounts);",
            "if let Holder::Borrowed(bucket) = self.bucket {
            give_back(bucket, self.now, &self.amounts);
        }",
        )],
        expect: Killed("tests/owned::an_owned_reservation_is_given_back_before_its_instant_and_used_after_it"),
    },
    Fault {
        id: "owned-estimate-keeps-what-it-took",
        edits: &[edit(
            "wait/estimate.rs",
            "fn drop(",
            "if !self.keep {",
            "if !self.keep && matches!(self.bucket, Holder::Borrowed(_)) {",
        )],
        expect: Killed("tests/owned::an_owned_estimate_settles_anywhere_and_is_given_back_if_it_does_not"),
    },
    // Those who sleep.
    Fault {
        id: "sleeping-task-looks-before-it-listens",
        edits: &[edit(
            "wait/waiting.rs",
            "pub(crate) async fn sleep_on<",
            "listen!(limits_changed.event() => listener);\n            let Some(sleep) = left(&mut nap)?.map(|sleep| timer.sleep(sleep)) else { return Ok(()) };",
            "let Some(sleep) = left(&mut nap)?.map(|sleep| timer.sleep(sleep)) else { return Ok(()) };\n listen!(limits_changed.event() => listener);",
        )],
        expect: Killed("waking::a_task_that_falls_asleep_beside_a_resume_is_woken"),
    },
    // Pauses.
    Fault {
        id: "place-not-moved-by-a-change",
        edits: &[edit("decision/due.rs", "pub(crate) fn at(", "revision.number == self.revision", "revision.number >= self.revision")],
        expect: Killed("tests/set_limits::a_reservation_becomes_ready_earlier_if_the_rate_is_raised_and_later_if_it_is_lowered"),
    },
];
