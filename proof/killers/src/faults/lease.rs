//! Faults in leases.

use crate::fault::Expect::Killed;
use crate::fault::{Fault, edit};

pub(super) const FAULTS: &[Fault] = &[
    // Leases and batches.
    Fault {
        id: "lease-holds-more-than-it-fetched",
        edits: &[edit("lease/chunk.rs", "fn fetch(", "self.held[i] += taken[i];", "self.held[i] += taken[i] + 1;")],
        expect: Killed("lease::two_leases_share_the_last_tokens"),
    },
    Fault {
        id: "lease-fetches-what-another-got",
        edits: &[edit(
            "lease/chunk.rs",
            "fn fetch(",
            "let fetch = |limits: &Limits<N>, spent: &[u64; N]| {",
            "let first = store.read(|_, spent| *spent);
        let fetch = |limits: &Limits<N>, spent: &[u64; N]| {
            let _ = spent;
            let spent = &first;",
        )],
        expect: Killed("lease::two_leases_share_the_last_tokens"),
    },
    Fault {
        id: "lease-drop-gives-back-twice",
        edits: &[edit(
            "lease/lease.rs",
            "fn drop",
            "self.give_back();",
            "let held = self.chunk.held;\n self.give_back();\n self.chunk.held = held;\n self.give_back();",
        )],
        expect: Killed("lease::what_a_dropped_lease_gives_back_is_there_once"),
    },
    Fault {
        id: "lease-drop-keeps-what-is-left",
        edits: &[edit("lease/lease.rs", "fn drop", "self.give_back();", "")],
        expect: Killed("lease::what_a_dropped_lease_gives_back_is_there_once"),
    },
    // Pauses.
    Fault {
        id: "pause-lends",
        edits: &[edit("lease/chunk.rs", "pub(crate) fn fetch(", "|limits| limits.pause_left(now)", "|_| 0")],
        expect: Killed("tests/pause::a_lease_spends_what_it_holds_and_fetches_nothing"),
    },
    Fault {
        id: "lease-holds-more-than-it-counts",
        edits: &[edit("lease/chunk.rs", "let room = |i: usize|", "bound[i].min(u64::MAX - held[i])", "bound[i]")],
        expect: Killed("tests/unlimited::a_lease_holds_as_much_as_can_be_counted_and_no_more"),
    },
];
