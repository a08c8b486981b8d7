//! Owns what a bucket in a `static` begins with. It never reads a clock.

use crate::clock::time::Time;
use crate::decision::limit_rule::LimitRule;
use crate::decision::limits::Limits;
use crate::decision::meter::{Meter, Parts};
use crate::limit::limit::Limit;

/// Makes limits ready for decisions from the clock's origin on.
///
/// It panics on a limit that a bucket cannot keep or that begins empty. In a `static` that is an
/// error of the compiler.
pub(super) const fn limits_from_zero<const N: usize>(configured: [Limit; N]) -> Limits<N> {
    const NONE: Meter = Meter::of_parts(Parts {
        whole: 0,
        part: 0,
        unit: 1,
        ceiling: 0,
        capacity: 1,
        precision: 0,
        starts_full: true,
        paused: false,
    });
    let mut streams = [NONE; N];
    let mut i = 0;
    while i < N {
        assert!(
            configured[i].starts_full,
            "a bucket of const_new counts from its clock's zero, so one that begins empty has filled long before"
        );
        streams[i] = match configured[i].meter() {
            Ok(meter) => meter,
            Err(LimitRule::ZeroCapacity) => panic!("a capacity is at least 1 token"),
            Err(LimitRule::RateTooFast) => panic!("a rate is at most about 1.18e12/s"),
            Err(_) => panic!("the capacity is too large for the rate: `Limit::check` says what the largest is"),
        };
        i += 1;
    }
    Limits { origin: Time::ZERO, streams }
}
