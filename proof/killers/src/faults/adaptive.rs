//! Faults in the factor of an adaptive bucket.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    // The factor of an adaptive bucket.
    Fault {
        id: "adaptive-limit-not-looked-at-again",
        edits: &[edit("adaptive/adaptive.rs", "fn apply", "self.words.is_current(seen)", "seen == seen")],
        expect: Killed("adaptive::the_last_factor_stays"),
    },
    Fault {
        id: "adaptive-limit-that-seems-right",
        edits: &[edit("adaptive/adaptive.rs", "fn apply", "new || self.bucket", "self.bucket")],
        expect: Killed("adaptive::the_last_factor_stays"),
    },
    Fault {
        id: "adaptive-every-outcome-is-an-event",
        edits: &[edit(
            "adaptive/step_state.rs",
            "pub(crate) fn next",
            "report != Report::Time && now >= attentive",
            "report != Report::Time",
        )],
        expect: Killed("adaptive::two_refused_at_once_are_one_event"),
    },
];
