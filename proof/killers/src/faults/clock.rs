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
];
