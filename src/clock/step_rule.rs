//! Owns the rule by which a clock that stepped back is believed. Pure; never an atomic, never a
//! clock.
//!
//! A reading is shown on a line: the reading plus an offset. There are two lines. The one in force
//! has the offset `ahead`. The other, `next`, begins where the newest time was shown when the clock
//! was first seen to be behind. It comes into force when it has gone on for the patience.
//!
//! ```text
//! shown     newest + patience ............. x  believed: `next` is in force from here on
//!           newest ----------x.  . . x . ' .   first seen behind: `next` begins
//!                       .' `ahead`
//! ```

/// What was shown, and the two lines. All in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Lines {
    /// The newest time that was noted. What was shown may be newer by less than what is noted.
    pub(super) newest: u64,
    /// What the line in force adds to a reading.
    pub(super) ahead: u64,
    /// What the line that waits adds to a reading. One that is not above `ahead` is none.
    pub(super) next: u64,
}

/// What a reading says about the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It goes on: show this time. There is no line to wait for.
    Runs(u64),
    /// It is behind by more than the patience, and this line begins: show the newest time.
    Doubts(u64),
    /// It has not been behind for the patience yet: show the newest time.
    Waits,
    /// It stepped back: `next` is in force, and shows this time.
    Believes(u64),
}

/// Judges a reading that was made after the lines were read.
pub(super) const fn judge(lines: Lines, read: u64, patience: u64) -> Verdict {
    let Lines { newest, ahead, next } = lines;
    let shown = read.saturating_add(ahead);
    if shown.saturating_add(patience) >= newest {
        return Verdict::Runs(if shown > newest { shown } else { newest });
    }
    let followed = read.saturating_add(next);
    if followed < newest {
        // Not below 0: the time shown is behind the newest one, and the reading is no more.
        Verdict::Doubts(newest - read)
    } else if followed - newest < patience {
        Verdict::Waits
    } else {
        Verdict::Believes(followed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// The clock without atomics.
    #[derive(Clone, Copy)]
    struct Shown {
        lines: Lines,
        patience: u64,
    }

    impl Shown {
        fn new(patience: u64) -> Self {
            Self { lines: Lines { newest: 0, ahead: 0, next: 0 }, patience }
        }

        fn show(&mut self, read: u64) -> u64 {
            let lines = &mut self.lines;
            match judge(*lines, read, self.patience) {
                Verdict::Runs(shown) => *lines = Lines { newest: shown, next: 0, ..*lines },
                Verdict::Doubts(next) => lines.next = next,
                Verdict::Waits => (),
                Verdict::Believes(shown) => *lines = Lines { newest: shown, ahead: lines.next, ..*lines },
            }
            lines.newest
        }
    }

    /// All sequences of so many readings below `most`, one after the other.
    fn sequences(len: u32, most: u64, mut each: impl FnMut(&[u64])) {
        for number in 0..most.pow(len) {
            let digit = |i| number / most.pow(i) % most;
            each(&(0..len).map(digit).collect::<Vec<_>>());
        }
    }

    #[test]
    fn no_sequence_of_readings_shows_more_than_the_clock_went_forward() {
        let (mut most, mut all) = (0, 0);
        for patience in 0..4 {
            sequences(6, 7, |reads| {
                let (mut clock, mut forward, mut before) = (Shown::new(patience), 0, 0);
                for (i, read) in reads.iter().enumerate() {
                    forward += read.saturating_sub(before);
                    before = *read;
                    let shown = clock.show(*read);
                    assert!(shown <= forward, "patience {patience}, {:?}: {shown} > {forward}", &reads[..=i]);
                    most = most.max(shown);
                }
                all += 1;
            });
        }
        // Steps that are taken back count again: the bound is reached, and is above any reading.
        assert_eq!((all, most), (4 * 7_u64.pow(6), 17));
    }

    #[test]
    fn readings_never_go_back_and_stop_for_twice_the_patience_at_most() {
        for patience in 0..4 {
            sequences(6, 7, |reads| {
                let (mut clock, mut shown) = (Shown::new(patience), 0);
                for read in reads {
                    let next = clock.show(*read);
                    assert!(next >= shown, "patience {patience}, {reads:?}: {next} after {shown}");
                    shown = next;
                }
                // From here on the clock only goes on: it is followed at its own pace.
                let last = reads[reads.len() - 1];
                let first = clock.show(last);
                for more in 1..=2 * patience {
                    clock.show(last + more);
                }
                let resumed = clock.show(last + 2 * patience + 1);
                assert!(resumed > first, "patience {patience}, {reads:?}: stands at {resumed}");
                assert_eq!(clock.show(last + 2 * patience + 100), resumed + 99);
            });
        }
    }

    #[test]
    fn a_step_back_costs_the_time_that_nobody_read() {
        let mut clock = Shown::new(10);
        assert_eq!(clock.show(1000), 1000);
        // 3 pass unseen, as the clock goes from 1003 to 103.
        assert_eq!([103, 104, 112, 113, 114].map(|read| clock.show(read)), [1000, 1000, 1000, 1010, 1011]);
    }

    #[test]
    fn a_small_step_back_is_made_up_for() {
        for step in 1..=40 {
            let mut clock = Shown::new(10);
            clock.show(1000);
            let stands = (1..100).take_while(|passed| clock.show(1000 - step + passed) == 1000).count() as u64;
            // The first reading after the step is 1 later than the step.
            assert_eq!(stands, if step <= 20 + 1 { step } else { 10 }, "a step by {step}");
        }
    }

    #[test]
    fn a_step_back_that_is_taken_back_before_it_is_believed_counts_nothing() {
        let mut clock = Shown::new(10);
        assert_eq!([1000, 100, 109, 1009, 1010].map(|read| clock.show(read)), [1000, 1000, 1000, 1009, 1010]);
        // What was doubted then is forgotten: a smaller step is judged by its own readings.
        assert_eq!([910, 919, 920].map(|read| clock.show(read)), [1010, 1010, 1020]);
    }

    #[test]
    fn a_step_back_that_is_taken_back_after_it_was_believed_counts_once_more() {
        let mut clock = Shown::new(10);
        assert_eq!([1000, 100, 110, 1011].map(|read| clock.show(read)), [1000, 1000, 1010, 1000 + 10 + 901]);
    }

    #[test]
    fn a_further_step_back_begins_anew() {
        let mut clock = Shown::new(10);
        assert_eq!([1000, 500, 509, 100, 109, 110].map(|read| clock.show(read)), [1000, 1000, 1000, 1000, 1000, 1010]);
    }

    #[test]
    fn at_the_end_of_the_range_it_stands() {
        let mut clock = Shown::new(10);
        assert_eq!([u64::MAX, 0, 10, u64::MAX].map(|read| clock.show(read)), [u64::MAX; 4]);
        let (mut clock, near) = (Shown::new(10), u64::MAX - 15);
        let shown = [near, 0, 12, 13, 30].map(|read| clock.show(read));
        assert_eq!(shown, [near, near, u64::MAX - 3, u64::MAX - 2, u64::MAX]);
        let mut clock = Shown::new(10);
        assert_eq!([near, 0, 20, 30].map(|read| clock.show(read)), [near, near, u64::MAX, u64::MAX]);
        let mut never = Shown::new(u64::MAX);
        assert_eq!([1000, 0, 999, u64::MAX].map(|read| never.show(read)), [1000, 1000, 1000, u64::MAX]);
    }
}
