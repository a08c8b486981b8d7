//! Owns one reading of a clock of the kernel. It never says which.

use rustix::time::{ClockId, clock_gettime};

use crate::clock::time::Time;

#[inline]
pub(crate) fn read(clock: ClockId) -> Time {
    let read = clock_gettime(clock);
    // 584 years fit.
    Time::from_nanos((read.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(read.tv_nsec as u64))
}
