//! Owns the list of kinds. Never how one decides.

use std::time::Duration;

use crate::bench::contestant::{
    Contestant, Done, Gated, Handles, Keyed, Leases, Locked, One, Several, Striped, check, window,
};

/// A kind of bucket, as it is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// Streams of each decision.
    pub(crate) streams: usize,
    pub(crate) check: fn() -> Result<(), String>,
    /// Measures a window: whether calls are granted, the threads, and the length.
    pub(crate) measure: fn(bool, usize, Duration) -> Done,
}

impl Kind {
    const fn of<C: Contestant>(name: &'static str, streams: usize) -> Self {
        Self { name, streams, check: check::<C>, measure: measure::<C> }
    }
}

/// Makes a bucket, and lets threads decide on it.
fn measure<C: Contestant>(granted: bool, threads: usize, length: Duration) -> Done {
    let contestant = C::new(if granted { None } else { Some(0) });
    window(&contestant, threads, length)
}

/// The keys of the row with many keys.
pub(crate) const MANY: u64 = 10_000;

/// All kinds, in the order of the table.
pub(crate) const KINDS: [Kind; 12] = [
    Kind::of::<One>("TokenBucket", 1),
    Kind::of::<Several<1>>("MultiBucket<1>", 1),
    Kind::of::<Several<2>>("MultiBucket<2>", 2),
    Kind::of::<Handles<1>>("Handle of MultiBucket<1>", 1),
    Kind::of::<Handles<2>>("Handle of MultiBucket<2>", 2),
    Kind::of::<Leases>("Lease of TokenBucket", 1),
    Kind::of::<Striped<1>>("StripedBucket<1>", 1),
    Kind::of::<Striped<2>>("StripedBucket<2>", 2),
    Kind::of::<Keyed<1>>("KeyedBuckets, one key", 1),
    Kind::of::<Keyed<MANY>>("KeyedBuckets, 10,000 keys", 1),
    Kind::of::<Gated>("Gate: a key's and all", 2),
    Kind::of::<Locked>("Mutex, two counters", 2),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_grants_what_it_has_and_no_more() {
        for kind in KINDS {
            assert_eq!((kind.check)(), Ok(()), "{}", kind.name);
        }
    }

    #[test]
    fn a_window_of_several_threads_counts_all_calls() {
        for kind in KINDS {
            for threads in [1, 2, 3] {
                let done = (kind.measure)(true, threads, Duration::from_millis(1));
                assert!(done.calls >= threads as u64 * 64, "{}: {done:?}", kind.name);
                assert_eq!(done.granted, done.calls, "{}", kind.name);
                assert!(done.nanos.is_finite() && done.nanos > 0.0, "{}: {done:?}", kind.name);
                let done = (kind.measure)(false, threads, Duration::from_millis(1));
                assert_eq!(done.granted, 0, "{}", kind.name);
            }
        }
    }
}
