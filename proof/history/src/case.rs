//! Owns the small random cases: a few limits, and what each of a few threads is to call.

use crate::naive::{Call, Kept, ORIGIN, Stream, Verb};
use crate::random::Random;

/// Limits, and a script for each thread.
#[derive(Clone, Debug)]
pub struct Case<const N: usize> {
    pub streams: [Stream; N],
    pub scripts: Vec<Vec<Call<N>>>,
}

/// Tokens per so many nanoseconds: rates that the crate counts exactly, so that one model fits all.
const RATES: [(u64, u64); 7] = [(1, 1), (2, 1), (9, 1), (1, 2), (1, 3), (7, 5), (1, 10)];

const MOST_THREADS: u64 = 3;
const MOST_CALLS: u64 = 4;

/// Readings of the clock go from a little before the construction to this long after it, in any
/// order.
const SPAN: u64 = 12;

impl<const N: usize> Case<N> {
    /// 2 or 3 threads of 1 to 4 calls, any verb at any time.
    pub fn random(random: &mut Random) -> Self {
        let streams = streams(random);
        // One stream has a limit that stays.
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
        let scripts = scripts.collect();
        Self { streams, scripts }
    }

    /// The same with a clock that stands, full at first, without debts and without what asks for
    /// the number of changes.
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

    /// The same with one thread, which calls what all of them would have.
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

/// One in three changes the limits, pauses or resumes.
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
    // Now and then more than the capacity, and now and then nothing.
    let amounts = streams.map(|stream| {
        let more = u64::from(random.one_in(8));
        random.between(0, stream.capacity + more)
    });
    match random.between(0, 18) {
        16 | 17 => Verb::Reserve(amounts),
        18 => Verb::Charge(amounts),
        0..=7 => Verb::TryTake(amounts),
        // What one stream is asked for is tokens, not items.
        8 | 9 => Verb::TakeUpTo(random.between(0, 4), if N == 1 { [1; N] } else { amounts.map(|n| n.min(2)) }),
        10 | 11 => Verb::PutBack(amounts),
        12 => Verb::Reset(amounts),
        // And it has no snapshot.
        13 if N > 1 => Verb::Snapshot,
        13 | 14 => Verb::Available,
        _ => Verb::WaitFor(amounts),
    }
}
