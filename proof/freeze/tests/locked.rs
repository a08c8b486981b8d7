//! The experiment can fail: here it runs on a seqlock whose writers hold it.

use freeze_points::Point;
use freeze_tests::{Locked, each_point};

/// A writer stopped between its lock and its unlock stops all other threads.
///
/// A thread stopped elsewhere, or in a reader, stops none.
#[test]
fn everybody_waits_for_a_writer_that_holds_the_seqlock() {
    let mut waits = Vec::new();
    each_point::<Locked>(|at| {
        let holds = at.verb != "available" && at.point >= 2;
        assert_eq!(at.others_wait, holds, "{at:?}");
        waits.extend(at.others_wait.then_some(at.before));
    });
    let stores = waits.iter().filter(|before| **before == Point::Store).count();
    assert_eq!(
        stores,
        3 + 3 + 1,
        "two stores and the unlock of each writer, and the unlock of the one that is refused"
    );
}
