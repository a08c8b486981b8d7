//! Faults in the clocks.

use crate::fault::Expect::{Harmless, Killed};
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    // The arithmetic, as far as threads and a moving clock can tell.
    Fault {
        id: "elapsed-wraps-before-the-origin",
        edits: &[edit("clock/time.rs", "fn nanos_since", "saturating_sub", "wrapping_sub")],
        expect: Killed("time::a_clock_behind_the_origin_mints_nothing"),
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
    // Steps back: what threads see of each other.
    Fault {
        id: "recovering-newest-seen-relaxed",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "self.newest.load(Acquire)",
            "self.newest.load(Relaxed)",
        )],
        expect: Killed("time::a_clock_that_goes_on_is_believed"),
    },
    Fault {
        id: "recovering-newest-noted-relaxed",
        edits: &[edit(
            "clock/recovering.rs",
            "fn note",
            "self.newest.fetch_max(shown, Release)",
            "self.newest.fetch_max(shown, Relaxed)",
        )],
        expect: Killed("time::a_clock_that_goes_on_is_believed"),
    },
    Fault {
        id: "recovering-newest-store",
        edits: &[edit(
            "clock/recovering.rs",
            "fn note",
            "self.newest.fetch_max(shown, Release)",
            "self.newest.store(shown, Release)",
        )],
        expect: Killed("time::a_step_back_shows_the_newest_time"),
    },
    Fault {
        id: "recovering-notes-nothing",
        edits: &[edit("clock/recovering.rs", "fn note", "self.newest.fetch_max(shown, Release);", "")],
        expect: Killed("time::a_step_back_shows_the_newest_time"),
    },
    Fault {
        id: "recovering-offset-seen-relaxed",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "self.ahead.load(Acquire)",
            "self.ahead.load(Relaxed)",
        )],
        expect: Killed("time::a_reading_from_before_a_step_back_is_not_shown_on_the_line_after_it"),
    },
    Fault {
        id: "recovering-offset-set-relaxed",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "self.ahead.compare_exchange(ahead, next, Release, Relaxed)",
            "self.ahead.compare_exchange(ahead, next, Relaxed, Relaxed)",
        )],
        expect: Killed("time::a_reading_from_before_a_step_back_is_not_shown_on_the_line_after_it"),
    },
    Fault {
        id: "recovering-offset-store",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "match self.ahead.compare_exchange(ahead, next, Release, Relaxed) {",
            "self.ahead.store(next, Release);
            match Ok::<u64, u64>(next) {",
        )],
        expect: Killed("time::who_believes_late_puts_no_older_line_in_force"),
    },
    Fault {
        id: "recovering-line-seen-relaxed",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "self.next.load(Acquire)",
            "self.next.load(Relaxed)",
        )],
        expect: Killed("time::a_reading_from_before_a_second_step_back_is_not_shown_on_the_line_after_it"),
    },
    Fault {
        id: "recovering-line-stored-relaxed",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "self.next.store(line, Release)",
            "self.next.store(line, Relaxed)",
        )],
        expect: Killed("time::a_reading_from_before_a_second_step_back_is_not_shown_on_the_line_after_it"),
    },
    Fault {
        id: "recovering-doubts-for-good",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "self.next.store(0, Relaxed);",
            "",
        )],
        expect: Killed("lib::clock::recovering::tests::a_doubt_is_forgotten_when_it_is_over"),
    },
    Fault {
        id: "recovering-reads-first",
        edits: &[
            edit(
                "clock/recovering.rs",
                "impl<C: Clock> Clock for Recovering<C>",
                "let read = self.clock.now().as_nanos();",
                "",
            ),
            edit(
                "clock/recovering.rs",
                "impl<C: Clock> Clock for Recovering<C>",
                "let newest = self.newest.load(Acquire);",
                "let read = self.clock.now().as_nanos();
                let newest = self.newest.load(Acquire);",
            ),
        ],
        expect: Killed("time::a_reading_from_before_a_step_back_is_not_shown_on_the_line_after_it"),
    },
    // Steps back: the rule.
    Fault {
        id: "step-believed-at-once",
        edits: &[edit("clock/step_rule.rs", "const fn judge", "followed - newest < patience", "false")],
        expect: Killed(
            "lib::clock::step_rule::tests::a_step_back_that_is_taken_back_before_it_is_believed_counts_nothing",
        ),
    },
    Fault {
        id: "step-never-too-small",
        edits: &[edit(
            "clock/step_rule.rs",
            "const fn judge",
            "shown.saturating_add(patience) >= newest",
            "shown >= newest",
        )],
        expect: Killed("lib::clock::step_rule::tests::a_small_step_back_is_made_up_for"),
    },
    Fault {
        id: "step-older-than-the-newest",
        edits: &[edit("clock/step_rule.rs", "const fn judge", "if shown > newest { shown } else { newest }", "shown")],
        expect: Killed("lib::clock::step_rule::tests::readings_never_go_back_and_stop_for_twice_the_patience_at_most"),
    },
    Fault {
        id: "step-line-from-what-was-shown",
        edits: &[edit("clock/step_rule.rs", "const fn judge", "Doubts(newest - read)", "Doubts(newest - shown)")],
        expect: Killed("lib::clock::step_rule::tests::readings_never_go_back_and_stop_for_twice_the_patience_at_most"),
    },
    Fault {
        id: "step-in-force-wraps-at-the-end",
        edits: &[edit(
            "clock/step_rule.rs",
            "const fn judge",
            "read.saturating_add(ahead)",
            "read.wrapping_add(ahead)",
        )],
        expect: Killed("lib::clock::step_rule::tests::at_the_end_of_the_range_it_stands"),
    },
    Fault {
        id: "step-wraps-at-the-end",
        edits: &[edit("clock/step_rule.rs", "const fn judge", "read.saturating_add(next)", "read.wrapping_add(next)")],
        expect: Killed("lib::clock::step_rule::tests::at_the_end_of_the_range_it_stands"),
    },
    // Clocks that lag.
    Fault {
        id: "monotonic-has-a-rough-reading",
        edits: &[edit(
            "clock/monotonic.rs",
            "impl<C: Clock> Clock for Monotonic<C>",
            "#[inline]",
            "fn rough(&self) -> Option<Time> { self.clock.rough() }\n #[inline]",
        )],
        expect: Killed("tests/tiered::pointers_pass_the_rough_reading_on_and_wrappers_that_promise_more_do_not"),
    },
    Fault {
        id: "recovering-has-a-rough-reading",
        edits: &[edit(
            "clock/recovering.rs",
            "impl<C: Clock> Clock for Recovering<C>",
            "#[inline]",
            "fn rough(&self) -> Option<Time> { self.clock.rough() }\n #[inline]",
        )],
        expect: Killed("tests/tiered::pointers_pass_the_rough_reading_on_and_wrappers_that_promise_more_do_not"),
    },
    Fault {
        id: "coarse-ahead-by-a-tick",
        edits: &[edit(
            "clock/coarse.rs",
            "impl Clock for CoarseClock",
            "read(ClockId::MonotonicCoarse)",
            "read(ClockId::MonotonicCoarse).after(Self::tick())",
        )],
        expect: Killed("tests/coarse_clock::the_coarse_clock_is_never_ahead_of_the_precise_one"),
    },
    Fault {
        id: "recent-ahead-by-an-offset",
        edits: &[edit(
            "clock/recent.rs",
            "pub(crate) fn recent(",
            "checked_sub(self.origin)",
            "checked_sub(self.origin - (1 << 20))",
        )],
        expect: Killed("tests/recent_clock::the_recent_time_is_never_ahead_of_the_precise_clock"),
    },
    Fault {
        id: "recent-is-not-read",
        edits: &[edit("sync/published.rs", "pub(crate) fn get(", "self.0.load(Relaxed)", "0")],
        expect: Killed("tests/recent_clock::with_an_upkeep_it_goes_on_and_after_it_the_time_stands_and_mints_nothing"),
    },
    Fault {
        id: "recent-is-not-written",
        edits: &[edit("sync/published.rs", "pub(crate) fn set(", "self.0.store(number, Relaxed);", "let _ = number;")],
        expect: Killed("tests/recent_clock::with_an_upkeep_it_goes_on_and_after_it_the_time_stands_and_mints_nothing"),
    },
    Fault {
        id: "recent-of-before-the-origin",
        edits: &[edit(
            "clock/recent.rs",
            "pub(crate) fn recent(",
            "checked_sub(self.origin)",
            "checked_sub(self.origin.min(1 << 20))",
        )],
        expect: Killed("tests/recent_clock::an_upkeep_that_stopped_before_the_clock_was_made_counts_as_none"),
    },
    Fault {
        id: "upkeep-beside-another",
        edits: &[edit("clock/upkeep.rs", "pub fn start(", "runs.strong_count() > 0", "runs.strong_count() > 1")],
        expect: Killed("tests/recent_clock::a_second_upkeep_is_an_error_until_the_first_is_dropped"),
    },
    Fault {
        id: "recent-without-fallback",
        edits: &[edit(
            "clock/recent.rs",
            "impl Clock for RecentClock",
            "unwrap_or_else(|| self.precise.now())",
            "unwrap_or(Time::ZERO)",
        )],
        expect: Killed("tests/recent_clock::without_an_upkeep_it_shows_what_the_precise_clock_does"),
    },
    Fault {
        id: "recent-never-without-fallback",
        edits: &[edit(
            "clock/recent.rs",
            "impl Clock for RecentClock",
            "self.recent().unwrap_or_else(|| self.precise.now())",
            "self.precise.now()",
        )],
        expect: Killed("tests/recent_clock::with_an_upkeep_it_goes_on_and_after_it_the_time_stands_and_mints_nothing"),
    },
    Fault {
        id: "tiered-of-two-origins",
        edits: &[edit(
            "clock/tiered.rs",
            "pub fn tsc",
            "let precise = TscClock::new();
        let coarse = precise.recent();",
            "let coarse = RecentClock::new();
        let precise = TscClock::new();",
        )],
        expect: Killed("tests/recent_clock::the_recent_time_is_never_ahead_of_the_precise_clock"),
    },
];
