//! The rows of the table that a test elsewhere shows.

use lessons::later;

#[test]
fn rows_without_a_test_are_named() {
    later("seqlock-style composites", "a preempted writer stops everyone: no peer of that kind", "proof/freeze");
}
