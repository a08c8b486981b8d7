//! Owns the small random cases: a few limits, and the calls of a few threads. It never makes a
//! call.

use crate::naive::{Call, Kept, ORIGIN, Stream, Verb};
use crate::random::Random;

/// The limits of a case, and a script for each thread.
#[derive(Clone, Debug)]
pub struct Case<const N: usize> {
    pub streams: [Stream; N],
    pub scripts: Vec<Vec<Call<N>>>,
}

/// Rates, as tokens per nanoseconds. The crate counts them exactly, so one model fits all.
const RATES: [(u64, u64); 7] = [(1, 1), (2, 1), (9, 1), (1, 2), (1, 3), (7, 5), (1, 10)];

const MOST_THREADS: u64 = 3;
const MOST_CALLS: u64 = 4;

/// The span of clock readings after construction, in nanoseconds.
///
/// Readings begin a little before construction, and come in any order.
const SPAN: u64 = 12;

impl<const N: usize> Case<N> {
    /// Makes a case of 2 or 3 threads, with 1 to 4 calls each.
    ///
    /// Any verb may come at any time.
    pub fn random(random: &mut Random) -> Self {
        let streams = streams(random);
        // A bucket of one stream has a fixed limit.
        let changing = N > 1 && random.one_in(2);
        let threads = random.between(2, MOST_THREADS);
        let scripts = (0..threads).map(|_| {
            let calls = random.between(1, MOST_CALLS);
            (0..calls)
                .map(|_| Call {
                    now: random.between(ORIGIN - 2, ORIGIN + SPAN),
                    verb: if changing { changing_verb(&streams, random) } else { verb(&streams, random) },
                })
                .collect()
        });
        let mut scripts: Vec<Vec<Call<N>>> = scripts.collect();
        // A reset leaves owed what is reserved and not yet kept, and a call of a history is both
        // steps. So no case has resets and reservations: tests/reset.rs and loom-tests have them.
        let resets = random.one_in(2);
        for call in scripts.iter_mut().flatten() {
            call.verb = match call.verb {
                Verb::Reserve(amounts) | Verb::Hold(amounts) if resets => Verb::Charge(amounts),
                Verb::Reset(_) if !resets => Verb::Available,
                verb => verb,
            };
        }
        Self { streams, scripts }
    }

    /// Makes a case with a clock that stands still.
    ///
    /// The bucket is full at first. No verb goes into debt or asks for the number of changes.
    pub fn standing_still(random: &mut Random) -> Self {
        let Self { streams, mut scripts } = Self::random(random);
        for call in scripts.iter_mut().flatten() {
            let verb = match call.verb {
                Verb::Snapshot | Verb::SetLimits(..) | Verb::Pause(_) | Verb::Resume => Verb::Available,
                Verb::Reserve(amounts) | Verb::Hold(amounts) | Verb::Charge(amounts) => Verb::TryTake(amounts),
                verb => verb,
            };
            *call = Call { now: ORIGIN, verb };
        }
        Self { streams: streams.map(|stream| Stream { starts_full: true, ..stream }), scripts }
    }

    /// Moves all calls of the case to one thread.
    pub fn alone(self) -> Self {
        Self { scripts: vec![self.scripts.concat()], ..self }
    }
}

fn streams<const N: usize>(random: &mut Random) -> [Stream; N] {
    std::array::from_fn(|_| {
        let (num, den) = random.of(&RATES);
        Stream { num, den, capacity: random.between(1, 6), starts_full: !random.one_in(4) }
    })
}

/// Draws a verb; one in three changes the limits, pauses or resumes.
fn changing_verb<const N: usize>(now: &[Stream; N], random: &mut Random) -> Verb<N> {
    match random.between(0, 11) {
        0 | 1 => {
            let kept = random.of(&[Kept::Tokens, Kept::Proportion, Kept::TokensAndMore, Kept::Nothing]);
            Verb::SetLimits(streams(random), kept)
        }
        2 => Verb::Pause((!random.one_in(3)).then(|| random.between(0, SPAN))),
        3 => Verb::Resume,
        _ => match verb(now, random) {
            Verb::Reserve(amounts) => Verb::Hold(amounts),
            verb => verb,
        },
    }
}

fn verb<const N: usize>(streams: &[Stream; N], random: &mut Random) -> Verb<N> {
    // Sometimes above the capacity, and sometimes 0.
    let amounts = streams.map(|stream| {
        let more = u64::from(random.one_in(8));
        random.between(0, stream.capacity + more)
    });
    match random.between(0, 18) {
        16 | 17 => Verb::Reserve(amounts),
        18 => Verb::Charge(amounts),
        0..=7 => Verb::TryTake(amounts),
        // A bucket of one stream counts tokens, not items.
        8 | 9 => Verb::TakeUpTo(random.between(0, 4), if N == 1 { [1; N] } else { amounts.map(|n| n.min(2)) }),
        10 | 11 => Verb::PutBack(amounts),
        12 => Verb::Reset(amounts),
        // It has no snapshot, either.
        13 if N > 1 => Verb::Snapshot,
        13 | 14 => Verb::Available,
        _ => Verb::WaitFor(amounts),
    }
}
